//! `vsys-node peers`: whom a running node is connected with.

use clap::Args;
use full_node::{api, config::Failure};

use super::{now, say, target::Target};

/// `vsys-node peers`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each peer has two lines: who it is, who dialled whom, where it is and stands; how long its last answer took, since when it is
connected, what went each way, its points (at 100 it is banned), and the program it says it runs.

Examples:
  vsys-node peers
  vsys-node peers --api http://127.0.0.1:8080 --json")]
pub(crate) struct Peers {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print the node's answer as it is
    #[arg(long)]
    pub(crate) json: bool,
}

/// Asks the node and prints its answer.
pub(crate) fn run(peers: &Peers) -> Result<(), Failure> {
    let text = api::ask_peers(&peers.target.url()?, peers.json, now())?;
    say(text.trim_end());
    Ok(())
}
