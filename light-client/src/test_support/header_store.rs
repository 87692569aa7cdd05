//! What every [`HeaderStore`] must do.

use super::chain::ScriptedChain;
use crate::{
    block_tree::{BlockTree, HeaderChanges, HeaderStore, Inserted, MemoryStore, SavedTree},
    consensus::engine,
    crypto::Hash,
    data_format::{Checkpoint, Height, Round},
};

/// A store that can be closed and opened again, to see what it kept.
pub trait ReopenableStore: HeaderStore {
    /// Closes and opens it again.
    ///
    /// # Errors
    /// When the store cannot be opened.
    fn reopen(&mut self) -> Result<(), Self::Error>;
}

impl ReopenableStore for MemoryStore {
    fn reopen(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Runs the suite on stores that are empty when made.
///
/// # Errors
/// The store's own; a store that breaks the contract panics.
pub fn conformance<S: ReopenableStore>(make: impl Fn() -> S) -> Result<(), S::Error> {
    keeps_what_was_applied(make())?;
    forgets_what_was_dropped(make())?;
    changes_nothing_when_it_refuses(make())?;
    gives_a_tree_back(make())
}

fn chain() -> ScriptedChain {
    let mut chain = ScriptedChain::new(4, Vec::new());
    for _ in 0..2 {
        chain.advance(&[]);
    }
    chain
}

fn started<S: ReopenableStore>(store: &mut S, chain: &ScriptedChain) -> Result<(), S::Error> {
    let genesis = chain.header(Height(0)).clone();
    let changes = HeaderChanges {
        finalised: Some(genesis.header.id()),
        justified: Some(Checkpoint { round: Round(0), id: genesis.header.id() }),
        added: vec![genesis],
        ..HeaderChanges::default()
    };
    store.apply(&changes)
}

fn keeps_what_was_applied<S: ReopenableStore>(mut store: S) -> Result<(), S::Error> {
    let chain = chain();
    assert_eq!(store.load()?, None);
    started(&mut store, &chain)?;
    let added = vec![chain.header(Height(1)).clone(), chain.header(Height(2)).clone()];
    store.apply(&HeaderChanges { added: added.clone(), ..HeaderChanges::default() })?;
    store.reopen()?;
    let SavedTree { root, descendants, justified } = store.load()?.unwrap();
    assert_eq!((&root, justified.round), (chain.header(Height(0)), Round(0)));
    assert_eq!(descendants, added);
    assert_eq!(store.header(&added[1].header.id())?.as_ref(), Some(&added[1]));
    assert_eq!(store.header(&Hash::ZERO)?, None);
    Ok(())
}

fn forgets_what_was_dropped<S: ReopenableStore>(mut store: S) -> Result<(), S::Error> {
    let chain = chain();
    started(&mut store, &chain)?;
    let (one, two) = (chain.header(Height(1)).clone(), chain.header(Height(2)).clone());
    store
        .apply(&HeaderChanges { added: vec![one.clone(), two.clone()], ..HeaderChanges::default() })
        .unwrap();
    let dropped = vec![two.header.id()];
    let finalised = Some(one.header.id());
    store.apply(&HeaderChanges { dropped, finalised, ..HeaderChanges::default() })?;
    assert_eq!(store.header(&two.header.id())?, None);
    store.reopen()?;
    let saved = store.load()?.unwrap();
    assert_eq!((saved.root, saved.descendants), (one, Vec::new()));
    // A final block from before the root is still there.
    let genesis = chain.header(Height(0));
    assert_eq!(store.header(&genesis.header.id())?.as_ref(), Some(genesis));
    Ok(())
}

fn changes_nothing_when_it_refuses<S: ReopenableStore>(mut store: S) -> Result<(), S::Error> {
    let chain = chain();
    started(&mut store, &chain)?;
    let before = store.load()?;
    let added = vec![chain.header(Height(1)).clone()];
    let unknown = Some(Hash([7; 32]));
    assert!(store.apply(&HeaderChanges { added, finalised: unknown, ..HeaderChanges::default() }).is_err());
    assert_eq!(store.load()?, before);
    Ok(())
}

fn gives_a_tree_back<S: ReopenableStore>(mut store: S) -> Result<(), S::Error> {
    let chain = chain();
    started(&mut store, &chain)?;
    let mut tree = BlockTree::restore(engine(chain.spec()), store.load()?.unwrap()).unwrap();
    for height in 1..=8 {
        let sealed = chain.header(Height(height)).clone();
        assert_eq!(tree.insert(sealed.header.id(), sealed.clone()), Ok(Inserted::Best));
        store.apply(&HeaderChanges { added: vec![sealed], ..HeaderChanges::default() })?;
    }
    store.reopen()?;
    let restored = BlockTree::restore(engine(chain.spec()), store.load()?.unwrap()).unwrap();
    assert_eq!((restored.best(), restored.root(), restored.len()), (tree.best(), tree.root(), 9));
    Ok(())
}
