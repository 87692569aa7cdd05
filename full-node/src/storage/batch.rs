use std::collections::HashMap;

use light_client::{
    consensus::spos::{Block, VotingRecord},
    crypto::Hash,
    data_format::{Address, BlockId, ChainId, ChainSpec, Evidence, Height, Outcome, TransactionId, codec},
    state::{HistoryChain, NodeId},
};

use super::{
    Batch, Effects, Finality, HistoryEntry, HistoryPart, Recovery, Space, Version, keys::*,
    records::OutcomeGroup,
};

/// What the layers above write, by its meaning.
impl Batch {
    /// Makes an empty folder the folder of a chain.
    pub fn found(&mut self, chain: &ChainId, spec: &ChainSpec) {
        self.meta(META_CHAIN, chain);
        self.meta(META_SPEC, spec);
    }

    /// Moves the head of the best branch.
    pub fn head(&mut self, id: &BlockId) {
        self.meta(META_HEAD, id);
    }

    /// Notes what the head weighs with all blocks before it.
    pub fn head_weight(&mut self, weight: u128) {
        self.meta(META_WEIGHT, &weight);
    }

    /// Notes what is final.
    pub fn finality(&mut self, finality: &Finality) {
        self.meta(META_FINALITY, finality);
    }

    /// Notes the id for the next state node.
    pub fn next_node(&mut self, id: NodeId) {
        self.meta(META_NEXT_NODE, &id);
    }

    /// Notes the height below which versions of the state are gone.
    pub fn pruned(&mut self, height: Height) {
        self.meta(META_PRUNED, &height);
    }

    /// Notes the height below which the transactions of blocks are gone.
    pub fn bodies_from(&mut self, height: Height) {
        self.meta(META_BODIES, &height);
    }

    /// Notes the height of the block from whose state the node started.
    pub fn begins_at(&mut self, height: Height) {
        self.meta(META_BEGINNING, &height);
    }

    /// Notes which minting keys were erased, all of them.
    pub fn retired_keys(&mut self, keys: &[Hash]) {
        self.meta(META_RETIRED, &keys);
    }

    /// Notes the recoveries that this chain followed.
    pub fn recoveries_done(&mut self, done: &Vec<Recovery>) {
        self.meta(META_RECOVERIES, done);
    }

    /// Keeps a block's body and outcomes.
    pub fn body(&mut self, id: &BlockId, block: &Block, outcomes: &[Outcome]) {
        self.put(Space::Bodies, *id.as_bytes(), codec::encode(&block.certificate));
        for (part, transactions) in (0..).zip(block.transactions.chunks(BODY_PART as usize)) {
            self.put(Space::Bodies, body_key(id, part), codec::encode(transactions));
        }
        self.outcomes(id, outcomes);
    }

    /// Keeps the outcomes of a block's transactions.
    pub fn outcomes(&mut self, id: &BlockId, outcomes: &[Outcome]) {
        self.put(Space::Outcomes, *id.as_bytes(), codec::encode(&OutcomeGroup::all(outcomes)));
    }

    /// Removes a block's body and outcomes.
    pub fn remove_body(&mut self, id: &BlockId, transactions: u32) {
        self.remove(Space::Bodies, *id.as_bytes());
        self.remove_transactions(id, transactions);
        self.remove(Space::Outcomes, *id.as_bytes());
    }

    /// Removes a block's transactions alone: certificate and outcomes stay, which light clients ask for however old they are.
    pub fn remove_transactions(&mut self, id: &BlockId, transactions: u32) {
        for part in 0..transactions.div_ceil(BODY_PART) {
            self.remove(Space::Bodies, body_key(id, part));
        }
    }

    /// Keeps a block's version of the state; its nodes are written apart.
    pub fn version(&mut self, id: &BlockId, version: &Version) {
        self.put(Space::Versions, *id.as_bytes(), codec::encode(version));
    }

    /// Keeps what undoing and applying a block again needs.
    pub fn effects(&mut self, id: &BlockId, effects: &Effects) {
        self.put(Space::Effects, *id.as_bytes(), codec::encode(effects));
    }

    /// Notes a block of the best branch.
    pub fn height(&mut self, height: Height, id: &BlockId) {
        self.put(Space::Heights, height.0.to_be_bytes(), *id.as_bytes());
    }

    /// Forgets a block of the best branch.
    pub fn remove_height(&mut self, height: Height) {
        self.remove(Space::Heights, height.0.to_be_bytes());
    }

