//! The machine against honest and lying peers, in virtual time. A proof is one byte here: 1 holds, 0 is forged; what it
//! is about stands behind it.

use std::collections::VecDeque;

use light_client::crypto::Hash;

use super::*;
use crate::{
    network::messages::Bytes,
    tests::simulation::{Random, play_seeds},
};

const TOTAL: u64 = 50_000;
/// Where the chain stands in the beginning.
const HEIGHT: u64 = 5_000;
/// States that peers keep.
const KEPT: u64 = 900;

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
    /// Always says that it is busy.
    Busy,
}

impl Manner {
    const HOSTILE: [Self; 8] = [
        Self::Silent,
        Self::FalseFinality,
        Self::FalseBase,
        Self::FalseLeaves,
        Self::Half,
        Self::Boasts,
        Self::Generous,
        Self::Busy,
    ];
}

struct World {
    machine: SnapshotSync,
    random: Random,
    now: Time,
    /// When the chain stood at [`HEIGHT`], and how long a block of it takes; `None` if it stands still.
    chain: (Time, Option<u64>),
    peers: Vec<(PeerId, Manner)>,
    /// Milliseconds that an answer takes, from and to.
    latency: (u64, u64),
    mail: VecDeque<(Time, Effect)>,
    faults: Vec<(PeerId, Fault)>,
    given: BTreeMap<PeerId, u64>,
    /// Whose state is stored, and which parts of it.
    begun: Option<FinalBlock>,
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

fn block_at(height: u64) -> FinalBlock {
    let mut id = [7; 32];
    id[..8].copy_from_slice(&height.to_be_bytes());
    FinalBlock { id: Hash(id), height: Height(height), headers_root: Hash::ZERO }
}

fn block() -> FinalBlock {
    block_at(HEIGHT)
}

fn height_of(id: &BlockId) -> u64 {
    u64::from_be_bytes(id.as_bytes()[..8].try_into().unwrap())
}

impl World {
    fn new(manners: &[Manner], begun: Option<Begun>) -> Self {
        let now = Time(1_000_000);
        let mut world = Self {
            machine: SnapshotSync::over(Limits::default()),
            random: Random::new(0),
            now,
            chain: (now, None),
            peers: (1..).zip(manners).map(|(number, manner)| (id(number), *manner)).collect(),
            latency: (60, 60),
            mail: VecDeque::new(),
            faults: Vec::new(),
            given: BTreeMap::new(),
            begun: begun.as_ref().map(|begun| begun.block),
            stored: begun.iter().flat_map(|begun| begun.taken.clone()).collect(),
            forgotten: Vec::new(),
            installed: false,
            most_open: 0,
        };
        world.start();
        world.peers.clone().iter().for_each(|(peer, _)| world.meet(*peer));
        world
    }

    /// A process begins, with what is stored.
    fn start(&mut self) {
        let taken = self.stored.iter().map(|(first, count)| (*first, *count)).collect();
        let begun = self.begun.map(|block| Begun { block, total: TOTAL, taken });
        let trusted = (Hash([1; 32]), false);
        self.machine = SnapshotSync::new(Limits::default(), trusted, Height(0), begun, self.now);
        self.mail.clear();
    }

    /// The newest final block.
    fn newest(&self) -> u64 {
        let (since, block_ms) = self.chain;
        HEIGHT + block_ms.map_or(0, |block_ms| self.now.ms_since(since) / block_ms)
    }

    fn meet(&mut self, peer: PeerId) {
        let (head, final_height) = (Hash([9; 32]), Height(self.newest()));
        let height = Height(final_height.0 + 10);
        self.machine.peer(peer, Tip { head, height, weight: 1, final_height, kept_from: Height(0) });
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
                Effect::Ask { .. } => {
                    let (least, most) = self.latency;
                    let takes = least + self.random.below(most - least + 1);
                    self.mail.push_back((self.now.plus_ms(takes), effect));
                }
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
                    1 => Shown::Final(block_at(u64::from_be_bytes(proof[1..9].try_into().unwrap()))),
                    _ => Shown::Nothing,
                };
                self.machine.shown(&peer, shown, now);
            }
            Effect::Begin { peer, block, base } => {
                let begun = lie(base[0] == 1).map_or(Taking::Taken(TOTAL), Taking::Lie);
                if let Taking::Taken(_) = begun {
                    self.begun = Some(block_at(height_of(&block)));
                    self.stored.clear();
                }
                self.machine.begun(&peer, Some(begun), now);
            }
            Effect::Take { peer, first, count, proof } => {
                let taken = match lie(proof[0] == 1) {
                    Some(lie) => Taking::Lie(lie),
                    None => {
                        let of = u64::from_be_bytes(proof[1..9].try_into().unwrap());
                        assert_eq!(self.begun, Some(block_at(of)), "of another state");
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
                self.begun = None;
                self.stored.clear();
                self.forgotten.push(for_good);
            }
            Effect::Fault { .. } => {}
        }
    }

