//! What nodes and peers do that they must not.

use std::sync::Arc;

use light_client::data_format::{Height, codec};

use super::{
    host::Message,
    world::{FIRST_KEY, SLOT_MS, World},
};
use crate::network::{
    Announcement, Block,
    messages::{Headers, Request, Response, Tip},
    protocol::Topic,
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
}

impl Liar {
    pub(super) const ALL: [Self; 5] =
        [Self::Garbage, Self::Stalls, Self::Height, Self::Seals, Self::WrongAnswer];
}

impl World {
    /// When a block is told that its minter holds back; `None`: now.
    pub(super) fn held_back(&self, member: usize, what: &Announcement) -> Option<u64> {
        let Announcement::Block(block) = what else { return None };
        (self.members[member].manner == Manner::Withholds).then(|| {
            let round = block.header.header.slot.0 / self.slots;
            let slots = usize::try_from(self.slots).unwrap();
            let vote = light_client::consensus::spos::vote_position(slots) as u64;
            ((round + 1) * self.slots + vote) * SLOT_MS + SLOT_MS / 2
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
        let minted = slot * SLOT_MS + 1;
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
                self.send(member, other, Message::Gossip(topic, Arc::new(noise)));
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
            Message::Gossip(Topic::Blocks, data) if liar == Liar::Seals => {
                let mut block: Block = codec::decode(&data, Topic::Blocks.max_bytes()).unwrap();
                block.header.seal.0[5] ^= 1;
                let data = Arc::new(codec::encode(&block));
                for other in 0..self.members.len() {
                    if other != member {
                        self.send(member, other, Message::Gossip(Topic::Blocks, Arc::clone(&data)));
                    }
                }
            }
            _ => {}
        }
    }
}

/// Where a liar says that it stands.
fn claim(liar: Liar) -> Tip {
    match liar {
        Liar::Height | Liar::Stalls | Liar::WrongAnswer => Tip {
            head: light_client::crypto::Hash([9; 32]),
            height: Height(1 << 40),
            weight: u128::MAX,
            final_height: Height(0),
            kept_from: Height(0),
        },
        Liar::Garbage | Liar::Seals => Tip::default(),
    }
}
