use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use light_client::{
    block_tree::{BlockTree, HeaderChanges, HeaderRange, HeaderStore},
    consensus::{
        Engine, engine, genesis,
        spos::{Block, Epoch, Tables, VotingRecord},
    },
    crypto::Hash,
    data_format::{BlockId, ChainSpec, Checkpoint, Header, Height, Round, SealedHeader},
    state::{NodeId, Root},
};

use super::{BlockError, leap::Leap};
use crate::{
    consensus::{Rules, rules},
    logic::{Container, WarmState, genesis_state},
    node::OpenError,
    storage::{
        Batch, Database, Finality, Recovery, Retention, Snapshot, StorageError, StoredHeaders, Version,
        WriteBehind,
    },
};

/// A chain: the tree of its blocks in memory, and everything else on disk. One owner writes; readers take
/// [`Snapshot`]s of the database.
pub struct Chain {
    pub(super) spec: Arc<ChainSpec>,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) rules: Arc<dyn Rules>,
    pub(super) genesis: SealedHeader,
    pub(super) container: Container,
    pub(super) database: Database,
    pub(super) tree: BlockTree,
    /// What the blocks before the tree's first root weigh, itself included; `None` where headers say what branches weigh.
    pub(super) base: Option<u128>,
    pub(super) finality: Finality,
    /// The links since the slot tables last changed, as far as hand-overs need them.
    pub(super) epoch: Option<Epoch>,
    pub(super) head: Head,
    pub(super) next_node: NodeId,
    pub(super) arrivals: u64,
    pub(super) pruned: Height,
    pub(super) retained: u64,
    /// Below this height the transactions of blocks are gone.
    pub(super) bodies_from: Height,
    pub(super) bodies_kept: Option<u64>,
    /// The highest checkpoint justified on another branch, which waits for the time to adopt it.
    pub(super) deferred: Option<Checkpoint>,
    pub(super) halted: Option<String>,
    /// Writes wait for [`Chain::sync`] to become durable.
    pub(super) unsynced: bool,
    /// A final block of this height is known to descend from the head, which catches up.
    pub(super) expected: Height,
    pub(super) behind: WriteBehind,
    /// Blocks are being taken as one.
    pub(super) leap: Option<Leap>,
    /// The state after the newest block that was stored, as far as it is in memory: most blocks go on from there, and change
    /// accounts that others changed shortly before. Whoever executes a block on it takes it away.
    pub(super) warm: Mutex<Option<(BlockId, WarmState)>>,
}

/// Nodes and accounts of the state that stay in memory from block to block, at most: 40 to 60 MB.
pub(super) const WARM_SIZE: usize = 1 << 17;

/// The newest block of the best branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its id.
    pub id: BlockId,
    /// Its header.
    pub header: Header,
    /// The state after it.
    pub root: Root,
}

impl Chain {
    /// The chain in `database`, made from a checked spec if the database is empty; then with empty records for these
    /// minting keys, which never signed on it.
    ///
    /// # Errors
    /// [`OpenError`] if the database cannot be used, or holds something else than this chain.
    pub fn open(
        database: Database,
        spec: Arc<ChainSpec>,
        retention: &Retention,
        minting_keys: &[Hash],
    ) -> Result<Self, OpenError> {
        let (engine, rules) = (engine(&spec), rules(&spec)?);
        if database.read()?.chain()?.is_none() {
            found(&database, &spec, &*rules, minting_keys)?;
        }
        let snapshot = database.read()?;
        let missing = |what: &str| OpenError::Damaged(format!("{what} is missing"));
        let genesis_id = snapshot.at_height(Height(0))?.ok_or_else(|| missing("block 0"))?;
        let genesis = snapshot.header(&genesis_id)?.ok_or_else(|| missing("the header of block 0"))?;
        let saved =
            StoredHeaders::new(database.clone()).load()?.ok_or_else(|| missing("the tree of blocks"))?;
        let tree = BlockTree::restore(Arc::clone(&engine), saved)
            .map_err(|error| OpenError::Damaged(error.to_string()))?;
        let finality = snapshot.finality()?.ok_or_else(|| missing("the newest final block"))?;
        let head_id = snapshot.head()?.ok_or_else(|| missing("the head"))?;
        let header = snapshot.header(&head_id)?.ok_or_else(|| missing("the head's header"))?.header;
        let version = snapshot.version(&head_id)?.ok_or_else(|| missing("the head's state"))?;
        if version.root.hash != header.state_root {
            return Err(OpenError::Damaged(format!("the state of the head {head_id} is another one")));
        }
        let base = match rules.claimed_weight(&header) {
            Some(_) => None,
            None => {
                let all = weight_of_head(&database, &snapshot, &*engine, header.height)?;
                let known = tree.entry(&head_id).map_err(|error| OpenError::Damaged(error.to_string()))?;
                Some(all.saturating_sub(known.weight))
            }
        };
        Ok(Self {
            base,
            engine,
            rules,
            genesis,
            container: Container::new(&spec),
            finality,
            epoch: snapshot.open_epoch()?,
            head: Head { id: head_id, header, root: version.root },
            next_node: snapshot.next_node()?,
            arrivals: snapshot.next_arrival()?,
            pruned: snapshot.pruned()?,
            retained: retention.heights.max(Retention::MINIMUM_HEIGHTS),
            bodies_from: snapshot.bodies_from()?,
            bodies_kept: retention.bodies.map(|kept| kept.max(Retention::MINIMUM_HEIGHTS)),
            deferred: highest_waiting(&tree),
            tree,
            halted: None,
            unsynced: false,
            expected: Height(0),
            behind: WriteBehind::default(),
            leap: None,
            warm: Mutex::default(),
            database,
            spec,
        })
    }

