use light_client::{
    consensus::spos::{Table, TableError, Tables},
    crypto::Hash,
    data_format::{Address, Amount, Height, Holder, Round, TransactionId, codec},
    state::{
        AccountChange, AccountRecord, Asset, Certificates, Changes, HistoryKind, MAX_VALUE_BYTES, NodeId,
        Order, Pool, Position, RecordError, Request, RequestPlace, RoundEnd, SlotChange, Space, Stake,
        StakeError, StateError, Supernode, SupplyRecord, Trie, Warm,
    },
};

use super::{Place, StateFault, records::Records};
use crate::storage::{Effects, HistoryEntry, StateNodes};

/// Units there may be at most, so that a change of a balance fits a signed 64-bit number.
const MAX_SUPPLY: u64 = i64::MAX as u64;

/// The state while a block is executed: a version of the trie, and above it the records touched so far. The trie
/// is written once, at the end.
pub struct BlockState<'a> {
    trie: Trie<StateNodes<'a>>,
    place: Place<'a>,
    accounts: Accounts,
    pools: Records<Address, Pool>,
    /// By lessor and supernode.
    positions: Records<(Address, Address), Position>,
    ends: Records<(Address, Round), RoundEnd>,
    supernodes: Records<Address, Supernode>,
    /// Whom minting keys serve.
    key_owners: Records<Hash, Address>,
    /// Requests for changes of the slot table, made in this block.
    requests: Vec<Request>,
    supply: SupplyRecord,
    /// After the block's own certificate.
    certificates: Certificates,
    history: Vec<(Address, HistoryEntry)>,
}

type Accounts = Records<Address, AccountRecord>;

/// The state before a block.
pub struct StateBefore<'a> {
    trie: Trie<StateNodes<'a>>,
    /// What is in memory of accounts, not all of it in the trie.
    accounts: Accounts,
}

impl<'a> From<Trie<StateNodes<'a>>> for StateBefore<'a> {
    fn from(trie: Trie<StateNodes<'a>>) -> Self {
        Self { trie, accounts: Records::new() }
    }
}

/// The state after a block as far as it is in memory, for whoever goes on from it.
#[derive(Debug)]
pub struct WarmState {
    trie: Warm,
    accounts: Accounts,
}

impl WarmState {
    /// Nodes and accounts in memory.
    pub fn size(&self) -> usize {
        self.trie.nodes() + self.accounts.len()
    }

    /// Records in the trie.
    pub const fn count(&self) -> u64 {
        self.trie.count()
    }

    /// The state before the next block, over the nodes that are stored.
    pub fn open(self, nodes: StateNodes<'_>) -> StateBefore<'_> {
        StateBefore { trie: self.trie.open(nodes), accounts: self.accounts }
    }
}

/// The state after a block, before it is decided whether it becomes a version.
pub struct Ended<'a> {
    trie: Trie<StateNodes<'a>>,
    accounts: Accounts,
    effects: Effects,
    tables: Option<Tables>,
}

/// The state after a block.
#[derive(Debug)]
pub struct Finished {
    /// The new version, if it becomes one.
    pub changes: Option<Changes>,
    /// The state as far as it is in memory.
    pub warm: WarmState,
    /// What the block adds to the indexes.
    pub effects: Effects,
    /// The slot tables, if there are any: what the block's header commits to.
    pub tables: Option<Tables>,
}

impl Ended<'_> {
    /// Nodes and accounts in memory.
    pub fn size(&self) -> usize {
        self.trie.nodes() + self.accounts.len()
    }

    /// Makes it a version, whose new nodes get ids from `next_node` on.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn commit(mut self, next_node: NodeId) -> Result<Finished, StateFault> {
        self.write_accounts()?;
        let (changes, trie) = self.trie.commit_warm(next_node);
        let warm = WarmState { trie, accounts: self.accounts };
        Ok(Finished { changes: Some(changes), warm, effects: self.effects, tables: self.tables })
    }

    /// As [`Ended::commit`] for who does not go on from it.
    ///
    /// # Errors
    /// As [`Ended::commit`].
    pub fn into_changes(mut self, next_node: NodeId) -> Result<(Changes, Effects), StateFault> {
        self.write_accounts()?;
        Ok((self.trie.commit(next_node), self.effects))
    }

    fn write_accounts(&mut self) -> Result<(), StateFault> {
        for (address, account) in self.accounts.write() {
            account.write(&mut self.trie, &address)?;
        }
        Ok(())
    }

    /// Leaves it in memory for the next block, and computes no root.
    pub fn set_aside(self) -> Finished {
        let warm = WarmState { trie: self.trie.set_aside(), accounts: self.accounts };
        Finished { changes: None, warm, effects: self.effects, tables: self.tables }
    }
}

/// A moment to which a [`BlockState`] can go back.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    history: usize,
    requests: usize,
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
    /// A slot table that cannot be one.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateFault),
}

