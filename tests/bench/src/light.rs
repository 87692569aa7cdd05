//! What the light client downloads and how long it takes to check it: chains of 15 slots.

use light_client::{
    client::{AccountBundle, Bundle, Verifier},
    consensus::{
        Verdict,
        spos::{Spos, Table, Tables},
    },
    crypto::{Hash, PublicKey},
    data_format::{
        Address, Amount, GenesisAccount, Height, MAX_HEADER_BYTES, Network, SealedHeader, UNITS_PER_COIN,
        codec,
    },
    test_support::chain::{ScriptedChain, test_address, test_table},
};

use crate::{
    crypto::one_core,
    measure::{Figures, Sequence, median, per_second, time},
};

const SLOTS: u64 = 15;
const ROUNDS: u64 = 100;
const ACCOUNTS: usize = 1 << 20;
const SAMPLES: usize = 1_000;
/// Payments in the block of the transaction bundle.
const PAYMENTS: u64 = 1_000;
/// History records that a wallet asks for at once.
const RECORDS: u64 = 50;

/// The chain whose headers are checked.
pub(crate) fn header_chain() -> ScriptedChain {
    let mut chain = ScriptedChain::new(SLOTS, vec![account(test_address(1))]);
    for _ in 0..ROUNDS {
        chain.advance(&[]);
    }
    chain
}

/// Headers as bytes: decoded, hashed, checked against parent, clock and seal.
pub(crate) fn measure_headers(figures: &mut Figures) -> Result<(), String> {
    let chain = header_chain();
    let spec = chain.spec().clone();
    let engine = Spos::new(&spec);
    let table = Tables::at_genesis(&spec).unwrap().unwrap().in_force;
    let now = chain.now();
    let genesis = chain.header(Height(0)).header.clone();
    let last = chain.head().header.height.0;
    let encoded: Vec<Vec<u8>> =
        (1..=last).map(|height| codec::encode(chain.header(Height(height)))).collect();
    let per_s = per_second(9, encoded.len(), || {
        let mut parent = genesis.clone();
        for bytes in &encoded {
            let sealed: SealedHeader = codec::decode(bytes, MAX_HEADER_BYTES).unwrap();
            let id = sealed.header.id();
            engine.check_header(&parent, parent.justified, &table, &sealed, &id, now).unwrap();
            parent = sealed.header;
        }
    });
    figures.print("light.header_verify.per_s", per_s, "1/s");
    let raw = figures.get("crypto.ed25519_dalek.per_s").unwrap_or_else(one_core);
    figures.print("light.header_verify.ratio", per_s / raw, "ratio");
    Ok(())
}

pub(crate) fn measure_bundles(figures: &mut Figures) -> Result<(), String> {
    beacons(figures);
    let mut sequence = Sequence(2);
    let mut accounts: Vec<GenesisAccount> =
        (0..PAYMENTS).map(|number| account(test_address(number))).collect();
    accounts.extend((accounts.len()..ACCOUNTS).map(|_| account(some_address(&mut sequence))));
    let addresses: Vec<Address> = accounts.iter().map(|account| account.address).collect();
    let mut chain = ScriptedChain::new(SLOTS, accounts);
    let payments: Vec<_> = (0..PAYMENTS)
        .map(|number| chain.transfer(number, some_address(&mut sequence), Amount(UNITS_PER_COIN)))
        .collect();
    let chain_id = chain.spec().id();
    let ids: Vec<_> = payments.iter().map(|signed| signed.transaction.id(&chain_id)).collect();
    chain.advance(&payments);
    for _ in 0..4 {
        chain.advance(&[]);
    }
    let (trusted, verifier, now) = (chain.genesis(), Verifier::new(chain.spec()), chain.now());

    let mut largest = 0;
    let mut times = Vec::new();
    for _ in 0..SAMPLES {
        let address = addresses[sequence.below(addresses.len())];
        let bytes = chain.account_bundle(&trusted, address, 0, RECORDS).to_bytes();
        largest = largest.max(bytes.len());
        let (took, proven) = time(|| {
            let bundle = AccountBundle::from_bytes(&bytes).unwrap();
            verifier.account(&trusted, address, &bundle, now).unwrap()
        });
        assert!(proven.1.value().record.is_some(), "the account is proven");
        times.push(took.as_secs_f64() * 1e6);
    }
    figures.print("light.account_bundle.bytes", largest as f64, "B");
    figures.print("light.account_bundle.verify_us", median(times), "us");

    let proofs = ids.iter().map(|id| {
        let bundle = chain.transaction_bundle(&trusted, id).unwrap();
        verifier.transaction(&trusted, *id, &bundle, now).unwrap();
        bundle.to_bytes().len()
    });
    figures.print("light.tx_bundle.bytes", proofs.max().unwrap() as f64, "B");
    Ok(())
}

/// A beacon for a client that knows the table, and one that brings all 15 holders of a table in force, none of
/// whom the client knows: more than a client ever takes in one step, so this is the bound.
fn beacons(figures: &mut Figures) {
    let mut chain = ScriptedChain::new(SLOTS, vec![account(test_address(1))]);
    for _ in 0..3 {
        chain.advance(&[]);
    }
    let trusted = chain.genesis();
    let known = chain.beacon(&trusted).unwrap();
    let verdict = Verifier::new(chain.spec()).beacon(&trusted, &known, chain.now());
    assert!(matches!(verdict, Verdict::Success(_)), "{verdict:?}");
    figures.print("light.beacon.bytes", known.to_bytes().len() as f64, "B");

    let strangers: Vec<u64> = (1_000 + SLOTS..1_000 + 2 * SLOTS).collect();
    chain.set_tables(Tables::settled(Table::new(test_table(&strangers)).unwrap()));
    for _ in 0..4 {
        chain.advance(&[]);
    }
    let changed = chain.beacon(&trusted).unwrap();
    let held = trusted.tables.as_ref().unwrap();
    let (source, target) = changed.tables.resolve(held).unwrap();
    assert_ne!(source.in_force.hash(), held.in_force.hash(), "the table is another one");
    changed.certificate().check(&chain.spec().id(), &target, &source).unwrap();
    figures.print("light.beacon_table_changed.bytes", changed.to_bytes().len() as f64, "B");
}

const fn account(address: Address) -> GenesisAccount {
    GenesisAccount { address, balance: Amount(1_000 * UNITS_PER_COIN) }
}

/// An address whose key nobody has.
pub(crate) fn some_address(sequence: &mut Sequence) -> Address {
    Address::of(&PublicKey::Ed25519(Hash(sequence.bytes()).0), Network::Test)
}
