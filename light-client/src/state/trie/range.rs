//! Reading keys in order.

use std::{cmp::Ordering, ops::Bound, sync::Arc};

use super::{Node, NodeStore, Path, Place, Trie, TrieError};

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Arc<[u8]>,
    /// The value.
    pub value: Arc<[u8]>,
}

/// The order of a [`Range`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}

/// The keys between two bounds, one by one; ends after the first error.
///
/// Nodes are touched as entries are taken: whoever stops after k entries has touched what proves that these are
/// the first k; whoever reads to the end, what proves that there are no others.
#[derive(Debug)]
pub struct Range<'a, S> {
    trie: &'a mut Trie<S>,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    order: Order,
    /// What is still to be opened, next at the end: one place a level at most.
    open: Vec<Place>,
}

impl<S: NodeStore> Trie<S> {
    /// The keys from `from` to `to` with their values, in `order`. Limit it with [`Iterator::take`].
    pub fn range(&mut self, from: Bound<&[u8]>, to: Bound<&[u8]>, order: Order) -> Range<'_, S> {
        Range {
            trie: self,
            from: from.map(<[u8]>::to_vec),
            to: to.map(<[u8]>::to_vec),
            order,
            open: vec![Place::Root],
        }
    }

    /// The keys that start with `prefix` with their values, in `order`.
    pub fn prefix(&mut self, prefix: &[u8], order: Order) -> Range<'_, S> {
        // The smallest key above all that start with the prefix: the last byte that can be raised, raised.
        let mut end = prefix.to_vec();
        while end.pop_if(|last| *last == u8::MAX).is_some() {}
        let to = match end.last_mut() {
            Some(last) => {
                *last += 1;
                Bound::Excluded(&*end)
            }
            None => Bound::Unbounded,
        };
        self.range(Bound::Included(prefix), to, order)
    }
}

impl<S: NodeStore> Range<'_, S> {
    /// Opens nodes until the next leaf within the bounds.
    fn advance(&mut self) -> Result<Option<Entry>, TrieError<S::Error>> {
        while let Some(place) = self.open.pop() {
            let Some(index) = self.trie.open_node(place)? else { continue };
            match &self.trie.slot(index).node {
                Node::Leaf { key, .. } => {
                    if self.contains(key) {
                        let key = key.clone();
                        return Ok(Some(Entry { key, value: self.trie.read(index)?.clone() }));
                    }
                }
                Node::Inner { prefix, .. } => {
                    let first = match self.order {
                        Order::Ascending => 0,
                        Order::Descending => 1,
                    };
                    let path = prefix.path();
                    for bit in [1 - first, first] {
                        if self.may_hold(path, bit) {
                            self.open.push(Place::Child(index, bit));
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    fn contains(&self, key: &[u8]) -> bool {
        (match &self.from {
            Bound::Included(from) => key >= &**from,
            Bound::Excluded(from) => key > &**from,
            Bound::Unbounded => true,
        }) && match &self.to {
            Bound::Included(to) => key <= &**to,
            Bound::Excluded(to) => key < &**to,
            Bound::Unbounded => true,
        }
    }

    /// Whether a key within the bounds can start with `path` and then `bit`.
    fn may_hold(&self, path: Path<'_>, bit: usize) -> bool {
        let from = match &self.from {
            Bound::Included(from) | Bound::Excluded(from) => compare(path, bit, from) != Some(Ordering::Less),
            Bound::Unbounded => true,
        };
        let to = match &self.to {
            Bound::Included(to) => compare(path, bit, to) != Some(Ordering::Greater),
            Bound::Excluded(to) => {
                compare(path, bit, to) != Some(Ordering::Greater) && !is_smallest(path, bit, to)
            }
            Bound::Unbounded => true,
        };
        from && to
    }
}

/// Where all keys that start with `path` and then `bit` are, seen from `bound`; `None` if they start as it does.
fn compare(path: Path<'_>, bit: usize, bound: &[u8]) -> Option<Ordering> {
    let bound = Path::of_key(bound);
    let common = path.common(bound);
    let here = path.bit(common).unwrap_or(bit);
    match bound.bit(common) {
        // They extend the bound.
        None => Some(Ordering::Greater),
        Some(there) if common < path.bits() || here != there => Some(here.cmp(&there)),
        Some(_) => None,
    }
}

/// Whether `bound` is the smallest of all keys that start with `path` and then `bit`.
fn is_smallest(path: Path<'_>, bit: usize, bound: &[u8]) -> bool {
    let bound = Path::of_key(bound);
    let known = path.bits() + 1;
    bound.bits() == known.next_multiple_of(8)
        && bound.starts_with(path)
        && bound.bit(path.bits()) == Some(bit)
        && (known..bound.bits()).all(|index| bound.bit(index) == Some(0))
}

impl<S: NodeStore> Iterator for Range<'_, S> {
    type Item = Result<Entry, TrieError<S::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance().transpose();
        if let Some(Err(_)) = next {
            self.open.clear();
        }
        next
    }
}
