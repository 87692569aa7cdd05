//! Seven processes as `vsys-node testnet` starts them: they mint, take leases, lose a slot to a newcomer, finalise, and survive
//! the power cut of all of them at once.

use std::{path::Path, process::Command};

use full_node::config::{DEVELOPMENT_PHRASE, read_key, read_spec};
use integration_tests::{Api, NodeProcess, TestnetProcess, audit, now, paths, wait_until};
use light_client::{
    crypto::{Hash, KeyPair},
    data_format::{
        Address, Amount, Call, ChainSpec, Checkpoint, Height, LeaseCall, MintingKey, Round, SupernodeCall,
        Transaction, UNITS_PER_COIN,
    },
    wallet::Seed,
};

const NODES: usize = 7;
/// Slow enough for eight processes on two busy cores.
const SLOT_MS: u32 = 500;

fn height(api: &Api, of: &str) -> u64 {
    api.json("/v1/status")[of]["height"].as_u64().unwrap()
}

/// An account of the phrase that everybody knows.
struct Account<'a> {
    spec: &'a ChainSpec,
    key: KeyPair,
    address: Address,
}

impl<'a> Account<'a> {
    fn new(spec: &'a ChainSpec, index: usize) -> Self {
        let seed = Seed::from_bip39(DEVELOPMENT_PHRASE).unwrap();
        let key = seed.key(u32::try_from(index).unwrap()).unwrap();
        Self { spec, address: Address::of(&key.public(), spec.network), key }
    }

    fn nonce(&self, api: &Api) -> u64 {
        api.json(&format!("/v1/accounts/{}", self.address))["next_nonce"].as_u64().unwrap()
    }

    /// Has a call executed; the word for how it ended.
    fn run(&self, api: &Api, nonce: u64, call: Call) -> String {
        let (calls, chain) = (vec![call], self.spec.id());
        let fee = self.spec.minimum_fee(&calls).unwrap();
        let sender = self.key.public();
        let valid_until = Height(1_000_000);
        let transaction = Transaction { sender, nonce, fee, valid_until, calls, memo: Vec::new() };
        let signed = transaction.sign(&chain, &self.key);
        let answer = api.submit(&chain, &signed);
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        let path = format!("/v1/transactions/{}", signed.transaction.id(&chain));
        wait_until("the call in a block", || api.json(&path)["state"] == "included");
        api.json(&path)["outcome"]["status"].as_str().unwrap().to_owned()
    }
}

/// The checkpoint of the round before the current one, of which every node knows.
fn checkpoint(api: &Api, spec: &ChainSpec) -> Checkpoint {
    let slot = now().ms_since(spec.genesis_time) / u64::from(SLOT_MS);
    let round = (slot / NODES as u64).saturating_sub(1);
    let block = |height: u64| api.json(&format!("/v1/blocks/{height}"));
    let before =
        |height: &u64| *height == 0 || block(*height)["slot"].as_u64().unwrap() < round * NODES as u64;
    let found = (0..=height(api, "head")).rev().find(before).unwrap();
    Checkpoint { round: Round(round), id: Hash::from_hex(block(found)["id"].as_str().unwrap()).unwrap() }
}

