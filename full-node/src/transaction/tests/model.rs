//! The pool against a model that keeps a plain list and computes everything anew.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use light_client::{
    data_format::{Address, Amount, Height, SignedTransaction, TransactionId, codec},
    test_support::chain::FEE,
    transaction::{AccountView, CheckedTransaction, check_stateless},
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree};

use super::world::{BALANCE, Draft, World, draft};
use crate::{
    storage::Space,
    transaction::{AddError, Limits, Pool, PoolChanges, PoolError, queue::spending},
};

const SENDERS: usize = 4;

#[derive(Clone, Debug)]
enum Op {
    /// Somebody sends a transaction; the nonce counts from one before the account's.
    Submit(Draft),
    /// A block with so many of the best, and then one that came past the pool, if any.
    Block(usize, Option<Draft>),
    /// So many blocks are undone, and one comes in their place.
    Reorganise(usize, Option<Draft>),
    /// The node stops and starts.
    Restart,
    /// The node is killed, and starts.
    Kill,
}

/// The nonce after all that waits, whatever that is.
const NEXT: u64 = u64::MAX;

fn any_draft() -> impl Strategy<Value = Draft> {
    let all = BALANCE - 6 * FEE.units();
    let amount = prop_oneof![12 => Just(1), 1 => Just(BALANCE / 3), 1 => Just(all)];
    let nonce = prop_oneof![2 => Just(NEXT), 1 => 0_u64..7];
    let memo = prop_oneof![2 => Just(0_usize), 1 => 0_usize..140];
    let valid_until = prop_oneof![3 => Just(500), 1 => 0_u64..6];
    (0..SENDERS, nonce, 10_u64..60, memo, amount, valid_until).prop_map(
        |(sender, nonce, tenths, memo, amount, valid_until)| {
            let fee = FEE.units() / 10 * tenths;
            Draft { sender, nonce, fee, memo, amount, valid_until }
        },
    )
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => any_draft().prop_map(Op::Submit),
        3 => (0_usize..4, proptest::option::of(any_draft())).prop_map(|(count, foreign)| Op::Block(count, foreign)),
        2 => (1_usize..3, proptest::option::of(any_draft())).prop_map(|(count, foreign)| Op::Reorganise(count, foreign)),
        1 => Just(Op::Restart),
        1 => Just(Op::Kill),
    ]
}

/// The list.
#[derive(Clone, Default)]
struct Model {
    waiting: Vec<CheckedTransaction>,
}

fn rate(checked: &CheckedTransaction) -> u128 {
    (u128::from(checked.transaction().fee.units()) << 16) / checked.encoded_length() as u128
}

fn nonce(checked: &CheckedTransaction) -> u64 {
    checked.transaction().nonce
}

impl Model {
    fn of(&self, sender: Address) -> Vec<&CheckedTransaction> {
        let mut of: Vec<_> = self.waiting.iter().filter(|one| one.sender() == sender).collect();
        of.sort_by_key(|one| nonce(one));
        of
    }

    fn rank(&self, checked: &CheckedTransaction) -> u128 {
        let before = self.of(checked.sender()).into_iter().filter(|one| nonce(one) < nonce(checked));
        before.map(rate).chain([rate(checked)]).min().unwrap()
    }

    fn bytes(&self) -> usize {
        self.waiting.iter().map(CheckedTransaction::encoded_length).sum()
    }

    /// What leaves first, with its rank.
    fn by_rank(&self) -> Vec<(u128, CheckedTransaction)> {
        let mut all: Vec<_> = self.waiting.iter().map(|one| (self.rank(one), one.clone())).collect();
        all.sort_by_key(|(rank, one)| (*rank, one.sender(), Reverse(nonce(one))));
        all
    }

    fn drop_all(&mut self, gone: &[TransactionId]) {
        self.waiting.retain(|one| !gone.contains(&one.id()));
    }

