//! Every sentence of the wallet, in English.
//!
//! Components take their text from here and hold none themselves; a test reads their sources. Sentences with figures are functions, so that another
//! language can order and inflect them its own way.

mod everywhere;
mod home;
mod payments;
mod problems;
mod settings;
mod setup;
mod shape;
#[cfg(test)]
mod tests;
mod time;
mod trust;

pub(crate) use everywhere::*;
pub(crate) use home::*;
pub(crate) use payments::*;
pub(crate) use problems::{Said, problem};
pub(crate) use settings::*;
pub(crate) use setup::*;
pub(crate) use shape::{Group, ends, grouped, groups, number, parts, plain, plural, signed};
pub(crate) use time::{Local, age, clock, day_and_clock, duration, month, within};
pub(crate) use trust::*;
