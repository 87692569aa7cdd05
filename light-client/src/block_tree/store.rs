use std::collections::BTreeMap;

use crate::data_format::{BlockId, Checkpoint, SealedHeader};

/// What changed in a tree of headers, to be kept in one atomic step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderChanges {
    /// Headers that came in.
    pub added: Vec<SealedHeader>,
    /// Headers that do not descend from the newest final block.
    pub dropped: Vec<BlockId>,
    /// The newest final block, if it moved.
    pub finalised: Option<BlockId>,
    /// The highest justified checkpoint, if it moved.
    pub justified: Option<Checkpoint>,
}

/// What a tree needs to go on after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedTree {
    /// The newest final block.
    pub root: SealedHeader,
    /// Its known descendants, parents before children.
    pub descendants: Vec<SealedHeader>,
    /// The highest justified checkpoint.
    pub justified: Checkpoint,
}

/// Where headers are kept. Every implementation passes `test_support::header_store`.
pub trait HeaderStore {
    /// What can go wrong.
    type Error: std::error::Error;

    /// The saved tree; `None` before the first [`HeaderStore::apply`] with a final block.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn load(&self) -> Result<Option<SavedTree>, Self::Error>;

    /// One header, also a final one from before the root.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn header(&self, id: &BlockId) -> Result<Option<SealedHeader>, Self::Error>;

    /// Keeps all of the changes or none.
    ///
    /// # Errors
    /// When the store cannot be written; nothing has changed then.
    fn apply(&mut self, changes: &HeaderChanges) -> Result<(), Self::Error>;
}

/// A store in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    headers: BTreeMap<BlockId, SealedHeader>,
    root: Option<BlockId>,
    justified: Checkpoint,
}

/// A store that lost something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A block was made final that was never stored.
    #[error("block {0} was made final but never stored")]
    UnknownFinal(BlockId),
}

impl HeaderStore for MemoryStore {
    type Error = StoreError;

    fn load(&self) -> Result<Option<SavedTree>, StoreError> {
        let Some(root) = self.root.and_then(|id| self.headers.get(&id)).cloned() else { return Ok(None) };
        let mut descendants: Vec<SealedHeader> = self
            .headers
            .values()
            .filter(|sealed| sealed.header.height > root.header.height)
            .cloned()
            .collect();
        descendants.sort_by_key(|sealed| sealed.header.height);
        Ok(Some(SavedTree { root, descendants, justified: self.justified }))
    }

    fn header(&self, id: &BlockId) -> Result<Option<SealedHeader>, StoreError> {
        Ok(self.headers.get(id).cloned())
    }

    fn apply(&mut self, changes: &HeaderChanges) -> Result<(), StoreError> {
        let known = |id: &BlockId| {
            self.headers.contains_key(id) || changes.added.iter().any(|sealed| sealed.header.id() == *id)
        };
        if let Some(missing) = changes.finalised.filter(|id| !known(id)) {
            return Err(StoreError::UnknownFinal(missing));
        }
        self.headers.extend(changes.added.iter().map(|sealed| (sealed.header.id(), sealed.clone())));
        for id in &changes.dropped {
            self.headers.remove(id);
        }
        self.root = changes.finalised.or(self.root);
        self.justified = changes.justified.unwrap_or(self.justified);
        Ok(())
    }
}
