//! Recoveries taking effect: see [`Recovery`].
//!
//! One takes effect once, when its block is here: at the start of the node, or when the block comes in. That block is
//! final and justified from then on, and whatever was built on it by the old table is dropped. That it happened is
//! stored with it, in one write.

use light_client::data_format::{BlockId, Checkpoint, Header, Height, Round, Slot};

use super::{Accepted, BlockError, Chain};
use crate::storage::{Batch, Finality, Recovery, Snapshot, StorageError};

/// A recovery that does not fit the chain of this node.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// This chain has no slot tables, so nothing stands still for want of votes.
    #[error("a recovery was loaded, and this chain has no slots: only the engine spos has")]
    NoSlots,
    /// The table has another number of slots than a round.
    #[error("the recovery of round {round} has {found} slots, and a round of this chain has {expected}")]
    SlotCount {
        /// Its round.
        round: Round,
        /// Slots of a round.
        expected: usize,
        /// Slots that it gives.
        found: usize,
    },
    /// The node has blocks of that height, and not this one.
    #[error(
        "the recovery of round {round} begins from block {block} (height {height}), which is not among the blocks of this node, \
         whose newest has height {head}: check the id; or, if this node is on another branch, fetch the chain again into an \
         empty folder"
    )]
    Unknown {
        /// Its round.
        round: Round,
        /// Its block.
        block: BlockId,
        /// The height it gives.
        height: Height,
        /// The newest block here.
        head: Height,
    },
    /// The block has another height.
    #[error("block {block} of the recovery of round {round} has height {found}, not {expected}")]
    OtherHeight {
        /// Its round.
        round: Round,
        /// Its block.
        block: BlockId,
        /// The height that the recovery gives.
        expected: Height,
        /// The block's.
        found: Height,
    },
    /// The block is not before the round.
    #[error(
        "block {block} (slot {slot}) cannot be the last block before round {round}, which begins with slot {first}"
    )]
    TooEarly {
        /// Its round.
        round: Round,
        /// Its block.
        block: BlockId,
        /// The block's slot.
        slot: Slot,
        /// The round's first slot.
        first: Slot,
    },
    /// Something else is final already.
    #[error(
        "the recovery of round {round} from block {block} is against what is final here: block {found} (height {height}, as of \
         round {final_round}). A final block is never left"
    )]
    AgainstFinal {
        /// Its round.
        round: Round,
        /// Its block.
        block: BlockId,
        /// The newest final block.
        found: BlockId,
        /// Its height.
        height: Height,
        /// The round of which it is the checkpoint.
        final_round: Round,
    },
}

/// How far a loaded recovery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryStage {
    /// Its block is not here yet.
    Waits,
    /// It took effect: the chain follows it.
    TookEffect,
    /// Something else became final before its block came: the node has to fetch the chain again to follow it.
    Missed,
}

impl Chain {
    /// Lets the loaded recoveries take effect whose blocks are here.
    ///
    /// # Errors
    /// [`BlockError::Recovery`] if one does not fit this chain, and nothing has changed by it; or a fault of the disk.
    pub fn recover(&mut self) -> Result<Accepted, BlockError> {
        let mut accepted = Accepted::default();
        let snapshot = self.database.read()?;
        let done = snapshot.recoveries_done()?;
        for recovery in snapshot.recoveries().filter(|recovery| !done.contains(recovery)) {
            self.check_slots(recovery)?;
            let snapshot = self.database.read()?;
            match snapshot.header(&recovery.block)? {
                Some(sealed) => {
                    self.check_fit(recovery, &sealed.header)?;
                    let recovered = self.store_recovery(&snapshot, recovery);
                    accepted = self.halt_on_error(recovered)?;
                }
                None => self.check_awaited(recovery)?,
            }
        }
        Ok(accepted)
    }