impl<'a> BlockState<'a> {
    /// The state before the block at this place.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn open(before: StateBefore<'a>, place: Place<'a>) -> Result<Self, StateFault> {
        let StateBefore { mut trie, accounts } = before;
        let supply = SupplyRecord::read(&mut trie)?.unwrap_or_default();
        let Certificates(before) = Certificates::read(&mut trie)?;
        let certificates = Certificates(before + u64::from(place.activity.signers.is_some()));
        Ok(Self {
            trie,
            place,
            accounts,
            pools: Records::new(),
            positions: Records::new(),
            ends: Records::new(),
            supernodes: Records::new(),
            key_owners: Records::new(),
            requests: Vec::new(),
            supply,
            certificates,
            history: Vec::new(),
        })
    }

    /// After a recovery: whoever holds a slot now is a supernode, at the commission of genesis if it was none before, with the
    /// key of the table; and nothing that was asked for before waits any more.
    ///
    /// # Errors
    /// As [`BlockState::make_supernode`].
    pub fn begin_anew(&mut self) -> Result<(), ChangeError> {
        while self.next_request()?.is_some() {}
        let (slot, commission) = (self.place.slot, self.place.spos.genesis_commission);
        for Holder { address, minting_key } in self.place.in_force().clone().0.into_iter().flatten() {
            let is_supernode = self.account(&address)?.is_some_and(|account| account.is_supernode);
            if !is_supernode {
                self.make_supernode(&address, commission, Round(0))?;
            }
            self.own_key(&minting_key, &address)?;
            let record = self.supernode(&address)?;
            if record.minting_key != minting_key {
                self.put_supernode(&address, Supernode { minting_key, key_since: slot, ..record });
            }
        }
        Ok(())
    }

    /// The height of the block.
    pub const fn height(&self) -> Height {
        self.place.height
    }

    /// Where the block stands.
    pub const fn place(&self) -> &Place<'a> {
        &self.place
    }

    /// What the state holds of a supernode, or of somebody who is none.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn supernode(&mut self, address: &Address) -> Result<Supernode, StateFault> {
        let supernode = self.supernodes.get(address, || Supernode::read(&mut self.trie, address))?;
        Ok(supernode.unwrap_or_default())
    }

    /// Changes what the state holds of a supernode.
    pub fn put_supernode(&mut self, address: &Address, supernode: Supernode) {
        self.supernodes.put(*address, supernode);
    }

    /// Whom a minting key serves; `None` for a new one.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn owner_of_key(&mut self, key: &Hash) -> Result<Option<Address>, StateFault> {
        self.key_owners.get(key, || Supernode::owner_of_key(&mut self.trie, key))
    }

    /// Lets a minting key serve an address from now on.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn own_key(&mut self, key: &Hash, address: &Address) -> Result<(), StateFault> {
        if self.owner_of_key(key)?.is_none() {
            self.key_owners.put(*key, *address);
        }
        Ok(())
    }

    /// Lets a request wait for its turn.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn ask(&mut self, address: Address, change: SlotChange) -> Result<(), StateFault> {
        let record = self.supernode(&address)?;
        let waiting = record.waiting | change.kind().bit();
        self.put_supernode(&address, Supernode { waiting, ..record });
        self.requests.push(Request { address, change });
        Ok(())
    }

    /// Takes the first request out of the queue.
    pub(super) fn next_request(&mut self) -> Result<Option<Request>, StateFault> {
        let first = self.trie.prefix(&[Space::Requests as u8], Order::Ascending).next();
        let Some(entry) = first.transpose()? else { return Ok(None) };
        let request: Request = codec::decode(&entry.value, MAX_VALUE_BYTES)
            .map_err(|error| StateError::Record { key: entry.key.to_vec(), error })?;
        self.trie.remove(&entry.key)?;
        let record = self.supernode(&request.address)?;
        let waiting = record.waiting & !request.change.kind().bit();
        self.put_supernode(&request.address, Supernode { waiting, ..record });
        Ok(Some(request))
    }

    /// How many rounds have a certificate, with the block's own.
    pub(super) const fn certificates(&self) -> Certificates {
        self.certificates
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
        let Some(supply) = self.supply_with(reward) else { return Ok(()) };
        let (mut pool, ended) = self.advanced(supernode)?;
        pool.reward(reward)?;
        self.put_pool(supernode, pool, ended);
        self.supply = supply;
        Ok(())
    }

    /// Makes the new coins of this block and gives them to an account. There are none once 2⁶³ units exist.
    ///
    /// # Errors
    /// As [`BlockState::change`].
    pub fn mint(&mut self, address: &Address, reward: Amount) -> Result<(), ChangeError> {
        let Some(supply) = self.supply_with(reward) else { return Ok(()) };
        // All coins that ever were fit.
        let delta = i64::try_from(reward.units()).unwrap_or(i64::MAX);
        self.change(address, TransactionId::ZERO, HistoryKind::Minted, Asset::Coin, delta)?;
        self.supply = supply;
        Ok(())
    }

    fn supply_with(&self, reward: Amount) -> Option<SupplyRecord> {
        let minted = self.supply.minted.checked_add(reward)?;
        let made = self.supply.genesis.checked_add(minted)?;
        (made.0 <= MAX_SUPPLY).then_some(SupplyRecord { minted, ..self.supply })
    }

    /// Makes an account a supernode, if it is none: its own coins are stake from now on. Sets its commission; one higher
    /// than before acts from the round `raise_from` on.
    ///
    /// # Errors
    /// As [`BlockState::change_stake`].
    pub fn make_supernode(
        &mut self,
        address: &Address,
        commission: u16,
        raise_from: Round,
    ) -> Result<(), ChangeError> {
        let mut account = self.account(address)?.unwrap_or_default();
        let is_new = !account.is_supernode;
        if is_new {
            account.is_supernode = true;
            self.accounts.put(*address, account);
            self.change_stake(address, address, |stake| stake.increase(account.available()))?;
        }
        let (mut pool, ended) = self.advanced(address)?;
        // Who never minted takes nobody by surprise.
        pool.set_commission(commission, if is_new { Round(0) } else { raise_from });
        if is_new {
            (pool.commission, pool.raised) = (commission, None);
        }
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
        self.burn(sender, transaction, HistoryKind::Fee, fee)?;
        let account = self.account(sender)?.unwrap_or_default();
        self.accounts.put(*sender, AccountRecord { nonce: account.nonce + 1, ..account });
        Ok(())
    }

    /// Takes coins out of an account and out of the world.
    pub(super) fn burn(
        &mut self,
        address: &Address,
        transaction: TransactionId,
        kind: HistoryKind,
        amount: Amount,
    ) -> Result<(), ChangeError> {
        let before = self.account(address)?.unwrap_or_default();
        let unaffordable = RecordError::Balance { balance: before.balance, delta: i64::MIN };
        let delta = i64::try_from(amount.units()).map_err(|_| unaffordable)?;
        let burned = self.supply.burned.checked_add(amount).ok_or(unaffordable)?;
        self.change(address, transaction, kind, Asset::Coin, -delta)?;
        self.supply.burned = burned;
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
        self.supernodes.mark();
        self.key_owners.mark();
        Mark { history: self.history.len(), requests: self.requests.len(), supply: self.supply }
    }

    /// Goes back to the last mark taken: nothing since then has happened.
    pub fn revert(&mut self, mark: Mark) {
        self.accounts.revert();
        self.pools.revert();
        self.positions.revert();
        self.ends.revert();
        self.supernodes.revert();
        self.key_owners.revert();
        self.requests.truncate(mark.requests);
        self.history.truncate(mark.history);
        self.supply = mark.supply;
    }

    /// Plans at most one change of the slot table, settles the new averages of the accounts whose balance has changed, and writes
    /// the other records that were touched into the trie.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn finish(mut self) -> Result<Ended<'a>, StateFault> {
        let height = self.place.height;
        let average_window = self.place.spos.average_window.into();
        self.review_holders()?;
        // A block holds at most 65,536 transactions of 16 calls.
        for (index, request) in (0..).zip(&self.requests) {
            request.write(&mut self.trie, &RequestPlace { kind: request.change.kind(), height, index })?;
        }
        let planned = self.plan()?;
        self.accounts.settle(|before, mut account| {
            let before = before.unwrap_or_default();
            if (account.balance, account.effective()) != (before.balance, before.effective()) {
                account.average = before.average.changed(height, account.effective(), average_window);
            }
            account
        });
        for (supernode, pool) in self.pools.end() {
            pool.write(&mut self.trie, &supernode)?;
        }
        for ((lessor, supernode), position) in self.positions.end() {
            position.write(&mut self.trie, &lessor, &supernode)?;
        }
        for ((supernode, round), end) in self.ends.end() {
            end.write(&mut self.trie, &supernode, round)?;
        }
        if self.supply != SupplyRecord::default() {
            self.supply.write(&mut self.trie)?;
        }
        if self.place.activity.signers.is_some() {
            self.certificates.write(&mut self.trie)?;
        }
        for (address, supernode) in self.supernodes.end() {
            supernode.write(&mut self.trie, &address)?;
        }
        for (key, owner) in self.key_owners.end() {
            Supernode::write_owner_of_key(&mut self.trie, &key, &owner)?;
        }
        let mut tables = self.place.tables.clone();
        if let Some(slots) = planned {
            let damaged = |error: TableError| ChangeError::Table(error);
            let planned = Some(Table::new(slots).map_err(damaged)?.into());
            tables = tables.map(|tables| Tables { planned, ..tables });
        }
        let effects = Effects { history: self.history };
        Ok(Ended { trie: self.trie, accounts: self.accounts, effects, tables })
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