    /// The stable name of a refusal, or whether it is new.
    fn submit(
        &mut self,
        new: &CheckedTransaction,
        account: AccountView,
        next: Height,
        limits: Limits,
    ) -> Result<bool, &'static str> {
        if self.waiting.iter().any(|one| one.id() == new.id()) {
            return Ok(false);
        }
        let mine = self.of(new.sender());
        let (fee, length) = (new.transaction().fee.units(), new.encoded_length());
        if new.transaction().valid_until < next {
            return Err("expired");
        }
        if nonce(new) < account.nonce {
            return Err("nonce_used");
        }
        if nonce(new) > account.nonce + mine.len() as u64 {
            return Err("nonce_gap");
        }
        let replaced = mine.iter().find(|one| nonce(one) == nonce(new)).map(|one| (*one).clone());
        let others = mine.iter().filter(|one| nonce(one) != nonce(new));
        let others: u128 = others.map(|one| spending(one.transaction())).sum();
        let rest = u128::from(account.balance.units()).saturating_sub(others);
        if u128::from(fee) > rest {
            return Err("fee_not_covered");
        }
        if spending(new.transaction()) > rest {
            return Err("overspend");
        }
        if let Some(old) = &replaced {
            let before = old.transaction().fee.units();
            if fee < before + before.div_ceil(10).max(1) || rate(new) < rate(old) {
                return Err("nonce_taken");
            }
        } else if mine.len() >= limits.per_sender {
            return Err("sender_full");
        }
        let leaving = replaced.as_ref().map_or(0, CheckedTransaction::encoded_length);
        let own: usize = mine.iter().map(|one| one.encoded_length()).sum();
        if own + length - leaving > limits.sender_bytes {
            return Err("sender_bytes");
        }
        let (mut gone, mut highest) = (Vec::new(), None);
        let mut bytes = self.bytes() + length - leaving;
        for (rank, one) in self.by_rank().iter().filter(|(_, one)| one.sender() != new.sender()) {
            if bytes <= limits.bytes {
                break;
            }
            bytes -= one.encoded_length();
            highest = Some(*rank);
            gone.push(one.id());
        }
        let before = mine.iter().filter(|one| nonce(one) < nonce(new)).map(|one| rate(one)).min();
        if let Some(highest) = highest {
            if before.is_some_and(|before| before <= highest) {
                return Err("held_back");
            }
            if rate(new) <= highest {
                return Err("pool_full");
            }
        }
        gone.extend(replaced.map(|old| old.id()));
        self.drop_all(&gone);
        self.waiting.push(new.clone());
        Ok(true)
    }

    fn settle(&mut self, world: &World, undone: &[CheckedTransaction], limits: Limits) {
        let mut kept = Vec::new();
        for (sender, account) in &world.accounts {
            let (mut number, mut bytes, mut spent) = (account.nonce, 0, 0);
            loop {
                let waiting = self.of(*sender).into_iter().find(|one| nonce(one) == number);
                let back = || undone.iter().find(|one| one.sender() == *sender && nonce(one) == number);
                let Some(one) = waiting.or_else(back) else { break };
                bytes += one.encoded_length();
                spent += spending(one.transaction());
                let fits = bytes <= limits.sender_bytes
                    && number - account.nonce < limits.per_sender as u64
                    && spent <= u128::from(account.balance.units())
                    && one.transaction().valid_until >= world.next;
                if !fits {
                    break;
                }
                kept.push(one.clone());
                number += 1;
            }
        }
        self.waiting = kept;
        for (_, one) in self.by_rank() {
            if self.bytes() <= limits.bytes {
                break;
            }
            self.drop_all(&[one.id()]);
        }
    }

    /// What a block takes, in its order.
    fn candidates(&self) -> Vec<TransactionId> {
        let mut rest = self.clone();
        let mut order = Vec::new();
        loop {
            let senders: BTreeSet<Address> = rest.waiting.iter().map(CheckedTransaction::sender).collect();
            let heads = senders.into_iter().map(|sender| rest.of(sender)[0]);
            let Some(best) = heads.max_by_key(|one| (rate(one), Reverse(one.id()))) else { return order };
            let id = best.id();
            order.push(id);
            rest.drop_all(&[id]);
        }
    }
}

fn name(error: &AddError) -> &'static str {
    match error {
        AddError::Transaction(error) => error.code(),
        AddError::Pool(PoolError::Full { .. }) => "pool_full",
        AddError::Pool(PoolError::HeldBack { .. }) => "held_back",
        AddError::Pool(PoolError::SenderFull { .. }) => "sender_full",
        AddError::Pool(PoolError::SenderBytes { .. }) => "sender_bytes",
        AddError::Pool(PoolError::NonceTaken { .. }) => "nonce_taken",
    }
}

/// Transactions of a block, and the accounts before it.
struct Block {
    transactions: Vec<CheckedTransaction>,
    before: BTreeMap<Address, AccountView>,
}

struct Run {
    world: World,
    limits: Limits,
    pool: Pool,
    model: Model,
    blocks: Vec<Block>,
    /// What is stored, and what is noted for the next write.
    disk: BTreeMap<Vec<u8>, Vec<u8>>,
    noted: PoolChanges,
}

