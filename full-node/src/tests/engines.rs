//! Whole nodes on chains without supernodes: one sealer, and proof of work.

use light_client::{
    client::{AccountBundle, Bundle, Receipt, Settled, StateBundle, TransactionBundle, Trusted, Verifier},
    consensus::spos::Block,
    crypto::{Hash, PublicKey},
    data_format::{Address, Amount, EngineSpec, Height, InstantSpec, ProofOfWorkSpec, TransactionId},
    state::{Answer, HistoryKind, Question},
};

use super::harness::{Harness, in_slot};
use crate::{
    block_tree::BlockError,
    check::check,
    network::{Certainty, ChainPort},
    node::{Event, TransactionState},
    storage::{Batch, Space},
};

const REWARD: u64 = 7;
/// A block a second is meant to be made, and half of them before the other half of two minutes has passed.
const WORK: ProofOfWorkSpec = ProofOfWorkSpec {
    slot_ms: 1_000,
    block_ms: 1_000,
    genesis_difficulty: 16,
    half_life_ms: 120_000,
    final_depth: 3,
    block_reward: Amount(REWARD),
};

fn instant(seals: bool) -> Harness {
    let key = light_client::test_support::chain::test_key(77);
    let PublicKey::Ed25519(sealer) = key.public() else { panic!("an Ed25519 key") };
    let engine = EngineSpec::Instant(InstantSpec { slot_ms: 1_000, sealer: Hash(sealer) });
    Harness::of_engine(engine, if seals { vec![key] } else { Vec::new() }, None)
}

fn working(paid: Option<usize>) -> Harness {
    let payee = paid.map(|index| super::harness::accounts()[index].address);
    Harness::of_engine(EngineSpec::ProofOfWork(WORK), Vec::new(), payee)
}

/// What a light client proves from block 0 of an account's balance, and of a transaction.
fn proven(harness: &Harness, address: Address, id: &TransactionId) -> (Amount, bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let verifier = Verifier::new(harness.node.spec());
    let trusted = Trusted::genesis(harness.node.genesis(), None);
    let now = in_slot(harness.slot);
    let bytes = runtime.block_on(harness.node.account_bundle(address, Some(trusted.id), 0, 200)).unwrap();
    let bundle = AccountBundle::from_bytes(&bytes).unwrap();
    let (newer, account) = verifier.account(&trusted, address, &bundle, now).unwrap();
    assert_eq!(newer.height, harness.node.status().final_block.height);
    let bytes = runtime.block_on(harness.node.transaction_bundle(*id, Some(newer.id))).unwrap().unwrap();
    let bundle = TransactionBundle::from_bytes(&bytes).unwrap();
    let (_, settled) = verifier.transaction(&newer, *id, &bundle, now).unwrap();
    // Somebody who has nothing but the spec is shown the same by a file.
    let bytes = runtime.block_on(harness.node.receipt(*id, Some(trusted.id))).unwrap();
    let (_, receipt) = verifier.receipt(&trusted, &Receipt::from_bytes(&bytes).unwrap(), now).unwrap();
    assert_eq!((receipt.value().id, receipt.value().succeeded()), (*id, true));
    // Nobody holds slots here.
    let questions = vec![Question::Holders, Question::Account(address)];
    let bytes = runtime.block_on(harness.node.state_bundle(questions.clone(), Some(trusted.id))).unwrap();
    let bundle = StateBundle::from_bytes(&bytes).unwrap();
    let (_, proven) = verifier.answers(&trusted, &questions, &bundle, now).unwrap();
    assert_eq!((proven.answers[0].value(), proven.slots), (&Answer::Holders(Vec::new()), None));
    let record = account.value().record;
    assert_eq!(proven.answers[1].value(), &Answer::Account { address, record });
    (account.value().record.unwrap_or_default().balance, matches!(settled, Settled::Final(_)))
}

fn blocks(harness: &Harness) -> Vec<Block> {
    (1..=harness.head().0).map(|height| harness.block(height)).collect()
}

fn assert_whole(harness: &Harness) {
    harness.check_state();
    let report = check(&harness.database, &mut |_| ()).unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
}

#[test]
fn an_instant_chain_seals_what_there_is_and_it_is_final() {
    let mut harness = instant(true);
    harness.steps(3);
    assert_eq!(harness.head(), Height(0), "nothing to put into a block");
    let to = harness.address(3);
    let before = harness.record(&to).balance;
    let id = harness.pay(0, to, 500);
    harness.step();
    assert_eq!((harness.head(), harness.node.status().final_block.height), (Height(1), Height(1)));
    assert_eq!(proven(&harness, to, &id), (Amount(before.0 + 500), true));
    assert_eq!(harness.node.status().minting_keys.len(), 1);
    assert_whole(&harness);

    let mut follower = instant(false);
    follower.take(&blocks(&harness), harness.slot);
    assert_eq!(follower.node.status().final_block.height, Height(1));
    follower.pay(1, to, 1);
    follower.steps(5);
    assert_eq!(follower.head(), Height(1), "without the key nobody seals");
}

#[test]
fn a_block_that_the_sealer_did_not_seal_is_refused() {
    let mut harness = instant(true);
    harness.pay(0, harness.address(3), 500);
    harness.step();
    let mut block = harness.block(1);
    block.header.seal = light_client::test_support::chain::test_key(1).sign(b"something");
    let error = instant(false).node.insert(&block, in_slot(9)).unwrap_err();
    assert!(matches!(error, BlockError::Header(light_client::consensus::HeaderError::Seal)), "{error}");
}

