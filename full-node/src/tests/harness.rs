use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use light_client::{
    consensus::spos::Block,
    crypto::{Hash, KeyPair},
    data_format::{
        Address, Amount, Call, ChainSpec, CoinCall, EngineSpec, GenesisAccount, Height, ModuleName, Network,
        SignedTransaction, Slot, SposSpec, Time, Transaction, TransactionId, codec,
    },
    state::{
        AccountRecord, HistoryChain, HistoryKind, Order, Space as StateSpace, SupplyRecord, Trie,
        stake::outstanding,
    },
};

use crate::{
    block_tree::{BlockError, Chain},
    config::{development_seed, development_spec, minting_keys},
    network::Certainty,
    node::{ChainChoice, DevelopmentAccount, Node, NodeConfig, OpenError},
    storage::{
        Database, Entry, HistoryEntry, HistoryPart, Recovery, Retention, Snapshot, Space, StateNodes, Storage,
    },
};

pub(crate) const GENESIS: Time = Time(1_790_000_000_000);

/// A node whose clock the test turns.
pub(crate) struct Harness {
    pub(crate) node: Node,
    pub(crate) database: Database,
    pub(crate) slot: u64,
    accounts: Vec<DevelopmentAccount>,
}

pub(crate) fn retention() -> Retention {
    Retention { heights: 900, bodies: None, node_cache_bytes: 1 << 20, page_cache_bytes: 8 << 20 }
}

pub(crate) fn spec() -> ChainSpec {
    development_spec(GENESIS)
}

/// The time shortly after a slot started.
pub(crate) fn in_slot(slot: u64) -> Time {
    GENESIS.plus_ms(slot * 1_000 + 10)
}

/// The minting keys of these slot positions.
pub(crate) fn keys(positions: &[usize]) -> Vec<KeyPair> {
    minting_keys()
        .into_iter()
        .enumerate()
        .filter(|(at, _)| positions.contains(at))
        .map(|(_, key)| key)
        .collect()
}

/// The same chain with other rules for slots and stake.
pub(crate) fn spec_with(change: impl FnOnce(&mut SposSpec)) -> ChainSpec {
    let mut spec = spec();
    change(spec.engine.spos_mut().unwrap());
    spec
}

/// The funded accounts, also of a chain that is no development chain.
pub(crate) fn accounts() -> Vec<DevelopmentAccount> {
    let seed = development_seed().unwrap();
    let account = |(index, funded): (u32, GenesisAccount)| {
        let key = seed.key(index).ok()?;
        let address = Address::of(&key.public(), Network::Test);
        (address == funded.address).then_some(DevelopmentAccount {
            index,
            address,
            balance: funded.balance,
            key,
        })
    };
    (0..).zip(spec().accounts).map_while(account).collect()
}

/// Makes the chain of a database that has none, as `init` does: with the record that these keys signed nothing on it.
pub(crate) fn found(database: &Database, spec: &ChainSpec, keys: &[KeyPair]) {
    let keys: Vec<Hash> = keys.iter().map(|key| Hash(*key.public().as_bytes())).collect();
    Chain::open(database.clone(), Arc::new(spec.clone()), &retention(), &keys).unwrap();
}

fn config(data: Option<PathBuf>, chain: ChainChoice, minting_keys: Vec<KeyPair>) -> NodeConfig {
    NodeConfig {
        data,
        chain,
        minting_keys,
        recoveries: Vec::new(),
        payee: None,
        retention: retention(),
        pool: crate::transaction::Limits::default(),
        now: GENESIS,
    }
}

fn accounts_in(state: &mut Trie<StateNodes<'_>>) -> BTreeMap<Address, AccountRecord> {
    let entries = state.prefix(&[StateSpace::Accounts as u8], Order::Ascending);
    entries
        .map(Result::unwrap)
        .map(|entry| (borsh::from_slice(&entry.key[1..]).unwrap(), borsh::from_slice(&entry.value).unwrap()))
        .collect()
}

