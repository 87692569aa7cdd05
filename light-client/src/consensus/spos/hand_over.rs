//! The way from an old trusted block to a new one over changes of the slot tables.
//!
//! A beacon is believed if more than two thirds of the newest table that the client holds signed it. Where more holders
//! changed than that, *links* lead over: each is a finalising link of some earlier round, which more than two thirds of
//! the table held before it signed, and which brings the tables that are held after it. A link needs no header, because
//! the tables' hashes stand under its signatures; only the end of a hand-over is a beacon, so that the client trusts a
//! block whose header it has.
//!
//! **Trust and bounds.** A hand-over comes from anybody. Its length is bounded, every link has to change the table that
//! vouches (so there are never more than the chain made changes), and nothing of it is believed unless all of it holds.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    Beacon, Certificate, Link, SignerSet, Spos, Tables, TablesUpdate, Triple, Vote,
    beacon::{self, check_time, check_trust},
    certificate::check_votes,
};
use crate::{
    consensus::{AnchorError, Trusted},
    crypto::Signature,
    data_format::{BlockId, Checkpoint, Header, Round, Time, codec},
};

/// Links in one hand-over, at most. One that is as long may lead on.
pub const MAX_HAND_OVER_LINKS: usize = 128;

/// A link whose source is final, without its header: about 1 kB with 15 slots of which four or five changed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HandOverLink {
    /// The round whose checkpoint the source is; the target is that of the next round, so the source is final.
    pub source_round: Round,
    /// The source.
    pub source: BlockId,
    /// The target.
    pub target: BlockId,
    /// The slot tables of both, as far as they differ from those held before. The hashes under the signatures are
    /// computed from them.
    pub tables: TablesUpdate,
    /// Who signed.
    pub signers: SignerSet,
    /// Their signatures, by rising position.
    #[borsh(deserialize_with = "codec::bounded_list::<256, _, _>")]
    pub signatures: Vec<Signature>,
}

/// Links in the order in which trust is handed over, and the beacon of the block it ends at: the newest final one, or
/// an older one where more links are needed than fit.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HandOver {
    /// The links, by rising round. None where the beacon follows from the trusted block alone.
    #[borsh(deserialize_with = "codec::bounded_list::<128, _, _>")]
    pub links: Vec<HandOverLink>,
    /// Where they lead.
    pub end: Beacon,
}

/// A step of a hand-over as whoever makes it knows it: a finalising certificate, and the tables that it names.
#[derive(Clone, Debug)]
pub struct HandOverStep {
    /// The link with its votes.
    pub certificate: Certificate,
    /// The tables of its source.
    pub source: Tables,
    /// The tables of its target.
    pub target: Tables,
}

/// What a hand-over gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// The block to trust from now on.
    pub trusted: Trusted,
    /// Signatures under that block, and how many could have signed.
    pub signatures: Option<(u32, u32)>,
    /// Those votes.
    pub votes: Vec<Vote>,
}

/// A hand-over that does not hold, by rule. Links are counted from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HandOverError {
    /// LIGHT-HANDOVER-1: somebody votes on this chain.
    #[error("a hand-over of votes on a chain without them")]
    Kind,
    /// LIGHT-HANDOVER-2: rounds rise, so no link stands twice or in another's place.
    #[error("link {link} of the hand-over is of round {found}, not after round {held}")]
    Order {
        /// Which link.
        link: usize,
        /// The round trusted before it.
        held: Round,
        /// Its source's round.
        found: Round,
    },
    /// LIGHT-HANDOVER-3: every link changes the table that vouches for the next one.
    #[error("link {link} of the hand-over changes nothing")]
    Idle {
        /// Which link.
        link: usize,
    },
    /// LIGHT-HANDOVER-4: each link is what a beacon is but for its header: begun, with its tables, signed by enough of
    /// them and of the table held before.
    #[error("link {link} of the hand-over: {error}")]
    Link {
        /// Which link.
        link: usize,
        /// The rule broken.
        error: AnchorError,
    },
    /// LIGHT-HANDOVER-5: the beacon at the end follows from the last link.
    #[error("the end of the hand-over: {0}")]
    End(AnchorError),
}

