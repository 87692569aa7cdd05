//! What lies in the platform's storage: a version byte and Borsh, bounded before it is decoded.

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::data_format::codec;

use crate::{ColdError, PlatformError, PlatformPart, Storage};

const VERSION: u8 = 1;

/// Reads the value under `name`; `None` if there is none.
pub(crate) fn load<T: BorshDeserialize>(
    storage: &dyn Storage,
    name: &str,
    limit: usize,
) -> Result<Option<T>, ColdError> {
    let damaged = |reason: String| ColdError::Damaged { name: name.to_owned(), reason };
    let Some(bytes) = storage.read(name.to_owned()).map_err(failed)? else { return Ok(None) };
    match bytes.split_first() {
        Some((&VERSION, body)) => {
            codec::decode(body, limit).map(Some).map_err(|error| damaged(error.to_string()))
        }
        Some((version, _)) => Err(damaged(format!("version {version}, this app reads {VERSION}"))),
        None => Err(damaged("it is empty".to_owned())),
    }
}

/// Writes the value under `name`.
pub(crate) fn save<T: BorshSerialize>(storage: &dyn Storage, name: &str, value: &T) -> Result<(), ColdError> {
    let bytes = [vec![VERSION], codec::encode(value)].concat();
    storage.write(name.to_owned(), bytes).map_err(failed)
}

/// Removes the value under `name`.
pub(crate) fn remove(storage: &dyn Storage, name: &str) -> Result<(), ColdError> {
    storage.remove(name.to_owned()).map_err(failed)
}

const fn failed(failure: PlatformError) -> ColdError {
    ColdError::Platform { part: PlatformPart::Storage, failure }
}
