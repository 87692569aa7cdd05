//! What is seen of nodes, and what they are given.

use light_client::{
    data_format::{BlockId, Call, Checkpoint, Evidence, Height, Round, Slot, SlotTable, Transaction, codec},
    state::AccountRecord,
    test_support::chain::{test_address, test_key},
};

use super::{
    host::Message,
    world::{SLOT_MS, World},
};
use crate::{
    check::check,
    network::{Block, protocol::Topic},
    node::Status,
    storage::Database,
    tests::harness::check_supply,
};

impl World {
    pub(super) fn status(&self, member: usize) -> Status {
        self.members[member].running.as_ref().unwrap().node.status()
    }

    pub(super) fn final_height(&self, member: usize) -> u64 {
        self.status(member).final_block.height.0
    }

    pub(super) fn head_height(&self, member: usize) -> u64 {
        self.status(member).head.height.0
    }

    /// The slots of the blocks that a node calls final.
    pub(super) fn final_slots(&self, member: usize) -> Vec<Slot> {
        let running = self.members[member].running.as_ref().unwrap();
        let snapshot = running.database.read().unwrap();
        let id = |height| snapshot.at_height(Height(height)).unwrap().unwrap();
        let slot = |height| snapshot.header(&id(height)).unwrap().unwrap().header.slot;
        (1..=self.final_height(member)).map(slot).collect()
    }

    /// The block of a height on a node's best branch.
    pub(super) fn block_at(&self, member: usize, height: u64) -> (Height, BlockId) {
        let id = self.database(member).read().unwrap().at_height(Height(height)).unwrap();
        (Height(height), id.unwrap())
    }

    /// What a node knows of keys that signed what excludes each other.
    pub(super) fn evidence(&self, member: usize) -> Vec<Evidence> {
        self.database(member).read().unwrap().evidence().unwrap()
    }

    fn database(&self, member: usize) -> &Database {
        &self.members[member].running.as_ref().unwrap().database
    }

    /// The slot table in force after a node's newest block.
    pub(super) fn table(&self, member: usize) -> SlotTable {
        let snapshot = self.database(member).read().unwrap();
        let head = snapshot.head().unwrap().unwrap();
        let header = snapshot.header(&head).unwrap().unwrap().header;
        snapshot.tables(&header.next_slots).unwrap().in_force.slots().clone()
    }

    /// The checkpoint of the round that is now, on a node's best branch.
    pub(super) fn checkpoint(&self, member: usize) -> Checkpoint {
        let snapshot = self.database(member).read().unwrap();
        let round = self.now / SLOT_MS / self.slots;
        let mut id = snapshot.head().unwrap().unwrap();
        loop {
            let header = snapshot.header(&id).unwrap().unwrap().header;
            if header.slot.0 < round * self.slots || header.height == Height(0) {
                return Checkpoint { round: Round(round), id };
            }
            id = header.parent;
        }
    }

    /// When a run has ended: on the disk of each honest node every unit is accounted for, and the whole store of the first
    /// one passes the check that operators have.
    pub(super) fn check_books(&self) {
        let running = self.honest().into_iter().filter_map(|member| self.members[member].running.as_ref());
        for (place, running) in running.enumerate() {
            check_supply(&running.database.read().unwrap(), &self.spec);
            if place == 0 {
                let report = check(&running.database, &mut |_| {}).unwrap();
                assert!(report.is_whole(), "{:?}", report.findings);
            }
        }
    }

    /// The account of a test key, as a node sees it.
    pub(super) fn account(&self, member: usize, key: u64) -> AccountRecord {
        let snapshot = self.database(member).read().unwrap();
        let head = snapshot.head().unwrap().unwrap();
        let root = snapshot.version(&head).unwrap().unwrap().root;
        AccountRecord::read(&mut snapshot.state(root), &test_address(key)).unwrap().unwrap_or_default()
    }

    /// Gives a node a transaction; whether it takes it.
    pub(super) fn submit(&mut self, member: usize, key: u64, calls: Vec<Call>) -> bool {
        let (nonce, fee) = (self.account(member, key).nonce, self.spec.minimum_fee(&calls).unwrap());
        let (sender, valid_until) = (test_key(key).public(), Height(100_000));
        let transaction = Transaction { sender, nonce, fee, valid_until, calls, memo: Vec::new() };
        let signed = transaction.sign(&self.chain, &test_key(key));
        self.members[member].running.as_ref().unwrap().node.submit_now(&signed).is_ok()
    }

    /// The header of a block that travels by gossip.
    pub(super) fn gossiped(message: &Message) -> Option<Block> {
        match message {
            Message::Gossip(Topic::Blocks, told) => codec::decode(&told.data, Topic::Blocks.max_bytes()).ok(),
            _ => None,
        }
    }
}
