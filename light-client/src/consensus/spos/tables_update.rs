//! Slot tables on the wire: only what differs from the tables that the client holds.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Table, TableError, Tables};
use crate::data_format::{Holder, MAX_SLOTS, SlotTable, codec};

/// The tables of a beacon's source and target. Indices: 0 is the table in force that the client holds, 1 the
/// planned one it holds, 2 and up are `new`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TablesUpdate {
    #[borsh(deserialize_with = "codec::bounded_list::<4, _, _>")]
    new: Vec<TableDelta>,
    source: Pair,
    target: Pair,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Pair {
    in_force: u8,
    planned: Option<u8>,
}

/// A table as changes to another, or from nothing.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct TableDelta {
    base: Option<u8>,
    length: u8,
    #[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")]
    changes: Vec<(u8, Option<Holder>)>,
}

/// Tables that cannot be rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TablesError {
    /// An index names no table that is held or was sent before.
    #[error("table {0} is neither held nor sent")]
    Index(u8),
    /// Positions must rise and lie below the length.
    #[error("a table of {length} slots is changed at position {position}, out of order or beyond its end")]
    Position {
        /// The position.
        position: u8,
        /// Slots of the table.
        length: u8,
    },
    /// The rebuilt table is not one.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TablesUpdate {
    /// The update from `held` to the tables of a link's source and target.
    pub fn new<'a>(held: &'a Tables, source: &'a Tables, target: &'a Tables) -> Self {
        let mut known: Vec<(u8, &Table)> = vec![(0, &held.in_force)];
        known.extend(held.planned.as_deref().map(|planned| (1, planned)));
        let mut new = Vec::new();
        let mut index_of = |table: &'a Table| {
            if let Some((index, _)) = known.iter().find(|(_, other)| other.hash() == table.hash()) {
                return *index;
            }
            // At most four tables are new, so the index fits.
            let index = u8::try_from(2 + new.len()).unwrap_or(u8::MAX);
            new.push(TableDelta::smallest(&known, table));
            known.push((index, table));
            index
        };
        let mut pair = |tables: &'a Tables| Pair {
            in_force: index_of(&tables.in_force),
            planned: tables.planned.as_deref().map(&mut index_of),
        };
        let (source, target) = (pair(source), pair(target));
        Self { new, source, target }
    }

    /// The tables of source and target, rebuilt from the held ones.
    ///
    /// # Errors
    /// [`TablesError`] if the update is malformed; whether the tables are the signed ones is not checked here.
    pub fn resolve(&self, held: &Tables) -> Result<(Tables, Tables), TablesError> {
        let mut known: Vec<(u8, Arc<Table>)> = vec![(0, Arc::clone(&held.in_force))];
        known.extend(held.planned.as_ref().map(|planned| (1, Arc::clone(planned))));
        for (index, delta) in (2..).zip(&self.new) {
            let table = Arc::new(delta.apply(&known)?);
            known.push((index, table));
        }
        Ok((self.source.find(&known)?, self.target.find(&known)?))
    }
}

fn find(known: &[(u8, Arc<Table>)], index: u8) -> Result<&Arc<Table>, TablesError> {
    known.iter().find(|(i, _)| *i == index).map(|(_, table)| table).ok_or(TablesError::Index(index))
}

impl Pair {
    fn find(self, known: &[(u8, Arc<Table>)]) -> Result<Tables, TablesError> {
        let planned = self.planned.map(|index| find(known, index).map(Arc::clone)).transpose()?;
        Ok(Tables { in_force: Arc::clone(find(known, self.in_force)?), planned })
    }
}

impl TableDelta {
    fn smallest(known: &[(u8, &Table)], table: &Table) -> Self {
        let mut best = Self::between(None, table);
        for (index, base) in known {
            let delta = Self::between(Some((*index, base)), table);
            if delta.changes.len() < best.changes.len() {
                best = delta;
            }
        }
        best
    }

    fn between(base: Option<(u8, &Table)>, table: &Table) -> Self {
        let old = base.map_or(&[][..], |(_, base)| &base.slots().0);
        let new = &table.slots().0;
        // Tables have at most 64 slots.
        let short = |position: usize| u8::try_from(position).unwrap_or(u8::MAX);
        let changes = new
            .iter()
            .enumerate()
            .filter(|(position, holder)| old.get(*position).copied().flatten() != **holder)
            .map(|(position, holder)| (short(position), *holder))
            .collect();
        Self { base: base.map(|(index, _)| index), length: short(new.len()), changes }
    }

    fn apply(&self, known: &[(u8, Arc<Table>)]) -> Result<Table, TablesError> {
        if usize::from(self.length) > MAX_SLOTS {
            return Err(TableError::Length(self.length.into()).into());
        }
        let mut slots = match self.base {
            Some(index) => find(known, index)?.slots().0.clone(),
            None => Vec::new(),
        };
        slots.resize(self.length.into(), None);
        let mut next = 0;
        for (position, holder) in &self.changes {
            let error = TablesError::Position { position: *position, length: self.length };
            if *position < next {
                return Err(error);
            }
            *slots.get_mut(usize::from(*position)).ok_or(error)? = *holder;
            next = position + 1;
        }
        let known: Vec<&Table> = known.iter().map(|(_, table)| &**table).collect();
        Ok(Table::reusing(SlotTable(slots), &known)?)
    }
}
