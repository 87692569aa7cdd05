use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    consensus::spos::{Table, TableError, Tables},
    data_format::{BlockId, ChainSpec, Height, Round, SealedHeader, Slot, SlotTable, SpecError},
};

/// A final block that somebody decided to trust, with the tables it commits to: what a light client starts
/// from. Compiled in, stored, scanned, or in a [`ChainFile`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedCheckpoint {
    /// The round whose checkpoint it is.
    pub round: Round,
    /// The block's height.
    pub height: Height,
    /// The block's slot, which is its time.
    pub slot: Slot,
    /// The block.
    pub id: BlockId,
    /// The slot table in force after it.
    pub in_force: SlotTable,
    /// The table planned after it, if any.
    pub planned: Option<SlotTable>,
}

/// The file beside a wallet that says which chain it is for: the spec and a checkpoint. Never an answer of the
/// server whose answers are to be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainFile {
    /// The chain.
    pub spec: ChainSpec,
    /// Where trust starts.
    pub checkpoint: TrustedCheckpoint,
}

/// A chain file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFileError {
    /// The spec is not a chain.
    #[error("the chain spec cannot be used: {0}")]
    Spec(#[from] SpecError),
    /// The checkpoint's tables are not tables.
    #[error("the checkpoint cannot be used: {0}")]
    Table(#[from] TableError),
}

/// A trusted block with its tables ready to check signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// The round whose checkpoint it is.
    pub round: Round,
    /// The block's height.
    pub height: Height,
    /// The block's slot.
    pub slot: Slot,
    /// The block.
    pub id: BlockId,
    /// What it commits to as `next_slots`.
    pub tables: Tables,
}

impl Trusted {
    /// Block 0 with the tables of the spec.
    pub fn genesis(genesis: &SealedHeader, tables: Tables) -> Self {
        let header = &genesis.header;
        Self { round: Round(0), height: header.height, slot: header.slot, id: header.id(), tables }
    }

    /// The checkpoint as plain data.
    pub fn checkpoint(&self) -> TrustedCheckpoint {
        TrustedCheckpoint {
            round: self.round,
            height: self.height,
            slot: self.slot,
            id: self.id,
            in_force: self.tables.in_force.slots().clone(),
            planned: self.tables.planned.as_ref().map(|planned| planned.slots().clone()),
        }
    }
}

impl TryFrom<TrustedCheckpoint> for Trusted {
    type Error = TableError;

    fn try_from(checkpoint: TrustedCheckpoint) -> Result<Self, TableError> {
        let TrustedCheckpoint { round, height, slot, id, in_force, planned } = checkpoint;
        let planned = planned.map(Table::new).transpose()?.map(Into::into);
        Ok(Self {
            round,
            height,
            slot,
            id,
            tables: Tables { in_force: Table::new(in_force)?.into(), planned },
        })
    }
}

impl ChainFile {
    /// Checks the spec and the checkpoint's tables.
    ///
    /// # Errors
    /// [`ChainFileError`] says which of the two cannot be used, and why.
    pub fn check(self) -> Result<(ChainSpec, Trusted), ChainFileError> {
        self.spec.check()?;
        let trusted = Trusted::try_from(self.checkpoint)?;
        Ok((self.spec, trusted))
    }
}
