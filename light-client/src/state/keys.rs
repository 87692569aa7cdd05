//! Where records are in the trie: a byte for the space, then the key within it. All keys of a space are of one
//! length or end where no other goes on, so that none is a prefix of another.

use super::{RequestKind, RequestPlace};
use crate::{
    crypto::Hash,
    data_format::{Address, Height, Round},
};

/// The first byte of every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Space {
    /// Records there is one of in a chain: `0 ‖ record`.
    Chain = 0,
    /// One record an account: `1 ‖ address`.
    Accounts = 1,
    /// One [`Pool`](super::stake::Pool) a supernode: `2 ‖ address`.
    Pools = 2,
    /// One [`Position`](super::stake::Position) a lease: `3 ‖ lessor ‖ supernode`, so an account's leases are one range.
    Positions = 3,
    /// [`RoundEnd`](super::stake::RoundEnd)s: `4 ‖ supernode ‖ round`, the round in 8 bytes, highest first.
    RoundEnds = 4,
    /// One [`Supernode`](super::Supernode) an address: `5 ‖ address`.
    Supernodes = 5,
    /// The address that a minting key serves: `6 ‖ key`.
    MintingKeys = 6,
    /// [`Request`](super::Request)s in the order in which they are planned: `7 ‖ kind ‖ height ‖ index`.
    Requests = 7,
}

/// A record there is one of in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ChainRecord {
    /// The [`SupplyRecord`](super::SupplyRecord).
    Supply = 0,
    /// How many rounds have a certificate: [`Certificates`](super::Certificates).
    Certificates = 1,
}

/// The key of a record there is one of: 2 bytes.
pub const fn chain_key(record: ChainRecord) -> [u8; 2] {
    [Space::Chain as u8, record as u8]
}

/// The key of an account's record: the space and the 26 bytes of the address.
pub fn account_key(address: &Address) -> [u8; 27] {
    let mut key = [Space::Accounts as u8; 27];
    key[1..].copy_from_slice(address.as_bytes());
    key
}

/// The key of a supernode's pool: the space and the 26 bytes of the address.
pub fn pool_key(supernode: &Address) -> [u8; 27] {
    let mut key = [Space::Pools as u8; 27];
    key[1..].copy_from_slice(supernode.as_bytes());
    key
}

/// The key of a lessor's position in a supernode's pool.
pub fn position_key(lessor: &Address, supernode: &Address) -> [u8; 53] {
    let mut key = [Space::Positions as u8; 53];
    key[1..27].copy_from_slice(lessor.as_bytes());
    key[27..].copy_from_slice(supernode.as_bytes());
    key
}

/// The key of the end of a round in a supernode's pool.
pub fn round_end_key(supernode: &Address, round: Round) -> [u8; 35] {
    let mut key = [Space::RoundEnds as u8; 35];
    key[1..27].copy_from_slice(supernode.as_bytes());
    key[27..].copy_from_slice(&round.0.to_be_bytes());
    key
}

/// The key of what the state holds of a supernode.
pub fn supernode_key(address: &Address) -> [u8; 27] {
    let mut key = [Space::Supernodes as u8; 27];
    key[1..].copy_from_slice(address.as_bytes());
    key
}

/// The key of the address that a minting key serves.
pub fn minting_key_owner_key(minting_key: &Hash) -> [u8; 33] {
    let mut key = [Space::MintingKeys as u8; 33];
    key[1..].copy_from_slice(minting_key.as_bytes());
    key
}

/// The place that [`request_key`] made a key of; `None` for any other key.
pub fn request_place(key: &[u8]) -> Option<RequestPlace> {
    let key: &[u8; 14] = key.try_into().ok()?;
    let kind = RequestKind::ALL.into_iter().find(|kind| *kind as u8 == key[1])?;
    let height = Height(u64::from_be_bytes(key[2..10].try_into().ok()?));
    let place = RequestPlace { kind, height, index: u32::from_be_bytes(key[10..].try_into().ok()?) };
    (key[0] == Space::Requests as u8).then_some(place)
}

/// The key of a request for a change of the slot table.
pub fn request_key(place: &RequestPlace) -> [u8; 14] {
    let mut key = [Space::Requests as u8; 14];
    key[1] = place.kind as u8;
    key[2..10].copy_from_slice(&place.height.0.to_be_bytes());
    key[10..].copy_from_slice(&place.index.to_be_bytes());
    key
}
