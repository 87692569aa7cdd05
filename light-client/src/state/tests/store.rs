//! The store in memory passes the suite, and a store with a fault does not.

use std::{panic::catch_unwind, sync::Arc};

use crate::{
    state::{Changes, MemoryStore, NodeId, NodeStore, StoredNode, UnknownNode, VersionedStore},
    test_support::node_store::{WritableStore, conformance},
};

#[test]
fn the_store_in_memory_conforms() {
    conformance(MemoryStore::new).unwrap();
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    KeepsWhatIsPruned,
    PrunesTooMuch,
    LosesTheLastNode,
    GivesIdsTwice,
    ReturnsAnotherNode,
}

struct Faulty {
    store: MemoryStore,
    fault: Fault,
    /// The id that was next before the last commit.
    before: NodeId,
}

impl NodeStore for Faulty {
    type Error = UnknownNode;

    fn node(&self, id: NodeId) -> Result<Arc<StoredNode>, UnknownNode> {
        match self.fault {
            Fault::ReturnsAnotherNode if id != NodeId::FIRST => {
                self.store.node(id)?;
                self.store.node(NodeId::FIRST)
            }
            _ => self.store.node(id),
        }
    }
}

impl VersionedStore for Faulty {}

impl WritableStore for Faulty {
    fn next_id(&self) -> NodeId {
        self.store.next_id()
    }

    fn apply(&mut self, changes: &Changes) -> Result<(), UnknownNode> {
        self.before = self.store.next_id();
        self.store.apply(changes);
        Ok(())
    }

    fn prune(&mut self, stale: &[NodeId]) -> Result<(), UnknownNode> {
        match (self.fault, stale.last()) {
            (Fault::KeepsWhatIsPruned, _) => {}
            (Fault::PrunesTooMuch, Some(last)) => self.store.prune(&[stale, &[last.plus(1)]].concat()),
            (Fault::GivesIdsTwice, _) => {
                self.store.prune(stale);
                let changes = Changes {
                    root: Default::default(),
                    new_nodes: vec![],
                    stale: vec![],
                    next_id: self.before,
                };
                self.store.apply(&changes);
            }
            _ => self.store.prune(stale),
        }
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), UnknownNode> {
        if let Fault::LosesTheLastNode = self.fault {
            let last = NodeId::new(self.store.next_id().get() - 1);
            self.store.prune(last.as_slice());
        }
        Ok(())
    }
}

#[test]
fn the_suite_finds_faults() {
    let faults = [
        Fault::KeepsWhatIsPruned,
        Fault::PrunesTooMuch,
        Fault::LosesTheLastNode,
        Fault::GivesIdsTwice,
        Fault::ReturnsAnotherNode,
    ];
    for fault in faults {
        let new = move || Faulty { store: MemoryStore::new(), fault, before: NodeId::FIRST };
        let result = catch_unwind(|| conformance(new));
        assert!(!matches!(result, Ok(Ok(()))), "{fault:?} was not found");
    }
}
