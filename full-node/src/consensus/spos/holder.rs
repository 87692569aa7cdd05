use light_client::{
    consensus::spos::{
        Block, Certificate, Electorate, Link, Refusal, Tables, Triple, Vote, VotingRecord, vote_position,
    },
    crypto::{Hash, KeyPair, PublicKey, Signature},
    data_format::{BlockId, Checkpoint, Evidence, Header, Round, SignedTransaction, Slot, Time, codec},
    transaction::CheckedTransaction,
};

use super::{VotePool, Witness};
use crate::{
    block_tree::{BlockError, Chain, Draft},
    consensus::{Accused, Ballot, Heard, Minted, Minter},
    node::MintingKey,
    storage::{Batch, Snapshot, Space, StorageError},
};

/// The minting keys of this node, and the votes it knows.
///
/// A key signs only with a record of what it signed before. Whoever makes a chain for new keys stores it with their empty
/// records ([`Chain::open`]). A key without one, brought from elsewhere, waits until a checkpoint later than its start is final: whatever
/// it signed before then cannot clash with what it signs after. So does a key that signed what its record does not know:
/// the record was restored from a backup ([`Holder::compare`]). Nobody votes in the round in which the node starts, or mints in
/// its slot, because what a restored record does not know may not be on the chain yet.
pub struct Holder {
    pub(super) keys: Vec<Key>,
    /// Keys that were erased, and are not loaded again.
    pub(super) retired: Vec<Hash>,
    started: Slot,
    votes: VotePool,
    /// Links that votes came for since it was asked last what they justify.
    touched: Vec<Link>,
    witness: Witness,
    /// The final round for which it was seen which keys are needed no more.
    pub(super) erased_up_to: Round,
}

/// A key with its public half. It stays where it is in memory, so that it leaves no copy there when others are erased.
pub(super) type Key = (Hash, Box<KeyPair>);

impl Holder {
    /// A holder of these keys; those that are not Ed25519 are left out, because only that scheme mints.
    /// `started` is the slot in which the node starts; 0 before the first one.
    pub fn new(keys: Vec<KeyPair>, started: Slot) -> Self {
        let keys = keys.into_iter().filter_map(|key| match key.public() {
            PublicKey::Ed25519(bytes) => Some((Hash(bytes), Box::new(key))),
            PublicKey::Curve25519(_) => None,
        });
        Self {
            keys: keys.collect(),
            retired: Vec::new(),
            started,
            votes: VotePool::default(),
            touched: Vec::new(),
            witness: Witness::default(),
            erased_up_to: Round(0),
        }
    }

    /// The public halves of its keys.
    pub fn public_keys(&self) -> Vec<Hash> {
        self.keys.iter().map(|(public, _)| *public).collect()
    }

    /// What a key signed so far; `None` if that is not known, and it has to wait.
    fn record(
        &self,
        chain: &Chain,
        snapshot: &Snapshot,
        public: &Hash,
    ) -> Result<Option<VotingRecord>, StorageError> {
        let waited = chain.finality().root.round > chain.engine().clock().round(self.started);
        Ok(snapshot.voting(public)?.or_else(|| waited.then(VotingRecord::default)))
    }

