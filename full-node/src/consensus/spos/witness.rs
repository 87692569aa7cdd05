use std::collections::{BTreeMap, BTreeSet};

use light_client::{
    consensus::spos::{Certificate, Electorate, Evidence, Vote},
    crypto::Hash,
    data_format::{BlockId, Header, Round, SealedHeader, SignedTransaction, Slot},
    state::Supernode,
    transaction::{CheckedTransaction, TransactionError, check_in_block},
};

use crate::{
    block_tree::{BlockError, Chain},
    consensus::Accused,
    logic::is_unpunished,
    storage::{Batch, Snapshot, StorageError},
};

/// Keys whose votes are kept, at most: several times what the tables of a chain name at a time. Whoever voted longest ago
/// is forgotten first.
const MAX_KEYS: usize = 256;
/// Votes of a key that are kept, the newest ones.
const MAX_VOTES: usize = 64;

/// Sees when a minting key signs what no honest holder signs: two blocks of one slot, or two votes of which one excludes
/// the other; and keeps the proof, on disk too, until a final block settles it. Others are told, so a node that mints
/// nothing is a witness like any other.
///
/// **Trust and bounds.** Evidence proves itself, whoever it comes from. Kept is one offence of a key, of keys that serve an
/// account after the head, and only what that account was not punished for: one punishment settles all before it, so a
/// key that goes on offending adds nothing. Beyond 256 keys the oldest offence is dropped. Of votes that prove
/// nothing yet, those since the start are known, in memory; of blocks, those of the tree.
#[derive(Debug, Default)]
pub struct Witness {
    /// By key, then by round of the target.
    votes: BTreeMap<Hash, BTreeMap<Round, Vote>>,
    /// By key: the report of an offence, ready to stand in a block.
    reports: BTreeMap<Hash, (Round, CheckedTransaction)>,
    /// Keys whose reports the others have not been told of.
    untold: BTreeSet<Hash>,
    /// The round in which the others were last told of all.
    told: Option<Round>,
    /// The final round for which it was seen what is settled.
    settled: Round,
}