    /// From now on blocks are not on disk when they are taken, but once [`Chain::sync`] returned: a kill before that loses the
    /// newest of them, wholly, as if they had never come. For blocks that can be had again.
    pub const fn defer_sync(&mut self) {
        self.unsynced = true;
    }

    /// A final block of this height is proven to descend from blocks that come now. States are retained from that block on, and
    /// those since the newest final one as ever; the others go as soon as they are final, or never come about ([`Chain::begin_leap`]).
    pub fn expect(&mut self, height: Height) {
        self.expected = self.expected.max(height);
    }

    /// Makes everything durable that was taken.
    ///
    /// # Errors
    /// [`BlockError`] if the disk fails; the chain then stands still.
    pub fn sync(&mut self) -> Result<(), BlockError> {
        if !std::mem::take(&mut self.unsynced) {
            return Ok(());
        }
        let synced = self.database.commit(Batch::default()).map_err(BlockError::from);
        self.halt_on_error(synced)?;
        self.write_behind()
    }

    /// As [`Chain::sync`], but on another thread, which writes all that waits at once: when it is much, or a second old. This
    /// returns before.
    /// Of that thread there is one, so nothing overtakes what was taken earlier.
    ///
    /// # Errors
    /// [`BlockError`] if something that was left to it before could not be written; the chain then stands still.
    pub fn sync_behind(&mut self) -> Result<(), BlockError> {
        if !std::mem::take(&mut self.unsynced) {
            return Ok(());
        }
        let asked = self.behind.write(&self.database);
        self.halt_on_error(asked.map_err(BlockError::from))
    }

    /// Has much that waits put into its place, while more blocks come.
    pub(super) fn write_behind(&mut self) -> Result<(), BlockError> {
        if self.unsynced || self.leap.is_some() || !self.database.much_waits() {
            return Ok(());
        }
        let asked = self.behind.write(&self.database);
        self.halt_on_error(asked.map_err(BlockError::from))
    }

    /// Makes everything durable that was taken, before the node stops; nothing, if it stands still.
    ///
    /// # Errors
    /// [`BlockError`] if the disk fails; the chain then stands still.
    pub fn close(&mut self) -> Result<(), BlockError> {
        if self.halted.is_some() {
            return Ok(());
        }
        let written = self.database.commit(Batch::default()).map_err(BlockError::from);
        self.halt_on_error(written)
    }

    pub(super) fn warm(&self) -> MutexGuard<'_, Option<(BlockId, WarmState)>> {
        // What it holds is right or gone, whoever panicked.
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the state after a block for the next one, unless that would be too much.
    pub(super) fn keep_warm(&self, id: BlockId, warm: WarmState) {
        *self.warm() = Some((id, warm)).filter(|(_, warm)| warm.size() <= WARM_SIZE);
    }

    /// Writes a batch, durably unless that is deferred.
    pub(super) fn write(&self, batch: Batch) -> Result<(), StorageError> {
        if self.unsynced { self.database.commit_later(batch) } else { self.database.commit(batch) }
    }

    /// The spec.
    pub const fn spec(&self) -> &Arc<ChainSpec> {
        &self.spec
    }

    /// The engine.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// What its engine makes of blocks.
    pub fn rules(&self) -> &dyn Rules {
        &*self.rules
    }

    /// The same, to be asked elsewhere.
    pub fn shared_rules(&self) -> Arc<dyn Rules> {
        Arc::clone(&self.rules)
    }

    /// Block 0.
    pub const fn genesis(&self) -> &SealedHeader {
        &self.genesis
    }

    /// The newest block of the best branch.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// What is final.
    pub const fn finality(&self) -> &Finality {
        &self.finality
    }

    /// The database.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// The known blocks since the newest final one.
    pub const fn tree(&self) -> &BlockTree {
        &self.tree
    }

    /// What a known block weighs with all blocks before it, back to block 0; `None` if it is not known, or where headers say
    /// what branches weigh.
    pub fn weight(&self, id: &BlockId) -> Option<u128> {
        Some(self.base?.saturating_add(self.tree.entry(id).ok()?.weight))
    }

    /// Blocks that have been stored, on whatever branch: a block that was built fits as long as this stays.
    pub const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Why the chain stands still, if it does.
    pub fn halted(&self) -> Option<&str> {
        self.halted.as_deref()
    }

