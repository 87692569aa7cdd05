use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    block_tree::RangeNodes,
    consensus::spos::Certificate,
    crypto::Hash,
    data_format::{Address, BlockId, Checkpoint, Height, Round},
    state::{HistoryChain, HistoryError, HistoryRecord, NodeId, Root},
};

/// A version of the state, and what it takes to forget it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Version {
    /// The state after the block.
    pub root: Root,
    /// The first node that the block added.
    pub first_node: NodeId,
    /// The node after the last one that it added.
    pub next_node: NodeId,
    /// Nodes of the parent's version that this one does not use.
    pub stale: Vec<NodeId>,
    /// What the block adds to the range of headers.
    pub range: RangeNodes,
    /// The root of that range, this block included: the `headers_root` of its children.
    pub range_root: Hash,
}

/// What a block adds to the indexes while it is on the best branch. Applying writes exactly this, undoing removes
/// exactly this.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Effects {
    /// History records with their accounts, in the order they came about.
    pub history: Vec<(Address, HistoryEntry)>,
}

/// A history record and the hash over those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HistoryEntry {
    /// The account's history head before the record.
    pub head_before: Hash,
    /// The record.
    pub record: HistoryRecord,
}

/// History records of an account in a row, as they are kept: the hashes between them follow from them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HistoryPart {
    /// The account's history head before the first record.
    pub head_before: Hash,
    /// Oldest first.
    pub records: Vec<HistoryRecord>,
}

impl HistoryPart {
    /// Each record with the hash over those before it.
    ///
    /// # Errors
    /// [`HistoryError::Index`] if they are not in a row.
    pub fn entries(&self) -> Result<Vec<HistoryEntry>, HistoryError> {
        let count = self.records.first().map_or(0, |first| first.index);
        let mut history = HistoryChain { count, head: self.head_before };
        let entry = |record: &HistoryRecord| {
            let after = history.append(record)?;
            let before = std::mem::replace(&mut history, after);
            Ok(HistoryEntry { head_before: before.head, record: *record })
        };
        self.records.iter().map(entry).collect()
    }
}

/// Where a transaction is on the best branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The block's height.
    pub height: Height,
    /// The block.
    pub block: BlockId,
    /// The transaction's place in it.
    pub index: u32,
}

/// What is final, and why.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Finality {
    /// The newest final block, as a checkpoint of its round.
    pub root: Checkpoint,
    /// Its height.
    pub height: Height,
    /// The votes that made it final; `None` for genesis.
    pub certificate: Option<Certificate>,
    /// The highest justified checkpoint.
    pub justified: Checkpoint,
}

impl Finality {
    /// Only genesis is final.
    pub fn genesis(id: BlockId) -> Self {
        let root = Checkpoint { round: Round(0), id };
        Self { root, height: Height(0), certificate: None, justified: root }
    }
}
