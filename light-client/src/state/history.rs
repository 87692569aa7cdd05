//! The history of an account as a hash chain, and the proof that a page of it leaves nothing out.
//!
//! The account's record in the state holds how many history records there are and the hash over all of them. So a
//! proven account record proves which records are the newest, and that none is missing: [`verify_page`].

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    crypto::{Domain, Hash},
    data_format::{Amount, Height, Slot, TransactionId, codec},
};

/// Why something happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum HistoryKind {
    /// The chain started with it.
    Genesis,
    /// The account sent coins.
    Sent,
    /// The account received coins.
    Received,
    /// The account paid a fee.
    Fee,
    /// Coins were leased: out for the lessor, in for the supernode.
    Leased,
    /// Leased coins were called back.
    LeaseCancelled,
    /// A lease, or a supernode's own stake, paid out what it has earned.
    Interest,
    /// A supernode was paid its commission.
    Commission,
    /// The account was paid for making a block.
    Minted,
    /// The account won a slot: what that costs was burned when its request was planned.
    ContendFee,
}

impl HistoryKind {
    /// A word that never changes, for people's tools.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Genesis => "genesis",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Fee => "fee",
            Self::Leased => "leased",
            Self::LeaseCancelled => "lease_cancelled",
            Self::Interest => "interest",
            Self::Commission => "commission",
            Self::Minted => "minted",
            Self::ContendFee => "contend_fee",
        }
    }
}

/// What an account has more or less of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Asset {
    /// Coins.
    Coin,
    /// Coins leased to others.
    LeasedOut,
    /// Coins leased by others.
    LeasedIn,
}

impl Asset {
    /// A word that never changes, for people's tools.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Coin => "coin",
            Self::LeasedOut => "leased_out",
            Self::LeasedIn => "leased_in",
        }
    }
}

/// One change of one asset of an account. 66 bytes in Borsh, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HistoryRecord {
    /// Records before this one.
    pub index: u64,
    /// The block.
    pub height: Height,
    /// The block's slot: its time is the slot's.
    pub slot: Slot,
    /// The transaction; zeros for genesis, for the pay for a block and for the price of a slot: they come of none.
    pub transaction: TransactionId,
    /// Why.
    pub kind: HistoryKind,
    /// Of what.
    pub asset: Asset,
    /// How many units more, or less if negative.
    pub delta: i64,
}

/// A history up to some record: its length and the hash over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct HistoryChain {
    /// Number of records.
    pub count: u64,
    /// `H(head before ‖ record)` of the last record; zeros for none.
    pub head: Hash,
}

/// Why history records do not prove what they should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// More records than the history has.
    #[error("{records} records of a history of {count}")]
    TooMany {
        /// Records received.
        records: usize,
        /// Records there are.
        count: u64,
    },
    /// A record is missing, repeated or out of order.
    #[error("history record {found} where {expected} belongs")]
    Index {
        /// The index that belongs there.
        expected: u64,
        /// The record's index.
        found: u64,
    },
    /// The records are not those of the account.
    #[error("the history records lead to {found}, not to {expected}")]
    Head {
        /// The proven head.
        expected: Hash,
        /// Where the records lead.
        found: Hash,
    },
    /// They do not go on from where the known history ends.
    #[error("the history records go on from record {found}, the known ones end at {expected}")]
    Start {
        /// Records known.
        expected: u64,
        /// Records before the first received.
        found: u64,
    },
    /// No history has so many records.
    #[error("the history is full")]
    Full,
    /// The deltas sum up to something that is not an amount.
    #[error("the changes sum up to {0}, which is not an amount")]
    Sum(i128),
    /// The deltas do not sum up to the balance.
    #[error("the changes sum up to {sum:?}, the balance is {balance:?}")]
    Balance {
        /// The sum.
        sum: Amount,
        /// The balance.
        balance: Amount,
    },
}

impl HistoryChain {
    /// No records.
    pub const EMPTY: Self = Self { count: 0, head: Hash::ZERO };

    /// The history with one record more.
    ///
    /// # Errors
    /// [`HistoryError::Index`] if the record is not the next; [`HistoryError::Full`].
    pub fn append(self, record: &HistoryRecord) -> Result<Self, HistoryError> {
        if record.index != self.count {
            return Err(HistoryError::Index { expected: self.count, found: record.index });
        }
        let count = self.count.checked_add(1).ok_or(HistoryError::Full)?;
        let head = Hash::of(Domain::HISTORY, &[self.head.as_bytes(), &codec::encode(record)]);
        Ok(Self { count, head })
    }
}

