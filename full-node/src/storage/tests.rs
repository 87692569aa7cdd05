//! A database against a plain model of it: whatever is written, read, put into the tables and killed in whatever order.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use light_client::{
    data_format::codec,
    state::{NodeId, NodeStore, StoredNode, trie::Value},
};
use proptest::prelude::*;

use super::{
    Batch, Change, Database, Read, RedbStorage, Retention, Segments, Snapshot, Space, Storage, StorageError,
    keys::{FORMAT, META_FORMAT, META_LOG, META_LOGGED},
    log::Log,
    log_record::Record,
    pending::{BOUND, Pending},
};
use crate::tests::crashes::DyingDisk;

const RETENTION: Retention =
    Retention { heights: 900, bodies: None, node_cache_bytes: 1 << 20, page_cache_bytes: 1 << 20 };

type During = Box<dyn FnOnce() + Send>;

/// A disk on which something else happens while the tables are written, and whose tables cannot be read for a while.
#[derive(Clone)]
struct Disk {
    disk: Arc<RedbStorage>,
    during: Arc<Mutex<Option<During>>>,
    unreadable: Arc<AtomicBool>,
}

impl Disk {
    fn new() -> Self {
        Self::over(RedbStorage::in_memory(&RETENTION).unwrap())
    }

    fn over(disk: RedbStorage) -> Self {
        Self { disk: Arc::new(disk), during: Arc::default(), unreadable: Arc::default() }
    }

    fn open(&self) -> Database {
        Database::over(Arc::new(self.clone()), &RETENTION).unwrap()
    }

    fn during(&self, during: impl FnOnce() + Send + 'static) {
        *self.during.lock().unwrap() = Some(Box::new(during));
    }
}

impl Storage for Disk {
    fn read(&self) -> Result<Box<dyn Read>, StorageError> {
        if self.unreadable.load(Ordering::SeqCst) {
            return Err(StorageError::failed("cannot read the database", "the disk is busy"));
        }
        self.disk.read()
    }

    fn commit(&self, changes: &[Change<'_>]) -> Result<(), StorageError> {
        let during = self.during.lock().unwrap().take();
        if let Some(during) = during {
            during();
        }
        self.disk.commit(changes)
    }

    fn segments(&self) -> Arc<dyn Segments> {
        self.disk.segments()
    }
}

/// What a database should hold.
#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    entries: BTreeMap<u8, u8>,
    nodes: BTreeSet<u64>,
    next_node: u64,
}

/// Keys with what is put there, or none; how many nodes are added; which of them go, counted from the oldest.
type Changes = (Vec<(u8, Option<u8>)>, u64, Vec<usize>);

/// Keys of drafts, of which others keep away.
const DRAFTED: u8 = 100;

impl State {
    /// Makes these changes, and gives them as a batch.
    fn change(&mut self, (entries, added, removed): &Changes) -> Batch {
        let mut batch = Batch::default();
        for (key, value) in entries {
            match value {
                Some(value) => {
                    batch.put(Space::History, [*key], [*value]);
                    self.entries.insert(*key, *value);
                }
                None => {
                    batch.remove(Space::History, [*key]);
                    self.entries.remove(key);
                }
            }
        }
        for _ in 0..*added {
            self.next_node += 1;
            self.nodes.insert(self.next_node);
            let (id, node) = node(self.next_node);
            batch.node(id, node);
        }
        for place in removed {
            let gone = self.nodes.iter().nth(*place).copied();
            if let Some(number) = gone {
                self.nodes.remove(&number);
            }
            batch.remove_nodes(gone.map(|number| node(number).0));
        }
        batch
    }

    fn is_seen_by(&self, snapshot: &Snapshot) {
        let seen = snapshot.all(Space::History).unwrap();
        let seen: BTreeMap<u8, u8> = seen.into_iter().map(|(key, value)| (key[0], value[0])).collect();
        assert_eq!(seen, self.entries);
        for number in &self.nodes {
            let (id, node) = node(*number);
            assert_eq!(snapshot.nodes().node(id), Ok(node));
        }
    }
}

fn node(number: u64) -> (NodeId, Arc<StoredNode>) {
    let value = Value::Known(Arc::from(number.to_be_bytes()));
    let leaf = StoredNode::Leaf { key: Arc::from(number.to_be_bytes()), value };
    (NodeId::new(number).unwrap(), Arc::new(leaf))
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Changes),
    Later(Changes),
    Draft { drafted: Changes, meanwhile: Changes },
    Read,
    Forget(prop::sample::Index),
    Tables { during: Vec<(bool, Changes)> },
    Kill,
}

