//! The machine against honest and lying peers, in virtual time: whatever it asks is answered from a chain of blocks
//! by a peer that behaves in its way.

use std::collections::{BTreeSet, VecDeque};

use light_client::{
    block_tree::{HeaderProof, HeaderRange, RangePeaks},
    crypto::{Hash, Signature},
    data_format::{Checkpoint, Header, Height, Round, SealedHeader, Slot},
};

use super::*;
use crate::network::{
    messages::{AnchoredHeaders, Bytes, Headers},
    snapshot::{FinalBlock, Shown},
};

const SLOT_MS: u64 = 1_000;

/// The longest chain is best, and a slot is a second.
#[derive(Debug)]
struct Slots;

impl Claims for Slots {
    fn begins(&self, header: &Header) -> Time {
        Time(header.slot.0 * SLOT_MS)
    }

    fn highest(&self, now: Time) -> Option<Height> {
        Some(Height(now.0 / SLOT_MS))
    }
}

fn block(parent: BlockId, height: u64, branch: u8, headers_root: Hash) -> Block {
    let header = Header {
        version: 1,
        height: Height(height),
        slot: Slot(height),
        parent,
        transactions_root: Hash::ZERO,
        transactions_count: 0,
        state_root: Hash([branch; 32]),
        headers_root,
        next_slots: Hash::ZERO,
        justified: Checkpoint { round: Round(0), id: Hash::ZERO },
        certificate_hash: Hash::ZERO,
        main_parent: None,
    };
    Block {
        header: SealedHeader { header, seal: Signature([0; 64]) },
        certificate: None,
        transactions: vec![],
    }
}

/// A branch from genesis; blocks after `fork` are of another branch than number 0's.
fn chain(length: u64, fork: u64, branch: u8) -> Vec<Block> {
    let mut blocks = vec![block(Hash::ZERO, 0, 0, Hash::ZERO)];
    let mut range = RangePeaks::before(&blocks[0].header.header, Vec::new()).unwrap();
    for height in 1..=length {
        let parent = blocks.last().unwrap().header.header.id();
        let headers_root = range.push(height - 1, &parent).unwrap();
        blocks.push(block(parent, height, if height > fork { branch } else { 0 }, headers_root));
    }
    blocks
}

/// The range of headers of a branch.
fn range(blocks: &[Block]) -> RangePeaks {
    let mut range = RangePeaks::before(&blocks[0].header.header, Vec::new()).unwrap();
    for block in blocks {
        range.push(block.header.header.height.0, &block.header.header.id()).unwrap();
    }
    range
}

fn id(number: u32) -> PeerId {
    let mut bytes = vec![0, 4];
    bytes.extend(number.to_be_bytes());
    PeerId::from_bytes(&bytes).unwrap()
}

