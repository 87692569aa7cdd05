//! Which branch is best, and what is final.

#![allow(clippy::unwrap_used, reason = "a broken script must stop the test")]

use std::sync::Arc;

use light_client::{
    block_tree::{
        BlockTree, HeaderChanges, Inserted, MAX_PER_SLOT, MemoryStore, Reorganisation, SavedTree, TreeError,
    },
    consensus::{Engine, engine},
    crypto::{Hash, Signature},
    data_format::{
        Amount, BlockId, ChainSpec, Checkpoint, EngineSpec, Header, ModuleName, ProofOfWorkSpec, Round,
        SealedHeader, Slot,
    },
    test_support::{chain::test_spec, header_store},
};
use proptest::prelude::*;

fn genesis() -> SealedHeader {
    light_client::consensus::genesis(&test_spec(4, Vec::new()).id(), Hash::ZERO, Hash([1; 32]))
}

/// A child in a slot; the number tells siblings of one slot apart.
fn child(parent: &Header, slot: u64, number: u8) -> SealedHeader {
    let header = Header {
        height: parent.height.next(),
        slot: Slot(slot),
        parent: parent.id(),
        state_root: Hash([number; 32]),
        ..parent.clone()
    };
    SealedHeader { header, seal: Signature([number; 64]) }
}

struct Forest {
    tree: BlockTree,
    genesis: Header,
}

impl Forest {
    fn new() -> Self {
        let genesis = genesis();
        let id = genesis.header.id();
        let tree = BlockTree::new(
            engine(&test_spec(4, Vec::new())),
            genesis.clone(),
            Checkpoint { round: Round(0), id },
        );
        Self { tree, genesis: genesis.header }
    }

    fn grow(&mut self, parent: &Header, slot: u64, number: u8) -> Header {
        let sealed = child(parent, slot, number);
        self.tree.insert(sealed.header.id(), sealed.clone()).unwrap();
        sealed.header
    }
}

#[test]
fn the_longer_branch_wins_and_the_first_seen_stays() {
    let mut forest = Forest::new();
    let genesis = forest.genesis.clone();
    let a = forest.grow(&genesis, 1, 1);
    let b = forest.grow(&genesis, 2, 2);
    assert_eq!(forest.tree.best(), &a.id(), "the first of two equals stays");
    let b2 = forest.grow(&b, 3, 2);
    assert_eq!(forest.tree.best(), &b2.id());
    let way = forest.tree.way(&a.id(), &b2.id()).unwrap();
    assert_eq!(way, Reorganisation { undo: vec![a.id()], apply: vec![b.id(), b2.id()] });
    assert_eq!(forest.tree.way(&b2.id(), &b2.id()).unwrap(), Reorganisation::default());
}

#[test]
fn a_justified_branch_wins_over_a_longer_one() {
    let mut forest = Forest::new();
    let genesis = forest.genesis.clone();
    let a = forest.grow(&genesis, 1, 1);
    let mut b = genesis.clone();
    for slot in 2..6 {
        b = forest.grow(&b, slot, 2);
    }
    assert_eq!(forest.tree.best(), &b.id());
    assert_eq!(forest.tree.justify(Checkpoint { round: Round(1), id: a.id() }), Ok(true));
    assert_eq!(forest.tree.best(), &a.id());
    assert_eq!(forest.tree.justify(Checkpoint { round: Round(1), id: b.id() }), Ok(false), "not higher");
    let c = forest.grow(&b, 7, 2);
    assert_ne!(forest.tree.best(), &c.id());
}

#[test]
fn a_final_block_is_never_left_and_what_does_not_descend_is_dropped() {
    let mut forest = Forest::new();
    let genesis = forest.genesis.clone();
    let a = forest.grow(&genesis, 1, 1);
    let a2 = forest.grow(&a, 3, 1);
    let b = forest.grow(&genesis, 2, 2);
    let changes = forest.tree.finalise(a.id()).unwrap();
    assert_eq!((changes.finalised, changes.dropped), (Some(a.id()), vec![b.id()]));
    assert_eq!((forest.tree.root(), forest.tree.best()), (&a.id(), &a2.id()));
    let late = child(&b, 9, 2);
    let error = forest.tree.insert(late.header.id(), late.clone());
    assert_eq!(error, Err(TreeError::UnknownParent { id: late.header.id(), parent: b.id() }));
    assert_eq!(forest.tree.finalise(genesis.id()), Err(TreeError::Unknown(genesis.id())));
}

