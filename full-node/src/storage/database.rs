use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use super::{
    Batch, Change, Read, RedbStorage, Retention, Snapshot, Storage, StorageError,
    cache::PageCache,
    keys::{FORMAT, META_FORMAT},
    nodes::stage_pages,
    pending::Pending,
    recoveries::Loaded,
    tables::TableCache,
};

/// A storage with types. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    storage: Arc<dyn Storage>,
    cache: Arc<PageCache>,
    /// Held by who writes.
    writing: Arc<Mutex<()>>,
    /// Held by who writes to the disk; whoever needs both takes this one second.
    disk: Arc<Mutex<()>>,
    /// What is written and not on disk yet.
    pending: Arc<RwLock<Pending>>,
    tables: Arc<TableCache>,
    recoveries: Arc<RwLock<Arc<[Loaded]>>>,
    /// Whether this is a [draft](Database::draft).
    is_draft: bool,
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
        let database = Self {
            storage,
            cache,
            writing: Arc::default(),
            disk: Arc::default(),
            pending: Arc::default(),
            tables: Arc::default(),
            recoveries,
            is_draft: false,
        };
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
            read: self.reader()?,
            cache: Arc::clone(&self.cache),
            tables: Arc::clone(&self.tables),
            recoveries: Arc::clone(&self.recoveries.read().unwrap_or_else(PoisonError::into_inner)),
        })
    }

    /// From now on these are the recoveries that snapshots know.
    pub(super) fn set_recoveries(&self, recoveries: Vec<Loaded>) {
        *self.recoveries.write().unwrap_or_else(PoisonError::into_inner) = recoveries.into();
    }

    /// Writes all of the batch or nothing; returns once it is durable, with everything that was written before.
    ///
    /// # Errors
    /// As [`Storage::commit`].
    pub fn commit(&self, batch: Batch) -> Result<(), StorageError> {
        self.write(batch, true)
    }

    /// Writes all of the batch or nothing, so that readers see it, and leaves it to a later [`Database::commit`] to make it
    /// durable: a kill before that loses it, and everything written after it, wholly. For what can be had again.
    ///
    /// # Errors
    /// As [`Storage::commit`]: what waits is bounded, so this may be the time to write it to disk.
    pub fn commit_later(&self, batch: Batch) -> Result<(), StorageError> {
        self.write(batch, false)
    }

    /// A database with what this one has now. What is written to it stays in memory, whole and however much it is, and nobody
    /// who reads this one sees it before [`Database::adopt`].
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    pub fn draft(&self) -> Result<Self, StorageError> {
        let pending = self.pending.read().unwrap_or_else(PoisonError::into_inner).draft();
        let pending = pending.map_or_else(|| Ok(Pending::over(self.storage.read()?)), Ok)?;
        Ok(Self {
            writing: Arc::default(),
            pending: Arc::new(RwLock::new(pending)),
            is_draft: true,
            ..self.clone()
        })
    }

    /// Writes what was written to a draft of this database, all of it or nothing, as [`Database::commit_later`] does. What was
    /// written here since the draft was made must be of other keys.
    ///
    /// # Errors
    /// As [`Database::commit_later`].
    pub fn adopt(&self, draft: &Self) -> Result<(), StorageError> {
        let drafted = draft.pending.read().unwrap_or_else(PoisonError::into_inner).drafted();
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.add(|pending| pending.adopt(drafted))
    }

    fn write(&self, batch: Batch, durable: bool) -> Result<(), StorageError> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if durable && !self.is_draft { self.flush(batch) } else { self.add(|pending| pending.add(batch)) }
    }

    fn reader(&self) -> Result<Box<dyn Read>, StorageError> {
        let pending = self.pending.read().unwrap_or_else(PoisonError::into_inner).reader();
        pending.map_or_else(|| self.storage.read(), Ok)
    }

    /// Whether much waits: it is worth its write.
    pub fn much_waits(&self) -> bool {
        self.pending.read().unwrap_or_else(PoisonError::into_inner).is_half_full()
    }

    /// Writes to disk what waits now. Others may write on meanwhile, which is not written with it.
    ///
    /// # Errors
    /// As [`Storage::commit`]; then it goes on waiting.
    pub fn write_waiting(&self) -> Result<(), StorageError> {
        self.flush(Batch::default())
    }

    /// To disk, after everything that waits.
    fn flush(&self, batch: Batch) -> Result<(), StorageError> {
        let _alone = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.pending.read().unwrap_or_else(PoisonError::into_inner).waiting();
        let mut nodes = waiting.nodes();
        nodes.extend(batch.nodes.iter().cloned());
        let mut paged = Batch::default();
        let pages = if nodes.is_empty() {
            Vec::new()
        } else {
            stage_pages(&mut paged, nodes, &*self.storage.read()?)?
        };
        let changes: Vec<Change<'_>> =
            waiting.changes().chain(batch.changes()).chain(paged.changes()).collect();
        self.storage.commit(&changes)?;
        let base = self.storage.read()?;
        self.pending.write().unwrap_or_else(PoisonError::into_inner).written(&waiting, base);
        for (number, page) in pages {
            match page {
                Some(page) => self.cache.put(number, page),
                None => self.cache.remove(number),
            }
        }
        Ok(())
    }

    /// Into memory, after what waits there went to disk if that is enough.
    fn add(&self, add: impl FnOnce(&mut Pending)) -> Result<(), StorageError> {
        if !self.is_draft && self.pending.read().unwrap_or_else(PoisonError::into_inner).is_full() {
            self.flush(Batch::default())?;
        }
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        if pending.is_empty() {
            *pending = Pending::over(self.storage.read()?);
        }
        add(&mut pending);
        Ok(())
    }
}
