use std::fmt;

use bip39::{Error as Bip39Error, Language, Mnemonic};
use borsh::{BorshDeserialize, BorshSerialize};
use sha2::Sha512;
use zeroize::Zeroizing;

use super::{slip10, words};
use crate::{
    crypto::{Domain, Hash, KeyPair, Scheme, VsystemsKey, account_seed},
    data_format::{DecodeError, codec},
};

/// Bytes of a phrase, at most.
pub const MAX_PHRASE_BYTES: usize = 1024;

/// The coin number of V.Systems in SLIP-0044.
const COIN: u32 = 360;
const PURPOSE: u32 = 44;

/// What a person backs up, and what every key of a wallet comes from. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct Seed(Kind);

#[derive(Clone)]
enum Kind {
    Bip39 { mnemonic: Mnemonic, stretched: Zeroizing<[u8; 64]> },
    Vsystems(Zeroizing<String>),
}

/// Four bytes that name a seed without telling anything of it: a hash of its first public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Fingerprint(pub [u8; 4]);

/// A phrase that cannot be taken. Positions start at 1; the words themselves are never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhraseError {
    /// Nothing was typed.
    #[error("the phrase is empty")]
    Empty,
    /// More than any phrase has.
    #[error("the phrase has {0} bytes, at most 1024 are allowed")]
    TooLong(usize),
    /// Neither 16 nor 32 bytes of entropy.
    #[error("a seed is made of 16 or 32 bytes of entropy, not of {0}")]
    Entropy(usize),
    /// Neither 12 nor 24 words.
    #[error("a phrase has 12 or 24 words, this one has {0}")]
    WordCount(usize),
    /// A word is not in the list.
    #[error("word {position} is not in the word list")]
    UnknownWord {
        /// Which, from 1.
        position: usize,
    },
    /// All words are known, but they do not belong together.
    #[error("the words do not fit together: one is wrong or two are swapped")]
    Checksum,
}

/// What is unusual about a V.Systems phrase. Such phrases have no checksum: another word silently gives another
/// wallet, so the address must be shown and compared before funds move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhraseWarning {
    /// V.Systems wallets make 15 words, some phones 18; this phrase has another number.
    WordCount(usize),
    /// A word is not in the list.
    UnknownWord {
        /// Which, from 1.
        position: usize,
    },
    /// There were blanks other than one space between words; they were replaced.
    Respaced,
}

/// An account index from 2^31 on, which a BIP-39 seed has no account for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no account {0}: account numbers end at 2147483647")]
pub struct IndexError(pub u32);

impl Seed {
    /// A new seed of 12 or 24 words, from 16 or 32 bytes of entropy.
    ///
    /// # Errors
    /// [`PhraseError::Entropy`] for another number of bytes.
    pub fn generate(entropy: &[u8]) -> Result<Self, PhraseError> {
        let wrong = PhraseError::Entropy(entropy.len());
        if entropy.len() != 16 && entropy.len() != 32 {
            return Err(wrong);
        }
        Mnemonic::from_entropy_in(Language::English, entropy).map(Self::from_mnemonic).map_err(|_| wrong)
    }

    fn from_mnemonic(mnemonic: Mnemonic) -> Self {
        let mut phrase = Zeroizing::new(String::with_capacity(MAX_PHRASE_BYTES));
        for word in mnemonic.words() {
            if !phrase.is_empty() {
                phrase.push(' ');
            }
            phrase.push_str(word);
        }
        let stretched = stretch(&phrase, "");
        Self(Kind::Bip39 { mnemonic, stretched })
    }

    /// Restores from 12 or 24 English BIP-39 words, whatever their case and the blanks between them.
    ///
    /// # Errors
    /// [`PhraseError`].
    pub fn from_bip39(phrase: &str) -> Result<Self, PhraseError> {
        check_length(phrase)?;
        let mut lower = Zeroizing::new(String::with_capacity(phrase.len()));
        lower.extend(phrase.chars().map(|c| c.to_ascii_lowercase()));
        match lower.split_whitespace().count() {
            0 => return Err(PhraseError::Empty),
            12 | 24 => {}
            count => return Err(PhraseError::WordCount(count)),
        }
        match Mnemonic::parse_in_normalized(Language::English, &lower) {
            Ok(mnemonic) => Ok(Self::from_mnemonic(mnemonic)),
            Err(Bip39Error::UnknownWord(index)) => Err(PhraseError::UnknownWord { position: index + 1 }),
            Err(_) => Err(PhraseError::Checksum),
        }
    }

