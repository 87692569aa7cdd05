//! The composition root, and the handle by which everything else speaks to the node.
//!
//! A [`Node`] is cheap to clone and safe to share. Its `async` methods run off the asynchronous threads, so an
//! API may await them; making blocks never waits for them, because they read from snapshots of the disk.
//!
//! Nothing here reads a clock but [`Node::run`], a thin loop around [`Node::advance`], and [`Node::open`] is told the
//! time: tests turn the clock themselves.

mod answers;
mod config;
mod development;
mod error;
mod exchange;
mod proofs;
mod queries;
mod row;
mod snapshots;
mod submission;
mod supernodes;
mod view;
mod way;

use std::{
    collections::HashSet,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use light_client::{
    consensus::{Clock, spos::Block},
    crypto::{KnownKeys, PublicKey},
    data_format::{
        ChainId, ChainSpec, Checkpoint, Header, MAX_BLOCK_BYTES, SealedHeader, SignedTransaction, Time,
    },
    transaction::{CheckedTransaction, check_stateless},
};
use rayon::prelude::*;
use tokio::sync::{broadcast, watch};

use crate::{
    block_tree::{Accepted, BlockError, Chain, Known},
    consensus::{Minter, Rules, minter},
    network::Announcement,
    storage::{Database, Retention, Snapshot},
    transaction::{DurablePool, HeadChange, Pool},
};

pub use answers::{AnswerError, ReceiptError};
pub use config::{ChainChoice, NodeConfig};
pub use development::DevelopmentAccount;
pub use error::{FaucetError, NodeError, OpenError, SubmitError};
pub use view::{
    AccountState, BlockPosition, BlockView, Event, MintingKey, RecoveryState, Rounds, Status, SupernodeState,
    SupernodesState, TransactionState,
};

/// Events that a slow receiver may fall behind.
const EVENTS: usize = 256;
/// What the network may fall behind in telling others.
const ANNOUNCEMENTS: usize = 4_096;

/// A running node. See the [module](self).
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    spec: Arc<ChainSpec>,
    chain: ChainId,
    genesis: SealedHeader,
    clock: Clock,
    rules: Arc<dyn Rules>,
    /// The age of the newest final block from which on finality stands still.
    final_late_ms: u64,
    development: bool,
    database: Database,
    /// Taken before the pool, when both are needed.
    core: Mutex<Core>,
    pool: DurablePool,
    /// Of the senders of final blocks that were fetched.
    known_keys: KnownKeys,
    /// One faucet payment at a time, so that each gets the next nonce.
    faucet: Mutex<()>,
    published: RwLock<Published>,
    events: broadcast::Sender<Event>,
    announcements: broadcast::Sender<Announcement>,
    /// Neither mints nor votes: the network has blocks that come first.
    held: AtomicBool,
    /// Why it stands still until that is over, if it does.
    paused: RwLock<Option<String>>,
    votes_cast: AtomicU64,
    blocks_minted: AtomicU64,
    folder: Option<PathBuf>,
    /// What is here of a snapshot to start from. Taken before the core, when both are needed.
    starting: Mutex<snapshots::Starting>,
    retention: Retention,
    stopping: watch::Sender<bool>,
}

/// What writes: one thread at a time.
struct Core {
    chain: Chain,
    minter: Box<dyn Minter>,
}

/// What [`Node::status`] shows without waiting for anybody.
#[derive(Clone)]
struct Published {
    head: BlockPosition,
    final_block: BlockPosition,
    justified: Checkpoint,
    minting_keys: Vec<MintingKey>,
    recoveries: Vec<RecoveryState>,
    halted: Option<String>,
}

