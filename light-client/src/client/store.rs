use std::{collections::BTreeMap, convert::Infallible, fmt::Display};

use crate::{
    crypto::{Domain, Hash},
    data_format::ChainId,
};

/// Where a host keeps what [`Client::save`](super::Client::save) gave, chain by chain.
///
/// It is disposable: what is lost is proven again in one request. So a store may lose everything, but never mix two
/// chains up, and never give back a part of what it was given: [`seal_state`] and [`open_state`] find that out.
/// `test_support::state_store` is what every store must pass.
pub trait StateStore {
    /// Why it could not read or write.
    type Error: Display;

    /// The state of a chain; `None` if there is none.
    ///
    /// # Errors
    /// When the store cannot be read. That is not the same as `None`.
    fn load(&self, chain: &ChainId) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Replaces the state of a chain: wholly or not at all, and lasting when this returns.
    ///
    /// # Errors
    /// When the store cannot be written; the old state is kept then.
    fn save(&mut self, chain: &ChainId, state: &[u8]) -> Result<(), Self::Error>;
}

/// A store that forgets when the process ends.
#[derive(Clone, Debug, Default)]
pub struct MemoryStateStore(BTreeMap<ChainId, Vec<u8>>);

impl StateStore for MemoryStateStore {
    type Error = Infallible;

    fn load(&self, chain: &ChainId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(chain).cloned())
    }

    fn save(&mut self, chain: &ChainId, state: &[u8]) -> Result<(), Infallible> {
        self.0.insert(*chain, state.to_vec());
        Ok(())
    }
}

/// Bytes that a store gave back and that are not what it was given for this chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored state is damaged")]
pub struct DamagedState;

/// A state with a checksum over it and its chain in front: a balance with one bit changed would still look like one.
/// (Who alters a store on purpose can mend the checksum; that shows false figures until the next proof.)
pub fn seal_state(chain: &ChainId, state: &[u8]) -> Vec<u8> {
    [checksum(chain, state).as_bytes(), state].concat()
}

/// The state that [`seal_state`] sealed.
///
/// # Errors
/// [`DamagedState`] if the bytes changed, or are of another chain.
pub fn open_state<'a>(chain: &ChainId, sealed: &'a [u8]) -> Result<&'a [u8], DamagedState> {
    let (found, state) = sealed.split_first_chunk::<32>().ok_or(DamagedState)?;
    if checksum(chain, state).as_bytes() == found { Ok(state) } else { Err(DamagedState) }
}

fn checksum(chain: &ChainId, state: &[u8]) -> Hash {
    Hash::of(Domain::CLIENT_STATE, &[chain.as_bytes(), state])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_bit_and_another_chain_are_found() {
        let (chain, state) = (Hash([1; 32]), *b"what was proven");
        let sealed = seal_state(&chain, &state);
        assert_eq!(open_state(&chain, &sealed), Ok(&state[..]));
        assert_eq!(open_state(&Hash([2; 32]), &sealed), Err(DamagedState));
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open_state(&chain, &damaged), Err(DamagedState), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(open_state(&chain, &sealed[..length]), Err(DamagedState), "{length} bytes");
        }
    }
}
