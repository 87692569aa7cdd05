//! Chains of proof of work between peers: the most work wins, not the greatest height.

use light_client::data_format::{EngineSpec, ModuleName, ProofOfWorkSpec};

use super::*;

/// Blocks may come every 50 milliseconds; the difficulty halves for each ten seconds that a block comes late.
fn work_spec() -> ChainSpec {
    let mut spec = spec("work");
    spec.genesis_time = Time(spec.genesis_time.0 - 100_000);
    spec.modules = vec![ModuleName::Coin];
    spec.engine = EngineSpec::ProofOfWork(ProofOfWorkSpec {
        slot_ms: 50,
        block_ms: 200,
        genesis_difficulty: 1_000,
        half_life_ms: 10_000,
        final_depth: 50,
        block_reward: Amount(0),
    });
    spec
}

/// A node that mined this many blocks on its own, the first at a time after block 0, in milliseconds.
fn miner(spec: &ChainSpec, payee: usize, blocks: u64, first_ms: u64) -> Node {
    let node = Node::open(NodeConfig {
        data: None,
        chain: ChainChoice::Spec(Box::new(spec.clone())),
        recoveries: Vec::new(),
        payee: Some(Address::of(&minting_keys()[payee].public(), spec.network)),
        minting_keys: Vec::new(),
        retention: Retention::default(),
        pool: crate::transaction::Limits::default(),
        now: worker::system_time(),
    })
    .unwrap();
    let mut now = spec.genesis_time.plus_ms(first_ms);
    while node.status().head.height.0 < blocks {
        node.advance(now).unwrap();
        now = now.plus_ms(50);
    }
    assert!(now < worker::system_time(), "nothing is from the future");
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_partition_the_heavier_branch_wins_though_it_is_shorter() {
    let spec = work_spec();
    let heavy = miner(&spec, 0, 4, 50);
    let light = miner(&spec, 1, 12, 60_000);
    let tip = |node: &Node| ChainPort::tip(node).unwrap();
    assert_eq!((tip(&heavy).height, tip(&light).height), (Height(4), Height(12)));
    assert!(tip(&heavy).weight > 2 * tip(&light).weight, "{:?} {:?}", tip(&heavy), tip(&light));
    let head = tip(&heavy).head;
    let first = Network::start(config(&[]), vec![Arc::new(light.clone())]).await.unwrap();
    let address = first.status().borrow().listening[0].clone().with_p2p(first.peer()).unwrap();
    let second = Network::start(config(&[address]), vec![Arc::new(heavy.clone())]).await.unwrap();
    until("both on the branch with more work", || [&heavy, &light].iter().all(|node| tip(node).head == head))
        .await;
    assert_eq!(tip(&light).weight, tip(&heavy).weight, "both count the same work");
    // And by gossip, when a block comes whose weight its header does not say.
    let before = tip(&heavy).height;
    let (running, minting) = (heavy.clone(), heavy.clone());
    let minting = tokio::spawn(async move { minting.run().await });
    until("new blocks at the other node", || tip(&light).height.0 > before.0 + 3).await;
    running.shutdown().await;
    minting.await.unwrap().unwrap();
    until("the same head again", || tip(&light).head == tip(&heavy).head).await;
    for network in [first, second] {
        let status = network.status().borrow().clone();
        assert_eq!(status.bans, 0);
        assert!(status.peers.iter().all(|shown| shown.points == 0), "{:?}", status.peers);
        network.shutdown().await;
    }
    light.shutdown().await;
}
