use super::{Certificate, Clock, SLOT_TOLERANCE_MS, Table, Tables};
use crate::{
    consensus::Engine,
    crypto::{Hash, Signature},
    data_format::{BlockId, ChainId, ChainSpec, Checkpoint, Header, Height, Round, SealedHeader, Slot, Time},
};

/// The engine of one chain.
#[derive(Clone, Copy, Debug)]
pub struct Spos {
    chain: ChainId,
    clock: Clock,
}

/// The rule that a header breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// SPOS-HEADER-1: a version we know.
    #[error("header version {0}, known is 1")]
    Version(u16),
    /// SPOS-HEADER-2: the parent is the block it names, one lower.
    #[error("the header does not continue its parent (height {parent} then {found})")]
    Parent {
        /// The parent's height.
        parent: Height,
        /// The header's.
        found: Height,
    },
    /// SPOS-SLOT-1: slots strictly rise.
    #[error("slot {found} does not come after the parent's slot {parent}")]
    SlotOrder {
        /// The parent's slot.
        parent: Slot,
        /// The header's.
        found: Slot,
    },
    /// SPOS-SLOT-2: a slot that has started (500 ms are forgiven).
    #[error("slot {slot} starts {early_ms} ms from now")]
    SlotEarly {
        /// The header's slot.
        slot: Slot,
        /// How much too early.
        early_ms: u64,
    },
    /// SPOS-SLOT-3: a slot that somebody holds.
    #[error("nobody holds slot position {0}")]
    SlotVacant(usize),
    /// SPOS-SEAL-1: sealed by the holder's minting key.
    #[error("the seal is not the slot holder's")]
    Seal,
    /// SPOS-JUSTIFIED-1: only a certificate moves `justified`, and only forward, to a round that has begun.
    #[error("the justified checkpoint (round {found}) does not follow from the parent's (round {parent})")]
    Justified {
        /// The parent's justified round.
        parent: Round,
        /// The header's.
        found: Round,
    },
    /// SPOS-HEADER-3: transactions and their root come together.
    #[error("{0} transactions with a root that says otherwise")]
    TransactionsRoot(u32),
    /// SPOS-HEADER-4: this chain follows no other.
    #[error("a parent on another chain, on a chain that follows none")]
    MainParent,
}

/// Fork choice: the highest justified round, then the most blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    /// Round of the branch's justified checkpoint.
    pub justified: Round,
    /// Number of blocks.
    pub height: Height,
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

    /// Block 0 with this state and these tables. Nobody minted it: its seal is zeros. Its parent is the chain id, so that
    /// no block of this chain has the id of another chain's.
    pub fn genesis(&self, state_root: Hash, tables: &Tables) -> SealedHeader {
        let header = Header {
            version: Header::VERSION,
            height: Height(0),
            slot: Slot(0),
            parent: self.chain,
            transactions_root: Hash::ZERO,
            transactions_count: 0,
            state_root,
            headers_root: Hash::ZERO,
            next_slots: tables.commitment(),
            justified: Checkpoint::default(),
            certificate_hash: Hash::ZERO,
            main_parent: None,
        };
        SealedHeader { header, seal: Signature([0; 64]) }
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

    fn check_position(&self, parent: &Header, header: &Header) -> Result<(), HeaderError> {
        if header.version != Header::VERSION {
            return Err(HeaderError::Version(header.version));
        }
        if header.height != parent.height.next() || header.parent != parent.id() {
            return Err(HeaderError::Parent { parent: parent.height, found: header.height });
        }
        if header.slot <= parent.slot {
            return Err(HeaderError::SlotOrder { parent: parent.slot, found: header.slot });
        }
        Ok(())
    }

    fn check_time(&self, header: &Header, now: Time) -> Result<(), HeaderError> {
        let early_ms = self.clock.start(header.slot).ms_since(now.plus_ms(SLOT_TOLERANCE_MS));
        if early_ms > 0 { Err(HeaderError::SlotEarly { slot: header.slot, early_ms }) } else { Ok(()) }
    }

    fn check_commitments(&self, parent: &Header, header: &Header) -> Result<(), HeaderError> {
        let (before, after) = (parent.justified, header.justified);
        let moved = !header.certificate_hash.is_zero();
        let forward = after.round > before.round && after.round <= self.clock.round(header.slot);
        if (moved && !forward) || (!moved && before != after) {
            return Err(HeaderError::Justified { parent: before.round, found: after.round });
        }
        if (header.transactions_count == 0) != header.transactions_root.is_zero() {
            return Err(HeaderError::TransactionsRoot(header.transactions_count));
        }
        if header.main_parent.is_some() {
            return Err(HeaderError::MainParent);
        }
        Ok(())
    }
}

impl Engine for Spos {
    type Certificate = Certificate;
    /// The table in force in the header's round: what the round's checkpoint commits to.
    type Context = Table;
    type HeaderError = HeaderError;
    type Weight = Weight;

    fn time_of(&self, header: &Header) -> Time {
        self.clock.start(header.slot)
    }

    fn check_header(
        &self,
        parent: &Header,
        context: &Table,
        sealed: &SealedHeader,
        id: &BlockId,
        now: Time,
    ) -> Result<(), HeaderError> {
        self.check_position(parent, &sealed.header)?;
        self.check_time(&sealed.header, now)?;
        self.check_commitments(parent, &sealed.header)?;
        self.check_seal(context, sealed, id)
    }

    fn weight(&self, tip: &Header) -> Weight {
        Weight { justified: tip.justified.round, height: tip.height }
    }

    fn block_interval_ms(&self) -> u64 {
        self.clock.slot_ms()
    }
}
