use std::{path::Path, sync::Arc};

use light_client::data_format::codec;
use rayon::prelude::*;
use redb::{
    Database, DatabaseError, ReadOnlyTable, ReadTransaction, ReadableDatabase, TableDefinition, TableError,
    WriteTransaction, backends::InMemoryBackend,
};

use super::{
    Change, Entry, Read, Retention, Segments, Space, Storage, StorageError,
    keys::{FORMAT, META_FORMAT},
    segments::{FOLDER, FolderSegments, MemorySegments},
};

/// The file inside the data folder.
const FILE: &str = "chain.redb";

/// So many changes are made on all cores; fewer do not wait for one to be free.
const MANY: usize = 4_096;

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type Opened = ReadOnlyTable<&'static [u8], &'static [u8]>;

const fn definition(space: Space) -> Definition {
    TableDefinition::new(space.name())
}

/// A redb file, or a redb in memory.
pub struct RedbStorage {
    database: Database,
    segments: Arc<dyn Segments>,
}

impl RedbStorage {
    /// Whether there is a file in `folder`.
    pub fn exists(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// Opens the file in `folder`, which is made if it does not exist. The file stays locked until this is
    /// dropped. A file that a killed process left behind is repaired at once.
    ///
    /// # Errors
    /// [`StorageError::InUse`], [`StorageError::Damaged`] if a page is not what was written, or why the folder cannot be used.
    pub fn open(folder: &Path, retention: &Retention) -> Result<Self, StorageError> {
        std::fs::create_dir_all(folder).map_err(|error| {
            StorageError::failed(format!("cannot make the folder {}", folder.display()), error)
        })?;
        let path = folder.join(FILE);
        let opened = Database::builder().set_cache_size(retention.page_cache_bytes).create(&path);
        let database = opened.map_err(|error| not_opened(folder, &path, error))?;
        Self::in_folder(database, folder)
    }

    /// Opens the file in `folder`, which must be there. With `verify`, the checksums of all pages are compared first.
    ///
    /// # Errors
    /// As [`RedbStorage::open`].
    pub fn open_existing(folder: &Path, retention: &Retention, verify: bool) -> Result<Self, StorageError> {
        let path = folder.join(FILE);
        let mut builder = Database::builder();
        builder.set_cache_size(retention.page_cache_bytes).set_check_integrity_on_open(verify);
        let database = builder.open(&path).map_err(|error| not_opened(folder, &path, error))?;
        Self::in_folder(database, folder)
    }

    /// A database that is gone when dropped.
    ///
    /// # Errors
    /// Never in practice; redb's signature allows it.
    pub fn in_memory(retention: &Retention) -> Result<Self, StorageError> {
        let database = Database::builder()
            .set_cache_size(retention.page_cache_bytes)
            .create_with_backend(InMemoryBackend::new())
            .map_err(|error| StorageError::failed("cannot make a database in memory", error))?;
        Self::with(database, Arc::new(MemorySegments::default()))
    }

    /// A database whose bytes are kept by somebody else: a disk that a test can pull out.
    #[cfg(test)]
    pub(crate) fn over(
        backend: impl redb::StorageBackend,
        segments: Arc<dyn Segments>,
        retention: &Retention,
    ) -> Result<Self, StorageError> {
        let database = Database::builder()
            .set_cache_size(retention.page_cache_bytes)
            .create_with_backend(backend)
            .map_err(|error| StorageError::failed("cannot open the database", error))?;
        Self::with(database, segments)
    }

    fn in_folder(database: Database, folder: &Path) -> Result<Self, StorageError> {
        // What another version wrote is left as it is.
        if let Some(found) = format_of(&database)?.filter(|found| *found != FORMAT) {
            return Err(StorageError::Format { found, known: FORMAT });
        }
        let log = folder.join(FOLDER);
        let failed = |error| StorageError::failed(format!("cannot make the folder {}", log.display()), error);
        Self::with(database, Arc::new(FolderSegments::open(log.clone()).map_err(failed)?))
    }

    fn with(database: Database, segments: Arc<dyn Segments>) -> Result<Self, StorageError> {
        let storage = Self { database, segments };
        // Readers need every table to exist.
        storage.commit(&[])?;
        Ok(storage)
    }
}

impl Storage for RedbStorage {
    fn read(&self) -> Result<Box<dyn Read>, StorageError> {
        let failed = |error: &dyn std::fmt::Display| StorageError::failed("cannot read the database", error);
        let transaction: ReadTransaction = self.database.begin_read().map_err(|error| failed(&error))?;
        let mut tables = Vec::with_capacity(Space::ALL.len());
        for space in Space::ALL {
            tables.push(transaction.open_table(definition(space)).map_err(|error| failed(&error))?);
        }
        Ok(Box::new(RedbRead { tables }))
    }

