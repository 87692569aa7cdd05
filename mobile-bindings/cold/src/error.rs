use std::fmt;

use light_client::{
    transaction::TransactionError,
    wallet::{IndexError, PhraseError, SignError, keystore::KeystoreError},
};

/// Why the platform's own side could not do its part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum PlatformError {
    /// The phone's owner said no, or did not answer.
    #[error("it was not allowed")]
    Declined,
    /// What was asked for is gone for good.
    #[error("it is gone: {reason}")]
    Lost {
        /// In the platform's words.
        reason: String,
    },
    /// Anything else.
    #[error("it failed: {reason}")]
    Failed {
        /// In the platform's words.
        reason: String,
    },
}

/// Which part of the platform's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PlatformPart {
    /// [`KeyVault`](crate::KeyVault).
    Vault,
    /// [`Storage`](crate::Storage).
    Storage,
    /// [`Clock`](crate::Clock).
    Clock,
    /// [`RandomSource`](crate::RandomSource).
    Random,
}

/// Why the cold wallet did not do what it was asked. Data for the screen's words; [`ColdError::code`] is stable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ColdError {
    /// The platform's side failed.
    #[error("{part}: {failure}")]
    Platform {
        /// Which part of it.
        part: PlatformPart,
        /// Why.
        failure: PlatformError,
    },
    /// The random source repeats itself: no key is made with it.
    #[error("this phone's random numbers are not random")]
    WeakRandom,
    /// The chain file cannot be used.
    #[error("the chain file cannot be used: {reason}")]
    ChainFile {
        /// What is wrong with it.
        reason: String,
    },
    /// A stored value is not what was written.
    #[error("the stored value {name:?} is damaged: {reason}")]
    Damaged {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The phrase is empty.
    #[error("the phrase is empty")]
    PhraseEmpty,
    /// The phrase is longer than any.
    #[error("the phrase has {found} bytes, at most {limit} are allowed")]
    PhraseTooLong {
        /// Bytes it has.
        found: u64,
        /// Bytes it may have.
        limit: u64,
    },
    /// The phrase is not UTF-8 text.
    #[error("the phrase is not text")]
    PhraseNotText,
    /// Not 16 or 32 bytes of entropy.
    #[error("a seed is made of 16 or 32 bytes of entropy, not of {found}")]
    EntropyLength {
        /// Bytes given.
        found: u64,
    },
    /// Neither 12 nor 24 words.
    #[error("a phrase has 12 or 24 words, this one has {found}")]
    WordCount {
        /// Words given.
        found: u64,
    },
    /// A word is not in the list.
    #[error("word {position} is not in the word list")]
    UnknownWord {
        /// Which, from 1.
        position: u32,
    },
    /// The words do not belong together.
    #[error("the words do not fit together: one is wrong or two are swapped")]
    PhraseChecksum,
    /// The seed has no such word.
    #[error("the phrase has {count} words, there is no word {position}")]
    WordPosition {
        /// Asked for, from 1.
        position: u32,
        /// Words it has.
        count: u32,
    },
    /// The seed is here already.
    #[error("the seed {fingerprint} is on this phone already")]
    SeedExists {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// No seed has this fingerprint.
    #[error("there is no seed {fingerprint:?} on this phone")]
    UnknownSeed {
        /// As given.
        fingerprint: String,
    },
    /// As many seeds as fit.
    #[error("this phone holds {limit} seeds, which is the most")]
    TooManySeeds {
        /// The bound.
        limit: u32,
    },
    /// As many accounts as fit.
    #[error("this seed has {limit} accounts on this phone, which is the most")]
    TooManyAccounts {
        /// The bound.
        limit: u32,
    },
    /// No such account exists.
    #[error("there is no account {index}: account numbers end at 2147483647")]
    AccountIndex {
        /// Asked for.
        index: u32,
    },
    /// The bytes are not a sign request.
    #[error("this is not a sign request: {reason}")]
    NotARequest {
        /// What is wrong with them.
        reason: String,
    },
    /// The transaction breaks a rule, or is for another chain.
    #[error("{reason}")]
    Refused {
        /// The rule, such as `TX-FEE-1`.
        rule: String,
        /// Its stable code, such as `fee_too_low`.
        rule_code: String,
        /// In English.
        reason: String,
    },
    /// The request names another key than the transaction's sender.
    #[error("the request is for another account than the transaction's sender {sender}")]
    OtherSender {
        /// The sender the transaction names.
        sender: String,
    },
    /// The key is not on this phone.
    #[error("the key of {address} is not on this phone{}", under(.fingerprint.as_ref()))]
    KeyNotHeld {
        /// The address whose key is wanted.
        address: String,
        /// The seed it should be under, as far as the request says.
        fingerprint: Option<String>,
    },
    /// This very transaction was signed before; its reply is in the log.
    #[error("the transaction {transaction} was signed already: its signature is in the log")]
    AlreadySigned {
        /// Its id.
        transaction: String,
    },
    /// The request was made before the newest checkpoint this phone saw.
    #[error("the request is of height {request}, height {checkpoint} was seen: make it again")]
    Stale {
        /// Its height.
        request: u64,
        /// The newest seen.
        checkpoint: u64,
    },
    /// The seed does not open with the key the vault gave: restore it from its phrase.
    #[error("the seed {fingerprint} cannot be opened: {reason}; restore it from its phrase")]
    SeedUnreadable {
        /// Which seed.
        fingerprint: String,
        /// Why.
        reason: String,
    },
}

#[uniffi::export]
impl ColdError {
    /// A word for machines that never changes, such as `key_not_held`.
    pub fn code(&self) -> String {
        let code = match self {
            Self::Platform { part: PlatformPart::Vault, failure: PlatformError::Lost { .. } } => "vault_lost",
            Self::Platform { failure: PlatformError::Declined, .. } => "declined",
            Self::Platform { part: PlatformPart::Vault, .. } => "vault_failed",
            Self::Platform { part: PlatformPart::Storage, .. } => "storage_failed",
            Self::Platform { part: PlatformPart::Clock, .. } => "clock_failed",
            Self::Platform { part: PlatformPart::Random, .. } => "random_failed",
            Self::WeakRandom => "weak_random",
            Self::ChainFile { .. } => "chain_file",
            Self::Damaged { .. } => "damaged",
            Self::PhraseEmpty => "phrase_empty",
            Self::PhraseTooLong { .. } => "phrase_too_long",
            Self::PhraseNotText => "phrase_not_text",
            Self::EntropyLength { .. } => "entropy_length",
            Self::WordCount { .. } => "word_count",
            Self::UnknownWord { .. } => "unknown_word",
            Self::PhraseChecksum => "phrase_checksum",
            Self::WordPosition { .. } => "word_position",
            Self::SeedExists { .. } => "seed_exists",
            Self::UnknownSeed { .. } => "unknown_seed",
            Self::TooManySeeds { .. } => "too_many_seeds",
            Self::TooManyAccounts { .. } => "too_many_accounts",
            Self::AccountIndex { .. } => "account_index",
            Self::NotARequest { .. } => "not_a_request",
            Self::Refused { rule_code, .. } => rule_code,
            Self::OtherSender { .. } => "other_sender",
            Self::KeyNotHeld { .. } => "key_not_held",
            Self::AlreadySigned { .. } => "already_signed",
            Self::Stale { .. } => "stale_request",
            Self::SeedUnreadable { .. } => "seed_unreadable",
        };
        code.to_owned()
    }

    /// What happened, in English: for logs, and until a translation is there.
    pub fn explanation(&self) -> String {
        self.to_string()
    }
}

impl ColdError {
    /// A keystore that does not open: the vault's key was given, so either of the two is not what it was.
    pub(crate) fn unreadable(fingerprint: impl fmt::Display, error: &KeystoreError) -> Self {
        Self::SeedUnreadable { fingerprint: fingerprint.to_string(), reason: error.to_string() }
    }
}

impl fmt::Display for PlatformPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vault => "the key vault",
            Self::Storage => "the storage",
            Self::Clock => "the clock",
            Self::Random => "the random source",
        })
    }
}

