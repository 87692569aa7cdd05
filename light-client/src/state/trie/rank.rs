//! Reading keys by their rank.

use super::{Entry, Node, NodeStore, Place, Trie, TrieError};

/// The keys from a rank on, one by one in their order; ends after the first error.
///
/// Counts are part of the hashes, so ranks are proven like keys: a witness of the reads shows that these are the
/// entries at these ranks and no others. So a whole trie can be handed out in pieces, by several who do not know of
/// each other.
#[derive(Debug)]
pub struct Ranked<'a, S> {
    trie: &'a mut Trie<S>,
    skip: u64,
    /// What is still to be opened, next at the end: one place a level at most.
    open: Vec<Place>,
}

impl<S> Trie<S> {
    /// Number of keys.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

impl<S: NodeStore> Trie<S> {
    /// The keys from rank `first` on, the smallest key having rank 0. Limit it with [`Iterator::take`].
    pub fn ranked(&mut self, first: u64) -> Ranked<'_, S> {
        Ranked { trie: self, skip: first, open: vec![Place::Root] }
    }
}

impl<S: NodeStore> Ranked<'_, S> {
    fn advance(&mut self) -> Result<Option<Entry>, TrieError<S::Error>> {
        while let Some(place) = self.open.pop() {
            let Some(index) = self.trie.open_node(place)? else { return Ok(None) };
            let node = &self.trie.slot(index).node;
            if let Some(rest) = self.skip.checked_sub(node.count()) {
                self.skip = rest;
                continue;
            }
            match node {
                Node::Leaf { key, .. } => {
                    let key = key.clone();
                    return Ok(Some(Entry { key, value: self.trie.read(index)?.clone() }));
                }
                Node::Inner { .. } => self.open.extend([1, 0].map(|bit| Place::Child(index, bit))),
            }
        }
        Ok(None)
    }
}

impl<S: NodeStore> Iterator for Ranked<'_, S> {
    type Item = Result<Entry, TrieError<S::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance().transpose();
        if let Some(Err(_)) = next {
            self.open.clear();
        }
        next
    }
}
