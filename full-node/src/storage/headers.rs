use light_client::{
    block_tree::{HeaderChanges, HeaderStore, SavedTree},
    data_format::{BlockId, SealedHeader, codec},
};

use super::{Batch, Database, Finality, Snapshot, Space, StorageError};

/// The headers of a database, as the tree of blocks knows them.
pub struct StoredHeaders {
    database: Database,
}

impl StoredHeaders {
    /// The headers in `database`.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl HeaderStore for StoredHeaders {
    type Error = StorageError;

    fn load(&self) -> Result<Option<SavedTree>, StorageError> {
        let snapshot = self.database.read()?;
        let Some(finality) = snapshot.finality()? else { return Ok(None) };
        let header = |id: &BlockId| {
            let header = snapshot.header(id)?;
            header.ok_or_else(|| StorageError::damaged(format!("header {id}"), "it is not stored"))
        };
        let root = header(&finality.root.id)?;
        let mut descendants = Vec::new();
        for id in snapshot.tree()? {
            if id != finality.root.id {
                descendants.push(header(&id)?);
            }
        }
        Ok(Some(SavedTree { root, descendants, justified: finality.justified }))
    }

    fn header(&self, id: &BlockId) -> Result<Option<SealedHeader>, StorageError> {
        self.database.read()?.header(id)
    }

    fn apply(&mut self, changes: &HeaderChanges) -> Result<(), StorageError> {
        let mut batch = Batch::default();
        let snapshot = self.database.read()?;
        let arrival = snapshot.next_arrival()?;
        batch.headers(&snapshot, changes, arrival)?;
        self.database.commit(batch)
    }
}

impl Batch {
    /// Adds the changes of a tree of headers; `snapshot` is what is stored before them, `arrival` the number of
    /// the first header added.
    ///
    /// # Errors
    /// [`StorageError`] if the snapshot cannot be read, or if a block was made final that was never stored.
    pub fn headers(
        &mut self,
        snapshot: &Snapshot,
        changes: &HeaderChanges,
        arrival: u64,
    ) -> Result<(), StorageError> {
        for (arrival, sealed) in (arrival..).zip(&changes.added) {
            let id = sealed.header.id();
            self.put(Space::Headers, *id.as_bytes(), codec::encode(sealed));
            self.put(Space::Tree, *id.as_bytes(), codec::encode(&arrival));
        }
        for id in &changes.dropped {
            self.remove(Space::Headers, *id.as_bytes());
            self.remove(Space::Tree, *id.as_bytes());
        }
        let before = snapshot.finality()?;
        let find = |id: &BlockId| -> Result<SealedHeader, StorageError> {
            let added = changes.added.iter().find(|sealed| sealed.header.id() == *id).cloned();
            let known = match added {
                Some(sealed) => Some(sealed),
                None => snapshot.header(id)?,
            };
            known.ok_or_else(|| StorageError::damaged(format!("header {id}"), "made final but never stored"))
        };
        let mut finality = match (&before, changes.finalised) {
            (Some(before), _) => before.clone(),
            (None, Some(id)) => Finality::genesis(id),
            (None, None) => return Ok(()),
        };
        if let Some(id) = changes.finalised {
            let root = find(&id)?;
            // Final ancestors leave the tree but stay stored.
            if let Some(before) = before.as_ref().filter(|before| before.root.id != id) {
                let mut next = root.header.parent;
                loop {
                    self.remove(Space::Tree, *next.as_bytes());
                    if next == before.root.id || next.is_zero() {
                        break;
                    }
                    next = find(&next)?.header.parent;
                }
            }
            finality.root.id = id;
            finality.height = root.header.height;
        }
        if let Some(justified) = changes.justified {
            finality.justified = justified;
        }
        self.finality(&finality);
        Ok(())
    }
}

impl Snapshot {
    /// The number for the next header that comes in.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    pub fn next_arrival(&self) -> Result<u64, StorageError> {
        let mut next = 0;
        for (_, value) in self.all(Space::Tree)? {
            let arrival: u64 =
                codec::decode(&value, 8).map_err(|error| StorageError::damaged("order of arrival", error))?;
            next = next.max(arrival.saturating_add(1));
        }
        Ok(next)
    }
}
