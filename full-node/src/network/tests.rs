//! Real swarms over loopback, in one process: nodes of one chain with different keys, a stranger, a peer that sends
//! garbage, and two chains in one node of which one is flooded.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use libp2p::{
    Swarm,
    futures::StreamExt,
    identity::Keypair,
    request_response,
    swarm::{SwarmEvent, dial_opts::DialOpts},
};
use light_client::{
    data_format::{
        Address, Amount, ChainSpec, Height, SignedTransaction, Time, UNITS_PER_COIN, codec::encode,
    },
    transaction::{AccountView, Transfer},
};
use tokio::task::JoinHandle;

use super::{
    behaviour::{Behaviour, BehaviourEvent, swarm},
    messages::{Answer, ChainHello, Hello, Tip},
    snapshot::SnapshotPort,
    *,
};
use crate::{
    config::{development_spec, faucet_key, minting_keys},
    node::{ChainChoice, Node, NodeConfig, NodeError},
    storage::Retention,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A node in memory, its network, and the task that mints.
struct Member {
    node: Node,
    network: Network,
    minting: JoinHandle<Result<(), NodeError>>,
}

/// A development chain with quick slots that started a moment ago.
fn spec(name: &str) -> ChainSpec {
    let mut spec = development_spec(Time(worker::system_time().0 / 1_000 * 1_000));
    name.clone_into(&mut spec.name);
    let spos = spec.engine.spos_mut().unwrap();
    spos.slot_ms = 400;
    spec
}

fn node(spec: &ChainSpec, keys: &[usize]) -> Node {
    let minting_keys = minting_keys();
    let minting_keys = minting_keys.into_iter().enumerate().filter(|(place, _)| keys.contains(place));
    Node::open(NodeConfig {
        data: None,
        chain: ChainChoice::Spec(Box::new(spec.clone())),
        minting_keys: minting_keys.map(|(_, key)| key).collect(),
        retention: Retention {
            heights: 900,
            bodies: None,
            node_cache_bytes: 1 << 20,
            page_cache_bytes: 8 << 20,
        },
        pool: crate::transaction::Limits::default(),
        now: worker::system_time(),
    })
    .unwrap()
}

fn config(peers: &[Multiaddr]) -> NetworkConfig {
    NetworkConfig {
        listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
        peers: peers.to_vec(),
        ..NetworkConfig::default()
    }
}

impl Member {
    async fn start(spec: &ChainSpec, keys: &[usize], peers: &[Multiaddr]) -> Self {
        Self::with(spec, keys, config(peers)).await
    }

    async fn with(spec: &ChainSpec, keys: &[usize], config: NetworkConfig) -> Self {
        let node = node(spec, keys);
        let network = Network::start(config, vec![Arc::new(node.clone())]).await.unwrap();
        let minting = tokio::spawn({
            let node = node.clone();
            async move { node.run().await }
        });
        Self { node, network, minting }
    }

    /// Where it listens; `quic` or `tcp`.
    fn address(&self, transport: &str) -> Multiaddr {
        let listening = self.network.status().borrow().listening.clone();
        let found = listening.into_iter().find(|address| address.to_string().contains(transport));
        found.unwrap().with_p2p(self.network.peer()).unwrap()
    }

    fn refusals(&self) -> Vec<String> {
        let status = self.network.status();
        let refusals = status.borrow().refusals.clone();
        refusals.into_iter().map(|(_, words)| words).collect()
    }

    async fn stop(self) {
        self.network.shutdown().await;
        self.node.shutdown().await;
        self.minting.await.unwrap().unwrap();
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn final_height(node: &Node) -> u64 {
    node.status().final_block.height.0
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_different_keys_finalise_together_and_a_newcomer_catches_up() {
    let spec = spec("together");
    let a = Member::start(&spec, &[0, 1], &[]).await;
    let b = Member::start(&spec, &[2], &[a.address("tcp")]).await;
    // Knows b alone, and needs a's votes: three of four.
    let c = Member::start(&spec, &[3], &[b.address("quic")]).await;
    until("a final block on all three", || [&a, &b, &c].iter().all(|m| final_height(&m.node) > 0)).await;
    let paid = a.node.submit_signed(payment(&a.node).await).await.unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        let state = c.node.transaction(paid).await.unwrap();
        if matches!(state, crate::node::TransactionState::Included { is_final: true, .. }) {
            break;
        }
        assert!(Instant::now() < end, "the payment made at a is not final at c: {state:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let newcomer = Member::start(&spec, &[], &[c.address("tcp")]).await;
    // Each shows the others: by whom, where they stand, and what they run.
    let peers = || b.network.status().borrow().peers.clone();
    let shown = |peer: PeerId, inbound: bool| {
        peers().iter().any(|shown| {
            let [(chain, tip)] = &shown.tips[..] else { return false };
            let stands = *chain == spec.id() && tip.height.0 > 0;
            let counted = shown.bytes_in > 0 && shown.bytes_out > 0 && shown.points == 0;
            let known = shown.agent.starts_with("vsys-node/") && shown.greeted && shown.inbound == inbound;
            shown.peer == peer && stands && counted && known
        })
    };
    until("b shows whom it dialled", || shown(a.network.peer(), false)).await;
    until("b shows who dialled it", || shown(c.network.peer(), true)).await;
    until("answers are timed", || peers().iter().all(|shown| shown.latency_ms.is_some())).await;
    let height = final_height(&a.node);
    until("the newcomer at the others' final block", || final_height(&newcomer.node) >= height).await;
    let known = newcomer.node.block(a.node.status().final_block.height).await.unwrap().unwrap();
    assert_eq!(known.position.id, a.node.status().final_block.id);
    for member in [a, b, c, newcomer] {
        assert_eq!(member.network.status().borrow().bans, 0);
        member.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_another_chain_is_refused_in_words() {
    let ours = Member::start(&spec("ours"), &[0, 1, 2, 3], &[]).await;
    let stranger = Member::start(&spec("another"), &[0, 1, 2, 3], &[ours.address("tcp")]).await;
    until("words on both sides", || !ours.refusals().is_empty() && !stranger.refusals().is_empty()).await;
    let words = &stranger.refusals()[0];
    assert_eq!(*words, format!("it serves another chain: {}", ours.node.chain()));
    let words = &ours.refusals()[0];
    assert!(words.contains(&stranger.node.chain().to_string()), "{words}");
    until("the connection ends", || ours.network.status().borrow().connected == 0).await;
    assert_eq!(ours.network.status().borrow().chains[0].peers, 0);
    ours.stop().await;
    stranger.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_are_found_by_name() {
    let spec = spec("names");
    let a = Member::start(&spec, &[0, 1, 2, 3], &[]).await;
    for transport in ["tcp", "quic"] {
        let named = a.address(transport).to_string().replacen("/ip4/127.0.0.1/", "/dns4/localhost/", 1);
        let b = Member::start(&spec, &[], &[named.parse().unwrap()]).await;
        until("a connection by name", || b.network.status().borrow().chains[0].peers == 1).await;
        b.stop().await;
    }
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_network_refuses_in_words_whom_its_spec_does_not_name() {
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut spec = spec("closed");
    for folder in &folders[..2] {
        let key = identity::node_key(Some(&folder.path().join("node.key"))).unwrap();
        spec.peers.push(identity::key_of_peer(&key.public().to_peer_id()).unwrap());
    }
    let with = |place: usize, peers: &[Multiaddr]| NetworkConfig {
        folder: Some(folders[place].path().to_owned()),
        ..config(peers)
    };
    let a = Member::with(&spec, &[0, 1], with(0, &[])).await;
    let b = Member::with(&spec, &[2, 3], with(1, &[a.address("tcp")])).await;
    until("members finalise", || final_height(&a.node) > 0 && final_height(&b.node) > 0).await;
    let stranger = Member::with(&spec, &[], with(2, &[a.address("tcp"), b.address("quic")])).await;
    until("words from both", || stranger.refusals().len() >= 2).await;
    let words = messages::Refusal::NotAdmitted { chain: spec.id() }.to_string();
    assert!(stranger.refusals().iter().all(|said| *said == words), "{:?}", stranger.refusals());
    assert_eq!(stranger.node.status().head.height.0, 0, "it learns nothing");
    assert_eq!(stranger.network.status().borrow().chains[0].peers, 0);
    for member in [a, b, stranger] {
        member.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_chain_tells_nothing_to_peers_of_its_open_neighbour() {
    let open = spec("open");
    let mut closed = spec("closed neighbour");
    let somebody = Keypair::generate_ed25519().public().to_peer_id();
    closed.peers.push(identity::key_of_peer(&somebody).unwrap());
    let nodes = [node(&open, &[0, 1, 2, 3]), node(&closed, &[0, 1, 2, 3])];
    let ports = nodes.iter().map(|node| Arc::new(node.clone()) as Arc<dyn ChainPort>).collect();
    let network = Network::start(config(&[]), ports).await.unwrap();
    let address = network.status().borrow().listening[0].clone();
    // It knows the name of the closed chain, and asks for it.
    let mut hostile = Hostile::connect(&address, &[&nodes[0], &nodes[1]]).await;
    let welcome = hostile.welcome.clone();
    let told: Vec<ChainId> = welcome.chains.iter().map(|chain| chain.chain).collect();
    assert_eq!(told, [open.id()]);
    let peer = network.peer();
    for chain in [0, 1] {
        let asked = codec::Incoming::Asked(messages::Request::Tip);
        hostile.swarm.behaviour_mut().exchange.get_mut(chain).unwrap().send_request(&peer, asked);
    }
    let (mut answered, mut refused) = (Vec::new(), Vec::new());
    while answered.len() + refused.len() < 2 {
        match hostile.swarm.select_next_some().await {
            SwarmEvent::Behaviour(BehaviourEvent::Exchange((chain, event))) => match event {
                request_response::Event::Message { .. } => answered.push(chain),
                request_response::Event::OutboundFailure { error, .. } => {
                    assert!(
                        matches!(error, request_response::OutboundFailure::UnsupportedProtocols),
                        "{error}"
                    );
                    refused.push(chain);
                }
                _ => {}
            },
            SwarmEvent::Behaviour(BehaviourEvent::Gossip((
                1,
                libp2p::gossipsub::Event::Subscribed { topic, .. },
            ))) => panic!("it tells what it listens to: {topic}"),
            _ => {}
        }
    }
    assert_eq!((answered, refused), (vec![0], vec![1]));
    network.shutdown().await;
    for node in nodes {
        node.shutdown().await;
    }
}

/// A chain with many accounts and the quickest slots.
fn wide_spec(name: &str, accounts: u32) -> ChainSpec {
    let mut spec = spec(name);
    spec.engine.spos_mut().unwrap().slot_ms = 100;
    for number in 0..accounts {
        let mut seed = [7; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        let address = Address::of(&light_client::crypto::PublicKey::Ed25519(seed), spec.network);
        let balance = Amount(UNITS_PER_COIN + u64::from(number));
        spec.accounts.push(light_client::data_format::GenesisAccount { address, balance });
    }
    spec
}

/// Settings with which a state of some thousand entries comes in many pieces.
fn snapshot_config(peers: &[Multiaddr]) -> NetworkConfig {
    let snapshot = snapshot::Limits { ahead: 12, leaves: 64, ..snapshot::Limits::default() };
    NetworkConfig { snapshot, ..config(peers) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_starts_from_a_snapshot_of_several_peers_though_one_has_half_of_it() {
    let spec = wide_spec("snapshot", 3_000);
    let a = Member::start(&spec, &[0, 1, 2, 3], &[]).await;
    let b = Member::start(&spec, &[], &[a.address("tcp")]).await;
    until("states that are far ahead", || final_height(&a.node) > 20 && final_height(&b.node) > 20).await;
    let half = HalfSnapshot::start(&a.node).await;
    let newcomer = node(&spec, &[]);
    assert!(newcomer.start_from_snapshot(None));
    let peers = [half.address.clone(), a.address("tcp"), b.address("quic")];
    let network = Network::start(snapshot_config(&peers), vec![Arc::new(newcomer.clone())]).await.unwrap();
    let mut progress = Vec::new();
    let status = network.status();
    until("the newcomer at the others' head", || {
        progress.extend(status.borrow().chains[0].snapshot);
        newcomer.status().head.height.0 + 3 >= a.node.status().head.height.0
    })
    .await;
    assert!(newcomer.block(Height(1)).await.is_err(), "it began later");
    let shown: Vec<_> = status.borrow().peers.clone();
    for member in [&a, &b] {
        let peer = shown.iter().find(|peer| peer.peer == member.network.peer()).expect("still connected");
        assert!(peer.points == 0 && peer.bytes_in > 50_000, "both gave a part: {peer:?}");
    }
    if let Some(peer) = shown.iter().find(|peer| peer.peer == half.peer) {
        assert!(peer.points > 0, "it is charged: {peer:?}");
    }
    assert!(progress.iter().all(|shown| shown.total > 3_000 && shown.taken <= shown.total));
    // It follows from there on.
    let height = final_height(&newcomer);
    until("later final blocks", || final_height(&newcomer) > height).await;
    network.shutdown().await;
    newcomer.shutdown().await;
    half.serving.abort();
    for member in [a, b] {
        member.stop().await;
    }
}

/// A peer that gives the beginning of a snapshot, and then says that it has no more.
struct HalfSnapshot {
    address: Multiaddr,
    peer: PeerId,
    serving: JoinHandle<()>,
}

impl HalfSnapshot {
    async fn start(of: &Node) -> Self {
        let node = of.clone();
        let everybody = vec![None].into();
        let limits = peers::Limits::default();
        let mut swarm = swarm(Keypair::generate_ed25519(), &[node.chain()], &everybody, &limits).unwrap();
        let peer = *swarm.local_peer_id();
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address.with_p2p(peer).unwrap();
            }
        };
        let serving = tokio::spawn(async move {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::Behaviour(BehaviourEvent::Hello(request_response::Event::Message {
                        message: request_response::Message::Request { channel, .. },
                        ..
                    })) => {
                        let genesis = node.genesis().header.id();
                        let tip = ChainPort::tip(&node).unwrap();
                        let chains = vec![ChainHello { chain: node.chain(), genesis, tip }];
                        let welcome = Hello { version: protocol::PROTOCOL_VERSION, chains };
                        let hello = &mut swarm.behaviour_mut().hello;
                        drop(hello.send_response(channel, Answer::Welcome(welcome)));
                    }
                    SwarmEvent::Behaviour(BehaviourEvent::Exchange((
                        _,
                        request_response::Event::Message {
                            message: request_response::Message::Request { request, channel, .. },
                            ..
                        },
                    ))) => {
                        let codec::Incoming::Asked(request) = request else { continue };
                        let response = Self::answer(&node, request);
                        let exchange = swarm.behaviour_mut().exchange.get_mut(0).unwrap();
                        drop(exchange.send_response(channel, response));
                    }
                    _ => {}
                }
            }
        });
        Self { address, peer, serving }
    }

    fn answer(node: &Node, request: messages::Request) -> messages::Response {
        use messages::{Bytes, Request, Response};
        match request {
            Request::Finality { trusted, open } => {
                Response::Finality(node.prove_final(&trusted, open).unwrap().map(Bytes))
            }
            Request::SnapshotBase { block } => {
                Response::SnapshotBase(node.snapshot_base(&block).unwrap().map(Bytes))
            }
            Request::SnapshotLeaves { block, first, count } if first < 500 => {
                let leaves = node.snapshot_leaves(&block, first, count, 1 << 20).unwrap();
                Response::SnapshotLeaves(leaves.map(|(count, proof)| (count, Bytes(proof))))
            }
            Request::SnapshotLeaves { .. } => Response::SnapshotLeaves(None),
            Request::Tip => Response::Tip(ChainPort::tip(node).unwrap()),
            Request::Headers { .. } => Response::Headers(None),
            Request::AnchoredHeaders { .. } => Response::AnchoredHeaders(None),
            Request::Blocks { .. } => Response::Blocks(Vec::new()),
        }
    }
}

/// A peer that knows how to greet, and then does what a test wants.
struct Hostile {
    swarm: Swarm<Behaviour>,
    chains: Vec<ChainId>,
    /// What it was answered.
    welcome: Hello,
    subscribed: usize,
}

fn is_subscription(event: &SwarmEvent<BehaviourEvent>) -> bool {
    let SwarmEvent::Behaviour(BehaviourEvent::Gossip((_, event))) = event else { return false };
    matches!(event, libp2p::gossipsub::Event::Subscribed { .. })
}

impl Hostile {
    /// Connected and greeted; subscribed to everything.
    async fn greet(target: &Multiaddr, nodes: &[&Node]) -> Self {
        let mut hostile = Self::connect(target, nodes).await;
        let mut subscribed = hostile.subscribed;
        while subscribed < 3 * nodes.len() {
            let event = hostile.swarm.select_next_some().await;
            subscribed += usize::from(is_subscription(&event));
        }
        hostile
    }

    /// Connected and greeted.
    async fn connect(target: &Multiaddr, nodes: &[&Node]) -> Self {
        let chains: Vec<ChainId> = nodes.iter().map(|node| node.chain()).collect();
        let limits = peers::Limits { ban_at: u32::MAX, ..peers::Limits::default() };
        let everybody = vec![None; chains.len()].into();
        let mut swarm = swarm(Keypair::generate_ed25519(), &chains, &everybody, &limits).unwrap();
        swarm.dial(DialOpts::from(target.clone())).unwrap();
        let hello = Hello {
            version: protocol::PROTOCOL_VERSION,
            chains: nodes
                .iter()
                .map(|node| {
                    let genesis = node.genesis().header.id();
                    ChainHello { chain: node.chain(), genesis, tip: Tip::default() }
                })
                .collect(),
        };
        let mut subscribed = 0;
        loop {
            let event = swarm.select_next_some().await;
            subscribed += usize::from(is_subscription(&event));
            match event {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                    swarm.behaviour_mut().hello.send_request(&peer_id, codec::Incoming::Asked(hello.clone()));
                }
                SwarmEvent::Behaviour(BehaviourEvent::Hello(request_response::Event::Message {
                    message: request_response::Message::Response { response, .. },
                    ..
                })) => {
                    let Answer::Welcome(welcome) = response else { panic!("{response:?}") };
                    return Self { swarm, chains, welcome, subscribed };
                }
                _ => {}
            }
        }
    }

    fn tell(&mut self, chain: usize, topic: protocol::Topic, data: Vec<u8>) {
        let name = topic.of(&self.chains[chain]);
        // A full queue is as good as a message.
        drop(self.swarm.behaviour_mut().gossip.get_mut(chain).unwrap().publish(name, data));
    }

    /// Lets the swarm work for a while; whether the other side ended the connection.
    async fn work(&mut self, time: Duration) -> bool {
        let end = tokio::time::sleep(time);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return self.swarm.connected_peers().next().is_none(),
                event = self.swarm.select_next_some() => {
                    if matches!(event, SwarmEvent::ConnectionClosed { .. }) {
                        return true;
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_sends_garbage_is_banned_and_the_node_goes_on() {
    let member = Member::start(&spec("garbage"), &[0, 1, 2, 3], &[]).await;
    let address = member.address("tcp");
    for kind in 0..3 {
        let mut hostile = Hostile::greet(&address, &[&member.node]).await;
        let mut closed = false;
        for round in 0..50_u8 {
            match kind {
                // Cannot be decoded.
                0 => hostile.tell(0, protocol::Topic::Votes, vec![round; 40]),
                // An honest block with a garbled seal.
                1 => {
                    let tip = ChainPort::tip(&member.node).unwrap();
                    let mut block = ChainPort::blocks(&member.node, &[tip.head], 1 << 20).unwrap().remove(0);
                    block.header.header.slot = block.header.header.slot.next();
                    block.header.seal.0[0] ^= 1 + round;
                    hostile.tell(0, protocol::Topic::Blocks, encode(&block));
                }
                // A transaction that nobody signed.
                _ => {
                    let mut signed = payment(&member.node).await;
                    signed.signature.0[3] ^= 1 + round;
                    hostile.tell(0, protocol::Topic::Transactions, encode(&signed));
                }
            }
            closed = hostile.work(Duration::from_millis(50)).await;
            if closed {
                break;
            }
        }
        assert!(closed, "kind {kind} is not banned");
        until("the ban is shown", || member.network.status().borrow().bans == kind + 1).await;
        let banned = member.network.status().borrow().banned.clone();
        let hostile_id = *hostile.swarm.local_peer_id();
        assert!(banned.iter().any(|ban| ban.peer == hostile_id && ban.until > worker::system_time()));
        // The same key is not let in again.
        hostile.swarm.dial(DialOpts::from(address.clone())).unwrap();
        assert!(hostile.work(Duration::from_secs(2)).await, "kind {kind} is back");
    }
    let height = final_height(&member.node);
    until("more final blocks", || final_height(&member.node) > height).await;
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flooded_chain_does_not_slow_its_neighbour_in_the_same_process() {
    let (flooded, quiet) = (spec("flooded"), spec("quiet"));
    let nodes = [node(&flooded, &[0, 1, 2, 3]), node(&quiet, &[0, 1])];
    let chains: Vec<Arc<dyn ChainPort>> =
        nodes.iter().map(|node| Arc::new(node.clone()) as Arc<dyn ChainPort>).collect();
    let limits = peers::Limits { ban_at: u32::MAX, ..peers::Limits::default() };
    let network = Network::start(NetworkConfig { limits, ..config(&[]) }, chains).await.unwrap();
    let minting: Vec<_> =
        nodes.iter().cloned().map(|node| tokio::spawn(async move { node.run().await })).collect();
    let tcp = network.status().borrow().listening[0].clone().with_p2p(network.peer()).unwrap();
    // The quiet chain needs votes and blocks of this one, over the swarm that is flooded.
    let other = Member::start(&quiet, &[2, 3], std::slice::from_ref(&tcp)).await;
    until("the quiet chain runs", || final_height(&nodes[1]) > 0 && final_height(&other.node) > 0).await;

    let flooding = tokio::spawn({
        let node = nodes[0].clone();
        let signed = payment(&node).await;
        async move {
            let mut hostile = Hostile::greet(&tcp, &[&node]).await;
            let mut told = 0_u64;
            loop {
                for _ in 0..200 {
                    // Each has a wrong signature of its own, so each costs the node a check.
                    let mut forged = signed.clone();
                    forged.signature.0[..8].copy_from_slice(&told.to_le_bytes());
                    hostile.tell(0, protocol::Topic::Transactions, encode(&forged));
                    told += 1;
                }
                if hostile.work(Duration::from_millis(20)).await {
                    return told;
                }
            }
        }
    });
    let (before, slot_ms) = (nodes[1].status(), 400);
    let began = worker::system_time();
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert!(!flooding.is_finished(), "the flood went on");
    let after = nodes[1].status();
    let slots = worker::system_time().ms_since(began) / slot_ms;
    let minted = after.head.height.0 - before.head.height.0;
    assert!(minted * 10 >= slots * 6, "{minted} blocks in {slots} slots");
    assert!(after.final_block.height > before.final_block.height, "it finalises under the flood");
    flooding.abort();
    network.shutdown().await;
    for (node, minting) in nodes.into_iter().zip(minting) {
        node.shutdown().await;
        minting.await.unwrap().unwrap();
    }
    other.stop().await;
}

/// A payment of the faucet, with the next free nonce.
async fn payment(node: &Node) -> SignedTransaction {
    let (key, network) = (faucet_key(), node.spec().network);
    let account = node.account(Address::of(&key.public(), network)).await.unwrap();
    let view = AccountView { nonce: account.next_nonce, balance: account.balance };
    let transfer = Transfer {
        sender: key.public(),
        to: Address::of(&minting_keys()[0].public(), network),
        amount: Amount(UNITS_PER_COIN),
        memo: Vec::new(),
        valid_until: account.height.plus(1_000),
    };
    transfer.draft(node.spec(), Some(&view), account.height.next()).unwrap().sign(&node.chain(), &key)
}
