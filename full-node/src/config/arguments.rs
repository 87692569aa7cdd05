//! What was typed.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use libp2p::Multiaddr;

/// Where the API listens if nothing else is said: this machine only.
pub const DEFAULT_API: &str = "127.0.0.1:9922";

/// The V.Systems full node.
#[derive(Debug, Parser)]
#[command(name = "vsys-node", version, about, after_help = EXAMPLES, subcommand_required = true)]
#[command(arg_required_else_help = true, propagate_version = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How log lines look; they go to standard error. RUST_LOG chooses which, for example RUST_LOG=debug.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

const EXAMPLES: &str = "\
Examples:
  vsys-node dev                                  a development chain with funded accounts
  vsys-node keys --out minting.key               a new minting key
  vsys-node run --chain spec.toml --data DIR --keys minting.key
  vsys-node status                               how the node on this machine is doing
  vsys-node check --data DIR                     whether all that is stored is whole

Exit codes: 0 success · 1 the node failed · 2 wrong arguments · 3 a file or folder cannot be used ·
4 the port or the data folder is in use · 5 no node answered · 6 what is stored is damaged";

/// The things `vsys-node` does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a development chain on this machine, with funded accounts and a faucet
    Dev(Dev),
    /// Run a node of a chain
    Run(Run),
    /// Make a minting key, or show the public half of one
    Keys(Keys),
    /// Ask a running node how it is doing
    Status(Status),
    /// Verify everything that a stopped node has stored
    Check(Check),
    /// Write the blocks that a stopped node has stored, one JSON object a line
    Export(Export),
}

/// `vsys-node dev`.
#[derive(Debug, Args)]
#[command(after_help = "\
The chain has 4 slots of one second, all held by this node. Its keys are public: its coins are worth nothing.

Examples:
  vsys-node dev --ephemeral                      nothing is kept
  vsys-node dev --wallet dist --api 127.0.0.1:8080")]
pub struct Dev {
    /// Where the chain is kept [default: vsys-node/dev in the user's data folder]
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    pub data: Option<PathBuf>,
    /// Keep nothing: the chain ends with the process
    #[arg(long)]
    pub ephemeral: bool,
    /// What is served, and where.
    #[command(flatten)]
    pub serve: Serve,
    /// Where other nodes are.
    #[command(flatten)]
    pub peering: Peering,
}

/// `vsys-node run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vsys-node run --chain spec.toml --data /var/lib/vsys-node
  vsys-node run --chain spec.toml --data DIR --keys minting.key --wallet dist
  vsys-node run --chain spec.toml --data DIR --p2p 0.0.0.0:9921 --peer /ip4/192.0.2.1/tcp/9921")]
pub struct Run {
    /// The chain spec
    #[arg(long, value_name = "FILE")]
    pub chain: PathBuf,
    /// Where the chain is kept; made if it does not exist
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// A minting key made by `vsys-node keys`; may be repeated. Without one the node only follows
    #[arg(long, value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// What is served, and where.
    #[command(flatten)]
    pub serve: Serve,
    /// Where other nodes are.
    #[command(flatten)]
    pub peering: Peering,
}

/// Where other nodes are. With neither the node is alone.
#[derive(Debug, Args)]
pub struct Peering {
    /// Listen there for other nodes, by TCP and QUIC, for example 0.0.0.0:9921. Without it nobody can connect to this one
    #[arg(long, value_name = "ADDRESS")]
    pub p2p: Option<SocketAddr>,
    /// A node to stay connected with, for example /ip4/192.0.2.1/tcp/9921; may be repeated
    #[arg(long = "peer", value_name = "MULTIADDR")]
    pub peers: Vec<Multiaddr>,
}

/// What is served, and where.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where the API listens. Another address than a loopback one is reachable from the network
    #[arg(long, value_name = "ADDRESS", default_value = DEFAULT_API)]
    pub api: SocketAddr,
    /// The folder of a built wallet, served at /
    #[arg(long, value_name = "DIR")]
    pub wallet: Option<PathBuf>,
}

/// `vsys-node keys`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("file").required(true))]
#[command(after_help = "\
Examples:
  vsys-node keys --out minting.key               writes a new key that only you can read
  vsys-node keys --show minting.key              prints its public half

The public key goes into the chain spec, as minting_key of the slot's holder.")]
pub struct Keys {
    /// Write a new key to this file; it must not exist
    #[arg(long, value_name = "FILE", group = "file")]
    pub out: Option<PathBuf>,
    /// Show the public half of the key in this file
    #[arg(long, value_name = "FILE", group = "file")]
    pub show: Option<PathBuf>,
}

/// `vsys-node status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vsys-node status
  vsys-node status --api http://127.0.0.1:8080 --json")]
pub struct Status {
    /// The node's API
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9922")]
    pub api: String,
    /// Print the node's answer as it is
    #[arg(long)]
    pub json: bool,
}

/// `vsys-node check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads everything: the file's pages, every block with its signatures, the newest state, the history of every account.
Nothing is changed. Exit code 0: all of it is whole; 6: something is damaged, and is named.

Examples:
  vsys-node check --data /var/lib/vsys-node")]
pub struct Check {
    /// Where the chain is kept; its node must be stopped
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
}

/// `vsys-node export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Amounts are strings of units (1 VSYS = 10^8 units). header, certificate and signed are the exact bytes, hexadecimal.

Examples:
  vsys-node export --data DIR | jq .transactions
  vsys-node export --data DIR --from 1000 --to 1999 --out blocks.jsonl")]
pub struct Export {
    /// Where the chain is kept; its node must be stopped
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The first block, by its height
    #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
    pub from: u64,
    /// The last block, by its height [default: the newest]
    #[arg(long, value_name = "HEIGHT")]
    pub to: Option<u64>,
    /// Write to this file, which must not exist, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    #[test]
    fn definitions_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_api_is_on_loopback_unless_told_otherwise() {
        let Command::Dev(dev) = parse("vsys-node dev").unwrap().command else { panic!("not dev") };
        assert!(dev.serve.api.ip().is_loopback() && dev.serve.api.port() == 9922);
        assert!(dev.data.is_none() && !dev.ephemeral);
    }

    #[test]
    fn senseless_lines_are_refused() {
        for line in [
            "vsys-node",
            "vsys-node dev --ephemeral --data x",
            "vsys-node dev --api nowhere",
            "vsys-node dev --p2p 9921",
            "vsys-node dev --peer 192.0.2.1:9921",
            "vsys-node run --data x",
            "vsys-node keys",
            "vsys-node keys --out a --show b",
            "vsys-node mine",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
