//! Two processes that run the same two chains over one connection, made as operators make them: both chains become final, a
//! flood of one does not stop the other, and kill -9 of both processes loses neither.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use full_node::config::{create_key, write_spec};
use integration_tests::{Answer, Api, FastChain, NodeProcess, audit, key_of, paths, wait_until};
use light_client::{
    crypto::Hash,
    data_format::{
        Amount, ChainId, ChainSpec, EngineSpec, Holder, InstantSpec, SignedTransaction, SlotTable, SposSpec,
        UNITS_PER_COIN,
    },
    test_support::chain::test_address,
    transaction::Submission,
};
use tempfile::TempDir;

/// Accounts that pay on the flooded chain.
const PAYERS: u64 = 16;
/// Slow enough for two processes on two busy cores.
const SLOT_MS: u32 = 400;

/// Two processes. The first chain has two slots, one for each; on the second one the first process seals.
struct Pair {
    folder: TempDir,
    fast: FastChain,
    voted: ChainSpec,
    sealed: ChainSpec,
    api: [SocketAddr; 2],
}

/// A process and what it says of a chain.
struct Seen<'a> {
    api: Api,
    node: &'a NodeProcess,
}

fn command(arguments: &[&str]) -> Output {
    Command::new(paths::node_program()).args(arguments).output().unwrap()
}

