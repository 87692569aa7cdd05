//! What the node tells people and tools: plain claims, in types that JSON shows well. Proofs are bytes of
//! `light_client::client` bundles.

use crate::{block_tree::RecoveryStage, storage::Recovery};
use light_client::{
    crypto::Hash,
    data_format::{
        Address, Amount, BlockId, ChainId, Checkpoint, Height, Outcome, Round, SealedHeader,
        SignedTransaction, Slot, Time, TransactionId,
    },
};

/// How the node and its chain are doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The chain it runs.
    pub chain: ChainId,
    /// The chain's name.
    pub name: String,
    /// Its block 0.
    pub genesis: BlockId,
    /// Whether this is a development chain with a faucet.
    pub development: bool,
    /// The newest block of the best branch.
    pub head: BlockPosition,
    /// The newest final block.
    pub final_block: BlockPosition,
    /// How old the newest final block is, in milliseconds.
    pub final_age_ms: u64,
    /// The age from which on finality stands still, in milliseconds; as long as can be where blocks come on demand.
    pub final_late_ms: u64,
    /// The rounds of votes; `None` on a chain without votes.
    pub rounds: Option<Rounds>,
    /// Transactions that wait for a block.
    pub pool_transactions: usize,
    /// Bytes of them.
    pub pool_bytes: usize,
    /// The minting keys this node holds.
    pub minting_keys: Vec<MintingKey>,
    /// The recoveries that were loaded, oldest first.
    pub recoveries: Vec<RecoveryState>,
    /// Votes that they cast since the node started.
    pub votes_cast: u64,
    /// Blocks that they minted since the node started.
    pub blocks_minted: u64,
    /// Why the node stands still, if it does.
    pub halted: Option<String>,
}

/// Where a chain with votes stands in its rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// The round the clock is in; 0 before genesis.
    pub now: Round,
    /// The highest justified checkpoint known.
    pub justified: Checkpoint,
}

/// A recovery that was loaded: the operators' decision to go on from a block with another slot table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryState {
    /// The round from which on the new holders mint.
    pub round: Round,
    /// The height of the block that it begins from.
    pub height: Height,
    /// That block.
    pub block: BlockId,
    /// How far it is.
    pub stage: RecoveryStage,
}

impl From<(Recovery, RecoveryStage)> for RecoveryState {
    fn from((recovery, stage): (Recovery, RecoveryStage)) -> Self {
        Self { round: recovery.round, height: recovery.height, block: recovery.block, stage }
    }
}

/// A minting key of this node, as the newest block has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MintingKey {
    /// Its public half.
    pub key: Hash,
    /// Whether the slot table in force names it: it mints and votes.
    pub in_force: bool,
    /// Whether the planned table names it, if one is planned.
    pub planned: bool,
    /// Whether it must not sign yet, because what it signed before is not known.
    pub waits: bool,
}

/// A block's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPosition {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// Its slot.
    pub slot: Slot,
    /// When that slot starts.
    pub time: Time,
}

/// An account at the head of the best branch: a claim, not a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Whose.
    pub address: Address,
    /// The nonce its next transaction in a block must have.
    pub nonce: u64,
    /// The nonce after everything of it that waits in the pool.
    pub next_nonce: u64,
    /// What it holds.
    pub balance: Amount,
    /// What it can spend of that.
    pub available: Amount,
    /// What it leases to others.
    pub leased_out: Amount,
    /// What others lease to it.
    pub leased_in: Amount,
    /// What it weighs with: available and leased in.
    pub effective: Amount,
    /// How much of that has been there over the chain's window, for the next block.
    pub minting_average: Amount,
    /// Number of history records.
    pub history_count: u64,
    /// What there is of it as a supernode; `None` if it never held or wanted a slot.
    pub supernode: Option<SupernodeState>,
    /// The height of the block after which this is so.
    pub height: Height,
}

/// A supernode, or somebody who was one or wanted to be, at the head of the best branch: a claim, not a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupernodeState {
    /// Whose.
    pub address: Address,
    /// The position of its slot in the table in force.
    pub slot: Option<u8>,
    /// The position of its slot in the planned table, if one is planned.
    pub planned: Option<u8>,
    /// The key that mints, or that was named last.
    pub minting_key: Hash,
    /// What it keeps of its rewards before they are shared, in hundredths of a percent.
    pub commission: u16,
    /// A higher commission to come, and the round from which it acts.
    pub raised: Option<(u16, Round)>,
    /// Who claims what it earns itself; `None` for itself.
    pub reward_address: Option<Address>,
    /// Available and leased in.
    pub effective: Amount,
    /// Its weight in the next block; who contends has no more than the contend fee leaves of its balance.
    pub minting_average: Amount,
    /// What others lease to it.
    pub leased_in: Amount,
    /// All stake that shares its rewards: its own, and what is leased to it.
    pub pool: Amount,
    /// Whole coins of its commission that wait to be claimed.
    pub unclaimed: Amount,
    /// For how many rounds with a certificate nothing was seen of it.
    pub idle_rounds: u64,
    /// Whether it may not contend now.
    pub banned: bool,
    /// The first round in which it may contend again, if it is banned now; `None` while it has the slot that it owes.
    pub banned_until: Option<Round>,
    /// What waits for its turn, a bit for each kind of request.
    pub waiting: u8,
}

/// Everybody who holds a slot or is about to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupernodesState {
    /// The height of the block after which this is so.
    pub height: Height,
    /// The round of that block.
    pub round: Round,
    /// Slots of a round.
    pub slots: usize,
    /// The least effective balance of a holder, and of who contends.
    pub contend_minimum: Amount,
    /// What is burned of who wins a slot.
    pub contend_fee: Amount,
    /// By their position in the table in force; those who come after.
    pub supernodes: Vec<SupernodeState>,
}

/// What became of a transaction: a claim, not a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionState {
    /// Neither in the pool nor in a block of the best branch.
    Unknown,
    /// Waits for a block.
    Pending(SignedTransaction),
    /// In a block of the best branch.
    Included {
        /// The block.
        block: BlockPosition,
        /// Its id, status, fee and place.
        outcome: Outcome,
        /// Whether the block is final.
        is_final: bool,
        /// The transaction; `None` if the body of its block was pruned.
        signed: Option<SignedTransaction>,
    },
}

/// A block of the best branch: a claim, not a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockView {
    /// Its place.
    pub position: BlockPosition,
    /// Its header.
    pub header: SealedHeader,
    /// What became of its transactions, in order.
    pub outcomes: Vec<Outcome>,
    /// Whether it is final.
    pub is_final: bool,
    /// Whether its transactions are kept; if not, their outcomes are.
    pub is_kept: bool,
}

/// What happens on the chain, as it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The head of the best branch moved.
    Block {
        /// The new head.
        block: BlockPosition,
        /// Transactions in it.
        transactions: u32,
        /// Accounts that this block and the others applied with it changed, and those of blocks undone; sorted.
        touched: std::sync::Arc<Vec<Address>>,
        /// Blocks of the former branch that were undone, 0 if the head only grew.
        undone: u64,
    },
    /// A block became final.
    Final {
        /// The newest final block.
        block: BlockPosition,
        /// The round whose checkpoint it is.
        round: Round,
    },
    /// A transaction came into the pool.
    Pending {
        /// Its id.
        id: TransactionId,
        /// Its sender and recipients; sorted.
        touched: std::sync::Arc<Vec<Address>>,
    },
}
