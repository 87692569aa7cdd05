use std::{
    mem::size_of,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use light_client::state::{NodeId, StoredNode};
use rustc_hash::FxHashMap;

/// Independent parts, so that readers rarely wait for one another.
const SHARDS: usize = 16;

/// Decoded state nodes, the recently used ones, in bounded memory. Nodes never change, so none is ever wrong.
///
/// Two generations: nodes come into the young one; when it has half of the bound, it becomes the old one, and what
/// was in the former old one and not used since is forgotten.
pub struct NodeCache {
    shards: Vec<Mutex<Shard>>,
    half: usize,
}

#[derive(Default)]
struct Shard {
    // Nobody else chooses the ids: they are counted up, so a quick hash is safe.
    young: FxHashMap<NodeId, Arc<StoredNode>>,
    old: FxHashMap<NodeId, Arc<StoredNode>>,
    young_bytes: usize,
}

impl NodeCache {
    /// A cache of about `bytes`.
    pub fn new(bytes: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, half: bytes / SHARDS / 2 }
    }

    /// The node with this id, if it is here.
    pub fn get(&self, id: NodeId) -> Option<Arc<StoredNode>> {
        let mut shard = self.shard(id);
        if let Some(node) = shard.young.get(&id) {
            return Some(Arc::clone(node));
        }
        let node = shard.old.remove(&id)?;
        shard.add(id, Arc::clone(&node), self.half);
        Some(node)
    }

    /// Keeps a node for a while.
    pub fn put(&self, id: NodeId, node: Arc<StoredNode>) {
        self.shard(id).add(id, node, self.half);
    }

    /// Forgets a node that was deleted.
    pub fn remove(&self, id: NodeId) {
        let mut shard = self.shard(id);
        if let Some(node) = shard.young.remove(&id) {
            shard.young_bytes = shard.young_bytes.saturating_sub(size_in_memory(&node));
        }
        shard.old.remove(&id);
    }

    fn shard(&self, id: NodeId) -> MutexGuard<'_, Shard> {
        // The remainder is below the number of shards. A shard that a panic left behind is still a valid cache.
        self.shards[(id.get() % SHARDS as u64) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn add(&mut self, id: NodeId, node: Arc<StoredNode>, half: usize) {
        self.young_bytes += size_in_memory(&node);
        self.young.insert(id, node);
        if self.young_bytes > half {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}

/// About what a node takes up: itself, its allocations with their counters, and its place in the map.
fn size_in_memory(node: &StoredNode) -> usize {
    const ALLOCATION: usize = 32;
    let own = match node {
        StoredNode::Leaf { key, value } => {
            let value = match value {
                light_client::state::trie::Value::Known(bytes) => bytes.len(),
                light_client::state::trie::Value::Pruned(_) => 0,
            };
            key.len() + value + 2 * ALLOCATION
        }
        StoredNode::Inner { prefix, .. } => prefix.bytes().len() + ALLOCATION,
    };
    size_of::<StoredNode>() + own + ALLOCATION + size_of::<(NodeId, usize)>() * 2
}
