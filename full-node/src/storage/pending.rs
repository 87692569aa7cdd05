//! What was written and need not be on disk yet: readers see it, the next commit takes it along.
//!
//! Blocks that come by the hundred change the same records over and over: one write of all that is left at the end costs
//! the disk a fraction of one for each block. State nodes wait one by one, and are put into pages when they go to disk: of
//! those that became superfluous before, the disk never hears.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use light_client::state::{NodeId, StoredNode, trie::Value};
use rustc_hash::FxHashMap;

use super::{Batch, Change, Entry, Read, Space, StorageError};

/// Bytes that are kept back, about; more than that goes to disk.
const BOUND: usize = 96 << 20;
/// Layers that a reader looks through, at most.
const LAYERS: usize = 8;
/// Bytes that an entry costs besides its key and its value, about.
const ENTRY: usize = 96;
/// Bytes that a state node costs besides the key and the value of a leaf, about; and what one costs that is removed.
const NODE: usize = 224;
const REMOVED_NODE: usize = 32;

/// The newest value of each key of a space; `None` is removed.
type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// State nodes that are not in a page yet; `None` is removed from its page. The ids are counted up, so nobody else chooses them.
#[derive(Default)]
struct Nodes(FxHashMap<NodeId, Option<Arc<StoredNode>>>);

#[derive(Default)]
struct Layer {
    /// Of every space, in the order of [`Space::ALL`].
    spaces: [Changes; Space::ALL.len()],
    nodes: Nodes,
    /// Of all but nodes that are removed.
    bytes: usize,
}

/// Changes that the disk does not have yet, over what it had before them. A clone sees no later ones.
#[derive(Clone, Default)]
pub(super) struct Pending {
    base: Option<Arc<dyn Read>>,
    /// The newest last. The last one is changed in place unless somebody reads it.
    layers: Vec<Arc<Layer>>,
    /// Of a draft: how many of the layers it began with.
    given: usize,
}

/// The changes that waited at one moment.
pub(super) struct Waiting(Vec<Arc<Layer>>);

impl Pending {
    /// These changes over what is on disk, which nothing may change as long as there are any.
    pub(super) fn over(base: Box<dyn Read>) -> Self {
        Self { base: Some(base.into()), ..Self::default() }
    }

    /// Whether nothing waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.base.is_none()
    }

    /// What a reader sees; `None` if that is the disk alone.
    pub(super) fn reader(&self) -> Option<Box<dyn Read>> {
        let base = Arc::clone(self.base.as_ref()?);
        Some(Box::new(Layered { base, layers: self.layers.clone() }))
    }

    /// The same, for more that nobody else is to see; `None` if nothing waits.
    pub(super) fn draft(&self) -> Option<Self> {
        let mut draft = Self { given: self.layers.len(), ..self.clone() };
        // Its first own layer: others may let go of the last one given, which must not be changed all the same.
        draft.layers.push(Arc::default());
        (!self.is_empty()).then_some(draft)
    }

    /// What a draft has more than it began with.
    pub(super) fn drafted(&self) -> Waiting {
        Waiting(self.layers[self.given..].to_vec())
    }

    /// Adds what a draft had.
    pub(super) fn adopt(&mut self, Waiting(layers): Waiting) {
        self.layers.extend(layers);
    }

    /// Adds changes.
    pub(super) fn add(&mut self, batch: Batch) {
        if self.layers.last_mut().is_none_or(|last| Arc::get_mut(last).is_none()) {
            self.layers.push(Arc::default());
        }
        let Some(layer) = self.layers.last_mut().and_then(Arc::get_mut) else { return };
        let mut spaces: [Vec<_>; Space::ALL.len()] = Default::default();
        for (space, key, value) in batch.changes {
            layer.bytes += ENTRY + key.len() + value.as_ref().map_or(0, Vec::len);
            spaces[space as usize].push((key, value));
        }
        for (known, changes) in layer.spaces.iter_mut().zip(spaces) {
            if known.is_empty() {
                // All at once costs a fraction of one after the other.
                *known = changes.into_iter().collect();
            } else {
                known.extend(changes);
            }
        }
        for (id, node) in batch.nodes {
            layer.bytes += node.as_deref().map_or(0, size_in_memory);
            let gone = layer.nodes.change(id, node);
            layer.bytes -= gone.as_deref().map_or(0, size_in_memory);
        }
    }

    /// Whether so much waits that nothing more should be added.
    pub(super) fn is_full(&self) -> bool {
        self.bytes() > BOUND || self.layers.len() > LAYERS
    }

    /// Whether half as much waits: a good time to write it, while more comes.
    pub(super) fn is_half_full(&self) -> bool {
        self.bytes() > BOUND / 2 || self.layers.len() > LAYERS / 2
    }

    fn bytes(&self) -> usize {
        self.layers.iter().map(|layer| layer.bytes + layer.nodes.0.len() * REMOVED_NODE).sum()
    }

    /// Everything that waits now. What is added later comes on top of it.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting(self.layers.clone())
    }

    /// This went to disk, and is the oldest that waits: here is the disk with it.
    pub(super) fn written(&mut self, waiting: &Waiting, base: Box<dyn Read>) {
        self.layers.drain(..waiting.0.len());
        self.base = (!self.layers.is_empty()).then(|| base.into());
    }
}

