//! The program as people meet it: its words, its exit codes, and how it stops.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where something went wrong")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
};

/// A node that is ready; killed if a test forgets it.
struct Node {
    child: Child,
    said: String,
    url: String,
}

impl Node {
    /// Starts `vsys-node dev` on a free port and waits until it says that it is ready.
    fn dev(arguments: &[&str]) -> Self {
        Self::start(&[&["dev", "--api", "127.0.0.1:0"], arguments].concat())
    }

    /// Starts `vsys-node` and waits until it says that it is ready.
    fn start(arguments: &[&str]) -> Self {
        let mut child =
            program().args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while !said.contains("Ready.") {
            said += &lines.next().expect("it ended before it was ready").unwrap();
            said.push('\n');
        }
        let url = said.lines().find_map(|line| line.strip_prefix("API      ")).unwrap();
        let url = url.trim_end_matches("/docs").to_owned();
        Self { child, said, url }
    }

    fn signal(mut self, name: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Gone already after `signal`; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The spec of a chain that began long ago, and whose holders do not run.
fn write_chain(path: &Path, genesis: u64) -> light_client::data_format::ChainSpec {
    let spec = full_node::config::development_spec(light_client::data_format::Time(genesis));
    full_node::config::write_spec(path, &spec).unwrap();
    spec
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vsys-node"));
    command.env_remove("RUST_LOG");
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// Checks the exit code, and that the words contain these.
#[track_caller]
fn fails(arguments: &[&str], code: i32, words: &[&str]) {
    let output = run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_development_chain_starts_stops_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let node = Node::dev(&["--data", text(&data)]);
    assert!(node.said.contains("WORTHLESS") && node.said.contains("10000000 VSYS"), "{}", node.said);
    fails(
        &["dev", "--api", "127.0.0.1:0", "--data", text(&data)],
        4,
        &["in use by another process", "--data"],
    );
    let status = run(&["status", "--api", &node.url]);
    assert!(status.status.success());
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(status.contains("development") && status.contains("final"), "{status}");
    assert!(status.contains("holds a slot\n") && status.contains("signed "), "{status}");
    assert!(run(&["status", "--healthy", "--api", &node.url]).status.success());
    let peers = run(&["peers", "--api", &node.url]);
    assert!(String::from_utf8(peers.stdout).unwrap().contains("in no network"), "it is alone");
    let json = run(&["status", "--json", "--api", &node.url]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let chain = json["chain_id"].as_str().unwrap().to_owned();
    assert_eq!(node.signal("TERM").code(), Some(0));

    let again = Node::dev(&["--data", text(&data)]);
    assert!(again.said.contains(&chain), "it is the same chain: {}", again.said);
    assert_eq!(again.signal("INT").code(), Some(0));

    // The folder keeps its chain, whatever spec somebody brings.
    let spec = folder.path().join("spec.toml");
    let other = full_node::config::development_spec(light_client::data_format::Time(1_700_000_000_000));
    full_node::config::write_spec(&spec, &other).unwrap();
    let arguments = ["run", "--api", "127.0.0.1:0", "--chain", text(&spec), "--data", text(&data)];
    fails(&arguments, 3, &[&chain, &other.id().to_string()]);
}

#[test]
fn what_cannot_be_used_is_named_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    fails(&["dev", "--ephemeral", "--api", &taken], 4, &[&taken, "already listens", "--api"]);
    fails(&["status", "--api", &format!("http://{taken}"), "--json"], 5, &["no node answers"]);
    fails(&["status", "--api", "nonsense"], 5, &["nonsense", "--api http://"]);
    fails(&["dev", "--ephemeral", "--wallet", text(&path("none"))], 3, &["none", "--wallet"]);
    fails(&["dev", "--ephemeral", "--wallet", text(folder.path())], 3, &["index.html"]);

    let spec = path("spec.toml");
    let data = path("data");
    let run_spec = ["run", "--api", "127.0.0.1:0", "--chain", text(&spec), "--data", text(&data)];
    fails(&run_spec, 3, &["spec.toml", "cannot be read", "--chain"]);
    fs::write(&spec, "name = \"x\"\nnetwork = \"moon\"\n").unwrap();
    fails(&run_spec, 3, &["line 2", "moon"]);
    let late = full_node::config::development_spec(light_client::data_format::Time(4_000_000_000_000));
    full_node::config::write_spec(&spec, &late).unwrap();
    fails(&run_spec, 3, &["2096-10-02", "clock"]);
    assert!(!data.exists(), "nothing was made");

    for arguments in [&["dev", "--wat"][..], &["run"], &[]] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert!(run(&["--help"]).status.success() && run(&["dev", "--help"]).status.success());
}

#[test]
fn keys_are_made_and_shown_without_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("minting.key");
    let made = run(&["keys", "--out", text(&path)]);
    assert!(made.status.success());
    let shown = run(&["keys", "--show", text(&path)]);
    let line = String::from_utf8(shown.stdout).unwrap();
    assert!(line.starts_with("minting_key = \"") && String::from_utf8_lossy(&made.stdout).contains(&line));
    let file = fs::read_to_string(&path).unwrap();
    let secret = file.lines().find_map(|line| line.strip_prefix("secret = \"")).unwrap();
    assert!(!line.contains(&secret[..8]));
    fails(&["keys", "--out", text(&path)], 3, &["exists already"]);
}

#[test]
fn a_stopped_node_is_checked_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let node = Node::dev(&["--data", text(&data)]);
    fails(&["check", "--data", text(&data)], 4, &["in use by another process"]);
    fails(&["export", "--data", text(&data)], 4, &["in use by another process"]);
    let status = || String::from_utf8(run(&["status", "--json", "--api", &node.url]).stdout).unwrap();
    while serde_json::from_str::<serde_json::Value>(&status()).unwrap()["head"]["height"].as_u64().unwrap()
        < 2
    {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(node.signal("TERM").code(), Some(0));

    let checked = run(&["check", "--data", text(&data)]);
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.status.success() && said.contains("All is whole."), "{said}");
    assert!(checked.stderr.is_empty(), "no progress but on a terminal");

    let all = String::from_utf8(run(&["export", "--data", text(&data)]).stdout).unwrap();
    assert!(said.contains(&format!("blocks       {}\n", all.lines().count())), "{said}");
    let file = folder.path().join("blocks.jsonl");
    let arguments = ["export", "--data", text(&data), "--from", "1", "--to", "2", "--out", text(&file)];
    assert!(run(&arguments).status.success());
    let some: Vec<String> = fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(some, all.lines().skip(1).take(2).collect::<Vec<_>>());
    fails(&arguments, 3, &["cannot write blocks"]);
    fails(&["export", "--data", text(&data), "--from", "99999"], 3, &["99999", "--from"]);

    let none = folder.path().join("none");
    fails(&["check", "--data", text(&none)], 3, &["none"]);
    assert!(!none.exists(), "nothing was made");
    fs::create_dir(&none).unwrap();
    fs::write(none.join("chain.redb"), "nonsense").unwrap();
    let nonsense = run(&["check", "--data", text(&none)]);
    assert!([3, 6].map(Some).contains(&nonsense.status.code()), "{:?}", nonsense.status);

    // A disk that changes bytes of a page: in the middle of what is written.
    let path = data.join("chain.redb");
    let whole = fs::read(&path).unwrap();
    let id = serde_json::from_str::<serde_json::Value>(all.lines().nth(1).unwrap()).unwrap();
    let header = id["header"].as_str().unwrap();
    let header: Vec<u8> =
        (0..header.len()).step_by(2).map(|at| u8::from_str_radix(&header[at..at + 2], 16).unwrap()).collect();
    let places: Vec<usize> =
        (0..whole.len() - header.len()).filter(|at| whole[*at..].starts_with(&header)).collect();
    assert!(!places.is_empty());
    let mut spoiled = whole;
    places.iter().for_each(|at| spoiled[at + 40] ^= 1);
    fs::write(&path, spoiled).unwrap();
    fails(&["check", "--data", text(&data)], 6, &["damaged", "chain.redb", "Never put a backup"]);
}

#[test]
fn a_new_node_is_made_and_runs_by_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    let (spec, data) = (folder.path().join("spec.toml"), folder.path().join("node"));
    let chain = write_chain(&spec, 1_790_000_000_000);
    let init = [
        "init",
        "--chain",
        text(&spec),
        "--data",
        text(&data),
        "--p2p",
        "127.0.0.1:0",
        "--api",
        "127.0.0.1:0",
    ];
    let made = run(&init);
    let said = String::from_utf8(made.stdout).unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let next = format!("vsys-node run --data {}", text(&data));
    for word in [&chain.id().to_string(), "minting key", "peer id", next.as_str(), "config.toml"] {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
    let secret = fs::read_to_string(data.join("minting.key")).unwrap();
    let secret = secret.lines().find_map(|line| line.strip_prefix("secret = \"")).unwrap();
    assert!(!said.contains(&secret[..8]));
    fails(&init, 3, &["not empty", "--data"]);

    // The settings in the file hold, and what is typed wins over them.
    let file = data.join("config.toml");
    let written = fs::read_to_string(&file).unwrap();
    assert!(
        written.contains("keep_blocks = 0\n") && written.contains("listen = [\"127.0.0.1:0\"]"),
        "{written}"
    );
    let node = Node::start(&["run", "--data", text(&data)]);
    assert!(node.said.contains("mints    with 1 keys") && node.said.contains("peer id"), "{}", node.said);
    assert!(node.said.contains(&chain.id().to_string()), "{}", node.said);
    assert_eq!(node.signal("TERM").code(), Some(0));
    assert!(run(&["check", "--data", text(&data)]).status.success());

    fs::write(&file, written.replace("keep_blocks", "keep_block")).unwrap();
    fails(
        &["run", "--data", text(&data)],
        3,
        &["config.toml", "disk.keep_block;", "disk.keep_blocks?", "line"],
    );
    fs::write(&file, written.replace("keep_states = 900", "keep_states = 10")).unwrap();
    fails(&["run", "--data", text(&data)], 3, &["disk.keep_states must be 900", "it is 10"]);
    fails(&["run", "--data", text(folder.path())], 3, &["no settings", "vsys-node init", "--chain"]);

    // A disk with less room than asked for: the node stands still, says so, and does not end.
    fs::write(&file, written.replace("minimum_free_mib = 512", "minimum_free_mib = 1048576")).unwrap();
    let node = Node::start(&["run", "--data", text(&data)]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let status = loop {
        let status = String::from_utf8(run(&["status", "--api", &node.url]).stdout).unwrap();
        if status.contains("HALTED") || std::time::Instant::now() > until {
            break status;
        }
    };
    assert!(status.contains("make room") && status.contains("MiB are free"), "{status}");
    fails(&["status", "--healthy", "--api", &node.url], 1, &["stands still", "make room"]);
    assert_eq!(node.signal("TERM").code(), Some(0));
}

#[test]
fn a_key_whose_chain_is_gone_is_not_taken_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (spec, data, key) =
        (folder.path().join("spec.toml"), folder.path().join("node"), folder.path().join("my.key"));
    write_chain(&spec, 1_790_000_000_000);
    assert!(run(&["keys", "--out", text(&key)]).status.success());
    let made = run(&[
        "init",
        "--chain",
        text(&spec),
        "--data",
        text(&data),
        "--key",
        text(&key),
        "--api",
        "127.0.0.1:0",
    ]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(!key.exists() && data.join("minting.key").exists(), "a key is in one place");
    let public = full_node::config::read_key(&data.join("minting.key")).unwrap().public();
    let public = light_client::crypto::Hash(*public.as_bytes());
    let record = || {
        let database = full_node::storage::Database::open_existing(&data, false).unwrap();
        database.read().unwrap().voting(&public).unwrap()
    };
    assert!(record().is_some(), "it is known to have signed nothing");

    let forgets = |run: &[&str]| {
        fs::remove_file(data.join("chain.redb")).unwrap();
        assert_eq!(Node::start(run).signal("TERM").code(), Some(0));
        assert_eq!(record(), None, "what it signed is not known any more: it waits");
    };
    let run = ["run", "--data", text(&data), "--p2p", "127.0.0.1:0"];
    forgets(&run);
    // The same without settings: a folder that holds nothing does not show that a key is new.
    fs::remove_file(data.join("config.toml")).unwrap();
    let key = data.join("minting.key");
    forgets(&[&run[..], &["--api", "127.0.0.1:0", "--chain", text(&spec), "--keys", text(&key)]].concat());
}

#[test]
fn a_node_whose_key_is_retired_starts_without_it_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (spec, data) = (folder.path().join("spec.toml"), folder.path().join("node"));
    write_chain(&spec, 1_790_000_000_000);
    let init = ["init", "--chain", text(&spec), "--data", text(&data), "--api", "127.0.0.1:0"];
    assert!(run(&init).status.success());
    let key = data.join("minting.key");
    full_node::config::retire_key(&key).unwrap();
    let arguments = ["run", "--data", text(&data), "--p2p", "127.0.0.1:0"];
    let node = Node::start(&arguments);
    assert!(
        node.said.contains("minting.key was retired") && node.said.contains("with 0 keys"),
        "{}",
        node.said
    );
    assert_eq!(node.signal("TERM").code(), Some(0));
    // With a new one in its place it goes on; what that one signed is not recorded here.
    assert!(run(&["keys", "--out", text(&key)]).status.success());
    let node = Node::start(&arguments);
    assert!(node.said.contains("with 1 keys"), "{}", node.said);
    assert_eq!(node.signal("TERM").code(), Some(0));
}

/// Runs a command with a line on its standard input.
fn told(arguments: &[&str], line: &str) -> Output {
    use std::io::Write;
    let mut child = program()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{line}").unwrap();
    child.wait_with_output().unwrap()
}

/// Two votes of a development chain's minting key for the same round, which no honest holder signs, as `/v1/evidence` writes
/// them.
fn evidence(chain: &str, position: usize) -> String {
    use light_client::{
        crypto::Hash,
        data_format::{Checkpoint, Evidence, Link, Round, Triple, Vote, codec},
    };
    let chain = Hash::from_hex(chain).unwrap();
    let key = full_node::config::minting_keys().swap_remove(position);
    let triple = |round, id| Triple {
        checkpoint: Checkpoint { round: Round(round), id: Hash([id; 32]) },
        next_slots: Hash::ZERO,
    };
    let vote = |id| Vote::sign(Link { source: triple(0, 0), target: triple(1, id) }, &chain, &key).unwrap();
    let evidence = Evidence::of_votes(&vote(1), &vote(2)).unwrap();
    codec::encode(&evidence).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_supernode_is_run_from_the_command_line() {
    use full_node::config::{DEVELOPMENT_PHRASE, faucet_key, funded_accounts};
    use light_client::data_format::{Address, Network};
    let node = Node::dev(&["--ephemeral"]);
    let folder = tempfile::tempdir().unwrap();
    let api = ["--api", &node.url];
    let holders = funded_accounts();
    let [first, second, third, fourth] = [0, 1, 2, 3].map(|index: usize| holders[index].to_string());
    let supernode = |arguments: &[&str]| {
        let output =
            told(&[&["supernode"], arguments, &api, &["--phrase", "--yes"]].concat(), DEVELOPMENT_PHRASE);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    // Each waits until it is final: those of different accounts wait together.
    let at_once = |commands: &[&[&str]]| -> Vec<(Option<i32>, String)> {
        let supernode = &supernode;
        std::thread::scope(|scope| {
            let running: Vec<_> =
                commands.iter().map(|arguments| scope.spawn(move || supernode(arguments))).collect();
            running.into_iter().map(|command| command.join().unwrap()).collect()
        })
    };
    let status = |arguments: &[&str]| {
        let output = run(&[&["supernode", "status"], arguments, &api].concat());
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let balance = |address: &str| -> u64 {
        let account: serde_json::Value = serde_json::from_str(&status(&[address, "--json"])).unwrap();
        account["balance"].as_str().unwrap().parse().unwrap()
    };
    assert!(status(&[]).contains(&first) && status(&[]).contains("10.00 %"));
    let (code, said) = supernode(&["report"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no minting key"), "{said}");

    let key = folder.path().join("minting.key");
    let key = key.to_str().unwrap();
    let public = String::from_utf8(run(&["keys", "--out", key]).stdout).unwrap();
    let public = public.split('"').nth(1).unwrap();
    let done = at_once(&[
        &["lease", &second, "1000000"],
        &["set-commission", "5", "--account", "1"],
        &["set-reward-address", &fourth, "--account", "2"],
        &["set-minting-key", "--minting-key", key, "--account", "3"],
    ]);
    for (code, said) in &done {
        assert_eq!(*code, Some(0), "{said}");
    }
    // What is signed is read first, as in wallets; and followed until it is final.
    for words in ["Lease to", "1000000 VSYS", "part of what you sign", "Sent: ", "Final, in block "] {
        assert!(done[0].1.contains(words), "{words:?} is not in {}", done[0].1);
    }
    assert!(!done[0].1.contains("holds no slot"), "{}", done[0].1);
    let shown = status(&[&second]);
    assert!(shown.contains("leased in    1000000 VSYS") && shown.contains("keeps        5.00 %"), "{shown}");
    let shown = status(&[&third]);
    assert!(shown.contains(&format!("rewards to   {fourth}")), "{shown}");
    // A new minting key needs the word of the key itself.
    assert!(done[3].1.contains(public), "{}", done[3].1);
    assert!(status(&[&fourth]).contains(public));

    // A lessor, a supernode and a reward address are paid more than the fee. What has no effect says why, and what to do.
    let claimants = [&first, &second, &fourth];
    let before = claimants.map(|address| balance(address));
    let done = at_once(&[
        &["claim", &second],
        &["claim", "--account", "1"],
        &["claim", &third, "--account", "3"],
        &["contend", "--slot", "1", "--commission", "5", "--minting-key", key, "--account", "2"],
    ]);
    for ((address, before), (code, said)) in claimants.into_iter().zip(before).zip(&done) {
        assert_eq!(*code, Some(0), "{said}");
        assert!(balance(address) > before, "{address} had {before}\n{said}");
    }
    let (code, said) = &done[3];
    assert_eq!(*code, Some(1), "{said}");
    assert!(said.contains("holds a slot already") && said.contains("release it first"), "{said}");
    // What winning would cost is said before anybody signs, and with the holders.
    let price = said.lines().find(|line| line.contains("Burned besides if it wins"));
    assert!(price.is_some_and(|line| line.contains(" 1000 VSYS ")), "{said}");
    assert!(status(&[]).contains("A contender needs 1000000 VSYS besides the 1000 VSYS that are burned"));
    let (code, said) = supernode(&["lease", &second, "100000000"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("nothing was sent"), "{said}");

    // Evidence from a file bans whom its key serves; the key is not this holder's any more. Who leases to somebody without a
    // slot reads that it earns nothing, and may.
    let file = folder.path().join("evidence");
    let chain: serde_json::Value =
        serde_json::from_slice(&run(&["status", "--json", "--api", &node.url]).stdout).unwrap();
    fs::write(&file, evidence(chain["chain_id"].as_str().unwrap(), 3)).unwrap();
    let nobody = Address::of(&faucet_key().public(), Network::Test).to_string();
    assert!(!status(&[&fourth]).contains("banned"));
    let done = at_once(&[&["report", "--evidence", text(&file), "--account", "1"], &["lease", &nobody, "1"]]);
    for (code, said) in &done {
        assert_eq!(*code, Some(0), "{said}");
    }
    assert!(status(&[&fourth]).contains("banned"), "{}", done[0].1);
    let said = &done[1].1;
    let (note, sent) = (said.find(&format!("{nobody} holds no slot")), said.find("Sent: "));
    assert!(note.is_some() && note < sent && said.contains("earns nothing"), "{said}");

    // Without a person there is no yes.
    let asked = [&["supernode", "release", "--phrase"], &api[..]].concat();
    let output = told(&asked, DEVELOPMENT_PHRASE);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("nobody is there to confirm it"));
    let output = told(&[&["supernode", "release", "--phrase", "--yes"], &api[..]].concat(), "no such words");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("gives no key"), "{said}");
}

#[test]
fn an_owner_is_named_in_one_way() {
    fails(&["supernode", "release"], 2, &["--key", "--phrase"]);
    fails(&["supernode", "release", "--key", "a", "--phrase"], 2, &["cannot be used with"]);
    fails(&["supernode", "set-commission", "100.01", "--phrase"], 2, &["not a percentage"]);
    fails(
        &["supernode", "release", "--key", "/no/such.key", "--api", "http://127.0.0.1:9"],
        5,
        &["no node answers"],
    );
}
