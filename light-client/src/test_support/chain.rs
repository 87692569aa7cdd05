//! A chain in memory with real keys, seals, votes and proofs: what the light client is tested and measured
//! against without a node.
//!
//! Execution is the simplest that keeps the books right (transfers only); the node's own is not used here.

use std::{cell::RefCell, collections::BTreeMap, convert::Infallible};

use zeroize::Zeroizing;

use crate::{
    block_tree::{HeaderRange, RangeStore},
    client::{AccountBundle, Anchor, HistoryPage, Trusted, TrustedCheckpoint},
    consensus::{
        genesis,
        spos::{
            Beacon, Certificate, Clock, Destination, Electorate, Epoch, HandOver, HandOverStep, Link,
            MAX_HAND_OVER_LINKS, Planner, Table, Tables, Triple, Vote,
        },
    },
    crypto::{Domain, Hash, KeyPair},
    data_format::{
        Address, Amount, Call, ChainId, ChainSpec, Checkpoint, CoinCall, EngineSpec, FeeSchedule,
        GenesisAccount, Header, Height, Holder, ModuleName, Network, Outcome, Round, SealedHeader,
        SignedTransaction, Slot, SlotTable, SposSpec, Status, Time, Transaction, TransactionId,
        transactions_root,
    },
    state::{AccountChange, AccountRecord, Asset, HistoryKind, HistoryRecord, MemoryStore, Root, Trie},
};

/// The genesis time of scripted chains.
pub const GENESIS_TIME: Time = Time(1_700_000_000_000);
/// The fee of a transfer on scripted chains.
pub const FEE: Amount = Amount(10_000_000);

/// The key pair of a number: for tests, worth nothing.
pub fn test_key(number: u64) -> KeyPair {
    let seed = Hash::of(Domain::DEVELOPMENT_KEY, &[b"test", &number.to_le_bytes()]);
    KeyPair::ed25519(&Zeroizing::new(seed.0))
}

/// The address of a test key on the test network.
pub fn test_address(number: u64) -> Address {
    Address::of(&test_key(number).public(), Network::Test)
}

/// The slot table held by the test keys with these numbers.
pub fn test_table(keys: &[u64]) -> SlotTable {
    let holder = |key: &u64| {
        let minting_key = Hash(*test_key(*key).public().as_bytes());
        Some(Holder { address: test_address(*key), minting_key })
    };
    SlotTable(keys.iter().map(holder).collect())
}

/// The spec of a chain with 1-second slots held by test keys 1000, 1001 and so on.
pub fn test_spec(slots: u64, accounts: Vec<GenesisAccount>) -> ChainSpec {
    let keys: Vec<u64> = (1000..1000 + slots).collect();
    ChainSpec {
        name: "scripted".to_owned(),
        network: Network::Test,
        genesis_time: GENESIS_TIME,
        engine: EngineSpec::Spos(SposSpec::without_rewards(1_000, test_table(&keys))),
        modules: vec![ModuleName::Coin],
        fees: FeeSchedule { transfer: FEE, lease: FEE, supernode: FEE },
        trusting_period_ms: 400 * 24 * 3_600_000,
        peers: Vec::new(),
        accounts,
    }
}

#[derive(Default)]
pub(super) struct RangeMemory(RefCell<BTreeMap<u64, Hash>>);

impl RangeStore for RangeMemory {
    type Error = Infallible;

    fn node(&self, position: u64) -> Result<Option<Hash>, Infallible> {
        Ok(self.0.borrow().get(&position).copied())
    }
}

pub(super) struct ScriptedBlock {
    pub(super) sealed: SealedHeader,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) state: Root,
    pub(super) tables: Tables,
}

/// Writes records into the state.
type Plant = Box<dyn FnOnce(&mut Trie<&MemoryStore>) + Send>;

/// A chain in memory, without forks.
pub struct ScriptedChain {
    spec: ChainSpec,
    chain: ChainId,
    clock: Clock,
    keys: BTreeMap<Hash, KeyPair>,
    pub(super) nodes: MemoryStore,
    pub(super) range: RangeMemory,
    pub(super) blocks: Vec<ScriptedBlock>,
    tables: Tables,
    history: BTreeMap<Address, Vec<HistoryRecord>>,
    /// With the indices of their blocks.
    pub(super) transactions: BTreeMap<TransactionId, (SignedTransaction, usize)>,
    pending: Option<Certificate>,
    /// What the next block writes into the state besides its transfers.
    planted: Vec<Plant>,
    /// Certificates that made their source final, by the source's round.
    pub(super) certified: BTreeMap<Round, Certificate>,
}

impl ScriptedChain {
    /// Block 0 of a chain with so many slots and these accounts.
    pub fn new(slots: u64, accounts: Vec<GenesisAccount>) -> Self {
        Self::of(test_spec(slots, accounts))
    }

