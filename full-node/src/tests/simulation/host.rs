//! Between a node and the simulated network: the one file here that knows the interfaces of the network layer.
//!
//! What decides is what decides over libp2p: the machines [`Sync`], [`Peers`] and [`RecentVotes`], the [`decisions`], and
//! [`serve`] for requests, over the node's own [`ChainPort`]. What is left here moves messages between them, without
//! queues: there is one thread.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use libp2p::{PeerId, gossipsub::MessageAcceptance, identity::Keypair};
use light_client::{
    crypto::Hash,
    data_format::{Amount, ChainSpec, EngineSpec, GenesisAccount, ModuleName, Time, UNITS_PER_COIN, codec},
    test_support::chain::{test_address, test_spec},
};

use crate::{
    network::{
        Announcement, Block, Certainty, ChainPort, Claims, Heard, Inserted,
        decisions::{self, BlockDecision, Decision, Opinion, Since, of_transaction, of_vote},
        messages::{Request, Response, Tip},
        peers::{self, Admission, Fault, Peers},
        protocol::{MAX_LOCATOR, MAX_RESPONSE_BYTES, Topic},
        reading::serve,
        snapshot::SnapshotPort,
        sync::{self, Effect, RecentVotes, RequestId, Sync, Verdict},
    },
    node::Node,
};

/// How often a node asks others where they stand, as the host does.
const ASK_TIPS_MS: u64 = 15_000;
/// How long gossip remembers a message, as over libp2p.
const REMEMBERED_MS: u64 = 120_000;

/// What travels.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// The greeting, both ways in one.
    Hello(Tip),
    Gossip(Topic, Arc<Gossip>),
    Ask(u64, Request),
    Answer(u64, Response),
}

/// What is told to everybody.
#[derive(Debug)]
pub(super) struct Gossip {
    pub(super) data: Vec<u8>,
    /// By which it is known, whoever sent it.
    digest: [u8; 32],
}