/// Every unit is accounted for after the newest block: balances and what waits in the pools of supernodes are what genesis
/// gave, with what was minted and without what was burned.
pub(crate) fn check_supply(snapshot: &Snapshot, spec: &ChainSpec) {
    let head = snapshot.head().unwrap().unwrap();
    let mut state = snapshot.state(snapshot.version(&head).unwrap().unwrap().root);
    let supply = SupplyRecord::read(&mut state).unwrap().unwrap();
    assert_eq!(supply.genesis, spec.genesis_supply().unwrap());
    let balances: u64 = accounts_in(&mut state).values().map(|record| record.balance.units()).sum();
    let units = u128::from(supply.total().unwrap().units());
    let waiting = outstanding(&mut state).unwrap();
    assert_eq!(units << 64, (u128::from(balances) << 64) + waiting, "coins were made or lost");
}

impl Harness {
    /// A development chain in memory; this node holds all keys.
    pub(crate) fn new() -> Self {
        Self::over(Database::open(None, &retention()).unwrap(), ChainChoice::Development, Vec::new())
    }

    /// A development chain in memory that keeps the transactions of so many blocks.
    pub(crate) fn keeping(bodies: u64) -> Self {
        let retention = Retention { bodies: Some(bodies), ..retention() };
        let database = Database::open(None, &retention).unwrap();
        let config = NodeConfig { retention, ..config(None, ChainChoice::Development, Vec::new()) };
        let node = Node::over(database.clone(), config).unwrap();
        Self { accounts: node.development_accounts(), node, database, slot: 0 }
    }

    /// The same chain with only these keys.
    pub(crate) fn with_keys(positions: &[usize]) -> Self {
        let database = Database::open(None, &retention()).unwrap();
        Self::over(database, ChainChoice::Spec(Box::new(spec())), keys(positions))
    }

    /// The same chain with other rules for slots and stake.
    pub(crate) fn with_rules(change: impl FnOnce(&mut SposSpec), positions: &[usize]) -> Self {
        let spec = spec_with(change);
        let database = Database::open(None, &retention()).unwrap();
        Self::over(database, ChainChoice::Spec(Box::new(spec)), keys(positions))
    }

