//! The most heap that a light client holds at one time, in bytes: it trusts block 0 of a chain of 15 slots, syncs, proves
//! an account and all of its 1,000 history records. A program of its own, because it counts in the allocator.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program that measures: it prints a figure, and a broken set-up must stop it"
)]

use allocation_counter::measure;
use light_client::{
    client::{Client, Request, Response},
    data_format::{Amount, GenesisAccount, Time, UNITS_PER_COIN},
    test_support::{
        chain::{ScriptedChain, test_address},
        server::ScriptedServer,
    },
};

const SLOTS: u64 = 15;
/// The account that is proven; the others pay to it.
const RECEIVER: u64 = 0;
const SENDERS: u64 = 50;
/// Every payment is one history record of the receiver; genesis is the first.
const RECORDS: usize = 1_000;

fn main() {
    let account =
        |number| GenesisAccount { address: test_address(number), balance: Amount(1_000 * UNITS_PER_COIN) };
    let mut server =
        ScriptedServer::new(ScriptedChain::new(SLOTS, (RECEIVER..=SENDERS).map(account).collect()));
    let mut left = RECORDS - 1;
    while left > 0 {
        for sender in (1..=SENDERS).take(left) {
            let payment = server.chain.transfer(sender, test_address(RECEIVER), Amount(1));
            server.pool.push(payment);
        }
        left -= server.pool.len();
        server.advance();
    }
    for _ in 0..3 {
        server.advance();
    }

    let (spec, genesis, now) = (server.chain.spec().clone(), server.chain.genesis(), server.chain.now());
    // What the server holds and does is not the client's: its answers are made before.
    let mut answers = Vec::new();
    let start = || Client::new(spec.clone(), genesis.clone(), ["http://server".to_owned()]);
    prove(start(), now, |request| {
        let response = server.answer(request);
        answers.push(response.clone());
        response
    });
    let mut answers = answers.iter();
    let held = measure(|| {
        prove(start(), now, |_| answers.next().expect("the client asks the same again").clone());
    });
    println!("{}", held.bytes_max);
}

/// Answers the client until it has proven the account and all of its history.
fn prove(mut client: Client, now: Time, mut answer: impl FnMut(&Request) -> Response) {
    let receiver = test_address(RECEIVER);
    client.watch(receiver, now);
    while !client
        .account(&receiver)
        .is_some_and(|account| account.proven().is_some() && account.history().is_complete())
    {
        let request = client.next_request().unwrap_or_else(|| {
            client.load_history(receiver, now);
            client.next_request().expect("there is more to ask for")
        });
        let response = answer(&request);
        client.respond(request.id, Ok(response), now);
    }
    let records = client.account(&receiver).map_or(0, |account| account.history().records().len());
    assert_eq!(records, RECORDS, "all of the history is proven");
}