#[test]
fn a_minter_that_floods_its_slot_is_bounded() {
    let mut forest = Forest::new();
    let genesis = forest.genesis.clone();
    for number in 0..MAX_PER_SLOT {
        forest.grow(&genesis, 1, u8::try_from(number).unwrap() + 1);
    }
    assert_eq!(forest.tree.check_room(Slot(1)), Err(TreeError::SlotFull(Slot(1))));
    assert_eq!(forest.tree.check_room(Slot(2)), Ok(()));
    let known = child(&genesis, 1, 1);
    assert_eq!(forest.tree.insert(known.header.id(), known), Ok(Inserted::Known));
    assert_eq!(forest.tree.evict(Slot(1), |_| false), None, "no more than may be");
}

#[test]
fn a_block_that_others_built_on_comes_in_however_full_its_slot_is() {
    let mut forest = Forest::new();
    let genesis = forest.genesis.clone();
    let first: Vec<Header> = (1..=4).map(|number| forest.grow(&genesis, 1, number)).collect();
    let ids: Vec<BlockId> = first.iter().map(Header::id).collect();
    assert_eq!((ids.len(), forest.tree.best()), (MAX_PER_SLOT, &ids[0]));
    // The branch of the network: its blocks push out those that nobody needs, the oldest first.
    for number in 5..40 {
        let fifth = forest.grow(&genesis, 1, number);
        let gone = forest.tree.evict(Slot(1), |id| *id == fifth.id()).unwrap();
        assert!(gone != ids[0] && gone != fifth.id(), "neither the best nor the new one");
        assert_eq!(number == 5, gone == ids[1]);
        assert_eq!(forest.tree.len(), 1 + MAX_PER_SLOT);
    }
    let fifth = forest.grow(&genesis, 1, 40);
    let child = forest.grow(&fifth, 2, 1);
    assert_eq!(forest.tree.best(), &child.id());
    assert_eq!(forest.tree.evict(Slot(1), |_| false), None, "it has a child now, and does not count");
    // With children on all of them there is room again: who makes them uses a slot's key for each.
    assert_eq!(forest.tree.check_room(Slot(1)), Err(TreeError::SlotFull(Slot(1))));
    forest.grow(&first[0], 2, 2);
    assert_eq!(forest.tree.check_room(Slot(1)), Ok(()));
}

#[test]
fn a_block_whose_only_child_was_pushed_out_has_none() {
    let mut forest = Forest::new();
    let genesis = forest.genesis.clone();
    let first: Vec<Header> = (1..=5).map(|number| forest.grow(&genesis, 1, number)).collect();
    let long = forest.grow(&first[4], 3, 1);
    forest.grow(&long, 4, 1);
    assert_eq!(forest.tree.check_room(Slot(1)), Err(TreeError::SlotFull(Slot(1))));
    let only = forest.grow(&first[0], 2, 1);
    assert_eq!(forest.tree.check_room(Slot(1)), Ok(()));
    for number in 2..6 {
        forest.grow(&genesis, 2, number);
    }
    assert_eq!(forest.tree.evict(Slot(2), |_| false), Some(only.id()));
    assert_eq!(forest.tree.check_room(Slot(1)), Err(TreeError::SlotFull(Slot(1))));
}

#[test]
fn the_best_block_is_not_left_for_an_equal_one_that_came_first() {
    let mut forest = Forest::new();
    let genesis = forest.genesis.clone();
    let common = forest.grow(&genesis, 1, 1);
    let first = forest.grow(&common, 2, 1);
    let second = forest.grow(&common, 3, 1);
    assert_eq!(forest.tree.best(), &first.id());
    forest.tree.justify(Checkpoint { round: Round(1), id: second.id() }).unwrap();
    assert_eq!(forest.tree.best(), &second.id());
    forest.tree.justify(Checkpoint { round: Round(2), id: common.id() }).unwrap();
    assert_eq!(forest.tree.best(), &second.id());
}

