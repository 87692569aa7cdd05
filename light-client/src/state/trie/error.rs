use super::{MAX_KEY_BYTES, MAX_VALUE_BYTES, NodeId};
use crate::crypto::Hash;

/// Why an operation on the trie did not happen. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrieError<E> {
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[source] E),
    /// A node is needed that the witness leaves out.
    #[error("the node {hash} at bit {depth} is needed, and the witness leaves it out")]
    Pruned {
        /// The hash of the node.
        hash: Hash,
        /// Bits from the root to the branch it hangs on.
        depth: usize,
    },
    /// A value is needed of which the witness holds only the hash.
    #[error("the value {hash} is needed, and the witness leaves it out")]
    PrunedValue {
        /// The hash of the value.
        hash: Hash,
    },
    /// The key is too long.
    #[error("a key of {0} bytes, at most {MAX_KEY_BYTES} are allowed")]
    KeyTooLong(usize),
    /// The value is too long.
    #[error("a value of {0} bytes, at most {MAX_VALUE_BYTES} are allowed")]
    ValueTooLong(usize),
    /// The key is a prefix of a key that is there.
    #[error("the key {key:02x?} is a prefix of keys that are there")]
    KeyIsPrefix {
        /// The key.
        key: Vec<u8>,
    },
    /// A key that is there is a prefix of the key.
    #[error("the key {key:02x?} extends {existing:02x?}, which is there")]
    KeyExtends {
        /// The key.
        key: Vec<u8>,
        /// The key that is there.
        existing: Vec<u8>,
    },
    /// The store returned a node that cannot be at its place: it is damaged.
    #[error("node {} does not belong where it is referred to", .0.get())]
    Misplaced(NodeId),
    /// More nodes or leaves than can be counted.
    #[error("the trie is full")]
    Full,
}
