//! What every store of trie nodes must do; [`conformance`] runs all of it.

use std::{collections::BTreeMap, fmt::Debug, ops::Bound, sync::Arc};

use crate::state::{
    Changes, MAX_KEY_BYTES, MAX_VALUE_BYTES, MemoryStore, NodeId, Order, Root, Trie, TrieError, UnknownNode,
    VersionedStore,
};

/// What the suite does with a store besides reading from it.
pub trait WritableStore: VersionedStore {
    /// The id for the first node of the next commit.
    fn next_id(&self) -> NodeId;

    /// Writes the new nodes of a version.
    ///
    /// # Errors
    /// When the store fails.
    fn apply(&mut self, changes: &Changes) -> Result<(), Self::Error>;

    /// Deletes nodes.
    ///
    /// # Errors
    /// When the store fails.
    fn prune(&mut self, stale: &[NodeId]) -> Result<(), Self::Error>;

    /// Closes and opens it again, as a process that ends and starts; nothing to do for one in memory.
    ///
    /// # Errors
    /// When the store fails.
    fn reopen(&mut self) -> Result<(), Self::Error>;
}

impl WritableStore for MemoryStore {
    fn next_id(&self) -> NodeId {
        Self::next_id(self)
    }

    fn apply(&mut self, changes: &Changes) -> Result<(), UnknownNode> {
        Self::apply(self, changes);
        Ok(())
    }