    /// Adds history records in the order in which they came about. Those of an account are kept together: a record for each
    /// would cost the database an insertion for each.
    pub fn history<'a>(&mut self, records: impl IntoIterator<Item = &'a (Address, HistoryEntry)>) {
        for (key, part) in history_parts(records) {
            self.put(Space::History, key, codec::encode(&part));
        }
    }

    /// Removes history records that were added together.
    pub fn remove_history(&mut self, records: &[(Address, HistoryEntry)]) {
        for (key, _) in history_parts(records) {
            self.remove(Space::History, key);
        }
    }

    /// Notes where transactions are: at a height of the best branch, and each at its place there.
    pub fn inclusions(&mut self, height: Height, outcomes: &[Outcome]) {
        for outcome in outcomes {
            self.put(Space::Transactions, *outcome.id.as_bytes(), codec::encode(&(height, outcome.index)));
        }
    }

    /// Notes what a minting key signed.
    pub fn voting(&mut self, minting_key: &Hash, record: &VotingRecord) {
        self.put(Space::Voting, *minting_key.as_bytes(), codec::encode(record));
    }

    /// Keeps a transaction that waits for a block, as its encoding.
    pub fn waiting(&mut self, id: &TransactionId, signed: Vec<u8>) {
        self.put(Space::Waiting, *id.as_bytes(), signed);
    }

    /// Forgets a transaction that waited.
    pub fn remove_waiting(&mut self, id: &TransactionId) {
        self.remove(Space::Waiting, *id.as_bytes());
    }

    /// Keeps evidence, in place of other evidence against the same key.
    pub fn evidence(&mut self, evidence: &Evidence) {
        self.put(Space::Evidence, *evidence.accused().as_bytes(), codec::encode(evidence));
    }

    /// Forgets the evidence against a key.
    pub fn remove_evidence(&mut self, key: &Hash) {
        self.remove(Space::Evidence, *key.as_bytes());
    }

    fn meta<T: borsh::BorshSerialize>(&mut self, key: &[u8], value: &T) {
        self.put(Space::Meta, key, codec::encode(value));
    }
}

/// History records with their keys, as they are kept: those of an account in a row, oldest first.
fn history_parts<'a>(
    records: impl IntoIterator<Item = &'a (Address, HistoryEntry)>,
) -> Vec<(Vec<u8>, HistoryPart)> {
    let mut accounts: HashMap<&Address, Vec<&HistoryEntry>> = HashMap::new();
    for (address, entry) in records {
        accounts.entry(address).or_default().push(entry);
    }
    // A record between two of them may have been added apart.
    let follows = |before: &&HistoryEntry, entry: &&HistoryEntry| {
        before.record.index.checked_add(1) == Some(entry.record.index)
    };
    let mut parts = Vec::with_capacity(accounts.len());
    for (address, entries) in accounts {
        for part in entries.chunk_by(follows).flat_map(|entries| entries.chunks(HISTORY_PART)) {
            let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
            let before = HistoryChain { count: first.record.index, head: first.head_before };
            let records: Vec<_> = part.iter().map(|entry| entry.record).collect();
            parts.push((history_key(address, last.record.index), HistoryPart::new(before, &records)));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use light_client::{
        data_format::Slot,
        state::{AccountChange, AccountRecord, Asset, HistoryKind},
        test_support::chain::test_address,
    };

    use super::*;
    use crate::storage::{Database, Retention};

    #[test]
    fn history_that_is_added_in_parts_is_read_in_its_order() {
        let database = Database::open(None, &Retention::default()).unwrap();
        let (address, mut account) = (test_address(1), AccountRecord::default());
        let mut entries = Vec::new();
        for delta in 1..=100 {
            let (height, slot, transaction) = (Height(1), Slot(1), TransactionId::ZERO);
            let kind = HistoryKind::Received;
            let change = AccountChange { height, slot, transaction, kind, asset: Asset::Coin, delta };
            let head_before = account.history_head;
            let record = account.apply(&change).unwrap();
            entries.push((address, HistoryEntry { head_before, record }));
        }
        // One from between the others comes first, by itself.
        let (apart, others): (Vec<_>, Vec<_>) =
            entries.iter().partition(|(_, entry)| entry.record.index == 40);
        let mut batch = Batch::default();
        batch.history(apart);
        batch.history(others);
        database.commit(batch).unwrap();
        let snapshot = database.read().unwrap();
        let expected: Vec<HistoryEntry> = entries.iter().map(|(_, entry)| *entry).collect();
        assert_eq!(snapshot.history(&address, 0, u64::MAX, 1_000).unwrap(), expected);
        assert_eq!(snapshot.history(&address, 38, 71, 1_000).unwrap(), expected[38..71]);
        assert_eq!(snapshot.history(&address, 7, 90, 50).unwrap(), expected[7..57]);
        assert_eq!((snapshot.count_history(), snapshot.count(Space::History)), (Ok(100), Ok(5)));
    }
}
