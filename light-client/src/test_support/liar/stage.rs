//! The chain about which lies are told.
//!
//! Four slots. A client trusts the checkpoint of round 3; that of round 6 is the newest final block, and carries a plan in
//! which two of the four holders are others. Account 1 paid often in round 1, once in the first and once in the last block
//! of round 5 (which is the checkpoint of round 6), and once in round 7.

use super::super::chain::{ScriptedChain, test_address, test_key, test_spec, test_table};
use crate::{
    client::{Trusted, Verifier},
    consensus::spos::{Beacon, Certificate, HandOverStep, Table, Tables},
    crypto::Hash,
    data_format::{
        Address, Amount, GenesisAccount, Height, Round, SignedTransaction, Time, Transaction, TransactionId,
        UNITS_PER_COIN,
    },
    state::{
        AccountRecord, Certificates, MemoryStore, MintingAverage, Pool, Position, Request, RequestKind,
        RequestPlace, SlotChange, Stake, Supernode, Trie,
    },
    test_support::server::ScriptedServer,
};

/// Payments in round 1: with the others, more records than one answer holds.
const PAYMENTS: u64 = 27;
const ROUNDS: u64 = 7;
const TRUSTED_ROUNDS: u64 = 4;
const COIN: u64 = UNITS_PER_COIN;

/// Whose account it is about.
pub(super) const PAYER: u64 = 1;
/// The holders of slots.
pub(super) const HOLDERS: [u64; 4] = [1_000, 1_001, 1_002, 1_003];
/// Those planned.
const PLANNED: [u64; 4] = [1_000, 1_001, 1_004, 1_005];

/// An honest chain, and what is known of it.
pub struct Stage {
    pub(super) server: ScriptedServer,
    pub(super) verifier: Verifier,
    /// The block that clients trust.
    pub(super) trusted: Trusted,
    /// Every block that is final, oldest first.
    pub(super) finals: Vec<Trusted>,
    /// The newest of them, proven from the trusted one.
    pub(super) beacon: Beacon,
    /// Its place among the blocks.
    pub(super) anchored: usize,
    pub(super) now: Time,
    /// The same chain when the trusted block was the newest final one, before and after that.
    pub(super) then: ScriptedChain,
    pub(super) before: ScriptedChain,
    pub(super) between: ScriptedChain,
    /// Another chain with the same accounts, holders and payments.
    pub(super) other: ScriptedChain,
    /// A payment in an older block, in the final one, and in one that is not final yet.
    pub(super) payments: [SignedTransaction; 3],
}

impl Stage {
    /// Everything is made anew, and the same each time.
    #[allow(clippy::new_without_default, reason = "it is made, not empty")]
    pub fn new() -> Self {
        let (chain, payments) = script(ROUNDS, 0);
        let (then, _) = script(TRUSTED_ROUNDS, 0);
        let verifier = Verifier::new(chain.spec());
        let now = chain.now();
        let trusted = verifier.anchor(&chain.genesis(), &then.anchor(&chain.genesis()), now).unwrap();
        let finals = finals(&chain);
        assert!(finals.contains(&trusted), "trusted blocks are final");
        let beacon = chain.beacon(&trusted).unwrap();
        let anchored = usize::try_from(beacon.source.height.0).unwrap();
        let mut server = ScriptedServer::new(chain);
        finals.iter().for_each(|known| server.know(known.clone()));
        Self {
            server,
            verifier,
            trusted,
            finals,
            beacon,
            anchored,
            now,
            then,
            before: script(TRUSTED_ROUNDS - 1, 0).0,
            between: script(ROUNDS - 1, 0).0,
            other: script(ROUNDS, 1).0,
            payments,
        }
    }

    /// The same chain again, to be served.
    pub(super) fn again(&self) -> ScriptedChain {
        script(ROUNDS, 0).0
    }

    /// The chain when the trusted block was the newest final one, to be served.
    pub(super) fn then_again(&self) -> ScriptedChain {
        script(TRUSTED_ROUNDS, 0).0
    }

    pub(super) fn id(&self, payment: &SignedTransaction) -> TransactionId {
        payment.transaction.id(&self.server.chain.spec().id())
    }

    /// The newest certificate that made a block final, with all votes.
    pub(super) fn certificate(&self) -> &Certificate {
        self.server.chain.certified.last_key_value().unwrap().1
    }

