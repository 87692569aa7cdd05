use light_client::{
    block_tree::TreeError,
    data_format::{Amount, EngineSpec, Height, ProofOfWorkSpec, Round, Slot},
};

use super::{
    harness::{Harness, accounts, in_slot},
    simulation::Disk,
};
use crate::{
    block_tree::BlockError,
    network::Certainty,
    node::{Event, TransactionState},
};

/// Blocks of branch A (slots 1, 4 and 5) and of branch B (slots 2 and 3), with payments that clash.
pub(super) struct Fork {
    pub(super) a: Vec<light_client::consensus::spos::Block>,
    pub(super) b: Vec<light_client::consensus::spos::Block>,
}

pub(super) fn fork() -> Fork {
    let mut a = Harness::with_keys(&[0, 1]);
    let mut b = Harness::with_keys(&[2, 3]);
    let to = a.address(3);
    let both = a.transfer(0, 0, to, 100);
    let only_a = a.transfer(1, 0, a.address(2), 7);
    let only_b = b.transfer(1, 0, to, 9);
    a.node.submit_now(&both).unwrap();
    a.step();
    a.node.submit_now(&only_a).unwrap();
    b.node.submit_now(&only_b).unwrap();
    b.steps(2);
    b.node.submit_now(&both).unwrap();
    b.step();
    a.steps(4);
    assert_eq!((a.head(), b.head()), (Height(3), Height(2)));
    a.check_state();
    b.check_state();
    Fork {
        a: (1..=3).map(|height| a.block(height)).collect(),
        b: (1..=2).map(|height| b.block(height)).collect(),
    }
}

#[test]
fn switching_branches_and_back_leaves_no_trace() {
    let Fork { a, b } = fork();
    let follow = |blocks: &[&[light_client::consensus::spos::Block]]| {
        let mut follower = Harness::with_keys(&[]);
        blocks.iter().for_each(|blocks| follower.take(blocks, 9));
        follower.check_state();
        follower
    };
    let only_a1 = follow(&[&a[..1]]);
    let only_a = follow(&[&a]);
    let only_b = follow(&[&b]);

    let mut both = follow(&[&a[..1]]);
    let mut events = both.node.subscribe();
    assert_eq!(both.indexes(), only_a1.indexes());
    both.take(&b, 9);
    assert_eq!(both.head_slot(), Slot(3), "more blocks win");
    assert_eq!((both.indexes(), both.state_root()), (only_b.indexes(), only_b.state_root()));
    both.check_state();
    both.take(&a[1..], 9);
    assert_eq!(both.head_slot(), Slot(5), "and back");
    assert_eq!((both.indexes(), both.state_root()), (only_a.indexes(), only_a.state_root()));
    both.check_state();
    let undone: Vec<u64> = std::iter::from_fn(|| events.try_recv().ok())
        .filter_map(|event| match event {
            Event::Block { undone, .. } => Some(undone),
            _ => None,
        })
        .collect();
    assert_eq!(undone, [1, 2]);
}

#[test]
fn a_branch_of_equal_length_is_kept_aside() {
    let Fork { a, b } = fork();
    let mut follower = Harness::with_keys(&[]);
    follower.take(&a[..1], 9);
    follower.take(&b[..1], 9);
    assert_eq!(follower.head_slot(), Slot(1), "first seen stays");
    follower.check_state();
}

#[test]
fn transactions_of_an_undone_block_are_back_in_the_pool() {
    let Fork { a, b } = fork();
    let mut follower = Harness::with_keys(&[]);
    follower.take(&a, 9);
    let id = a[1].transactions[0].transaction.id(&follower.node.chain());
    drop(follower);
    // Only what is not in branch B comes back, and only if it still can be included.
    let mut follower = Harness::with_keys(&[]);
    let alone = a.iter().take(1).cloned().collect::<Vec<_>>();
    follower.take(&alone, 9);
    let both = alone[0].transactions[0].transaction.id(&follower.node.chain());
    follower.take(&b[..1], 9);
    follower.take(&b[1..], 9);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let state = runtime.block_on(follower.node.transaction(both)).unwrap();
    assert!(matches!(state, TransactionState::Included { .. }), "it is in branch B too: {state:?}");
    assert_eq!(follower.node.status().pool_transactions, 0);
    assert_eq!(runtime.block_on(follower.node.transaction(id)).unwrap(), TransactionState::Unknown);
}

