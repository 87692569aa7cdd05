//! LAYER consensus management: who may make the next block, and what makes a block final.
//!
//! An [`Engine`] answers the questions that the rest of the system asks of any consensus model; nothing outside
//! this folder knows the answers. [`spos`] is supernode proof of stake.
//!
//! **Trust and bounds.** Headers, votes and certificates come from anybody. Each check is a pure function of
//! its arguments (time is one of them), costs at most a bounded number of signature checks, and never allocates
//! more than the input's size. Failures are typed, one variant for each rule.

mod engine;
pub mod spos;

pub use engine::{Engine, Verdict};
