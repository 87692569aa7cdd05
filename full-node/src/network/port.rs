use std::{fmt, sync::Arc};

use libp2p::PeerId;
use light_client::{
    data_format::{BlockId, ChainId, Header, Height, SealedHeader, SignedTransaction, Time},
    transaction::CheckedTransaction,
};
use tokio::sync::broadcast;

use super::{
    messages::{AnchoredHeaders, Tip},
    snapshot::SnapshotPort,
    sync::Verdict,
};
pub use crate::consensus::{Ballot, Heard};

/// A block as it travels: the network reads its header and no more.
pub type Block = light_client::consensus::spos::Block;

/// What a header says to whoever knows the rules of its chain, taken at its word. Neither disk nor lock: the machines of
/// the network ask it while they decide.
pub trait Claims: fmt::Debug + Send + Sync + 'static {
    /// From when on the block may be relayed and built on.
    fn begins(&self, header: &Header) -> Time;

    /// The greatest height that a chain can have by now; `None` if nothing bounds it.
    fn highest(&self, now: Time) -> Option<Height>;

    /// Whether the block may be relayed and built on.
    fn has_begun(&self, header: &Header, now: Time) -> bool {
        self.begins(header) <= now
    }
}

/// A chain of this process, as the network sees it. Every method may block the thread that calls it; the network
/// calls them off its own.
pub trait ChainPort: SnapshotPort {
    /// Which chain.
    fn chain(&self) -> ChainId;

    /// Its block 0.
    fn genesis(&self) -> BlockId;

    /// The peers that its network admits; `None` is everybody.
    fn admitted(&self) -> Option<Vec<PeerId>>;

    /// What its headers say.
    fn claims(&self) -> Arc<dyn Claims>;

    /// Where it stands.
    ///
    /// # Errors
    /// [`PortError`], as everywhere here, when the chain cannot answer.
    fn tip(&self) -> Result<Tip, PortError>;

    /// Where it stands, and blocks of its best branch with growing gaps: the newest first, the newest final one last.
    /// At most `limit`.
    ///
    /// # Errors
    /// [`PortError`].
    fn locator(&self, limit: usize) -> Result<(Tip, Vec<BlockId>), PortError>;

    /// At most `limit` headers of the best branch after the first block of `locator` that is on it; `None` if none is.
    ///
    /// # Errors
    /// [`PortError`].
    fn headers_after(
        &self,
        locator: &[BlockId],
        limit: usize,
    ) -> Result<Option<Vec<SealedHeader>>, PortError>;

    /// At most `limit` headers from the one after `after` on, of the branch that ends in a final block of ours, with the proof of
    /// the last; `None` if that block or the headers are not here.
    ///
    /// # Errors
    /// [`PortError`].
    fn headers_to(
        &self,
        after: Height,
        anchor: &BlockId,
        limit: usize,
    ) -> Result<Option<AnchoredHeaders>, PortError>;

    /// These blocks as they travel, as many as are known in a row and as fit into `bytes`.
    ///
    /// # Errors
    /// [`PortError`].
    fn blocks(&self, ids: &[BlockId], bytes: usize) -> Result<Vec<Vec<u8>>, PortError>;

    /// Checks a block that came by itself by every rule and stores it, if its slot has room; with words on why not.
    fn insert(&self, block: &Block, now: Time) -> Inserted;

    /// Finds out what can be known of fetched blocks before their turn comes, the signatures of their transactions above all:
    /// while those before them are inserted.
    fn check_ahead(&self, blocks: Vec<Block>, certainty: Certainty) -> Row;

    /// As [`ChainPort::insert`] for blocks that were fetched, each of which may be the next one's parent, however full their
    /// slots are; all of them, whatever becomes of the first. They are on disk when this returns, unless a kill can take back
    /// only what will be fetched again: many that are final beyond doubt.
    fn insert_all(&self, row: &Row, now: Time) -> Vec<Inserted>;

    /// Takes votes as they came; what each of them is. At most [`MAX_VOTE_BYTES`](super::protocol::MAX_VOTE_BYTES)
    /// bytes each.
    ///
    /// # Errors
    /// [`PortError`].
    fn hear(&self, votes: &[Vec<u8>], now: Time) -> Result<Vec<Heard>, PortError>;

    /// Takes a transaction into the pool; or evidence, which travels as a report without a sender.
    ///
    /// # Errors
    /// [`PortError`].
    fn take(&self, transaction: &SignedTransaction, now: Time) -> Result<Taken, PortError>;

    /// Transactions that wait for a block, the best paying first, up to this many bytes.
    fn waiting(&self, bytes: usize) -> Vec<SignedTransaction>;

    /// What this node has to tell, from now on.
    fn announcements(&self) -> broadcast::Receiver<Announcement>;

    /// While it is held a node neither mints nor votes: others have blocks that it must see first.
    fn hold(&self, held: bool);
}

/// What is known of fetched blocks before they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Nothing: that they are the chain's is the word of whoever gave their headers.
    Open,
    /// A final block of this height descends from them, as was proven: what all nodes have to agree on is decided.
    Final(Height),
}

/// Fetched blocks, each of which may be the next one's parent.
#[derive(Clone, Debug)]
pub struct Row {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// What is known of all of them.
    pub certainty: Certainty,
    /// The transactions of each block; `None` where it is not known to hold by itself, which is found out in its turn.
    pub checked: Vec<Vec<Option<CheckedTransaction>>>,
}

/// What a node tells the others.
#[derive(Clone, Debug)]
pub enum Announcement {
    /// It minted a block.
    Block(Arc<Block>),
    /// It voted.
    Votes(Vec<Ballot>),
    /// It was given a transaction, or knows evidence, as a report without a sender.
    Transaction(Box<SignedTransaction>),
}

/// What became of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inserted {
    /// In short.
    pub verdict: Verdict,
    /// In words, if it was not taken.
    pub why: String,
    /// Where the chain stands after it.
    pub tip: Tip,
    /// Where a node stands that has the block as its newest; `None` if that cannot be known here.
    pub stands: Option<Tip>,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in the pool now.
    New,
    /// It was there.
    Known,
    /// An earlier one of its sender has not come yet.
    Early,
    /// It is not wanted here and now; another node may want it.
    Unwanted,
    /// No state would make it valid.
    Invalid,
}

/// Why a chain does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain cannot answer: {0}")]
pub struct PortError(pub String);
