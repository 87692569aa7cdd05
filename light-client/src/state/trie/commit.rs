//! From changes in memory to a new version.

use std::sync::Arc;

use super::{Child, Link, Node, NodeId, NodeStore, Root, StoredNode, Trie, VersionedStore};
use crate::crypto::Hash;

/// What a new version adds to a store. A store that writes `new_nodes` and remembers `root` has the version;
/// undoing it means deleting `new_nodes` again; once nobody needs the version before, `stale` may go.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The new version.
    pub root: Root,
    /// Nodes to write, with rising ids, each node after its children.
    pub new_nodes: Vec<(NodeId, Arc<StoredNode>)>,
    /// Nodes that the version opened uses and this one does not.
    pub stale: Vec<NodeId>,
    /// The id for the first node of the next commit.
    pub next_id: NodeId,
}

impl<S: NodeStore> Trie<S> {
    /// The root's hash with all changes so far; zeros for the empty trie. Nodes are hashed once.
    pub fn root_hash(&mut self) -> Hash {
        self.update_hashes();
        self.hash_of(self.root)
    }
}

/// A version with those of its nodes that are in memory, for whoever goes on from it: opened again, it reads only the
/// others. A witness of it has all that are in memory, so proofs are made from tries that were opened for them.
#[derive(Debug)]
pub struct Warm(Trie<()>);

impl Warm {
    /// Number of keys.
    pub const fn count(&self) -> u64 {
        self.0.count
    }

    /// Nodes in memory, those that the version no longer uses too.
    pub const fn nodes(&self) -> usize {
        self.0.slots.len()
    }

    /// Opens the version over a store that has it, or has the version before what was set aside.
    pub fn open<S: NodeStore>(self, store: S) -> Trie<S> {
        self.0.over(store)
    }
}

impl<S> Trie<S> {
    /// Nodes in memory, those that are no longer in use too.
    pub const fn nodes(&self) -> usize {
        self.slots.len()
    }

    /// Keeps the changes made so far in memory, neither hashed nor written, for whoever goes on with them: the next commit has
    /// what they all come to.
    pub fn set_aside(self) -> Warm {
        Warm(self.over(()))
    }
}

impl<S: VersionedStore> Trie<S> {
    /// Ends the work on this version: what has to be written, with ids from `next_id` on. Open the new root once
    /// the store has the changes.
    pub fn commit(self, next_id: NodeId) -> Changes {
        self.commit_warm(next_id).0
    }

    /// As [`Trie::commit`], and keeps the nodes of the new version that are in memory.
    pub fn commit_warm(mut self, next_id: NodeId) -> (Changes, Warm) {
        self.update_hashes();
        let order = self.in_use(|slot| slot.changed);
        let mut new_nodes = Vec::with_capacity(order.len());
        let mut id = next_id;
        for index in order.into_iter().rev() {
            let node = Arc::new(self.stored(index));
            new_nodes.push((id, Arc::clone(&node)));
            let slot = &mut self.slots[index as usize];
            (slot.source, slot.changed) = (Some((id, node)), false);
            id = id.plus(1);
        }
        let Child { id: root, hash } = self.child(self.root);
        self.origin = root;
        let root = Root { id: root, hash, count: self.count };
        let stale = std::mem::take(&mut self.stale);
        (Changes { root, new_nodes, stale, next_id: id }, Warm(self.over(())))
    }

    fn stored(&self, index: u32) -> StoredNode {
        match &self.slot(index).node {
            Node::Leaf { key, value } => StoredNode::Leaf { key: key.clone(), value: value.clone() },
            Node::Inner { prefix, count, children } => StoredNode::Inner {
                prefix: prefix.clone(),
                count: *count,
                children: children.map(|link| self.child(link)),
            },
        }
    }

    fn child(&self, link: Link) -> Child {
        let id = match link {
            Link::Loaded(index) => self.slot(index).source.as_ref().map(|(id, _)| *id),
            Link::Stored { id, .. } => Some(id),
            Link::Pruned(_) | Link::Empty => None,
        };
        Child { id, hash: self.hash_of(link) }
    }
}
