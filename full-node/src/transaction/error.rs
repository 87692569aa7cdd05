use light_client::{
    data_format::{Address, Amount, TransactionId},
    transaction::TransactionError,
};

use crate::{logic::StateFault, storage::StorageError};

/// Why the pool has no room for a transaction that breaks no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The pool is full of transactions that pay at least as much for a byte.
    #[error(
        "the pool is full: it takes a fee of {needed} VSYS or more now, this transaction offers {fee} VSYS"
    )]
    Full {
        /// The fee it offers.
        fee: Amount,
        /// The least fee that makes room for it now.
        needed: Amount,
    },
    /// The pool is full, and no fee of this transaction helps, because one that has to come before it pays too little.
    #[error(
        "the pool is full, and transaction {before} of {sender}, which has to come first, pays too little to make room: replace that one"
    )]
    HeldBack {
        /// Whose.
        sender: Address,
        /// The earliest one that pays too little.
        before: TransactionId,
    },
    /// Enough of this sender's transactions are waiting, so this one is too far ahead of the account.
    #[error("{waiting} transactions of {sender} are waiting already: try again when they are in a block")]
    SenderFull {
        /// Whose.
        sender: Address,
        /// How many.
        waiting: usize,
    },
    /// Enough bytes of this sender's transactions are waiting.
    #[error(
        "with {found} bytes more than {limit} bytes of {sender} would wait: try again when some are in a block"
    )]
    SenderBytes {
        /// Whose.
        sender: Address,
        /// Bytes of this transaction.
        found: usize,
        /// Bytes that may wait.
        limit: usize,
    },
    /// Another transaction with this nonce is waiting, and this one does not pay enough more to replace it.
    #[error(
        "transaction {waiting} of this account has the same nonce {nonce} and is waiting already: a fee of {needed} VSYS or more replaces it"
    )]
    NonceTaken {
        /// The nonce.
        nonce: u64,
        /// The transaction that waits.
        waiting: TransactionId,
        /// The least fee that replaces it.
        needed: Amount,
    },
}

/// Why the pool does not take a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// It breaks a rule.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// There is no room for it.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

/// Why the pool cannot be read or kept: a fault of the disk, never of a transaction.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PoolFault {
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// An account cannot be read.
    #[error(transparent)]
    State(#[from] StateFault),
}
