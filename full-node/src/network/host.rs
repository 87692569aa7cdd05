use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId, Swarm,
    futures::StreamExt,
    gossipsub::TopicHash,
    identity::Keypair,
    request_response::OutboundRequestId,
    swarm::{ConnectionId, SwarmEvent, dial_opts::DialOpts},
};
use light_client::data_format::{ChainId, Time};
use tokio::sync::{mpsc, watch};

use super::{
    ChainPeers, NetworkConfig, NetworkError, NetworkStatus,
    address_book::AddressBook,
    behaviour::{Behaviour, swarm},
    codec::Incoming,
    messages::{ChainHello, Hello, Request, Tip},
    peers::{Fault, Peers},
    port::{Announcement, ChainPort},
    protocol::{PROTOCOL_VERSION, Topic},
    sync::{Effect, RequestId, Sync},
    transports,
    worker::{Done, ReadWork, Worker, system_time},
};

/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(200);
/// Peers that we want to have dialled.
const WANTED_OUTBOUND: usize = 8;
/// How long a connection stays open for a refusal to arrive.
pub(super) const PARTING_MS: u64 = 2_000;
/// How long a node that knows peers waits for the first greeting before it mints.
const FIRST_GREETING_MS: u64 = 5_000;
/// Blocks behind the network that a node may be and still mint.
const NEAR: u64 = 2;
/// How long a node that is behind waits for the next block of the others before it mints again: a claim of a longer
/// chain alone, which costs a liar nothing, must not keep it silent.
const BEHIND_MS: u64 = 2_000;
const SAVE_MS: u64 = 60_000;
const ASK_TIPS_MS: u64 = 15_000;
const LOOK_UP_MS: u64 = 60_000;
const TELL_PROGRESS_MS: u64 = 5_000;
/// Outcomes that wait for the host.
const OUTCOMES: usize = 1_024;
/// Refusals that are shown.
const REFUSALS: usize = 16;

/// One chain of the process.
pub(super) struct HostChain {
    pub(super) id: ChainId,
    pub(super) port: Arc<dyn ChainPort>,
    pub(super) worker: Worker,
    pub(super) sync: Sync,
    pub(super) tip: Tip,
    held: bool,
    /// When a fetched block was last taken.
    pub(super) fetched: Time,
    /// Greeted peers that were told what waits here.
    pub(super) told: HashSet<PeerId>,
    told_progress: Time,
}

/// A node to stay connected with.
pub(super) struct Wanted {
    pub(super) address: Multiaddr,
    pub(super) peer: Option<PeerId>,
    pub(super) dialling: Option<ConnectionId>,
    pub(super) failures: u32,
    pub(super) not_before: Time,
}

/// Owns the swarm and moves bytes between it, the chains and the two machines that decide.
pub(super) struct Host {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) chains: Vec<HostChain>,
    pub(super) topics: HashMap<TopicHash, (usize, Topic)>,
    pub(super) peers: Peers,
    pub(super) book: AddressBook,
    pub(super) wanted: Vec<Wanted>,
    /// Connections that count in `peers`.
    pub(super) kept: HashMap<ConnectionId, PeerId>,
    pub(super) dialling: HashSet<PeerId>,
    pub(super) greetings: HashMap<OutboundRequestId, PeerId>,
    pub(super) requests: HashMap<(usize, OutboundRequestId), Option<RequestId>>,
    /// Peers that go, and when.
    pub(super) parting: HashMap<PeerId, Time>,
    pub(super) banned: HashSet<PeerId>,
    pub(super) refusals: VecDeque<(PeerId, String)>,
    pub(super) bans: u64,
    done: mpsc::Receiver<(usize, Done)>,
    announced: mpsc::Receiver<(usize, Announcement)>,
    status: watch::Sender<NetworkStatus>,
    started: Time,
    saved: Time,
    asked_tips: Time,
    looked_up: Time,
}

