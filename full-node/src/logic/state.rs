use light_client::{
    data_format::{Address, Amount, Height, Round, Slot, TransactionId},
    state::{
        AccountChange, AccountRecord, Asset, Changes, HistoryKind, NodeId, Pool, Position, RecordError,
        RoundEnd, Stake, StakeError, SupplyRecord, Trie,
    },
};

use super::{StateFault, records::Records};
use crate::storage::{Effects, HistoryEntry, StateNodes};

/// Units there may be at most, so that a change of a balance fits a signed 64-bit number.
const MAX_SUPPLY: u64 = i64::MAX as u64;

/// Where a block stands, as far as its execution has to know.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its height.
    pub height: Height,
    /// Its slot.
    pub slot: Slot,
    /// The round of that slot.
    pub round: Round,
    /// Blocks over which the minting average balance averages.
    pub average_window: u64,
}

/// The state while a block is executed: a version of the trie, and above it the records touched so far. The trie
/// is written once, at the end.
pub struct BlockState<'a> {
    trie: Trie<StateNodes<'a>>,
    place: Place,
    accounts: Records<Address, AccountRecord>,
    pools: Records<Address, Pool>,
    /// By lessor and supernode.
    positions: Records<(Address, Address), Position>,
    ends: Records<(Address, Round), RoundEnd>,
    supply: SupplyRecord,
    history: Vec<(Address, HistoryEntry)>,
}

/// A moment to which a [`BlockState`] can go back.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    history: usize,
    supply: SupplyRecord,
}

/// Why a balance or a stake does not change.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The record does not allow it.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The stake does not allow it.
    #[error(transparent)]
    Stake(#[from] StakeError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateFault),
}

