use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::spos::{Table, TableError, Tables};
use crate::data_format::{BlockId, Header, Height, Round, SealedHeader, Slot, SlotTable, json::records};

/// A final block that somebody decided to trust, with the tables it commits to: what a light client starts
/// from. Compiled in, stored, scanned, or in a file beside a wallet.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct TrustedCheckpoint {
    /// The round whose checkpoint it is; 0 where there are no rounds.
    pub round: Round,
    /// The block's height.
    pub height: Height,
    /// The block's slot, which is its time.
    pub slot: Slot,
    /// The block.
    pub id: BlockId,
    /// The slot table in force after it; without slots where nobody votes.
    pub in_force: SlotTable,
    /// The table planned after it, if any.
    pub planned: Option<SlotTable>,
}

records!(TrustedCheckpoint);

/// A trusted block with its tables ready to check signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// The round whose checkpoint it is; 0 where there are no rounds.
    pub round: Round,
    /// The block's height.
    pub height: Height,
    /// The block's slot.
    pub slot: Slot,
    /// The block.
    pub id: BlockId,
    /// What it commits to as `next_slots`; `None` where nobody votes.
    pub tables: Option<Tables>,
}

impl Trusted {
    /// Block 0, with the tables of the spec if it has any.
    pub fn genesis(genesis: &SealedHeader, tables: Option<Tables>) -> Self {
        Self { round: Round(0), tables, ..Self::voteless(&genesis.header) }
    }

    /// A final block of a chain on which nobody votes.
    pub fn voteless(header: &Header) -> Self {
        Self { round: Round(0), height: header.height, slot: header.slot, id: header.id(), tables: None }
    }

    /// Whether it is a later block than `other`, or the same one as a later checkpoint.
    pub fn is_after(&self, other: &Self) -> bool {
        (self.round, self.height) > (other.round, other.height)
    }

    /// The checkpoint as plain data.
    pub fn checkpoint(&self) -> TrustedCheckpoint {
        let slots = |table: &Table| table.slots().clone();
        let tables = self.tables.as_ref();
        TrustedCheckpoint {
            round: self.round,
            height: self.height,
            slot: self.slot,
            id: self.id,
            in_force: tables.map(|tables| slots(&tables.in_force)).unwrap_or_default(),
            planned: tables.and_then(|tables| tables.planned.as_deref().map(slots)),
        }
    }
}

impl TryFrom<TrustedCheckpoint> for Trusted {
    type Error = TableError;

    fn try_from(checkpoint: TrustedCheckpoint) -> Result<Self, TableError> {
        let TrustedCheckpoint { round, height, slot, id, in_force, planned } = checkpoint;
        let planned = planned.map(Table::new).transpose()?.map(Into::into);
        let tables = match (in_force.0.is_empty(), planned) {
            (true, None) => None,
            (_, planned) => Some(Tables { in_force: Table::new(in_force)?.into(), planned }),
        };
        Ok(Self { round, height, slot, id, tables })
    }
}
