//! What was accepted waits on disk, and is looked at again at the start.

use std::sync::Arc;

use light_client::data_format::{
    Amount, Call, CoinCall, Height, SignedTransaction, Slot, TransactionId, codec,
};

use super::{
    harness::{Harness, in_slot, retention},
    simulation::Disk,
};
use crate::{
    network::Certainty,
    node::{Node, NodeConfig, OpenError, TransactionState},
    storage::{Batch, Database, RedbStorage, Space, StorageError},
};

fn disk() -> Arc<RedbStorage> {
    Arc::new(RedbStorage::in_memory(&retention()).unwrap())
}

/// Writes to a disk that no node uses.
fn write(disk: &Arc<RedbStorage>, batch: Batch) {
    Database::over(disk.clone(), &retention()).unwrap().commit(batch).unwrap();
}

fn stored(harness: &Harness) -> Vec<TransactionId> {
    stored_in(&harness.database)
}

fn stored_in(database: &Database) -> Vec<TransactionId> {
    database.read().unwrap().waiting().unwrap().into_iter().map(|(id, _)| id).collect()
}

fn id(harness: &Harness, signed: &SignedTransaction) -> TransactionId {
    signed.transaction.id(&harness.node.chain())
}

#[test]
fn what_was_accepted_is_in_a_block_after_a_kill() {
    let disk = disk();
    let harness = Harness::over_storage(disk.clone());
    let to = harness.address(3);
    let accepted: Vec<_> = (0..5)
        .flat_map(|nonce| [0, 1].map(|sender| harness.transfer(sender, nonce, to, 7)))
        .map(|signed| harness.node.submit_now(&signed).unwrap())
        .collect();
    // Nothing is told to the node, as by a kill.
    drop(harness);
    let mut harness = Harness::over_storage(disk);
    assert_eq!(harness.node.status().pool_transactions, 10);
    harness.step();
    let snapshot = harness.snapshot();
    assert!(accepted.iter().all(|id| snapshot.inclusion(id).unwrap().is_some()));
    assert_eq!(harness.node.status().pool_transactions, 0);
    harness.check_state();
}

#[test]
fn what_left_leaves_the_disk_with_the_next_write() {
    let mut harness = Harness::new();
    let to = harness.address(3);
    let first = harness.pay(0, to, 1);
    assert_eq!(stored(&harness), [first]);
    harness.step();
    assert_eq!(stored(&harness), [first], "no write of its own");
    let second = harness.pay(0, to, 2);
    assert_eq!(stored(&harness), [second]);
    harness.step();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(harness.node.shutdown());
    assert!(stored(&harness).is_empty());
}

#[test]
fn what_no_longer_fits_is_dropped_at_the_start() {
    let disk = disk();
    let mut harness = Harness::over_storage(disk.clone());
    let to = harness.address(3);
    let balance = harness.record(&harness.address(1)).balance.units();
    harness.pay(0, to, 1);
    harness.step();

    let fits = harness.transfer(0, 1, to, 3);
    let used = harness.transfer(0, 0, to, 2);
    let gap = harness.transfer(2, 4, to, 2);
    let poor = harness.signed(1, 0, vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(balance) })]);
    let mut forged = harness.transfer(1, 0, to, 2);
    forged.transaction.nonce = 1;
    let mut batch = Batch::default();
    for signed in [&fits, &used, &gap, &poor, &forged] {
        batch.waiting(&id(&harness, signed), codec::encode(signed));
    }
    // In a block already: the node was killed before it noted that.
    let included = harness.block(1).transactions.remove(0);
    batch.waiting(&id(&harness, &included), codec::encode(&included));
    // Under a name that is not its own.
    batch.waiting(&light_client::crypto::Hash([9; 32]), codec::encode(&fits));
    harness.database.commit(batch).unwrap();
    drop(harness);

    let mut harness = Harness::over_storage(disk);
    assert_eq!(harness.node.status().pool_transactions, 1);
    assert_eq!(stored(&harness), [id(&harness, &fits)], "what was dropped is gone from the disk, too");
    harness.slot = 1;
    harness.step();
    assert_eq!(harness.block(2).transactions, [fits]);
    harness.check_state();
}

#[test]
fn damage_is_said() {
    let disk = disk();
    drop(Harness::over_storage(disk.clone()));
    let mut batch = Batch::default();
    batch.waiting(&light_client::crypto::Hash([9; 32]), vec![1, 2, 3]);
    write(&disk, batch);
    let database = Database::over(disk, &retention()).unwrap();
    let config = NodeConfig {
        data: None,
        chain: crate::node::ChainChoice::Development,
        minting_keys: Vec::new(),
        recoveries: Vec::new(),
        payee: None,
        retention: retention(),
        pool: crate::transaction::Limits::default(),
        now: in_slot(0),
    };
    let error = Node::over(database, config).err().unwrap();
    assert!(matches!(error, OpenError::Storage(StorageError::Damaged { .. })), "{error}");
}

