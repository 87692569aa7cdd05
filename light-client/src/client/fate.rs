//! What becomes of a transaction, as its sender's account and history prove it.

use super::{ProofFailure, Verifier, facts::Final};
use crate::{
    data_format::{Address, Call, Height, Transaction, TransactionId},
    state::{AccountRecord, Answer, HistoryKind, HistoryRecord},
};

/// How things are for a transaction at a final block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its nonce is free, and a later block may include it.
    Open,
    /// Its nonce is free, and no later block may include it: it never happens.
    Expired,
    /// It is in a final block.
    Included {
        /// The record of its fee: the block's height and slot.
        record: HistoryRecord,
        /// Whether its calls happened; `None` if the history cannot say, because such calls leave no record.
        succeeded: Option<bool>,
    },
    /// Another transaction took its nonce: it never happens.
    Replaced {
        /// The one that did.
        by: TransactionId,
    },
    /// Its nonce is taken; by what, older records of the sender say.
    Taken,
}

impl Fate {
    /// The fate of a transaction at a final block of height `at`, where its sender has this account. `newest` are the
    /// newest records of the sender's history up to there, oldest first; none are needed to prove that it expired. All of
    /// it must be proven. Not for reports that nobody signed: they take no nonce.
    ///
    /// Every included transaction takes one nonce and leaves one fee record. So the newest fee record is of the nonce
    /// before the account's, the one before it of the nonce before that, and so on.
    pub fn of(
        transaction: &Transaction,
        id: &TransactionId,
        account: Option<&AccountRecord>,
        at: Height,
        newest: &[HistoryRecord],
    ) -> Self {
        let next = account.map_or(0, |account| account.nonce);
        let Some(later) = next.checked_sub(transaction.nonce).and_then(|taken| taken.checked_sub(1)) else {
            // Blocks after this one have a greater height.
            return if at >= transaction.valid_until { Self::Expired } else { Self::Open };
        };
        let mut fees = newest.iter().rev().filter(|record| record.kind == HistoryKind::Fee);
        let taker = usize::try_from(later).ok().and_then(|later| fees.nth(later));
        match taker {
            None => Self::Taken,
            Some(record) if record.transaction == *id => {
                Self::Included { record: *record, succeeded: succeeded(transaction, id, newest) }
            }
            Some(record) => Self::Replaced { by: record.transaction },
        }
    }
}

/// Transfers and leases leave records if they happen, behind that of the fee; calls of supernodes leave none.
fn succeeded(transaction: &Transaction, id: &TransactionId, newest: &[HistoryRecord]) -> Option<bool> {
    let happened = newest.iter().any(|record| record.transaction == *id && record.kind != HistoryKind::Fee);
    let shows = transaction.calls.iter().any(|call| !matches!(call, Call::Supernode(_)));
    (happened || shows).then_some(happened)
}

impl Verifier {
    /// The fate of a transaction by the proven account of its sender alone: [`Fate::Open`], [`Fate::Expired`] or
    /// [`Fate::Taken`].
    ///
    /// # Errors
    /// [`ProofFailure::AnotherAccount`] or [`ProofFailure::NotAnAccount`] for the answer to another question.
    pub fn fate(&self, transaction: &Transaction, sender: &Final<Answer>) -> Result<Fate, ProofFailure> {
        let Answer::Account { address, record } = sender.value() else {
            return Err(ProofFailure::NotAnAccount);
        };
        let asked = Address::of(&transaction.sender, self.network);
        if *address != asked {
            return Err(ProofFailure::AnotherAccount { asked, found: *address });
        }
        let id = transaction.id(self.chain());
        Ok(Fate::of(transaction, &id, record.as_ref(), sender.at().height, &[]))
    }
}
