//! The cold phone wallet: seeds, review rows and signatures on a phone that never goes online.
//!
//! A thin facade over `light_client::wallet`: it decides nothing about coins, it keeps what a phone keeps and
//! crosses the border to Kotlin, Swift and Python. Everything is synchronous; call it off the screen's thread,
//! because the platform's vault may ask its owner for a finger.
//!
//! **Who can send what.** A sign request comes through the camera and may be hostile. It is bounded before it is
//! decoded, its rows are made from the exact bytes that are signed, and its proof is checked here against a
//! checkpoint that this phone already trusts; a request can at worst be refused. The chain file is installed with
//! the app or scanned once, never taken from a request.
//!
//! **What is kept, and who can read it.** [`Storage`] holds accounts, the log and the newest checkpoint in the
//! clear, and each seed encrypted under a random key that only the platform's [`KeyVault`] can unwrap. Who copies
//! the storage has addresses, not keys. Who can write to the storage can make this phone forget what it signed
//! or which checkpoint it saw (a signature of the same bytes is the same signature, so that gains nothing by
//! itself) and can lose seeds, but cannot get at one or swap one unnoticed. Who can run code inside the unlocked
//! app has the keys.
//!
//! **Secrets in memory.** No key outlives the call that needs it. Inside, secrets are in buffers that are wiped;
//! across the border they go as bytes, one word at a time, never as strings. The border's own copies and the
//! platform's arrays cannot be wiped from here: the platform wipes its own. Nothing secret is in an error.
//!
//! **Bounds.** [`MAX_SEEDS`] seeds, [`MAX_ACCOUNTS`] accounts each, [`MAX_LOG_ENTRIES`] log entries (the oldest
//! goes first). Stored files are bounded before they are decoded.
//!
//! No network crate is in this crate's dependency tree: the test `no_network` reads the tree and says so.

mod chain;
mod error;
mod log;
mod platform;
mod record;
mod review;
mod seeds;
mod stored;
mod wallet;

pub use error::{ColdError, PlatformError, PlatformPart};
pub use log::MAX_LOG_ENTRIES;
pub use platform::{Clock, KeyVault, RandomSource, Storage};
pub use record::{
    AccountInfo, ChainInfo, KeyScheme, LogRecord, PhraseNote, QuizQuestion, RestoredSeed, SeedInfo, WordCount,
};
pub use review::{Caution, CautionNote, ProofState, ReviewRow, RowLabel, RowTrust, RowValue, SigningReview};
pub use seeds::{MAX_ACCOUNTS, MAX_SEEDS};
pub use wallet::ColdWallet;

uniffi::setup_scaffolding!();

/// The 2048 English words of BIP-39 in alphabetical order, for completion while a person types.
#[uniffi::export]
pub fn word_list() -> Vec<String> {
    light_client::wallet::words::word_list().iter().map(|word| (*word).to_owned()).collect()
}
