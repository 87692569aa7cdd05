//! A phone in memory, and a chain for it.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use light_client::{
    client::{ChainFile, TrustedCheckpoint},
    crypto::{Domain, Hash, KeyPair},
    data_format::{
        Address, Amount, Call, ChainSpec, CoinCall, EngineSpec, FeeSchedule, GenesisAccount, Height, Holder,
        ModuleName, Network, Round, Slot, SlotTable, SposSpec, Time, Transaction,
    },
    wallet::{RequestId, Seed, SignRequest},
};
use mobile_cold::{Clock, ColdWallet, KeyVault, PlatformError, RandomSource, Storage};
use zeroize::Zeroizing;

/// The phrase of BIP-39's own test vectors for 16 zero bytes.
pub(crate) const PHRASE: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

/// When the chain starts and this phone lives.
pub(crate) const GENESIS: u64 = 1_800_000_000_000;

/// Everything the platform gives, in memory. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Phone(Arc<Inside>);

#[derive(Default)]
struct Inside {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    keys: Mutex<BTreeMap<String, u8>>,
    drawn: AtomicU64,
    /// How far the clock is beyond [`GENESIS`] and a minute.
    later: AtomicU64,
    /// What fails, by the name of the method.
    failing: Mutex<Option<(&'static str, PlatformError)>>,
}

impl Phone {
    pub(crate) fn wallet(&self) -> ColdWallet {
        self.open().unwrap()
    }

    pub(crate) fn open(&self) -> Result<ColdWallet, mobile_cold::ColdError> {
        self.open_chain(&chain_file())
    }

    pub(crate) fn open_chain(&self, file: &ChainFile) -> Result<ColdWallet, mobile_cold::ColdError> {
        let phone = || Arc::new(self.clone());
        ColdWallet::new(serde_json::to_vec(file).unwrap(), phone(), phone(), phone(), phone())
    }

    /// Makes one method fail, or none.
    pub(crate) fn fail(&self, failing: Option<(&'static str, PlatformError)>) {
        *self.0.failing.lock().unwrap() = failing;
    }

    /// Sets the clock; it starts a minute after [`GENESIS`] and never goes back before that.
    pub(crate) fn set_time(&self, now: Time) {
        self.0.later.store(now.0.saturating_sub(GENESIS + 60_000), Ordering::Relaxed);
    }

    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.0.files.lock().unwrap().clone()
    }

    pub(crate) fn set_file(&self, name: &str, value: Vec<u8>) {
        self.0.files.lock().unwrap().insert(name.to_owned(), value);
    }

    pub(crate) fn keys(&self) -> usize {
        self.0.keys.lock().unwrap().len()
    }

    fn works(&self, method: &str) -> Result<(), PlatformError> {
        match &*self.0.failing.lock().unwrap() {
            Some((failing, error)) if *failing == method => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

/// A vault for tests: it hides nothing, but knows its keys by name.
impl KeyVault for Phone {
    fn wrap(&self, alias: String, secret: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        self.works("wrap")?;
        let mut keys = self.0.keys.lock().unwrap();
        let fresh = u8::try_from(keys.len()).unwrap() + 1;
        let key = *keys.entry(alias).or_insert(fresh);
        Ok(secret.iter().map(|byte| byte ^ key).collect())
    }

    fn unwrap(&self, alias: String, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError> {
        self.works("unwrap")?;
        let lost = PlatformError::Lost { reason: "no such key".to_owned() };
        let key = *self.0.keys.lock().unwrap().get(&alias).ok_or(lost)?;
        Ok(wrapped.iter().map(|byte| byte ^ key).collect())
    }

    fn delete(&self, alias: String) -> Result<(), PlatformError> {
        self.works("delete")?;
        self.0.keys.lock().unwrap().remove(&alias);
        Ok(())
    }
}

impl Storage for Phone {
    fn read(&self, name: String) -> Result<Option<Vec<u8>>, PlatformError> {
        self.works("read")?;
        Ok(self.0.files.lock().unwrap().get(&name).cloned())
    }

    fn write(&self, name: String, value: Vec<u8>) -> Result<(), PlatformError> {
        self.works("write")?;
        self.0.files.lock().unwrap().insert(name, value);
        Ok(())
    }

    fn remove(&self, name: String) -> Result<(), PlatformError> {
        self.works("remove")?;
        self.0.files.lock().unwrap().remove(&name);
        Ok(())
    }
}

impl Clock for Phone {
    fn now_ms(&self) -> Result<u64, PlatformError> {
        self.works("now_ms")?;
        Ok(GENESIS + 60_000 + self.0.later.load(Ordering::Relaxed))
    }
}

/// Bytes that never repeat; `bytes` can be made to fail, `zeros` makes it draw zeros.
impl RandomSource for Phone {
    fn bytes(&self, count: u32) -> Result<Vec<u8>, PlatformError> {
        self.works("bytes")?;
        if self.works("zeros").is_err() {
            return Ok(vec![0; count as usize]);
        }
        let draw = self.0.drawn.fetch_add(1, Ordering::Relaxed);
        let hash = Hash::of(Domain::DEVELOPMENT_KEY, &[&draw.to_le_bytes()]);
        Ok(hash.0[..count as usize].to_vec())
    }
}

/// A chain with one slot and one funded account: account 0 of [`PHRASE`].
pub(crate) fn chain_file() -> ChainFile {
    let network = Network::Test;
    let minter = KeyPair::ed25519(&Zeroizing::new([7; 32])).public();
    let slots = SlotTable(vec![Some(Holder {
        address: Address::of(&minter, network),
        minting_key: Hash(*minter.as_bytes()),
    })]);
    let sender = Address::of(&owner(0).public(), network);
    let spec = ChainSpec {
        name: "Example".to_owned(),
        network,
        genesis_time: Time(GENESIS),
        engine: EngineSpec::Spos(SposSpec::without_rewards(1_000, slots.clone())),
        modules: vec![ModuleName::Coin],
        fees: FeeSchedule {
            transfer: Amount(10_000_000),
            lease: Amount(10_000_000),
            supernode: Amount(10_000_000),
        },
        trusting_period_ms: 21 * 24 * 3_600_000,
        peers: Vec::new(),
        accounts: vec![GenesisAccount { address: sender, balance: Amount(100_000_000_000) }],
    };
    let checkpoint = TrustedCheckpoint {
        round: Round(0),
        height: Height(0),
        slot: Slot(0),
        id: Hash::of(Domain::HEADER, &[b"example"]),
        in_force: slots,
        planned: None,
    };
    ChainFile { spec, checkpoint, servers: Vec::new() }
}

/// The key of an account of [`PHRASE`].
pub(crate) fn owner(index: u32) -> KeyPair {
    Seed::from_bip39(PHRASE).unwrap().key(index).unwrap()
}

/// A request to pay 12.5 VSYS from account 0 of [`PHRASE`], after `change`.
pub(crate) fn request(id: u8, change: impl FnOnce(&mut Transaction)) -> SignRequest {
    let spec = chain_file().spec;
    let to = Address::of(&owner(1).public(), spec.network);
    let mut transaction = Transaction {
        sender: owner(0).public(),
        nonce: 0,
        fee: Amount(10_000_000),
        valid_until: Height(1_000),
        calls: vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(1_250_000_000) })],
        memo: b"rent".to_vec(),
    };
    change(&mut transaction);
    SignRequest::new(RequestId([id; 16]), spec.id(), &transaction)
}
