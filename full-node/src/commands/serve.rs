//! What `dev` and `run` share: the chains of a process, their API and their network, from its start to its end.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use full_node::{
    api::{self, WalletFolder},
    config::{self, Failure, Settings},
    network::{ChainPort, Network, NetworkConfig},
    node::Node,
};
use libp2p::Multiaddr;
use light_client::data_format::{BlockId, Height};
use tokio::{
    signal,
    sync::{oneshot, watch},
};

use super::{
    chains::{self, Running, ToRun},
    progress, say,
};

/// Where the network keeps its key and its addresses, in the data folder.
pub(super) const NETWORK_FOLDER: &str = "network";

/// Where other nodes are. With neither, here or in config.toml, the node is alone.
#[derive(Debug, Args)]
pub(crate) struct Peering {
    /// Listen there for other nodes, by TCP and QUIC, for example 0.0.0.0:9921 [default: as config.toml in the data folder
    /// says; without such a file nobody can connect]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) p2p: Option<SocketAddr>,
    /// A node to stay connected with, for example /ip4/192.0.2.1/tcp/9921, instead of those in config.toml; may be repeated
    #[arg(long = "peer", value_name = "MULTIADDR")]
    pub(crate) peers: Vec<Multiaddr>,
}

/// What is served, and where.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where the API listens [default: as config.toml in the data folder says; without such a file 127.0.0.1:9922]. Another
    /// address than a loopback one is reachable from the network
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) api: Option<SocketAddr>,
    /// The folder of a built wallet, served at /
    #[arg(long, value_name = "DIR")]
    pub(crate) wallet: Option<PathBuf>,
}

/// How a node starts from a snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// A final block that the operator trusts.
    pub(super) checkpoint: Option<(Height, BlockId)>,
}

impl Peering {
    /// What was typed wins over what is written.
    pub(super) fn apply(self, settings: &mut Settings) {
        if let Some(address) = self.p2p {
            settings.network.listen = vec![address];
        }
        if !self.peers.is_empty() {
            settings.network.peers = self.peers;
        }
    }
}

impl Serve {
    /// What was typed wins over what is written.
    pub(super) fn apply(self, settings: &mut Settings) {
        if let Some(address) = self.api {
            settings.api.listen = address;
        }
        if let Some(folder) = self.wallet {
            settings.api.wallet = folder;
        }
    }
}

/// How a process runs its chains, besides its settings.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// The folder of the process; the network keeps its key and its addresses there.
    pub(super) folder: Option<PathBuf>,
    /// Nodes to find others through.
    pub(super) bootstrap: Vec<Multiaddr>,
    /// Chains that have no blocks yet start from a snapshot.
    pub(super) snapshot: Option<Start>,
    /// The end of standard input stops it.
    pub(super) until_input_ends: bool,
}

/// The settings of a node without a file: it is alone and has no keys.
pub(super) fn bare_settings() -> Settings {
    let mut settings = Settings::default();
    settings.first.minting_keys.clear();
    settings.network.listen.clear();
    settings
}

/// Runs chains and their API until somebody stops them.
///
/// However many there are, the process has one set of threads: as many that serve as the settings say, as many that compute,
/// which all chains give their work to.
pub(super) fn serve(settings: Settings, options: Options, chains: Vec<ToRun>) -> Result<(), Failure> {
    let wallet = Some(&*settings.api.wallet).filter(|folder| *folder != Path::new(""));
    let wallet = wallet.map(WalletFolder::open).transpose()?;
    let failed = |cause: &dyn std::fmt::Display| Failure::ended("the start", cause);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if settings.cpu.threads > 0 {
        runtime.worker_threads(settings.cpu.threads);
        let computing = rayon::ThreadPoolBuilder::new().num_threads(settings.cpu.threads);
        computing.build_global().map_err(|error| failed(&error))?;
    }
    let runtime = runtime.enable_all().build().map_err(|error| failed(&error))?;
    runtime.block_on(run_chains(settings, options, wallet, chains))
}

