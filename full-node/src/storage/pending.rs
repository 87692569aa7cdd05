//! What was written and is not in the tables yet: readers see it all the same.
//!
//! Blocks change the same records over and over: one write of all that is left at the end costs the disk a fraction of one for each
//! block. State nodes wait one by one, and are put into pages when they go to the tables: of those that became superfluous before,
//! the tables never hear.
//!
//! Changes are in layers, because a reader keeps what it sees, and so does whoever writes it to the tables. Small layers that are
//! neighbours become one when there are many, so that each change is copied a few times at most.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use light_client::state::{NodeId, StoredNode, trie::Value};
use rustc_hash::FxHashMap;

use super::{Batch, Change, Entry, Read, Space, StorageError};

/// Bytes that wait at most, about, in memory, and in the log; what is more goes to the tables before one more batch is added.
pub(super) const BOUND: usize = 256 << 20;
/// Bytes that are much, about: worth their write.
pub(super) const MUCH: usize = 128 << 20;
/// Layers that a reader looks through, besides those that are on their way into the tables, of which there are as many at most.
const LAYERS: usize = 8;
/// Bytes that an entry costs besides its key and its value, about.
const ENTRY: usize = 96;
/// Bytes that a state node costs besides the key and the value of a leaf, about; and what one costs that is removed.
const NODE: usize = 224;
const REMOVED_NODE: usize = 32;

/// The newest value of each key of a space; `None` is removed.
type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// State nodes that are not in a page yet; `None` is removed from its page. The ids are counted up, so nobody else chooses them.
#[derive(Clone, Default)]
struct Nodes {
    changes: FxHashMap<NodeId, Option<Arc<StoredNode>>>,
    /// The lowest id that was put: most that are asked for are older.
    first: Option<NodeId>,
    /// Whether what was put here may be in the tables all the same.
    may_be_stored: bool,
}

#[derive(Clone, Default)]
struct Layer {
    /// Of every space, in the order of [`Space::ALL`].
    spaces: [Changes; Space::ALL.len()],
    nodes: Nodes,
    /// Of all but nodes that are removed; of changes of the same key each counts.
    bytes: usize,
}

/// Changes that the tables do not have yet, over what they had before them. A clone sees no later ones.
#[derive(Clone, Default)]
pub(super) struct Pending {
    base: Option<Arc<dyn Read>>,
    /// The newest last.
    layers: Vec<Arc<Layer>>,
    /// How many of them, the oldest, stay as they are: they are on their way into the tables, or a draft began with them.
    taken: usize,
    /// How many of them, the oldest, are in the log.
    logged: usize,
}

/// The changes that waited at one moment.
pub(super) struct Waiting(Vec<Arc<Layer>>);

impl Pending {
    /// These changes over what is in the tables, which nothing may change as long as there are any.
    pub(super) fn over(base: Box<dyn Read>) -> Self {
        Self { base: Some(base.into()), ..Self::default() }
    }

