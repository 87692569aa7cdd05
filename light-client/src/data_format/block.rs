use borsh::{BorshDeserialize, BorshSerialize};

use super::{SealedHeader, SignedTransaction, codec};

/// Bytes of a block, at most.
pub const MAX_BLOCK_BYTES: usize = 4 * 1024 * 1024;

/// A header with what it commits to. `C` is the engine's certificate.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Block<C> {
    /// The sealed header.
    pub header: SealedHeader,
    /// The votes this block brings, if any.
    pub certificate: Option<C>,
    /// The transactions in the order they are executed.
    #[borsh(deserialize_with = "codec::bounded_list::<65_536, _, _>")]
    pub transactions: Vec<SignedTransaction>,
}
