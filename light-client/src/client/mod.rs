//! The light client: from bytes that nobody has to believe to facts that are proven.
//!
//! [`Verifier`] turns [bundles](Bundle) into facts; [`Client`] decides whom to ask for what, and when. Types
//! carry trust: [`Claimed`] is what somebody said, [`Verified`] is proven of a block, [`Final`] of a final one.
//!
//! **Trust and bounds.** The chain's spec and one [`TrustedCheckpoint`] are given, by a file beside the wallet or
//! by a person; the device's clock is believed. Everything else comes from servers and is proven or refused.
//! Every bundle is bounded before it is decoded and checked with a bounded number of signatures.

mod answers;
mod block;
mod bundle;
mod facts;
mod fate;
mod machine;
mod parameters;
mod receipt;
mod standing;
mod store;
mod trusted;
mod verifier;

pub use crate::consensus::{
    Anchor, AnchorError, Trusted, TrustedCheckpoint,
    spos::{HandOver, HandOverError},
};
pub use answers::{ProvenAnswers, Slots};
pub use block::{BlockName, BlockNameError};
pub use bundle::{
    AccountBundle, BUNDLE_VERSION, Bundle, ChainCheckpoint, ChainParameters, HeaderBundle, HeaderPath,
    HeaderRow, HistoryPage, MAX_RECORDS, MAX_STATE_WITNESS_BYTES, MAX_TIP_HEADERS, Questions, StateBundle,
    TransactionBundle,
};
pub use facts::{Claimed, Final, Position, Settled, Verified};
pub use fate::Fate;
pub use machine::{
    AccountState, Agreed, Branch, Client, ConfirmError, Event, Fork, Grade, Health, KEPT_RECORDS, Lie,
    LoadedHistory, Method, PaymentState, Proven, Request, RequestId, Response, RestoreError, Server, Sync,
    TrackedPayment, TransportError,
};
pub use receipt::{ProvenPayment, Receipt};
pub use standing::{Standing, standing};
pub use store::{DamagedState, MemoryStateStore, StateStore, open_state, seal_state};
pub use trusted::{ChainFile, ChainFileError, MAX_SERVERS};
pub use verifier::{ProofFailure, ProvenAccount, Verifier};
