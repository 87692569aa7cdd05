//! Only what is proven is shown, with its trust.

use light_client::data_format::Amount;
use light_client::test_support::chain::test_address;
use web_protocol::{AccountView, Answer, Command, Fact, MovementKind, Problem, ServerHealth, SyncView};

use super::host::{FUNDS, Host, START, own_address};

fn account(host: &Host) -> &AccountView {
    &host.view().accounts[0]
}

#[test]
fn a_balance_is_proven_without_the_password_and_stale_without_a_server() {
    let mut host = Host::with_wallet();
    host.wait(5_000);
    host.reload().unwrap();
    let Fact::Proven { value: Amount(FUNDS), stale: false, height, .. } = account(&host).balance else {
        panic!("{:?}", account(&host).balance);
    };
    assert!(height.0 > 0);
    assert!(account(&host).proof.as_ref().is_some_and(|proof| proof.bytes > 0 && proof.steps > 0));
    host.advance();
    assert!(matches!(host.view().sync, SyncView::Verified { signatures: 3.., of: 4, .. }));

    host.server_is_up = false;
    host.wait(60_000);
    let view = host.view();
    assert!(matches!(view.sync, SyncView::Stale { since: Some(_), .. }), "{:?}", view.sync);
    assert_eq!(view.servers[0].health, ServerHealth::Unreachable);
    assert!(matches!(account(&host).balance, Fact::Proven { value: Amount(FUNDS), stale: true, .. }));
    host.reload().unwrap();
    assert!(matches!(account(&host).balance, Fact::Proven { value: Amount(FUNDS), .. }));
}

#[test]
fn an_unproven_balance_is_unknown() {
    let mut host = Host::new();
    host.server_is_up = false;
    host.ask(START).unwrap();
    host.ask(Command::MakePhrase { words: 12 }).unwrap();
    host.ask(Command::Keep { password: super::host::secret("12345678"), backed_up: false }).unwrap();
    assert_eq!(account(&host).balance, Fact::Unknown);
    host.server_is_up = true;
    host.wait(10_000);
    assert!(matches!(account(&host).balance, Fact::Proven { value: Amount(0), .. }));
}

#[test]
fn an_altered_answer_is_a_lie_and_is_not_used() {
    let mut host = Host::with_wallet();
    host.tamper = Some(|url, mut body| {
        if url.contains("/bundle?") {
            let middle = body.len() / 2;
            body[middle] ^= 1;
        }
        body
    });
    host.advance();
    let view = host.view();
    assert_eq!(view.sync, SyncView::Lying { server: 0 });
    assert!(view.servers[0].lie.is_some());
    assert!(matches!(account(&host).balance, Fact::Proven { value: Amount(FUNDS), stale: true, .. }));
    host.tamper = None;
    assert_eq!(host.ask(Command::Refresh), Ok(Answer::Done));
    assert!(matches!(host.view().sync, SyncView::Verified { .. }));
}

#[test]
fn history_is_loaded_as_far_as_asked_for() {
    let mut host = Host::with_wallet();
    for _ in 0..60 {
        let transfer = host.server.chain.transfer(1, own_address(), Amount(1));
        host.server.pool.push(transfer);
        host.server.advance();
    }
    for _ in 0..3 {
        host.server.advance();
    }
    host.reload().unwrap();
    let before = account(&host).history.len();
    assert_eq!(account(&host).history_count, 61);
    assert!(before < 61);
    let load = Command::LoadHistory { account: own_address() };
    host.server_is_up = false;
    assert!(matches!(host.ask(load.clone()), Err(Problem::Server { .. })));
    host.server_is_up = true;
    host.wait(10_000);
    assert_eq!(host.ask(load.clone()), Ok(Answer::Done));
    let rows = &account(&host).history;
    assert_eq!(rows.len(), 61);
    assert_eq!((rows[0].index, rows[0].kind, rows[0].delta), (60, MovementKind::Received, 1));
    assert_eq!(rows[0].counterparty, Some(test_address(1)));
    assert_eq!((rows[60].index, rows[60].kind), (0, MovementKind::Genesis));
    assert_eq!(host.ask(load), Ok(Answer::Done), "nothing older");
}

#[test]
fn the_faucet_says_why_not() {
    let mut host = Host::with_wallet();
    let coins = Command::GetTestCoins { to: own_address() };
    let limited = Problem::Server { code: "faucet_limited".to_owned(), words: "wait".to_owned() };
    assert_eq!(host.ask(coins.clone()), Err(limited));
    host.server_is_up = false;
    assert!(matches!(host.ask(coins), Err(Problem::Server { code, .. }) if code == "unreachable"));
}