    /// Which tables name each key after the head, and whether it may sign.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    pub fn states(&self, chain: &Chain, snapshot: &Snapshot) -> Result<Vec<MintingKey>, StorageError> {
        let tables = snapshot.tables_after(&chain.head().header)?;
        let state = |(public, _): &Key| {
            Ok(MintingKey {
                key: *public,
                in_force: tables.in_force.names(public),
                planned: tables.planned.as_ref().is_some_and(|planned| planned.names(public)),
                waits: self.record(chain, snapshot, public)?.is_none(),
            })
        };
        self.keys.iter().map(state).collect()
    }

    /// Number of keys.
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it has no keys: the node only follows.
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Votes with every key that has not voted in this round yet, once the vote position has come. Gives the votes
    /// cast; each was on disk as cast before it was signed.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    pub fn vote(&mut self, chain: &Chain, now: Time) -> Result<Vec<Vote>, BlockError> {
        let clock = chain.engine().clock();
        let Some(slot) = clock.slot_at(now) else { return Ok(Vec::new()) };
        let round = clock.round(slot);
        let slots = usize::try_from(clock.slots_per_round()).unwrap_or(usize::MAX);
        let early = round <= clock.round(self.started) || clock.position(slot) < vote_position(slots);
        if early || round <= chain.finality().root.round || self.keys.is_empty() {
            return Ok(Vec::new());
        }
        let snapshot = chain.database().read()?;
        let (link, target, source) = link(chain, &snapshot, round)?;
        let (target, source) = (snapshot.tables_after(&target)?, snapshot.tables_after(&source)?);
        let mut batch = Batch::default();
        let mut voters = Vec::new();
        for (public, key) in &self.keys {
            let named = target.each().chain(source.each()).any(|table| table.names(public));
            let Some(record) = self.record(chain, &snapshot, public)? else { continue };
            match record.vote(&link) {
                Ok(after) if named => {
                    batch.voting(public, &after);
                    voters.push(key);
                }
                Ok(_) | Err(Refusal::Target { .. }) => {}
                Err(refusal) => tracing::warn!(key = %public, %refusal, "not voting"),
            }
        }
        if voters.is_empty() {
            return Ok(Vec::new());
        }
        chain.database().commit(batch)?;
        let cast: Vec<Vote> =
            voters.into_iter().filter_map(|key| Vote::sign(link, chain.engine().chain(), key)).collect();
        for vote in &cast {
            self.witness.see_vote(chain, vote)?;
            self.keep(vote, &target, &source);
        }
        tracing::debug!(round = round.0, votes = cast.len(), target = %link.target.checkpoint.id, "voted");
        Ok(cast)
    }

    /// Takes votes of others, for rounds that have begun, whose signatures were checked and whose keys stand in a table, on whatever
    /// branch they are.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails; a vote that does not count is only logged.
    pub fn hear(&mut self, chain: &Chain, votes: &[Vote], now: Time) -> Result<(), BlockError> {
        let clock = chain.engine().clock();
        let current = clock.slot_at(now).map(|slot| clock.round(slot));
        let snapshot = chain.database().read()?;
        for vote in votes {
            let round = vote.link.target.checkpoint.round;
            if Some(round) > current || self.votes.contains(vote) {
                continue;
            }
            if !self.witness.knows(vote) {
                self.witness.see_vote(chain, vote)?;
            }
            if round <= chain.finality().root.round {
                continue;
            }
            let Some((target, source)) = tables_of(chain, &snapshot, &vote.link)? else {
                tracing::debug!(key = %vote.minting_key, round = round.0, "a vote between blocks that are not held");
                continue;
            };
            self.keep(vote, &target, &source);
        }
        Ok(())
    }

    fn keep(&mut self, vote: &Vote, target: &Tables, source: &Tables) {
        match self.votes.add(*vote, target, source) {
            Ok(()) if self.touched.contains(&vote.link) => {}
            Ok(()) => self.touched.push(vote.link),
            Err(error) => tracing::warn!(%error, "a vote that does not count"),
        }
    }

    /// The highest target, of the links that votes came for since this was asked last, that has a quorum; only if it is higher
    /// than what is adopted.
    fn newly_justified(&mut self, chain: &Chain) -> Result<Option<Checkpoint>, BlockError> {
        let mut highest: Option<Checkpoint> = None;
        let snapshot = chain.database().read()?;
        for link in std::mem::take(&mut self.touched) {
            let target = link.target.checkpoint;
            if target.round <= highest.unwrap_or(*chain.tree().justified()).round {
                continue;
            }
            let Some((of_target, of_source)) = tables_of(chain, &snapshot, &link)? else { continue };
            if self.votes.certify(link, &of_target, &of_source).is_some() {
                highest = Some(target);
            }
        }
        Ok(highest)
    }

    /// Compares what a certificate of the chain says that its own keys signed with what their records say. A record that
    /// is behind was restored from a backup: it is dropped, and its key waits as one without a record.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    pub fn compare(&mut self, chain: &Chain, certificate: &Certificate, now: Time) -> Result<(), BlockError> {
        let link = &certificate.link;
        let snapshot = chain.database().read()?;
        let (target, source) =
            (snapshot.tables(&link.target.next_slots)?, snapshot.tables(&link.source.next_slots)?);
        let electorate = Electorate::new(&target, &source);
        let mut batch = Batch::default();
        for key in certificate.signers.positions().filter_map(|position| electorate.member(position)) {
            let own = self.keys.iter().any(|(public, _)| *public == key);
            let behind = |record: VotingRecord| record.target < link.target.checkpoint.round;
            if own && snapshot.voting(&key)?.is_some_and(behind) {
                tracing::error!(%key, "it signed what this folder does not know: a restored backup, or a key in use twice. It waits");
                batch.remove(Space::Voting, *key.as_bytes());
            }
        }
        if !batch.is_empty() {
            chain.database().commit(batch)?;
            self.started = self.started.max(chain.engine().clock().slot_at(now).unwrap_or_default());
        }
        Ok(())
    }

    /// Mints in the slot that has begun, if this node holds it and has not minted in it. The slot is on disk as
    /// minted before the block is sealed.
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails.
    pub fn mint(
        &mut self,
        chain: &mut Chain,
        now: Time,
        candidates: &dyn Fn() -> Vec<CheckedTransaction>,
    ) -> Result<Option<Minted>, BlockError> {
        let Some(slot) = chain.engine().clock().slot_at(now) else { return Ok(None) };
        let snapshot = chain.database().read()?;
        let Some((public, key, record)) = self.minter(chain, &snapshot, slot)? else { return Ok(None) };
        let mut batch = Batch::default();
        batch.voting(&public, &record);
        chain.database().commit(batch)?;
        let certificate = self.certificate(chain, &snapshot, chain.engine().clock().round(slot))?;
        let seal = |message: &[u8]| -> Signature { key.sign(message) };
        let mut transactions: Vec<CheckedTransaction> = self.witness.reports().cloned().collect();
        transactions.extend(candidates());
        let (prepared, mut skipped) =
            chain.build(slot, Draft::with(certificate.clone()), &transactions, seal)?;
        // A report without effect is no transaction of anybody's.
        skipped.retain(|(id, _)| self.witness.reports().all(|report| report.id() != *id));
        let (id, header) = (*prepared.id(), &prepared.block().header.header);
        tracing::info!(
            height = header.height.0,
            slot = slot.0,
            transactions = header.transactions_count,
            block = %id,
            "minted a block"
        );
        let accepted = chain.accept(prepared, now)?;
        self.votes.forget(chain.finality().root.round);
        self.witness.see_block(chain, &id, certificate.as_ref())?;
        Ok(Some(Minted { accepted, skipped }))
    }

    /// The key for a slot, if it is here and may mint, with its record after that.
    fn minter(
        &self,
        chain: &Chain,
        snapshot: &Snapshot,
        slot: Slot,
    ) -> Result<Option<(Hash, &KeyPair, VotingRecord)>, BlockError> {
        let head = chain.head();
        if slot <= head.header.slot || slot <= self.started {
            return Ok(None);
        }
        let clock = chain.engine().clock();
        let recovery = snapshot.recovery_from(&head.header);
        if recovery.is_some_and(|recovery| slot < clock.first_slot(recovery.round)) {
            return Ok(None);
        }
        let (_, header) = chain.checkpoint(snapshot, &head.id, clock.round(slot))?;
        let table = snapshot.tables_after(&header)?.in_force;
        let Some((holder, _)) = table.holder(clock.position(slot)) else { return Ok(None) };
        let Some((public, key)) = self.keys.iter().find(|(public, _)| *public == holder.minting_key) else {
            return Ok(None);
        };
        let Some(record) = self.record(chain, snapshot, public)? else { return Ok(None) };
        Ok(record.mint(slot).ok().map(|record| (*public, &**key, record)))
    }

    /// The certificate for the lowest pending target on the best branch, with every vote held.
    fn certificate(
        &self,
        chain: &Chain,
        snapshot: &Snapshot,
        latest: Round,
    ) -> Result<Option<Certificate>, BlockError> {
        for round in self.votes.pending(snapshot.justified_after(&chain.head().header).round) {
            if round > latest {
                break;
            }
            let (link, target, source) = link(chain, snapshot, round)?;
            let (target, source) = (snapshot.tables_after(&target)?, snapshot.tables_after(&source)?);
            if let Some(certificate) = self.votes.certify(link, &target, &source) {
                return Ok(Some(certificate));
            }
        }
        Ok(None)
    }
}

