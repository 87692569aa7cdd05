//! Stored nodes as bytes.
//!
//! Kind byte, then for an inner node: prefix length in bits u16, the prefix's bytes, leaf count, and for each child
//! its id (0 for none) and its hash; for a leaf: key length u8, key, then the value or, in the third kind, its
//! hash. Counts and ids are minimal LEB128. What ends a node is the end of its bytes.

use std::sync::Arc;

use super::{Child, MAX_KEY_BYTES, MAX_VALUE_BYTES, NodeId, Prefix, StoredNode, Value};
use crate::crypto::Hash;

/// No encoded node is longer than this.
pub const MAX_NODE_BYTES: usize = 2 + MAX_KEY_BYTES + MAX_VALUE_BYTES;

const INNER: u8 = 0;
const LEAF: u8 = 1;
const LEAF_WITHOUT_VALUE: u8 = 2;

/// Bytes that are not a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeDecodeError {
    /// They end too early.
    #[error("the node's bytes end early")]
    Truncated,
    /// More bytes follow.
    #[error("{0} bytes follow the node")]
    Trailing(usize),
    /// A kind of node that does not exist.
    #[error("there is no node of kind {0}")]
    Kind(u8),
    /// A number that is too large or has a shorter form.
    #[error("a number is not in its shortest form")]
    Number,
    /// A prefix that is too long, or whose padding is not zero.
    #[error("a prefix of {bits} bits is malformed")]
    Prefix {
        /// Its length.
        bits: u16,
    },
    /// An inner node with fewer than two leaves.
    #[error("an inner node cannot have {0} leaves")]
    Count(u64),
    /// A key that is too long.
    #[error("a key of {0} bytes, at most {MAX_KEY_BYTES} are allowed")]
    KeyTooLong(usize),
    /// A value that is too long.
    #[error("a value of {0} bytes, at most {MAX_VALUE_BYTES} are allowed")]
    ValueTooLong(usize),
}

impl StoredNode {
    /// The node as bytes, at most [`MAX_NODE_BYTES`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(match self {
            // Numbers have at most 10 bytes; few have more than 5.
            Self::Inner { prefix, .. } => 3 + prefix.bytes().len() + 3 * 5 + 2 * 32,
            Self::Leaf { key, value: Value::Known(value) } => 2 + key.len() + value.len(),
            Self::Leaf { key, value: Value::Pruned(_) } => 2 + key.len() + 32,
        });
        match self {
            Self::Inner { prefix, count, children } => {
                bytes.push(INNER);
                bytes.extend(prefix.bits().to_le_bytes());
                bytes.extend(prefix.bytes());
                put_varint(&mut bytes, *count);
                for child in children {
                    put_varint(&mut bytes, child.id.map_or(0, NodeId::get));
                    bytes.extend(child.hash.as_bytes());
                }
            }
            Self::Leaf { key, value } => {
                let (kind, value): (_, &[u8]) = match value {
                    Value::Known(value) => (LEAF, value),
                    Value::Pruned(hash) => (LEAF_WITHOUT_VALUE, hash.as_bytes()),
                };
                // A key has at most 128 bytes.
                bytes.extend([kind, key.len() as u8]);
                bytes.extend(&**key);
                bytes.extend(value);
            }
        }
        bytes
    }

    /// The inverse of [`StoredNode::to_bytes`].
    ///
    /// # Errors
    /// [`NodeDecodeError`] for anything that it does not return; nothing grows beyond the input.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NodeDecodeError> {
        let mut reader = Reader::new(bytes);
        let node = match reader.byte()? {
            INNER => {
                let bits = u16::from_le_bytes(reader.array()?);
                let prefix = reader.take(usize::from(bits).div_ceil(8))?;
                let prefix = Prefix::new(bits, prefix).ok_or(NodeDecodeError::Prefix { bits })?;
                let count = reader.varint()?;
                if count < 2 {
                    return Err(NodeDecodeError::Count(count));
                }
                Self::Inner { prefix, count, children: [child(&mut reader)?, child(&mut reader)?] }
            }
            kind @ (LEAF | LEAF_WITHOUT_VALUE) => {
                let length = usize::from(reader.byte()?);
                if length > MAX_KEY_BYTES {
                    return Err(NodeDecodeError::KeyTooLong(length));
                }
                let key = Arc::from(reader.take(length)?);
                let value = match kind {
                    LEAF => Value::Known(reader.value(reader.remaining())?),
                    _ => Value::Pruned(Hash(reader.array()?)),
                };
                Self::Leaf { key, value }
            }
            kind => return Err(NodeDecodeError::Kind(kind)),
        };
        reader.end()?;
        Ok(node)
    }
}

