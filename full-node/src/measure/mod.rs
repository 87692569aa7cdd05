//! The work of a node for benchmarks, through the code that real blocks go through. Speed is measured by whoever calls
//! this; here is only the work.

mod payments;
mod state_updates;

use std::path::Path;

pub use payments::Payments;
pub use state_updates::{StateUpdates, Update};

use crate::storage::{Database, RedbStorage, Retention, StorageError};

/// Bytes of the pages in use of the database in `folder`. The file itself grows by leaps.
///
/// # Errors
/// [`StorageError`] if it is in use or cannot be read.
pub fn stored_bytes(folder: &Path) -> Result<u64, StorageError> {
    // What is in the log alone has no place before that.
    drop(Database::open_existing(folder, false)?);
    RedbStorage::open_existing(folder, &Retention::default(), false)?.bytes_in_use()
}
