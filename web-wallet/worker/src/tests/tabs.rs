//! Several tabs: one leads, the others see what it sees, and none does harm.

use light_client::data_format::{Amount, UNITS_PER_COIN, codec};
use light_client::test_support::chain::test_address;
use web_protocol::{AmountField, Answer, Command, Fact, Problem, Review, WalletView};

use super::host::{FUNDS, Host, PASSWORD, START, own_address, secret};
use crate::{
    platform::{FetchError, Input, Store},
    tabs::Word,
};

pub(super) fn balance(host: &Host) -> Option<Amount> {
    match host.view().accounts.first()?.balance {
        Fact::Proven { value, stale: false, .. } => Some(value),
        _ => None,
    }
}

pub(super) fn unlocked(host: &Host) -> bool {
    matches!(host.view().wallet, WalletView::Present { unlocked: true, .. })
}

pub(super) fn review(host: &mut Host, coins: u64) -> Review {
    let draft = Command::Draft {
        from: own_address(),
        to: test_address(7).to_string(),
        amount: AmountField::Typed(coins.to_string()),
        memo: String::new(),
    };
    match host.ask(draft) {
        Ok(Answer::Review(review)) => *review,
        other => panic!("{other:?}"),
    }
}

pub(super) fn payments_stored(host: &Host) -> usize {
    host.store.keys().filter(|(store, _)| *store == Store::Payments).count()
}

/// Pays one coin into the wallet's account, and makes it final.
fn receive(host: &mut Host) {
    let transfer = host.server.chain.transfer(1, own_address(), Amount(UNITS_PER_COIN));
    host.server.pool.push(transfer);
    for _ in 0..4 {
        host.advance();
    }
}

#[test]
fn the_tab_in_sight_leads_and_the_others_see_what_it_proves() {
    let mut host = Host::with_wallet();
    assert_eq!(host.leader(), Some(0));
    host.open().unwrap();
    assert_eq!(host.leader(), Some(1));
    assert_eq!(balance(&host), Some(Amount(FUNDS)));
    assert!(!unlocked(&host), "the password was typed in another tab");
    // That only the leader asks is checked at every request.
    receive(&mut host);
    assert_eq!(balance(&host), Some(Amount(FUNDS + UNITS_PER_COIN)));
    host.look_at(0);
    assert_eq!(balance(&host), Some(Amount(FUNDS + UNITS_PER_COIN)));
    assert!(unlocked(&host));
}

#[test]
fn a_tab_that_is_opened_out_of_sight_waits_until_the_leader_is_gone() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    host.close();
    assert_eq!(host.leader(), Some(0), "who led before was next in line");
    host.look_at(0);
    receive(&mut host);
    assert_eq!(balance(&host), Some(Amount(FUNDS + UNITS_PER_COIN)));
    assert!(unlocked(&host), "its keys are still its own");
}

#[test]
fn a_command_is_done_by_the_tab_in_which_it_is_given() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    assert_eq!(host.leader(), Some(1));
    host.look_at(0);
    let paid = review(&mut host, 3);
    assert_eq!(host.leader(), Some(0));
    assert!(matches!(host.ask(Command::Send), Ok(Answer::Sent { .. })));
    host.look_at(1);
    host.ask(Command::Unlock { password: secret(PASSWORD) }).unwrap();
    assert_eq!(host.view().payments.len(), 1);
    let next = review(&mut host, 1);
    assert_eq!(next.keep, Amount(paid.keep.units() - UNITS_PER_COIN - next.fee.units()));
}

#[test]
fn two_tabs_never_sign_with_one_nonce() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    host.ask(Command::Unlock { password: secret(PASSWORD) }).unwrap();
    review(&mut host, 1);
    host.look_at(0);
    review(&mut host, 2);
    assert!(matches!(host.ask(Command::Send), Ok(Answer::Sent { .. })));
    host.look_at(1);
    assert_eq!(host.ask(Command::Send), Err(Problem::NothingReviewed), "its nonce is taken");
    assert_eq!(payments_stored(&host), 1);
    review(&mut host, 1);
    assert!(matches!(host.ask(Command::Send), Ok(Answer::Sent { .. })));
    assert_eq!(payments_stored(&host), 2);
    for _ in 0..5 {
        host.advance();
    }
    let fees = 2 * light_client::test_support::chain::FEE.units();
    assert_eq!(balance(&host), Some(Amount(FUNDS - 3 * UNITS_PER_COIN - fees)), "both were paid");
}

