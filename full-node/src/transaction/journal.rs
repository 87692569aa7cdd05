use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use light_client::data_format::TransactionId;

use crate::storage::{Batch, Database, StorageError};

/// What came into a pool and what left it: the last change of a transaction counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolChanges(HashMap<TransactionId, Option<Vec<u8>>>);

impl PoolChanges {
    /// A transaction came in, as these bytes.
    pub(super) fn add(&mut self, id: TransactionId, signed: Vec<u8>) {
        self.0.insert(id, Some(signed));
    }

    /// A transaction left.
    pub(super) fn remove(&mut self, id: TransactionId) {
        self.0.insert(id, None);
    }

    /// Number of transactions.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets the changes of other transactions than these.
    pub(super) fn retain(&mut self, keep: impl Fn(&TransactionId) -> bool) {
        self.0.retain(|id, _| keep(id));
    }

    /// Adds changes that happened after these.
    pub(super) fn merge(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// The write that they are.
    pub(super) fn batch(self) -> Batch {
        let mut batch = Batch::default();
        for (id, signed) in self.0 {
            match signed {
                Some(signed) => batch.waiting(&id, signed),
                None => batch.remove_waiting(&id),
            }
        }
        batch
    }
}

/// Brings the changes of a pool to disk. Whoever has to know that his are there waits in [`Journal::sync`]; the first to
/// wait writes for all that were noted until then, so what arrives while a write is under way shares the next one.
///
/// A write that failed is not tried again: from then on every wait fails, until the node is started anew.
pub struct Journal {
    database: Database,
    state: Mutex<State>,
    written: Condvar,
}

/// Which write a change is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

struct State {
    gathered: PoolChanges,
    /// The write that `gathered` will be.
    gathering: u64,
    /// The last write on disk.
    durable: u64,
    writing: bool,
    failed: Option<StorageError>,
}

impl Journal {
    /// A journal in this database.
    pub fn new(database: Database) -> Self {
        let state = State {
            gathered: PoolChanges::default(),
            gathering: 1,
            durable: 0,
            writing: false,
            failed: None,
        };
        Self { database, state: Mutex::new(state), written: Condvar::new() }
    }

    /// Notes changes that happened after all that were noted before. The ticket covers these and all before them,
    /// also if there are none.
    pub fn note(&self, changes: PoolChanges) -> Ticket {
        let mut state = self.state();
        state.gathered.merge(changes);
        Ticket(if state.gathered.is_empty() { state.gathering - 1 } else { state.gathering })
    }

    /// Changes that are noted and in no write yet.
    pub fn gathered(&self) -> usize {
        self.state().gathered.len()
    }

    /// Why nothing is written any more.
    pub fn failed(&self) -> Option<StorageError> {
        self.state().failed.clone()
    }

    /// Returns once everything that the ticket covers is on disk. Blocks the thread.
    ///
    /// # Errors
    /// [`StorageError`] if this or an earlier write failed.
    pub fn sync(&self, ticket: Ticket) -> Result<(), StorageError> {
        let mut state = self.state();
        loop {
            if state.durable >= ticket.0 {
                return Ok(());
            }
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            if state.writing {
                state = self.written.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.writing = true;
            let number = state.gathering;
            state.gathering += 1;
            let changes = std::mem::take(&mut state.gathered);
            drop(state);
            let mut write = Write { journal: self, number, result: None };
            write.result = Some(self.database.commit(changes.batch()));
            drop(write);
            state = self.state();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change of the state can stop half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write under way. Nobody is left waiting when it ends, however it ends.
struct Write<'a> {
    journal: &'a Journal,
    number: u64,
    result: Option<Result<(), StorageError>>,
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        let mut state = self.journal.state();
        state.writing = false;
        let unfinished = || Err(StorageError::failed("cannot write the pool", "the write did not end"));
        match self.result.take().unwrap_or_else(unfinished) {
            Ok(()) => state.durable = self.number,
            Err(error) => {
                tracing::error!(%error, "no transactions are taken until the node is started again");
                state.failed = Some(error);
            }
        }
        drop(state);
        self.journal.written.notify_all();
    }
}