impl Waiting {
    /// The changes, the oldest first, without those of state nodes.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let layers = self.0.iter().flat_map(|layer| Space::ALL.into_iter().zip(&layer.spaces));
        layers.flat_map(|(space, changes)| {
            changes.iter().map(move |(key, value)| Change { space, key, value: value.as_deref() })
        })
    }

    /// What becomes of state nodes in the end.
    pub(super) fn nodes(&self) -> Vec<(NodeId, Option<Arc<StoredNode>>)> {
        let mut nodes = Nodes::default();
        for (id, node) in self.0.iter().flat_map(|layer| &layer.nodes.0) {
            nodes.change(*id, node.clone());
        }
        nodes.0.into_iter().collect()
    }
}

impl Nodes {
    /// Puts or removes a node; gives what was here of it. An id is never given again, so a node that is removed where it was
    /// put is in no page, and nothing is left of it.
    fn change(&mut self, id: NodeId, node: Option<Arc<StoredNode>>) -> Option<Arc<StoredNode>> {
        let removed = node.is_none();
        let before = self.0.insert(id, node).flatten();
        if removed && before.is_some() {
            self.0.remove(&id);
        }
        before
    }
}

/// About what a node takes up.
fn size_in_memory(node: &StoredNode) -> usize {
    match node {
        StoredNode::Leaf { key, value: Value::Known(value) } => NODE + key.len() + value.len(),
        StoredNode::Leaf { key, .. } => NODE + key.len(),
        StoredNode::Inner { .. } => NODE,
    }
}

struct Layered {
    base: Arc<dyn Read>,
    layers: Vec<Arc<Layer>>,
}

