use std::collections::BTreeMap;

use light_client::{
    consensus::spos::{Certificate, Electorate, Evidence, Vote},
    crypto::Hash,
    data_format::{BlockId, Header, Round, SealedHeader, SignedTransaction, Slot},
    transaction::{CheckedTransaction, check_in_block},
};

use crate::{
    block_tree::{BlockError, Chain},
    storage::{Snapshot, StorageError},
};

/// Keys whose votes are kept, at most: several times what the tables of a chain name at a time. Whoever voted longest ago
/// is forgotten first.
const MAX_KEYS: usize = 256;
/// Votes of a key that are kept, the newest ones.
const MAX_VOTES: usize = 64;

/// Sees when a minting key signs what no honest holder signs: two blocks of one slot, or two votes of which one excludes
/// the other.
///
/// What it has seen is in memory only: of what was signed before a restart it knows the blocks of the tree. Every node
/// sees what travels, so the others still know.
#[derive(Debug, Default)]
pub struct Witness {
    /// By key, then by round of the target.
    votes: BTreeMap<Hash, BTreeMap<Round, Vote>>,
    /// By key: reports of the latest offence known, ready to stand in a block.
    reports: BTreeMap<Hash, (Round, CheckedTransaction)>,
}

impl Witness {
    /// Takes note of a vote whose signature holds, by a key that stands in a table.
    pub fn see_vote(&mut self, chain: &Chain, vote: &Vote) {
        let evidence = self.votes.get(&vote.minting_key).and_then(|known| {
            // The vote of the same round first: it convicts more plainly.
            let round = vote.link.target.checkpoint.round;
            let same = known.get(&round).into_iter();
            same.chain(known.values()).find_map(|other| Evidence::of_votes(other, vote))
        });
        if let Some(evidence) = evidence {
            self.note(chain, evidence);
        }
        self.keep(vote);
    }

    /// Takes note of a block of the tree, and of the votes that its certificate brings.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    pub fn see_block(
        &mut self,
        chain: &Chain,
        id: &BlockId,
        certificate: Option<&Certificate>,
    ) -> Result<(), BlockError> {
        let Ok(entry) = chain.tree().entry(id) else { return Ok(()) };
        let snapshot = chain.database().read()?;
        let sealed = &entry.sealed;
        for other in chain.tree().of_slot(sealed.header.slot) {
            if let Some(evidence) = conflict(chain, &snapshot, sealed, other)? {
                self.note(chain, evidence);
            }
        }
        if let Some(certificate) = certificate {
            for vote in votes(&snapshot, certificate)? {
                self.see_vote(chain, &vote);
            }
        }
        Ok(())
    }

    /// Takes note of all blocks of the tree: after a start.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    pub fn see_tree(&mut self, chain: &Chain) -> Result<(), BlockError> {
        let snapshot = chain.database().read()?;
        let mut slots: BTreeMap<Slot, Vec<&SealedHeader>> = BTreeMap::new();
        for sealed in chain.tree().headers() {
            slots.entry(sealed.header.slot).or_default().push(sealed);
        }
        for blocks in slots.values() {
            for (place, sealed) in blocks.iter().enumerate() {
                for other in &blocks[..place] {
                    if let Some(evidence) = conflict(chain, &snapshot, sealed, other)? {
                        self.note(chain, evidence);
                    }
                }
            }
        }
        Ok(())
    }

    /// Reports that a block made here may begin with: the first that still has an effect.
    pub fn reports(&self) -> impl Iterator<Item = &CheckedTransaction> {
        self.reports.values().map(|(_, report)| report)
    }

    /// The evidence known, of the latest offence of each key.
    pub fn evidence(&self) -> Vec<Evidence> {
        self.reports().filter_map(|report| report.signed().unsigned_evidence().cloned()).collect()
    }

    fn note(&mut self, chain: &Chain, evidence: Evidence) {
        let (key, spec) = (evidence.accused(), chain.spec());
        let report = match check_in_block(
            &SignedTransaction::unsigned_report(evidence.clone()),
            spec,
            chain.engine().chain(),
        ) {
            Ok(report) => report,
            // Such as a chain without the module that punishes.
            Err(error) => return tracing::debug!(%key, %error, "evidence that no block takes"),
        };
        let round = evidence.offence(chain.engine().clock().slots_per_round()).round;
        if self.reports.get(&key).is_some_and(|(known, _)| *known >= round) {
            return;
        }
        tracing::warn!(%key, round = round.0, "a minting key signed what excludes each other");
        self.reports.insert(key, (round, report));
        while self.reports.len() > MAX_KEYS {
            let oldest = self.reports.iter().min_by_key(|(_, (round, _))| *round).map(|(key, _)| *key);
            oldest.map(|key| self.reports.remove(&key));
        }
    }

    fn keep(&mut self, vote: &Vote) {
        let round = vote.link.target.checkpoint.round;
        let known = self.votes.entry(vote.minting_key).or_default();
        known.entry(round).or_insert(*vote);
        while known.len() > MAX_VOTES {
            known.pop_first();
        }
        while self.votes.len() > MAX_KEYS {
            let newest = |votes: &BTreeMap<Round, Vote>| votes.last_key_value().map(|(round, _)| *round);
            let oldest = self.votes.iter().min_by_key(|(_, votes)| newest(votes)).map(|(key, _)| *key);
            oldest.map(|key| self.votes.remove(&key));
        }
    }
}

/// Evidence, if one key sealed both blocks.
fn conflict(
    chain: &Chain,
    snapshot: &Snapshot,
    a: &SealedHeader,
    b: &SealedHeader,
) -> Result<Option<Evidence>, BlockError> {
    if a.header.slot != b.header.slot || a.header == b.header {
        return Ok(None);
    }
    // Each branch has its own tables.
    let (one, other) = (minter(chain, snapshot, &a.header)?, minter(chain, snapshot, &b.header)?);
    Ok(one.filter(|key| Some(*key) == other).and_then(|key| Evidence::of_blocks(key, a, b)))
}

/// The key that sealed a block of the tree.
fn minter(chain: &Chain, snapshot: &Snapshot, header: &Header) -> Result<Option<Hash>, BlockError> {
    let clock = chain.engine().clock();
    let (_, checkpoint) = chain.checkpoint(snapshot, &header.parent, clock.round(header.slot))?;
    let table = snapshot.tables_after(&checkpoint)?.in_force;
    Ok(table.holder(clock.position(header.slot)).map(|(holder, _)| holder.minting_key))
}

/// The votes of a certificate that was checked.
fn votes(snapshot: &Snapshot, certificate: &Certificate) -> Result<Vec<Vote>, StorageError> {
    let link = certificate.link;
    let (target, source) =
        (snapshot.tables(&link.target.next_slots)?, snapshot.tables(&link.source.next_slots)?);
    let electorate = Electorate::new(&target, &source);
    let signed = certificate.signers.positions().zip(&certificate.signatures);
    Ok(signed
        .filter_map(|(position, signature)| {
            let minting_key = electorate.member(position)?;
            Some(Vote { link, minting_key, signature: *signature })
        })
        .collect())
}
