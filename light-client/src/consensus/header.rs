use super::{Clock, SLOT_TOLERANCE_MS, Trusted};
use crate::{
    crypto::{Hash, Signature},
    data_format::{BlockId, ChainId, Checkpoint, Header, Height, Round, SealedHeader, Slot, Time},
};

/// The rule that a header breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// HEADER-1: a version we know.
    #[error("header version {0}, known is 1")]
    Version(u16),
    /// HEADER-2: the parent is the block it names, one lower.
    #[error("the header does not continue its parent (height {parent} then {found})")]
    Parent {
        /// The parent's height.
        parent: Height,
        /// The header's.
        found: Height,
    },
    /// HEADER-3: transactions and their root come together.
    #[error("{0} transactions with a root that says otherwise")]
    TransactionsRoot(u32),
    /// HEADER-4: this chain follows no other.
    #[error("a parent on another chain, on a chain that follows none")]
    MainParent,
    /// SLOT-1: slots strictly rise.
    #[error("slot {found} does not come after the parent's slot {parent}")]
    SlotOrder {
        /// The parent's slot.
        parent: Slot,
        /// The header's.
        found: Slot,
    },
    /// SLOT-2: a slot that has started (500 ms are forgiven).
    #[error("slot {slot} starts {early_ms} ms from now")]
    SlotEarly {
        /// The header's slot.
        slot: Slot,
        /// How much too early.
        early_ms: u64,
    },
    /// SPOS-SLOT-1: a slot that somebody holds.
    #[error("nobody holds slot position {0}")]
    SlotVacant(usize),
    /// SEAL-1: sealed by the key that may.
    #[error("the seal is not that of the key which may make this block")]
    Seal,
    /// SPOS-JUSTIFIED-1: only a certificate moves `justified`, and only forward, to a round that has begun.
    #[error("the justified checkpoint (round {found}) does not follow from the parent's (round {parent})")]
    Justified {
        /// The parent's justified round.
        parent: Round,
        /// The header's.
        found: Round,
    },
    /// SPOS-RECOVERY-1: without a certificate nothing is justified newly, the parent neither. Where operators decided to go on
    /// from a block with another slot table, the block after it looks so.
    #[error(
        "the header calls its parent justified (round {round}) without a certificate: the operators of this chain may have \
         agreed on a recovery from that block, which is not loaded here"
    )]
    Recovered {
        /// The round of which it calls its parent the checkpoint.
        round: Round,
    },
    /// WORK-1: the seal shows the work that the block's height and its parent's time ask for.
    #[error("the seal shows less work than the {difficulty} hashes asked for")]
    Work {
        /// Hashes asked for, on average.
        difficulty: u64,
    },
    /// VOTELESS-1: where nobody votes, a header commits to no slots, no votes and no certificate of votes.
    #[error("slots or votes in a header of a chain without them")]
    Votes,
}

/// Block 0 with this state and this commitment to slot tables, zeros where nobody votes. Nobody made it: its seal is
/// zeros. Its parent is the chain id, so that no block of this chain has the id of another chain's.
pub fn genesis(chain: &ChainId, state_root: Hash, next_slots: Hash) -> SealedHeader {
    let header = Header {
        version: Header::VERSION,
        height: Height(0),
        slot: Slot(0),
        parent: *chain,
        transactions_root: Hash::ZERO,
        transactions_count: 0,
        state_root,
        headers_root: Hash::ZERO,
        next_slots,
        justified: Checkpoint::default(),
        certificate_hash: Hash::ZERO,
        main_parent: None,
    };
    SealedHeader { header, seal: Signature([0; 64]) }
}

/// What every engine asks of the block before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parent {
    pub(super) id: BlockId,
    pub(super) height: Height,
    pub(super) slot: Slot,
}

impl From<&Header> for Parent {
    fn from(header: &Header) -> Self {
        Self { id: header.id(), height: header.height, slot: header.slot }
    }
}

impl From<&Trusted> for Parent {
    fn from(trusted: &Trusted) -> Self {
        Self { id: trusted.id, height: trusted.height, slot: trusted.slot }
    }
}

/// The rules that hold under every engine.
pub(super) fn check_common(
    clock: &Clock,
    parent: &Parent,
    header: &Header,
    now: Time,
) -> Result<(), HeaderError> {
    if header.version != Header::VERSION {
        return Err(HeaderError::Version(header.version));
    }
    if header.height != parent.height.next() || header.parent != parent.id {
        return Err(HeaderError::Parent { parent: parent.height, found: header.height });
    }
    if header.slot <= parent.slot {
        return Err(HeaderError::SlotOrder { parent: parent.slot, found: header.slot });
    }
    check_time(clock, header, now)?;
    if (header.transactions_count == 0) != header.transactions_root.is_zero() {
        return Err(HeaderError::TransactionsRoot(header.transactions_count));
    }
    if header.main_parent.is_some() { Err(HeaderError::MainParent) } else { Ok(()) }
}

/// A block is neither built on nor relayed before its slot starts.
pub(super) fn check_time(clock: &Clock, header: &Header, now: Time) -> Result<(), HeaderError> {
    let early_ms = clock.start(header.slot).ms_since(now.plus_ms(SLOT_TOLERANCE_MS));
    if early_ms > 0 { Err(HeaderError::SlotEarly { slot: header.slot, early_ms }) } else { Ok(()) }
}

/// Where nobody votes, what votes move stays as it is in block 0.
pub(super) fn check_voteless(header: &Header) -> Result<(), HeaderError> {
    let moved = header.justified != Checkpoint::default()
        || !header.next_slots.is_zero()
        || !header.certificate_hash.is_zero();
    if moved { Err(HeaderError::Votes) } else { Ok(()) }
}
