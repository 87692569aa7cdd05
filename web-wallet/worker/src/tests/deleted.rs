//! The browser deletes what is stored, while tabs are open.

use light_client::data_format::Amount;
use web_protocol::{Answer, Command, Notice, Problem, WalletView};

use super::host::{FUNDS, Host, PASSWORD, own_address, secret};
use super::phrase::OTHER_PHRASE;
use super::tabs::{balance, payments_stored, review, unlocked};
use crate::platform::Store;

/// Makes a wallet of another phrase in the tab that a person is in.
fn make_another(host: &mut Host) {
    host.ask(Command::ReadPhrase { phrase: secret(OTHER_PHRASE), vsystems: false }).unwrap();
    let keep = Command::Keep { password: secret(PASSWORD), backed_up: false };
    assert_eq!(host.ask(keep), Ok(Answer::Done));
}

#[test]
fn a_deleted_storage_is_noticed_said_and_mended() {
    let mut host = Host::with_wallet();
    review(&mut host, 1);
    assert!(matches!(host.ask(Command::Send), Ok(Answer::Sent { .. })));
    host.lose_storage();
    host.advance();
    host.wait(1_000);
    assert_eq!(host.view().notices, [Notice::StorageLost]);
    assert!(balance(&host).is_some(), "what was proven is still known");
    assert_eq!(payments_stored(&host), 1, "an open payment is stored again");
    assert!(!host.store.contains_key(&(Store::Keystore, "seed".to_owned())), "nobody asked for the keys");
    assert_eq!(host.ask(Command::StoreAgain), Ok(Answer::Done));
    assert_eq!(host.view().notices, []);
    host.reload().unwrap();
    assert_eq!(host.ask(Command::Unlock { password: secret(PASSWORD) }), Ok(Answer::Done));
}

#[test]
fn the_last_tab_that_knows_a_deleted_wallet_keeps_it() {
    let mut host = Host::with_wallet();
    host.lose_storage();
    host.open().unwrap();
    assert_eq!(host.view().wallet, WalletView::None);
    host.switch(0);
    assert_eq!(host.leader(), Some(0));
    assert_eq!(host.view().notices, [Notice::StorageLost]);
    assert_eq!(host.ask(Command::StoreAgain), Ok(Answer::Done));
    host.switch(1);
    assert_eq!(balance(&host), Some(Amount(FUNDS)));
}

#[test]
fn a_new_wallet_in_another_tab_leaves_the_keys_that_only_this_one_has() {
    let mut host = Host::with_wallet();
    host.lose_storage();
    host.open_beside().unwrap();
    assert_eq!(host.view().wallet, WalletView::None);
    host.look_at(0);
    assert_eq!(host.view().notices, [Notice::StorageLost], "the other tab found nothing");
    assert!(unlocked(&host));

    host.look_at(1);
    make_another(&mut host);
    host.wait(10_000);
    assert_eq!(host.leader(), Some(1), "a leader that answers stays");
    let other = host.store[&(Store::Keystore, "seed".to_owned())].clone();
    host.look_at(0);
    assert!(!unlocked(&host), "another wallet locks this one");
    assert_eq!(host.view().accounts[0].address, own_address());
    assert_eq!(host.view().notices, [Notice::StorageLost]);

    // The words are still to be had, and nothing takes the other wallet's place unseen.
    let reveal = Command::RevealPhrase { password: secret(PASSWORD) };
    assert_eq!(host.ask(reveal), Ok(Answer::PhraseMade { words: 12 }));
    for command in [
        Command::StoreAgain,
        Command::BackedUp,
        Command::Keep { password: secret(PASSWORD), backed_up: true },
        Command::Erase,
    ] {
        assert_eq!(host.ask(command), Err(Problem::OtherWallet));
    }
    assert_eq!(host.store[&(Store::Keystore, "seed".to_owned())], other);
    assert!(!host.store.contains_key(&(Store::Accounts, "backed-up".to_owned())));

    host.look_at(1);
    assert_eq!(host.ask(Command::Erase), Ok(Answer::Done));
    host.look_at(0);
    assert_eq!(host.view().notices, [Notice::StorageLost], "the other wallet was erased");
    assert_eq!(host.ask(Command::StoreAgain), Ok(Answer::Done));
    assert_eq!(host.view().notices, []);
    host.reload().unwrap();
    assert_eq!(host.ask(Command::Unlock { password: secret(PASSWORD) }), Ok(Answer::Done));
    assert_eq!(host.view().accounts[0].address, own_address());
}

#[test]
fn a_wallet_that_another_tab_has_stored_again_is_lost_no_more() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    host.lose_storage();
    host.open_beside().unwrap();
    host.look_at(0);
    assert_eq!(host.ask(Command::StoreAgain), Ok(Answer::Done));
    host.look_at(1);
    host.ask(Command::Visible(true)).unwrap();
    assert_eq!(host.view().notices, []);
}

#[test]
fn a_wallet_that_is_replaced_on_purpose_is_forgotten_everywhere() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    make_another(&mut host);
    host.look_at(0);
    host.ask(Command::Visible(true)).unwrap();
    assert_ne!(host.view().accounts[0].address, own_address());
    assert_eq!(host.view().notices, []);
}
