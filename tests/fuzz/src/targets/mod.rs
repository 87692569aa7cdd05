//! The targets.

mod bundles;
mod client;
mod consensus;
mod proofs;
mod state;
mod text;
mod transactions;
mod wallet;

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::data_format::codec;

pub use bundles::BUNDLES;
pub use client::CLIENT;
pub use consensus::CONSENSUS;
pub use state::STATE;
pub use text::TEXT;
pub use transactions::TRANSACTIONS;
pub use wallet::WALLET;

use crate::{Reach, Target};

/// All of them.
pub const TARGETS: [Target; 7] = [BUNDLES, CLIENT, CONSENSUS, STATE, TEXT, TRANSACTIONS, WALLET];

/// Reads a whole value of at most `limit` bytes; what was read must be written as the same bytes.
pub fn read<T: BorshDeserialize + BorshSerialize>(bytes: &[u8], limit: usize) -> Option<T> {
    let value: T = codec::decode(bytes, limit).ok()?;
    assert_same(&codec::encode(&value), bytes);
    Some(value)
}

/// One value, one encoding: otherwise somebody could give the same thing a second hash.
fn assert_same(written: &[u8], read: &[u8]) {
    assert!(written == read, "a second encoding was accepted: {read:02x?} is written as {written:02x?}");
}

/// How far something came that was read, and then held or not.
const fn reach(holds: bool) -> Reach {
    if holds { Reach::Held } else { Reach::Read }
}
