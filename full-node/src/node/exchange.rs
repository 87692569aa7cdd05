//! The node as the network between nodes sees it.

use std::sync::{Arc, atomic::Ordering};

use libp2p::PeerId;
use light_client::{
    block_tree::{HeaderProof, HeaderRange},
    consensus::spos::{Block, Clock, HeaderError, SLOT_TOLERANCE_MS},
    data_format::{BlockId, ChainId, Evidence, Header, Height, SealedHeader, SignedTransaction, Time},
    transaction::{TransactionError, check_in_block, check_stateless},
};
use tokio::sync::broadcast;

use super::{Node, NodeError, SubmitError, queries::need, queries::stored_finality};
use crate::{
    block_tree::{BlockError, Chain},
    consensus::{Accused, Minter},
    logic::is_unpunished,
    network::{
        Announcement, Certainty, ChainPort, Claims, Heard, Inserted, PortError, Row, Taken,
        identity::peer_of_key,
        messages::{AnchoredHeaders, Headers, Tip},
        sync::Verdict,
    },
    storage::Snapshot,
};

/// What the slots of headers say.
#[derive(Debug)]
struct SlotClaims(Clock);

impl Claims for SlotClaims {
    fn begins(&self, header: &Header) -> Time {
        Time(self.0.start(header.slot).0.saturating_sub(SLOT_TOLERANCE_MS))
    }

    fn highest(&self, now: Time) -> Option<Height> {
        Some(Height(self.0.slot_at(now).map_or(0, |slot| slot.0)))
    }
}

impl ChainPort for Node {
    fn chain(&self) -> ChainId {
        self.0.chain
    }

    fn genesis(&self) -> BlockId {
        self.0.genesis.header.id()
    }

    fn admitted(&self) -> Option<Vec<PeerId>> {
        let keys = &self.0.spec.peers;
        // A spec that was checked has usable keys only.
        (!keys.is_empty()).then(|| keys.iter().filter_map(peer_of_key).collect())
    }

    fn claims(&self) -> Arc<dyn Claims> {
        Arc::new(SlotClaims(self.0.clock))
    }

    fn tip(&self) -> Result<Tip, PortError> {
        Ok(self.tip_in(&self.0.database.read().map_err(NodeError::from)?)?)
    }

    fn locator(&self, limit: usize) -> Result<(Tip, Vec<BlockId>), PortError> {
        let snapshot = self.0.database.read().map_err(NodeError::from)?;
        let tip = self.tip_in(&snapshot)?;
        let mut locator = Vec::new();
        let (mut height, mut step) = (tip.height.0, 1);
        // Ten blocks in a row, then ever larger gaps, down to the newest final one: before it there is one branch only.
        while height > tip.final_height.0 && locator.len() + 1 < limit {
            locator.extend(snapshot.at_height(Height(height)).map_err(NodeError::from)?);
            if locator.len() > 10 {
                step *= 2;
            }
            height = height.saturating_sub(step);
        }
        locator.extend(snapshot.at_height(tip.final_height).map_err(NodeError::from)?);
        Ok((tip, locator))
    }

    fn headers_after(
        &self,
        locator: &[BlockId],
        limit: usize,
    ) -> Result<Option<Vec<SealedHeader>>, PortError> {
        Ok(self.headers_after_now(locator, limit)?)
    }

    fn headers_to(
        &self,
        after: Height,
        anchor: &BlockId,
        limit: usize,
    ) -> Result<Option<AnchoredHeaders>, PortError> {
        Ok(self.headers_to_now(after, anchor, limit)?)
    }

    fn blocks(&self, ids: &[BlockId], bytes: usize) -> Result<Vec<Vec<u8>>, PortError> {
        Ok(self.blocks_now(ids, bytes)?)
    }

    fn insert(&self, block: &Block, now: Time) -> Inserted {
        if self.is_starting() {
            return self.after_snapshot();
        }
        self.inserted(&block.header.header, self.insert(block, now))
    }

    fn check_ahead(&self, blocks: Vec<Block>, certainty: Certainty) -> Row {
        self.checked_row(blocks, certainty)
    }

    fn insert_all(&self, row: &Row, now: Time) -> Vec<Inserted> {
        if self.is_starting() {
            return row.blocks.iter().map(|_| self.after_snapshot()).collect();
        }
        let inserted = self.insert_row(row, now);
        let results = row.blocks.iter().zip(inserted);
        results.map(|(block, inserted)| self.inserted(&block.header.header, inserted)).collect()
    }

    fn hear(&self, votes: &[Vec<u8>], now: Time) -> Result<Vec<Heard>, PortError> {
        Ok(self.hear_now(votes, now)?)
    }

