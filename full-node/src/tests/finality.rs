use light_client::{
    data_format::{Height, Round, Slot},
    state::{AccountRecord, Order},
};

use super::harness::{Harness, in_slot, keys};
use crate::{consensus::spos::Holder, node::Event};

#[test]
fn a_block_every_slot_and_final_within_two_rounds() {
    let mut harness = Harness::new();
    for slot in 1..=40 {
        harness.step();
        let status = harness.node.status();
        assert_eq!((status.head.height, status.head.slot), (Height(slot), Slot(slot)));
        let expected = match slot / 4 {
            // Round r's certificate is in the block of position 1, and makes round r - 1's checkpoint final.
            round if slot % 4 >= 1 => ((round.max(1) - 1) * 4).max(1) - 1,
            round => ((round.max(2) - 2) * 4).max(1) - 1,
        };
        assert_eq!(status.final_block.height.0, expected, "slot {slot}");
    }
    harness.check_state();
}

#[test]
fn events_tell_of_blocks_and_of_finality() {
    let mut harness = Harness::new();
    let mut events = harness.node.subscribe();
    harness.steps(9);
    let mut blocks = Vec::new();
    let mut finals = Vec::new();
    while let Ok(event) = events.try_recv() {
        match event {
            Event::Block { block, undone, .. } => {
                assert_eq!(undone, 0);
                blocks.push(block.height.0);
            }
            Event::Final { block, round } => finals.push((block.height.0, round)),
            Event::Pending { .. } => panic!("nothing was submitted"),
        }
    }
    assert_eq!(blocks, (1..=9).collect::<Vec<_>>());
    assert_eq!(finals, [(3, Round(1))]);
}

#[test]
fn the_chain_goes_on_after_downtime() {
    let mut harness = Harness::new();
    harness.steps(10);
    let before = harness.node.status();
    harness.slot = 5_001;
    harness.steps(3);
    // Rounds were skipped, so nothing new is final yet: the certificate's rounds do not follow one another.
    assert_eq!(harness.head(), Height(before.head.height.0 + 3));
    assert_eq!(harness.node.status().final_block, before.final_block);
    harness.steps(12);
    let after = harness.node.status();
    assert!(after.final_block.height > before.head.height, "finality goes on: {after:?}");
    harness.check_state();
}

#[test]
fn without_two_thirds_blocks_go_on_and_finality_stands_still() {
    let mut harness = Harness::with_keys(&[1, 2]);
    harness.steps(40);
    assert_eq!(harness.head(), Height(20), "two of four slots");
    assert_eq!(harness.node.status().final_block.height, Height(0));
    harness.check_state();
}

#[test]
fn asking_twice_at_one_time_does_nothing_twice() {
    let mut harness = Harness::new();
    harness.steps(6);
    let before = harness.node.status().head;
    for _ in 0..3 {
        harness.node.advance(in_slot(harness.slot)).unwrap();
        harness.node.advance(in_slot(harness.slot - 3)).unwrap();
    }
    assert_eq!(harness.node.status().head, before);
}

#[test]
fn nothing_is_minted_before_the_first_slot() {
    let harness = Harness::new();
    harness.node.advance(in_slot(0)).unwrap();
    assert_eq!(harness.head(), Height(0));
}

#[test]
fn a_restart_votes_and_mints_nothing_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = Harness::in_folder(folder.path().to_owned());
    harness.steps(5);
    let (slot, head) = (harness.slot, harness.node.status().head);
    let records: Vec<_> = harness.snapshot().all(crate::storage::Space::Voting).unwrap();
    drop(harness);
    let harness = Harness::in_folder(folder.path().to_owned());
    for again in [slot, slot - 1, slot - 4] {
        harness.node.advance(in_slot(again)).unwrap();
    }
    assert_eq!(harness.node.status().head, head);
    assert_eq!(harness.snapshot().all(crate::storage::Space::Voting).unwrap(), records);
}

