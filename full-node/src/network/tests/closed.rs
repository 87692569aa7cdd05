//! Networks that admit only whom their chain's spec names.

use super::*;

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
