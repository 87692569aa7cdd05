//! Proof bundles: one request, one self-contained answer. The same bytes go over HTTP, into a file or a code.
//!
//! Every bundle is a version byte (1), a kind byte and Borsh. Sizes are bounded before anything is decoded. As text it
//! is the same bytes in hexadecimal digits, upper case: what codes to be scanned hold best.
//! Nothing in a bundle is believed: [`super::Verifier`] turns it into facts.
//!
//! | kind | bundle |
//! |---|---|
//! | 1, 2 | [`Beacon`], [`Anchor`]: a final header |
//! | 3, 4 | [`AccountBundle`], [`HistoryPage`]: an account and its records |
//! | 5 | [`TransactionBundle`]: the block and the outcome of a transaction |
//! | 6, 9 | [`HeaderRow`], [`HeaderBundle`]: headers in a row, one header |
//! | 7, 12 | [`StateBundle`], [`Questions`]: answers from the state, and what is asked |
//! | 8 | [`ChainParameters`]: the chain spec |
//! | 11 | [`Receipt`](super::Receipt): a payment, proven to anybody |
//! | 13 | [`ChainCheckpoint`]: a block that a person vouches for |

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    block_tree::HeaderProof,
    consensus::{
        Anchor, MAX_BURIED, TrustedCheckpoint,
        spos::{Beacon, HandOver},
    },
    crypto::Hash,
    data_format::{
        Address, ChainId, ChainSpec, DecodeError, Header, MAX_HEADER_BYTES, Outcome, SealedHeader,
        Transaction, TransactionProof, codec,
    },
    state::{HistoryRecord, Question},
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
        codec::decode(body(bytes, Self::KIND, Self::MAX_BYTES)?, Self::MAX_BYTES)
    }

    /// The bytes in hexadecimal digits, to be pasted or scanned.
    fn to_text(&self) -> String {
        codec::to_hex(&self.to_bytes())
    }

    /// Reads what [`Bundle::to_text`] wrote, in either case and with white space around it.
    ///
    /// # Errors
    /// As [`Bundle::from_bytes`], and if the text is something else than hexadecimal digits.
    fn from_text(text: &str) -> Result<Self, DecodeError> {
        Self::from_bytes(&codec::from_hex(text.trim(), Self::MAX_BYTES)?)
    }
}

/// What comes after the version and the kind. Apart, so that the code is there once for all kinds.
fn body(bytes: &[u8], kind: u8, limit: usize) -> Result<&[u8], DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLong { found: bytes.len(), limit });
    }
    match bytes {
        [BUNDLE_VERSION, found, body @ ..] if *found == kind => Ok(body),
        [version, found, ..] => Err(DecodeError::Malformed(format!(
            "a bundle of version {version} and kind {found}, expected {BUNDLE_VERSION} and {kind}"
        ))),
        _ => Err(DecodeError::Malformed("a bundle has at least two bytes".to_owned())),
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

/// Bytes of the witness of a [`StateBundle`], at most.
pub const MAX_STATE_WITNESS_BYTES: usize = 1024 * 1024;

/// Answers to questions: what was read of the state to answer them. Whoever has the bundle asks the same again.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StateBundle {
    /// Where the proof starts.
    pub anchor: Anchor,
    /// What was asked.
    #[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")]
    pub questions: Vec<Question>,
    /// The witness of the reads, against the anchor's `state_root`.
    #[borsh(deserialize_with = "codec::bounded_bytes::<1_048_576, _>")]
    pub witness: Vec<u8>,
}

impl Bundle for StateBundle {
    const KIND: u8 = 7;
    const MAX_BYTES: usize = MAX_STATE_WITNESS_BYTES + Anchor::MAX_BYTES + Questions::MAX_BYTES;
}

/// What a client asks of the state in one go: the body of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Questions(#[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")] pub Vec<Question>);

impl Bundle for Questions {
    const KIND: u8 = 12;
    const MAX_BYTES: usize = 4 * 1024;
}

/// A final block of a chain that a person vouches for, to be shown to another device or typed there. It proves nothing:
/// whoever takes it trusts who gave it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChainCheckpoint {
    /// The chain.
    pub chain: ChainId,
    /// The block, with its tables.
    pub checkpoint: TrustedCheckpoint,
}

impl Bundle for ChainCheckpoint {
    const KIND: u8 = 13;
    /// Two tables of 64 holders, and more.
    const MAX_BYTES: usize = 16 * 1024;
}

/// The spec of a chain, which proves itself: its hash is the chain's id.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChainParameters(pub ChainSpec);

impl Bundle for ChainParameters {
    const KIND: u8 = 8;
    /// A million accounts in block 0, and all the rest.
    const MAX_BYTES: usize = 40 * 1024 * 1024;
}

/// The header of a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HeaderBundle {
    /// Where the proof starts.
    pub anchor: Anchor,
    /// From the anchor to the block.
    pub path: HeaderPath,
}

impl Bundle for HeaderBundle {
    const KIND: u8 = 9;
    const MAX_BYTES: usize = 1024 * 1024;
}
