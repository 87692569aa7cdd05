//! The trie against a sorted map.

use std::{ops::Bound, sync::Arc};

use proptest::prelude::*;

use super::model::{self, Model};
use crate::{
    crypto::Hash,
    state::{
        Changes, MAX_KEY_BYTES, MAX_VALUE_BYTES, MemoryStore, NodeId, Order, Root, SubRoot, Trie, TrieError,
        UnknownNode,
    },
};

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Hash,
    Commit,
}

/// Short keys that often share bits and often are prefixes of each other; some of the greatest length.
pub(super) fn key() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(vec![0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xff]);
    prop_oneof![
        8 => prop::collection::vec(byte.clone(), 0..5),
        1 => prop::collection::vec(byte, MAX_KEY_BYTES - 1..=MAX_KEY_BYTES),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..4)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (key(), value()).prop_map(|(key, value)| Step::Insert(key, value)),
        3 => key().prop_map(Step::Remove),
        1 => Just(Step::Hash),
        1 => Just(Step::Commit),
    ]
}

/// Entries of which no key is a prefix of another.
pub(super) fn entries(count: usize) -> impl Strategy<Value = Model> {
    prop::collection::vec((key(), value()), 0..count).prop_map(|entries| {
        let mut model = Model::new();
        for (key, value) in entries {
            if !model::conflicts(&model, &key) {
                model.insert(key, value);
            }
        }
        model
    })
}

/// A store with one version.
pub(super) fn store_of<'a>(
    entries: impl IntoIterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>,
) -> (Root, MemoryStore) {
    let mut store = MemoryStore::new();
    let mut trie = Trie::open(Root::EMPTY, &store);
    for (key, value) in entries {
        assert_eq!(trie.insert(key, value), Ok(false));
    }
    let changes = trie.commit(store.next_id());
    store.apply(&changes);
    (changes.root, store)
}

/// Reads everything in every way and compares.
fn check(root: Root, store: &MemoryStore, model: &Model) {
    assert_eq!((root.hash, root.count), (model::root(model), model.len() as u64));
    let mut trie = Trie::open(root, store);
    assert_eq!(all(&mut trie), *model);
    let mut trie = Trie::open(root, store);
    for (key, value) in model {
        assert_eq!(trie.get(key).unwrap(), Some(&**value));
        for length in 0..=key.len() {
            check_sub_root(&mut trie, model, &key[..length]);
        }
    }
}

fn check_sub_root(trie: &mut Trie<&MemoryStore>, model: &Model, prefix: &[u8]) {
    let below = model::starting_with(model, prefix);
    let expected = SubRoot { hash: model::root(&below), count: below.len() as u64 };
    assert_eq!(trie.sub_root(prefix), Ok(expected), "{prefix:?}");
}

fn all(trie: &mut Trie<&MemoryStore>) -> Model {
    trie.range(Bound::Unbounded, Bound::Unbounded, Order::Ascending)
        .map(|entry| entry.map(|entry| (entry.key.to_vec(), entry.value.to_vec())))
        .collect::<Result<_, _>>()
        .unwrap()
}

