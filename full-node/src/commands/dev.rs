//! `vsys-node dev`: a development chain on this machine.

use std::path::PathBuf;

use clap::Args;
use full_node::{
    config::{self, Failure},
    node::{ChainChoice, NodeConfig},
};

use super::{
    chains::ToRun,
    now,
    serve::{Options, Peering, Serve, bare_settings, serve},
};

/// `vsys-node dev`.
#[derive(Debug, Args)]
#[command(after_help = "\
The chain has 4 slots of one second, all held by this node. Its keys are public: its coins are worth nothing.

Examples:
  vsys-node dev --ephemeral                      nothing is kept
  vsys-node dev --wallet dist --api 127.0.0.1:8080")]
pub(crate) struct Dev {
    /// Where the chain is kept [default: vsys-node/dev in the user's data folder]
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    pub(crate) data: Option<PathBuf>,
    /// Keep nothing: the chain ends with the process
    #[arg(long)]
    pub(crate) ephemeral: bool,
    /// What is served, and where.
    #[command(flatten)]
    pub(crate) serve: Serve,
    /// Where other nodes are.
    #[command(flatten)]
    pub(crate) peering: Peering,
}

/// Runs the chain until somebody stops it.
pub(crate) fn run(dev: Dev) -> Result<(), Failure> {
    let data = match (dev.data, dev.ephemeral) {
        (Some(folder), _) => Some(folder),
        (None, true) => None,
        (None, false) => Some(config::default_data_folder("dev")?),
    };
    let mut settings = bare_settings();
    dev.serve.apply(&mut settings);
    dev.peering.apply(&mut settings);
    let chain = &settings.first;
    let config = NodeConfig {
        data: data.clone(),
        chain: ChainChoice::Development,
        minting_keys: Vec::new(),
        recoveries: Vec::new(),
        payee: None,
        retention: settings.retention(chain),
        pool: settings.pool_limits(chain),
        now: now(),
    };
    let minimum_free = chain.minimum_free_bytes();
    let chain = ToRun { part: "the chain".to_owned(), config, key_files: Vec::new(), minimum_free };
    serve(settings, Options { folder: data, ..Options::default() }, vec![chain])
}
