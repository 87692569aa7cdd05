//! Honest witnesses prove, all others are refused.

use std::ops::Bound;

use proptest::prelude::*;

use super::{
    forgery::Part,
    model::{self, Model},
    proof::{Answer, Call, Failure, calls, check, prove, run},
    trie::{deepest, entries, store_of},
};
use crate::{
    crypto::{Domain, Hash},
    state::{
        AccountRecord, NodeStore, Order, Root, StateError, SubRoot, Trie, TrieError, Witness, WitnessError,
        trie::NodeDecodeError, verify,
    },
};

/// Some entries, and calls on keys that are there as well as on others.
fn scene() -> impl Strategy<Value = (Model, Vec<Call>)> {
    (entries(24), calls(), prop::collection::vec(any::<prop::sample::Index>(), 0..4)).prop_map(
        |(model, mut calls, present)| {
            let keys: Vec<&Vec<u8>> = model.keys().collect();
            if !keys.is_empty() {
                calls.extend(present.iter().map(|index| Call::Get(index.get(&keys).to_vec())));
            }
            (model, calls)
        },
    )
}

/// A trie of three levels and a proof with nodes of all kinds.
fn example() -> (Root, Vec<Call>, Vec<Answer>, Vec<u8>) {
    let keys = ["aa", "ab", "b", "caa", "cab", "d", "e"];
    let model: Model = keys.iter().map(|key| (key.as_bytes().to_vec(), vec![7; key.len()])).collect();
    let (root, store) = store_of(&model);
    let calls = [
        Call::Get(b"ab".to_vec()),
        Call::Get(b"cb".to_vec()),
        Call::SubRoot(b"b".to_vec()),
        Call::Prefix(b"ca".to_vec(), Order::Ascending, 1),
    ];
    let (answers, bytes) = prove(root, &store, &calls);
    (root, calls.to_vec(), answers, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_same_calls_give_the_same_answers((model, calls) in scene()) {
        let (root, store) = store_of(&model);
        let (answers, bytes) = prove(root, &store, &calls);
        prop_assert_eq!(check(&bytes, root.hash, &calls), Ok(answers));
        // Recording on the witness gives the witness: there is only one for these calls.
        let mut trie = Trie::from_witness(&bytes, bytes.len(), root.hash).unwrap();
        run(&mut trie, &calls).unwrap();
        prop_assert_eq!(trie.witness(), bytes);
    }

    #[test]
    fn more_than_the_calls_need_is_refused((model, calls) in scene(), other in calls()) {
        let (root, store) = store_of(&model);
        let (_, least) = prove(root, &store, &calls);
        let (_, more) = prove(root, &store, &[&calls[..], &other[..]].concat());
        match check(&more, root.hash, &calls) {
            Ok(_) => prop_assert_eq!(more, least),
            Err(Failure::Witness(WitnessError::Untouched { nodes, values })) => prop_assert!(nodes + values > 0),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn what_another_call_needs_does_not_prove_this_one((model, calls) in scene(), other in calls()) {
        let (root, store) = store_of(&model);
        let (answers, _) = prove(root, &store, &calls);
        let (_, bytes) = prove(root, &store, &other);
        if let Ok(found) = check(&bytes, root.hash, &calls) {
            prop_assert_eq!(found, answers);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_flipped_bit_is_refused((model, calls) in scene(), tail in any::<u8>()) {
        let (root, store) = store_of(&model);
        let (_, mut bytes) = prove(root, &store, &calls);
        for index in 0..bytes.len() {
            for bit in 0..8 {
                bytes[index] ^= 1 << bit;
                prop_assert!(check(&bytes, root.hash, &calls).is_err(), "bit {bit} of byte {index}");
                bytes[index] ^= 1 << bit;
            }
            prop_assert!(check(&bytes[..index], root.hash, &calls).is_err(), "cut at {index}");
            let mut without = bytes.clone();
            without.remove(index);
            prop_assert!(check(&without, root.hash, &calls).is_err(), "without byte {index}");
        }
        bytes.push(tail);
        prop_assert!(check(&bytes, root.hash, &calls).is_err(), "extended");
    }

    #[test]
    fn every_node_dropped_swapped_repeated_or_altered_is_refused((model, calls) in scene()) {
        let (root, store) = store_of(&model);
        let (_, bytes) = prove(root, &store, &calls);
        if bytes.is_empty() {
            return Ok(());
        }
        let whole = Part::parse(&bytes);
        let refused = |forged: &Part, what: &str| -> Result<(), TestCaseError> {
            if *forged != whole {
                prop_assert!(check(&forged.bytes(), root.hash, &calls).is_err(), "{what}: {forged:?}");
            }
            Ok(())
        };
        let subtrees = whole.subtrees();
        let witness = Witness::decode(&bytes, bytes.len()).unwrap();
        prop_assert_eq!(witness.len(), subtrees.len());
        for (index, subtree) in subtrees.iter().enumerate() {
            let id = crate::state::NodeId::FIRST.plus(index as u64);
            let hash = witness.node(id).unwrap().hash();
            if index > 0 {
                // Every hash still fits; only the node is missing.
                let forged = whole.with(index, |_| Part::Pruned(hash));
                let error = check(&forged.bytes(), root.hash, &calls).unwrap_err();
                prop_assert!(matches!(error, Failure::Trie(TrieError::Pruned { .. })), "{error}");
                refused(&whole.with(index, |_| Part::Pruned(Hash::ZERO)), "dropped")?;
            }
            for (other, there) in subtrees.iter().enumerate() {
                refused(&whole.with(other, |_| subtree.clone()), "repeated")?;
                if index < other {
                    // The later one first, so that the place of the other stays what it is.
                    let swapped = whole.with(other, |_| subtree.clone()).with(index, |_| there.clone());
                    refused(&swapped, "swapped")?;
                }
            }
            if let Part::Inner(skipped, bits, count, children) = subtree {
                let [left, right] = &**children;
                let inner = |skipped, bits: &Vec<u8>, count, left: &Part, right: &Part| {
                    Part::Inner(skipped, bits.clone(), count, Box::new([left.clone(), right.clone()]))
                };
                refused(&whole.with(index, |_| inner(*skipped, bits, *count, right, left)), "mirrored")?;
                for wrong in [0, 1, count - 1, count + 1, u64::MAX] {
                    refused(&whole.with(index, |_| inner(*skipped, bits, wrong, left, right)), "counted")?;
                }
                // The prefix longer by a zero bit: with padding alone it would be the same bytes.
                let mut padded = bits.clone();
                padded.resize((*skipped as usize + 1).div_ceil(8), 0);
                refused(&whole.with(index, |_| inner(skipped + 1, &padded, *count, left, right)), "padded")?;
                if *skipped > 1 {
                    let shorter = bits[..(*skipped as usize - 1).div_ceil(8)].to_vec();
                    refused(&whole.with(index, |_| inner(skipped - 1, &shorter, *count, left, right)), "cut")?;
                }
                // A child in the place of its parent.
                for child in [left, right] {
                    refused(&whole.with(index, |_| child.clone()), "lifted")?;
                }
            }
        }
    }

    #[test]
    fn noise_is_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
        prop_assert!(check(&bytes, Hash::ZERO, &[]).is_err());
    }
}

#[test]
fn the_example_is_encoded_as_documented() {
    let (root, calls, answers, bytes) = example();
    assert_eq!(check(&bytes, root.hash, &calls), Ok(answers));
    let entry = |key: &str| (key.as_bytes().to_vec(), vec![7; key.len()]);
    let hash = |keys: &[&str]| model::root(&keys.iter().map(|key| entry(key)).collect()).0;
    let value = Hash::of(Domain::TRIE_VALUE, &[&[7]]).0;
    let expected: [&[u8]; 12] = [
        // All keys start with 01100. "a", "b" and "c" go on with 0 and are here, "d" and "e" are not.
        &[4 | 8, 5, 0b0110_0000, 7],
        // "a", "b" and "c" part at the next bit.
        &[8 | 16, 5],
        // "aa" and "ab" share 1 and then 011000; only "ab" is here.
        &[4 | 16, 7, 0b1011_0000, 2],
        &hash(&["aa"]),
        &[1, 2, 0b0000_0000, 2, 7, 7],
        // "b" and "c" part at the next bit; of "b" only the key was needed, all of which is known.
        &[8 | 16, 3],
        &[2, 1],
        &value,
        // "caa" and "cab" share 01100001 and then 011000; the first is here.
        &[4 | 8, 14, 0b0110_0001, 0b0110_0000, 2],
        &[1, 3, 0b1000_0000, 3, 7, 7, 7],
        &hash(&["cab"]),
        // What was left out of the root.
        &hash(&["d", "e"]),
    ];
    assert_eq!(bytes, expected.concat());
}

#[test]
fn nothing_is_in_the_empty_trie() {
    let calls = [
        Call::Get(b"key".to_vec()),
        Call::SubRoot(b"".to_vec()),
        Call::Prefix(b"".to_vec(), Order::Descending, 9),
        Call::Remove(b"key".to_vec()),
    ];
    let (_, store) = store_of(&Model::new());
    let (answers, bytes) = prove(Root::EMPTY, &store, &calls);
    assert!(bytes.is_empty());
    assert_eq!(answers[0], Answer::Value(None));
    assert_eq!(check(&bytes, Hash::ZERO, &calls), Ok(answers));
    // The same bytes prove nothing of a trie that is not empty.
    let hash = Hash([1; 32]);
    assert_eq!(check(&bytes, hash, &calls), Err(TrieError::Pruned { hash, depth: 0 }.into()));
}

#[test]
fn a_witness_of_another_root_is_refused() {
    let (root, calls, _, bytes) = example();
    for expected in [Hash::ZERO, Hash([1; 32])] {
        let error = WitnessError::Root { expected, found: root.hash };
        assert_eq!(check(&bytes, expected, &calls), Err(error.into()));
    }
}

#[test]
fn a_leaf_whose_value_is_left_out_has_no_value() {
    let (root, store) = store_of(&Model::from([(b"key".to_vec(), b"value".to_vec())]));
    let (answers, bytes) = prove(root, &store, &[Call::SubRoot(b"k".to_vec())]);
    assert_eq!(answers[0], Answer::SubRoot(SubRoot { hash: root.hash, count: 1 }));
    let hash = Hash::of(Domain::TRIE_VALUE, &[b"value"]);
    let error = TrieError::PrunedValue { hash };
    assert_eq!(check(&bytes, root.hash, &[Call::Get(b"key".to_vec())]), Err(error.into()));
    // And the other way round: the value is there, and only the sub-root is asked for.
    let (_, bytes) = prove(root, &store, &[Call::Get(b"key".to_vec())]);
    let error = WitnessError::Untouched { nodes: 0, values: 1 };
    assert_eq!(check(&bytes, root.hash, &[Call::SubRoot(b"k".to_vec())]), Err(error.into()));
}

#[test]
fn other_forms_of_the_same_nodes_are_refused() {
    let decode = |bytes: &[u8]| Witness::decode(bytes, 1 << 20).unwrap_err();
    // A count, a skip and a value length, each with a zero byte more than needed.
    let pruned = [1; 64];
    let long = NodeDecodeError::Number;
    assert_eq!(
        decode(&[&[0, 0x82, 0][..], &pruned].concat()),
        WitnessError::Malformed { node: 0, error: long.clone() }
    );
    assert_eq!(
        decode(&[&[4, 0x81, 0, 0, 2][..], &pruned].concat()),
        WitnessError::Malformed { node: 0, error: long.clone() }
    );
    assert_eq!(decode(&[1, 0, 0x80, 0]), WitnessError::Malformed { node: 0, error: long });
    // Skipping no bits with the flag that says some are skipped; padding that is not zero.
    assert_eq!(decode(&[&[4, 0, 2][..], &pruned].concat()), WitnessError::Bits { node: 0 });
    assert_eq!(decode(&[&[4, 1, 0x81, 2][..], &pruned].concat()), WitnessError::Bits { node: 0 });
    assert!(Witness::decode(&[&[4, 1, 0x80, 2][..], &pruned].concat(), 99).is_ok());
    // Flags that no node has.
    for flags in [3, 0x20, 0x80, 5, 9, 0x11, 6, 0x82] {
        assert_eq!(decode(&[&[flags, 2][..], &pruned].concat()), WitnessError::Flags { node: 0, flags });
    }
    // A prefix as long as the longest key, and a key that ends above its branch.
    assert_eq!(
        decode(&[&[4, 0x80, 8][..], &[0; 128], &[2], &pruned].concat()),
        WitnessError::Bits { node: 0 }
    );
    assert_eq!(decode(&[&[8, 2][..], &[2, 0], &pruned].concat()), WitnessError::Bits { node: 1 });
    assert_eq!(decode(&[2, 129]), WitnessError::Bits { node: 0 });
    // Fewer leaves than children; children that do not add up.
    assert_eq!(
        decode(&[&[0, 1][..], &pruned].concat()),
        WitnessError::Count { node: 0, count: 1, children: 2 }
    );
    let leaf = |key| [&[2, 1, key][..], &[9; 32]].concat();
    let two = [&[8 | 16, 3][..], &leaf(0), &leaf(0)].concat();
    assert_eq!(decode(&two), WitnessError::Count { node: 0, count: 3, children: 2 });
    assert_eq!(decode(&[0; 9]), WitnessError::Malformed { node: 1, error: NodeDecodeError::Truncated });
    let trailing = [&leaf(0)[..], &[0]].concat();
    assert_eq!(decode(&trailing), WitnessError::Malformed { node: 1, error: NodeDecodeError::Trailing(1) });
    assert_eq!(Witness::decode(&two, 10).unwrap_err(), WitnessError::TooLong { found: two.len(), limit: 10 });
    let value = [&[1, 0, 0x81, 0x80, 4][..], &vec![0; 65_537]].concat();
    assert_eq!(
        decode(&value),
        WitnessError::Malformed { node: 0, error: NodeDecodeError::ValueTooLong(65_537) }
    );
}

/// A key's absence is shown by a node whose prefix differs. If only padded bytes were hashed, a node with prefix
/// `0110` could be shown as one with prefix `01100000` and all keys below it hidden.
#[test]
fn absence_cannot_be_forged_by_padding() {
    let model: Model = [0x60_u8, 0x68].iter().map(|key| (vec![*key], vec![1])).collect();
    let (root, store) = store_of(&model);
    let calls = [Call::Get(vec![0x68])];
    let (_, bytes) = prove(root, &store, &calls);
    let Part::Inner(4, _, 2, children) = Part::parse(&bytes) else { panic!("another shape") };
    let hashes = children.map(|child| match child {
        Part::Pruned(hash) => hash,
        _ => {
            let leaf: Model = [(vec![0x68], vec![1])].into();
            model::root(&leaf)
        }
    });
    for skipped in 5..=8 {
        let forged = Part::Inner(skipped, vec![0x60], 2, Box::new(hashes.map(Part::Pruned)));
        let result = check(&forged.bytes(), root.hash, &calls);
        assert!(matches!(result, Err(Failure::Witness(WitnessError::Root { .. }))), "{skipped}: {result:?}");
    }
    // The honest absence, for comparison.
    let calls = [Call::Get(vec![0x71])];
    let (answers, bytes) = prove(root, &store, &calls);
    assert_eq!(answers[0], Answer::Value(None));
    assert_eq!(check(&bytes, root.hash, &calls), Ok(answers));
}

#[test]
fn a_range_proof_with_a_key_left_out_is_refused() {
    let model: Model = (0..32_u8).map(|key| (vec![key], vec![key])).collect();
    let (root, store) = store_of(&model);
    let calls = [Call::Range(vec![4], vec![20], Order::Ascending, usize::MAX)];
    let (_, bytes) = prove(root, &store, &calls);
    for key in 4..20 {
        let mut fewer = model.clone();
        fewer.remove(&[key][..]);
        let (other, store) = store_of(&fewer);
        let (_, forged) = prove(other, &store, &calls);
        assert_eq!(
            check(&forged, root.hash, &calls),
            Err(WitnessError::Root { expected: root.hash, found: other.hash }.into())
        );
    }
    // Nor does the proof of a shorter range prove a longer one.
    assert!(matches!(
        check(&bytes, root.hash, &[Call::Range(vec![4], vec![21], Order::Ascending, usize::MAX)]),
        Err(Failure::Trie(TrieError::Pruned { .. }))
    ));
}

#[test]
fn the_deepest_trie_is_proven_without_recursion() {
    let model = deepest();
    let (root, store) = store_of(&model);
    let calls: Vec<Call> = model.keys().map(|key| Call::Get(key.clone())).collect();
    let (answers, bytes) = prove(root, &store, &calls);
    assert_eq!(check(&bytes, root.hash, &calls), Ok(answers));
    let mut trie = Trie::from_witness(&bytes, bytes.len(), root.hash).unwrap();
    assert_eq!(trie.range(Bound::Unbounded, Bound::Unbounded, Order::Descending).count(), 1024);
    assert_eq!(trie.finish(), Ok(()));
}

#[test]
fn an_account_is_proven_present_or_absent() {
    let address = |seed: u8| {
        let key = crate::crypto::PublicKey::Ed25519([seed; 32]);
        crate::data_format::Address::of(&key, crate::data_format::Network::Test)
    };
    let account = AccountRecord { nonce: 3, ..AccountRecord::default() };
    let store = crate::state::MemoryStore::new();
    let mut trie = Trie::open(Root::EMPTY, &store);
    for seed in 0..9 {
        account.write(&mut trie, &address(seed)).unwrap();
    }
    let changes = trie.commit(store.next_id());
    let mut store = store;
    store.apply(&changes);
    let mut trie = Trie::open(changes.root, &store);
    assert_eq!(AccountRecord::read(&mut trie, &address(4)), Ok(Some(account)));
    assert_eq!(AccountRecord::read(&mut trie, &address(9)), Ok(None));
    let bytes = trie.witness();

    #[derive(Debug, PartialEq, thiserror::Error)]
    enum Error {
        #[error(transparent)]
        Witness(#[from] WitnessError),
        #[error(transparent)]
        State(#[from] StateError<crate::state::UnknownNode>),
    }
    let proven: Result<_, Error> = verify(&bytes, 4096, changes.root.hash, |trie| {
        Ok((AccountRecord::read(trie, &address(4))?, AccountRecord::read(trie, &address(9))?))
    });
    assert_eq!(proven, Ok((Some(account), None)));
}
