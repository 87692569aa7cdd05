//! The node as a whole, in virtual time: every test turns the clock itself.

mod answers;
mod branches;
mod checks;
mod contending;
pub(crate) mod crashes;
mod engines;
mod equivocation;
mod evidence;
mod faults;
mod finality;
mod full_disk;
mod hand_overs;
pub(crate) mod harness;
mod leases;
mod payments;
mod proofs;
mod pruning;
mod recovery;
mod rows;
mod scene;
mod simulation;
mod stores;
mod supernodes;
mod tampering;
mod vacating;
mod voting;
mod waiting;
