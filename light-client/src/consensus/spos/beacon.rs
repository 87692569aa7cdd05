use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    Certificate, Electorate, HandOverStep, Link, SignerSet, Spos, Tables, TablesUpdate, Triple, Vote,
    certificate::check_votes,
};
use crate::{
    consensus::{AnchorError, Trusted},
    crypto::Signature,
    data_format::{Checkpoint, Header, Round, Time, codec},
};

/// Proof that a block is final: its header, and a link from it to the next round's checkpoint with enough
/// signatures. About 1.1 kB with 15 slots.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Beacon {
    /// The round whose checkpoint `source` is.
    pub source_round: Round,
    /// The header that this makes final.
    pub source: Header,
    /// What the signers linked it to.
    pub target: Triple,
    /// The slot tables of both, as far as they differ from the ones the client holds.
    pub tables: TablesUpdate,
    /// Who signed.
    pub signers: SignerSet,
    /// Their signatures, by rising position.
    #[borsh(deserialize_with = "codec::bounded_list::<256, _, _>")]
    pub signatures: Vec<Signature>,
}

impl Beacon {
    /// The beacon of a certificate, whose source has this header, for a client that holds `held`: with the fewest
    /// signatures that suffice.
    pub fn new(held: &Tables, step: &HandOverStep, header: Header) -> Self {
        let HandOverStep { certificate, source, target } = step;
        let fewest = certificate.fewest(target, source, Some(held.newest()));
        Self {
            source_round: certificate.link.source.checkpoint.round,
            source: header,
            target: certificate.link.target,
            tables: TablesUpdate::new(held, source, target),
            signers: fewest.signers,
            signatures: fewest.signatures,
        }
    }

    /// What was signed; rebuilt from the header.
    pub fn link(&self) -> Link {
        let checkpoint = Checkpoint { round: self.source_round, id: self.source.id() };
        Link { source: Triple { checkpoint, next_slots: self.source.next_slots }, target: self.target }
    }

    /// The certificate that this beacon carries.
    pub fn certificate(&self) -> Certificate {
        Certificate { link: self.link(), signers: self.signers.clone(), signatures: self.signatures.clone() }
    }
}

/// The rules of skipping: one step, however old the trust.
pub(super) fn check(
    engine: &Spos,
    trusted: &Trusted,
    beacon: &Beacon,
    now: Time,
) -> Result<Trusted, AnchorError> {
    let (source_round, target_round) = (beacon.source_round, beacon.target.checkpoint.round);
    if source_round < trusted.round {
        return Err(AnchorError::Behind { trusted: trusted.height, found: beacon.source.height });
    }
    if source_round.next() != target_round {
        return Err(AnchorError::NotFinal { source_round, target_round });
    }
    let clock = engine.clock();
    let header = &beacon.source;
    let genesis = source_round == Round(0) && header.slot.0 == 0;
    let before_round = genesis || header.slot < clock.first_slot(source_round);
    if !before_round || header.height < trusted.height || header.slot < trusted.slot {
        return Err(AnchorError::Place);
    }
    let held = trusted.tables.as_ref().ok_or(AnchorError::Kind)?;
    let (source, target) = beacon.tables.resolve(held)?;
    let link = beacon.link();
    let electorate =
        check_votes(engine.chain(), &link, &target, &source, &beacon.signers, &beacon.signatures)?;
    let id = link.source.checkpoint.id;
    if source_round == trusted.round && id != trusted.id {
        return Err(AnchorError::Conflict { trusted: trusted.id, found: id });
    }
    check_trust(&electorate, &beacon.signers, held)?;
    drop(electorate);
    // The last check: then it is the clock of this device that is wrong.
    check_time(engine, target_round, now)?;
    Ok(Trusted { round: source_round, height: header.height, slot: header.slot, id, tables: Some(source) })
}

/// A round that has begun, or begins within a slot.
pub(super) fn check_time(engine: &Spos, round: Round, now: Time) -> Result<(), AnchorError> {
    let clock = engine.clock();
    let begun = clock.start(clock.first_slot(round)) <= now.plus_ms(clock.slot_ms());
    if begun { Ok(()) } else { Err(AnchorError::Future(round)) }
}

/// Enough of the newest table that is held signed.
pub(super) fn check_trust(
    electorate: &Electorate<'_>,
    signers: &SignerSet,
    held: &Tables,
) -> Result<(), AnchorError> {
    let (signed, needed) = (electorate.signed(signers, held.newest()), held.newest().quorum());
    if signed < needed { Err(AnchorError::NotEnoughTrust { signed, needed }) } else { Ok(()) }
}

/// Signatures under a beacon, and how many could have signed.
pub(super) fn signatures(held: &Tables, beacon: &Beacon) -> Option<(u32, u32)> {
    let (source, target) = beacon.tables.resolve(held).ok()?;
    // Both are at most the holders of four tables.
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Some((count(beacon.signatures.len()), count(Electorate::new(&target, &source).len())))
}

/// The votes under a beacon that was accepted by whoever holds these tables.
pub(super) fn votes(held: &Tables, beacon: &Beacon) -> Vec<Vote> {
    let Ok((source, target)) = beacon.tables.resolve(held) else { return Vec::new() };
    let electorate = Electorate::new(&target, &source);
    let link = beacon.link();
    let keys = electorate.keys(&beacon.signers).zip(&beacon.signatures);
    keys.map(|(minting_key, signature)| Vote { link, minting_key, signature: *signature }).collect()
}
