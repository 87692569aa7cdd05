use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId, Swarm,
    futures::StreamExt,
    gossipsub::TopicHash,
    identity::Keypair,
    request_response::OutboundRequestId,
    swarm::{ConnectionId, SwarmEvent},
};
use light_client::data_format::{ChainId, Time, codec};
use tokio::sync::{mpsc, watch};

use super::{
    NetworkConfig, NetworkError, NetworkStatus,
    address_book::AddressBook,
    bans::BanFile,
    behaviour::{Behaviour, swarm},
    chains::{Admitted, admits},
    codec::Incoming,
    messages::{ChainHello, Hello, Refusal, Request, Tip},
    peers::{Fault, Peers},
    port::{Announcement, ChainPort, Claims},
    protocol::{PROTOCOL_VERSION, Topic},
    reading::ReadWork,
    shown::{Remotes, Said},
    snapshot::{self, Effect as SnapshotEffect, SnapshotSync},
    sync::{Effect, RequestId, Sync},
    tending::Wanted,
    traffic::Traffic,
    transports,
    worker::{Done, Machine, SnapshotWork, Worker, system_time},
};

/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(200);
/// How long a connection stays open for a refusal to arrive.
pub(super) const PARTING_MS: u64 = 2_000;
/// Outcomes that wait for the host.
const OUTCOMES: usize = 1_024;

/// One chain of the process.
pub(super) struct HostChain {
    pub(super) id: ChainId,
    pub(super) port: Arc<dyn ChainPort>,
    pub(super) claims: Arc<dyn Claims>,
    pub(super) worker: Worker,
    pub(super) sync: Sync,
    pub(super) snapshot: SnapshotSync,
    pub(super) tip: Tip,
    pub(super) held: bool,
    /// When a fetched block was last taken.
    pub(super) fetched: Time,
    /// Greeted peers that were told what waits here.
    pub(super) told: HashSet<PeerId>,
    pub(super) told_progress: Time,
}

impl HostChain {
    /// A peer says where it stands.
    pub(super) fn peer(&mut self, peer: PeerId, tip: Tip) {
        self.sync.peer(peer, tip);
        self.snapshot.peer(peer, tip);
    }
}

/// A peer that goes.
#[derive(Clone, Debug)]
pub(super) struct Parting {
    /// When.
    pub(super) at: Time,
    /// What it is told if it greets until then; `None` if it was told.
    pub(super) refusal: Option<Refusal>,
}

/// Who asked, and under which name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asker {
    Host,
    Sync(RequestId),
    Snapshot(RequestId),
}

/// A request on its way.
pub(super) struct Sent {
    pub(super) peer: PeerId,
    pub(super) asker: Asker,
    pub(super) at: Time,
}

/// Owns the swarm and moves bytes between it, the chains and the two machines that decide.
pub(super) struct Host {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) chains: Vec<HostChain>,
    pub(super) admitted: Admitted,
    pub(super) topics: HashMap<TopicHash, (usize, Topic)>,
    pub(super) peers: Peers,
    pub(super) book: AddressBook,
    pub(super) ban_file: BanFile,
    /// Bans that are in the file, counted as in `bans`.
    pub(super) saved_bans: u64,
    pub(super) wanted: Vec<Wanted>,
    /// Connections that count in `peers`.
    pub(super) kept: HashMap<ConnectionId, PeerId>,
    /// Open connections on which the other side greeted.
    pub(super) greeted_on: HashSet<ConnectionId>,
    pub(super) dialling: HashSet<PeerId>,
    pub(super) greetings: HashMap<OutboundRequestId, PeerId>,
    pub(super) requests: HashMap<(usize, OutboundRequestId), Sent>,
    pub(super) parting: HashMap<PeerId, Parting>,
    pub(super) banned: HashSet<PeerId>,
    pub(super) refusals: VecDeque<(PeerId, String)>,
    pub(super) said: Said,
    pub(super) bans: u64,
    pub(super) remotes: Remotes,
    pub(super) traffic: Traffic,
    done: mpsc::Receiver<(usize, Done)>,
    announced: mpsc::Receiver<(usize, Told)>,
    pub(super) status: watch::Sender<NetworkStatus>,
    pub(super) started: Time,
    pub(super) saved: Time,
    pub(super) looked_after_bans: Time,
    pub(super) asked_tips: Time,
    pub(super) looked_up: Time,
    /// Somebody is here who may know others, of whom this node knows hardly any.
    pub(super) look_up_soon: bool,
    /// When every chain last had peers.
    pub(super) met: Time,
}