#[test]
fn a_justified_block_is_not_pushed_out() {
    let mut forest = Forest::new();
    let genesis = forest.genesis.clone();
    let first: Vec<Header> = (1..=4).map(|number| forest.grow(&genesis, 1, number)).collect();
    let long = forest.grow(&genesis, 2, 1);
    forest.grow(&long, 3, 1);
    forest.tree.justify(Checkpoint { round: Round(1), id: first[1].id() }).unwrap();
    let mut gone = Vec::new();
    for number in 5..9 {
        forest.grow(&genesis, 1, number);
        gone.extend(forest.tree.evict(Slot(1), |id| *id == first[2].id()));
    }
    assert_eq!(gone.len(), 4);
    assert_eq!(gone[..2], [first[0].id(), first[3].id()]);
    assert!(forest.tree.entry(&first[1].id()).is_ok() && forest.tree.entry(&first[2].id()).is_ok());
}

#[test]
fn checkpoints_are_found_on_the_branch_asked_for() {
    let mut forest = Forest::new();
    let genesis = forest.genesis.clone();
    let a = forest.grow(&genesis, 2, 1);
    let a2 = forest.grow(&a, 5, 1);
    let b = forest.grow(&genesis, 3, 2);
    let last = |id: BlockId, slot| forest.tree.last_before(&id, Slot(slot)).map(|(id, _)| id);
    assert_eq!(last(a2.id(), 4), Some(a.id()));
    assert_eq!(last(a2.id(), 6), Some(a2.id()));
    assert_eq!(last(b.id(), 4), Some(b.id()));
    assert_eq!(last(b.id(), 1), Some(genesis.id()));
    assert_eq!(last(b.id(), 0), None);
}

#[test]
fn the_store_in_memory_passes_the_suite() {
    header_store::conformance(MemoryStore::default).unwrap();
}

/// What a tree is to do, written as plainly as its documentation says it: every question is put to all blocks.
struct Model {
    engine: Arc<dyn Engine>,
    /// In the order in which they came, each with the weight of its branch.
    known: Vec<(BlockId, SealedHeader, u128)>,
    root: BlockId,
    best: BlockId,
    justified: Checkpoint,
}

impl Model {
    fn new(engine: &Arc<dyn Engine>, root: SealedHeader, justified: Checkpoint) -> Self {
        let id = root.header.id();
        Self { engine: Arc::clone(engine), known: vec![(id, root, 0)], root: id, best: id, justified }
    }

    fn restore(engine: &Arc<dyn Engine>, saved: SavedTree) -> Self {
        let mut model = Self::new(engine, saved.root, saved.justified);
        for sealed in saved.descendants {
            model.insert(sealed).unwrap();
        }
        model.choose();
        model
    }

    fn saved(&self) -> SavedTree {
        let root = self.find(&self.root).unwrap().1.clone();
        let descendants = self.known.iter().filter(|(id, ..)| *id != self.root);
        let descendants = descendants.map(|(_, sealed, _)| sealed.clone()).collect();
        SavedTree { root, descendants, justified: self.justified }
    }

    fn find(&self, id: &BlockId) -> Result<&(BlockId, SealedHeader, u128), TreeError> {
        self.known.iter().find(|(known, ..)| known == id).ok_or(TreeError::Unknown(*id))
    }

    fn weight(&self, id: &BlockId) -> u128 {
        self.find(id).unwrap().2
    }

    fn ancestors(&self, id: &BlockId) -> Vec<BlockId> {
        let (mut ancestors, mut next) = (Vec::new(), *id);
        while let Ok((id, sealed, _)) = self.find(&next) {
            ancestors.push(*id);
            next = sealed.header.parent;
        }
        ancestors
    }

    fn anchor(&self) -> BlockId {
        if self.find(&self.justified.id).is_ok() { self.justified.id } else { self.root }
    }

    fn may_be_best(&self, id: &BlockId) -> bool {
        self.ancestors(id).contains(&self.anchor())
    }

    fn insert(&mut self, sealed: SealedHeader) -> Result<Inserted, TreeError> {
        let (id, parent) = (sealed.header.id(), sealed.header.parent);
        if self.find(&id).is_ok() {
            return Ok(Inserted::Known);
        }
        let before = self.find(&parent).map_err(|_| TreeError::UnknownParent { id, parent })?.2;
        let weight = before + self.engine.weight(&sealed);
        self.known.push((id, sealed, weight));
        if weight > self.weight(&self.best) && self.may_be_best(&id) {
            self.best = id;
            return Ok(Inserted::Best);
        }
        Ok(Inserted::Aside)
    }

