use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use light_client::data_format::Height;

use super::harness::{Harness, in_slot, retention};
use crate::{
    node::{ChainChoice, Node, NodeConfig, NodeError, OpenError, SubmitError},
    storage::{Change, Contents, Database, Read, RedbStorage, Segments, Storage, StorageError},
};

/// A disk that dies at a write: before it was whole, or after that and before it was acknowledged.
#[derive(Clone)]
pub(crate) struct DyingDisk {
    disk: Arc<RedbStorage>,
    writes_left: Arc<AtomicU64>,
    after: bool,
}

impl DyingDisk {
    /// Over this disk, which lives on. What its log has is in its tables, so that opening it writes nothing.
    pub(crate) fn new(disk: Arc<RedbStorage>, writes: u64, after: bool) -> Self {
        drop(Database::over(disk.clone(), &retention()).unwrap());
        Self::over(disk, writes, after)
    }

    /// The same, with a log that the tables do not have yet.
    pub(crate) fn over(disk: Arc<RedbStorage>, writes: u64, after: bool) -> Self {
        Self { disk, writes_left: Arc::new(AtomicU64::new(writes)), after }
    }

    fn lives(&self) -> bool {
        let left = |left: u64| left.checked_sub(1);
        self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok()
    }
}

const DEAD: &str = "the disk is dead";

impl Storage for DyingDisk {
    fn read(&self) -> Result<Box<dyn Read>, StorageError> {
        self.disk.read()
    }

    fn commit(&self, changes: &[Change<'_>]) -> Result<(), StorageError> {
        let lives = self.lives();
        if lives || self.after {
            self.disk.commit(changes)?;
        }
        let dead = StorageError::Failed { action: "writing".to_owned(), cause: DEAD.to_owned() };
        lives.then_some(()).ok_or(dead)
    }

    fn segments(&self) -> Arc<dyn Segments> {
        Arc::new(self.clone())
    }
}

impl Segments for DyingDisk {
    fn numbers(&self) -> io::Result<Vec<u64>> {
        self.disk.segments().numbers()
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        self.disk.segments().read(number)
    }

    fn append(&self, number: u64, contents: Contents<'_>) -> io::Result<()> {
        let (lives, mut whole) = (self.lives(), Vec::new());
        contents(&mut whole)?;
        let length = if lives || self.after { whole.len() } else { whole.len() / 2 };
        self.disk.segments().append(number, &mut |out| out.write_all(&whole[..length]))?;
        lives.then_some(()).ok_or(io::Error::other(DEAD))
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.disk.segments().remove(number)
    }
}

#[test]
fn a_dead_disk_at_any_write_loses_nothing_that_was_acknowledged() {
    for after in [false, true] {
        for writes in 1..36 {
            let disk = Arc::new(RedbStorage::in_memory(&retention()).unwrap());
            drop(Harness::over_storage(disk.clone()));
            let dying = DyingDisk::new(disk.clone(), writes, after);
            let mut harness = Harness::over_storage(Arc::new(dying));
            let to = harness.address(2);
            let mut acknowledged = harness.node.status().head;
            let mut accepted = Vec::new();
            let failed = loop {
                harness.slot += 1;
                let nonce = accepted.len() as u64;
                match harness.node.submit_now(&harness.transfer(0, nonce, to, 5)) {
                    Ok(id) => accepted.push(id),
                    Err(SubmitError::Node(error)) => break error,
                    Err(error) => panic!("{error}"),
                }
                match harness.node.advance(in_slot(harness.slot)) {
                    Ok(()) => acknowledged = harness.node.status().head,
                    Err(error) => break error,
                }
                // What waits goes into the tables now and then.
                if harness.slot.is_multiple_of(3)
                    && let Err(error) = harness.database.write_waiting()
                {
                    break error.into();
                }
                assert!(harness.slot < 60, "the disk did not die");
            };
            assert!(matches!(failed, NodeError::Storage(_)), "{failed}");
            // Until it is opened again, nothing is built on what may not be there.
            let again = harness.node.advance(in_slot(harness.slot + 1));
            let standing = harness.node.status().halted.is_some();
            assert!(again.is_err() || !standing, "after {writes} writes");
            let slot = harness.slot + 1;
            drop(harness);

            let mut harness = Harness::over_storage(disk);
            assert!(harness.head() >= acknowledged.height, "a block was lost");
            assert_eq!(
                harness.snapshot().at_height(acknowledged.height).unwrap(),
                Some(acknowledged.id),
                "another block is in its place"
            );
            harness.check_state();
            harness.slot = slot;
            harness.steps(12);
            assert!(harness.node.status().final_block.height >= acknowledged.height, "finality goes on");
            let snapshot = harness.snapshot();
            for id in &accepted {
                assert!(snapshot.inclusion(id).unwrap().is_some(), "{id} was accepted, and is in no block");
            }
            harness.check_state();
        }
    }
}

#[test]
fn every_committed_state_can_be_started_from() {
    let folder = tempfile::tempdir().unwrap();
    let mut slot = 0;
    let mut head = Height(0);
    for round in 0..14 {
        let mut harness = Harness::in_folder(folder.path().to_owned());
        assert_eq!(harness.head(), head);
        harness.check_state();
        harness.slot = slot;
        harness.pay(round % 4, harness.address(3), 11);
        harness.step();
        (slot, head) = (harness.slot, harness.head());
        assert_eq!(head.0, slot);
    }
}

fn config(data: &std::path::Path, chain: ChainChoice) -> NodeConfig {
    NodeConfig {
        data: Some(data.to_owned()),
        chain,
        minting_keys: Vec::new(),
        recoveries: Vec::new(),
        payee: None,
        retention: retention(),
        pool: crate::transaction::Limits::default(),
        now: super::harness::GENESIS,
    }
}

#[test]
fn a_folder_says_what_is_wrong_with_using_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let node = Node::open(config(path, ChainChoice::Development)).unwrap();
    let chain = node.chain();

    let error = Node::open(config(path, ChainChoice::Development)).err().unwrap();
    assert!(matches!(&error, OpenError::Storage(StorageError::InUse(folder)) if folder == path), "{error}");
    drop(node);

    let mut other = super::harness::spec();
    other.name = "another".to_owned();
    let error = Node::open(config(path, ChainChoice::Spec(Box::new(other.clone())))).err().unwrap();
    assert!(matches!(&error, OpenError::OtherChain { found, .. } if *found == chain), "{error}");

    // The development chain of a folder stays the one it was, whenever the node starts.
    let later = NodeConfig { now: in_slot(1_000), ..config(path, ChainChoice::Development) };
    assert_eq!(Node::open(later).unwrap().chain(), chain);

    let second = tempfile::tempdir().unwrap();
    drop(Node::open(config(second.path(), ChainChoice::Spec(Box::new(other)))).unwrap());
    let error = Node::open(config(second.path(), ChainChoice::Development)).err().unwrap();
    assert!(matches!(error, OpenError::NotDevelopment { .. }), "{error}");
}
