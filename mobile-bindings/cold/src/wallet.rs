use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use light_client::{
    data_format::Time,
    wallet::{Fingerprint, Keyring, Seed, SignRequest, word_quiz},
};
use zeroize::Zeroizing;

use crate::{
    ChainInfo, Clock, ColdError, KeyVault, LogRecord, PlatformPart, QuizQuestion, RandomSource, RestoredSeed,
    SeedInfo, SigningReview, Storage, WordCount,
    chain::Chain,
    platform::random,
    record::short,
    seeds::{self, SeedBook},
};

/// The cold wallet of one chain on one phone.
#[derive(uniffi::Object)]
pub struct ColdWallet {
    vault: Arc<dyn KeyVault>,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    source: Arc<dyn RandomSource>,
    state: Mutex<State>,
}

/// What is kept, as it is stored: it changes only after the storage did.
struct State {
    book: SeedBook,
    chain: Chain,
}

#[uniffi::export]
impl ColdWallet {
    /// Opens the wallet of the chain that `chain_file` (the bytes of a `chain.json`, installed with the app or
    /// scanned once) describes, with whatever the storage holds.
    ///
    /// # Errors
    /// [`ColdError::ChainFile`], [`ColdError::Damaged`], or the storage's failure.
    #[uniffi::constructor]
    pub fn new(
        chain_file: Vec<u8>,
        vault: Arc<dyn KeyVault>,
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        random_source: Arc<dyn RandomSource>,
    ) -> Result<Self, ColdError> {
        let chain = Chain::open(&chain_file, storage.as_ref())?;
        let book = SeedBook::load(storage.as_ref())?;
        let state = Mutex::new(State { book, chain });
        Ok(Self { vault, storage, clock, source: random_source, state })
    }

    /// The chain this wallet signs for.
    pub fn chain(&self) -> ChainInfo {
        self.state().chain.info()
    }

    /// The seeds on this phone, in the order they came.
    pub fn seeds(&self) -> Vec<SeedInfo> {
        let state = self.state();
        let network = state.chain.spec().network;
        state.book.entries().iter().map(|entry| entry.info(network)).collect()
    }

    /// A new seed from the platform's random source.
    ///
    /// # Errors
    /// [`ColdError::WeakRandom`], [`ColdError::TooManySeeds`], or the platform's failure.
    pub fn create_seed(&self, words: WordCount) -> Result<SeedInfo, ColdError> {
        let seed = match words {
            WordCount::Twelve => Seed::generate(&random::<16>(self.source.as_ref())?[..])?,
            WordCount::TwentyFour => Seed::generate(&random::<32>(self.source.as_ref())?[..])?,
        };
        self.add(&seed)
    }

    /// A new seed from 16 or 32 bytes of entropy of its owner's making, such as dice.
    ///
    /// # Errors
    /// [`ColdError::EntropyLength`], or as [`ColdWallet::create_seed`].
    pub fn create_seed_from_entropy(&self, entropy: Vec<u8>) -> Result<SeedInfo, ColdError> {
        let entropy = Zeroizing::new(entropy);
        self.add(&Seed::generate(&entropy)?)
    }

    /// Restores a seed from 12 or 24 BIP-39 words in UTF-8.
    ///
    /// # Errors
    /// A `phrase_…`, `word_count` or `unknown_word` error, [`ColdError::SeedExists`], or as
    /// [`ColdWallet::create_seed`].
    pub fn restore_bip39(&self, phrase: Vec<u8>) -> Result<SeedInfo, ColdError> {
        let phrase = Zeroizing::new(phrase);
        self.add(&Seed::from_bip39(text(&phrase)?)?)
    }

