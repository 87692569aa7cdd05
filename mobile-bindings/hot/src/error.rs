use std::fmt;

use light_client::{client, transaction::TransactionError, wallet::ReplyError};

/// Why the platform's own side could not do its part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum PlatformError {
    /// It failed.
    #[error("{reason}")]
    Failed {
        /// In the platform's words.
        reason: String,
    },
}

/// Which part of the platform's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PlatformPart {
    /// [`Storage`](crate::Storage).
    Storage,
    /// [`Clock`](crate::Clock).
    Clock,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum TransportError {
    /// The server cannot be reached.
    #[error("the server cannot be reached: {reason}")]
    Unreachable {
        /// In the platform's words.
        reason: String,
    },
    /// It took too long.
    #[error("the server did not answer in time")]
    Timeout,
    /// The answer is longer than asked for.
    #[error("the answer is longer than it may be")]
    TooLong,
}

/// Why the hot wallet did not do what it was asked. Data for the screen's words; [`HotError::code`] is stable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum HotError {
    /// The platform's side failed.
    #[error("{part}: {failure}")]
    Platform {
        /// Which part of it.
        part: PlatformPart,
        /// Why.
        failure: PlatformError,
    },
    /// The chain file cannot be used.
    #[error("the chain file cannot be used: {reason}")]
    ChainFile {
        /// What is wrong with it.
        reason: String,
    },
    /// The block that somebody vouches for cannot be taken.
    #[error("the block cannot be trusted: {reason}")]
    Checkpoint {
        /// Why not.
        reason: String,
    },
    /// Two callers wait for events at once.
    #[error("somebody waits for events already")]
    AlreadyWaiting,
    /// The text is not an address of this chain.
    #[error("{text:?}: {reason}")]
    Address {
        /// As given, shortened.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes are not a public key: a scheme byte and 32 bytes.
    #[error("this is not a public key: {reason}")]
    PublicKey {
        /// What is wrong with them.
        reason: String,
    },
    /// The text is not a seed's fingerprint: eight hexadecimal digits.
    #[error("{text:?} is not a fingerprint")]
    Fingerprint {
        /// As given, shortened.
        text: String,
    },
    /// Nothing is proven of the account yet, so no payment can be made from it.
    #[error("nothing is proven of {address} yet")]
    NotProven {
        /// The account.
        address: String,
    },
    /// No server gave a proof to put into the request.
    #[error("no server gave a proof for the cold wallet: {reason}")]
    NoProof {
        /// What the last one said.
        reason: String,
    },
    /// The payment breaks a rule.
    #[error("{reason}")]
    Refused {
        /// The rule, such as `COIN-BALANCE-1`.
        rule: String,
        /// Its stable code, such as `overspend`.
        rule_code: String,
        /// In English.
        reason: String,
    },
    /// The origin is too long for a request.
    #[error("the origin has {found} bytes, at most {limit} are allowed")]
    OriginTooLong {
        /// Bytes it has.
        found: u64,
        /// Bytes it may have.
        limit: u64,
    },
    /// The bytes are not a sign request.
    #[error("this is not a sign request: {reason}")]
    NotARequest {
        /// What is wrong with them.
        reason: String,
    },
    /// The bytes are not a signature reply.
    #[error("this is not a signature: {reason}")]
    NotAReply {
        /// What is wrong with them.
        reason: String,
    },
    /// The reply answers another request.
    #[error("this signature answers another request")]
    OtherRequest,
    /// The reply was made with another key.
    #[error("this signature is of another account than the payment")]
    OtherKey,
    /// The signature does not fit the payment.
    #[error("this signature does not fit the payment")]
    BadSignature,
    /// No such payment is followed here.
    #[error("no payment {transaction:?} is followed here")]
    UnknownPayment {
        /// As given, shortened.
        transaction: String,
    },
}

#[uniffi::export]
impl HotError {
    /// A word for machines that never changes, such as `not_proven`.
    pub fn code(&self) -> String {
        let code = match self {
            Self::Platform { part: PlatformPart::Storage, .. } => "storage_failed",
            Self::Platform { part: PlatformPart::Clock, .. } => "clock_failed",
            Self::ChainFile { .. } => "chain_file",
            Self::Checkpoint { .. } => "checkpoint",
            Self::AlreadyWaiting => "already_waiting",
            Self::Address { .. } => "address",
            Self::PublicKey { .. } => "public_key",
            Self::Fingerprint { .. } => "fingerprint",
            Self::NotProven { .. } => "not_proven",
            Self::NoProof { .. } => "no_proof",
            Self::Refused { rule_code, .. } => rule_code,
            Self::OriginTooLong { .. } => "origin_too_long",
            Self::NotARequest { .. } => "not_a_request",
            Self::NotAReply { .. } => "not_a_reply",
            Self::OtherRequest => "other_request",
            Self::OtherKey => "other_key",
            Self::BadSignature => "bad_signature",
            Self::UnknownPayment { .. } => "unknown_payment",
        };
        code.to_owned()
    }

    /// What happened, in English: for logs, and until a translation is there.
    pub fn explanation(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for PlatformPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Storage => "the storage",
            Self::Clock => "the clock",
        })
    }
}

/// A platform that throws something it did not declare.
impl From<uniffi::UnexpectedUniFFICallbackError> for PlatformError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

/// A platform that throws something it did not declare.
impl From<uniffi::UnexpectedUniFFICallbackError> for TransportError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Unreachable { reason: error.reason }
    }
}

impl From<TransportError> for client::TransportError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Unreachable { reason } => Self::Unreachable(reason),
            TransportError::Timeout => Self::Timeout,
            TransportError::TooLong => Self::TooLong,
        }
    }
}

impl From<TransactionError> for HotError {
    fn from(error: TransactionError) -> Self {
        Self::Refused {
            rule: error.rule().to_owned(),
            rule_code: error.code().to_owned(),
            reason: error.to_string(),
        }
    }
}

impl From<ReplyError> for HotError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::OtherRequest => Self::OtherRequest,
            ReplyError::OtherKey => Self::OtherKey,
            ReplyError::Request(error) => Self::NotARequest { reason: error.to_string() },
            ReplyError::Signature => Self::BadSignature,
        }
    }
}

/// The start of what somebody typed or scanned, for an error.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
