//! What every [`StateStore`] must do, as steps: a store that answers later (a browser's) takes the same ones.

use crate::{
    client::StateStore,
    crypto::{Domain, Hash},
    data_format::ChainId,
};

/// One thing to do with a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Save a state.
    Save {
        /// Of this chain.
        chain: ChainId,
        /// The state.
        state: Vec<u8>,
    },
    /// Load a state and compare it.
    Load {
        /// Of this chain.
        chain: ChainId,
        /// What must come back.
        expected: Option<Vec<u8>>,
        /// What it would mean if it did not.
        rule: &'static str,
    },
    /// Close the store and open it again, as a process that ends and starts. Nothing to do for one in memory.
    Reopen,
}

/// The suite: for a store that is empty, in this order.
pub fn steps() -> Vec<Step> {
    let (one, two) = (Hash([1; 32]), Hash([2; 32]));
    let save = |chain, state: &[u8]| Step::Save { chain, state: state.to_vec() };
    let load = |chain, expected: Option<&[u8]>, rule| Step::Load {
        chain,
        expected: expected.map(<[u8]>::to_vec),
        rule,
    };
    let large = large();
    vec![
        load(one, None, "an empty store has nothing"),
        Step::Reopen,
        load(one, None, "opening makes nothing up"),
        save(one, b"first"),
        load(one, Some(b"first"), "what was saved is there"),
        load(two, None, "chains have states of their own"),
        Step::Reopen,
        load(one, Some(b"first"), "it lasts"),
        save(two, b"of the second"),
        load(one, Some(b"first"), "saving one chain leaves the other"),
        save(one, b"1st"),
        load(one, Some(b"1st"), "a shorter state replaces a longer one wholly"),
        load(two, Some(b"of the second"), "replacing one chain leaves the other"),
        save(one, b""),
        Step::Reopen,
        load(one, Some(b""), "an empty state is a state"),
        save(one, &large),
        load(one, Some(&large), "a large state comes back as it was"),
        Step::Reopen,
        load(one, Some(&large), "a large state lasts"),
        load(two, Some(b"of the second"), "a large state leaves the other chain"),
        save(one, b"small again"),
        Step::Reopen,
        load(one, Some(b"small again"), "nothing is left of a large state"),
    ]
}

/// Four MiB without a pattern that a store could fold up.
fn large() -> Vec<u8> {
    let block = |number: u32| Hash::of(Domain::DEVELOPMENT_KEY, &[b"large", &number.to_le_bytes()]).0;
    (0..131_072).flat_map(block).collect()
}

/// Takes the steps on a store that answers at once; `reopen` closes it and opens it again.
///
/// # Errors
/// The store's own.
///
/// # Panics
/// If the store does something else than it must.
pub fn conformance<S: StateStore>(mut store: S, mut reopen: impl FnMut(S) -> S) -> Result<(), S::Error> {
    for step in steps() {
        match step {
            Step::Save { chain, state } => store.save(&chain, &state)?,
            Step::Load { chain, expected, rule } => assert!(store.load(&chain)? == expected, "{rule}"),
            Step::Reopen => store = reopen(store),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::client::MemoryStateStore;

    #[test]
    fn the_store_in_memory_conforms() {
        assert_eq!(conformance(MemoryStateStore::default(), |store| store), Ok(()));
    }

    /// A store with one fault.
    #[derive(Clone, Debug, Default)]
    struct Faulty {
        inside: MemoryStateStore,
        fault: &'static str,
    }

    impl StateStore for Faulty {
        type Error = Infallible;

        fn load(&self, chain: &ChainId) -> Result<Option<Vec<u8>>, Infallible> {
            let chain = if self.fault == "one for all" { &Hash::ZERO } else { chain };
            let found = self.inside.load(chain)?;
            Ok(found.filter(|state| self.fault != "empty is none" || !state.is_empty()))
        }

        fn save(&mut self, chain: &ChainId, state: &[u8]) -> Result<(), Infallible> {
            let chain = if self.fault == "one for all" { &Hash::ZERO } else { chain };
            let old = self.inside.load(chain)?.unwrap_or_default();
            let mut new = state.to_vec();
            match self.fault {
                "keeps the tail" => new.extend(old.iter().skip(state.len())),
                "cuts" => new.truncate(65_536),
                _ => {}
            }
            self.inside.save(chain, &new)
        }
    }

    #[test]
    fn faults_are_noticed() {
        for fault in ["one for all", "empty is none", "keeps the tail", "cuts", "forgets"] {
            let store = Faulty { fault, ..Faulty::default() };
            let reopen = |store: Faulty| match fault {
                "forgets" => Faulty { inside: MemoryStateStore::default(), ..store },
                _ => store,
            };
            let noticed = std::panic::catch_unwind(|| conformance(store, reopen));
            assert!(noticed.is_err(), "{fault}");
        }
        assert!(conformance(Faulty::default(), |store| store).is_ok());
    }
}
