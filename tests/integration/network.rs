//! Several real nodes over loopback, each with one slot: they finalise together, survive a kill, refuse strangers and ban whoever
//! sends garbage.

use std::{io, net::SocketAddr, time::Duration};

use full_node::network::protocol::HELLO;
use integration_tests::{Api, MEMBERS, NodeProcess, TestNetwork, audit, wait_until};
use libp2p::{
    Multiaddr, Swarm, SwarmBuilder,
    futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt},
    noise,
    request_response::{Behaviour, Codec, Config, ProtocolSupport},
    swarm::{StreamProtocol, SwarmEvent},
    tcp, yamux,
};
use light_client::{
    data_format::{Amount, UNITS_PER_COIN},
    test_support::chain::test_address,
};

fn height(api: &Api, of: &str) -> u64 {
    api.json("/v1/status")[of]["height"].as_u64().unwrap()
}

#[test]
fn payments_at_one_node_are_final_at_every_other_and_a_killed_node_catches_up() {
    let network = TestNetwork::new("four strangers", 1);
    let mut nodes: Vec<NodeProcess> = (0..MEMBERS).map(|number| network.start(number)).collect();
    let apis: Vec<Api> = nodes.iter().map(NodeProcess::api).collect();
    wait_until("a final block at every node", || apis.iter().all(|api| height(api, "final") > 0));

    // Each node is given payments of another account.
    let chain = network.spec().id();
    let mut paid = Vec::new();
    for (number, api) in (1..).zip(&apis) {
        for nonce in 0..10 {
            let to = test_address(500 + nonce);
            let payment = network.payment(number, nonce, to, Amount(UNITS_PER_COIN + nonce));
            let answer = api.submit(&chain, &payment);
            assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
            paid.push(payment.transaction.id(&chain));
        }
    }
    for api in &apis {
        for id in &paid {
            wait_until("every payment final at every node", || {
                let answer = api.get(&format!("/v1/transactions/{id}"));
                answer.status == 200 && answer.json()["final"] == true
            });
        }
    }

    // Three of four go on; the one that was killed finds them again, and what it missed.
    nodes.pop().unwrap().kill();
    let before = height(&apis[0], "final");
    wait_until("finality without the killed node", || height(&apis[0], "final") > before + 8);
    let last = MEMBERS - 1;
    nodes.push(network.start(last));
    wait_until("the killed node at the others' final block", || {
        height(&apis[last], "final") >= height(&apis[0], "final")
    });
    // A newcomer that knows one node needs no more.
    let follower = network.start(MEMBERS);
    wait_until("the newcomer at the final block", || {
        height(&follower.api(), "final") >= height(&apis[0], "final")
    });
    let final_height = height(&follower.api(), "final");
    let ids: Vec<_> = apis
        .iter()
        .chain([&follower.api()])
        .map(|api| {
            wait_until("the same final block", || height(api, "final") >= final_height);
            api.json(&format!("/v1/blocks/{final_height}"))["id"].clone()
        })
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    nodes.push(follower);
    for (number, node) in nodes.into_iter().enumerate() {
        assert_eq!(node.terminate().code(), Some(0), "node {number}: {}", network.log(number));
        assert_eq!(audit(&network.data(number)).nonces, paid.len() as u64, "node {number}");
        assert!(!network.log(number).contains("banned"), "node {number}: {}", network.log(number));
    }
}

#[test]
fn a_node_of_another_chain_is_refused_in_words() {
    let (ours, theirs) = (TestNetwork::new("ours", 0), TestNetwork::new("theirs", 0));
    let node = ours.start(0);
    let stranger = theirs.start_with(0, &[ours.p2p(0)]);
    let words = format!("it serves another chain: {}", ours.spec().id());
    wait_until("words for the stranger", || theirs.log(0).contains(&words));
    assert_eq!(stranger.terminate().code(), Some(0));
    assert_eq!(node.terminate().code(), Some(0));
}

/// Says bytes that are no greeting.
#[derive(Clone, Default)]
struct Garbage;

#[async_trait::async_trait]
impl Codec for Garbage {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        Ok(Vec::new())
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, stream: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut answer = Vec::new();
        stream.take(1_024).read_to_end(&mut answer).await?;
        Ok(answer)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, stream: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        stream.write_all(&bytes).await?;
        stream.close().await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, _: &mut T, _: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Ok(())
    }
}

/// Sends garbage until the other side ends the connection.
async fn send_garbage(target: SocketAddr) {
    let mut swarm: Swarm<Behaviour<Garbage>> = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| Behaviour::new([(HELLO, ProtocolSupport::Full)], Config::default()))
        .unwrap()
        .build();
    let address: Multiaddr = format!("/ip4/{}/tcp/{}", target.ip(), target.port()).parse().unwrap();
    swarm.dial(address).unwrap();
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                // A length beyond any greeting; a version that is ours, and then nothing of it; one that ends early.
                for garbage in [&[255; 9][..], &[5, 0, 0, 0, 2, 0, 9, 9, 9], &[9, 0, 0, 0, 1]] {
                    swarm.behaviour_mut().send_request(&peer_id, garbage.to_vec());
                }
            }
            SwarmEvent::ConnectionClosed { .. } => return,
            SwarmEvent::OutgoingConnectionError { error, .. } => panic!("{error}"),
            _ => {}
        }
    }
}

#[test]
fn a_peer_that_sends_garbage_is_banned_and_the_node_goes_on() {
    let network = TestNetwork::new("garbage", 0);
    let nodes: Vec<NodeProcess> = (0..MEMBERS).map(|number| network.start(number)).collect();
    let api = nodes[0].api();
    wait_until("a final block", || height(&api, "final") > 0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..3 {
        let sent =
            async { tokio::time::timeout(Duration::from_secs(30), send_garbage(network.p2p(0))).await };
        runtime.block_on(sent).expect("the node ends the connection");
    }
    let banned = || network.log(0).matches("a peer is banned").count();
    wait_until("three bans", || banned() == 3);
    let before = height(&api, "final");
    wait_until("later final blocks", || height(&api, "final") > before);
    for (number, node) in nodes.into_iter().enumerate() {
        assert_eq!(node.terminate().code(), Some(0), "node {number}: {}", network.log(number));
    }
    assert_eq!(banned(), 3, "no honest node is banned: {}", network.log(0));
}