    fn choose(&mut self) {
        if self.find(&self.best).is_err() || !self.may_be_best(&self.best) {
            self.best = self.anchor();
        }
        for (id, _, weight) in self.known.clone() {
            if weight > self.weight(&self.best) && self.may_be_best(&id) {
                self.best = id;
            }
        }
    }

    fn justify(&mut self, checkpoint: Checkpoint) -> Result<bool, TreeError> {
        self.find(&checkpoint.id)?;
        let higher = checkpoint.round > self.justified.round;
        if higher {
            self.justified = checkpoint;
            self.choose();
        }
        Ok(higher)
    }

    /// The blocks that are no ancestors of this one, by id, but for those that are kept.
    fn dropped(&self, id: &BlockId, kept: &[BlockId]) -> Vec<BlockId> {
        let path = self.ancestors(id);
        let ids = self.known.iter().map(|(known, ..)| *known);
        let mut dropped: Vec<BlockId> =
            ids.filter(|known| !path.contains(known) && !kept.contains(known)).collect();
        dropped.sort();
        dropped
    }

    fn finalise(&mut self, id: BlockId) -> Result<HeaderChanges, TreeError> {
        self.find(&id)?;
        if id == self.root {
            return Ok(HeaderChanges::default());
        }
        let ids = self.known.iter().map(|(known, ..)| *known);
        let kept: Vec<BlockId> = ids.filter(|known| self.ancestors(known).contains(&id)).collect();
        let dropped = self.dropped(&id, &kept);
        self.known.retain(|(known, ..)| kept.contains(known));
        self.root = id;
        self.choose();
        Ok(HeaderChanges { dropped, finalised: Some(id), ..HeaderChanges::default() })
    }

    fn recover(&mut self, checkpoint: Checkpoint) -> Result<HeaderChanges, TreeError> {
        let id = checkpoint.id;
        self.find(&id)?;
        let dropped = self.dropped(&id, &[]);
        self.known.retain(|(known, ..)| *known == id);
        (self.root, self.best, self.justified) = (id, id, checkpoint);
        let (finalised, justified) = (Some(id), Some(checkpoint));
        Ok(HeaderChanges { dropped, finalised, justified, ..HeaderChanges::default() })
    }

    fn childless(&self, slot: Slot) -> Vec<BlockId> {
        let built_on = |id: &BlockId| self.known.iter().any(|(_, sealed, _)| sealed.header.parent == *id);
        let of_slot = self.known.iter().filter(|(_, sealed, _)| sealed.header.slot == slot);
        of_slot.map(|(id, ..)| *id).filter(|id| !built_on(id)).collect()
    }

    fn evict(&mut self, slot: Slot, spared: &BlockId) -> Option<BlockId> {
        let childless = self.childless(slot);
        if childless.len() <= MAX_PER_SLOT {
            return None;
        }
        let kept = [self.best, self.root, self.justified.id, *spared];
        let gone = childless.into_iter().find(|id| !kept.contains(id))?;
        self.known.retain(|(id, ..)| *id != gone);
        Some(gone)
    }

    /// Everything that a tree can be asked.
    fn check(&self, tree: &BlockTree) {
        let found = (tree.best(), tree.root(), tree.justified(), tree.len());
        assert_eq!(found, (&self.best, &self.root, &self.justified, self.known.len()));
        let mut by_id: Vec<_> = self.known.iter().collect();
        by_id.sort_by_key(|(id, ..)| *id);
        let by_id: Vec<&SealedHeader> = by_id.into_iter().map(|(_, sealed, _)| sealed).collect();
        assert_eq!(tree.headers().collect::<Vec<_>>(), by_id);
        let mut arrivals = Vec::new();
        for (id, _, weight) in &self.known {
            let entry = tree.entry(id).unwrap();
            assert_eq!(entry.weight, *weight);
            arrivals.push(entry.arrival);
        }
        assert!(arrivals.is_sorted_by(|a, b| a < b));
        let last = by_id.iter().map(|sealed| sealed.header.slot).max().unwrap();
        for slot in (0..=last.next().0).map(Slot) {
            let of_slot = by_id.iter().copied().filter(|sealed| sealed.header.slot == slot);
            assert_eq!(tree.of_slot(slot).collect::<Vec<_>>(), of_slot.collect::<Vec<_>>());
            assert_eq!(tree.check_room(slot).is_ok(), self.childless(slot).len() < MAX_PER_SLOT);
        }
        let (newest, ..) = self.known[self.known.len() - 1];
        for (from, to) in [(self.best, newest), (newest, self.best)] {
            let (mut undo, mut apply) = (self.ancestors(&from), self.ancestors(&to));
            let common: Vec<BlockId> = undo.iter().copied().filter(|id| apply.contains(id)).collect();
            undo.retain(|id| !common.contains(id));
            apply.retain(|id| !common.contains(id));
            apply.reverse();
            assert_eq!(tree.way(&from, &to), Ok(Reorganisation { undo, apply }));
        }
    }
}

