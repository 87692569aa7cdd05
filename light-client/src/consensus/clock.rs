use crate::data_format::{ChainSpec, EngineSpec, Round, Slot, Time};

/// How early a block of a slot may arrive: clocks differ.
pub const SLOT_TOLERANCE_MS: u64 = 500;

/// The arithmetic of slots and rounds. Nothing in it reads a clock. Without holders of slots a round is one slot, and says
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    genesis: Time,
    slot_ms: u64,
    slots_per_round: u64,
}

impl Clock {
    /// The clock of a checked spec.
    pub fn new(spec: &ChainSpec) -> Self {
        let (slot_ms, slots_per_round) = match &spec.engine {
            EngineSpec::Spos(spos) => (spos.slot_ms, spos.slots.0.len() as u64),
            EngineSpec::Instant(rules) => (rules.slot_ms, 1),
            EngineSpec::ProofOfWork(rules) => (rules.slot_ms, 1),
        };
        Self {
            genesis: spec.genesis_time,
            slot_ms: u64::from(slot_ms).max(1),
            slots_per_round: slots_per_round.max(1),
        }
    }

    /// The slot that `time` falls into; `None` before genesis.
    pub fn slot_at(&self, time: Time) -> Option<Slot> {
        time.0.checked_sub(self.genesis.0).map(|ms| Slot(ms / self.slot_ms))
    }

    /// When a slot starts.
    pub const fn start(&self, slot: Slot) -> Time {
        self.genesis.plus_ms(slot.0.saturating_mul(self.slot_ms))
    }

    /// The round of a slot.
    pub const fn round(&self, slot: Slot) -> Round {
        Round(slot.0 / self.slots_per_round)
    }

    /// The position of a slot in its round, from 0.
    pub const fn position(&self, slot: Slot) -> usize {
        // Below the number of slots, which is at most 64.
        (slot.0 % self.slots_per_round) as usize
    }

    /// The first slot of a round.
    pub const fn first_slot(&self, round: Round) -> Slot {
        Slot(round.0.saturating_mul(self.slots_per_round))
    }

    /// The length of a slot in milliseconds.
    pub const fn slot_ms(&self) -> u64 {
        self.slot_ms
    }

    /// Slots in a round.
    pub const fn slots_per_round(&self) -> u64 {
        self.slots_per_round
    }
}
