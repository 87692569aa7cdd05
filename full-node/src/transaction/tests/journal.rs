use std::{
    io,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use light_client::data_format::{TransactionId, codec};

use super::world::{World, draft};
use crate::{
    storage::{Change, Contents, Database, Read, RedbStorage, Retention, Segments, Storage, StorageError},
    transaction::{Journal, PoolChanges},
};

fn retention() -> Retention {
    Retention { heights: 900, bodies: None, node_cache_bytes: 1 << 20, page_cache_bytes: 1 << 20 }
}

/// A disk that counts what is added to the log, holds it up while a test wants it to, and dies when told to.
#[derive(Clone)]
struct Disk(Arc<Inner>);

struct Inner {
    disk: RedbStorage,
    appends: AtomicUsize,
    dead: AtomicBool,
    gate: Mutex<()>,
}

impl Storage for Disk {
    fn read(&self) -> Result<Box<dyn Read>, StorageError> {
        self.0.disk.read()
    }

    fn commit(&self, changes: &[Change<'_>]) -> Result<(), StorageError> {
        self.0.disk.commit(changes)
    }

    fn segments(&self) -> Arc<dyn Segments> {
        Arc::new(self.clone())
    }
}

impl Segments for Disk {
    fn numbers(&self) -> io::Result<Vec<u64>> {
        self.0.disk.segments().numbers()
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        self.0.disk.segments().read(number)
    }

    fn append(&self, number: u64, contents: Contents<'_>) -> io::Result<()> {
        self.0.appends.fetch_add(1, Ordering::SeqCst);
        let _open = self.0.gate.lock().unwrap();
        if self.0.dead.load(Ordering::SeqCst) {
            return Err(io::Error::other("dead"));
        }
        self.0.disk.segments().append(number, contents)
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.0.disk.segments().remove(number)
    }
}

fn journal() -> (Arc<Inner>, Database, Journal) {
    let disk = Arc::new(Inner {
        disk: RedbStorage::in_memory(&retention()).unwrap(),
        appends: AtomicUsize::new(0),
        dead: AtomicBool::new(false),
        gate: Mutex::new(()),
    });
    let database = Database::over(Arc::new(Disk(disk.clone())), &retention()).unwrap();
    // Without what made the log.
    disk.appends.store(0, Ordering::SeqCst);
    (disk, database.clone(), Journal::new(database))
}

fn adding(world: &World, nonce: u64) -> (TransactionId, PoolChanges) {
    let checked = world.make(draft(0, nonce));
    let mut changes = PoolChanges::default();
    changes.add(checked.id(), codec::encode(checked.signed()));
    (checked.id(), changes)
}

fn stored(database: &Database) -> Vec<TransactionId> {
    database.read().unwrap().waiting().unwrap().into_iter().map(|(id, _)| id).collect()
}

#[test]
fn what_arrives_during_a_write_shares_the_next_one() {
    const SENDERS: u64 = 24;
    let (world, (disk, database, journal)) = (World::new(1), journal());
    let begun = Barrier::new(SENDERS as usize + 1);
    thread::scope(|scope| {
        let closed = disk.gate.lock().unwrap();
        let first = journal.note(adding(&world, 0).1);
        let (journal, world, begun) = (&journal, &world, &begun);
        scope.spawn(move || journal.sync(first).unwrap());
        while disk.appends.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        for nonce in 1..=SENDERS {
            scope.spawn(move || {
                let ticket = journal.note(adding(world, nonce).1);
                begun.wait();
                journal.sync(ticket).unwrap();
            });
        }
        begun.wait();
        drop(closed);
    });
    assert_eq!(stored(&database).len() as u64, 1 + SENDERS);
    assert_eq!(disk.appends.load(Ordering::SeqCst), 2);
}

#[test]
fn a_ticket_without_a_change_waits_for_those_before_it() {
    let (world, (disk, database, journal)) = (World::new(1), journal());
    let nothing = journal.note(PoolChanges::default());
    journal.sync(nothing).unwrap();
    assert_eq!(disk.appends.load(Ordering::SeqCst), 0, "nothing to wait for");
    let (id, changes) = adding(&world, 0);
    journal.note(changes);
    let again = journal.note(PoolChanges::default());
    journal.sync(again).unwrap();
    assert_eq!(stored(&database), [id]);
    let mut left = PoolChanges::default();
    left.remove(id);
    journal.sync(journal.note(left)).unwrap();
    assert!(stored(&database).is_empty());
}

#[test]
fn what_comes_and_goes_before_a_write_leaves_nothing() {
    let (world, (_, database, journal)) = (World::new(1), journal());
    let (id, mut changes) = adding(&world, 0);
    changes.remove(id);
    journal.sync(journal.note(changes)).unwrap();
    assert!(stored(&database).is_empty());
}

#[test]
fn a_dead_disk_acknowledges_nothing_any_more() {
    let (world, (disk, database, journal)) = (World::new(1), journal());
    let before = journal.note(adding(&world, 0).1);
    journal.sync(before).unwrap();
    disk.dead.store(true, Ordering::SeqCst);
    let lost = journal.note(adding(&world, 1).1);
    assert!(journal.sync(lost).is_err());
    disk.dead.store(false, Ordering::SeqCst);
    assert!(journal.sync(lost).is_err(), "it was lost, and stays so");
    assert!(journal.sync(journal.note(adding(&world, 2).1)).is_err());
    assert!(journal.failed().is_some());
    journal.sync(before).unwrap();
    assert_eq!(stored(&database).len(), 1);
}