impl Node {
    /// Opens the data folder, makes or loads the chain and checks that it is whole. Blocks the thread.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(config: NodeConfig) -> Result<Self, OpenError> {
        let database = Database::open(config.data.as_deref(), &config.retention)?;
        Self::over(database, config)
    }

    /// As [`Node::open`], over a database that is open already.
    ///
    /// # Errors
    /// As [`Node::open`].
    pub fn over(database: Database, config: NodeConfig) -> Result<Self, OpenError> {
        let spec = Arc::new(choose_spec(&config, &database.read()?)?);
        spec.check()?;
        let development = development::is_development(&spec);
        let mut keys = config.minting_keys;
        if let Some(place) = keys.iter().position(|key| !matches!(key.public(), PublicKey::Ed25519(_))) {
            return Err(OpenError::MintingKey(place));
        }
        if matches!(config.chain, ChainChoice::Development) {
            keys.extend(crate::config::minting_keys());
        }
        let clock = Clock::new(&spec);
        let mut minter = minter(&spec, keys, config.payee, config.now)?;
        // Only who makes the keys with the chain knows that they signed nothing on it: this is the one chain whose keys are
        // made here.
        let unused =
            if matches!(config.chain, ChainChoice::Development) { minter.keys() } else { Vec::new() };
        database.load_recoveries(&config.recoveries)?;
        let mut chain = Chain::open(database.clone(), Arc::clone(&spec), &config.retention, &unused)?;
        let recovered = chain.recover().map_err(|error| match error {
            BlockError::Recovery(error) => OpenError::Recovery(error),
            BlockError::Storage(error) => OpenError::Storage(error),
            error => OpenError::Damaged(error.to_string()),
        })?;
        minter.begin(&chain).map_err(|error| OpenError::Damaged(error.to_string()))?;
        let published = publish(&chain, &*minter).map_err(|error| OpenError::Damaged(error.to_string()))?;
        let head = (chain.head().root, chain.head().header.height.next());
        let pool = DurablePool::open(database.clone(), config.pool, &spec, chain.engine().chain(), head)?;
        let starting = snapshots::Starting::of(&database)?;
        tracing::info!(
            chain = %chain.engine().chain(),
            name = %spec.name,
            height = published.head.height.0,
            final_height = published.final_block.height.0,
            minting_keys = published.minting_keys.len(),
            slot = clock.slot_at(config.now).map(|slot| slot.0),
            "opened the chain"
        );
        let node = Self(Arc::new(Inner {
            chain: *chain.engine().chain(),
            genesis: chain.genesis().clone(),
            clock,
            development,
            database,
            rules: chain.shared_rules(),
            final_late_ms: chain.engine().final_late_ms(),
            core: Mutex::new(Core { chain, minter }),
            pool,
            known_keys: KnownKeys::default(),
            faucet: Mutex::new(()),
            published: RwLock::new(published),
            events: broadcast::Sender::new(EVENTS),
            announcements: broadcast::Sender::new(ANNOUNCEMENTS),
            held: AtomicBool::new(false),
            paused: RwLock::default(),
            votes_cast: AtomicU64::default(),
            blocks_minted: AtomicU64::default(),
            folder: config.data,
            starting: Mutex::new(starting),
            retention: config.retention,
            stopping: watch::Sender::new(false),
            spec,
        }));
        {
            let core = node.core();
            let digested = node.digest(&core.chain, &*core.minter, &recovered);
            digested.map_err(|error| OpenError::Damaged(error.to_string()))?;
        }
        Ok(node)
    }

    /// Mints, votes and finalises until [`Node::shutdown`]. Run it once, as a task.
    ///
    /// # Errors
    /// [`NodeError`] if the disk failed: nothing that was acknowledged is lost, and a restart goes on.
    pub async fn run(&self) -> Result<(), NodeError> {
        let mut stopping = self.0.stopping.subscribe();
        while !*stopping.borrow_and_update() {
            let now = system_time();
            match self.blocking(move |node| node.advance(now)).await {
                Err(NodeError::Stopped) => break,
                done => done??,
            }
            let now = system_time();
            let next = self.blocking(move |node| node.core().minter.next(&node.0.clock, now)).await;
            let Ok(next) = next else { break };
            let wait = Duration::from_millis(next.ms_since(now).max(1));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                changed = stopping.changed() => if changed.is_err() { break },
            }
        }
        Ok(())
    }

    /// Does what is due at `now`: votes, and mints if a slot of this node has begun. Blocks the thread. Asking twice
    /// at the same time does nothing twice.
    ///
    /// # Errors
    /// [`NodeError`] if the disk failed.
    pub fn advance(&self, now: Time) -> Result<(), NodeError> {
        let mut core = self.core();
        if *self.0.stopping.borrow() || self.paused().is_some() {
            return Ok(());
        }
        let done = self.advance_core(&mut core, now);
        if done.is_err() {
            self.republish(&core)?;
        }
        done
    }

    fn advance_core(&self, core: &mut Core, now: Time) -> Result<(), NodeError> {
        let Core { chain, minter } = core;
        let adopted = chain.adopt_deferred(now)?;
        self.digest(chain, &**minter, &adopted)?;
        for report in minter.accusations(chain, now) {
            self.announce(Announcement::Transaction(Box::new(report)));
        }
        if self.0.held.load(Ordering::Relaxed) {
            return Ok(());
        }
        let votes = minter.vote(chain, now)?;
        if !votes.is_empty() {
            self.0.votes_cast.fetch_add(votes.len() as u64, Ordering::Relaxed);
            self.announce(Announcement::Votes(votes));
        }
        self.adopt_justified(chain, &mut **minter, now)?;
        let candidates = || self.pool().candidates(MAX_BLOCK_BYTES);
        if let Some(minted) = minter.mint(chain, now, &candidates)? {
            for (id, error) in &minted.skipped {
                tracing::debug!(transaction = %id, %error, "dropped from the pool");
                let ((), _) = self.0.pool.edit(|pool| pool.reject(id));
            }
            self.digest(chain, &**minter, &minted.accepted)?;
            if let Some(id) = &minted.accepted.id {
                self.0.blocks_minted.fetch_add(1, Ordering::Relaxed);
                self.announce_block(id)?;
            }
        }
        Ok(())
    }

    /// Takes a block of somebody else that nobody asked for, if its slot has room: see [`Node::insert_row`] for those that
    /// were fetched. Blocks the thread.
    ///
    /// # Errors
    /// [`BlockError`] with the rule that it breaks, or the fault of the disk.
    pub fn insert(&self, block: &Block, now: Time) -> Result<(), BlockError> {
        let mut core = self.core();
        core.chain.check_room(block)?;
        let inserted = self.insert_core(&mut core, block, now, &|_, signed| self.known(signed));
        self.digest_inserted(&core, &inserted?)
    }

    /// A transaction that was checked before, because it waits for a block.
    fn known(&self, signed: &SignedTransaction) -> Option<CheckedTransaction> {
        let known = self.pool().get(&signed.transaction.id(&self.0.chain)).cloned();
        // The id does not cover the signature.
        known.filter(|known| known.signed() == signed)
    }

    /// Nobody is told of it before [`Node::digest_inserted`].
    fn insert_core(
        &self,
        core: &mut Core,
        block: &Block,
        now: Time,
        known: &Known<'_>,
    ) -> Result<Accepted, BlockError> {
        if let Some(why) = self.paused() {
            return Err(BlockError::Halted(why));
        }
        let Core { chain, minter } = core;
        let parent = &block.header.header.parent;
        if *parent != chain.head().id && chain.tree().entry(parent).is_ok() {
            // Blocks may be undone, and then their transactions wait again: that they left the pool is written before.
            self.0.pool.flush()?;
        }
        let inserted = chain.insert(block, now, known);
        self.publish_halt(chain);
        let accepted = inserted?;
        if let Some(id) = &accepted.id {
            minter.saw(chain, id, block, now)?;
        }
        Ok(accepted)
    }

    /// After blocks are on disk.
    fn digest_inserted(&self, core: &Core, accepted: &Accepted) -> Result<(), BlockError> {
        let digested = self.digest(&core.chain, &*core.minter, accepted);
        digested.map_err(|error| BlockError::Halted(error.to_string()))
    }

    /// Not only when this node is due to make a block the next time.
    fn publish_halt(&self, chain: &Chain) {
        if let Some(why) = chain.halted() {
            let mut published = self.0.published.write().unwrap_or_else(PoisonError::into_inner);
            published.halted = Some(why.to_owned());
        }
    }

    /// Stops minting and waits for work in progress. The data folder is closed when the last clone of the handle is
    /// dropped.
    pub async fn shutdown(&self) {
        self.0.stopping.send_replace(true);
        let ended = self.blocking_always(|node| (node.core().chain.close(), node.0.pool.flush()));
        match ended.await {
            Ok((closed, flushed)) => {
                if let Err(error) = closed {
                    tracing::warn!(%error, "could not write the newest blocks: they will be fetched again");
                }
                if let Err(error) = flushed {
                    tracing::warn!(%error, "could not write what left the pool");
                }
            }
            Err(error) => tracing::warn!(%error, "could not wait for the work in progress"),
        }
        tracing::info!("stopped");
    }

    /// Stands still for a reason, or goes on with `None`: it neither mints, votes, nor takes blocks or transactions, and so
    /// writes nothing; it answers what it is asked.
    pub fn pause(&self, why: Option<String>) {
        *self.0.paused.write().unwrap_or_else(PoisonError::into_inner) = why;
    }

    fn paused(&self) -> Option<String> {
        self.0.paused.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The chain's spec.
    pub fn spec(&self) -> &Arc<ChainSpec> {
        &self.0.spec
    }

    /// The chain's id.
    pub fn chain(&self) -> ChainId {
        self.0.chain
    }

    /// The folder it keeps its chain in, if it keeps it.
    pub fn folder(&self) -> Option<&Path> {
        self.0.folder.as_deref()
    }

    /// Block 0.
    pub fn genesis(&self) -> &SealedHeader {
        &self.0.genesis
    }

    /// The events from now on. A receiver that falls more than 256 events behind is told so and skips.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// How node and chain are doing. Does not block.
    pub fn status(&self) -> Status {
        let published = self.0.published.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (pool_transactions, pool_bytes) = {
            let pool = self.pool();
            (pool.len(), pool.bytes())
        };
        let now = system_time();
        let slot = self.0.clock.slot_at(now).unwrap_or_default();
        let rounds = Rounds { now: self.0.clock.round(slot), justified: published.justified };
        Status {
            chain: self.0.chain,
            name: self.0.spec.name.clone(),
            genesis: self.0.genesis.header.id(),
            development: self.0.development,
            head: published.head,
            final_block: published.final_block,
            final_age_ms: now.ms_since(published.final_block.time),
            final_late_ms: self.0.final_late_ms,
            // Who votes stands in tables.
            rounds: self.0.rules.genesis_tables().map(|_| rounds),
            pool_transactions,
            pool_bytes,
            minting_keys: published.minting_keys,
            recoveries: published.recoveries,
            votes_cast: self.0.votes_cast.load(Ordering::Relaxed),
            blocks_minted: self.0.blocks_minted.load(Ordering::Relaxed),
            halted: published
                .halted
                .or_else(|| self.0.pool.failed().map(|error| error.to_string()))
                .or_else(|| self.paused()),
        }
    }

    /// After a change of the chain: the pool, what is shown, and who is told.
    fn digest(&self, chain: &Chain, minter: &dyn Minter, accepted: &Accepted) -> Result<(), NodeError> {
        if !accepted.moved && accepted.finalised.is_none() && accepted.justified.is_none() {
            return Ok(());
        }
        let published = publish(chain, minter)?;
        self.update_pool(chain, accepted)?;
        *self.0.published.write().unwrap_or_else(PoisonError::into_inner) = published.clone();
        // Nobody may be listening.
        let tell = |event| drop(self.0.events.send(event));
        if accepted.moved {
            let transactions = chain.head().header.transactions_count;
            let touched = Arc::new(accepted.touched.clone());
            tell(Event::Block {
                block: published.head,
                transactions,
                touched,
                undone: accepted.undone_blocks,
            });
        }
        if let Some(checkpoint) = accepted.finalised {
            tell(Event::Final { block: published.final_block, round: checkpoint.round });
        }
        Ok(())
    }

    fn update_pool(&self, chain: &Chain, accepted: &Accepted) -> Result<(), NodeError> {
        let snapshot = self.0.database.read()?;
        let included: HashSet<_> = accepted.included.iter().collect();
        let stored: Vec<_> =
            accepted.undone.iter().map(|signed| signed.transaction.id(&self.0.chain)).collect();
        // They were in a valid block, so their signatures hold: this costs time only after a change of the branch.
        let undone: Vec<CheckedTransaction> = accepted
            .undone
            .par_iter()
            .zip(&stored)
            .filter(|(_, id)| !included.contains(id))
            .filter_map(|(signed, _)| check_stateless(signed, &self.0.spec, &self.0.chain).ok())
            .collect();
        let (touched, included) = (&accepted.touched, &accepted.included);
        let next = chain.head().header.height.next();
        let change = HeadChange { touched, included, undone, stored: &stored, next };
        Ok(self.0.pool.settle(change, &snapshot, chain.head().root)?)
    }

    fn republish(&self, core: &Core) -> Result<(), NodeError> {
        let published = publish(&core.chain, &*core.minter)?;
        *self.0.published.write().unwrap_or_else(PoisonError::into_inner) = published;
        Ok(())
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.0.core.lock().unwrap_or_else(|broken| {
            // A panic half way leaves memory behind the disk at worst: the chain notices, and stands still. What it broke off is
            // forgotten, and stands still too if that fails.
            let mut core = broken.into_inner();
            drop(core.chain.abandon_leap());
            core
        })
    }

    fn pool(&self) -> impl Deref<Target = Pool> + '_ {
        self.0.pool.read()
    }

    /// Runs work that blocks off the asynchronous threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, NodeError> {
        if *self.0.stopping.borrow() {
            return Err(NodeError::Stopped);
        }
        self.blocking_always(work).await
    }

    async fn blocking_always<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, NodeError> {
        let node = self.clone();
        tokio::task::spawn_blocking(move || work(&node)).await.map_err(|_| NodeError::Stopped)
    }

    fn position(&self, header: &Header) -> BlockPosition {
        position(&self.0.clock, header)
    }
}

