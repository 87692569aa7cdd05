use std::collections::BTreeSet;

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    data_format::{Address, Time, TransactionId, codec},
    wallet::SignatureReply,
};

use crate::{ColdError, LogRecord, Storage, stored};

/// Signatures the log remembers; the oldest goes first.
pub const MAX_LOG_ENTRIES: usize = 16_384;

const MAX_BYTES: usize = MAX_LOG_ENTRIES * 256;

/// What this phone signed on one chain, oldest first: it refuses to sign the same transaction twice.
#[derive(Clone, Default, BorshSerialize, BorshDeserialize)]
pub(crate) struct Log {
    #[borsh(deserialize_with = "codec::bounded_list::<16_384, _, _>")]
    entries: Vec<Entry>,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
struct Entry {
    transaction: TransactionId,
    address: Address,
    signed: Time,
    reply: SignatureReply,
}

impl Log {
    pub(crate) fn load(storage: &dyn Storage, name: &str) -> Result<Self, ColdError> {
        Ok(stored::load(storage, name, MAX_BYTES)?.unwrap_or_default())
    }

    pub(crate) fn signed(&self) -> BTreeSet<TransactionId> {
        self.entries.iter().map(|entry| entry.transaction).collect()
    }

    /// The log with one more entry.
    pub(crate) fn with(
        &self,
        transaction: TransactionId,
        address: Address,
        signed: Time,
        reply: SignatureReply,
    ) -> Self {
        let full = (self.entries.len() + 1).saturating_sub(MAX_LOG_ENTRIES);
        let mut entries: Vec<Entry> = self.entries.iter().skip(full).cloned().collect();
        entries.push(Entry { transaction, address, signed, reply });
        Self { entries }
    }

    /// Newest first.
    pub(crate) fn records(&self) -> Vec<LogRecord> {
        let record = |entry: &Entry| LogRecord {
            request_id: entry.reply.id.0.to_vec(),
            transaction_id: entry.transaction.to_string(),
            address: entry.address.to_string(),
            signed_ms: entry.signed.0,
            reply: entry.reply.encode(),
        };
        self.entries.iter().rev().map(record).collect()
    }
}
