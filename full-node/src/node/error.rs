use std::path::PathBuf;

use light_client::{
    data_format::{Address, Amount, BlockId, ChainId, Height, SpecError},
    state::TrieError,
    transaction::TransactionError,
};

use crate::{
    block_tree::{BlockError, RecoveryError},
    logic::StateFault,
    storage::{LoadError, StorageError},
    transaction::{AddError, PoolError, PoolFault},
};

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The spec is not a chain.
    #[error("the chain spec cannot be used: {0}")]
    Spec(#[from] SpecError),
    /// The folder holds another chain.
    #[error(
        "the folder {} holds the chain {found}, not {expected}: choose another folder with --data, or run the chain it holds",
        .folder.display()
    )]
    OtherChain {
        /// The data folder.
        folder: PathBuf,
        /// The chain in it.
        found: ChainId,
        /// The chain asked for.
        expected: ChainId,
    },
    /// The folder holds a chain that is not a development chain.
    #[error(
        "the folder {} holds the chain {chain}, which is not a development chain: choose another folder with --data",
        .folder.display()
    )]
    NotDevelopment {
        /// The data folder.
        folder: PathBuf,
        /// The chain in it.
        chain: ChainId,
    },
    /// An address to be paid at on a chain whose blocks pay no address.
    #[error("the blocks of this chain pay no address: leave out --payee")]
    NoPayee,
    /// An address of another network.
    #[error("{0} is an address of another network: it cannot be paid on this chain")]
    Payee(Address),
    /// A minting key that is not Ed25519.
    #[error("minting key {0} is not an Ed25519 key")]
    MintingKey(usize),
    /// A recovery that cannot be followed from what the folder holds.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// A recovery that does not fit the chain in the folder.
    #[error("{0}")]
    Recovery(#[from] RecoveryError),
    /// The data folder cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What is stored contradicts itself or the spec.
    #[error("the stored chain is damaged: {0}")]
    Damaged(String),
}

/// Why a transaction was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// It breaks a rule.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// The pool has no room for it.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The node cannot answer.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// Why the faucet did not pay.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FaucetError {
    /// Only a development chain has one.
    #[error("this chain has no faucet: only a development chain has one")]
    NoFaucet,
    /// More than it gives at once.
    #[error("the faucet gives at most {limit} VSYS at once, not {asked}")]
    TooMuch {
        /// What was asked for.
        asked: Amount,
        /// What it gives at once.
        limit: Amount,
    },
    /// The payment was refused as any other would be.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// Why the node cannot answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NodeError {
    /// The disk failed; the node stands still until it is started again.
    #[error("the node cannot read or write its data: {0}")]
    Storage(#[from] StorageError),
    /// The stored data contradicts itself.
    #[error("the stored chain is damaged: {0}")]
    Damaged(String),
    /// The trusted block that was named is not one of this chain's.
    #[error("block {0} is not a final block of this chain")]
    UnknownTrusted(BlockId),
    /// The newest final block is so by a recovery alone.
    #[error(
        "block {0} is final because the operators of this chain decided to recover from it: there is a proof again once a later \
         block is final, for whoever trusts a block of then"
    )]
    Recovered(BlockId),
    /// The node stands still: for now, or until it is started again.
    #[error("the node stands still: {0}")]
    Paused(String),
    /// It was there once, and this node does not keep it: it started from a snapshot.
    #[error("{what} is not kept here: this node keeps what came after block {from}")]
    NotKept {
        /// What was asked for.
        what: String,
        /// The block from whose state the node started.
        from: Height,
    },
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Stopped,
}

impl From<AddError> for SubmitError {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Transaction(error) => error.into(),
            AddError::Pool(error) => error.into(),
        }
    }
}

impl From<StateFault> for NodeError {
    fn from(error: StateFault) -> Self {
        match error {
            // A disk that fails does not damage what it has.
            StateFault::Trie(TrieError::Store(error)) => error.into(),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<PoolFault> for NodeError {
    fn from(error: PoolFault) -> Self {
        match error {
            PoolFault::Storage(error) => error.into(),
            PoolFault::State(error) => error.into(),
        }
    }
}

impl From<PoolFault> for OpenError {
    fn from(error: PoolFault) -> Self {
        match error {
            PoolFault::Storage(error) => error.into(),
            PoolFault::State(error) => Self::Damaged(error.to_string()),
        }
    }
}

impl From<BlockError> for NodeError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Storage(error) => error.into(),
            BlockError::State(error) => error.into(),
            BlockError::Halted(why) => Self::Paused(why),
            error => Self::Damaged(error.to_string()),
        }
    }
}