fn choose_spec(config: &NodeConfig, snapshot: &Snapshot) -> Result<ChainSpec, OpenError> {
    let stored = snapshot.spec()?;
    let folder = || config.data.clone().unwrap_or_default();
    match (&config.chain, stored) {
        (ChainChoice::Spec(spec), None) => Ok((**spec).clone()),
        (ChainChoice::Spec(spec), Some(stored)) if **spec == stored => Ok(stored),
        (ChainChoice::Spec(spec), Some(stored)) => {
            Err(OpenError::OtherChain { folder: folder(), found: stored.id(), expected: spec.id() })
        }
        (ChainChoice::Development, None) => Ok(crate::config::development_spec(config.now)),
        (ChainChoice::Development, Some(stored)) if development::is_development(&stored) => Ok(stored),
        (ChainChoice::Development, Some(stored)) => {
            Err(OpenError::NotDevelopment { folder: folder(), chain: stored.id() })
        }
    }
}

fn publish(chain: &Chain, minter: &dyn Minter) -> Result<Published, NodeError> {
    let clock = chain.engine().clock();
    let snapshot = chain.database().read()?;
    let final_header = chain.header(&snapshot, &chain.finality().root.id)?;
    Ok(Published {
        head: position(clock, &chain.head().header),
        final_block: position(clock, &final_header),
        justified: chain.finality().justified,
        minting_keys: minter.states(chain, &snapshot)?,
        recoveries: chain.recoveries(&snapshot)?.into_iter().map(Into::into).collect(),
        halted: chain.halted().map(ToOwned::to_owned),
    })
}

fn position(clock: &Clock, header: &Header) -> BlockPosition {
    BlockPosition {
        id: header.id(),
        height: header.height,
        slot: header.slot,
        time: clock.start(header.slot),
    }
}

fn system_time() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