#[test]
fn a_restart_in_the_middle_of_a_fork_goes_on() {
    let Fork { a, b } = fork();
    let storage =
        std::sync::Arc::new(crate::storage::RedbStorage::in_memory(&super::harness::retention()).unwrap());
    let open = || Harness::over_storage(storage.clone());
    let mut follower = open();
    follower.take(&a[..1], 9);
    follower.take(&b[..1], 9);
    drop(follower);
    let mut follower = open();
    assert_eq!(follower.head_slot(), Slot(1));
    follower.take(&b[1..], 9);
    assert_eq!(follower.head_slot(), Slot(3));
    drop(follower);
    let mut follower = open();
    follower.take(&a[1..], 9);
    assert_eq!(follower.head_slot(), Slot(5));
    let mut only_a = Harness::with_keys(&[]);
    only_a.take(&a, 9);
    assert_eq!((follower.indexes(), follower.state_root()), (only_a.indexes(), only_a.state_root()));
    follower.check_state();
}

#[test]
fn a_final_block_is_never_left() {
    let Fork { a, b } = fork();
    let mut harness = Harness::new();
    harness.steps(9);
    assert_eq!(harness.node.status().final_block.height, Height(3));
    let before = harness.indexes();
    for block in a.iter().chain(&b).take(1).chain(&b[..1]) {
        let error = harness.node.insert(block, in_slot(harness.slot)).unwrap_err();
        assert!(matches!(error, BlockError::Tree(TreeError::UnknownParent { .. })), "{error}");
    }
    assert_eq!(harness.indexes(), before);
}

#[test]
fn finality_deletes_other_branches() {
    // A node that sees a branch beside the one that becomes final.
    let mut all = Harness::new();
    let mut aside = Harness::with_keys(&[2, 3]);
    aside.steps(3);
    all.steps(1);
    let nodes_before =
        |harness: &Harness| harness.snapshot().all(crate::storage::Space::Versions).unwrap().len();
    let block = aside.block(1);
    all.take(std::slice::from_ref(&block), 2);
    let id = block.header.header.id();
    assert!(all.snapshot().header(&id).unwrap().is_some());
    let with_aside = nodes_before(&all);
    assert_eq!(with_aside, 3, "genesis, its child, and the one aside");
    all.steps(9);
    assert!(all.node.status().final_block.height >= Height(1));
    assert!(all.snapshot().header(&id).unwrap().is_none());
    assert!(all.snapshot().version(&id).unwrap().is_none());
    all.check_state();
}

#[test]
fn what_a_block_undoes_and_drops_waits_whenever_the_node_is_killed() {
    // Four blocks show more work than three, and the first of them is final then.
    let work = ProofOfWorkSpec {
        slot_ms: 1_000,
        block_ms: 1_000,
        genesis_difficulty: 16,
        half_life_ms: 120_000,
        final_depth: 3,
        block_reward: Amount(7),
    };
    let miner = |index: usize| {
        let payee = Some(accounts()[index].address);
        Harness::of_engine(EngineSpec::ProofOfWork(work), Vec::new(), payee)
    };
    let (mut left, mut taken) = (miner(0), miner(1));
    let id = left.pay(2, left.address(3), 9);
    left.steps(3);
    taken.steps(4);
    assert_eq!((left.head(), taken.head()), (Height(3), Height(4)));
    let left: Vec<_> = (1..=3).map(|height| left.block(height)).collect();
    let others: Vec<_> = (1..=4).map(|height| taken.block(height)).collect();
    let [first, last] = [&left[0], &left[2]].map(|block| block.header.header.id());

    let open =
        |disk: &Disk| Harness::loading(&disk.open(), taken.node.spec(), &[], Vec::new(), in_slot(9)).unwrap();
    let mut untold = 0;
    for syncs in 0.. {
        let disk = Disk::default();
        let mut node = open(&disk);
        node.node.submit_now(&left[0].transactions[0]).unwrap();
        node.take(&left, 9);
        node.take(&others[..3], 9);
        let status = node.node.status();
        assert_eq!((status.head.id, status.final_block.height), (last, Height(0)));
        disk.kill_after(syncs);
        let is_whole = node.node.insert(&others[3], in_slot(9)).is_ok();
        disk.kill();
        drop(node);

        let node = open(&disk);
        let is_dropped = node.snapshot().header(&first).unwrap().is_none();
        let is_included = node.snapshot().inclusion(&id).unwrap().is_some();
        let waiting = node.node.status().pool_transactions;
        assert_eq!((is_included, waiting), (!is_dropped, usize::from(is_dropped)), "after {syncs} syncs");
        node.check_state();
        if is_whole {
            assert!(is_dropped);
            break;
        }
        untold += usize::from(is_dropped);
    }
    assert!(untold > 0, "none was killed after the block was on disk");
}

