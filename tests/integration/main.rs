//! Tests over the parts together, and over the repository as a whole. Browser and phones have their own, in
//! `tests/browser` and `mobile-bindings`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what does not work must stop the test")]

mod chains;
mod command_line;
mod crashes;
mod deploy;
mod engines;
mod layers;
mod lies;
mod network;
mod payments;
mod readmes;
mod refusals;
mod servers;
mod snapshots;
mod testnet;
mod two_machines;
