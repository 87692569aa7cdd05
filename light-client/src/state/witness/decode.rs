use std::sync::Arc;

use super::{CHILD, INNER, KIND, LEAF, LEAF_WITHOUT_VALUE, NodeId, SKIPS, StoredNode, Value, Witness};
use crate::{
    crypto::Hash,
    state::trie::{Child, MAX_KEY_BYTES, NodeDecodeError, Prefix, Reader},
};

/// Why a witness proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// More bytes than the caller allows.
    #[error("a witness of {found} bytes, at most {limit} are allowed")]
    TooLong {
        /// Bytes received.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// Not the encoding of nodes.
    #[error("malformed at node {node}: {error}")]
    Malformed {
        /// The place of the node in pre-order, from 0.
        node: usize,
        /// What is wrong.
        error: NodeDecodeError,
    },
    /// Flags that no node has.
    #[error("malformed at node {node}: the flags {flags:#04x} are not allowed")]
    Flags {
        /// The place of the node in pre-order, from 0.
        node: usize,
        /// The flags.
        flags: u8,
    },
    /// A key that ends above the branch it hangs on, a prefix longer than any key, or padding that is not zero.
    #[error("malformed at node {node}: its bits are not possible there")]
    Bits {
        /// The place of the node in pre-order, from 0.
        node: usize,
    },
    /// A leaf count that is not the sum of the children's.
    #[error("node {node} counts {count} leaves, its children have at least {children}")]
    Count {
        /// The place of the node in pre-order, from 0.
        node: usize,
        /// What it says.
        count: u64,
        /// What its children have; one each for those that are left out.
        children: u128,
    },
    /// It shows part of another trie.
    #[error("the witness shows the root {found}, not {expected}")]
    Root {
        /// The root that was asked for.
        expected: Hash,
        /// The root it shows.
        found: Hash,
    },
    /// It holds more than the reads needed.
    #[error("the witness holds {nodes} nodes and {values} values that nothing needed")]
    Untouched {
        /// Nodes never touched.
        nodes: usize,
        /// Values never read.
        values: usize,
    },
}

/// An inner node whose children are being read.
struct Open {
    /// Its place in pre-order.
    place: usize,
    prefix: Prefix,
    count: u64,
    /// Which children are there; of the others there are hashes.
    there: [bool; 2],
    /// The children read so far.
    children: [Child; 2],
    /// How many those are.
    read: usize,
    /// Leaves they have at least.
    leaves: u128,
}

/// What a node hangs on: the bit after the parent's prefix.
#[derive(Clone, Copy)]
struct Branch<'a> {
    prefix: &'a Prefix,
    bit: usize,
}

impl Witness {
    /// Decodes at most `limit` bytes, and keeps whatever trie they show: as much as a hundred bytes in memory for each of
    /// them. What a stranger sends goes through [`Trie::from_witness`](crate::state::Trie::from_witness).
    ///
    /// # Errors
    /// [`WitnessError`] for anything that [`Trie::witness`](crate::state::Trie::witness) does not return.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Self, WitnessError> {
        check_length(bytes, limit)?;
        let mut nodes: Vec<Option<Arc<StoredNode>>> = Vec::new();
        read_all(bytes, |place, node| {
            if nodes.len() <= place {
                nodes.resize(place + 1, None);
            }
            nodes[place] = Some(Arc::new(node));
        })?;
        Ok(Self { nodes: nodes.into_iter().flatten().collect() })
    }

    /// Decodes at most `limit` bytes that show the trie with root `expected`. Nothing is kept of others: what a stranger
    /// invents costs his own bytes to read, and no more.
    ///
    /// # Errors
    /// As [`Witness::decode`]; [`WitnessError::Root`].
    pub(super) fn decode_of(bytes: &[u8], limit: usize, expected: Hash) -> Result<Self, WitnessError> {
        check_length(bytes, limit)?;
        match read_all(bytes, |_, _| ())? {
            Some(found) if found != expected => Err(WitnessError::Root { expected, found }),
            _ => Self::decode(bytes, limit),
        }
    }
}

const fn check_length(bytes: &[u8], limit: usize) -> Result<(), WitnessError> {
    if bytes.len() > limit { Err(WitnessError::TooLong { found: bytes.len(), limit }) } else { Ok(()) }
}

