use std::{cmp::Ordering, fmt};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::data_format::{BlockId, Header, Height, SealedHeader, Time};

/// What a check says. Not every "no" is a lie: a proof can be honest and still too far from what is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<T, E> {
    /// It holds.
    Success(T),
    /// It cannot be true: whoever sent it lies or is broken.
    Invalid(E),
    /// It may be true, but the trusted signers do not vouch for it: ask for steps in between.
    NotEnoughTrust {
        /// Trusted signers that signed.
        signed: usize,
        /// Trusted signers needed.
        needed: usize,
    },
}

/// A consensus model, as the rest of the system sees it.
pub trait Engine {
    /// Proof in a block's body that earlier blocks became justified; `()` for models without one.
    type Certificate: BorshSerialize + BorshDeserialize + Clone + fmt::Debug + PartialEq;
    /// What the chain before a block says about who may make it.
    type Context;
    /// The rule that a header breaks.
    type HeaderError: std::error::Error;
    /// Where a branch stands in the order of preference; greater is better.
    type Weight: Ord;

    /// When a block was made, according to its header.
    fn time_of(&self, header: &Header) -> Time;

    /// Checks a header against its parent, the chain before it and the clock, seal included.
    ///
    /// # Errors
    /// The first rule broken.
    fn check_header(
        &self,
        parent: &Header,
        context: &Self::Context,
        sealed: &SealedHeader,
        id: &BlockId,
        now: Time,
    ) -> Result<(), Self::HeaderError>;

    /// The weight of a branch by its tip. Equal weights: the branch seen first stays.
    fn weight(&self, tip: &Header) -> Self::Weight;

    /// Which of two tips to build on; `Equal` keeps the one seen first.
    fn prefer(&self, a: &Header, b: &Header) -> Ordering {
        self.weight(a).cmp(&self.weight(b))
    }

    /// How long a new block of this model takes at best, in milliseconds: for progress and time-outs.
    fn block_interval_ms(&self) -> u64;

    /// Whether the chain's rules let a node leave `tip` for a branch that forks off at `fork`, given the newest
    /// final height.
    fn may_leave(&self, final_height: Height, fork: Height) -> bool {
        fork >= final_height
    }
}
