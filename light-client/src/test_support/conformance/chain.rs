//! Chains that were generated, and clients that follow them: block by block, over years, over changes of their holders.

use std::collections::BTreeMap;

use super::{Verdict, ensure, same, words};
use crate::{
    client::{AnchorError, Client, HandOverError, PaymentState, ProofFailure, Sync, Verifier},
    consensus::{
        Verdict as Judgement,
        spos::{HandOver, HandOverStep},
    },
    crypto::Hash,
    data_format::{Address, Amount, GenesisAccount, Round, UNITS_PER_COIN},
    test_support::{
        chain::{FEE, ScriptedChain, test_address},
        link_history::{LinkHistory, ROUNDS_A_YEAR},
        random::Sequence,
        server::ScriptedServer,
    },
};

const ACCOUNTS: u64 = 5;
const ROUNDS: usize = 14;

pub(super) fn books() -> Verdict {
    let mut random = Sequence(5);
    let start = 1_000 * UNITS_PER_COIN;
    let accounts: Vec<_> = (0..ACCOUNTS)
        .map(|key| GenesisAccount { address: test_address(key), balance: Amount(start) })
        .collect();
    let mut books: BTreeMap<Address, (u64, u64)> =
        accounts.iter().map(|account| (account.address, (start, 1))).collect();
    let mut server = ScriptedServer::new(ScriptedChain::new(4, accounts));
    let (spec, genesis) = (server.chain.spec().clone(), server.chain.genesis());
    let mut client = Client::new(spec, genesis, ["http://server".to_owned()]);
    let stranger = test_address(ACCOUNTS);
    for address in books.keys().chain([&stranger]) {
        client.watch(*address, server.chain.now());
    }
    let mut ids = Vec::new();
    for round in 0..ROUNDS {
        if round < ROUNDS - 3 {
            for from in 0..ACCOUNTS {
                let to = (from + 1 + random.number() % (ACCOUNTS - 1)) % ACCOUNTS;
                let amount = 1 + random.number() % UNITS_PER_COIN;
                let signed = server.chain.transfer(from, test_address(to), Amount(amount));
                ids.push(client.submit(signed, server.chain.now()));
                // Payer: fee and payment; payee: payment.
                let payer = books.entry(test_address(from)).or_default();
                *payer = (payer.0 - amount - FEE.units(), payer.1 + 2);
                let payee = books.entry(test_address(to)).or_default();
                *payee = (payee.0 + amount, payee.1 + 1);
            }
        }
        let now = server.chain.now();
        client.tick(now);
        server.serve(&mut client, now, |_, answer| answer);
        server.advance();
    }
    let now = server.chain.now();
    client.refresh(now);
    server.serve(&mut client, now, |_, answer| answer);
    same!(client.sync(now), Sync::Verified, "the client");
    for (address, (units, records)) in &books {
        let account = client.account(address).ok_or("an account is not watched")?;
        let proven = account.proven().ok_or("an account is not proven")?;
        let record = proven.record.ok_or("an account is not there")?;
        same!((record.balance.units(), record.history_count), (*units, *records), "{address}");
        same!(account.history().records().len() as u64, *records, "records shown of {address}");
        ensure!(account.history().is_complete(), "the history of {address} is not complete");
        let sum: i64 = account.history().records().iter().map(|record| record.delta).sum();
        same!(u64::try_from(sum), Ok(*units), "sum of the history of {address}");
    }
    let absent =
        client.account(&stranger).and_then(|account| account.proven()).ok_or("absence is not proven")?;
    same!(absent.record, None, "the stranger");
    ensure!(ids.len() > 40, "only {} payments", ids.len());
    for id in ids {
        let state = client.payment(&id).map(|payment| payment.state.clone());
        ensure!(
            matches!(state, Some(PaymentState::Final { succeeded: true, .. })),
            "payment {id} is {state:?} instead of final"
        );
    }
    Ok(())
}

/// A history of seven slots, each change of which brings a new key, every five rounds; everybody signs.
fn changing(changes: u64) -> LinkHistory {
    let mut tables = vec![(1_000..1_007).collect::<Vec<u64>>()];
    for change in 0..changes {
        let mut next = tables[tables.len() - 1].clone();
        let slot = usize::try_from(change % 7).unwrap();
        next[slot] = 1_007 + change;
        tables.push(next);
    }
    let planned = (0..changes).map(|change| Round(5 * change + 3)).collect();
    LinkHistory::new(&tables, planned, Round(5 * changes + 8), Vec::new(), Box::new(|_, _| false))
}

