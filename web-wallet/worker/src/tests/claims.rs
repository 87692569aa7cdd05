//! A leader whose claim is not the stored one.

use web_protocol::{Answer, Command, Notice, Problem};

use super::host::{Host, own_address};
use super::tabs::{payments_stored, review};

#[test]
fn a_leader_that_could_not_claim_the_storage_claims_it_when_it_can() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    host.look_at(0);
    host.storage_fails = true;
    host.ask(Command::Visible(true)).unwrap();
    assert_eq!(host.leader(), Some(0));
    assert_eq!(host.view().notices, [Notice::NotStored("the disk is full".to_owned())]);
    host.storage_fails = false;
    review(&mut host, 1);
    assert!(matches!(host.ask(Command::Send), Err(Problem::Storage(_))), "the claim is another tab's");
    host.wait(2_100);
    review(&mut host, 1);
    assert!(matches!(host.ask(Command::Send), Ok(Answer::Sent { .. })));
    assert_eq!(payments_stored(&host), 1);
    host.wait(31_000);
    assert_eq!(host.view().notices, []);
}

#[test]
fn what_a_person_asks_of_a_leader_that_claims_anew_is_done_then() {
    let mut host = Host::with_wallet();
    host.open_beside().unwrap();
    host.look_at(0);
    host.rival_claims = true;
    host.ask(Command::Visible(true)).unwrap();
    host.rival_claims = false;
    review(&mut host, 1);
    assert!(matches!(host.ask(Command::Send), Err(Problem::Storage(_))));
    let number = host.say(Command::GetTestCoins { to: own_address() });
    host.wait(2_100);
    assert!(matches!(host.answer_to(number), Err(Problem::Server { .. })), "asked, and refused");
    review(&mut host, 1);
    assert!(matches!(host.ask(Command::Send), Ok(Answer::Sent { .. })));
}

#[test]
fn two_leaders_that_overtake_each_other_do_so_every_two_seconds_at_most() {
    let mut host = Host::with_wallet();
    host.rival_claims = true;
    host.open_beside().unwrap();
    let (claims, started) = (host.claims, host.server.chain.now());
    for _ in 0..15 {
        host.advance();
    }
    let (claims, seconds) = (host.claims - claims, host.server.chain.now().ms_since(started) / 1_000);
    assert!(claims > 2, "{claims}: it goes on");
    assert!(claims <= seconds / 2, "{claims} claims in {seconds} seconds");
}
