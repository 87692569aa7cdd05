//! What the tests of every crate share: generators, conformance suites, scripted chains.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "support for tests: a broken script must stop the test"
)]

mod bundles;
pub mod chain;
pub mod conformance;
pub mod header_store;
pub mod liar;
pub mod link_history;
pub mod node_store;
pub mod random;
pub mod server;
pub mod state_store;
pub mod trie_model;
