use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    block_tree::RangeNodes,
    consensus::spos::Certificate,
    crypto::Hash,
    data_format::{
        Address, Amount, BlockId, Checkpoint, Height, Outcome, Round, Slot, Status, TransactionId,
    },
    state::{Asset, HistoryChain, HistoryError, HistoryKind, HistoryRecord, NodeId, Root},
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

/// History records of an account in a row, as they are kept: their indexes and the hashes between them follow, and what several
/// records have in common is there once.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HistoryPart {
    /// The account's history before the first record.
    before: HistoryChain,
    /// Oldest first.
    causes: Vec<HistoryCause>,
}

/// Records in a row of one cause.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct HistoryCause {
    height: Height,
    slot: Slot,
    transaction: TransactionId,
    /// What the records have of their own.
    changes: Vec<(HistoryKind, Asset, i64)>,
}

impl HistoryPart {
    /// These records, which come right after `before`, oldest first.
    pub fn new(before: HistoryChain, records: &[HistoryRecord]) -> Self {
        let cause = |record: &HistoryRecord| (record.height, record.slot, record.transaction);
        let causes = records.chunk_by(|one, next| cause(one) == cause(next)).filter_map(|records| {
            let (height, slot, transaction) = cause(records.first()?);
            let changes = records.iter().map(|record| (record.kind, record.asset, record.delta)).collect();
            Some(HistoryCause { height, slot, transaction, changes })
        });
        Self { before, causes: causes.collect() }
    }

    /// Number of records.
    pub fn count(&self) -> u64 {
        self.causes.iter().map(|cause| cause.changes.len() as u64).sum()
    }

    /// Each record with the hash over those before it.
    ///
    /// # Errors
    /// [`HistoryError::Full`].
    pub fn entries(&self) -> Result<Vec<HistoryEntry>, HistoryError> {
        let mut history = self.before;
        let mut entries = Vec::new();
        for HistoryCause { height, slot, transaction, changes } in &self.causes {
            let (height, slot, transaction) = (*height, *slot, *transaction);
            for &(kind, asset, delta) in changes {
                let index = history.count;
                let record = HistoryRecord { index, height, slot, transaction, kind, asset, delta };
                entries.push(HistoryEntry { head_before: history.head, record });
                history = history.append(&record)?;
            }
        }
        Ok(entries)
    }
}

/// Outcomes in a row that differ in their transaction alone, as they are kept: what they have in common is there once, and their
/// places in the block follow.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct OutcomeGroup {
    status: Status,
    fee: Amount,
    transactions: Vec<TransactionId>,
}

impl OutcomeGroup {
    /// The outcomes of a block in groups.
    pub(super) fn all(outcomes: &[Outcome]) -> Vec<Self> {
        let groups = outcomes.chunk_by(|one, next| (one.status, one.fee) == (next.status, next.fee));
        let group = |outcomes: &[Outcome]| {
            let Outcome { status, fee, .. } = *outcomes.first()?;
            Some(Self { status, fee, transactions: outcomes.iter().map(|outcome| outcome.id).collect() })
        };
        groups.filter_map(group).collect()
    }

    /// The outcomes of a block that are in these groups.
    pub(super) fn outcomes(groups: &[Self]) -> Vec<Outcome> {
        let ids = groups.iter().flat_map(|group| group.transactions.iter().map(move |id| (*id, group)));
        let outcome = |(index, (id, group)): (u32, (_, &Self))| Outcome {
            id,
            status: group.status,
            fee: group.fee,
            index,
        };
        (0..).zip(ids).map(outcome).collect()
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
