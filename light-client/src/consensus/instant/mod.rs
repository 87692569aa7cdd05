//! A chain with one sealer, for development: a block is made when there is something to put into it, and is final at
//! once.
//!
//! The sealer is trusted with everything but the rules of the state: it can leave transactions out and, by sealing two
//! blocks of one height, show different people different chains. Who holds the other block has the proof.

use super::{
    Anchor, AnchorError, Clock, Engine, HeaderError, Trusted,
    anchor::{check_height, check_trusted},
    header::{check_common, check_time, check_voteless},
};
use crate::{
    crypto::{Ed25519Key, Hash},
    data_format::{BlockId, ChainId, Header, InstantSpec, SealedHeader, Slot, Time},
};

/// The engine of a chain with one sealer.
#[derive(Clone, Debug)]
pub struct Instant {
    chain: ChainId,
    clock: Clock,
    sealer: Hash,
}

impl Instant {
    /// The engine of a chain with these rules, which have been checked.
    pub const fn new(chain: ChainId, clock: Clock, rules: &InstantSpec) -> Self {
        Self { chain, clock, sealer: rules.sealer }
    }

    fn check_seal(&self, sealed: &SealedHeader, id: &BlockId) -> Result<(), HeaderError> {
        let key = Ed25519Key::parse(self.sealer.as_bytes()).map_err(|_| HeaderError::Seal)?;
        key.verify(&Header::seal_message(&self.chain, id), &sealed.seal).map_err(|_| HeaderError::Seal)
    }
}

impl Engine for Instant {
    fn chain(&self) -> &ChainId {
        &self.chain
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn block_interval_ms(&self) -> u64 {
        self.clock.slot_ms()
    }

    fn final_every_ms(&self) -> u64 {
        self.clock.slot_ms()
    }

    /// Blocks come on demand: the newest one may be as old as it likes.
    fn final_age_ms(&self) -> u64 {
        u64::MAX
    }

    fn final_in_ms(&self, block: Slot, now: Time) -> u64 {
        self.time_of(block).ms_since(now)
    }

    fn weight(&self, _: &SealedHeader) -> u128 {
        1
    }

    fn check_successor(
        &self,
        _: &Trusted,
        parent: &Header,
        sealed: &SealedHeader,
        id: &BlockId,
        now: Time,
    ) -> Result<(), HeaderError> {
        check_common(&self.clock, &parent.into(), &sealed.header, now)?;
        check_voteless(&sealed.header)?;
        self.check_seal(sealed, id)
    }

    fn advance(&self, trusted: &Trusted, anchor: &Anchor, now: Time) -> Result<Trusted, AnchorError> {
        let sealed = match anchor {
            Anchor::Trusted(header) => return check_trusted(trusted, header),
            Anchor::Sealed(sealed) => sealed,
            Anchor::Beacon(_) | Anchor::Buried(_) => return Err(AnchorError::Kind),
        };
        let header = &sealed.header;
        check_height(trusted, header)?;
        let newer = Trusted::voteless(header);
        check_time(&self.clock, header, now)
            .and_then(|()| self.check_seal(sealed, &newer.id))
            .map_err(|error| AnchorError::Header { height: header.height, error })?;
        Ok(newer)
    }

    fn signatures(&self, _: &Trusted, _: &Anchor) -> Option<(u32, u32)> {
        None
    }
}
