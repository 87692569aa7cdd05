//! Proof bundles: one request, one self-contained answer. The same bytes go over HTTP, into a file or a code.
//!
//! Every bundle is a version byte (1), a kind byte and Borsh. Sizes are bounded before anything is decoded.
//! Nothing in a bundle is believed: [`super::Verifier`] turns it into facts.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block_tree::HeaderProof,
    consensus::{
        Anchor, MAX_BURIED,
        spos::{Beacon, HandOver},
    },
    crypto::Hash,
    data_format::{
        Address, DecodeError, Header, MAX_HEADER_BYTES, Outcome, SealedHeader, Transaction, TransactionProof,
        codec,
    },
    state::HistoryRecord,
};

/// The format version of every bundle.
pub const BUNDLE_VERSION: u8 = 1;
/// History records in one answer, at most.
pub const MAX_RECORDS: usize = 256;
/// Headers from a final block up to the newest, at most.
pub const MAX_TIP_HEADERS: usize = 2_048;

/// Something that travels as a bundle.
pub trait Bundle: BorshSerialize + BorshDeserialize {
    /// Tells one kind of bundle from another.
    const KIND: u8;
    /// Bytes of an encoded bundle, at most.
    const MAX_BYTES: usize;

    /// Version, kind and Borsh.
    fn to_bytes(&self) -> Vec<u8> {
        [vec![BUNDLE_VERSION, Self::KIND], codec::encode(self)].concat()
    }

    /// Reads what [`Bundle::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are too many, of another version or kind, or malformed.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(DecodeError::TooLong { found: bytes.len(), limit: Self::MAX_BYTES });
        }
        match bytes {
            [BUNDLE_VERSION, kind, body @ ..] if *kind == Self::KIND => codec::decode(body, Self::MAX_BYTES),
            [version, kind, ..] => Err(DecodeError::Malformed(format!(
                "a bundle of version {version} and kind {kind}, expected {BUNDLE_VERSION} and {}",
                Self::KIND
            ))),
            _ => Err(DecodeError::Malformed("a bundle has at least two bytes".to_owned())),
        }
    }
}

impl Bundle for Beacon {
    const KIND: u8 = 1;
    const MAX_BYTES: usize = 64 * 1024;
}

impl Bundle for Anchor {
    const KIND: u8 = 2;
    const MAX_BYTES: usize = (2 * MAX_BURIED + 1) * MAX_HEADER_BYTES + 16;
}

/// What an account holds, and its newest history records.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccountBundle {
    /// Where the proof starts.
    pub anchor: Anchor,
    /// Whose account.
    pub address: Address,
    /// The witness of one read of the account's record, against the anchor's `state_root`.
    #[borsh(deserialize_with = "codec::bounded_bytes::<65_536, _>")]
    pub witness: Vec<u8>,
    /// The newest records, up to the account's `history_count`.
    pub history: HistoryPage,
}

impl Bundle for AccountBundle {
    const KIND: u8 = 3;
    const MAX_BYTES: usize = 512 * 1024;
}

/// Consecutive history records of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HistoryPage {
    /// The account's history head before the first record here.
    pub head_before: Hash,
    /// The records, oldest first.
    #[borsh(deserialize_with = "codec::bounded_list::<256, _, _>")]
    pub records: Vec<HistoryRecord>,
    /// The transactions that the records name, in any order: proven by their ids. Some may be missing.
    #[borsh(deserialize_with = "codec::bounded_list::<256, _, _>")]
    pub transactions: Vec<Transaction>,
}

impl Bundle for HistoryPage {
    const KIND: u8 = 4;
    const MAX_BYTES: usize = 512 * 1024;
}

/// In which block a transaction is, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionBundle {
    /// Where the proof starts.
    pub anchor: Anchor,
    /// From the anchor to the transaction's block.
    pub path: HeaderPath,
    /// The transaction's id, status, fee and place.
    pub outcome: Outcome,
    /// From the outcome to the block's `transactions_root`.
    pub proof: TransactionProof,
}

/// From a final header to the header of another block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum HeaderPath {
    /// The final block itself.
    Anchor,
    /// An older block, final too.
    Older {
        /// Its header.
        header: Box<Header>,
        /// Its place in the range that the anchor commits to.
        proof: HeaderProof,
    },
    /// A newer block, not final yet: every header after the anchor up to it, sealed.
    Newer(#[borsh(deserialize_with = "codec::bounded_list::<2_048, _, _>")] Vec<SealedHeader>),
}

impl Bundle for TransactionBundle {
    const KIND: u8 = 5;
    const MAX_BYTES: usize = 1024 * 1024;
}

/// Headers in a row, sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HeaderRow(#[borsh(deserialize_with = "codec::bounded_list::<2_048, _, _>")] pub Vec<SealedHeader>);

impl Bundle for HeaderRow {
    const KIND: u8 = 6;
    const MAX_BYTES: usize = 1024 * 1024;
}

/// 129 times the votes of 64 slots of which a third changed, and more.
impl Bundle for HandOver {
    const KIND: u8 = 10;
    const MAX_BYTES: usize = 2 * 1024 * 1024;
}