#[test]
fn work_is_paid_and_makes_final_what_lies_deep_enough() {
    let mut harness = working(Some(2));
    let (to, miner) = (harness.address(3), harness.address(2));
    let id = harness.pay(0, to, 500);
    let before = (harness.record(&to).balance, harness.record(&miner).balance);
    while harness.head() < Height(10) {
        harness.step();
    }
    assert_eq!(harness.node.status().final_block.height, Height(7));
    assert_eq!(harness.record(&miner).balance, Amount(before.1.0 + 10 * REWARD));
    let entries = harness.snapshot().history(&miner, 0, u64::MAX, 100).unwrap();
    let minted = entries.iter().filter(|entry| entry.record.kind == HistoryKind::Minted).count();
    assert_eq!(minted, 10, "each reward is in the history");
    assert_eq!(proven(&harness, to, &id), (Amount(before.0.0 + 500), true));
    assert_whole(&harness);
}

#[test]
fn the_branch_with_more_work_wins_and_its_loser_gives_its_payments_back() {
    let (mut short, mut long) = (working(Some(0)), working(Some(1)));
    let id = short.pay(2, short.address(3), 9);
    while short.head() < Height(2) {
        short.step();
    }
    while long.head() < Height(3) {
        long.step();
    }
    let mut events = short.node.subscribe();
    short.take(&blocks(&long), long.slot.max(short.slot));
    assert_eq!(short.head(), Height(3));
    let undone = std::iter::from_fn(|| events.try_recv().ok())
        .filter_map(|event| match event {
            Event::Block { undone, .. } => Some(undone),
            _ => None,
        })
        .sum::<u64>();
    assert_eq!(undone, 2);
    let state = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let state = state.block_on(short.node.transaction(id)).unwrap();
    assert!(matches!(state, TransactionState::Pending(_)), "it waits again: {state:?}");
    assert_whole(&short);
    // What is final stays, whoever shows more work then.
    let mut deep = working(Some(0));
    while deep.head() < Height(4) {
        deep.step();
    }
    assert_eq!(deep.node.status().final_block.height, Height(1));
    while long.head() < Height(9) {
        long.step();
    }
    let late = deep.node.insert(&long.block(1), in_slot(long.slot)).unwrap_err();
    assert!(matches!(late, BlockError::Tree(_)), "{late}");
}

#[test]
fn a_chain_of_work_goes_on_after_a_restart_on_its_heaviest_branch() {
    let mut harness = working(Some(2));
    while harness.head() < Height(6) {
        harness.step();
    }
    let (head, now) = (harness.node.status().head.id, in_slot(harness.slot));
    let mut again = harness.reopened_with(Vec::new(), now);
    assert_eq!(again.node.status().head.id, head);
    again.steps(3);
    assert_eq!(again.node.status().head.id, head, "nobody to pay, so it only follows");
    assert_whole(&again);
}

#[test]
fn the_work_of_a_branch_is_known_after_a_restart_and_in_an_old_folder() {
    let mut harness = working(Some(2));
    let tip = |harness: &Harness| ChainPort::tip(&harness.node).unwrap();
    assert_eq!(tip(&harness).weight, 0, "block 0 shows no work");
    while harness.head() < Height(7) {
        harness.step();
    }
    let engine = light_client::consensus::engine(harness.node.spec());
    let work: u128 = blocks(&harness).iter().map(|block| engine.weight(&block.header)).sum();
    assert!(work > 7, "more than the number of blocks");
    assert_eq!(tip(&harness).weight, work);
    // Those that are final are out of the tree, and count nevertheless.
    let now = in_slot(harness.slot);
    let mut again = harness.reopened_with(Vec::new(), now);
    assert_eq!(again.node.status().final_block.height, Height(4));
    assert_eq!(tip(&again).weight, work);
    let mut other = working(Some(0));
    other.take(&blocks(&again), again.slot);
    while other.head() < Height(8) {
        other.step();
    }
    let newest = other.block(8);
    again.take(std::slice::from_ref(&newest), other.slot);
    let more = work + engine.weight(&newest.header);
    assert_eq!(tip(&again).weight, more);
    // A folder from before weights were noted.
    let mut batch = Batch::default();
    batch.remove(Space::Meta, *b"weight");
    again.database.commit(batch).unwrap();
    assert_eq!(again.database.read().unwrap().head_weight().unwrap(), None);
    let now = in_slot(again.slot);
    let old = again.reopened_with(Vec::new(), now);
    assert_eq!(tip(&old).weight, more);
}

#[test]
fn a_long_row_of_final_blocks_leads_where_they_lead_one_by_one() {
    let (mut sealer, mut miner) = (instant(true), working(Some(2)));
    for harness in [&mut sealer, &mut miner] {
        while harness.head() < Height(90) {
            harness.pay(0, harness.address(3), 5);
            harness.step();
        }
    }
    for (giver, row, mut single) in
        [(sealer, instant(false), instant(false)), (miner, working(None), working(None))]
    {
        let blocks = blocks(&giver);
        let inserted = row.take_row(&blocks, Certainty::Final(giver.head()), giver.slot);
        assert!(inserted.iter().all(Result::is_ok), "{inserted:?}");
        single.take(&blocks, giver.slot);
        assert_eq!((row.indexes(), row.state_root()), (single.indexes(), single.state_root()));
        assert_eq!(row.node.status().final_block, single.node.status().final_block);
        assert_whole(&row);
        row.database.write_waiting().unwrap();
        single.database.write_waiting().unwrap();
        assert!(row.snapshot().count_nodes().unwrap() < single.snapshot().count_nodes().unwrap() / 2);
    }
}
