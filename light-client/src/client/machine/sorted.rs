use std::io::{Error, ErrorKind, Read, Result as IoResult};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::data_format::codec;

/// Values by key, in a list that is sorted by key: looked up often and changed rarely. A tree would be many times as much
/// code in the modules that people download.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub(super) struct Sorted<K, V>(Vec<(K, V)>);

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Sorted<K, V> {
    /// Where a key is, or would have to be.
    fn place(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(key))
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.place(key).ok().map(|place| &self.0[place].1)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.place(key).ok().map(|place| &mut self.0[place].1)
    }

    /// The value of a key, made if there is none.
    pub(super) fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let place = self.place(&key).unwrap_or_else(|place| {
            self.0.insert(place, (key, value()));
            place
        });
        &mut self.0[place].1
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|(key, value)| keep(key, value));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

/// As a map is written: the keys strictly rise.
impl<K: BorshDeserialize + Ord, V: BorshDeserialize> BorshDeserialize for Sorted<K, V> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let list: Vec<(K, V)> = codec::bounded_list::<{ u32::MAX }, _, _>(reader)?;
        match list.is_sorted_by(|(one, _), (other, _)| one < other) {
            true => Ok(Self(list)),
            false => Err(Error::new(ErrorKind::InvalidData, "the keys of a map do not rise")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::data_format::decode;

    proptest! {
        #[test]
        fn it_holds_and_writes_what_a_map_does(changes in prop::collection::vec((0_u8..40, any::<Option<u16>>()), 0..120)) {
            let (mut sorted, mut map) = (Sorted::default(), BTreeMap::new());
            for (key, value) in changes {
                match value {
                    Some(value) => {
                        prop_assert_eq!(
                            *sorted.get_or_insert_with(key, || value),
                            *map.entry(key).or_insert(value)
                        );
                    }
                    None => {
                        sorted.retain(|other, _| *other != key);
                        map.remove(&key);
                    }
                }
                prop_assert_eq!(sorted.get(&key), map.get(&key));
                prop_assert_eq!(sorted.get_mut(&key), map.get_mut(&key));
            }
            prop_assert!(sorted.iter().eq(map.iter()));
            let bytes = codec::encode(&map);
            prop_assert_eq!(codec::encode(&sorted), bytes.clone());
            prop_assert_eq!(decode::<Sorted<u8, u16>>(&bytes, bytes.len()), Ok(sorted));
        }
    }

    #[test]
    fn keys_that_do_not_rise_are_refused() {
        for keys in [[2_u8, 1], [1, 1]] {
            let bytes = codec::encode(&keys.map(|key| (key, 0_u8)).to_vec());
            assert!(decode::<Sorted<u8, u8>>(&bytes, 64).is_err(), "{keys:?}");
        }
    }
}
