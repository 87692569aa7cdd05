//! Supernode proof of stake in a node: minting in the slots of its keys, voting, and making certificates of votes.
//!
//! What a key signed is on disk before the signature exists: [`Holder`] asks a record of it first.
//!
//! **Trust and bounds.** Votes come from anybody. A vote counts only for a link between blocks that are held, as their
//! headers say, under a key of the link's tables with a signature that holds: so only holders of slots make a node keep
//! votes. One vote is kept for each key and round, the first, and rounds beyond a bound or up to the newest final one are
//! dropped. A link on whatever branch is justified once its votes suffice, a block with the certificate or not: nobody can
//! keep that back. What a key signs of a kind that excludes something else it signed is kept as evidence by
//! [`Witness`], which is bounded by the keys of slot tables, told to the others, and reported in the next block that is
//! minted here.
//!
//! Hand-overs for light clients are planned over the epochs of slot tables. The plan is kept in memory, about 300 bytes an
//! epoch; a change of the tables makes about three epochs, and costs its maker a fee.

mod hand_overs;
mod holder;
mod retiring;
mod rules;
mod votes;
mod witness;

pub use holder::Holder;
pub use rules::SposRules;
pub use votes::{VoteError, VotePool};
pub use witness::Witness;
