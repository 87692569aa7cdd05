//! The node's own disk: redb behind a small trait that can fail.
//!
//! A [`Storage`] keeps ordered byte keys in named [`Space`]s, the tables, and writes changes of them wholly or not at all.
//! [`Database`] takes a [`Batch`] the same way, adds it to a write-ahead log, and puts many at once into the tables later: what
//! [`Database::commit`] acknowledged survives a kill at any instant, what it did not is there wholly or not at all. It also gives
//! the bytes their types; nothing above this folder knows a byte.
//!
//! **Trust and bounds.** The disk is ours and is believed, but not blindly: records that are not what they should be
//! are [`StorageError::Damaged`]. The pages of the file are redb's, which may panic on those that somebody else changed;
//! [`Database::open_existing`] compares their checksums if it is asked to. Only one process uses a folder at a time. Memory is
//! bounded by the caches of [`Retention`] and by what waits for its place, which is 256 MiB and one write; where a folder is
//! opened, by one segment of the log besides, 384 MiB at most. The disk grows with the chain, and versions of the state
//! older than the retention are deleted, bodies of old blocks if the operator wants that.

mod batch;
mod cache;
mod database;
mod epochs;
mod headers;
mod keys;
mod log;
mod log_record;
mod nodes;
mod pages;
mod pending;
mod records;
mod recoveries;
mod redb_storage;
mod segments;
mod snapshot;
mod space_left;
mod tables;
#[cfg(test)]
mod tests;
mod write_behind;

use std::{fmt, path::PathBuf, sync::Arc};

use light_client::state::{NodeId, StoredNode};

pub use database::Database;
pub use headers::StoredHeaders;
pub use nodes::StateNodes;
pub use records::{Effects, Finality, HistoryEntry, HistoryPart, Inclusion, Version};
pub use recoveries::{LoadError, Recovery};
pub use redb_storage::RedbStorage;
#[cfg(test)]
pub(crate) use segments::MemorySegments;
pub use segments::{Contents, Segments};
pub use snapshot::Snapshot;
pub use space_left::{folder_bytes, free_bytes};
pub use write_behind::WriteBehind;

/// How much of the past a node can prove, and what it keeps in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Versions of the state that are kept below the head, or below the final block that a node catches up with, at least
    /// 900. Everything since the newest final block is kept besides.
    pub heights: u64,
    /// Blocks below the head whose transactions are kept, at least as many as [`Retention::heights`]; `None` keeps all.
    /// Headers, certificates, outcomes and the history of accounts are kept always, and every block since the newest final
    /// one.
    pub bodies: Option<u64>,
    /// Bytes of pages of state nodes kept in memory.
    pub node_cache_bytes: usize,
    /// Bytes of disk pages kept in memory.
    pub page_cache_bytes: usize,
}

impl Retention {
    /// The fewest versions below the head that a node keeps.
    pub const MINIMUM_HEIGHTS: u64 = 900;
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            heights: Self::MINIMUM_HEIGHTS,
            bodies: None,
            node_cache_bytes: 256 << 20,
            page_cache_bytes: 256 << 20,
        }
    }
}

/// Where a kind of thing is kept; keys of one kind are ordered by their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// Format, chain, finality: one record each.
    Meta,
    /// Block id → sealed header.
    Headers,
    /// Block id of the tree since the newest final block → order of arrival.
    Tree,
    /// Block id → certificate; block id and number → some of its transactions, until the body is pruned.
    Bodies,
    /// Block id → outcomes of its transactions.
    Outcomes,
    /// Block id → what applying it adds to the indexes, until its version is pruned.
    Effects,
    /// Block id → its version of the state, until that is pruned.
    Versions,
    /// Height on the best branch → block id.
    Heights,
    /// Page → the nodes of the state trie whose ids are in it.
    Nodes,
    /// Address and index of the last of them → history records in a row.
    History,
    /// Transaction id → its height on the best branch, and its place in that block.
    Transactions,
    /// Position → node of the range of headers of the best branch.
    Range,
    /// Minting key → what it signed.
    Voting,
    /// What headers commit to as `next_slots` → the slot tables in force and planned.
    Tables,
    /// First round → the certificates that made blocks final while slot tables stayed as they were, as far as hand-overs
    /// need them; kept always.
    Epochs,
    /// Transaction id → transaction that was accepted and waits for a block.
    Waiting,
    /// What is here of a snapshot of the state, until that is whole.
    Snapshot,
    /// Minting key → evidence of an offence that no final block settled.
    Evidence,
}

