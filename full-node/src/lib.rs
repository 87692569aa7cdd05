//! The full node: everything that needs a disk, a socket or a minting key.
//!
//! The layers are folders, by the names they have in `light-client`, whose rules they run: [`transaction`] (the
//! pool and execution), [`consensus`] (voting and minting), [`block_tree`] (the durable chain), over [`storage`]
//! (the node's own disk). [`logic`] is the pluggable business logic container. [`node`] composes them; [`api`]
//! and [`config`] are what people and tools see.

pub mod api;
pub mod block_tree;
pub mod check;
pub mod config;
pub mod consensus;
pub mod export;
pub mod logic;
pub mod measure;
pub mod network;
pub mod node;
pub mod snapshot;
pub mod storage;
pub mod transaction;

#[cfg(test)]
mod tests;
