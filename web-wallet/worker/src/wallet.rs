//! The wallet in this browser: its encrypted phrase, its accounts, and what of it is unlocked.
//!
//! Nothing here is stored: whoever calls stores what [`Sealed`] and the accessors hold, and only then takes it in.

use light_client::{
    data_format::{Address, Network},
    wallet::{
        AccountEntry, Keyring, PhraseError, Question, Seed,
        keystore::{self, Cost, KeystoreError, SealEntropy, WrapEntropy},
        word_quiz,
    },
};
use web_protocol::{Answer, Problem, Secret, WalletView, WordQuestion};
use zeroize::Zeroizing;

use crate::{platform::Platform, stored::StoredAccount};

/// Characters of a password, at least.
const MIN_PASSWORD: usize = 8;
/// Questions of the word check.
const QUESTIONS: usize = 4;
/// The name of the first account until its owner gives it another.
const FIRST_NAME: &str = "Account 1";

/// What is stored of a wallet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The encrypted phrase.
    pub(crate) keystore: Vec<u8>,
    /// The accounts, in the clear.
    pub(crate) accounts: Vec<StoredAccount>,
    /// Whether the words were checked.
    pub(crate) backed_up: bool,
}

/// The wallet of this browser, if there is one, and what of it is in memory.
pub(crate) struct Wallet {
    network: Network,
    sealed: Option<Sealed>,
    keyring: Option<Keyring>,
    phrase: Option<Phrase>,
}

/// A phrase in memory: made, read, or taken from the keystore.
struct Phrase {
    seed: Seed,
    quiz: Vec<Question>,
    /// Whether it is the stored one: then it goes when the wallet locks itself.
    is_stored: bool,
}

/// A wallet that is ready to be stored, and its keys.
pub(crate) struct Kept {
    /// To be stored.
    pub(crate) sealed: Sealed,
    keyring: Keyring,
}

impl Wallet {
    /// The stored wallet, locked.
    pub(crate) const fn new(network: Network, sealed: Option<Sealed>) -> Self {
        Self { network, sealed, keyring: None, phrase: None }
    }

    /// What is stored of it.
    pub(crate) const fn sealed(&self) -> Option<&Sealed> {
        self.sealed.as_ref()
    }

    /// The keys, if unlocked.
    pub(crate) const fn keyring(&self) -> Option<&Keyring> {
        self.keyring.as_ref()
    }

