//! Where a node of a simulated network keeps its chain.

use std::sync::Arc;

use super::{disk::Disk, memory::MemoryStorage};
use crate::{storage::Database, tests::harness::retention};

/// Either kind outlives the process.
pub(super) enum Medium {
    /// Keeps what was written, whatever happens to the process. Quick.
    Memory(MemoryStorage),
    /// The bytes of a real database on a disk that can lose what was not synced.
    Disk(Disk),
}

impl Medium {
    pub(super) fn memory() -> Self {
        Self::Memory(MemoryStorage::default())
    }

    pub(super) fn disk() -> Self {
        Self::Disk(Disk::default())
    }

    /// The database on it, as a process that starts finds it.
    pub(super) fn open(&self) -> Database {
        match self {
            Self::Memory(memory) => Database::over(Arc::new(memory.clone()), &retention()).unwrap(),
            Self::Disk(disk) => disk.open(),
        }
    }

    /// The disk, which a run in memory has not.
    pub(super) fn the_disk(&self) -> &Disk {
        match self {
            Self::Memory(_) => panic!("this run has no disks that could fail"),
            Self::Disk(disk) => disk,
        }
    }

    /// From now on nothing is written by the process that uses it.
    pub(super) fn kill(&self) {
        if let Self::Disk(disk) = self {
            disk.kill();
        }
    }

    /// A copy of the folder as it is now: of a node that is stopped.
    pub(super) fn backup(&self) -> Self {
        match self {
            Self::Memory(memory) => Self::Memory(memory.backup()),
            Self::Disk(disk) => Self::Disk(disk.backup()),
        }
    }
}
