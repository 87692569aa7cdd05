//! Stake: how long coins have been there, and what they earn.
//!
//! [`MintingAverage`] is the weight with which an address contends for a slot: V.Systems' minting average balance.
//! A [`Pool`] collects what a supernode's blocks earn, a [`Position`] is somebody's stake in it (the supernode's own
//! stake is one like any other), and [`Stake`] is the two together, on which all changes are made. A block costs one
//! division, however many positions there are.
//!
//! **Trust and bounds.** All records are part of the state, so they are as true as its root. Arithmetic is checked:
//! numbers that cannot be are a [`StakeError`], never a wrong balance. A position is 56 bytes, whatever happens to it.

mod average;
mod outstanding;
mod pool;
mod position;
mod records;

pub use average::MintingAverage;
pub use outstanding::{OutstandingError, outstanding};
pub use pool::{Pool, RoundEnd};
pub use position::{Position, Stake, StakeError};

#[cfg(test)]
mod tests;
