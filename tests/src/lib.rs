//! What the tests over the parts together share: a real [`NodeProcess`] and what it is asked ([`Api`]), a
//! [`TestNetwork`] of several of them (or a [`TestnetProcess`] that starts its own), a [`Host`] that moves bytes for the light client, a [`Proxy`] that changes them
//! on their way, [`audit`], which checks a whole data folder, and [`Commits`], which tells when a node writes a block.
//!
//! Everything runs on loopback, in folders and on ports of its own, and ends with the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "support for tests: what does not work must stop the test"
)]

mod api;
mod audit;
mod chain;
mod commits;
mod host;
mod network;
mod node;
pub mod paths;
mod proxy;
mod testnet;

pub use api::{Answer, Api};
pub use audit::audit;
pub use chain::{FAST_SLOT_MS, FastChain, key_of};
pub use commits::Commits;
pub use host::{Host, now};
pub use network::{MEMBERS, TestNetwork, wait_until};
pub use node::NodeProcess;
pub use proxy::{Exchange, Proxy};
pub use testnet::TestnetProcess;