fn changes() -> impl Strategy<Value = Changes> {
    let entries = prop::collection::vec((0..20_u8, prop::option::weighted(0.7, any::<u8>())), 0..6);
    (entries, 0..4_u64, prop::collection::vec(0..30_usize, 0..4))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => changes().prop_map(Step::Commit),
        4 => changes().prop_map(Step::Later),
        1 => (changes(), changes()).prop_map(|(drafted, meanwhile)| Step::Draft { drafted, meanwhile }),
        4 => Just(Step::Read),
        3 => any::<prop::sample::Index>().prop_map(Step::Forget),
        2 => prop::collection::vec((any::<bool>(), changes()), 0..4).prop_map(|during| Step::Tables { during }),
        1 => Just(Step::Kill),
    ]
}

/// What is written, and what of it has to survive.
#[derive(Clone, Default)]
struct Model {
    now: State,
    durable: State,
}

impl Model {
    fn commit(&mut self, database: &Database, changes: &Changes) {
        database.commit(self.now.change(changes)).unwrap();
        self.durable = self.now.clone();
    }

    fn later(&mut self, database: &Database, changes: &Changes) {
        database.commit_later(self.now.change(changes)).unwrap();
    }
}

proptest! {
    #[test]
    fn a_database_is_what_was_written_and_after_a_kill_what_was_durable(steps in prop::collection::vec(step(), 1..60)) {
        let disk = Disk::new();
        let mut database = disk.open();
        let mut model = Model::default();
        let mut readers: Vec<(Snapshot, State)> = Vec::new();
        for step in &steps {
            match step {
                Step::Commit(changes) => model.commit(&database, changes),
                Step::Later(changes) => model.later(&database, changes),
                Step::Draft { drafted, meanwhile } => {
                    let draft = database.draft().unwrap();
                    let entries = drafted.0.iter().map(|(key, value)| (key + DRAFTED, *value)).collect();
                    let drafted = model.now.change(&(entries, drafted.1, Vec::new()));
                    draft.commit_later(drafted).unwrap();
                    // Others keep away from what is drafted.
                    model.later(&database, &(meanwhile.0.clone(), meanwhile.1, Vec::new()));
                    database.adopt(&draft).unwrap();
                }
                Step::Read => readers.push((database.read().unwrap(), model.now.clone())),
                Step::Forget(which) if !readers.is_empty() => drop(readers.remove(which.index(readers.len()))),
                Step::Forget(_) => {}
                Step::Tables { during } => {
                    let now = model.now.clone();
                    let written = Model { now: now.clone(), durable: now };
                    let written = Arc::new(Mutex::new(written));
                    let (during, other, inside) = (during.clone(), database.clone(), written.clone());
                    disk.during(move || {
                        let mut model = inside.lock().unwrap();
                        for (durable, changes) in &during {
                            if *durable { model.commit(&other, changes) } else { model.later(&other, changes) }
                            model.now.is_seen_by(&other.read().unwrap());
                        }
                    });
                    database.write_waiting().unwrap();
                    if disk.during.lock().unwrap().take().is_none() {
                        model = written.lock().unwrap().clone();
                    }
                }
                Step::Kill => {
                    readers.clear();
                    database = disk.open();
                    model.now = model.durable.clone();
                }
            }
            model.now.is_seen_by(&database.read().unwrap());
            readers.iter().for_each(|(reader, state)| state.is_seen_by(reader));
        }
        drop(database);
        let database = disk.open();
        model.durable.is_seen_by(&database.read().unwrap());
        prop_assert_eq!(database.read().unwrap().count_nodes().unwrap(), model.durable.nodes.len());
        prop_assert_eq!(disk.segments().numbers().unwrap().len(), 1);
    }
}

fn numbered(number: u8) -> Batch {
    State::default().change(&(vec![(number, Some(number))], 0, Vec::new()))
}

#[test]
fn tables_that_cannot_be_written_are_the_end_of_what_is_durable() {
    let disk = Disk::new();
    let database = disk.open();
    database.commit(numbered(1)).unwrap();
    let dying = DyingDisk::new(disk.disk.clone(), 0, false);
    let database = Database::over(Arc::new(dying), &RETENTION).unwrap();
    database.commit_later(numbered(2)).unwrap();
    assert!(database.write_waiting().is_err());
    let error = database.commit(numbered(3)).unwrap_err().to_string();
    assert!(error.contains("the disk is dead"), "{error}");
    assert_eq!(disk.open().read().unwrap().all(Space::History).unwrap().len(), 1);
}