#[test]
fn a_holder_that_lost_its_memory_does_not_vote_twice() {
    use crate::{block_tree::Chain, storage::Database};
    use std::sync::Arc;
    let database = Database::open(None, &super::harness::retention()).unwrap();
    let public = Holder::new(keys(&[0, 1, 2, 3]), Slot(0)).public_keys();
    let chain =
        Chain::open(database, Arc::new(super::harness::spec()), &super::harness::retention(), &public)
            .unwrap();
    let holder = || Holder::new(keys(&[0, 1, 2, 3]), Slot(0));
    let vote = |slot| holder().vote(&chain, in_slot(slot)).unwrap().len();
    assert_eq!(vote(3), 0, "there is no vote in round 0");
    assert_eq!(vote(4), 0, "the vote position of four slots is 1");
    assert_eq!(vote(5), 4);
    assert_eq!(vote(5), 0);
    assert_eq!(vote(7), 0);
    assert_eq!(vote(9), 4);
    assert_eq!(vote(6), 0, "targets only rise");
}

#[test]
fn a_key_without_its_record_waits_for_a_later_final_checkpoint() {
    let mut harness = Harness::new();
    harness.steps(10);
    let key = light_client::crypto::Hash(*keys(&[1])[0].public().as_bytes());
    let mut batch = crate::storage::Batch::default();
    batch.remove(crate::storage::Space::Voting, *key.as_bytes());
    harness.database.commit(batch).unwrap();
    let reopened = harness.reopened(in_slot(10));
    let mut minted = Vec::new();
    let mut harness = reopened;
    for _ in 0..20 {
        harness.step();
        if harness.head_slot().0 == harness.slot && harness.slot % 4 == 1 {
            minted.push(harness.slot);
        }
    }
    // It started in round 2; round 3's checkpoint is final with the certificate of round 4, in slot 18.
    assert_eq!(minted, [21, 25, 29]);
    harness.check_state();
}

#[test]
fn a_machine_put_back_within_a_slot_does_not_mint_in_it() {
    // What it knew before slot 6, in which it mints; then it is put back to that.
    let mut harness = Harness::new();
    harness.steps(5);
    let mut harness = harness.reopened(in_slot(6));
    harness.step();
    assert_eq!(harness.slot, 6);
    assert_eq!(harness.head_slot(), Slot(5), "it may have minted in this slot already");
    harness.step();
    assert_eq!(harness.head_slot(), Slot(7));
}

#[test]
fn a_minted_slot_is_not_minted_again_on_another_branch() {
    // What happened before the crash is only the record: the block itself was lost.
    let mut harness = Harness::new();
    let mut batch = crate::storage::Batch::default();
    let key = light_client::crypto::Hash(*keys(&[1])[0].public().as_bytes());
    let record = light_client::consensus::spos::VotingRecord::default().mint(Slot(1)).unwrap();
    batch.voting(&key, &record);
    harness.database.commit(batch).unwrap();
    harness.step();
    assert_eq!(harness.head(), Height(0));
    harness.steps(4);
    assert_eq!(harness.head(), Height(4));
}

#[test]
fn old_versions_are_pruned_and_the_rest_stays_whole() {
    let mut harness = Harness::new();
    let to = harness.address(3);
    for round in 0..240 {
        if round % 7 == 0 {
            harness.pay(0, to, 5);
        }
        harness.steps(4);
    }
    let snapshot = harness.snapshot();
    let head = harness.head();
    assert_eq!(head, Height(960));
    for height in 0..=head.0 {
        let id = snapshot.at_height(Height(height)).unwrap().unwrap();
        let kept = height + 900 >= head.0;
        assert_eq!(snapshot.version(&id).unwrap().is_some(), kept, "height {height}");
        if let (true, Some(version)) = (height % 50 == 10, snapshot.version(&id).unwrap()) {
            let mut state = snapshot.state(version.root);
            for entry in state.prefix(&[], Order::Ascending) {
                entry.unwrap();
            }
            assert!(AccountRecord::read(&mut state, &to).unwrap().is_some());
        }
    }
    drop(snapshot);
    harness.check_state();
}
