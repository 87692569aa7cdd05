//! What nodes and peers do that they must not.

use std::sync::Arc;

use light_client::{
    block_tree::MAX_PER_SLOT,
    consensus::spos::{Link, Triple, Vote, vote_position},
    crypto::{Hash, Signature},
    data_format::{Amount, Call, Checkpoint, CoinCall, Height, Round, Slot, Time, Transaction, codec},
    state::AccountRecord,
    test_support::chain::{test_address, test_key},
    transaction::check_stateless,
};

use super::{
    host::{Gossip, Message},
    world::{FIRST_KEY, SLOT_MS, World},
};
use crate::{
    block_tree::{Chain, Draft},
    network::{
        Announcement, Block, ChainPort,
        messages::{Headers, Request, Response, Tip},
        peers::Fault,
        protocol::Topic,
        sync::Verdict,
    },
    tests::harness::retention,
};

/// How a node with a key behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// By the rules.
    Honest,
    /// By the rules, but its keys are in use twice: the other one signs what it does not.
    Twin,
    /// It tells its blocks only after the next vote.
    Withholds,
    /// It does not want to know its predecessor's block before it made its own.
    IgnoresPredecessor,
    /// It seals more blocks for its slot than a node keeps that nobody builds on, and gives each neighbour others.
    FloodsSlot,
    /// It leaves the votes that it knows out of its blocks.
    WithholdsCertificate,
}

impl Manner {
    pub(super) const HOSTILE: [Self; 5] =
        [Self::Twin, Self::Withholds, Self::IgnoresPredecessor, Self::FloodsSlot, Self::WithholdsCertificate];
}

/// What a peer without a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Liar {
    /// Sends what cannot be decoded.
    Garbage,
    /// Never answers.
    Stalls,
    /// Says that it has a chain far beyond everybody's, and gives nothing.
    Height,
    /// Sends the blocks of honest nodes with other seals.
    Seals,
    /// Answers something else than was asked.
    WrongAnswer,
    /// Tells more votes than its budget allows, none of which counts or breaks a rule.
    Floods,
    /// Asks more than its budget allows.
    AsksTooMuch,
}

impl Liar {
    pub(super) const ALL: [Self; 7] = [
        Self::Garbage,
        Self::Stalls,
        Self::Height,
        Self::Seals,
        Self::WrongAnswer,
        Self::Floods,
        Self::AsksTooMuch,
    ];

    /// What it is banned for, if one fault alone can be that.
    pub(super) const fn fault(self) -> Option<Fault> {
        match self {
            Self::Garbage => Some(Fault::Garbage),
            Self::Stalls | Self::Height => None,
            Self::Seals => Some(Fault::InvalidBlock),
            Self::WrongAnswer => Some(Fault::WrongAnswer),
            Self::Floods | Self::AsksTooMuch => Some(Fault::Flood),
        }
    }
}

/// Blocks that each neighbour gets of one who floods its slot.
const FLOOD: u64 = MAX_PER_SLOT as u64 + 1;

