use std::sync::Arc;

use light_client::{
    client::Anchor,
    consensus::{
        HeaderError,
        spos::{Block, Certificate, HandOver, Tables},
    },
    data_format::{BlockId, ChainSpec, Checkpoint, EngineSpec, Header, Height, SealedHeader, SposSpec, Time},
};

use super::{VotelessRules, spos::SposRules};
use crate::{
    block_tree::{BlockError, Chain},
    logic::{Place, Reward},
    node::OpenError,
    storage::{Database, Finality, Snapshot, StorageError},
};

/// After the slots of all blocks: whether one has begun is no question of what is stored.
pub(super) const AFTER_ALL: Time = Time(u64::MAX / 2);

/// What a consensus model asks of the blocks of a node's chain, and makes of them: with the chain at hand, where
/// [`light_client::consensus::Engine`] has headers alone.
pub trait Rules: Send + Sync {
    /// The rules of slots and stake that the state is under.
    fn stake(&self) -> &SposSpec;

    /// The slot tables that block 0 commits to.
    fn genesis_tables(&self) -> Option<&Tables>;

    /// Checks the header of a block against its branch and the time, and what its body proves.
    ///
    /// # Errors
    /// The first rule broken, or a fault of the disk.
    fn check(
        &self,
        chain: &Chain,
        snapshot: &Snapshot,
        parent: &Header,
        block: &Block,
        id: &BlockId,
        now: Time,
    ) -> Result<(), BlockError>;

    /// Checks the header of a stored block against its parent, whenever that is asked; `checkpoint` is the last header before
    /// its round.
    ///
    /// # Errors
    /// A fault of the disk; else the first rule broken.
    fn check_stored(
        &self,
        chain: &Chain,
        snapshot: &Snapshot,
        checkpoint: &Header,
        parent: &Header,
        sealed: &SealedHeader,
        id: &BlockId,
    ) -> Result<Result<(), HeaderError>, StorageError>;

    /// Where a block stands that follows `parent`, and what it earns whom. The seal of one that is being built is not
    /// made yet, but says already who is paid.
    ///
    /// # Errors
    /// The first rule broken, or a fault of the disk.
    fn place(
        &self,
        chain: &Chain,
        snapshot: &Snapshot,
        parent: &Header,
        sealed: &SealedHeader,
        certificate: Option<&Certificate>,
    ) -> Result<(Place<'_>, Option<Reward>), BlockError>;

    /// What a block says that is justified, and may be on another branch than the best one.
    fn justifies(&self, block: &Block) -> Option<Checkpoint>;

    /// The checkpoint that becomes final with a block of the tree, with what proves it.
    fn finalises<'a>(&self, chain: &Chain, block: &'a Block)
    -> Option<(Checkpoint, Option<&'a Certificate>)>;

    /// The newest block that is final by these in a row, if it is one of them and they hold.
    fn final_by(&self, row: &[Block]) -> Option<BlockId>;

    /// Whether a block of the best branch is final by the blocks up to the head alone.
    fn settles(&self, block: Height, head: Height) -> bool;

    /// What a header says its branch weighs, taken at its word: of two branches the greater is better. `None` where headers
    /// do not say it: there a branch weighs what its blocks add up to.
    fn claimed_weight(&self, header: &Header) -> Option<u128>;

    /// Whether this is the time to adopt what is justified on another branch.
    fn may_adopt(&self, chain: &Chain, now: Time) -> bool;

    /// The proof that the newest final block is final, for a light client that trusts `held`, or block 0; `None` while
    /// there is none to give.
    ///
    /// # Errors
    /// A fault of the disk.
    fn anchor(
        &self,
        snapshot: &Snapshot,
        finality: &Finality,
        held: &Header,
    ) -> Result<Option<Anchor>, BlockError>;

    /// The way from a final block, whose header is `held`, to the newest one for a light client whose trusted holders do
    /// not vouch for the newest any more.
    ///
    /// # Errors
    /// A fault of the disk.
    fn lead(&self, database: &Database, held: &Header) -> Result<Led, BlockError>;
}

/// Where a light client is led from the block it trusts.
#[derive(Clone, Debug)]
pub enum Led {
    /// To the newest final block, or as far as one answer leads.
    Over(Arc<HandOver>),
    /// There is nothing to lead to: nobody votes on this chain, or nothing became final by votes yet.
    Nowhere,
    /// The links that lead on from there are not kept here.
    Unknown,
}

/// The rules of the engine that a checked spec chooses.
///
/// # Errors
/// [`OpenError`] if the spec's slot table is none.
pub fn rules(spec: &ChainSpec) -> Result<Arc<dyn Rules>, OpenError> {
    Ok(match &spec.engine {
        EngineSpec::Spos(spos) => {
            let tables = Tables::at_genesis(spec)
                .map_err(|error| OpenError::Damaged(format!("the slot table: {error}")))?
                .ok_or_else(|| OpenError::Damaged("the spec has no slots".to_owned()))?;
            Arc::new(SposRules::new(spec, spos.clone(), tables))
        }
        EngineSpec::Instant(_) => Arc::new(VotelessRules::instant()),
        EngineSpec::ProofOfWork(rules) => Arc::new(VotelessRules::proof_of_work(rules)),
    })
}
