use light_client::{
    data_format::{Address, Amount, Call, CoinCall, Height, Status},
    state::{HistoryKind, SupplyRecord},
    transaction::{Submission, TransactionError},
};

use super::harness::{Harness, in_slot};
use crate::{
    node::{SubmitError, TransactionState},
    transaction::PoolError,
};

const FEE: u64 = 10_000_000;

fn transfer(to: Address, units: u64) -> Call {
    Call::Coin(CoinCall::Transfer { to, amount: Amount(units) })
}

fn state_of(harness: &Harness, id: light_client::data_format::TransactionId) -> TransactionState {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(harness.node.transaction(id)).unwrap()
}

#[test]
fn a_payment_moves_coins_burns_its_fee_and_becomes_final() {
    let mut harness = Harness::new();
    let (from, to) = (harness.address(0), harness.address(1));
    let (had, has) = (harness.record(&from), harness.record(&to));
    let id = harness.pay(0, to, 250);
    assert!(matches!(state_of(&harness, id), TransactionState::Pending(_)));
    harness.step();
    let TransactionState::Included { outcome, is_final, block, .. } = state_of(&harness, id) else {
        panic!("not in a block")
    };
    assert_eq!(
        (outcome.status, outcome.fee, outcome.index, block.height),
        (Status::Success, Amount(FEE), 0, Height(1))
    );
    assert!(!is_final);
    let (after_from, after_to) = (harness.record(&from), harness.record(&to));
    assert_eq!(after_from.balance.units(), had.balance.units() - 250 - FEE);
    assert_eq!(after_from.nonce, 1);
    assert_eq!(after_to.balance.units(), has.balance.units() + 250);
    let kinds: Vec<_> = harness
        .snapshot()
        .history(&from, 0, u64::MAX, 10)
        .unwrap()
        .iter()
        .map(|entry| (entry.record.kind, entry.record.delta))
        .collect();
    assert_eq!(
        kinds,
        [
            (HistoryKind::Genesis, had.balance.units() as i64),
            (HistoryKind::Fee, -(FEE as i64)),
            (HistoryKind::Sent, -250)
        ]
    );
    harness.steps(12);
    assert!(matches!(state_of(&harness, id), TransactionState::Included { is_final: true, .. }));
    harness.check_state();
}

#[test]
fn failed_calls_cost_the_fee_and_move_nothing() {
    let mut harness = Harness::new();
    let (from, to) = (harness.address(0), harness.address(1));
    let has = harness.record(&to);
    let balance = harness.record(&from).balance.units();
    // The pool refuses what would fail, so it is put into a block past it: together the two spend too much.
    let first = harness.signed(0, 0, vec![transfer(to, 5), transfer(to, balance - 5 - FEE)]);
    let checked =
        light_client::transaction::check_stateless(&first, harness.node.spec(), &harness.node.chain());
    assert!(checked.is_ok());
    let mut poor = first.transaction.clone();
    poor.fee = Amount(3 * FEE);
    let poor = poor.sign(&harness.node.chain(), harness.funded(0));
    let block = build(&harness, 1, std::slice::from_ref(&poor));
    harness.take(&[block], 1);
    let id = poor.transaction.id(&harness.node.chain());
    let TransactionState::Included { outcome, .. } = state_of(&harness, id) else { panic!("not in a block") };
    assert_eq!((outcome.status, outcome.fee), (Status::InsufficientBalance, Amount(3 * FEE)));
    assert_eq!(harness.record(&to), has, "the first call was undone with the second");
    assert_eq!(harness.record(&from).balance.units(), balance - 3 * FEE);
    assert_eq!(harness.record(&from).nonce, 1);
    harness.check_state();
}

/// A block of somebody who puts in what the pool would not take.
fn build(
    harness: &Harness,
    slot: u64,
    transactions: &[light_client::data_format::SignedTransaction],
) -> light_client::consensus::spos::Block {
    use crate::{
        block_tree::{Chain, Draft},
        storage::Database,
    };
    use light_client::transaction::check_stateless;
    let database = Database::open(None, &super::harness::retention()).unwrap();
    let chain =
        Chain::open(database, harness.node.spec().clone(), &super::harness::retention(), &[]).unwrap();
    let checked: Vec<_> = transactions
        .iter()
        .map(|signed| check_stateless(signed, harness.node.spec(), &harness.node.chain()).unwrap())
        .collect();
    let key = super::harness::keys(&[usize::try_from(slot % 4).unwrap()]).remove(0);
    let (prepared, skipped) = chain
        .build(light_client::data_format::Slot(slot), Draft::with(None), &checked, |message| {
            key.sign(message)
        })
        .unwrap();
    assert!(skipped.is_empty(), "{skipped:?}");
    prepared.block().clone()
}

#[test]
fn several_calls_and_a_payment_to_oneself_add_up() {
    let mut harness = Harness::new();
    let (from, to) = (harness.address(0), harness.address(2));
    let calls = vec![transfer(to, 1), transfer(from, 1_000), transfer(to, 2)];
    let fee = 3 * FEE;
    let before = harness.record(&from).balance.units();
    harness.node.submit_now(&harness.signed(0, 0, calls)).unwrap();
    harness.step();
    assert_eq!(harness.record(&from).balance.units(), before - 3 - fee);
    harness.check_state();
}

#[test]
fn a_new_account_can_be_emptied_but_keeps_its_nonce() {
    let mut harness = Harness::new();
    let key = light_client::crypto::KeyPair::ed25519(&zeroize::Zeroizing::new([9; 32]));
    let address = Address::of(&key.public(), harness.node.spec().network);
    harness.pay(0, address, 5 * FEE);
    harness.step();
    let all = light_client::data_format::Transaction {
        sender: key.public(),
        nonce: 0,
        fee: Amount(FEE),
        valid_until: Height(50),
        calls: vec![transfer(harness.address(1), 4 * FEE)],
        memo: Vec::new(),
    };
    harness.node.submit_now(&all.sign(&harness.node.chain(), &key)).unwrap();
    harness.step();
    let record = harness.record(&address);
    assert_eq!((record.balance, record.nonce, record.history_count), (Amount(0), 1, 3));
    harness.check_state();
}