impl World {
    /// A slot begins by a node's clock: whether it is its own and it does what it must not, instead of what is due.
    pub(super) fn misbehaves(&mut self, member: usize, slot: u64, now: Time) -> bool {
        let this = &self.members[member];
        if !matches!(this.manner, Manner::FloodsSlot | Manner::WithholdsCertificate) {
            return false;
        }
        let owner = this.keys.iter().copied().find(|key| key - FIRST_KEY == slot % self.slots);
        let (Some(owner), Some(running)) = (owner, &this.running) else { return false };
        let chain = {
            let spec = Arc::new(self.spec.clone());
            Chain::open(running.database.clone(), spec, &retention(), &[]).unwrap()
        };
        let Some(key) = minter(&chain, &this.keys, Slot(slot)) else { return false };
        let keys = [owner, key];
        match this.manner {
            Manner::FloodsSlot => {
                let others: Vec<usize> = (0..self.members.len()).filter(|other| *other != member).collect();
                let numbers = (0..FLOOD * others.len() as u64).map(Some);
                let blocks: Vec<Block> =
                    numbers.filter_map(|number| self.sealed(&chain, keys, slot, number)).collect();
                for (other, blocks) in others.into_iter().zip(blocks.chunks(FLOOD as usize)) {
                    for block in blocks {
                        let told = Gossip::new(Topic::Blocks, codec::encode(block));
                        self.send(member, other, Message::Gossip(Topic::Blocks, told));
                    }
                }
                true
            }
            Manner::WithholdsCertificate => {
                if let Some(block) = self.sealed(&chain, keys, slot, None) {
                    let inserted = ChainPort::insert(&running.node, &block, now);
                    assert_eq!(inserted.verdict, Verdict::Taken, "{}", inserted.why);
                    self.announce(member, Announcement::Block(Arc::new(block)), now);
                }
                true
            }
            Manner::Honest | Manner::Twin | Manner::Withholds | Manner::IgnoresPredecessor => false,
        }
    }

    /// A block of a slot on the head of a chain, sealed with the second key, without a certificate; with a payment of the first
    /// one by whose number it differs from others. `None` if the head is of that slot or a later one.
    fn sealed(
        &self,
        chain: &Chain,
        [payer, minter]: [u64; 2],
        slot: u64,
        number: Option<u64>,
    ) -> Option<Block> {
        let snapshot = chain.database().read().unwrap();
        let account =
            AccountRecord::read(&mut snapshot.state(chain.head().root), &test_address(payer)).unwrap();
        let (payer, minter) = (test_key(payer), test_key(minter));
        let nonce = account.unwrap_or_default().nonce;
        let payment = |number| {
            let calls =
                vec![Call::Coin(CoinCall::Transfer { to: test_address(1), amount: Amount(1 + number) })];
            let (sender, fee) = (payer.public(), self.spec.minimum_fee(&calls).unwrap());
            let transaction =
                Transaction { sender, nonce, fee, valid_until: Height(100_000), calls, memo: Vec::new() };
            check_stateless(&transaction.sign(&self.chain, &payer), &self.spec, &self.chain).unwrap()
        };
        let candidates: Vec<_> = number.map(payment).into_iter().collect();
        let built = chain.build(Slot(slot), Draft::with(None), &candidates, |message| minter.sign(message));
        built.ok().map(|(prepared, _)| prepared.block().clone())
    }

    /// When a block is told that its minter holds back; `None`: now.
    pub(super) fn held_back(&self, member: usize, what: &Announcement) -> Option<u64> {
        let Announcement::Block(block) = what else { return None };
        (self.members[member].manner == Manner::Withholds).then(|| {
            let vote = vote_position(usize::try_from(self.slots).unwrap()) as u64;
            // In the slot of the vote it is cast already.
            let round = (block.header.header.slot.0 + self.slots - vote) / self.slots;
            (round * self.slots + vote) * SLOT_MS + SLOT_MS / 2
        })
    }

    /// When a message is looked at that a node does not want to see yet; `None`: now.
    pub(super) fn unheard(&self, member: usize, message: &Message) -> Option<u64> {
        let this = &self.members[member];
        if this.manner != Manner::IgnoresPredecessor {
            return None;
        }
        let slot = World::gossiped(message)?.header.header.slot.0 + 1;
        let own = this.keys.iter().any(|key| (key - FIRST_KEY) == slot % self.slots);
        let minted = (slot * SLOT_MS + 1).saturating_add_signed(-this.drift);
        (own && self.now < minted).then_some(minted)
    }

