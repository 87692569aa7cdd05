//! Payments through the code of real blocks, for benchmarks: a large state, and blocks of signed payments that are
//! checked, executed and committed to disk. Speed is measured by whoever calls this; here is only the work.

use std::{path::Path, sync::Arc};

use light_client::{
    crypto::{Domain, Hash, KeyPair, PublicKey},
    data_format::{
        Address, Amount, Call, ChainSpec, CoinCall, EngineSpec, FeeSchedule, GenesisAccount, Height, Holder,
        ModuleName, Network, SignedTransaction, Slot, SlotTable, SposSpec, Time, Transaction, UNITS_PER_COIN,
    },
};
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::{
    block_tree::{BlockError, Chain, Draft},
    node::OpenError,
    storage::{Database, Retention},
};

/// Accounts whose keys are known, and which pay in turn; the others only receive.
const SENDERS: u64 = 1 << 14;
const BALANCE: Amount = Amount(1_000 * UNITS_PER_COIN);
const FEE: Amount = Amount(UNITS_PER_COIN / 10);
const SLOT_MS: u32 = 1_000;

/// A chain with many accounts, and the payments that its next blocks are made of.
pub struct Payments {
    minter: Chain,
    checker: Chain,
    spec: Arc<ChainSpec>,
    sealing_key: KeyPair,
    senders: Vec<KeyPair>,
    recipients: Vec<Address>,
    signed: u64,
}

impl Payments {
    /// Makes a chain of `accounts` accounts in `folder`, which must be empty, and a second one in memory that makes
    /// the blocks.
    ///
    /// # Errors
    /// [`OpenError`] if the folder cannot be used.
    pub fn populate(folder: &Path, accounts: u64, retention: &Retention) -> Result<Self, OpenError> {
        let network = Network::Test;
        let senders: Vec<KeyPair> = (0..accounts.min(SENDERS)).map(|number| key(b"sender", number)).collect();
        let recipients: Vec<Address> = (0..accounts)
            .into_par_iter()
            .map(|number| match usize::try_from(number).ok().and_then(|place| senders.get(place)) {
                Some(sender) => Address::of(&sender.public(), network),
                None => Address::of(&PublicKey::Ed25519(seed(b"recipient", number)), network),
            })
            .collect();
        let sealing_key = key(b"minting", 0);
        let public = sealing_key.public();
        let holder = Holder { address: Address::of(&public, network), minting_key: Hash(*public.as_bytes()) };
        let spec = ChainSpec {
            name: "payments".to_owned(),
            network,
            genesis_time: Time(0),
            engine: EngineSpec::Spos(SposSpec::without_rewards(SLOT_MS, SlotTable(vec![Some(holder)]))),
            modules: vec![ModuleName::Coin],
            fees: FeeSchedule { transfer: FEE, lease: FEE, supernode: FEE },
            trusting_period_ms: 1_000,
            peers: Vec::new(),
            accounts: recipients
                .iter()
                .map(|address| GenesisAccount { address: *address, balance: BALANCE })
                .collect(),
        };
        spec.check()?;
        let spec = Arc::new(spec);
        let minter = Chain::open(Database::open(None, retention)?, Arc::clone(&spec), retention, &[])?;
        let checker =
            Chain::open(Database::open(Some(folder), retention)?, Arc::clone(&spec), retention, &[])?;
        Ok(Self { minter, checker, spec, sealing_key, senders, recipients, signed: 0 })
    }

    /// Makes the next block: `count` signed payments, each to another account. This is not what is to be measured.
    ///
    /// # Errors
    /// [`BlockError`] if the block cannot be made.
    pub fn next_block(&mut self, count: u64) -> Result<light_client::consensus::spos::Block, BlockError> {
        let chain = *self.minter.engine().chain();
        let first = self.signed;
        let places = |number: u64, count: usize| usize::try_from(number).unwrap_or(0) % count.max(1);
        let payments: Vec<SignedTransaction> = (first..first + count)
            .into_par_iter()
            .map(|number| {
                let sender = &self.senders[places(number, self.senders.len())];
                // A stride without a common factor with powers of two, so that recipients are spread.
                let to = self.recipients[places(number.wrapping_mul(0x9e37_79b9), self.recipients.len())];
                let transaction = Transaction {
                    sender: sender.public(),
                    nonce: number / self.senders.len().max(1) as u64,
                    fee: FEE,
                    valid_until: Height(u64::MAX),
                    calls: vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(1) })],
                    memo: Vec::new(),
                };
                transaction.sign(&chain, sender)
            })
            .collect();
        self.signed += count;
        let checked: Result<Vec<_>, _> = payments
            .par_iter()
            .enumerate()
            .map(|(index, signed)| {
                light_client::transaction::check_stateless(signed, &self.spec, &chain)
                    .map_err(|error| BlockError::Transaction { index, error })
            })
            .collect();
        let slot = self.minter.head().header.slot.next();
        let (prepared, _) = self
            .minter
            .build(slot, Draft::with(None), &checked?, |message| self.sealing_key.sign(message))?;
        let block = prepared.block().clone();
        self.minter.accept(prepared, time(slot))?;
        Ok(block)
    }

    /// The id of its chain, for checking signatures alone.
    pub fn chain(&self) -> light_client::crypto::Hash {
        *self.minter.engine().chain()
    }

    /// Takes a block as a node takes one from the network: checks header and every signature, executes it, and
    /// commits it to disk. Gives the number of payments in it. This is what is to be measured.
    ///
    /// # Errors
    /// [`BlockError`] if the block breaks a rule or the disk fails.
    pub fn take(&mut self, block: &light_client::consensus::spos::Block) -> Result<u64, BlockError> {
        self.checker.insert(block, time(block.header.header.slot), &|_| None)?;
        Ok(block.transactions.len() as u64)
    }
}

fn time(slot: Slot) -> Time {
    Time(slot.0.saturating_mul(u64::from(SLOT_MS)))
}

fn key(purpose: &[u8], number: u64) -> KeyPair {
    KeyPair::ed25519(&Zeroizing::new(seed(purpose, number)))
}

fn seed(purpose: &[u8], number: u64) -> [u8; 32] {
    Hash::of(Domain::DEVELOPMENT_KEY, &[b"measure", purpose, &number.to_le_bytes()]).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payment_is_in_its_block() {
        let folder = tempfile::tempdir().unwrap();
        let mut payments = Payments::populate(folder.path(), 40, &Retention::default()).unwrap();
        for _ in 0..3 {
            let block = payments.next_block(100).unwrap();
            assert_eq!(payments.take(&block).unwrap(), 100);
        }
        assert_eq!(payments.checker.head(), payments.minter.head());
    }
}
