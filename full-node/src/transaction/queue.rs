use std::collections::VecDeque;

use light_client::{data_format::Transaction, transaction::CheckedTransaction};

use super::FeeRate;

/// What waits of one sender: consecutive nonces, the first of them the account's.
#[derive(Debug)]
pub(super) struct Queue {
    first: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// In units; more than can exist is no mistake here, only too much for the account.
    spending: u128,
}

/// A transaction that waits.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) checked: CheckedTransaction,
    /// What it pays.
    pub(super) rate: FeeRate,
    /// What the worst paying transaction up to this one pays: as long as that waits, so does this.
    pub(super) rank: FeeRate,
}

impl Queue {
    /// An empty queue of an account with this nonce.
    pub(super) fn new(first: u64) -> Self {
        // Most senders have one transaction waiting: room for exactly that.
        Self { first, entries: VecDeque::with_capacity(1), bytes: 0, spending: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What its transactions take from the account at most, in units.
    pub(super) const fn spending(&self) -> u128 {
        self.spending
    }

    /// The account's nonce, as far as the queue knows.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// The nonce after the last one.
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(self.entries.len() as u64)
    }

    pub(super) fn get(&self, nonce: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(nonce.checked_sub(self.first)?).ok()?)
    }

    pub(super) fn last(&self) -> Option<&Entry> {
        self.entries.back()
    }

    pub(super) fn iter(&self) -> std::collections::vec_deque::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// The worst rate before this nonce; `None` for the first.
    pub(super) fn rank_before(&self, nonce: u64) -> Option<FeeRate> {
        Some(self.get(nonce.checked_sub(1)?)?.rank)
    }

    /// Adds the transaction with the next nonce.
    pub(super) fn push(&mut self, checked: CheckedTransaction) {
        let rate = FeeRate::of(checked.transaction().fee, checked.encoded_length());
        let rank = self.last().map_or(rate, |last| last.rank.min(rate));
        self.bytes += checked.encoded_length();
        self.spending += spending(checked.transaction());
        self.entries.push_back(Entry { checked, rate, rank });
    }

    /// Takes out the transactions with this nonce and later ones, in order.
    pub(super) fn cut(&mut self, nonce: u64) -> Vec<CheckedTransaction> {
        let keep = nonce.saturating_sub(self.first);
        let keep = usize::try_from(keep).unwrap_or(usize::MAX).min(self.entries.len());
        let cut: Vec<_> = self.entries.drain(keep..).map(|entry| entry.checked).collect();
        for checked in &cut {
            self.bytes -= checked.encoded_length();
            self.spending -= spending(checked.transaction());
        }
        cut
    }

    /// Puts a transaction into the place of the one with the same nonce, which must be there, and gives that one.
    pub(super) fn replace(&mut self, checked: CheckedTransaction) -> Option<CheckedTransaction> {
        let mut rest = self.cut(checked.transaction().nonce).into_iter();
        let replaced = rest.next();
        self.push(checked);
        rest.for_each(|later| self.push(later));
        replaced
    }
}

/// What a transaction takes from its sender at most, in units.
pub(super) fn spending(transaction: &Transaction) -> u128 {
    // Checked transactions stay below: this is only more than any account has.
    transaction.committed().map_or(u128::from(u64::MAX), |amount| u128::from(amount.units()))
}
