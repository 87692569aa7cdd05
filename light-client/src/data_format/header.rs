use borsh::{BorshDeserialize, BorshSerialize};

use super::{ChainId, Height, Round, Slot, codec};
use crate::crypto::{Domain, Hash, Signature};

/// A block's id: the hash of its header.
pub type BlockId = Hash;

/// No sealed header is longer than this.
pub const MAX_HEADER_BYTES: usize = 400;

/// A round and the last block before the round's first slot.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Checkpoint {
    /// The round.
    pub round: Round,
    /// The last block before the round's first slot.
    pub id: BlockId,
}

/// What is signed of a block: it commits to everything else.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// Format and rules version, 1.
    pub version: u16,
    /// Number of blocks before this one.
    pub height: Height,
    /// The slot it was minted in; its time is the slot's.
    pub slot: Slot,
    /// The block before; the chain id for genesis.
    pub parent: BlockId,
    /// Merkle root over the outcomes of the block's transactions; zeros for none.
    pub transactions_root: Hash,
    /// Number of transactions: the leaf count of that tree.
    pub transactions_count: u32,
    /// Root of the state trie *after* this block.
    pub state_root: Hash,
    /// Root of the mountain range of all headers before this one; zeros for genesis. Its leaf count is the height.
    pub headers_root: Hash,
    /// Hash of the slot tables (in force, planned) for the next round, after this block.
    pub next_slots: Hash,
    /// The highest justified checkpoint on this branch, this block's certificate included.
    /// (0, zeros) reads as (0, genesis).
    pub justified: Checkpoint,
    /// Hash of the certificate in the body; zeros for none.
    pub certificate_hash: Hash,
    /// On a side chain: the main-chain block whose time this block follows.
    pub main_parent: Option<Hash>,
}

/// A header and the seal of the slot holder who minted it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SealedHeader {
    /// What the seal covers.
    pub header: Header,
    /// The slot holder's signature over [`Header::seal_message`]. Zeros for genesis, which nobody minted.
    pub seal: Signature,
}

const SEAL_TAG: &[u8] = b"vsys/1/seal";

impl Header {
    /// The version this crate reads and writes.
    pub const VERSION: u16 = 1;

    /// The hash of the Borsh bytes. The seal is not part of it: a garbled copy of a seal must not give the
    /// honest block another name.
    pub fn id(&self) -> BlockId {
        Hash::of(Domain::HEADER, &[&codec::encode(self)])
    }

    /// What the slot holder signs: a tag, the chain id and the block id.
    pub fn seal_message(chain: &ChainId, id: &BlockId) -> Vec<u8> {
        [SEAL_TAG, chain.as_bytes(), id.as_bytes()].concat()
    }

    /// The checkpoint this block calls justified, with (0, zeros) read as (0, genesis).
    pub fn justified_on(&self, genesis: &BlockId) -> Checkpoint {
        if self.justified == Checkpoint::default() {
            Checkpoint { round: Round(0), id: *genesis }
        } else {
            self.justified
        }
    }
}
