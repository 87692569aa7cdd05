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

impl<S: VersionedStore> Trie<S> {
    /// Ends the work on this version: what has to be written, with ids from `next_id` on. Open the new root once
    /// the store has the changes.
    pub fn commit(mut self, next_id: NodeId) -> Changes {
        self.update_hashes();
        let order = self.in_use(|slot| slot.changed);
        let mut ids: Vec<Option<NodeId>> =
            self.slots.iter().map(|slot| slot.source.as_ref().map(|(id, _)| *id)).collect();
        let mut new_nodes = Vec::with_capacity(order.len());
        let mut id = next_id;
        for index in order.into_iter().rev() {
            new_nodes.push((id, Arc::new(self.stored(index, &ids))));
            ids[index as usize] = Some(id);
            id = id.plus(1);
        }
        let Child { id: root, hash } = self.child(self.root, &ids);
        let root = Root { id: root, hash, count: self.count };
        Changes { root, new_nodes, stale: self.stale, next_id: id }
    }

    fn stored(&self, index: u32, ids: &[Option<NodeId>]) -> StoredNode {
        match &self.slot(index).node {
            Node::Leaf { key, value } => StoredNode::Leaf { key: key.clone(), value: value.clone() },
            Node::Inner { prefix, count, children } => StoredNode::Inner {
                prefix: prefix.clone(),
                count: *count,
                children: children.map(|link| self.child(link, ids)),
            },
        }
    }

    fn child(&self, link: Link, ids: &[Option<NodeId>]) -> Child {
        let id = match link {
            Link::Loaded(index) => ids[index as usize],
            Link::Stored { id, .. } => Some(id),
            Link::Pruned(_) | Link::Empty => None,
        };
        Child { id, hash: self.hash_of(link) }
    }
}