    /// What the beacon is made of.
    pub(super) fn step(&self) -> HandOverStep {
        self.server.chain.step(self.certificate()).0
    }

    pub(super) fn held(&self) -> &Tables {
        self.trusted.tables.as_ref().unwrap()
    }
}

/// Every block of a chain that is final.
pub(super) fn finals(chain: &ScriptedChain) -> Vec<Trusted> {
    let made_final = |certificate: &Certificate| {
        let (HandOverStep { source, .. }, header) = chain.step(certificate);
        let round = certificate.link.source.checkpoint.round;
        Trusted { round, tables: Some(source), ..Trusted::voteless(header) }
    };
    chain.certified.values().map(made_final).collect()
}

/// The chain after so many rounds, with `more` units for account 3 in block 0, which makes it another chain.
fn script(rounds: u64, more: u64) -> (ScriptedChain, [SignedTransaction; 3]) {
    let balance = |key: u64| Amount(1_000 * COIN + if key == 3 { more } else { 0 });
    let accounts = (1..=3).map(|key| GenesisAccount { address: test_address(key), balance: balance(key) });
    let mut chain = ScriptedChain::of(test_spec(4, accounts.collect()));
    let payment = |chain: &ScriptedChain, nonce: u64| {
        let coins = Amount((1 + nonce % 3) * COIN);
        let signed = chain.transfer(PAYER, test_address(2 + nonce % 2), coins);
        Transaction { nonce, valid_until: Height(300), ..signed.transaction }
            .sign(&chain.spec().id(), &test_key(PAYER))
    };
    let payments = [PAYMENTS, PAYMENTS + 1, PAYMENTS + 2].map(|nonce| payment(&chain, nonce));
    for round in 1..=rounds {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        match round {
            1 => {
                chain.plant(stakes);
                first = (0..PAYMENTS).map(|nonce| payment(&chain, nonce)).collect();
            }
            5 => {
                let planned = Some(Table::new(test_table(&PLANNED)).unwrap().into());
                let in_force = chain.genesis().tables.unwrap().in_force;
                chain.set_tables(Tables { in_force, planned });
                (first, last) = (vec![payments[0].clone()], vec![payments[1].clone()]);
            }
            7 => first = vec![payments[2].clone()],
            _ => {}
        }
        mint(&mut chain, &first, &last);
    }
    (chain, payments)
}

/// A round with payments in its first and its last block.
fn mint(chain: &mut ScriptedChain, first: &[SignedTransaction], last: &[SignedTransaction]) {
    let round: Round = chain.clock().round(chain.head().header.slot).next();
    let slot = chain.clock().first_slot(round);
    chain.mint(slot, first);
    chain.certify(round);
    chain.mint(slot.plus(1), &[]);
    chain.mint(slot.plus(2), &[]);
    chain.mint(slot.plus(3), last);
}

/// Holders with stakes, of which account 2 leases some; requests that wait.
fn stakes(trie: &mut Trie<&MemoryStore>) {
    for (place, key) in (0..).zip(HOLDERS) {
        let (supernode, lessor) = (test_address(key), test_address(2));
        let mut stake = Stake { pool: Pool::default(), position: Position::default(), end: None };
        stake.pool.commission = 1_000;
        stake.increase(Amount(1_000 * COIN)).unwrap();
        if let Some((round, end)) = stake.pool.advance(Round(1)) {
            end.write(trie, &supernode, round).unwrap();
        }
        stake.pool.reward(Amount(36 * COIN)).unwrap();
        stake.pool.write(trie, &supernode).unwrap();
        let owner: Address = if place < 3 { lessor } else { supernode };
        stake.position.write(trie, &owner, &supernode).unwrap();
        let average = MintingAverage { effective: Amount(1_000 * COIN), ..MintingAverage::default() };
        let balance = Amount(1_000 * COIN);
        AccountRecord { balance, average, is_supernode: true, ..AccountRecord::default() }
            .write(trie, &supernode)
            .unwrap();
        let minting_key = Hash(*test_key(key).public().as_bytes());
        Supernode { minting_key, active: 1, ..Supernode::default() }.write(trie, &supernode).unwrap();
        Supernode::write_owner_of_key(trie, &minting_key, &supernode).unwrap();
        let request = Request { address: supernode, change: SlotChange::Release };
        let place = RequestPlace { kind: RequestKind::Release, height: Height(1), index: place };
        request.write(trie, &place).unwrap();
    }
    Certificates(1).write(trie).unwrap();
}
