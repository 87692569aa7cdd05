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
        Address, Amount, BlockId, ChainSpec, Height, SignedTransaction, Time, UNITS_PER_COIN, codec::encode,
        decode,
    },
    transaction::{AccountView, Transfer},
};
use tokio::task::JoinHandle;

use super::{
    behaviour::{Behaviour, BehaviourEvent, swarm},
    messages::{Answer, ChainHello, Hello, Tip},
    snapshot::SnapshotPort,
    traffic::Traffic,
    *,
};
use crate::{
    config::{development_spec, faucet_key, minting_keys},
    node::{ChainChoice, Node, NodeConfig, NodeError},
    storage::{Database, Retention},
    tests::harness::{found, retention},
};

const PATIENCE: Duration = Duration::from_secs(60);

mod bootstrap;
mod closed;
mod hostile;
mod liars;
mod scripted;
mod server;
mod snapshots;
mod versions;
mod work;

use hostile::Hostile;

/// A node in memory, its network, and the task that mints.
struct Member {
    node: Node,
    network: Network,
    minting: JoinHandle<Result<(), NodeError>>,
}

/// A development chain with quick slots that started a moment ago.
/// Blocks of a node as others get them.
fn blocks_of(node: &Node, ids: &[BlockId]) -> Vec<Block> {
    let blocks = ChainPort::blocks(node, ids, 1 << 20).unwrap();
    blocks.iter().map(|block| decode(block, block.len()).unwrap()).collect()
}

fn spec(name: &str) -> ChainSpec {
    let mut spec = development_spec(Time(worker::system_time().0 / 1_000 * 1_000));
    name.clone_into(&mut spec.name);
    let spos = spec.engine.spos_mut().unwrap();
    spos.slot_ms = 400;
    spec
}

fn node(spec: &ChainSpec, keys: &[usize]) -> Node {
    let minting_keys = minting_keys().into_iter().enumerate().filter(|(place, _)| keys.contains(place));
    let minting_keys: Vec<_> = minting_keys.map(|(_, key)| key).collect();
    let retention = retention();
    let database = Database::open(None, &retention).unwrap();
    found(&database, spec, &minting_keys);
    let config = NodeConfig {
        data: None,
        chain: ChainChoice::Spec(Box::new(spec.clone())),
        recoveries: Vec::new(),
        payee: None,
        minting_keys,
        retention,
        pool: crate::transaction::Limits::default(),
        now: worker::system_time(),
    };
    Node::over(database, config).unwrap()
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

/// The same with the quickest slots there are.
fn quick_spec(name: &str) -> ChainSpec {
    let mut spec = spec(name);
    spec.engine.spos_mut().unwrap().slot_ms = 100;
    spec
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