/// A branch whose third block justifies round 1, and a heavier one without votes: blocks of slots 2 and 5, and of 3, 4 and 7.
pub(super) fn justified_and_heavier() -> Fork {
    let mut a = Harness::with_keys(&[0, 1, 2]);
    a.slot = 1;
    a.step();
    a.slot = 4;
    a.step();
    assert_eq!(a.node.status().rounds.unwrap().justified.round, Round(1));
    let mut b = Harness::with_keys(&[0, 3]);
    b.slot = 2;
    b.steps(5);
    let blocks = |harness: &Harness, count| (1..=count).map(|height| harness.block(height)).collect();
    Fork { a: blocks(&a, 2), b: blocks(&b, 3) }
}

#[test]
fn a_checkpoint_justified_elsewhere_waits_for_its_time_through_a_restart() {
    let Fork { a, b } = justified_and_heavier();
    for restarts in [false, true] {
        let mut follower = Harness::with_keys(&[]);
        follower.take(&b, 7);
        follower.take(&a, 7);
        assert_eq!(follower.head_slot(), Slot(7), "not after the vote position of the round");
        if restarts {
            follower = follower.reopened_with(Vec::new(), in_slot(7));
        }
        follower.node.advance(in_slot(7)).unwrap();
        assert_eq!(follower.node.status().rounds.unwrap().justified.round, Round(0));
        follower.node.advance(in_slot(8)).unwrap();
        assert_eq!(follower.head_slot(), Slot(5), "from the next round on (restarted: {restarts})");
        assert_eq!(follower.node.status().rounds.unwrap().justified.round, Round(1));
        follower.check_state();
    }
}

#[test]
fn a_block_that_others_built_on_is_fetched_however_full_its_slot_is() {
    // The holder of slot 1 seals five blocks for it, and the next one builds on the fifth.
    let sealed = |units| {
        let mut minter = Harness::with_keys(&[1]);
        minter.pay(0, minter.address(3), units);
        minter.step();
        minter.block(1)
    };
    let siblings: Vec<_> = (1..=5).map(sealed).collect();
    let mut next = Harness::with_keys(&[2]);
    next.take(&siblings[4..], 1);
    next.slot = 1;
    next.step();
    let child = next.block(2);

    let mut follower = Harness::with_keys(&[]);
    follower.take(&siblings[..4], 2);
    let told = follower.node.insert(&siblings[4], in_slot(2)).unwrap_err();
    assert!(matches!(told, BlockError::Tree(TreeError::SlotFull(Slot(1)))), "{told}");
    follower.take(&siblings[..1], 2);
    let fetched = [siblings[4].clone(), child];
    assert!(follower.take_row(&fetched, Certainty::Open, 2).iter().all(Result::is_ok));
    assert_eq!((follower.head_slot(), follower.state_root()), (Slot(2), next.state_root()));
    // It took the place of the oldest that nobody needed, which is gone from the disk.
    let is_stored = |harness: &Harness, block: &light_client::consensus::spos::Block| {
        let (snapshot, id) = (harness.snapshot(), block.header.header.id());
        let stored = snapshot.header(&id).unwrap().is_some();
        assert_eq!(snapshot.version(&id).unwrap().is_some(), stored);
        assert_eq!(snapshot.block(&id).unwrap().is_some(), stored);
        stored
    };
    let stored: Vec<bool> = siblings.iter().map(|block| is_stored(&follower, block)).collect();
    assert_eq!(stored, [true, false, true, true, true]);
    follower.check_state();
    let follower = follower.reopened_with(Vec::new(), in_slot(2));
    assert_eq!(follower.head_slot(), Slot(2));
    follower.check_state();
}