    /// Block 0 of a chain. The keys of its slots are test keys from 1000 on.
    pub fn of(spec: ChainSpec) -> Self {
        let spos = spec.engine.spos().unwrap();
        let slots = spos.slots_per_round();
        let tables = Tables::settled(Table::new(spos.slots.clone()).unwrap());
        let mut chain = Self {
            chain: spec.id(),
            clock: Clock::new(&spec),
            keys: (1000..1000 + 4 * slots)
                .map(|number| (Hash(*test_key(number).public().as_bytes()), test_key(number)))
                .collect(),
            nodes: MemoryStore::new(),
            range: RangeMemory::default(),
            blocks: Vec::new(),
            tables: tables.clone(),
            history: BTreeMap::new(),
            transactions: BTreeMap::new(),
            pending: None,
            planted: Vec::new(),
            certified: BTreeMap::new(),
            spec,
        };
        let mut changes = Vec::new();
        for account in &chain.spec.accounts {
            let delta = i64::try_from(account.balance.units()).unwrap();
            changes.push((account.address, HistoryKind::Genesis, delta, Hash::ZERO));
        }
        let state = chain.change_state(Root::EMPTY, Height(0), Slot(0), &changes, &[]);
        let sealed = genesis(&chain.spec.id(), state.hash, tables.commitment());
        chain.append(ScriptedBlock { sealed, outcomes: Vec::new(), state, tables });
        chain
    }

    /// The spec.
    pub const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// Slot arithmetic.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The newest header.
    pub fn head(&self) -> &SealedHeader {
        &self.blocks.last().unwrap().sealed
    }

    /// The header at a height.
    pub fn header(&self, height: Height) -> &SealedHeader {
        &self.blocks[usize::try_from(height.0).unwrap()].sealed
    }

    /// The trusted block to start from: genesis.
    pub fn genesis(&self) -> Trusted {
        Trusted::genesis(&self.blocks[0].sealed, Some(self.blocks[0].tables.clone()))
    }

    /// Genesis as a checkpoint.
    pub fn checkpoint(&self) -> TrustedCheckpoint {
        self.genesis().checkpoint()
    }

    /// The time at the start of the slot after the newest block.
    pub fn now(&self) -> Time {
        self.clock.start(self.head().header.slot.next())
    }

    /// The tables that blocks from now on commit to. Planning and finality of plans are the caller's script.
    pub fn set_tables(&mut self, tables: Tables) {
        self.tables = tables;
    }

    /// Lets the next block write records into the state besides what its transfers change: what they need not be true to.
    pub fn plant(&mut self, records: impl FnOnce(&mut Trie<&MemoryStore>) + Send + 'static) {
        self.planted.push(Box::new(records));
    }

    /// A signed transfer at the sender's nonce, valid for 300 blocks.
    pub fn transfer(&self, from: u64, to: Address, amount: Amount) -> SignedTransaction {
        let key = test_key(from);
        let sender = Address::of(&key.public(), self.spec.network);
        let nonce = self.account(&sender).map_or(0, |record| record.nonce);
        let transaction = Transaction {
            sender: key.public(),
            nonce,
            fee: FEE,
            valid_until: self.head().header.height.plus(300),
            calls: vec![Call::Coin(CoinCall::Transfer { to, amount })],
            memo: Vec::new(),
        };
        transaction.sign(&self.chain, &key)
    }

    /// An account's record in the newest block.
    pub fn account(&self, address: &Address) -> Option<AccountRecord> {
        let root = self.blocks.last().unwrap().state;
        AccountRecord::read(&mut Trie::open(root, &self.nodes), address).unwrap()
    }

