//! The wallet's core, the same in the browser, on the hot phone and on the cold one: seed → keyring → draft →
//! review → sign → payment, and what is kept of it.
//!
//! Pure: entropy, time and knowledge of the chain are arguments, changes are values ([`ChangeSet`]) that the host
//! saves. Words on screens are the apps'; the English here is for phones' logs, tests and the command line.
//!
//! **Secrets.** [`Seed`] and [`Keyring`] are wiped when dropped and never printed. Errors name positions, never
//! words. At rest the seed is in a [`keystore`]. Who can read this process's memory while it is unlocked has the
//! keys; who steals the file has to try passwords at Argon2id's price.
//!
//! **Signing.** A [`SignRequest`] may come from a hostile hot wallet. [`review`] and [`sign`] decode the exact
//! bytes that are signed; nothing that only stands beside them is shown as more than a claim. The chain is the
//! signer's own, never the request's. A hostile signer can only refuse: [`verify_reply`] checks before anything is
//! sent.
//!
//! **Bounds.** Every decoder here refuses more than its `MAX_…` before it allocates; a keystore's cost is bounded
//! before its memory is taken.

mod change_set;
mod english;
mod keyring;
pub mod keystore;
mod payment;
mod quiz;
mod request;
mod review;
pub(crate) mod seed;
mod signing;
pub(crate) mod slip10;
#[cfg(test)]
mod tests;
pub mod words;

pub use change_set::{AccountEntry, AccountSource, ChangeSet, MAX_WALLET_BYTES, WalletData};
pub use keyring::{Account, Keyring};
pub use payment::{Payment, PaymentStage, StageError};
pub use quiz::{Question, word_quiz};
pub use request::{
    MAX_BYTES_TO_SIGN, MAX_ORIGIN_BYTES, MAX_REQUEST_PROOF_BYTES, MAX_SIGN_REQUEST_BYTES, ReplyError,
    RequestId, SIGNATURE_REPLY_BYTES, SignRequest, SignatureReply, verify_reply,
};
pub use review::{Caution, Fact, Label, Review, ReviewFacts, Row, Trust, Value, is_printable, review};
pub use seed::{Fingerprint, IndexError, MAX_PHRASE_BYTES, PhraseError, PhraseWarning, Seed};
pub use signing::{SignError, SigningContext, check_request, sign, sign_own};
