//! `vsys-node peers`: whom a running node is connected with.

use clap::Args;
use full_node::{api, config::Failure};

use super::{now, say};

/// `vsys-node peers`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each peer has two lines: who it is, who dialled whom, where it is and stands; how long its last answer took, since when it is
connected, what went each way, its points (at 100 it is banned), and the program it says it runs.

Examples:
  vsys-node peers
  vsys-node peers --api http://127.0.0.1:8080 --json")]
pub(crate) struct Peers {
    /// The node's API
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9922")]
    pub(crate) api: String,
    /// Print the node's answer as it is
    #[arg(long)]
    pub(crate) json: bool,
}

/// Asks the node and prints its answer.
pub(crate) fn run(peers: &Peers) -> Result<(), Failure> {
    let text = api::ask_peers(&peers.api, peers.json, now())?;
    say(text.trim_end());
    Ok(())
}
