//! LAYER consensus management, the active half: minting, voting, and making certificates of votes.
//!
//! Time is an argument: [`Holder::vote`] and [`Holder::mint`] do what is due now, and the same code runs in a node, which asks
//! it at every slot, and in tests, which turn the clock. What a key signed is on disk before the signature exists.
//!
//! **Trust and bounds.** Votes come from anybody. A vote counts only under a key of the link's tables with a
//! signature that holds; one vote is kept for each key and round, and rounds beyond a bound or before the newest
//! justified one are dropped. What a key signs of a kind that excludes something else it signed is kept as evidence by
//! [`Witness`], which is bounded by the keys of slot tables, and reported in the next block that is minted here.

mod holder;
mod miner;
mod minter;
mod rules;
mod sealer;
mod spos_rules;
mod voteless;
mod votes;
mod witness;

pub use holder::Holder;
pub use miner::Miner;
pub use minter::{Ballot, Heard, Minted, Minter, minter};
pub use rules::{Rules, rules};
pub use sealer::Sealer;
pub use spos_rules::SposRules;
pub use voteless::VotelessRules;
pub use votes::{VoteError, VotePool};
pub use witness::Witness;
