use std::{collections::HashSet, sync::Arc};

use light_client::{
    block_tree::{HeaderChanges, Inserted, Reorganisation},
    consensus::spos::{Block, Certificate, Epoch},
    data_format::{
        Address, BlockId, ChainId, Checkpoint, Height, Outcome, SignedTransaction, Time, TransactionId, codec,
    },
};

use super::{BlockError, Chain, Head, Known, Prepared, leap::Happened};
use crate::{
    logic::Finished,
    storage::{Batch, Effects, Finality, Snapshot, Space, Version},
};

/// What taking a block changed. Everything in it is on disk, or will be after [`Chain::sync`].
#[derive(Debug, Default)]
pub struct Accepted {
    /// The block, unless it was known before.
    pub id: Option<BlockId>,
    /// Whether the head moved.
    pub moved: bool,
    /// Transactions of the blocks applied, newly on the best branch.
    pub included: Vec<TransactionId>,
    /// Transactions of the blocks undone. They wait on disk, but for those that the same write applies again.
    pub undone: Vec<SignedTransaction>,
    /// Blocks undone.
    pub undone_blocks: u64,
    /// Accounts that blocks applied or undone changed, sorted.
    pub touched: Vec<Address>,
    /// The newest final block, if that moved.
    pub finalised: Option<Checkpoint>,
    /// The highest justified checkpoint, if that moved without a new block.
    pub justified: Option<Checkpoint>,
}

impl Accepted {
    /// What blocks changed one after another, as one change of this chain.
    pub fn in_a_row(row: Vec<Self>, chain: &ChainId) -> Self {
        let mut whole = Self::default();
        for next in row {
            let undone: HashSet<_> = next.undone.iter().map(|signed| signed.transaction.id(chain)).collect();
            if !undone.is_empty() {
                whole.included.retain(|id| !undone.contains(id));
            }
            whole.included.extend(next.included);
            whole.undone.extend(next.undone);
            whole.undone_blocks += next.undone_blocks;
            whole.touched.extend(next.touched);
            whole.moved |= next.moved;
            whole.id = next.id.or(whole.id);
            whole.finalised = next.finalised.or(whole.finalised);
            whole.justified = next.justified.or(whole.justified);
        }
        whole.touched.sort_unstable();
        whole.touched.dedup();
        whole
    }
}

impl Chain {
    /// Checks a block, executes it and stores it; moves the head if its branch is now the best.
    ///
    /// # Errors
    /// [`BlockError`]: the rule it breaks, and nothing has changed; or a fault of the disk, and the chain stands still.
    pub fn insert(&mut self, block: &Block, now: Time, known: &Known<'_>) -> Result<Accepted, BlockError> {
        self.check_running()?;
        let id = block.header.header.id();
        let is_here = self.tree.entry(&id).is_ok();
        // The id covers neither seal nor signatures: a garbled copy must not pass for the block that is known.
        if is_here && self.database.read()?.block(&id)?.as_ref() == Some(block) {
            return Ok(Accepted::default());
        }
        let prepared = self.check(block, now, known)?;
        if is_here {
            return Err(BlockError::Copy(id));
        }
        self.accept(prepared, now)
    }

    /// Whether a block that nobody asked for may come in: its slot has room, or it is known. Costs nothing like a check.
    ///
    /// # Errors
    /// [`BlockError::Tree`] if the slot is full.
    pub fn check_room(&self, block: &Block) -> Result<(), BlockError> {
        let header = &block.header.header;
        if self.tree.entry(&header.id()).is_ok() {
            return Ok(());
        }
        Ok(self.tree.check_room(header.slot)?)
    }

    /// Stores a block that was checked or built on the chain as it is now. If its slot is full, a block of it goes that
    /// nobody needs.
    ///
    /// # Errors
    /// As [`Chain::insert`].
    pub fn accept(&mut self, prepared: Prepared, now: Time) -> Result<Accepted, BlockError> {
        self.check_running()?;
        if self.tree.insert(prepared.id, prepared.block.header.clone())? == Inserted::Known {
            return Ok(Accepted::default());
        }
        let spared = [Some(prepared.id), Some(self.head.id), self.deferred.map(|waiting| waiting.id)];
        let slot = prepared.block.header.header.slot;
        let evicted = self.tree.evict(slot, |id| spared.contains(&Some(*id)));
        let stored = self.store(&prepared, evicted, now);
        let accepted = self.halt_on_error(stored)?;
        self.write_behind()?;
        if prepared.state.changes.is_none()
            && let Some(leap) = &mut self.leap
        {
            let height = prepared.block.header.header.height;
            let (effects, outcomes) = (prepared.state.effects, prepared.outcomes);
            leap.pass(prepared.id, prepared.version, Happened { height, effects, outcomes });
        }
        self.keep_warm(prepared.id, prepared.state.warm);
        Ok(accepted)
    }