    /// A development chain in a folder.
    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        let database = Database::open(Some(&folder), &retention()).unwrap();
        Self::over(database, ChainChoice::Development, Vec::new())
    }

    /// A development chain over a storage.
    pub(crate) fn over_storage(storage: Arc<dyn Storage>) -> Self {
        let database = Database::over(storage, &retention()).unwrap();
        Self::over(database, ChainChoice::Development, Vec::new())
    }

    /// A development chain in a database.
    pub(crate) fn over_database(database: Database) -> Self {
        Self::over(database, ChainChoice::Development, Vec::new())
    }

    /// The same folder, opened again at this time.
    pub(crate) fn reopened(self, now: Time) -> Self {
        let Self { node, database, .. } = self;
        drop(node);
        Self::at(database, ChainChoice::Development, Vec::new(), now)
    }

    /// The same chain, opened again at this time with these keys.
    pub(crate) fn reopened_with(self, keys: Vec<KeyPair>, now: Time) -> Self {
        let Self { node, database, .. } = self;
        let spec = (**node.spec()).clone();
        drop(node);
        Self::at(database, ChainChoice::Spec(Box::new(spec)), keys, now)
    }

    /// The development chain that a database holds or is to hold; this node has no keys.
    pub(crate) fn restored(database: Database) -> Self {
        Self::over(database, ChainChoice::Spec(Box::new(spec())), Vec::new())
    }

    /// A node with these keys that loads recoveries, over what a database holds or is to hold.
    pub(crate) fn loading(
        database: &Database,
        spec: &ChainSpec,
        recoveries: &[Recovery],
        keys: Vec<KeyPair>,
        now: Time,
    ) -> Result<Self, OpenError> {
        let choice = ChainChoice::Spec(Box::new(spec.clone()));
        let config = NodeConfig { recoveries: recoveries.to_vec(), now, ..config(None, choice, keys) };
        let node = Node::over(database.clone(), config)?;
        let slot = now.ms_since(GENESIS) / 1_000;
        Ok(Self { accounts: accounts(), node, database: database.clone(), slot })
    }

    /// A chain of another engine, in memory: this node makes blocks with these keys, or is paid for them.
    pub(crate) fn of_engine(engine: EngineSpec, keys: Vec<KeyPair>, payee: Option<Address>) -> Self {
        let spec = ChainSpec { engine, modules: vec![ModuleName::Coin], ..spec() };
        let database = Database::open(None, &retention()).unwrap();
        let config = NodeConfig { payee, ..config(None, ChainChoice::Spec(Box::new(spec)), keys) };
        let node = Node::over(database.clone(), config).unwrap();
        Self { accounts: accounts(), node, database, slot: 0 }
    }

    fn over(database: Database, chain: ChainChoice, keys: Vec<KeyPair>) -> Self {
        Self::at(database, chain, keys, GENESIS)
    }

    fn at(database: Database, chain: ChainChoice, keys: Vec<KeyPair>, now: Time) -> Self {
        if let ChainChoice::Spec(spec) = &chain {
            found(&database, spec, &keys);
        }
        let config = NodeConfig { now, ..config(None, chain, keys) };
        let node = Node::over(database.clone(), config).unwrap();
        let slot = node.status().head.slot.0;
        Self { accounts: accounts(), node, database, slot }
    }

    /// The next slot begins.
    pub(crate) fn step(&mut self) {
        self.slot += 1;
        self.node.advance(in_slot(self.slot)).unwrap();
    }

    pub(crate) fn steps(&mut self, count: u64) {
        (0..count).for_each(|_| self.step());
    }

    /// As [`Harness::steps`]; looks at the chain after each slot.
    pub(crate) fn steps_with(&mut self, count: u64, look: &mut impl FnMut(&Self)) {
        for _ in 0..count {
            self.step();
            look(self);
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.database.read().unwrap()
    }

    pub(crate) fn head(&self) -> Height {
        self.node.status().head.height
    }

    /// The block of the best branch at a height.
    pub(crate) fn block(&self, height: u64) -> Block {
        let snapshot = self.snapshot();
        let id = snapshot.at_height(Height(height)).unwrap().expect("a block of this height");
        snapshot.block(&id).unwrap().unwrap()
    }

    /// Takes blocks of others, at the time of this slot.
    pub(crate) fn take(&mut self, blocks: &[Block], slot: u64) {
        for block in blocks {
            self.node.insert(block, in_slot(slot)).unwrap();
        }
    }

    /// Takes blocks that were fetched together, at the time of this slot.
    pub(crate) fn take_row(
        &self,
        blocks: &[Block],
        certainty: Certainty,
        slot: u64,
    ) -> Vec<Result<(), BlockError>> {
        self.node.insert_row(&self.node.checked_row(blocks.to_vec(), certainty), in_slot(slot))
    }

    pub(crate) fn funded(&self, index: usize) -> &KeyPair {
        &self.accounts[index].key
    }

    pub(crate) fn address(&self, index: usize) -> Address {
        self.accounts[index].address
    }

    pub(crate) fn record(&self, address: &Address) -> AccountRecord {
        let snapshot = self.snapshot();
        let head = snapshot.head().unwrap().unwrap();
        let version = snapshot.version(&head).unwrap().unwrap();
        AccountRecord::read(&mut snapshot.state(version.root), address).unwrap().unwrap_or_default()
    }

    /// A signed transfer between funded accounts.
    pub(crate) fn transfer(&self, from: usize, nonce: u64, to: Address, units: u64) -> SignedTransaction {
        self.signed(from, nonce, vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(units) })])
    }

    pub(crate) fn signed(&self, from: usize, nonce: u64, calls: Vec<Call>) -> SignedTransaction {
        let key = self.funded(from);
        let fee = self.node.spec().minimum_fee(&calls).unwrap();
        let sender = key.public();
        let transaction =
            Transaction { sender, nonce, fee, valid_until: Height(100_000), calls, memo: b"memo".to_vec() };
        transaction.sign(&self.node.chain(), key)
    }

    /// Submits a transfer with the next nonce.
    pub(crate) fn pay(&self, from: usize, to: Address, units: u64) -> TransactionId {
        let nonce = self.record(&self.address(from)).nonce;
        self.node.submit_now(&self.transfer(from, nonce, to, units)).unwrap()
    }

    /// What must hold of the whole state, always: every balance is the sum of its history, every history is whole and
    /// nothing is stored besides; coins are neither made nor lost, and what is burned left an account as a fee or as the price
    /// of a slot.
    pub(crate) fn check_state(&self) {
        let snapshot = self.snapshot();
        let head = snapshot.head().unwrap().unwrap();
        let header = snapshot.header(&head).unwrap().unwrap().header;
        let version = snapshot.version(&head).unwrap().unwrap();
        let mut state = snapshot.state(version.root);
        assert_eq!(state.root_hash(), header.state_root);
        let (mut records, mut burned) = (0, 0);
        for (address, record) in &accounts_in(&mut state) {
            let history: Vec<HistoryEntry> = snapshot.history(address, 0, u64::MAX, usize::MAX).unwrap();
            let mut chain = HistoryChain::EMPTY;
            for entry in &history {
                assert_eq!(entry.head_before, chain.head);
                chain = chain.append(&entry.record).unwrap();
            }
            assert_eq!(chain, record.history(), "history of {address}");
            let sums = record.check_balance(history.iter().map(|entry| &entry.record));
            assert_eq!(sums, Ok(()), "balance and leases of {address}");
            records += history.len();
            let burns = |kind| matches!(kind, HistoryKind::Fee | HistoryKind::ContendFee);
            let burnt = history.iter().map(|entry| entry.record).filter(|record| burns(record.kind));
            burned += burnt.map(|record| record.delta.unsigned_abs()).sum::<u64>();
        }
        assert_eq!(snapshot.count_history().unwrap(), records as u64, "records of nobody");
        check_supply(&snapshot, self.node.spec());
        let supply = SupplyRecord::read(&mut state).unwrap().unwrap();
        assert_eq!(supply.burned, Amount(burned), "what is burned left an account");
        assert_eq!(snapshot.all(Space::Heights).unwrap().len() as u64, header.height.0 + 1);
    }

    /// Everything that depends on the best branch, but for the names of state nodes, and for which history records are kept
    /// together.
    pub(crate) fn indexes(&self) -> BTreeMap<Space, Vec<Entry>> {
        let snapshot = self.snapshot();
        let spaces = [Space::Heights, Space::Transactions, Space::Range];
        let mut indexes: BTreeMap<Space, Vec<Entry>> =
            spaces.into_iter().map(|space| (space, snapshot.all(space).unwrap())).collect();
        let parts = snapshot.all(Space::History).unwrap();
        let records = parts.iter().flat_map(|(key, part)| {
            let part: HistoryPart = codec::decode(part, part.len()).unwrap();
            let address = key[..key.len() - 8].to_vec();
            let entries = part.entries().unwrap().into_iter();
            entries.map(move |entry| (address.clone(), codec::encode(&entry)))
        });
        indexes.insert(Space::History, records.collect());
        indexes
    }

    pub(crate) fn state_root(&self) -> Hash {
        let snapshot = self.snapshot();
        let head = snapshot.head().unwrap().unwrap();
        snapshot.version(&head).unwrap().unwrap().root.hash
    }

    pub(crate) fn head_slot(&self) -> Slot {
        self.node.status().head.slot
    }
}
