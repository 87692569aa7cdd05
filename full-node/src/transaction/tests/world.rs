use std::collections::BTreeMap;

use light_client::{
    crypto::KeyPair,
    data_format::{
        Address, Amount, Call, ChainId, ChainSpec, CoinCall, Height, Transaction, TransactionId,
        UNITS_PER_COIN,
    },
    test_support::chain::{FEE, test_address, test_key, test_spec},
    transaction::{AccountView, CheckedTransaction, check_stateless},
};

use crate::transaction::{AddError, HeadChange, Limits, Pool};

/// What each account has at the start.
pub(super) const BALANCE: u64 = 1_000 * UNITS_PER_COIN;

/// A chain, some accounts, and the keys to sign for them.
pub(super) struct World {
    pub(super) spec: ChainSpec,
    pub(super) chain: ChainId,
    keys: Vec<KeyPair>,
    pub(super) accounts: BTreeMap<Address, AccountView>,
    pub(super) next: Height,
}

/// What a test says of a transaction; the rest does not matter to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    pub(super) sender: usize,
    pub(super) nonce: u64,
    pub(super) fee: u64,
    pub(super) memo: usize,
    pub(super) amount: u64,
    pub(super) valid_until: u64,
}

/// A transaction of this sender with this nonce and the least fee.
pub(super) fn draft(sender: usize, nonce: u64) -> Draft {
    Draft { sender, nonce, fee: FEE.units(), memo: 0, amount: 1, valid_until: 1_000 }
}

impl World {
    pub(super) fn new(senders: u64) -> Self {
        let spec = test_spec(1, Vec::new());
        let keys: Vec<_> = (0..senders).map(test_key).collect();
        let view = AccountView { nonce: 0, balance: Amount(BALANCE) };
        let accounts = (0..senders).map(|sender| (test_address(sender), view)).collect();
        Self { chain: spec.id(), spec, keys, accounts, next: Height(1) }
    }

    pub(super) fn address(&self, sender: usize) -> Address {
        test_address(sender as u64)
    }

    pub(super) fn account(&mut self, sender: usize) -> &mut AccountView {
        self.accounts.get_mut(&test_address(sender as u64)).unwrap()
    }

    pub(super) fn make(&self, draft: Draft) -> CheckedTransaction {
        let key = &self.keys[draft.sender];
        let transaction = Transaction {
            sender: key.public(),
            nonce: draft.nonce,
            fee: Amount(draft.fee),
            valid_until: Height(draft.valid_until),
            calls: vec![Call::Coin(CoinCall::Transfer {
                to: test_address(99),
                amount: Amount(draft.amount),
            })],
            memo: vec![7; draft.memo],
        };
        check_stateless(&transaction.sign(&self.chain, key), &self.spec, &self.chain).unwrap()
    }

    pub(super) fn add(&self, pool: &mut Pool, draft: Draft) -> Result<bool, AddError> {
        pool.add(self.make(draft), self.accounts.get(&self.address(draft.sender)), self.next)
    }

    /// The head moved; `touched` are the senders whose accounts the test changed.
    pub(super) fn settle(&self, pool: &mut Pool, touched: &[usize], undone: &[CheckedTransaction]) {
        let touched: Vec<Address> = touched.iter().map(|sender| self.address(*sender)).collect();
        let stored: Vec<TransactionId> = undone.iter().map(CheckedTransaction::id).collect();
        let (undone, next) = (undone.to_vec(), self.next);
        let change = HeadChange { touched: &touched, included: &[], undone, stored: &stored, next };
        pool.settle(change, |address| Ok::<_, ()>(self.view(address))).unwrap();
    }

    pub(super) fn view(&self, address: &Address) -> AccountView {
        self.accounts.get(address).copied().unwrap_or_default()
    }
}

/// Room for this many transactions without a memo, and more than enough for each sender.
pub(super) fn room_for(world: &World, transactions: usize) -> Limits {
    let bytes = world.make(draft(0, 0)).encoded_length() * transactions;
    Limits { bytes, per_sender: 100, sender_bytes: bytes }
}

/// Sender and nonce of what a block would take, in its order.
pub(super) fn order(world: &World, pool: &Pool) -> Vec<(usize, u64)> {
    let number = |address| (0..world.keys.len()).find(|n| world.address(*n) == address).unwrap();
    let candidates = pool.candidates(usize::MAX);
    candidates.iter().map(|checked| (number(checked.sender()), checked.transaction().nonce)).collect()
}
