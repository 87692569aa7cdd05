//! Which branch is best, and what is final.

#![allow(clippy::unwrap_used, reason = "a broken script must stop the test")]

use light_client::{
    block_tree::{BlockTree, Inserted, MAX_PER_SLOT, MemoryStore, Reorganisation, TreeError},
    consensus::engine,
    crypto::{Hash, Signature},
    data_format::{BlockId, Checkpoint, Header, Round, SealedHeader, Slot},
    test_support::{chain::test_spec, header_store},
};

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