    /// Adopts the highest checkpoint that was justified on another branch, once the time for it has come.
    ///
    /// # Errors
    /// [`BlockError`] if the disk fails; the chain then stands still.
    pub fn adopt_deferred(&mut self, now: Time) -> Result<Accepted, BlockError> {
        self.check_running()?;
        if self.deferred.is_none() || !self.rules.may_adopt(self, now) {
            return Ok(Accepted::default());
        }
        // Its block is gone if it does not descend from the newest final one.
        let waiting = self.deferred.take().filter(|checkpoint| self.tree.entry(&checkpoint.id).is_ok());
        if let Some(checkpoint) = waiting {
            self.tree.justify(checkpoint)?;
        }
        let moved = self.store_move();
        self.halt_on_error(moved)
    }

    /// Takes note of a checkpoint that votes justify, before a block says so: as if a block of its branch had.
    ///
    /// # Errors
    /// [`BlockError`] if the disk fails; the chain then stands still.
    pub fn adopt(&mut self, target: Checkpoint, now: Time) -> Result<Accepted, BlockError> {
        self.check_running()?;
        let before = *self.tree.justified();
        self.justify(target, now)?;
        if *self.tree.justified() == before {
            return Ok(Accepted::default());
        }
        let moved = self.store_move();
        self.halt_on_error(moved)
    }

    fn check_running(&self) -> Result<(), BlockError> {
        self.halted.as_ref().map_or(Ok(()), |why| Err(BlockError::Halted(why.clone())))
    }

    /// Memory is ahead of the disk if a write failed: from then on nothing may be built on it.
    pub(super) fn halt_on_error<T>(&mut self, result: Result<T, BlockError>) -> Result<T, BlockError> {
        if let Err(error) = &result {
            tracing::error!(%error, "the chain stands still until the node is started again");
            self.halted = Some(error.to_string());
        }
        result
    }

    fn store(
        &mut self,
        prepared: &Prepared,
        evicted: Option<BlockId>,
        now: Time,
    ) -> Result<Accepted, BlockError> {
        let snapshot = self.database.read()?;
        let mut batch = Batch::default();
        self.stage_block(&mut batch, prepared);
        let mut finality = self.finality.clone();
        let mut headers = HeaderChanges {
            added: vec![prepared.block.header.clone()],
            dropped: evicted.into_iter().collect(),
            ..HeaderChanges::default()
        };
        if let Some(target) = self.rules.justifies(&prepared.block) {
            self.justify(target, now)?;
        }
        // The way is found before blocks are dropped from the tree.
        let recovery = self.recovery_by(&snapshot, &prepared.block.header.header)?;
        let source = match recovery {
            Some(recovery) => Some((recovery.checkpoint(), None)),
            None => self.rules.finalises(self, &prepared.block),
        };
        let way_before = self.way(&snapshot, Some(prepared))?;
        let mut accepted = Accepted { id: Some(prepared.id), ..Accepted::default() };
        let mut epoch = None;
        if let Some((source, certificate)) = source {
            let changes = if recovery.is_some() {
                batch.follow_recoveries(&snapshot, recovery.into_iter())?;
                self.tree.recover(source)?
            } else {
                self.tree.finalise(source.id)?
            };
            headers.dropped.extend(changes.dropped);
            headers.finalised = changes.finalised;
            let header = &self.tree.entry(&source.id)?.sealed.header;
            let height = header.height;
            let certificate = certificate.cloned();
            // A hand-over ends with a beacon, which there is none of from a block that was recovered from.
            let followed = certificate.as_ref().filter(|_| snapshot.recovery_from(header).is_none());
            epoch = followed.and_then(|certificate| self.stage_epoch(&mut batch, certificate));
            finality = Finality { root: source, height, certificate, justified: finality.justified };
            accepted.finalised = Some(source);
        }
        // Dropping branches can only move the head if it was on one of them.
        let way = if *self.tree.best() == way_before.1 {
            way_before.0
        } else {
            self.way(&snapshot, Some(prepared))?.0
        };
        finality.justified = *self.tree.justified();
        headers.justified = Some(finality.justified);
        batch.headers(&snapshot, &headers, self.arrivals)?;
        batch.finality(&finality);
        self.stage_way(&mut batch, &snapshot, Some(prepared), &way, &mut accepted)?;
        self.stage_dropped(&mut batch, &snapshot, &headers.dropped, Some(prepared))?;
        self.stage_finalised(&mut batch, &snapshot, &finality)?;
        // While the best branch changes, what is stored is another one's.
        let straight = way.undo.is_empty() && way.apply.iter().all(|id| *id == prepared.id);
        let pruned = if straight {
            self.stage_pruning(&mut batch, &snapshot, prepared, &finality)?
        } else {
            self.pruned
        };
        let newest = prepared.block.header.header.height;
        let bodies_from = self.stage_bodies(&mut batch, &snapshot, newest, &finality, pruned)?;
        let head = self.head_after(&snapshot, Some(prepared))?;
        self.stage_head(&mut batch, &head);
        let height = prepared.block.header.header.height.0;
        // What nobody reads any more is changed in place.
        drop(snapshot);
        tracing::trace!(height, "the commit of a block begins");
        self.write(batch)?;
        tracing::trace!(height, "the commit of a block ends");

        (self.head, self.finality, self.pruned) = (head, finality, pruned);
        self.bodies_from = bodies_from;
        self.epoch = epoch.or_else(|| self.epoch.take());
        self.next_node = prepared.version.next_node;
        self.arrivals += 1;
        Ok(accepted)
    }

