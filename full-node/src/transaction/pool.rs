use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
};

use light_client::{
    data_format::{Address, Amount, Height, Transaction, TransactionId},
    transaction::{AccountView, CheckedTransaction, TransactionError, check_against_account},
};

/// What a pool holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of encoded transactions.
    pub bytes: usize,
    /// Transactions of one sender.
    pub per_sender: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 32 << 20, per_sender: 256 }
    }
}

/// Why the pool has no room for a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The pool is full of transactions that pay at least as much.
    #[error("the pool is full ({bytes} bytes): try again later, or pay a higher fee")]
    Full {
        /// Bytes in the pool.
        bytes: usize,
    },
    /// Enough of this sender's transactions are waiting.
    #[error("{waiting} transactions of {sender} are waiting already: try again when they are in a block")]
    SenderFull {
        /// Whose.
        sender: Address,
        /// How many.
        waiting: usize,
    },
    /// Another transaction with this nonce is waiting, and this one does not pay a tenth more.
    #[error("transaction {waiting} of this account has the same nonce {nonce} and is waiting already")]
    NonceTaken {
        /// The nonce.
        nonce: u64,
        /// The transaction that waits.
        waiting: TransactionId,
    },
}

/// Why the pool does not take a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// It breaks a rule.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// There is no room for it.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

/// Transactions that wait for a block: by sender and nonce, without gaps.
#[derive(Debug)]
pub struct Pool {
    limits: Limits,
    queues: HashMap<Address, BTreeMap<u64, CheckedTransaction>>,
    by_id: HashMap<TransactionId, (Address, u64)>,
    /// The last transaction of each sender by what it pays: the first here gives way first.
    tails: BTreeSet<(Price, Address)>,
    expiries: BTreeSet<(Height, Address, u64)>,
    bytes: usize,
}

/// Fee for a byte, in 2^-16 units.
type Price = u128;

impl Pool {
    /// An empty pool.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            queues: HashMap::new(),
            by_id: HashMap::new(),
            tails: BTreeSet::new(),
            expiries: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// Transactions waiting.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Bytes of them.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// A waiting transaction.
    pub fn get(&self, id: &TransactionId) -> Option<&CheckedTransaction> {
        let (sender, nonce) = self.by_id.get(id)?;
        self.queues.get(sender)?.get(nonce)
    }

    /// The nonce after everything of a sender that waits, if anything does.
    pub fn next_nonce(&self, sender: &Address) -> Option<u64> {
        Some(self.queues.get(sender)?.last_key_value()?.0 + 1)
    }

    /// Takes a transaction for the block at `height` or later. `account` is the sender's on the best branch. Says
    /// whether it is new; taking it again is fine.
    ///
    /// # Errors
    /// [`AddError`] with the rule or bound in its way; the pool is unchanged then.
    pub fn add(
        &mut self,
        checked: CheckedTransaction,
        account: Option<&AccountView>,
        height: Height,
    ) -> Result<bool, AddError> {
        let (id, sender, nonce) = (checked.id(), checked.sender(), checked.transaction().nonce);
        if self.by_id.contains_key(&id) {
            return Ok(false);
        }
        let mut waiting = 0;
        let expected = account.map(|account| {
            let mut expected = *account;
            let queue = self.queues.get(&sender);
            for (waiting_nonce, before) in queue.into_iter().flatten() {
                waiting += 1;
                if *waiting_nonce >= account.nonce && *waiting_nonce < nonce {
                    expected.nonce = waiting_nonce + 1;
                    let spent = spending(before.transaction());
                    expected.balance = expected.balance.checked_sub(spent).unwrap_or(Amount::ZERO);
                }
            }
            expected
        });
        check_against_account(checked.transaction(), sender, expected.as_ref(), height, 0)?;
        let replaced = self.queues.get(&sender).and_then(|queue| queue.get(&nonce));
        match replaced {
            Some(old) => {
                let needed = old.transaction().fee.units() / 10;
                let needed = old.transaction().fee.checked_add(Amount(needed.max(1)));
                if needed.is_none_or(|needed| checked.transaction().fee < needed) {
                    return Err(PoolError::NonceTaken { nonce, waiting: old.id() }.into());
                }
            }
            None if waiting >= self.limits.per_sender => {
                return Err(PoolError::SenderFull { sender, waiting }.into());
            }
            None => {}
        }
        self.make_room(&checked)?;
        if self.queues.get(&sender).is_some_and(|queue| queue.contains_key(&nonce)) {
            self.take(&sender, nonce);
        }
        self.put(checked);
        Ok(true)
    }

    /// The best paying transactions that can be included one after the other, up to `bytes`.
    pub fn candidates(&self, bytes: usize) -> Vec<CheckedTransaction> {
        let mut heads: BinaryHeap<Candidate<'_>> =
            self.queues.values().filter_map(|queue| Candidate::next(queue.values())).collect();
        let (mut chosen, mut room) = (Vec::new(), bytes);
        while let Some(Candidate { checked, rest, .. }) = heads.pop() {
            let Some(left) = room.checked_sub(checked.encoded_length()) else { continue };
            room = left;
            chosen.push(checked.clone());
            heads.extend(Candidate::next(rest));
        }
        chosen
    }

