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

/// Every kind of message with its lies.
pub fn messages() -> Vec<Message> {
    let stage = Stage::new();
    [
        plain::messages(&stage),
        vec![anchor::message(&stage)],
        account::messages(&stage),
        vec![history::message(&stage)],
        block::messages(&stage),
        vec![receipt::message(&stage)],
        state::messages(&stage),
        vec![hand_over::message()],
    ]
    .into_iter()
    .flatten()
    .collect()
}
