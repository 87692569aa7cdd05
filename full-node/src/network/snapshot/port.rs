use light_client::{
    crypto::Hash,
    data_format::{BlockId, Height, Time},
};

use crate::network::{PortError, messages::Tip};

/// A block that is proven to be final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalBlock {
    /// Which.
    pub id: BlockId,
    /// Its height.
    pub height: Height,
    /// What its header commits to: all headers before it.
    pub headers_root: Hash,
}

/// What a proof of finality shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// This block is final.
    Final(FinalBlock),
    /// Nothing newer than what is trusted already.
    Nothing,
    /// It may be honest, but what is trusted is too old for it; in words.
    Unsure(String),
    /// No honest node sends this; in words.
    Lie(String),
}

/// What became of a part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taking<T> {
    /// It holds, and is stored.
    Taken(T),
    /// No honest node sends this; in words.
    Lie(String),
}

/// A snapshot of which a part is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Whose state it is.
    pub block: FinalBlock,
    /// Entries of that state.
    pub total: u64,
    /// Entries that are stored, by rank: the first and how many, apart from each other and rising.
    pub taken: Vec<(u64, u64)>,
}

/// A chain of this process as far as proofs of finality and snapshots of its state go. Proofs and parts are bytes here:
/// only the chain knows what is in them. Every method may block the thread that calls it.
pub trait SnapshotPort: Send + Sync + 'static {
    /// Proof that a block is final, from one that the asker trusts; with what it takes to know that one too, if it has to be
    /// opened. `None` if the block asked about is not one of ours.
    ///
    /// # Errors
    /// [`PortError`], as everywhere here, when the chain cannot answer.
    fn prove_final(&self, trusted: &BlockId, open: bool) -> Result<Option<Vec<u8>>, PortError>;

    /// What this node trusts, and whether whoever proves something from it has to open it: it is known by its id alone.
    ///
    /// # Errors
    /// [`PortError`].
    fn trusted(&self) -> Result<(BlockId, bool), PortError>;

    /// Checks such a proof, which may be of any length that an answer has.
    ///
    /// # Errors
    /// [`PortError`].
    fn check_final(&self, proof: &[u8], now: Time) -> Result<Shown, PortError>;

    /// What begins a snapshot of the state after a final block; `None` if that state is not kept any more.
    ///
    /// # Errors
    /// [`PortError`].
    fn snapshot_base(&self, block: &BlockId) -> Result<Option<Vec<u8>>, PortError>;

    /// Entries of that state from a rank on, proven; at most `count`, and only as many as have about `bytes`, but one at
    /// least. How many, and the proof; `None` as above.
    ///
    /// # Errors
    /// [`PortError`].
    fn snapshot_leaves(
        &self,
        block: &BlockId,
        first: u64,
        count: u32,
        bytes: usize,
    ) -> Result<Option<(u32, Vec<u8>)>, PortError>;

    /// Whether this node is to start from a snapshot, and has not.
    fn wants_snapshot(&self) -> bool;

    /// A snapshot that was begun before the process was started. One that is not gone on with is forgotten.
    ///
    /// # Errors
    /// [`PortError`].
    fn begun(&self) -> Result<Option<Begun>, PortError>;

    /// Begins a snapshot of a block that [`SnapshotPort::check_final`] showed; gives the number of entries.
    ///
    /// # Errors
    /// [`PortError`].
    fn begin(&self, block: &BlockId, base: &[u8]) -> Result<Taking<u64>, PortError>;

    /// Checks and stores entries of the snapshot begun.
    ///
    /// # Errors
    /// [`PortError`].
    fn take_leaves(&self, first: u64, count: u32, proof: &[u8]) -> Result<Taking<()>, PortError>;

    /// Makes the snapshot, of which every entry is here, the state of this node; gives where it stands then.
    ///
    /// # Errors
    /// [`PortError`].
    fn install(&self) -> Result<Tip, PortError>;

    /// Forgets what was begun. `for_good`: no other one comes, blocks do.
    ///
    /// # Errors
    /// [`PortError`].
    fn forget(&self, for_good: bool) -> Result<(), PortError>;
}
