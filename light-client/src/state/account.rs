//! The records of the state that every chain has.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    Asset, ChainRecord, HistoryChain, HistoryError, HistoryKind, HistoryRecord, MintingAverage, NodeStore,
    Trie, TrieError, account_key, balance_of, chain_key,
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
    /// The part of it that is leased to others and cannot be spent.
    pub leased_out: Amount,
    /// What others lease to it.
    pub leased_in: Amount,
    /// How long its effective balance has been there.
    pub average: MintingAverage,
    /// Whether it has held a slot: its own stake is then a position in its own pool.
    pub is_supernode: bool,
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
    /// The transaction; zeros for none.
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
    /// The holding would be negative, over 64 bits, or no longer cover what is leased out.
    #[error("{} units cannot change by {delta}", .balance.units())]
    Balance {
        /// What there was of the asset.
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
    /// Fees and prices of slots, all together.
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
        let mut after = *self;
        let holding = match asset {
            Asset::Coin => &mut after.balance,
            Asset::LeasedOut => &mut after.leased_out,
            Asset::LeasedIn => &mut after.leased_in,
        };
        let error = RecordError::Balance { balance: *holding, delta };
        *holding = holding.0.checked_add_signed(delta).map(Amount).ok_or(error)?;
        if after.leased_out > after.balance {
            return Err(error);
        }
        let record =
            HistoryRecord { index: self.history_count, height, slot, transaction, kind, asset, delta };
        let history = self.history().append(&record)?;
        *self = Self { history_count: history.count, history_head: history.head, ..after };
        Ok(record)
    }

    /// What it can spend: the regular balance less what is leased out.
    pub const fn available(&self) -> Amount {
        // `apply` keeps the one at least as great as the other.
        Amount(self.balance.0.saturating_sub(self.leased_out.0))
    }

    /// Regular + leased in − leased out.
    pub const fn effective(&self) -> Amount {
        // Units of one supply: the sum cannot overflow.
        Amount(self.available().0.saturating_add(self.leased_in.0))
    }

    /// What it has of an asset.
    pub const fn holding(&self, asset: Asset) -> Amount {
        match asset {
            Asset::Coin => self.balance,
            Asset::LeasedOut => self.leased_out,
            Asset::LeasedIn => self.leased_in,
        }
    }

    /// Checks that balance and leases are the sums of the whole history, which [`verify_page`](super::verify_page) proved.
    ///
    /// # Errors
    /// [`HistoryError::Sum`] or [`HistoryError::Balance`].
    pub fn check_balance<'a>(
        &self,
        history: impl IntoIterator<Item = &'a HistoryRecord> + Clone,
    ) -> Result<(), HistoryError> {
        for asset in [Asset::Coin, Asset::LeasedOut, Asset::LeasedIn] {
            let (sum, balance) = (balance_of(history.clone(), asset)?, self.holding(asset));
            if sum != balance {
                return Err(HistoryError::Balance { sum, balance });
            }
        }
        Ok(())
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

pub(super) fn read<S: NodeStore, T: BorshDeserialize>(
    trie: &mut Trie<S>,
    key: &[u8],
) -> Result<Option<T>, StateError<S::Error>> {
    let Some(value) = trie.get(key)? else { return Ok(None) };
    decode(key, value).map(Some)
}

/// Reads a record, or part of a key, of the entry at `key`.
pub(super) fn decode<T: BorshDeserialize, E>(key: &[u8], bytes: &[u8]) -> Result<T, StateError<E>> {
    codec::decode(bytes, super::MAX_VALUE_BYTES)
        .map_err(|error| StateError::Record { key: key.to_vec(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(asset: Asset, delta: i64) -> AccountChange {
        AccountChange {
            height: Height(1),
            slot: Slot(2),
            transaction: Hash([3; 32]),
            kind: HistoryKind::Received,
            asset,
            delta,
        }
    }

    #[test]
    fn the_balance_is_the_sum_of_the_history() {
        let mut account = AccountRecord { nonce: 4, ..AccountRecord::default() };
        let changes = [(Asset::Coin, 100), (Asset::LeasedOut, 60), (Asset::Coin, -30), (Asset::LeasedIn, 9)];
        let records = changes.map(|(asset, delta)| account.apply(&change(asset, delta)).unwrap());
        assert_eq!((account.nonce, account.balance, account.history_count), (4, Amount(70), 4));
        assert_eq!(super::super::verify_since(HistoryChain::EMPTY, &records, account.history()), Ok(()));
        assert_eq!(account.check_balance(&records), Ok(()));
        let error = HistoryError::Balance { sum: Amount(100), balance: Amount(70) };
        assert_eq!(account.check_balance(&records[..2]), Err(error));
    }

    #[test]
    fn what_is_not_there_cannot_be_taken() {
        let mut account = AccountRecord { balance: Amount(5), ..AccountRecord::default() };
        let before = account;
        for (balance, delta) in [(5, -6), (5, i64::MIN), (u64::MAX, 1)] {
            account.balance = Amount(balance);
            let error = RecordError::Balance { balance: Amount(balance), delta };
            assert_eq!(account.apply(&change(Asset::Coin, delta)), Err(error));
        }
        account = AccountRecord { history_count: u64::MAX, ..before };
        assert_eq!(account.apply(&change(Asset::Coin, 1)), Err(HistoryError::Full.into()));
        assert_eq!(account, AccountRecord { history_count: u64::MAX, ..before });
    }

    #[test]
    fn the_supply_is_what_was_made_less_what_was_burned() {
        let supply = |genesis, minted, burned| {
            SupplyRecord { genesis: Amount(genesis), minted: Amount(minted), burned: Amount(burned) }.total()
        };
        assert_eq!(supply(10, 5, 3), Some(Amount(12)));
        assert_eq!(supply(0, 2, 3), None);
        assert_eq!(supply(u64::MAX, 1, 1), None);
    }

    #[test]
    fn a_value_that_is_no_record_is_an_error() {
        let store = crate::state::MemoryStore::new();
        let mut trie = Trie::open(crate::state::Root::EMPTY, &store);
        assert_eq!(SupplyRecord::read(&mut trie), Ok(None));
        let supply = SupplyRecord { genesis: Amount(7), ..SupplyRecord::default() };
        supply.write(&mut trie).unwrap();
        assert_eq!(SupplyRecord::read(&mut trie), Ok(Some(supply)));
        assert_eq!(trie.get(&[0, 0]).unwrap().map(<[u8]>::len), Some(24));
        trie.insert(&chain_key(ChainRecord::Supply), &[0; 25]).unwrap();
        assert!(
            matches!(SupplyRecord::read(&mut trie), Err(StateError::Record { key, .. }) if key == [0, 0])
        );
    }
}
