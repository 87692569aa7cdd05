//! Where the [log](super::log) is kept.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Writes what is to be added to a segment.
pub type Contents<'a> = &'a mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>;

/// Rows of bytes that have numbers and only grow.
pub trait Segments: Send + Sync {
    /// The numbers of those that are there, in order.
    ///
    /// # Errors
    /// When the disk cannot be read.
    fn numbers(&self) -> io::Result<Vec<u64>>;

    /// A segment.
    ///
    /// # Errors
    /// When it is not there or the disk cannot be read.
    fn read(&self, number: u64) -> io::Result<Vec<u8>>;

    /// Adds what is written to a segment, which is made if it is not there; it is durable when this returns.
    ///
    /// # Errors
    /// When it cannot be written or the disk fails: then any part of it may be there, or may come to be.
    fn append(&self, number: u64, contents: Contents<'_>) -> io::Result<()>;

    /// Removes a segment. After a power cut it may be there again.
    ///
    /// # Errors
    /// When it is not there or the disk fails.
    fn remove(&self, number: u64) -> io::Result<()>;
}

/// One file for each segment, in a folder of their own.
pub(super) struct FolderSegments {
    folder: PathBuf,
    /// To make what is new in the folder durable, without a file to be opened for it. Elsewhere than on Unix folders cannot be
    /// opened, and need not be.
    handle: Option<File>,
    /// The one that was added to last.
    open: Mutex<Option<(u64, File)>>,
}

impl FolderSegments {
    /// In this folder, which is made.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let open = |folder: &Path| cfg!(unix).then(|| File::open(folder)).transpose();
        // What is new is there after a power cut once what it is in is on disk.
        if let Some(outer) = folder.parent().map(open).transpose()?.flatten() {
            outer.sync_all()?;
        }
        Ok(Self { handle: open(&folder)?, folder, open: Mutex::default() })
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(number.to_string())
    }

    fn last(&self) -> MutexGuard<'_, Option<(u64, File)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Segments for FolderSegments {
    fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        fs::read(self.path(number))
    }

    fn append(&self, number: u64, contents: Contents<'_>) -> io::Result<()> {
        let mut last = self.last();
        let (file, is_new) = match last.take().filter(|(open, _)| *open == number) {
            Some((_, file)) => (file, false),
            None => (OpenOptions::new().append(true).create(true).open(self.path(number))?, true),
        };
        let (_, file) = last.insert((number, file));
        contents(file)?;
        file.sync_data()?;
        match &self.handle {
            Some(folder) if is_new => folder.sync_all(),
            _ => Ok(()),
        }
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.path(number))
    }
}

/// Segments of a database in memory.
#[derive(Default)]
pub(crate) struct MemorySegments(Mutex<BTreeMap<u64, Vec<u8>>>);

impl MemorySegments {
    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for MemorySegments {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.all().clone()))
    }
}

impl Segments for MemorySegments {
    fn numbers(&self) -> io::Result<Vec<u64>> {
        Ok(self.all().keys().copied().collect())
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        self.all().get(&number).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn append(&self, number: u64, contents: Contents<'_>) -> io::Result<()> {
        contents(self.all().entry(number).or_default())
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.all().remove(&number).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