    fn take(&self, transaction: &SignedTransaction, now: Time) -> Result<Taken, PortError> {
        if let Some(evidence) = transaction.unsigned_evidence() {
            return Ok(self.take_evidence(transaction, evidence, now)?);
        }
        let checked = match check_stateless(transaction, &self.0.spec, &self.0.chain) {
            Ok(checked) => checked,
            Err(_) => return Ok(Taken::Invalid),
        };
        match self.add_heard(&checked) {
            Ok(true) => Ok(Taken::New),
            Ok(false) => Ok(Taken::Known),
            Err(SubmitError::Transaction(TransactionError::NonceGap { .. })) => Ok(Taken::Early),
            Err(SubmitError::Transaction(_) | SubmitError::Pool(_)) => Ok(Taken::Unwanted),
            Err(SubmitError::Node(error)) => Err(error.into()),
        }
    }

    fn waiting(&self, bytes: usize) -> Vec<SignedTransaction> {
        self.pool().candidates(bytes).iter().map(|checked| checked.signed().clone()).collect()
    }

    fn announcements(&self) -> broadcast::Receiver<Announcement> {
        self.0.announcements.subscribe()
    }

    fn hold(&self, held: bool) {
        self.0.held.store(held, Ordering::Relaxed);
    }
}

impl Node {
    /// What became of a block.
    fn inserted(&self, header: &Header, inserted: Result<(), BlockError>) -> Inserted {
        let verdict = match &inserted {
            Ok(()) => Verdict::Taken,
            Err(error) if error.is_fault() => Verdict::Failed,
            Err(
                BlockError::Tree(_) | BlockError::Copy(_) | BlockError::Header(HeaderError::SlotEarly { .. }),
            ) => Verdict::Unfit,
            Err(error) if error.is_disagreement() => Verdict::Unfit,
            Err(_) => Verdict::Invalid,
        };
        let why = inserted.err().map(|error| error.to_string()).unwrap_or_default();
        match ChainPort::tip(self) {
            Ok(tip) => {
                let id = header.id();
                let weight = self.weight_of(&id, header);
                let stands = weight.map(|weight| Tip { head: id, height: header.height, weight, ..tip });
                Inserted { verdict, why, tip, stands }
            }
            Err(error) => {
                let (verdict, why) = (Verdict::Failed, error.to_string());
                Inserted { verdict, why, tip: Tip::default(), stands: None }
            }
        }
    }

    /// What a block's branch weighs up to it: as its header says, or as its blocks add up to if they are known.
    fn weight_of(&self, id: &BlockId, header: &Header) -> Option<u128> {
        self.0.rules.claimed_weight(header).or_else(|| self.core().chain.weight(id))
    }

    /// No block is taken while the node waits for a snapshot.
    fn after_snapshot(&self) -> Inserted {
        let why = "it comes after the snapshot that this node starts from".to_owned();
        let tip = ChainPort::tip(self).unwrap_or_default();
        Inserted { verdict: Verdict::Unfit, why, tip, stands: None }
    }

    /// Tells the network, if there is one.
    pub(super) fn announce(&self, what: Announcement) {
        // Nobody may be listening.
        drop(self.0.announcements.send(what));
    }

    /// Tells the network of a block that was minted here.
    pub(super) fn announce_block(&self, id: &BlockId) -> Result<(), NodeError> {
        if self.0.announcements.receiver_count() > 0 {
            let block = need(self.0.database.read()?.block(id)?, "a block minted just now")?;
            self.announce(Announcement::Block(block.into()));
        }
        Ok(())
    }

    pub(super) fn tip_in(&self, snapshot: &Snapshot) -> Result<Tip, NodeError> {
        let id = need(snapshot.head()?, "the head")?;
        let header = need(snapshot.header(&id)?, "the header of the head")?.header;
        let weight = match self.0.rules.claimed_weight(&header) {
            Some(weight) => weight,
            None => need(snapshot.head_weight()?, "the weight of the head")?,
        };
        let begins = snapshot.begins_at()?;
        let whole = if begins > Height(0) { begins.next() } else { begins };
        Ok(Tip {
            head: id,
            height: header.height,
            weight,
            final_height: stored_finality(snapshot)?.height,
            kept_from: whole.max(snapshot.bodies_from()?),
        })
    }

    fn headers_after_now(
        &self,
        locator: &[BlockId],
        limit: usize,
    ) -> Result<Option<Vec<SealedHeader>>, NodeError> {
        let snapshot = self.0.database.read()?;
        for id in locator {
            let Some(sealed) = snapshot.header(id)? else { continue };
            let height = sealed.header.height;
            if snapshot.at_height(height)? != Some(*id) {
                continue;
            }
            let after = snapshot.heights(height.next(), limit)?;
            let headers = after.iter().map(|id| need(snapshot.header(id)?, "a header of the best branch"));
            let headers: Vec<SealedHeader> = headers.collect::<Result<_, _>>()?;
            // A node that started from a snapshot has block 0, and not what follows it.
            let follows = headers.first().is_none_or(|first| first.header.parent == *id);
            return Ok(Some(headers).filter(|_| follows));
        }
        Ok(None)
    }

