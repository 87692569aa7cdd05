use std::io::{Result as IoResult, Write};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{requests::PAGE_RECORDS, sorted::Sorted, trust::Grade};
use crate::{
    client::{HistoryPage, ProofFailure, ProvenAccount, Verifier, facts::Final},
    data_format::{BlockId, Height, Slot, Time, Transaction, TransactionId},
    state::{AccountRecord, HistoryChain, HistoryRecord},
};

/// What is proven of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccountState {
    proven: Option<Proven>,
    history: LoadedHistory,
    /// The server that is asked for it, by its [name](super::Server::name): no other needs to know of it.
    pub(super) home: Option<u64>,
    /// Whether it was asked for; else it is proven only while a payment from it is open.
    pub(super) watched: bool,
    /// Times in a row that it was asked for and not proven.
    #[borsh(skip)]
    pub(super) useless: u8,
}

/// An account's record at a final block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proven {
    /// The record; `None` is proven absence.
    pub record: Option<AccountRecord>,
    /// The final block it is proven at.
    pub id: BlockId,
    /// That block's height.
    pub height: Height,
    /// That block's slot.
    pub slot: Slot,
    /// When it was proven here.
    pub at: Time,
    /// Bytes of the proof.
    pub bytes: u32,
    /// Nodes that the proof opened.
    pub steps: u32,
    /// The server that sent it, by index.
    pub server: u32,
    /// What stands behind the final block.
    pub grade: Grade,
}

/// Records of an account that are kept for good, at most, each with a transaction of at most
/// [`MAX_TRANSACTION_BYTES`](crate::data_format::MAX_TRANSACTION_BYTES). Older ones can be loaded again.
pub const KEPT_RECORDS: usize = 1_000;

/// The newest part of an account's history: proven, without a gap, as long as it goes. What was loaded by request stays
/// beyond [`KEPT_RECORDS`] until the client is saved; what others send to the account does not make it grow.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshDeserialize)]
pub struct LoadedHistory {
    /// The chain before the oldest record here.
    before: HistoryChain,
    /// The chain after the newest record here.
    end: HistoryChain,
    /// Oldest first.
    records: Vec<HistoryRecord>,
    /// What the records' ids stand for, as far as it was sent.
    transactions: Sorted<TransactionId, Box<Transaction>>,
    /// Records that were loaded by request.
    #[borsh(skip)]
    requested: usize,
}

/// Without what was loaded beyond [`KEPT_RECORDS`].
impl BorshSerialize for LoadedHistory {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        let (before, records) = self.newest(KEPT_RECORDS);
        let named = Named::by(records);
        let named = self.transactions.iter().filter(|(id, _)| named.has(id));
        (before, self.end, records, named.collect::<Vec<_>>()).serialize(writer)
    }
}

/// The transactions that records name.
struct Named(Vec<TransactionId>);

impl Named {
    fn by(records: &[HistoryRecord]) -> Self {
        let mut ids: Vec<TransactionId> = records.iter().map(|record| record.transaction).collect();
        ids.sort_unstable();
        Self(ids)
    }

    fn has(&self, id: &TransactionId) -> bool {
        self.0.binary_search(id).is_ok()
    }
}

impl LoadedHistory {
    /// The records, oldest first.
    pub fn records(&self) -> &[HistoryRecord] {
        &self.records
    }

    /// The chain before the oldest record here; empty when nothing older exists.
    pub const fn before(&self) -> HistoryChain {
        self.before
    }

    /// Whether every record of the account is here.
    pub const fn is_complete(&self) -> bool {
        self.before.count == 0
    }

    /// A transaction that a record names.
    pub fn transaction(&self, id: &TransactionId) -> Option<&Transaction> {
        self.transactions.get(id).map(|transaction| &**transaction)
    }

    /// The newest records, at most so many, and the chain before them.
    fn newest(&self, most: usize) -> (HistoryChain, &[HistoryRecord]) {
        let (old, newest) = self.records.split_at(self.records.len().saturating_sub(most));
        // They were checked in this order, so they append again.
        match old.iter().try_fold(self.before, HistoryChain::append) {
            Ok(before) => (before, newest),
            Err(_) => (self.before, &self.records),
        }
    }

    /// Forgets the oldest records where there are more than `most`.
    fn forget_beyond(&mut self, most: usize) {
        let (before, newest) = self.newest(most);
        let named = Named::by(newest);
        let old = self.records.len() - newest.len();
        self.before = before;
        self.records.drain(..old);
        self.transactions.retain(|id, _| named.has(id));
    }

    fn learn(&mut self, page: &HistoryPage, verifier: &Verifier) {
        for (id, transaction) in verifier.transactions(page) {
            self.transactions.get_or_insert_with(id, || Box::new(transaction.clone()));
        }
    }
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) server: usize,
    pub(super) bytes: usize,
    pub(super) took_ms: u64,
    /// Whether it was asked from the trusted block.
    pub(super) from_trusted: bool,
    pub(super) grade: Grade,
    pub(super) now: Time,
}

