//! Expired, replaced, included: what a sender's account and history prove of a transaction.

use light_client::{
    client::Fate,
    crypto::Hash,
    data_format::{Call, CoinCall, Height, Slot, SupernodeCall, Transaction},
    state::{AccountRecord, Answer, Asset, HistoryKind, HistoryRecord, Question},
    test_support::chain::{FEE, test_key},
};

use super::*;

fn transaction(nonce: u64, calls: Vec<Call>) -> Transaction {
    Transaction {
        sender: test_key(1).public(),
        nonce,
        fee: FEE,
        valid_until: Height(20),
        calls,
        memo: Vec::new(),
    }
}

fn payment(nonce: u64) -> Transaction {
    transaction(nonce, vec![Call::Coin(CoinCall::Transfer { to: test_address(2), amount: Amount(1) })])
}

/// The records of transactions by their numbers, the oldest first: the fee, and what was sent if it succeeded.
fn history(transactions: &[(u8, bool)]) -> Vec<HistoryRecord> {
    let record = |number: u8, kind| HistoryRecord {
        index: 0,
        height: Height(10 + u64::from(number)),
        slot: Slot(30),
        transaction: Hash([number; 32]),
        kind,
        asset: Asset::Coin,
        delta: -1,
    };
    let records = transactions.iter().flat_map(|(number, succeeded)| {
        let sent = succeeded.then(|| record(*number, HistoryKind::Sent));
        // Things happen to an account that it did not do.
        [Some(record(*number, HistoryKind::Fee)), sent, Some(record(99, HistoryKind::Received))]
    });
    records.flatten().collect()
}

fn fate(transaction: &Transaction, id: u8, nonce: u64, at: u64, newest: &[HistoryRecord]) -> Fate {
    let account = AccountRecord { nonce, ..AccountRecord::default() };
    Fate::of(transaction, &Hash([id; 32]), Some(&account), Height(at), newest)
}

#[test]
fn a_transaction_expires_when_no_later_block_may_include_it() {
    let payment = payment(3);
    for (at, expected) in [(0, Fate::Open), (19, Fate::Open), (20, Fate::Expired), (500, Fate::Expired)] {
        assert_eq!(fate(&payment, 7, 3, at, &[]), expected);
        // Earlier ones of the sender wait too.
        assert_eq!(fate(&payment, 7, 0, at, &[]), expected);
        assert_eq!(Fate::of(&payment, &Hash([7; 32]), None, Height(at), &[]), expected);
    }
    // Who took its nonce decides, however late it is.
    assert_eq!(fate(&payment, 7, 4, 500, &[]), Fate::Taken);
    let all = transaction(u64::MAX, Vec::new());
    assert_eq!(fate(&all, 7, u64::MAX, 1, &[]), Fate::Open);
}

#[test]
fn the_fee_records_say_which_transaction_took_a_nonce() {
    let newest = history(&[(5, true), (6, false), (7, true)]);
    // The account's next nonce is 9: the three are of 6, 7 and 8.
    for (nonce, taker) in [(6, 5), (7, 6), (8, 7)] {
        let by = Hash([taker; 32]);
        assert_eq!(fate(&payment(nonce), 50, 9, 40, &newest), Fate::Replaced { by });
        let found = fate(&payment(nonce), taker, 9, 40, &newest);
        let Fate::Included { record, succeeded } = found else { panic!("{found:?}") };
        assert_eq!((record.transaction, succeeded), (by, Some(taker != 6)));
    }
    // Its record is further back than those that are here.
    assert_eq!(fate(&payment(5), 4, 9, 40, &newest), Fate::Taken);
    // The same transaction cannot have taken another nonce: whoever says so has another history.
    assert_eq!(fate(&payment(8), 5, 9, 40, &newest), Fate::Replaced { by: Hash([7; 32]) });
    // Calls that leave no record when they succeed: the history cannot say.
    let release = transaction(7, vec![Call::Supernode(SupernodeCall::Release)]);
    let found = fate(&release, 6, 9, 40, &newest);
    assert!(matches!(found, Fate::Included { succeeded: None, .. }), "{found:?}");
}

#[test]
fn expiry_is_proven_by_one_answer_about_the_sender() {
    let mut chain = rounds(chain(4), 3);
    let genesis = chain.genesis();
    let questions =
        [Question::Account(test_address(1)), Question::Account(test_address(2)), Question::Supply];
    let (mut expired, open) = (payment(0), payment(0));
    expired.valid_until = Height(4);
    let judge = |chain: &ScriptedChain, transaction: &Transaction, answer: usize| {
        let verifier = verifier(chain);
        let bundle = chain.state_bundle(&genesis, &questions);
        let (_, proven) = verifier.answers(&genesis, &questions, &bundle, chain.now()).unwrap();
        verifier.fate(transaction, &proven.answers[answer])
    };
    assert_eq!(judge(&chain, &expired, 0), Ok(Fate::Expired));
    assert_eq!(judge(&chain, &open, 0), Ok(Fate::Open));
    let (asked, found) = (test_address(1), test_address(2));
    assert_eq!(judge(&chain, &open, 1), Err(ProofFailure::AnotherAccount { asked, found }));
    assert_eq!(judge(&chain, &open, 2), Err(ProofFailure::NotAnAccount));
    pay(&mut chain);
    let chain = rounds(chain, 2);
    assert_eq!(judge(&chain, &expired, 0), Ok(Fate::Taken));
    let Answer::Account { record: Some(record), .. } = ({
        let bundle = chain.state_bundle(&genesis, &questions);
        let (_, proven) = verifier(&chain).answers(&genesis, &questions, &bundle, chain.now()).unwrap();
        proven.answers[0].value().clone()
    }) else {
        panic!("an account")
    };
    let records = chain.history_page(&test_address(1), record.history_count, 2).records;
    let id = open.id(&chain.spec().id());
    let fate = Fate::of(&open, &id, Some(&record), Height(20), &records);
    assert_eq!(fate, Fate::Replaced { by: records[0].transaction });
}
