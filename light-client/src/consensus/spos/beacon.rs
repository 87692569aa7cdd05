use borsh::{BorshDeserialize, BorshSerialize};

use super::{Certificate, Electorate, Link, SignerSet, Spos, TablesUpdate, Triple};
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
    /// The certificate that this beacon carries; its link is rebuilt from the header.
    pub fn certificate(&self) -> Certificate {
        Certificate {
            link: Link {
                source: Triple {
                    checkpoint: Checkpoint { round: self.source_round, id: self.source.id() },
                    next_slots: self.source.next_slots,
                },
                target: self.target,
            },
            signers: self.signers.clone(),
            signatures: self.signatures.clone(),
        }
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
    if clock.start(clock.first_slot(target_round)) > now.plus_ms(clock.slot_ms()) {
        return Err(AnchorError::Future(target_round));
    }
    let header = &beacon.source;
    let genesis = source_round == Round(0) && header.slot.0 == 0;
    let before_round = genesis || header.slot < clock.first_slot(source_round);
    if !before_round || header.height < trusted.height || header.slot < trusted.slot {
        return Err(AnchorError::Place);
    }
    let held = trusted.tables.as_ref().ok_or(AnchorError::Kind)?;
    let (source, target) = beacon.tables.resolve(held)?;
    let certificate = beacon.certificate();
    certificate.check(engine.chain(), &target, &source)?;
    let id = certificate.link.source.checkpoint.id;
    if source_round == trusted.round && id != trusted.id {
        return Err(AnchorError::Conflict { trusted: trusted.id, found: id });
    }
    let table = held.newest();
    let signed = Electorate::new(&target, &source).signed(&certificate.signers, table);
    if signed < table.quorum() {
        return Err(AnchorError::NotEnoughTrust { signed, needed: table.quorum() });
    }
    Ok(Trusted { round: source_round, height: header.height, slot: header.slot, id, tables: Some(source) })
}
