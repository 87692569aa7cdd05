//! How large a proof may get.

use std::sync::Arc;

use crate::{
    crypto::{Domain, Hash},
    state::{
        NodeId, NodeStore, Root, StoredNode, Trie, UnknownNode, Witness,
        trie::{Child, Path, Value},
    },
};

const ACCOUNTS: usize = 1 << 20;
const VALUE: [u8; 100] = [7; 100];

/// A trie of very many keys, whose nodes are made when they are asked for. The id of a node says which of the
/// sorted keys are below it. Hashes are made up: the size of a proof does not depend on them.
struct Imagined {
    keys: Vec<[u8; 27]>,
}

impl Imagined {
    fn new() -> Self {
        let mut keys: Vec<_> = (0..ACCOUNTS as u64).map(key).collect();
        keys.sort_unstable();
        Self { keys }
    }

    fn child(from: usize, to: usize) -> Child {
        Child { id: NodeId::new((from as u64) << 32 | to as u64), hash: Hash([from as u8; 32]) }
    }
}

impl NodeStore for Imagined {
    type Error = UnknownNode;

    fn node(&self, id: NodeId) -> Result<Arc<StoredNode>, UnknownNode> {
        let (from, to) = ((id.get() >> 32) as usize, id.get() as u32 as usize);
        let keys = &self.keys[from..to];
        Ok(Arc::new(match keys {
            [key] => StoredNode::Leaf { key: Arc::from(&key[..]), value: Value::Known(Arc::from(VALUE)) },
            _ => {
                let (first, last) = (Path::of_key(&keys[0]), Path::of_key(&keys[keys.len() - 1]));
                let common = first.common(last);
                let split = from + keys.partition_point(|key| Path::of_key(key).bit(common) == Some(0));
                let children = [Self::child(from, split), Self::child(split, to)];
                StoredNode::Inner { prefix: first.first(common), count: keys.len() as u64, children }
            }
        }))
    }
}

/// A key as long as an account's, with the constant bytes that those have.
fn key(number: u64) -> [u8; 27] {
    let mut key = [0; 27];
    key[..3].copy_from_slice(&[1, 5, b'T']);
    key[3..].copy_from_slice(&Hash::of(Domain::TRIE_VALUE, &[&number.to_le_bytes()]).as_bytes()[..24]);
    key
}

#[test]
fn an_account_among_a_million_is_proven_in_1150_bytes() {
    let store = Imagined::new();
    let root = Root { id: Imagined::child(0, ACCOUNTS).id, hash: Hash([1; 32]), count: ACCOUNTS as u64 };
    let mut largest = 0;
    for number in 0..1000 {
        let mut trie = Trie::open(root, &store);
        assert_eq!(trie.get(&key(number)), Ok(Some(&VALUE[..])));
        let bytes = trie.witness();
        assert_eq!(Witness::decode(&bytes, 2048).unwrap().len(), trie.loaded());
        largest = largest.max(bytes.len());
    }
    assert!((900..=1150).contains(&largest), "{largest} bytes");
}
