//! What the page knows and how it changes, without a browser.
//!
//! A [`Message`], or what was [`heard`] from the worker, and the [`Model`] before it give the model after it and a list of [`Effect`]s, which the page's component carries out. Chain facts
//! come from the worker's view alone and are never written here; the rest is forms, where a person is, and which command waits for its answer.
//!
//! Trust and bounds: messages come from the person, from the clock and from our own worker. Forms hold what one person typed, cut at
//! [`MAX_TYPED`] bytes; passwords and words are [`web_protocol::Secret`]s and are dropped when the person leaves the place that needs them.

mod answers;
mod forms;
mod message;
mod model;
mod password;
mod pay;
mod progress;
mod route;
mod select;
mod setup;
#[cfg(test)]
mod tests;
mod update;

pub(crate) use answers::heard;
pub(crate) use forms::{After, Desk, MAX_MEMO, SendForm, Setup, Sheet};
pub(crate) use message::{Effect, Message};
pub(crate) use model::{Line, MAX_TYPED, Model, Notice, Place, Waiting};
pub(crate) use password::Strength;
pub(crate) use progress::{Step, StepKind, StepState, steps};
pub(crate) use route::{CreateStage, PhraseStage, RestoreStage, Route, Tab};
pub(crate) use select::{Movement, Seal, Slot, movements};
pub(crate) use update::update;
