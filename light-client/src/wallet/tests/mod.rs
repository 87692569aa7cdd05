//! The wallet's parts together, against published vectors and hostile counterparts.

use std::{collections::BTreeSet, sync::LazyLock};

use crate::{
    data_format::{
        Address, Amount, Call, ChainId, ChainSpec, CoinCall, EngineSpec, FeeSchedule, Height, ModuleName,
        Network, SlotTable, SposSpec, Time, Transaction, TransactionId,
    },
    wallet::{Keyring, Seed, SigningContext},
};

mod data;
mod keystore;
mod review;
mod seed;
mod signing;

pub(super) const PHRASE: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
pub(super) const OTHER_PHRASE: &str =
    "legal winner thank year wave sausage worth useful legal winner thank yellow";

pub(super) fn spec() -> ChainSpec {
    ChainSpec {
        name: "test".to_owned(),
        network: Network::Test,
        genesis_time: Time(0),
        engine: EngineSpec::Spos(SposSpec::without_rewards(1000, SlotTable::default())),
        modules: vec![ModuleName::Coin],
        fees: FeeSchedule {
            transfer: Amount(10_000_000),
            lease: Amount(10_000_000),
            supernode: Amount(10_000_000),
        },
        trusting_period_ms: 1,
        peers: Vec::new(),
        accounts: Vec::new(),
    }
}

/// Stretching a phrase is slow on purpose: once is enough.
static SEED: LazyLock<Seed> = LazyLock::new(|| Seed::from_bip39(PHRASE).unwrap());
static OTHER_SEED: LazyLock<Seed> = LazyLock::new(|| Seed::from_bip39(OTHER_PHRASE).unwrap());

pub(super) fn keyring() -> Keyring {
    Keyring::new(SEED.clone(), Network::Test)
}

pub(super) fn recipient() -> Address {
    Keyring::new(OTHER_SEED.clone(), Network::Test).accounts()[0].address
}

pub(super) fn payment() -> Transaction {
    Transaction {
        sender: keyring().accounts()[0].public_key,
        nonce: 3,
        fee: Amount(10_000_000),
        valid_until: Height(100),
        calls: vec![Call::Coin(CoinCall::Transfer { to: recipient(), amount: Amount(1_250_000_000) })],
        memo: b"rent".to_vec(),
    }
}

pub(super) struct Signer {
    pub(super) spec: ChainSpec,
    pub(super) chain: ChainId,
    pub(super) signed: BTreeSet<TransactionId>,
}

impl Signer {
    pub(super) fn new() -> Self {
        Self { spec: spec(), chain: spec().id(), signed: BTreeSet::new() }
    }

    pub(super) fn context(&self) -> SigningContext<'_> {
        SigningContext {
            spec: &self.spec,
            chain: &self.chain,
            signed: &self.signed,
            newest_checkpoint: None,
            request_height: None,
        }
    }
}
