//! The light client for any web page or JavaScript program: what it shows was proven here, not told.
//!
//! One class, [`LightClient`], over `light_client::client::Client` as it is: it opens no connection, reads no clock and
//! keeps nothing. The page sends its requests, gives it the answers and the time, and stores what [`LightClient::save`]
//! gives. It holds no keys and signs nothing; a payment that somebody else signed it submits and follows.
//!
//! ```js
//! import start, { LightClient } from "./light_wasm.js";
//!
//! await start();
//! const client = new LightClient(chainFile, ["https://node.example"]);
//! client.watch("ATsd8WtRx6mkN3D4SYJZfFcoTf87uno7dC2", Date.now());
//! for (let request; (request = client.nextRequest()); ) {
//!   const { id, url, method, body } = request;
//!   const response = await fetch(url, { method, body });
//!   client.respond(id, response.status, new Uint8Array(await response.arrayBuffer()), Date.now());
//! }
//! console.log(client.account("ATsd8WtRx6mkN3D4SYJZfFcoTf87uno7dC2", Date.now()));
//! ```
//!
//! **Trust and bounds.** The chain file and the time come from the page and are believed; servers are not. Hosts read no
//! more of an answer than its request's `maxBytes` and wait no longer than its `timeoutMs`. Everything that was proven
//! says of which block; what is not proven is `undefined`, never 0. A refused argument throws a [`LightError`] with a
//! stable `code` and changes nothing.
//!
//! **Numbers.** Coins are `bigint`s of units (1 VSYS = 10^8); heights, counts and milliseconds since 1970 are numbers,
//! which are exact up to 2^53. Ids are 64 hexadecimal digits.

mod client;
#[cfg(feature = "conformance")]
mod conformance;
mod error;
mod plain;
mod types;
mod view;

pub use client::LightClient;
#[cfg(feature = "conformance")]
pub use conformance::{conformance_names, conformance_run};
pub use error::LightError;
