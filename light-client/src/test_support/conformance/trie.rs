//! The trie against a sorted map, and its witnesses against everything that they do not prove.

use std::ops::Bound;

use super::{Verdict, ensure, same, words};
use crate::{
    crypto::Hash,
    state::{
        MemoryStore, NodeStore, Order, Root, SubRoot, Trie, TrieError, UnknownNode, WitnessError, verify,
    },
    test_support::{
        random::Sequence,
        trie_model::{self, Model},
    },
};

const TRIES: u64 = 24;
const STEPS: usize = 80;

/// Short keys that often share bits and often are prefixes of each other.
fn key(random: &mut Sequence) -> Vec<u8> {
    const BYTES: [u8; 7] = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xff];
    (0..random.below(5)).map(|_| BYTES[random.below(BYTES.len())]).collect()
}

fn value(random: &mut Sequence) -> Vec<u8> {
    random.bytes()[..random.below(4)].to_vec()
}

pub(super) fn model() -> Verdict {
    for seed in 0..TRIES {
        let mut random = Sequence(seed);
        let (mut store, mut model, mut root) = (MemoryStore::new(), Model::new(), Root::EMPTY);
        for _ in 0..4 {
            let mut trie = Trie::open(root, &store);
            for _ in 0..STEPS / 4 {
                step(&mut trie, &mut model, &mut random).map_err(|wrong| format!("trie {seed}: {wrong}"))?;
            }
            same!(trie.root_hash(), trie_model::root(&model), "root of trie {seed}");
            let changes = trie.commit(store.next_id());
            store.apply(&changes);
            root = changes.root;
            same!((root.hash, root.count), (trie_model::root(&model), model.len() as u64), "trie {seed}");
            let mut trie = Trie::open(root, &store);
            same!(everything(&mut trie).map_err(words)?, model, "entries of trie {seed}");
        }
    }
    Ok(())
}

/// One change or question, put to both.
fn step(trie: &mut Trie<&MemoryStore>, model: &mut Model, random: &mut Sequence) -> Verdict {
    let key = key(random);
    match random.below(6) {
        0..3 => {
            let value = value(random);
            let extends = model.keys().find(|other| **other != key && key.starts_with(other)).cloned();
            let is_prefix = model.keys().any(|other| *other != key && other.starts_with(&key));
            let expected = match extends {
                Some(existing) => Err(TrieError::KeyExtends { key: key.clone(), existing }),
                None if is_prefix => Err(TrieError::KeyIsPrefix { key: key.clone() }),
                None => Ok(model.contains_key(&key)),
            };
            same!(trie.insert(&key, &value), expected, "insert {key:02x?}");
            if expected.is_ok() {
                model.insert(key, value);
            }
        }
        3 => same!(trie.remove(&key), Ok(model.remove(&key).is_some()), "remove {key:02x?}"),
        4 => {
            let below = trie_model::starting_with(model, &key);
            let expected = SubRoot { hash: trie_model::root(&below), count: below.len() as u64 };
            same!(trie.sub_root(&key), Ok(expected), "root below {key:02x?}");
        }
        _ => {
            let found = trie.get(&key).map(|value| value.map(<[u8]>::to_vec));
            same!(found, Ok(model.get(&key).cloned()), "get {key:02x?}");
        }
    }
    Ok(())
}

fn everything(trie: &mut Trie<&MemoryStore>) -> Result<Model, TrieError<UnknownNode>> {
    let range = trie.range(Bound::Unbounded, Bound::Unbounded, Order::Ascending);
    range.map(|entry| entry.map(|entry| (entry.key.to_vec(), entry.value.to_vec()))).collect()
}

/// What is read of a trie: presence, absence, the first two below a key, the root below it.
type Read = (Option<Vec<u8>>, Vec<Vec<u8>>, SubRoot);

#[derive(Debug, PartialEq, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error(transparent)]
    Trie(#[from] TrieError<UnknownNode>),
}

fn read<S>(trie: &mut Trie<S>, keys: &[Vec<u8>]) -> Result<Vec<Read>, ReadError>
where
    S: NodeStore<Error = UnknownNode>,
{
    let one = |key: &Vec<u8>| {
        let value = trie.get(key)?.map(<[u8]>::to_vec);
        let below: Result<_, _> =
            trie.prefix(key, Order::Descending).take(2).map(|entry| Ok(entry?.key.to_vec())).collect();
        Ok::<_, TrieError<UnknownNode>>((value, below?, trie.sub_root(key)?))
    };
    Ok(keys.iter().map(one).collect::<Result<_, _>>()?)
}

fn check(witness: &[u8], root: Hash, keys: &[Vec<u8>]) -> Result<Vec<Read>, ReadError> {
    verify(witness, witness.len(), root, |trie| read(trie, keys))
}

pub(super) fn witnesses() -> Verdict {
    let mut altered_ones = 0;
    for seed in 0..TRIES {
        let mut random = Sequence(1_000 + seed);
        let (mut store, mut model) = (MemoryStore::new(), Model::new());
        let mut trie = Trie::open(Root::EMPTY, &store);
        for _ in 0..STEPS / 2 {
            step(&mut trie, &mut model, &mut random)?;
        }
        let changes = trie.commit(store.next_id());
        store.apply(&changes);
        let keys: Vec<_> = (0..3).map(|_| key(&mut random)).collect();
        let mut trie = Trie::open(changes.root, &store);
        let told = read(&mut trie, &keys).map_err(words)?;
        for (key, (value, _, below)) in keys.iter().zip(&told) {
            same!(value.as_ref(), model.get(key), "trie {seed}, key {key:02x?}");
            same!(
                below.hash,
                trie_model::root(&trie_model::starting_with(&model, key)),
                "trie {seed}, below {key:02x?}"
            );
        }
        let (witness, root) = (trie.witness(), changes.root.hash);
        same!(check(&witness, root, &keys), Ok(told), "trie {seed}");
        ensure!(check(&witness, Hash([1; 32]), &keys).is_err(), "trie {seed} has another root");
        for length in 0..witness.len() {
            ensure!(
                check(&witness[..length], root, &keys).is_err(),
                "trie {seed}: witness cut off at {length}"
            );
        }
        for at in 0..witness.len() {
            let mut altered = witness.clone();
            altered[at] ^= 1 << random.below(8);
            altered_ones += 1;
            ensure!(
                check(&altered, root, &keys).is_err(),
                "trie {seed}: byte {at} of the witness does not matter"
            );
        }
    }
    ensure!(altered_ones > 1_000, "only {altered_ones} altered witnesses");
    Ok(())
}