impl Gossip {
    pub(super) fn new(topic: Topic, data: Vec<u8>) -> Arc<Self> {
        let digest = *blake3::Hasher::new().update(&[topic as u8]).update(&data).finalize().as_bytes();
        Arc::new(Self { data, digest })
    }
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
    /// Messages of gossip that came or went, and when: each is looked at once.
    seen: HashMap<[u8; 32], Time>,
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
            seen: HashMap::new(),
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
            self.seen.retain(|_, at| now.ms_since(*at) < REMEMBERED_MS);
            for other in self.greeted() {
                self.ask(other, Request::Tip, None);
            }
        }
    }

    fn hold(&mut self, now: Time) {
        let since = Since { started: self.started, fetched: self.fetched };
        let held = decisions::holds(&self.sync, self.names.len() > 1, since, now);
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
            Message::Gossip(topic, told) => self.on_gossip(from, topic, &told, now),
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
            Admission::Take if request == Request::Tip => Response::Tip(self.tip),
            Admission::Take => {
                codec::decode(&serve(&self.node, request).unwrap(), MAX_RESPONSE_BYTES).unwrap()
            }
            Admission::Drop => Response::Busy,
            Admission::Wrong(fault) => return self.fault(from, fault, now),
        };
        let bytes = codec::encode(&response).len();
        let allowed = self.peers.answer(&peer, 0, bytes, now);
        self.out.push((from, Message::Answer(id, if allowed { response } else { Response::Busy })));
    }

    /// Whether a message of gossip brings it nothing.
    pub(super) fn has_seen(&self, message: &Message) -> bool {
        matches!(message, Message::Gossip(_, told) if self.seen.contains_key(&told.digest))
    }

    fn on_gossip(&mut self, from: usize, topic: Topic, told: &Arc<Gossip>, now: Time) {
        if self.seen.insert(told.digest, now).is_some() {
            return;
        }
        let data = &told.data;
        let admission = self.peers.gossip(&self.names[from], 0, topic, data.len(), now);
        let decision = match Decision::of_admission(admission) {
            Some(decision) => decision,
            None if topic == Topic::Blocks => match codec::decode::<Block>(data, topic.max_bytes()) {
                Ok(block) => self.on_block(from, &block, now),
                Err(_) => Decision::of_opinion(topic, Opinion::Garbage),
            },
            None => Decision::of_opinion(topic, self.opinion(topic, data, now)),
        };
        if matches!(decision.acceptance, MessageAcceptance::Accept) {
            self.pass_on(Some(from), topic, told);
        }
        if let Some(fault) = decision.fault {
            self.fault(from, fault, now);
        }
    }

    /// What the chain says of a vote or a transaction.
    fn opinion(&mut self, topic: Topic, data: &[u8], now: Time) -> Opinion {
        if topic == Topic::Votes {
            // As over libp2p: what cannot be counted because the disk fails is nobody's fault.
            let heard = self.node.hear(&[data.to_vec()], now).map_or(Heard::Untimely, |heard| heard[0]);
            return of_vote(heard, data.to_vec(), &mut self.recent);
        }
        match codec::decode(data, topic.max_bytes()) {
            // Nobody here sends a transaction before an earlier one of its sender arrived.
            Ok(transaction) => of_transaction(self.node.take(&transaction, now)).unwrap_or(Opinion::Ignore),
            Err(_) => Opinion::Garbage,
        }
    }

    /// A block by gossip.
    fn on_block(&mut self, from: usize, block: &Block, now: Time) -> Decision {
        let header = &block.header.header;
        let inserted = self.moved(ChainPort::insert(&self.node, block, now), now);
        let decision = BlockDecision::new(inserted.verdict, header, &*self.claims, now);
        if let Some(tip) = inserted.stands.filter(|_| decision.stands) {
            self.sync.peer_has(self.names[from], tip);
            self.sync.tick(now);
        }
        decision.message
    }

    /// A block that was asked for.
    fn on_fetched(&mut self, block: &Block, certainty: Certainty, now: Time) {
        let row = self.node.check_ahead(vec![block.clone()], certainty);
        let inserted = self.node.insert_all(&row, now).remove(0);
        let verdict = self.moved(inserted, now).verdict;
        if verdict == Verdict::Taken {
            self.fetched = now;
        }
        self.sync.inserted(&[(block.header.header.id(), verdict)], now);
    }

    /// The chain was given a block.
    fn moved(&mut self, inserted: Inserted, now: Time) -> Inserted {
        // Votes that did not fit may fit now. A disk that dies over it ends the process when it is due next.
        drop(self.node.hear(&self.recent.all(), now));
        self.tip = inserted.tip;
        self.sync.stands_at(inserted.tip);
        inserted
    }

    /// What the node did is told to the others.
    pub(super) fn announce(&mut self, what: Announcement, now: Time) {
        match what {
            Announcement::Block(block) => {
                let tip = ChainPort::tip(&self.node).unwrap();
                if tip.weight > self.tip.weight {
                    self.tip = tip;
                    self.sync.stands_at(tip);
                }
                self.publish(Topic::Blocks, codec::encode(&*block), now);
            }
            Announcement::Votes(votes) => {
                for vote in votes {
                    self.publish(Topic::Votes, vote.bytes.clone(), now);
                    self.recent.add(vote);
                }
            }
            Announcement::Transaction(transaction) => {
                self.publish(Topic::Transactions, codec::encode(&*transaction), now);
            }
        }
    }

    /// As over libp2p: nothing happens if the message is remembered, or nobody is there to tell.
    fn publish(&mut self, topic: Topic, data: Vec<u8>, now: Time) {
        let told = Gossip::new(topic, data);
        if !self.seen.contains_key(&told.digest) && !self.greeted().is_empty() {
            self.seen.insert(told.digest, now);
            self.pass_on(None, topic, &told);
        }
    }

    fn pass_on(&mut self, except: Option<usize>, topic: Topic, told: &Arc<Gossip>) {
        for other in self.greeted().into_iter().filter(|other| Some(*other) != except) {
            self.out.push((other, Message::Gossip(topic, Arc::clone(told))));
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
                    Effect::Insert { block, certainty, .. } => self.on_fetched(&block, certainty, now),
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

/// For the trace of a run.
pub(super) fn fingerprint(message: &Message) -> Hash {
    let bytes = match message {
        Message::Hello(tip) => codec::encode(tip),
        Message::Gossip(_, told) => return Hash(told.digest),
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
    if let Some(spos) = spec.engine.spos_mut() {
        spos.block_reward = Amount(36 * UNITS_PER_COIN);
        spos.genesis_commission = 1_000;
        spos.contend_fee = Amount(500 * UNITS_PER_COIN);
    }
    spec
}
