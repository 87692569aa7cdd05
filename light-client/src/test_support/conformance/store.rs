//! What was proven, kept and gone on from.

use super::{Verdict, ensure, same, words};
use crate::{
    client::{Client, MemoryStateStore, StateStore as _, Sync, open_state, seal_state},
    data_format::{Amount, GenesisAccount, UNITS_PER_COIN},
    test_support::{
        chain::{ScriptedChain, test_address},
        server::ScriptedServer,
        state_store::{Step, steps},
    },
};

pub(super) fn memory() -> Verdict {
    let mut store = MemoryStateStore::default();
    let mut loaded = 0;
    for step in steps() {
        match step {
            Step::Save { chain, state } => store.save(&chain, &state).map_err(words)?,
            Step::Load { chain, expected, rule } => {
                loaded += 1;
                ensure!(store.load(&chain).map_err(words)? == expected, "not so: {rule}");
            }
            Step::Reopen => {}
        }
    }
    ensure!(loaded > 5, "only {loaded} states loaded");
    Ok(())
}

pub(super) fn saved_client() -> Verdict {
    let account = GenesisAccount { address: test_address(1), balance: Amount(1_000 * UNITS_PER_COIN) };
    let mut server = ScriptedServer::new(ScriptedChain::new(4, vec![account]));
    (0..4).for_each(|_| server.advance());
    let (spec, genesis) = (server.chain.spec().clone(), server.chain.genesis());
    let new = || Client::new(spec.clone(), genesis.clone(), ["http://server".to_owned()]);
    let (mut client, now) = (new(), server.chain.now());
    client.watch(account.address, now);
    let payment = server.chain.transfer(1, test_address(2), Amount(5));
    let id = client.submit(payment, now);
    server.serve(&mut client, now, |_, answer| answer);
    same!(client.sync(now), Sync::Verified, "the client");

    let saved = client.save();
    let mut again = new();
    again.restore(&saved).map_err(words)?;
    same!(again.save(), saved, "saved again");
    same!(again.trusted(), client.trusted(), "the trusted block");
    same!(again.account(&account.address), client.account(&account.address), "the account");
    ensure!(
        again.account(&account.address).is_some_and(|account| account.proven().is_some()),
        "nothing is proven"
    );
    same!(again.payment(&id), client.payment(&id), "the payment");
    ensure!(again.payment(&id).is_some(), "no payment");

    for length in (0..saved.len()).step_by(7) {
        let mut other = new();
        ensure!(other.restore(&saved[..length]).is_err(), "a state cut off at {length} is taken");
        same!(other.save(), new().save(), "what a refused state leaves");
    }
    let elsewhere = ScriptedChain::new(5, vec![account]);
    let mut other = Client::new(elsewhere.spec().clone(), elsewhere.genesis(), Vec::new());
    ensure!(other.restore(&saved).is_err(), "a state of another chain is taken");

    let chain = *client.chain();
    let sealed = seal_state(&chain, &saved);
    same!(open_state(&chain, &sealed), Ok(&*saved), "the sealed state");
    for at in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[at] ^= 0x10;
        ensure!(open_state(&chain, &damaged).is_err(), "damage at byte {at} goes unnoticed");
    }
    Ok(())
}
