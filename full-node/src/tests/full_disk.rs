//! A disk that is full while the process lives on: whatever write finds no room.

use light_client::data_format::{Height, TransactionId};

use super::{
    harness::{Harness, in_slot},
    simulation::Disk,
};
use crate::{
    check::check,
    network::{ChainPort, sync::Verdict},
    node::{NodeError, SubmitError},
    snapshot::tests::try_to_start,
};

/// What a file system says.
const WORDS: &str = "No space left on device";
/// Slots in which the disk may run full.
const SLOTS: u64 = 5;

/// What a node acknowledged until its disk was full.
struct Acknowledged {
    head: Height,
    transactions: Vec<TransactionId>,
    /// Why it went no further; `None` if there was room enough.
    failed: Option<NodeError>,
}

/// Submits and mints in each slot.
fn work(harness: &mut Harness) -> Acknowledged {
    let mut done = Acknowledged { head: harness.head(), transactions: Vec::new(), failed: None };
    let to = harness.address(2);
    for _ in 0..SLOTS {
        harness.slot += 1;
        let nonce = done.transactions.len() as u64;
        match harness.node.submit_now(&harness.transfer(0, nonce, to, 5)) {
            Ok(id) => done.transactions.push(id),
            Err(SubmitError::Node(error)) => {
                done.failed = Some(error);
                return done;
            }
            Err(error) => panic!("{error}"),
        }
        if let Err(error) = harness.node.advance(in_slot(harness.slot)) {
            done.failed = Some(error);
            return done;
        }
        done.head = harness.head();
        // What waits goes into the tables now and then.
        if let Err(error) = harness.database.write_waiting() {
            done.failed = Some(error.into());
            return done;
        }
    }
    done
}

/// Pool, votes, slots and blocks are all written here; each write there is finds no room once.
#[test]
fn a_full_disk_stops_a_node_in_words_and_loses_nothing_that_was_acknowledged() {
    let mut stopped = 0;
    for writes in 0.. {
        let disk = Disk::default();
        let mut harness = Harness::over_database(disk.open());
        disk.full_after(writes);
        let done = work(&mut harness);
        let Some(failed) = done.failed else {
            assert!(!disk.has_refused(), "a write that found no room was not noticed");
            break;
        };
        stopped += 1;
        assert!(failed.to_string().contains(WORDS), "after {writes} writes: {failed}");
        // It lives on, and answers; it writes nothing more, not when there is room again either.
        assert!(harness.head() >= done.head);
        disk.make_room();
        let slot = harness.slot + 1;
        assert!(harness.node.advance(in_slot(slot)).is_err(), "after {writes} writes it goes on");
        assert!(harness.node.submit_now(&harness.transfer(1, 0, harness.address(2), 5)).is_err());
        drop(harness);

        let mut harness = Harness::over_database(disk.open());
        assert!(harness.head() >= done.head, "after {writes} writes a block is lost");
        harness.check_state();
        harness.slot = slot;
        harness.steps(4);
        let snapshot = harness.snapshot();
        for id in &done.transactions {
            assert!(snapshot.inclusion(id).unwrap().is_some(), "after {writes} writes {id} is lost");
        }
        harness.check_state();
        let report = check(&harness.database, &mut |_| {}).unwrap();
        assert!(report.is_whole(), "after {writes} writes: {:?}", report.findings);
    }
    assert!(stopped > 100, "the disk was full at {stopped} writes only");
}

/// A node that only follows: the chain itself says why it stands still.
#[test]
fn a_full_disk_halts_a_follower_in_words() {
    let mut minter = Harness::new();
    minter.steps(4);
    let blocks = [minter.block(1), minter.block(2), minter.block(3), minter.block(4)];
    let mut stopped = 0;
    for writes in 0.. {
        let disk = Disk::default();
        let follower = Harness::restored(disk.open());
        disk.full_after(writes);
        let insert = |block| ChainPort::insert(&follower.node, block, in_slot(4)).verdict;
        let is_taken = |block| {
            let verdict = insert(block);
            // What waits goes into the tables now and then. That it could not is noticed with the next block.
            let _ = follower.database.write_waiting();
            // The block is not to blame, and whoever sent it neither.
            assert!([Verdict::Taken, Verdict::Failed].contains(&verdict), "{verdict:?}");
            verdict == Verdict::Taken
        };
        let taken = blocks[..3].iter().take_while(|block| is_taken(block)).count();
        if !disk.has_refused() {
            assert_eq!(taken, 3);
            break;
        }
        stopped += 1;
        assert_eq!(insert(&blocks[taken]), Verdict::Failed);
        let halted = follower.node.status().halted.expect("it stands still");
        assert!(halted.contains(WORDS), "{halted}");
        disk.make_room();
        assert_eq!(insert(&blocks[taken]), Verdict::Failed);
        drop(follower);

        let mut follower = Harness::restored(disk.open());
        assert!(follower.head().0 >= taken as u64);
        follower.take(&blocks, 4);
        assert_eq!(follower.state_root(), minter.state_root());
        follower.check_state();
    }
    assert!(stopped > 20, "the disk was full at {stopped} writes only");
}

/// Whatever part of a snapshot finds no room, what is there is none or goes on.
#[test]
fn a_full_disk_leaves_nothing_of_a_snapshot_that_is_not_whole_or_goes_on() {
    let mut from = Harness::new();
    for account in 1..4 {
        from.pay(0, from.address(account), 5);
        from.steps(12);
    }
    let expected = from.node.status().final_block.id;
    let mut stopped = 0;
    for writes in 0.. {
        let disk = Disk::default();
        drop(Harness::over_database(disk.open()));
        let to = Harness::over_database(disk.open());
        disk.full_after(writes);
        let whole = try_to_start(&from, &to).is_some();
        assert!(!(whole && disk.has_refused()), "a write that found no room was not noticed");
        drop(to);
        disk.make_room();
        let to = Harness::over_database(disk.open());
        if to.head() == Height(0) {
            assert_eq!(try_to_start(&from, &to), Some(expected), "after {writes} writes");
        }
        assert_eq!(to.node.status().head.id, expected, "after {writes} writes");
        let report = check(&to.database, &mut |_| {}).unwrap();
        assert!(report.is_whole(), "after {writes} writes: {:?}", report.findings);
        if whole {
            break;
        }
        stopped += 1;
    }
    assert!(stopped > 30, "the disk was full at {stopped} writes only");
}