    /// How far each loaded recovery is, oldest first.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    pub fn recoveries(&self, snapshot: &Snapshot) -> Result<Vec<(Recovery, RecoveryStage)>, StorageError> {
        let done = snapshot.recoveries_done()?;
        let stage = |recovery: &Recovery| match recovery {
            recovery if done.contains(recovery) => RecoveryStage::TookEffect,
            recovery if self.is_closed_to(recovery) => RecoveryStage::Missed,
            _ => RecoveryStage::Waits,
        };
        Ok(snapshot.recoveries().map(|recovery| (recovery.clone(), stage(recovery))).collect())
    }

    /// The recovery that takes effect with a block that comes in.
    pub(super) fn recovery_by<'a>(
        &self,
        snapshot: &'a Snapshot,
        header: &Header,
    ) -> Result<Option<&'a Recovery>, BlockError> {
        let Some(recovery) = snapshot.recovery_from(header) else { return Ok(None) };
        self.check_fit(recovery, header)?;
        Ok(Some(recovery))
    }

    /// Whether what is final excludes a recovery that did not take effect.
    fn is_closed_to(&self, recovery: &Recovery) -> bool {
        let Checkpoint { round, id } = self.finality.root;
        recovery.round <= round || (recovery.height <= self.finality.height && recovery.block != id)
    }

    fn check_slots(&self, recovery: &Recovery) -> Result<(), RecoveryError> {
        match (self.spec.engine.slot_count(), recovery.slots.0.len()) {
            (0, _) => Err(RecoveryError::NoSlots),
            (expected, found) if expected == found => Ok(()),
            (expected, found) => Err(RecoveryError::SlotCount { round: recovery.round, expected, found }),
        }
    }

    fn check_open(&self, recovery: &Recovery) -> Result<(), RecoveryError> {
        if !self.is_closed_to(recovery) {
            return Ok(());
        }
        let Finality { root, height, .. } = self.finality;
        Err(RecoveryError::AgainstFinal {
            round: recovery.round,
            block: recovery.block,
            found: root.id,
            height,
            final_round: root.round,
        })
    }

    fn check_fit(&self, recovery: &Recovery, header: &Header) -> Result<(), RecoveryError> {
        let Recovery { round, height, block, .. } = *recovery;
        if header.height != height {
            return Err(RecoveryError::OtherHeight { round, block, expected: height, found: header.height });
        }
        let first = self.engine.clock().first_slot(round);
        if header.slot >= first {
            return Err(RecoveryError::TooEarly { round, block, slot: header.slot, first });
        }
        self.check_open(recovery)
    }

    /// The block may still come.
    fn check_awaited(&self, recovery: &Recovery) -> Result<(), RecoveryError> {
        self.check_open(recovery)?;
        let head = self.head.header.height;
        if head < recovery.height {
            return Ok(());
        }
        let Recovery { round, height, block, .. } = *recovery;
        Err(RecoveryError::Unknown { round, block, height, head })
    }

    /// Begins anew from a block of the tree.
    fn store_recovery(&mut self, snapshot: &Snapshot, recovery: &Recovery) -> Result<Accepted, BlockError> {
        let (root, height) = (recovery.checkpoint(), recovery.height);
        let finality = Finality { root, height, certificate: None, justified: root };
        let changes = self.tree.recover(root)?;
        let (way, _) = self.way(snapshot, None)?;
        let mut accepted = Accepted { finalised: Some(root), justified: Some(root), ..Accepted::default() };
        let mut batch = Batch::default();
        batch.headers(snapshot, &changes, self.arrivals)?;
        batch.finality(&finality);
        batch.follow_recoveries(snapshot, std::iter::once(recovery))?;
        self.stage_way(&mut batch, snapshot, None, &way, &mut accepted)?;
        self.stage_dropped(&mut batch, snapshot, &changes.dropped, None)?;
        self.stage_finalised(&mut batch, snapshot, &finality)?;
        let head = self.head_after(snapshot, None)?;
        self.stage_head(&mut batch, &head);
        self.database.commit(batch)?;
        tracing::warn!(
            round = root.round.0,
            block = %root.id,
            %height,
            undone = accepted.undone_blocks,
            "a recovery took effect: this block is final by the operators' decision"
        );
        (self.head, self.finality) = (head, finality);
        self.deferred = None;
        Ok(accepted)
    }
}
