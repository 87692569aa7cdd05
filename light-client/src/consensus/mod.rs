//! LAYER consensus management: who may make the next block, and what makes a block final.
//!
//! An [`Engine`] answers the questions that the rest of the system asks of any consensus model; nothing outside
//! this folder knows which one runs. [`spos`] is supernode proof of stake; [`instant`] a chain with one sealer, for
//! development; [`proof_of_work`] follows the most work.
//!
//! **Trust and bounds.** Headers, votes and certificates come from anybody. Each check is a pure function of
//! its arguments (time is one of them), costs at most a bounded number of signature checks, and never allocates
//! more than the input's size. Failures are typed, one variant for each rule.

mod anchor;
mod clock;
mod engine;
mod header;
pub mod instant;
mod moment;
pub mod proof_of_work;
pub mod spos;
mod trusted;

pub use anchor::{Anchor, AnchorError, Buried, MAX_BURIED};
pub use clock::{Clock, SLOT_TOLERANCE_MS};
pub use engine::{Engine, Verdict, engine};
pub use header::{HeaderError, genesis};
pub use instant::Instant;
pub use proof_of_work::ProofOfWork;
pub use spos::Spos;
pub use trusted::{Trusted, TrustedCheckpoint};
