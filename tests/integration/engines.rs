//! Chains without supernodes, on real processes: two nodes that speak by sockets, and a light client that proves what
//! they serve.

use std::net::SocketAddr;

use full_node::config::{create_key, write_spec};
use integration_tests::{FastChain, Host, NodeProcess, now, wait_until};
use light_client::{
    client::{AccountState, Client, PaymentState},
    crypto::Hash,
    data_format::{Amount, ChainSpec, EngineSpec, InstantSpec, ModuleName, ProofOfWorkSpec, UNITS_PER_COIN},
    test_support::chain::test_address,
};
use tempfile::TempDir;

/// Two nodes of a chain: the first makes blocks.
struct Pair {
    folder: TempDir,
    fast: FastChain,
    spec: ChainSpec,
}

impl Pair {
    fn new(engine: impl FnOnce(&TempDir) -> EngineSpec) -> Self {
        let (folder, fast) = (TempDir::new().unwrap(), FastChain::new(3));
        let spec =
            ChainSpec { engine: engine(&folder), modules: vec![ModuleName::Coin], ..fast.spec().clone() };
        write_spec(&folder.path().join("spec.toml"), &spec).unwrap();
        Self { folder, fast, spec }
    }

    fn start(&self, name: &str, more: &[String]) -> NodeProcess {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let arguments = ["run", "--chain", &path("spec.toml"), "--data", &path(name)].map(ToOwned::to_owned);
        NodeProcess::start(&[arguments.as_slice(), more].concat(), NodeProcess::free_address())
    }

    fn listening(&self, name: &str, address: SocketAddr, more: &[String]) -> NodeProcess {
        self.start(name, &[more, &["--p2p".to_owned(), address.to_string()]].concat())
    }

    fn following(&self, peer: SocketAddr) -> NodeProcess {
        let peer = format!("/ip4/{}/tcp/{}", peer.ip(), peer.port());
        self.start("follower", &["--peer".to_owned(), peer])
    }

    /// Pays on the first node; the client proves from the second that it is final, and what the recipient has.
    fn pay_and_prove(&self, follower: &NodeProcess) {
        let genesis = follower.api().genesis(&self.spec);
        assert_eq!(genesis.tables, None, "nobody votes");
        let host = Host::default();
        let mut client = Client::new(self.spec.clone(), genesis, [follower.api().base().to_owned()]);
        let to = test_address(3);
        client.watch(to, now());
        let mut payment = self.fast.payment(1, 0, to, Amount(5 * UNITS_PER_COIN)).transaction;
        payment.valid_until = light_client::data_format::Height(1_000_000);
        let signed = payment.sign(&self.spec.id(), &integration_tests::key_of(1));
        let id = client.submit(signed, now());
        host.run_until(&mut client, 60, "a final payment, and the coins with whom it went to", |client| {
            let state = &client.payment(&id).unwrap().state;
            assert!(!matches!(state, PaymentState::Refused { .. }), "{state:?}");
            let proven = client.account(&to).and_then(AccountState::proven);
            let balance = proven.and_then(|proven| proven.record).map(|record| record.balance);
            matches!(state, PaymentState::Final { succeeded: true, .. })
                && balance == Some(Amount(1_000_005 * UNITS_PER_COIN))
        });
    }
}

/// What `/health`, its figure and the status say; all of them the same.
fn is_well(node: &NodeProcess) -> bool {
    let api = node.api();
    let health = api.get("/health");
    if health.status != 200 {
        let body = String::from_utf8_lossy(&health.body).into_owned();
        // On a busy machine a follower is behind for a moment, and blocks are final late.
        let is_late = body.contains("final") || body.contains("the node is behind");
        assert!(health.status == 503 && is_late, "{body}");
        return false;
    }
    assert_eq!(health.body, b"ok");
    let figures = api.figures();
    let status = api.json("/v1/status");
    let well = format!("\nvsys_healthy{{chain={}}} 1\n", status["chain_id"]);
    figures.contains(&well) && status["unwell"].is_null()
}

/// Nobody votes, so nothing is said of rounds.
fn assert_no_rounds(node: &NodeProcess) {
    let status = node.api().json("/v1/status");
    assert!(status["round"].is_null() && status["justified"].is_null(), "{status}");
    let figures = node.api().figures();
    assert!(figures.contains("vsys_final_age_seconds") && !figures.contains("round"), "{figures}");
}

#[test]
fn a_chain_of_work_is_mined_followed_and_proven() {
    let pair = Pair::new(|_| {
        EngineSpec::ProofOfWork(ProofOfWorkSpec {
            slot_ms: 50,
            block_ms: 200,
            genesis_difficulty: 1_000,
            half_life_ms: 10_000,
            final_depth: 3,
            block_reward: Amount(UNITS_PER_COIN),
        })
    });
    let address = NodeProcess::free_address();
    let payee = ["--payee".to_owned(), test_address(9).to_string()];
    let miner = pair.listening("miner", address, &payee);
    let follower = pair.following(address);
    pair.pay_and_prove(&follower);
    // Blocks come at random, and a busy machine looks for them slowly.
    for node in [&miner, &follower] {
        wait_until("a miner or follower that is well", || is_well(node));
        assert_no_rounds(node);
    }
}

#[test]
fn an_instant_chain_is_sealed_followed_and_proven() {
    let pair = Pair::new(|folder| {
        let sealer = create_key(&folder.path().join("sealer.key")).unwrap();
        EngineSpec::Instant(InstantSpec { slot_ms: 10, sealer: Hash(*sealer.as_bytes()) })
    });
    let address = NodeProcess::free_address();
    let key = ["--keys".to_owned(), pair.folder.path().join("sealer.key").display().to_string()];
    let sealer = pair.listening("sealer", address, &key);
    let follower = pair.following(address);
    pair.pay_and_prove(&follower);
    for node in [&sealer, &follower] {
        // Nothing is sealed while nobody pays, and that is well however long it lasts.
        assert!(is_well(node));
        assert_no_rounds(node);
    }
}
