//! A disk that forgets what was not synced, under the real storage.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::StorageBackend;

use super::random::Random;
use crate::{
    storage::{Contents, Database, RedbStorage, Segments},
    tests::harness::retention,
};

/// The bytes, which outlive the process that writes them.
#[derive(Clone, Debug, Default)]
pub(in crate::tests) struct Disk(Arc<Mutex<Bytes>>);

#[derive(Debug, Default)]
struct Bytes {
    now: Vec<u8>,
    /// What each write since the last sync covered, oldest first.
    unsynced: Vec<Undo>,
    segments: BTreeMap<u64, Vec<u8>>,
    /// What is not synced of a segment, by its length before.
    torn: Option<(u64, usize)>,
    /// Segments that are removed, which no sync makes sure of.
    removed: BTreeMap<u64, Vec<u8>>,
    /// The process is dead: nothing it still does arrives.
    dead: bool,
    /// Dies at the sync after so many more.
    syncs_left: Option<u64>,
    /// Has room for so many more writes; the process lives on when there is none.
    room: Option<u64>,
    /// A write found no room.
    refused: bool,
}

#[derive(Debug)]
enum Undo {
    Write { offset: usize, before: Vec<u8> },
    Length(Vec<u8>),
}

impl Disk {
    fn bytes(&self) -> MutexGuard<'_, Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database on it, as a process that starts finds it.
    pub(in crate::tests) fn open(&self) -> Database {
        {
            let mut bytes = self.bytes();
            (bytes.dead, bytes.syncs_left) = (false, None);
        }
        let storage = RedbStorage::over(self.clone(), Arc::new(self.clone()), &retention()).unwrap();
        Database::over(Arc::new(storage), &retention()).unwrap()
    }

    /// From now on nothing is written: call it before the process is dropped.
    pub(in crate::tests) fn kill(&self) {
        self.bytes().dead = true;
    }

    /// The process dies while it syncs, after so many more syncs.
    pub(in crate::tests) fn kill_after(&self, syncs: u64) {
        self.bytes().syncs_left = Some(syncs);
    }

    /// The disk is full after so many more writes. What is there can be read and synced.
    pub(in crate::tests) fn full_after(&self, writes: u64) {
        self.bytes().room = Some(writes);
    }

    /// Whether a write found no room since [`Disk::full_after`].
    pub(in crate::tests) fn has_refused(&self) -> bool {
        self.bytes().refused
    }

    /// Somebody deleted something else.
    pub(in crate::tests) fn make_room(&self) {
        self.bytes().room = None;
    }

    /// The machine lost power: of what was not synced any part may be there or not. Without, the system writes it out.
    pub(in crate::tests) fn lose_unsynced(&self, random: &mut Random) {
        let mut bytes = self.bytes();
        while let Some(undo) = bytes.unsynced.pop() {
            match undo {
                Undo::Length(tail) => {
                    let length = bytes.now.len().max(tail.len());
                    bytes.now.resize(length, 0);
                    let start = length - tail.len();
                    bytes.now[start..].copy_from_slice(&tail);
                }
                // One write in four arrived, so writes arrive in any order.
                Undo::Write { .. } if random.chance(250) => {}
                Undo::Write { offset, before } => {
                    let end = (offset + before.len()).min(bytes.now.len());
                    if let Some(place) = bytes.now.get_mut(offset..end) {
                        place.copy_from_slice(&before[..end - offset]);
                    }
                }
            }
        }
        if let Some((number, synced)) = bytes.torn.take()
            && let Some(segment) = bytes.segments.get_mut(&number)
        {
            // The rest is missing, or is zeros.
            let arrived = synced + random.below((segment.len() - synced) as u64 + 1) as usize;
            if random.chance(500) {
                segment.truncate(arrived);
            } else {
                segment[arrived..].fill(0);
            }
        }
        let removed = std::mem::take(&mut bytes.removed);
        bytes.segments.extend(removed.into_iter().filter(|_| random.chance(500)));
    }

    /// A copy of the folder as it is now: of a node that is stopped.
    pub(in crate::tests) fn backup(&self) -> Self {
        let bytes = self.bytes();
        let (now, segments) = (bytes.now.clone(), bytes.segments.clone());
        let copy = Bytes { now, segments, ..Bytes::default() };
        Self(Arc::new(Mutex::new(copy)))
    }
}

impl Bytes {
    /// The process may die instead of going on after a sync.
    fn live(&mut self) -> io::Result<()> {
        if let Some(left) = self.syncs_left.filter(|_| !self.dead) {
            self.syncs_left = left.checked_sub(1);
            self.dead = self.syncs_left.is_none();
        }
        if self.dead { Err(gone()) } else { Ok(()) }
    }

    /// One more write, if there is room for it.
    fn take_room(&mut self) -> io::Result<()> {
        match &mut self.room {
            Some(0) => {
                self.refused = true;
                Err(rustix::io::Errno::NOSPC.into())
            }
            Some(room) => {
                *room -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the process is dead")
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.bytes();
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let stored = bytes.now.get(start..start + out.len());
        out.copy_from_slice(stored.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut bytes = self.bytes();
        if bytes.dead {
            return Err(gone());
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        if length > bytes.now.len() {
            bytes.take_room()?;
        }
        let tail = bytes.now.get(length..).map(<[u8]>::to_vec).unwrap_or_default();
        if !tail.is_empty() {
            bytes.unsynced.push(Undo::Length(tail));
        }
        bytes.now.resize(length, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut bytes = self.bytes();
        bytes.live()?;
        bytes.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut bytes = self.bytes();
        if bytes.dead {
            return Err(gone());
        }
        bytes.take_room()?;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let place = bytes.now.get_mut(start..start + data.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        let before = place.to_vec();
        place.copy_from_slice(data);
        bytes.unsynced.push(Undo::Write { offset: start, before });
        Ok(())
    }
}

/// What is written to a segment, as long as there is room.
struct Appending<'a> {
    number: u64,
    bytes: &'a mut Bytes,
}

impl io::Write for Appending<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.bytes.take_room()?;
        self.bytes.segments.entry(self.number).or_default().extend_from_slice(written);
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Segments for Disk {
    fn numbers(&self) -> io::Result<Vec<u64>> {
        Ok(self.bytes().segments.keys().copied().collect())
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        self.bytes().segments.get(&number).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn append(&self, number: u64, contents: Contents<'_>) -> io::Result<()> {
        let mut bytes = self.bytes();
        if bytes.dead {
            return Err(gone());
        }
        let synced = bytes.segments.entry(number).or_default().len();
        bytes.torn = Some((number, synced));
        contents(&mut Appending { number, bytes: &mut bytes })?;
        bytes.live()?;
        bytes.torn = None;
        Ok(())
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        let mut bytes = self.bytes();
        if bytes.dead {
            return Err(gone());
        }
        let removed = bytes.segments.remove(&number).ok_or(io::ErrorKind::NotFound)?;
        bytes.removed.insert(number, removed);
        Ok(())
    }
}