#[test]
fn a_frozen_leader_is_replaced_and_does_no_harm_when_it_goes_on() {
    let mut host = Host::with_wallet();
    review(&mut host, 2);
    host.freeze();
    // What a person does last in a tab that freezes is done when it goes on.
    let number = host.say(Command::Send);
    host.open_beside().unwrap();
    assert_eq!(host.leader(), Some(1));
    host.ask(Command::Unlock { password: secret(PASSWORD) }).unwrap();
    review(&mut host, 1);
    assert!(matches!(host.ask(Command::Send), Ok(Answer::Sent { .. })));
    host.look_at(0);
    // It believes that it leads, signs, and is not let into the storage: nobody hears of what it signed.
    host.thaw();
    assert!(matches!(host.answer_to(number), Err(Problem::Storage(_))));
    assert_eq!(payments_stored(&host), 1);
    assert_eq!(host.leader(), Some(1));
    for _ in 0..5 {
        host.advance();
    }
    let fee = light_client::test_support::chain::FEE.units();
    assert_eq!(balance(&host), Some(Amount(FUNDS - UNITS_PER_COIN - fee)));
}

#[test]
fn a_leader_out_of_sight_makes_way_for_a_tab_in_sight() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    host.ask(Command::Visible(false)).unwrap();
    assert_eq!(host.leader(), Some(0), "the other window is in sight");
}

#[test]
fn a_silent_leader_is_replaced_within_four_seconds_by_a_tab_in_sight() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    host.wait(10_000);
    assert_eq!(host.leader(), Some(1), "a leader that answers stays");
    host.freeze();
    host.wait(4_100);
    assert_eq!(host.leader(), Some(0));
    host.look_at(0);
    // The chain stood still meanwhile.
    for _ in 0..4 {
        host.advance();
    }
    receive(&mut host);
    assert_eq!(balance(&host), Some(Amount(FUNDS + UNITS_PER_COIN)));
}

#[test]
fn locking_and_erasing_are_for_every_tab_and_idleness_is_each_tabs_own() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    host.ask(Command::Unlock { password: secret(PASSWORD) }).unwrap();
    host.ask(Command::Lock { everywhere: false }).unwrap();
    assert!(!unlocked(&host));
    host.look_at(0);
    assert!(unlocked(&host));
    host.look_at(1);
    host.ask(Command::Lock { everywhere: true }).unwrap();
    host.look_at(0);
    assert!(!unlocked(&host));
    host.ask(Command::Unlock { password: secret(PASSWORD) }).unwrap();
    host.look_at(1);
    host.ask(Command::Erase).unwrap();
    assert!(host.store.is_empty());
    host.look_at(0);
    assert_eq!(host.view().wallet, WalletView::None);
    assert_eq!(host.ask(Command::Unlock { password: secret(PASSWORD) }), Err(Problem::NoWallet));
    assert_eq!(host.view().notices, [], "nobody lost anything");
}

#[test]
fn a_follower_that_nobody_touches_forgets_its_keys() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    host.wait(301_000);
    host.look_at(0);
    assert!(!unlocked(&host));
}

#[test]
fn who_starts_out_of_sight_shows_what_is_stored_and_leads_when_nobody_does() {
    let mut host = Host::with_wallet();
    host.wait(1_000);
    host.open_hidden();
    assert_eq!(host.leader(), Some(0));
    assert!(matches!(host.view().accounts[0].balance, Fact::Proven { value: Amount(FUNDS), .. }));
    host.look_at(0);
    host.close();
    assert_eq!(host.leader(), Some(1));
    host.look_at(1);
    assert_eq!(balance(&host), Some(Amount(FUNDS)));
    assert_eq!(host.ask(START), Ok(Answer::Done), "once is enough");
}

#[test]
fn a_tab_that_did_not_start_takes_the_lead_from_nobody() {
    let mut host = Host::with_wallet();
    host.chain_file = Err(FetchError::TooLong);
    assert!(matches!(host.open_beside(), Err(Problem::ChainFile(_))));
    host.wait(4_100);
    assert_eq!(host.leader(), Some(0));
    host.ask(Command::Visible(true)).unwrap();
    assert_eq!(host.leader(), Some(0), "it could not lead");
}

#[test]
fn forgetting_a_phrase_takes_no_lead() {
    let mut host = Host::with_wallet();
    host.ask(Command::MakePhrase { words: 12 }).unwrap();
    host.open_beside().unwrap();
    host.look_at(0);
    assert_eq!(host.ask(Command::ForgetPhrase), Ok(Answer::Done));
    assert_eq!(host.leader(), Some(1));
    assert_eq!(host.ask(Command::ShowWord { position: 0 }), Err(Problem::NoPhrase));
}

#[test]
fn a_view_that_does_not_read_is_not_shown() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    host.look_at(0);
    let wallet = Some(own_address());
    for view in [vec![], vec![1, 0], vec![7; 40]] {
        host.feed(Input::Told(codec::encode(&Word::See { visible: true, wallet, view })));
    }
    assert_eq!(balance(&host), Some(Amount(FUNDS)));
}
