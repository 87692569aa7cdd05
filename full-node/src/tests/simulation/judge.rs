//! What must hold in every run, whatever happens to nodes and lines.

use std::collections::{BTreeMap, BTreeSet};

use light_client::{
    consensus::spos::{Vote, VotingRecord},
    crypto::Hash,
    data_format::{BlockId, ChainId, Height, Round, SignedTransaction, Slot},
};

use crate::{network::Block, storage::Database};

/// Sees what honest nodes sign and call final.
#[derive(Default)]
pub(super) struct Judge {
    /// The final block of each height, and who said so first.
    finals: BTreeMap<u64, (BlockId, usize)>,
    /// How far each node's final chain was looked at.
    seen: BTreeMap<usize, Height>,
    votes: BTreeMap<Hash, Vec<Vote>>,
    minted: BTreeMap<(usize, Slot), BlockId>,
    /// The newest round that each node told a vote for, and the newest slot that it told a block of.
    told: BTreeMap<usize, (Round, Slot)>,
    /// Two conflicting final blocks, and the nodes that say so: for runs with too many hostile slots.
    pub(super) conflict: Option<(u64, usize, usize)>,
    /// Minting keys that blocks prove to be hostile.
    pub(super) accused: BTreeSet<Hash>,
}

impl Judge {
    /// Compares what a node calls final with what others do.
    pub(super) fn check_final(&mut self, node: usize, height: Height, database: &Database) {
        let from = self.seen.get(&node).map_or(0, |seen| seen.0 + 1);
        if height.0 < from {
            return;
        }
        let snapshot = database.read().unwrap();
        for at in from..=height.0 {
            let id = snapshot.at_height(Height(at)).unwrap().unwrap();
            let (known, first) = *self.finals.entry(at).or_insert((id, node));
            if known != id && self.conflict.is_none() {
                self.conflict = Some((at, first, node));
            }
        }
        self.seen.insert(node, height);
    }

    /// A node that came back may have lost nothing of what it called final.
    pub(super) fn check_kept(&self, node: usize, height: Height) {
        let seen = self.seen.get(&node).copied().unwrap_or_default();
        assert!(height >= seen, "node {node} called block {seen} final, and now only {height}");
    }

    /// A node that came back knows of what its keys signed and others were told, however it ended: or it could sign what
    /// excludes that.
    pub(super) fn check_remembered(&self, node: usize, keys: &[Hash], database: &Database) {
        let snapshot = database.read().unwrap();
        // A key without a record was erased, or signs nothing for now.
        let records: Option<Vec<VotingRecord>> =
            keys.iter().map(|key| snapshot.voting(key).unwrap()).collect();
        let (Some(records), Some((round, slot))) = (records, self.told.get(&node)) else { return };
        let voted = records.iter().any(|record| record.target >= *round);
        let minted = records.iter().any(|record| record.minted >= *slot);
        assert!(
            voted && minted,
            "node {node} told a vote for round {round} and a block of slot {slot}, and knows {records:?}"
        );
    }

    /// It was put back to an earlier state on purpose.
    pub(super) fn restored(&mut self, node: usize) {
        self.seen.remove(&node);
        self.told.remove(&node);
    }

    /// An honest key never signs two votes that exclude each other, and no vote again.
    pub(super) fn check_vote(&mut self, node: usize, vote: &Vote) {
        let (round, _) = self.told.entry(node).or_default();
        *round = vote.link.target.checkpoint.round.max(*round);
        let earlier = self.votes.entry(vote.minting_key).or_default();
        for before in earlier.iter() {
            let after = VotingRecord::default().vote(&before.link).unwrap().vote(&vote.link);
            assert!(
                after.is_ok() || before.link == vote.link,
                "an honest key signed {:?} and then {:?}: {after:?}",
                before.link,
                vote.link
            );
        }
        earlier.push(*vote);
    }

    /// An honest node makes one block in a slot.
    pub(super) fn check_minted(&mut self, node: usize, block: &Block) {
        let (slot, id) = (block.header.header.slot, block.header.header.id());
        let (_, newest) = self.told.entry(node).or_default();
        *newest = slot.max(*newest);
        let known = *self.minted.entry((node, slot)).or_insert(id);
        assert_eq!(known, id, "node {node} made two blocks in slot {slot}");
    }

    /// What a block reports is proven, whoever made it.
    pub(super) fn check_reports(&mut self, block: &Block, chain: &ChainId, slots: u64) {
        for evidence in block.transactions.iter().filter_map(SignedTransaction::unsigned_evidence) {
            let offence = evidence.verify(chain, slots).unwrap();
            self.accused.insert(offence.minting_key);
        }
    }
}
