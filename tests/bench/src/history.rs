//! What a wallet downloads and checks that has never seen an account with a thousand payments, until it has all of them:
//! through the client's own requests and the bytes of the answers.

use std::collections::HashMap;

use light_client::{
    client::{Client, Request, Response},
    data_format::{Address, Amount, GenesisAccount, Time, UNITS_PER_COIN},
    test_support::{
        chain::{ScriptedChain, test_address},
        server::ScriptedServer,
    },
};

use crate::{
    light::some_address,
    measure::{Figures, Sequence, median, time},
};

const SLOTS: u64 = 15;
/// Accounts in the state, of which the client watches one.
const ACCOUNTS: u64 = 1 << 16;
const RECORDS: u64 = 1_000;
/// Accounts that pay it, once a round each.
const PAYERS: u64 = 100;
const PASSES: usize = 9;

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let watched = test_address(PAYERS);
    let mut sequence = Sequence(3);
    let account = |address| GenesisAccount { address, balance: Amount(1_000 * UNITS_PER_COIN) };
    let payers = (0..PAYERS).map(|number| account(test_address(number)));
    let others = (PAYERS..ACCOUNTS).map(|_| account(some_address(&mut sequence)));
    let mut chain = ScriptedChain::new(SLOTS, payers.chain(others).collect());
    for _ in 0..RECORDS / PAYERS {
        let payments: Vec<_> = (0..PAYERS).map(|payer| chain.transfer(payer, watched, Amount(1))).collect();
        chain.advance(&payments);
    }
    for _ in 0..4 {
        chain.advance(&[]);
    }
    let (spec, trusted, now) = (chain.spec().clone(), chain.genesis(), chain.now());
    let new_client = || {
        let mut client = Client::new(spec.clone(), trusted.clone(), ["http://server".to_owned()]);
        client.watch(watched, now);
        client
    };
    let mut server = ScriptedServer::new(chain);
    let mut answers: HashMap<String, Response> = HashMap::new();
    load(&mut new_client(), watched, now, |request| {
        answers.entry(request.url.clone()).or_insert_with(|| server.answer(request)).clone()
    })?;
    let bytes: usize = answers.values().map(|answer| answer.body.len()).sum();
    figures.print("light.history_1000.bytes", bytes as f64, "B");
    let again = || load(&mut new_client(), watched, now, |request| answers[&request.url].clone());
    let passes: Result<Vec<f64>, String> = (0..PASSES).map(|_| again()).collect();
    figures.print("light.history_1000.verify_ms", median(passes?), "ms");
    Ok(())
}

/// Loads everything; gives the milliseconds that the client takes for the answers.
fn load(
    client: &mut Client,
    watched: Address,
    now: Time,
    mut answer: impl FnMut(&Request) -> Response,
) -> Result<f64, String> {
    let mut took = 0.0;
    loop {
        let mut asked = 0;
        while let Some(request) = client.next_request() {
            let answer = answer(&request);
            took += time(|| client.respond(request.id, Ok(answer), now)).0.as_secs_f64() * 1e3;
            asked += 1;
        }
        let history = client.account(&watched).ok_or("the account is not watched")?.history();
        let loaded = history.records().len() as u64;
        if history.is_complete() && loaded == RECORDS {
            return Ok(took);
        }
        if asked == 0 {
            return Err(format!(
                "{loaded} of {RECORDS} records, and nothing is left to ask: {:?}",
                client.servers()
            ));
        }
        client.load_history(watched, now);
    }
}
