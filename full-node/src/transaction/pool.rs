use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, vec_deque},
};

use light_client::{
    data_format::{Address, Amount, Height, TransactionId, codec},
    transaction::{AccountView, CheckedTransaction, TransactionError, check_against_account},
};

use super::{
    AddError, FeeRate, PoolChanges, PoolError,
    queue::{Entry, Queue},
};

/// What a pool holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of encoded transactions. In memory they take up to six times as much.
    pub bytes: usize,
    /// Transactions of one sender: how far its nonces are ahead of its account.
    pub per_sender: usize,
    /// Bytes of encoded transactions of one sender.
    pub sender_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 32 << 20, per_sender: 256, sender_bytes: 256 << 10 }
    }
}

/// Transactions that wait for a block. See the [module](super) for its rules.
///
/// It touches no disk: what changed since it was asked last is in [`Pool::take_changes`].
#[derive(Debug)]
pub struct Pool {
    pub(super) limits: Limits,
    /// None of them is empty.
    pub(super) queues: HashMap<Address, Queue>,
    by_id: HashMap<TransactionId, (Address, u64)>,
    /// The rank of the last transaction of each sender: the first here gives way first.
    tails: BTreeSet<(FeeRate, Address)>,
    expiries: BTreeSet<(Height, Address, u64)>,
    bytes: usize,
    pub(super) settled: u64,
    pub(super) changes: PoolChanges,
}

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
            settled: 0,
            changes: PoolChanges::default(),
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

    /// How often it was brought to a new head. An account that was read before this changed may be an old one.
    pub const fn settled(&self) -> u64 {
        self.settled
    }

    /// A waiting transaction.
    pub fn get(&self, id: &TransactionId) -> Option<&CheckedTransaction> {
        let (sender, nonce) = self.by_id.get(id)?;
        Some(&self.queues.get(sender)?.get(*nonce)?.checked)
    }

    /// The nonce after everything of a sender that waits, if anything does.
    pub fn next_nonce(&self, sender: &Address) -> Option<u64> {
        Some(self.queues.get(sender)?.end())
    }

    /// What came in and what left since this was called last, to be brought to disk.
    pub fn take_changes(&mut self) -> PoolChanges {
        std::mem::take(&mut self.changes)
    }

    /// Takes a transaction for the block at `height` or later. `account` is the sender's on the best branch, read
    /// after the pool was last [settled](Pool::settle). Says whether it is new; taking it again is fine.
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
        if let Some(account) = account {
            // The head may be ahead of the pool, which is told a moment later.
            self.pass(&sender, account.nonce);
        }
        let queue = self.queues.get(&sender);
        let replaced = queue.and_then(|queue| queue.get(nonce));
        let expected = account.map(|account| expected(account, queue, nonce, replaced));
        check_against_account(checked.transaction(), sender, expected.as_ref(), height, 0)?;
        match replaced {
            Some(old) => check_replacement(old, &checked)?,
            None => {
                let waiting = queue.map_or(0, Queue::len);
                if waiting >= self.limits.per_sender {
                    return Err(PoolError::SenderFull { sender, waiting }.into());
                }
            }
        }
        let (found, leaving) = (checked.encoded_length(), replaced.map_or(0, length));
        if queue.map_or(0, Queue::bytes) + found > self.limits.sender_bytes + leaving {
            let limit = self.limits.sender_bytes;
            return Err(PoolError::SenderBytes { sender, found, limit }.into());
        }
        for (sender, nonce) in self.make_room(&checked, leaving)? {
            self.cut(&sender, nonce);
        }
        self.put(checked);
        Ok(true)
    }

    /// The best paying transactions that can be included one after the other, up to `bytes`.
    pub fn candidates(&self, bytes: usize) -> Vec<CheckedTransaction> {
        let heads = self.queues.values().filter_map(|queue| Candidate::next(queue.iter()));
        let mut heads: BinaryHeap<Candidate<'_>> = heads.collect();
        let (mut chosen, mut room) = (Vec::new(), bytes);
        while let Some(Candidate { entry, rest }) = heads.pop() {
            let Some(left) = room.checked_sub(length(entry)) else { continue };
            room = left;
            chosen.push(entry.checked.clone());
            heads.extend(Candidate::next(rest));
        }
        chosen
    }

    /// Forgets a transaction that cannot be included, and those of its sender that would come after it.
    pub fn reject(&mut self, id: &TransactionId) {
        if let Some((sender, nonce)) = self.by_id.get(id).copied() {
            self.cut(&sender, nonce);
        }
    }

    /// Forgets what no block at `next` or later may include, and what would come after it.
    pub(super) fn expire(&mut self, next: Height) {
        while let Some((valid_until, sender, nonce)) = self.expiries.first().copied() {
            if valid_until >= next {
                break;
            }
            self.cut(&sender, nonce);
        }
    }

    /// What has to leave so that `newcomer` fits, as the first nonce to leave of each sender; `leaving` bytes leave
    /// anyhow. Nothing leaves for what pays no more.
    fn make_room(
        &self,
        newcomer: &CheckedTransaction,
        leaving: usize,
    ) -> Result<BTreeMap<Address, u64>, PoolError> {
        let (sender, found) = (newcomer.sender(), newcomer.encoded_length());
        let excess = (self.bytes + found).saturating_sub(self.limits.bytes + leaving);
        let (cuts, dearest) = self.cheapest(excess, Some(&sender));
        let Some(dearest) = dearest else { return Ok(cuts) };
        let rate = FeeRate::of(newcomer.transaction().fee, found);
        let queue = self.queues.get(&sender);
        // Its own earlier transactions are what it needs; it comes into a block no earlier than they do.
        let before = queue.and_then(|queue| queue.rank_before(newcomer.transaction().nonce));
        if before.is_some_and(|before| before <= dearest) {
            let cause = queue.and_then(|queue| queue.iter().find(|entry| entry.rate <= dearest));
            let before = cause.map_or(newcomer.id(), |entry| entry.checked.id());
            return Err(PoolError::HeldBack { sender, before });
        }
        if rate <= dearest {
            let (fee, needed) = (newcomer.transaction().fee, dearest.fee_above(found));
            return Err(PoolError::Full { fee, needed });
        }
        Ok(cuts)
    }

    /// The transactions with the lowest ranks that add up to `excess` bytes, but none of `spared`, as the first nonce
    /// to leave of each sender; and the highest rank among them.
    pub(super) fn cheapest(
        &self,
        mut excess: usize,
        spared: Option<&Address>,
    ) -> (BTreeMap<Address, u64>, Option<FeeRate>) {
        let mut cuts: BTreeMap<Address, u64> = BTreeMap::new();
        let mut dearest = None;
        // Tails that show once later ones of the same sender are gone.
        let mut uncovered: BTreeSet<(FeeRate, Address)> = BTreeSet::new();
        let mut tails = self.tails.iter().copied().filter(|(_, sender)| Some(sender) != spared).peekable();
        while excess > 0 {
            let is_uncovered = match (tails.peek(), uncovered.first()) {
                (Some(tail), Some(deeper)) => deeper < tail,
                (tail, _) => tail.is_none(),
            };
            let next = if is_uncovered { uncovered.pop_first() } else { tails.next() };
            let Some((rank, sender)) = next else { break };
            let Some(queue) = self.queues.get(&sender) else { continue };
            let end = cuts.get(&sender).copied().unwrap_or_else(|| queue.end());
            let Some((nonce, entry)) = end.checked_sub(1).and_then(|n| Some((n, queue.get(n)?))) else {
                continue;
            };
            excess = excess.saturating_sub(length(entry));
            dearest = Some(rank);
            cuts.insert(sender, nonce);
            uncovered.extend(queue.rank_before(nonce).map(|rank| (rank, sender)));
        }
        (cuts, dearest)
    }

    /// Puts a transaction behind those of its sender, or in the place of the one with its nonce.
    fn put(&mut self, checked: CheckedTransaction) {
        let (sender, nonce) = (checked.sender(), checked.transaction().nonce);
        self.changes.add(checked.id(), codec::encode(checked.signed()));
        self.index(&checked);
        let replaced = self.edit(&sender, nonce, |queue| {
            if nonce < queue.end() {
                return queue.replace(checked);
            }
            queue.push(checked);
            None
        });
        if let Some(replaced) = replaced {
            self.forget(&replaced);
        }
    }

    /// Forgets a sender's transactions with this nonce and later ones.
    pub(super) fn cut(&mut self, sender: &Address, nonce: u64) {
        for checked in self.edit(sender, nonce, |queue| queue.cut(nonce)) {
            self.forget(&checked);
        }
    }

    /// Forgets a sender's transactions with earlier nonces.
    fn pass(&mut self, sender: &Address, nonce: u64) {
        if self.queues.get(sender).is_some_and(|queue| queue.first() < nonce) {
            let mut passed = self.edit(sender, nonce, |queue| {
                let mut passed = queue.cut(queue.first());
                let kept = passed.split_off(passed.partition_point(|one| one.transaction().nonce < nonce));
                *queue = Queue::new(nonce);
                kept.into_iter().for_each(|checked| queue.push(checked));
                passed
            });
            passed.drain(..).for_each(|checked| self.forget(&checked));
        }
    }

    /// Changes a sender's queue, one from `first` on if there is none, and what depends on the whole of it.
    pub(super) fn edit<T>(&mut self, sender: &Address, first: u64, edit: impl FnOnce(&mut Queue) -> T) -> T {
        let queue = self.queues.entry(*sender).or_insert_with(|| Queue::new(first));
        if let Some(last) = queue.last() {
            self.tails.remove(&(last.rank, *sender));
        }
        self.bytes -= queue.bytes();
        let edited = edit(queue);
        self.bytes += queue.bytes();
        match queue.last() {
            Some(last) => drop(self.tails.insert((last.rank, *sender))),
            None => drop(self.queues.remove(sender)),
        }
        edited
    }

    /// Notes where a transaction is going to be.
    pub(super) fn index(&mut self, checked: &CheckedTransaction) {
        let (sender, nonce) = (checked.sender(), checked.transaction().nonce);
        self.by_id.insert(checked.id(), (sender, nonce));
        self.expiries.insert((checked.transaction().valid_until, sender, nonce));
    }

    /// Notes that a transaction left its queue.
    pub(super) fn forget(&mut self, checked: &CheckedTransaction) {
        let (sender, nonce) = (checked.sender(), checked.transaction().nonce);
        self.by_id.remove(&checked.id());
        // The one that replaced it may expire at the same height.
        let replacement = self.queues.get(&sender).and_then(|queue| queue.get(nonce));
        let valid_until = checked.transaction().valid_until;
        if replacement.is_none_or(|entry| entry.checked.transaction().valid_until != valid_until) {
            self.expiries.remove(&(valid_until, sender, nonce));
        }
        self.changes.remove(checked.id());
    }
}

