use std::collections::BTreeMap;

use borsh::BorshDeserialize;

use super::{AccountState, Client, TrackedPayment};
use crate::{
    client::{Trusted, TrustedCheckpoint},
    consensus::spos::TableError,
    data_format::{Address, ChainId, DecodeError, Time, TransactionId, codec},
};

/// Bytes of a saved client, at most.
const MAX_SAVED_BYTES: usize = 64 * 1024 * 1024;
const FORMAT: u8 = 2;

/// Everything proven so far, and the payments under way, after a byte for the format. Losing it costs one request.
#[derive(BorshDeserialize)]
struct Saved {
    chain: ChainId,
    trusted: TrustedCheckpoint,
    signatures: Option<(u32, u32)>,
    proven_at: Option<Time>,
    #[borsh(deserialize_with = "codec::ordered_map")]
    accounts: BTreeMap<Address, AccountState>,
    #[borsh(deserialize_with = "codec::ordered_map")]
    payments: BTreeMap<TransactionId, TrackedPayment>,
}

/// A saved state that cannot be used. Nothing has changed then; it costs one request to prove it all again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The bytes are not a saved state.
    #[error("the stored state cannot be read: {0}")]
    Form(#[from] DecodeError),
    /// Another version wrote it.
    #[error("the stored state has format {0}, this version reads {FORMAT}")]
    Format(u8),
    /// It is of another chain.
    #[error("the stored state is of chain {0}")]
    OtherChain(ChainId),
    /// Its slot tables are not tables.
    #[error("the stored checkpoint cannot be used: {0}")]
    Table(#[from] TableError),
}

impl Client {
    /// Everything worth keeping, as bytes for the host's storage. No secrets are in it.
    pub fn save(&self) -> Vec<u8> {
        // The format and the fields of `Saved`, in their order and without a copy.
        codec::encode(&(
            FORMAT,
            self.chain(),
            self.trusted.checkpoint(),
            self.signatures,
            self.proven_at,
            &self.accounts,
            &self.payments,
        ))
    }

    /// Goes on from what was saved. The newer of the two trusted blocks, saved and given, is kept.
    ///
    /// # Errors
    /// [`RestoreError`] if the bytes are of another chain or format or cannot be read.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), RestoreError> {
        let saved: Saved = match bytes.split_first() {
            Some((&FORMAT, fields)) => codec::decode(fields, MAX_SAVED_BYTES)?,
            Some((format, _)) => return Err(RestoreError::Format(*format)),
            None => return Err(DecodeError::Malformed("no bytes".to_owned()).into()),
        };
        if saved.chain != *self.chain() {
            return Err(RestoreError::OtherChain(saved.chain));
        }
        let trusted = Trusted::try_from(saved.trusted)?;
        if trusted.is_after(&self.trusted) {
            self.trusted = trusted;
            self.signatures = saved.signatures;
        }
        self.proven_at = saved.proven_at;
        self.accounts = saved.accounts;
        self.payments = saved.payments;
        Ok(())
    }
}