    fn prune(&mut self, stale: &[NodeId]) -> Result<(), UnknownNode> {
        Self::prune(self, stale);
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), UnknownNode> {
        Ok(())
    }
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// A version and what is in it.
struct Version {
    root: Root,
    model: Model,
    stale: Vec<NodeId>,
    new: Vec<NodeId>,
}

/// Runs the whole suite, each test on a new empty store.
///
/// # Errors
/// Whatever the store returns unexpectedly.
///
/// # Panics
/// If the store does something else than it must.
pub fn conformance<S: WritableStore<Error: Debug>>(
    mut new: impl FnMut() -> S,
) -> Result<(), TrieError<S::Error>> {
    returns_what_was_written(&mut new())?;
    keeps_every_version(&mut new())?;
    forgets_what_is_pruned(&mut new())?;
    undoes_versions(&mut new())
}

/// Nodes come back as they were, the largest ones too; others do not exist.
///
/// # Errors
/// As [`conformance`].
///
/// # Panics
/// As [`conformance`].
pub fn returns_what_was_written<S: WritableStore<Error: Debug>>(
    store: &mut S,
) -> Result<(), TrieError<S::Error>> {
    assert!(store.node(store.next_id()).is_err(), "an empty store has no nodes");
    let mut trie = Trie::open(Root::EMPTY, &*store);
    trie.insert(&[0xff; MAX_KEY_BYTES], &[7; MAX_VALUE_BYTES])?;
    trie.insert(&[&[0xff; MAX_KEY_BYTES - 1][..], &[0xfe]].concat(), &[])?;
    trie.insert(b"k", b"v")?;
    let changes = trie.commit(store.next_id());
    store.apply(&changes).map_err(TrieError::Store)?;
    for _ in 0..2 {
        for (id, node) in &changes.new_nodes {
            let found = store.node(*id).map_err(TrieError::Store)?;
            assert_eq!(Arc::as_ref(&found), Arc::as_ref(node), "node {}", id.get());
        }
        assert_eq!(store.next_id(), changes.next_id, "ids go on where they ended");
        assert!(store.node(changes.next_id).is_err(), "there is no node after the last");
        store.reopen().map_err(TrieError::Store)?;
    }
    Ok(())
}

/// Every version stays readable beside the others, and after the store was opened again.
///
/// # Errors
/// As [`conformance`].
///
/// # Panics
/// As [`conformance`].
pub fn keeps_every_version<S: WritableStore<Error: Debug>>(store: &mut S) -> Result<(), TrieError<S::Error>> {
    let mut versions = vec![Version { root: Root::EMPTY, model: Model::new(), stale: vec![], new: vec![] }];
    for round in 0..12 {
        let version = next_version(store, &versions[versions.len() - 1], round)?;
        versions.push(version);
    }
    for _ in 0..2 {
        versions.iter().try_for_each(|version| check(store, version))?;
        store.reopen().map_err(TrieError::Store)?;
    }
    Ok(())
}

/// Once the stale nodes of all versions are pruned, they are gone and the newest version is whole.
///
/// # Errors
/// As [`conformance`].
///
/// # Panics
/// As [`conformance`].
pub fn forgets_what_is_pruned<S: WritableStore<Error: Debug>>(
    store: &mut S,
) -> Result<(), TrieError<S::Error>> {
    let mut version = Version { root: Root::EMPTY, model: Model::new(), stale: vec![], new: vec![] };
    for round in 0..12 {
        version = next_version(store, &version, round)?;
        store.prune(&version.stale).map_err(TrieError::Store)?;
        if round % 5 == 4 {
            store.reopen().map_err(TrieError::Store)?;
        }
        check(store, &version)?;
        for id in &version.stale {
            assert!(store.node(*id).is_err(), "node {} was pruned", id.get());
        }
    }
    Ok(())
}

/// A version whose new nodes are deleted never was; its ids are not given again.
///
/// # Errors
/// As [`conformance`].
///
/// # Panics
/// As [`conformance`].
pub fn undoes_versions<S: WritableStore<Error: Debug>>(store: &mut S) -> Result<(), TrieError<S::Error>> {
    let empty = Version { root: Root::EMPTY, model: Model::new(), stale: vec![], new: vec![] };
    let base = next_version(store, &empty, 0)?;
    let abandoned = next_version(store, &base, 1)?;
    let next_id = store.next_id();
    store.prune(&abandoned.new).map_err(TrieError::Store)?;
    store.reopen().map_err(TrieError::Store)?;
    check(store, &base)?;
    assert!(store.next_id() >= next_id, "an id is never given twice");
    let kept = next_version(store, &base, 2)?;
    store.prune(&kept.stale).map_err(TrieError::Store)?;
    check(store, &kept)
}

/// Commits a version after `base`: some keys inserted, some changed, some removed, as `round` says.
fn next_version<S: WritableStore>(
    store: &mut S,
    base: &Version,
    round: u8,
) -> Result<Version, TrieError<S::Error>> {
    let mut model = base.model.clone();
    let mut trie = Trie::open(base.root, &*store);
    for step in 0..40_u8 {
        let place = step.wrapping_mul(37).wrapping_add(round.wrapping_mul(101));
        let key = [place % 3, place, place.reverse_bits()];
        if step % 4 == 3 {
            let there = trie.remove(&key)?;
            assert_eq!(there, model.remove(&key[..]).is_some(), "{key:?}");
        } else {
            let value = vec![round; usize::from(step)];
            trie.insert(&key, &value)?;
            model.insert(key.to_vec(), value);
        }
    }
    let Changes { root, new_nodes, stale, next_id } = trie.commit(store.next_id());
    let new = new_nodes.iter().map(|(id, _)| *id).collect();
    let changes = Changes { root, new_nodes, stale, next_id };
    store.apply(&changes).map_err(TrieError::Store)?;
    Ok(Version { root, model, stale: changes.stale, new })
}

fn check<S: WritableStore>(store: &S, version: &Version) -> Result<(), TrieError<S::Error>> {
    let mut trie = Trie::open(version.root, store);
    let mut found = Model::new();
    for entry in trie.range(Bound::Unbounded, Bound::Unbounded, Order::Ascending) {
        let entry = entry?;
        found.insert(entry.key.to_vec(), entry.value.to_vec());
    }
    assert_eq!(found, version.model);
    assert_eq!(trie.root_hash(), version.root.hash);
    assert_eq!(version.root.count, version.model.len() as u64);
    Ok(())
}