    /// Restores a phrase of the existing V.Systems network, in UTF-8. Another word silently gives another wallet:
    /// show the notes and have the address compared.
    ///
    /// # Errors
    /// [`ColdError::PhraseEmpty`], [`ColdError::PhraseTooLong`], [`ColdError::SeedExists`], or as
    /// [`ColdWallet::create_seed`].
    pub fn restore_vsystems(&self, phrase: Vec<u8>) -> Result<RestoredSeed, ColdError> {
        let phrase = Zeroizing::new(phrase);
        let (seed, warnings) = Seed::from_vsystems(text(&phrase)?)?;
        let notes = warnings.into_iter().map(Into::into).collect();
        Ok(RestoredSeed { seed: self.add(&seed)?, notes })
    }

    /// Takes one more account of a seed into the wallet; the vault asks its owner.
    ///
    /// # Errors
    /// [`ColdError::UnknownSeed`], [`ColdError::AccountIndex`], [`ColdError::TooManyAccounts`], or the
    /// platform's failure.
    pub fn add_account(&self, fingerprint: String, index: u32) -> Result<SeedInfo, ColdError> {
        let mut state = self.state();
        let seed = self.open(&state, &fingerprint)?;
        let book = state.book.with_account(&seed, index)?;
        book.save(self.storage.as_ref())?;
        state.book = book;
        Ok(state.book.find(&fingerprint)?.info(state.chain.spec().network))
    }

    /// One word of a seed's phrase in UTF-8, for the reveal screen: positions start at 1. The vault asks its
    /// owner.
    ///
    /// # Errors
    /// [`ColdError::UnknownSeed`], [`ColdError::WordPosition`], or the platform's failure.
    pub fn reveal_word(&self, fingerprint: String, position: u32) -> Result<Vec<u8>, ColdError> {
        let words = self.open(&self.state(), &fingerprint)?.words();
        let index = usize::try_from(position).unwrap_or(usize::MAX).checked_sub(1);
        index
            .and_then(|index| words.get(index))
            .map(|word| word.as_bytes().to_vec())
            .ok_or_else(|| ColdError::WordPosition { position, count: short(words.len()) })
    }

    /// How many words a seed's phrase has. The vault asks its owner.
    ///
    /// # Errors
    /// [`ColdError::UnknownSeed`], or the platform's failure.
    pub fn count_words(&self, fingerprint: String) -> Result<u32, ColdError> {
        Ok(short(self.open(&self.state(), &fingerprint)?.words().len()))
    }

    /// A backup check of `count` questions (or as many as there are words), in the order of the phrase.
    ///
    /// # Errors
    /// [`ColdError::UnknownSeed`], or the platform's failure.
    pub fn backup_quiz(&self, fingerprint: String, count: u32) -> Result<Vec<QuizQuestion>, ColdError> {
        let seed = self.open(&self.state(), &fingerprint)?;
        let entropy = random::<32>(self.source.as_ref())?;
        let questions = word_quiz(&seed, usize::try_from(count).unwrap_or(usize::MAX), &entropy);
        Ok(questions
            .into_iter()
            .map(|question| QuizQuestion {
                position: short(question.position),
                choices: question.choices.iter().map(|word| word.as_bytes().to_vec()).collect(),
                answer: short(question.answer),
            })
            .collect())
    }

    /// What a sign request would sign, as rows; refuses what [`ColdWallet::sign`] would refuse. A checkpoint that
    /// the request's proof leads to is remembered.
    ///
    /// # Errors
    /// [`ColdError::NotARequest`], [`ColdError::Refused`], [`ColdError::OtherSender`],
    /// [`ColdError::KeyNotHeld`], [`ColdError::AlreadySigned`], [`ColdError::Stale`], or the platform's failure.
    pub fn review(&self, request: Vec<u8>) -> Result<SigningReview, ColdError> {
        let request = decode(&request)?;
        let now = self.now()?;
        self.state_mut(|State { book, chain }| chain.review(&request, book, now, self.storage.as_ref()))
    }

