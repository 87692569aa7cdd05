//! The commands of `vsys-light`, one file each: its arguments, and what it does with them.

pub(crate) mod balance;
pub(crate) mod checkpoint;
pub(crate) mod completion;
mod failure;
mod files;
pub(crate) mod history;
mod owner;
mod progress;
mod proven_payment;
pub(crate) mod receipt;
pub(crate) mod send;
mod session;
pub(crate) mod status;
mod store;
pub(crate) mod sync;
mod trust;
pub(crate) mod verify_receipt;
pub(crate) mod watch;
mod words;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;

use failure::Failure;

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The chain file [default: chain.json in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) chain: Option<PathBuf>,
    /// A server to ask; may be given several times, best of different operators
    #[arg(long = "server", global = true, value_name = "URL", default_value = "http://127.0.0.1:9922")]
    pub(crate) servers: Vec<String>,
    /// Where what is proven is kept [default: vsys-light in the user's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print one JSON object, or one a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Seconds to wait for servers
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}

/// Runs a command to its end.
pub(crate) fn run(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::machine(&error))?.block_on(command)
}

/// A line on standard output; an error if nobody reads it any more.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

/// A line on standard error, for a person.
fn tell(text: &str) {
    // Nobody is left to tell if it is closed.
    let _: io::Result<()> = writeln!(io::stderr(), "{text}");
}

/// A JSON object on a line of standard output.
fn say_json(value: &impl Serialize) -> io::Result<()> {
    say(&serde_json::to_string(value)?)
}
