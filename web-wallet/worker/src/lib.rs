//! The browser wallet's worker: it holds the light client and the keys, and tells the page what to show.
//!
//! Everything that decides is here and knows no browser: a [`Worker`] takes what happened ([`platform::Input`]) and yields what to do
//! ([`platform::Effect`]). The binary of this package does it in a browser; the tests do it with a clock and servers of their own.
//!
//! **Tabs.** Each tab has a worker of its own; one of them leads, see `tabs.rs`.
//!
//! **Trust.** The chain is what `chain.json` beside the page says; of everything that servers answer, only what `light_client` has verified is shown.
//! The page is ours. Whoever can run scripts in our origin has the keys while they are unlocked, and not the password.
//!
//! **Secrets.** Keys and phrases are in buffers that wipe themselves, in memory only between unlock and lock; at rest they are in an encrypted keystore.
//! Memory that WASM gave back to itself is wiped by its owner, not by the browser.
//!
//! **Bounds.** Servers are asked for bounded answers, one line of events a server; history grows only as far as a person asks for it.

mod chain;
mod coins;
#[cfg(feature = "conformance")]
pub mod conformance;
mod lines;
pub mod platform;
mod send;
mod session;
mod starting;
mod stored;
mod tabs;
mod view;
mod wallet;
mod worker;

#[cfg(test)]
mod tests;

pub use worker::Worker;