#[test]
fn what_was_undone_waits_on_disk_again() {
    let mut a = Harness::with_keys(&[1]);
    let mut b = Harness::with_keys(&[2, 3]);
    let payment = a.transfer(0, 0, a.address(3), 5);
    let later = a.transfer(0, 1, a.address(3), 6);
    a.node.submit_now(&payment).unwrap();
    a.step();
    b.steps(3);
    let id = id(&a, &payment);

    let disk = disk();
    let mut node = Harness::over_storage(disk.clone());
    node.take(&[a.block(1)], 9);
    let waiting = node.node.submit_now(&later).unwrap();
    let mut both = vec![id, waiting];
    both.sort_unstable();
    assert_eq!(stored(&node), [waiting]);
    node.take(&[b.block(1), b.block(2)], 9);
    assert_eq!(stored(&node), both);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(matches!(runtime.block_on(node.node.transaction(id)).unwrap(), TransactionState::Pending(_)));
    drop(node);

    // That it had left for its block was written after that, and then the node was killed: the undone block has it.
    let mut batch = Batch::default();
    batch.remove(Space::Waiting, *id.as_bytes());
    write(&disk, batch);
    let mut node = Harness::over_storage(disk);
    assert_eq!(node.node.status().pool_transactions, 2);
    assert_eq!(stored(&node), both);
    node.slot = 3;
    node.step();
    assert_eq!(node.block(3).transactions, [payment, later]);
    node.check_state();
}

#[test]
fn what_is_undone_waits_with_the_same_write_and_left_before_it() {
    let (mut a, mut b) = (Harness::with_keys(&[1]), Harness::with_keys(&[2, 3]));
    let payment = a.transfer(0, 0, a.address(3), 5);
    a.node.submit_now(&payment).unwrap();
    a.step();
    b.steps(3);
    let (own, others) = ([a.block(1)], [b.block(1), b.block(2)]);
    let mut found = Vec::new();
    for syncs in 0.. {
        let disk = Disk::default();
        let mut node = Harness::restored(disk.open());
        node.node.submit_now(&payment).unwrap();
        node.take(&own, 9);
        disk.kill_after(syncs);
        let is_whole = others.iter().all(|block| node.node.insert(block, in_slot(9)).is_ok());
        disk.kill();
        drop(node);

        let database = disk.open();
        let stored = stored_in(&database);
        let node = Harness::restored(database);
        assert_eq!(node.node.status().pool_transactions, stored.len(), "after {syncs} syncs");
        found.push((node.head_slot(), stored));
        if is_whole {
            break;
        }
    }
    found.dedup();
    assert_eq!(found, [(Slot(1), vec![]), (Slot(3), vec![id(&a, &payment)])]);
}

#[test]
fn what_is_undone_and_in_a_block_again_leaves_the_disk() {
    let (mut a, mut b) = (Harness::with_keys(&[1]), Harness::with_keys(&[2, 3]));
    let payment = a.transfer(0, 0, a.address(3), 5);
    a.node.submit_now(&payment).unwrap();
    a.step();
    b.steps(3);
    b.node.submit_now(&payment).unwrap();
    b.steps(3);
    let row: Vec<_> = (1..=3).map(|height| b.block(height)).collect();
    assert_eq!(row[2].transactions, std::slice::from_ref(&payment));

    let mut node = Harness::with_keys(&[]);
    node.take(&[a.block(1)], 9);
    assert!(node.take_row(&row, Certainty::Open, 9).iter().all(Result::is_ok));
    assert_eq!(node.node.status().pool_transactions, 0);
    assert_eq!(stored(&node), [id(&a, &payment)], "no write of its own");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(node.node.shutdown());
    assert!(stored(&node).is_empty());
}

#[test]
fn a_report_that_is_undone_does_not_wait() {
    // The key of slot 1 seals two blocks for it, which the holder of slot 2 reports.
    let sealed = |units| {
        let mut minter = Harness::with_keys(&[1]);
        minter.pay(0, minter.address(3), units);
        minter.step();
        minter.block(1)
    };
    let twins = [sealed(1), sealed(2)];
    let mut reporter = Harness::with_keys(&[2]);
    reporter.take(&twins, 1);
    reporter.slot = 1;
    reporter.step();
    let own = [twins[0].clone(), reporter.block(2)];
    assert!(own[1].transactions[0].unsigned_evidence().is_some());
    let mut others = Harness::with_keys(&[0, 3]);
    others.slot = 2;
    others.steps(5);

    let disk = Disk::default();
    let mut node = Harness::restored(disk.open());
    node.take(&own, 9);
    node.take(&[others.block(1), others.block(2)], 9);
    assert_eq!(node.head_slot(), Slot(2));
    disk.kill_after(0);
    assert!(node.node.insert(&others.block(3), in_slot(9)).is_err());
    drop(node);

    let database = disk.open();
    let stored = stored_in(&database);
    let node = Harness::restored(database);
    assert_eq!(node.head(), Height(3));
    assert_eq!(stored, [id(&node, &own[0].transactions[0])]);
}
