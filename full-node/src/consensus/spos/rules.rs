use light_client::{
    client::Anchor,
    consensus::{
        HeaderError, Spos,
        spos::{Beacon, Block, Certificate, Electorate, HandOverStep, Link, Tables, vote_position},
    },
    crypto::Hash,
    data_format::{
        Address, BlockId, ChainSpec, Checkpoint, Header, Height, Round, SealedHeader, SposSpec, Time,
    },
};

use super::hand_overs::HandOvers;
use crate::{
    block_tree::{BlockError, Chain},
    consensus::{Led, Rules, rules::AFTER_ALL},
    logic::{Activity, Earner, Place, Reward},
    storage::{Database, Finality, Snapshot, StorageError},
};

/// Supernode proof of stake: slots, votes and certificates.
pub struct SposRules {
    engine: Spos,
    stake: SposSpec,
    tables: Tables,
    hand_overs: HandOvers,
}

impl SposRules {
    /// The rules of a checked spec, with the tables of its block 0.
    pub fn new(spec: &ChainSpec, stake: SposSpec, tables: Tables) -> Self {
        Self { engine: Spos::new(spec), stake, tables, hand_overs: HandOvers::default() }
    }

    fn check_certificate(
        &self,
        chain: &Chain,
        snapshot: &Snapshot,
        parent: &Header,
        block: &Block,
    ) -> Result<(), BlockError> {
        let header = &block.header.header;
        let found = block.certificate.as_ref().map_or(Hash::ZERO, Certificate::hash);
        if found != header.certificate_hash {
            return Err(BlockError::CertificateHash { expected: header.certificate_hash, found });
        }
        let Some(certificate) = &block.certificate else {
            return check_justified(snapshot.justified_after(parent), header.justified);
        };
        let (source, target) = (certificate.link.source, certificate.link.target);
        let (justified, found) = (snapshot.justified_after(parent).round, target.checkpoint.round);
        if found <= justified {
            return Err(BlockError::NotLater { justified, found });
        }
        let (expected, target_header) =
            chain.checkpoint(snapshot, &header.parent, target.checkpoint.round)?;
        if target.checkpoint != expected {
            return Err(BlockError::Target { expected, found: target.checkpoint });
        }
        check_justified(target.checkpoint, header.justified)?;
        let expected = chain.justified_after(snapshot, &target_header);
        if source.checkpoint != expected {
            return Err(BlockError::Source { expected, found: source.checkpoint });
        }
        let source_header = chain.header(snapshot, &expected.id)?;
        let target_tables = snapshot.tables_after(&target_header)?;
        let source_tables = snapshot.tables_after(&source_header)?;
        certificate.check(self.engine.chain(), &target_tables, &source_tables)?;
        Ok(())
    }
}

impl Rules for SposRules {
    fn stake(&self) -> &SposSpec {
        &self.stake
    }

    fn genesis_tables(&self) -> Option<&Tables> {
        Some(&self.tables)
    }

    fn check(
        &self,
        chain: &Chain,
        snapshot: &Snapshot,
        parent: &Header,
        block: &Block,
        id: &BlockId,
        now: Time,
    ) -> Result<(), BlockError> {
        let header = &block.header.header;
        if let Some(recovery) = snapshot.recovery_from(parent) {
            let begins = header.slot >= self.engine.clock().first_slot(recovery.round);
            if !begins || header.justified.round < recovery.round {
                return Err(BlockError::BesideRecovery { block: recovery.block, round: recovery.round });
            }
        }
        let round = self.engine.clock().round(header.slot);
        let (_, checkpoint) = chain.checkpoint(snapshot, &header.parent, round)?;
        let table = snapshot.tables_after(&checkpoint)?.in_force;
        let justified = snapshot.justified_after(parent);
        self.engine.check_header(parent, justified, &table, &block.header, id, now)?;
        self.check_certificate(chain, snapshot, parent, block)
    }

    fn check_stored(
        &self,
        _: &Chain,
        snapshot: &Snapshot,
        checkpoint: &Header,
        parent: &Header,
        sealed: &SealedHeader,
        id: &BlockId,
    ) -> Result<Result<(), HeaderError>, StorageError> {
        let table = snapshot.tables_after(checkpoint)?.in_force;
        let justified = snapshot.justified_after(parent);
        Ok(self.engine.check_header(parent, justified, &table, sealed, id, AFTER_ALL))
    }

    fn place(
        &self,
        chain: &Chain,
        snapshot: &Snapshot,
        parent: &Header,
        sealed: &SealedHeader,
        certificate: Option<&Certificate>,
    ) -> Result<(Place<'_>, Option<Reward>), BlockError> {
        let header = &sealed.header;
        let clock = self.engine.clock();
        let (height, slot, round) = (header.height, header.slot, clock.round(header.slot));
        let (checkpoint, checkpoint_header) = chain.checkpoint(snapshot, &header.parent, round)?;
        let mut recent = vec![checkpoint];
        if let Some(before) = round.0.checked_sub(1) {
            recent.push(chain.checkpoint(snapshot, &header.parent, Round(before))?.0);
        }
        let tables = tables_before_calls(snapshot, parent, certificate)?;
        let minting = snapshot.tables_after(&checkpoint_header)?.in_force;
        let position = clock.position(slot);
        let (holder, _) = minting.holder(position).ok_or(HeaderError::SlotVacant(position))?;
        let reward = Reward { amount: self.stake.block_reward, to: Earner::Supernode(holder.address) };
        // By what the parent's header says: with a recovery the whole table may have come in.
        let before = snapshot.tables(&parent.next_slots)?;
        let activity = Activity {
            signers: certificate.map(|certificate| signers(snapshot, certificate)).transpose()?,
            entered: only_in(&tables, &before),
            left: only_in(&before, &tables),
            justified: header.justified.round,
            begins_round: clock.round(parent.slot) < round,
        };
        let (tables, recovered) = (Some(tables), snapshot.recovery_from(parent).is_some());
        let place = Place { spos: &self.stake, height, slot, round, tables, recent, activity, recovered };
        Ok((place, Some(reward)))
    }

