//! From draft to final, over reloads.

use light_client::crypto::KeyPair;
use light_client::data_format::{Address, Amount, Network, UNITS_PER_COIN};
use light_client::test_support::chain::{FEE, test_address};
use web_protocol::{AmountField, Answer, Command, Fact, PaymentStep, Problem, Review};
use zeroize::Zeroizing;

use super::host::{FUNDS, Host, PASSWORD, own_address, secret};
use crate::platform::Store;

fn draft(to: &str, amount: &str) -> Command {
    Command::Draft {
        from: own_address(),
        to: to.to_owned(),
        amount: AmountField::Typed(amount.to_owned()),
        memo: "lunch".to_owned(),
    }
}

fn review(host: &mut Host, command: Command) -> Review {
    match host.ask(command) {
        Ok(Answer::Review(review)) => *review,
        other => panic!("{other:?}"),
    }
}

fn step(host: &Host) -> &PaymentStep {
    &host.view().payments[0].step
}

fn payments_stored(host: &Host) -> usize {
    host.store.keys().filter(|(store, _)| *store == Store::Payments).count()
}

#[test]
fn a_payment_is_reviewed_stored_submitted_and_followed_to_final() {
    let mut host = Host::with_wallet();
    let to = test_address(7);
    let shown = review(&mut host, draft(&to.to_string(), "2,5"));
    assert_eq!((shown.from, shown.to, shown.fee), (own_address(), to, FEE));
    assert_eq!(shown.amount, Amount(5 * UNITS_PER_COIN / 2));
    assert_eq!(shown.keep, Amount(FUNDS - 5 * UNITS_PER_COIN / 2 - FEE.units()));
    assert_eq!(shown.memo, "lunch");
    assert!(shown.first_payment && !shown.to_self && shown.looks_like.is_none());
    assert!(shown.valid_seconds >= 600);

    host.ask(Command::Lock { everywhere: true }).unwrap();
    assert_eq!(host.ask(Command::Send), Err(Problem::Locked));
    host.ask(Command::Unlock { password: secret(PASSWORD) }).unwrap();
    let Ok(Answer::Sent { id }) = host.ask(Command::Send) else { panic!("it is sent") };
    assert_eq!(host.ask(Command::Send), Err(Problem::NothingReviewed), "never twice");
    let (_, stored) = host.asked.iter().find(|(url, _)| url.ends_with("/v1/transactions")).unwrap();
    assert_eq!(*stored, 1, "stored before it was submitted");
    assert!(matches!(step(&host), PaymentStep::Submitted { servers: 1, .. }), "{:?}", step(&host));
    assert_eq!(host.view().payments[0].id, id);

    let early = host.ask(Command::Dismiss { id });
    assert!(matches!(early, Err(Problem::Rule { code, .. }) if code == "payment_open"));

    let next = review(&mut host, draft(&to.to_string(), "1"));
    assert_eq!(next.keep, Amount(shown.keep.units() - UNITS_PER_COIN - FEE.units()), "open payments count");
    assert!(!next.first_payment);
    host.ask(Command::Discard).unwrap();
    assert_eq!(host.ask(Command::Send), Err(Problem::NothingReviewed));

    host.advance();
    assert!(matches!(step(&host), PaymentStep::InBlock { .. }), "{:?}", step(&host));
    host.reload().unwrap();
    for _ in 0..4 {
        host.advance();
    }
    assert!(matches!(step(&host), PaymentStep::Final { succeeded: true, .. }), "{:?}", step(&host));
    let account = &host.view().accounts[0];
    assert!(matches!(account.balance, Fact::Proven { value, .. } if value == shown.keep));
    assert!(account.history.iter().any(|row| row.counterparty == Some(to) && row.memo == "lunch"));

    assert_eq!(host.ask(Command::Dismiss { id }), Ok(Answer::Done));
    assert!(host.view().payments.is_empty());
    assert_eq!(payments_stored(&host), 0);
    host.reload().unwrap();
    assert!(host.view().payments.is_empty());
}

#[test]
fn a_payment_outlives_a_reload_and_the_loss_of_what_was_proven() {
    let mut host = Host::with_wallet();
    review(&mut host, draft(&test_address(7).to_string(), "1"));
    host.server_is_up = false;
    assert!(matches!(host.ask(Command::Send), Ok(Answer::Sent { .. })));
    assert!(matches!(step(&host), PaymentStep::Signed | PaymentStep::Unknown { .. }));
    host.store.retain(|(store, _), _| *store != Store::Chain);
    host.server_is_up = true;
    host.reload().unwrap();
    for _ in 0..5 {
        host.advance();
    }
    assert!(matches!(step(&host), PaymentStep::Final { succeeded: true, .. }), "{:?}", step(&host));
}

