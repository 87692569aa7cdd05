//! The machine against honest and lying peers, in virtual time. A proof is one byte here: 1 holds, 0 is forged.

use std::collections::VecDeque;

use light_client::crypto::Hash;

use super::*;
use crate::network::messages::Bytes;

const TOTAL: u64 = 50_000;
const HEIGHT: u64 = 5_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Honest,
    /// Never answers.
    Silent,
    /// Sends a forged proof of finality.
    FalseFinality,
    /// Sends a forged beginning.
    FalseBase,
    /// Sends forged entries.
    FalseLeaves,
    /// Has only the first half.
    Half,
    /// Gives a few entries at a time.
    Stingy,
    /// Says it is far ahead, and is not.
    Boasts,
    /// Gives more than was asked for.
    Generous,
}

struct World {
    machine: SnapshotSync,
    now: Time,
    peers: Vec<(PeerId, Manner)>,
    mail: VecDeque<(Time, Effect)>,
    faults: Vec<(PeerId, Fault)>,
    given: BTreeMap<PeerId, u64>,
    stored: BTreeMap<u64, u64>,
    forgotten: Vec<bool>,
    installed: bool,
    most_open: usize,
}

fn id(number: u32) -> PeerId {
    let mut bytes = vec![0, 4];
    bytes.extend(number.to_be_bytes());
    PeerId::from_bytes(&bytes).unwrap()
}

fn block() -> FinalBlock {
    FinalBlock { id: Hash([7; 32]), height: Height(HEIGHT), headers_root: Hash::ZERO }
}

impl World {
    fn new(manners: &[Manner], begun: Option<Begun>) -> Self {
        let now = Time(1_000_000);
        let stored = begun.iter().flat_map(|begun| begun.taken.clone()).collect();
        let mut machine = SnapshotSync::new(Limits::default(), (Hash([1; 32]), false), Height(0), begun, now);
        let peers: Vec<_> = (1..).zip(manners).map(|(number, manner)| (id(number), *manner)).collect();
        for (peer, _) in &peers {
            let height = Height(HEIGHT + 10);
            machine.peer(
                *peer,
                Tip {
                    head: Hash([9; 32]),
                    height,
                    weight: 1,
                    final_height: Height(HEIGHT),
                    kept_from: Height(0),
                },
            );
        }
        Self {
            machine,
            now,
            peers,
            mail: VecDeque::new(),
            faults: Vec::new(),
            given: BTreeMap::new(),
            stored,
            forgotten: Vec::new(),
            installed: false,
            most_open: 0,
        }
    }

    fn run(&mut self, seconds: u64) {
        let until = self.now.plus_ms(seconds * 1_000);
        while self.now < until && self.machine.is_active() {
            self.machine.tick(self.now);
            self.collect();
            while self.mail.front().is_some_and(|(at, _)| *at <= self.now) {
                let (_, effect) = self.mail.pop_front().unwrap();
                self.carry_out(effect);
                self.collect();
            }
            self.most_open = self.most_open.max(self.machine.open.len());
            self.now = self.now.plus_ms(20);
        }
    }

    fn collect(&mut self) {
        for effect in self.machine.effects() {
            match effect {
                Effect::Fault { peer, fault } => {
                    self.faults.push((peer, fault));
                    if fault.points() >= 100 {
                        self.machine.gone(&peer);
                    }
                }
                Effect::Ask { .. } => self.mail.push_back((self.now.plus_ms(60), effect)),
                _ => self.mail.push_back((self.now, effect)),
            }
        }
        self.mail.make_contiguous().sort_by_key(|(at, _)| *at);
    }

    fn carry_out(&mut self, effect: Effect) {
        let now = self.now;
        let lie = |holds: bool| (!holds).then(|| "forged".to_owned());
        match effect {
            Effect::Ask { peer, id, request } => {
                if let Some(response) = self.answer(&peer, request) {
                    self.machine.answered(id, response, now);
                }
            }
            Effect::Check { peer, proof } => {
                let shown = match proof[0] {
                    0 => Shown::Lie("forged".to_owned()),
                    1 => Shown::Final(block()),
                    _ => Shown::Nothing,
                };
                self.machine.shown(&peer, shown, now);
            }
            Effect::Begin { peer, block: asked, base } => {
                assert_eq!(asked, block().id);
                let begun = lie(base[0] == 1).map_or(Taking::Taken(TOTAL), Taking::Lie);
                self.machine.begun(&peer, Some(begun), now);
            }
            Effect::Take { peer, first, count, proof } => {
                let taken = match lie(proof[0] == 1) {
                    Some(lie) => Taking::Lie(lie),
                    None => {
                        assert_eq!(self.stored.insert(first, count.into()), None, "asked for twice");
                        *self.given.entry(peer).or_default() += u64::from(count);
                        Taking::Taken(())
                    }
                };
                self.machine.taken(&peer, first, count, Some(taken), now);
            }
            Effect::Install => {
                let mut next = 0;
                for (first, count) in &self.stored {
                    assert_eq!(*first, next, "no gap and nothing twice");
                    next += count;
                }
                assert_eq!(next, TOTAL);
                self.installed = true;
                self.machine.installed(true, now);
            }
            Effect::Forget { for_good } => {
                self.stored.clear();
                self.forgotten.push(for_good);
            }
            Effect::Fault { .. } => {}
        }
    }

