//! Peers that send garbage, or too much.

use light_client::{
    consensus::spos::{Link, Triple, Vote},
    crypto::{Hash, Signature},
    data_format::{Checkpoint, Round},
};

use super::*;

/// A peer that knows how to greet, and then does what a test wants.
pub(super) struct Hostile {
    pub(super) swarm: Swarm<Behaviour>,
    chains: Vec<ChainId>,
    /// What it was answered.
    pub(super) welcome: Hello,
    subscribed: usize,
}

fn is_subscription(event: &SwarmEvent<BehaviourEvent>) -> bool {
    let SwarmEvent::Behaviour(BehaviourEvent::Gossip((_, event))) = event else { return false };
    matches!(event, libp2p::gossipsub::Event::Subscribed { .. })
}

impl Hostile {
    /// Connected and greeted; subscribed to everything.
    pub(super) async fn greet(target: &Multiaddr, nodes: &[&Node]) -> Self {
        let mut hostile = Self::connect(target, nodes).await;
        let mut subscribed = hostile.subscribed;
        while subscribed < 3 * nodes.len() {
            let event = hostile.swarm.select_next_some().await;
            subscribed += usize::from(is_subscription(&event));
        }
        hostile
    }

    /// Connected and greeted.
    pub(super) async fn connect(target: &Multiaddr, nodes: &[&Node]) -> Self {
        let chains: Vec<ChainId> = nodes.iter().map(|node| node.chain()).collect();
        // It hears everything, however much that is.
        let rates = peers::Rates {
            lookups: peers::Rate { burst: 1 << 30, per_second: 0 },
            ..peers::Limits::default().rates
        };
        let limits = peers::Limits { ban_at: u32::MAX, rates, ..peers::Limits::default() };
        let everybody = vec![None; chains.len()].into();
        let mut swarm =
            swarm(Keypair::generate_ed25519(), &chains, &everybody, &limits, &mut Traffic::default())
                .unwrap();
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
                    let codec::Reply::Came(Answer::Welcome(welcome), _) = response else {
                        panic!("{response:?}")
                    };
                    return Self { swarm, chains, welcome, subscribed };
                }
                _ => {}
            }
        }
    }

    pub(super) fn tell(&mut self, chain: usize, topic: protocol::Topic, data: Vec<u8>) {
        let name = topic.of(&self.chains[chain]);
        // A full queue is as good as a message.
        drop(self.swarm.behaviour_mut().gossip.get_mut(chain).unwrap().publish(name, data));
    }

    /// Lets the swarm work for a while; whether the other side ended the connection.
    pub(super) async fn work(&mut self, time: Duration) -> bool {
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

/// A peer that greeted, and then does the same thing again and again until the node has enough of it.
async fn banned_for(name: &str, fault: peers::Fault, mut again: impl FnMut(&mut Hostile, PeerId)) {
    let member = Member::start(&spec(name), &[0, 1, 2, 3], &[]).await;
    let target = member.network.peer();
    let mut hostile = Hostile::connect(&member.address("tcp"), &[&member.node]).await;
    let refusals = member.refusals().len();
    let mut closed = false;
    for _ in 0..500 {
        again(&mut hostile, target);
        closed = hostile.work(Duration::from_millis(20)).await;
        if closed {
            break;
        }
    }
    assert!(closed, "the node ends it");
    until("the ban", || member.network.status().borrow().bans == 1).await;
    assert_eq!(member.network.status().borrow().banned[0].reason, fault);
    assert_eq!(member.refusals().len(), refusals, "and nothing is told of it again and again");
    let height = final_height(&member.node);
    until("more final blocks", || final_height(&member.node) > height).await;
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_greets_again_and_again_is_banned() {
    banned_for("greetings", peers::Fault::GreetedAgain, |hostile, target| {
        let hello = hostile.welcome.clone();
        hostile.swarm.behaviour_mut().hello.send_request(&target, codec::Incoming::Asked(hello));
    })
    .await;
}

/// What is not heard is not answered, and the library waits for 32 answers at most before it asks more: so this one is not
/// banned, and brings the node no work.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_looks_up_addresses_without_end_is_not_heard_and_charged() {
    let member = Member::start(&spec("lookups"), &[0, 1, 2, 3], &[]).await;
    let target = member.network.peer();
    let mut hostile = Hostile::connect(&member.address("tcp"), &[&member.node]).await;
    let peer = *hostile.swarm.local_peer_id();
    let status = member.network.status();
    let points = || status.borrow().peers.iter().find(|shown| shown.peer == peer).map(|shown| shown.points);
    let lookup = hostile.swarm.behaviour_mut().lookup.get_mut(0).unwrap();
    lookup.add_address(&target, member.address("tcp"));
    let (mut key, mut charged) = (0_u64, false);
    while !charged {
        assert!(key < 20_000, "nobody minds");
        for _ in 0..20 {
            key += 1;
            let lookup = hostile.swarm.behaviour_mut().lookup.get_mut(0).unwrap();
            lookup.get_closest_peers(key.to_be_bytes().to_vec());
        }
        let closed = hostile.work(Duration::from_millis(20)).await;
        charged = closed || points().is_some_and(|points| points > 0);
    }
    assert!(key > 128, "a few are answered");
    let height = final_height(&member.node);
    until("more final blocks", || final_height(&member.node) > height).await;
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_introduces_itself_without_end_is_banned() {
    banned_for("introductions", peers::Fault::Flood, |hostile, target| {
        hostile.swarm.behaviour_mut().identify.push([target]);
    })
    .await;
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
                    let mut block = blocks_of(&member.node, &[tip.head]).remove(0);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_outlives_the_node() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec("bans");
    let with_folder = || NetworkConfig { folder: Some(folder.path().to_owned()), ..config(&[]) };
    let member = Member::with(&spec, &[0, 1, 2, 3], with_folder()).await;
    let mut hostile = Hostile::greet(&member.address("tcp"), &[&member.node]).await;
    let banned = *hostile.swarm.local_peer_id();
    for round in 0..9 {
        hostile.tell(0, protocol::Topic::Votes, vec![round; 40]);
        if hostile.work(Duration::from_millis(100)).await {
            break;
        }
    }
    until("the ban", || member.network.status().borrow().bans == 1).await;
    member.stop().await;
    let member = Member::with(&spec, &[0, 1, 2, 3], with_folder()).await;
    let status = member.network.status();
    until("the ban is shown", || status.borrow().banned.iter().any(|ban| ban.peer == banned)).await;
    assert_eq!(status.borrow().bans, 0, "since the start");
    hostile.swarm.dial(DialOpts::from(member.address("tcp"))).unwrap();
    assert!(hostile.work(Duration::from_secs(2)).await, "it is back");
    member.stop().await;
}

/// With the limits that every node has: what is told is well-formed and breaks no rule, there is too much of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_floods_is_banned_by_the_limits_that_every_node_has() {
    let member = Member::start(&spec("floods"), &[0, 1, 2, 3], &[]).await;
    let mut hostile = Hostile::greet(&member.address("tcp"), &[&member.node]).await;
    let (mut told, mut closed, end) = (0, false, Instant::now() + PATIENCE);
    while !closed {
        assert!(Instant::now() < end, "it told {told} votes and is not banned");
        for _ in 0..500 {
            // A vote for a round long past, each another one.
            let mut id = [0; 32];
            id[..8].copy_from_slice(&u64::to_le_bytes(told));
            let checkpoint = Checkpoint { round: Round(0), id: Hash(id) };
            let triple = Triple { checkpoint, next_slots: Hash::ZERO };
            let link = Link { source: triple, target: triple };
            let vote = Vote { link, minting_key: Hash::ZERO, signature: Signature([0; 64]) };
            hostile.tell(0, protocol::Topic::Votes, encode(&vote));
            told += 1;
        }
        closed = hostile.work(Duration::from_millis(20)).await;
    }
    let id = *hostile.swarm.local_peer_id();
    let status = member.network.status();
    until("the ban is shown", || status.borrow().bans == 1).await;
    let ban = status.borrow().banned.iter().find(|ban| ban.peer == id).copied().expect("it is named");
    assert_eq!(ban.reason, peers::Fault::Flood);
    // The node goes on.
    let height = final_height(&member.node);
    until("more final blocks", || final_height(&member.node) > height).await;
    member.stop().await;
}
