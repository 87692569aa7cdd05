//! The lying server: the honest answer of every kind, and every way to change it.
//!
//! Each [`Message`] is an answer that an honest server gives, with the [`Lie`]s made of it. Lies are made of the value, not
//! only of its bytes: a field of another block, a list in another order, a state that was forged and hashed anew, votes by
//! the keys that a liar may have. [`Message::verify`] tries one on the [`Verifier`](crate::client::Verifier),
//! [`Message::play`] on a [`Client`](crate::client::Client) that asked for it. A lie is caught if nothing but the truth
//! comes of it.

mod account;
mod anchor;
mod block;
mod bytes;
mod forge;
mod hand_over;
mod header;
mod history;
mod lies;
mod lists;
mod message;
mod plain;
mod receipt;
mod scene;
mod stage;
mod state;

pub use lies::{Lie, Lies, Sent};
pub use message::{Message, Said};
pub use scene::Ending;
pub use stage::Stage;

/// About what is not proven, or proves itself.
pub fn plain(stage: &Stage) -> Vec<Message> {
    plain::messages(stage)
}

/// About the newest final block.
pub fn anchor(stage: &Stage) -> Vec<Message> {
    vec![anchor::message(stage)]
}

/// About accounts.
pub fn account(stage: &Stage) -> Vec<Message> {
    account::messages(stage)
}

/// About older history.
pub fn history(stage: &Stage) -> Vec<Message> {
    vec![history::message(stage)]
}

/// About blocks and what is in them.
pub fn block(stage: &Stage) -> Vec<Message> {
    block::messages(stage)
}

/// About receipts.
pub fn receipt(stage: &Stage) -> Vec<Message> {
    vec![receipt::message(stage)]
}

/// About answers from the state.
pub fn state(stage: &Stage) -> Vec<Message> {
    state::messages(stage)
}

/// About hand-overs, on a chain of their own.
pub fn hand_over(_: &Stage) -> Vec<Message> {
    vec![hand_over::message()]
}

/// Every kind of message with its lies.
pub fn messages() -> Vec<Message> {
    let stage = Stage::new();
    let kinds = [plain, anchor, account, history, block, receipt, state, hand_over];
    kinds.into_iter().flat_map(|kind| kind(&stage)).collect()
}
