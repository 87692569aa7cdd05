use std::{
    collections::HashSet,
    ops::Deref,
    sync::{Mutex, MutexGuard, PoisonError},
};

use light_client::{
    data_format::{Address, ChainId, ChainSpec, Height, SignedTransaction, TransactionId},
    state::{AccountRecord, Root},
    transaction::{AccountView, check_against_account, check_stateless},
};
use rayon::prelude::*;

use super::{HeadChange, Journal, Limits, Pool, PoolFault, Ticket};
use crate::storage::{Database, Snapshot, StorageError};

/// Changes that may wait for the next write, when nobody waits for them.
const GATHERED: usize = 4_096;

/// A pool that is on disk, too: what [`DurablePool::sync`] returned for survives a kill.
///
/// What leaves the pool is only noted, and written with what comes in next: what is stored is checked again at the
/// start, so a removal that was lost costs nothing but that check.
pub struct DurablePool {
    pool: Mutex<Pool>,
    journal: Journal,
}

impl DurablePool {
    /// The stored pool of a chain whose head has this state. What does not fit that state any more is dropped, and the
    /// log says so.
    ///
    /// # Errors
    /// [`PoolFault`] if the disk cannot be read, or what is stored there is no transaction.
    pub fn open(
        database: Database,
        limits: Limits,
        spec: &ChainSpec,
        chain: &ChainId,
        head: (Root, Height),
    ) -> Result<Self, PoolFault> {
        let snapshot = database.read()?;
        let pool = restore(&snapshot, limits, spec, chain, head)?;
        let durable = Self { pool: Mutex::new(pool), journal: Journal::new(database) };
        durable.flush()?;
        Ok(durable)
    }

    /// The pool as it is now. Nothing else can change it meanwhile.
    pub fn read(&self) -> impl Deref<Target = Pool> + '_ {
        self.lock()
    }

    /// Changes the pool; [`DurablePool::sync`] brings that to disk.
    pub fn edit<T>(&self, edit: impl FnOnce(&mut Pool) -> T) -> (T, Ticket) {
        let mut pool = self.lock();
        let edited = edit(&mut pool);
        // Still locked, so that changes are noted in the order in which they happened.
        let ticket = self.journal.note(pool.take_changes());
        (edited, ticket)
    }

    /// Returns once what the ticket covers is on disk. Those who wait together share one write. Blocks the thread.
    ///
    /// # Errors
    /// [`StorageError`] if this or an earlier write failed.
    pub fn sync(&self, ticket: Ticket) -> Result<(), StorageError> {
        self.journal.sync(ticket)
    }

    /// Brings everything to disk, also what nobody waits for.
    ///
    /// # Errors
    /// As [`DurablePool::sync`].
    pub fn flush(&self) -> Result<(), StorageError> {
        let ((), ticket) = self.edit(|_| ());
        self.sync(ticket)
    }

    /// Follows the head to the state `root` of a snapshot.
    ///
    /// # Errors
    /// [`PoolFault`] if the disk fails.
    pub fn settle(&self, change: HeadChange<'_>, snapshot: &Snapshot, root: Root) -> Result<(), PoolFault> {
        // They wait on disk, but that they left the pool for a block may have been written after that.
        let came_back = !change.undone.is_empty();
        let (settled, ticket) = self.edit(|pool| pool.settle(change, accounts(snapshot, root)));
        settled?;
        if came_back || self.journal.gathered() > GATHERED {
            self.sync(ticket)?;
        }
        Ok(())
    }

    /// Why no transaction is taken any more.
    pub fn failed(&self) -> Option<StorageError> {
        self.journal.failed()
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads accounts of a version of the state.
fn accounts(snapshot: &Snapshot, root: Root) -> impl FnMut(&Address) -> Result<AccountView, PoolFault> + '_ {
    let mut state = snapshot.state(root);
    move |address| {
        let record = AccountRecord::read(&mut state, address)?;
        Ok(record.as_ref().map(AccountView::from).unwrap_or_default())
    }
}

fn restore(
    snapshot: &Snapshot,
    limits: Limits,
    spec: &ChainSpec,
    chain: &ChainId,
    (root, next): (Root, Height),
) -> Result<Pool, PoolFault> {
    let stored = snapshot.waiting()?;
    let mut on_disk: HashSet<TransactionId> = stored.iter().map(|(id, _)| *id).collect();
    let (count, mut in_blocks) = (stored.len(), 0_usize);
    let mut open = Vec::new();
    let undone = undone(snapshot, chain)?.into_iter().filter(|(id, _)| !on_disk.contains(id));
    for (id, signed) in stored.into_iter().chain(undone) {
        // Its removal was not written any more. Cheaper to find out than whether its signature holds.
        if snapshot.inclusion(&id)?.is_some() {
            in_blocks += usize::from(on_disk.contains(&id));
        } else {
            open.push((id, signed));
        }
    }
    let checked: Vec<_> =
        open.par_iter().map(|(id, signed)| (*id, check_stateless(signed, spec, chain))).collect();
    let mut waiting = Vec::new();
    for (id, checked) in checked {
        match checked {
            Ok(checked) if checked.id() == id => waiting.push(checked),
            Ok(checked) => {
                let found = checked.id();
                tracing::warn!(transaction = %id, %found, "a stored transaction is another one: dropped");
            }
            Err(error) => {
                tracing::warn!(transaction = %id, %error, "a stored transaction breaks a rule: dropped");
            }
        }
    }
    let mut account = accounts(snapshot, root);
    let (mut pool, dropped) = Pool::restore(limits, waiting, next, &mut account)?;
    for checked in dropped.iter().filter(|checked| on_disk.contains(&checked.id())) {
        let (id, view) = (checked.id(), account(&checked.sender())?);
        let rule =
            check_against_account(checked.transaction(), checked.sender(), Some(&view), next, u64::MAX);
        let why = match rule {
            Err(error) => error.to_string(),
            Ok(()) => "one before it is gone, or there is no room".to_owned(),
        };
        tracing::warn!(transaction = %id, why, "a stored transaction no longer fits the state: dropped");
    }
    if count > 0 {
        tracing::info!(stored = count, in_blocks, waiting = pool.len(), "read the transactions that waited");
    }
    pool.changes.retain(|id| !on_disk.contains(id));
    on_disk.retain(|id| pool.get(id).is_none());
    on_disk.into_iter().for_each(|gone| pool.changes.remove(gone));
    Ok(pool)
}

/// Transactions of the blocks that are not on the best branch: when votes alone moved the head, it may have been written
/// later that they had left the pool for those blocks.
fn undone(
    snapshot: &Snapshot,
    chain: &ChainId,
) -> Result<Vec<(TransactionId, SignedTransaction)>, StorageError> {
    let mut undone = Vec::new();
    for id in snapshot.tree()? {
        let Some(block) = snapshot.block(&id)? else { continue };
        if snapshot.at_height(block.header.header.height)? != Some(id) {
            undone
                .extend(block.transactions.into_iter().map(|signed| (signed.transaction.id(chain), signed)));
        }
    }
    Ok(undone)
}
