//! Runs the light client where it is not in a browser.
//!
//! `light_client::client::Client` decides whom to ask for what and believes nothing that is not proven. Somebody
//! has to send its requests, tell it the time and keep what it saved: that is the [`Driver`], over a [`Transport`],
//! a [`Clock`] and a `StateStore`. It brings no runtime, so the phone library runs it on the phone's own HTTP and
//! timers. With the feature `host` (on unless turned off) there is a `Host` over it: tokio, HTTP and TLS, hints by
//! WebSocket, a store in a file. With the feature `cli` there is the program `vsys-light`.
//!
//! ```no_run
//! # #[cfg(feature = "host")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use light_client::client::{ChainFile, Client, Event, MemoryStateStore};
//! use light_native::host::{Host, HttpTransport};
//!
//! let servers = ["http://127.0.0.1:9922".to_owned()];
//! let file: ChainFile = serde_json::from_slice(&std::fs::read("chain.json")?)?;
//! let (spec, trusted) = file.check()?;
//! let client = Client::new(spec, trusted, servers.clone());
//! let (mut host, _) = Host::open(client, HttpTransport::new(&servers)?, MemoryStateStore::default())?;
//! let address = "ATsd8WtRx6mkN3D4SYJZfFcoTf87uno7dC2".parse()?;
//! host.driver_mut().change(|client, now| client.watch(address, now))?;
//! while host.next_event().await? != Event::Account(address) {}
//! println!("{:?}", host.client().account(&address));
//! # Ok(())
//! # }
//! ```
//!
//! **Trust and bounds.** Transports and hints come from servers and are believed nothing: an answer is held to its
//! request's bytes and time ([`ask`]) and then proven or refused; a hint only makes the client ask sooner, at most
//! twice a second however many come. The clock is the device's and is believed; that it jumps is expected. What a store
//! gives back is checked against the sum it was stored with; lost or damaged, it is proven again and a word said
//! ([`LostState`]).

mod account;
mod driver;
#[cfg(feature = "host")]
pub mod host;
mod platform;
mod stored;
#[cfg(test)]
mod tests;

pub use account::{counterparty, next_account};
pub use driver::{Driver, Failure, Hint};
pub use platform::{Clock, Transport, ask};
pub use stored::LostState;