impl HandOver {
    /// The hand-over of these steps for a client that holds `held`, each with the fewest signatures that suffice.
    /// `header` is that of the last one's source. `None` without a step, or with more than fit.
    pub fn new(held: &Tables, steps: &[HandOverStep], header: Header) -> Option<Self> {
        let (last, before) = steps.split_last()?;
        if before.len() > MAX_HAND_OVER_LINKS {
            return None;
        }
        let mut held = held;
        let mut links = Vec::with_capacity(before.len());
        for step in before {
            links.push(HandOverLink::new(held, step));
            held = &step.source;
        }
        Some(Self { links, end: Beacon::new(held, last, header) })
    }

    /// Whether there may be more to hand over after its end.
    pub fn is_full(&self) -> bool {
        self.links.len() == MAX_HAND_OVER_LINKS
    }
}

impl HandOverLink {
    fn new(held: &Tables, step: &HandOverStep) -> Self {
        let HandOverStep { certificate, source, target } = step;
        let fewest = certificate.fewest(target, source, Some(held.newest()));
        let Link { source: from, target: to } = certificate.link;
        Self {
            source_round: from.checkpoint.round,
            source: from.checkpoint.id,
            target: to.checkpoint.id,
            tables: TablesUpdate::new(held, source, target),
            signers: fewest.signers,
            signatures: fewest.signatures,
        }
    }

    /// What was signed, with the tables rebuilt.
    fn link(&self, source: &Tables, target: &Tables) -> Link {
        let triple = |round, id, tables: &Tables| Triple {
            checkpoint: Checkpoint { round, id },
            next_slots: tables.commitment(),
        };
        Link {
            source: triple(self.source_round, self.source, source),
            target: triple(self.source_round.next(), self.target, target),
        }
    }

    /// The source's tables, if the link holds for a client that holds `held`.
    fn check(&self, engine: &Spos, held: &Tables, now: Time) -> Result<Tables, AnchorError> {
        check_time(engine, self.source_round.next(), now)?;
        let (source, target) = self.tables.resolve(held)?;
        let link = self.link(&source, &target);
        let electorate =
            check_votes(engine.chain(), &link, &target, &source, &self.signers, &self.signatures)?;
        check_trust(&electorate, &self.signers, held)?;
        drop(electorate);
        Ok(source)
    }
}

impl HandOverError {
    /// Whether no honest server of this chain can have sent this. Steps that are missing are no lie: each that is there
    /// may be true.
    pub const fn is_lie(&self) -> bool {
        match self {
            Self::Link { error, .. } | Self::End(error) => error.is_lie(),
            Self::Kind | Self::Order { .. } | Self::Idle { .. } => true,
        }
    }
}

/// Follows the links, then the beacon; nothing is believed before all of it holds.
pub(super) fn check(
    engine: &Spos,
    trusted: &Trusted,
    hand_over: &HandOver,
    now: Time,
) -> Result<HandedOver, HandOverError> {
    let mut here = trusted.clone();
    for (link, step) in hand_over.links.iter().enumerate() {
        let held = here.tables.as_ref().ok_or(HandOverError::Kind)?;
        if step.source_round <= here.round {
            return Err(HandOverError::Order { link, held: here.round, found: step.source_round });
        }
        let tables = step.check(engine, held, now).map_err(|error| HandOverError::Link { link, error })?;
        if tables.newest().hash() == held.newest().hash() {
            return Err(HandOverError::Idle { link });
        }
        // Height and slot stay those of the block that the client began with: a link says nothing of them.
        here = Trusted { round: step.source_round, id: step.source, tables: Some(tables), ..here };
    }
    let trusted = beacon::check(engine, &here, &hand_over.end, now).map_err(HandOverError::End)?;
    let signatures = here.tables.as_ref().and_then(|held| beacon::signatures(held, &hand_over.end));
    let votes = here.tables.as_ref().map_or_else(Vec::new, |held| beacon::votes(held, &hand_over.end));
    Ok(HandedOver { trusted, signatures, votes })
}
