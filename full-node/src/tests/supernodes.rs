//! Slots given up, taken and kept: requests wait for their turn, and only finality brings a change into force.

use light_client::{
    client::{Anchor, Bundle, Trusted, Verifier},
    crypto::Hash,
    data_format::{Call, Height, SlotTable, Status, SupernodeCall},
    state::HistoryKind,
    test_support::chain::test_key,
};

use super::{
    harness::{Harness, in_slot, keys},
    scene::{FEE, SLOTS, STRANGER, Scene},
};

#[test]
fn a_slot_given_up_is_vacant_once_that_is_final_and_can_be_taken_again() {
    let mut scene = Scene::new();
    let (holder, address) = (scene.holder(3), scene.harness.address(3));
    scene.harness.steps(5);
    assert_eq!(scene.run(&holder, vec![Call::Supernode(SupernodeCall::Release)]), Status::Success);
    assert_eq!(scene.holders()[3], Some(address), "planned, not in force");
    assert!(scene.tables().1.unwrap().0[3].is_none());
    let planned_at = scene.harness.head();
    let blocks = scene.settle();
    assert!(scene.harness.node.status().final_block.height >= planned_at, "in force by finality");
    assert!(blocks >= SLOTS, "after {blocks} blocks");
    assert_eq!(scene.holders()[3], None);

    // From the round whose checkpoint commits to it, nobody mints there, and the rest goes on and is final.
    scene.harness.steps(2 * SLOTS);
    let (head, slot) = (scene.harness.head(), scene.harness.slot);
    scene.harness.steps(3 * SLOTS);
    assert_eq!(scene.harness.head().0 - head.0, 3 * (SLOTS - 1), "three of four slots from slot {slot} on");
    assert!(scene.harness.node.status().final_block.height > Height(head.0 - 2 * SLOTS));

    // The node has erased its key, which no final table named any more, and does not take it again. Its owner comes back
    // with a new one.
    let retired = vec![Hash(*keys(&[3])[0].public().as_bytes())];
    assert_eq!(scene.harness.node.status().minting_keys.len(), 3);
    assert_eq!(scene.harness.node.retired_keys(), retired);
    let (slot, minting) = (scene.harness.slot, test_key(91));
    let given = keys(&[0, 1, 2, 3]).into_iter().chain([test_key(91)]).collect();
    scene.harness = scene.harness.reopened_with(given, in_slot(slot));
    scene.harness.slot = slot;
    assert_eq!(scene.harness.node.status().minting_keys.len(), 4, "three and the new one");
    assert_eq!(scene.harness.node.retired_keys(), retired);
    assert_eq!(scene.harness.snapshot().voting(&retired[0]).unwrap(), None);
    let calls = scene.contend(3, &minting, &address);
    assert_eq!(scene.run(&holder, calls), Status::Success);
    scene.settle();
    assert_eq!(scene.holders()[3], Some(address), "a holder that left may contend again");
    scene.harness.steps(2 * SLOTS);
    let head = scene.harness.head();
    scene.harness.steps(2 * SLOTS);
    assert_eq!(scene.harness.head().0 - head.0, 2 * SLOTS, "and mints again");
    scene.harness.check_state();
}

#[test]
fn the_greater_average_takes_the_slot_and_a_light_client_follows() {
    let mut scene = Scene::new();
    let (stranger, address, minting) = (test_key(STRANGER), scene.stranger(), test_key(78));
    scene.endow(18_000_000);
    // Twice as much, but for a shorter time: not yet.
    let early = scene.contend(2, &minting, &address);
    assert_eq!(scene.run(&stranger, early), Status::SlotNotWon);
    scene.harness.steps(6);
    let calls = scene.contend(2, &minting, &address);
    assert_eq!(scene.run(&stranger, calls), Status::Success);
    assert_eq!(scene.tables().1.unwrap().0[2].unwrap().minting_key, Hash(*minting.public().as_bytes()));
    scene.settle();
    assert_eq!(scene.holders()[2], Some(address));
    // The displaced holder may contend again: in vain it costs nothing but the fee.
    let (displaced, its_address) = (scene.holder(2), scene.harness.address(2));
    let again = scene.contend(2, &keys(&[2])[0], &its_address);
    assert_eq!(scene.run(&displaced, again), Status::SlotNotWon);
    scene.harness.steps(6 * SLOTS);

    let spec = scene.harness.node.spec();
    let verifier = Verifier::new(spec);
    let genesis = scene.harness.block(0).header;
    let tables = scene.harness.snapshot().tables(&genesis.header.next_slots).unwrap();
    let mut trusted = Trusted::genesis(&genesis, Some(tables));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bytes = runtime.block_on(scene.harness.node.anchor(Some(trusted.id))).unwrap();
    let anchor = Anchor::from_bytes(&bytes).unwrap();
    trusted = verifier.anchor(&trusted, &anchor, in_slot(scene.harness.slot)).unwrap();
    let tables = trusted.tables.unwrap();
    let holder = tables.in_force.slots().0[2].unwrap();
    assert_eq!((holder.address, tables.planned.is_none()), (address, true), "proven to a client");
    assert_eq!(trusted.height, scene.harness.node.status().final_block.height);
}