/// Rounds before the current one whose votes still count for something.
const PAST_ROUNDS: u64 = 1;
/// Bytes of a vote, at most.
const MAX_VOTE_BYTES: usize = 512;

impl Minter for Holder {
    fn keys(&self) -> Vec<Hash> {
        self.public_keys()
    }

    fn states(&self, chain: &Chain, snapshot: &Snapshot) -> Result<Vec<MintingKey>, StorageError> {
        Self::states(self, chain, snapshot)
    }

    fn retired(&self) -> &[Hash] {
        &self.retired
    }

    fn begin(&mut self, chain: &Chain) -> Result<(), BlockError> {
        self.leave_out_retired(chain)?;
        self.witness.begin(chain)
    }

    fn saw(&mut self, chain: &Chain, id: &BlockId, block: &Block, now: Time) -> Result<(), BlockError> {
        self.witness.see_block(chain, id, block.certificate.as_ref())?;
        block.certificate.as_ref().map_or(Ok(()), |certificate| self.compare(chain, certificate, now))
    }

    fn evidence(&self) -> Vec<Evidence> {
        self.witness.evidence()
    }

    fn accuse(&mut self, chain: &Chain, evidence: &Evidence, now: Time) -> Result<Accused, BlockError> {
        let clock = chain.engine().clock();
        // What nobody could sign yet cannot be settled either.
        if evidence.offence(clock.slots_per_round()).round > current(chain, now) {
            return Ok(Accused::Unwanted);
        }
        self.witness.note(chain, evidence)
    }

    fn accusations(&mut self, chain: &Chain, now: Time) -> Vec<SignedTransaction> {
        self.witness.to_tell(current(chain, now))
    }