    /// Signs what [`ColdWallet::review`] showed, once its reader said yes: the same bytes give the same rows. The
    /// vault asks its owner; the log has the entry before the reply is returned.
    ///
    /// # Errors
    /// As [`ColdWallet::review`], and [`ColdError::SeedUnreadable`].
    pub fn sign(&self, request: Vec<u8>) -> Result<Vec<u8>, ColdError> {
        let request = decode(&request)?;
        let now = self.now()?;
        self.state_mut(|State { book, chain }| {
            let checked = chain.check(&request, book, now, self.storage.as_ref())?;
            let seed = seeds::open(checked.fingerprint, self.vault.as_ref(), self.storage.as_ref())?;
            let mut keyring = Keyring::new(seed, chain.spec().network);
            keyring.derive(checked.account_index)?;
            let reply = chain.sign(&request, &checked, &keyring, now, self.storage.as_ref())?;
            Ok(reply.encode())
        })
    }

    /// What this phone signed on this chain, newest first.
    pub fn log(&self) -> Vec<LogRecord> {
        self.state().chain.log().records()
    }

    /// Destroys a seed on this phone. Its phrase restores it.
    ///
    /// # Errors
    /// [`ColdError::UnknownSeed`], or the platform's failure: then it is still listed, and may be removed again.
    pub fn remove_seed(&self, fingerprint: String) -> Result<(), ColdError> {
        self.state_mut(|state| {
            let fingerprint = state.book.find(&fingerprint)?.fingerprint;
            self.destroy(state, fingerprint)
        })
    }

    /// Destroys every seed, the log and the checkpoint of this chain.
    ///
    /// # Errors
    /// The platform's failure: what is still there may be erased again.
    pub fn erase(&self) -> Result<(), ColdError> {
        self.state_mut(|state| {
            let seeds: Vec<Fingerprint> = state.book.entries().iter().map(|e| e.fingerprint).collect();
            for fingerprint in seeds {
                self.destroy(state, fingerprint)?;
            }
            SeedBook::remove_file(self.storage.as_ref())?;
            state.chain.forget(self.storage.as_ref())
        })
    }
}

impl ColdWallet {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in between leaves the state as it was stored.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut<T>(&self, change: impl FnOnce(&mut State) -> Result<T, ColdError>) -> Result<T, ColdError> {
        change(&mut self.state())
    }

    fn now(&self) -> Result<Time, ColdError> {
        self.clock
            .now_ms()
            .map(Time)
            .map_err(|failure| ColdError::Platform { part: PlatformPart::Clock, failure })
    }

    fn open(&self, state: &State, fingerprint: &str) -> Result<Seed, ColdError> {
        let fingerprint = state.book.find(fingerprint)?.fingerprint;
        seeds::open(fingerprint, self.vault.as_ref(), self.storage.as_ref())
    }

    /// The sealed seed is stored first: a seed that is listed can be opened.
    fn add(&self, seed: &Seed) -> Result<SeedInfo, ColdError> {
        let added = self.now()?;
        self.state_mut(|state| {
            let book = state.book.with_seed(seed, added)?;
            seeds::seal(seed, self.vault.as_ref(), self.storage.as_ref(), self.source.as_ref())?;
            book.save(self.storage.as_ref())?;
            state.book = book;
            Ok(state.book.find(&seed.fingerprint().to_string())?.info(state.chain.spec().network))
        })
    }

    fn destroy(&self, state: &mut State, fingerprint: Fingerprint) -> Result<(), ColdError> {
        seeds::destroy(fingerprint, self.vault.as_ref(), self.storage.as_ref())?;
        let book = state.book.without(fingerprint);
        book.save(self.storage.as_ref())?;
        state.book = book;
        Ok(())
    }
}

fn text(phrase: &[u8]) -> Result<&str, ColdError> {
    std::str::from_utf8(phrase).map_err(|_| ColdError::PhraseNotText)
}

fn decode(request: &[u8]) -> Result<SignRequest, ColdError> {
    SignRequest::decode(request).map_err(|error| ColdError::NotARequest { reason: error.to_string() })
}