/// What is stored of numbers.
fn numbers(database: &Database) -> Vec<u8> {
    let entries = database.read().unwrap().all(Space::History).unwrap();
    entries.into_iter().map(|(key, _)| key[0]).collect()
}

#[test]
fn what_is_logged_and_seen_by_nobody_is_the_end_of_what_is_durable() {
    let disk = Disk::new();
    let database = disk.open();
    disk.unreadable.store(true, Ordering::SeqCst);
    assert!(database.commit(numbered(1)).is_err());
    disk.unreadable.store(false, Ordering::SeqCst);
    database.commit_later(numbered(2)).unwrap();
    assert!(database.write_waiting().is_err(), "the tables get past what only the log has");
    assert!(database.commit(numbered(3)).is_err());
    assert_eq!(numbers(&disk.open()), [1]);
}

#[test]
fn starts_that_fail_leave_no_row_of_parts() {
    let disk = Disk::new();
    disk.open().commit(numbered(1)).unwrap();
    let parts = || disk.segments().numbers().unwrap();
    for _ in 0..5 {
        // There is room for the beginning of a part, and none for what goes into the tables.
        let full = Arc::new(DyingDisk::over(disk.disk.clone(), 1, false));
        assert!(Database::over(full, &RETENTION).is_err());
        assert_eq!(parts(), [1, 2]);
    }
    let database = disk.open();
    assert_eq!((parts(), numbers(&database)), (vec![2], vec![1]));
    database.commit(numbered(2)).unwrap();
    assert_eq!(numbers(&disk.open()), [1, 2]);
}

#[test]
fn a_part_of_nothing_but_zeros_is_not_gone_on_with() {
    let disk = Disk::new();
    disk.open().commit(numbered(1)).unwrap();
    // A power cut took what was written, and left its length.
    disk.segments().append(2, &mut |file| file.write_all(&[0; 24])).unwrap();
    disk.open().commit(numbered(2)).unwrap();
    assert_eq!(disk.segments().numbers().unwrap(), [3]);
    assert_eq!(numbers(&disk.open()), [1, 2]);
}

#[test]
fn a_long_log_goes_into_the_tables_bit_by_bit() {
    const RECORDS: u8 = 10;
    let disk = Disk::new();
    drop(disk.open());
    let stored = |key| disk.disk.read().unwrap().get(Space::Meta, key).unwrap();
    let log = Log::at(disk.segments(), stored(META_LOG).unwrap().try_into().unwrap(), 1);
    let nothing = Pending::default().unlogged();
    for number in 0..RECORDS {
        let mut batch = numbered(number);
        batch.put(Space::Bodies, *b"much", vec![number; BOUND / 8]);
        let record = Record::new(&nothing, &batch);
        log.append(&mut log.end(), record.length().unwrap(), |out| record.write(out)).unwrap();
        if number % 4 == 3 {
            log.rotate(&mut log.end()).unwrap();
        }
    }
    // More than may wait is there at the end of the second part, which is not said to be in the tables. A kill comes right then.
    let dying = Arc::new(DyingDisk::over(disk.disk.clone(), 0, true));
    assert!(Database::over(dying, &RETENTION).is_err());
    assert_eq!(stored(META_LOGGED), Some(codec::encode(&1_u64)));
    let written = disk.disk.read().unwrap().range(Space::History, &[0], &[RECORDS], 99).unwrap();
    assert_eq!(written.len(), 8);
    let database = disk.open();
    assert_eq!(numbers(&database), (0..RECORDS).collect::<Vec<_>>());
    let much = database.read().unwrap().all(Space::Bodies).unwrap();
    assert!(much.iter().all(|(_, value)| value[0] == RECORDS - 1) && much.len() == 1);
    assert_eq!(disk.segments().numbers().unwrap(), [4]);
}

