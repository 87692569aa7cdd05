use borsh::{BorshDeserialize, BorshSerialize};

use super::{Height, Round, Slot, codec};
use crate::crypto::{Domain, Hash, Signature};

/// A block's id: the hash of its unsigned header.
pub type BlockId = Hash;

/// No header is longer than this.
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

/// What is signed of a block: fixed size, and it commits to everything else.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// Format and rules version, 1.
    pub version: u16,
    /// Number of blocks before this one.
    pub height: Height,
    /// The slot it was minted in; its time is the slot's.
    pub slot: Slot,
    /// The block before; zeros for genesis.
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
    /// The slot holder's signature over [`Header::seal_message`].
    pub seal: Signature,
}

/// The header without its seal, in the same order: what the id hashes and the seal signs.
#[derive(BorshSerialize)]
struct Unsigned<'a> {
    version: u16,
    height: Height,
    slot: Slot,
    parent: &'a BlockId,
    transactions_root: &'a Hash,
    transactions_count: u32,
    state_root: &'a Hash,
    headers_root: &'a Hash,
    next_slots: &'a Hash,
    justified: &'a Checkpoint,
    certificate_hash: &'a Hash,
    main_parent: &'a Option<Hash>,
}

const SEAL_TAG: &[u8] = b"vsys/1/seal";

impl Header {
    /// The version this crate reads and writes.
    pub const VERSION: u16 = 1;

    /// The hash of the unsigned bytes. The seal is not part of it: a garbled copy of a seal must not give the
    /// honest block another name.
    pub fn id(&self) -> BlockId {
        Hash::of(Domain::HEADER, &[&self.unsigned_bytes()])
    }

    /// What the slot holder signs: a tag, the chain id and the block id.
    pub fn seal_message(chain: &Hash, id: &BlockId) -> Vec<u8> {
        [SEAL_TAG, chain.as_bytes(), id.as_bytes()].concat()
    }

    /// The Borsh bytes of everything but the seal.
    pub fn unsigned_bytes(&self) -> Vec<u8> {
        codec::encode(&Unsigned {
            version: self.version,
            height: self.height,
            slot: self.slot,
            parent: &self.parent,
            transactions_root: &self.transactions_root,
            transactions_count: self.transactions_count,
            state_root: &self.state_root,
            headers_root: &self.headers_root,
            next_slots: &self.next_slots,
            justified: &self.justified,
            certificate_hash: &self.certificate_hash,
            main_parent: &self.main_parent,
        })
    }
}
