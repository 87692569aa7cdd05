//! The records of the state that every chain has.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    Asset, ChainRecord, HistoryChain, HistoryError, HistoryKind, HistoryRecord, NodeStore, Trie, TrieError,
    account_key, balance_of, chain_key,
};
use crate::{
    crypto::Hash,
    data_format::{Address, Amount, DecodeError, Height, Slot, TransactionId, codec},
};

/// What the state holds of an account. An account without a record has nothing and never signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccountRecord {
    /// Transactions included; the next one carries this number.
    pub nonce: u64,
    /// Regular balance.
    pub balance: Amount,
    /// Number of history records.
    pub history_count: u64,
    /// The hash over the history; see [`HistoryChain`].
    pub history_head: Hash,
}

/// What happens to an account: a history record that has no place yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountChange {
    /// The block.
    pub height: Height,
    /// The block's slot.
    pub slot: Slot,
    /// The transaction; zeros for genesis.
    pub transaction: TransactionId,
    /// Why.
    pub kind: HistoryKind,
    /// Of what.
    pub asset: Asset,
    /// How many units more, or less if negative.
    pub delta: i64,
}

/// Why a change cannot happen to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The balance would be negative, or over 64 bits.
    #[error("a balance of {} units cannot change by {delta}", .balance.units())]
    Balance {
        /// The balance before.
        balance: Amount,
        /// The change.
        delta: i64,
    },
    /// The history is full.
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// Why a record could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError<E> {
    /// The trie failed.
    #[error(transparent)]
    Trie(#[from] TrieError<E>),
    /// The value is there but is not a record.
    #[error("the record at {key:02x?} is {error}")]
    Record {
        /// Its key.
        key: Vec<u8>,
        /// What is wrong.
        error: DecodeError,
    },
}

/// Coins of the whole chain: supply = genesis + minted − burned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SupplyRecord {
    /// What the chain started with.
    pub genesis: Amount,
    /// Rewards for blocks, all together.
    pub minted: Amount,
    /// Fees, all together.
    pub burned: Amount,
}

impl AccountRecord {
    /// Reads the record of an account; `None` if it has none.
    ///
    /// # Errors
    /// As [`Trie::get`], and if the value is not a record.
    pub fn read<S: NodeStore>(
        trie: &mut Trie<S>,
        address: &Address,
    ) -> Result<Option<Self>, StateError<S::Error>> {
        read(trie, &account_key(address))
    }

    /// Writes the record of an account.
    ///
    /// # Errors
    /// As [`Trie::insert`].
    pub fn write<S: NodeStore>(
        &self,
        trie: &mut Trie<S>,
        address: &Address,
    ) -> Result<(), StateError<S::Error>> {
        trie.insert(&account_key(address), &codec::encode(self))?;
        Ok(())
    }

    /// The account's history.
    pub const fn history(&self) -> HistoryChain {
        HistoryChain { count: self.history_count, head: self.history_head }
    }

    /// Changes the account and appends the record of it to its history: the one way to change a balance, so that
    /// the balance stays the sum of its history.
    ///
    /// # Errors
    /// [`RecordError`]; the account is unchanged then.
    pub fn apply(&mut self, change: &AccountChange) -> Result<HistoryRecord, RecordError> {
        let AccountChange { height, slot, transaction, kind, asset, delta } = *change;
        let balance = match asset {
            Asset::Coin => self.balance.0.checked_add_signed(delta).map(Amount),
            Asset::LeasedOut | Asset::LeasedIn => Some(self.balance),
        };
        let balance = balance.ok_or(RecordError::Balance { balance: self.balance, delta })?;
        let record =
            HistoryRecord { index: self.history_count, height, slot, transaction, kind, asset, delta };
        let history = self.history().append(&record)?;
        *self = Self { balance, history_count: history.count, history_head: history.head, ..*self };
        Ok(record)
    }

    /// Checks that the balance is the sum of the whole history, which [`verify_page`](super::verify_page) proved.
    ///
    /// # Errors
    /// [`HistoryError::Sum`] or [`HistoryError::Balance`].
    pub fn check_balance<'a>(
        &self,
        history: impl IntoIterator<Item = &'a HistoryRecord>,
    ) -> Result<(), HistoryError> {
        let (sum, balance) = (balance_of(history, Asset::Coin)?, self.balance);
        if sum == balance { Ok(()) } else { Err(HistoryError::Balance { sum, balance }) }
    }
}

impl SupplyRecord {
    /// Reads the record; `None` in a state without one.
    ///
    /// # Errors
    /// As [`Trie::get`], and if the value is not a record.
    pub fn read<S: NodeStore>(trie: &mut Trie<S>) -> Result<Option<Self>, StateError<S::Error>> {
        read(trie, &chain_key(ChainRecord::Supply))
    }

    /// Writes the record.
    ///
    /// # Errors
    /// As [`Trie::insert`].
    pub fn write<S: NodeStore>(&self, trie: &mut Trie<S>) -> Result<(), StateError<S::Error>> {
        trie.insert(&chain_key(ChainRecord::Supply), &codec::encode(self))?;
        Ok(())
    }

    /// The coins there are; `None` if the record contradicts itself.
    pub const fn total(&self) -> Option<Amount> {
        match self.genesis.checked_add(self.minted) {
            Some(made) => made.checked_sub(self.burned),
            None => None,
        }
    }
}

fn read<S: NodeStore, T: BorshDeserialize>(
    trie: &mut Trie<S>,
    key: &[u8],
) -> Result<Option<T>, StateError<S::Error>> {
    let Some(value) = trie.get(key)? else { return Ok(None) };
    codec::decode(value, super::MAX_VALUE_BYTES)
        .map(Some)
        .map_err(|error| StateError::Record { key: key.to_vec(), error })
}