impl<'a> BlockState<'a> {
    /// The state before the block at this place.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn open(mut trie: Trie<StateNodes<'a>>, place: Place) -> Result<Self, StateFault> {
        let supply = SupplyRecord::read(&mut trie)?.unwrap_or_default();
        Ok(Self {
            trie,
            place,
            accounts: Records::new(),
            pools: Records::new(),
            positions: Records::new(),
            ends: Records::new(),
            supply,
            history: Vec::new(),
        })
    }

    /// The height of the block.
    pub const fn height(&self) -> Height {
        self.place.height
    }

    /// An account as it is now; `None` if it has no record.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn account(&mut self, address: &Address) -> Result<Option<AccountRecord>, StateFault> {
        self.accounts.get(address, || AccountRecord::read(&mut self.trie, address))
    }

    /// What somebody has staked with a supernode.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn position(&mut self, lessor: &Address, supernode: &Address) -> Result<Position, StateFault> {
        let key = (*lessor, *supernode);
        let position = self.positions.get(&key, || Position::read(&mut self.trie, lessor, supernode))?;
        Ok(position.unwrap_or_default())
    }

    /// Changes what an account has of an asset and appends the record of it to the account's history: the only way a
    /// balance or a lease changes. A supernode's own stake follows.
    ///
    /// # Errors
    /// [`ChangeError::Record`] if it would be negative, too large, or not cover what is leased out; nothing has
    /// changed then.
    pub fn change(
        &mut self,
        address: &Address,
        transaction: TransactionId,
        kind: HistoryKind,
        asset: Asset,
        delta: i64,
    ) -> Result<(), ChangeError> {
        let mut account = self.account(address)?.unwrap_or_default();
        let Place { height, slot, .. } = self.place;
        let head_before = account.history_head;
        let change = AccountChange { height, slot, transaction, kind, asset, delta };
        let record = account.apply(&change)?;
        self.history.push((*address, HistoryEntry { head_before, record }));
        self.accounts.put(*address, account);
        match asset {
            _ if !account.is_supernode => Ok(()),
            Asset::Coin => self.change_own_stake(address, delta),
            Asset::LeasedOut => self.change_own_stake(address, -delta),
            Asset::LeasedIn => Ok(()),
        }
    }

    fn change_own_stake(&mut self, supernode: &Address, delta: i64) -> Result<(), ChangeError> {
        let by = Amount(delta.unsigned_abs());
        self.change_stake(supernode, supernode, |stake| {
            if delta < 0 { stake.decrease(by) } else { stake.increase(by) }
        })
    }

    /// Changes what somebody has staked with a supernode, in the round of the block.
    ///
    /// # Errors
    /// [`ChangeError::Stake`] if the change fails; nothing has changed then.
    pub fn change_stake<T>(
        &mut self,
        owner: &Address,
        supernode: &Address,
        change: impl FnOnce(&mut Stake) -> Result<T, StakeError>,
    ) -> Result<T, ChangeError> {
        let (pool, ended) = self.advanced(supernode)?;
        let position = self.position(owner, supernode)?;
        let needed = position.needs_end(self.place.round);
        let end = match (needed, ended) {
            (Some(round), Some((over, end))) if round == over => Some(end),
            (Some(round), _) => self.end(supernode, round)?,
            (None, _) => None,
        };
        let mut stake = Stake { pool, position, end };
        let result = change(&mut stake)?;
        self.put_pool(supernode, stake.pool, ended);
        if let Some((round, end)) = needed.zip(stake.end) {
            self.ends.put((*supernode, round), end);
        }
        self.positions.put((*owner, *supernode), stake.position);
        Ok(result)
    }

    /// Takes out what waits for a supernode.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn take_owed(&mut self, supernode: &Address) -> Result<Amount, StateFault> {
        let (mut pool, ended) = self.advanced(supernode)?;
        let owed = pool.take_owed();
        self.put_pool(supernode, pool, ended);
        Ok(owed)
    }

    /// Makes the new coins of this block and shares them among the stake of the supernode that minted it. There are
    /// none once 2⁶³ units exist.
    ///
    /// # Errors
    /// [`ChangeError`] when the records of stake are damaged or the disk cannot be read.
    pub fn reward(&mut self, supernode: &Address, reward: Amount) -> Result<(), ChangeError> {
        let minted = self.supply.minted.checked_add(reward);
        let supply = minted.map(|minted| SupplyRecord { minted, ..self.supply });
        let fits = |supply: &SupplyRecord| {
            supply.genesis.checked_add(supply.minted).is_some_and(|made| made.0 <= MAX_SUPPLY)
        };
        let Some(supply) = supply.filter(fits) else { return Ok(()) };
        let (mut pool, ended) = self.advanced(supernode)?;
        pool.reward(reward)?;
        self.put_pool(supernode, pool, ended);
        self.supply = supply;
        Ok(())
    }

    /// Makes an account a supernode: its own coins are stake from now on.
    ///
    /// # Errors
    /// As [`BlockState::change_stake`].
    pub fn make_supernode(&mut self, address: &Address, commission: u16) -> Result<(), ChangeError> {
        let mut account = self.account(address)?.unwrap_or_default();
        if !account.is_supernode {
            account.is_supernode = true;
            self.accounts.put(*address, account);
            self.change_stake(address, address, |stake| stake.increase(account.available()))?;
        }
        let (mut pool, ended) = self.advanced(address)?;
        pool.commission = commission;
        self.put_pool(address, pool, ended);
        Ok(())
    }

    /// Charges the fee of a transaction, counts it as burned and uses up the nonce.
    ///
    /// # Errors
    /// [`ChangeError::Record`] if what can be spent does not pay it; nothing has changed then.
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
        self.change(sender, transaction, HistoryKind::Fee, Asset::Coin, -delta)?;
        self.supply.burned = burned;
        let account = self.account(sender)?.unwrap_or_default();
        self.accounts.put(*sender, AccountRecord { nonce: account.nonce + 1, ..account });
        Ok(())
    }

    /// Adds coins that block 0 starts with.
    ///
    /// # Errors
    /// As [`BlockState::change`].
    pub fn endow(&mut self, address: &Address, balance: Amount) -> Result<(), ChangeError> {
        let too_much = RecordError::Balance { balance, delta: i64::MAX };
        let delta = i64::try_from(balance.units()).map_err(|_| too_much)?;
        self.change(address, TransactionId::ZERO, HistoryKind::Genesis, Asset::Coin, delta)?;
        self.supply.genesis = self.supply.genesis.checked_add(balance).ok_or(too_much)?;
        Ok(())
    }

    /// Remembers this moment.
    pub fn mark(&mut self) -> Mark {
        self.accounts.mark();
        self.pools.mark();
        self.positions.mark();
        self.ends.mark();
        Mark { history: self.history.len(), supply: self.supply }
    }

    /// Goes back to the last mark taken: nothing since then has happened.
    pub fn revert(&mut self, mark: Mark) {
        self.accounts.revert();
        self.pools.revert();
        self.positions.revert();
        self.ends.revert();
        self.history.truncate(mark.history);
        self.supply = mark.supply;
    }

    /// Writes the touched records into the trie, with the new averages of the accounts whose balance has changed.
    /// Gives the new version, with node ids from `next_node` on, and what the block adds to the indexes.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn finish(mut self, next_node: NodeId) -> Result<(Changes, Effects), StateFault> {
        let Place { height, average_window, .. } = self.place;
        for (address, stored, mut account) in self.accounts.changed() {
            let before = stored.unwrap_or_default();
            if (account.balance, account.effective()) != (before.balance, before.effective()) {
                account.average = before.average.changed(height, account.effective(), average_window);
            }
            account.write(&mut self.trie, &address)?;
        }
        for (supernode, _, pool) in self.pools.changed() {
            pool.write(&mut self.trie, &supernode)?;
        }
        for ((lessor, supernode), _, position) in self.positions.changed() {
            position.write(&mut self.trie, &lessor, &supernode)?;
        }
        for ((supernode, round), _, end) in self.ends.changed() {
            end.write(&mut self.trie, &supernode, round)?;
        }
        if self.supply != SupplyRecord::default() {
            self.supply.write(&mut self.trie)?;
        }
        Ok((self.trie.commit(next_node), Effects { history: self.history }))
    }

    /// A pool in the round of the block, and the end of the round that this ended.
    fn advanced(&mut self, supernode: &Address) -> Result<(Pool, Option<(Round, RoundEnd)>), StateFault> {
        let pool = self.pools.get(supernode, || Pool::read(&mut self.trie, supernode))?;
        let mut pool = pool.unwrap_or_default();
        let ended = pool.advance(self.place.round);
        Ok((pool, ended))
    }

    fn put_pool(&mut self, supernode: &Address, pool: Pool, ended: Option<(Round, RoundEnd)>) {
        self.pools.put(*supernode, pool);
        if let Some((round, end)) = ended {
            self.ends.put((*supernode, round), end);
        }
    }

    fn end(&mut self, supernode: &Address, round: Round) -> Result<Option<RoundEnd>, StateFault> {
        self.ends.get(&(*supernode, round), || RoundEnd::read(&mut self.trie, supernode, round))
    }
}