/// Checks that `records`, oldest first, are exactly the last ones of the history `end`, which is proven; gives the
/// history before them, with which the next older page can be checked. `head_before` comes with the page and
/// needs no proof of its own. A page of no records says nothing: ask for as many as `end` has, or are shown.
///
/// # Errors
/// [`HistoryError::TooMany`], [`HistoryError::Index`] or [`HistoryError::Head`].
pub fn verify_page(
    records: &[HistoryRecord],
    head_before: Hash,
    end: HistoryChain,
) -> Result<HistoryChain, HistoryError> {
    let too_many = HistoryError::TooMany { records: records.len(), count: end.count };
    let length = u64::try_from(records.len()).map_err(|_| too_many)?;
    let count = end.count.checked_sub(length).ok_or(too_many)?;
    if count == 0 && !head_before.is_zero() {
        return Err(HistoryError::Head { expected: Hash::ZERO, found: head_before });
    }
    let start = HistoryChain { count, head: head_before };
    let found = records.iter().try_fold(start, HistoryChain::append)?;
    if found.head != end.head {
        return Err(HistoryError::Head { expected: end.head, found: found.head });
    }
    Ok(start)
}

/// Checks that `records`, oldest first, are exactly what the proven history `end` has beyond the `known` one.
///
/// # Errors
/// [`HistoryError::Start`] if there are too few or too many of them; else as [`verify_page`].
pub fn verify_since(
    known: HistoryChain,
    records: &[HistoryRecord],
    end: HistoryChain,
) -> Result<(), HistoryError> {
    let start = verify_page(records, known.head, end)?;
    if start.count != known.count {
        return Err(HistoryError::Start { expected: known.count, found: start.count });
    }
    Ok(())
}