impl Run {
    fn new() -> Self {
        let world = World::new(SENDERS as u64);
        let length = world.make(draft(0, 0)).encoded_length();
        let limits = Limits { bytes: 7 * length, per_sender: 4, sender_bytes: 5 * length };
        let pool = Pool::new(limits);
        let (model, noted) = (Model::default(), PoolChanges::default());
        Self { world, limits, pool, model, blocks: Vec::new(), disk: BTreeMap::new(), noted }
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Submit(draft) => self.submit(*draft),
            Op::Block(count, foreign) => self.block(*count, *foreign, Vec::new()),
            Op::Reorganise(count, foreign) => {
                let mut undone = Vec::new();
                for _ in 0..(*count).min(self.blocks.len()) {
                    let block = self.blocks.pop().unwrap();
                    self.world.accounts = block.before;
                    undone.splice(0..0, block.transactions);
                }
                self.block(0, *foreign, undone);
                self.sync();
            }
            Op::Restart => {
                self.sync();
                self.start();
            }
            Op::Kill => {
                self.noted = PoolChanges::default();
                drop(self.pool.take_changes());
                self.start();
            }
        }
        self.check();
    }

    /// The nonce and the last height of a draft count from where the chain is.
    fn here(&self, draft: Draft) -> CheckedTransaction {
        let account = self.world.view(&self.world.address(draft.sender));
        let next = account.nonce + self.model.of(self.world.address(draft.sender)).len() as u64;
        let nonce = if draft.nonce == NEXT { next } else { (account.nonce + draft.nonce).saturating_sub(1) };
        let valid_until = (self.world.next.0 + draft.valid_until).saturating_sub(1);
        self.world.make(Draft { nonce, valid_until, ..draft })
    }

    fn submit(&mut self, draft: Draft) {
        let new = self.here(draft);
        let account = self.world.view(&new.sender());
        let before = self.model.clone();
        let expected = self.model.submit(&new, account, self.world.next, self.limits);
        let found = self.pool.add(new.clone(), Some(&account), self.world.next);
        assert_eq!(found.as_ref().copied().map_err(name), expected, "{draft:?}");
        self.check_needed(&before, &found, &new, draft, account);
        self.sync();
    }

    /// The fee that a refusal names is enough, and one unit less is not.
    fn check_needed(
        &self,
        model: &Model,
        found: &Result<bool, AddError>,
        new: &CheckedTransaction,
        draft: Draft,
        account: AccountView,
    ) {
        let Err(AddError::Pool(PoolError::Full { needed, .. } | PoolError::NonceTaken { needed, .. })) =
            found
        else {
            return;
        };
        let submit = |fee| {
            let (nonce, valid_until) = (new.transaction().nonce, new.transaction().valid_until.0);
            let new = self.world.make(Draft { nonce, valid_until, fee, ..draft });
            model.clone().submit(&new, account, self.world.next, self.limits)
        };
        let enough = submit(needed.units());
        // It may be too much for the account, or not enough for the next bound.
        let other = ["fee_not_covered", "overspend", "sender_bytes", "held_back", "pool_full"];
        let same = name(found.as_ref().unwrap_err());
        assert!(
            enough.is_ok() || enough.is_err_and(|error| error != same && other.contains(&error)),
            "{enough:?}"
        );
        let covered = |error| !["fee_not_covered", "overspend"].contains(&error);
        let less = submit(needed.units() - 1).unwrap_err();
        assert!(less == same || !covered(less), "{less}");
    }

    fn block(&mut self, count: usize, foreign: Option<Draft>, undone: Vec<CheckedTransaction>) {
        let before = self.world.accounts.clone();
        let mut transactions: Vec<_> = self.pool.candidates(usize::MAX).into_iter().take(count).collect();
        for checked in &transactions {
            execute(&mut self.world, checked);
        }
        if let Some(draft) = foreign {
            let view = *self.world.account(draft.sender);
            let foreign = self.world.make(Draft { nonce: view.nonce, valid_until: 1_000, ..draft });
            if view.balance >= foreign.transaction().fee {
                execute(&mut self.world, &foreign);
                transactions.push(foreign);
            }
        }
        let included: Vec<_> = transactions.iter().map(CheckedTransaction::id).collect();
        self.blocks.push(Block { transactions, before });
        self.world.next = Height(self.blocks.len() as u64 + 1);
        let undone: Vec<_> = undone.into_iter().filter(|one| !included.contains(&one.id())).collect();
        // The chain writes them with the block that undoes theirs.
        let stored = undone.iter().map(|one| (one.id().as_bytes().to_vec(), codec::encode(one.signed())));
        self.disk.extend(stored);
        self.model.settle(&self.world, &undone, self.limits);
        let everybody: Vec<usize> = (0..SENDERS).collect();
        self.world.settle(&mut self.pool, &everybody, &undone);
    }

    fn sync(&mut self) {
        self.noted.merge(self.pool.take_changes());
        for change in std::mem::take(&mut self.noted).batch().changes() {
            assert_eq!(change.space, Space::Waiting);
            match change.value {
                Some(value) => drop(self.disk.insert(change.key.to_vec(), value.to_vec())),
                None => drop(self.disk.remove(change.key)),
            }
        }
        let waiting = self.pool.candidates(usize::MAX);
        let waiting: BTreeSet<Vec<u8>> = waiting.iter().map(|one| one.id().as_bytes().to_vec()).collect();
        assert!(self.disk.keys().eq(&waiting), "on disk is what waits, and nothing else");
    }

    /// Reads what is stored.
    fn start(&mut self) {
        let read = |bytes: &Vec<u8>| {
            let signed: SignedTransaction = codec::decode(bytes, usize::MAX).unwrap();
            check_stateless(&signed, &self.world.spec, &self.world.chain).unwrap()
        };
        let stored: Vec<_> = self.disk.values().map(read).collect();
        let all_fit =
            stored.iter().map(CheckedTransaction::encoded_length).sum::<usize>() <= self.limits.bytes;
        let acknowledged = std::mem::take(&mut self.model);
        self.model.settle(&self.world, &stored, self.limits);
        let account = |address: &Address| Ok::<_, ()>(self.world.view(address));
        let (pool, dropped) = Pool::restore(self.limits, stored, self.world.next, account).unwrap();
        for one in &acknowledged.waiting {
            assert!(!all_fit || pool.get(&one.id()).is_some(), "accepted, and lost");
        }
        for one in &dropped {
            self.disk.remove(one.id().as_bytes().as_slice());
        }
        self.pool = pool;
        drop(self.pool.take_changes());
    }

    fn check(&self) {
        let expected: BTreeSet<_> = self.model.waiting.iter().map(CheckedTransaction::id).collect();
        for id in &expected {
            assert!(self.pool.get(id).is_some());
        }
        assert_eq!((self.pool.len(), self.pool.bytes()), (expected.len(), self.model.bytes()));
        assert!(self.pool.bytes() <= self.limits.bytes);
        for sender in self.world.accounts.keys() {
            let last = self.model.of(*sender).last().map(|one| nonce(one) + 1);
            assert_eq!(self.pool.next_nonce(sender), last);
        }
        let candidates: Vec<_> =
            self.pool.candidates(usize::MAX).iter().map(CheckedTransaction::id).collect();
        assert_eq!(candidates, self.model.candidates());
    }
}

