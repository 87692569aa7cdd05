//! Who holds slots, wants some, and with which keys.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    ChainRecord, NodeStore, StateError, Trie, account, chain_key, minting_key_owner_key, request_key,
    supernode_key,
};
use crate::{
    crypto::Hash,
    data_format::{Address, Height, Round, Slot, codec},
};

/// What the state holds of somebody who has held a slot or contended for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Supernode {
    /// The minting key named last.
    pub minting_key: Hash,
    /// The slot of the block that named it.
    pub key_since: Slot,
    /// Kinds of requests that wait, a bit each: [`RequestKind::bit`].
    pub waiting: u8,
    /// The last punishment.
    pub ban: Option<Ban>,
    /// [`Certificates`] of the chain when it last minted a block, or when a vote of it last stood in one of them.
    pub active: u64,
    /// Who claims what its commission and its own stake earn; `None` for itself.
    pub reward_address: Option<Address>,
}

/// How many rounds the chain has a certificate for. Idle rounds are counted in these: while nobody can finalise,
/// nobody is idle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Certificates(pub u64);

/// A punishment for what a minting key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ban {
    /// The round of the block that punished: all that was signed up to then is settled with it.
    pub punished: Round,
    /// The first round in which the address may contend again; `None` while it has the slot that it owes: the time of a ban
    /// runs from then on that it has left.
    pub until: Option<Round>,
}

/// What a request is about; lower ones are planned first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum RequestKind {
    /// A slot taken from somebody who was punished.
    Ban,
    /// A slot taken from somebody who does not use it, or has not enough coins for it.
    Vacate,
    /// Another minting key.
    MintingKey,
    /// A slot given up.
    Release,
    /// A slot wanted.
    Contend,
}

/// A change of the slot table that waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum SlotChange {
    /// The address loses its slot: it was punished.
    Ban,
    /// The address loses its slot: it is idle, or poor.
    Vacate,
    /// Another key mints for the address.
    MintingKey {
        /// The key.
        key: Hash,
    },
    /// The address gives its slot up.
    Release,
    /// The address wants a slot.
    Contend {
        /// Its position.
        slot: u8,
        /// The key that will mint.
        key: Hash,
    },
}

/// A request and who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Request {
    /// Who.
    pub address: Address,
    /// What.
    pub change: SlotChange,
}

/// Where a request waits: requests are planned in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct RequestPlace {
    /// Its kind.
    pub kind: RequestKind,
    /// The block it was made in.
    pub height: Height,
    /// Requests of that block before it.
    pub index: u32,
}

impl RequestKind {
    /// Every kind, by rising order of its plans.
    pub const ALL: [Self; 5] = [Self::Ban, Self::Vacate, Self::MintingKey, Self::Release, Self::Contend];

    /// The bit of [`Supernode::waiting`].
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl SlotChange {
    /// Its kind.
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::Ban => RequestKind::Ban,
            Self::Vacate => RequestKind::Vacate,
            Self::MintingKey { .. } => RequestKind::MintingKey,
            Self::Release => RequestKind::Release,
            Self::Contend { .. } => RequestKind::Contend,
        }
    }
}

impl Certificates {
    /// Reads the number; none in a state without it.
    ///
    /// # Errors
    /// As [`Trie::get`], and if the value is not a number.
    pub fn read<S: NodeStore>(trie: &mut Trie<S>) -> Result<Self, StateError<S::Error>> {
        Ok(account::read(trie, &chain_key(ChainRecord::Certificates))?.unwrap_or_default())
    }

    /// Writes the number.
    ///
    /// # Errors
    /// As [`Trie::insert`].
    pub fn write<S: NodeStore>(&self, trie: &mut Trie<S>) -> Result<(), StateError<S::Error>> {
        trie.insert(&chain_key(ChainRecord::Certificates), &codec::encode(self))?;
        Ok(())
    }
}

impl Supernode {
    /// For how many rounds that have a certificate nothing was seen of it.
    pub const fn idle_rounds(&self, certificates: Certificates) -> u64 {
        certificates.0.saturating_sub(self.active)
    }

    /// Whether it may not contend in a round.
    pub fn is_banned(&self, round: Round) -> bool {
        self.ban.is_some_and(|ban| ban.until.is_none_or(|until| round < until))
    }

    /// Whether it was punished while it had a slot, or was about to get one, and has not lost it yet.
    pub fn owes_slot(&self) -> bool {
        self.ban.is_some_and(|ban| ban.until.is_none())
    }

    /// Reads the record; `None` for somebody who never held or wanted a slot.
    ///
    /// # Errors
    /// As [`Trie::get`], and if the value is not a record.
    pub fn read<S: NodeStore>(
        trie: &mut Trie<S>,
        address: &Address,
    ) -> Result<Option<Self>, StateError<S::Error>> {
        account::read(trie, &supernode_key(address))
    }

    /// Writes the record.
    ///
    /// # Errors
    /// As [`Trie::insert`].
    pub fn write<S: NodeStore>(
        &self,
        trie: &mut Trie<S>,
        address: &Address,
    ) -> Result<(), StateError<S::Error>> {
        trie.insert(&supernode_key(address), &codec::encode(self))?;
        Ok(())
    }

    /// The address that a minting key serves; `None` if it never served one.
    ///
    /// # Errors
    /// As [`Supernode::read`].
    pub fn owner_of_key<S: NodeStore>(
        trie: &mut Trie<S>,
        key: &Hash,
    ) -> Result<Option<Address>, StateError<S::Error>> {
        account::read(trie, &minting_key_owner_key(key))
    }

    /// Writes down whom a minting key serves, for ever.
    ///
    /// # Errors
    /// As [`Trie::insert`].
    pub fn write_owner_of_key<S: NodeStore>(
        trie: &mut Trie<S>,
        key: &Hash,
        address: &Address,
    ) -> Result<(), StateError<S::Error>> {
        trie.insert(&minting_key_owner_key(key), &codec::encode(address))?;
        Ok(())
    }
}

impl Request {
    /// Lets the request wait at its place.
    ///
    /// # Errors
    /// As [`Trie::insert`].
    pub fn write<S: NodeStore>(
        &self,
        trie: &mut Trie<S>,
        place: &RequestPlace,
    ) -> Result<(), StateError<S::Error>> {
        trie.insert(&request_key(place), &codec::encode(self))?;
        Ok(())
    }
}
