//! `vsys-node status`: how a running node is doing.

use clap::Args;
use full_node::{api, config::Failure};

use super::{now, say};

/// `vsys-node status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vsys-node status
  vsys-node status --api http://127.0.0.1:8080 --json
  vsys-node status --healthy || echo unwell")]
pub(crate) struct Status {
    /// The node's API
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9922")]
    pub(crate) api: String,
    /// Print the node's answer as it is
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing if the node follows its chain; else say why not, with exit code 1
    #[arg(long, conflicts_with = "json")]
    pub(crate) healthy: bool,
}

/// Asks the node and prints its answer.
pub(crate) fn run(status: &Status) -> Result<(), Failure> {
    if status.healthy {
        let unwell = api::ask_health(&status.api)?;
        return unwell.map_or(Ok(()), |words| Err(Failure::unwell(&words)));
    }
    let text = api::ask_status(&status.api, status.json, now())?;
    say(text.trim_end());
    Ok(())
}