    fn answer(&self, peer: &PeerId, request: Request) -> Option<Response> {
        let (_, manner) = self.peers.iter().find(|(known, _)| known == peer)?;
        let proof = |honest: bool| Bytes(vec![u8::from(honest)]);
        Some(match (request, manner) {
            (_, Manner::Silent) => return None,
            (Request::Finality { .. }, Manner::Boasts) => Response::Finality(Some(Bytes(vec![2]))),
            (Request::Finality { .. }, manner) => {
                Response::Finality(Some(proof(*manner != Manner::FalseFinality)))
            }
            (Request::SnapshotBase { .. }, manner) => {
                Response::SnapshotBase(Some(proof(*manner != Manner::FalseBase)))
            }
            (Request::SnapshotLeaves { first, .. }, Manner::Half) if first >= TOTAL / 2 => {
                Response::SnapshotLeaves(None)
            }
            (Request::SnapshotLeaves { first, count, .. }, manner) => {
                assert!(first + u64::from(count) <= TOTAL);
                let given = match manner {
                    Manner::Stingy => count.min(100),
                    Manner::Generous => count + 1,
                    _ => count,
                };
                Response::SnapshotLeaves(Some((given, proof(*manner != Manner::FalseLeaves))))
            }
            (other, _) => panic!("this machine does not ask it: {other:?}"),
        })
    }
}

#[test]
fn a_state_comes_from_several_peers_at_once() {
    let mut world = World::new(&[Manner::Honest, Manner::Honest, Manner::Stingy], None);
    world.run(60);
    assert!(world.installed);
    assert_eq!((world.faults.clone(), world.forgotten.clone()), (vec![], vec![]));
    assert!(world.given[&id(1)] > TOTAL / 4 && world.given[&id(2)] > TOTAL / 4, "{:?}", world.given);
    assert!(world.most_open <= 3 * 2, "{}", world.most_open);
}

#[test]
fn whoever_lies_stalls_or_gives_half_is_charged_and_another_is_asked() {
    for (manner, fault) in [
        (Manner::Silent, Fault::Stalled),
        (Manner::FalseFinality, Fault::FalseProof),
        (Manner::FalseBase, Fault::FalseProof),
        (Manner::FalseLeaves, Fault::FalseProof),
        (Manner::Half, Fault::HalfSnapshot),
        (Manner::Boasts, Fault::FalseTip),
        (Manner::Generous, Fault::WrongAnswer),
    ] {
        // It is asked first.
        let mut world = World::new(&[manner, Manner::Honest], None);
        world.run(300);
        assert!(world.installed, "{manner:?}: {:?} {:?}", world.machine.stage, world.faults);
        assert!(world.faults.contains(&(id(1), fault)), "{manner:?}: {:?}", world.faults);
        assert!(world.faults.iter().all(|(peer, _)| *peer == id(1)), "{manner:?}: {:?}", world.faults);
    }
}

#[test]
fn what_was_taken_before_is_not_asked_for_again() {
    let taken = vec![(0, 20_000), (30_000, 10_000)];
    let begun = Begun { block: block(), total: TOTAL, taken };
    let mut world = World::new(&[Manner::Honest], Some(begun));
    let progress = world.machine.progress(world.now).unwrap();
    assert_eq!((progress.taken, progress.total), (30_000, TOTAL));
    world.run(60);
    assert!(world.installed);
    assert_eq!(world.given[&id(1)], 20_000);
}

#[test]
fn without_anybody_who_can_prove_a_state_blocks_are_fetched() {
    let mut world = World::new(&[Manner::Boasts], None);
    world.run(100);
    assert!(!world.machine.is_active() && !world.installed);
    assert_eq!(world.forgotten, [true]);
    // Nobody was met yet, or whoever was is banned: it waits for somebody.
    for manners in [&[][..], &[Manner::FalseFinality, Manner::FalseFinality]] {
        let mut world = World::new(manners, None);
        world.run(100);
        assert!(world.machine.is_active() && world.forgotten.is_empty(), "{manners:?}");
    }
    // Those that have half a state are tried some times, not for ever.
    let mut world = World::new(&[Manner::Half, Manner::Half], None);
    world.run(600);
    assert!(!world.machine.is_active() && !world.installed);
    assert_eq!(world.forgotten.last(), Some(&true));
}

#[test]
fn a_peer_that_goes_takes_no_entries_with_it() {
    let mut world = World::new(&[Manner::Honest, Manner::Silent], None);
    world.run(2);
    world.machine.gone(&id(2));
    world.run(60);
    assert!(world.installed, "{:?}", world.machine.stage);
}

#[test]
fn a_node_that_wants_none_does_nothing() {
    let mut machine = SnapshotSync::over(Limits::default());
    machine.peer(id(1), Tip { final_height: Height(9_999), ..Tip::default() });
    machine.tick(Time(1));
    assert!(!machine.is_active() && machine.effects().is_empty());
}