/// One step on both; results must be the same.
fn take(trie: &mut Trie<&MemoryStore>, model: &mut Model, key: &[u8], value: &[u8]) {
    let extends = model.keys().find(|other| *other != key && key.starts_with(other));
    let is_prefix = model.keys().any(|other| other != key && other.starts_with(key));
    let expected = match extends {
        Some(existing) => Err(TrieError::KeyExtends { key: key.to_vec(), existing: existing.clone() }),
        None if is_prefix => Err(TrieError::KeyIsPrefix { key: key.to_vec() }),
        None => Ok(model.contains_key(key)),
    };
    assert_eq!(trie.insert(key, value), expected);
    if expected.is_ok() {
        model.insert(key.to_vec(), value.to_vec());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn versions_equal_the_model_and_stale_nodes_are_exact(steps in prop::collection::vec(step(), 0..60)) {
        let mut store = MemoryStore::new();
        let mut model = Model::new();
        let mut versions = vec![(Root::EMPTY, model.clone())];
        let mut stale = Vec::new();
        let mut steps = steps.into_iter().chain([Step::Commit]).peekable();
        while steps.peek().is_some() {
            let mut trie = Trie::open(versions[versions.len() - 1].0, &store);
            for step in steps.by_ref() {
                match step {
                    Step::Insert(key, value) => take(&mut trie, &mut model, &key, &value),
                    Step::Remove(key) => {
                        assert_eq!(trie.remove(&key), Ok(model.remove(&key).is_some()));
                    }
                    Step::Hash => assert_eq!(trie.root_hash(), model::root(&model)),
                    Step::Commit => break,
                }
            }
            for key in model.keys() {
                check_sub_root(&mut trie, &model, &key[..key.len() / 2]);
            }
            assert_eq!(all(&mut trie), model);
            let changes = trie.commit(store.next_id());
            prop_assert!(changes.stale.iter().all(|id| !stale.contains(id)));
            stale.extend(&changes.stale);
            store.apply(&changes);
            versions.push((changes.root, model.clone()));
        }
        for (root, model) in &versions {
            check(*root, &store, model);
        }
        store.prune(&stale);
        check(versions[versions.len() - 1].0, &store, &model);
        prop_assert_eq!(store.len(), (2 * model.len()).saturating_sub(1));
    }

    #[test]
    fn what_goes_on_in_memory_is_what_goes_on_from_the_store(steps in prop::collection::vec(step(), 0..60)) {
        let mut store = MemoryStore::new();
        let mut warm = Trie::open(Root::EMPTY, &store).commit_warm(store.next_id()).1;
        let mut root = Root::EMPTY;
        for steps in steps.split(|step| matches!(step, Step::Commit)) {
            let (mut warmed, mut cold) = (warm.open(&store), Trie::open(root, &store));
            for step in steps {
                match step {
                    Step::Insert(key, value) => {
                        prop_assert_eq!(warmed.insert(key, value), cold.insert(key, value));
                    }
                    Step::Remove(key) => prop_assert_eq!(warmed.remove(key), cold.remove(key)),
                    // Hashed or not, what is set aside goes on.
                    Step::Hash if cold.nodes() % 2 == 0 => warmed = warmed.set_aside().open(&store),
                    Step::Hash | Step::Commit => prop_assert_eq!(warmed.root_hash(), cold.root_hash()),
                }
            }
            let expected = cold.commit(store.next_id());
            let (changes, next) = warmed.commit_warm(store.next_id());
            prop_assert_eq!(
                (changes.root, &changes.new_nodes, &changes.stale, changes.next_id),
                (expected.root, &expected.new_nodes, &expected.stale, expected.next_id)
            );
            store.apply(&changes);
            // Nodes that went with the version before are not asked for.
            store.prune(&changes.stale);
            prop_assert_eq!(next.count(), changes.root.count);
            (root, warm) = (changes.root, next);
        }
    }

    #[test]
    fn neither_order_nor_history_leaves_a_trace(
        model in entries(24),
        order in prop::collection::vec(any::<prop::sample::Index>(), 24),
        passing in prop::collection::vec((key(), value()), 0..12),
    ) {
        let (root, _) = store_of(&model);
        let mut rest: Vec<_> = model.iter().collect();
        let store = MemoryStore::new();
        let mut trie = Trie::open(Root::EMPTY, &store);
        let passing: Vec<_> = passing.into_iter().filter(|(key, _)| !model::conflicts(&model, key)).collect();
        for (key, value) in &passing {
            // Two passing ones may conflict with each other.
            let _ = trie.insert(key, value);
        }
        for index in order {
            if !rest.is_empty() {
                let (key, value) = rest.swap_remove(index.index(rest.len()));
                trie.insert(key, value).unwrap();
            }
        }
        for (key, _) in passing.iter().filter(|(key, _)| !model.contains_key(key)) {
            trie.remove(key).unwrap();
        }
        prop_assert_eq!(trie.root_hash(), root.hash);
        let changes = trie.commit(NodeId::FIRST);
        prop_assert_eq!(changes.root.count, root.count);
        prop_assert!(changes.stale.is_empty());
    }

    #[test]
    fn a_sub_root_does_not_depend_on_neighbours(model in entries(24), space in any::<u8>(), others in entries(8)) {
        let moved = |first: u8, entries: &Model| -> Model {
            entries.iter().map(|(key, value)| {
                let mut moved = vec![first];
                moved.extend(&key[..key.len().min(MAX_KEY_BYTES - 1)]);
                (moved, value.clone())
            }).collect()
        };
        // Keys of the greatest length lose a byte and may then conflict.
        let mut alone = Model::new();
        for (key, value) in moved(space, &model) {
            if !model::conflicts(&alone, &key) {
                alone.insert(key, value);
            }
        }
        let (root, _) = store_of(&alone);
        let mut among = alone;
        for (key, value) in moved(!space, &others) {
            if !model::conflicts(&among, &key) {
                among.insert(key, value);
            }
        }
        let (all, store) = store_of(&among);
        let found = Trie::open(all, &store).sub_root(&[space]).unwrap();
        prop_assert_eq!(found, SubRoot { hash: root.hash, count: root.count });
    }

    #[test]
    fn ranges_equal_the_model(
        model in entries(30),
        from in (0..3_u8, key()),
        to in (0..3_u8, key()),
        limit in 0..8_usize,
    ) {
        let (root, store) = store_of(&model);
        let bound = |(kind, key): &(u8, Vec<u8>)| match kind {
            0 => Bound::Unbounded,
            1 => Bound::Included(key.clone()),
            _ => Bound::Excluded(key.clone()),
        };
        let (low, high) = (bound(&from), bound(&to));
        let within = |key: &Vec<u8>| {
            (match &low { Bound::Included(low) => key >= low, Bound::Excluded(low) => key > low, Bound::Unbounded => true })
            && match &high { Bound::Included(high) => key <= high, Bound::Excluded(high) => key < high, Bound::Unbounded => true }
        };
        let mut expected: Vec<Vec<u8>> = model.keys().filter(|key| within(key)).cloned().collect();
        for order in [Order::Ascending, Order::Descending] {
            let mut trie = Trie::open(root, &store);
            let range = |trie: &mut Trie<&MemoryStore>, limit| -> Vec<Vec<u8>> {
                trie.range(low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice), order)
                    .take(limit)
                    .map(|entry| entry.unwrap().key.to_vec())
                    .collect()
            };
            prop_assert_eq!(&range(&mut trie, limit), &expected[..limit.min(expected.len())]);
            prop_assert_eq!(&range(&mut trie, usize::MAX), &expected);
            let prefix = &from.1;
            let found: Vec<_> = trie.prefix(prefix, order).map(|entry| entry.unwrap().key.to_vec()).collect();
            let mut below: Vec<Vec<u8>> = model::starting_with(&model, prefix).into_keys().collect();
            if order == Order::Descending {
                below.reverse();
            }
            prop_assert_eq!(found, below);
            expected.reverse();
        }
    }
}