    /// A liar's time has come.
    pub(super) fn lie(&mut self, member: usize) {
        let Some(liar) = self.members[member].liar else { return };
        let connected: Vec<usize> = (0..self.members.len())
            .filter(|other| {
                let running = self.members[*other].running.as_ref();
                running.is_some_and(|running| running.host.is_connected(member))
            })
            .collect();
        for other in connected {
            self.send(member, other, Message::Hello(claim(liar)));
            if liar == Liar::Garbage {
                let noise: Vec<u8> = (0..40).map(|_| self.random.below(256) as u8).collect();
                let topic = Topic::ALL[self.random.place(3)];
                self.send(member, other, Message::Gossip(topic, Gossip::new(topic, noise)));
            }
            for number in 0..MESSAGES {
                match liar {
                    Liar::Floods => {
                        let vote = Gossip::new(Topic::Votes, empty_vote(self.now, number));
                        self.send(member, other, Message::Gossip(Topic::Votes, vote));
                    }
                    Liar::AsksTooMuch => self.send(member, other, Message::Ask(number, Request::Tip)),
                    _ => break,
                }
            }
        }
    }

    /// A liar is told or asked something.
    pub(super) fn lie_to(&mut self, member: usize, from: usize, message: Message) {
        let Some(liar) = self.members[member].liar else { return };
        match message {
            Message::Ask(id, request) => {
                let answer = match (liar, request) {
                    (Liar::WrongAnswer, Request::Headers { .. }) => Response::Blocks(Vec::new()),
                    (Liar::WrongAnswer, _) => Response::Headers(None),
                    (Liar::Height, Request::Headers { .. }) => Response::Headers(Some(Headers(Vec::new()))),
                    (Liar::Height, Request::Blocks { .. }) => Response::Blocks(Vec::new()),
                    (Liar::Height | Liar::Seals | Liar::Garbage, Request::Tip) => Response::Tip(claim(liar)),
                    _ => return,
                };
                self.send(member, from, Message::Answer(id, answer));
            }
            Message::Gossip(Topic::Blocks, told) if liar == Liar::Seals => {
                let mut block: Block = codec::decode(&told.data, Topic::Blocks.max_bytes()).unwrap();
                block.header.seal.0[5] ^= 1;
                let told = Gossip::new(Topic::Blocks, codec::encode(&block));
                for other in 0..self.members.len() {
                    if other != member {
                        self.send(member, other, Message::Gossip(Topic::Blocks, Arc::clone(&told)));
                    }
                }
            }
            _ => {}
        }
    }
}

/// The key of these that mints in a slot on the branch of a chain's head.
fn minter(chain: &Chain, keys: &[u64], slot: Slot) -> Option<u64> {
    let snapshot = chain.database().read().unwrap();
    let clock = chain.engine().clock();
    let (_, checkpoint) = chain.checkpoint(&snapshot, &chain.head().id, clock.round(slot)).unwrap();
    let table = snapshot.tables_after(&checkpoint).unwrap().in_force;
    let (holder, _) = table.holder(clock.position(slot))?;
    keys.iter().copied().find(|key| Hash(*test_key(*key).public().as_bytes()) == holder.minting_key)
}

/// Where a liar says that it stands.
fn claim(liar: Liar) -> Tip {
    match liar {
        Liar::Height | Liar::Stalls | Liar::WrongAnswer => Tip {
            head: Hash([9; 32]),
            height: Height(1 << 40),
            weight: u128::MAX,
            final_height: Height(0),
            kept_from: Height(0),
        },
        Liar::Garbage | Liar::Seals | Liar::Floods | Liar::AsksTooMuch => Tip::default(),
    }
}

/// Messages of a flood, at once: more than the budget of any kind and what makes a ban after it.
const MESSAGES: u64 = 1_200;

/// A vote for a round long past: it changes nothing and breaks no rule.
fn empty_vote(now: u64, number: u64) -> Vec<u8> {
    let id = Hash(*blake3::hash(&[now, number].map(u64::to_le_bytes).concat()).as_bytes());
    let triple = Triple { checkpoint: Checkpoint { round: Round(0), id }, next_slots: Hash::ZERO };
    let link = Link { source: triple, target: triple };
    codec::encode(&Vote { link, minting_key: Hash::ZERO, signature: Signature([0; 64]) })
}
