use super::{HandOver, HandOverError, HandedOver, Table, Tables, Vote, beacon, hand_over, vote_position};
use crate::{
    consensus::{
        Anchor, AnchorError, Clock, Engine, HeaderError, Trusted, anchor::check_trusted, header::check_common,
    },
    data_format::{BlockId, ChainId, ChainSpec, Checkpoint, Header, SealedHeader, Slot, Time},
};

/// The engine of one chain.
#[derive(Clone, Copy, Debug)]
pub struct Spos {
    chain: ChainId,
    clock: Clock,
}

impl Spos {
    /// The engine of a checked spec.
    pub fn new(spec: &ChainSpec) -> Self {
        Self { chain: spec.id(), clock: Clock::new(spec) }
    }

    /// The clock of its slots.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The chain it runs.
    pub const fn chain(&self) -> &ChainId {
        &self.chain
    }

    /// Checks a header's slot, holder and seal alone, without its parent: what a reader of one header can.
    ///
    /// # Errors
    /// [`HeaderError::SlotVacant`] or [`HeaderError::Seal`].
    pub fn check_seal(&self, table: &Table, sealed: &SealedHeader, id: &BlockId) -> Result<(), HeaderError> {
        let position = self.clock.position(sealed.header.slot);
        let (_, key) = table.holder(position).ok_or(HeaderError::SlotVacant(position))?;
        key.verify(&Header::seal_message(&self.chain, id), &sealed.seal).map_err(|_| HeaderError::Seal)
    }

    fn check_commitments(&self, before: Checkpoint, header: &Header) -> Result<(), HeaderError> {
        let after = header.justified;
        let moved = !header.certificate_hash.is_zero();
        let forward = after.round > before.round && after.round <= self.clock.round(header.slot);
        if !moved && forward && after.id == header.parent {
            return Err(HeaderError::Recovered { round: after.round });
        }
        if (moved && !forward) || (!moved && before != after) {
            return Err(HeaderError::Justified { parent: before.round, found: after.round });
        }
        Ok(())
    }
}

impl Spos {
    /// Checks a header against its parent and what is justified after that, the table in force in its round and the time,
    /// seal included. The parent's header says what is justified, unless somebody decided otherwise.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn check_header(
        &self,
        parent: &Header,
        justified: Checkpoint,
        table: &Table,
        sealed: &SealedHeader,
        id: &BlockId,
        now: Time,
    ) -> Result<(), HeaderError> {
        check_common(&self.clock, &parent.into(), &sealed.header, now)?;
        self.check_commitments(justified, &sealed.header)?;
        self.check_seal(table, sealed, id)
    }
}

impl Engine for Spos {
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
        self.clock.slot_ms().saturating_mul(self.clock.slots_per_round())
    }

    /// A checkpoint is final about two rounds after its round began, and a round passes until the next one is.
    fn final_age_ms(&self) -> u64 {
        self.final_every_ms().saturating_mul(4)
    }

    fn final_in_ms(&self, block: Slot, now: Time) -> u64 {
        // The checkpoint after the block becomes final with the certificate of the round after that.
        let round = self.clock.round(block).plus(2);
        let slots = usize::try_from(self.clock.slots_per_round()).unwrap_or(usize::MAX);
        let certified = self.clock.first_slot(round).plus(vote_position(slots) as u64 + 1);
        self.clock.start(certified).ms_since(now)
    }

    fn weight(&self, _: &SealedHeader) -> u128 {
        1
    }

    fn check_successor(
        &self,
        trusted: &Trusted,
        parent: &Header,
        sealed: &SealedHeader,
        id: &BlockId,
        now: Time,
    ) -> Result<(), HeaderError> {
        let tables = trusted.tables.as_ref().ok_or(HeaderError::SlotVacant(0))?;
        let check = |table| self.check_header(parent, parent.justified, table, sealed, id, now);
        let first = check(&tables.in_force);
        match (&first, &tables.planned) {
            // A plan may come into force before the next final block is known here: its holder may mint too.
            (Err(_), Some(planned)) => first.or(check(planned)),
            _ => first,
        }
    }

    fn advance(&self, trusted: &Trusted, anchor: &Anchor, now: Time) -> Result<Trusted, AnchorError> {
        match anchor {
            Anchor::Trusted(header) => check_trusted(trusted, header),
            Anchor::Beacon(beacon) => beacon::check(self, trusted, beacon, now),
            Anchor::Sealed(_) | Anchor::Buried(_) => Err(AnchorError::Kind),
        }
    }

    fn signatures(&self, trusted: &Trusted, anchor: &Anchor) -> Option<(u32, u32)> {
        let Anchor::Beacon(beacon) = anchor else { return None };
        beacon::signatures(trusted.tables.as_ref()?, beacon)
    }

    fn votes(&self, held: &Tables, anchor: &Anchor) -> Vec<Vote> {
        match anchor {
            Anchor::Beacon(beacon) => beacon::votes(held, beacon),
            _ => Vec::new(),
        }
    }

    fn hand_over(
        &self,
        trusted: &Trusted,
        hand_over: &HandOver,
        now: Time,
    ) -> Result<HandedOver, HandOverError> {
        hand_over::check(self, trusted, hand_over, now)
    }
}
