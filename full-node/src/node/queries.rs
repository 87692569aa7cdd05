//! What people and tools ask: answers at the head of the best branch, without proof.

use light_client::{
    data_format::{Address, Height, TransactionId},
    state::AccountRecord,
};

use super::{AccountState, BlockView, Node, NodeError, TransactionState};
use crate::{
    block_tree::Head,
    storage::{Finality, HistoryEntry, Snapshot, StorageError},
};

impl Node {
    /// An account at the head; all zeros if it is not in the state.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn account(&self, address: Address) -> Result<AccountState, NodeError> {
        self.blocking(move |node| node.account_now(address)).await?
    }

    /// What became of a transaction.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn transaction(&self, id: TransactionId) -> Result<TransactionState, NodeError> {
        self.blocking(move |node| node.transaction_now(&id)).await?
    }

    /// A block of the best branch; `None` above the head.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn block(&self, height: Height) -> Result<Option<BlockView>, NodeError> {
        self.blocking(move |node| node.block_now(height)).await?
    }

    fn account_now(&self, address: Address) -> Result<AccountState, NodeError> {
        let snapshot = self.0.database.read()?;
        let head = self.stored_head(&snapshot)?;
        let record = AccountRecord::read(&mut snapshot.state(head.root), &address)?.unwrap_or_default();
        let waiting = self.pool().next_nonce(&address).unwrap_or(0);
        let moment = self.moment(&snapshot, &head.header)?;
        Ok(AccountState {
            address,
            nonce: record.nonce,
            next_nonce: record.nonce.max(waiting),
            balance: record.balance,
            available: record.available(),
            leased_out: record.leased_out,
            leased_in: record.leased_in,
            effective: record.effective(),
            minting_average: moment.weight(&record),
            supernode: self.supernode_at(&snapshot, &head, &address)?,
            history_count: record.history_count,
            height: head.header.height,
        })
    }

    fn transaction_now(&self, id: &TransactionId) -> Result<TransactionState, NodeError> {
        let waiting = self.pool().get(id).map(|checked| checked.signed().clone());
        let snapshot = self.0.database.read()?;
        let Some(inclusion) = snapshot.inclusion(id)? else {
            return Ok(waiting.map_or(TransactionState::Unknown, TransactionState::Pending));
        };
        let header = need(snapshot.header(&inclusion.block)?, "the header of a block")?.header;
        let outcomes = snapshot.outcomes(&inclusion.block)?;
        let outcome = need(outcomes.get(inclusion.index as usize).copied(), "the outcome of a transaction")?;
        Ok(TransactionState::Included {
            block: self.position(&header),
            outcome,
            is_final: inclusion.height <= stored_finality(&snapshot)?.height,
            signed: snapshot.included(&inclusion)?,
        })
    }

    fn block_now(&self, height: Height) -> Result<Option<BlockView>, NodeError> {
        let snapshot = self.0.database.read()?;
        let from = snapshot.begins_at()?;
        if height > Height(0) && height <= from {
            return Err(NodeError::NotKept { what: format!("block {height}"), from });
        }
        let Some(id) = snapshot.at_height(height)? else { return Ok(None) };
        let header = need(snapshot.header(&id)?, "the header of a block")?;
        Ok(Some(BlockView {
            position: self.position(&header.header),
            outcomes: snapshot.outcomes(&id)?,
            is_final: height <= stored_finality(&snapshot)?.height,
            is_kept: height >= snapshot.bodies_from()?,
            header,
        }))
    }

    /// The head as the snapshot has it.
    pub(super) fn stored_head(&self, snapshot: &Snapshot) -> Result<Head, NodeError> {
        let id = need(snapshot.head()?, "the head")?;
        let header = need(snapshot.header(&id)?, "the header of the head")?.header;
        let version = need(snapshot.version(&id)?, "the state of the head")?;
        Ok(Head { id, header, root: version.root })
    }
}

pub(super) fn stored_finality(snapshot: &Snapshot) -> Result<Finality, NodeError> {
    need(snapshot.finality()?, "the newest final block")
}

/// The history records of an account with `from ≤ index < to`: all of them, or the node does not keep them.
pub(super) fn kept_history(
    snapshot: &Snapshot,
    address: &Address,
    from: u64,
    to: u64,
) -> Result<Vec<HistoryEntry>, NodeError> {
    let expected = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let records = snapshot.history(address, from, to, expected)?;
    if records.len() == expected {
        return Ok(records);
    }
    let begins = snapshot.begins_at()?;
    if begins > Height(0) {
        let what = format!("history record {from} of {address}");
        return Err(NodeError::NotKept { what, from: begins });
    }
    let found = records.len();
    Err(StorageError::damaged(format!("history of {address}"), format!("{found} of {expected} records"))
        .into())
}

/// What must be stored.
pub(super) fn need<T>(found: Option<T>, what: &str) -> Result<T, NodeError> {
    found.ok_or_else(|| StorageError::damaged(what, "it is not stored").into())
}
