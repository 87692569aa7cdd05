//! Supernode proof of stake in a node: minting in the slots of its keys, voting, and making certificates of votes.
//!
//! What a key signed is on disk before the signature exists: [`Holder`] asks a record of it first.
//!
//! **Trust and bounds.** Votes come from anybody. A vote counts only under a key of the link's tables with a
//! signature that holds; one vote is kept for each key and round, and rounds beyond a bound or before the newest
//! justified one are dropped. What a key signs of a kind that excludes something else it signed is kept as evidence by
//! [`Witness`], which is bounded by the keys of slot tables, and reported in the next block that is minted here.

mod holder;
mod rules;
mod votes;
mod witness;

pub use holder::Holder;
pub use rules::SposRules;
pub use votes::{VoteError, VotePool};
pub use witness::Witness;
