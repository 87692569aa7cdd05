use std::collections::HashMap;

use light_client::{
    data_format::{Address, Amount, Height, Slot, TransactionId},
    state::{
        AccountChange, AccountRecord, Asset, Changes, HistoryKind, NodeId, RecordError, SupplyRecord, Trie,
    },
};

use super::StateFault;
use crate::storage::{Effects, HistoryEntry, StateNodes};

/// The state while a block is executed: a version of the trie, and above it the records touched so far. The trie
/// is written once, at the end.
pub struct BlockState<'a> {
    trie: Trie<StateNodes<'a>>,
    height: Height,
    slot: Slot,
    accounts: HashMap<Address, Account>,
    supply: SupplyRecord,
    history: Vec<(Address, HistoryEntry)>,
    /// What accounts were before the changes since the last mark, newest last.
    journal: Vec<(Address, Option<AccountRecord>)>,
}

#[derive(Clone, Copy)]
struct Account {
    record: Option<AccountRecord>,
    changed: bool,
}

/// A moment to which a [`BlockState`] can go back.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    history: usize,
    journal: usize,
    supply: SupplyRecord,
}

/// Why a balance does not change.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The record does not allow it.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateFault),
}

impl<'a> BlockState<'a> {
    /// The state before the block at this height and slot.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn open(mut trie: Trie<StateNodes<'a>>, height: Height, slot: Slot) -> Result<Self, StateFault> {
        let supply = SupplyRecord::read(&mut trie)?.unwrap_or_default();
        Ok(Self {
            trie,
            height,
            slot,
            accounts: HashMap::new(),
            supply,
            history: Vec::new(),
            journal: Vec::new(),
        })
    }

    /// The height of the block.
    pub const fn height(&self) -> Height {
        self.height
    }

    /// An account as it is now; `None` if it has no record.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn account(&mut self, address: &Address) -> Result<Option<AccountRecord>, StateFault> {
        if let Some(account) = self.accounts.get(address) {
            return Ok(account.record);
        }
        let record = AccountRecord::read(&mut self.trie, address)?;
        self.accounts.insert(*address, Account { record, changed: false });
        Ok(record)
    }

    /// Changes a balance and appends the record of it to the account's history: the only way a balance changes.
    ///
    /// # Errors
    /// [`ChangeError::Record`] if the balance would be negative or too large; nothing has changed then.
    pub fn change(
        &mut self,
        address: &Address,
        transaction: TransactionId,
        kind: HistoryKind,
        delta: i64,
    ) -> Result<(), ChangeError> {
        let before = self.account(address)?;
        let mut after = before.unwrap_or_default();
        let (height, slot) = (self.height, self.slot);
        let head_before = after.history_head;
        let change = AccountChange { height, slot, transaction, kind, asset: Asset::Coin, delta };
        let record = after.apply(&change)?;
        self.history.push((*address, HistoryEntry { head_before, record }));
        self.set(address, before, after);
        Ok(())
    }

    /// Charges the fee of a transaction, counts it as burned and uses up the nonce.
    ///
    /// # Errors
    /// [`ChangeError::Record`] if the balance does not pay it; nothing has changed then.
    pub fn charge(
        &mut self,
        sender: &Address,
        transaction: TransactionId,
        fee: Amount,
    ) -> Result<(), ChangeError> {
        let before = self.account(sender)?.unwrap_or_default();
        let unaffordable = RecordError::Balance { balance: before.balance, delta: i64::MIN };
        let delta = i64::try_from(fee.units()).map_err(|_| unaffordable)?;
        let burned = self.supply.burned.checked_add(fee).ok_or(unaffordable)?;
        self.change(sender, transaction, HistoryKind::Fee, -delta)?;
        self.supply.burned = burned;
        if let Some(Account { record: Some(record), .. }) = self.accounts.get_mut(sender) {
            record.nonce += 1;
        }
        Ok(())
    }

    /// Adds coins that block 0 starts with.
    ///
    /// # Errors
    /// As [`BlockState::change`].
    pub fn endow(&mut self, address: &Address, balance: Amount) -> Result<(), ChangeError> {
        let too_much = RecordError::Balance { balance, delta: i64::MAX };
        let delta = i64::try_from(balance.units()).map_err(|_| too_much)?;
        self.change(address, TransactionId::ZERO, HistoryKind::Genesis, delta)?;
        self.supply.genesis = self.supply.genesis.checked_add(balance).ok_or(too_much)?;
        Ok(())
    }

    /// Remembers this moment.
    pub fn mark(&mut self) -> Mark {
        self.journal.clear();
        Mark { history: self.history.len(), journal: 0, supply: self.supply }
    }

    /// Goes back to the last mark taken: nothing since then has happened.
    pub fn revert(&mut self, mark: Mark) {
        for (address, record) in self.journal.drain(mark.journal..).rev() {
            if let Some(account) = self.accounts.get_mut(&address) {
                account.record = record;
            }
        }
        self.history.truncate(mark.history);
        self.supply = mark.supply;
    }

    /// Writes the touched records into the trie. Gives the new version, with node ids from `next_node` on, and what
    /// the block adds to the indexes.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn finish(mut self, next_node: NodeId) -> Result<(Changes, Effects), StateFault> {
        let mut changed: Vec<(Address, AccountRecord)> = self
            .accounts
            .iter()
            .filter(|(_, account)| account.changed)
            .filter_map(|(address, account)| Some((*address, account.record?)))
            .collect();
        // In the order of keys, so that node ids depend on nothing else.
        changed.sort_unstable_by_key(|(address, _)| *address);
        for (address, record) in &changed {
            record.write(&mut self.trie, address)?;
        }
        if self.supply != SupplyRecord::default() {
            self.supply.write(&mut self.trie)?;
        }
        Ok((self.trie.commit(next_node), Effects { history: self.history }))
    }

    fn set(&mut self, address: &Address, before: Option<AccountRecord>, after: AccountRecord) {
        self.journal.push((*address, before));
        self.accounts.insert(*address, Account { record: Some(after), changed: true });
    }
}