/// The hashes of small tries, put together by hand.
#[test]
fn known_answers() {
    let trie = |bytes: &[u8]| {
        *blake3::keyed_hash(b"vsys/1/state-trie\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", bytes).as_bytes()
    };
    let value = |bytes: &[u8]| {
        *blake3::keyed_hash(b"vsys/1/state-value\0\0\0\0\0\0\0\0\0\0\0\0\0\0", bytes).as_bytes()
    };
    let store = MemoryStore::new();
    let mut state = Trie::open(Root::EMPTY, &store);
    assert_eq!(state.root_hash(), Hash([0; 32]));

    state.insert(b"ab", b"one").unwrap();
    let ab = trie(&[&[0][..], b"ab", &value(b"one")].concat());
    assert_eq!(state.root_hash(), Hash(ab));

    // 0x61 0x62 and 0x61 0x63 part at the last bit: 15 bits of prefix, 0x61 0x62.
    state.insert(b"ac", b"").unwrap();
    let ac = trie(&[&[0][..], b"ac", &value(b"")].concat());
    let both = trie(&[&[1, 15, 0, 0x61, 0x62, 2, 0, 0, 0, 0, 0, 0, 0][..], &ab, &ac].concat());
    assert_eq!(state.root_hash(), Hash(both));

    // 0xe1 parts from 0x61 at once: no prefix.
    state.insert(&[0xe1], b"two").unwrap();
    let other = trie(&[&[0, 0xe1][..], &value(b"two")].concat());
    let three = trie(&[&[1, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0][..], &both, &other].concat());
    assert_eq!(state.root_hash(), Hash(three));
    assert_eq!(
        state.root_hash().to_string(),
        "70b5fa7be8136cdf02fbeea73ee9c1ad70d12120282f93280f8e053bbc8dd2ba",
    );
    assert_eq!(state.sub_root(b"a"), Ok(SubRoot { hash: Hash(both), count: 2 }));
    assert_eq!(state.sub_root(b"ac"), Ok(SubRoot { hash: Hash(ac), count: 1 }));
    assert_eq!(state.sub_root(b"b"), Ok(SubRoot::default()));
}

#[test]
fn limits_are_errors_and_change_nothing() {
    let store = MemoryStore::new();
    let mut trie = Trie::open(Root::EMPTY, &store);
    assert_eq!(trie.insert(&[0; MAX_KEY_BYTES + 1], b""), Err(TrieError::KeyTooLong(MAX_KEY_BYTES + 1)));
    let value = vec![0; MAX_VALUE_BYTES + 1];
    assert_eq!(trie.insert(b"key", &value), Err(TrieError::ValueTooLong(MAX_VALUE_BYTES + 1)));
    assert_eq!(trie.root_hash(), Hash::ZERO);
    assert_eq!(trie.insert(&[0; MAX_KEY_BYTES], &value[1..]), Ok(false));
    assert_eq!(trie.get(&[0; MAX_KEY_BYTES + 1]), Ok(None));
    assert_eq!(trie.insert(&[0; MAX_KEY_BYTES - 1], b""), Err(TrieError::KeyIsPrefix { key: vec![0; 127] }));
}