    /// Mints a block in a slot after the newest one, with these transfers, each at its sender's nonce.
    pub fn mint(&mut self, slot: Slot, transfers: &[SignedTransaction]) -> &SealedHeader {
        let parent = self.head().header.clone();
        let height = parent.height.next();
        let certificate = self.pending.take();
        let mut changes = Vec::new();
        let mut senders = Vec::new();
        let mut outcomes = Vec::new();
        for (index, signed) in (0..).zip(transfers) {
            let transaction = &signed.transaction;
            let id = transaction.id(&self.chain);
            let sender = Address::of(&transaction.sender, self.spec.network);
            let fee = i64::try_from(transaction.fee.units()).unwrap();
            changes.push((sender, HistoryKind::Fee, -fee, id));
            for (to, amount) in transaction.calls.iter().filter_map(Call::transfer) {
                let delta = i64::try_from(amount.units()).unwrap();
                changes.push((sender, HistoryKind::Sent, -delta, id));
                changes.push((to, HistoryKind::Received, delta, id));
            }
            senders.push(sender);
            outcomes.push(Outcome { id, status: Status::Success, fee: transaction.fee, index });
            self.transactions.insert(id, (signed.clone(), self.blocks.len()));
        }
        let state = self.blocks.last().unwrap().state;
        let state = self.change_state(state, height, slot, &changes, &senders);
        let header = Header {
            version: Header::VERSION,
            height,
            slot,
            parent: parent.id(),
            transactions_root: transactions_root(&outcomes),
            transactions_count: u32::try_from(outcomes.len()).unwrap(),
            state_root: state.hash,
            headers_root: HeaderRange::new(&self.range, height.0).root().unwrap(),
            next_slots: self.tables.commitment(),
            justified: certificate.as_ref().map_or(parent.justified, |c| c.link.target.checkpoint),
            certificate_hash: certificate.as_ref().map_or(Hash::ZERO, Certificate::hash),
            main_parent: None,
        };
        let table = &self.tables_of(self.clock.round(slot)).in_force;
        let (holder, _) = table.holder(self.clock.position(slot)).unwrap();
        let seal = self.keys[&holder.minting_key].sign(&Header::seal_message(&self.chain, &header.id()));
        let tables = self.tables.clone();
        self.append(ScriptedBlock { sealed: SealedHeader { header, seal }, outcomes, state, tables });
        self.head()
    }

    /// All holders vote for the checkpoint of a round; the next block carries the certificate.
    pub fn certify(&mut self, round: Round) {
        let target = self.checkpoint_of(round);
        let source = self.blocks[target].sealed.header.justified_on(&self.blocks[0].sealed.header.id());
        let source_index =
            self.blocks.iter().position(|block| block.sealed.header.id() == source.id).unwrap();
        let triple = |round, index: usize| {
            let header = &self.blocks[index].sealed.header;
            Triple { checkpoint: Checkpoint { round, id: header.id() }, next_slots: header.next_slots }
        };
        let link = Link { source: triple(source.round, source_index), target: triple(round, target) };
        let electorate = Electorate::new(&self.blocks[target].tables, &self.blocks[source_index].tables);
        let votes: Vec<Vote> = (0..electorate.len())
            .map(|position| &self.keys[&electorate.member(position).unwrap()])
            .map(|key| Vote::sign(link, &self.chain, key).unwrap())
            .collect();
        let certificate = electorate.certify(link, &votes).unwrap();
        if link.finalises() {
            self.certified.insert(source.round, certificate.clone());
        }
        self.pending = Some(certificate);
    }

    /// Mints every slot of the round after the newest block's, certifying its checkpoint in its first block but
    /// one, with the transfers in the first block.
    pub fn advance(&mut self, transfers: &[SignedTransaction]) {
        let round = self.clock.round(self.head().header.slot).next();
        let first = self.clock.first_slot(round);
        for offset in 0..self.clock.slots_per_round() {
            if offset == 1 {
                self.certify(round);
            }
            self.mint(first.plus(offset), if offset == 0 { transfers } else { &[] });
        }
    }

    /// The beacon of the newest final block, for a client that trusts a block.
    pub fn beacon(&self, trusted: &Trusted) -> Option<Beacon> {
        let (_, certificate) = self.certified.last_key_value()?;
        let (step, header) = self.step(certificate);
        Some(Beacon::new(trusted.tables.as_ref().unwrap(), &step, header.clone()))
    }

    /// What lies under a certificate of this chain, and its source's header.
    pub(super) fn step(&self, certificate: &Certificate) -> (HandOverStep, &Header) {
        let block = |id| self.blocks.iter().find(|block| block.sealed.header.id() == id).unwrap();
        let source = block(certificate.link.source.checkpoint.id);
        let target = block(certificate.link.target.checkpoint.id);
        let (certificate, source_tables) = (certificate.clone(), source.tables.clone());
        let step = HandOverStep { certificate, source: source_tables, target: target.tables.clone() };
        (step, &source.sealed.header)
    }

    /// The shortest hand-over to the newest final block, or as much of it as fits; `None` while nothing is final.
    pub fn hand_over(&self, trusted: &Trusted) -> Option<HandOver> {
        let (_, newest) = self.certified.last_key_value()?;
        let mut planner = Planner::default();
        let mut epochs: Vec<Epoch> = Vec::new();
        for certificate in self.certified.values() {
            match epochs.last_mut().filter(|epoch| epoch.goes_on_with(&certificate.link)) {
                Some(epoch) => drop(epoch.take(certificate.clone())),
                None => epochs.push(Epoch::new(certificate.clone())),
            }
        }
        for epoch in &epochs {
            let (HandOverStep { source, target, .. }, _) = self.step(&epoch.links()[0]);
            let links = epoch.links().iter();
            planner.push(
                &source,
                &target,
                links.map(|link| (link.link.source.checkpoint.round, &link.signers)),
            );
        }
        let (end, _) = self.step(newest);
        let round = newest.link.source.checkpoint.round;
        let end = Destination { round, source: &end.source, target: &end.target, signers: &newest.signers };
        let held = trusted.tables.as_ref().unwrap();
        let mut rounds = planner.plan(held, self.clock.round(trusted.slot), &end)?;
        rounds.push(round);
        rounds.truncate(MAX_HAND_OVER_LINKS + 1);
        let steps: Vec<_> = rounds.iter().map(|round| self.step(&self.certified[round])).collect();
        let header = steps.last()?.1.clone();
        HandOver::new(held, &steps.into_iter().map(|(step, _)| step).collect::<Vec<_>>(), header)
    }