    fn commit(&self, changes: &[Change<'_>]) -> Result<(), StorageError> {
        let written = self.write(changes);
        written.map_err(|error| StorageError::failed("cannot write to the database", error))
    }

    fn segments(&self) -> Arc<dyn Segments> {
        Arc::clone(&self.segments)
    }
}

impl RedbStorage {
    /// Bytes of the pages that hold something; the file may be longer.
    ///
    /// # Errors
    /// [`StorageError`] when the database cannot be read.
    pub(crate) fn bytes_in_use(&self) -> Result<u64, StorageError> {
        let counted = || {
            let transaction = self.database.begin_write()?;
            let figures = transaction.stats()?;
            transaction.abort()?;
            Ok::<_, redb::Error>(figures.allocated_pages().saturating_mul(figures.page_size() as u64))
        };
        counted().map_err(|error| StorageError::failed("cannot count the pages of the database", error))
    }

    fn write(&self, changes: &[Change<'_>]) -> Result<(), redb::Error> {
        let mut transaction = self.database.begin_write()?;
        // Opening after a kill is instant, at the price of a second sync.
        transaction.set_quick_repair(true);
        if changes.is_empty() {
            // That makes those that are not there.
            for space in Space::ALL {
                transaction.open_table(definition(space))?;
            }
        }
        // In the order of their keys, so that each page of the tree is changed once; of one key the last stays the last.
        let mut changes = changes.to_vec();
        changes.sort_by(|a, b| (a.space, a.key).cmp(&(b.space, b.key)));
        let spaces: Vec<&[Change<'_>]> = changes.chunk_by(|a, b| a.space == b.space).collect();
        let change = |changes| change_space(&transaction, changes);
        if changes.len() < MANY {
            spaces.into_iter().try_for_each(change)?;
        } else {
            spaces.into_par_iter().try_for_each(change)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// The format that a database says it has.
fn format_of(database: &Database) -> Result<Option<u32>, StorageError> {
    let failed = |error: &dyn std::fmt::Display| StorageError::failed("cannot read the database", error);
    let transaction = database.begin_read().map_err(|error| failed(&error))?;
    let table = match transaction.open_table(definition(Space::Meta)) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(TableError::Storage(error)) => return Err(failed_read(Space::Meta, error)),
        Err(error) => return Err(failed(&error)),
    };
    let found = table.get(META_FORMAT).map_err(|error| failed_read(Space::Meta, error))?;
    Ok(found.and_then(|found| codec::decode(found.value(), size_of::<u32>()).ok()))
}

/// Makes changes of one space.
fn change_space(transaction: &WriteTransaction, changes: &[Change<'_>]) -> Result<(), redb::Error> {
    let Some(Change { space, .. }) = changes.first() else { return Ok(()) };
    let mut table = transaction.open_table(definition(*space))?;
    for change in changes {
        match change.value {
            Some(value) => table.insert(change.key, value)?,
            None => table.remove(change.key)?,
        };
    }
    Ok(())
}

struct RedbRead {
    /// In the order of [`Space::ALL`].
    tables: Vec<Opened>,
}

impl RedbRead {
    fn table(&self, space: Space) -> &Opened {
        &self.tables[space as usize]
    }
}

impl Read for RedbRead {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let value = self.table(space).get(key).map_err(|error| failed_read(space, error))?;
        Ok(value.map(|value| value.value().to_vec()))
    }

    fn range(&self, space: Space, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        let range = self.table(space).range(from..to).map_err(|error| failed_read(space, error))?;
        range
            .take(limit)
            .map(|entry| {
                let (key, value) = entry.map_err(|error| failed_read(space, error))?;
                Ok((key.value().to_vec(), value.value().to_vec()))
            })
            .collect()
    }
}

fn not_opened(folder: &Path, file: &Path, error: DatabaseError) -> StorageError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StorageError::InUse(folder.to_owned()),
        DatabaseError::Storage(redb::StorageError::Corrupted(cause)) => {
            StorageError::damaged(format!("the file {}", file.display()), cause)
        }
        error => StorageError::failed(format!("cannot open {}", file.display()), error),
    }
}

fn failed_read(space: Space, error: redb::StorageError) -> StorageError {
    match error {
        redb::StorageError::Corrupted(cause) => StorageError::damaged(space.name(), cause),
        error => StorageError::failed(format!("cannot read {space}"), error),
    }
}
