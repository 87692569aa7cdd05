use borsh::{BorshDeserialize, BorshSerialize};

use super::{TransactionError, rules};
use crate::data_format::{ChainId, MAX_TRANSACTION_BYTES, SignedTransaction, codec};

/// Bytes of a submission, at most: a chain id and a signed transaction.
pub const MAX_SUBMISSION_BYTES: usize = 32 + MAX_TRANSACTION_BYTES;

/// What a wallet hands to a server: a signed transaction, and the chain it is for, so that a server of another
/// chain can say so. (The signature alone would only be wrong there.)
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Submission {
    /// The chain it is for.
    pub chain: ChainId,
    /// The transaction.
    pub signed: SignedTransaction,
}

impl Submission {
    /// The bytes to send: the chain id, then the signed transaction, in Borsh.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads what arrived, for this chain. The result still has to pass [`check_stateless`](super::check_stateless).
    ///
    /// # Errors
    /// `TX-SIZE-1`, `TX-FORMAT-1` or `TX-CHAIN-1`.
    pub fn decode(bytes: &[u8], chain: &ChainId) -> Result<SignedTransaction, TransactionError> {
        rules::check_size(bytes.len(), MAX_SUBMISSION_BYTES)?;
        let submission: Self = rules::check_format(bytes)?;
        rules::check_chain(&submission.chain, chain)?;
        Ok(submission.signed)
    }
}
