//! What is deleted: blocks of branches that finality closed, what only undoing final blocks would need, old versions of the
//! state, and the transactions of old blocks.

use light_client::{
    data_format::{BlockId, Height},
    state::NodeId,
};

use super::{BlockError, Chain, Prepared};
use crate::storage::{Batch, Finality, Snapshot, Space, Version};

/// Versions deleted with one block, at most: after a long time without finality the work is spread.
const PRUNED_AT_ONCE: u64 = 8;
/// Blocks whose transactions are deleted with one block, at most, and about how many transactions: the work is spread when
/// an operator shortens what is kept.
const BODIES_AT_ONCE: u64 = 256;
const TRANSACTIONS_AT_ONCE: u64 = 20_000;

impl Chain {
    /// Deletes blocks that do not descend from the newest final one. Nobody else uses the state nodes they added.
    pub(super) fn stage_dropped(
        &self,
        batch: &mut Batch,
        snapshot: &Snapshot,
        dropped: &[BlockId],
        prepared: Option<&Prepared>,
    ) -> Result<(), BlockError> {
        for id in dropped {
            let (version, transactions) = match prepared.filter(|prepared| prepared.id == *id) {
                Some(prepared) => (prepared.version.clone(), prepared.block.header.header.transactions_count),
                None => {
                    let header = snapshot.header(id)?.map_or(0, |sealed| sealed.header.transactions_count);
                    (self.version(snapshot, id)?, header)
                }
            };
            batch.remove_body(id, transactions);
            batch.remove(Space::Effects, *id.as_bytes());
            batch.remove_nodes(added_nodes(&version));
            batch.remove(Space::Versions, *id.as_bytes());
        }
        Ok(())
    }

    /// A final block is never undone.
    pub(super) fn stage_finalised(
        &self,
        batch: &mut Batch,
        snapshot: &Snapshot,
        finality: &Finality,
    ) -> Result<(), BlockError> {
        let mut height = finality.height;
        while height > self.finality.height {
            if let Some(id) = snapshot.at_height(height)? {
                batch.remove(Space::Effects, *id.as_bytes());
            }
            height = Height(height.0 - 1);
        }
        Ok(())
    }

    /// Deletes versions of the state that are older than what is retained and older than the newest final block; and those
    /// before a final block that is expected.
    pub(super) fn stage_pruning(
        &self,
        batch: &mut Batch,
        snapshot: &Snapshot,
        prepared: &Prepared,
        finality: &Finality,
    ) -> Result<Height, BlockError> {
        let head = prepared.block.header.header.height;
        let target = head.0.saturating_sub(self.retained).max(self.expected.0).min(finality.height.0);
        let at_once = if self.leap.is_some() { u64::MAX } else { PRUNED_AT_ONCE };
        let last = target.min(self.pruned.0.saturating_add(at_once));
        // It may be the block that is being stored.
        let at_height = |height: u64| match height {
            height if height == finality.height.0 => Ok(Some(finality.root.id)),
            height => snapshot.at_height(Height(height)),
        };
        let mut pruned = self.pruned;
        while pruned.0 < last {
            let (Some(old), Some(next)) = (at_height(pruned.0)?, at_height(pruned.0 + 1)?) else { break };
            batch.remove(Space::Versions, *old.as_bytes());
            let version =
                if next == prepared.id { Some(prepared.version.clone()) } else { snapshot.version(&next)? };
            match version {
                Some(version) => batch.remove_nodes(version.stale),
                // It was passed; the next version knows what all of them left behind.
                None if self.leap.is_some() => {}
                None => drop(self.version(snapshot, &next)?),
            }
            pruned = pruned.next();
        }
        if pruned != self.pruned {
            batch.pruned(pruned);
        }
        Ok(pruned)
    }

    /// Deletes transactions of blocks that are older than what is retained, older than the newest final block and older
    /// than every version of the state. Gives the height from which on they are kept.
    pub(super) fn stage_bodies(
        &self,
        batch: &mut Batch,
        snapshot: &Snapshot,
        head: Height,
        finality: &Finality,
        states: Height,
    ) -> Result<Height, BlockError> {
        let Some(kept) = self.bodies_kept else { return Ok(self.bodies_from) };
        let target = head.0.saturating_sub(kept).min(finality.height.0).min(states.0);
        let last = target.min(self.bodies_from.0.saturating_add(BODIES_AT_ONCE));
        let (mut height, mut deleted) = (self.bodies_from.0, 0_u64);
        while height < last && deleted < TRANSACTIONS_AT_ONCE {
            let Some(id) = snapshot.at_height(Height(height))? else { break };
            let count = self.header(snapshot, &id)?.transactions_count;
            batch.remove_transactions(&id, count);
            deleted += u64::from(count);
            height += 1;
        }
        if height != self.bodies_from.0 {
            batch.bodies_from(Height(height));
        }
        Ok(Height(height))
    }
}

fn added_nodes(version: &Version) -> impl Iterator<Item = NodeId> {
    (version.first_node.get()..version.next_node.get()).filter_map(NodeId::new)
}