#[test]
fn all_parts_of_the_log_are_bounded_together() {
    const MEBIBYTE: usize = 1 << 20;
    let disk = Disk::new();
    let database = disk.open();
    let logged = |disk: &Disk| {
        let segments = disk.segments();
        let length = |part: &u64| segments.read(*part).unwrap().len();
        segments.numbers().unwrap().iter().map(length).sum::<usize>()
    };
    // Each goes before the next one comes, so that little waits.
    let value: Arc<[u8]> = Arc::from(vec![7; MEBIBYTE]);
    let one = move |number: u64| {
        let leaf = StoredNode::Leaf { key: Arc::from([7]), value: Value::Known(value.clone()) };
        let mut batch = Batch::default();
        batch.node(NodeId::new(number).unwrap(), Arc::new(leaf));
        batch.remove_nodes(NodeId::new(number - 1));
        batch
    };
    (1..130).for_each(|number| database.commit(one(number)).unwrap());
    let (inside, writer) = (disk.clone(), database.clone());
    disk.during(move || {
        (130..).take_while(|_| !writer.is_full()).for_each(|number| writer.commit(one(number)).unwrap());
        let logged = logged(&inside);
        assert!(logged > BOUND && logged < BOUND + 2 * MEBIBYTE, "{logged} bytes");
    });
    database.write_waiting().unwrap();
    assert!(disk.during.lock().unwrap().is_none());

    // What waits and is in no log goes there with what is durable after it, or into the tables before.
    let before = logged(&disk);
    let mut much = Batch::default();
    much.put(Space::Bodies, *b"much", vec![7; BOUND - before]);
    database.commit_later(much).unwrap();
    assert_eq!(logged(&disk), before);
    database.commit(numbered(1)).unwrap();
    let logged = logged(&disk);
    assert!(logged < MEBIBYTE, "{logged} bytes");
}

#[test]
fn a_folder_survives_a_kill_at_any_write_while_it_is_opened() {
    for after in [false, true] {
        let mut died = 0;
        for writes in 0.. {
            let disk = Disk::new();
            let database = disk.open();
            for number in [1, 2] {
                database.commit(numbered(number)).unwrap();
            }
            // The last record is torn.
            let segments = disk.segments();
            segments.append(1, &mut |file| file.write_all(&[0, 0, 0, 0, 0, 0, 0, 9, 7])).unwrap();
            drop(database);
            // Twice, in a different place.
            let mut was_killed = false;
            for writes in [writes, writes / 2] {
                let dying = Arc::new(DyingDisk::over(disk.disk.clone(), writes, after));
                was_killed |= Database::over(dying, &RETENTION).is_err();
            }
            let database = disk.open();
            assert_eq!(
                database.read().unwrap().all(Space::History).unwrap().len(),
                2,
                "after {writes} writes"
            );
            assert_eq!(segments.numbers().unwrap().len(), 1);
            database.commit(numbered(3)).unwrap();
            assert_eq!(disk.open().read().unwrap().all(Space::History).unwrap().len(), 3);
            if !was_killed {
                break;
            }
            died += 1;
        }
        assert_eq!(died, 2, "a part of the log is begun, and the tables are written");
    }
}

/// The files of a folder, as a kill at this moment leaves them.
fn killed(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("chain.wal")).unwrap();
    for inside in ["", "chain.wal"] {
        for entry in fs::read_dir(folder.join(inside)).unwrap() {
            let entry = entry.unwrap();
            if entry.metadata().unwrap().is_file() {
                fs::copy(entry.path(), copy.path().join(inside).join(entry.file_name())).unwrap();
            }
        }
    }
    copy
}

fn parts(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("chain.wal")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn stored(folder: &Path) -> Result<Vec<u8>, StorageError> {
    let database = Database::open(Some(folder), &RETENTION)?;
    assert_eq!(parts(folder).len(), 1, "what is in the tables is in no log");
    Ok(numbers(&database))
}

#[cfg(unix)]
#[test]
fn a_folder_that_another_user_opened_is_written_all_the_same() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    Database::open(Some(folder.path()), &RETENTION).unwrap().commit(numbered(1)).unwrap();
    // They put into the tables what only the log has, and leave a part behind, and one that they did not finish.
    drop(Database::open_existing(folder.path(), false).unwrap());
    assert_eq!(parts(folder.path()), ["2"]);
    let [part, unfinished] = ["2", "new"].map(|name| folder.path().join("chain.wal").join(name));
    fs::write(&unfinished, "half").unwrap();
    for theirs in [&part, &unfinished] {
        let mut permissions = fs::metadata(theirs).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(theirs, permissions).unwrap();
    }
    // Root may write to it: what shows is that nobody does.
    let file = |path: &Path| fs::metadata(path).unwrap().ino();
    let theirs = file(&part);
    let database = Database::open(Some(folder.path()), &RETENTION).unwrap();
    database.commit(numbered(2)).unwrap();
    let ours = file(&part);
    assert_ne!(ours, theirs);
    database.commit(numbered(3)).unwrap();
    assert_eq!((parts(folder.path()), file(&part)), (vec!["2".to_owned()], ours));
    drop(database);
    assert_eq!(stored(folder.path()), Ok(vec![1, 2, 3]));
}

