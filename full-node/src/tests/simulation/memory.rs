//! A storage in memory for processes that end in an orderly way: everything that was written is there for the next one.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, PoisonError, RwLock},
};

use crate::storage::{Batch, Change, Entry, MemorySegments, Read, Segments, Space, Storage, StorageError};

/// What one key held, by the number of the commit that wrote it, oldest first; `None` where it was removed.
type Versions = Vec<(u64, Option<Arc<[u8]>>)>;

/// The store, which outlives the process that writes it.
#[derive(Clone, Default)]
pub(super) struct MemoryStorage {
    stored: Arc<RwLock<Stored>>,
    segments: Arc<MemorySegments>,
}

#[derive(Clone, Default)]
struct Stored {
    commits: u64,
    spaces: BTreeMap<Space, BTreeMap<Vec<u8>, Versions>>,
}

/// Everything up to a commit.
struct MemoryRead {
    storage: MemoryStorage,
    commits: u64,
}

impl MemoryStorage {
    /// A copy of what is there now.
    pub(super) fn backup(&self) -> Self {
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner).clone();
        let segments = (*self.segments).clone();
        Self { stored: Arc::new(RwLock::new(stored)), segments: Arc::new(segments) }
    }
}

fn at(versions: &Versions, commits: u64) -> Option<&Arc<[u8]>> {
    versions.iter().rev().find(|(written, _)| *written <= commits)?.1.as_ref()
}

impl Storage for MemoryStorage {
    fn read(&self) -> Result<Box<dyn Read>, StorageError> {
        let commits = self.stored.read().unwrap_or_else(PoisonError::into_inner).commits;
        Ok(Box::new(MemoryRead { storage: self.clone(), commits }))
    }

    fn commit(&self, changes: &[Change<'_>]) -> Result<(), StorageError> {
        let mut stored = self.stored.write().unwrap_or_else(PoisonError::into_inner);
        stored.commits += 1;
        let commits = stored.commits;
        for change in changes {
            let space = stored.spaces.entry(change.space).or_default();
            let value = change.value.map(Arc::from);
            match space.get_mut(change.key) {
                Some(versions) => versions.push((commits, value)),
                None => drop(space.insert(change.key.to_vec(), vec![(commits, value)])),
            }
        }
        Ok(())
    }

    fn segments(&self) -> Arc<dyn Segments> {
        self.segments.clone()
    }
}

impl Read for MemoryRead {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let stored = self.storage.stored.read().unwrap_or_else(PoisonError::into_inner);
        let versions = stored.spaces.get(&space).and_then(|space| space.get(key));
        Ok(versions.and_then(|versions| at(versions, self.commits)).map(|value| value.to_vec()))
    }

    fn range(&self, space: Space, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        let stored = self.storage.stored.read().unwrap_or_else(PoisonError::into_inner);
        let Some(space) = stored.spaces.get(&space).filter(|_| from < to) else { return Ok(Vec::new()) };
        let bounds: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Included(from), Bound::Excluded(to));
        let entries = space
            .range::<[u8], _>(bounds)
            .filter_map(|(key, versions)| Some((key.clone(), at(versions, self.commits)?.to_vec())));
        Ok(entries.take(limit).collect())
    }
}

#[test]
fn a_reader_sees_what_was_there_when_it_began() {
    let storage = MemoryStorage::default();
    let write = |key: u8, value: Option<u8>| {
        let mut batch = Batch::default();
        match value {
            Some(value) => batch.put(Space::Meta, [key], [value]),
            None => batch.remove(Space::Meta, [key]),
        }
        storage.commit(&batch.changes()).unwrap();
    };
    write(1, Some(1));
    write(2, Some(2));
    let before = storage.read().unwrap();
    write(1, None);
    write(2, Some(3));
    write(3, Some(4));
    let entries = |read: &dyn Read| read.range(Space::Meta, &[0], &[9], 10).unwrap();
    assert_eq!(entries(&*before), [(vec![1], vec![1]), (vec![2], vec![2])]);
    assert_eq!(before.get(Space::Meta, &[3]).unwrap(), None);
    let (after, copy) = (storage.read().unwrap(), storage.backup());
    write(2, None);
    assert_eq!(entries(&*after), [(vec![2], vec![3]), (vec![3], vec![4])]);
    assert_eq!(after.range(Space::Meta, &[0], &[9], 1).unwrap(), [(vec![2], vec![3])]);
    assert_eq!(entries(&*copy.read().unwrap()), entries(&*after));
    assert_eq!(after.get(Space::Headers, &[2]).unwrap(), None);
}