#[test]
fn contending_in_vain_costs_the_ordinary_fee_and_nothing_more() {
    let mut scene = Scene::new();
    let (stranger, address, minting) = (test_key(STRANGER), scene.stranger(), test_key(78));
    scene.endow(1_500_000);
    let before = scene.harness.record(&address).balance;
    let calls = scene.contend(0, &minting, &address);
    assert_eq!(scene.run(&stranger, calls), Status::SlotNotWon);
    let after = scene.harness.record(&address);
    assert_eq!(after.balance.checked_add(FEE), Some(before));
    let kinds: Vec<_> = scene.harness.snapshot().history(&address, 0, u64::MAX, 10).unwrap();
    assert_eq!(kinds.last().unwrap().record.kind, HistoryKind::Fee);
    assert!(scene.tables().1.is_none());
    scene.harness.check_state();
}

#[test]
fn each_refusal_of_a_supernode_has_its_own_status() {
    let mut scene = Scene::new();
    let (stranger, address, minting) = (test_key(STRANGER), scene.stranger(), test_key(78));
    scene.endow(4_000_000);
    scene.harness.steps(9);
    let holder = scene.holder(0);
    let holder_address = scene.harness.address(0);
    let release = || vec![Call::Supernode(SupernodeCall::Release)];
    assert_eq!(scene.run(&stranger, release()), Status::NotAHolder);
    let commission = vec![Call::Supernode(SupernodeCall::SetCommission { commission: 1 })];
    assert_eq!(scene.run(&stranger, commission), Status::NotAHolder);
    let calls = scene.contend(1, &minting, &holder_address);
    assert_eq!(scene.run(&holder, calls), Status::AlreadyHolder);
    let calls = scene.contend(1, &keys(&[1])[0], &address);
    assert_eq!(scene.run(&stranger, calls), Status::MintingKeyTaken);
    let old = scene.word_of(&minting, &address, scene.checkpoint(0));
    let stale = SupernodeCall::Contend { slot: 1, commission: 0, key: old.into() };
    assert_eq!(scene.run(&stranger, vec![Call::Supernode(stale)]), Status::StaleCheckpoint);
    // Two keys in one day: the first of a holder of genesis may come at once, the second not.
    let set = |scene: &Scene, number| {
        let key = scene.word(&test_key(number), &holder_address);
        vec![Call::Supernode(SupernodeCall::SetMintingKey { key: key.into() })]
    };
    let calls = set(&scene, 80);
    assert_eq!(scene.run(&holder, calls), Status::Success);
    scene.settle();
    let calls = set(&scene, 81);
    assert_eq!(scene.run(&holder, calls), Status::TooSoon);
    let both = [release(), release()].concat();
    assert_eq!(scene.run(&holder, both), Status::RequestWaiting);
    scene.harness.check_state();
}

#[test]
fn one_change_at_a_time_and_the_last_holders_stay() {
    let mut scene = Scene::new();
    scene.harness.steps(4);
    // All four want to leave in one block.
    for index in 0..4 {
        let nonce = scene.harness.record(&scene.harness.address(index)).nonce;
        let calls = vec![Call::Supernode(SupernodeCall::Release)];
        scene.harness.node.submit_now(&scene.harness.signed(index, nonce, calls)).unwrap();
    }
    let mut filled = Vec::new();
    for _ in 0..100 {
        scene.harness.step();
        let (in_force, planned) = scene.tables();
        let count = |table: &SlotTable| table.0.iter().flatten().count();
        if let Some(planned) = &planned {
            assert_eq!(count(planned) + 1, count(&in_force), "one change");
        }
        if filled.last() != Some(&count(&in_force)) {
            filled.push(count(&in_force));
        }
    }
    assert_eq!(filled, [4, 3, 2, 1], "the last one stays");
    scene.harness.check_state();
}

#[test]
fn a_node_that_only_follows_comes_to_the_same_tables() {
    let mut scene = Scene::new();
    scene.harness.steps(6);
    let release = vec![Call::Supernode(SupernodeCall::Release)];
    assert_eq!(scene.run(&scene.holder(1), release), Status::Success);
    scene.harness.steps(20);
    let blocks: Vec<_> = (1..=scene.harness.head().0).map(|height| scene.harness.block(height)).collect();
    let mut other = Harness::with_keys(&[]);
    other.take(&blocks, scene.harness.slot);
    assert_eq!(other.state_root(), scene.harness.state_root());
    let tables = other.snapshot().tables(&blocks.last().unwrap().header.header.next_slots).unwrap();
    assert!(tables.in_force.slots().0[1].is_none());
    other.check_state();
}
