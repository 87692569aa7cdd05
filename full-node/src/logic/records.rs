use std::{collections::HashMap, hash::Hash};

/// Records of one kind that blocks touch: as they are in the trie, as they were before the block, as they are now, and what they
/// were before the changes since the last mark. They may be kept from block to block.
#[derive(Debug)]
pub(super) struct Records<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Newest last.
    journal: Vec<(K, Option<V>)>,
    /// Keys of records that the block may have changed, and of those that may differ from the trie; some more than once.
    touched: Vec<K>,
    unwritten: Vec<K>,
}

#[derive(Clone, Copy, Debug)]
struct Entry<V> {
    written: Option<V>,
    before: Option<V>,
    now: Option<V>,
}

impl<K: Copy + Eq + Hash + Ord, V: Copy + PartialEq> Records<K, V> {
    pub(super) fn new() -> Self {
        Self { entries: HashMap::new(), journal: Vec::new(), touched: Vec::new(), unwritten: Vec::new() }
    }

    /// How many are in memory.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A record as it is now; what is not here yet is loaded.
    pub(super) fn get<E>(
        &mut self,
        key: &K,
        load: impl FnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E> {
        if let Some(entry) = self.entries.get(key) {
            return Ok(entry.now);
        }
        let stored = load()?;
        self.entries.insert(*key, Entry { written: stored, before: stored, now: stored });
        Ok(stored)
    }

    /// Changes a record that [`Records::get`] has loaded.
    pub(super) fn put(&mut self, key: K, value: V) {
        let entry = self.entries.entry(key).or_insert(Entry { written: None, before: None, now: None });
        self.journal.push((key, entry.now));
        if entry.now == entry.before {
            self.touched.push(key);
        }
        entry.now = Some(value);
    }

    /// Forgets what was before this moment.
    pub(super) fn mark(&mut self) {
        self.journal.clear();
    }

    /// Goes back to the last mark.
    pub(super) fn revert(&mut self) {
        for (key, value) in self.journal.drain(..).rev() {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.now = value;
            }
        }
    }

    /// Ends the block: each record that it has changed becomes what `settle` makes of how it was before the block and how it is
    /// now.
    pub(super) fn settle(&mut self, settle: impl Fn(Option<V>, V) -> V) {
        self.journal.clear();
        for key in self.touched.drain(..) {
            let Some(entry) = self.entries.get_mut(&key).filter(|entry| entry.now != entry.before) else {
                continue;
            };
            let Some(now) = entry.now else { continue };
            if entry.before == entry.written {
                self.unwritten.push(key);
            }
            entry.now = Some(settle(entry.before, now));
            entry.before = entry.now;
        }
    }

    /// Ends the block, and gives what it has changed, as [`Records::write`].
    pub(super) fn end(&mut self) -> Vec<(K, V)> {
        self.settle(|_, now| now);
        self.write()
    }

    /// What differs from the trie since blocks ended, and will not from now on: in the order of keys, so that the ids of new nodes
    /// depend on nothing else.
    pub(super) fn write(&mut self) -> Vec<(K, V)> {
        let mut unwritten = std::mem::take(&mut self.unwritten);
        unwritten.sort_unstable();
        unwritten.dedup();
        let changed = unwritten.into_iter().filter_map(|key| {
            let entry = self.entries.get_mut(&key).filter(|entry| entry.now != entry.written)?;
            entry.written = entry.now;
            Some((key, entry.now?))
        });
        changed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reverted_never_happened() {
        let mut records = Records::new();
        let load = |value| move || Ok::<_, ()>(value);
        assert_eq!(records.get(&1, load(Some(10))), Ok(Some(10)));
        assert_eq!(records.get(&2, load(None)), Ok(None));
        records.put(1, 11);
        records.mark();
        records.put(1, 12);
        records.put(2, 20);
        records.put(1, 13);
        records.revert();
        records.put(3, 30);
        records.settle(|before, now| now + before.unwrap_or(0));
        // Nothing since the block ended can be reverted.
        records.revert();
        let now = |records: &mut Records<_, _>, key| records.get(key, || Err(())).unwrap();
        assert_eq!(
            [now(&mut records, &1), now(&mut records, &2), now(&mut records, &3)],
            [Some(21), None, Some(30)]
        );

        // The next block changes one of them again, another to and fro, and one back to what was written.
        records.put(1, 22);
        records.put(3, 31);
        records.put(3, 30);
        records.settle(|_, now| now);
        records.put(1, 10);
        records.put(2, 20);
        records.settle(|_, now| now);
        assert_eq!(records.write(), [(2, 20), (3, 30)]);
        assert_eq!(records.write(), []);
        records.put(1, 11);
        records.settle(|_, now| now);
        assert_eq!(records.write(), [(1, 11)]);
        assert_eq!(records.get(&2, || Err(())), Ok(Some(20)), "loaded once");
    }
}
