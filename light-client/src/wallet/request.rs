use borsh::{BorshDeserialize, BorshSerialize};

use super::Fingerprint;
use crate::{
    crypto::{Domain, Hash, PublicKey, Signature},
    data_format::{
        ChainId, DecodeError, MAX_TRANSACTION_BYTES, SignedTransaction, Transaction, TransactionId, codec,
    },
};

/// Bytes to sign, at most: a transaction, its tag and the chain id.
pub const MAX_BYTES_TO_SIGN: usize = MAX_TRANSACTION_BYTES + 64;
/// Bytes of a proof bundle in a request, at most.
pub const MAX_REQUEST_PROOF_BYTES: usize = 16 * 1024;
/// Bytes of a request's origin, at most.
pub const MAX_ORIGIN_BYTES: usize = 128;
/// Bytes of a sign request, at most.
pub const MAX_SIGN_REQUEST_BYTES: usize =
    MAX_BYTES_TO_SIGN + MAX_REQUEST_PROOF_BYTES + MAX_ORIGIN_BYTES + 128;
/// Bytes of a signature reply: never more, never fewer.
pub const SIGNATURE_REPLY_BYTES: usize = 1 + 16 + 33 + 64;

const VERSION: u8 = 1;

/// Ties a reply to its request, and names a payment on this device: 16 random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct RequestId(pub [u8; 16]);

/// What a hot wallet asks a signer for. Everything but the bytes to sign is a claim.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignRequest {
    /// Comes back in the reply.
    pub id: RequestId,
    /// The chain, as the asking side sees it; the signer goes by its own.
    pub chain: ChainId,
    /// Exactly what is signed: [`Transaction::signed_bytes`].
    #[borsh(deserialize_with = "codec::bounded_bytes::<8_256, _>")]
    pub bytes_to_sign: Vec<u8>,
    /// The key that should sign.
    pub public_key: PublicKey,
    /// The seed it should be under, so that a signer without it can name what is missing.
    pub fingerprint: Option<Fingerprint>,
    /// Proofs of what the transaction does not hold (balance, nonce); opaque here, `client` verifies them.
    #[borsh(deserialize_with = "optional_proof")]
    pub proof_bundle: Option<Vec<u8>>,
    /// Who asks, in the asking side's words.
    #[borsh(deserialize_with = "optional_origin")]
    pub origin: Option<String>,
}

/// What the signer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignatureReply {
    /// The request it answers.
    pub id: RequestId,
    /// The key that signed.
    pub public_key: PublicKey,
    /// Over the request's bytes to sign.
    pub signature: Signature,
}

/// A reply that does not complete a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// It answers another request.
    #[error("this signature answers another request")]
    OtherRequest,
    /// It was made with another key than the request asked for.
    #[error("this signature is of another account than the payment")]
    OtherKey,
    /// The request's own bytes are not a transaction.
    #[error("the request holds no transaction: {0}")]
    Request(DecodeError),
    /// The signature does not fit the payment.
    #[error("this signature does not fit the payment")]
    Signature,
}

impl SignRequest {
    /// The request to sign `transaction` on `chain`, without proof and origin.
    pub fn new(id: RequestId, chain: ChainId, transaction: &Transaction) -> Self {
        Self {
            id,
            chain,
            bytes_to_sign: transaction.signed_bytes(&chain),
            public_key: transaction.sender,
            fingerprint: None,
            proof_bundle: None,
            origin: None,
        }
    }

    /// The id that the transaction in it has.
    pub fn transaction_id(&self) -> TransactionId {
        Hash::of(Domain::TRANSACTION, &[&self.bytes_to_sign])
    }

    /// A version byte and Borsh.
    pub fn encode(&self) -> Vec<u8> {
        versioned(self)
    }

    /// Reads what [`SignRequest::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] over [`MAX_SIGN_REQUEST_BYTES`], for another version, or for anything malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        from_versioned(bytes, MAX_SIGN_REQUEST_BYTES)
    }
}

impl SignatureReply {
    /// A version byte and Borsh.
    pub fn encode(&self) -> Vec<u8> {
        versioned(self)
    }

    /// Reads what [`SignatureReply::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] over [`SIGNATURE_REPLY_BYTES`], for another version, or for anything malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        from_versioned(bytes, SIGNATURE_REPLY_BYTES)
    }
}

/// The asking side's check, before anything is sent: the reply answers this request, with the key it asked for,
/// and the signature holds.
///
/// # Errors
/// [`ReplyError`].
pub fn verify_reply(request: &SignRequest, reply: &SignatureReply) -> Result<SignedTransaction, ReplyError> {
    if reply.id != request.id {
        return Err(ReplyError::OtherRequest);
    }
    let (chain, transaction) =
        Transaction::from_signed_bytes(&request.bytes_to_sign).map_err(ReplyError::Request)?;
    if reply.public_key != request.public_key || reply.public_key != transaction.sender {
        return Err(ReplyError::OtherKey);
    }
    let signed = SignedTransaction { transaction, signature: reply.signature };
    signed.verify(&chain).map_err(|_| ReplyError::Signature)?;
    Ok(signed)
}

/// A version byte, then Borsh.
pub(super) fn versioned<T: BorshSerialize>(value: &T) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend(codec::encode(value));
    bytes
}

/// Reads what [`versioned`] wrote, at most `limit` bytes.
pub(super) fn from_versioned<T: BorshDeserialize>(bytes: &[u8], limit: usize) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLong { found: bytes.len(), limit });
    }
    match bytes.split_first() {
        Some((&VERSION, rest)) => codec::decode(rest, limit),
        Some((version, _)) => {
            Err(DecodeError::Malformed(format!("version {version}, this program reads {VERSION}")))
        }
        None => Err(DecodeError::Malformed("no bytes".to_owned())),
    }
}

fn optional_proof<R: std::io::Read>(reader: &mut R) -> std::io::Result<Option<Vec<u8>>> {
    bool::deserialize_reader(reader)?.then(|| codec::bounded_bytes::<16_384, _>(reader)).transpose()
}

fn optional_origin<R: std::io::Read>(reader: &mut R) -> std::io::Result<Option<String>> {
    bool::deserialize_reader(reader)?.then(|| codec::bounded_text::<128, _>(reader)).transpose()
}
