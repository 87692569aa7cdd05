use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
};

use light_client::{data_format::codec, state::NodeId};

use super::{
    Batch, Change, Read, RedbStorage, Retention, Snapshot, Space, Storage, StorageError,
    cache::PageCache,
    keys::{FORMAT, META_FORMAT, META_LOG, META_LOGGED},
    log::Log,
    log_record::{self, Record},
    nodes::{nodes_from, stage_pages},
    pending::{BOUND, MUCH, Pending, Waiting},
    recoveries::Loaded,
    tables::TableCache,
};

/// A storage with types. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    storage: Arc<dyn Storage>,
    /// Where what has to be durable goes first.
    log: Arc<Log>,
    cache: Arc<PageCache>,
    /// Held by who writes.
    writing: Arc<Mutex<()>>,
    /// Held by who writes to the tables. Of locks, whoever needs several takes `writing`, this, the end of the log and `pending` in
    /// this order.
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
        // Which one it is, the tables say.
        let log = Log::at(storage.segments(), Default::default(), 0);
        let mut database = Self {
            storage,
            log: Arc::new(log),
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
                database.open_log()?;
                let done = database.read()?.recoveries_done()?;
                database.set_recoveries(Loaded::from_disk(done)?);
                Ok(database)
            }
        }
    }

    /// Puts into the tables what is in the log alone, and has the log go on.
    fn open_log(&mut self) -> Result<(), StorageError> {
        let snapshot = self.read()?;
        let (id, logged) = (snapshot.meta(META_LOG)?, snapshot.meta(META_LOGGED)?.unwrap_or(0));
        drop(snapshot);
        let Some(id) = id else {
            self.log = Arc::new(Log::found(self.storage.segments())?);
            let mut begun = Batch::default();
            begun.put(Space::Meta, META_FORMAT, codec::encode(&FORMAT));
            begun.put(Space::Meta, META_LOG, *self.log.id());
            return self.storage.commit(&begun.changes());
        };
        let log = |number| Arc::new(Log::at(self.storage.segments(), id, number));
        let found = log(0).after(logged, |number, record| {
            let batch = log_record::decode(record)?;
            self.put(|pending| pending.add_found(batch))?;
            if self.pending().bytes() > BOUND {
                // Of this segment the tables have a part then, which does no harm when it is found again.
                self.write_tables(&self.take(), number - 1)?;
            }
            Ok(())
        })?;
        // Nothing is added to what may be torn. What was only begun is gone on with: starts that fail leave no more and more.
        let newest = found.newest + u64::from(!found.is_new);
        self.log = log(newest);
        if newest == logged + 1 {
            return self.log.remove(logged);
        }
        if found.is_new {
            self.log.sync()?;
        } else {
            self.log.begin(newest)?;
        }
        tracing::info!(records = found.records, "putting into the tables what only the log has");
        self.flush(&self.disk())
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
        let pending = self.pending().draft();
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
        let drafted = draft.pending().drafted();
        let _alone = self.writing();
        self.make_room()?;
        self.put(|pending| pending.adopt(drafted))
    }

    fn write(&self, batch: Batch, durable: bool) -> Result<(), StorageError> {
        let _alone = self.writing();
        self.make_room()?;
        if !durable || self.is_draft {
            return self.put(|pending| pending.add(batch));
        }
        if batch.is_large() {
            self.put(|pending| pending.add(batch))?;
            return self.flush(&self.disk());
        }
        let mut end = self.log.end();
        let unlogged = self.pending().unlogged();
        if unlogged.is_empty() && batch.is_empty() {
            return Ok(());
        }
        let record = Record::new(&unlogged, &batch);
        let length = record.length().map_err(|error| StorageError::failed("cannot write a record", error))?;
        self.log.append(&mut end, length, |out| record.write(out))?;
        // What is in the log and waits nowhere must not be taken for what is in the tables.
        self.put(|pending| pending.add_logged(batch)).inspect_err(|error| end.give_up(error))
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disk(&self) -> MutexGuard<'_, ()> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pending(&self) -> RwLockReadGuard<'_, Pending> {
        self.pending.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> Result<Box<dyn Read>, StorageError> {
        let pending = self.pending().reader();
        pending.map_or_else(|| self.storage.read(), Ok)
    }

    /// Whether much waits that is not on its way into the tables yet: it is worth its write.
    pub fn much_waits(&self) -> bool {
        let logged = self.log.end().length();
        logged > MUCH || self.pending().bytes_to_take() > MUCH
    }

    /// Puts into the tables what waits now. Others may write on meanwhile, which is not written with it.
    ///
    /// # Errors
    /// As [`Storage::commit`]; if it is not in the tables then, nothing more can be made durable.
    pub fn write_waiting(&self) -> Result<(), StorageError> {
        if self.pending().is_empty() { Ok(()) } else { self.flush(&self.disk()) }
    }

    /// Removes the state nodes with this id and higher ones, for good: the ids may be given again.
    ///
    /// # Errors
    /// As [`Database::write_waiting`].
    pub fn remove_nodes_from(&self, first: NodeId) -> Result<(), StorageError> {
        self.write_waiting()?;
        loop {
            let mut batch = Batch::default();
            batch.remove_nodes(nodes_from(&*self.storage.read()?, first)?);
            if batch.is_empty() {
                return Ok(());
            }
            self.commit_later(batch)?;
            self.write_waiting()?;
        }
    }

    /// What waits into the tables, with the news that the log up to now is there.
    fn flush(&self, _alone: &MutexGuard<'_, ()>) -> Result<(), StorageError> {
        let (waiting, logged) = {
            // Nothing is logged between the two.
            let mut end = self.log.end();
            let logged = self.log.rotate(&mut end)?;
            (self.take(), logged)
        };
        self.write_tables(&waiting, logged).inspect_err(|error| self.log.end().give_up(error))?;
        self.log.remove(logged)
    }

    fn take(&self) -> Waiting {
        self.pending.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Makes these changes, with the news that the tables have the log up to this segment.
    fn write_tables(&self, waiting: &Waiting, logged: u64) -> Result<(), StorageError> {
        let mut batch = Batch::default();
        let pages = stage_pages(&mut batch, waiting.nodes(), &*self.storage.read()?)?;
        batch.put(Space::Meta, META_LOGGED, codec::encode(&logged));
        let changes: Vec<Change<'_>> = waiting.changes().chain(batch.changes()).collect();
        self.storage.commit(&changes)?;
        let base = self.storage.read()?;
        self.pending.write().unwrap_or_else(PoisonError::into_inner).written(base);
        for (number, page) in pages {
            match page {
                Some(page) => self.cache.put(number, page),
                None => self.cache.remove(number),
            }
        }
        Ok(())
    }

    /// Puts into the tables what waits, if nothing more should be added to it.
    fn make_room(&self) -> Result<(), StorageError> {
        if self.is_draft || !self.is_full() {
            return Ok(());
        }
        // What is on its way already may have been enough.
        let disk = self.disk();
        if self.is_full() { self.flush(&disk) } else { Ok(()) }
    }

    /// Whether nothing more should be added to what waits, or what of it is in no log would make that too long.
    pub(super) fn is_full(&self) -> bool {
        let logged = self.log.end().bytes();
        let pending = self.pending();
        pending.bytes() > BOUND || logged + pending.bytes_to_log() > BOUND
    }

    fn put(&self, add: impl FnOnce(&mut Pending)) -> Result<(), StorageError> {
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        if pending.is_empty() {
            *pending = Pending::over(self.storage.read()?);
        }
        add(&mut pending);
        Ok(())
    }
}