fn succeeds(arguments: &[&str]) -> String {
    let output = command(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn fails(arguments: &[&str], code: i32) -> String {
    let output = command(arguments);
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
    words
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Pair {
    fn new() -> Self {
        let (folder, fast) = (TempDir::new().unwrap(), FastChain::new(PAYERS));
        let key = |name: &str| Hash(*create_key(&folder.path().join(name)).unwrap().as_bytes());
        let holder = |number: u64| {
            Some(Holder { address: test_address(number), minting_key: key(&format!("voter-{}", number - 1)) })
        };
        let slots = SlotTable((1..=2).map(holder).collect());
        let voted = ChainSpec {
            name: "voted".to_owned(),
            engine: EngineSpec::Spos(SposSpec::without_rewards(SLOT_MS, slots)),
            ..fast.spec().clone()
        };
        let instant = InstantSpec { slot_ms: 50, sealer: key("sealer") };
        let sealed = ChainSpec {
            name: "sealed".to_owned(),
            engine: EngineSpec::Instant(instant),
            ..fast.spec().clone()
        };
        for spec in [&voted, &sealed] {
            write_spec(&folder.path().join(format!("{}.toml", spec.name)), spec).unwrap();
        }
        let pair = Self { folder, fast, voted, sealed, api: [(); 2].map(|()| NodeProcess::free_address()) };
        let p2p = NodeProcess::free_address();
        let dial = format!("/ip4/{}/tcp/{}", p2p.ip(), p2p.port());
        let listens = p2p.to_string();
        for number in 0..2 {
            let home = pair.home(number);
            let network = match number {
                0 => ["--p2p", &listens],
                _ => ["--peer", &dial],
            };
            let first = ["init", "--chain", &pair.file("voted.toml"), "--data", text(&home), "--key"]
                .map(ToOwned::to_owned);
            let first: Vec<&str> = first.iter().map(String::as_str).collect();
            let key = pair.file(&format!("voter-{number}"));
            let nowhere = ["--p2p", "127.0.0.1:0"];
            let nowhere = if number == 0 { &nowhere[..0] } else { &nowhere };
            succeeds(&[&first[..], &[&key], &network, nowhere].concat());
            let (spec, sealer) = (pair.file("sealed.toml"), pair.file("sealer"));
            let second = pair.second(number);
            let second = ["init", "--chain", &spec, "--data", text(&second), "--with", text(&home)];
            let key = ["--key", &sealer];
            let said = succeeds(&[&second[..], if number == 0 { &key } else { &[] }].concat());
            assert!(said.contains(&format!("vsys-node run --data {}", text(&home))), "{said}");
        }
        pair
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The folder of a process, and of its first chain.
    fn home(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("process-{number}"))
    }

    /// The folder of its second chain.
    fn second(&self, number: usize) -> PathBuf {
        self.home(number).join("sealed")
    }

    fn start(&self) -> [NodeProcess; 2] {
        [0, 1].map(|number| {
            let arguments = ["run", "--data", text(&self.home(number))].map(ToOwned::to_owned);
            NodeProcess::start(&arguments, self.api[number])
        })
    }

    /// A payment on the second chain.
    fn payment(&self, payer: u64, nonce: u64) -> SignedTransaction {
        let payment = self.fast.payment(payer, nonce, test_address(500), Amount(UNITS_PER_COIN));
        payment.transaction.sign(&self.sealed.id(), &key_of(payer))
    }
}

impl<'a> Seen<'a> {
    fn of(node: &'a NodeProcess, chain: &ChainId) -> Self {
        Self { api: Api::new(format!("{}/chains/{chain}", node.api().base())), node }
    }

    fn height(&self, of: &str) -> u64 {
        self.api.json("/v1/status")[of]["height"].as_u64().unwrap()
    }

    /// How many payments of an account are in blocks.
    fn paid(&self, payer: u64) -> u64 {
        self.api.json(&format!("/v1/accounts/{}", test_address(payer)))["nonce"].as_u64().unwrap()
    }
}

fn submit(seen: &Seen<'_>, chain: &ChainId, signed: SignedTransaction) -> Answer {
    seen.api.try_submit_bytes(&Submission { chain: *chain, signed }.encode()).unwrap()
}

/// Everybody pays as fast as the node lets them until `enough`; how often each paid. What would make others wait, such as
/// garbage and questions, comes between.
fn flood(pair: &Pair, seen: &Seen<'_>, enough: &AtomicBool) -> Vec<u64> {
    let chain = pair.sealed.id();
    let mut paid = vec![0; PAYERS as usize];
    // The node may hang up on whoever sends it, so it has connections of its own.
    let (garbage, other) = (vec![7; 8_000], Api::new(seen.api.base().to_owned()));
    while !enough.load(Ordering::SeqCst) {
        for (payer, nonce) in (1..).zip(&mut paid) {
            let answer = submit(seen, &chain, pair.payment(payer, *nonce));
            match answer.status {
                202 => *nonce += 1,
                // Too fast for one client, or more than may wait of one account.
                429 | 503 => {}
                _ => panic!("{}", String::from_utf8_lossy(&answer.body)),
            }
            drop(other.try_submit_bytes(&garbage));
        }
    }
    paid
}

#[test]
fn two_processes_run_two_chains_over_one_connection_and_neither_stops_the_other() {
    let pair = Pair::new();
    let (voted, sealed) = (pair.voted.id(), pair.sealed.id());
    let nodes = pair.start();
    let listed = nodes[1].api().json("/v1/chains");
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|chain| chain["name"].clone()).collect();
    assert_eq!(names, ["voted", "sealed"], "{listed}");
    assert_eq!(listed[1]["path"], format!("/chains/{sealed}"));

    // One connection serves both.
    wait_until("a peer of both chains at each", || {
        let tips = |peer: &serde_json::Value| peer["tips"].as_array().unwrap().len();
        let has_one =
            |peers: &serde_json::Value| peers["peers"].as_array().unwrap().iter().any(|peer| tips(peer) == 2);
        nodes.iter().all(|node| has_one(&node.api().json("/v1/peers")))
    });
    for node in &nodes {
        assert_eq!(node.api().json("/v1/peers")["peers"].as_array().unwrap().len(), 1);
        for chain in [&voted, &sealed] {
            let peers = Seen::of(node, chain).api.json("/v1/peers");
            assert_eq!(peers["peers"][0]["tips"][0]["chain_id"], chain.to_string(), "{peers}");
        }
    }
    let (here, there) = (Seen::of(&nodes[0], &voted), Seen::of(&nodes[1], &voted));
    wait_until("final blocks by both votes", || here.height("final") > 0 && there.height("final") > 0);
    assert_eq!(
        nodes[0].api().json("/v1/status")["chain_id"],
        voted.to_string(),
        "the first one is at the root"
    );

    // A flood of the second chain, at the process that seals it.
    let flooded = Seen::of(&nodes[0], &sealed);
    let enough = AtomicBool::new(false);
    let paid = thread::scope(|scope| {
        let flooding = scope.spawn(|| flood(&pair, &flooded, &enough));
        let before = there.height("final");
        wait_until("the sealed chain under way", || Seen::of(&nodes[1], &sealed).height("final") > 3);
        wait_until("four rounds of the other chain meanwhile", || there.height("final") >= before + 8);
        enough.store(true, Ordering::SeqCst);
        flooding.join().unwrap()
    });
    assert!(paid.iter().sum::<u64>() > 4 * PAYERS, "{paid:?}");
    let follower = Seen::of(&nodes[1], &sealed);
    for (payer, paid) in (1..).zip(&paid) {
        wait_until("every accepted payment in a block at the other process", || {
            follower.paid(payer) == *paid
        });
    }
    wait_until("both processes well", || nodes.iter().all(|node| node.api().get("/health").body == b"ok"));
    let figures = nodes[0].api().figures();
    for chain in [&voted, &sealed] {
        assert!(figures.contains(&format!("\nvsys_healthy{{chain=\"{chain}\"}} 1\n")), "{figures}");
    }

    // What operators type.
    let url = there.node.api().base().to_owned();
    let said = succeeds(&["status", "--api", &url]);
    assert!(said.contains(&voted.to_string()) && said.contains(&sealed.to_string()), "{said}");
    let said = succeeds(&["status", "--api", &url, "--chain", &pair.file("sealed.toml")]);
    assert!(!said.contains(&voted.to_string()) && said.contains(&sealed.to_string()), "{said}");
    succeeds(&["status", "--healthy", "--api", &url]);
    succeeds(&["peers", "--api", &url, "--chain", &sealed.to_string()]);
    let said = succeeds(&["supernode", "status", "--api", &url, "--chain", &voted.to_string()]);
    assert!(said.contains(&test_address(1).to_string()), "{said}");
    let said = fails(&["status", "--json", "--api", &url, "--chain", &Hash([9; 32]).to_string()], 1);
    assert!(said.contains("unknown_chain"), "{said}");

    // The power fails.
    let before = there.height("final");
    nodes.into_iter().for_each(NodeProcess::kill);
    let nodes = pair.start();
    let there = Seen::of(&nodes[1], &voted);
    wait_until("later final blocks after the power cut", || there.height("final") >= before + 8);
    let sealer = Seen::of(&nodes[0], &sealed);
    let answer = submit(&sealer, &sealed, pair.payment(1, paid[0]));
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    let follower = Seen::of(&nodes[1], &sealed);
    wait_until("a payment after the power cut", || follower.paid(1) == paid[0] + 1);
    for (payer, paid) in (2..).zip(&paid[1..]) {
        assert_eq!(follower.paid(payer), *paid, "nothing accepted is lost");
    }

    for (number, node) in nodes.into_iter().enumerate() {
        assert_eq!(node.terminate().code(), Some(0));
        assert_eq!(audit(&pair.home(number)).nonces, 0);
        assert_eq!(audit(&pair.second(number)).nonces, paid.iter().sum::<u64>() + 1);
    }
}

#[test]
fn a_chain_that_cannot_be_opened_is_named() {
    let pair = Pair::new();
    let home = pair.home(0);
    let run = ["run", "--data", text(&home), "--api", "127.0.0.1:0"];
    // Another process has the second chain.
    let address = NodeProcess::free_address();
    let second = pair.second(0);
    let arguments = ["run", "--chain", &pair.file("sealed.toml"), "--data", text(&second)];
    let other = NodeProcess::start(&arguments.map(ToOwned::to_owned), address);
    let words = fails(&run, 4);
    assert!(words.contains("the chain \"sealed\"") && words.contains("in use"), "{words}");
    assert_eq!(other.terminate().code(), Some(0));

    // It is not what its folder holds.
    let spec = ChainSpec { name: "another".to_owned(), ..pair.sealed.clone() };
    std::fs::remove_file(pair.second(0).join("chain.toml")).unwrap();
    let words = fails(&run, 3);
    assert!(words.contains("chain of [[chains]] number 1") && words.contains("chain.toml"), "{words}");
    write_spec(&pair.second(0).join("chain.toml"), &spec).unwrap();
    let words = fails(&run, 3);
    assert!(words.contains("the chain \"another\"") && words.contains(text(&pair.second(0))), "{words}");
    std::fs::copy(home.join("chain.toml"), pair.second(0).join("chain.toml")).unwrap();
    let words = fails(&run, 3);
    assert!(
        words.contains("chain of [[chains]] number 1") && words.contains(&pair.voted.id().to_string()),
        "{words}"
    );

    // And a chain that the node has already is not added.
    let (spec, third) = (pair.file("sealed.toml"), pair.folder.path().join("third"));
    std::fs::copy(&spec, pair.second(0).join("chain.toml")).unwrap();
    let before = std::fs::read(home.join("config.toml")).unwrap();
    let words = fails(&["init", "--chain", &spec, "--data", text(&third), "--with", text(&home)], 3);
    assert!(words.contains(&pair.sealed.id().to_string()), "{words}");
    assert_eq!(std::fs::read(home.join("config.toml")).unwrap(), before);
}

#[test]
fn a_chain_without_room_on_its_disk_stands_still_alone() {
    let pair = Pair::new();
    let settings = pair.home(0).join("config.toml");
    let written = std::fs::read_to_string(&settings).unwrap();
    let (first, second) = written.split_once("\n[[chains]]\n").unwrap();
    let starved = second.replace("minimum_free_mib = 512", "minimum_free_mib = 1048576");
    assert_ne!(starved, second);
    std::fs::write(&settings, format!("{first}\n[[chains]]\n{starved}")).unwrap();
    let nodes = pair.start();
    let (voted, sealed) = (Seen::of(&nodes[0], &pair.voted.id()), Seen::of(&nodes[0], &pair.sealed.id()));
    wait_until("a chain that stands still", || sealed.api.get("/health").status == 503);
    // Its newest final block may be old when the processes start.
    wait_until("the other chain is well", || voted.api.get("/health").body == b"ok");
    let whole = nodes[0].api().get("/health");
    assert_eq!((whole.status, whole.code().as_str()), (503, "unwell"));
    let problem = whole.json();
    assert_eq!(problem["chains"].as_array().unwrap().len(), 1, "{problem}");
    assert_eq!(problem["chains"][0]["name"], "sealed", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("stands still"), "{problem}");
    let answer = submit(&sealed, &pair.sealed.id(), pair.payment(1, 0));
    assert_eq!(answer.status, 503, "{}", String::from_utf8_lossy(&answer.body));
    let before = voted.height("final");
    wait_until("the other chain goes on", || voted.height("final") >= before + 8);
    wait_until("the other chain is still well", || voted.api.get("/health").body == b"ok");
    let words = fails(&["status", "--healthy", "--api", nodes[0].api().base()], 1);
    assert!(words.contains("\"sealed\": the node stands still"), "{words}");
    for node in nodes {
        assert_eq!(node.terminate().code(), Some(0));
    }
}
