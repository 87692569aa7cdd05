use std::{path::Path, sync::Arc};

use light_client::{
    consensus::spos::Block,
    crypto::{Domain, Hash, KeyPair, PublicKey},
    data_format::{
        Address, Amount, Call, ChainSpec, CoinCall, EngineSpec, FeeSchedule, GenesisAccount, Height, Holder,
        MAX_CALLS, ModuleName, Network, SignedTransaction, Slot, SlotTable, SposSpec, Time, Transaction,
        UNITS_PER_COIN,
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
    /// Where the next payment goes that makes accounts.
    fresh: u64,
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
            trusting_period_ms: 21 * 86_400_000,
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
        Ok(Self { minter, checker, spec, sealing_key, senders, recipients, signed: 0, fresh: 0 })
    }

    /// Closes the chain on disk and opens it again; gives also the bytes that it takes up there.
    ///
    /// # Errors
    /// [`OpenError`] if the folder cannot be used any more.
    pub fn reopen(self, folder: &Path, retention: &Retention) -> Result<(Self, u64), OpenError> {
        drop(self.checker);
        let bytes = super::stored_bytes(folder)?;
        let database = Database::open(Some(folder), retention)?;
        let checker = Chain::open(database, Arc::clone(&self.spec), retention, &[])?;
        Ok((Self { checker, ..self }, bytes))
    }

    /// Makes the next block: `count` signed payments, each to another account. This is not what is to be measured.
    ///
    /// # Errors
    /// [`BlockError`] if the block cannot be made.
    pub fn next_block(&mut self, count: u64) -> Result<Block, BlockError> {
        // A stride without a common factor with powers of two, so that recipients are spread.
        let spread =
            |number: u64| self.recipients[place(number.wrapping_mul(0x9e37_79b9), self.recipients.len())];
        let payments = self.sign(count, |number| vec![spread(number)]);
        self.mint(&payments)
    }

    /// Makes the next block: `count` transactions that each pay to as many accounts as one can, none of which was there
    /// before; gives some of their addresses besides. This is not what is to be measured.
    ///
    /// # Errors
    /// [`BlockError`] if the block cannot be made.
    pub fn next_block_of_new_accounts(&mut self, count: u64) -> Result<(Block, Vec<Address>), BlockError> {
        let (before, signed) = (self.fresh, self.signed);
        let each = MAX_CALLS as u64;
        let address = |number| Address::of(&PublicKey::Ed25519(seed(b"fresh", number)), self.spec.network);
        let payments = self.sign(count, |number| {
            let first = before + (number - signed) * each;
            (first..first + each).map(address).collect()
        });
        let some = (0..count).map(|number| address(before + number * each)).collect();
        self.fresh += count * each;
        Ok((self.mint(&payments)?, some))
    }

    /// Signed payments of one unit to each of the recipients, which are asked for by the number of the transaction.
    fn sign(&self, count: u64, recipients: impl Fn(u64) -> Vec<Address> + Sync) -> Vec<SignedTransaction> {
        let chain = *self.minter.engine().chain();
        let transfer = |to| Call::Coin(CoinCall::Transfer { to, amount: Amount(1) });
        (self.signed..self.signed + count)
            .into_par_iter()
            .map(|number| {
                let sender = &self.senders[place(number, self.senders.len())];
                let calls: Vec<Call> = recipients(number).into_iter().map(transfer).collect();
                let transaction = Transaction {
                    sender: sender.public(),
                    nonce: number / self.senders.len().max(1) as u64,
                    fee: Amount(FEE.units().saturating_mul(calls.len() as u64)),
                    valid_until: Height(u64::MAX),
                    calls,
                    memo: Vec::new(),
                };
                transaction.sign(&chain, sender)
            })
            .collect()
    }

    fn mint(&mut self, payments: &[SignedTransaction]) -> Result<Block, BlockError> {
        let chain = *self.minter.engine().chain();
        self.signed += payments.len() as u64;
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

    /// The spec of its chain.
    pub fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// Takes a block as a node takes one from the network: checks header and every signature, executes it, and
    /// commits it to disk. Gives the number of payments in it. This is what is to be measured.
    ///
    /// # Errors
    /// [`BlockError`] if the block breaks a rule or the disk fails.
    pub fn take(&mut self, block: &Block) -> Result<u64, BlockError> {
        self.checker.insert(block, time(block.header.header.slot), &|_, _| None)?;
        Ok(block.transactions.len() as u64)
    }
}

/// The place of a number in a list that is gone through again and again.
fn place(number: u64, count: usize) -> usize {
    usize::try_from(number).unwrap_or(0) % count.max(1)
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
        let before = payments.checker.head().root.count;
        let (block, addresses) = payments.next_block_of_new_accounts(30).unwrap();
        assert_eq!((payments.take(&block).unwrap(), addresses.len()), (30, 30));
        assert_eq!(payments.checker.head().root.count, before + 30 * MAX_CALLS as u64);
        drop(payments);
        assert!(crate::measure::stored_bytes(folder.path()).unwrap() > 100_000);
    }
}
