//! `vsys-node run`: a node of a chain.

use std::path::PathBuf;

use clap::Args;
use full_node::{
    config::{self, Failure},
    node::ChainChoice,
};

use super::serve::{Peering, Serve, node_config, serve};

/// `vsys-node run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vsys-node run --chain spec.toml --data /var/lib/vsys-node
  vsys-node run --chain spec.toml --data DIR --keys minting.key --wallet dist
  vsys-node run --chain spec.toml --data DIR --p2p 0.0.0.0:9921 --peer /ip4/192.0.2.1/tcp/9921")]
pub(crate) struct Run {
    /// The chain spec
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: PathBuf,
    /// Where the chain is kept; made if it does not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// A minting key made by `vsys-node keys`; may be repeated. Without one the node only follows
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// What is served, and where.
    #[command(flatten)]
    pub(crate) serve: Serve,
    /// Where other nodes are.
    #[command(flatten)]
    pub(crate) peering: Peering,
}

/// Runs the node until somebody stops it.
pub(crate) fn run(run: Run) -> Result<(), Failure> {
    serve(run.serve, run.peering, |now| {
        let spec = config::read_spec(&run.chain)?;
        if spec.genesis_time > now {
            return Err(Failure::not_begun(spec.genesis_time, now));
        }
        let keys = run.keys.iter().map(|path| config::read_key(path)).collect::<Result<_, _>>()?;
        Ok(node_config(Some(run.data), ChainChoice::Spec(Box::new(spec)), keys, now))
    })
}