impl Host {
    pub(super) fn new(
        key: Keypair,
        book: AddressBook,
        config: &NetworkConfig,
        ports: Vec<Arc<dyn ChainPort>>,
    ) -> Result<Self, NetworkError> {
        let now = system_time();
        let ids: Vec<ChainId> = ports.iter().map(|port| port.chain()).collect();
        let swarm = swarm(key, &ids, &config.limits).map_err(NetworkError::Start)?;
        let (done_sender, done) = mpsc::channel(OUTCOMES);
        let (announce, announced) = mpsc::channel(OUTCOMES);
        let mut chains = Vec::new();
        for (place, port) in ports.into_iter().enumerate() {
            let tip = port.tip()?;
            forward(place, &*port, announce.clone());
            // Until the first greeting, or the end of the wait for it.
            let held = !config.peers.is_empty();
            port.hold(held);
            chains.push(HostChain {
                id: ids[place],
                worker: Worker::start(place, Arc::clone(&port), done_sender.clone()),
                sync: Sync::new(config.sync, port.clock(), tip),
                port,
                tip,
                held,
                fetched: now,
                told: HashSet::new(),
                told_progress: now,
            });
        }
        let topics = ids
            .iter()
            .enumerate()
            .flat_map(|(place, chain)| Topic::ALL.map(|topic| (topic.of(chain).hash(), (place, topic))));
        let wanted = config.peers.iter().map(|address| Wanted {
            peer: super::address_book::peer_of(address),
            address: address.clone(),
            dialling: None,
            failures: 0,
            not_before: now,
        });
        let empty = NetworkStatus {
            peer: *swarm.local_peer_id(),
            listening: Vec::new(),
            connected: 0,
            chains: Vec::new(),
            refusals: Vec::new(),
            bans: 0,
        };
        Ok(Self {
            peers: Peers::new(config.limits, chains.len(), now),
            topics: topics.collect(),
            wanted: wanted.collect(),
            swarm,
            chains,
            book,
            kept: HashMap::new(),
            dialling: HashSet::new(),
            greetings: HashMap::new(),
            requests: HashMap::new(),
            parting: HashMap::new(),
            banned: HashSet::new(),
            refusals: VecDeque::new(),
            bans: 0,
            done,
            announced,
            status: watch::Sender::new(empty),
            started: now,
            saved: now,
            asked_tips: now,
            looked_up: now,
        })
    }

    /// Opens the sockets, and returns when they are open.
    pub(super) async fn listen(mut self, addresses: &[SocketAddr]) -> Result<Self, NetworkError> {
        for address in addresses {
            let failed = |cause| NetworkError::Listen { address: *address, cause };
            let mut bound = *address;
            for place in 0..2 {
                // With port 0 both get the port that TCP was given.
                let listen = transports(bound)[place].clone();
                let listener =
                    self.swarm.listen_on(listen).map_err(|error| failed(std::io::Error::other(error)))?;
                loop {
                    match self.swarm.select_next_some().await {
                        SwarmEvent::NewListenAddr { listener_id, address } if listener_id == listener => {
                            if let Some(port) = port_of(&address) {
                                bound.set_port(port);
                            }
                            break;
                        }
                        SwarmEvent::ListenerClosed { listener_id, reason, .. } if listener_id == listener => {
                            return Err(failed(
                                reason.err().unwrap_or_else(|| std::io::Error::other("closed")),
                            ));
                        }
                        // Nobody was dialled, and whoever comes so early comes again.
                        _ => {}
                    }
                }
            }
        }
        self.publish_status();
        Ok(self)
    }

    pub(super) fn status(&self) -> watch::Receiver<NetworkStatus> {
        self.status.subscribe()
    }

