//! Plain data for screens.

use light_client::{crypto::Scheme, wallet::PhraseWarning};

/// How many words a new phrase has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum WordCount {
    /// 12, from 16 bytes of entropy.
    Twelve,
    /// 24, from 32 bytes of entropy.
    TwentyFour,
}

/// Which signature scheme a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum KeyScheme {
    /// The scheme of the existing V.Systems network.
    Curve25519,
    /// RFC 8032, the scheme of new wallets.
    Ed25519,
}

/// The chain this wallet signs for, and no other.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ChainInfo {
    /// Its name.
    pub name: String,
    /// Its id, 64 hexadecimal digits.
    pub chain_id: String,
    /// The height of the newest checkpoint this phone saw.
    pub checkpoint_height: u64,
}

/// A seed on this phone. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SeedInfo {
    /// Eight hexadecimal digits that name it.
    pub fingerprint: String,
    /// The scheme of its keys.
    pub scheme: KeyScheme,
    /// When it came to this phone, in milliseconds since 1970.
    pub added_ms: u64,
    /// Its accounts on this phone, by index.
    pub accounts: Vec<AccountInfo>,
}

/// An account: what a watching wallet needs to show it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct AccountInfo {
    /// Its number under the seed, from 0.
    pub index: u32,
    /// Its address.
    pub address: String,
    /// Scheme byte (0 Curve25519, 1 Ed25519) and 32 key bytes.
    pub public_key: Vec<u8>,
}

/// A restored seed, with what is unusual about its phrase.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct RestoredSeed {
    /// The seed.
    pub seed: SeedInfo,
    /// V.Systems phrases have no checksum: show these, and have the address compared.
    pub notes: Vec<PhraseNote>,
}

/// What is unusual about a V.Systems phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PhraseNote {
    /// Neither 15 nor 18 words.
    UnusualWordCount {
        /// Words it has.
        found: u32,
    },
    /// A word is not in the list.
    UnknownWord {
        /// Which, from 1.
        position: u32,
    },
    /// Blanks were replaced by single spaces.
    Respaced,
}

/// One question of a backup check. Secret: drop it after it is answered.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct QuizQuestion {
    /// The position asked for, from 1.
    pub position: u32,
    /// Three different words as UTF-8, one of them right.
    pub choices: Vec<Vec<u8>>,
    /// Which of the choices is right, from 0.
    pub answer: u32,
}

/// Something this phone signed.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LogRecord {
    /// The request, 16 bytes.
    pub request_id: Vec<u8>,
    /// The transaction's id, 64 hexadecimal digits.
    pub transaction_id: String,
    /// The address that signed.
    pub address: String,
    /// When, by this phone's clock, in milliseconds since 1970.
    pub signed_ms: u64,
    /// The reply, to be shown once more if the first one was not scanned.
    pub reply: Vec<u8>,
}

impl From<Scheme> for KeyScheme {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Curve25519 => Self::Curve25519,
            Scheme::Ed25519 => Self::Ed25519,
        }
    }
}

impl From<PhraseWarning> for PhraseNote {
    fn from(warning: PhraseWarning) -> Self {
        match warning {
            PhraseWarning::WordCount(found) => Self::UnusualWordCount { found: short(found) },
            PhraseWarning::UnknownWord { position } => Self::UnknownWord { position: short(position) },
            PhraseWarning::Respaced => Self::Respaced,
        }
    }
}

/// Counts of words: a phrase has at most 1,024 bytes.
pub(crate) fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
