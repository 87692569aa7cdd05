//! Starting from a snapshot.

use super::{server::FalseServer, *};
use crate::network::messages::{Bytes, Request, Response};

/// A chain with many accounts and the quickest slots.
fn wide_spec(name: &str, accounts: u32) -> ChainSpec {
    let mut spec = quick_spec(name);
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
    let half = FalseServer::start(&a.node, |tip| tip, half).await;
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

/// The answers of a peer that gives the beginning of a snapshot, and then says that it has no more.
fn half(node: &Node, request: Request) -> Option<Response> {
    Some(match request {
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
        _ => Response::Busy,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_in_a_snapshot_goes_on_where_it_was() {
    let spec = wide_spec("resumed", 3_000);
    let honest = Member::start(&spec, &[0, 1, 2, 3], &[]).await;
    until("a state that is far ahead", || final_height(&honest.node) > 20).await;
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        Node::open(NodeConfig {
            data: Some(folder.path().to_owned()),
            chain: ChainChoice::Spec(Box::new(spec.clone())),
            minting_keys: Vec::new(),
            recoveries: Vec::new(),
            payee: None,
            retention: Retention::default(),
            pool: crate::transaction::Limits::default(),
            now: worker::system_time(),
        })
        .unwrap()
    };
    // The only peer there is gives a part of the state, and then nothing more.
    let stalling = FalseServer::start(
        &honest.node,
        |tip| tip,
        |node, request| match request {
            Request::SnapshotLeaves { first, .. } if first >= 1_000 => None,
            Request::SnapshotLeaves { block, first, count } => {
                let leaves = node.snapshot_leaves(&block, first, count, 1 << 20).unwrap();
                Some(Response::SnapshotLeaves(leaves.map(|(count, proof)| (count, Bytes(proof)))))
            }
            other => half(node, other),
        },
    );
    let stalling = stalling.await;
    let newcomer = open();
    assert!(newcomer.start_from_snapshot(None));
    let config = snapshot_config(std::slice::from_ref(&stalling.address));
    let network = Network::start(config, vec![Arc::new(newcomer.clone())]).await.unwrap();
    let status = network.status();
    let taken = || status.borrow().chains[0].snapshot.map_or(0, |progress| progress.taken);
    until("a part of the state", || taken() >= 1_000).await;
    let begun = status.borrow().chains[0].snapshot.unwrap();
    assert!(begun.from == 0 && begun.taken < begun.total, "{begun:?}");
    network.shutdown().await;
    newcomer.shutdown().await;
    drop(newcomer);
    stalling.serving.abort();

    let newcomer = open();
    assert!(newcomer.start_from_snapshot(None), "it has no blocks yet");
    let config = snapshot_config(&[honest.address("tcp")]);
    let network = Network::start(config, vec![Arc::new(newcomer.clone())]).await.unwrap();
    let status = network.status();
    let mut resumed = None;
    until("the newcomer at the honest node's head", || {
        resumed = resumed.or(status.borrow().chains[0].snapshot);
        newcomer.status().head.height.0 + 3 >= honest.node.status().head.height.0
    })
    .await;
    if let Some(resumed) = resumed {
        assert!(resumed.from > 0 && resumed.height == begun.height, "{resumed:?} after {begun:?}");
    }
    assert!(newcomer.block(begun.height).await.is_err(), "the state is that of the block begun with");
    assert!(newcomer.block(begun.height.next()).await.unwrap().is_some());
    network.shutdown().await;
    newcomer.shutdown().await;
    honest.stop().await;
}