impl Host {
    pub(super) fn new(
        key: Keypair,
        book: AddressBook,
        ban_file: BanFile,
        config: &NetworkConfig,
        ports: Vec<Arc<dyn ChainPort>>,
    ) -> Result<Self, NetworkError> {
        let now = system_time();
        let ids: Vec<ChainId> = ports.iter().map(|port| port.chain()).collect();
        let admitted: Admitted =
            ports.iter().map(|port| port.admitted().map(HashSet::from_iter)).collect::<Vec<_>>().into();
        let mut traffic = Traffic::default();
        let mut swarm =
            swarm(key, &ids, &admitted, &config.limits, &mut traffic).map_err(NetworkError::Start)?;
        for (place, chain) in ids.iter().enumerate() {
            if !admits(&admitted, place, swarm.local_peer_id()) {
                tracing::warn!(peer = %swarm.local_peer_id(), %chain, "this closed network does not name this node: nobody in it will talk to us");
            }
        }
        let (done_sender, done) = mpsc::channel(OUTCOMES);
        let (announce, announced) = mpsc::channel(OUTCOMES);
        let mut chains = Vec::new();
        for (place, port) in ports.into_iter().enumerate() {
            let tip = port.tip()?;
            forward(place, &port, announce.clone());
            // Until the first greeting, or the end of the wait for it.
            let held = !(config.peers.is_empty() && config.bootstrap.is_empty());
            port.hold(held);
            chains.push(HostChain {
                id: ids[place],
                worker: Worker::start(place, Arc::clone(&port), done_sender.clone()),
                sync: Sync::new(config.sync, port.claims(), tip),
                snapshot: snapshot_of(&*port, config.snapshot, &tip, now)?,
                claims: port.claims(),
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
        let peers_to_keep = config.peers.iter().map(|address| (address, false));
        let ways_in = config.bootstrap.iter().map(|address| (address, true));
        let wanted = peers_to_keep.chain(ways_in).map(|(address, hint)| Wanted {
            hint,
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
            bytes_in: 0,
            bytes_out: 0,
            chains: Vec::new(),
            peers: Vec::new(),
            refusals: Vec::new(),
            bans: 0,
            banned: Vec::new(),
        };
        let mut peers = Peers::new(config.limits, chains.len(), now);
        let mut banned = HashSet::new();
        for (peer, ban) in ban_file.read() {
            if let Some(closed) = peers.restore(peer, ban, now) {
                swarm.behaviour_mut().door.close(closed.0, closed.1);
            }
            if peers.ban_of(&peer, now).is_some() {
                swarm.behaviour_mut().banned.block_peer(peer);
                banned.insert(peer);
            }
        }
        Ok(Self {
            peers,
            admitted,
            ban_file,
            saved_bans: 0,
            topics: topics.collect(),
            wanted: wanted.collect(),
            swarm,
            chains,
            book,
            kept: HashMap::new(),
            greeted_on: HashSet::new(),
            dialling: HashSet::new(),
            greetings: HashMap::new(),
            requests: HashMap::new(),
            parting: HashMap::new(),
            banned,
            refusals: VecDeque::new(),
            said: Said::default(),
            bans: 0,
            remotes: Remotes::default(),
            traffic,
            done,
            announced,
            status: watch::Sender::new(empty),
            started: now,
            saved: now,
            looked_after_bans: now,
            asked_tips: now,
            looked_up: now,
            look_up_soon: false,
            met: now,
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
                Some((chain, Told { what, tip })) = self.announced.recv() => self.on_announcement(chain, what, tip),
                _ = tick.tick() => self.on_tick(),
                _ = stopped.recv() => break,
            }
        }
        self.save();
        let Self { swarm, chains, done, announced, .. } = self;
        drop((swarm, done, announced));
        for HostChain { worker, port, .. } in chains {
            port.hold(false);
            worker.stop().await;
        }
    }

    pub(super) fn ask(&mut self, chain: usize, peer: PeerId, request: Request, asker: Asker) {
        if let Some(exchange) = self.swarm.behaviour_mut().exchange.get_mut(chain) {
            self.remotes.sent(&peer, codec::length(&request));
            let sent = exchange.send_request(&peer, Incoming::Asked(request));
            self.requests.insert((chain, sent), Sent { peer, asker, at: system_time() });
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
                Effect::Ask { peer, id, request } => self.ask(chain, peer, request, Asker::Sync(id)),
                Effect::Insert { block, peer, certainty } => {
                    let id = block.header.header.id();
                    if !self.chains[chain].worker.fetched(block, certainty) {
                        tracing::warn!(%peer, %id, "a fetched block found no room");
                    }
                }
                Effect::Check { peer, proof } => {
                    let work = SnapshotWork::Check { peer, proof, whose: Machine::Sync };
                    if !self.chains[chain].worker.snapshot(work) {
                        tracing::error!("a proof of finality found no room");
                    }
                }
                Effect::Fault { peer, fault } => self.fault(peer, fault),
            }
        }
        for effect in self.chains[chain].snapshot.effects() {
            let work = match effect {
                SnapshotEffect::Ask { peer, id, request } => {
                    self.ask(chain, peer, request, Asker::Snapshot(id));
                    continue;
                }
                SnapshotEffect::Fault { peer, fault } => {
                    self.fault(peer, fault);
                    continue;
                }
                SnapshotEffect::Check { peer, proof } => {
                    SnapshotWork::Check { peer, proof, whose: Machine::Snapshot }
                }
                SnapshotEffect::Begin { peer, block, base } => SnapshotWork::Begin { peer, block, base },
                SnapshotEffect::Take { peer, first, count, proof } => {
                    SnapshotWork::Take { peer, first, count, proof }
                }
                SnapshotEffect::Install => SnapshotWork::Install,
                SnapshotEffect::Forget { for_good } => SnapshotWork::Forget { for_good },
            };
            if !self.chains[chain].worker.snapshot(work) {
                tracing::error!("a part of a snapshot found no room");
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
            if let Some((subnet, until)) = self.peers.closes(&ban, now) {
                tracing::warn!(%subnet, "too many keys of one network are banned: nobody there is let in for now");
                self.swarm.behaviour_mut().door.close(subnet, until);
            }
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

    /// What this node says of itself to a peer: nothing of chains that do not admit it.
    pub(super) fn hello(&self, peer: &PeerId) -> Hello {
        let known = self.chains.iter().enumerate().filter(|(place, _)| admits(&self.admitted, *place, peer));
        let chains = known.map(|(_, chain)| ChainHello {
            chain: chain.id,
            genesis: chain.port.genesis(),
            tip: chain.tip,
        });
        Hello { version: PROTOCOL_VERSION, chains: chains.collect() }
    }

    /// The chains to talk about with a peer that says this of itself, or why not to talk.
    pub(super) fn find_common(&self, peer: &PeerId, theirs: &Hello) -> Result<Vec<ChainHello>, Refusal> {
        let closed = self.chains.iter().enumerate().find(|(place, chain)| {
            let asked = theirs.chains.iter().any(|theirs| theirs.chain == chain.id);
            asked && !admits(&self.admitted, *place, peer)
        });
        match (self.hello(peer).meet(theirs), closed) {
            (Err(Refusal::Chain { .. }), Some((_, chain))) => Err(Refusal::NotAdmitted { chain: chain.id }),
            (met, _) => met,
        }
    }
}

/// The machine of a chain that starts from a snapshot, or of one that does not.
fn snapshot_of(
    port: &dyn ChainPort,
    limits: snapshot::Limits,
    tip: &Tip,
    now: Time,
) -> Result<SnapshotSync, NetworkError> {
    if port.wants_snapshot() {
        let (trusted, begun) = (port.trusted()?, port.begun()?);
        Ok(SnapshotSync::new(limits, trusted, tip.height, begun, now))
    } else {
        Ok(SnapshotSync::over(limits))
    }
}

/// What a chain announces.
struct Told {
    what: Announcement,
    /// Where the chain stands now, if that may have changed.
    tip: Option<Tip>,
}

/// What a chain announces, with its number.
fn forward(place: usize, port: &Arc<dyn ChainPort>, to: mpsc::Sender<(usize, Told)>) {
    let mut announcements = port.announcements();
    // Announcements end with the chain, so this must not keep it.
    let port = Arc::downgrade(port);
    tokio::spawn(async move {
        loop {
            match announcements.recv().await {
                Ok(what) => {
                    let tip = if matches!(what, Announcement::Block(_)) { tip_of(&port).await } else { None };
                    if to.send((place, Told { what, tip })).await.is_err() {
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

async fn tip_of(port: &Weak<dyn ChainPort>) -> Option<Tip> {
    let port = port.upgrade()?;
    let tip = tokio::task::spawn_blocking(move || port.tip()).await.ok()?;
    tip.inspect_err(|error| tracing::warn!(%error, "where the chain stands is not known")).ok()
}

fn port_of(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|part| match part {
        libp2p::multiaddr::Protocol::Tcp(port) | libp2p::multiaddr::Protocol::Udp(port) => Some(port),
        _ => None,
    })
}
