//! LAYER consensus management, the active half: what a block of a node's chain needs, and making blocks.
//!
//! A chain's spec chooses one model. [`Rules`] says what its blocks need, whom they pay and what they make final;
//! [`Minter`] makes them, and votes. Nothing outside this folder chooses by the model that runs; the
//! type of a block and its certificate of votes is shared by all, and empty where nobody votes. [`spos`] has slots and votes;
//! [`instant`] one sealer and [`proof_of_work`] the most work, and no votes: these share [`VotelessRules`].
//!
//! Time is an argument: a minter does what is due now, and the same code runs in a node, which asks it again at every
//! slot, and in tests, which turn the clock.
//!
//! **Trust and bounds.** Blocks and votes come from anybody; each model says in its own folder what it keeps of them.

pub mod instant;
mod minter;
pub mod proof_of_work;
mod rules;
pub mod spos;
mod voteless;

pub use minter::{Accused, Ballot, Heard, Minted, Minter, minter};
pub use rules::{Led, Rules, rules};
pub use voteless::VotelessRules;
