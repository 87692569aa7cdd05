//! The ordered, path-compressed binary Merkle trie that a block's `state_root` commits to.
//!
//! Keys are raw bytes, at most [`MAX_KEY_BYTES`], none a prefix of another, in lexicographic order. Values have
//! at most [`MAX_VALUE_BYTES`]. Shape and hashes are a function of content alone:
//!
//! - leaf: `H(0x00 ‖ key ‖ H(value))`
//! - inner node: `H(0x01 ‖ prefix length in bits u16 ‖ prefix ‖ leaf count u64 ‖ left ‖ right)`, where the prefix
//!   is counted from the root of the trie and padded with zero bits to whole bytes; integers little-endian
//! - the empty trie: 32 zero bytes
//!
//! All keys with a common prefix are one subtree, so [`Trie::sub_root`] is a commitment to them that does not
//! depend on their neighbours. The hash does not name the prefix: whoever compares sub-roots binds it.
//!
//! One structure serves writing and proving: [`Trie`] loads the nodes it touches from a [`NodeStore`] and keeps
//! them. Over a node's database it executes blocks and records [witnesses](Trie::witness); over a decoded
//! [`Witness`](crate::state::Witness) it runs the same reads and writes again. Every operation is iterative, at
//! most 1,024 levels deep.
//!
//! **Trust and bounds.** A [`VersionedStore`] is the host's own disk and is believed as to hashes; only the place
//! of a node is checked. A witness is not believed at all: see [`Witness`](crate::state::Witness). A trie grows by
//! the nodes that its operations touch, so whoever lets others choose reads bounds their number
//! ([`Trie::loaded`]).

mod build;
mod codec;
mod commit;
mod error;
mod node;
mod path;
mod range;
mod rank;
mod store;
mod update;

use std::sync::Arc;

pub use build::{BuildError, Builder, NewNodes};
pub use codec::{MAX_NODE_BYTES, NodeDecodeError};
pub(crate) use codec::{Reader, put_varint};
pub use commit::{Changes, Warm};
pub use error::TrieError;
pub use node::{Child, MAX_VALUE_BYTES, NodeId, StoredNode, Value};
pub(crate) use path::Path;
pub use path::{MAX_KEY_BYTES, Prefix};
pub use range::{Entry, Order, Range};
pub use rank::Ranked;
pub use store::{MemoryStore, NodeStore, Root, UnknownNode, VersionedStore};

use crate::crypto::Hash;

/// A version of the state, with the changes made to it since it was opened. See the [module](self).
#[derive(Debug)]
pub struct Trie<S> {
    store: S,
    /// The root node of the version opened.
    origin: Option<NodeId>,
    root: Link,
    /// Number of keys.
    count: u64,
    /// Number of nodes loaded.
    loaded: usize,
    /// Every node loaded or made, those no longer in use too: a witness still needs them.
    slots: Vec<Slot>,
    /// The inner nodes that the last search passed, from the root down.
    passed: Vec<u32>,
    /// Stored nodes that this version no longer uses.
    stale: Vec<NodeId>,
}

/// The hash and the number of all keys with a common prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubRoot {
    /// The hash of the shallowest node whose path starts with the prefix; zeros for none.
    pub hash: Hash,
    /// Keys that start with the prefix.
    pub count: u64,
}

/// A stored node that an operation needed.
pub(crate) struct Touched<'a> {
    pub(crate) id: NodeId,
    pub(crate) node: &'a StoredNode,
    /// Whether it is a leaf of which the value was needed too.
    pub(crate) read: bool,
}

#[derive(Clone, Copy, Debug)]
enum Link {
    Empty,
    Pruned(Hash),
    Stored { id: NodeId, hash: Hash },
    Loaded(u32),
}

#[derive(Debug)]
struct Slot {
    node: Node,
    /// Out of date while `dirty`.
    hash: Hash,
    dirty: bool,
    /// Made here, or different from its source.
    changed: bool,
    /// The value was read, not only the key.
    read: bool,
    source: Option<(NodeId, Arc<StoredNode>)>,
}

#[derive(Debug)]
enum Node {
    Leaf { key: Arc<[u8]>, value: Value },
    Inner { prefix: Prefix, count: u64, children: [Link; 2] },
}

/// Where a link is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Root,
    Child(u32, usize),
}

/// Where the search for a key ended.
enum End {
    /// The trie is empty.
    Empty,
    /// At its leaf.
    Leaf(u32),
    /// At a node whose path has only so many leading bits in common with the key.
    Apart(u32, usize),
}

