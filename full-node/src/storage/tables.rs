use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use light_client::{
    consensus::spos::{Table, TableError, Tables},
    crypto::Hash,
    data_format::{SlotTable, codec},
};

use super::{Batch, Snapshot, Space, StorageError};

/// Pairs of tables kept with their parsed keys. One changes at most once a round.
const CACHED: usize = 64;

/// Slot tables in memory, by what headers commit to as `next_slots`.
#[derive(Default)]
pub(super) struct TableCache(Mutex<HashMap<Hash, Tables>>);

/// A pair of tables as it is stored: in force, planned.
type StoredTables = (SlotTable, Option<SlotTable>);

impl TableCache {
    fn get(&self, commitment: &Hash) -> Option<Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(commitment).cloned()
    }

    fn put(&self, commitment: Hash, tables: Tables) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= CACHED {
            cached.clear();
        }
        cached.insert(commitment, tables);
    }
}

impl Snapshot {
    /// The slot tables that a header commits to as `next_slots`.
    ///
    /// # Errors
    /// [`StorageError`] when they are not stored, damaged, or the disk cannot be read.
    pub fn tables(&self, commitment: &Hash) -> Result<Tables, StorageError> {
        self.tables_near(commitment, None)
    }

    /// The same, with the tables of a block nearby, whose keys are parsed already.
    ///
    /// # Errors
    /// As [`Snapshot::tables`].
    pub fn tables_near(&self, commitment: &Hash, near: Option<&Tables>) -> Result<Tables, StorageError> {
        if let Some(tables) = self.table_cache().get(commitment) {
            return Ok(tables);
        }
        let damaged = |error: &dyn std::fmt::Display| {
            StorageError::damaged(format!("slot tables {commitment}"), error.to_string())
        };
        let stored: Option<StoredTables> = self.record(Space::Tables, commitment.as_bytes())?;
        let (in_force, planned) = stored.ok_or_else(|| damaged(&"they are not stored"))?;
        let near: Vec<&Table> = near.into_iter().flat_map(Tables::each).collect();
        let table = |slots| Table::reusing(slots, &near).map_err(|error: TableError| damaged(&error));
        let planned = planned.map(table).transpose()?.map(Into::into);
        let tables = Tables { in_force: table(in_force)?.into(), planned };
        if tables.commitment() != *commitment {
            return Err(damaged(&"they are other ones"));
        }
        self.table_cache().put(*commitment, tables.clone());
        Ok(tables)
    }
}

impl Batch {
    /// Keeps slot tables under what headers commit to.
    pub fn tables(&mut self, tables: &Tables) {
        let planned = tables.planned.as_ref().map(|planned| planned.slots());
        self.put(
            Space::Tables,
            *tables.commitment().as_bytes(),
            codec::encode(&(tables.in_force.slots(), planned)),
        );
    }
}
