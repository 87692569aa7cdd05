use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use full_node::config::{create_key, write_spec};
use light_client::{
    crypto::Hash,
    data_format::{Address, Amount, ChainSpec, Height, SignedTransaction},
    transaction::{AccountView, Transfer},
};
use tempfile::TempDir;

use crate::{FastChain, NodeProcess, chain::make_chain, key_of};

/// Slots of a round, each held by another node.
pub const MEMBERS: usize = 4;
/// Slow enough for four processes on two busy cores.
const SLOT_MS: u32 = 500;

/// A chain whose slots are held by different nodes, each with its own folder, key and addresses: what strangers would run.
pub struct TestNetwork {
    folder: TempDir,
    spec: ChainSpec,
    api: Vec<SocketAddr>,
    p2p: Vec<SocketAddr>,
}

impl TestNetwork {
    /// A chain that starts now, and room for `followers` nodes without a key.
    ///
    /// # Panics
    /// If files cannot be written.
    pub fn new(name: &str, followers: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let mut spec = FastChain::new(MEMBERS as u64).spec().clone();
        name.clone_into(&mut spec.name);
        let spos = spec.engine.spos_mut().unwrap();
        spos.slot_ms = SLOT_MS;
        for (number, holder) in spos.slots.0.iter_mut().enumerate() {
            let key = create_key(&folder.path().join(format!("{number}.key"))).unwrap();
            holder.as_mut().unwrap().minting_key = Hash(*key.as_bytes());
        }
        write_spec(&folder.path().join("spec.toml"), &spec).unwrap();
        let addresses = || (0..MEMBERS + followers).map(|_| NodeProcess::free_address()).collect();
        Self { folder, spec, api: addresses(), p2p: addresses() }
    }

    /// The spec.
    pub const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// Where a node listens for others.
    pub fn p2p(&self, node: usize) -> SocketAddr {
        self.p2p[node]
    }

    /// The folder in which a node keeps its chain.
    pub fn data(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("data-{node}"))
    }

    /// Starts a node that knows the first one only; the others it has to find. The first [`MEMBERS`] hold a slot each.
    pub fn start(&self, node: usize) -> NodeProcess {
        self.start_with(node, &self.p2p[..usize::from(node > 0)])
    }

    /// Starts a node that knows those at these addresses.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_with(&self, node: usize, peers: &[SocketAddr]) -> NodeProcess {
        let text = |path: &Path| path.display().to_string();
        let mut arguments = vec!["run".to_owned()];
        arguments.extend(["--chain".to_owned(), text(&self.folder.path().join("spec.toml"))]);
        arguments.extend(["--data".to_owned(), text(&self.data(node))]);
        arguments.extend(["--p2p".to_owned(), self.p2p[node].to_string()]);
        if node < MEMBERS {
            let key = self.folder.path().join(format!("{node}.key"));
            arguments.extend(["--keys".to_owned(), text(&key)]);
            make_chain(&self.data(node), &self.spec, &[key]);
        }
        for peer in peers {
            arguments.extend(["--peer".to_owned(), format!("/ip4/{}/tcp/{}", peer.ip(), peer.port())]);
        }
        NodeProcess::start_logged(&arguments, self.api[node], &self.log_file(node))
    }

    /// What a node has logged, from all of its lives.
    pub fn log(&self, node: usize) -> String {
        fs::read_to_string(self.log_file(node)).unwrap_or_default()
    }

    fn log_file(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("{node}.log"))
    }

    /// A signed payment of account `number` with this nonce.
    ///
    /// # Panics
    /// If it breaks a rule.
    pub fn payment(&self, number: u64, nonce: u64, to: Address, amount: Amount) -> SignedTransaction {
        let key = key_of(number);
        let view = AccountView { nonce, balance: Amount(u64::MAX / 2) };
        let valid_until = Height(u64::MAX / 2);
        let transfer = Transfer { sender: key.public(), to, amount, memo: Vec::new(), valid_until };
        let drafted = transfer.draft(&self.spec, Some(&view), Height(1)).unwrap();
        drafted.sign(&self.spec.id(), &key)
    }
}

/// Waits for something that has to happen.
///
/// # Panics
/// If it does not, within two minutes.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !happened() {
        assert!(Instant::now() < until, "not within two minutes: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