#[test]
fn consecutive_nonces_queue_and_run_in_one_block() {
    let mut harness = Harness::new();
    let to = harness.address(1);
    for nonce in 0..30 {
        harness.node.submit_now(&harness.transfer(0, nonce, to, 1 + nonce)).unwrap();
    }
    let again = harness.transfer(0, 3, to, 4);
    harness.node.submit_now(&again).unwrap();
    assert_eq!(harness.node.status().pool_transactions, 30, "taking one twice is fine");
    harness.step();
    assert_eq!(harness.record(&harness.address(0)).nonce, 30);
    assert_eq!(harness.node.status().pool_transactions, 0);
    harness.check_state();
}

#[test]
fn every_refusal_has_its_own_error() {
    let mut harness = Harness::new();
    let to = harness.address(1);
    let balance = harness.record(&harness.address(0)).balance.units();
    let refused = |harness: &Harness, signed| match harness.node.submit_now(&signed).unwrap_err() {
        SubmitError::Transaction(error) => error.code(),
        SubmitError::Pool(error) => panic!("{error}"),
        SubmitError::Node(error) => panic!("{error}"),
    };
    assert_eq!(refused(&harness, harness.transfer(0, 1, to, 1)), "nonce_gap");
    assert_eq!(refused(&harness, harness.transfer(0, 0, to, balance)), "overspend");
    assert_eq!(refused(&harness, harness.transfer(0, 0, to, 0)), "zero_amount");
    let mut altered = harness.transfer(0, 0, to, 1);
    altered.transaction.memo.push(1);
    assert_eq!(refused(&harness, altered), "bad_signature");
    let mut cheap = harness.transfer(0, 0, to, 1).transaction;
    cheap.fee = Amount(FEE - 1);
    assert_eq!(
        refused(&harness, cheap.clone().sign(&harness.node.chain(), harness.funded(0))),
        "fee_too_low"
    );
    let stranger = light_client::crypto::KeyPair::ed25519(&zeroize::Zeroizing::new([8; 32]));
    cheap.fee = Amount(FEE);
    cheap.sender = stranger.public();
    assert_eq!(refused(&harness, cheap.sign(&harness.node.chain(), &stranger)), "unknown_account");

    let paid = harness.transfer(0, 0, to, 1);
    harness.node.submit_now(&paid).unwrap();
    let error = harness.node.submit_now(&harness.transfer(0, 0, to, 2)).unwrap_err();
    assert!(matches!(error, SubmitError::Pool(PoolError::NonceTaken { nonce: 0, .. })), "{error}");
    // What waits is counted as spent.
    assert_eq!(refused(&harness, harness.transfer(0, 1, to, balance - 2 * FEE)), "overspend");
    harness.step();
    assert_eq!(refused(&harness, paid), "nonce_used");
    let mut old = harness.transfer(0, 1, to, 1).transaction;
    old.valid_until = Height(1);
    assert_eq!(refused(&harness, old.sign(&harness.node.chain(), harness.funded(0))), "expired");

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let other =
        Submission { chain: light_client::crypto::Hash([1; 32]), signed: harness.transfer(0, 1, to, 1) };
    let error = runtime.block_on(harness.node.submit(other.encode())).unwrap_err();
    assert!(matches!(error, SubmitError::Transaction(TransactionError::OtherChain { .. })), "{error}");
    let error = runtime.block_on(harness.node.submit(vec![1; 40])).unwrap_err();
    assert!(matches!(error, SubmitError::Transaction(TransactionError::Malformed(_))), "{error}");
    harness.check_state();
}

#[test]
fn what_expires_leaves_the_pool() {
    let mut harness = Harness::with_keys(&[2]);
    let to = harness.address(1);
    let mut short = harness.transfer(0, 0, to, 1).transaction;
    short.valid_until = Height(1);
    // Slot 1 is somebody else's block, without the transaction; slot 2 would be this node's.
    harness.node.submit_now(&short.sign(&harness.node.chain(), harness.funded(0))).unwrap();
    let mut other = Harness::with_keys(&[1]);
    other.step();
    harness.take(&[other.block(1)], 1);
    assert_eq!(harness.node.status().pool_transactions, 0);
    harness.node.advance(in_slot(2)).unwrap();
    assert_eq!(harness.block(2).transactions.len(), 0);
    harness.check_state();
}

#[test]
fn the_faucet_pays_in_a_development_chain_only() {
    let mut harness = Harness::new();
    let to = Address::of(
        &light_client::crypto::KeyPair::ed25519(&zeroize::Zeroizing::new([7; 32])).public(),
        harness.node.spec().network,
    );
    for _ in 0..3 {
        harness.node.faucet_now(to, Amount(FEE)).unwrap();
    }
    let error = harness.node.faucet_now(to, Amount(u64::MAX)).unwrap_err();
    assert!(matches!(error, crate::node::FaucetError::TooMuch { .. }));
    harness.step();
    assert_eq!(harness.record(&to).balance, Amount(3 * FEE));
    let snapshot = harness.snapshot();
    let head = snapshot.head().unwrap().unwrap();
    let root = snapshot.version(&head).unwrap().unwrap().root;
    assert_eq!(SupplyRecord::read(&mut snapshot.state(root)).unwrap().unwrap().burned, Amount(3 * FEE));
    harness.check_state();
}
