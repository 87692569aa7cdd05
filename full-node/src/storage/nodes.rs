use std::sync::Arc;

use light_client::state::{NodeId, NodeStore, StoredNode, VersionedStore};

use super::{NodeCache, Read, Space, StorageError};

/// The state nodes that were stored at one moment, through the cache.
pub struct StateNodes<'a> {
    pub(super) read: &'a dyn Read,
    pub(super) cache: &'a NodeCache,
}

impl NodeStore for StateNodes<'_> {
    type Error = StorageError;

    fn node(&self, id: NodeId) -> Result<Arc<StoredNode>, StorageError> {
        if let Some(node) = self.cache.get(id) {
            return Ok(node);
        }
        let what = || format!("state node {}", id.get());
        let bytes = self.read.get(Space::Nodes, &id.get().to_be_bytes())?;
        let bytes = bytes.ok_or_else(|| StorageError::damaged(what(), "it is not stored"))?;
        let node = StoredNode::from_bytes(&bytes).map_err(|error| StorageError::damaged(what(), error))?;
        let node = Arc::new(node);
        self.cache.put(id, Arc::clone(&node));
        Ok(node)
    }
}

impl VersionedStore for StateNodes<'_> {}