/// What happens to a tree; `back` says to which block, counted from the newest.
#[derive(Clone, Debug)]
enum Step {
    /// Blocks of one slot are built on it.
    Grow {
        back: usize,
        gap: u64,
        siblings: u8,
    },
    Justify {
        back: usize,
        rounds: u64,
    },
    Finalise {
        back: usize,
    },
    Recover {
        back: usize,
    },
    /// Its slot is too full, and the block itself is spared.
    Evict {
        back: usize,
    },
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    let back = || prop_oneof![3 => 0_usize..4, 2 => 0_usize..40];
    prop_oneof![
        12 => (back(), 1_u64..3, 1_u8..7).prop_map(|(back, gap, siblings)| Step::Grow { back, gap, siblings }),
        4 => (back(), 0_u64..3).prop_map(|(back, rounds)| Step::Justify { back, rounds }),
        2 => (0_usize..40).prop_map(|back| Step::Finalise { back }),
        1 => (0_usize..40).prop_map(|back| Step::Recover { back }),
        6 => back().prop_map(|back| Step::Evict { back }),
        1 => Just(Step::Restore),
    ]
}

/// A child as above that adds 0, 1 or 2 to the weight of its branch where work is what weighs.
fn weighted(parent: &Header, slot: u64, number: u8) -> SealedHeader {
    let mut seal = Signature([0; 64]);
    seal.0[15] = number % 3;
    SealedHeader { seal, ..child(parent, slot, number) }
}

