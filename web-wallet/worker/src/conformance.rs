//! The suite that every store must pass, in terms of this store: for the test of the browser's database, which answers later.

use light_client::data_format::ChainId;
pub use light_client::test_support::state_store::{Step, steps};

use crate::{
    platform::{Change, Record},
    stored::{Stored, StoredState, put_state},
};

/// The change that stores a state.
pub fn save(chain: ChainId, state: Vec<u8>) -> Change {
    put_state(&StoredState { chain, bytes: state })
}

/// The state of a chain among everything stored.
///
/// # Errors
/// As when a wallet starts: which record does not read, and why.
pub fn load(chain: &ChainId, records: Vec<Record>) -> Result<Option<Vec<u8>>, String> {
    Ok(Stored::read(records)?.state(chain).map(|state| state.bytes.clone()))
}
