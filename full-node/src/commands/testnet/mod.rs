//! `vsys-node testnet`: several nodes on this machine, each a process of its own.

mod folder;
mod processes;

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use full_node::config::{self, DEVELOPMENT_PHRASE, Failure, TESTNET_SPARE, TESTNET_WINDOW, print_moment};

use self::{
    folder::{Shape, TestnetFolder},
    processes::Processes,
};
use super::{now, say, serve::stop_signal};

/// Between two lines on how the nodes are doing.
const EVERY: Duration = Duration::from_secs(1);

/// `vsys-node testnet`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each node is a process with its folder, its keys and its settings, as vsys-node init makes them; each holds one slot. Without
--listen nobody else can join. Started again with the same folder, they go on where they stopped.

Examples:
  vsys-node testnet --nodes 4
  vsys-node testnet --nodes 7 --slot-ms 500 --dir /tmp/seven
  vsys-node testnet --nodes 15 --ephemeral       nothing is kept
  vsys-node testnet --listen 192.0.2.1           other machines can join, with its chain.toml")]
pub(crate) struct Testnet {
    /// How many nodes, 1 to 64 [default: 4, or as many as the folder has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    nodes: Option<u8>,
    /// The length of a slot in milliseconds, of a new network
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    slot_ms: u32,
    /// Where the nodes of a new network listen for others. The APIs stay on loopback
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    listen: IpAddr,
    /// The first of two ports for each node of a new network: one for other nodes, one for its API [default: free ones]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Where the network is kept [default: vsys-node/testnet in the user's data folder]
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    dir: Option<PathBuf>,
    /// Keep nothing: the folder is removed at the end
    #[arg(long)]
    ephemeral: bool,
}

/// Runs the nodes until somebody stops them.
pub(crate) fn run(testnet: &Testnet) -> Result<(), Failure> {
    let folder = match (&testnet.dir, testnet.ephemeral) {
        (Some(folder), _) => folder.clone(),
        (None, true) => std::env::temp_dir().join(format!("vsys-testnet-{}", std::process::id())),
        (None, false) => config::default_data_folder("testnet")?,
    };
    let ended = run_in(&folder, testnet);
    if testnet.ephemeral && folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| Failure::unwritable(&folder, &error))?;
    }
    ended
}

fn run_in(path: &Path, testnet: &Testnet) -> Result<(), Failure> {
    let shape = Shape { slot_ms: testnet.slot_ms, listen: testnet.listen, port: testnet.port };
    let folder = TestnetFolder::open_or_make(path, testnet.nodes, shape, now())?;
    let failed = |cause: std::io::Error| Failure::ended("the start", cause);
    // Before there are nodes: a signal must not leave them behind.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let stop = {
        let _inside = runtime.enter();
        stop_signal().map_err(failed)?
    };
    say(&introduction(&folder));
    let mut processes = Processes::start(&folder)?;
    let ended = runtime.block_on(async {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                _ = &mut stop => break Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Some(line) = processes.status_line(now()) {
                say(&line);
            }
            if processes.are_gone() {
                break Err(Failure::ended("every node", "its log says why"));
            }
        }
    });
    say("Stopping all nodes …");
    processes.stop();
    say("Stopped.");
    ended
}

fn introduction(folder: &TestnetFolder) -> String {
    let (spec, count) = (folder.spec(), folder.nodes().len());
    let mut text = format!(
        "Test network of {count} nodes in {}\n  chain    {}, since {}\n",
        folder.path().display(),
        spec.id(),
        print_moment(spec.genesis_time),
    );
    text += &format!(
        "  coins    WORTHLESS: everybody knows the phrase {DEVELOPMENT_PHRASE:?}\n           \
         accounts 0 to {} of it hold the slots; {count} to {} hold none, and enough to win one\n           \
         once their coins have lain for {TESTNET_WINDOW} blocks\n",
        count - 1,
        count + TESTNET_SPARE - 1,
    );
    for node in folder.nodes() {
        text += &format!("  {:<8} http://{}/docs  {}\n", node.name, node.api, node.peer);
    }
    text + "\nCtrl-C stops all nodes.\n"
}
