//! Witnesses: proofs by running the same reads again on part of a trie.
//!
//! Whoever has the whole trie runs some reads on it and hands out exactly the nodes that they touched. Whoever
//! knows the root's hash rebuilds that part, checks it, and runs the same reads on it. Presence, absence, ranges,
//! completeness, several keys and sub-roots are all this one mechanism; a write can be run as well, and then
//! [`Trie::root_hash`] is what the root becomes.
//!
//! # Format
//!
//! No bytes at all: no node was touched (always so in the empty trie). Else the nodes in pre-order, the first being
//! the root. A node starts with a byte of flags:
//!
//! - `0`, an inner node, with 4 added if it has skipped bits, 8 if the child 0 is there, 16 if child 1 is there.
//!   Then, if it has skipped bits, their number and the bits; the leaf count; and the two children in order,
//!   each a node or, if it is not there, its hash.
//! - `1`, a leaf: key length in bytes u8, the bits of the key below the branch; value length, value.
//! - `2`, a leaf whose value was not read: the same key; the hash of the value.
//!
//! *Skipped bits* are the bits of a prefix beyond the branch the node hangs on: what is above is known from the
//! position, so that no node can claim another one. Bits are packed from the top of each byte and padded with
//! zeros. Numbers are minimal LEB128. There is one encoding for a set of nodes.
//!
//! # Trust and bounds
//!
//! A witness comes from somebody who may lie. [`Trie::from_witness`] reads it twice, iteratively: first along one path at a
//! time, at most 1,023 nodes, to compare the root and thereby every node; only what is of the trie is then kept. (Nodes
//! that somebody invents have as little as two bytes each, and a hundred times that in memory.) Reads that need a node left
//! out fail; [`Trie::finish`] refuses nodes that no read needed, so that for given reads only one witness is accepted.

mod decode;
mod encode;

use std::sync::Arc;

pub use decode::WitnessError;

use super::trie::{NodeId, NodeStore, Root, StoredNode, Trie, UnknownNode, Value};
use crate::crypto::Hash;

const INNER: u8 = 0;
const LEAF: u8 = 1;
const LEAF_WITHOUT_VALUE: u8 = 2;
const KIND: u8 = 3;
const SKIPS: u8 = 4;
/// The flag that child 0 is there; twice that for child 1.
const CHILD: u8 = 8;

/// A part of a trie, decoded and consistent in itself: counts add up and every hash was computed here.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// In pre-order.
    nodes: Vec<Arc<StoredNode>>,
}

impl Witness {
    /// The hash of the root node; `None` if there are no nodes.
    pub fn root_hash(&self) -> Option<Hash> {
        self.nodes.first().map(|node| node.hash())
    }

    /// Number of nodes.
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it has no nodes: as for reads of the empty trie.
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// Ids are places in the witness, from 1.
impl NodeStore for Witness {
    type Error = UnknownNode;

    fn node(&self, id: NodeId) -> Result<Arc<StoredNode>, UnknownNode> {
        let index = usize::try_from(id.get() - 1).map_err(|_| UnknownNode(id))?;
        self.nodes.get(index).cloned().ok_or(UnknownNode(id))
    }
}

impl Trie<Witness> {
    /// The part of the trie with root `expected` that a witness of at most `limit` bytes shows. Run the reads, then
    /// call [`Trie::finish`]; or use [`verify`], which does.
    ///
    /// # Errors
    /// [`WitnessError`] if the bytes are too many or malformed, or show another trie.
    pub fn from_witness(bytes: &[u8], limit: usize, expected: Hash) -> Result<Self, WitnessError> {
        let witness = Witness::decode_of(bytes, limit, expected)?;
        let root = match witness.nodes.first() {
            None => Root { id: None, hash: expected, count: 0 },
            Some(node) => Root { id: Some(NodeId::FIRST), hash: expected, count: node.count() },
        };
        Ok(Self::open(root, witness))
    }

    /// Ends the verification.
    ///
    /// # Errors
    /// [`WitnessError::Untouched`] if the witness holds nodes or values that nothing needed.
    pub fn finish(self) -> Result<(), WitnessError> {
        let nodes = self.store().nodes.len() - self.loaded();
        let known = |node: &StoredNode| matches!(node, StoredNode::Leaf { value: Value::Known(_), .. });
        let values = self.touched().filter(|touched| !touched.read && known(touched.node)).count();
        match (nodes, values) {
            (0, 0) => Ok(()),
            _ => Err(WitnessError::Untouched { nodes, values }),
        }
    }
}

/// Runs `reads` on the part of the trie with root `expected` that a witness of at most `limit` bytes shows. What it
/// returns holds for the whole trie.
///
/// # Errors
/// [`WitnessError`] for a witness that is malformed, too long, of another trie, or holds more than the reads
/// touched; and whatever `reads` returns, such as [`TrieError::Pruned`](super::TrieError::Pruned) for a witness that holds less.
pub fn verify<T, E: From<WitnessError>>(
    bytes: &[u8],
    limit: usize,
    expected: Hash,
    reads: impl FnOnce(&mut Trie<Witness>) -> Result<T, E>,
) -> Result<T, E> {
    let mut trie = Trie::from_witness(bytes, limit, expected)?;
    let answer = reads(&mut trie)?;
    trie.finish()?;
    Ok(answer)
}
