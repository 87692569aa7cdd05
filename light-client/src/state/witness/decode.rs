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

/// A node whose children are not resolved yet.
struct Draft {
    node: StoredNode,
    /// The places of the children that are there.
    children: [Option<usize>; 2],
}

/// A child whose turn has not come: it hangs on `parent`'s branch `bit`.
struct Pending {
    parent: usize,
    bit: usize,
    there: bool,
}

/// What a node hangs on: the bit after the parent's prefix.
#[derive(Clone, Copy)]
struct Branch<'a> {
    prefix: &'a Prefix,
    bit: usize,
}

impl Witness {
    /// Decodes at most `limit` bytes.
    ///
    /// # Errors
    /// [`WitnessError`] for anything that [`Trie::witness`](crate::state::Trie::witness) does not return.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Self, WitnessError> {
        if bytes.len() > limit {
            return Err(WitnessError::TooLong { found: bytes.len(), limit });
        }
        let drafts = read_all(bytes)?;
        // Children come after their parents, so from the back every child is resolved before its parent.
        let mut resolved: Vec<(Arc<StoredNode>, Hash)> = Vec::with_capacity(drafts.len());
        let total = drafts.len();
        for (place, mut draft) in drafts.into_iter().enumerate().rev() {
            if let StoredNode::Inner { count, children, .. } = &mut draft.node {
                let (mut known, mut open) = (0_u128, false);
                for (child, at) in children.iter_mut().zip(draft.children) {
                    let Some((node, hash)) = at.and_then(|at| resolved.get(total - 1 - at)) else {
                        open = true;
                        known += 1;
                        continue;
                    };
                    known += u128::from(node.count());
                    *child = Child { id: at.and_then(|at| NodeId::new(at as u64 + 1)), hash: *hash };
                }
                let said = u128::from(*count);
                if known > said || known < said && !open {
                    return Err(WitnessError::Count { node: place, count: *count, children: known });
                }
            }
            let hash = draft.node.hash();
            resolved.push((Arc::new(draft.node), hash));
        }
        Ok(Self { nodes: resolved.into_iter().rev().map(|(node, _)| node).collect() })
    }
}

/// The nodes in pre-order.
fn read_all(bytes: &[u8]) -> Result<Vec<Draft>, WitnessError> {
    let mut drafts: Vec<Draft> = Vec::new();
    if bytes.is_empty() {
        return Ok(drafts);
    }
    let mut reader = Reader::new(bytes);
    // Grows with the nodes read: each opens two places at most.
    let mut open: Vec<Option<Pending>> = vec![None];
    while let Some(place) = open.pop() {
        let node = drafts.len();
        let malformed = |error| WitnessError::Malformed { node, error };
        if let Some(Pending { parent, bit, there }) = place
            && let Draft { node: StoredNode::Inner { children, .. }, children: places } = &mut drafts[parent]
        {
            if !there {
                children[bit].hash = Hash(reader.array().map_err(malformed)?);
                continue;
            }
            places[bit] = Some(node);
        }
        let branch = place.and_then(|pending| match &drafts[pending.parent].node {
            StoredNode::Inner { prefix, .. } => Some(Branch { prefix, bit: pending.bit }),
            StoredNode::Leaf { .. } => None,
        });
        let (draft, flags) = read_node(&mut reader, node, branch)?;
        let inner = matches!(draft, StoredNode::Inner { .. });
        drafts.push(Draft { node: draft, children: [None; 2] });
        if inner {
            for bit in [1, 0] {
                open.push(Some(Pending { parent: node, bit, there: flags & CHILD << bit != 0 }));
            }
        }
    }
    reader.end().map_err(|error| WitnessError::Malformed { node: drafts.len(), error })?;
    Ok(drafts)
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
