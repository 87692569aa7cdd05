//! Between a node and the simulated network: the one file here that knows the interfaces of the network layer.
//!
//! The machines that decide are the real ones, [`Sync`], [`Peers`] and [`RecentVotes`], over the node's own
//! [`ChainPort`]; the glue is what the host over libp2p does with them, without its queues: there is one thread.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use libp2p::{PeerId, identity::Keypair};
use light_client::{
    crypto::Hash,
    data_format::{Amount, ChainSpec, EngineSpec, GenesisAccount, ModuleName, Time, UNITS_PER_COIN, codec},
    test_support::chain::{test_address, test_spec},
};

use crate::{
    network::{
        Announcement, Ballot, Block, ChainPort, Claims, Heard,
        messages::{Bytes, Headers, Request, Response, Tip},
        peers::{self, Admission, Fault, Peers},
        protocol::{MAX_BLOCKS, MAX_HEADERS, MAX_LOCATOR, MAX_RESPONSE_BYTES, Topic},
        snapshot::SnapshotPort,
        sync::{self, Effect, RecentVotes, RequestId, Sync, Verdict},
    },
    node::Node,
};

/// How often a node asks others where they stand, as the host does.
const ASK_TIPS_MS: u64 = 15_000;
/// As the host: how long a node that is behind waits for the next block before it mints again, and how long after its
/// start.
const BEHIND_MS: u64 = 2_000;
const BEGINS_MS: u64 = 10_000;
const FIRST_GREETING_MS: u64 = 5_000;
const NEAR: u64 = 2;

/// What travels.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// The greeting, both ways in one.
    Hello(Tip),
    Gossip(Topic, Arc<Vec<u8>>),
    Ask(u64, Request),
    Answer(u64, Response),
}

/// The name of a node.
pub(super) fn peer_id(node: usize) -> PeerId {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&(node as u64).to_le_bytes());
    Keypair::ed25519_from_bytes(seed).unwrap().public().to_peer_id()
}

/// One node's half of the network.
pub(super) struct Host {
    node: Node,
    names: Arc<Vec<PeerId>>,
    claims: Arc<dyn Claims>,
    sync: Sync,
    peers: Peers,
    recent: RecentVotes,
    /// Messages of gossip that came or went: each is looked at once.
    seen: BTreeSet<[u8; 32]>,
    connected: BTreeSet<usize>,
    asked: BTreeMap<u64, Option<RequestId>>,
    next: u64,
    tip: Tip,
    held: bool,
    fetched: Time,
    started: Time,
    asked_tips: Time,
    /// What to send.
    pub(super) out: Vec<(usize, Message)>,
    /// Peers that were banned, and why.
    pub(super) banned: Vec<(usize, Fault)>,
}

impl Host {
    pub(super) fn new(node: Node, names: Arc<Vec<PeerId>>, now: Time) -> Self {
        let tip = ChainPort::tip(&node).unwrap();
        let claims = node.claims();
        // Until the first greeting, or the end of the wait for it.
        node.hold(names.len() > 1);
        Self {
            sync: Sync::new(sync::Limits::default(), Arc::clone(&claims), tip),
            claims,
            node,
            held: names.len() > 1,
            names,
            peers: Peers::new(peers::Limits::default(), 1, now),
            recent: RecentVotes::default(),
            seen: BTreeSet::new(),
            connected: BTreeSet::new(),
            asked: BTreeMap::new(),
            next: 0,
            tip,
            fetched: now,
            started: now,
            asked_tips: now,
            out: Vec::new(),
            banned: Vec::new(),
        }
    }

    pub(super) fn is_connected(&self, other: usize) -> bool {
        self.connected.contains(&other)
    }

    /// A connection is there; `false` if it is not kept.
    pub(super) fn connect(&mut self, other: usize, inbound: bool, now: Time) -> bool {
        if self.peers.connected(self.names[other], None, inbound, now).is_err() {
            return false;
        }
        self.connected.insert(other);
        self.out.push((other, Message::Hello(self.tip)));
        true
    }