    /// Until `stopped` is closed.
    pub(super) async fn run(mut self, mut stopped: mpsc::Receiver<()>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                Some((chain, done)) = self.done.recv() => self.on_done(chain, done),
                Some((chain, what)) = self.announced.recv() => self.on_announcement(chain, what),
                _ = tick.tick() => self.on_tick(),
                _ = stopped.recv() => break,
            }
        }
        let Self { swarm, chains, done, announced, mut book, .. } = self;
        drop((swarm, done, announced));
        for HostChain { worker, port, .. } in chains {
            port.hold(false);
            worker.stop().await;
        }
        if let Err(error) = book.save() {
            tracing::warn!(%error, "the address book is not saved");
        }
    }

    fn on_tick(&mut self) {
        let now = system_time();
        for peer in self.peers.silent(now) {
            tracing::debug!(%peer, "it does not greet");
            self.part(peer);
        }
        let gone: Vec<PeerId> =
            self.parting.iter().filter(|(_, at)| **at <= now).map(|(peer, _)| *peer).collect();
        for peer in gone {
            self.parting.remove(&peer);
            self.part(peer);
        }
        self.forgive(now);
        self.dial(now);
        for chain in 0..self.chains.len() {
            self.chains[chain].sync.tick(now);
            self.do_effects(chain);
            self.hold(chain, now);
            self.tell_progress(chain, now);
        }
        if now.ms_since(self.asked_tips) > ASK_TIPS_MS {
            self.asked_tips = now;
            self.ask_tips();
        }
        if now.ms_since(self.looked_up) > LOOK_UP_MS {
            self.looked_up = now;
            self.look_up();
        }
        if now.ms_since(self.saved) > SAVE_MS {
            self.saved = now;
            if let Err(error) = self.book.save() {
                tracing::warn!(%error, "the address book is not saved");
            }
        }
        self.publish_status();
    }

    fn forgive(&mut self, now: Time) {
        let over: Vec<PeerId> =
            self.banned.iter().filter(|peer| self.peers.ban_of(peer, now).is_none()).copied().collect();
        for peer in over {
            self.banned.remove(&peer);
            self.swarm.behaviour_mut().banned.unblock_peer(peer);
        }
        self.peers.forget(now);
    }

    fn dial(&mut self, now: Time) {
        for place in 0..self.wanted.len() {
            let wanted = &self.wanted[place];
            let connected = wanted.peer.is_some_and(|peer| self.peers.contains(&peer));
            let own = wanted.peer.as_ref() == Some(self.swarm.local_peer_id());
            if connected || own || wanted.dialling.is_some() || wanted.not_before > now {
                continue;
            }
            let options = DialOpts::from(wanted.address.clone());
            let connection = options.connection_id();
            match self.swarm.dial(options) {
                Ok(()) => self.wanted[place].dialling = Some(connection),
                Err(error) => {
                    tracing::debug!(address = %self.wanted[place].address, %error, "not dialled");
                    self.wanted[place].fail(now);
                }
            }
        }
        let missing = WANTED_OUTBOUND.saturating_sub(self.peers.outbound() + self.dialling.len());
        let own = *self.swarm.local_peer_id();
        let candidates = self.book.candidates(missing, now, |peer| {
            *peer != own
                && !self.peers.contains(peer)
                && !self.dialling.contains(peer)
                && !self.banned.contains(peer)
        });
        for (peer, addresses) in candidates {
            let options = DialOpts::peer_id(peer).addresses(addresses).build();
            match self.swarm.dial(options) {
                Ok(()) => drop(self.dialling.insert(peer)),
                Err(_) => self.book.failed(&peer, now),
            }
        }
    }

    /// A node that is far behind, or has not met anybody yet, makes no blocks that others would have to leave.
    fn hold(&mut self, chain: usize, now: Time) {
        let alone = !self.wanted.is_empty() && now.ms_since(self.started) < FIRST_GREETING_MS;
        let chain = &mut self.chains[chain];
        let behind =
            chain.sync.progress(now).is_some_and(|progress| progress.target.0 > progress.at.0 + NEAR);
        let comes = now.ms_since(chain.fetched) < BEHIND_MS;
        let begins = now.ms_since(self.started) < 2 * FIRST_GREETING_MS;
        let held = (behind && (comes || begins)) || (alone && chain.sync.peers() == 0);
        if held != chain.held {
            chain.held = held;
            chain.port.hold(held);
        }
    }

    fn tell_progress(&mut self, chain: usize, now: Time) {
        let chain = &mut self.chains[chain];
        let Some(progress) = chain.sync.progress(now) else { return };
        if now.ms_since(chain.told_progress) > TELL_PROGRESS_MS {
            chain.told_progress = now;
            tracing::info!(chain = %chain.id, %progress, "catching up");
        }
    }

    /// Gossip can be lost; asking now and then cannot.
    fn ask_tips(&mut self) {
        for chain in 0..self.chains.len() {
            for peer in self.chains[chain].told.clone() {
                self.ask(chain, peer, Request::Tip, None);
            }
        }
    }

    pub(super) fn look_up(&mut self) {
        let mut key = vec![0; 32];
        if getrandom::fill(&mut key).is_err() {
            return;
        }
        for chain in 0..self.chains.len() {
            if let Some(lookup) = self.swarm.behaviour_mut().lookup.get_mut(chain) {
                lookup.get_closest_peers(key.clone());
            }
        }
    }

    pub(super) fn ask(&mut self, chain: usize, peer: PeerId, request: Request, id: Option<RequestId>) {
        if let Some(exchange) = self.swarm.behaviour_mut().exchange.get_mut(chain) {
            let sent = exchange.send_request(&peer, Incoming::Asked(request));
            self.requests.insert((chain, sent), id);
        }
    }

    /// Does what the machine of a chain wants done.
    pub(super) fn do_effects(&mut self, chain: usize) {
        for effect in self.chains[chain].sync.effects() {
            match effect {
                Effect::Locate => {
                    if !self.chains[chain].worker.read(ReadWork::Locate) {
                        tracing::debug!("too busy to find out where the chain stands");
                    }
                }
                Effect::Ask { peer, id, request } => self.ask(chain, peer, request, Some(id)),
                Effect::Insert { block, peer } => {
                    let id = block.header.header.id();
                    if !self.chains[chain].worker.fetched(block) {
                        tracing::warn!(%peer, %id, "a fetched block found no room");
                    }
                }
                Effect::Fault { peer, fault } => self.fault(peer, fault),
            }
        }
    }

    /// Charges a peer; bans it if that was enough.
    pub(super) fn fault(&mut self, peer: PeerId, fault: Fault) {
        let now = system_time();
        tracing::debug!(%peer, %fault, "a peer did wrong");
        if let Some(ban) = self.peers.fault(&peer, fault, now) {
            tracing::warn!(%peer, reason = %fault, seconds = ban.ms / 1_000, "a peer is banned");
            self.bans += 1;
            self.banned.insert(peer);
            self.swarm.behaviour_mut().banned.block_peer(peer);
            self.part(peer);
        }
    }

    /// Ends the connections of a peer.
    pub(super) fn part(&mut self, peer: PeerId) {
        if self.swarm.disconnect_peer_id(peer).is_err() {
            tracing::trace!(%peer, "gone already");
        }
    }

    pub(super) fn note_refusal(&mut self, peer: PeerId, words: String) {
        if self.refusals.len() >= REFUSALS {
            self.refusals.pop_front();
        }
        self.refusals.push_back((peer, words));
    }

    /// What this node says of itself.
    pub(super) fn hello(&self) -> Hello {
        let chains = self.chains.iter().map(|chain| ChainHello {
            chain: chain.id,
            genesis: chain.port.genesis(),
            tip: chain.tip,
        });
        Hello { version: PROTOCOL_VERSION, chains: chains.collect() }
    }

    pub(super) fn publish_status(&self) {
        let now = system_time();
        let status = NetworkStatus {
            peer: *self.swarm.local_peer_id(),
            listening: self.swarm.listeners().cloned().collect(),
            connected: self.peers.len(),
            chains: self
                .chains
                .iter()
                .map(|chain| ChainPeers {
                    chain: chain.id,
                    peers: chain.sync.peers(),
                    progress: chain.sync.progress(now),
                })
                .collect(),
            refusals: self.refusals.iter().cloned().collect(),
            bans: self.bans,
        };
        self.status.send_if_modified(|known| {
            let changed = *known != status;
            *known = status;
            changed
        });
    }
}

impl Wanted {
    /// It could not be reached, or refuses: later again, for ever.
    pub(super) fn fail(&mut self, now: Time) {
        const FIRST_MS: u64 = 500;
        const LONGEST_MS: u64 = 30_000;
        self.dialling = None;
        let wait = FIRST_MS.saturating_mul(1 << self.failures.min(20)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.plus_ms(wait);
    }
}

/// What a chain announces, with its number.
fn forward(place: usize, port: &dyn ChainPort, to: mpsc::Sender<(usize, Announcement)>) {
    let mut announcements = port.announcements();
    tokio::spawn(async move {
        loop {
            match announcements.recv().await {
                Ok(what) => {
                    if to.send((place, what)).await.is_err() {
                        return;
                    }
                }
                Err(tokio::sync::broadcast::error::RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "announcements are lost: the network is slower than the chain");
                }
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    });
}

fn port_of(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|part| match part {
        libp2p::multiaddr::Protocol::Tcp(port) | libp2p::multiaddr::Protocol::Udp(port) => Some(port),
        _ => None,
    })
}
