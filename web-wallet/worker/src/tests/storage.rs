//! What is stored, when, and what happens when it is not.

use light_client::data_format::Amount;
use light_client::test_support::{chain::ScriptedChain, server::ScriptedServer};
use web_protocol::{Answer, Command, Fact, Notice, Problem, SyncView, WalletView};

use super::host::{FUNDS, Host, PASSWORD, PHRASE, START, chain_file, own_address, secret};
use crate::platform::{FetchError, Store};

#[test]
fn a_wallet_that_is_not_stored_is_not_there() {
    let mut host = Host::new();
    host.ask(START).unwrap();
    host.ask(Command::MakePhrase { words: 12 }).unwrap();
    host.storage_fails = true;
    let keep = Command::Keep { password: secret(PASSWORD), backed_up: false };
    assert_eq!(host.ask(keep), Err(Problem::Storage("the disk is full".to_owned())));
    assert_eq!(host.view().wallet, WalletView::None);
    host.advance();
    host.wait(4_000);
    assert_eq!(host.view().notices, [Notice::NotStored("the disk is full".to_owned())]);
    host.storage_fails = false;
    host.wait(31_000);
    assert_eq!(host.view().notices, []);
    assert!(host.ask(Command::ShowWord { position: 0 }).is_ok(), "the phrase can still be kept");
}

#[test]
fn no_secret_is_stored_in_the_clear() {
    let host = Host::with_wallet();
    let entropy = light_client::wallet::Seed::from_bip39(PHRASE).unwrap().to_bytes();
    assert!(host.store.contains_key(&(Store::Keystore, "seed".to_owned())));
    for value in host.store.values() {
        for needle in [&entropy[1..], PHRASE.as_bytes(), PASSWORD.as_bytes()] {
            assert!(!value.windows(needle.len()).any(|window| window == needle));
        }
    }
}

#[test]
fn erasing_leaves_nothing() {
    let mut host = Host::with_wallet();
    host.wait(5_000);
    assert_eq!(host.ask(Command::Erase), Ok(Answer::Done));
    assert!(host.store.is_empty());
    let view = host.view();
    assert_eq!((view.wallet.clone(), view.accounts.len()), (WalletView::None, 0));
    assert_eq!(host.ask(Command::Unlock { password: secret(PASSWORD) }), Err(Problem::NoWallet));
    host.reload().unwrap();
    assert_eq!(host.view().wallet, WalletView::None);
}

#[test]
fn the_chain_file_stored_last_will_do_while_nobody_answers() {
    let mut host = Host::with_wallet();
    host.wait(5_000);
    host.chain_file = Err(FetchError::Unreachable);
    host.server_is_up = false;
    assert_eq!(host.reload(), Ok(Answer::Done));
    let view = host.view();
    assert!(matches!(view.accounts[0].balance, Fact::Proven { value: Amount(FUNDS), .. }));
    host.chain_file = Ok(b"{}".to_vec());
    assert!(matches!(host.reload(), Err(Problem::ChainFile(_))), "what is there but wrong is not replaced");
    host.store.clear();
    host.chain_file = Err(FetchError::Timeout);
    assert!(matches!(host.reload(), Err(Problem::ChainFile(_))));
    assert!(matches!(host.ask(Command::MakePhrase { words: 12 }), Err(Problem::ChainFile(_))));
    host.chain_file = Ok(chain_file(&host.server));
    assert_eq!(host.ask(START), Ok(Answer::Done), "who failed may try again");
}

#[test]
fn another_chain_puts_aside_what_was_proven_and_keeps_the_keys() {
    let mut host = Host::with_wallet();
    host.wait(5_000);
    let former = host.server.chain.spec().id().to_string();
    host.server = ScriptedServer::new(ScriptedChain::new(7, Vec::new()));
    for _ in 0..3 {
        host.server.advance();
    }
    // The page's file is the old one still: the server is honest, and of another chain.
    host.reload().unwrap();
    let found = host.server.chain.spec().id().to_string();
    assert_eq!(host.view().sync, SyncView::OtherChain { found });
    assert_eq!(host.view().notices, []);

    host.chain_file = Ok(chain_file(&host.server));
    host.reload().unwrap();
    host.wait(5_000);
    let view = host.view();
    assert_eq!(view.notices, [Notice::ChainReplaced { former }]);
    assert_eq!(view.accounts[0].address, own_address());
    assert!(
        matches!(view.accounts[0].balance, Fact::Proven { value: Amount(0), .. }),
        "proven to hold nothing"
    );
    assert_eq!(host.ask(Command::Unlock { password: secret(PASSWORD) }), Ok(Answer::Done));
    host.reload().unwrap();
    assert_eq!(host.view().notices, [], "said once");
}

#[test]
fn keys_without_accounts_are_reported() {
    let mut host = Host::with_wallet();
    host.store.retain(|(store, _), _| *store != Store::Accounts);
    assert!(matches!(host.reload(), Err(Problem::Storage(_))));
}

#[test]
fn what_was_proven_is_not_stored_behind_an_erasing() {
    let mut host = Host::with_wallet();
    host.advance();
    host.hint();
    host.wait(100);
    // Due in the very turn in which everything is erased.
    host.set_clock(host.server.chain.now().plus_ms(900));
    assert_eq!(host.ask(Command::Erase), Ok(Answer::Done));
    assert!(host.store.is_empty());
}

#[test]
fn what_is_asked_while_everything_is_erased_waits() {
    let mut host = Host::with_wallet();
    super::tabs::review(&mut host, 1);
    host.storage_is_slow = true;
    let erased = host.say(Command::Erase);
    let sent = host.say(Command::Send);
    host.wait(2_000);
    host.storage_answers();
    assert_eq!(host.answer_to(erased), Ok(Answer::Done));
    assert_eq!(host.answer_to(sent), Err(Problem::NothingReviewed));
    assert!(host.store.is_empty());
}
