//! The authenticated state: what a block's `state_root` commits to, and the proofs of it.
//!
//! [`trie`] is the structure, [`witness`] the proofs, [`stake`] what coins earn, [`Question`] what can be asked in one go; the
//! rest says which records are where in it. Whoever has the
//! state reads it and hands out what the reads touched; whoever has the root runs the same reads on that.
//!
//! ```
//! use light_client::state::{AccountRecord, MemoryStore, Root, Trie, verify};
//! # use light_client::{crypto::PublicKey, data_format::{Address, Amount, Network}};
//! # let [alice, bob] = [1, 2].map(|seed| Address::of(&PublicKey::Ed25519([seed; 32]), Network::Test));
//! let mut store = MemoryStore::new();
//! let mut trie = Trie::open(Root::EMPTY, &store);
//! AccountRecord { balance: Amount(5), ..AccountRecord::default() }.write(&mut trie, &alice)?;
//! let changes = trie.commit(store.next_id());
//! store.apply(&changes);
//!
//! // A node proves what alice has and that bob has nothing.
//! let mut trie = Trie::open(changes.root, &store);
//! AccountRecord::read(&mut trie, &alice)?;
//! AccountRecord::read(&mut trie, &bob)?;
//! let bytes = trie.witness();
//!
//! // A client that knows the root believes nothing else.
//! let (alice, bob) = verify(&bytes, 4096, changes.root.hash, |trie| {
//!     let records = (AccountRecord::read(trie, &alice)?, AccountRecord::read(trie, &bob)?);
//!     Ok::<_, Box<dyn std::error::Error>>(records)
//! })?;
//! assert_eq!((alice.map(|account| account.balance), bob), (Some(Amount(5)), None));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! **Trust and bounds.** Stored nodes are the host's own; everything else here comes from servers that may lie and
//! is bounded by the caller before it is read: witnesses by their bytes, history pages by their records.

mod account;
mod history;
mod keys;
mod question;
pub mod stake;
mod supernode;
pub mod trie;
pub mod witness;

pub use account::{AccountChange, AccountRecord, RecordError, StateError, SupplyRecord};
pub use history::{
    Asset, HistoryChain, HistoryError, HistoryKind, HistoryRecord, balance_of, verify_page, verify_since,
};
pub use keys::{
    ChainRecord, Space, account_key, chain_key, minting_key_owner_key, pool_key, position_key, request_key,
    request_place, round_end_key, supernode_key,
};
pub use question::{
    Answer, AskError, Lease, MAX_PAGE, MAX_QUESTIONS, MAX_READS, Moment, Page, Question, QuestionError,
    RequestPage, Standing, ask, ask_all,
};
pub use stake::{MintingAverage, Pool, Position, RoundEnd, Stake, StakeError};
pub use supernode::{Ban, Certificates, Request, RequestKind, RequestPlace, SlotChange, Supernode};
pub use trie::{
    Changes, Entry, MAX_KEY_BYTES, MAX_VALUE_BYTES, MemoryStore, NodeId, NodeStore, Order, Root, StoredNode,
    SubRoot, Trie, TrieError, UnknownNode, VersionedStore, Warm,
};
pub use witness::{Witness, WitnessError, verify};

#[cfg(test)]
mod tests;