#[test]
fn a_payment_sent_again_after_a_reload_is_not_called_refused() {
    let mut host = Host::with_wallet();
    review(&mut host, draft(&test_address(7).to_string(), "1"));
    assert!(matches!(host.ask(Command::Send), Ok(Answer::Sent { .. })));
    host.store.retain(|(store, _), _| *store != Store::Chain);
    host.reload().unwrap();
    assert!(!matches!(step(&host), PaymentStep::Refused { .. }), "{:?}", step(&host));
    for _ in 0..5 {
        host.advance();
    }
    assert!(matches!(step(&host), PaymentStep::Final { succeeded: true, .. }), "{:?}", step(&host));
}

#[test]
fn a_payment_that_cannot_be_stored_is_not_sent() {
    let mut host = Host::with_wallet();
    review(&mut host, draft(&test_address(7).to_string(), "1"));
    host.storage_fails = true;
    assert!(matches!(host.ask(Command::Send), Err(Problem::Storage(_))));
    assert!(host.view().payments.is_empty());
    assert!(!host.asked.iter().any(|(url, _)| url.ends_with("/v1/transactions")));
}

#[test]
fn what_cannot_be_sent_says_why() {
    let mut host = Host::with_wallet();
    let to = test_address(7).to_string();
    let spendable = Amount(FUNDS - FEE.units());
    assert!(matches!(host.ask(draft("nobody", "1")), Err(Problem::Address(_))));
    let other = Address::of(&KeyPair::ed25519(&Zeroizing::new([7; 32])).public(), Network::Main);
    assert_eq!(host.ask(draft(&other.to_string(), "1")), Err(Problem::OtherNetwork));
    assert!(matches!(host.ask(draft(&to, "one")), Err(Problem::Amount(_))));
    assert_eq!(host.ask(draft(&to, "100")), Err(Problem::Balance { spendable }));
    let zero = Problem::Rule { code: "zero_amount".to_owned(), words: "call 0 moves nothing".to_owned() };
    assert_eq!(host.ask(draft(&to, "0")), Err(zero));
    let mut long = draft(&to, "1");
    if let Command::Draft { memo, .. } = &mut long {
        *memo = "é".repeat(71);
    }
    assert_eq!(host.ask(long), Err(Problem::Memo { bytes: 142, limit: 140 }));
    let everything = |to: &str| Command::Draft {
        from: own_address(),
        to: to.to_owned(),
        amount: AmountField::Everything,
        memo: String::new(),
    };
    let shown = review(&mut host, everything(&to));
    assert_eq!((shown.amount, shown.keep), (spendable, Amount(0)));
    let shown = review(&mut host, everything(&own_address().to_string()));
    assert!(shown.to_self && !shown.first_payment);
    host.server_is_up = false;
    host.wait(60_000);
    assert_eq!(host.ask(draft(&to, "1")), Err(Problem::NotVerified));
}

#[test]
fn a_payment_drafted_while_another_is_being_stored_takes_the_next_nonce() {
    let mut host = Host::with_wallet();
    let to = test_address(7).to_string();
    let first = review(&mut host, draft(&to, "1"));
    host.storage_is_slow = true;
    let sent = host.say(Command::Send);
    let second = review(&mut host, draft(&to, "2"));
    assert_eq!(second.keep, Amount(first.keep.units() - 2 * UNITS_PER_COIN - FEE.units()));
    let sent_too = host.say(Command::Send);
    host.storage_answers();
    for number in [sent, sent_too] {
        assert!(matches!(host.answer_to(number), Ok(Answer::Sent { .. })));
    }
    for _ in 0..5 {
        host.advance();
    }
    let Fact::Proven { value, .. } = host.view().accounts[0].balance else { panic!("it is proven") };
    assert_eq!(value, second.keep, "both were paid");
}

#[test]
fn a_payment_drafted_behind_one_that_could_not_be_stored_is_looked_over_again() {
    let mut host = Host::with_wallet();
    let to = test_address(7).to_string();
    review(&mut host, draft(&to, "1"));
    (host.storage_is_slow, host.storage_fails) = (true, true);
    let sent = host.say(Command::Send);
    host.storage_fails = false;
    review(&mut host, draft(&to, "2"));
    host.storage_answers();
    assert!(matches!(host.answer_to(sent), Err(Problem::Storage(_))));
    assert_eq!(host.ask(Command::Send), Err(Problem::NothingReviewed), "its nonce would leave a gap");
    assert_eq!(payments_stored(&host), 0);
    review(&mut host, draft(&to, "2"));
    assert!(matches!(host.ask(Command::Send), Ok(Answer::Sent { .. })));
}
