use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use super::{
    Batch, RedbStorage, Retention, Snapshot, Storage, StorageError,
    cache::PageCache,
    keys::{FORMAT, META_FORMAT},
    nodes::stage_pages,
    recoveries::Loaded,
    tables::TableCache,
};

/// A storage with types. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    storage: Arc<dyn Storage>,
    cache: Arc<PageCache>,
    /// Held by who changes pages of state nodes, from reading to writing them.
    pages: Arc<Mutex<()>>,
    tables: Arc<TableCache>,
    recoveries: Arc<RwLock<Arc<[Loaded]>>>,
}

impl Database {
    /// Opens the folder, or a database in memory without one.
    ///
    /// # Errors
    /// [`StorageError`] if the folder is in use, of another format, or cannot be used.
    pub fn open(folder: Option<&Path>, retention: &Retention) -> Result<Self, StorageError> {
        let storage = match folder {
            Some(folder) => RedbStorage::open(folder, retention)?,
            None => RedbStorage::in_memory(retention)?,
        };
        Self::over(Arc::new(storage), retention)
    }

    /// Opens a folder that must hold a database already. With `verify`, every page of the file is read and its checksum
    /// compared first, which takes as long as reading the file does.
    ///
    /// # Errors
    /// As [`Database::open`]; [`StorageError::Damaged`] if a page is not what was written.
    pub fn open_existing(folder: &Path, verify: bool) -> Result<Self, StorageError> {
        let retention = Retention::default();
        Self::over(Arc::new(RedbStorage::open_existing(folder, &retention, verify)?), &retention)
    }

    /// Over any storage.
    ///
    /// # Errors
    /// [`StorageError`] if it cannot be read or has another format.
    pub fn over(storage: Arc<dyn Storage>, retention: &Retention) -> Result<Self, StorageError> {
        let cache = Arc::new(PageCache::new(retention.node_cache_bytes));
        let recoveries = Arc::new(RwLock::new(Arc::default()));
        let database = Self { storage, cache, pages: Arc::default(), tables: Arc::default(), recoveries };
        let found: Option<u32> = database.read()?.meta(META_FORMAT)?;
        match found {
            Some(found) if found != FORMAT => Err(StorageError::Format { found, known: FORMAT }),
            _ => {
                let done = database.read()?.recoveries_done()?;
                database.set_recoveries(Loaded::from_disk(done)?);
                Ok(database)
            }
        }
    }

    /// What is stored now.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    pub fn read(&self) -> Result<Snapshot, StorageError> {
        Ok(Snapshot {
            read: self.storage.read()?,
            cache: Arc::clone(&self.cache),
            tables: Arc::clone(&self.tables),
            recoveries: Arc::clone(&self.recoveries.read().unwrap_or_else(PoisonError::into_inner)),
        })
    }

    /// From now on these are the recoveries that snapshots know.
    pub(super) fn set_recoveries(&self, recoveries: Vec<Loaded>) {
        *self.recoveries.write().unwrap_or_else(PoisonError::into_inner) = recoveries.into();
    }

    /// Writes all of the batch or nothing; returns once it is durable.
    ///
    /// # Errors
    /// As [`Storage::commit`].
    pub fn commit(&self, batch: Batch) -> Result<(), StorageError> {
        self.write(batch, |batch| self.storage.commit(batch))
    }

    /// Writes all of the batch or nothing; it is durable once a later [`Database::commit`] returned.
    ///
    /// # Errors
    /// As [`Storage::commit_later`].
    pub fn commit_later(&self, batch: Batch) -> Result<(), StorageError> {
        self.write(batch, |batch| self.storage.commit_later(batch))
    }

    fn write(
        &self,
        mut batch: Batch,
        write: impl FnOnce(&Batch) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        if batch.nodes.is_empty() {
            return write(&batch);
        }
        let _alone = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let pages = stage_pages(&mut batch, &*self.storage.read()?)?;
        write(&batch)?;
        for (number, page) in pages {
            match page {
                Some(page) => self.cache.put(number, page),
                None => self.cache.remove(number),
            }
        }
        Ok(())
    }
}