    /// Whether nothing waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.base.is_none()
    }

    /// What a reader sees; `None` if that is in the tables alone.
    pub(super) fn reader(&self) -> Option<Box<dyn Read>> {
        let base = Arc::clone(self.base.as_ref()?);
        Some(Box::new(Layered { base, layers: self.layers.clone() }))
    }

    /// The same, for more that nobody else is to see; `None` if nothing waits.
    pub(super) fn draft(&self) -> Option<Self> {
        (!self.is_empty()).then(|| Self { taken: self.layers.len(), ..self.clone() })
    }

    /// What a draft has more than it began with.
    pub(super) fn drafted(&self) -> Waiting {
        Waiting(self.layers[self.taken..].to_vec())
    }

    /// Adds what a draft had.
    pub(super) fn adopt(&mut self, Waiting(layers): Waiting) {
        self.layers.extend(layers);
        self.join_small();
    }

    /// What is not in the log.
    pub(super) fn unlogged(&self) -> Waiting {
        Waiting(self.layers[self.logged..].to_vec())
    }

    /// Adds changes.
    pub(super) fn add(&mut self, batch: Batch) {
        self.add_above(self.taken.max(self.logged), batch);
    }

    /// Adds changes that were logged, after everything before them.
    pub(super) fn add_logged(&mut self, batch: Batch) {
        self.logged = self.layers.len();
        self.add_above(self.taken, batch);
        self.logged = self.layers.len();
    }

    /// Adds changes that the log has. Some of them may have been on their way into the tables when they were logged.
    pub(super) fn add_found(&mut self, batch: Batch) {
        if self.layers.is_empty() {
            let nodes = Nodes { may_be_stored: true, ..Nodes::default() };
            self.layers.push(Arc::new(Layer { nodes, ..Layer::default() }));
        }
        self.add(batch);
    }

    /// Adds changes to the last layer if it is above so many and nobody reads it, or in one of their own.
    fn add_above(&mut self, below: usize, batch: Batch) {
        let is_open = self.layers.len() > below && self.layers.last_mut().and_then(Arc::get_mut).is_some();
        if !is_open {
            self.layers.push(Arc::default());
        }
        if let Some(layer) = self.layers.last_mut().and_then(Arc::get_mut) {
            layer.add(batch);
        }
        self.join_small();
    }

    /// Has so few layers that readers look through them quickly: of neighbours, those become one that are smallest together.
    fn join_small(&mut self) {
        while self.layers.len() - self.taken > LAYERS {
            // What is logged and what is not stay apart.
            let pairs = (self.taken..self.layers.len() - 1).filter(|lower| lower + 1 != self.logged);
            let size = |lower: &usize| self.layers[*lower].bytes() + self.layers[lower + 1].bytes();
            let Some(lower) = pairs.min_by_key(size) else { return };
            let upper = self.layers.remove(lower + 1);
            self.logged -= usize::from(self.logged > lower);
            Arc::make_mut(&mut self.layers[lower]).extend(Arc::unwrap_or_clone(upper));
        }
    }

    /// About how much waits.
    pub(super) fn bytes(&self) -> usize {
        self.layers.iter().map(|layer| layer.bytes()).sum()
    }

    /// About how much of it is not in the log.
    pub(super) fn bytes_to_log(&self) -> usize {
        self.layers[self.logged..].iter().map(|layer| layer.bytes()).sum()
    }

    /// About how much of it is not on its way into the tables.
    pub(super) fn bytes_to_take(&self) -> usize {
        self.layers[self.taken..].iter().map(|layer| layer.bytes()).sum()
    }

    /// Everything that waits now, which stays as it is from now on. What is added later comes on top of it.
    pub(super) fn take(&mut self) -> Waiting {
        self.taken = self.layers.len();
        Waiting(self.layers.clone())
    }

    /// What was taken is in the tables: here they are.
    pub(super) fn written(&mut self, base: Box<dyn Read>) {
        self.layers.drain(..self.taken);
        self.logged = self.logged.saturating_sub(self.taken);
        self.taken = 0;
        self.base = (!self.layers.is_empty()).then(|| base.into());
    }
}

impl Layer {
    fn bytes(&self) -> usize {
        self.bytes + self.nodes.changes.len() * REMOVED_NODE
    }

    fn add(&mut self, batch: Batch) {
        let mut spaces: [Vec<_>; Space::ALL.len()] = Default::default();
        for (space, key, value) in batch.changes {
            self.bytes += size_of_change(&key, value.as_deref());
            spaces[space as usize].push((key, value));
        }
        self.spaces.iter_mut().zip(spaces).for_each(|(known, changes)| change(known, changes));
        self.change_nodes(batch.nodes);
    }

    /// Makes the changes of a later layer.
    fn extend(&mut self, later: Self) {
        self.bytes += later.bytes;
        self.spaces.iter_mut().zip(later.spaces).for_each(|(known, changes)| change(known, changes));
        self.bytes -= later.nodes.changes.values().flatten().map(|node| size_in_memory(node)).sum::<usize>();
        self.change_nodes(later.nodes.changes);
    }

    fn change_nodes(&mut self, nodes: impl IntoIterator<Item = (NodeId, Option<Arc<StoredNode>>)>) {
        for (id, node) in nodes {
            self.bytes += node.as_deref().map_or(0, size_in_memory);
            let gone = self.nodes.change(id, node);
            self.bytes -= gone.as_deref().map_or(0, size_in_memory);
        }
    }
}