/// The account as it will be when it is the transaction's turn, with everything else of its sender that waits paid:
/// also what comes after a transaction that is replaced, so that a replacement takes nothing away from it.
fn expected(
    account: &AccountView,
    queue: Option<&Queue>,
    nonce: u64,
    replaced: Option<&Entry>,
) -> AccountView {
    let Some(queue) = queue else { return *account };
    let others =
        queue.spending() - replaced.map_or(0, |old| super::queue::spending(old.checked.transaction()));
    let others = Amount(u64::try_from(others).unwrap_or(u64::MAX));
    AccountView {
        nonce: if replaced.is_some() {
            nonce
        } else if nonce < queue.first() {
            queue.first()
        } else {
            queue.end()
        },
        balance: account.balance.checked_sub(others).unwrap_or(Amount::ZERO),
    }
}

/// A replacement pays a tenth more, one unit at least, and no less for a byte.
fn check_replacement(old: &Entry, new: &CheckedTransaction) -> Result<(), PoolError> {
    let fee = old.checked.transaction().fee;
    let more = Amount(fee.units().div_ceil(10).max(1));
    let more = fee.checked_add(more).unwrap_or(Amount(u64::MAX));
    let needed = more.max(old.rate.fee_of(new.encoded_length()));
    let (nonce, waiting) = (new.transaction().nonce, old.checked.id());
    if new.transaction().fee < needed {
        Err(PoolError::NonceTaken { nonce, waiting, needed })
    } else {
        Ok(())
    }
}

fn length(entry: &Entry) -> usize {
    entry.checked.encoded_length()
}

/// The next transaction of a sender, and those after it.
struct Candidate<'a> {
    entry: &'a Entry,
    rest: vec_deque::Iter<'a, Entry>,
}

impl<'a> Candidate<'a> {
    fn next(mut queue: vec_deque::Iter<'a, Entry>) -> Option<Self> {
        Some(Self { entry: queue.next()?, rest: queue })
    }

    fn order(&self) -> (FeeRate, Reverse<TransactionId>) {
        (self.entry.rate, Reverse(self.entry.checked.id()))
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

/// Whether a transaction would be taken by an account that has nothing else waiting before it but what is counted in
/// `queue`.
pub(super) fn check_next(
    checked: &CheckedTransaction,
    account: &AccountView,
    queue: &Queue,
    height: Height,
) -> Result<(), TransactionError> {
    let expected = expected(account, Some(queue), checked.transaction().nonce, None);
    check_against_account(checked.transaction(), checked.sender(), Some(&expected), height, 0)
}
