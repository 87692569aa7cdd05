use std::{
    fs, io,
    path::{Path, PathBuf},
};

use light_client::{client::StateStore, data_format::ChainId};
use redb::{
    Database, DatabaseError, Durability, ReadableDatabase as _, StorageError, TableDefinition, TableError,
};

/// The file inside the data folder.
const FILE: &str = "light.redb";
/// What a damaged file is renamed to; an older one of that name goes.
const ASIDE: &str = "light.redb.damaged";
/// States are small; the default would be a gigabyte.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

const STATES: TableDefinition<'static, &'static [u8; 32], &'static [u8]> = TableDefinition::new("states");

/// A file in a folder, locked as long as this lives. States are on the disk when they are saved.
#[derive(Debug)]
pub struct RedbStateStore {
    database: Database,
}

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RedbStateStoreError {
    /// Another process has it.
    #[error("the folder {0} is in use by another process")]
    InUse(PathBuf),
    /// The folder or the file cannot be used.
    #[error("{path} cannot be used: {cause}")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The disk failed while the store was open.
    #[error("the store cannot be {action}: {cause}")]
    Failed {
        /// `read` or `written`.
        action: &'static str,
        /// Why.
        cause: Box<redb::Error>,
    },
}

impl RedbStateStore {
    /// Opens the file in a folder; both are made if they do not exist. A file that is damaged is put aside under the
    /// name given back, and a new one is made: what was in it is proven again.
    ///
    /// # Errors
    /// [`RedbStateStoreError::InUse`] or [`RedbStateStoreError::Unusable`].
    pub fn open(folder: &Path) -> Result<(Self, Option<PathBuf>), RedbStateStoreError> {
        let unusable = |path: &Path, cause| RedbStateStoreError::Unusable { path: path.to_owned(), cause };
        fs::create_dir_all(folder).map_err(|cause| unusable(folder, cause))?;
        let path = folder.join(FILE);
        match create(&path) {
            Ok(database) => Ok((Self { database }, None)),
            Err(DatabaseError::DatabaseAlreadyOpen) => Err(RedbStateStoreError::InUse(folder.to_owned())),
            Err(error) if is_damage(&error) => {
                let aside = folder.join(ASIDE);
                fs::rename(&path, &aside).map_err(|cause| unusable(&path, cause))?;
                let database = create(&path).map_err(|error| unusable(&path, io::Error::other(error)))?;
                Ok((Self { database }, Some(aside)))
            }
            Err(DatabaseError::Storage(StorageError::Io(cause))) => Err(unusable(&path, cause)),
            Err(error) => Err(unusable(&path, io::Error::other(error))),
        }
    }

    fn read(&self, chain: &ChainId) -> Result<Option<Vec<u8>>, redb::Error> {
        let table = match self.database.begin_read()?.open_table(STATES) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(table.get(chain.as_bytes())?.map(|state| state.value().to_vec()))
    }

    fn write(&self, chain: &ChainId, state: &[u8]) -> Result<(), redb::Error> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.open_table(STATES)?.insert(chain.as_bytes(), state)?;
        Ok(transaction.commit()?)
    }
}

impl StateStore for RedbStateStore {
    type Error = RedbStateStoreError;

    fn load(&self, chain: &ChainId) -> Result<Option<Vec<u8>>, RedbStateStoreError> {
        let failed = |cause| RedbStateStoreError::Failed { action: "read", cause: Box::new(cause) };
        self.read(chain).map_err(failed)
    }

    fn save(&mut self, chain: &ChainId, state: &[u8]) -> Result<(), RedbStateStoreError> {
        let failed = |cause| RedbStateStoreError::Failed { action: "written", cause: Box::new(cause) };
        self.write(chain, state).map_err(failed)
    }
}

/// Every page's checksum is compared: the file is small, and a damaged one must not be found later.
fn create(path: &Path) -> Result<Database, DatabaseError> {
    Database::builder().set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true).create(path)
}

/// Whether the bytes of the file are at fault, not the disk or the permissions.
fn is_damage(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::Storage(StorageError::Corrupted(_)) | DatabaseError::UpgradeRequired(_) => true,
        DatabaseError::Storage(StorageError::Io(cause)) => {
            matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use light_client::{crypto::Hash, test_support::state_store::conformance};

    use super::*;

    const CHAIN: ChainId = Hash([1; 32]);

    fn open(folder: &Path) -> RedbStateStore {
        RedbStateStore::open(folder).unwrap().0
    }

    #[test]
    fn the_store_in_a_file_conforms() {
        let folder = tempfile::tempdir().unwrap();
        let reopen = |store| {
            drop(store);
            open(folder.path())
        };
        conformance(open(folder.path()), reopen).unwrap();
    }

    #[test]
    fn two_processes_do_not_share_a_store() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path());
        assert!(matches!(RedbStateStore::open(folder.path()), Err(RedbStateStoreError::InUse(_))));
        drop(first);
        open(folder.path());
    }

    #[test]
    fn a_damaged_file_is_put_aside_and_a_new_one_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        open(folder.path()).save(&CHAIN, &[7; 10_000]).unwrap();
        let whole = fs::read(&path).unwrap();
        let garbage = b"this was never a database".repeat(1_000);
        let (mut flipped, mut overwritten) = (whole.clone(), whole.clone());
        let state = whole.windows(100).position(|bytes| bytes == [7; 100]).unwrap();
        flipped[state + 50] ^= 1;
        overwritten[..64].fill(0xff);
        for (what, bytes) in [
            ("text", &garbage[..]),
            ("a flipped bit", &flipped),
            ("a lost beginning", &overwritten),
            ("a lost end", &whole[..whole.len() / 2]),
        ] {
            fs::write(&path, bytes).unwrap();
            let (mut store, aside) = RedbStateStore::open(folder.path()).unwrap();
            assert_eq!(aside.map(|aside| fs::read(aside).unwrap().len()), Some(bytes.len()), "{what}");
            assert_eq!(store.load(&CHAIN).unwrap(), None, "{what}");
            store.save(&CHAIN, b"new").unwrap();
            drop(store);
            assert_eq!(open(folder.path()).load(&CHAIN).unwrap(), Some(b"new".to_vec()), "{what}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = RedbStateStore::open(&file.join("inside")).unwrap_err();
        assert!(matches!(error, RedbStateStoreError::Unusable { .. }), "{error}");
        assert!(error.to_string().contains("inside"), "{error}");
    }
}