fn tip(blocks: &[Block]) -> Tip {
    let header = &blocks.last().unwrap().header.header;
    Tip {
        head: header.id(),
        height: header.height,
        weight: header.height.0.into(),
        final_height: Height(0),
        kept_from: Height(0),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Honest,
    /// Never answers.
    Silent,
    /// Says that it is far ahead, and has no header to show.
    Boasts,
    /// Gives headers, and no bodies.
    Keeps,
    /// Gives other blocks than were asked for.
    Swaps,
    /// Gives headers that are no chain.
    Jumbles,
    /// Forges a proof that its branch is final.
    Forges,
    /// Proves a final block, and then gives headers of its own branch.
    Strays,
}

struct World {
    sync: Sync,
    now: Time,
    own: Vec<Block>,
    peers: Vec<(PeerId, Manner, Vec<Block>)>,
    /// Where each peer has a block.
    places: Vec<BTreeMap<BlockId, usize>>,
    ranges: Vec<RangePeaks>,
    /// What is final: an honest peer proves it.
    final_block: Option<FinalBlock>,
    asked_for_headers: BTreeSet<PeerId>,
    /// Blocks that break a rule.
    invalid: BTreeSet<BlockId>,
    /// Milliseconds from question to answer.
    latency: u64,
    mail: VecDeque<(Time, Effect)>,
    faults: Vec<(PeerId, Fault)>,
    /// How many blocks each gave.
    given: Vec<usize>,
    most_open: usize,
}

impl World {
    fn new(own: Vec<Block>, peers: &[(Manner, &[Block])]) -> Self {
        let now = Time(1_000_000_000);
        let mut sync = Sync::new(Limits::default(), Arc::new(Slots), tip(&own));
        let peers: Vec<_> = (1..)
            .zip(peers)
            .map(|(number, (manner, blocks))| (id(number), *manner, blocks.to_vec()))
            .collect();
        for (peer, manner, blocks) in &peers {
            let mut claimed = tip(blocks);
            if *manner == Manner::Boasts {
                (claimed.height, claimed.weight) = (Height(1_000_000), 1_000_000);
            }
            sync.peer(*peer, claimed);
        }
        let given = vec![0; peers.len()];
        let ids = |blocks: &[Block]| {
            blocks.iter().enumerate().map(|(place, block)| (block.header.header.id(), place)).collect()
        };
        let places = peers.iter().map(|(_, _, blocks)| ids(blocks)).collect();
        let ranges = peers.iter().map(|(_, _, blocks)| range(blocks)).collect();
        let (mail, faults, invalid) = (VecDeque::new(), Vec::new(), BTreeSet::new());
        Self {
            sync,
            now,
            own,
            peers,
            places,
            ranges,
            final_block: None,
            asked_for_headers: BTreeSet::new(),
            invalid,
            latency: 40,
            mail,
            faults,
            given,
            most_open: 0,
        }
    }

    /// A block of this branch is final, and all peers say that they have it.
    fn with_final(mut self, blocks: &[Block], height: usize) -> Self {
        let header = &blocks[height].header.header;
        let (id, height, headers_root) = (header.id(), header.height, header.headers_root);
        self.final_block = Some(FinalBlock { id, height, headers_root });
        for (peer, _, blocks) in &self.peers {
            self.sync.peer(*peer, Tip { final_height: height, ..tip(blocks) });
        }
        self
    }

    /// Runs for some virtual seconds, or until nothing is left to do.
    fn run(&mut self, seconds: u64) {
        let until = self.now.plus_ms(seconds * 1_000);
        while self.now < until {
            self.sync.tick(self.now);
            self.collect();
            while self.mail.front().is_some_and(|(at, _)| *at <= self.now) {
                let (_, effect) = self.mail.pop_front().unwrap();
                self.carry_out(effect);
                self.collect();
            }
            self.most_open = self.most_open.max(self.sync.open.len());
            self.now = self.now.plus_ms(20);
        }
    }

    fn collect(&mut self) {
        for effect in self.sync.effects() {
            match effect {
                Effect::Fault { peer, fault } => {
                    self.faults.push((peer, fault));
                    // The host bans for these.
                    if fault.points() >= 100 {
                        self.sync.gone(&peer);
                    }
                }
                Effect::Ask { .. } => self.mail.push_back((self.now.plus_ms(self.latency), effect)),
                Effect::Locate | Effect::Insert { .. } | Effect::Check { .. } => {
                    self.mail.push_back((self.now, effect))
                }
            }
        }
        self.mail.make_contiguous().sort_by_key(|(at, _)| *at);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Locate => {
                let mut locator: Vec<BlockId> =
                    self.own.iter().rev().step_by(7).map(|block| block.header.header.id()).collect();
                locator.push(self.own[0].header.header.id());
                self.sync.located(tip(&self.own), locator, self.now);
            }
            Effect::Insert { block, .. } => {
                let id = block.header.header.id();
                let at = |height: u64, id: &BlockId| {
                    let own = self.own.get(usize::try_from(height).unwrap());
                    own.is_some_and(|own| own.header.header.id() == *id)
                };
                let header = &block.header.header;
                let known = at(header.height.0, &id);
                let before = header.height.0 - 1;
                let parent = at(before, &header.parent).then_some(usize::try_from(before).unwrap());
                let verdict = match parent {
                    _ if known => Verdict::Taken,
                    _ if self.invalid.contains(&id) => Verdict::Invalid,
                    None => Verdict::Unfit,
                    Some(parent) => {
                        self.own.truncate(parent + 1);
                        self.own.push(*block);
                        Verdict::Taken
                    }
                };
                self.sync.stands_at(tip(&self.own));
                self.sync.inserted(&[(id, verdict)], self.now);
            }
            Effect::Ask { peer, id, request } => {
                if let Some(response) = self.answer(peer, request) {
                    self.sync.answered(id, response, self.now);
                }
            }
            Effect::Check { peer, proof } => {
                let shown = match proof[0] {
                    0 => Shown::Lie("forged".to_owned()),
                    _ => Shown::Final(self.final_block.unwrap()),
                };
                self.sync.shown(&peer, shown, self.now);
            }
            Effect::Fault { .. } => {}
        }
    }

    fn answer(&mut self, peer: PeerId, request: Request) -> Option<Response> {
        let place = self.peers.iter().position(|(known, ..)| *known == peer).unwrap();
        let (_, manner, blocks) = &self.peers[place];
        let position = |id: &BlockId| self.places[place].get(id).copied();
        if matches!(request, Request::Headers { .. } | Request::AnchoredHeaders { .. }) {
            self.asked_for_headers.insert(peer);
        }
        match (request, manner) {
            (_, Manner::Silent) => None,
            (Request::Finality { trusted, open: false }, manner) => {
                assert_eq!(position(&trusted), Some(0), "what is final here");
                Some(Response::Finality(Some(Bytes(vec![u8::from(*manner != Manner::Forges)]))))
            }
            (Request::AnchoredHeaders { after, anchor, limit }, manner) => {
                let end = match position(&anchor) {
                    Some(end) => end,
                    None if *manner == Manner::Strays => blocks.len() - 1,
                    None => return Some(Response::AnchoredHeaders(None)),
                };
                let first = usize::try_from(after.0).unwrap() + 1;
                let last = end.min(first + limit as usize - 1);
                let mut headers: Vec<_> =
                    blocks[first..=last].iter().map(|block| block.header.clone()).collect();
                if *manner == Manner::Jumbles {
                    headers.reverse();
                }
                let proof = if last == end {
                    HeaderProof::default()
                } else {
                    HeaderRange::new(&self.ranges[place], end as u64).prove(Height(last as u64)).unwrap()
                };
                Some(Response::AnchoredHeaders(Some(AnchoredHeaders { headers: Headers(headers), proof })))
            }
            (Request::Headers { .. }, Manner::Boasts) => Some(Response::Headers(Some(Headers(Vec::new())))),
            (Request::Headers { locator, limit }, manner) => {
                let fork = locator.iter().find_map(position);
                let headers = fork.map(|fork| {
                    let mut after: Vec<_> =
                        blocks[fork + 1..].iter().map(|block| block.header.clone()).collect();
                    after.truncate(limit as usize);
                    if *manner == Manner::Jumbles {
                        after.reverse();
                    }
                    Headers(after)
                });
                Some(Response::Headers(headers))
            }
            (Request::Blocks { .. }, Manner::Keeps) => Some(Response::Blocks(Vec::new())),
            (Request::Blocks { .. }, Manner::Swaps) => Some(Response::Blocks(vec![blocks[0].clone()])),
            (Request::Blocks { ids }, _) => {
                let found: Vec<_> = ids.iter().map_while(|id| Some(blocks[position(id)?].clone())).collect();
                self.given[place] += found.len();
                Some(Response::Blocks(found))
            }
            (Request::Tip, _) => Some(Response::Tip(tip(blocks))),
            (other, _) => panic!("this machine does not ask it: {other:?}"),
        }
    }

    fn is_at(&self, blocks: &[Block]) -> bool {
        tip(&self.own) == tip(blocks)
    }
}