    fn vote(&mut self, chain: &Chain, now: Time) -> Result<Vec<Ballot>, BlockError> {
        let ballot = |vote: Vote| Ballot {
            round: vote.link.target.checkpoint.round.0,
            voter: vote.minting_key,
            bytes: codec::encode(&vote),
        };
        self.erase_keys(chain)?;
        self.witness.forget_settled(chain)?;
        Ok(Self::vote(self, chain, now)?.into_iter().map(ballot).collect())
    }

    fn hear(&mut self, chain: &Chain, votes: &[Vec<u8>], now: Time) -> Result<Vec<Heard>, BlockError> {
        let current = current(chain, now);
        let snapshot = chain.database().read()?;
        let mut heard = Vec::with_capacity(votes.len());
        let mut counting = Vec::new();
        for bytes in votes {
            let Ok(vote) = codec::decode::<Vote>(bytes, MAX_VOTE_BYTES) else {
                heard.push(Heard::Garbage);
                continue;
            };
            let round = vote.link.target.checkpoint.round;
            let verdict = if round > current || round.0 + PAST_ROUNDS < current.0 {
                Heard::Untimely
            // Votes are counted again with each block: what was heard before was checked then.
            } else if self.witness.knows(&vote) {
                counting.push(vote);
                Heard::Counts { round: round.0, voter: vote.minting_key }
            } else if !has_voice(chain, &snapshot, &vote)? {
                Heard::NoVoice
            } else if vote.verify(chain.engine().chain()).is_err() {
                Heard::Forged
            } else {
                counting.push(vote);
                Heard::Counts { round: round.0, voter: vote.minting_key }
            };
            heard.push(verdict);
        }
        self.votes.forget(chain.finality().root.round);
        Self::hear(self, chain, &counting, now)?;
        Ok(heard)
    }

    fn justified(&mut self, chain: &Chain) -> Result<Option<Checkpoint>, BlockError> {
        self.newly_justified(chain)
    }

    fn mint(
        &mut self,
        chain: &mut Chain,
        now: Time,
        candidates: &dyn Fn() -> Vec<CheckedTransaction>,
    ) -> Result<Option<Minted>, BlockError> {
        Self::mint(self, chain, now, candidates)
    }
}

fn current(chain: &Chain, now: Time) -> Round {
    let clock = chain.engine().clock();
    clock.slot_at(now).map_or(Round(0), |slot| clock.round(slot))
}

/// Whether a vote's key stands in a table that can matter: one of the head's, or of the blocks that it names.
fn has_voice(chain: &Chain, snapshot: &Snapshot, vote: &Vote) -> Result<bool, StorageError> {
    let named = [chain.head().id, vote.link.target.checkpoint.id, vote.link.source.checkpoint.id];
    for id in named {
        let header = match chain.tree().entry(&id) {
            Ok(entry) => entry.sealed.header.clone(),
            Err(_) => match snapshot.header(&id)? {
                Some(sealed) => sealed.header,
                None => continue,
            },
        };
        if snapshot.tables_after(&header)?.each().any(|table| table.names(&vote.minting_key)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The slot tables of a link's target and source, if it is one between blocks of the tree: the target lies before its round,
/// and the source is what it calls justified. On which branch they are does not matter.
fn tables_of(
    chain: &Chain,
    snapshot: &Snapshot,
    link: &Link,
) -> Result<Option<(Tables, Tables)>, BlockError> {
    let Checkpoint { round, id } = link.target.checkpoint;
    let Ok(entry) = chain.tree().entry(&id) else { return Ok(None) };
    let target = &entry.sealed.header;
    let source = chain.justified_after(snapshot, target);
    if target.slot >= chain.engine().clock().first_slot(round) || source != link.source.checkpoint {
        return Ok(None);
    }
    let source = chain.header(snapshot, &source.id)?;
    let named = (snapshot.next_slots_after(target), snapshot.next_slots_after(&source));
    if named != (link.target.next_slots, link.source.next_slots) {
        return Ok(None);
    }
    Ok(Some((snapshot.tables_after(target)?, snapshot.tables_after(&source)?)))
}

/// The link that a round votes for on the best branch, with the headers of target and source.
fn link(chain: &Chain, snapshot: &Snapshot, round: Round) -> Result<(Link, Header, Header), BlockError> {
    let (target, target_header) = chain.checkpoint(snapshot, &chain.head().id, round)?;
    let source = chain.justified_after(snapshot, &target_header);
    let source_header = chain.header(snapshot, &source.id)?;
    let triple = |checkpoint: Checkpoint, header: &Header| Triple {
        checkpoint,
        next_slots: snapshot.next_slots_after(header),
    };
    let link = Link { source: triple(source, &source_header), target: triple(target, &target_header) };
    Ok((link, target_header, source_header))
}
