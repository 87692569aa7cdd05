//! The authenticated state: what a block's `state_root` commits to, and the proofs of it.

mod account;
mod history;
mod keys;
pub mod trie;
pub mod witness;

pub use account::{AccountChange, AccountRecord, RecordError, StateError, SupplyRecord};
pub use history::{
    Asset, HistoryChain, HistoryError, HistoryKind, HistoryRecord, balance_of, verify_page, verify_since,
};
pub use keys::{ChainRecord, Space, account_key, chain_key};
pub use trie::{
    Changes, Entry, MAX_KEY_BYTES, MAX_VALUE_BYTES, MemoryStore, NodeId, NodeStore, Order, Root, StoredNode,
    SubRoot, Trie, TrieError, UnknownNode, VersionedStore,
};
pub use witness::{Witness, WitnessError, verify};

#[cfg(test)]
mod tests;
