//! The stores pass the suites that every implementation must pass.

use std::sync::Arc;

use light_client::{
    block_tree::{HeaderChanges, HeaderStore, SavedTree},
    data_format::{BlockId, SealedHeader},
    state::{Changes, NodeId, NodeStore, StoredNode, VersionedStore},
    test_support::{header_store, node_store},
};

use super::harness::retention;
use crate::storage::{Batch, Database, Space, StorageError, StoredHeaders};

/// A database in a folder of its own.
struct InFolder {
    folder: tempfile::TempDir,
    /// `None` only while it is closed and opened again.
    database: Option<Database>,
}

impl InFolder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Some(Database::open(Some(folder.path()), &retention()).unwrap());
        Self { folder, database }
    }

    fn database(&self) -> &Database {
        self.database.as_ref().unwrap()
    }

    fn reopen(&mut self) -> Result<(), StorageError> {
        self.database = None;
        self.database = Some(Database::open(Some(self.folder.path()), &retention())?);
        Ok(())
    }
}

impl NodeStore for InFolder {
    type Error = StorageError;

    fn node(&self, id: NodeId) -> Result<Arc<StoredNode>, StorageError> {
        self.database().read()?.nodes().node(id)
    }
}

impl VersionedStore for InFolder {}

impl node_store::WritableStore for InFolder {
    fn next_id(&self) -> NodeId {
        self.database().read().unwrap().next_node().unwrap()
    }

    fn apply(&mut self, changes: &Changes) -> Result<(), StorageError> {
        let mut batch = Batch::default();
        for (id, node) in &changes.new_nodes {
            batch.node(*id, Arc::clone(node));
        }
        batch.next_node(changes.next_id);
        self.database().commit(batch)
    }

    fn prune(&mut self, stale: &[NodeId]) -> Result<(), StorageError> {
        let mut batch = Batch::default();
        batch.remove_nodes(stale.iter().copied());
        self.database().commit(batch)?;
        // What is removed is there until the tables hear of it.
        self.database().write_waiting()
    }

    fn reopen(&mut self) -> Result<(), StorageError> {
        Self::reopen(self)
    }
}

impl HeaderStore for InFolder {
    type Error = StorageError;

    fn load(&self) -> Result<Option<SavedTree>, StorageError> {
        StoredHeaders::new(self.database().clone()).load()
    }

    fn header(&self, id: &BlockId) -> Result<Option<SealedHeader>, StorageError> {
        StoredHeaders::new(self.database().clone()).header(id)
    }

    fn apply(&mut self, changes: &HeaderChanges) -> Result<(), StorageError> {
        StoredHeaders::new(self.database().clone()).apply(changes)
    }
}

impl header_store::ReopenableStore for InFolder {
    fn reopen(&mut self) -> Result<(), StorageError> {
        Self::reopen(self)
    }
}

#[test]
fn state_nodes_on_disk_conform() {
    node_store::conformance(InFolder::new).unwrap();
}

#[test]
fn headers_on_disk_conform() {
    header_store::conformance(InFolder::new).unwrap();
}

#[test]
fn a_batch_counts_in_its_order() {
    let store = InFolder::new();
    let mut batch = Batch::default();
    batch.put(Space::Snapshot, b"a", b"1");
    batch.put(Space::Snapshot, b"a", b"2");
    batch.put(Space::Snapshot, b"b", b"1");
    batch.remove(Space::Snapshot, b"b");
    store.database().commit(batch).unwrap();
    let stored = store.database().read().unwrap().all(Space::Snapshot).unwrap();
    assert_eq!(stored, [(b"a".to_vec(), b"2".to_vec())]);
}

#[test]
fn a_restored_tree_prefers_the_justified_branch_to_the_longer_one() {
    use light_client::{
        block_tree::BlockTree,
        consensus::{engine, genesis},
        crypto::Hash,
        data_format::{Checkpoint, Header, Height, Round, Slot},
    };
    let spec = super::harness::spec();
    let genesis = genesis(&spec.id(), Hash::ZERO, Hash::ZERO);
    let child = |parent: &SealedHeader, slot| {
        let (height, parent_id) = (Height(parent.header.height.0 + 1), parent.header.id());
        let header = Header { height, slot: Slot(slot), parent: parent_id, ..parent.header.clone() };
        SealedHeader { header, ..parent.clone() }
    };
    let b1 = child(&genesis, 2);
    let (b2, a1) = (child(&b1, 3), child(&genesis, 1));
    let justified = Checkpoint { round: Round(1), id: a1.header.id() };

    let mut store = InFolder::new();
    let finalised = Some(genesis.header.id());
    store.apply(&HeaderChanges { added: vec![genesis], finalised, ..HeaderChanges::default() }).unwrap();
    let changes =
        HeaderChanges { added: vec![b1, b2, a1], justified: Some(justified), ..HeaderChanges::default() };
    store.apply(&changes).unwrap();
    let tree = BlockTree::restore(engine(&spec), store.load().unwrap().unwrap()).unwrap();
    assert_eq!(*tree.best(), justified.id);
}