/// 1,024 keys of 128 bytes that part at every bit: the deepest trie there can be.
pub(super) fn deepest() -> Model {
    (0..MAX_KEY_BYTES * 8)
        .map(|ones| {
            let key = (0..MAX_KEY_BYTES).map(|byte| !0xff_u8.checked_shr(bits_here(ones, byte)).unwrap_or(0));
            (key.collect(), ones.to_le_bytes().to_vec())
        })
        .collect()
}

fn bits_here(ones: usize, byte: usize) -> u32 {
    ones.saturating_sub(byte * 8).min(8) as u32
}

#[test]
fn the_deepest_trie_works() {
    let model = deepest();
    assert_eq!(model.len(), 1024);
    let (root, store) = store_of(&model);
    assert_eq!(root.hash, model::root(&model));
    let mut trie = Trie::open(root, &store);
    assert_eq!(all(&mut trie), model);
    assert_eq!(trie.loaded(), 2047);
    for key in model.keys() {
        assert_eq!(trie.remove(key), Ok(true));
    }
    let Changes { root, new_nodes, mut stale, .. } = trie.commit(store.next_id());
    assert_eq!((root, new_nodes), (Root::EMPTY, vec![]));
    stale.sort();
    stale.dedup();
    assert_eq!(stale.len(), 2047);
}

#[test]
fn writing_what_is_there_changes_nothing() {
    let model = Model::from([(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())]);
    let (root, store) = store_of(&model);
    let mut trie = Trie::open(root, &store);
    assert_eq!(trie.insert(b"a", b"1"), Ok(true));
    let changes = trie.commit(store.next_id());
    assert_eq!((changes.root, changes.new_nodes, changes.stale), (root, vec![], vec![]));
}

#[test]
fn a_version_that_was_not_opened_is_committed_as_it_is() {
    let (root, store) = store_of(&Model::from([(b"a".to_vec(), b"1".to_vec())]));
    let changes = Trie::open(root, &store).commit(store.next_id());
    assert_eq!((changes.root, changes.new_nodes.len(), changes.next_id), (root, 0, store.next_id()));
}

#[test]
fn the_neighbour_of_a_removed_key_takes_the_place_unopened() {
    let (root, store) =
        store_of(&Model::from([(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())]));
    let mut trie = Trie::open(root, &store);
    assert_eq!(trie.remove(b"a"), Ok(true));
    assert_eq!(trie.loaded(), 2);
    let changes = trie.commit(store.next_id());
    assert_eq!((changes.root.count, changes.new_nodes.len(), changes.stale.len()), (1, 0, 2));
    assert_eq!(Trie::open(changes.root, &store).get(b"b"), Ok(Some(&b"2"[..])));
}

#[test]
fn a_pruned_version_is_an_error_not_an_answer() {
    let (root, mut store) = store_of(&Model::from([(b"a".to_vec(), b"1".to_vec())]));
    let id = root.id.unwrap();
    store.prune(&[id]);
    let mut trie = Trie::open(root, &store);
    assert_eq!(trie.get(b"a"), Err(TrieError::Store(UnknownNode(id))));
    assert_eq!(trie.range(Bound::Unbounded, Bound::Unbounded, Order::Ascending).count(), 1);
}

#[test]
fn a_node_in_the_wrong_place_is_found() {
    use crate::state::{StoredNode, trie::Value};
    let (root, mut store) =
        store_of(&Model::from([(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())]));
    let id = Trie::open(root, &store).touched_by(b"a").unwrap();
    let stranger = StoredNode::Leaf { key: Arc::from(&b"c"[..]), value: Value::Known(Arc::from(&b"1"[..])) };
    let next_id = store.next_id();
    store.apply(&Changes { root, new_nodes: vec![(id, Arc::new(stranger))], stale: vec![], next_id });
    assert_eq!(Trie::open(root, &store).get(b"a"), Err(TrieError::Misplaced(id)));
}

impl Trie<&MemoryStore> {
    /// The id of a key's leaf.
    fn touched_by(&mut self, key: &[u8]) -> Option<NodeId> {
        self.get(key).unwrap();
        self.touched().find(|touched| touched.read).map(|touched| touched.id)
    }
}
