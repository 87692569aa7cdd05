use std::collections::HashMap;

use super::{CHILD, INNER, LEAF, LEAF_WITHOUT_VALUE, NodeId, SKIPS, StoredNode, Trie, Value};
use crate::{
    crypto::Hash,
    state::trie::{Touched, put_varint},
};

type Nodes<'a> = HashMap<NodeId, Touched<'a>>;

/// What is still to be written.
enum Part {
    Node { id: NodeId, branch: usize },
    Hash(Hash),
}

impl<S> Trie<S> {
    /// The nodes touched since the trie was opened, as they were then: the proof of what its reads returned and
    /// what its writes did.
    pub fn witness(&self) -> Vec<u8> {
        let touched: Nodes<'_> = self.touched().map(|touched| (touched.id, touched)).collect();
        let mut bytes = Vec::new();
        let mut open: Vec<Part> = self.origin().into_iter().map(|id| Part::Node { id, branch: 0 }).collect();
        while let Some(part) = open.pop() {
            match part {
                Part::Hash(hash) => bytes.extend(hash.as_bytes()),
                Part::Node { id, branch } => {
                    let Some(node) = touched.get(&id) else { continue };
                    open.extend(put_node(&mut bytes, node, branch, &touched).into_iter().flatten());
                }
            }
        }
        bytes
    }
}

/// Writes a node up to its children, and returns these in the order in which a stack takes them.
fn put_node(
    bytes: &mut Vec<u8>,
    &Touched { node, read, .. }: &Touched<'_>,
    branch: usize,
    touched: &Nodes<'_>,
) -> [Option<Part>; 2] {
    match node {
        StoredNode::Leaf { key, value } => {
            bytes.push(if read { LEAF } else { LEAF_WITHOUT_VALUE });
            // A key has at most 128 bytes.
            bytes.push(key.len() as u8);
            put_bits(bytes, node, branch);
            match value {
                Value::Known(value) if read => {
                    put_varint(bytes, value.len() as u64);
                    bytes.extend(&**value);
                }
                unread => bytes.extend(unread.hash().as_bytes()),
            }
            [None, None]
        }
        StoredNode::Inner { prefix, count, children } => {
            let there = children.map(|child| child.id.filter(|id| touched.contains_key(id)));
            let prefix_bits = usize::from(prefix.bits());
            let skipped = prefix_bits - branch;
            let flags = [
                if skipped > 0 { SKIPS } else { 0 },
                if there[0].is_some() { CHILD } else { 0 },
                if there[1].is_some() { CHILD << 1 } else { 0 },
            ];
            bytes.push(flags.into_iter().fold(INNER, |flags, flag| flags | flag));
            if skipped > 0 {
                put_varint(bytes, skipped as u64);
                put_bits(bytes, node, branch);
            }
            put_varint(bytes, *count);
            [1, 0].map(|bit| {
                Some(match there[bit] {
                    Some(id) => Part::Node { id, branch: prefix_bits + 1 },
                    None => Part::Hash(children[bit].hash),
                })
            })
        }
    }
}

/// Writes the bits of the node's path from `start` on.
fn put_bits(bytes: &mut Vec<u8>, node: &StoredNode, start: usize) {
    let path = node.path();
    for first in (start..path.bits()).step_by(8) {
        let bits = (first..first + 8).map(|index| path.bit(index).unwrap_or(0) as u8);
        bytes.push(bits.fold(0, |byte, bit| byte << 1 | bit));
    }
}