    fn justifies(&self, block: &Block) -> Option<Checkpoint> {
        block.certificate.as_ref().map(|certificate| certificate.link.target.checkpoint)
    }

    fn finalises<'a>(
        &self,
        chain: &Chain,
        block: &'a Block,
    ) -> Option<(Checkpoint, Option<&'a Certificate>)> {
        let certificate = block.certificate.as_ref().filter(|certificate| certificate.link.finalises())?;
        let source = certificate.link.source.checkpoint;
        let newer = source.round > chain.finality().root.round && chain.tree().entry(&source.id).is_ok();
        newer.then_some((source, Some(certificate)))
    }

    fn final_by(&self, row: &[Block]) -> Option<BlockId> {
        let mut links = row.iter().filter_map(|block| Some(block.certificate.as_ref()?.link));
        Some(links.rfind(Link::finalises)?.source.checkpoint.id)
    }

    fn settles(&self, _: Height, _: Height) -> bool {
        false
    }

    /// The highest justified round weighs most, then the number of blocks.
    fn claimed_weight(&self, header: &Header) -> Option<u128> {
        Some(u128::from(header.justified.round.0) << 64 | u128::from(header.height.0))
    }

    /// Before the vote position of a round, or at the next round's start.
    fn may_adopt(&self, _: &Chain, now: Time) -> bool {
        let clock = self.engine.clock();
        let slots = usize::try_from(clock.slots_per_round()).unwrap_or(usize::MAX);
        clock.slot_at(now).is_some_and(|slot| clock.position(slot) < vote_position(slots).max(1))
    }

    fn anchor(
        &self,
        snapshot: &Snapshot,
        finality: &Finality,
        held: &Header,
    ) -> Result<Option<Anchor>, BlockError> {
        let Some(certificate) = &finality.certificate else { return Ok(None) };
        let step = HandOverStep {
            certificate: certificate.clone(),
            source: snapshot.tables(&certificate.link.source.next_slots)?,
            target: snapshot.tables(&certificate.link.target.next_slots)?,
        };
        let held = snapshot.tables_after(held)?;
        let missing = || StorageError::damaged("the newest final header", "it is not stored");
        let source = snapshot.header(&finality.root.id)?.ok_or_else(missing)?.header;
        // A beacon says by the header of its source which tables signed, and here they are others.
        if snapshot.recovery_from(&source).is_some() {
            return Ok(None);
        }
        Ok(Some(Anchor::Beacon(Box::new(Beacon::new(&held, &step, source)))))
    }

    fn lead(&self, database: &Database, held: &Header) -> Result<Led, BlockError> {
        Ok(self.hand_overs.lead(database, held, self.engine.clock().round(held.slot))?)
    }
}

/// The slot tables after a block's certificate and before its calls: a plan comes into force once a checkpoint that carries
/// it is final.
fn tables_before_calls(
    snapshot: &Snapshot,
    parent: &Header,
    certificate: Option<&Certificate>,
) -> Result<Tables, BlockError> {
    let tables = snapshot.tables_after(parent)?;
    let Some(certificate) = certificate.filter(|certificate| certificate.link.finalises()) else {
        return Ok(tables);
    };
    Ok(tables.after_final(&snapshot.tables(&certificate.link.source.next_slots)?))
}

/// Whose votes a certificate holds, which was checked or made here.
fn signers(snapshot: &Snapshot, certificate: &Certificate) -> Result<Vec<Address>, BlockError> {
    let link = certificate.link;
    let (target, source) =
        (snapshot.tables(&link.target.next_slots)?, snapshot.tables(&link.source.next_slots)?);
    let electorate = Electorate::new(&target, &source);
    let holders = || target.each().chain(source.each()).flat_map(|table| table.holders());
    let owner = |key: Hash| holders().find(|(holder, _)| holder.minting_key == key);
    let signed = certificate.signers.positions().filter_map(|position| electorate.member(position));
    Ok(signed.filter_map(owner).map(|(holder, _)| holder.address).collect())
}

/// Who holds a slot in one table in force and none in another.
fn only_in(one: &Tables, other: &Tables) -> Vec<Address> {
    if one.in_force.hash() == other.in_force.hash() {
        return Vec::new();
    }
    let holders = |tables: &Tables| -> Vec<Address> {
        tables.in_force.slots().0.iter().flatten().map(|holder| holder.address).collect()
    };
    let others = holders(other);
    holders(one).into_iter().filter(|address| !others.contains(address)).collect()
}

fn check_justified(expected: Checkpoint, found: Checkpoint) -> Result<(), BlockError> {
    if expected == found { Ok(()) } else { Err(BlockError::Justified { expected, found }) }
}