fn change(known: &mut Changes, changes: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>) {
    if known.is_empty() {
        // All at once costs a fraction of one after the other.
        *known = changes.into_iter().collect();
    } else {
        known.extend(changes);
    }
}

impl Waiting {
    /// Whether it is nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes, the oldest first, without those of state nodes.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let layers = self.0.iter().flat_map(|layer| Space::ALL.into_iter().zip(&layer.spaces));
        layers.flat_map(|(space, changes)| {
            changes.iter().map(move |(key, value)| Change { space, key, value: value.as_deref() })
        })
    }

    /// The changes of state nodes, the oldest first.
    pub(super) fn node_changes(&self) -> impl Iterator<Item = (NodeId, Option<&StoredNode>)> {
        let layers = self.0.iter().flat_map(|layer| &layer.nodes.changes);
        layers.map(|(id, node)| (*id, node.as_deref()))
    }

    /// What becomes of state nodes in the end.
    pub(super) fn nodes(&self) -> Vec<(NodeId, Option<Arc<StoredNode>>)> {
        let may_be_stored = self.0.iter().any(|layer| layer.nodes.may_be_stored);
        let mut nodes = Nodes { may_be_stored, ..Nodes::default() };
        for (id, node) in self.0.iter().flat_map(|layer| &layer.nodes.changes) {
            nodes.change(*id, node.clone());
        }
        nodes.changes.into_iter().collect()
    }
}

impl Batch {
    /// Whether it is so much by itself that it is written once rather than twice.
    pub(super) fn is_large(&self) -> bool {
        let changes = self.changes.iter().map(|(_, key, value)| size_of_change(key, value.as_deref()));
        let nodes = self.nodes.iter().map(|(_, node)| node.as_deref().map_or(REMOVED_NODE, size_in_memory));
        changes.chain(nodes).sum::<usize>() > MUCH
    }
}

impl Nodes {
    /// Puts or removes a node; gives what was here of it. An id is given again only when the tables have lost the node that had it,
    /// so one that is removed where it was put is in no page, if it cannot have come there since, and nothing is left of it.
    fn change(&mut self, id: NodeId, node: Option<Arc<StoredNode>>) -> Option<Arc<StoredNode>> {
        let removed = node.is_none();
        if !removed {
            self.first = Some(self.first.map_or(id, |first| first.min(id)));
        }
        let before = self.changes.insert(id, node).flatten();
        if removed && before.is_some() && !self.may_be_stored {
            self.changes.remove(&id);
        }
        before
    }

    /// A node that was put here.
    fn find(&self, id: NodeId) -> Option<Arc<StoredNode>> {
        if self.first? <= id { self.changes.get(&id)?.clone() } else { None }
    }
}