    /// The accounts with their addresses on this chain's network, in order.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = (Address, &StoredAccount)> {
        let accounts = self.sealed.iter().flat_map(|sealed| &sealed.accounts);
        accounts.filter_map(|account| {
            let key = account.entry.public_key?;
            Some((Address::of(&key, self.network), account))
        })
    }

    /// The first account's address: it names the wallet.
    pub(crate) fn address(&self) -> Option<Address> {
        self.accounts().next().map(|(address, _)| address)
    }

    /// For the page.
    pub(crate) fn view(&self) -> WalletView {
        match &self.sealed {
            None => WalletView::None,
            Some(sealed) => {
                WalletView::Present { unlocked: self.keyring.is_some(), backed_up: sealed.backed_up }
            }
        }
    }

    /// Makes a new phrase and keeps it in memory.
    pub(crate) fn make_phrase(&mut self, words: u8, platform: &impl Platform) -> Result<Answer, Problem> {
        let wrong = || phrase_problem(&PhraseError::WordCount(words.into()));
        let mut entropy = Zeroizing::new([0; 32]);
        let entropy = match words {
            12 => &mut entropy[..16],
            24 => &mut entropy[..],
            _ => return Err(wrong()),
        };
        platform.random(entropy).map_err(Problem::Randomness)?;
        let seed = Seed::generate(entropy).map_err(|_| wrong())?;
        Ok(self.hold(seed, false))
    }

    /// One word of the phrase in memory.
    pub(crate) fn word(&self, position: u8) -> Result<Answer, Problem> {
        let words = self.phrase.as_ref().ok_or(Problem::NoPhrase)?.seed.words();
        let word = words.get(usize::from(position)).ok_or(Problem::NoPhrase)?;
        Ok(Answer::Word(Secret(word.to_string())))
    }

    /// Makes the word check.
    pub(crate) fn make_quiz(&mut self, platform: &impl Platform) -> Result<Answer, Problem> {
        let phrase = self.phrase.as_mut().ok_or(Problem::NoPhrase)?;
        let mut entropy = Zeroizing::new([0; 32]);
        platform.random(&mut entropy[..]).map_err(Problem::Randomness)?;
        phrase.quiz = word_quiz(&phrase.seed, QUESTIONS, &entropy);
        let secret = |word: &Zeroizing<String>| Secret(word.to_string());
        let questions = phrase.quiz.iter().map(|question| WordQuestion {
            position: from_zero(question.position),
            choices: question.choices.each_ref().map(secret),
        });
        Ok(Answer::Quiz(questions.collect()))
    }

    /// Checks the words picked. A wrong one ends this check: the next has other questions.
    pub(crate) fn check_quiz(&mut self, picked: &[Secret]) -> Result<Answer, Problem> {
        let phrase = self.phrase.as_mut().ok_or(Problem::NoPhrase)?;
        if phrase.quiz.is_empty() {
            return Err(Problem::NoPhrase);
        }
        for (index, question) in std::mem::take(&mut phrase.quiz).iter().enumerate() {
            let right = &question.choices[question.answer];
            if picked.get(index).is_none_or(|word| word.0 != **right) {
                return Err(Problem::WrongWord { position: from_zero(question.position) });
            }
        }
        Ok(Answer::Done)
    }

    /// Reads a typed phrase and keeps it in memory.
    pub(crate) fn read_phrase(&mut self, phrase: &Secret, vsystems: bool) -> Result<Answer, Problem> {
        let seed = if vsystems {
            Seed::from_vsystems(&phrase.0).map(|(seed, _)| seed)
        } else {
            Seed::from_bip39(&phrase.0)
        };
        let seed = seed.map_err(|error| phrase_problem(&error))?;
        let key = seed.key(0).map_err(|error| Problem::Phrase { reason: error.to_string(), word: None })?;
        let address = Address::of(&key.public(), self.network);
        self.hold(seed, false);
        Ok(Answer::PhraseRead { address, unchecked: vsystems })
    }

    /// Encrypts the phrase in memory. Nothing changes until [`Wallet::take`].
    pub(crate) fn keep(
        &self,
        password: &Secret,
        backed_up: bool,
        platform: &impl Platform,
    ) -> Result<Kept, Problem> {
        let phrase = self.phrase.as_ref().ok_or(Problem::NoPhrase)?;
        if password.0.chars().count() < MIN_PASSWORD {
            return Err(Problem::WeakPassword);
        }
        let entropy = seal_entropy(platform)?;
        let keystore = keystore::seal(&phrase.seed.to_bytes(), &password.0, Cost::DEFAULT, &entropy)
            .map_err(|error| keystore_problem(&error))?;
        let keyring = Keyring::new(phrase.seed.clone(), self.network);
        let accounts = keyring.accounts().iter().map(|account| StoredAccount {
            entry: AccountEntry::of_seed(account, keyring.fingerprint()),
            name: FIRST_NAME.to_owned(),
        });
        let sealed = Sealed { keystore, accounts: accounts.collect(), backed_up };
        Ok(Kept { sealed, keyring })
    }

    /// Takes in what was stored, unlocked; the phrase in memory goes.
    pub(crate) fn take(&mut self, kept: Kept) {
        let Kept { sealed, keyring } = kept;
        (self.sealed, self.keyring, self.phrase) = (Some(sealed), Some(keyring), None);
    }

    /// Unlocks signing.
    pub(crate) fn unlock(&mut self, password: &Secret) -> Result<Answer, Problem> {
        let keyring = Keyring::new(self.open(password)?, self.network);
        let is_stored = |address| self.accounts().any(|(stored, _)| stored == address);
        if !keyring.accounts().iter().all(|account| is_stored(account.address)) {
            return Err(Problem::DamagedKeystore("the keys are not those of the accounts".to_owned()));
        }
        self.keyring = Some(keyring);
        Ok(Answer::Done)
    }

    /// Forgets the keys, and the stored phrase if it was shown.
    pub(crate) fn lock(&mut self) {
        self.keyring = None;
        if self.phrase.as_ref().is_some_and(|phrase| phrase.is_stored) {
            self.phrase = None;
        }
    }

    /// Whether [`Wallet::lock`] has something to forget.
    pub(crate) fn is_open(&self) -> bool {
        self.keyring.is_some() || self.phrase.as_ref().is_some_and(|phrase| phrase.is_stored)
    }

    /// Reads the stored phrase into memory.
    pub(crate) fn reveal(&mut self, password: &Secret) -> Result<Answer, Problem> {
        let seed = self.open(password)?;
        Ok(self.hold(seed, true))
    }

    /// Wipes the phrase from memory.
    pub(crate) fn forget_phrase(&mut self) {
        self.phrase = None;
    }

    /// Notes that the words were checked; nothing to do without a wallet.
    pub(crate) const fn set_backed_up(&mut self) {
        if let Some(sealed) = &mut self.sealed {
            sealed.backed_up = true;
        }
    }

    /// Whether this is the stored form of another wallet, or of none.
    pub(crate) fn differs(&self, sealed: Option<&Sealed>) -> bool {
        let first = |sealed: Option<&Sealed>| Some(sealed?.accounts.first()?.entry.public_key);
        first(sealed) != first(self.sealed.as_ref())
    }

    /// Takes in what another tab stored; keys and words in memory stay if they are of that wallet.
    pub(crate) fn replace(&mut self, sealed: Option<Sealed>) {
        let keystore = |sealed: &Option<Sealed>| sealed.as_ref().map(|sealed| sealed.keystore.clone());
        if keystore(&sealed) != keystore(&self.sealed) {
            self.lock();
        }
        self.sealed = sealed;
    }

    /// Forgets everything.
    pub(crate) fn erase(&mut self) {
        (self.sealed, self.keyring, self.phrase) = (None, None, None);
    }

    fn open(&self, password: &Secret) -> Result<Seed, Problem> {
        let sealed = self.sealed.as_ref().ok_or(Problem::NoWallet)?;
        let bytes =
            keystore::open(&sealed.keystore, &password.0).map_err(|error| keystore_problem(&error))?;
        Seed::from_bytes(&bytes).map_err(|error| Problem::DamagedKeystore(error.to_string()))
    }

    fn hold(&mut self, seed: Seed, is_stored: bool) -> Answer {
        // No phrase has more than 512 words: 1,024 bytes with a blank between any two.
        let words = u8::try_from(seed.words().len()).unwrap_or(u8::MAX);
        self.phrase = Some(Phrase { seed, quiz: Vec::new(), is_stored });
        Answer::PhraseMade { words }
    }
}

