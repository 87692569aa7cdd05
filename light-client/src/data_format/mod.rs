//! LAYER data format: what travels and what is hashed.
//!
//! Consensus bytes are Borsh, which has one encoding for a value; [`decode`] refuses trailing bytes and
//! anything over the caller's bound before it allocates. Lists carry their own bounds ([`codec`]). JSON is for
//! people and tools only: amounts are strings there, and no hash is ever taken of it.
//!
//! **Trust and bounds.** A decoded value is well-formed, nothing more. Nothing here grows beyond the bytes that
//! were handed in times a small constant.

mod address;
mod amount;
mod block;
mod chain_spec;
pub mod codec;
mod engine_spec;
mod evidence;
mod header;
pub(crate) mod json;
mod position;
mod transaction;
mod transactions_tree;
mod vote;

pub use address::{Address, AddressError, Network};
pub use amount::{Amount, AmountError, UNITS_PER_COIN};
pub use block::{Block, MAX_BLOCK_BYTES};
pub use chain_spec::{ChainId, ChainSpec, FeeSchedule, GenesisAccount, MAX_PEERS, ModuleName, SpecError};
pub use codec::{DecodeError, decode};
pub use engine_spec::{
    EngineSpec, Holder, InstantSpec, MAX_COMMISSION, MAX_SLOTS, MIN_IDLE_ROUNDS, ProofOfWorkSpec, SlotTable,
    SposSpec,
};
pub use evidence::{Evidence, EvidenceError, MAX_EVIDENCE_BYTES, Offence};
pub use header::{BlockId, Checkpoint, Header, MAX_HEADER_BYTES, SealedHeader};
pub use position::{Height, Round, Slot, Time};
pub use transaction::{
    Call, CoinCall, LeaseCall, MAX_CALLS, MAX_MEMO_BYTES, MAX_TRANSACTION_BYTES, MintingKey, Outcome,
    SignedTransaction, Status, SupernodeCall, Transaction, TransactionId,
};
pub use transactions_tree::{ProofError, TransactionProof, transactions_root};
pub use vote::{Link, Triple, Vote};