impl Space {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Meta,
        Self::Headers,
        Self::Tree,
        Self::Bodies,
        Self::Outcomes,
        Self::Effects,
        Self::Versions,
        Self::Heights,
        Self::Nodes,
        Self::History,
        Self::Transactions,
        Self::Range,
        Self::Voting,
        Self::Tables,
        Self::Epochs,
        Self::Waiting,
        Self::Snapshot,
        Self::Evidence,
    ];

    /// Its name on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Headers => "headers",
            Self::Tree => "tree",
            Self::Bodies => "bodies",
            Self::Outcomes => "outcomes",
            Self::Effects => "effects",
            Self::Versions => "versions",
            Self::Heights => "heights",
            Self::Nodes => "nodes",
            Self::History => "history",
            Self::Transactions => "transactions",
            Self::Range => "range",
            Self::Voting => "voting",
            Self::Tables => "tables",
            Self::Epochs => "epochs",
            Self::Waiting => "waiting",
            Self::Snapshot => "snapshot",
            Self::Evidence => "evidence",
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Writes and removals that happen together or not at all. The last one of a key counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<(Space, Vec<u8>, Option<Vec<u8>>)>,
    /// State nodes, which are in pages once they are in the tables.
    nodes: Vec<(NodeId, Option<Arc<StoredNode>>)>,
}

/// One write, or one removal where `value` is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// Where.
    pub space: Space,
    /// Under which key.
    pub key: &'a [u8],
    /// What; `None` removes.
    pub value: Option<&'a [u8]>,
}

impl Batch {
    /// Writes `value` at `key`.
    pub fn put(&mut self, space: Space, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.changes.push((space, key.into(), Some(value.into())));
    }

    /// Removes `key`; nothing happens if it is not there.
    pub fn remove(&mut self, space: Space, key: impl Into<Vec<u8>>) {
        self.changes.push((space, key.into(), None));
    }

    /// Writes a state node.
    pub fn node(&mut self, id: NodeId, node: Arc<StoredNode>) {
        self.nodes.push((id, Some(node)));
    }

    /// Removes state nodes that no version kept uses any more.
    pub fn remove_nodes(&mut self, ids: impl IntoIterator<Item = NodeId>) {
        self.nodes.extend(ids.into_iter().map(|id| (id, None)));
    }

    /// The changes in order, without those of state nodes.
    pub fn changes(&self) -> Vec<Change<'_>> {
        let changes = self.changes.iter();
        changes.map(|(space, key, value)| Change { space: *space, key, value: value.as_deref() }).collect()
    }

    /// Whether nothing is to be written.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.nodes.is_empty()
    }
}

/// A disk that keeps what it acknowledged.
pub trait Storage: Send + Sync {
    /// What is stored now, unmoved by later commits.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    fn read(&self) -> Result<Box<dyn Read>, StorageError>;

    /// Makes all of these changes, the last of a key after those before it, and returns once they are durable.
    ///
    /// # Errors
    /// [`StorageError`]; then none of them is stored, or the disk cannot be read either.
    fn commit(&self, changes: &[Change<'_>]) -> Result<(), StorageError>;

    /// Where changes are kept that have to be durable before they are committed.
    fn segments(&self) -> Arc<dyn Segments>;
}

/// What is stored at one moment.
pub trait Read: Send + Sync {
    /// The value at `key`.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;

    /// The entries with `from ≤ key < to` in order, at most `limit`.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    fn range(&self, space: Space, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError>;

    /// A state node that waits to be put into its page; `None` if it is in a page already, or nowhere.
    fn waiting_node(&self, _: NodeId) -> Option<Arc<StoredNode>> {
        None
    }
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// What is wrong with the disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// Another process has the folder open.
    #[error("the folder {} is in use by another process: stop that one, or choose another folder with --data", .0.display())]
    InUse(PathBuf),
    /// The folder was written by a version with another format.
    #[error(
        "the folder has format {found}, this version reads {known}: use the version that wrote it, or another folder with \
         --data, or move chain.redb and chain.wal out of this one: its keys and settings stay, and the chain is fetched anew"
    )]
    Format {
        /// What the folder says.
        found: u32,
        /// What we read.
        known: u32,
    },
    /// The file system or the database file failed.
    #[error("{action}: {cause}")]
    Failed {
        /// What was being done.
        action: String,
        /// Why it did not work.
        cause: String,
    },
    /// Stored bytes are not what they should be.
    #[error("{what} is missing or damaged: {cause}")]
    Damaged {
        /// Which thing.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl StorageError {
    pub(crate) fn failed(action: impl Into<String>, cause: impl fmt::Display) -> Self {
        Self::Failed { action: action.into(), cause: cause.to_string() }
    }

    pub(crate) fn damaged(what: impl Into<String>, cause: impl fmt::Display) -> Self {
        Self::Damaged { what: what.into(), cause: cause.to_string() }
    }
}
