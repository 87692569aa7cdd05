//! The light client: bytes and time in, requests and events out. Hosts move the bytes.

mod tables;
mod trusted;

pub use tables::{TablesError, TablesUpdate};
pub use trusted::{ChainFile, ChainFileError, Trusted, TrustedCheckpoint};
