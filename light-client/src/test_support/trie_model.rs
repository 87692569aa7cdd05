//! The trie as its definition says it, written as plainly as possible: what the real one is compared with.

use std::collections::BTreeMap;

use crate::crypto::Hash;

/// Keys with their values.
pub type Model = BTreeMap<Vec<u8>, Vec<u8>>;

const TRIE: &[u8; 32] = b"vsys/1/state-trie\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const VALUE: &[u8; 32] = b"vsys/1/state-value\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The root of all entries; the sub-root, if they are those with a common prefix.
pub fn root(entries: &Model) -> Hash {
    let leaves: Vec<Leaf<'_>> =
        entries.iter().map(|(key, value)| Leaf { key, value, bits: bits(key) }).collect();
    Hash(subtree(&leaves))
}

/// The entries whose keys start with a prefix.
pub fn starting_with(entries: &Model, prefix: &[u8]) -> Model {
    entries.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Whether one is a prefix of the other, and they are not the same.
pub fn conflicts(entries: &Model, key: &[u8]) -> bool {
    entries.keys().any(|other| other != key && (other.starts_with(key) || key.starts_with(other)))
}

struct Leaf<'a> {
    key: &'a [u8],
    value: &'a [u8],
    bits: Vec<bool>,
}

fn bits(bytes: &[u8]) -> Vec<bool> {
    bytes.iter().flat_map(|byte| (0..8).map(move |index| byte & (0x80 >> index) != 0)).collect()
}

fn subtree(leaves: &[Leaf<'_>]) -> [u8; 32] {
    match leaves {
        [] => [0; 32],
        [leaf] => {
            let value = blake3::keyed_hash(VALUE, leaf.value);
            hash([&[0][..], leaf.key, value.as_bytes()].concat())
        }
        [first, .., last] => {
            let length = first.bits.iter().zip(&last.bits).take_while(|(a, b)| a == b).count();
            let split = leaves.iter().position(|leaf| leaf.bits[length]).unwrap();
            let mut prefix = vec![0; length.div_ceil(8)];
            for index in 0..length {
                prefix[index / 8] += u8::from(first.bits[index]) << (7 - index % 8);
            }
            let mut bytes = vec![1];
            bytes.extend(u16::try_from(length).unwrap().to_le_bytes());
            bytes.extend(prefix);
            bytes.extend((leaves.len() as u64).to_le_bytes());
            bytes.extend(subtree(&leaves[..split]));
            bytes.extend(subtree(&leaves[split..]));
            hash(bytes)
        }
    }
}

fn hash(bytes: Vec<u8>) -> [u8; 32] {
    *blake3::keyed_hash(TRIE, &bytes).as_bytes()
}
