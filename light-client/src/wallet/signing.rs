use std::collections::BTreeSet;

use super::{Fingerprint, Keyring, RequestId, SignRequest, SignatureReply};
use crate::{
    data_format::{Address, ChainId, ChainSpec, Height, SignedTransaction, Transaction, TransactionId},
    transaction::{TransactionError, check_signed_bytes, check_unexpired},
};

/// What a signer knows when it is asked to sign. None of it comes from the request but `request_height`, which a
/// verified proof bundle yields.
#[derive(Clone, Copy, Debug)]
pub struct SigningContext<'a> {
    /// The chain's spec: compiled in, or scanned once.
    pub spec: &'a ChainSpec,
    /// `spec.id()`.
    pub chain: &'a ChainId,
    /// The transactions this signer signed already.
    pub signed: &'a BTreeSet<TransactionId>,
    /// The height of the newest checkpoint this signer ever saw; `None` if it saw none.
    pub newest_checkpoint: Option<Height>,
    /// The height that the request's proof bundle was verified at; `None` without one.
    pub request_height: Option<Height>,
}

/// Why a request is not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The bytes are not a transaction of this chain, it breaks a rule, or no block can include it any more.
    #[error("{0}")]
    Transaction(#[from] TransactionError),
    /// The request names another key than the transaction's sender.
    #[error("the request is for another account than the transaction's sender {sender}")]
    OtherSender {
        /// The sender the transaction names.
        sender: Address,
    },
    /// No account in this keyring has the key.
    #[error("the key of {address} is not here{}", .fingerprint.map_or(String::new(), |f| format!(": it is under the seed {f}")))]
    KeyNotHeld {
        /// The address whose key is wanted.
        address: Address,
        /// The seed it should be under, as far as the request says.
        fingerprint: Option<Fingerprint>,
    },
    /// This very transaction was signed before.
    #[error("the transaction {0} was signed already")]
    AlreadySigned(TransactionId),
    /// The request was made before the newest checkpoint this signer saw.
    #[error(
        "the request is of height {request}, a checkpoint of height {checkpoint} was seen: make it again"
    )]
    Stale {
        /// The height the request was proven at.
        request: Height,
        /// The newest checkpoint seen.
        checkpoint: Height,
    },
}

/// Whether [`sign`] would refuse the request, whoever holds the key: asked before its rows are shown, so that
/// nobody agrees to what cannot be signed. Gives the sender's address, whose key is needed.
///
/// # Errors
/// [`SignError`], but never [`SignError::KeyNotHeld`].
pub fn check_request(request: &SignRequest, context: &SigningContext<'_>) -> Result<Address, SignError> {
    let transaction = check_signed_bytes(&request.bytes_to_sign, context.spec, context.chain)?;
    if request.chain != *context.chain {
        let (found, expected) = (request.chain, *context.chain);
        return Err(TransactionError::OtherChain { found, expected }.into());
    }
    let address = Address::of(&transaction.sender, context.spec.network);
    if request.public_key != transaction.sender {
        return Err(SignError::OtherSender { sender: address });
    }
    check_fresh(&transaction, context)?;
    let id = request.transaction_id();
    if context.signed.contains(&id) { Err(SignError::AlreadySigned(id)) } else { Ok(address) }
}

/// Signs exactly the bytes of the request, if nothing speaks against it. The caller has shown
/// [`review`](super::review) and got a yes; afterwards it adds [`SignRequest::transaction_id`] to its log.
///
/// # Errors
/// [`SignError`].
pub fn sign(
    request: &SignRequest,
    keyring: &Keyring,
    context: &SigningContext<'_>,
) -> Result<SignatureReply, SignError> {
    let address = check_request(request, context)?;
    let key =
        keyring.key(&address).ok_or(SignError::KeyNotHeld { address, fingerprint: request.fingerprint })?;
    let signature = key.sign(&request.bytes_to_sign);
    Ok(SignatureReply { id: request.id, public_key: key.public(), signature })
}

/// Signs a transaction of this wallet's own making: the hot path, with every check of [`sign`].
///
/// # Errors
/// [`SignError`].
pub fn sign_own(
    transaction: &Transaction,
    keyring: &Keyring,
    context: &SigningContext<'_>,
) -> Result<SignedTransaction, SignError> {
    let request = SignRequest::new(RequestId([0; 16]), *context.chain, transaction);
    let reply = sign(&request, keyring, context)?;
    Ok(SignedTransaction { transaction: transaction.clone(), signature: reply.signature })
}

fn check_fresh(transaction: &Transaction, context: &SigningContext<'_>) -> Result<(), SignError> {
    let Some(checkpoint) = context.newest_checkpoint else { return Ok(()) };
    if let Some(request) = context.request_height
        && request < checkpoint
    {
        return Err(SignError::Stale { request, checkpoint });
    }
    Ok(check_unexpired(transaction, checkpoint.next())?)
}
