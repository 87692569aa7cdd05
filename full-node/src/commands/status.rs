//! `vsys-node status`: how a running node is doing, with each of its chains.

use clap::Args;
use full_node::{api, config::Failure};

use super::{now, say, target::Target};

/// `vsys-node status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vsys-node status
  vsys-node status --api http://127.0.0.1:8080 --json
  vsys-node status --healthy || echo unwell
  vsys-node status --chain spec.toml             one chain of several")]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print the node's answer about the chain as it is
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing if the node follows its chains, or the one that is named; else say why not, with exit code 1
    #[arg(long, conflicts_with = "json")]
    pub(crate) healthy: bool,
}

/// Asks the node and prints its answer.
pub(crate) fn run(status: &Status) -> Result<(), Failure> {
    let url = status.target.url()?;
    if status.healthy {
        let unwell = api::ask_health(&url)?;
        return unwell.map_or(Ok(()), |words| Err(Failure::unwell(&words)));
    }
    let text = api::ask_status(&url, status.json, now())?;
    say(text.trim_end());
    Ok(())
}