/// A platform that throws something it did not declare.
impl From<uniffi::UnexpectedUniFFICallbackError> for PlatformError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

impl From<PhraseError> for ColdError {
    fn from(error: PhraseError) -> Self {
        match error {
            PhraseError::Empty => Self::PhraseEmpty,
            PhraseError::TooLong(found) => Self::PhraseTooLong {
                found: found as u64,
                limit: light_client::wallet::MAX_PHRASE_BYTES as u64,
            },
            PhraseError::Entropy(found) => Self::EntropyLength { found: found as u64 },
            PhraseError::WordCount(found) => Self::WordCount { found: found as u64 },
            PhraseError::UnknownWord { position } => {
                Self::UnknownWord { position: u32::try_from(position).unwrap_or(u32::MAX) }
            }
            PhraseError::Checksum => Self::PhraseChecksum,
        }
    }
}

impl From<IndexError> for ColdError {
    fn from(IndexError(index): IndexError) -> Self {
        Self::AccountIndex { index }
    }
}

impl From<TransactionError> for ColdError {
    fn from(error: TransactionError) -> Self {
        Self::Refused {
            rule: error.rule().to_owned(),
            rule_code: error.code().to_owned(),
            reason: error.to_string(),
        }
    }
}

impl From<SignError> for ColdError {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Transaction(error) => error.into(),
            SignError::OtherSender { sender } => Self::OtherSender { sender: sender.to_string() },
            SignError::KeyNotHeld { address, fingerprint } => Self::KeyNotHeld {
                address: address.to_string(),
                fingerprint: fingerprint.map(|fingerprint| fingerprint.to_string()),
            },
            SignError::AlreadySigned(id) => Self::AlreadySigned { transaction: id.to_string() },
            SignError::Stale { request, checkpoint } => {
                Self::Stale { request: request.0, checkpoint: checkpoint.0 }
            }
        }
    }
}

fn under(fingerprint: Option<&String>) -> String {
    fingerprint.map_or_else(String::new, |fingerprint| format!(": it is under the seed {fingerprint}"))
}
