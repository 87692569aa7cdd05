//! Where the [log](super::log) is kept.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The folder in the data folder that has the segments.
pub(super) const FOLDER: &str = "chain.wal";
/// The file that one is made in.
const NEW: &str = "new";

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
///
/// A process adds only to files that it made itself: whoever opened the folder before may have been another user, such as root,
/// and all that is needed of the folder is that files can be made in it.
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

    /// Makes the file of a segment, with what that has: nothing, or its beginning. After a failure, a kill or a power cut it is
    /// what it was before, or whole.
    fn make(&self, number: u64, contents: Contents<'_>) -> io::Result<File> {
        let (path, new) = (self.path(number), self.folder.join(NEW));
        let before = if_there(fs::read(&path))?.unwrap_or_default();
        if_there(fs::remove_file(&new))?;
        let mut file = OpenOptions::new().append(true).create_new(true).open(&new)?;
        if let Some(folder) = &self.handle {
            hand_over(&file, folder)?;
        }
        file.write_all(&before)?;
        contents(&mut file)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        if let Some(folder) = &self.handle {
            folder.sync_all()?;
        }
        Ok(file)
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
        let file = match last.take().filter(|(open, _)| *open == number) {
            Some((_, mut file)) => {
                contents(&mut file)?;
                file.sync_data()?;
                file
            }
            None => self.make(number, contents)?,
        };
        *last = Some((number, file));
        Ok(())
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.path(number))
    }
}

/// `None` for what is not there.
fn if_there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// Has what root makes in a folder belong to whom the folder belongs to: others might not be able to read it.
#[cfg(unix)]
fn hand_over(file: &File, folder: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let owner = folder.metadata()?;
    if file.metadata()?.uid() != owner.uid() {
        // Only root can.
        drop(fchown(file, Some(owner.uid()), Some(owner.gid())));
    }
    Ok(())
}

#[cfg(not(unix))]
fn hand_over(_: &File, _: &File) -> io::Result<()> {
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn append(segments: &FolderSegments, bytes: &[u8]) -> io::Result<()> {
        segments.append(1, &mut |file| file.write_all(bytes))
    }

    #[test]
    fn a_segment_that_is_begun_in_vain_is_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let open = || FolderSegments::open(folder.path().join(FOLDER)).unwrap();
        let fail = |segments: &FolderSegments| {
            let half = segments.append(1, &mut |file| {
                file.write_all(b"ha")?;
                Err(io::ErrorKind::StorageFull.into())
            });
            assert_eq!(half.unwrap_err().kind(), io::ErrorKind::StorageFull);
        };
        let segments = open();
        fail(&segments);
        assert!(segments.numbers().unwrap().is_empty());
        append(&segments, b"one").unwrap();
        let segments = open();
        fail(&segments);
        assert_eq!(segments.read(1).unwrap(), b"one");
        append(&segments, b"two").unwrap();
        append(&segments, b"three").unwrap();
        assert_eq!(segments.read(1).unwrap(), b"onetwothree");
        assert_eq!(fs::read_dir(folder.path().join(FOLDER)).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_segment_belongs_to_whom_its_folder_belongs_to() {
        use std::os::unix::fs::{MetadataExt, chown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FOLDER);
        let segments = FolderSegments::open(path.clone()).unwrap();
        // Only root can give it away, and only root's would be another's.
        drop(chown(&path, Some(65_534), Some(65_534)));
        append(&segments, b"one").unwrap();
        let owner = |path: &Path| fs::metadata(path).unwrap().uid();
        assert_eq!(owner(&segments.path(1)), owner(&path));
    }
}
