use std::path::Path;

use light_client::state::{NodeId, Root, TrieError};

use crate::storage::{Batch, Database, Retention, StorageError, WriteBehind};

/// Keys that are put into the state at a time when it is made.
const LOAD: usize = 1 << 16;

/// A key and what is to be at it.
pub type Update = ([u8; 32], [u8; 100]);

/// The authenticated state alone, on disk: updates of keys that are there already, as the benchmarks of other tries do
/// them. Of each version the newest is kept.
pub struct StateUpdates {
    database: Database,
    behind: WriteBehind,
    root: Root,
    next_node: NodeId,
}

impl StateUpdates {
    /// A state with these entries in `folder`, which must be empty.
    ///
    /// # Errors
    /// As [`StateUpdates::apply`].
    pub fn populate(
        folder: &Path,
        entries: &[Update],
        retention: &Retention,
    ) -> Result<Self, TrieError<StorageError>> {
        let database = Database::open(Some(folder), retention).map_err(TrieError::Store)?;
        let behind = WriteBehind::default();
        let mut updates = Self { database, behind, root: Root::EMPTY, next_node: NodeId::FIRST };
        for part in entries.chunks(LOAD) {
            updates.apply(part)?;
        }
        Ok(updates)
    }

    /// Writes these values, hashes the new version, and returns once it is durable.
    ///
    /// # Errors
    /// [`TrieError::Store`] when the disk fails.
    pub fn apply(&mut self, updates: &[Update]) -> Result<(), TrieError<StorageError>> {
        let changes = {
            let snapshot = self.database.read().map_err(TrieError::Store)?;
            let mut trie = snapshot.state(self.root);
            for (key, value) in updates {
                trie.insert(key, value)?;
            }
            trie.commit(self.next_node)
        };
        let mut batch = Batch::default();
        for (id, node) in changes.new_nodes {
            batch.node(id, node);
        }
        batch.remove_nodes(changes.stale);
        self.database.commit(batch).map_err(TrieError::Store)?;
        if self.database.much_waits() {
            self.behind.write(&self.database).map_err(TrieError::Store)?;
        }
        (self.root, self.next_node) = (changes.root, changes.next_id);
        Ok(())
    }

    /// Puts into the tables of the database what only its log has yet.
    ///
    /// # Errors
    /// [`StorageError`] if the disk fails.
    pub fn settle(&mut self) -> Result<(), StorageError> {
        drop(std::mem::take(&mut self.behind));
        self.database.write_waiting()
    }

    /// The version that is stored.
    pub const fn root(&self) -> Root {
        self.root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_change_values_and_no_keys() {
        let folder = tempfile::tempdir().unwrap();
        let entries: Vec<Update> = (0..200_u8).map(|number| ([number; 32], [number; 100])).collect();
        let mut state = StateUpdates::populate(folder.path(), &entries, &Retention::default()).unwrap();
        let before = state.root();
        assert_eq!(before.count, 200);
        state.apply(&[([7; 32], [1; 100])]).unwrap();
        assert!(state.root().count == 200 && state.root().hash != before.hash);
        state.apply(&[([7; 32], [7; 100])]).unwrap();
        assert_eq!(state.root().hash, before.hash);
        state.settle().unwrap();
        let stored = state.database.read().unwrap().count_nodes().unwrap();
        assert_eq!(stored, 399, "one leaf a key, one inner node less, and nothing of older versions");
    }
}
