//! A trie handed out in pieces by rank, and put together again.

use std::sync::Arc;

use proptest::prelude::*;

use super::trie::{entries, store_of};
use crate::state::{
    Entry, MAX_KEY_BYTES, MAX_VALUE_BYTES, MemoryStore, NodeId, Root, Trie, TrieError, UnknownNode,
    WitnessError,
    trie::{BuildError, Builder},
    verify,
};

#[derive(Debug, PartialEq)]
enum Failure {
    Witness(WitnessError),
    Trie(TrieError<UnknownNode>),
}

impl From<WitnessError> for Failure {
    fn from(error: WitnessError) -> Self {
        Self::Witness(error)
    }
}

fn piece(root: Root, store: &MemoryStore, first: u64, count: usize) -> (Vec<Entry>, Vec<u8>) {
    let mut trie = Trie::open(root, store);
    let entries = trie.ranked(first).take(count).collect::<Result<_, _>>().unwrap();
    (entries, trie.witness())
}

fn check(bytes: &[u8], root: Root, first: u64, count: usize) -> Result<Vec<Entry>, Failure> {
    verify(bytes, bytes.len(), root.hash, |trie| {
        trie.ranked(first).take(count).collect::<Result<_, _>>().map_err(Failure::Trie)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_pieces_of_a_trie_are_proven_and_make_the_same_trie(
        model in entries(40),
        size in 1_usize..9,
    ) {
        let (root, store) = store_of(&model);
        let (mut builder, mut nodes) = (Builder::new(NodeId::FIRST), Vec::new());
        let mut first = 0;
        while first < root.count {
            let (found, bytes) = piece(root, &store, first, size);
            prop_assert_eq!(found.len() as u64, (root.count - first).min(size as u64));
            prop_assert_eq!(check(&bytes, root, first, size), Ok(found.clone()));
            // What proves these entries proves no others.
            let last = first + found.len() as u64 == root.count;
            if !(first == 0 && last) {
                let other = if first == 0 { size as u64 } else { first - 1 };
                prop_assert!(check(&bytes, root, other, size) != Ok(found.clone()));
            }
            for Entry { key, value } in found {
                builder.push(key, value, &mut nodes).unwrap();
                first += 1;
            }
        }
        let (built, next) = builder.finish(&mut nodes);
        prop_assert_eq!((built.hash, built.count), (root.hash, root.count));
        prop_assert_eq!(next.get() - 1, nodes.len() as u64);
        prop_assert!(nodes.iter().map(|(id, _)| *id).eq((1..next.get()).filter_map(NodeId::new)));
        prop_assert_eq!(nodes.len(), store.len(), "each node once");
        let mut rebuilt = MemoryStore::new();
        rebuilt.apply(&crate::state::Changes { root: built, new_nodes: nodes, stale: vec![], next_id: next });
        let entries: Vec<_> =
            Trie::open(built, &rebuilt).ranked(0).map(|entry| entry.unwrap().key.to_vec()).collect();
        prop_assert!(entries.iter().eq(model.keys()));
    }
}

#[test]
fn a_piece_beyond_the_end_is_empty_and_proven() {
    let model = super::model::Model::from([(b"a".to_vec(), vec![1]), (b"b".to_vec(), vec![2])]);
    let (root, store) = store_of(&model);
    let (found, bytes) = piece(root, &store, 2, 5);
    assert_eq!((found, check(&bytes, root, 2, 5)), (vec![], Ok(vec![])));
}

#[test]
fn only_rising_keys_build_a_trie() {
    let push = |builder: &mut Builder, key: &[u8], value: &[u8]| {
        builder.push(Arc::from(key), Arc::from(value), &mut Vec::new())
    };
    let mut builder = Builder::new(NodeId::FIRST);
    push(&mut builder, b"bb", b"").unwrap();
    for key in [&b"bb"[..], b"ba", b"b", b"bbc", b""] {
        let error = BuildError::Order { key: key.to_vec(), before: b"bb".to_vec() };
        assert_eq!(push(&mut builder, key, b""), Err(error));
    }
    assert_eq!(push(&mut builder, &[b'c'; MAX_KEY_BYTES + 1], b""), Err(BuildError::Key(MAX_KEY_BYTES + 1)));
    let long = vec![0; MAX_VALUE_BYTES + 1];
    assert_eq!(push(&mut builder, b"c", &long), Err(BuildError::Value(long.len())));
    push(&mut builder, b"c", b"").unwrap();
    assert_eq!(builder.finish(&mut Vec::new()).0.count, 2);
    assert_eq!(Builder::new(NodeId::FIRST).finish(&mut Vec::new()), (Root::EMPTY, NodeId::FIRST));
}