impl Node {
    fn path(&self) -> Path<'_> {
        match self {
            Self::Leaf { key, .. } => Path::of_key(key),
            Self::Inner { prefix, .. } => prefix.path(),
        }
    }

    const fn count(&self) -> u64 {
        match self {
            Self::Leaf { .. } => 1,
            Self::Inner { count, .. } => *count,
        }
    }
}

impl From<Child> for Link {
    fn from(child: Child) -> Self {
        match child.id {
            Some(id) => Self::Stored { id, hash: child.hash },
            None => Self::Pruned(child.hash),
        }
    }
}

impl<S: NodeStore> Trie<S> {
    /// The version `root` names. Nothing is read yet.
    pub fn open(root: Root, store: S) -> Self {
        let link = match Link::from(Child { id: root.id, hash: root.hash }) {
            Link::Pruned(Hash::ZERO) => Link::Empty,
            link => link,
        };
        Self {
            store,
            origin: root.id,
            root: link,
            count: root.count,
            loaded: 0,
            slots: Vec::new(),
            passed: Vec::new(),
            stale: Vec::new(),
        }
    }

    /// The store that nodes are read from.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Number of stored nodes read so far: the size of the witness, and the measure of what the operations cost.
    pub const fn loaded(&self) -> usize {
        self.loaded
    }

    /// The value at `key`, `None` if there is none.
    ///
    /// # Errors
    /// [`TrieError::Store`], [`TrieError::Misplaced`], or, on a witness, [`TrieError::Pruned`] and
    /// [`TrieError::PrunedValue`]: then nothing is known about the key.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<&[u8]>, TrieError<S::Error>> {
        match self.search(key)? {
            End::Leaf(index) => self.read(index).map(|value| Some(&**value)),
            End::Empty | End::Apart(..) => Ok(None),
        }
    }

    /// What all keys that start with `prefix` hash to. The value of a leaf is not read.
    ///
    /// # Errors
    /// As [`Trie::get`].
    pub fn sub_root(&mut self, prefix: &[u8]) -> Result<SubRoot, TrieError<S::Error>> {
        self.update_hashes();
        let prefix = Path::of_key(prefix);
        let mut place = Place::Root;
        while let Some(index) = self.open_node(place)? {
            let slot = self.slot(index);
            let path = slot.node.path();
            if path.starts_with(prefix) {
                return Ok(SubRoot { hash: slot.hash, count: slot.node.count() });
            }
            match (&slot.node, prefix.bit(path.bits())) {
                (Node::Inner { .. }, Some(bit)) if prefix.starts_with(path) => {
                    place = Place::Child(index, bit)
                }
                _ => break,
            }
        }
        Ok(SubRoot::default())
    }

    /// Descends to where `key` is or would be, and notes the inner nodes passed.
    fn search(&mut self, key: &[u8]) -> Result<End, TrieError<S::Error>> {
        let key_path = Path::of_key(key);
        self.passed.clear();
        let mut place = Place::Root;
        while let Some(index) = self.open_node(place)? {
            let node = &self.slot(index).node;
            let path = node.path();
            let common = path.common(key_path);
            match (node, key_path.bit(common)) {
                (Node::Inner { .. }, Some(bit)) if common == path.bits() => {
                    self.passed.push(index);
                    place = Place::Child(index, bit);
                }
                (Node::Leaf { .. }, None) if common == path.bits() => return Ok(End::Leaf(index)),
                _ => return Ok(End::Apart(index, common)),
            }
        }
        Ok(End::Empty)
    }

    /// The value of a leaf, noting that it was read. Callers know that it is a leaf.
    fn read(&mut self, index: u32) -> Result<&Arc<[u8]>, TrieError<S::Error>> {
        let slot = &mut self.slots[index as usize];
        match &slot.node {
            Node::Leaf { value: Value::Known(value), .. } => {
                slot.read = true;
                Ok(value)
            }
            Node::Leaf { value: Value::Pruned(hash), .. } => Err(TrieError::PrunedValue { hash: *hash }),
            Node::Inner { .. } => Err(TrieError::PrunedValue { hash: slot.hash }),
        }
    }

    /// The node at `place`, loaded if it is not here yet; `None` if the trie is empty.
    fn open_node(&mut self, place: Place) -> Result<Option<u32>, TrieError<S::Error>> {
        let (id, hash) = match self.link(place) {
            Link::Empty => return Ok(None),
            Link::Loaded(index) => return Ok(Some(index)),
            Link::Stored { id, hash } => (id, hash),
            Link::Pruned(hash) => {
                let depth = match place {
                    Place::Root => 0,
                    Place::Child(parent, _) => self.slot(parent).node.path().bits() + 1,
                };
                return Err(TrieError::Pruned { hash, depth });
            }
        };
        let source = self.store.node(id).map_err(TrieError::Store)?;
        if let Place::Child(parent, bit) = place {
            let (above, path) = (self.slot(parent).node.path(), source.path());
            if !path.starts_with(above) || path.bit(above.bits()) != Some(bit) {
                return Err(TrieError::Misplaced(id));
            }
        }
        let node = match &*source {
            StoredNode::Leaf { key, value } => Node::Leaf { key: key.clone(), value: value.clone() },
            StoredNode::Inner { prefix, count, children } => {
                Node::Inner { prefix: prefix.clone(), count: *count, children: children.map(Link::from) }
            }
        };
        let source = Some((id, source));
        let index = self.push(Slot { node, hash, dirty: false, changed: false, read: false, source })?;
        self.set_link(place, Link::Loaded(index));
        self.loaded += 1;
        Ok(Some(index))
    }

    fn push(&mut self, slot: Slot) -> Result<u32, TrieError<S::Error>> {
        let index = u32::try_from(self.slots.len()).map_err(|_| TrieError::Full)?;
        self.slots.push(slot);
        Ok(index)
    }
}

