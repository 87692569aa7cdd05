//! Under which bytes things are kept.

use light_client::data_format::{Address, BlockId};

/// The format of the data folder.
pub(super) const FORMAT: u32 = 11;

pub(super) const META_FORMAT: &[u8] = b"format";
pub(super) const META_CHAIN: &[u8] = b"chain";
pub(super) const META_SPEC: &[u8] = b"spec";
pub(super) const META_HEAD: &[u8] = b"head";
pub(super) const META_WEIGHT: &[u8] = b"weight";
pub(super) const META_FINALITY: &[u8] = b"finality";
pub(super) const META_NEXT_NODE: &[u8] = b"next-node";
pub(super) const META_PRUNED: &[u8] = b"pruned";
pub(super) const META_BODIES: &[u8] = b"bodies";
pub(super) const META_BEGINNING: &[u8] = b"beginning";
pub(super) const META_RETIRED: &[u8] = b"retired";
pub(super) const META_LOG: &[u8] = b"log";
pub(super) const META_LOGGED: &[u8] = b"logged";
pub(super) const META_RECOVERIES: &[u8] = b"recoveries";

/// Beyond every key of every space: no key starts with so many ones.
pub(super) const END: [u8; 64] = [0xff; 64];

/// Transactions of a block that are kept in one record: a record for each would cost the database an insertion for each. So
/// many payments fill a page of 4 KiB.
pub(super) const BODY_PART: u32 = 22;

pub(super) fn body_key(block: &BlockId, part: u32) -> Vec<u8> {
    [&block.as_bytes()[..], &part.to_be_bytes()].concat()
}

/// History records that are kept together, at most.
pub(super) const HISTORY_PART: usize = 32;

/// The key of history records of an account in a row, of which the last has this index: the first key from the one of any of
/// their indexes on.
pub(super) fn history_key(address: &Address, last: u64) -> Vec<u8> {
    [&address.as_bytes()[..], &last.to_be_bytes()].concat()
}

/// Beyond the keys of an account's history.
pub(super) fn history_end(address: &Address) -> Vec<u8> {
    [&address.as_bytes()[..], &[0xff; 9]].concat()
}