/// Hands out each node with its place in pre-order, children before their parents, and gives the root's hash; `None` for no
/// bytes. Holds one path, at most 1,023 nodes.
fn read_all(bytes: &[u8], mut take: impl FnMut(usize, StoredNode)) -> Result<Option<Hash>, WitnessError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::new(bytes);
    let mut path: Vec<Open> = Vec::new();
    let mut nodes = 0;
    loop {
        let branch = path.last().map(|open| Branch { prefix: &open.prefix, bit: open.read });
        let (node, flags) = read_node(&mut reader, nodes, branch)?;
        let place = nodes;
        nodes += 1;
        let mut whole = match node {
            StoredNode::Inner { prefix, count, children } => {
                let there = [0, 1].map(|bit| flags & CHILD << bit != 0);
                path.push(Open { place, prefix, count, there, children, read: 0, leaves: 0 });
                None
            }
            leaf @ StoredNode::Leaf { .. } => Some((place, leaf)),
        };
        loop {
            if let Some((place, node)) = whole.take() {
                let (hash, leaves) = (node.hash(), node.count());
                take(place, node);
                let Some(parent) = path.last_mut() else {
                    reader.end().map_err(|error| WitnessError::Malformed { node: nodes, error })?;
                    return Ok(Some(hash));
                };
                parent.add(Child { id: NodeId::new(place as u64 + 1), hash }, leaves);
            }
            match path.last_mut() {
                Some(open) if open.there.get(open.read) == Some(&false) => {
                    let hash =
                        reader.array().map_err(|error| WitnessError::Malformed { node: nodes, error })?;
                    open.add(Child { id: None, hash: Hash(hash) }, 1);
                }
                Some(open) if open.read == open.children.len() => {
                    whole = path.pop().map(Open::close).transpose()?;
                }
                _ => break,
            }
        }
    }
}

impl Open {
    fn add(&mut self, child: Child, leaves: u64) {
        if let Some(place) = self.children.get_mut(self.read) {
            *place = child;
        }
        self.read += 1;
        self.leaves += u128::from(leaves);
    }

    /// The node, now that its children are known, if it counts their leaves.
    fn close(self) -> Result<(usize, StoredNode), WitnessError> {
        let Self { place, prefix, count, there, children, leaves, .. } = self;
        let (said, whole) = (u128::from(count), there == [true; 2]);
        if leaves > said || leaves < said && whole {
            return Err(WitnessError::Count { node: place, count, children: leaves });
        }
        Ok((place, StoredNode::Inner { prefix, count, children }))
    }
}

/// Reads one node up to its children.
fn read_node(
    reader: &mut Reader<'_>,
    node: usize,
    branch: Option<Branch<'_>>,
) -> Result<(StoredNode, u8), WitnessError> {
    let malformed = |error| WitnessError::Malformed { node, error };
    let impossible = WitnessError::Bits { node };
    let flags = reader.byte().map_err(malformed)?;
    let start = branch.map_or(0, |branch| usize::from(branch.prefix.bits()) + 1);
    let read = match flags & KIND {
        INNER if flags < CHILD << 2 => {
            let skipped = match flags & SKIPS {
                0 => 0,
                _ => match reader.varint().map_err(malformed)? {
                    0 => return Err(impossible),
                    bits => usize::try_from(bits).map_err(|_| WitnessError::Bits { node })?,
                },
            };
            let bits = start.saturating_add(skipped);
            if bits >= MAX_KEY_BYTES * 8 {
                return Err(impossible);
            }
            let bytes = read_bits(reader, node, branch, bits)?;
            let prefix = Prefix::new(bits as u16, &bytes).ok_or(impossible)?;
            let count = reader.varint().map_err(malformed)?;
            let children = [Child { id: None, hash: Hash::ZERO }; 2];
            StoredNode::Inner { prefix, count, children }
        }
        kind @ (LEAF | LEAF_WITHOUT_VALUE) if flags == kind => {
            let length = usize::from(reader.byte().map_err(malformed)?);
            if length > MAX_KEY_BYTES || length * 8 < start {
                return Err(impossible);
            }
            let key = Arc::from(read_bits(reader, node, branch, length * 8)?);
            let value = match kind {
                LEAF => {
                    let length = reader.varint().map_err(malformed)?;
                    // A length beyond the address space is beyond the limit too.
                    Value::Known(
                        reader.value(usize::try_from(length).unwrap_or(usize::MAX)).map_err(malformed)?,
                    )
                }
                _ => Value::Pruned(Hash(reader.array().map_err(malformed)?)),
            };
            StoredNode::Leaf { key, value }
        }
        _ => return Err(WitnessError::Flags { node, flags }),
    };
    Ok((read, flags))
}

/// A path of `bits` bits: what the branch says, then bits from the reader. At most 128 bytes.
fn read_bits(
    reader: &mut Reader<'_>,
    node: usize,
    branch: Option<Branch<'_>>,
    bits: usize,
) -> Result<Vec<u8>, WitnessError> {
    let mut bytes = vec![0; bits.div_ceil(8)];
    let mut start = 0;
    if let Some(Branch { prefix, bit }) = branch {
        let above = usize::from(prefix.bits());
        bytes[..prefix.bytes().len()].copy_from_slice(prefix.bytes());
        bytes[above / 8] |= (bit as u8) << (7 - above % 8);
        start = above + 1;
    }
    let packed =
        reader.take((bits - start).div_ceil(8)).map_err(|error| WitnessError::Malformed { node, error })?;
    for offset in 0..packed.len() * 8 {
        let bit = packed[offset / 8] >> (7 - offset % 8) & 1;
        match bytes.get_mut((start + offset) / 8) {
            Some(byte) if start + offset < bits => *byte |= bit << (7 - (start + offset) % 8),
            _ if bit == 0 => {}
            _ => return Err(WitnessError::Bits { node }),
        }
    }
    Ok(bytes)
}
