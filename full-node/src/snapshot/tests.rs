//! A node that starts from another one's state: it goes on as if it had every block, and believes no forged part.

use std::sync::Arc;

use light_client::{
    crypto::Hash,
    data_format::{Height, codec},
    state::{NodeId, StoredNode, trie::Value},
};

use super::*;
use crate::{
    check::check,
    network::{
        ChainPort,
        snapshot::{Shown, SnapshotPort, Taking},
    },
    node::NodeError,
    storage::{Batch, Database, RedbStorage, Space},
    tests::{
        crashes::DyingDisk,
        harness::{Harness, in_slot, retention},
    },
};

const SLOT: u64 = 300;

/// A chain with payments between many accounts.
fn giver() -> Harness {
    let mut harness = Harness::new();
    for step in 0..SLOT {
        if step % 3 == 0 {
            let key = light_client::crypto::PublicKey::Ed25519([(step % 251) as u8 + 1; 32]);
            let to = light_client::data_format::Address::of(&key, harness.node.spec().network);
            harness.pay(0, to, 1_000_000 + step);
        }
        harness.step();
    }
    harness
}

/// Everything but the installing, in pieces of `count` entries.
fn fetch(from: &Harness, to: &Harness, count: u32) -> light_client::data_format::BlockId {
    let now = in_slot(from.slot);
    let (trusted, open) = to.node.trusted().unwrap();
    let proof = from.node.prove_final(&trusted, open).unwrap().expect("a proof");
    let Shown::Final(block) = to.node.check_final(&proof, now).unwrap() else { panic!("not proven") };
    assert_eq!(block.height, from.node.status().final_block.height);
    let base = from.node.snapshot_base(&block.id).unwrap().expect("a base");
    let Taking::Taken(total) = to.node.begin(&block.id, &base).unwrap() else { panic!("refused") };
    let mut first = 0;
    while first < total {
        let (given, proof) = from.node.snapshot_leaves(&block.id, first, count, 4_096).unwrap().unwrap();
        assert!(given > 0 && proof.len() < MAX_PIECE_BYTES);
        assert_eq!(to.node.take_leaves(first, given, &proof).unwrap(), Taking::Taken(()));
        first += u64::from(given);
    }
    block.id
}