    pub(super) fn disconnect(&mut self, other: usize) {
        if self.connected.remove(&other) {
            self.peers.disconnected(&self.names[other]);
            self.sync.gone(&self.names[other]);
        }
    }

    /// Whom it parted with since the last time.
    pub(super) fn take_banned(&mut self) -> Vec<(usize, Fault)> {
        std::mem::take(&mut self.banned)
    }

    pub(super) fn tick(&mut self, now: Time) {
        for peer in self.peers.silent(now) {
            self.disconnect(self.number(&peer));
        }
        self.sync.tick(now);
        self.do_effects(now);
        self.hold(now);
        if now.ms_since(self.asked_tips) > ASK_TIPS_MS {
            self.asked_tips = now;
            for other in self.greeted() {
                self.ask(other, Request::Tip, None);
            }
        }
    }

    fn hold(&mut self, now: Time) {
        let progress = self.sync.progress(now);
        let behind = progress.is_some_and(|progress| progress.target.0 > progress.at.0 + NEAR);
        let comes = now.ms_since(self.fetched) < BEHIND_MS;
        let begins = now.ms_since(self.started) < BEGINS_MS;
        let alone = self.names.len() > 1 && now.ms_since(self.started) < FIRST_GREETING_MS;
        let held = (behind && (comes || begins)) || (alone && self.sync.peers() == 0);
        if held != self.held {
            self.held = held;
            self.node.hold(held);
        }
    }

    pub(super) fn receive(&mut self, from: usize, message: Message, now: Time) {
        if !self.connected.contains(&from) {
            return;
        }
        let peer = self.names[from];
        match message {
            Message::Hello(tip) => {
                self.peers.greeted(&peer);
                self.sync.peer(peer, tip);
                self.sync.tick(now);
            }
            Message::Gossip(topic, data) => self.on_gossip(from, topic, &data, now),
            Message::Ask(id, request) => self.on_request(from, id, request, now),
            Message::Answer(id, response) => match (self.asked.remove(&id), response) {
                (Some(Some(id)), response) => self.sync.answered(id, response, now),
                (Some(None), Response::Tip(tip)) => {
                    self.sync.peer(peer, tip);
                    self.sync.tick(now);
                }
                (Some(None), Response::Busy) | (None, _) => {}
                (Some(None), _) => self.fault(from, Fault::WrongAnswer, now),
            },
        }
        self.do_effects(now);
    }

    fn on_request(&mut self, from: usize, id: u64, request: Request, now: Time) {
        let peer = self.names[from];
        let response = match self.peers.request(&peer, 0, now) {
            Admission::Take => self.served(request),
            Admission::Drop => Response::Busy,
            Admission::Wrong(fault) => return self.fault(from, fault, now),
        };
        let bytes = codec::encode(&response).len();
        let allowed = self.peers.answer(&peer, 0, bytes, now);
        self.out.push((from, Message::Answer(id, if allowed { response } else { Response::Busy })));
    }

    fn served(&self, request: Request) -> Response {
        match request {
            Request::Tip => Response::Tip(self.tip),
            Request::Headers { locator, limit } => {
                let headers = self.node.headers_after(&locator, limit.min(MAX_HEADERS) as usize).unwrap();
                Response::Headers(headers.map(Headers))
            }
            Request::Blocks { mut ids } => {
                ids.truncate(MAX_BLOCKS as usize);
                Response::Blocks(self.node.blocks(&ids, MAX_RESPONSE_BYTES - 1_024).unwrap())
            }
            Request::Finality { trusted, open } => {
                Response::Finality(self.node.prove_final(&trusted, open).unwrap().map(Bytes))
            }
            Request::AnchoredHeaders { after, anchor, limit } => {
                let limit = limit.min(MAX_HEADERS) as usize;
                Response::AnchoredHeaders(self.node.headers_to(after, &anchor, limit).unwrap())
            }
            // Nobody here starts from a snapshot.
            Request::SnapshotBase { .. } | Request::SnapshotLeaves { .. } => Response::Busy,
        }
    }