/// A new node, made as an operator makes it.
fn newcomer(folder: &Path, network: &Path, peer: &str) -> NodeProcess {
    let api = NodeProcess::free_address();
    let made = Command::new(paths::node_program())
        .arg("init")
        .args(["--chain".as_ref(), network.join("chain.toml").as_os_str()])
        .args(["--data".as_ref(), folder.as_os_str()])
        .args(["--peer", peer, "--p2p", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    NodeProcess::start(&["run".to_owned(), "--data".to_owned(), folder.display().to_string()], api)
}

#[test]
fn seven_processes_mint_lease_contend_finalise_and_survive_a_power_cut() {
    let folder = tempfile::tempdir().unwrap();
    let network = folder.path().join("network");
    let testnet = TestnetProcess::start(&network, NODES, SLOT_MS);
    let nodes = testnet.nodes();
    assert_eq!(nodes.len(), NODES, "{}", testnet.said());
    let spec = read_spec(&network.join("chain.toml")).unwrap();
    let answers = || nodes.iter().all(|(api, _)| api.try_get("/health").is_ok());
    wait_until("every node answers", answers);

    let data = folder.path().join("newcomer");
    let newcomer_node = newcomer(&data, &network, &nodes[0].1);
    let new_api = newcomer_node.api();
    wait_until("a final block at every node", || {
        nodes.iter().map(|(api, _)| api).chain([&new_api]).all(|api| height(api, "final") > 0)
    });

    // One spare account leases to the other, which contends with the newcomer's key.
    let (lessor, contender) = (Account::new(&spec, NODES), Account::new(&spec, NODES + 1));
    let lease = LeaseCall::Lease { to: contender.address, amount: Amount(1_000_000 * UNITS_PER_COIN) };
    assert_eq!(lessor.run(&nodes[1].0, 0, Call::Lease(lease)), "success");
    let minting = read_key(&data.join("minting.key")).unwrap();
    let api = &nodes[2].0;
    let nonce = contender.nonce(api);
    let checkpoint = checkpoint(api, &spec);
    let key = MintingKey::sign(&minting, &spec.id(), &contender.address, nonce, checkpoint).unwrap();
    let contend = SupernodeCall::Contend { slot: 3, commission: 500, key: key.into() };
    assert_eq!(contender.run(api, nonce, Call::Supernode(contend)), "success");
    wait_until("the newcomer mints and votes", || {
        let status = new_api.json("/v1/status");
        let key = &status["minting_keys"][0];
        key["in_force"] == true
            && status["blocks_minted"].as_u64() > Some(0)
            && status["votes_cast"].as_u64() > Some(0)
    });
    let displaced = nodes[3].0.json("/v1/status");
    assert_eq!(displaced["minting_keys"][0]["in_force"], false, "one slot, one holder: {displaced}");
    let figures = nodes[0].0.figures();
    let figure = format!("vsys_minting_keys{{chain=\"{}\",table=\"in_force\"}} 1", spec.id());
    assert!(figures.contains(&figure), "{figures}");

    // The power fails, at every node of the network at once.
    let before = nodes.iter().map(|(api, _)| height(api, "final")).max().unwrap();
    assert_eq!(testnet.kill_nodes(), NODES);
    assert_eq!(testnet.end().code(), Some(1), "it ends when all of its nodes did");
    let testnet = TestnetProcess::start(&network, NODES, SLOT_MS);
    let nodes = testnet.nodes();
    wait_until("later final blocks after the power cut, the newcomer's too", || {
        let all = nodes.iter().map(|(api, _)| api).chain([&new_api]);
        all.clone().all(|api| api.try_get("/health").is_ok()) && {
            let mut all = all;
            all.all(|api| height(api, "final") > before + NODES as u64)
        }
    });
    let at = nodes.iter().map(|(api, _)| height(api, "final")).min().unwrap();
    let block = |api: &Api| {
        wait_until("the same final block", || height(api, "final") >= at);
        api.json(&format!("/v1/blocks/{at}"))["id"].clone()
    };
    let ids: Vec<_> = nodes.iter().map(|(api, _)| block(api)).chain([block(&new_api)]).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(testnet.said().lines().any(|line| line.starts_with("heights ")), "{}", testnet.said());

    assert_eq!(newcomer_node.terminate().code(), Some(0));
    assert_eq!(testnet.interrupt().code(), Some(0));
    for number in 1..=NODES {
        assert_eq!(audit(&network.join(format!("node-{number}"))).nonces, 2, "node {number}");
    }
    assert_eq!(audit(&data).nonces, 2, "the newcomer");
}