impl Witness {
    /// Reads what an earlier run of the node has seen, and takes note of all blocks of the tree.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    pub fn begin(&mut self, chain: &Chain) -> Result<(), BlockError> {
        for evidence in chain.database().read()?.evidence()? {
            match check(chain, &evidence) {
                Ok(report) => {
                    drop(self.reports.insert(evidence.accused(), (round(chain, &evidence), report)))
                }
                Err(error) => {
                    let key = evidence.accused();
                    return Err(StorageError::damaged(format!("evidence against {key}"), error).into());
                }
            }
        }
        self.see_tree(chain)
    }

    /// Whether it took note of this very vote before, so that its signature holds.
    pub fn knows(&self, vote: &Vote) -> bool {
        let known = self.votes.get(&vote.minting_key);
        known.and_then(|known| known.get(&vote.link.target.checkpoint.round)) == Some(vote)
    }

    /// Takes note of a vote whose signature holds, by a key that stands in a table.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    pub fn see_vote(&mut self, chain: &Chain, vote: &Vote) -> Result<(), BlockError> {
        let evidence = self.votes.get(&vote.minting_key).and_then(|known| {
            // The vote of the same round first: it convicts more plainly.
            let round = vote.link.target.checkpoint.round;
            let same = known.get(&round).into_iter();
            same.chain(known.values()).find_map(|other| Evidence::of_votes(other, vote))
        });
        self.keep(vote);
        evidence.map_or(Ok(()), |evidence| self.note(chain, &evidence).map(drop))
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
                self.note(chain, &evidence)?;
            }
        }
        if let Some(certificate) = certificate {
            for vote in votes(&snapshot, certificate)? {
                self.see_vote(chain, &vote)?;
            }
        }
        Ok(())
    }

    fn see_tree(&mut self, chain: &Chain) -> Result<(), BlockError> {
        let snapshot = chain.database().read()?;
        let mut slots: BTreeMap<Slot, Vec<&SealedHeader>> = BTreeMap::new();
        for sealed in chain.tree().headers() {
            slots.entry(sealed.header.slot).or_default().push(sealed);
        }
        for blocks in slots.values() {
            for (place, sealed) in blocks.iter().enumerate() {
                for other in &blocks[..place] {
                    if let Some(evidence) = conflict(chain, &snapshot, sealed, other)? {
                        self.note(chain, &evidence)?;
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

    /// The evidence known, one offence of each key.
    pub fn evidence(&self) -> Vec<Evidence> {
        self.reports().filter_map(|report| report.signed().unsigned_evidence().cloned()).collect()
    }

    /// What the others are to be told in this round: what is new, and all of it once, because who heard it may have gone.
    pub fn to_tell(&mut self, current: Round) -> Vec<SignedTransaction> {
        let untold = std::mem::take(&mut self.untold);
        let all = self.told.is_none_or(|told| told < current);
        self.told = Some(current);
        let told = self.reports.iter().filter(|(key, _)| all || untold.contains(key));
        told.map(|(_, (_, report))| report.signed().clone()).collect()
    }

    /// Keeps evidence, from wherever it comes, if somebody can be punished for it.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    pub fn note(&mut self, chain: &Chain, evidence: &Evidence) -> Result<Accused, BlockError> {
        let (key, round) = (evidence.accused(), round(chain, evidence));
        let snapshot = chain.database().read()?;
        let mut head = snapshot.state(chain.head().root);
        if let Some((known, _)) = self.reports.get(&key)
            && is_unpunished(&mut head, &key, *known)?
        {
            return Ok(Accused::Known);
        }
        if !is_unpunished(&mut head, &key, round)? {
            return Ok(Accused::Unwanted);
        }
        let report = match check(chain, evidence) {
            Ok(report) => report,
            Err(TransactionError::Evidence { .. }) => return Ok(Accused::Forged),
            // Such as a chain without the module that punishes.
            Err(error) => {
                tracing::debug!(%key, %error, "evidence that no block takes");
                return Ok(Accused::Unwanted);
            }
        };
        tracing::warn!(%key, round = round.0, "a minting key signed what excludes each other");
        let mut batch = Batch::default();
        batch.evidence(evidence);
        self.reports.insert(key, (round, report));
        self.untold.insert(key);
        while self.reports.len() > MAX_KEYS {
            let oldest = self.reports.iter().min_by_key(|(_, (round, _))| *round).map(|(key, _)| *key);
            oldest.into_iter().for_each(|key| self.forget(&key, &mut batch));
        }
        chain.database().commit(batch)?;
        Ok(Accused::New)
    }

    /// Forgets what a final block settled. Looks once for each final round.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    pub fn forget_settled(&mut self, chain: &Chain) -> Result<(), BlockError> {
        let root = chain.finality().root;
        if root.round <= self.settled {
            return Ok(());
        }
        self.settled = root.round;
        if self.reports.is_empty() {
            return Ok(());
        }
        let snapshot = chain.database().read()?;
        let Some(version) = snapshot.version(&root.id)? else { return Ok(()) };
        let mut state = snapshot.state(version.root);
        let mut batch = Batch::default();
        let known: Vec<(Hash, Round)> = self.reports.iter().map(|(key, (round, _))| (*key, *round)).collect();
        for (key, round) in known {
            // A key that serves nobody in the final state may still come to serve somebody.
            let served = Supernode::owner_of_key(&mut state, &key)?.is_some();
            if served && !is_unpunished(&mut state, &key, round)? {
                self.forget(&key, &mut batch);
            }
        }
        if !batch.is_empty() {
            chain.database().commit(batch)?;
        }
        Ok(())
    }

    fn forget(&mut self, key: &Hash, batch: &mut Batch) {
        self.reports.remove(key);
        self.untold.remove(key);
        batch.remove_evidence(key);
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

/// The report of evidence that holds.
fn check(chain: &Chain, evidence: &Evidence) -> Result<CheckedTransaction, TransactionError> {
    let report = SignedTransaction::unsigned_report(evidence.clone());
    check_in_block(&report, chain.spec(), chain.engine().chain())
}

fn round(chain: &Chain, evidence: &Evidence) -> Round {
    evidence.offence(chain.engine().clock().slots_per_round()).round
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
