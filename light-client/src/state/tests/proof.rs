//! Reads and writes as data, so that both sides of a proof run the same ones.

use std::ops::Bound;

use proptest::prelude::*;

use super::trie::key;
use crate::{
    crypto::Hash,
    state::{
        Entry, MemoryStore, NodeStore, Order, Root, SubRoot, Trie, TrieError, UnknownNode, WitnessError,
        verify,
    },
};

#[derive(Clone, Debug)]
pub(super) enum Call {
    Get(Vec<u8>),
    Range(Vec<u8>, Vec<u8>, Order, usize),
    Prefix(Vec<u8>, Order, usize),
    SubRoot(Vec<u8>),
    Insert(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Value(Option<Vec<u8>>),
    Entries(Vec<Entry>),
    SubRoot(SubRoot),
    WasThere(bool),
    /// The key is a prefix or extends one: a fact about the trie too.
    Refused(TrieError<UnknownNode>),
    /// What the root is after all calls.
    Root(Hash),
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error(transparent)]
    Trie(#[from] TrieError<UnknownNode>),
}

pub(super) fn calls() -> impl Strategy<Value = Vec<Call>> {
    let order = || prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    prop::collection::vec(
        prop_oneof![
            4 => key().prop_map(Call::Get),
            1 => (key(), key(), order(), 1..4_usize).prop_map(|(a, b, order, n)| Call::Range(a, b, order, n)),
            1 => (key(), order(), 1..4_usize).prop_map(|(key, order, n)| Call::Prefix(key, order, n)),
            2 => key().prop_map(Call::SubRoot),
            1 => (key(), prop::collection::vec(any::<u8>(), 0..2)).prop_map(|(key, v)| Call::Insert(key, v)),
            1 => key().prop_map(Call::Remove),
        ],
        0..5,
    )
}

pub(super) fn run<S>(trie: &mut Trie<S>, calls: &[Call]) -> Result<Vec<Answer>, TrieError<UnknownNode>>
where
    S: NodeStore<Error = UnknownNode>,
{
    let mut answers = Vec::new();
    for call in calls {
        answers.push(match call {
            Call::Get(key) => Answer::Value(trie.get(key)?.map(<[u8]>::to_vec)),
            Call::Range(from, to, order, limit) => {
                let range = trie.range(Bound::Included(from), Bound::Excluded(to), *order);
                Answer::Entries(range.take(*limit).collect::<Result<_, _>>()?)
            }
            Call::Prefix(prefix, order, limit) => {
                Answer::Entries(trie.prefix(prefix, *order).take(*limit).collect::<Result<_, _>>()?)
            }
            Call::SubRoot(prefix) => Answer::SubRoot(trie.sub_root(prefix)?),
            Call::Insert(key, value) => match trie.insert(key, value) {
                Err(error @ (TrieError::KeyIsPrefix { .. } | TrieError::KeyExtends { .. })) => {
                    Answer::Refused(error)
                }
                other => Answer::WasThere(other?),
            },
            Call::Remove(key) => Answer::WasThere(trie.remove(key)?),
        });
    }
    answers.push(Answer::Root(trie.root_hash()));
    Ok(answers)
}

/// The answers, and the proof of them.
pub(super) fn prove(root: Root, store: &MemoryStore, calls: &[Call]) -> (Vec<Answer>, Vec<u8>) {
    let mut trie = Trie::open(root, store);
    let answers = run(&mut trie, calls).unwrap();
    (answers, trie.witness())
}

pub(super) fn check(bytes: &[u8], root: Hash, calls: &[Call]) -> Result<Vec<Answer>, Failure> {
    verify(bytes, 1 << 24, root, |trie| Ok(run(trie, calls)?))
}