#[test]
fn a_folder_of_another_format_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.redb");
    let other = redb::Database::create(&path).unwrap();
    let transaction = other.begin_write().unwrap();
    let meta = redb::TableDefinition::<&'static [u8], &'static [u8]>::new(Space::Meta.name());
    let format = codec::encode(&(FORMAT + 1));
    let mut table = transaction.open_table(meta).unwrap();
    table.insert(META_FORMAT, &format[..]).unwrap();
    drop(table);
    transaction.commit().unwrap();
    drop(other);
    let opened =
        [Database::open(Some(folder.path()), &RETENTION), Database::open_existing(folder.path(), true)];
    for error in opened.map(|opened| opened.err().unwrap()) {
        assert_eq!(error, StorageError::Format { found: FORMAT + 1, known: FORMAT });
        assert!(error.to_string().contains("move chain.redb and chain.wal out"), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no log is made");
    let tables = redb::Database::create(&path).unwrap().begin_write().unwrap().list_tables().unwrap().count();
    assert_eq!(tables, 1);
}

#[test]
fn a_folder_that_is_opened_after_a_kill_has_what_was_durable() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(Some(folder.path()), &RETENTION).unwrap();
    let storage = RedbStorage::open_existing(killed(folder.path()).path(), &RETENTION, false).unwrap();
    let format = storage.read().unwrap().get(Space::Meta, b"format").unwrap();
    assert!(format.is_some(), "other versions find it in the tables, whatever they know of logs");
    database.commit(numbered(1)).unwrap();
    database.commit_later(numbered(2)).unwrap();
    assert_eq!(stored(killed(folder.path()).path()), Ok(vec![1]));
    // What waits is durable with what is durable after it.
    database.commit(numbered(3)).unwrap();
    database.commit_later(numbered(4)).unwrap();
    assert_eq!(stored(killed(folder.path()).path()), Ok(vec![1, 2, 3]));
    database.commit(Batch::default()).unwrap();
    let before = killed(folder.path());
    assert_eq!(parts(before.path()), ["1"]);
    database.write_waiting().unwrap();
    assert_eq!(parts(folder.path()), ["2"]);
    assert_eq!(stored(killed(folder.path()).path()), Ok(vec![1, 2, 3, 4]));
    database.commit(numbered(5)).unwrap();
    assert_eq!(parts(folder.path()), ["2"]);
    assert_eq!(stored(killed(folder.path()).path()), Ok(vec![1, 2, 3, 4, 5]));

    // Tables of before with the log of after lack what is between them, unless that is in the log too.
    fs::copy(folder.path().join("chain.wal/2"), before.path().join("chain.wal/2")).unwrap();
    let without = killed(before.path());
    assert_eq!(stored(before.path()), Ok(vec![1, 2, 3, 4, 5]));
    let refused = |folder: &Path, words: &str| {
        let error = stored(folder).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    fs::remove_file(without.path().join("chain.wal/1")).unwrap();
    refused(without.path(), "chain.wal/2 is missing or damaged: what was written before it is missing");
    // Tables without their log have forgotten something, and the log of others is not theirs.
    let none = killed(folder.path());
    fs::remove_dir_all(none.path().join("chain.wal")).unwrap();
    refused(none.path(), "chain.wal/2 is missing or damaged: it is not there");
    let other = killed(folder.path());
    fs::remove_file(other.path().join("chain.redb")).unwrap();
    refused(other.path(), "belongs to another chain.redb");
    assert_eq!(parts(other.path()), ["2"], "and it stays");
}

#[test]
fn a_durable_write_waits_for_no_tables() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::over(RedbStorage::open(folder.path(), &RETENTION).unwrap());
    let database = disk.open();
    let mut state = State::default();
    // What is on its way into the tables is in no log; a part of it goes while it is.
    database.commit_later(state.change(&(vec![(1, Some(1))], 3, Vec::new()))).unwrap();
    let inside = Arc::new(Mutex::new(state));
    let is_in = |state: &State, folder: &Path| {
        let database = Database::open(Some(folder), &RETENTION).unwrap();
        let snapshot = database.read().unwrap();
        state.is_seen_by(&snapshot);
        assert_eq!(snapshot.count_nodes().unwrap(), state.nodes.len(), "what was removed is in no page");
    };
    let (state, durable, path) = (inside.clone(), database.clone(), folder.path().to_owned());
    disk.during(move || {
        let mut state = state.lock().unwrap();
        durable.commit(state.change(&(vec![(1, None), (2, Some(2))], 1, vec![0]))).unwrap();
        durable.commit(state.change(&(Vec::new(), 0, vec![0]))).unwrap();
        is_in(&state, killed(&path).path());
    });
    database.write_waiting().unwrap();
    is_in(&inside.lock().unwrap(), killed(folder.path()).path());
}