    /// Stores a move of the head without a new block.
    fn store_move(&mut self) -> Result<Accepted, BlockError> {
        let snapshot = self.database.read()?;
        let mut batch = Batch::default();
        let mut accepted = Accepted { justified: Some(*self.tree.justified()), ..Accepted::default() };
        let (way, _) = self.way(&snapshot, None)?;
        let finality = Finality { justified: *self.tree.justified(), ..self.finality.clone() };
        batch.finality(&finality);
        self.stage_way(&mut batch, &snapshot, None, &way, &mut accepted)?;
        let head = self.head_after(&snapshot, None)?;
        self.stage_head(&mut batch, &head);
        self.write(batch)?;
        (self.head, self.finality) = (head, finality);
        Ok(accepted)
    }

    /// On the branch that is followed a checkpoint is adopted at once; on another one when the time comes.
    fn justify(&mut self, target: Checkpoint, now: Time) -> Result<(), BlockError> {
        // A target before the newest final block is higher than nothing.
        if self.tree.entry(&target.id).is_err() || target.round <= self.tree.justified().round {
            return Ok(());
        }
        if self.tree.descends(&self.head.id, &target.id) || self.rules.may_adopt(self, now) {
            self.tree.justify(target)?;
        } else if self.deferred.is_none_or(|waiting| waiting.round < target.round) {
            self.deferred = Some(target);
        }
        Ok(())
    }

    /// The way from the stored head to the best block, and that block.
    pub(super) fn way(
        &self,
        snapshot: &Snapshot,
        prepared: Option<&Prepared>,
    ) -> Result<(Reorganisation, BlockId), BlockError> {
        let best = *self.tree.best();
        let (mut from, mut to) = (self.head.id, best);
        let mut way = Reorganisation::default();
        let header = |id: &BlockId| match prepared.filter(|prepared| prepared.id == *id) {
            Some(prepared) => Ok(prepared.block.header.header.clone()),
            None => self.header(snapshot, id),
        };
        while from != to {
            let (lower, higher) = (header(&from)?, header(&to)?);
            if lower.height >= higher.height {
                way.undo.push(from);
                from = lower.parent;
            }
            if higher.height >= lower.height {
                way.apply.push(to);
                to = higher.parent;
            }
        }
        way.apply.reverse();
        Ok((way, best))
    }

    pub(super) fn stage_head(&self, batch: &mut Batch, head: &Head) {
        batch.head(&head.id);
        if let Some(weight) = self.weight(&head.id) {
            batch.head_weight(weight);
        }
    }

    pub(super) fn head_after(
        &self,
        snapshot: &Snapshot,
        prepared: Option<&Prepared>,
    ) -> Result<Head, BlockError> {
        let id = *self.tree.best();
        let header = self.tree.entry(&id)?.sealed.header.clone();
        let root = match prepared.filter(|prepared| prepared.id == id) {
            Some(prepared) => prepared.version.root,
            None if id == self.head.id => self.head.root,
            None => self.version(snapshot, &id)?.root,
        };
        Ok(Head { id, header, root })
    }

    fn stage_block(&self, batch: &mut Batch, prepared: &Prepared) {
        let id = &prepared.id;
        batch.body(id, &prepared.block, &prepared.outcomes);
        if let Some(tables) = &prepared.state.tables {
            batch.tables(tables);
        }
        // Without a version it is passed for good: there is nothing to go back to.
        let Some(changes) = &prepared.state.changes else { return };
        for (node_id, node) in &changes.new_nodes {
            batch.node(*node_id, Arc::clone(node));
        }
        batch.version(id, &prepared.version);
        batch.effects(id, &prepared.state.effects);
        batch.next_node(changes.next_id);
    }