/// About what a change takes up.
const fn size_of_change(key: &[u8], value: Option<&[u8]>) -> usize {
    ENTRY + key.len() + if let Some(value) = value { value.len() } else { 0 }
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
        self.layers.iter().rev().find_map(|layer| layer.nodes.find(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use light_client::state::NodeStore;

    use crate::storage::{Database, RedbStorage, Retention, Snapshot, Storage};

    /// A database and its disk, which knows only what is in the tables.
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
            database.write_waiting().unwrap();
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
    fn readers_see_what_waits_and_the_tables_get_it_later() {
        let (disk, database) = database();
        database.commit(batch(&[(b"a", Some(b"1")), (b"b", Some(b"1")), (b"d", Some(b"1"))])).unwrap();
        assert!(keys(&*disk.read().unwrap(), 9).is_empty(), "it is in the log");
        database.write_waiting().unwrap();
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
        database.write_waiting().unwrap();
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

    #[test]
    fn nodes_from_an_id_on_are_removed_for_good() {
        let (disk, database) = database();
        let page = 32 * 5_000;
        database.commit(nodes(&[1, 2, 40, page], &[])).unwrap();
        database.write_waiting().unwrap();
        // One that only waits goes too.
        database.commit_later(nodes(&[page + 64], &[])).unwrap();
        database.remove_nodes_from(NodeId::new(2).unwrap()).unwrap();
        assert_eq!(found(&database.read().unwrap()), [1]);
        assert_eq!(disk.read().unwrap().range(Space::Nodes, &[], &[0xff; 9], 9).unwrap().len(), 1);
        // Whoever gets an id again is as good as the first.
        database.commit_later(nodes(&[2], &[])).unwrap();
        database.commit_later(nodes(&[], &[2])).unwrap();
        database.write_waiting().unwrap();
        assert_eq!(database.read().unwrap().count_nodes().unwrap(), 1);
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
        database.write_waiting().unwrap();
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
        database.write_waiting().unwrap();
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
        let each = (64 << 10) + 1 + NODE + REMOVED_NODE;
        let most = (4_000 + BOUND / each) as u64;
        assert!(kept > most - 10 && kept <= most + 1, "{kept} of {most}");
    }

    #[test]
    fn the_log_is_bounded_however_little_waits() {
        let (disk, database) = database();
        let value: Arc<[u8]> = Arc::from(vec![7; 1 << 20]);
        for number in 1..=500 {
            let mut batch = Batch::default();
            let leaf = StoredNode::Leaf { key: Arc::from([7]), value: Value::Known(value.clone()) };
            batch.node(NodeId::new(number).unwrap(), Arc::new(leaf));
            batch.remove_nodes(NodeId::new(number - 1));
            database.commit(batch).unwrap();
            let waits = database.pending().bytes();
            assert!(waits < 3 << 20, "{waits} bytes");
            if number % 50 == 0 {
                let segments = disk.segments();
                let length = |part: &u64| segments.read(*part).unwrap().len();
                let logged: usize = segments.numbers().unwrap().iter().map(length).sum();
                assert!(logged < BOUND + (2 << 20), "{logged} bytes");
                assert_eq!(database.much_waits(), logged > MUCH, "{logged} bytes");
            }
        }
        assert_eq!(database.read().unwrap().count_nodes().unwrap(), 1);
    }

    #[test]
    fn what_is_on_its_way_into_the_tables_is_not_much_that_waits() {
        let (disk, _) = database();
        let mut pending = Pending::over(disk.read().unwrap());
        pending.add(batch(&[(b"a", Some(&[7; 1_000]))]));
        let before = pending.bytes_to_take();
        pending.take();
        pending.add(batch(&[(b"b", Some(&[7; 10]))]));
        assert_eq!(pending.bytes_to_take() + before, pending.bytes());
        assert!(before > 1_000 && pending.bytes_to_take() < 200);
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
        for key in 0..2 * LAYERS as u8 {
            database.commit_later(batch(&[(&[b'e', key], Some(b"1"))])).unwrap();
            assert_eq!(keys(&*disk.read().unwrap(), 9), [b"a", b"b", b"c", b"d"]);
            readers.push(database.read().unwrap());
        }
        for (number, reader) in readers.iter().enumerate() {
            assert_eq!(keys(&*reader.read, 999).len(), 4 + number + 1);
        }
    }

    #[test]
    fn a_reader_looks_through_few_layers() {
        let (disk, _) = database();
        let mut pending = Pending::over(disk.read().unwrap());
        let (mut readers, mut expected) = (Vec::new(), 0);
        for number in 0..1_000_u16 {
            let mut added = batch(&[(&number.to_be_bytes(), Some(&[7; 10]))]);
            let (id, node) = node(u64::from(number) + 1);
            expected += ENTRY + 2 + 10 + size_in_memory(&node) + REMOVED_NODE;
            added.node(id, node);
            if number % 3 == 0 {
                pending.add_logged(added)
            } else {
                pending.add(added)
            }
            readers.push(pending.reader());
            assert!(pending.layers.len() <= LAYERS, "{} layers", pending.layers.len());
            assert_eq!(pending.bytes(), expected);
        }
        // What is on its way into the tables stays as it is.
        let taken = pending.take().0.len();
        pending.add(batch(&[(b"a", None)]));
        assert_eq!((pending.taken, pending.layers.len()), (taken, taken + 1));
        pending.written(disk.read().unwrap());
        assert_eq!((pending.layers.len(), pending.logged), (1, 0));
    }
}
