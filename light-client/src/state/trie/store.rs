//! Where nodes are kept between versions of the trie.

use std::{collections::HashMap, sync::Arc};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Changes, NodeId, StoredNode};
use crate::crypto::Hash;

/// Names one version of a trie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Root {
    /// The root node; `None` for the empty trie.
    pub id: Option<NodeId>,
    /// What a block commits to; zeros for the empty trie.
    pub hash: Hash,
    /// Number of keys.
    pub count: u64,
}

impl Root {
    /// The trie without keys.
    pub const EMPTY: Self = Self { id: None, hash: Hash::ZERO, count: 0 };
}

/// Where a trie finds the nodes it has not in memory yet.
///
/// Nodes never change, so an implementation may cache them by id without ever invalidating one; keeping
/// recently used and newly committed nodes in memory is what makes a block's updates fast.
pub trait NodeStore {
    /// Why a node cannot be had.
    type Error: std::error::Error;

    /// The node with this id.
    ///
    /// # Errors
    /// When the node is not there (its version was pruned) or cannot be read.
    fn node(&self, id: NodeId) -> Result<Arc<StoredNode>, Self::Error>;
}

/// A store whose ids outlive one trie, so that new versions can be committed to it. A
/// [`Witness`](crate::state::Witness) is none.
pub trait VersionedStore: NodeStore {}

impl<S: NodeStore + ?Sized> NodeStore for &S {
    type Error = S::Error;

    fn node(&self, id: NodeId) -> Result<Arc<StoredNode>, Self::Error> {
        (**self).node(id)
    }
}

impl<S: VersionedStore + ?Sized> VersionedStore for &S {}

/// A node that is not there: never was, or belonged to a version that was pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no node {}", .0.get())]
pub struct UnknownNode(pub NodeId);

/// All nodes in memory, for tests and simulations.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    nodes: HashMap<NodeId, Arc<StoredNode>>,
    written: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The id for the first node of the next commit.
    pub const fn next_id(&self) -> NodeId {
        NodeId::FIRST.plus(self.written)
    }

    /// Takes the new nodes of a version. Stale ones stay, for the versions before it; see
    /// [`MemoryStore::prune`].
    pub fn apply(&mut self, changes: &Changes) {
        self.nodes.extend(changes.new_nodes.iter().cloned());
        self.written = changes.next_id.get() - 1;
    }

    /// Forgets nodes, such as the stale ones of a version whose predecessor is not needed any more.
    pub fn prune(&mut self, stale: &[NodeId]) {
        for id in stale {
            self.nodes.remove(id);
        }
    }

    /// The number of nodes held.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it holds no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl NodeStore for MemoryStore {
    type Error = UnknownNode;

    fn node(&self, id: NodeId) -> Result<Arc<StoredNode>, UnknownNode> {
        self.nodes.get(&id).cloned().ok_or(UnknownNode(id))
    }
}

impl VersionedStore for MemoryStore {}