impl<S> Trie<S> {
    /// The same over another store, which has the version too.
    fn over<T>(self, store: T) -> Trie<T> {
        let Self { origin, root, count, slots, passed, stale, .. } = self;
        Trie { store, origin, root, count, loaded: 0, slots, passed, stale }
    }

    /// The root node of the version opened, before any change.
    pub(crate) const fn origin(&self) -> Option<NodeId> {
        self.origin
    }

    /// The stored nodes read so far, as the store has them.
    pub(crate) fn touched(&self) -> impl Iterator<Item = Touched<'_>> {
        self.slots.iter().filter_map(|slot| {
            let (id, node) = slot.source.as_ref()?;
            Some(Touched { id: *id, node, read: slot.read })
        })
    }

    fn slot(&self, index: u32) -> &Slot {
        &self.slots[index as usize]
    }

    fn link(&self, place: Place) -> Link {
        match place {
            Place::Root => self.root,
            Place::Child(parent, bit) => match &self.slot(parent).node {
                Node::Inner { children, .. } => children[bit],
                Node::Leaf { .. } => Link::Empty,
            },
        }
    }

    fn set_link(&mut self, place: Place, link: Link) {
        match place {
            Place::Root => self.root = link,
            Place::Child(parent, bit) => {
                if let Node::Inner { children, .. } = &mut self.slots[parent as usize].node {
                    children[bit] = link;
                }
            }
        }
    }

    /// The hashes of the nodes changed since they were last taken, once each.
    fn update_hashes(&mut self) {
        for index in self.in_use(|slot| slot.dirty).into_iter().rev() {
            let hash = match &self.slot(index).node {
                Node::Leaf { key, value } => node::leaf_hash(key, value),
                Node::Inner { prefix, count, children: [left, right] } => {
                    node::inner_hash(prefix, *count, &self.hash_of(*left), &self.hash_of(*right))
                }
            };
            let slot = &mut self.slots[index as usize];
            (slot.hash, slot.dirty) = (hash, false);
        }
    }

    fn hash_of(&self, link: Link) -> Hash {
        match link {
            Link::Empty => Hash::ZERO,
            Link::Pruned(hash) | Link::Stored { hash, .. } => hash,
            Link::Loaded(index) => self.slot(index).hash,
        }
    }

    /// The nodes in use that are reached through `wanted` nodes only, parents before children. A change marks
    /// all nodes from the root, so this finds every changed node.
    fn in_use(&self, wanted: impl Fn(&Slot) -> bool) -> Vec<u32> {
        let (mut found, mut open) = (Vec::new(), vec![self.root]);
        while let Some(link) = open.pop() {
            let Link::Loaded(index) = link else { continue };
            let slot = self.slot(index);
            if wanted(slot) {
                found.push(index);
                if let Node::Inner { children, .. } = &slot.node {
                    open.extend(children);
                }
            }
        }
        found
    }
}
