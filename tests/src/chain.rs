use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use full_node::{
    block_tree::Chain,
    config::{create_key, read_key, write_spec},
    storage::{Database, RedbStorage, Retention},
};
use light_client::{
    client::{Client, Trusted},
    crypto::{Hash, KeyPair, PublicKey},
    data_format::{
        Address, Amount, ChainSpec, EngineSpec, FeeSchedule, GenesisAccount, Holder, ModuleName, Network,
        SignedTransaction, SlotTable, SposSpec, Time, UNITS_PER_COIN,
    },
    test_support::chain::{test_address, test_key},
    transaction::{AccountView, Transfer},
};
use tempfile::TempDir;

use crate::{Commits, NodeProcess, now};

/// The slots of a [`FastChain`], in milliseconds: the shortest there may be.
pub const FAST_SLOT_MS: u32 = 100;
const SLOTS: u64 = 4;
/// The least fee of a transfer: 0.1 VSYS.
const FEE: Amount = Amount(UNITS_PER_COIN / 10);

/// A chain with the shortest slots, made as an operator would make it: key files, a spec file, a data folder.
/// A payment is final in about a second.
pub struct FastChain {
    folder: TempDir,
    spec: ChainSpec,
    keys: Vec<PathBuf>,
}

/// The key pair of account `number` of a [`FastChain`].
pub fn key_of(number: u64) -> KeyPair {
    test_key(number)
}

/// Makes the chain in a folder that has none, as `vsys-node init` does: with the record that these keys signed nothing on it.
///
/// # Panics
/// If it cannot be written.
pub(crate) fn make_chain(data: &Path, spec: &ChainSpec, keys: &[PathBuf]) {
    if RedbStorage::exists(data) {
        return;
    }
    let unused: Vec<Hash> =
        keys.iter().map(|path| Hash(*read_key(path).unwrap().public().as_bytes())).collect();
    let retention = Retention::default();
    let database = Database::open(Some(data), &retention).unwrap();
    Chain::open(database, Arc::new(spec.clone()), &retention, &unused).unwrap();
}

impl FastChain {
    /// A chain that starts now; accounts 1 to `accounts` own 1,000,000 VSYS each.
    ///
    /// # Panics
    /// If files cannot be written.
    pub fn new(accounts: u64) -> Self {
        Self::crowded(accounts, 0)
    }

    /// As [`FastChain::new`]; `strangers` more accounts, whose keys nobody has, own a coin each.
    ///
    /// # Panics
    /// If files cannot be written.
    pub fn crowded(accounts: u64, strangers: u64) -> Self {
        let stranger = |number: u64| {
            let mut key = [7; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            Address::of(&PublicKey::Ed25519(key), Network::Test)
        };
        let folder = TempDir::new().unwrap();
        let keys: Vec<PathBuf> = (0..SLOTS).map(|slot| folder.path().join(format!("{slot}.key"))).collect();
        let holders = keys.iter().zip(1..).map(|(path, number)| {
            let minting_key = Hash(*create_key(path).unwrap().as_bytes());
            Some(Holder { address: test_address(number), minting_key })
        });
        let spec = ChainSpec {
            name: "fast".to_owned(),
            network: Network::Test,
            // Whole seconds, as people write them.
            genesis_time: Time(now().0 / 1_000 * 1_000),
            engine: EngineSpec::Spos(SposSpec::without_rewards(FAST_SLOT_MS, SlotTable(holders.collect()))),
            modules: vec![ModuleName::Coin],
            fees: FeeSchedule { transfer: FEE, lease: FEE, supernode: FEE },
            trusting_period_ms: 21 * 86_400_000,
            peers: Vec::new(),
            accounts: (1..=accounts)
                .map(|number| (test_address(number), Amount(1_000_000 * UNITS_PER_COIN)))
                .chain((0..strangers).map(|number| (stranger(number), Amount(UNITS_PER_COIN))))
                .map(|(address, balance)| GenesisAccount { address, balance })
                .collect(),
        };
        write_spec(&folder.path().join("spec.toml"), &spec).unwrap();
        Self { folder, spec, keys }
    }

    /// The spec.
    pub const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// The folder that its node keeps the chain in.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts its node, which holds all keys.
    pub fn start(&self, address: SocketAddr) -> NodeProcess {
        NodeProcess::start(&self.minting(), address)
    }

    /// As [`FastChain::start`], with the commits of the node's blocks.
    pub fn start_watched(&self, address: SocketAddr) -> (NodeProcess, Commits) {
        NodeProcess::start_watched(&self.minting(), address)
    }

    /// As [`FastChain::start`], where others reach it.
    pub fn start_at(&self, address: SocketAddr, p2p: SocketAddr) -> NodeProcess {
        let mut arguments = self.minting();
        arguments.extend(["--p2p".to_owned(), p2p.to_string()]);
        NodeProcess::start(&arguments, address)
    }

    /// Starts a node without keys that keeps the chain in `data` and knows a node at `peer`.
    pub fn follow(&self, data: &Path, address: SocketAddr, peer: SocketAddr, more: &[&str]) -> NodeProcess {
        let mut arguments = self.arguments(data);
        let peer = format!("/ip4/{}/tcp/{}", peer.ip(), peer.port());
        let known = ["--p2p", "127.0.0.1:0", "--peer", &peer];
        arguments.extend(known.iter().chain(more).map(|argument| (*argument).to_owned()));
        NodeProcess::start(&arguments, address)
    }

    fn minting(&self) -> Vec<String> {
        make_chain(&self.data(), &self.spec, &self.keys);
        let mut arguments = self.arguments(&self.data());
        for key in &self.keys {
            arguments.extend(["--keys".to_owned(), key.display().to_string()]);
        }
        arguments
    }

    fn arguments(&self, data: &Path) -> Vec<String> {
        let spec = self.folder.path().join("spec.toml");
        let named = [("--chain", spec.as_path()), ("--data", data)];
        let named = named.into_iter().flat_map(|(name, path)| [name.to_owned(), path.display().to_string()]);
        std::iter::once("run".to_owned()).chain(named).collect()
    }

    /// A client of this chain that starts from genesis.
    pub fn client(&self, genesis: Trusted, server: &str) -> Client {
        Client::new(self.spec.clone(), genesis, [server.to_owned()])
    }

    /// A signed payment of account `number` with this nonce.
    ///
    /// # Panics
    /// If it breaks a rule.
    pub fn payment(&self, number: u64, nonce: u64, to: Address, amount: Amount) -> SignedTransaction {
        let key = key_of(number);
        let view = AccountView { nonce, balance: Amount(u64::MAX / 2) };
        let transfer = Transfer {
            sender: key.public(),
            to,
            amount,
            memo: Vec::new(),
            valid_until: light_client::data_format::Height(u64::MAX / 2),
        };
        let drafted = transfer.draft(&self.spec, Some(&view), light_client::data_format::Height(1));
        drafted.unwrap().sign(&self.spec.id(), &key)
    }
}
