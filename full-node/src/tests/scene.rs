//! A development chain on which supernodes come and go.

use light_client::{
    consensus::spos::{Block, Vote},
    crypto::KeyPair,
    data_format::{
        Address, Amount, Call, Checkpoint, CoinCall, Height, MintingKey, Network, Round, SlotTable, SposSpec,
        Status, SupernodeCall, Transaction, codec::encode,
    },
    state::Supernode,
    test_support::chain::test_key,
};

use super::harness::{Harness, in_slot};
use crate::{
    config::faucet_key,
    network::{Announcement, ChainPort, Heard},
    node::TransactionState,
};

pub(super) const SLOTS: u64 = 4;
/// The fee of one call.
pub(super) const FEE: Amount = Amount(10_000_000);
const COIN: u64 = 100_000_000;
/// The test key of somebody besides the four funded holders.
pub(super) const STRANGER: u64 = 77;

/// A development chain, of which one node holds all four slots.
pub(super) struct Scene {
    pub(super) harness: Harness,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self { harness: Harness::new() }
    }

    /// A chain with other rules; the keys of these slots are here.
    pub(super) fn with_rules(change: impl FnOnce(&mut SposSpec), positions: &[usize]) -> Self {
        Self { harness: Harness::with_rules(change, positions) }
    }

    pub(super) fn stranger(&self) -> Address {
        Address::of(&test_key(STRANGER).public(), Network::Test)
    }

    /// Puts calls into the next block; how they ended.
    pub(super) fn run(&mut self, key: &KeyPair, calls: Vec<Call>) -> Status {
        let sender = Address::of(&key.public(), Network::Test);
        let nonce = self.harness.record(&sender).nonce;
        let fee = self.harness.node.spec().minimum_fee(&calls).unwrap();
        let transaction = Transaction {
            sender: key.public(),
            nonce,
            fee,
            valid_until: Height(100_000),
            calls,
            memo: Vec::new(),
        };
        let signed = transaction.sign(&self.harness.node.chain(), key);
        let id = self.harness.node.submit_now(&signed).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // A slot may be vacant, or its holder may be elsewhere.
        for _ in 0..SLOTS {
            self.harness.step();
            if let TransactionState::Included { outcome, .. } =
                runtime.block_on(self.harness.node.transaction(id)).unwrap()
            {
                return outcome.status;
            }
        }
        panic!("in no block of a round")
    }

    pub(super) fn holder(&self, index: usize) -> KeyPair {
        super::harness::accounts().remove(index).key
    }

    /// The checkpoint of a round.
    pub(super) fn checkpoint(&self, round: u64) -> Checkpoint {
        let head = self.harness.head().0;
        let before =
            |height: &u64| *height == 0 || self.harness.block(*height).header.header.slot.0 < round * SLOTS;
        let height = (0..=head).rev().find(before).unwrap();
        Checkpoint { round: Round(round), id: self.harness.block(height).header.header.id() }
    }

    /// A minting key's word for the next block.
    pub(super) fn word(&self, minting: &KeyPair, address: &Address) -> MintingKey {
        let round = (self.harness.slot + 1) / SLOTS;
        self.word_of(minting, address, self.checkpoint(round))
    }

    pub(super) fn word_of(&self, minting: &KeyPair, address: &Address, checkpoint: Checkpoint) -> MintingKey {
        let nonce = self.harness.record(address).nonce;
        MintingKey::sign(minting, &self.harness.node.chain(), address, nonce, checkpoint).unwrap()
    }

    pub(super) fn contend(&self, slot: u8, minting: &KeyPair, address: &Address) -> Vec<Call> {
        let key = self.word(minting, address);
        vec![Call::Supernode(SupernodeCall::Contend { slot, commission: 500, key: key.into() })]
    }

    /// The slot tables after the newest block: in force, planned.
    pub(super) fn tables(&self) -> (SlotTable, Option<SlotTable>) {
        let header = self.harness.block(self.harness.head().0).header.header;
        let tables = self.harness.snapshot().tables(&header.next_slots).unwrap();
        (tables.in_force.slots().clone(), tables.planned.map(|planned| planned.slots().clone()))
    }

    pub(super) fn holders(&self) -> Vec<Option<Address>> {
        self.tables().0.0.iter().map(|holder| holder.map(|holder| holder.address)).collect()
    }

    /// Blocks until nothing is planned any more; how many.
    pub(super) fn settle(&mut self) -> u64 {
        (1..40)
            .find(|_| {
                self.harness.step();
                self.harness.check_state();
                self.tables().1.is_none()
            })
            .expect("the plan comes into force")
    }

    /// Gives the stranger coins of the faucet: holders stay rich.
    pub(super) fn endow(&mut self, coins: u64) {
        let call = Call::Coin(CoinCall::Transfer { to: self.stranger(), amount: Amount(coins * COIN) });
        assert_eq!(self.run(&faucet_key(), vec![call]), Status::Success);
    }
}

/// What the state holds of the supernode of a funded account.
pub(super) fn supernode(harness: &Harness, index: usize) -> Supernode {
    let snapshot = harness.snapshot();
    let head = snapshot.head().unwrap().unwrap();
    let root = snapshot.version(&head).unwrap().unwrap().root;
    Supernode::read(&mut snapshot.state(root), &harness.address(index)).unwrap().unwrap()
}

/// The blocks of one node after those that another has.
pub(super) fn follow(to: &mut Harness, from: &Harness, slot: u64) {
    // What is known already changes nothing.
    let first = to.node.status().final_block.height.0 + 1;
    let blocks: Vec<Block> = (first..=from.head().0).map(|height| from.block(height)).collect();
    to.take(&blocks, slot);
}

/// The votes that a node cast with its keys.
pub(super) fn votes(announcements: &mut tokio::sync::broadcast::Receiver<Announcement>) -> Vec<Vote> {
    std::iter::from_fn(|| announcements.try_recv().ok())
        .filter_map(|announcement| match announcement {
            Announcement::Votes(votes) => Some(votes),
            _ => None,
        })
        .flatten()
        .map(|ballot| borsh::from_slice(&ballot.bytes).unwrap())
        .collect()
}

/// A node hears votes, all of which count somewhere.
pub(super) fn hear(harness: &Harness, votes: &[Vote], slot: u64) {
    let bytes: Vec<Vec<u8>> = votes.iter().map(encode).collect();
    let heard = ChainPort::hear(&harness.node, &bytes, in_slot(slot)).unwrap();
    assert!(heard.iter().all(|heard| matches!(heard, Heard::Counts { .. })), "{heard:?}");
}
