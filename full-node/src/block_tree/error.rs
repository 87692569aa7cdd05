use light_client::{
    block_tree::TreeError,
    consensus::spos::{CertificateError, HeaderError},
    crypto::Hash,
    data_format::{Address, BlockId, Checkpoint, Height, Round},
    transaction::TransactionError,
};

use super::RecoveryError;
use crate::{logic::StateFault, storage::StorageError};

/// Why a block is not taken. One variant for each rule; the last five are faults of this node, not of the block.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// BLOCK-SIZE-1: at most 4 MiB.
    #[error("the block has {found} bytes, at most {limit} are allowed")]
    TooLarge {
        /// Bytes it has.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// BLOCK-TREE-1: the parent is known and not before the newest final block; the slot of a block that came by itself has room.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// BLOCK-COPY-1: the block is known with other signatures, which hold as well: one copy is enough.
    #[error("block {0} is known with another seal or other signatures")]
    Copy(BlockId),
    /// SPOS-…: the header is one that the engine accepts after its parent.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// BLOCK-PAYEE-1: a block pays an address of its network.
    #[error("the block pays {0}, an address of another network")]
    Payee(Address),
    /// BLOCK-CERTIFICATE-1: the body holds the certificate that the header commits to, or none if it says so.
    #[error("the header commits to the certificate {expected}, the body holds {found}")]
    CertificateHash {
        /// The header's `certificate_hash`.
        expected: Hash,
        /// The hash of the body's certificate; zeros for none.
        found: Hash,
    },
    /// BLOCK-CERTIFICATE-2: its target is the checkpoint of its round on this branch.
    #[error(
        "the certificate's target {found:?} is not the checkpoint of its round on this branch, {expected:?}"
    )]
    Target {
        /// The checkpoint of that round.
        expected: Checkpoint,
        /// The target.
        found: Checkpoint,
    },
    /// BLOCK-CERTIFICATE-3: its source is the justified checkpoint of the target's header.
    #[error("the certificate's source {found:?} is not the justified checkpoint of its target, {expected:?}")]
    Source {
        /// The target's justified checkpoint.
        expected: Checkpoint,
        /// The source.
        found: Checkpoint,
    },
    /// BLOCK-CERTIFICATE-4: the tables it names are those that source and target commit to, and more than two thirds
    /// of each signed.
    #[error("the certificate does not hold: {0}")]
    Certificate(#[from] CertificateError),
    /// BLOCK-CERTIFICATE-5: its target is later than what the branch calls justified already; so nobody needs older headers
    /// than those that a branch hangs on.
    #[error(
        "the certificate's target is of round {found}, and round {justified} is justified on this branch already"
    )]
    NotLater {
        /// The round that the parent calls justified.
        justified: Round,
        /// The target's.
        found: Round,
    },
    /// BLOCK-JUSTIFIED-1: the header's `justified` is the certificate's target, or the parent's without one.
    #[error("the header calls {found:?} justified, the branch says {expected:?}")]
    Justified {
        /// What follows from certificate and parent.
        expected: Checkpoint,
        /// What the header says.
        found: Checkpoint,
    },
    /// BLOCK-SLOTS-1: `next_slots` is what the branch's tables are after this block.
    #[error("the header commits to the slot tables {found}, after this block they are {expected}")]
    NextSlots {
        /// The tables after this block.
        expected: Hash,
        /// The header's.
        found: Hash,
    },
    /// BLOCK-RECOVERY-1: a block after one that operators recovered from begins in the recovery's round or later, and calls its
    /// parent justified.
    #[error(
        "the block does not follow the recovery from block {block} as of round {round}, which is loaded here: it was made by a node \
         that has not loaded it"
    )]
    BesideRecovery {
        /// The block recovered from.
        block: BlockId,
        /// The recovery's round.
        round: Round,
    },
    /// BLOCK-HEADERS-1: `headers_root` covers all headers before this one.
    #[error("the header commits to the headers {found}, before it are {expected}")]
    HeadersRoot {
        /// The range up to the parent.
        expected: Hash,
        /// The header's.
        found: Hash,
    },
    /// BLOCK-TRANSACTIONS-1: as many transactions as the header says.
    #[error("the header commits to {expected} transactions, the body holds {found}")]
    TransactionCount {
        /// The header's count.
        expected: u32,
        /// Transactions in the body.
        found: usize,
    },
    /// BLOCK-TRANSACTIONS-2: every transaction obeys every rule where it stands.
    #[error("transaction {index} cannot be in the block: {error}")]
    Transaction {
        /// Its place, from 0.
        index: usize,
        /// The rule it breaks.
        error: TransactionError,
    },
    /// BLOCK-TRANSACTIONS-3: `transactions_root` is the root over the outcomes.
    #[error("the header commits to the outcomes {expected}, executing gives {found}")]
    TransactionsRoot {
        /// The header's.
        expected: Hash,
        /// What executing gives.
        found: Hash,
    },
    /// BLOCK-STATE-1: `state_root` is the root of the state after the block.
    #[error("the header commits to the state {expected}, executing gives {found}")]
    StateRoot {
        /// The header's.
        expected: Hash,
        /// What executing gives.
        found: Hash,
    },
    /// A recovery that was loaded does not fit the chain: it stands still until the chain spec is mended.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The disk failed: the chain stands still.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The stored state cannot be read: the chain stands still.
    #[error("the stored state cannot be read: {0}")]
    State(#[from] StateFault),
    /// An earlier fault of the disk: the chain stands still until it is opened again.
    #[error("the chain stands still: {0}")]
    Halted(String),
    /// What is stored contradicts itself.
    #[error("the stored chain is damaged at block {id} (height {height}): {what}")]
    Damaged {
        /// The block.
        id: BlockId,
        /// Its height.
        height: Height,
        /// What is wrong.
        what: String,
    },
}

impl BlockError {
    /// Whether the block only shows that its maker and this node do not agree on a recovery: no fault to punish anybody for.
    pub const fn is_disagreement(&self) -> bool {
        matches!(self, Self::BesideRecovery { .. } | Self::Header(HeaderError::Recovered { .. }))
    }

    /// Whether this node is at fault, and not the block.
    pub const fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Recovery(_) | Self::Storage(_) | Self::State(_) | Self::Halted(_) | Self::Damaged { .. }
        )
    }
}
