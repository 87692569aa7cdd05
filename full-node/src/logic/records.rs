use std::{collections::HashMap, hash::Hash};

/// Records of one kind that a block touches: as they are stored, as they are now, and what they were before the
/// changes since the last mark.
pub(super) struct Records<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Newest last.
    journal: Vec<(K, Option<V>)>,
}

struct Entry<V> {
    stored: Option<V>,
    now: Option<V>,
}

impl<K: Copy + Eq + Hash + Ord, V: Copy + PartialEq> Records<K, V> {
    pub(super) fn new() -> Self {
        Self { entries: HashMap::new(), journal: Vec::new() }
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
        self.entries.insert(*key, Entry { stored, now: stored });
        Ok(stored)
    }

    /// Changes a record that [`Records::get`] has loaded.
    pub(super) fn put(&mut self, key: K, value: V) {
        let entry = self.entries.entry(key).or_insert(Entry { stored: None, now: None });
        self.journal.push((key, entry.now));
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

    /// What has changed: the key, what is stored, and what it is now; in the order of keys, so that the ids of new
    /// nodes depend on nothing else.
    pub(super) fn changed(&self) -> Vec<(K, Option<V>, V)> {
        let mut changed: Vec<(K, Option<V>, V)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.now != entry.stored)
            .filter_map(|(key, entry)| Some((*key, entry.stored, entry.now?)))
            .collect();
        changed.sort_unstable_by_key(|(key, ..)| *key);
        changed
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
        assert_eq!(records.changed(), [(1, Some(10), 13), (2, None, 20)]);
        records.revert();
        assert_eq!(records.changed(), [(1, Some(10), 11)]);
        records.put(1, 10);
        assert_eq!(records.changed(), []);
        assert_eq!(records.get(&2, || Err(())), Ok(None), "loaded once");
    }
}
