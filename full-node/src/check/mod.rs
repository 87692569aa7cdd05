//! The whole store of a node that does not run, verified: `vsys-node check`.
//!
//! Headers are linked, sealed by the holders of their slots, and committed by those after them; bodies are what headers
//! commit to, with every signature and certificate; the links of hand-overs hold; the indexes name exactly what is there;
//! the state of the newest block is what its header commits to, every account is the sum of its history, and all of them
//! together are the supply; who won a slot paid for it in the block that planned that, and nobody else did. Of blocks whose transactions were pruned, the rest is verified. Blocks are not executed again:
//! that the states in between were right is what their holders signed.
//!
//! **Trust and bounds.** Nothing that is stored is believed; the chain spec in the folder is believed to be the chain's,
//! and shown by its id. Memory does not grow with the chain: blocks are read one by one, histories by pages, and of what
//! is wrong only the first [`FINDINGS`] are kept. (The stake of all leases is added up in memory.) Time grows with all
//! that is stored.

mod blocks;
mod contends;
mod epochs;
mod state;

use std::sync::Arc;

use light_client::data_format::{Address, Amount, BlockId, ChainId, Height, Round, SpecError};

pub use blocks::BlockFault;
pub use epochs::EpochFault;
pub use state::{AccountFault, StateFinding};

use self::contends::Burned;
use crate::{
    block_tree::Chain,
    node::OpenError,
    storage::{Database, Retention, Snapshot, StorageError},
};

/// Findings that are kept; the others are counted.
pub const FINDINGS: usize = 100;

/// What is being looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The blocks of the best branch.
    Blocks,
    /// The state of the newest block, with the history of each account.
    State,
}

/// How far the check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being looked at.
    pub stage: Stage,
    /// How many blocks or keys were.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// Something in the store that is not as it has to be.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Finding {
    /// What the folder says it holds cannot be opened as a chain.
    #[error("the chain cannot be opened: {0}")]
    Open(String),
    /// The stored spec is no spec.
    #[error("the stored chain spec: {0}")]
    Spec(SpecError),
    /// The folder names another chain than its spec is.
    #[error("the folder names the chain {named}, and its spec is that of {found}")]
    OtherSpec {
        /// What it names.
        named: ChainId,
        /// What the spec hashes to.
        found: ChainId,
    },
    /// A block of the best branch.
    #[error("block {height}: {fault}")]
    Block {
        /// Its height.
        height: Height,
        /// What is wrong with it.
        fault: BlockFault,
    },
    /// A block of another branch.
    #[error("block {id} of another branch: {fault}")]
    Aside {
        /// Its id.
        id: BlockId,
        /// What is wrong with it.
        fault: BlockFault,
    },
    /// The newest final block.
    #[error("the newest final block: {0}")]
    Finality(BlockFault),
    /// What hand-overs are made of.
    #[error("the links from round {first} on: {fault}")]
    Epoch {
        /// The first round of their epoch.
        first: Round,
        /// What is wrong with them.
        fault: EpochFault,
    },
    /// An account.
    #[error("account {address}: {fault}")]
    Account {
        /// Which.
        address: Address,
        /// What is wrong with it.
        fault: AccountFault,
    },
    /// The state of the newest block.
    #[error("the state of the newest block: {0}")]
    State(#[from] StateFinding),
    /// The disk, or bytes on it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What the store adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The newest block.
    pub height: Height,
    /// Transactions in blocks of the best branch.
    pub transactions: u64,
    /// Blocks below this height are stored without their transactions.
    pub bodies_from: Height,
    /// Accounts that something ever happened to.
    pub accounts: u64,
    /// The sum of their balances.
    pub coins: Amount,
    /// The sum of their nonces: transactions that were paid for.
    pub nonces: u64,
    /// Transactions that wait for a block.
    pub waiting: u64,
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The chain.
    pub chain: ChainId,
    /// What the store adds up to, as far as it could be read.
    pub totals: Totals,
    /// What is wrong, in the order it was found.
    pub findings: Vec<Finding>,
    /// How much more is.
    pub more: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub const fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    fn note(&mut self, finding: impl Into<Finding>) {
        if self.findings.len() < FINDINGS {
            self.findings.push(finding.into());
        } else {
            self.more += 1;
        }
    }
}

/// The folder holds no chain at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no chain in this folder")]
pub struct NoChain;

/// Checks everything that is stored, and tells how far it is. What is wrong is in the report.
///
/// # Errors
/// [`NoChain`] if there is nothing to check.
pub fn check(database: &Database, progress: &mut dyn FnMut(Progress)) -> Result<Report, NoChain> {
    let mut report = Report::default();
    match prepare(database, &mut report) {
        Err(finding) => report.note(finding),
        Ok(None) => return Err(NoChain),
        Ok(Some((chain, snapshot))) => {
            report.totals.height = chain.head().header.height;
            match snapshot.bodies_from() {
                Ok(height) => report.totals.bodies_from = height,
                Err(error) => report.note(error),
            }
            let (report, burned) = (&mut report, Burned::default());
            Checker { chain: &chain, snapshot: &snapshot, report, burned, progress }.run();
        }
    }
    Ok(report)
}

fn prepare(database: &Database, report: &mut Report) -> Result<Option<(Chain, Snapshot)>, Finding> {
    let snapshot = database.read()?;
    let (Some(named), Some(spec)) = (snapshot.chain()?, snapshot.spec()?) else { return Ok(None) };
    report.chain = named;
    spec.check().map_err(Finding::Spec)?;
    if spec.id() != named {
        return Err(Finding::OtherSpec { named, found: spec.id() });
    }
    let chain = Chain::open(database.clone(), Arc::new(spec), &Retention::default(), &[]);
    let chain = chain.map_err(|error| match error {
        OpenError::Storage(error) => error.into(),
        error => Finding::Open(error.to_string()),
    })?;
    Ok(Some((chain, snapshot)))
}

struct Checker<'a> {
    chain: &'a Chain,
    snapshot: &'a Snapshot,
    report: &'a mut Report,
    burned: Burned,
    progress: &'a mut dyn FnMut(Progress),
}

impl Checker<'_> {
    fn run(&mut self) {
        self.check_blocks();
        self.check_branches();
        if let Err(fault) = self.check_finality() {
            self.report.note(Finding::Finality(fault));
        }
        if let Err(error) = self.check_epochs() {
            self.report.note(error);
        }
        self.check_state();
        if let Err(error) = self.check_waiting() {
            self.report.note(error);
        }
    }

    fn tell(&mut self, stage: Stage, done: u64, total: u64) {
        (self.progress)(Progress { stage, done, total });
    }
}