    /// Restores from a phrase of the existing V.Systems network. Blanks around it are dropped, blanks within
    /// become single spaces; everything else counts as it stands, its case too.
    ///
    /// # Errors
    /// [`PhraseError::Empty`] and [`PhraseError::TooLong`]; nothing else is refused, only warned about.
    pub fn from_vsystems(phrase: &str) -> Result<(Self, Vec<PhraseWarning>), PhraseError> {
        check_length(phrase)?;
        let mut plain = Zeroizing::new(String::with_capacity(phrase.len()));
        let mut warnings = Vec::new();
        let mut count = 0;
        for word in phrase.split_whitespace() {
            if count > 0 {
                plain.push(' ');
            }
            plain.push_str(word);
            count += 1;
            if !words::is_word(word) {
                warnings.push(PhraseWarning::UnknownWord { position: count });
            }
        }
        if count == 0 {
            return Err(PhraseError::Empty);
        }
        if count != 15 && count != 18 {
            warnings.insert(0, PhraseWarning::WordCount(count));
        }
        if *plain != phrase.trim() {
            warnings.push(PhraseWarning::Respaced);
        }
        Ok((Self(Kind::Vsystems(plain)), warnings))
    }

    /// The words, to be shown one at a time.
    pub fn words(&self) -> Vec<Zeroizing<String>> {
        match &self.0 {
            Kind::Bip39 { mnemonic, .. } => {
                mnemonic.words().map(|word| Zeroizing::new(word.into())).collect()
            }
            Kind::Vsystems(phrase) => phrase.split(' ').map(|word| Zeroizing::new(word.into())).collect(),
        }
    }

    /// The signature scheme of its keys.
    pub const fn scheme(&self) -> Scheme {
        match self.0 {
            Kind::Bip39 { .. } => Scheme::Ed25519,
            Kind::Vsystems(_) => Scheme::Curve25519,
        }
    }

    /// The key of an account. BIP-39: SLIP-0010 Ed25519 at `m/44'/360'/index'/0'`. V.Systems: its own derivation,
    /// from 0 too.
    ///
    /// # Errors
    /// [`IndexError`] from 2^31 on.
    pub fn key(&self, index: u32) -> Result<KeyPair, IndexError> {
        if index > i32::MAX as u32 {
            return Err(IndexError(index));
        }
        Ok(self.derive(index))
    }

    fn derive(&self, index: u32) -> KeyPair {
        match &self.0 {
            Kind::Bip39 { stretched, .. } => {
                KeyPair::ed25519(&slip10::derive(&stretched[..], &[PURPOSE, COIN, index, 0]))
            }
            Kind::Vsystems(phrase) => {
                KeyPair::Curve25519(VsystemsKey::from_account_seed(&account_seed(phrase, index)))
            }
        }
    }

    /// What names this seed: the first four bytes of a hash of account 0's public key.
    pub fn fingerprint(&self) -> Fingerprint {
        let first = codec::encode(&self.derive(0).public());
        let [a, b, c, d, ..] = Hash::of(Domain::SEED_FINGERPRINT, &[&first]).0;
        Fingerprint([a, b, c, d])
    }

    /// The bytes a keystore keeps: one byte for the kind (0 BIP-39, 1 V.Systems), then entropy or phrase.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Allocated once, or a copy of the secret would stay behind where the buffer grew.
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + MAX_PHRASE_BYTES));
        match &self.0 {
            Kind::Bip39 { mnemonic, .. } => {
                let (entropy, length) = mnemonic.to_entropy_array();
                let entropy = Zeroizing::new(entropy);
                bytes.push(0);
                bytes.extend_from_slice(&entropy[..length]);
            }
            Kind::Vsystems(phrase) => {
                bytes.push(1);
                bytes.extend_from_slice(phrase.as_bytes());
            }
        }
        bytes
    }

    /// Reads what [`Seed::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let malformed = || DecodeError::Malformed("these bytes are not a seed".to_owned());
        match bytes.split_first() {
            Some((0, entropy)) => Self::generate(entropy).map_err(|_| malformed()),
            Some((1, phrase)) => {
                let phrase = std::str::from_utf8(phrase).map_err(|_| malformed())?;
                let (seed, warnings) = Self::from_vsystems(phrase).map_err(|_| malformed())?;
                let kept = !warnings.contains(&PhraseWarning::Respaced) && phrase.trim() == phrase;
                if kept { Ok(seed) } else { Err(malformed()) }
            }
            _ => Err(malformed()),
        }
    }
}

/// BIP-39's seed: PBKDF2 with HMAC-SHA512, 2048 rounds. (Not the `bip39` crate's own: that would bring a second
/// SHA-512 into the browser's download.)
pub(crate) fn stretch(phrase: &str, passphrase: &str) -> Zeroizing<[u8; 64]> {
    let mut seed = Zeroizing::new([0; 64]);
    let salt = Zeroizing::new(format!("mnemonic{passphrase}"));
    pbkdf2::pbkdf2_hmac::<Sha512>(phrase.as_bytes(), salt.as_bytes(), 2048, &mut seed[..]);
    seed
}

fn check_length(phrase: &str) -> Result<(), PhraseError> {
    if phrase.len() > MAX_PHRASE_BYTES { Err(PhraseError::TooLong(phrase.len())) } else { Ok(()) }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({:?})", self.scheme())
    }
}

/// Eight hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}