    fn headers_to_now(
        &self,
        after: Height,
        anchor: &BlockId,
        limit: usize,
    ) -> Result<Option<AnchoredHeaders>, NodeError> {
        let snapshot = self.0.database.read()?;
        let Some(end) = snapshot.header(anchor)? else { return Ok(None) };
        let end = end.header.height;
        let is_ours = snapshot.at_height(end)? == Some(*anchor);
        let count = end.0.saturating_sub(after.0).min(limit as u64);
        if !is_ours || end > stored_finality(&snapshot)?.height || count == 0 {
            return Ok(None);
        }
        let ids = snapshot.heights(after.next(), usize::try_from(count).unwrap_or(usize::MAX))?;
        let headers = ids.iter().map(|id| need(snapshot.header(id)?, "a header of the best branch"));
        let headers: Vec<SealedHeader> = headers.collect::<Result<_, _>>()?;
        let (Some(first), Some(last)) = (headers.first(), headers.last()) else { return Ok(None) };
        let (first, last) = (first.header.height, last.header.height);
        // A node that started from a snapshot has block 0, and not what follows it.
        if first != after.next() {
            return Ok(None);
        }
        let proof = if last == end {
            HeaderProof::default()
        } else {
            let proven = HeaderRange::new(&snapshot, end.0).prove(last);
            proven.map_err(|error| NodeError::Damaged(format!("the range of headers: {error}")))?
        };
        Ok(Some(AnchoredHeaders { headers: Headers(headers), proof }))
    }

    fn blocks_now(&self, ids: &[BlockId], bytes: usize) -> Result<Vec<Vec<u8>>, NodeError> {
        let snapshot = self.0.database.read()?;
        let (mut blocks, mut room) = (Vec::new(), bytes);
        for id in ids {
            let Some(block) = snapshot.encoded_block(id)? else { break };
            let Some(left) = room.checked_sub(block.len()) else { break };
            room = left;
            blocks.push(block);
        }
        Ok(blocks)
    }

    /// Votes may justify a checkpoint before a block says so.
    pub(super) fn adopt_justified(
        &self,
        chain: &mut Chain,
        minter: &mut dyn Minter,
        now: Time,
    ) -> Result<(), NodeError> {
        let Some(checkpoint) = minter.justified(chain)? else { return Ok(()) };
        let accepted = chain.adopt(checkpoint, now)?;
        self.digest(chain, minter, &accepted)
    }

    /// Takes a report without a sender: no pool keeps it, whoever makes blocks does.
    fn take_evidence(
        &self,
        report: &SignedTransaction,
        evidence: &Evidence,
        now: Time,
    ) -> Result<Taken, NodeError> {
        if self.paused().is_some() {
            return Ok(Taken::Unwanted);
        }
        // What is settled, and what proves nothing, must not keep blocks waiting.
        let round = evidence.offence(self.0.clock.slots_per_round()).round;
        let snapshot = self.0.database.read()?;
        let mut state = snapshot.state(self.stored_head(&snapshot)?.root);
        let unpunished = is_unpunished(&mut state, &evidence.accused(), round);
        if !unpunished.map_err(|error| NodeError::Damaged(error.to_string()))? {
            return Ok(Taken::Unwanted);
        }
        match check_in_block(report, &self.0.spec, &self.0.chain) {
            Err(TransactionError::Evidence { .. }) => return Ok(Taken::Invalid),
            Err(_) => return Ok(Taken::Unwanted),
            Ok(_) => {}
        }
        let mut core = self.core();
        let super::Core { chain, minter } = &mut *core;
        Ok(match minter.accuse(chain, evidence, now)? {
            Accused::New => Taken::New,
            Accused::Known => Taken::Known,
            Accused::Unwanted => Taken::Unwanted,
            Accused::Forged => Taken::Invalid,
        })
    }

    fn hear_now(&self, votes: &[Vec<u8>], now: Time) -> Result<Vec<Heard>, NodeError> {
        // What votes prove is written.
        if self.paused().is_some() {
            return Ok(vec![Heard::Untimely; votes.len()]);
        }
        let mut core = self.core();
        let super::Core { chain, minter } = &mut *core;
        let heard = minter.hear(chain, votes, now)?;
        self.adopt_justified(chain, &mut **minter, now)?;
        Ok(heard)
    }
}

impl From<NodeError> for PortError {
    fn from(error: NodeError) -> Self {
        Self(error.to_string())
    }
}