    /// Forgets what is in a block now.
    pub fn included(&mut self, ids: &[TransactionId]) {
        for id in ids {
            if let Some((sender, nonce)) = self.by_id.get(id).copied() {
                // Whatever had an earlier nonce can never be included any more.
                let passed: Vec<u64> = self
                    .queues
                    .get(&sender)
                    .into_iter()
                    .flatten()
                    .map(|(n, _)| *n)
                    .take_while(|n| *n <= nonce)
                    .collect();
                for nonce in passed {
                    self.take(&sender, nonce);
                }
            }
        }
    }

    /// Forgets transactions whose sender's nonce moved past them without them.
    pub fn passed(&mut self, sender: &Address, nonce: u64) {
        let passed: Vec<u64> = self
            .queues
            .get(sender)
            .into_iter()
            .flatten()
            .map(|(n, _)| *n)
            .take_while(|n| *n < nonce)
            .collect();
        for nonce in passed {
            self.take(sender, nonce);
        }
    }

    /// Forgets a transaction that cannot be included, and those of its sender that would come after it.
    pub fn reject(&mut self, id: &TransactionId) {
        if let Some((sender, nonce)) = self.by_id.get(id).copied() {
            self.take_from(&sender, nonce);
        }
    }

    /// Forgets what no block at `next` or later may include, and what would come after it.
    pub fn expire(&mut self, next: Height) {
        while let Some((valid_until, sender, nonce)) = self.expiries.first().copied() {
            if valid_until >= next {
                break;
            }
            self.take_from(&sender, nonce);
        }
    }

    /// Evicts what pays less than `newcomer`, until there is room.
    fn make_room(&mut self, newcomer: &CheckedTransaction) -> Result<(), PoolError> {
        let price = price(newcomer);
        let needed = self.bytes + newcomer.encoded_length();
        let mut freed = 0;
        let mut evicted = Vec::new();
        for (tail_price, sender) in &self.tails {
            if needed <= self.limits.bytes + freed {
                break;
            }
            // Its own earlier transactions are what it needs.
            if *tail_price >= price || *sender == newcomer.sender() {
                continue;
            }
            if let Some((nonce, tail)) = self.queues.get(sender).and_then(BTreeMap::last_key_value) {
                freed += tail.encoded_length();
                evicted.push((*sender, *nonce));
            }
        }
        if needed > self.limits.bytes + freed {
            return Err(PoolError::Full { bytes: self.bytes });
        }
        for (sender, nonce) in evicted {
            self.take(&sender, nonce);
        }
        Ok(())
    }

    fn put(&mut self, checked: CheckedTransaction) {
        let (id, sender, nonce) = (checked.id(), checked.sender(), checked.transaction().nonce);
        self.untail(&sender);
        self.bytes += checked.encoded_length();
        self.by_id.insert(id, (sender, nonce));
        self.expiries.insert((checked.transaction().valid_until, sender, nonce));
        self.queues.entry(sender).or_default().insert(nonce, checked);
        self.retail(&sender);
    }

    fn take(&mut self, sender: &Address, nonce: u64) {
        self.untail(sender);
        let Some(queue) = self.queues.get_mut(sender) else { return };
        if let Some(checked) = queue.remove(&nonce) {
            self.bytes -= checked.encoded_length();
            self.by_id.remove(&checked.id());
            self.expiries.remove(&(checked.transaction().valid_until, *sender, nonce));
        }
        if queue.is_empty() {
            self.queues.remove(sender);
        }
        self.retail(sender);
    }

    fn take_from(&mut self, sender: &Address, nonce: u64) {
        let later: Vec<u64> = self
            .queues
            .get(sender)
            .into_iter()
            .flat_map(|queue| queue.range(nonce..))
            .map(|(n, _)| *n)
            .collect();
        for nonce in later {
            self.take(sender, nonce);
        }
    }

    fn untail(&mut self, sender: &Address) {
        if let Some((_, tail)) = self.queues.get(sender).and_then(BTreeMap::last_key_value) {
            self.tails.remove(&(price(tail), *sender));
        }
    }

    fn retail(&mut self, sender: &Address) {
        if let Some((_, tail)) = self.queues.get(sender).and_then(BTreeMap::last_key_value) {
            self.tails.insert((price(tail), *sender));
        }
    }
}

/// The next transaction of a sender, and those after it.
struct Candidate<'a> {
    price: Price,
    checked: &'a CheckedTransaction,
    rest: std::collections::btree_map::Values<'a, u64, CheckedTransaction>,
}

impl<'a> Candidate<'a> {
    fn next(mut queue: std::collections::btree_map::Values<'a, u64, CheckedTransaction>) -> Option<Self> {
        let checked = queue.next()?;
        Some(Self { price: price(checked), checked, rest: queue })
    }

    fn order(&self) -> (Price, std::cmp::Reverse<TransactionId>) {
        (self.price, std::cmp::Reverse(self.checked.id()))
    }
}

impl PartialEq for Candidate<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate<'_> {}

impl PartialOrd for Candidate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

fn price(checked: &CheckedTransaction) -> Price {
    // An encoded transaction has bytes.
    (u128::from(checked.transaction().fee.units()) << 16) / (checked.encoded_length().max(1) as u128)
}

/// What a transaction takes from its sender at most.
fn spending(transaction: &Transaction) -> Amount {
    transaction.committed().unwrap_or(Amount(u64::MAX))
}