/// Positions count from 1 in the wallet's core, from 0 in the protocol; a phrase has fewer than 256 that matter.
fn from_zero(position: usize) -> u8 {
    u8::try_from(position.saturating_sub(1)).unwrap_or(u8::MAX)
}

fn seal_entropy(platform: &impl Platform) -> Result<SealEntropy, Problem> {
    let mut entropy = SealEntropy {
        data_key: Zeroizing::new([0; 32]),
        secret_nonce: [0; 24],
        wrap: WrapEntropy { salt: [0; 16], nonce: [0; 24] },
    };
    let parts: [&mut [u8]; 4] = [
        &mut entropy.data_key[..],
        &mut entropy.secret_nonce,
        &mut entropy.wrap.salt,
        &mut entropy.wrap.nonce,
    ];
    for part in parts {
        platform.random(part).map_err(Problem::Randomness)?;
    }
    Ok(entropy)
}

fn phrase_problem(error: &PhraseError) -> Problem {
    let word = match error {
        PhraseError::UnknownWord { position } => Some(from_zero(*position)),
        _ => None,
    };
    Problem::Phrase { reason: error.to_string(), word }
}

fn keystore_problem(error: &KeystoreError) -> Problem {
    match error {
        KeystoreError::WrongPassword => Problem::WrongPassword,
        other => Problem::DamagedKeystore(other.to_string()),
    }
}
