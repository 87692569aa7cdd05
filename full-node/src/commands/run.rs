//! `vsys-node run`: a node of a chain, or of several in one process.

use std::path::PathBuf;

use clap::Args;
use full_node::{
    config::{self, ChainFile, ChainFiles, ChainSettings, Failure, SETTINGS_FILE, Settings},
    node::{ChainChoice, NodeConfig},
    storage::RedbStorage,
};
use light_client::data_format::{Address, BlockId, Height};

use super::{
    chains::ToRun,
    now,
    retired::in_use,
    serve::{Options, Peering, Serve, Start, bare_settings, serve},
};

/// `vsys-node run`.
#[derive(Debug, Args)]
#[command(after_help = "\
A folder made by vsys-node init has its settings in config.toml; arguments win over them. Further chains of the process are
named there, in [[chains]] tables; --chain, --keys, --payee and --checkpoint are about the first one.

Examples:
  vsys-node run --data /var/lib/vsys-node
  vsys-node run --data DIR --snapshot
  vsys-node run --data DIR --api 127.0.0.1:8080 --wallet dist
  vsys-node run --chain spec.toml --data DIR --p2p 0.0.0.0:9921 --peer /ip4/192.0.2.1/tcp/9921")]
pub(crate) struct Run {
    /// The chain spec [default: as config.toml in the data folder says]
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: Option<PathBuf>,
    /// Where the chain is kept, with its settings if there are any
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// A minting key made by `vsys-node keys`; may be repeated. Without one, here or in config.toml, the node only follows.
    /// A key whose record of what it signed is not in the folder waits until blocks made after the start are final; `vsys-node
    /// init` makes the record for a new key
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// On a chain with proof of work: make blocks with one core, paid to this address. Without it the node only follows
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) payee: Option<Address>,
    /// If there are no blocks yet: start from the state after a recent final block, taken from peers and proven, not from
    /// every block since the first. Older blocks are not kept then. Once it has begun, the next start goes on with it, with or
    /// without this argument
    #[arg(long)]
    pub(crate) snapshot: bool,
    /// A final block of the first chain that you trust, which that state is proven from; without one it is proven from block 0.
    /// A snapshot that has begun keeps the one that it has begun with; with another one it begins anew
    #[arg(long, value_name = "HEIGHT:ID", requires = "snapshot", value_parser = checkpoint)]
    pub(crate) checkpoint: Option<(Height, BlockId)>,
    /// Stop when standard input is closed: for programs that start nodes, and may be killed before they can stop them
    #[arg(long)]
    pub(crate) until_input_ends: bool,
    /// What is served, and where.
    #[command(flatten)]
    pub(crate) serve: Serve,
    /// Where other nodes are.
    #[command(flatten)]
    pub(crate) peering: Peering,
}

/// `HEIGHT:ID`.
fn checkpoint(text: &str) -> Result<(Height, BlockId), String> {
    let (height, id) = text.split_once(':').ok_or("a height, a colon and a block id are expected")?;
    let height = height.parse().map_err(|error| format!("the height {height:?}: {error}"))?;
    let id = serde_json::from_value(id.into()).map_err(|error| format!("the block id {id:?}: {error}"))?;
    Ok((Height(height), id))
}

/// Runs the node until somebody stops it.
pub(crate) fn run(run: Run) -> Result<(), Failure> {
    let file = run.data.join(SETTINGS_FILE);
    let mut settings = match (file.exists(), &run.chain) {
        (true, _) => Settings::read(&file)?,
        (false, Some(_)) => {
            let mut settings = bare_settings();
            settings.first.data.clone_from(&run.data);
            settings
        }
        (false, None) => return Err(Failure::no_settings(&file)),
    };
    if let Some(chain) = run.chain {
        settings.first.chain = chain;
    }
    if !run.keys.is_empty() {
        settings.first.minting_keys = run.keys;
    }
    if run.payee.is_some() {
        settings.first.payee = run.payee;
    }
    for chain in std::iter::once(&mut settings.first).chain(&mut settings.more) {
        chain.minting_keys = in_use(std::mem::take(&mut chain.minting_keys));
    }
    run.serve.apply(&mut settings);
    run.peering.apply(&mut settings);
    let mut options = Options {
        folder: Some(run.data),
        bootstrap: Vec::new(),
        snapshot: run.snapshot.then_some(Start { checkpoint: run.checkpoint }),
        until_input_ends: run.until_input_ends,
    };
    let mut chains = Vec::new();
    for (chain, files) in settings.chains().zip(config::read_chains(&settings)?) {
        options.bootstrap.extend(files.file.bootstrap.iter().cloned());
        chains.push(to_run(&settings, chain, files)?);
    }
    serve(settings, options, chains)
}

/// What a chain is to be, by its settings and the files that they name.
fn to_run(settings: &Settings, chain: &ChainSettings, files: ChainFiles) -> Result<ToRun, Failure> {
    let ChainFiles { file: ChainFile { spec, recoveries, .. }, keys } = files;
    let (part, now) = (format!("the chain {:?}", spec.name), now());
    if spec.genesis_time > now {
        return Err(Failure::not_begun(spec.genesis_time, now).of(part));
    }
    if spec.engine.slot_count() > 0 && !keys.is_empty() && !RedbStorage::exists(&chain.data) {
        // Only `init` makes a chain together with the record that its key signed nothing: what this one signed is not known.
        tracing::warn!(
            chain = spec.name,
            "the chain is not in its folder: it is fetched, and minting keys wait until it is safe to sign"
        );
    }
    let config = NodeConfig {
        data: Some(chain.data.clone()),
        chain: ChainChoice::Spec(Box::new(spec)),
        recoveries,
        minting_keys: keys,
        payee: chain.payee,
        retention: settings.retention(chain),
        pool: settings.pool_limits(chain),
        now,
    };
    let minimum_free = chain.minimum_free_bytes();
    Ok(ToRun { part, config, key_files: chain.minting_keys.clone(), minimum_free })
}
