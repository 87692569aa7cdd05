//! A whole trie from its keys in order.

use std::sync::Arc;

use super::{Child, MAX_KEY_BYTES, MAX_VALUE_BYTES, NodeId, Path, Prefix, Root, StoredNode, Value};

/// Makes the nodes of a trie from its keys in rising order, each once, with memory for one path only. The nodes are
/// those that inserting the keys one by one leads to.
#[derive(Debug)]
pub struct Builder {
    next: NodeId,
    /// Inner nodes whose right part is still growing, from the root down.
    open: Vec<Open>,
    last: Option<Leaf>,
    count: u64,
}

/// A key and its value.
type Leaf = (Arc<[u8]>, Arc<[u8]>);

#[derive(Debug)]
struct Open {
    prefix: Prefix,
    left: Done,
}

/// A node that is finished.
#[derive(Clone, Copy, Debug)]
struct Done {
    child: Child,
    count: u64,
}

/// Entries that are no trie. The builder is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The key is too long.
    #[error("a key of {0} bytes, at most {MAX_KEY_BYTES} are allowed")]
    Key(usize),
    /// The value is too long.
    #[error("a value of {0} bytes, at most {MAX_VALUE_BYTES} are allowed")]
    Value(usize),
    /// The key does not come after the one before, or one of the two is a prefix of the other.
    #[error("the key {key:02x?} cannot follow {before:02x?}")]
    Order {
        /// The key.
        key: Vec<u8>,
        /// The one before.
        before: Vec<u8>,
    },
}

/// Finished nodes with their ids, each after its children.
pub type NewNodes = Vec<(NodeId, Arc<StoredNode>)>;

impl Builder {
    /// A trie without keys; its first node gets the id `next`.
    pub const fn new(next: NodeId) -> Self {
        Self { next, open: Vec::new(), last: None, count: 0 }
    }

    /// The next key, greater than all before it. Nodes that are finished by it are added to `nodes`.
    ///
    /// # Errors
    /// [`BuildError`] if the key cannot come next, or key or value are too long.
    pub fn push(&mut self, key: Arc<[u8]>, value: Arc<[u8]>, nodes: &mut NewNodes) -> Result<(), BuildError> {
        if key.len() > MAX_KEY_BYTES {
            return Err(BuildError::Key(key.len()));
        }
        if value.len() > MAX_VALUE_BYTES {
            return Err(BuildError::Value(value.len()));
        }
        if let Some((before, _)) = &self.last {
            let (path, above) = (Path::of_key(&key), Path::of_key(before));
            let common = path.common(above);
            if (above.bit(common), path.bit(common)) != (Some(0), Some(1)) {
                return Err(BuildError::Order { key: key.to_vec(), before: before.to_vec() });
            }
            let left = self.finish_down_to(common, nodes);
            if let Some(left) = left {
                self.open.push(Open { prefix: path.first(common), left });
            }
        }
        self.last = Some((key, value));
        self.count += 1;
        Ok(())
    }

    /// The trie of all keys so far; the rest of its nodes is added to `nodes`. Also the id for the next node.
    pub fn finish(mut self, nodes: &mut NewNodes) -> (Root, NodeId) {
        let root = match self.finish_down_to(0, nodes) {
            None => Root::EMPTY,
            Some(Done { child, .. }) => Root { id: child.id, hash: child.hash, count: self.count },
        };
        (root, self.next)
    }

    /// Finishes the last leaf and every open node whose prefix has `depth` bits or more; gives the topmost.
    fn finish_down_to(&mut self, depth: usize, nodes: &mut NewNodes) -> Option<Done> {
        let (key, value) = self.last.take()?;
        let mut done = self.add(StoredNode::Leaf { key, value: Value::Known(value) }, nodes);
        while let Some(Open { prefix, left }) =
            self.open.pop_if(|open| usize::from(open.prefix.bits()) >= depth)
        {
            let count = left.count.saturating_add(done.count);
            done = self.add(StoredNode::Inner { prefix, count, children: [left.child, done.child] }, nodes);
        }
        Some(done)
    }

    fn add(&mut self, node: StoredNode, nodes: &mut NewNodes) -> Done {
        let (id, hash, count) = (self.next, node.hash(), node.count());
        self.next = id.plus(1);
        nodes.push((id, Arc::new(node)));
        Done { child: Child { id: Some(id), hash }, count }
    }
}