/// What the changes of an asset sum up to: over a whole history, the balance.
///
/// # Errors
/// [`HistoryError::Sum`] if it is negative or over 64 bits.
pub fn balance_of<'a>(
    records: impl IntoIterator<Item = &'a HistoryRecord>,
    asset: Asset,
) -> Result<Amount, HistoryError> {
    // 2^64 records of 64 bits each fit.
    let sum: i128 = records
        .into_iter()
        .filter(|record| record.asset == asset)
        .map(|record| i128::from(record.delta))
        .sum();
    u64::try_from(sum).map(Amount).map_err(|_| HistoryError::Sum(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(index: u64) -> HistoryRecord {
        HistoryRecord {
            index,
            height: Height(index / 3),
            slot: Slot(index / 2),
            transaction: Hash::of(Domain::TRANSACTION, &[&index.to_le_bytes()]),
            kind: HistoryKind::Received,
            asset: Asset::Coin,
            delta: 5 + index as i64,
        }
    }

    /// The history up to each of the first `count` records, the empty one first.
    fn chains(records: &[HistoryRecord]) -> Vec<HistoryChain> {
        let mut chains = vec![HistoryChain::EMPTY];
        for record in records {
            chains.push(chains[chains.len() - 1].append(record).unwrap());
        }
        chains
    }

    #[test]
    fn the_head_is_what_the_format_says() {
        let mut bytes = vec![0; 32];
        bytes.extend(0_u64.to_le_bytes());
        bytes.extend([3, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([4, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([7; 32]);
        bytes.extend([3, 1]);
        bytes.extend((-2_i64).to_le_bytes());
        let record = HistoryRecord {
            index: 0,
            height: Height(3),
            slot: Slot(4),
            transaction: Hash([7; 32]),
            kind: HistoryKind::Fee,
            asset: Asset::LeasedOut,
            delta: -2,
        };
        let chain = HistoryChain::EMPTY.append(&record).unwrap();
        assert_eq!(chain, HistoryChain { count: 1, head: Hash::of(Domain::HISTORY, &[&bytes]) });
    }

    #[test]
    fn pages_prove_the_whole_history_from_its_end() {
        let records: Vec<_> = (0..10).map(record).collect();
        let chains = chains(&records);
        let mut end = chains[10];
        for (from, to) in [(7, 10), (7, 7), (3, 7), (0, 3)] {
            end = verify_page(&records[from..to], chains[from].head, end).unwrap();
            assert_eq!(end, chains[from]);
        }
        assert_eq!(end, HistoryChain::EMPTY);
        assert_eq!(verify_since(chains[4], &records[4..], chains[10]), Ok(()));
        assert_eq!(verify_since(chains[10], &[], chains[10]), Ok(()));
    }

    #[test]
    fn no_record_can_be_left_out_changed_added_or_moved() {
        let records: Vec<_> = (0..8).map(record).collect();
        let chains = chains(&records);
        let check = |page: &[HistoryRecord]| verify_page(page, chains[2].head, chains[8]);
        assert_eq!(check(&records[2..]), Ok(chains[2]));
        for dropped in 2..8 {
            let mut page = records[2..].to_vec();
            page.remove(dropped - 2);
            assert!(check(&page).is_err(), "without {dropped}");
            // The same with indices that look whole.
            for (index, record) in (3..).zip(&mut page) {
                record.index = index;
            }
            assert!(matches!(check(&page), Err(HistoryError::Head { .. })), "renumbered without {dropped}");
        }
        let changes: [fn(&mut HistoryRecord); 7] = [
            |record| record.index += 1,
            |record| record.height.0 += 1,
            |record| record.slot.0 += 1,
            |record| record.transaction.0[31] ^= 1,
            |record| record.kind = HistoryKind::Sent,
            |record| record.asset = Asset::LeasedIn,
            |record| record.delta = -record.delta,
        ];
        for at in 2..8 {
            for change in changes {
                let mut page = records[2..].to_vec();
                change(&mut page[at - 2]);
                assert!(check(&page).is_err());
            }
        }
        let mut swapped = records[2..].to_vec();
        swapped.swap(0, 1);
        assert!(matches!(check(&swapped), Err(HistoryError::Index { .. })));
        assert!(matches!(check(&records[2..7]), Err(HistoryError::Index { expected: 3, found: 2 })));
        assert!(check(&[&records[2..], &[record(8)]].concat()).is_err());
    }

    #[test]
    fn a_history_cannot_be_cut_short_or_started_elsewhere() {
        let records: Vec<_> = (0..4).map(record).collect();
        let chains = chains(&records);
        assert!(matches!(verify_page(&[], chains[3].head, chains[4]), Err(HistoryError::Head { .. })));
        assert!(matches!(verify_page(&records, chains[1].head, chains[4]), Err(HistoryError::Head { .. })));
        let none = HistoryChain::EMPTY;
        assert!(matches!(verify_page(&records[..1], Hash::ZERO, none), Err(HistoryError::TooMany { .. })));
        assert!(verify_since(chains[1], &records[2..], chains[4]).is_err());
        assert!(verify_since(chains[2], &records[1..], chains[4]).is_err());
        // A known history of the same head but another length cannot be: the length comes from the proven end.
        let lying = HistoryChain { count: 1, ..chains[2] };
        let error = HistoryError::Start { expected: 1, found: 2 };
        assert_eq!(verify_since(lying, &records[2..], chains[4]), Err(error));
        let full = HistoryChain { count: u64::MAX, head: Hash::ZERO };
        assert_eq!(full.append(&record(u64::MAX)), Err(HistoryError::Full));
    }

    #[test]
    fn deltas_sum_up_by_asset() {
        let with = |asset, delta| HistoryRecord { asset, delta, ..record(0) };
        let records = [with(Asset::Coin, 10), with(Asset::LeasedOut, 4), with(Asset::Coin, -3)];
        assert_eq!(balance_of(&records, Asset::Coin), Ok(Amount(7)));
        assert_eq!(balance_of(&records, Asset::LeasedOut), Ok(Amount(4)));
        assert_eq!(balance_of(&records, Asset::LeasedIn), Ok(Amount::ZERO));
        assert_eq!(balance_of(&records[2..], Asset::Coin), Err(HistoryError::Sum(-3)));
        let most = with(Asset::Coin, i64::MAX);
        assert_eq!(balance_of(&[most; 2], Asset::Coin), Ok(Amount(u64::MAX - 1)));
        assert!(matches!(balance_of(&[most; 3], Asset::Coin), Err(HistoryError::Sum(_))));
    }
}