    fn on_gossip(&mut self, from: usize, topic: Topic, data: &Arc<Vec<u8>>, now: Time) {
        if !self.seen.insert(digest(topic, data)) {
            return;
        }
        match self.peers.gossip(&self.names[from], 0, topic, data.len(), now) {
            Admission::Take => {}
            Admission::Drop => return,
            Admission::Wrong(fault) => return self.fault(from, fault, now),
        }
        let relayed = match topic {
            Topic::Blocks => match codec::decode::<Block>(data, topic.max_bytes()) {
                Ok(block) => self.on_block(Some(from), &block, now),
                Err(_) => Err(Some(Fault::Garbage)),
            },
            Topic::Votes => {
                match self.node.hear(&[data.to_vec()], now).map_or(Heard::Untimely, |heard| heard[0]) {
                    Heard::Counts { round, voter } => {
                        let ballot = Ballot { round, voter, bytes: data.to_vec() };
                        if self.recent.add(ballot) { Ok(()) } else { Err(None) }
                    }
                    Heard::Garbage => Err(Some(Fault::Garbage)),
                    Heard::Forged => Err(Some(Fault::InvalidVote)),
                    Heard::NoVoice | Heard::Untimely => Err(None),
                }
            }
            Topic::Transactions => match codec::decode(data, topic.max_bytes()) {
                Ok(transaction) => match self.node.take(&transaction).unwrap() {
                    crate::network::Taken::New => Ok(()),
                    crate::network::Taken::Invalid => Err(Some(Fault::InvalidTransaction)),
                    _ => Err(None),
                },
                Err(_) => Err(Some(Fault::Garbage)),
            },
        };
        match relayed {
            Ok(()) => self.tell(Some(from), topic, data),
            Err(Some(fault)) => self.fault(from, fault, now),
            Err(None) => {}
        }
    }

    /// Gives a block to the chain. By gossip: `Ok` if it is to be relayed, else what its sender did wrong.
    fn on_block(&mut self, from: Option<usize>, block: &Block, now: Time) -> Result<(), Option<Fault>> {
        let inserted = match from {
            Some(_) => ChainPort::insert(&self.node, block, now),
            None => self.node.insert_all(std::slice::from_ref(block), now).remove(0),
        };
        let (header, id) = (&block.header.header, block.header.header.id());
        // Votes that did not fit may fit now. A disk that dies over it ends the process when it is due next.
        drop(self.node.hear(&self.recent.all(), now));
        self.tip = inserted.tip;
        self.sync.stands_at(inserted.tip);
        let Some(from) = from else {
            if inserted.verdict == Verdict::Taken {
                self.fetched = now;
            }
            self.sync.inserted(&id, inserted.verdict, now);
            return Ok(());
        };
        let stands = match inserted.verdict {
            Verdict::Taken => true,
            Verdict::Unfit => self.claims.has_begun(header, now),
            Verdict::Invalid | Verdict::Failed => false,
        };
        if let Some(tip) = inserted.stands.filter(|_| stands) {
            self.sync.peer_has(self.names[from], tip);
            self.sync.tick(now);
        }
        match inserted.verdict {
            Verdict::Taken => Ok(()),
            Verdict::Invalid => Err(Some(Fault::InvalidBlock)),
            Verdict::Unfit | Verdict::Failed => Err(None),
        }
    }

