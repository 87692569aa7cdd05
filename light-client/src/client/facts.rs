use crate::data_format::{BlockId, Height, Slot};

/// Something somebody said. It may be shown only as what it is: a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed<T>(pub T);

/// Something proven of a block. Only [`super::Verifier`] makes these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
    at: Position,
}

/// Something proven of a final block: it stays true of that block for ever. Only [`super::Verifier`] makes
/// these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Final<T>(Verified<T>);

/// The block that a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its id.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// Its slot, which is its time.
    pub slot: Slot,
}

impl<T> Verified<T> {
    pub(super) const fn new(value: T, at: Position) -> Self {
        Self { value, at }
    }

    /// The fact.
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// The block it is about.
    pub const fn at(&self) -> &Position {
        &self.at
    }
}

impl<T> Final<T> {
    pub(super) const fn new(value: T, at: Position) -> Self {
        Self(Verified::new(value, at))
    }

    /// The fact.
    pub const fn value(&self) -> &T {
        &self.0.value
    }

    /// The block it is about.
    pub const fn at(&self) -> &Position {
        &self.0.at
    }

    /// The fact itself, once its block has been noted elsewhere.
    pub fn into_value(self) -> T {
        self.0.value
    }
}

/// A fact of a block, final or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled<T> {
    /// The block is final.
    Final(Final<T>),
    /// The block may still be replaced.
    Pending(Verified<T>),
}

impl<T> Settled<T> {
    /// The fact.
    pub const fn value(&self) -> &T {
        match self {
            Self::Final(fact) => fact.value(),
            Self::Pending(fact) => fact.value(),
        }
    }

    /// The block it is about.
    pub const fn at(&self) -> &Position {
        match self {
            Self::Final(fact) => fact.at(),
            Self::Pending(fact) => fact.at(),
        }
    }
}
