//! The command line of the full node: what was typed, and which command runs.

mod commands;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use commands::progress::AboveBars;

/// Blocks make and drop millions of small allocations, on one thread and another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The V.Systems full node: it keeps the chain, mints and votes, and proves what it answers.
#[derive(Debug, Parser)]
#[command(name = "vsys-node", version, after_help = EXAMPLES, subcommand_required = true)]
#[command(arg_required_else_help = true, propagate_version = true)]
struct Arguments {
    /// What to do.
    #[command(subcommand)]
    command: Command,
    /// How log lines look; they go to standard error. RUST_LOG chooses which, for example RUST_LOG=debug.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

const EXAMPLES: &str = "\
Examples:
  vsys-node dev                                  a development chain with funded accounts
  vsys-node testnet --nodes 4                    four nodes on this machine
  vsys-node init --chain spec.toml --data DIR    a new node: its keys and its settings
  vsys-node run --data DIR                       runs it
  vsys-node status                               how the node on this machine is doing
  vsys-node check --data DIR                     whether all that is stored is whole

Exit codes: 0 success · 1 the node failed · 2 wrong arguments · 3 a file or folder cannot be used ·
4 the port or the data folder is in use · 5 no node answered · 6 what is stored is damaged";

/// The things `vsys-node` does.
#[derive(Debug, Subcommand)]
enum Command {
    /// Start a development chain on this machine, with funded accounts and a faucet
    Dev(commands::dev::Dev),
    /// Make the data folder of a new node: keys, settings and the chain's first block
    Init(commands::init::Init),
    /// Start a test network: several nodes on this machine, with funded accounts
    Testnet(commands::testnet::Testnet),
    /// Run a node of a chain
    Run(commands::run::Run),
    /// Make a minting key, or show the public half of one
    Keys(commands::keys::Keys),
    /// Write a chain spec to begin with
    Spec(commands::spec::Spec),
    /// Ask a running node how it is doing
    Status(commands::status::Status),
    /// Become a supernode, be one, or lease to one
    Supernode(commands::supernode::Supernode),
    /// Ask a running node whom it is connected with
    Peers(commands::peers::Peers),
    /// Verify everything that a stopped node has stored
    Check(commands::check::Check),
    /// Write the blocks that a stopped node has stored, one JSON object a line
    Export(commands::export::Export),
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

fn main() -> ExitCode {
    let Arguments { command, log_format } = Arguments::parse();
    start_log(log_format, &command);
    let ended = match command {
        Command::Dev(dev) => commands::dev::run(dev),
        Command::Testnet(testnet) => commands::testnet::run(&testnet),
        Command::Init(init) => commands::init::run(&init),
        Command::Run(run) => commands::run::run(run),
        Command::Keys(keys) => commands::keys::run(&keys),
        Command::Spec(spec) => commands::spec::run(&spec),
        Command::Status(status) => commands::status::run(&status),
        Command::Supernode(supernode) => commands::supernode::run(supernode),
        Command::Peers(peers) => commands::peers::run(&peers),
        Command::Check(check) => commands::check::run(&check),
        Command::Export(export) => commands::export::run(&export),
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
    // What travels twice is told off by gossipsub with a warning, and is nothing.
    let usual = match command {
        Command::Run(_) => "info,libp2p_gossipsub=error",
        _ => "warn,libp2p_gossipsub=error",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(|| AboveBars);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
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
        assert!(
            dev.serve.api.is_none() && full_node::config::Settings::default().api.listen.ip().is_loopback()
        );
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
            "vsys-node run --chain x",
            "vsys-node init --data x",
            "vsys-node keys",
            "vsys-node keys --out a --show b",
            "vsys-node mine",
            "vsys-node spec",
            "vsys-node testnet --nodes 0",
            "vsys-node testnet --nodes 65",
            "vsys-node testnet --nodes 4 --ephemeral --dir x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