fn child(reader: &mut Reader<'_>) -> Result<Child, NodeDecodeError> {
    Ok(Child { id: NodeId::new(reader.varint()?), hash: Hash(reader.array()?) })
}

/// Writes a number in LEB128: seven bits a byte, low bits first, the top bit set on all but the last.
pub(crate) fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads what somebody sent, front to back.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) const fn remaining(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], NodeDecodeError> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(NodeDecodeError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], NodeDecodeError> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(NodeDecodeError::Truncated)?;
        self.bytes = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, NodeDecodeError> {
        self.array().map(|[byte]| byte)
    }

    /// A number as [`put_varint`] writes it; another form is refused.
    pub(crate) fn varint(&mut self) -> Result<u64, NodeDecodeError> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let ends_in_zero = byte == 0 && shift > 0;
            if ends_in_zero || (bits << shift) >> shift != bits {
                return Err(NodeDecodeError::Number);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(NodeDecodeError::Number)
    }

    pub(crate) fn value(&mut self, length: usize) -> Result<Arc<[u8]>, NodeDecodeError> {
        if length > MAX_VALUE_BYTES {
            return Err(NodeDecodeError::ValueTooLong(length));
        }
        self.take(length).map(Arc::from)
    }

    pub(crate) fn end(&self) -> Result<(), NodeDecodeError> {
        match self.bytes.len() {
            0 => Ok(()),
            length => Err(NodeDecodeError::Trailing(length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        for number in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, number);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.varint(), Ok(number));
            assert_eq!(reader.end(), Ok(()));
        }
        for bytes in [&[0x80, 0][..], &[0xff, 0x80, 0], &[0xff; 11]] {
            assert_eq!(Reader::new(bytes).varint(), Err(NodeDecodeError::Number), "{bytes:?}");
        }
        let mut over = [0xff; 10];
        over[9] = 2;
        assert_eq!(Reader::new(&over).varint(), Err(NodeDecodeError::Number));
        assert_eq!(Reader::new(&[0x80]).varint(), Err(NodeDecodeError::Truncated));
    }

    #[test]
    fn nodes_survive_and_damage_is_refused() {
        let leaf =
            StoredNode::Leaf { key: Arc::from(&b"key"[..]), value: Value::Known(Arc::from(&b"value"[..])) };
        let pruned = StoredNode::Leaf { key: Arc::from(&b""[..]), value: Value::Pruned(leaf.hash()) };
        let child = Child { id: NodeId::new(300), hash: leaf.hash() };
        let children = [child, Child { id: None, ..child }];
        let prefix = Prefix::new(9, &[0xab, 0x80]).unwrap();
        let inner = StoredNode::Inner { prefix, count: 200, children };
        for node in [&leaf, &pruned, &inner] {
            assert_eq!(StoredNode::from_bytes(&node.to_bytes()).as_ref(), Ok(node));
        }
        for node in [&pruned, &inner] {
            let mut bytes = node.to_bytes();
            bytes.push(0);
            assert_eq!(StoredNode::from_bytes(&bytes), Err(NodeDecodeError::Trailing(1)));
            for length in 0..bytes.len() - 1 {
                assert_eq!(StoredNode::from_bytes(&bytes[..length]), Err(NodeDecodeError::Truncated));
            }
        }
        assert_eq!(StoredNode::from_bytes(&[3]), Err(NodeDecodeError::Kind(3)));
        assert_eq!(StoredNode::from_bytes(&[INNER, 1, 0, 0xff]), Err(NodeDecodeError::Prefix { bits: 1 }));
        assert_eq!(StoredNode::from_bytes(&[INNER, 0, 0, 1]), Err(NodeDecodeError::Count(1)));
        assert_eq!(StoredNode::from_bytes(&[LEAF, 129]), Err(NodeDecodeError::KeyTooLong(129)));
        let long = [&[LEAF, 0][..], &[0; MAX_VALUE_BYTES + 1]].concat();
        assert_eq!(StoredNode::from_bytes(&long), Err(NodeDecodeError::ValueTooLong(MAX_VALUE_BYTES + 1)));
    }
}
