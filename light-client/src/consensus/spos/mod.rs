//! Supernode proof of stake: a fixed round of slots, each with a holder who mints in it, and finality by votes
//! of the holders over rounds (Casper FFG).
//!
//! A vote is a link from a justified checkpoint to a later one, and names the slot tables of both. A link
//! counts when more than two thirds of *every* table it names signed it; the later checkpoint is then
//! justified, and the earlier one is final if the rounds follow one another. Because the tables' hashes stand
//! under the signatures, a light client follows changes of the tables without reading headers.

mod beacon;
mod certificate;
mod engine;
mod epoch;
mod hand_over;
mod planner;
mod table;
mod tables_update;
mod voting;

pub use super::{Clock, HeaderError, SLOT_TOLERANCE_MS};
pub use beacon::Beacon;
pub use certificate::{Certificate, CertificateError, Electorate, MAX_SIGNERS, SignerSet};
pub use engine::Spos;
pub use epoch::{Epoch, MAX_EPOCH_LINKS};
pub use hand_over::{HandOver, HandOverError, HandOverLink, HandOverStep, HandedOver, MAX_HAND_OVER_LINKS};
pub use planner::{Destination, LOOK_AHEAD, Planner};
pub use table::{Table, TableError, Tables, TablesRef};
pub use tables_update::{TablesError, TablesUpdate};
pub use voting::{Refusal, VotingRecord, vote_position};

pub use crate::data_format::{Evidence, EvidenceError, Link, MAX_EVIDENCE_BYTES, Offence, Triple, Vote};

/// A block of a chain that runs this engine.
pub type Block = crate::data_format::Block<Certificate>;
