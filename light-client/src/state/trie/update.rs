//! Inserting and removing keys.

use std::sync::Arc;

use super::{
    End, Link, MAX_KEY_BYTES, MAX_VALUE_BYTES, Node, NodeStore, Path, Place, Slot, Trie, TrieError, Value,
};
use crate::crypto::{Domain, Hash};

impl<S: NodeStore> Trie<S> {
    /// Puts `value` at `key`, replacing what was there; says whether something was. Nothing is rewritten when
    /// the value is the same.
    ///
    /// # Errors
    /// As [`Trie::get`], but an old value need not be known; and if key or value are too long, or if the key is
    /// a prefix of another or extends another. The trie is unchanged then.
    pub fn insert(&mut self, key: &[u8], value: &[u8]) -> Result<bool, TrieError<S::Error>> {
        if key.len() > MAX_KEY_BYTES {
            return Err(TrieError::KeyTooLong(key.len()));
        }
        if value.len() > MAX_VALUE_BYTES {
            return Err(TrieError::ValueTooLong(value.len()));
        }
        match self.search(key)? {
            End::Leaf(index) => {
                self.replace(index, value);
                Ok(true)
            }
            End::Empty => {
                let leaf = self.push_new(leaf(key, value))?;
                self.root = Link::Loaded(leaf);
                self.count = 1;
                Ok(false)
            }
            End::Apart(index, common) => {
                self.split(index, common, key, value)?;
                Ok(false)
            }
        }
    }

    /// Removes `key`; says whether it was there.
    ///
    /// # Errors
    /// As [`Trie::get`]; neither the value nor the neighbour need be known. The trie is unchanged then.
    pub fn remove(&mut self, key: &[u8]) -> Result<bool, TrieError<S::Error>> {
        let End::Leaf(index) = self.search(key)? else { return Ok(false) };
        self.mark(index);
        match self.passed.pop() {
            None => self.root = Link::Empty,
            Some(parent) => {
                // The parent would have one child only: the other one takes its place.
                self.mark(parent);
                let bit = Path::of_key(key).bit(self.slot(parent).node.path().bits()).unwrap_or(0);
                let sibling = self.link(Place::Child(parent, 1 - bit));
                self.set_link(self.place_below_passed(key), sibling);
            }
        }
        // Every inner node left has at least one leaf more than its child had.
        self.mark_passed(|count| count.saturating_sub(1));
        self.count = self.count.saturating_sub(1);
        Ok(true)
    }

    fn replace(&mut self, index: u32, value: &[u8]) {
        let Node::Leaf { value: old, .. } = &mut self.slots[index as usize].node else { return };
        let same = match old {
            Value::Known(old) => **old == *value,
            Value::Pruned(old) => *old == Hash::of(Domain::TRIE_VALUE, &[value]),
        };
        if !same {
            *old = Value::Known(Arc::from(value));
            self.mark(index);
            self.mark_passed(|count| count);
        }
    }

    /// Puts a new leaf beside the node at `index`, under a new inner node that takes its place.
    fn split(
        &mut self,
        index: u32,
        common: usize,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), TrieError<S::Error>> {
        let below = &self.slot(index).node;
        let Some(bit) = Path::of_key(key).bit(common) else {
            return Err(TrieError::KeyIsPrefix { key: key.to_vec() });
        };
        if let (Node::Leaf { key: existing, .. }, true) = (below, common == below.path().bits()) {
            return Err(TrieError::KeyExtends { key: key.to_vec(), existing: existing.to_vec() });
        }
        let prefix = Path::of_key(key).first(common);
        let count = below.count().checked_add(1).ok_or(TrieError::Full)?;
        if self.passed.iter().any(|passed| self.slot(*passed).node.count() == u64::MAX) {
            return Err(TrieError::Full);
        }
        let leaf = self.push_new(leaf(key, value))?;
        let mut children = [Link::Loaded(index); 2];
        children[bit] = Link::Loaded(leaf);
        let inner = self.push_new(Node::Inner { prefix, count, children })?;
        self.set_link(self.place_below_passed(key), Link::Loaded(inner));
        self.mark_passed(|count| count.saturating_add(1));
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    fn push_new(&mut self, node: Node) -> Result<u32, TrieError<S::Error>> {
        self.push(Slot { node, hash: Hash::ZERO, dirty: true, changed: true, read: false, source: None })
    }

    /// The link that `key` follows from the last of the nodes passed.
    fn place_below_passed(&self, key: &[u8]) -> Place {
        match self.passed.last() {
            None => Place::Root,
            Some(parent) => {
                let depth = self.slot(*parent).node.path().bits();
                Place::Child(*parent, Path::of_key(key).bit(depth).unwrap_or(0))
            }
        }
    }

    fn mark_passed(&mut self, recount: impl Fn(u64) -> u64) {
        for position in 0..self.passed.len() {
            let index = self.passed[position];
            self.mark(index);
            if let Node::Inner { count, .. } = &mut self.slots[index as usize].node {
                *count = recount(*count);
            }
        }
    }

    /// Notes that a node differs from its source.
    fn mark(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        slot.dirty = true;
        if !slot.changed {
            slot.changed = true;
            self.stale.extend(slot.source.as_ref().map(|(id, _)| *id));
        }
    }
}

fn leaf(key: &[u8], value: &[u8]) -> Node {
    Node::Leaf { key: Arc::from(key), value: Value::Known(Arc::from(value)) }
}