pub(super) fn skipping() -> Verdict {
    let table: Vec<u64> = (1_000..1_015).collect();
    // Four of fifteen do not sign: eleven are just enough.
    let silent: Vec<Hash> = (1_011..1_015)
        .map(|key| Hash(*crate::test_support::chain::test_key(key).public().as_bytes()))
        .collect();
    let absent = Box::new(move |_, key: &Hash| silent.contains(key));
    let mut history =
        LinkHistory::new(&[table], Vec::new(), Round(10 + 30 * ROUNDS_A_YEAR), Vec::new(), absent);
    let (verifier, trusted, now) = (Verifier::new(history.spec()), history.trusted(Round(10)), history.now());
    let beacon = history.beacon(&trusted);
    let newest = history.newest();
    let Judgement::Success(newer) = verifier.beacon(&trusted, &beacon, now) else {
        return Err("thirty years are not skipped".to_owned());
    };
    same!(newer, history.trusted(newest), "the trusted block");

    let refused = |change: &dyn Fn(&mut crate::consensus::spos::Beacon)| {
        let mut lie = beacon.clone();
        change(&mut lie);
        !matches!(verifier.beacon(&trusted, &lie, now), Judgement::Success(_))
    };
    ensure!(refused(&|lie| lie.source.state_root.0[0] ^= 1), "another state passes");
    ensure!(refused(&|lie| lie.source.height.0 ^= 1 << 33), "another height passes");
    ensure!(refused(&|lie| lie.source.slot.0 += 1), "another slot passes");
    ensure!(refused(&|lie| lie.source_round.0 += 1), "another round passes");
    for place in 0..beacon.certificate().signatures.len() {
        ensure!(refused(&|lie| flip(lie, place)), "signature {place} does not matter");
    }
    let early = crate::data_format::Time(now.0 - 24 * 3_600_000);
    ensure!(
        matches!(verifier.beacon(&trusted, &beacon, early), Judgement::Invalid(AnchorError::Future(_))),
        "a round that has not begun is final"
    );

    // As many changes as take the quorum away, and no signer before them is known after them.
    let mut history = changing(7);
    let (verifier, trusted, now) = (Verifier::new(history.spec()), history.trusted(Round(0)), history.now());
    let beacon = history.beacon(&trusted);
    let judged = verifier.beacon(&trusted, &beacon, now);
    ensure!(
        matches!(judged, Judgement::NotEnoughTrust { signed: 0, .. }),
        "strangers are trusted: {judged:?}"
    );
    Ok(())
}

fn flip(beacon: &mut crate::consensus::spos::Beacon, place: usize) {
    beacon.signatures[place].0[40] ^= 1;
}

pub(super) fn hand_over() -> Verdict {
    let mut history = changing(9);
    let (verifier, trusted, now) = (Verifier::new(history.spec()), history.trusted(Round(0)), history.now());
    let newest = history.newest();
    let honest = history.hand_over(&trusted);
    let led = verifier.hand_over(&trusted, &honest, now).map_err(words)?.trusted;
    same!(led, history.trusted(newest), "where it leads");

    let rounds = history.plan(&trusted).ok_or("no way")?;
    ensure!(rounds.len() > 2, "{} steps", rounds.len());
    let steps: Vec<HandOverStep> = rounds.iter().map(|round| history.step(*round)).collect();
    let held = trusted.tables.as_ref().ok_or("no tables")?;
    for skipped in 0..steps.len() - 1 {
        let mut fewer = steps.clone();
        fewer.remove(skipped);
        let fewer = HandOver::new(held, &fewer, history.header(newest)).ok_or("no hand-over")?;
        let error = verifier.hand_over(&trusted, &fewer, now).err();
        ensure!(
            matches!(
                &error,
                Some(ProofFailure::HandOver(
                    HandOverError::Link { error: AnchorError::NotEnoughTrust { .. }, .. }
                        | HandOverError::End(AnchorError::NotEnoughTrust { .. })
                ))
            ),
            "without step {skipped}: {error:?}"
        );
    }
    for link in 0..honest.links.len() {
        for place in 0..honest.links[link].signatures.len() {
            let mut forged = honest.clone();
            forged.links[link].signatures[place].0[3] ^= 4;
            ensure!(verifier.hand_over(&trusted, &forged, now).is_err(), "signature {place} of link {link}");
        }
        let mut twice = honest.clone();
        twice.links.insert(link, honest.links[link].clone());
        ensure!(verifier.hand_over(&trusted, &twice, now).is_err(), "link {link} twice");
    }

    // A client finds the way by itself.
    let mut client = Client::new(history.spec().clone(), trusted, ["http://server".to_owned()]);
    client.tick(now);
    history.serve(&mut client, now, |_, _| ());
    same!(client.trusted().round, newest, "the client's trusted round");
    same!(client.sync(now), Sync::Verified, "the client");
    Ok(())
}
