//! Sleep, a network that comes and goes, and clocks that are set.

use light_client::data_format::{Amount, Time};
use web_protocol::{Command, Fact, Problem, SyncView, WalletView};

use super::host::{FUNDS, Host, own_address};

const HOUR: u64 = 3_600_000;

fn fresh(host: &Host) -> Option<Amount> {
    match (&host.view().sync, &host.view().accounts[0].balance) {
        (SyncView::Verified { .. }, Fact::Proven { value, stale: false, .. }) => Some(*value),
        _ => None,
    }
}

fn receive(host: &mut Host) {
    let transfer = host.server.chain.transfer(1, own_address(), Amount(1));
    host.server.pool.push(transfer);
    for _ in 0..4 {
        host.server.advance();
    }
}

#[test]
fn everything_is_asked_at_once_when_the_network_is_back() {
    let mut host = Host::with_wallet();
    host.server_is_up = false;
    host.wait(60_000);
    assert_eq!(fresh(&host), None);
    receive(&mut host);
    host.set_clock(host.server.chain.now());
    host.server_is_up = true;
    host.ask(Command::Visible(true)).unwrap();
    assert_eq!(fresh(&host), Some(Amount(FUNDS + 1)), "no pause is waited for");
}

#[test]
fn what_hangs_in_a_dead_network_is_not_waited_for() {
    let mut host = Host::with_wallet();
    host.hangs = true;
    host.ask(Command::Refresh).unwrap();
    host.hangs = false;
    receive(&mut host);
    host.set_clock(host.server.chain.now());
    host.ask(Command::Visible(true)).unwrap();
    assert_eq!(fresh(&host), Some(Amount(FUNDS + 1)));
}

#[test]
fn hints_are_not_acted_on_while_nobody_looks() {
    let mut host = Host::with_wallet();
    host.ask(Command::Visible(false)).unwrap();
    host.wait(300);
    let asked = host.asked.len();
    host.hint();
    host.wait(300);
    assert_eq!(host.asked.len(), asked);
    host.ask(Command::Visible(true)).unwrap();
    assert!(host.asked.len() > asked, "what was missed is asked for");
    let asked = host.asked.len();
    host.wait(300);
    host.hint();
    assert!(host.asked.len() > asked);
}

#[test]
fn a_clock_that_is_ahead_makes_nothing_look_proven_now() {
    let mut host = Host::with_wallet();
    let right = host.server.chain.now();
    host.set_clock(right.plus_ms(HOUR));
    host.ask(Command::Visible(true)).unwrap();
    assert!(matches!(host.view().sync, SyncView::Stale { .. }), "{:?}", host.view().sync);
    assert_eq!(fresh(&host), None);
    host.set_clock(right);
    host.ask(Command::Visible(true)).unwrap();
    assert_eq!(fresh(&host), Some(Amount(FUNDS)));
}

#[test]
fn a_clock_that_is_behind_is_named() {
    let mut host = Host::with_wallet();
    let right = host.server.chain.now();
    host.set_clock(Time(right.0 - HOUR));
    host.ask(Command::Visible(true)).unwrap();
    let SyncView::ClockBehind { time } = host.view().sync else { panic!("{:?}", host.view().sync) };
    assert!(time <= right);
    assert_eq!(fresh(&host), None);
    let everything = Command::Draft {
        from: own_address(),
        to: own_address().to_string(),
        amount: web_protocol::AmountField::Everything,
        memo: String::new(),
    };
    assert_eq!(host.ask(everything), Err(Problem::NotVerified));
    receive(&mut host);
    host.set_clock(host.server.chain.now());
    host.ask(Command::Visible(true)).unwrap();
    assert_eq!(fresh(&host), Some(Amount(FUNDS + 1)));
}

#[test]
fn a_block_is_fresh_exactly_as_long_as_the_page_is_told() {
    let mut host = Host::with_wallet();
    host.server_is_up = false;
    host.wait(1);
    let SyncView::Verified { time, .. } = host.view().sync else { panic!("{:?}", host.view().sync) };
    let last = time.plus_ms(host.view().chain.fresh_ms);
    for (now, verified) in [(last, true), (last.plus_ms(1), false)] {
        host.set_clock(now);
        host.hint();
        assert_eq!(matches!(host.view().sync, SyncView::Verified { .. }), verified, "{now:?}");
    }
}

#[test]
fn a_clock_that_is_set_back_keeps_no_key_longer() {
    let mut host = Host::with_wallet();
    host.set_clock(Time(host.server.chain.now().0 - HOUR));
    host.hint();
    host.wait(301_000);
    assert!(matches!(host.view().wallet, WalletView::Present { unlocked: false, .. }));
}
