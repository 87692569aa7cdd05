//! A leap: many blocks, of which a final one is proven to descend, taken as one.
//!
//! Each of them is checked by every rule and executed in its turn, but for one thing: of the states before the newest block that
//! is final after the leap nothing will be retained, so they are neither hashed nor stored. That the state is the one that the
//! headers commit to is seen from that block on. An earlier state that was another one would show there too: each account's
//! record holds the hash over all that ever happened to it.
//!
//! What a leap writes goes into a [draft](Database::draft) of the database, so that no reader meets a head without its state.
//! A leap that comes out otherwise than it was to is forgotten, by opening the chain again as it is stored; its blocks are taken
//! one by one then, and it shows which of them is wrong.

use std::sync::Arc;

use light_client::{
    consensus::spos::Block,
    data_format::{BlockId, Height, Outcome},
};

use super::{BlockError, Chain, chain::WARM_SIZE};
use crate::storage::{Batch, Database, Effects, Retention, StorageError, Version};

/// Blocks that are being taken as one.
pub(super) struct Leap {
    /// The database without them.
    stored: Database,
    /// The block that is final after them.
    last_final: BlockId,
    /// States of blocks below it are passed over.
    first_kept: Height,
    /// The newest block.
    last: BlockId,
    /// The block whose state was passed over last, and what its child needs of it.
    passed: Option<(BlockId, Version)>,
    /// What happened in all blocks whose state was passed over: the indexes hear of it at once, as each has it in another order.
    happened: Vec<Happened>,
}

/// What happened in a block.
pub(super) struct Happened {
    pub(super) height: Height,
    pub(super) effects: Effects,
    pub(super) outcomes: Vec<Outcome>,
}

impl Leap {
    /// Whether the state after a block is passed over; so many of its nodes and accounts are in memory.
    pub(super) fn passes(&self, height: Height, size: usize) -> bool {
        height < self.first_kept && size <= WARM_SIZE
    }

    pub(super) fn pass(&mut self, id: BlockId, version: Version, happened: Happened) {
        self.passed = Some((id, version));
        self.happened.push(happened);
    }

    /// What is known of the state after a block, if it is the one that was passed over last.
    pub(super) fn passed(&self, id: &BlockId) -> Option<&Version> {
        self.passed.as_ref().filter(|(passed, _)| passed == id).map(|(_, version)| version)
    }
}

impl Chain {
    /// Begins to take blocks as one, if they follow the head, lead no further than to the final block that is
    /// [expected](Chain::expect), and make one of themselves final. Until [`Chain::end_leap`] or [`Chain::abandon_leap`] the
    /// chain's database is one that nobody else sees.
    ///
    /// # Errors
    /// [`BlockError`] when the disk cannot be read.
    pub fn begin_leap(&mut self, row: &[Block]) -> Result<bool, BlockError> {
        let (Some(first), Some(last)) = (row.first(), row.last()) else { return Ok(false) };
        let last_final = self.rules.final_by(row);
        let header =
            row.iter().map(|block| &block.header.header).find(|header| Some(header.id()) == last_final);
        let (Some(last_final), Some(header)) = (last_final, header) else { return Ok(false) };
        let expected = last.header.header.height <= self.expected;
        if !expected || first.header.header.parent != self.head.id || self.halted.is_some() {
            return Ok(false);
        }
        let draft = self.database.draft()?;
        self.leap = Some(Leap {
            stored: std::mem::replace(&mut self.database, draft),
            last_final,
            first_kept: header.height,
            last: last.header.header.id(),
            passed: None,
            happened: Vec::new(),
        });
        Ok(true)
    }

    /// Ends a leap: its blocks are stored as [`Chain::defer_sync`] says.
    ///
    /// # Errors
    /// [`BlockError`] if they led somewhere else than they were to, or the disk fails; then the leap goes on, and is to be
    /// abandoned.
    pub fn end_leap(&mut self) -> Result<(), BlockError> {
        let Some(leap) = &self.leap else { return Ok(()) };
        let arrived = (self.head.id, self.finality.root.id) == (leap.last, leap.last_final);
        if !arrived || self.pruned < leap.first_kept {
            let what = format!("blocks up to {} led to {}", leap.last, self.head.id);
            return Err(StorageError::damaged("a row of final blocks", what).into());
        }
        let mut batch = Batch::default();
        batch.history(leap.happened.iter().flat_map(|happened| &happened.effects.history));
        for Happened { height, outcomes, .. } in &leap.happened {
            batch.inclusions(*height, outcomes);
        }
        self.database.commit_later(batch)?;
        leap.stored.adopt(&self.database)?;
        if let Some(leap) = self.leap.take() {
            self.database = leap.stored;
        }
        Ok(())
    }

    /// Forgets a leap, and everything that came since it began.
    ///
    /// # Errors
    /// [`BlockError`] if what is stored cannot be read; the chain then stands still.
    pub fn abandon_leap(&mut self) -> Result<(), BlockError> {
        let Some(leap) = self.leap.take() else { return Ok(()) };
        self.database = leap.stored;
        let retention =
            Retention { heights: self.retained, bodies: self.bodies_kept, ..Retention::default() };
        let opened = Self::open(self.database.clone(), Arc::clone(&self.spec), &retention, &[]);
        let opened = opened.map_err(|error| BlockError::Halted(error.to_string()));
        let opened = self.halt_on_error(opened)?;
        *self = Self {
            engine: Arc::clone(&self.engine),
            rules: Arc::clone(&self.rules),
            unsynced: self.unsynced,
            expected: self.expected,
            behind: std::mem::take(&mut self.behind),
            ..opened
        };
        Ok(())
    }
}