#[test]
fn a_node_that_starts_from_a_snapshot_goes_on_like_all_others() {
    let mut from = giver();
    let mut to = Harness::with_keys(&[]);
    assert!(to.node.start_from_snapshot(None));
    let id = fetch(&from, &to, 7);
    let tip = to.node.install().unwrap();
    assert_eq!((tip.head, tip.height), (id, tip.final_height));
    assert!(to.snapshot().all(Space::Snapshot).unwrap().is_empty(), "nothing is left of the pieces");
    assert!(!to.node.wants_snapshot());
    let report = check(&to.database, &mut |_| {}).unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    // Every block after it, with its certificates; then new ones.
    from.pay(1, from.address(2), 77);
    from.steps(30);
    let after: Vec<_> = (tip.height.0 + 1..=from.head().0).map(|height| from.block(height)).collect();
    to.take(&after, from.slot);
    let (ours, theirs) = (to.node.status(), from.node.status());
    assert_eq!((ours.head, ours.final_block), (theirs.head, theirs.final_block));
    assert_eq!(to.state_root(), from.state_root());
    // The nodes of the state are those of a state that grew, no more.
    let reachable = |harness: &Harness| {
        let snapshot = harness.snapshot();
        let head = snapshot.version(&snapshot.head().unwrap().unwrap()).unwrap().unwrap();
        let mut state = snapshot.state(head.root);
        state.ranked(0).map(|entry| entry.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(reachable(&to), reachable(&from));
    // All that is stored is whole, as far as it goes.
    let report = check(&to.database, &mut |_| {}).unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    // It is opened again as it is, and proves what is final to others.
    let to = to.reopened(in_slot(from.slot));
    assert_eq!(to.node.status().head, from.node.status().head);
    let genesis = to.node.genesis().header.id();
    let proof = to.node.prove_final(&genesis, false).unwrap().unwrap();
    let mut third = Harness::with_keys(&[]);
    assert!(matches!(third.node.check_final(&proof, in_slot(from.slot)), Ok(Shown::Final(_))));
    // And gives its state to a third one, once a block of its own is final.
    assert!(third.node.start_from_snapshot(None));
    fetch(&to, &third, 1_000);
    third.node.install().unwrap();
    assert_eq!(third.node.status().head.id, to.node.status().final_block.id);
    third.slot = to.slot;
}

#[tokio::test]
async fn what_a_snapshot_does_not_bring_is_said_to_be_missing() {
    let from = giver();
    let to = Harness::with_keys(&[]);
    to.node.start_from_snapshot(None);
    fetch(&from, &to, 100);
    let begins = to.node.install().unwrap().height;
    let missing =
        |error: NodeError| assert!(matches!(error, NodeError::NotKept { from, .. } if from == begins));
    for height in [1, begins.0 / 2, begins.0] {
        missing(to.node.block(Height(height)).await.unwrap_err());
    }
    missing(to.node.headers(Height(1), 10).await.unwrap_err());
    let rich = from.address(0);
    missing(to.node.account_bundle(rich, None, 0, 50).await.unwrap_err());
    missing(to.node.history_page(rich, 5, 5).await.unwrap_err());
    // Who knows what came before gets the rest, which is nothing yet.
    let count = to.record(&rich).history_count;
    to.node.account_bundle(rich, None, count, 50).await.unwrap();
    // Peers that need older blocks learn that they have to ask another one.
    let genesis = to.node.genesis().header.id();
    assert_eq!(to.node.headers_after(&[genesis], 100).unwrap(), None);
    assert_eq!(to.node.blocks(&[to.node.status().head.id], 1 << 20).unwrap(), Vec::<Vec<u8>>::new());
    // A node with blocks takes no snapshot.
    assert!(!to.node.start_from_snapshot(None));
}

#[test]
fn a_kill_loses_no_piece_and_the_rest_is_taken_later() {
    let from = giver();
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(Some(folder.path()), &retention()).unwrap();
    let open = |database: &Database| Harness::restored(database.clone());
    let to = open(&database);
    to.node.start_from_snapshot(None);
    let now = in_slot(from.slot);
    let proof = from.node.prove_final(&to.node.trusted().unwrap().0, false).unwrap().unwrap();
    let Shown::Final(block) = to.node.check_final(&proof, now).unwrap() else { panic!("not proven") };
    let base = from.node.snapshot_base(&block.id).unwrap().unwrap();
    let Taking::Taken(total) = to.node.begin(&block.id, &base).unwrap() else { panic!("refused") };
    let piece = |node: &Harness, first: u64| {
        let (count, proof) = from.node.snapshot_leaves(&block.id, first, 10, 1 << 20).unwrap().unwrap();
        assert_eq!(node.node.take_leaves(first, count, &proof).unwrap(), Taking::Taken(()));
    };
    // Every second one, before the process ends.
    (0..total).step_by(20).for_each(|first| piece(&to, first));
    drop(to);
    let to = open(&database);
    assert!(to.node.wants_snapshot(), "what was begun is gone on with, unasked");
    let begun = to.node.begun().unwrap().expect("it is still there");
    assert_eq!((begun.block, begun.total), (block, total));
    assert!(begun.taken.iter().map(|(first, _)| *first).eq((0..total).step_by(20)));
    (10..total).step_by(20).for_each(|first| piece(&to, first));
    // An attempt to install it was killed when some nodes of its trie were in the tables.
    let next = database.read().unwrap().next_node().unwrap().get();
    let mut batch = Batch::default();
    for id in (next..next + 1_000).filter_map(NodeId::new) {
        let leaf = StoredNode::Leaf { key: Arc::from([7]), value: Value::Known(Arc::from([7])) };
        batch.node(id, Arc::new(leaf));
    }
    database.commit(batch).unwrap();
    database.write_waiting().unwrap();
    to.node.install().unwrap();
    database.write_waiting().unwrap();
    let nodes = database.read().unwrap().count_nodes().unwrap() as u64;
    assert_eq!(nodes, 2 * total - 1, "a leaf for each entry, an inner node less, and no others");
    assert_eq!(to.node.status().head.id, block.id);
    drop(to);
    drop(database);
    let database = Database::open(Some(folder.path()), &retention()).unwrap();
    assert_eq!(open(&database).node.status().head.id, block.id);
}

/// Goes on with what is begun, or begins; `None` as soon as the disk fails.
pub(crate) fn try_to_start(from: &Harness, to: &Harness) -> Option<light_client::data_format::BlockId> {
    const COUNT: usize = 4;
    to.node.start_from_snapshot(None);
    let (block, total, taken) = match to.node.begun().ok()? {
        Some(begun) => (begun.block, begun.total, begun.taken),
        None => {
            let proof = from.node.prove_final(&to.node.trusted().ok()?.0, false).unwrap().unwrap();
            let Shown::Final(block) = to.node.check_final(&proof, in_slot(from.slot)).ok()? else {
                panic!("not proven")
            };
            let base = from.node.snapshot_base(&block.id).unwrap().unwrap();
            let Taking::Taken(total) = to.node.begin(&block.id, &base).ok()? else { panic!("refused") };
            (block, total, Vec::new())
        }
    };
    // What waits goes into the tables now and then.
    to.database.write_waiting().ok()?;
    for first in (0..total).step_by(COUNT) {
        if !taken.iter().any(|(there, _)| *there == first) {
            let (count, proof) =
                from.node.snapshot_leaves(&block.id, first, COUNT as u32, 1 << 20).unwrap().unwrap();
            assert_eq!(to.node.take_leaves(first, count, &proof).ok()?, Taking::Taken(()));
            to.database.write_waiting().ok()?;
        }
    }
    to.node.install().ok()?;
    to.database.write_waiting().ok()?;
    Some(block.id)
}

#[test]
fn a_dead_disk_leaves_nothing_of_a_snapshot_that_is_not_whole_or_goes_on() {
    let mut from = Harness::new();
    for account in 1..4 {
        from.pay(0, from.address(account), 5);
        from.steps(12);
    }
    for after in [false, true] {
        let mut survived = false;
        for commits in 0..40 {
            let disk = Arc::new(RedbStorage::in_memory(&retention()).unwrap());
            drop(Harness::over_storage(disk.clone()));
            let dying = DyingDisk::new(disk.clone(), commits, after);
            let to = Harness::over_storage(Arc::new(dying));
            survived |= try_to_start(&from, &to).is_some();
            drop(to);
            let to = Harness::over_storage(disk);
            let expected = from.node.status().final_block.id;
            if to.head() == Height(0) {
                assert_eq!(try_to_start(&from, &to), Some(expected), "after {commits} commits");
            }
            assert_eq!(to.node.status().head.id, expected, "after {commits} commits");
            let report = check(&to.database, &mut |_| {}).unwrap();
            assert!(report.is_whole(), "after {commits} commits: {:?}", report.findings);
        }
        assert!(survived, "the disk died at each commit there is");
    }
}

#[test]
fn nothing_is_installed_before_it_is_whole() {
    let from = giver();
    let to = Harness::with_keys(&[]);
    to.node.start_from_snapshot(None);
    let proof = from.node.prove_final(&to.node.trusted().unwrap().0, false).unwrap().unwrap();
    let Shown::Final(block) = to.node.check_final(&proof, in_slot(from.slot)).unwrap() else { panic!() };
    let base = from.node.snapshot_base(&block.id).unwrap().unwrap();
    to.node.begin(&block.id, &base).unwrap();
    let (count, proof) = from.node.snapshot_leaves(&block.id, 0, 10, 1 << 20).unwrap().unwrap();
    to.node.take_leaves(0, count, &proof).unwrap();
    let before = (to.node.status().head, to.snapshot().all(Space::Heights).unwrap());
    assert!(to.node.install().unwrap_err().to_string().contains("make the state"));
    assert_eq!((to.node.status().head, to.snapshot().all(Space::Heights).unwrap()), before);
    // Blocks are taken again once it is given up.
    to.node.forget(true).unwrap();
    let mut to = to;
    to.take(&(1..=20).map(|height| from.block(height)).collect::<Vec<_>>(), from.slot);
    assert_eq!(to.head(), Height(20));
}

#[test]
fn every_forged_part_is_refused() {
    let from = giver();
    let to = Harness::with_keys(&[]);
    to.node.start_from_snapshot(None);
    let now = in_slot(from.slot);
    let proof = from.node.prove_final(&to.node.trusted().unwrap().0, false).unwrap().unwrap();
    for place in (0..proof.len()).step_by(11) {
        let mut forged = proof.clone();
        forged[place] ^= 1;
        let shown = to.node.check_final(&forged, now).unwrap();
        assert!(matches!(shown, Shown::Lie(_) | Shown::Unsure(_)), "byte {place}: {shown:?}");
    }
    let Shown::Final(block) = to.node.check_final(&proof, now).unwrap() else { panic!() };
    let base: Base =
        codec::decode(&from.node.snapshot_base(&block.id).unwrap().unwrap(), MAX_BASE_BYTES).unwrap();
    type Forgery = fn(&mut Base);
    let forgeries: [(&str, Forgery); 9] = [
        ("another block", |base| base.header.header.state_root = Hash([1; 32])),
        ("a gap", |base| {
            base.before.remove(base.before.len() / 2);
        }),
        ("the first headers", |base| {
            base.before.drain(..base.before.len() - 1);
        }),
        ("the last header", |base| {
            base.before.pop();
        }),
        ("another header", |base| base.before[0].header.next_slots = Hash([1; 32])),
        ("no tables", |base| base.tables.clear()),
        ("other tables", |base| {
            let mut other = base.tables[0].clone();
            other.0.0[0] = None;
            base.tables.push(other);
        }),
        ("a peak", |base| base.peaks.push(Hash([1; 32]))),
        ("no count", |base| base.count.clear()),
    ];
    for (what, forge) in forgeries {
        let mut forged = base.clone();
        forge(&mut forged);
        let begun = to.node.begin(&block.id, &codec::encode(&forged)).unwrap();
        assert!(matches!(begun, Taking::Lie(_)), "{what}: {begun:?}");
    }
    to.node.begin(&block.id, &codec::encode(&base)).unwrap();
    let (count, piece) = from.node.snapshot_leaves(&block.id, 5, 10, 1 << 20).unwrap().unwrap();
    for (first, said) in [(4, count), (5, count - 1), (5, count + 1), (6, count)] {
        assert!(
            matches!(to.node.take_leaves(first, said, &piece).unwrap(), Taking::Lie(_)),
            "{first} {said}"
        );
    }
    for place in (0..piece.len()).step_by(7) {
        let mut forged = piece.clone();
        forged[place] ^= 1;
        assert!(matches!(to.node.take_leaves(5, count, &forged).unwrap(), Taking::Lie(_)), "byte {place}");
    }
    assert_eq!(to.node.take_leaves(5, count, &piece).unwrap(), Taking::Taken(()));
}

#[test]
fn a_checkpoint_of_the_operator_is_opened_by_whoever_proves_from_it() {
    let from = giver();
    let now = in_slot(from.slot);
    let checkpoint = from.block(40).header.header.clone();
    let to = Harness::with_keys(&[]);
    assert!(to.node.start_from_snapshot(Some((checkpoint.height, checkpoint.id()))));
    let (trusted, open) = to.node.trusted().unwrap();
    assert_eq!((trusted, open), (checkpoint.id(), true));
    let proof = from.node.prove_final(&trusted, open).unwrap().unwrap();
    assert!(matches!(to.node.check_final(&proof, now).unwrap(), Shown::Final(_)));
    let unopened = from.node.prove_final(&trusted, false).unwrap().unwrap();
    assert!(matches!(to.node.check_final(&unopened, now).unwrap(), Shown::Lie(_)));
    let other = from.block(41).header.header.id();
    let another = from.node.prove_final(&other, true).unwrap().unwrap();
    assert!(matches!(to.node.check_final(&another, now).unwrap(), Shown::Lie(_)), "another block is opened");
    // It is worth nothing any more once its holders may have sold their keys.
    let period = to.node.spec().trusting_period_ms;
    let later = |ms| in_slot(checkpoint.slot.0).plus_ms(ms);
    assert!(matches!(to.node.check_final(&proof, later(period / 2)).unwrap(), Shown::Final(_)));
    let Shown::Unsure(why) = to.node.check_final(&proof, later(period + 1_000)).unwrap() else {
        panic!("an old checkpoint proves something")
    };
    assert!(why.contains("--checkpoint"), "{why}");
    to.node.start_from_snapshot(Some((Height(39), checkpoint.id())));
    assert!(matches!(to.node.check_final(&proof, now).unwrap(), Shown::Unsure(_)), "the operator was wrong");
    assert_eq!(from.node.prove_final(&Hash([9; 32]), true).unwrap(), None);
}

#[test]
fn a_snapshot_is_gone_on_with_from_the_checkpoint_that_it_was_begun_with() {
    let from = giver();
    let database = Database::open(None, &retention()).unwrap();
    let named = |height: u64| Some((Height(height), from.block(height).header.header.id()));
    let begin = |checkpoint| {
        let to = Harness::restored(database.clone());
        to.node.start_from_snapshot(checkpoint);
        let (trusted, open) = to.node.trusted().unwrap();
        let proof = from.node.prove_final(&trusted, open).unwrap().unwrap();
        let shown = to.node.check_final(&proof, in_slot(from.slot)).unwrap();
        let Shown::Final(block) = shown else { panic!("{shown:?}") };
        let base = from.node.snapshot_base(&block.id).unwrap().unwrap();
        to.node.begin(&block.id, &base).unwrap();
    };
    let resumed = |checkpoint: Option<_>| {
        let to = Harness::restored(database.clone());
        if checkpoint.is_some() {
            to.node.start_from_snapshot(checkpoint);
        }
        assert!(to.node.wants_snapshot());
        (to.node.trusted().unwrap().0, to.node.begun().unwrap().is_some())
    };
    let id = |named: Option<(Height, _)>| named.unwrap().1;
    begin(named(40));
    assert_eq!(resumed(None), (id(named(40)), true));
    assert_eq!(resumed(named(40)), (id(named(40)), true));
    // What hangs on a block that the operator does not name any more is forgotten.
    assert_eq!(resumed(named(50)), (id(named(50)), false));
    assert!(!Harness::restored(database.clone()).node.wants_snapshot());
    begin(None);
    assert!(resumed(None).1);
    assert!(!resumed(named(40)).1, "proven from block 0, which is no checkpoint of the operator");
}
