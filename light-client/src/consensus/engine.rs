use std::{fmt, sync::Arc};

use super::{
    Anchor, AnchorError, Clock, HeaderError, Instant, ProofOfWork, Spos, Trusted,
    spos::{HandOver, HandOverError, HandedOver, Tables},
};
use crate::data_format::{BlockId, ChainId, ChainSpec, EngineSpec, Header, SealedHeader, Slot, Time, Vote};

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

/// A consensus model, as the rest of the system sees it. The chain's spec chooses which one runs; nothing outside
/// this folder asks which one that is.
pub trait Engine: fmt::Debug + Send + Sync {
    /// The chain it runs.
    fn chain(&self) -> &ChainId;

    /// The clock of its slots.
    fn clock(&self) -> &Clock;

    /// When a block of this slot was made.
    fn time_of(&self, slot: Slot) -> Time {
        self.clock().start(slot)
    }

    /// How long a new block takes, in milliseconds, when all is well.
    fn block_interval_ms(&self) -> u64;

    /// How often a newer block becomes final, in milliseconds, when all is well.
    fn final_every_ms(&self) -> u64;

    /// How old the newest final block becomes before a newer one is final, in milliseconds, when all is well.
    fn final_age_ms(&self) -> u64;

    /// How old the newest final block becomes before finality stands still, in milliseconds: longer than when all is well by
    /// two chances, because one may be lost with a slow signer.
    fn final_late_ms(&self) -> u64 {
        self.final_age_ms().saturating_add(self.final_every_ms().saturating_mul(2))
    }

    /// About how long a block of this slot takes to become final, in milliseconds from `now`.
    fn final_in_ms(&self, block: Slot, now: Time) -> u64;

    /// What a block adds to the weight of its branch; its seal must have been checked. The heaviest branch on the highest
    /// justified checkpoint is the best one, and of two equals the one seen first.
    fn weight(&self, sealed: &SealedHeader) -> u128;

    /// Checks that a sealed header follows its parent; all that can be known without the state. `trusted` is a final
    /// block not long before it.
    ///
    /// # Errors
    /// The first rule broken.
    fn check_successor(
        &self,
        trusted: &Trusted,
        parent: &Header,
        sealed: &SealedHeader,
        id: &BlockId,
        now: Time,
    ) -> Result<(), HeaderError>;

    /// Checks the proof that a header is final, from a block that is trusted; gives what to trust from now on.
    ///
    /// # Errors
    /// The first rule broken.
    fn advance(&self, trusted: &Trusted, anchor: &Anchor, now: Time) -> Result<Trusted, AnchorError>;

    /// Signatures under a proof that [`Engine::advance`] accepted, and how many could have signed; `None` where nobody
    /// votes.
    fn signatures(&self, trusted: &Trusted, anchor: &Anchor) -> Option<(u32, u32)>;

    /// The votes that a proof carries which [`Engine::advance`] accepted from a block with these tables; none where nobody
    /// votes.
    fn votes(&self, _: &Tables, _: &Anchor) -> Vec<Vote> {
        Vec::new()
    }

    /// Checks the steps that lead from a trusted block over changes of those who vote; gives what to trust from now on.
    ///
    /// # Errors
    /// The first rule broken; [`HandOverError::Kind`] where nobody votes.
    fn hand_over(&self, _: &Trusted, _: &HandOver, _: Time) -> Result<HandedOver, HandOverError> {
        Err(HandOverError::Kind)
    }
}

/// The engine that a checked spec chooses.
pub fn engine(spec: &ChainSpec) -> Arc<dyn Engine> {
    let (chain, clock) = (spec.id(), Clock::new(spec));
    match &spec.engine {
        EngineSpec::Spos(_) => Arc::new(Spos::new(spec)),
        EngineSpec::Instant(rules) => Arc::new(Instant::new(chain, clock, rules)),
        EngineSpec::ProofOfWork(rules) => Arc::new(ProofOfWork::new(chain, clock, rules)),
    }
}