    /// The anchor for a client that trusts a block: the newest beacon, or the trusted header itself.
    pub fn anchor(&self, trusted: &Trusted) -> Anchor {
        match self.beacon(trusted) {
            Some(beacon) if beacon.source.id() != trusted.id => Anchor::Beacon(Box::new(beacon)),
            _ => {
                let block = self.blocks.iter().find(|block| block.sealed.header.id() == trusted.id).unwrap();
                Anchor::Trusted(Box::new(block.sealed.header.clone()))
            }
        }
    }

    /// An account with at most `limit` of its records after the first `known`.
    pub fn account_bundle(
        &self,
        trusted: &Trusted,
        address: Address,
        known: u64,
        limit: u64,
    ) -> AccountBundle {
        let anchor = self.anchor(trusted);
        let at = usize::try_from(anchor.header().height.0).unwrap();
        let mut trie = Trie::open(self.blocks[at].state, &self.nodes);
        let record = AccountRecord::read(&mut trie, &address).unwrap();
        let count = record.map_or(0, |record| record.history_count);
        let first = known.max(count.saturating_sub(limit)).min(count);
        AccountBundle { anchor, address, witness: trie.witness(), history: self.page(&address, first, count) }
    }

    /// The `limit` records before `before`.
    pub fn history_page(&self, address: &Address, before: u64, limit: u64) -> HistoryPage {
        self.page(address, before.saturating_sub(limit), before)
    }

    fn page(&self, address: &Address, first: u64, end: u64) -> HistoryPage {
        let all = self.history.get(address).map_or(&[][..], Vec::as_slice);
        let index = |number| usize::try_from(number).unwrap();
        let records = all[index(first)..index(end)].to_vec();
        let head_before = all[..index(first)]
            .iter()
            .try_fold(crate::state::HistoryChain::EMPTY, crate::state::HistoryChain::append)
            .unwrap()
            .head;
        let mut transactions: Vec<Transaction> = Vec::new();
        for record in &records {
            if let Some((signed, _)) = self.transactions.get(&record.transaction)
                && !transactions.contains(&signed.transaction)
            {
                transactions.push(signed.transaction.clone());
            }
        }
        HistoryPage { head_before, records, transactions }
    }

    /// The block before a round's first slot.
    fn checkpoint_of(&self, round: Round) -> usize {
        let first = self.clock.first_slot(round);
        self.blocks.iter().rposition(|block| block.sealed.header.slot < first).unwrap_or(0)
    }

    fn tables_of(&self, round: Round) -> &Tables {
        &self.blocks[self.checkpoint_of(round)].tables
    }

    fn append(&mut self, block: ScriptedBlock) {
        let header = &block.sealed.header;
        let (new, _) = HeaderRange::new(&self.range, header.height.0).push(&header.id()).unwrap();
        for (first, run) in new {
            self.range.0.borrow_mut().extend((first..).zip(run));
        }
        self.blocks.push(block);
    }

    fn change_state(
        &mut self,
        root: Root,
        height: Height,
        slot: Slot,
        changes: &[(Address, HistoryKind, i64, TransactionId)],
        senders: &[Address],
    ) -> Root {
        let mut trie = Trie::open(root, &self.nodes);
        for (address, kind, delta, transaction) in changes {
            let mut record = AccountRecord::read(&mut trie, address).unwrap().unwrap_or_default();
            let change = AccountChange {
                height,
                slot,
                transaction: *transaction,
                kind: *kind,
                asset: Asset::Coin,
                delta: *delta,
            };
            let entry = record.apply(&change).unwrap();
            record.write(&mut trie, address).unwrap();
            self.history.entry(*address).or_default().push(entry);
        }
        for sender in senders {
            let mut record = AccountRecord::read(&mut trie, sender).unwrap().unwrap_or_default();
            record.nonce += 1;
            record.write(&mut trie, sender).unwrap();
        }
        for plant in std::mem::take(&mut self.planted) {
            plant(&mut trie);
        }
        let changes = trie.commit(self.nodes.next_id());
        self.nodes.apply(&changes);
        changes.root
    }
}
