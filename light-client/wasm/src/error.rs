use light_client::{
    client::{ChainFileError, ProofFailure, RestoreError},
    data_format::{AddressError, BlockId, DecodeError, Height},
    transaction::TransactionError,
};
use wasm_bindgen::JsValue;

use crate::plain::{number, text, word};

/// Why a call did nothing. In JavaScript an `Error` named `LightClientError`, with the words as its `message` and a `code`
/// that never changes.
#[derive(Debug, thiserror::Error)]
pub enum LightError {
    /// `chain_file`: the bytes are not a chain file.
    #[error("the chain file cannot be read: {0}")]
    ChainFileForm(#[from] serde_json::Error),
    /// `chain_file`: it names no chain, or no checkpoint, that can be.
    #[error("the chain file cannot be used: {0}")]
    ChainFile(#[from] ChainFileError),
    /// `time`: not milliseconds since 1970.
    #[error("the time has to be milliseconds since 1970, as Date.now() gives them")]
    Time,
    /// `request`: not the id of a request.
    #[error("this is not the id of a request")]
    Request,
    /// `failure`: not one of the words for no answer.
    #[error("why there is no answer is one of: unreachable, timeout, too_long")]
    Failure,
    /// `address`: the text is not an address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// `network`: the address is of another network than the chain.
    #[error("this address belongs to another network than the chain")]
    Network,
    /// `transaction_id`: not the id of a transaction.
    #[error("the id of a transaction is 64 hexadecimal digits")]
    TransactionId,
    /// `stored_state`: what was stored cannot be used; it is proven again.
    #[error(transparent)]
    StoredState(#[from] RestoreError),
    /// The code of the broken rule, such as `fee_too_low`: no server would take it.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// `not_a_receipt`: the bytes are not a receipt.
    #[error("this is not a receipt: {0}")]
    NotAReceipt(#[from] DecodeError),
    /// `other_chain`, `another_checkpoint`, `forged`, or `unproven` if it may be true and cannot be checked now.
    #[error(transparent)]
    Receipt(#[from] ProofFailure),
}

impl LightError {
    /// A stable word for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ChainFileForm(_) | Self::ChainFile(_) => "chain_file",
            Self::Time => "time",
            Self::Request => "request",
            Self::Failure => "failure",
            Self::Address(_) => "address",
            Self::Network => "network",
            Self::TransactionId => "transaction_id",
            Self::StoredState(_) => "stored_state",
            Self::Transaction(error) => error.code(),
            Self::NotAReceipt(_) => "not_a_receipt",
            Self::Receipt(ProofFailure::ReceiptOfAnotherChain { .. }) => "other_chain",
            Self::Receipt(ProofFailure::AnotherCheckpoint { .. }) => "another_checkpoint",
            Self::Receipt(failure) if failure.is_lie() => "forged",
            Self::Receipt(_) => "unproven",
        }
    }

    /// The block that a receipt has to be checked from, as it says.
    const fn needed(&self) -> Option<(&BlockId, Height)> {
        match self {
            Self::Receipt(ProofFailure::AnotherCheckpoint { needed, height, .. }) => Some((needed, *height)),
            _ => None,
        }
    }
}

impl From<LightError> for JsValue {
    fn from(error: LightError) -> Self {
        let thrown = js_sys::Error::new(&error.to_string());
        thrown.set_name("LightClientError");
        let mut fields = vec![("code", word(error.code()))];
        if let Some((block, height)) = error.needed() {
            fields.extend([("neededBlock", text(block)), ("neededHeight", number(height.0))]);
        }
        for (name, value) in fields {
            crate::plain::put(&thrown, name, &value);
        }
        thrown.into()
    }
}

#[cfg(test)]
mod tests {
    use light_client::crypto::Hash;

    use super::*;

    #[test]
    fn what_is_forged_is_told_from_what_cannot_be_checked_now() {
        let hash = Hash([1; 32]);
        let receipt = |failure: ProofFailure| LightError::Receipt(failure).code();
        assert_eq!(receipt(ProofFailure::Unsigned), "forged");
        assert_eq!(
            receipt(ProofFailure::ReceiptOfAnotherChain { found: hash, expected: hash }),
            "other_chain"
        );
        let elsewhere = LightError::Receipt(ProofFailure::AnotherCheckpoint {
            needed: hash,
            height: Height(7),
            trusted: hash,
            error: Box::new(ProofFailure::EmptyPath),
        });
        assert_eq!((elsewhere.code(), elsewhere.needed()), ("another_checkpoint", Some((&hash, Height(7)))));
        let early = light_client::client::AnchorError::Future(light_client::data_format::Round(9));
        assert_eq!(receipt(early.into()), "unproven");
    }
}
