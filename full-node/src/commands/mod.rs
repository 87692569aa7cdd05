//! The commands of `vsys-node`, one file each: its arguments, and what it does with them.

mod chains;
pub(crate) mod check;
pub(crate) mod dev;
mod disk_guard;
pub(crate) mod export;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod peers;
pub(crate) mod progress;
mod retired;
pub(crate) mod run;
mod serve;
pub(crate) mod spec;
pub(crate) mod status;
pub(crate) mod supernode;
mod target;
pub(crate) mod testnet;

use std::{
    io::{self, Write},
    time::{SystemTime, UNIX_EPOCH},
};

use light_client::data_format::Time;

/// The time of this machine.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A line for the person at the terminal. A closed pipe must not stop the node.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _: io::Result<()> = progress::above(|| writeln!(out, "{text}").and_then(|()| out.flush()));
}
