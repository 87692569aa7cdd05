//! What the page and the worker say to each other: Borsh bytes in `postMessage`.
//!
//! The worker holds the light client and the keys; the page shows what it is told and passes on what a person
//! does. The worker pushes a whole [`View`] whenever anything changed; the page never computes a chain fact.
//!
//! **Trust and bounds.** Both ends are ours and come from one build; a message that does not decode is a bug and
//! is shown as one. Secrets cross only where a person must see or type them: passwords and phrases go to the
//! worker, single words come back.

mod command;
mod view;

pub use command::{AmountField, Answer, Command, FromWorker, Problem, Secret, ToWorker, WordQuestion};
pub use view::{
    AccountView, ChainView, Fact, HistoryRow, MovementKind, Notice, PaymentStep, PaymentView, ProofView,
    Review, ServerHealth, ServerView, SyncView, View, WalletView, seen,
};

/// Reads a message of the other side.
///
/// # Errors
/// Borsh's, if the other side comes from another build.
pub fn decode<T: borsh::BorshDeserialize>(bytes: &[u8]) -> Result<T, borsh::io::Error> {
    borsh::from_slice(bytes)
}

/// Reads what the worker says; `None` for a view of another tab that does not read, and is not shown.
///
/// # Errors
/// Borsh's, if the worker comes from another build.
pub fn heard(bytes: &[u8]) -> Result<Option<FromWorker>, borsh::io::Error> {
    match decode(bytes) {
        Err(_) if bytes.first() == Some(&view::SEEN) => Ok(None),
        said => said.map(Some),
    }
}

/// Writes a message for the other side.
///
/// # Errors
/// Borsh's; writing to memory does not fail.
pub fn encode<T: borsh::BorshSerialize>(message: &T) -> Result<Vec<u8>, borsh::io::Error> {
    borsh::to_vec(message)
}