impl AccountState {
    /// The record, if it was ever proven.
    pub const fn proven(&self) -> Option<&Proven> {
        self.proven.as_ref()
    }

    /// The history loaded so far.
    pub const fn history(&self) -> &LoadedHistory {
        &self.history
    }

    /// Records that are known to exist and proven to be loaded at the newest end.
    pub(super) const fn known(&self) -> u64 {
        self.history.end.count
    }

    /// Takes a proven record and its newest history; returns whether anything new was learnt.
    pub(super) fn take(
        &mut self,
        proven: Final<ProvenAccount>,
        page: &HistoryPage,
        verifier: &Verifier,
        source: Source,
    ) -> Result<bool, ProofFailure> {
        self.useless = 0;
        let at = *proven.at();
        if self.proven.as_ref().is_some_and(|known| known.height > at.height) {
            // An answer that was overtaken on the way.
            return Ok(false);
        }
        let ProvenAccount { record, before, steps } = proven.into_value();
        let end = record.as_ref().map_or(HistoryChain::EMPTY, AccountRecord::history);
        check_whole(page, end.count.saturating_sub(self.known()))?;
        let new = self.joined(before, end, page)?;
        let history = &mut self.history;
        let (kept, before) =
            if let Some(new) = new { (new, history.before) } else { (&page.records[..], before) };
        let old = if new.is_some() { history.records.as_slice() } else { &[] };
        if let (Some(record), 0) = (&record, before.count) {
            record.check_balance(old.iter().chain(kept))?;
        }
        if new.is_none() {
            history.records.clear();
            history.transactions = Sorted::default();
            history.requested = 0;
        }
        history.records.extend_from_slice(kept);
        (history.before, history.end) = (before, end);
        history.learn(page, verifier);
        if history.records.len() > KEPT_RECORDS + history.requested {
            history.forget_beyond(KEPT_RECORDS + history.requested);
        }
        let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        self.proven = Some(Proven {
            record,
            id: at.id,
            height: at.height,
            slot: at.slot,
            at: source.now,
            bytes: short(source.bytes),
            steps: short(steps),
            server: short(source.server),
            grade: source.grade,
        });
        Ok(true)
    }

    /// What is new in a page of newest records that goes on from what was proven before; `None` if more happened than one
    /// answer holds, so that the history starts again from the page.
    fn joined<'a>(
        &self,
        before: HistoryChain,
        end: HistoryChain,
        page: &'a HistoryPage,
    ) -> Result<Option<&'a [HistoryRecord]>, ProofFailure> {
        let known = self.history.end;
        let rewritten = || ProofFailure::Rewritten { known: known.count, count: end.count };
        if end.count < known.count || (end.count == known.count && end.head != known.head) {
            return Err(rewritten());
        }
        if before.count > known.count {
            return Ok(None);
        }
        // The page's chain must pass through what was proven before, or that was rewritten.
        let overlap = usize::try_from(known.count - before.count).unwrap_or(usize::MAX);
        let (old, new) = page.records.split_at_checked(overlap).ok_or_else(rewritten)?;
        let joint = old.iter().try_fold(before, HistoryChain::append)?;
        if joint == known { Ok(Some(new)) } else { Err(rewritten()) }
    }

    /// Whether only operators vouch for what is proven.
    pub(super) fn is_only_agreed(&self) -> bool {
        self.proven.as_ref().is_some_and(|proven| proven.grade == Grade::Agreed)
    }

    /// Forgets what was proven; who is asked, and why, stays.
    pub(super) fn forget(&mut self) {
        *self = Self { home: self.home, watched: self.watched, ..Self::default() };
    }

    /// Takes a page of older records.
    pub(super) fn take_older(&mut self, page: &HistoryPage, verifier: &Verifier) -> Result<(), ProofFailure> {
        check_whole(page, self.history.before.count)?;
        let before = verifier.page(page, self.history.before)?;
        let history = &mut self.history;
        let record = self.proven.as_ref().and_then(|proven| proven.record.as_ref());
        if let (0, Some(record)) = (before.count, record) {
            record.check_balance(page.records.iter().chain(&history.records))?;
        }
        history.records.splice(0..0, page.records.iter().copied());
        history.before = before;
        history.requested += page.records.len();
        history.learn(page, verifier);
        Ok(())
    }
}

/// A page that leaves out what exists and was asked for would show a shorter history as the whole.
fn check_whole(page: &HistoryPage, missing: u64) -> Result<(), ProofFailure> {
    let (expected, found) = (missing.min(PAGE_RECORDS), page.records.len() as u64);
    if found < expected { Err(ProofFailure::Withheld { expected, found }) } else { Ok(()) }
}