impl Read for Layered {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        match self.layers.iter().rev().find_map(|layer| layer.spaces[space as usize].get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(space, key),
        }
    }

    fn range(&self, space: Space, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let bounds: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Included(from), Bound::Excluded(to));
        let mut changed: BTreeMap<&[u8], &Option<Vec<u8>>> = BTreeMap::new();
        for layer in &self.layers {
            let changes = layer.spaces[space as usize].range::<[u8], _>(bounds);
            changed.extend(changes.map(|(key, value)| (&**key, value)));
        }
        // Each change hides one of them at most.
        let below = self.base.range(space, from, to, limit.saturating_add(changed.len()))?;
        let mut entries: BTreeMap<Vec<u8>, Vec<u8>> = below.into_iter().collect();
        for (key, value) in changed {
            match value {
                Some(value) => entries.insert(key.to_vec(), value.clone()),
                None => entries.remove(key),
            };
        }
        Ok(entries.into_iter().take(limit).collect())
    }

    fn waiting_node(&self, id: NodeId) -> Option<Arc<StoredNode>> {
        self.layers.iter().rev().find_map(|layer| layer.nodes.0.get(&id).cloned().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use light_client::state::NodeStore;

    use crate::storage::{Database, RedbStorage, Retention, Snapshot, Storage};

    /// A database and its disk, which knows only what was committed.
    fn database() -> (Arc<RedbStorage>, Database) {
        let retention =
            Retention { node_cache_bytes: 1 << 20, page_cache_bytes: 1 << 20, ..Retention::default() };
        let disk = Arc::new(RedbStorage::in_memory(&retention).unwrap());
        (disk.clone(), Database::over(disk, &retention).unwrap())
    }

    fn batch(changes: &[(&[u8], Option<&[u8]>)]) -> Batch {
        let mut batch = Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.put(Space::History, *key, *value),
                None => batch.remove(Space::History, *key),
            }
        }
        batch
    }

    fn keys(read: &dyn Read, limit: usize) -> Vec<Vec<u8>> {
        let entries = read.range(Space::History, b"a", b"x", limit).unwrap();
        entries.into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn what_is_drafted_nobody_else_sees_before_it_is_adopted() {
        for waiting in [false, true] {
            let (disk, database) = database();
            database.commit(batch(&[(b"a", Some(b"1")), (b"b", Some(b"1"))])).unwrap();
            if waiting {
                database.commit_later(batch(&[(b"b", None), (b"c", Some(b"1"))])).unwrap();
            }
            let (before, draft) = (keys(&*database.read().unwrap().read, 9), database.draft().unwrap());
            // What it began with goes to disk, and is let go of, before anything is drafted.
            database.write_waiting().unwrap();
            draft.commit_later(batch(&[(b"a", None), (b"d", Some(b"1"))])).unwrap();
            // Durable as the draft is: not yet.
            draft.commit(batch(&[(b"e", Some(b"1"))])).unwrap();
            let drafted = keys(&*draft.read().unwrap().read, 9);
            assert_eq!(drafted, if waiting { [b"c", b"d", b"e"] } else { [b"b", b"d", b"e"] });
            assert_eq!(keys(&*database.read().unwrap().read, 9), before);

            // Others write on, and what waited goes to disk meanwhile.
            database.commit_later(batch(&[(b"f", Some(b"1"))])).unwrap();
            database.write_waiting().unwrap();
            draft.commit_later(batch(&[(b"d", Some(b"2"))])).unwrap();
            assert_eq!(keys(&*draft.read().unwrap().read, 9), drafted);
            database.adopt(&draft).unwrap();
            let whole = [&drafted[..], &[b"f".to_vec()]].concat();
            assert_eq!(keys(&*database.read().unwrap().read, 9), whole);
            assert_ne!(keys(&*disk.read().unwrap(), 9), whole);
            database.write_waiting().unwrap();
            assert_eq!(keys(&*disk.read().unwrap(), 9), whole);
        }
        // One that is dropped leaves no trace.
        let (_, database) = database();
        database.draft().unwrap().commit(batch(&[(b"a", Some(b"1"))])).unwrap();
        assert!(keys(&*database.read().unwrap().read, 9).is_empty());
    }

    #[test]
    fn readers_see_what_waits_and_the_disk_gets_it_with_the_next_commit() {
        let (disk, database) = database();
        database.commit(batch(&[(b"a", Some(b"1")), (b"b", Some(b"1")), (b"d", Some(b"1"))])).unwrap();
        database.commit_later(batch(&[(b"a", None), (b"c", Some(b"1"))])).unwrap();
        let early = database.read().unwrap();
        database.commit_later(batch(&[(b"a", Some(b"2")), (b"c", None), (b"y", Some(b"1"))])).unwrap();
        database.commit_later(batch(&[(b"e", Some(b"1")), (b"b", Some(b"2"))])).unwrap();

        assert_eq!(keys(&*early.read, 9), [b"b", b"c", b"d"]);
        assert_eq!(
            (early.read.get(Space::History, b"a"), early.read.get(Space::History, b"e")),
            (Ok(None), Ok(None))
        );
        let late = database.read().unwrap();
        assert_eq!(keys(&*late.read, 9), [b"a", b"b", b"d", b"e"]);
        assert_eq!(keys(&*late.read, 2), [b"a", b"b"]);
        assert_eq!(late.read.get(Space::History, b"b"), Ok(Some(b"2".to_vec())));
        assert_eq!(late.read.range(Space::History, b"x", b"a", 9), Ok(Vec::new()));
        assert_eq!(keys(&*disk.read().unwrap(), 9), [b"a", b"b", b"d"]);

        database.commit(batch(&[(b"b", None)])).unwrap();
        for read in [&*disk.read().unwrap(), &*database.read().unwrap().read] {
            assert_eq!(keys(read, 9), [b"a", b"d", b"e"]);
            assert_eq!(read.get(Space::History, b"a"), Ok(Some(b"2".to_vec())));
        }
        // What comes while that is written comes on top.
        database.commit_later(batch(&[(b"f", Some(b"1"))])).unwrap();
        let between = database.read().unwrap();
        database.commit_later(batch(&[(b"a", Some(b"3"))])).unwrap();
        database.write_waiting().unwrap();
        database.commit_later(batch(&[(b"a", Some(b"4"))])).unwrap();
        assert_eq!(keys(&*disk.read().unwrap(), 9), [b"a", b"d", b"e", b"f"]);
        assert_eq!(disk.read().unwrap().get(Space::History, b"a"), Ok(Some(b"3".to_vec())));
        assert_eq!(between.read.get(Space::History, b"a"), Ok(Some(b"2".to_vec())));
        assert_eq!(database.read().unwrap().read.get(Space::History, b"a"), Ok(Some(b"4".to_vec())));
        // Whoever began to read before goes on seeing what was there.
        assert_eq!((keys(&*early.read, 9).len(), keys(&*late.read, 9).len()), (3, 4));
    }

    fn node(number: u64) -> (NodeId, Arc<StoredNode>) {
        let value = Value::Known(Arc::from(number.to_be_bytes()));
        let leaf = StoredNode::Leaf { key: Arc::from(number.to_be_bytes()), value };
        (NodeId::new(number).unwrap(), Arc::new(leaf))
    }

    fn nodes(put: &[u64], removed: &[u64]) -> Batch {
        let mut batch = Batch::default();
        put.iter().map(|number| node(*number)).for_each(|(id, node)| batch.node(id, node));
        batch.remove_nodes(removed.iter().map(|number| node(*number).0));
        batch
    }

    /// Which of the first hundred nodes a reader finds.
    fn found(snapshot: &Snapshot) -> Vec<u64> {
        let is_found = |number: &u64| {
            let (id, node) = node(*number);
            snapshot.nodes().node(id).is_ok_and(|found| found == node)
        };
        (1..100).filter(is_found).collect()
    }

    #[test]
    fn of_nodes_that_go_before_they_are_written_the_disk_never_hears() {
        let (disk, database) = database();
        database.commit(nodes(&[1, 2, 40], &[])).unwrap();
        database.commit_later(nodes(&[3, 41, 70], &[1])).unwrap();
        let early = database.read().unwrap();
        assert_eq!(found(&early), [1, 2, 3, 40, 41, 70], "what is removed is there until it is written");
        database.commit_later(nodes(&[4, 71], &[3, 70])).unwrap();
        database.commit_later(nodes(&[], &[71, 40])).unwrap();
        assert_eq!(disk.read().unwrap().range(Space::Nodes, &[], &[0xff; 9], 9).unwrap().len(), 2);

        database.write_waiting().unwrap();
        let late = database.read().unwrap();
        assert_eq!(found(&late), [2, 4, 41]);
        assert_eq!(late.count_nodes().unwrap(), 3);
        let pages = disk.read().unwrap().range(Space::Nodes, &[], &[0xff; 9], 9).unwrap();
        assert_eq!(pages.len(), 2, "the page of 70 and 71 never was");
        // Whoever began to read before goes on finding what was there.
        assert_eq!(found(&early), [1, 2, 3, 40, 41, 70]);
        database.commit(nodes(&[5], &[2, 4, 41])).unwrap();
        assert_eq!(found(&database.read().unwrap()), [5]);
    }

    #[test]
    fn nodes_that_wait_are_bounded_too() {
        let (disk, database) = database();
        let value: Arc<[u8]> = Arc::from(vec![7; 64 << 10]);
        let stored = || disk.read().unwrap().range(Space::Nodes, &[], &[0xff; 9], 1).unwrap().len();
        let mut kept = 0;
        for number in 1.. {
            let mut batch = Batch::default();
            let leaf = StoredNode::Leaf { key: Arc::from([7]), value: Value::Known(value.clone()) };
            batch.node(NodeId::new(number).unwrap(), Arc::new(leaf));
            // Each goes before the next one but one comes, so that few are kept.
            if number <= 4_000 {
                batch.remove_nodes(NodeId::new(number - 1));
            }
            database.commit_later(batch).unwrap();
            if stored() > 0 {
                break;
            }
            kept = number;
        }
        let most = (4_000 + BOUND / (64 << 10)) as u64;
        assert!(kept > most - 10 && kept <= most + 1, "{kept} of {most}");
    }

    #[test]
    fn what_waits_is_bounded() {
        let (disk, database) = database();
        let large = vec![7; BOUND / 4];
        for key in [b"a", b"b", b"c", b"d"] {
            database.commit_later(batch(&[(key, Some(&large))])).unwrap();
        }
        assert!(keys(&*disk.read().unwrap(), 9).is_empty());
        // Neither do readers make it grow, each of which keeps what it sees.
        let mut readers = Vec::new();
        for key in 0..=LAYERS as u8 {
            database.commit_later(batch(&[(&[b'e', key], Some(b"1"))])).unwrap();
            assert_eq!(keys(&*disk.read().unwrap(), 9), [b"a", b"b", b"c", b"d"]);
            readers.push(database.read().unwrap());
        }
        database.commit_later(batch(&[(b"f", Some(b"1"))])).unwrap();
        assert_eq!(keys(&*disk.read().unwrap(), 99).len(), 4 + LAYERS + 1);
        assert_eq!(keys(&*database.read().unwrap().read, 99).len(), 4 + LAYERS + 2);
    }
}