fn engine_of_work() -> Arc<dyn Engine> {
    let rules = EngineSpec::ProofOfWork(ProofOfWorkSpec {
        slot_ms: 1_000,
        block_ms: 10_000,
        genesis_difficulty: 1,
        half_life_ms: 60_000,
        final_depth: 3,
        block_reward: Amount(0),
    });
    engine(&ChainSpec { engine: rules, modules: vec![ModuleName::Coin], ..test_spec(4, Vec::new()) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_tree_does_what_is_plainly_right(
        steps in prop::collection::vec(step(), 1..40),
        justified_first in any::<bool>(),
    ) {
        let engine = engine_of_work();
        let genesis = genesis();
        // What is justified may come later than what was built beside it.
        let first = weighted(&genesis.header, 1, 2).header.id();
        let id = if justified_first { genesis.header.id() } else { first };
        let justified = Checkpoint { round: Round(0), id };
        let mut tree = BlockTree::new(Arc::clone(&engine), genesis.clone(), justified);
        let mut model = Model::new(&engine, genesis.clone(), justified);
        let mut made = vec![genesis.header];
        for step in steps {
            // Now and then one that may be gone.
            let at = |back: usize| match back % 8 {
                7 => made[made.len() - 1 - back % made.len()].clone(),
                _ => model.known[model.known.len() - 1 - back % model.known.len()].1.header.clone(),
            };
            match step {
                Step::Grow { back, gap, siblings } => {
                    let parent = at(back);
                    for number in 1..=siblings {
                        let sealed = weighted(&parent, parent.slot.0 + gap, number);
                        let inserted = tree.insert(sealed.header.id(), sealed.clone());
                        assert_eq!(inserted, model.insert(sealed.clone()));
                        made.push(sealed.header);
                    }
                }
                Step::Justify { back, rounds } => {
                    let round = Round(model.justified.round.0 + rounds);
                    let checkpoint = Checkpoint { round, id: at(back).id() };
                    assert_eq!(tree.justify(checkpoint), model.justify(checkpoint));
                }
                Step::Finalise { back } => {
                    let id = at(back).id();
                    assert_eq!(tree.finalise(id), model.finalise(id));
                }
                Step::Recover { back } => {
                    let checkpoint = Checkpoint { round: model.justified.round.next(), id: at(back).id() };
                    assert_eq!(tree.recover(checkpoint), model.recover(checkpoint));
                }
                Step::Evict { back } => {
                    let (slot, spared) = (at(back).slot, at(back).id());
                    loop {
                        let gone = model.evict(slot, &spared);
                        assert_eq!(tree.evict(slot, |id| *id == spared), gone);
                        if gone.is_none() {
                            break;
                        }
                    }
                }
                Step::Restore => {
                    tree = BlockTree::restore(Arc::clone(&engine), model.saved()).unwrap();
                    model = Model::restore(&engine, model.saved());
                }
            }
            model.check(&tree);
        }
    }
}

/// Days without finality, and what comes after them: whoever looks at many blocks for each block does not get through this.
#[test]
fn a_long_stall_costs_no_more_for_each_block() {
    let mut forest = Forest::new();
    let (mut tip, mut ids) = (forest.genesis.clone(), vec![forest.genesis.id()]);
    let (mut saved, mut forks) = (Vec::new(), Vec::new());
    let mut grow = |forest: &mut Forest, slots: std::ops::RangeInclusive<u64>, expected: Inserted| {
        for slot in slots {
            assert_eq!(forest.tree.check_room(Slot(slot)), Ok(()));
            let sealed = child(&tip, slot, 1);
            let id = sealed.header.id();
            assert_eq!(forest.tree.insert(id, sealed.clone()), Ok(expected));
            ids.push(id);
            let forked = slot % 16 == 0;
            let fork = forked.then(|| child(&tip, slot, 2));
            tip = sealed.header.clone();
            saved.push(sealed);
            if let Some(fork) = fork {
                forest.tree.insert(fork.header.id(), fork.clone()).unwrap();
                forks.push((slot, fork.header.id()));
                saved.push(fork);
            }
            assert_eq!(forest.tree.evict(Slot(slot), |_| false), None);
            assert_eq!(forest.tree.of_slot(Slot(slot)).count(), 1 + usize::from(forked));
        }
    };
    grow(&mut forest, 1..=40_000, Inserted::Best);
    // The branch that goes on is not the one with the justified block.
    let aside = child(&forest.genesis, 1, 3);
    forest.tree.insert(aside.header.id(), aside.clone()).unwrap();
    let justified = Checkpoint { round: Round(1), id: aside.header.id() };
    assert_eq!(forest.tree.justify(justified), Ok(true));
    assert_eq!(*forest.tree.best(), justified.id);
    grow(&mut forest, 40_001..=50_000, Inserted::Aside);
    saved.push(aside);
    let saved = SavedTree { root: genesis(), descendants: saved, justified };
    let restored = BlockTree::restore(engine(&test_spec(4, Vec::new())), saved).unwrap();
    assert_eq!((*restored.best(), restored.len()), (justified.id, forest.tree.len()));

    let (half, last) = (25_000, 50_000);
    assert_eq!(forest.tree.justify(Checkpoint { round: Round(2), id: ids[half] }), Ok(true));
    assert_eq!(*forest.tree.best(), ids[last]);
    let way = forest.tree.way(&justified.id, &ids[last]).unwrap();
    assert_eq!(way, Reorganisation { undo: vec![justified.id], apply: ids[1..].to_vec() });
    let changes = forest.tree.finalise(ids[half]).unwrap();
    let (closed, open): (Vec<_>, Vec<_>) = forks.into_iter().partition(|(slot, _)| *slot <= half as u64);
    let mut dropped: Vec<BlockId> = closed.into_iter().map(|(_, id)| id).chain([justified.id]).collect();
    dropped.sort();
    assert_eq!((changes.finalised, changes.dropped), (Some(ids[half]), dropped));
    assert_eq!((*forest.tree.best(), forest.tree.len()), (ids[last], 1 + last - half + open.len()));
}
