//! Where records are in the trie: a byte for the space, then the key within it. All keys of a space are of one
//! length or end where no other goes on, so that none is a prefix of another.

use crate::data_format::Address;

/// The first byte of every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Space {
    /// Records there is one of in a chain: `0 ‖ record`.
    Chain = 0,
    /// One record an account: `1 ‖ address`.
    Accounts = 1,
}

/// A record there is one of in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ChainRecord {
    /// The [`SupplyRecord`](super::SupplyRecord).
    Supply = 0,
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
