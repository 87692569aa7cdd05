//! Nodes as a store or a witness holds them, and their hashes.

use std::{num::NonZeroU64, sync::Arc};

use borsh::{BorshDeserialize, BorshSerialize};

use super::path::{Path, Prefix};
use crate::crypto::{Domain, Hash};

/// The longest value in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

const LEAF: [u8; 1] = [0];
const INNER: [u8; 1] = [1];

/// The name of a node in its store. Given in sequence, never given twice, so that writes are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct NodeId(pub NonZeroU64);

impl NodeId {
    /// The first id of an empty store.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The number; `None` for 0, which names nothing.
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number, from 1.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The id `count` further on; stays at the maximum (at a billion a second, that is 584 years away).
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

/// A node that does not change any more. Clones share their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredNode {
    /// A key and its value.
    Leaf {
        /// At most [`MAX_KEY_BYTES`](super::MAX_KEY_BYTES).
        key: Arc<[u8]>,
        /// At most [`MAX_VALUE_BYTES`].
        value: Value,
    },
    /// Where keys part.
    Inner {
        /// What all keys below start with.
        prefix: Prefix,
        /// Leaves below, at least 2.
        count: u64,
        /// The keys with bit 0 after the prefix, then those with bit 1.
        children: [Child; 2],
    },
}

/// A leaf's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The value itself.
    Known(Arc<[u8]>),
    /// Its hash: a witness leaves out values that were not read.
    Pruned(Hash),
}

/// A reference to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// Where to find it; `None` where a witness leaves it out.
    pub id: Option<NodeId>,
    /// Its hash.
    pub hash: Hash,
}

impl Value {
    /// The hash of the value's bytes.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Known(bytes) => Hash::of(Domain::TRIE_VALUE, &[bytes]),
            Self::Pruned(hash) => *hash,
        }
    }
}

impl StoredNode {
    /// Leaves below this node, itself included.
    pub const fn count(&self) -> u64 {
        match self {
            Self::Leaf { .. } => 1,
            Self::Inner { count, .. } => *count,
        }
    }

    /// The node's hash.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Leaf { key, value } => leaf_hash(key, value),
            Self::Inner { prefix, count, children: [left, right] } => {
                inner_hash(prefix, *count, &left.hash, &right.hash)
            }
        }
    }

    pub(crate) fn path(&self) -> Path<'_> {
        match self {
            Self::Leaf { key, .. } => Path::of_key(key),
            Self::Inner { prefix, .. } => prefix.path(),
        }
    }
}

/// `H(0x00 ‖ key ‖ H(value))`. The hash at the end has a fixed length, so the key needs no length of its own.
pub(crate) fn leaf_hash(key: &[u8], value: &Value) -> Hash {
    Hash::of(Domain::TRIE, &[&LEAF, key, value.hash().as_bytes()])
}

/// `H(0x01 ‖ prefix bits u16 ‖ prefix ‖ leaf count u64 ‖ left ‖ right)`, integers little-endian.
pub(crate) fn inner_hash(prefix: &Prefix, count: u64, left: &Hash, right: &Hash) -> Hash {
    Hash::of(
        Domain::TRIE,
        &[
            &INNER,
            &prefix.bits().to_le_bytes(),
            prefix.bytes(),
            &count.to_le_bytes(),
            left.as_bytes(),
            right.as_bytes(),
        ],
    )
}
