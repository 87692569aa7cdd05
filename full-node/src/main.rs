//! The command line of the full node.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Parser;
use full_node::{
    api::{self, WalletFolder},
    check::{self, Stage},
    config::{self, Arguments, Command, Dev, Failure, Keys, LogFormat, Peering, Run, Serve},
    export::{self, ExportError},
    network::{Network, NetworkConfig},
    node::{ChainChoice, Node, NodeConfig},
    storage::{Database, Retention},
};
use light_client::{
    crypto::Hash,
    data_format::{Height, Time},
};
use tokio::{signal, sync::watch};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let Arguments { command, log_format } = Arguments::parse();
    start_log(log_format, &command);
    let ended = match command {
        Command::Dev(dev) => run_dev(dev),
        Command::Run(run) => run_chain(run),
        Command::Keys(keys) => show_keys(&keys),
        Command::Status(status) => show_status(&status),
        Command::Check(check) => check_store(&check),
        Command::Export(export) => export_blocks(&export),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell if standard error is closed.
            let _: io::Result<()> = writeln!(io::stderr(), "vsys-node: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn start_log(format: LogFormat, command: &Command) {
    // A development node talks to a person; a server talks to a log.
    let usual = if matches!(command, Command::Run(_)) { "info" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

fn run_dev(dev: Dev) -> Result<(), Failure> {
    let data = match (dev.data, dev.ephemeral) {
        (Some(folder), _) => Some(folder),
        (None, true) => None,
        (None, false) => Some(config::default_data_folder()?),
    };
    serve(dev.serve, dev.peering, |now| Ok(node_config(data, ChainChoice::Development, Vec::new(), now)))
}

fn run_chain(run: Run) -> Result<(), Failure> {
    serve(run.serve, run.peering, |now| {
        let spec = config::read_spec(&run.chain)?;
        if spec.genesis_time > now {
            return Err(Failure::not_begun(spec.genesis_time, now));
        }
        let keys = run.keys.iter().map(|path| config::read_key(path)).collect::<Result<_, _>>()?;
        Ok(node_config(Some(run.data), ChainChoice::Spec(Box::new(spec)), keys, now))
    })
}

fn node_config(
    data: Option<PathBuf>,
    chain: ChainChoice,
    minting_keys: Vec<light_client::crypto::KeyPair>,
    now: Time,
) -> NodeConfig {
    NodeConfig { data, chain, minting_keys, retention: Retention::default(), now }
}

/// Runs a node and its API until somebody stops it.
fn serve(
    serve: Serve,
    peering: Peering,
    configured: impl FnOnce(Time) -> Result<NodeConfig, Failure>,
) -> Result<(), Failure> {
    let wallet = serve.wallet.as_deref().map(WalletFolder::open).transpose()?;
    let config = configured(now())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Failure::ended("the start", cause))?;
    runtime.block_on(run_node(serve.api, wallet, peering, config))
}

async fn run_node(
    address: SocketAddr,
    wallet: Option<WalletFolder>,
    peering: Peering,
    config: NodeConfig,
) -> Result<(), Failure> {
    let stop = stop_signal().map_err(|cause| Failure::ended("the start", cause))?;
    let listener = api::listen(address).await?;
    let address = listener.local_addr().unwrap_or(address);
    let data = config.data.clone();
    say(&match &data {
        Some(folder) => format!("Opening {} …", folder.display()),
        None => "Making a chain in memory …".to_owned(),
    });
    let opened = tokio::task::spawn_blocking(move || Node::open(config)).await;
    let node = opened.map_err(|cause| Failure::ended("the start", cause))??;
    let wallet_folder = wallet.as_ref().map(|wallet| wallet.path().to_owned());
    let (stopping, stopped) = watch::channel(false);
    let router = api::router(node.clone(), wallet, stopped.clone())?;
    let server = tokio::spawn(api::serve(listener, router, stopped));
    // Before the first block is made: others may have better ones.
    let network = join(peering, data.as_deref(), &node).await?;
    let mut chain = tokio::spawn({
        let node = node.clone();
        async move { node.run().await }
    });
    say(&introduction(&node, network.as_ref(), data.as_deref(), wallet_folder.as_deref(), address));
    let ended = tokio::select! {
        signal = stop => {
            say(&format!("{signal}: stopping …"));
            None
        }
        ended = &mut chain => Some(ended),
    };
    // Clients and peers first, so that nothing is asked of a chain that is closing; then the chain, which flushes.
    let _: Result<(), watch::error::SendError<bool>> = stopping.send(true);
    if let Err(error) = server.await {
        tracing::error!(%error, "the API did not end well");
    }
    if let Some(network) = network {
        network.shutdown().await;
    }
    node.shutdown().await;
    let ended = match ended {
        Some(ended) => ended,
        None => chain.await,
    };
    ended.map_err(|cause| Failure::ended("the chain", cause))??;
    say("Stopped.");
    Ok(())
}

/// Joins the network, if the node is to have one.
async fn join(peering: Peering, data: Option<&Path>, node: &Node) -> Result<Option<Network>, Failure> {
    let Peering { p2p, peers } = peering;
    if p2p.is_none() && peers.is_empty() {
        return Ok(None);
    }
    let config = NetworkConfig {
        listen: p2p.into_iter().collect(),
        peers,
        folder: data.map(|folder| folder.join("network")),
        ..NetworkConfig::default()
    };
    Ok(Some(Network::start(config, vec![Arc::new(node.clone())]).await?))
}

fn introduction(
    node: &Node,
    network: Option<&Network>,
    data: Option<&Path>,
    wallet: Option<&Path>,
    address: SocketAddr,
) -> String {
    let status = node.status();
    let mut text = format!("\nChain {:?}\n  id       {}\n", status.name, status.chain);
    text += &match data {
        Some(folder) => format!("  data     {}\n", folder.display()),
        None => "  data     in memory: nothing is kept\n".to_owned(),
    };
    text += &format!("  block    {}\n  mints    with {} keys\n", status.head.height, status.minting_keys);
    text += &match network {
        Some(network) => {
            let listening = network.status().borrow().listening.clone();
            let peer = network.peer();
            let lines: String =
                listening.iter().map(|address| format!("\n           {address}/p2p/{peer}")).collect();
            format!("  peer id  {peer}{lines}\n")
        }
        None => {
            "  peers    none: start with --p2p ADDRESS or --peer MULTIADDR to join a network\n".to_owned()
        }
    };
    if status.development {
        text += "\nFunded accounts. WORTHLESS TEST COINS: everybody knows this phrase. Never send real coins here.\n";
        text += &format!("  phrase   {}\n", config::DEVELOPMENT_PHRASE);
        for account in node.development_accounts() {
            text += &format!("  {:<8} {}  {} VSYS\n", account.index, account.address, account.balance);
        }
    }
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

/// Resolves when the process is asked to stop.
fn stop_signal() -> io::Result<impl Future<Output = &'static str>> {
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

fn show_keys(keys: &Keys) -> Result<(), Failure> {
    let public = match (&keys.out, &keys.show) {
        (Some(path), _) => {
            let public = config::create_key(path)?;
            say(&format!("A new minting key is in {}; only you can read it. Keep a copy.", path.display()));
            public
        }
        (None, Some(path)) => config::read_key(path)?.public(),
        (None, None) => return Ok(()),
    };
    say(&format!("minting_key = \"{}\"", Hash(*public.as_bytes())));
    Ok(())
}

fn show_status(status: &config::Status) -> Result<(), Failure> {
    let text = api::ask_status(&status.api, status.json, now())?;
    say(text.trim_end());
    Ok(())
}

fn check_store(arguments: &config::Check) -> Result<(), Failure> {
    let mut terminal = io::stderr();
    let shows = terminal.is_terminal();
    // Nobody is left to tell if standard error is closed.
    let mut show = |text: &str| drop(write!(terminal, "\r\x1b[K{text}").and_then(|()| terminal.flush()));
    let mut percent = None;
    if shows {
        show("Reading the pages of the file …");
    }
    let opened = Database::open_existing(&arguments.data, true);
    let checked = opened.map(|database| {
        check::check(&database, &mut |progress| {
            let what = match progress.stage {
                Stage::Blocks => "blocks",
                Stage::State => "keys of the state",
            };
            let now = Some((progress.stage, progress.done * 100 / progress.total.max(1)));
            if shows && now != percent {
                percent = now;
                show(&format!("{} of {} {what}", progress.done, progress.total));
            }
        })
    });
    if shows {
        show("");
    }
    let report = checked??;
    if !report.is_whole() {
        return Err(Failure::damaged(&report));
    }
    let totals = report.totals;
    say(&format!(
        "All is whole.\n  chain        {}\n  blocks       {}\n  transactions {}, and {} that wait\n  \
         accounts     {}, which hold {} VSYS",
        report.chain,
        totals.height.0 + 1,
        totals.transactions,
        totals.waiting,
        totals.accounts,
        totals.coins,
    ));
    Ok(())
}

fn export_blocks(arguments: &config::Export) -> Result<(), Failure> {
    let database = Database::open_existing(&arguments.data, false)?;
    let (from, to) = (Height(arguments.from), arguments.to.map(Height));
    let written = match &arguments.out {
        Some(path) => {
            let file = File::create_new(path).map_err(ExportError::from)?;
            export::export(&database, from, to, &mut BufWriter::new(file))
        }
        None => export::export(&database, from, to, &mut BufWriter::new(io::stdout().lock())),
    };
    match written {
        // Whoever reads has read enough.
        Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map(|_| ()).map_err(Failure::from),
    }
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A line for the person at the terminal. A closed pipe must not stop the node.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _: io::Result<()> = writeln!(out, "{text}").and_then(|()| out.flush());
}