#[test]
fn bodies_come_from_several_peers_at_once() {
    let best = chain(3_000, 0, 1);
    let mut world = World::new(
        chain(0, 0, 0),
        &[(Manner::Honest, &best), (Manner::Honest, &best), (Manner::Honest, &best)],
    );
    world.run(30);
    assert!(world.is_at(&best), "at {:?}", world.sync.tip.height);
    assert_eq!(world.faults, []);
    assert!(world.given.iter().all(|given| *given >= 700), "{:?}", world.given);
    assert!(world.most_open <= 3 * 2 + 1, "{}", world.most_open);
    assert_eq!(world.sync.progress(world.now), None, "done");
    assert!(world.sync.open.is_empty());
}

#[test]
fn a_long_way_is_anchored_in_a_final_block_first() {
    let best = chain(3_000, 0, 1);
    let peers = [(Manner::Honest, &best[..]), (Manner::Honest, &best), (Manner::Jumbles, &best)];
    let mut world = World::new(chain(0, 0, 0), &peers).with_final(&best, 2_900);
    world.run(60);
    assert!(world.is_at(&best), "at {:?}", world.sync.tip.height);
    assert!(world.faults.iter().all(|fault| *fault == (id(3), Fault::WrongAnswer)), "{:?}", world.faults);
    assert!(world.given[..2].iter().all(|given| *given >= 700), "{:?}", world.given);
    assert!(world.asked_for_headers.len() > 1, "anybody may give them");
}

#[test]
fn beyond_the_final_block_the_same_peer_goes_on_at_once() {
    let best = chain(700, 0, 1);
    let mut world = World::new(chain(0, 0, 0), &[(Manner::Honest, &best[..])]).with_final(&best, 650);
    let rest = Limits::default().rest_ms;
    world.run(rest / 1_000);
    assert!(world.is_at(&best), "at {:?}", world.sync.tip.height);
    assert_eq!(world.faults, []);
}

#[test]
fn nobody_who_forges_finality_is_asked_for_a_header() {
    let (honest, forged) = (chain(700, 0, 1), chain(2_000, 0, 9));
    let peers = [(Manner::Honest, &honest[..]), (Manner::Forges, &forged)];
    let mut world = World::new(chain(0, 0, 0), &peers).with_final(&honest, 650);
    world.run(60);
    assert!(world.is_at(&honest), "at {:?}", world.sync.tip.height);
    assert_eq!(world.faults, [(id(2), Fault::FalseProof)]);
    assert_eq!(world.asked_for_headers, [id(1)].into());
}

