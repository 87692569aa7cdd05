//! What has to be read before a wallet is at work: what is stored, and the chain file.

use light_client::client::Client;
use web_protocol::Problem;

use crate::{
    chain,
    platform::{FetchError, Response},
    stored::Stored,
};

/// What is there so far.
pub(crate) struct Starting {
    /// The command's number.
    pub(crate) number: u32,
    /// What is stored.
    pub(crate) stored: Option<Stored>,
    /// Whether that was read with the claim of the tab that leads.
    pub(crate) claimed: bool,
    /// The chain file, or why there is none.
    pub(crate) file: Option<Result<Vec<u8>, FileError>>,
}

/// No chain file.
pub(crate) enum FileError {
    /// Nobody answered: the one stored last will do, it came from the same place.
    Unreachable(String),
    /// There is none.
    Missing(String),
}

/// Everything that a wallet starts with.
pub(crate) struct Ready {
    pub(crate) client: Client,
    pub(crate) stored: Stored,
    /// The chain file, if it is not the stored one.
    pub(crate) new_file: Option<Vec<u8>>,
}

impl Starting {
    /// Nothing is there yet; `number` is the command's.
    pub(crate) const fn new(number: u32) -> Self {
        Self { number, stored: None, claimed: false, file: None }
    }

    /// What to start with, once everything is read; `origin` serves the chain file and is the first server.
    ///
    /// # Errors
    /// [`Problem::ChainFile`] if there is none, or none that can be used.
    pub(crate) fn ready(&mut self, origin: &str) -> Option<Result<Ready, Problem>> {
        if self.stored.is_none() || self.file.is_none() {
            return None;
        }
        let (stored, file) = (self.stored.take()?, self.file.take()?);
        let (file, is_new) = match (file, &stored.chain_file) {
            (Ok(file), known) => {
                let is_new = known.as_ref() != Some(&file);
                (file, is_new)
            }
            (Err(FileError::Unreachable(_)), Some(known)) => (known.clone(), false),
            (Err(FileError::Unreachable(words) | FileError::Missing(words)), _) => {
                return Some(Err(Problem::ChainFile(words)));
            }
        };
        let read = chain::read_chain_file(&file, origin);
        Some(read.map(|client| Ready { client, stored, new_file: is_new.then_some(file) }))
    }
}

/// The chain file as it was fetched.
pub(crate) fn read_file(result: Result<Response, FetchError>) -> Result<Vec<u8>, FileError> {
    match result {
        Ok(Response { status: 200, body }) => Ok(body),
        Ok(Response { status: status @ 500.., .. }) => {
            Err(FileError::Unreachable(format!("HTTP status {status}")))
        }
        Ok(Response { status, .. }) => Err(FileError::Missing(format!("HTTP status {status}"))),
        Err(error @ FetchError::TooLong) => Err(FileError::Missing(error.to_string())),
        Err(error) => Err(FileError::Unreachable(error.to_string())),
    }
}