    /// The checkpoint of a round on the branch of `tip`: the last block before the round's first slot, with its header.
    ///
    /// # Errors
    /// [`BlockError`] when the disk cannot be read.
    pub fn checkpoint(
        &self,
        snapshot: &Snapshot,
        tip: &BlockId,
        round: Round,
    ) -> Result<(Checkpoint, Header), BlockError> {
        let first = self.engine.clock().first_slot(round);
        if let Some((id, header)) = self.tree.last_before(tip, first) {
            return Ok((Checkpoint { round, id }, header.clone()));
        }
        // Before the newest final block there is one branch only.
        let mut id = self.finality.root.id;
        loop {
            let header = self.header(snapshot, &id)?;
            if header.slot < first || header.height == Height(0) {
                return Ok((Checkpoint { round, id }, header));
            }
            id = header.parent;
        }
    }

    /// The checkpoint that is justified after a block: what a vote for a checkpoint with this block has as its source.
    pub fn justified_after(&self, snapshot: &Snapshot, header: &Header) -> Checkpoint {
        let recovered = snapshot.recovery_from(header).map(Recovery::checkpoint);
        recovered.unwrap_or_else(|| header.justified_on(&self.genesis.header.id()))
    }

    /// A stored header that must be there.
    ///
    /// # Errors
    /// [`BlockError`] when it is not, or the disk cannot be read.
    pub fn header(&self, snapshot: &Snapshot, id: &BlockId) -> Result<Header, BlockError> {
        if let Ok(entry) = self.tree.entry(id) {
            return Ok(entry.sealed.header.clone());
        }
        let header = snapshot.header(id)?;
        Ok(header.ok_or_else(|| StorageError::damaged(format!("header {id}"), "it is not stored"))?.header)
    }
}

/// The highest checkpoint that a block of the tree says is justified, if it is higher than the one adopted: on the best
/// branch it would have been adopted at once, so it waits on another one.
fn highest_waiting(tree: &BlockTree) -> Option<Checkpoint> {
    let justified = tree.headers().map(|sealed| sealed.header.justified);
    let waiting = justified
        .filter(|checkpoint| checkpoint.round > tree.justified().round && tree.entry(&checkpoint.id).is_ok());
    waiting.max_by_key(|checkpoint| (checkpoint.round, checkpoint.id))
}

/// What the head weighs: as it was noted, or what all blocks before it add up to; noted from then on.
fn weight_of_head(
    database: &Database,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    height: Height,
) -> Result<u128, OpenError> {
    if let Some(weight) = snapshot.head_weight()? {
        return Ok(weight);
    }
    let mut weight = 0_u128;
    for height in (1..=height.0).map(Height) {
        let missing = || OpenError::Damaged(format!("the header of block {height} is missing"));
        let id = snapshot.at_height(height)?.ok_or_else(missing)?;
        weight = weight.saturating_add(engine.weight(&snapshot.header(&id)?.ok_or_else(missing)?));
    }
    let mut batch = Batch::default();
    batch.head_weight(weight);
    database.commit(batch)?;
    Ok(weight)
}

/// Makes block 0 and everything that a folder of this chain starts with, in one write.
fn found(
    database: &Database,
    spec: &ChainSpec,
    rules: &dyn Rules,
    minting_keys: &[Hash],
) -> Result<(), OpenError> {
    let snapshot = database.read()?;
    let damaged = |error: &dyn std::fmt::Display| OpenError::Damaged(error.to_string());
    let (changes, effects) = genesis_state(spec, rules, snapshot.nodes()).map_err(|error| damaged(&error))?;
    let chain = spec.id();
    let tables = rules.genesis_tables();
    let sealed = genesis(&chain, changes.root.hash, tables.map_or(Hash::ZERO, Tables::commitment));
    let id = sealed.header.id();
    let (range, range_root) = HeaderRange::new(&snapshot, 0).push(&id).map_err(|error| damaged(&error))?;
    let mut batch = Batch::default();
    batch.found(&chain, spec);
    if let Some(tables) = tables {
        batch.tables(tables);
    }
    for key in minting_keys {
        batch.voting(key, &VotingRecord::default());
    }
    let block = Block { header: sealed.clone(), certificate: None, transactions: Vec::new() };
    let headers = HeaderChanges { added: vec![sealed], finalised: Some(id), ..HeaderChanges::default() };
    batch.headers(&snapshot, &headers, 0)?;
    batch.finality(&Finality::genesis(id));
    batch.body(&id, &block, &[]);
    for (node_id, node) in &changes.new_nodes {
        batch.node(*node_id, Arc::clone(node));
    }
    let version = Version {
        root: changes.root,
        first_node: NodeId::FIRST,
        next_node: changes.next_id,
        stale: Vec::new(),
        range,
        range_root,
    };
    batch.version(&id, &version);
    batch.next_node(changes.next_id);
    batch.connect(&id, Height(0), &version);
    batch.history(&effects.history);
    batch.head(&id);
    database.commit(batch)?;
    tracing::info!(chain = %chain, block = %id, accounts = spec.accounts.len(), "made a new chain");
    Ok(())
}
