//! Puts what waits in a [`Database`] into its tables on a thread of its own, while more comes.

use std::{
    sync::mpsc::{self, RecvTimeoutError, SyncSender, TrySendError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{Database, StorageError};

/// The thread that does it, once there was need of it. Whoever drops this waits for what it is writing; what it was to write later
/// goes on waiting in the database.
#[derive(Default)]
pub struct WriteBehind(Option<(SyncSender<()>, Writer)>);

/// How long what is little waits for more: each write costs the disk the pages that it touches, and twice as much at once touches
/// many of them once instead of twice.
const PATIENCE: Duration = Duration::from_secs(1);

type Writer = JoinHandle<Result<(), StorageError>>;

impl WriteBehind {
    /// Has all that waits in a database by now put into its tables, the same one every time: when it is much, or a second old.
    /// This returns before.
    ///
    /// # Errors
    /// [`StorageError`] if something that was left to it before could not be written.
    pub fn write(&mut self, database: &Database) -> Result<(), StorageError> {
        let (asks, thread) = match self.0.take() {
            Some(running) => running,
            None => {
                // One more write is enough, however often it is asked for during one.
                let (asks, asked) = mpsc::sync_channel(1);
                let database = database.clone();
                let write = move || {
                    while asked.recv() == Ok(()) {
                        let until = Instant::now() + PATIENCE;
                        while !database.much_waits() {
                            match asked.recv_timeout(until.saturating_duration_since(Instant::now())) {
                                Ok(()) => {}
                                Err(RecvTimeoutError::Timeout) => break,
                                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                            }
                        }
                        database.write_waiting()?;
                    }
                    Ok(())
                };
                let thread = thread::Builder::new().name("write-behind".to_owned()).spawn(write);
                (asks, thread.map_err(|error| StorageError::failed("cannot start a thread", error))?)
            }
        };
        if matches!(asks.try_send(()), Err(TrySendError::Disconnected(()))) {
            return joined(thread);
        }
        self.0 = Some((asks, thread));
        Ok(())
    }
}

fn joined(thread: Writer) -> Result<(), StorageError> {
    thread.join().unwrap_or_else(|_| Err(StorageError::failed("writing to disk", "the thread broke down")))
}

impl Drop for WriteBehind {
    fn drop(&mut self) {
        let Some((asks, thread)) = self.0.take() else { return };
        drop(asks);
        if let Err(error) = joined(thread) {
            tracing::error!(%error, "what waited could not be put into the tables");
        }
    }
}