    /// What the node did is told to the others.
    pub(super) fn announce(&mut self, what: Announcement) {
        match what {
            Announcement::Block(block) => {
                let tip = ChainPort::tip(&self.node).unwrap();
                if tip.weight > self.tip.weight {
                    self.tip = tip;
                    self.sync.stands_at(tip);
                }
                self.tell(None, Topic::Blocks, &Arc::new(codec::encode(&*block)));
            }
            Announcement::Votes(votes) => {
                for vote in votes {
                    self.tell(None, Topic::Votes, &Arc::new(vote.bytes.clone()));
                    self.recent.add(vote);
                }
            }
            Announcement::Transaction(transaction) => {
                self.tell(None, Topic::Transactions, &Arc::new(codec::encode(&*transaction)));
            }
        }
    }

    fn tell(&mut self, except: Option<usize>, topic: Topic, data: &Arc<Vec<u8>>) {
        self.seen.insert(digest(topic, data));
        for other in self.greeted().into_iter().filter(|other| Some(*other) != except) {
            self.out.push((other, Message::Gossip(topic, Arc::clone(data))));
        }
    }

    fn greeted(&self) -> Vec<usize> {
        let greeted = |other: &&usize| self.peers.is_greeted(&self.names[**other]);
        self.connected.iter().filter(greeted).copied().collect()
    }

    fn ask(&mut self, other: usize, request: Request, id: Option<RequestId>) {
        self.asked.insert(self.next, id);
        self.out.push((other, Message::Ask(self.next, request)));
        self.next += 1;
    }

    fn do_effects(&mut self, now: Time) {
        loop {
            let effects = self.sync.effects();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                match effect {
                    Effect::Locate => {
                        let (tip, locator) = self.node.locator(MAX_LOCATOR as usize).unwrap();
                        self.tip = tip;
                        self.sync.located(tip, locator, now);
                    }
                    Effect::Ask { peer, id, request } => self.ask(self.number(&peer), request, Some(id)),
                    Effect::Check { peer, proof } => {
                        let shown = self.node.check_final(&proof, now).unwrap();
                        self.sync.shown(&peer, shown, now);
                    }
                    Effect::Insert { block, .. } => {
                        // What it is is told to the machine.
                        let told: Result<(), Option<Fault>> = self.on_block(None, &block, now);
                        debug_assert!(told.is_ok());
                    }
                    Effect::Fault { peer, fault } => self.fault(self.number(&peer), fault, now),
                }
            }
        }
    }

    fn fault(&mut self, other: usize, fault: Fault, now: Time) {
        if self.peers.fault(&self.names[other], fault, now).is_some() {
            self.banned.push((other, fault));
            self.disconnect(other);
        }
    }

    fn number(&self, peer: &PeerId) -> usize {
        self.names.iter().position(|name| name == peer).unwrap()
    }
}

fn digest(topic: Topic, data: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(&[topic as u8]).update(data).finalize().as_bytes()
}

/// For the trace of a run.
pub(super) fn fingerprint(message: &Message) -> Hash {
    let bytes = match message {
        Message::Hello(tip) => codec::encode(tip),
        Message::Gossip(topic, data) => digest(*topic, data).to_vec(),
        Message::Ask(id, request) => [id.to_le_bytes().to_vec(), codec::encode(request)].concat(),
        Message::Answer(id, response) => [id.to_le_bytes().to_vec(), codec::encode(response)].concat(),
    };
    Hash(*blake3::hash(&bytes).as_bytes())
}

/// Slots of a round.
pub(super) fn slots(spec: &ChainSpec) -> u64 {
    let EngineSpec::Spos(spos) = &spec.engine else { panic!("only supernodes have slots") };
    spos.slots.0.len() as u64
}

/// A chain whose slots can be taken and lost, with these balances in coins by test key.
pub(super) fn with_supernodes(slots: u64, funded: &[(u64, u64)]) -> ChainSpec {
    let account = |(key, coins): &(u64, u64)| GenesisAccount {
        address: test_address(*key),
        balance: Amount(coins * UNITS_PER_COIN),
    };
    let mut spec = test_spec(slots, funded.iter().map(account).collect());
    spec.modules = vec![ModuleName::Coin, ModuleName::Lease, ModuleName::Supernode];
    spec
}
