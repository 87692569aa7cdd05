//! Recoveries: what people decide when more than a third of the slots is gone for good, and finality stands still.
//!
//! Everything that is made final here needs more than two thirds of a table, so a chain that lost more than a third of its
//! holders cannot give itself another table. A [`Recovery`] is a decision from outside the chain: from this block on, as the
//! checkpoint of this round, these are the slots. Nodes that load it read the header of that block as if it committed to
//! the new table, with nothing planned, and as if it called itself justified. **This file is the one place that knows**:
//! whoever asks what the tables are after a block, or what is justified after it, asks [`Snapshot::tables_after`],
//! [`Snapshot::next_slots_after`] and [`Snapshot::justified_after`], never the header.
//!
//! **Trust.** It is the operator's file, and trusted like the chain spec beside which it stands. It is not part of the chain's
//! id, so nothing but the operators' agreement keeps two different recoveries from making two chains.

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    consensus::spos::{Table, TableError, Tables},
    crypto::Hash,
    data_format::{BlockId, Checkpoint, Header, Height, Round, SlotTable},
};

use super::{Batch, Database, Snapshot, StorageError};

/// A decision to go on from a block with another slot table.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Recovery {
    /// The round from which on the new holders mint: the block is its checkpoint.
    pub round: Round,
    /// The block's height.
    pub height: Height,
    /// The last block before the round's first slot.
    pub block: BlockId,
    /// Who holds the slots from there on.
    pub slots: SlotTable,
}

impl Recovery {
    /// What it makes justified and final.
    pub const fn checkpoint(&self) -> Checkpoint {
        Checkpoint { round: self.round, id: self.block }
    }
}

/// A recovery with its table ready to check signatures.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    recovery: Recovery,
    tables: Tables,
    next_slots: Hash,
}

/// Recoveries that a folder cannot go on with.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Rounds or heights do not rise from one to the next.
    #[error("the recovery of round {0} is not later, and from a later block, than the one before it")]
    Order(Round),
    /// The slots are no table.
    #[error("the recovery of round {round}: {error}")]
    Table {
        /// Its round.
        round: Round,
        /// What is wrong with the slots.
        error: TableError,
    },
    /// The chain in the folder follows a recovery that was not loaded.
    #[error(
        "the chain in this folder follows the recovery of round {round} from block {block} (height {height}), and the chain spec \
         does not have it as it was: put it back, or fetch the chain again into an empty folder"
    )]
    Missing {
        /// Its round.
        round: Round,
        /// Its block's height.
        height: Height,
        /// Its block.
        block: BlockId,
    },
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Loaded {
    fn new(recovery: Recovery) -> Result<Self, TableError> {
        let tables = Tables::settled(Table::new(recovery.slots.clone())?);
        Ok(Self { recovery, next_slots: tables.commitment(), tables })
    }

    /// What a folder says that its chain followed.
    pub(super) fn from_disk(done: Vec<Recovery>) -> Result<Vec<Self>, StorageError> {
        let damaged = |error| StorageError::damaged("a recovery", error);
        done.into_iter().map(|recovery| Self::new(recovery).map_err(damaged)).collect()
    }
}

impl Database {
    /// Loads the operator's recoveries, oldest first, instead of those that the chain in the folder followed: it must have
    /// them all.
    ///
    /// # Errors
    /// [`LoadError`]; nothing has changed then.
    pub fn load_recoveries(&self, recoveries: &[Recovery]) -> Result<(), LoadError> {
        for pair in recoveries.windows(2) {
            if pair[1].round <= pair[0].round || pair[1].height <= pair[0].height {
                return Err(LoadError::Order(pair[1].round));
            }
        }
        let done = self.read()?.recoveries_done()?;
        if let Some(Recovery { round, height, block, .. }) =
            done.into_iter().find(|recovery| !recoveries.contains(recovery))
        {
            return Err(LoadError::Missing { round, height, block });
        }
        let load = |recovery: &Recovery| {
            let round = recovery.round;
            Loaded::new(recovery.clone()).map_err(|error| LoadError::Table { round, error })
        };
        self.set_recoveries(recoveries.iter().map(load).collect::<Result<_, _>>()?);
        Ok(())
    }
}

impl Snapshot {
    /// The recoveries that are loaded, oldest first, whether they took effect or not.
    pub fn recoveries(&self) -> impl Iterator<Item = &Recovery> {
        self.loaded().iter().map(|loaded| &loaded.recovery)
    }

    /// The recovery from the block of this header.
    pub fn recovery_from(&self, header: &Header) -> Option<&Recovery> {
        self.loaded_from(header).map(|loaded| &loaded.recovery)
    }

    /// What the slot tables after a block hash to: what its header commits to, or what a recovery decided.
    pub fn next_slots_after(&self, header: &Header) -> Hash {
        self.loaded_from(header).map_or(header.next_slots, |loaded| loaded.next_slots)
    }

    /// The slot tables after a block, see [`Snapshot::next_slots_after`].
    ///
    /// # Errors
    /// As [`Snapshot::tables`].
    pub fn tables_after(&self, header: &Header) -> Result<Tables, StorageError> {
        self.loaded_from(header)
            .map_or_else(|| self.tables(&header.next_slots), |loaded| Ok(loaded.tables.clone()))
    }

    /// What is justified after a block: what its header says, or the block itself by a recovery.
    pub fn justified_after(&self, header: &Header) -> Checkpoint {
        self.loaded_from(header).map_or(header.justified, |loaded| loaded.recovery.checkpoint())
    }

    fn loaded_from(&self, header: &Header) -> Option<&Loaded> {
        // Hashing a header costs more than comparing a height.
        let at = |loaded: &&Loaded| loaded.recovery.height == header.height;
        self.loaded().iter().find(at).filter(|loaded| loaded.recovery.block == header.id())
    }
}

impl Batch {
    /// Notes that the chain follows these recoveries besides those that it followed before, and keeps their tables, which
    /// later headers commit to.
    ///
    /// # Errors
    /// [`StorageError`] when the disk cannot be read.
    pub fn follow_recoveries<'a>(
        &mut self,
        snapshot: &Snapshot,
        followed: impl Iterator<Item = &'a Recovery>,
    ) -> Result<(), StorageError> {
        let mut done = snapshot.recoveries_done()?;
        for recovery in followed {
            if let Some(loaded) = snapshot.loaded().iter().find(|loaded| loaded.recovery == *recovery) {
                self.tables(&loaded.tables);
            }
            if !done.contains(recovery) {
                done.push(recovery.clone());
            }
        }
        self.recoveries_done(&done);
        Ok(())
    }
}