fn execute(world: &mut World, checked: &CheckedTransaction) {
    let account = world.accounts.get_mut(&checked.sender()).unwrap();
    account.nonce += 1;
    let all = Amount(u64::try_from(spending(checked.transaction())).unwrap());
    let fee = checked.transaction().fee;
    account.balance = account.balance.checked_sub(all).or(account.balance.checked_sub(fee)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_pool_does_what_a_plain_list_does(ops in vec(any_op(), 1..60)) {
        let mut run = Run::new();
        for op in &ops {
            run.step(op);
        }
    }
}

#[test]
fn every_refusal_comes_up() {
    // Otherwise the property would say little.
    let mut seen = BTreeSet::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..40 {
        let ops = vec(any_op(), 60).new_tree(&mut runner).unwrap().current();
        let mut run = Run::new();
        for op in &ops {
            if let Op::Submit(draft) = op {
                let new = run.here(*draft);
                let account = run.world.view(&new.sender());
                let found = run.model.clone().submit(&new, account, run.world.next, run.limits);
                seen.extend(found.err());
            }
            run.step(op);
        }
    }
    let expected: BTreeSet<&str> = [
        "expired",
        "nonce_used",
        "nonce_gap",
        "fee_not_covered",
        "overspend",
        "nonce_taken",
        "sender_full",
        "sender_bytes",
        "pool_full",
        "held_back",
    ]
    .into();
    assert_eq!(seen, expected);
}