#[test]
fn headers_of_another_branch_than_the_final_one_are_refused() {
    let (honest, forged) = (chain(700, 0, 1), chain(2_000, 100, 9));
    let peers = [(Manner::Strays, &forged[..]), (Manner::Honest, &honest)];
    let mut world = World::new(chain(0, 0, 0), &peers).with_final(&honest, 650);
    world.run(60);
    assert!(world.is_at(&honest), "at {:?}", world.sync.tip.height);
    assert_eq!(world.faults, [(id(1), Fault::FalseProof)]);
    assert_eq!(world.given[0], 0, "not a block of its branch was asked for");
}

#[test]
fn a_node_on_a_worse_branch_finds_the_fork() {
    let best = chain(400, 120, 1);
    let mut world = World::new(chain(300, 120, 2), &[(Manner::Honest, &best)]);
    world.run(10);
    assert!(world.is_at(&best));
    assert_eq!(world.faults, []);
}

#[test]
fn whoever_stalls_boasts_or_keeps_blocks_is_left_for_another() {
    let best = chain(600, 0, 1);
    for (manner, fault) in [
        (Manner::Silent, Some(Fault::Stalled)),
        (Manner::Boasts, Some(Fault::FalseTip)),
        (Manner::Swaps, Some(Fault::WrongAnswer)),
        (Manner::Jumbles, Some(Fault::WrongAnswer)),
        (Manner::Keeps, None),
    ] {
        // Taller than the honest one, so that it leads.
        let taller = chain(610, 600, 1);
        let mut world = World::new(chain(0, 0, 0), &[(Manner::Honest, &best), (manner, &taller)]);
        world.run(120);
        assert!(tip(&world.own).height >= Height(600), "at {:?}", world.sync.tip.height);
        if let Some(fault) = fault {
            assert!(world.faults.contains(&(id(2), fault)), "{:?}", world.faults);
        }
        assert!(world.faults.iter().all(|(peer, _)| *peer == id(2)), "{:?}", world.faults);
    }
}

#[test]
fn an_invalid_block_is_charged_to_whoever_sent_it_and_the_honest_branch_is_taken() {
    let honest = chain(200, 0, 1);
    let forged = chain(260, 100, 9);
    let mut world = World::new(chain(0, 0, 0), &[(Manner::Honest, &honest), (Manner::Honest, &forged)]);
    world.invalid.extend(forged[101..].iter().map(|block| block.header.header.id()));
    world.run(60);
    assert!(world.is_at(&honest), "at {:?}", world.sync.tip.height);
    assert!(world.faults.contains(&(id(2), Fault::InvalidBlock)), "{:?}", world.faults);
    assert!(world.faults.iter().all(|(peer, _)| *peer == id(2)), "{:?}", world.faults);
}

#[test]
fn the_work_in_progress_is_bounded() {
    let best = chain(2_500, 0, 1);
    let mut world = World::new(chain(0, 0, 0), &[(Manner::Honest, &best)]);
    world.latency = 200;
    for _ in 0..60 {
        world.run(1);
        let held = world.sync.plan.as_ref().map_or(0, Plan::len);
        assert!(held <= Limits::default().headers, "{held} headers");
    }
    assert!(world.is_at(&best));
}

#[test]
fn a_peer_that_goes_takes_no_blocks_with_it() {
    let best = chain(800, 0, 1);
    let mut world = World::new(chain(0, 0, 0), &[(Manner::Honest, &best), (Manner::Silent, &best)]);
    world.run(1);
    world.sync.gone(&id(2));
    world.run(20);
    assert!(world.is_at(&best), "at {:?}", world.sync.tip.height);
}

#[test]
fn slots_that_have_not_begun_are_not_asked_for() {
    let best = chain(50, 0, 1);
    let mut world = World::new(chain(0, 0, 0), &[(Manner::Honest, &best)]);
    world.now = Time(20 * SLOT_MS);
    world.run(1);
    assert!((20..=22).contains(&world.sync.tip.height.0), "at {:?}", world.sync.tip.height);
    assert_eq!(world.faults, [], "a clock that is fast is no lie");
    world.run(60);
    assert!(world.is_at(&best));
}

#[test]
fn the_same_inputs_give_the_same_run() {
    let best = chain(700, 0, 1);
    let run = || {
        let peers: [(Manner, &[Block]); 3] =
            [(Manner::Honest, &best), (Manner::Keeps, &best), (Manner::Honest, &best)];
        let mut world = World::new(chain(0, 0, 0), &peers);
        world.run(5);
        (world.given.clone(), world.faults.clone(), tip(&world.own), world.sync.next)
    };
    assert_eq!(run(), run());
}