async fn run_chains(
    settings: Settings,
    options: Options,
    wallet: Option<WalletFolder>,
    chains: Vec<ToRun>,
) -> Result<(), Failure> {
    let stop = stop_signal().map_err(|cause| Failure::ended("the start", cause))?;
    let address = settings.api.listen;
    let listener = api::listen(address).await?;
    let address = listener.local_addr().unwrap_or(address);
    let chains = chains::open(chains, options.snapshot).await?;
    let nodes: Vec<Node> = chains.iter().map(|chain| chain.node.clone()).collect();
    let wallet_folder = wallet.as_ref().map(|wallet| wallet.path().to_owned());
    let (stopping, stopped) = watch::channel(false);
    // Before the first block is made: others may have better ones.
    let network = join(&settings, options.bootstrap, options.folder, &nodes).await?;
    let router = api::router(&nodes, network.as_ref().map(Network::status), wallet, stopped.clone())?;
    let server = tokio::spawn(api::serve(listener, router, stopped));
    if let Some(network) = &network {
        for node in &nodes {
            // It ends with the network.
            tokio::spawn(progress::draw(node.spec().name.clone(), node.chain(), network.status()));
        }
    }
    let mut running = Running::start(chains);
    say(&introduction(&nodes, network.as_ref(), wallet_folder.as_deref(), address));
    tokio::select! {
        signal = stop => say(&format!("{signal}: stopping …")),
        () = input_end(options.until_input_ends) => say("Standard input is closed: stopping …"),
        () = running.ended() => {}
    }
    // Clients and peers first, so that nothing is asked of a chain that is closing; then the chains, which flush.
    let _: Result<(), watch::error::SendError<bool>> = stopping.send(true);
    if let Err(error) = server.await {
        tracing::error!(%error, "the API did not end well");
    }
    if let Some(network) = network {
        network.shutdown().await;
    }
    running.stop().await?;
    say("Stopped.");
    Ok(())
}

/// Joins the network, if the node is to have one: one for all chains.
async fn join(
    settings: &Settings,
    bootstrap: Vec<Multiaddr>,
    folder: Option<PathBuf>,
    nodes: &[Node],
) -> Result<Option<Network>, Failure> {
    let (listen, peers) = (settings.network.listen.clone(), settings.network.peers.clone());
    if listen.is_empty() && peers.is_empty() && bootstrap.is_empty() {
        return Ok(None);
    }
    let config = NetworkConfig {
        listen,
        peers,
        bootstrap,
        folder: folder.map(|folder| folder.join(NETWORK_FOLDER)),
        limits: settings.peer_limits(),
        ..NetworkConfig::default()
    };
    let ports = nodes.iter().map(|node| Arc::new(node.clone()) as Arc<dyn ChainPort>).collect();
    Ok(Some(Network::start(config, ports).await?))
}

fn introduction(
    nodes: &[Node],
    network: Option<&Network>,
    wallet: Option<&Path>,
    address: SocketAddr,
) -> String {
    let mut text: String = nodes.iter().map(of_chain).collect();
    text += &match network {
        Some(network) => {
            let listening = network.status().borrow().listening.clone();
            let peer = network.peer();
            let lines: String =
                listening.iter().map(|address| format!("\n           {address}/p2p/{peer}")).collect();
            format!("\nNetwork\n  peer id  {peer}{lines}\n")
        }
        None => "\nNetwork\n  peers    none: start with --p2p ADDRESS or --peer MULTIADDR to join one\n"
            .to_owned(),
    };
    let reachable = if address.ip().is_unspecified() {
        SocketAddr::from(([127, 0, 0, 1], address.port()))
    } else {
        address
    };
    text += "\n";
    text += &match wallet {
        Some(_) => format!("Open     http://{reachable}/\n"),
        None => "Wallet   none is served: start with --wallet DIR\n".to_owned(),
    };
    text += &format!("API      http://{reachable}/docs\n");
    if !address.ip().is_loopback() {
        text += &format!("         reachable from the network, because it listens on {address}\n");
    }
    text + "\nReady. Ctrl-C stops the node."
}

fn of_chain(node: &Node) -> String {
    let status = node.status();
    let mut text = format!("\nChain {:?}\n  id       {}\n", status.name, status.chain);
    text += &match node.folder() {
        Some(folder) => format!("  data     {}\n", folder.display()),
        None => "  data     in memory: nothing is kept\n".to_owned(),
    };
    text +=
        &format!("  block    {}\n  mints    with {} keys\n", status.head.height, status.minting_keys.len());
    if status.development {
        text += "\nFunded accounts. WORTHLESS TEST COINS: everybody knows this phrase. Never send real coins here.\n";
        text += &format!("  phrase   {}\n", config::DEVELOPMENT_PHRASE);
        for account in node.development_accounts() {
            text += &format!("  {:<8} {}  {} VSYS\n", account.index, account.address, account.balance);
        }
    }
    text
}

/// Resolves when standard input is closed, if that is to stop the node.
async fn input_end(wanted: bool) {
    let (end, ended) = oneshot::channel::<()>();
    if wanted {
        // Not a thread of the runtime, which would wait for it at the end.
        std::thread::spawn(move || {
            drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
            drop(end);
        });
        drop(ended.await);
    } else {
        std::future::pending::<()>().await;
    }
}

/// Resolves when the process is asked to stop.
pub(super) fn stop_signal() -> io::Result<impl Future<Output = &'static str>> {
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "Interrupted",
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Without a handler the system ends the process itself.
        match signal::ctrl_c().await {
            Ok(()) => "Interrupted",
            Err(_) => std::future::pending().await,
        }
    })
}
