use std::collections::{BTreeMap, BTreeSet};

use light_client::{
    data_format::{Address, Height, TransactionId, codec},
    transaction::{AccountView, CheckedTransaction},
};

use super::{Limits, Pool, pool::check_next, queue::Queue};

/// A move of the head, as the pool sees it.
#[derive(Debug, Default)]
pub struct HeadChange<'a> {
    /// Accounts that changed.
    pub touched: &'a [Address],
    /// Transactions that are in a block now.
    pub included: &'a [TransactionId],
    /// Transactions of blocks that were undone, and that are in no other block.
    pub undone: Vec<CheckedTransaction>,
    /// Transactions that wait on disk since their blocks were undone, whether they can wait here or not.
    pub stored: &'a [TransactionId],
    /// The height of the next block.
    pub next: Height,
}

impl Pool {
    /// Follows the head: forgets what is in a block, what cannot be any more and what the accounts no longer cover, and
    /// takes back what was undone. That comes before everything later of the same sender: if both do not fit, the
    /// later ones leave. `account` reads an account after the new head.
    ///
    /// # Errors
    /// What `account` says; then the pool must not be used any more.
    pub fn settle<E>(
        &mut self,
        change: HeadChange<'_>,
        mut account: impl FnMut(&Address) -> Result<AccountView, E>,
    ) -> Result<(), E> {
        let waiting = change.touched.iter().filter(|address| self.queues.contains_key(*address));
        let mut senders: BTreeSet<Address> = waiting.copied().collect();
        senders.extend(change.included.iter().filter_map(|id| Some(self.get(id)?.sender())));
        let mut undone: BTreeMap<Address, Vec<CheckedTransaction>> = BTreeMap::new();
        for checked in change.undone {
            senders.insert(checked.sender());
            undone.entry(checked.sender()).or_default().push(checked);
        }
        for sender in senders {
            let undone = undone.remove(&sender).unwrap_or_default();
            self.queue_again(&sender, &account(&sender)?, undone, change.next);
        }
        self.expire(change.next);
        let (cuts, _) = self.cheapest(self.bytes().saturating_sub(self.limits.bytes), None);
        for (sender, nonce) in cuts {
            self.cut(&sender, nonce);
        }
        for id in change.stored {
            if self.get(id).is_none() {
                self.changes.remove(*id);
            }
        }
        self.settled += 1;
        Ok(())
    }

    /// The pool of these transactions, the first one of each nonce, and those among them that do not fit the accounts.
    ///
    /// # Errors
    /// What `account` says.
    pub fn restore<E>(
        limits: Limits,
        stored: Vec<CheckedTransaction>,
        next: Height,
        account: impl FnMut(&Address) -> Result<AccountView, E>,
    ) -> Result<(Self, Vec<CheckedTransaction>), E> {
        let mut pool = Self::new(limits);
        pool.settle(HeadChange { undone: stored.clone(), next, ..HeadChange::default() }, account)?;
        let dropped = stored.into_iter().filter(|checked| pool.get(&checked.id()).is_none()).collect();
        Ok((pool, dropped))
    }

    /// Makes a sender's queue anew from what waits and what came back.
    fn queue_again(
        &mut self,
        sender: &Address,
        account: &AccountView,
        undone: Vec<CheckedTransaction>,
        next: Height,
    ) {
        let waiting = self.edit(sender, account.nonce, |queue| queue.cut(queue.first()));
        let mut by_nonce: BTreeMap<u64, (CheckedTransaction, bool)> = BTreeMap::new();
        for (checked, is_new) in
            waiting.into_iter().map(|one| (one, false)).chain(undone.into_iter().map(|one| (one, true)))
        {
            by_nonce.entry(checked.transaction().nonce).or_insert((checked, is_new));
        }
        let mut queue = Queue::new(account.nonce);
        while let Some((checked, is_new)) = by_nonce.remove(&queue.end()) {
            let fits = queue.len() < self.limits.per_sender
                && queue.bytes() + checked.encoded_length() <= self.limits.sender_bytes
                && check_next(&checked, account, &queue, next).is_ok();
            if !fits {
                by_nonce.insert(checked.transaction().nonce, (checked, is_new));
                break;
            }
            if is_new {
                self.index(&checked);
                self.changes.add(checked.id(), codec::encode(checked.signed()));
            }
            queue.push(checked);
        }
        self.edit(sender, account.nonce, |place| *place = queue);
        for (checked, _) in by_nonce.into_values().filter(|(_, is_new)| !is_new) {
            self.forget(&checked);
        }
    }
}
