//! Peers that greet well and answer badly, beside an honest one: the newcomer comes to the honest node's blocks, and the liar
//! is charged.

use light_client::crypto::Hash;

use super::{server::FalseServer, *};
use crate::network::messages::{Bytes, Headers, Request, Response};

/// Not long, so that a stalling peer is found out within seconds; few blocks at a time, so that both are asked for some.
fn impatient(peers: &[Multiaddr]) -> NetworkConfig {
    let sync = sync::Limits { patience_ms: 1_500, rest_ms: 500, batch: 2, ..sync::Limits::default() };
    NetworkConfig { sync, ..config(peers) }
}

/// An honest node with some blocks, a liar with this tip and these answers, and a newcomer that knows both. Gives the
/// points of the liar, or `None` if it is banned.
async fn newcomer_beside(
    name: &str,
    tip: impl Fn(Tip) -> Tip + Send + 'static,
    answer: impl Fn(&Node, Request) -> Option<Response> + Send + 'static,
) -> Option<u32> {
    let spec = quick_spec(name);
    let honest = Member::start(&spec, &[0, 1, 2, 3], &[]).await;
    until("some final blocks", || final_height(&honest.node) > 20).await;
    let liar = FalseServer::start(&honest.node, tip, answer).await;
    let peers = [liar.address.clone(), honest.address("tcp")];
    let newcomer = Member::with(&spec, &[], impatient(&peers)).await;
    let status = newcomer.network.status();
    until("both peers", || status.borrow().bans > 0 || status.borrow().chains[0].peers == 2).await;
    let height = final_height(&honest.node);
    until("the newcomer at the honest node's blocks", || final_height(&newcomer.node) >= height).await;
    let found_out = || {
        let status = status.borrow();
        let shown = status.peers.iter().find(|shown| shown.peer == liar.peer);
        status.bans > 0 || shown.is_some_and(|shown| shown.points > 0)
    };
    until("the liar is charged", found_out).await;
    let honest_peer = honest.network.peer();
    let (points, blamed) = {
        let status = status.borrow();
        let shown = status.peers.iter().find(|shown| shown.peer == liar.peer);
        let banned = status.banned.iter().any(|ban| ban.peer == liar.peer);
        let blamed = status.peers.iter().any(|shown| shown.peer == honest_peer && shown.points > 0);
        (shown.filter(|_| !banned).map(|shown| shown.points), blamed)
    };
    assert!(!blamed, "the honest peer is not charged");
    liar.serving.abort();
    newcomer.stop().await;
    honest.stop().await;
    points
}

fn far_ahead(tip: Tip) -> Tip {
    Tip { height: Height(1_000_000), weight: u128::MAX, head: Hash([9; 32]), ..tip }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_lies_about_its_height_is_left_for_an_honest_one() {
    let points = newcomer_beside("boasts", far_ahead, |_, request| {
        Some(match request {
            Request::Headers { .. } => Response::Headers(Some(Headers(Vec::new()))),
            _ => Response::Busy,
        })
    });
    assert!(points.await.is_none_or(|points| points >= 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_stalls_is_left_for_an_honest_one() {
    let points = newcomer_beside("stalls", far_ahead, |_, _| None);
    assert!(points.await.is_none_or(|points| points >= 15));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_forges_finality_is_banned() {
    let final_too = |tip: Tip| Tip { final_height: Height(900_000), ..far_ahead(tip) };
    let points = newcomer_beside("forges", final_too, |_, request| {
        Some(match request {
            Request::Finality { .. } => Response::Finality(Some(Bytes(vec![7; 300]))),
            _ => Response::Busy,
        })
    });
    assert_eq!(points.await, None, "it is banned");
}

/// Blocks whose ids are those of honest ones, and whose seals, signatures or certificates do not hold: the ids are not to blame.
async fn garbled(name: &str, garble: fn(&mut Block)) {
    let points = newcomer_beside(
        name,
        |tip| tip,
        move |node, request| {
            Some(match request {
                Request::Tip => Response::Tip(ChainPort::tip(node).unwrap()),
                Request::Headers { locator, limit } => {
                    let headers = node.headers_after(&locator, limit as usize).unwrap();
                    Response::Headers(headers.map(Headers))
                }
                Request::Blocks { ids } => {
                    let mut blocks = blocks_of(node, &ids);
                    blocks.iter_mut().for_each(garble);
                    Response::Blocks(blocks)
                }
                _ => Response::Busy,
            })
        },
    );
    assert_eq!(points.await, None, "it is banned");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_block_with_a_garbled_seal_is_taken_from_another_peer() {
    garbled("garbled seals", |block| block.header.seal.0[9] ^= 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_block_without_its_certificate_is_taken_from_another_peer() {
    garbled("no certificates", |block| block.certificate = None).await;
}

/// The same by gossip: whoever sends the garbled copy is banned, whoever sends the block afterwards is believed.
#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_copy_by_gossip_does_not_poison_the_block() {
    let spec = quick_spec("poison");
    let minter = node(&spec, &[0, 1, 2, 3]);
    let minting = tokio::spawn({
        let minter = minter.clone();
        async move { minter.run().await }
    });
    let follower = Member::start(&spec, &[], &[]).await;
    until("a block", || minter.status().head.height.0 > 0).await;
    let first = minter.block(Height(1)).await.unwrap().unwrap().position.id;
    let mut block = blocks_of(&minter, &[first]).remove(0);
    block.header.seal.0[9] ^= 1;
    assert_eq!(block.header.header.id(), first, "the id does not cover the seal");
    let mut hostile = Hostile::greet(&follower.address("tcp"), &[&follower.node]).await;
    let mut closed = false;
    for _ in 0..40 {
        hostile.tell(0, protocol::Topic::Blocks, encode(&block));
        closed |= hostile.work(Duration::from_millis(100)).await;
        if closed {
            break;
        }
    }
    assert!(closed, "it is banned");
    assert_eq!(follower.node.status().head.height.0, 0);
    let peers = [follower.address("tcp")];
    let network = Network::start(config(&peers), vec![Arc::new(minter.clone())]).await.unwrap();
    until("the follower at the minter's blocks", || final_height(&follower.node) > 4).await;
    let known = follower.node.block(Height(1)).await.unwrap().unwrap();
    assert_eq!(known.position.id, first);
    network.shutdown().await;
    minter.shutdown().await;
    minting.await.unwrap().unwrap();
    follower.stop().await;
}