    /// Keeps a certificate that makes a block final, if a hand-over may need it; gives the newest epoch then.
    fn stage_epoch(&self, batch: &mut Batch, certificate: &Certificate) -> Option<Epoch> {
        let epoch = match &self.epoch {
            Some(open) if open.goes_on_with(&certificate.link) => {
                let mut longer = open.clone();
                if !longer.take(certificate.clone()) {
                    return None;
                }
                longer
            }
            before => {
                if let Some(before) = before {
                    batch.closed_epoch(before);
                }
                Epoch::new(certificate.clone())
            }
        };
        batch.open_epoch(&epoch);
        Some(epoch)
    }

    /// Undoes and applies blocks in the indexes: each exactly as it was. What was undone waits.
    pub(super) fn stage_way(
        &self,
        batch: &mut Batch,
        snapshot: &Snapshot,
        prepared: Option<&Prepared>,
        way: &Reorganisation,
        accepted: &mut Accepted,
    ) -> Result<(), BlockError> {
        let mut touched = Vec::new();
        for id in &way.undo {
            let (header, version) = (self.header(snapshot, id)?, self.version(snapshot, id)?);
            let (effects, outcomes) = (snapshot.effects(id)?, snapshot.outcomes(id)?);
            batch.disconnect(header.height, &version, &effects, &outcomes);
            touched.extend(effects.history.iter().map(|(address, _)| *address));
            let block = snapshot.block(id)?;
            accepted.undone.extend(block.into_iter().flat_map(|block| block.transactions));
            accepted.undone_blocks += 1;
        }
        for id in &way.apply {
            let outcomes = match prepared.filter(|prepared| prepared.id == *id) {
                Some(Prepared {
                    block, version, state: Finished { effects, changes, .. }, outcomes, ..
                }) => {
                    let height = block.header.header.height;
                    batch.connect(id, height, version);
                    // What is passed over for good is noted at the end of the leap.
                    if changes.is_some() {
                        batch.history(&effects.history);
                        batch.inclusions(height, outcomes);
                    }
                    touched.extend(effects.history.iter().map(|(address, _)| *address));
                    outcomes.clone()
                }
                None => {
                    let (header, version) = (self.header(snapshot, id)?, self.version(snapshot, id)?);
                    let (effects, outcomes) = (snapshot.effects(id)?, snapshot.outcomes(id)?);
                    batch.connect(id, header.height, &version);
                    batch.history(&effects.history);
                    batch.inclusions(header.height, &outcomes);
                    touched.extend(effects.history.iter().map(|(address, _)| *address));
                    outcomes
                }
            };
            accepted.included.extend(outcomes.iter().map(|outcome| outcome.id));
        }
        accepted.moved = !way.undo.is_empty() || !way.apply.is_empty();
        touched.sort_unstable();
        touched.dedup();
        accepted.touched = touched;
        if !accepted.undone.is_empty() {
            self.stage_waiting(batch, accepted);
        }
        Ok(())
    }

    /// Has transactions that were undone wait again: their blocks may be gone before the pool is told of them.
    fn stage_waiting(&self, batch: &mut Batch, accepted: &Accepted) {
        let included: HashSet<_> = accepted.included.iter().collect();
        // Reports without a sender are kept as evidence, and are in no pool.
        for signed in accepted.undone.iter().filter(|signed| signed.unsigned_evidence().is_none()) {
            let id = signed.transaction.id(self.engine.chain());
            if !included.contains(&id) {
                batch.waiting(&id, codec::encode(signed));
            }
        }
    }
}

/// What the best branch has besides its blocks: the indexes.
impl Batch {
    /// Adds a block to the indexes of the best branch, but for what happened in it.
    pub fn connect(&mut self, id: &BlockId, height: Height, version: &Version) {
        self.height(height, id);
        for (first, nodes) in &version.range {
            for (position, node) in (*first..).zip(nodes) {
                self.put(Space::Range, position.to_be_bytes(), *node.as_bytes());
            }
        }
    }

    /// Takes a block out of the indexes again: the exact inverse of [`Batch::connect`], [`Batch::history`] and
    /// [`Batch::inclusions`] for the newest block.
    pub fn disconnect(&mut self, height: Height, version: &Version, effects: &Effects, outcomes: &[Outcome]) {
        self.remove_height(height);
        for (first, nodes) in &version.range {
            for (position, _) in (*first..).zip(nodes) {
                self.remove(Space::Range, position.to_be_bytes());
            }
        }
        self.remove_history(&effects.history);
        for outcome in outcomes {
            self.remove(Space::Transactions, *outcome.id.as_bytes());
        }
    }
}
