//! What a person sees on a screen was proven to them, not told: the crate that does the proving.
//!
//! Pure: bytes and facts in, verdicts and instructions out. No clock, no sockets, no files, no randomness, no
//! threads; time and entropy are arguments. The same code runs in a browser, on a phone and in the node.
//!
//! Modules, lower never imports higher: [`crypto`] → [`data_format`] → [`state`] → [`transaction`] →
//! [`consensus`] → [`block_tree`] → [`client`]; [`wallet`] uses the first four.

pub mod block_tree;
pub mod client;
pub mod consensus;
pub mod crypto;
pub mod data_format;
pub mod state;
#[cfg(feature = "test-support")]
pub mod test_support;
pub mod transaction;
pub mod wallet;