    fn answer(&self, peer: &PeerId, request: Request) -> Option<Response> {
        let (_, manner) = self.peers.iter().find(|(known, _)| known == peer)?;
        let proof =
            |honest: bool, height: u64| Bytes([&[u8::from(honest)][..], &height.to_be_bytes()].concat());
        let kept = |block: &BlockId| {
            let height = height_of(block);
            (height + KEPT > self.newest() && height <= self.newest()).then_some(height)
        };
        Some(match (request, manner) {
            (_, Manner::Silent) => return None,
            (_, Manner::Busy) => Response::Busy,
            (Request::Finality { .. }, Manner::Boasts) => Response::Finality(Some(Bytes(vec![2]))),
            (Request::Finality { .. }, manner) => {
                let proof = proof(*manner != Manner::FalseFinality, self.newest());
                Response::Finality(Some(proof))
            }
            (Request::SnapshotBase { block }, manner) => {
                let base = kept(&block).map(|height| proof(*manner != Manner::FalseBase, height));
                Response::SnapshotBase(base)
            }
            (Request::SnapshotLeaves { first, .. }, Manner::Half) if first >= TOTAL / 2 => {
                Response::SnapshotLeaves(None)
            }
            (Request::SnapshotLeaves { block, first, count }, manner) => {
                assert!(first + u64::from(count) <= TOTAL);
                let given = match manner {
                    Manner::Stingy => count.min(100),
                    Manner::Generous => count + 1,
                    _ => count,
                };
                let leaves =
                    kept(&block).map(|height| (given, proof(*manner != Manner::FalseLeaves, height)));
                Response::SnapshotLeaves(leaves)
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
    // Those that have half a state, or never the time, are tried some times, not for ever.
    let begun = Begun { block: block(), total: TOTAL, taken: vec![(0, TOTAL / 2)] };
    for (manner, begun) in [
        (Manner::Half, None),
        (Manner::Half, Some(begun.clone())),
        (Manner::Busy, None),
        (Manner::Busy, Some(begun)),
    ] {
        let mut world = World::new(&[manner, manner], begun);
        world.run(600);
        assert!(!world.machine.is_active() && !world.installed, "{manner:?} {:?}", world.machine.stage);
        assert_eq!(world.forgotten.last(), Some(&true));
    }
}

#[test]
fn a_state_that_nobody_has_any_more_is_left_for_a_newer_one() {
    let begun = Begun { block: block_at(HEIGHT - KEPT), total: TOTAL, taken: vec![(0, 20_000)] };
    let mut world = World::new(&[Manner::Honest, Manner::Honest], Some(begun));
    world.run(60);
    assert!(world.installed, "{:?}", world.machine.stage);
    assert_eq!((world.faults.clone(), world.forgotten.clone()), (vec![], vec![false]));
    assert_eq!(world.begun, Some(block()));
}

#[test]
fn a_part_of_a_state_is_kept_for_as_long_as_nobody_is_there() {
    let begun = Begun { block: block(), total: TOTAL, taken: vec![(0, 20_000)] };
    let mut world = World::new(&[], Some(begun));
    world.run(600);
    assert!(world.machine.is_active() && world.forgotten.is_empty());
    world.peers.push((id(1), Manner::Honest));
    world.meet(id(1));
    world.run(60);
    assert!(world.installed && world.forgotten.is_empty());
    assert_eq!(world.given[&id(1)], TOTAL - 20_000);
}

/// Peers of every kind, that come and go; links of every speed; a chain that goes on; a node that is killed now and then and
/// started again at once or much later.
#[test]
fn with_an_honest_peer_a_node_starts_from_a_snapshot_whatever_the_others_do() {
    let test =
        "network::snapshot::tests::with_an_honest_peer_a_node_starts_from_a_snapshot_whatever_the_others_do";
    play_seeds(test, 0..200, |seed| {
        let mut random = Random::new(seed);
        let mut manners = vec![if random.chance(500) { Manner::Honest } else { Manner::Stingy }];
        for _ in 0..random.below(6) {
            manners.push(Manner::HOSTILE[random.place(Manner::HOSTILE.len())]);
        }
        manners = random.shuffled(manners);
        let mut world = World::new(&[], None);
        world.peers = (1..).zip(manners).map(|(number, manner)| (id(number), manner)).collect();
        world.chain.1 = Some(1_000);
        world.latency = (10, 50 + random.below(1_500));
        world.random = random;
        let mut lives = 1;
        for _ in 0..200 {
            // Who is banned stays away; others come, go, and say where they stand.
            for (peer, manner) in world.peers.clone() {
                let is_banned =
                    world.faults.iter().any(|(known, fault)| *known == peer && fault.points() >= 100);
                let is_honest = matches!(manner, Manner::Honest | Manner::Stingy);
                if is_banned {
                } else if is_honest || world.random.chance(800) {
                    world.meet(peer);
                } else {
                    world.machine.gone(&peer);
                }
            }
            let seconds = 1 + world.random.below(10);
            world.run(seconds);
            if world.installed {
                break;
            }
            if lives < 4 && world.random.chance(100) {
                lives += 1;
                let away = if world.random.chance(300) { world.random.below(2_000) } else { 1 };
                world.now = world.now.plus_ms(away * 1_000);
                world.start();
            } else if !world.machine.is_active() {
                break;
            }
        }
        let honest = |peer: &PeerId| {
            let manner = world.peers.iter().find(|(known, _)| known == peer).map(|(_, manner)| *manner);
            matches!(manner, Some(Manner::Honest | Manner::Stingy))
        };
        let charged: Vec<_> = world.faults.iter().filter(|(peer, _)| honest(peer)).collect();
        assert!(charged.is_empty(), "honest peers are charged: {charged:?} of {:?}", world.peers);
        assert!(world.installed, "{:?} {:?} {:?}", world.peers, world.forgotten, world.machine.stage);
        assert!(world.newest() < HEIGHT + 2 * 2_000 + 3_000, "in time");
    });
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
