use std::sync::Arc;

use crate::{
    crypto::{Domain, Ed25519Key, Hash},
    data_format::{Address, ChainSpec, Holder, MAX_SLOTS, SlotTable, codec},
};

/// A slot table whose minting keys are ready to check signatures.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    slots: SlotTable,
    keys: Vec<Option<Ed25519Key>>,
    hash: Hash,
}

/// A table that cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Not 1 to 64 slots.
    #[error("a slot table has 1 to 64 slots, this one has {0}")]
    Length(usize),
    /// A minting key is not a usable Ed25519 key.
    #[error("the minting key of slot {0} is not a usable Ed25519 key")]
    Key(usize),
    /// A minting key stands in two slots, and would count twice.
    #[error("the minting key of slot {0} stands in an earlier slot too")]
    RepeatedKey(usize),
    /// Nobody could sign.
    #[error("all slots are vacant")]
    Vacant,
}

impl Table {
    /// Decompresses the keys and hashes the table.
    ///
    /// # Errors
    /// [`TableError`] if it has no or too many slots, no holder, or a bad or repeated key.
    pub fn new(slots: SlotTable) -> Result<Self, TableError> {
        Self::reusing(slots, &[])
    }

    /// As [`Table::new`], without decompressing again what is known from other tables: most changes bring one new key.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn reusing(slots: SlotTable, known: &[&Self]) -> Result<Self, TableError> {
        if slots.0.is_empty() || slots.0.len() > MAX_SLOTS {
            return Err(TableError::Length(slots.0.len()));
        }
        let mut keys = Vec::with_capacity(slots.0.len());
        for (position, holder) in slots.0.iter().enumerate() {
            let Some(holder) = holder else {
                keys.push(None);
                continue;
            };
            if slots.0[..position].iter().flatten().any(|earlier| earlier.minting_key == holder.minting_key) {
                return Err(TableError::RepeatedKey(position));
            }
            let key = match known.iter().find_map(|table| table.key(&holder.minting_key, position)) {
                Some(key) => key.clone(),
                None => {
                    Ed25519Key::parse(holder.minting_key.as_bytes()).map_err(|_| TableError::Key(position))?
                }
            };
            keys.push(Some(key));
        }
        if keys.iter().all(Option::is_none) {
            return Err(TableError::Vacant);
        }
        let hash = Hash::of(Domain::SLOT_TABLE, &[&[0], &codec::encode(&slots)]);
        Ok(Self { slots, keys, hash })
    }

    /// The slots by position.
    pub const fn slots(&self) -> &SlotTable {
        &self.slots
    }

    /// The hash of the table's Borsh bytes.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The holder of a position, and the holder's parsed key; `None` for a vacant slot or beyond the end.
    pub fn holder(&self, position: usize) -> Option<(&Holder, &Ed25519Key)> {
        self.slots.0.get(position)?.as_ref().zip(self.keys.get(position)?.as_ref())
    }

    /// All holders with their parsed keys, by position.
    pub fn holders(&self) -> impl Iterator<Item = (&Holder, &Ed25519Key)> {
        (0..self.keys.len()).filter_map(|position| self.holder(position))
    }

    /// The parsed form of a minting key that stands in this table, most likely at `position`.
    fn key(&self, minting_key: &Hash, position: usize) -> Option<&Ed25519Key> {
        let stands = |(holder, _): &(&Holder, &Ed25519Key)| holder.minting_key == *minting_key;
        let found = self.holder(position).filter(stands).or_else(|| self.holders().find(stands));
        found.map(|(_, key)| key)
    }

    /// Whether `key` mints for any slot.
    pub fn names(&self, key: &Hash) -> bool {
        self.slots.0.iter().flatten().any(|holder| holder.minting_key == *key)
    }

    /// Signatures that make more than two thirds of the filled slots: ⌊2·filled/3⌋ + 1.
    pub fn quorum(&self) -> usize {
        self.keys.iter().flatten().count() * 2 / 3 + 1
    }
}

/// The table in force, and the table planned to come into force by finality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Who mints.
    pub in_force: Arc<Table>,
    /// Who will, once a checkpoint that carries the plan is final.
    pub planned: Option<Arc<Table>>,
}

/// The hashes of a pair of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TablesRef {
    /// Hash of the table in force.
    pub in_force: Hash,
    /// Hash of the planned table.
    pub planned: Option<Hash>,
}

impl TablesRef {
    /// What a header commits to as `next_slots`.
    pub fn commitment(&self) -> Hash {
        let planned = self.planned.unwrap_or(Hash::ZERO);
        Hash::of(Domain::SLOT_TABLE, &[&[1], self.in_force.as_bytes(), planned.as_bytes()])
    }
}

impl Tables {
    /// Tables with nothing planned.
    pub fn settled(in_force: Table) -> Self {
        Self { in_force: Arc::new(in_force), planned: None }
    }

    /// What block 0 of a chain commits to; `None` where nobody holds slots.
    ///
    /// # Errors
    /// [`TableError`] if the spec was not checked.
    pub fn at_genesis(spec: &ChainSpec) -> Result<Option<Self>, TableError> {
        spec.engine.spos().map(|spos| Table::new(spos.slots.clone()).map(Self::settled)).transpose()
    }

    /// The hashes of both.
    pub fn reference(&self) -> TablesRef {
        TablesRef {
            in_force: self.in_force.hash(),
            planned: self.planned.as_ref().map(|planned| planned.hash()),
        }
    }

    /// What a header commits to as `next_slots`.
    pub fn commitment(&self) -> Hash {
        self.reference().commitment()
    }

    /// These tables on a chain that makes a checkpoint final, whose own tables were `carried`: a plan that it carries
    /// comes into force. A later plan, or one that the checkpoint does not know, waits on.
    #[must_use]
    pub fn after_final(&self, carried: &Self) -> Self {
        match &self.planned {
            Some(planned) if carried.planned.as_ref() == Some(planned) => {
                Self { in_force: Arc::clone(planned), planned: None }
            }
            _ => self.clone(),
        }
    }

    /// The table that vouches for the future: the planned one if there is one.
    pub fn newest(&self) -> &Table {
        self.planned.as_ref().unwrap_or(&self.in_force)
    }

    /// Whoever holds a slot or is about to, once each: by position in the table in force, then in the planned one.
    pub fn addresses(&self) -> Vec<Address> {
        let mut addresses = Vec::new();
        for holder in self.each().flat_map(|table| table.slots().0.iter().flatten()) {
            if !addresses.contains(&holder.address) {
                addresses.push(holder.address);
            }
        }
        addresses
    }

    /// In force first, then planned.
    pub fn each(&self) -> impl Iterator<Item = &Table> {
        std::iter::once(&*self.in_force).chain(self.planned.as_deref())
    }
}
