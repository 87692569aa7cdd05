//! The program `vsys-light` against a real development chain: what it proves, what it says when it cannot, and its exit
//! codes.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Lines, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use full_node::config::{DEVELOPMENT_PHRASE, funded_accounts};
use integration_tests::{Exchange, NodeProcess, Proxy, paths::light_program};
use light_client::{
    client::{AccountBundle, Bundle, ChainFile, Receipt},
    data_format::{Address, Amount, GenesisAccount, Network, UNITS_PER_COIN},
    test_support::chain::{ScriptedChain, test_address, test_key},
};
use serde_json::Value;
use tempfile::TempDir;

const FUNDED: u64 = 10_000_000 * UNITS_PER_COIN;

/// A folder with the chain file of a node.
struct Desk {
    folder: TempDir,
    server: String,
}

impl Desk {
    fn new(node: &NodeProcess) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("chain.json"), node.api().get("/chain.json").body).unwrap();
        Self { folder, server: node.api().base().to_owned() }
    }

    fn store(&self) -> std::path::PathBuf {
        self.folder.path().join("light.redb")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.folder.path());
        command.args(["--server", &self.server]).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// What a command that succeeds prints.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.said(&[&["--json"], arguments].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// Checks the exit code and the words on standard error; gives standard output.
    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32, words: &str) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(words), "{words:?} is not in {told:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Pays from the first funded account.
    fn send(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(&[&["send", "--phrase", "--yes"], arguments].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that refuses before it asks for the phrase may be gone already.
        if let Err(error) = writeln!(child.stdin.take().unwrap(), "{DEVELOPMENT_PHRASE}") {
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        }
        child.wait_with_output().unwrap()
    }
}

fn program(data: &Path) -> Command {
    let mut command = Command::new(light_program());
    command.args(["--data", data.to_str().unwrap(), "--timeout", "60"]);
    command
}

/// Units in an answer.
fn units(value: &Value) -> u64 {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

/// `vsys-light watch` at work; killed if a test forgets it.
struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(desk: &Desk, address: &Address) -> Self {
        let mut command = desk.command(&["--json", "watch", &address.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until a line that fits.
    fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.next().unwrap().unwrap();
            let line = serde_json::from_str(&line).unwrap();
            if fits(&line) {
                return line;
            }
        }
    }

    fn interrupt(mut self) -> Option<i32> {
        assert!(
            Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success()
        );
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Gone already is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn is_verified(line: &Value) -> bool {
    line["trust"]["state"] == "verified"
}

#[test]
fn a_payment_is_sent_followed_to_final_and_adds_up_and_a_dead_node_makes_it_stale_never_wrong() {
    let node = NodeProcess::dev(None, NodeProcess::free_address());
    let (desk, payer, payee) = (Desk::new(&node), funded_accounts()[0], test_address(7));
    let (from, to) = (payer.to_string(), payee.to_string());
    assert!(desk.said(&["sync"]).contains("is final: verified"));
    assert!(desk.said(&["balance", &from]).contains("10000000 VSYS  verified at block"));
    let nobody = desk.json(&["balance", &to]);
    assert!(nobody["exists"] == false && nobody["balance"] == "0" && is_verified(&nobody), "{nobody}");

    let output = desk.send(&["--json", "--memo", "rent, \"March\"", &to, "12.5"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    for row in ["Available before", "10000000 VSYS  (proven at height", "Recipient seen before", "12.5 VSYS"]
    {
        assert!(told.contains(row), "{row:?} is not in {told}");
    }
    let sent: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(sent["state"] == "final" && sent["height"].is_u64(), "{sent}");
    let fee = units(&sent["fee"]);

    // A final block that has it may be a round away.
    let mut watching = Watching::start(&desk, &payee);
    watching.until(|line| is_verified(line) && units(&line["balance"]) == 1_250_000_000);
    assert_eq!(watching.interrupt(), Some(0), "Ctrl-C ends it well");
    let history = desk.json(&["history", &from]);
    let left = FUNDED - 1_250_000_000 - fee;
    assert_eq!(units(&history["balance"]), left);
    assert_eq!(history["complete"], true);
    let records = history["records"].as_array().unwrap();
    let sum = |records: &[Value]| -> i64 {
        let coins = records.iter().filter(|record| record["asset"] == "coin");
        coins.map(|record| record["delta"].as_str().unwrap().parse::<i64>().unwrap()).sum()
    };
    assert_eq!(sum(records), i64::try_from(left).unwrap(), "the changes add up to the balance");
    assert!(
        records.iter().any(|r| r["transaction"] == sent["transaction"] && r["memo"] == "rent, \"March\"")
    );
    assert!(records.iter().any(|r| r["kind"] == "sent" && r["counterparty"] == to.as_str()));
    let newest = desk.said(&["history", &from, "--newest", "1"]);
    assert!(newest.contains("Not complete: 1 of"), "{newest}");
    let csv = desk.said(&["history", &to, "--csv"]);
    assert!(csv.contains(&format!("received,coin,+12.5,{}", sent["transaction"].as_str().unwrap())), "{csv}");
    assert!(csv.contains("\"rent, \"\"March\"\"\""), "{csv}");

    let before = desk.json(&["balance", &from]);
    let status = desk.json(&["status"]);
    assert!(status["trust"] == "verified" && status["servers"][0]["health"] == "good", "{status}");
    node.kill();
    let said = desk.fails(&["--json", "balance", &from, &to], 5, "\"exit_code\":5");
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["trust"]["state"], "stale", "{said}");
    assert_eq!(lines[0]["balance"], before["balance"], "the last proven figure");
    assert!(
        lines[1]["trust"]["state"] == "unknown" && lines[1]["balance"].is_null(),
        "unknown is not 0: {said}"
    );
    let said = desk.fails(&["balance", &from, &to], 5, "no server has proven anything");
    assert!(said.contains("stale since") && said.contains(&format!("{to}  unknown")), "{said}");
    let said = desk.fails(&["history", &to], 5, &desk.server);
    assert!(said.contains("unknown") && !said.contains("Complete"), "{said}");
    let said = desk.fails(&["status"], 5, "no server");
    assert!(said.contains("stale") && said.contains("unreachable"), "{said}");
    assert_eq!(desk.send(&[&to, "1"]).status.code(), Some(5), "nothing is signed that is not proven");
}

#[test]
fn what_would_not_go_through_is_not_sent() {
    let node = NodeProcess::dev(None, NodeProcess::free_address());
    let (desk, to) = (Desk::new(&node), test_address(7).to_string());
    let key = desk.folder.path().join("owner.key");
    let public = full_node::config::create_key(&key).unwrap();
    let nobody = Address::of(&public, Network::Test);
    let key = key.to_str().unwrap();
    desk.fails(&["send", &to, "1", "--key", key, "--yes"], 1, &nobody.to_string());
    for (arguments, words) in
        [(&[to.as_str(), "99999999"][..], "nothing was sent"), (&[&to, "0"], "nothing was sent")]
    {
        let output = desk.send(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(words), "{told}");
    }
    let key = desk.folder.path().join("none.key");
    desk.fails(&["send", &to, "1", "--key", key.to_str().unwrap(), "--yes"], 3, "none.key");
    assert_eq!(units(&desk.json(&["balance", &funded_accounts()[0].to_string()])["balance"]), FUNDED);
}

#[test]
fn a_server_that_lies_is_named_and_none_of_its_figures_is_printed() {
    let node = NodeProcess::dev(None, NodeProcess::free_address());
    let (mut desk, proxy) = (Desk::new(&node), Proxy::start(node.address()));
    let address = funded_accounts()[0].to_string();
    proxy.change(|Exchange { path, answer }| {
        if path.contains("/bundle?") && answer.status == 200 {
            let mut bundle = AccountBundle::from_bytes(&answer.body).unwrap();
            let balance = FUNDED.to_le_bytes();
            let place = bundle.witness.windows(8).position(|bytes| bytes == balance).unwrap();
            bundle.witness[place + 6] ^= 1;
            answer.body = bundle.to_bytes();
        }
    });
    desk.server = proxy.base();
    let said = desk.fails(&["--json", "balance", &address], 6, &proxy.base());
    let line: Value = serde_json::from_str(&said).unwrap();
    assert!(line["balance"].is_null() && line["trust"]["state"] == "unknown", "{said}");
    // An honest one beside it is enough, and the liar is named all the same.
    let output = desk.run(&["--server", node.api().base(), "balance", &address]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("10000000 VSYS  verified"));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&proxy.base()) && told.contains("cannot be true"), "{told}");
}

#[test]
fn what_is_kept_may_be_damaged_or_in_use() {
    let node = NodeProcess::dev(None, NodeProcess::free_address());
    let (desk, address) = (Desk::new(&node), funded_accounts()[0]);
    let text = address.to_string();
    desk.said(&["balance", &text]);
    let mut bytes = fs::read(desk.store()).unwrap();
    let middle = bytes.len() / 2;
    bytes[..middle].fill(0x5a);
    fs::write(desk.store(), &bytes).unwrap();
    let output = desk.run(&["balance", &text]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("10000000 VSYS  verified"));
    assert!(String::from_utf8(output.stderr).unwrap().contains("damaged"));

    let mut watching = Watching::start(&desk, &address);
    watching.until(is_verified);
    let output = desk.run(&["balance", &text]);
    assert!(output.status.success() && String::from_utf8(output.stderr).unwrap().contains("in use"));
    let output = desk.send(&[&test_address(7).to_string(), "1"]);
    assert_eq!(output.status.code(), Some(3), "a payment that cannot be stored is not sent: {output:?}");
    node.kill();
    watching.until(|line| line["trust"]["state"] == "stale" && units(&line["balance"]) == FUNDED);
}

#[test]
fn a_block_proven_on_one_machine_is_trusted_on_another_by_a_persons_word() {
    let node = NodeProcess::dev(None, NodeProcess::free_address());
    let (first, second) = (Desk::new(&node), Desk::new(&node));
    let height_of = |report: &Value| report["height"].as_u64().unwrap();
    let mut report = first.json(&["checkpoint"]);
    // A node gives one client only so many answers.
    let pause = || std::thread::sleep(std::time::Duration::from_millis(500));
    while height_of(&report) == 0 {
        pause();
        report = first.json(&["checkpoint"]);
    }
    let (text, height) = (report["text"].as_str().unwrap(), height_of(&report));
    assert!(text.len() < 4_000, "{report}");
    let taken = second.json(&["checkpoint", "--trust", text]);
    assert!(height_of(&taken) >= height, "{taken}");
    let said = second.said(&["status"]);
    assert!(said.contains("verified"), "{said}");

    // Once it has proven a newer one itself, that one says no more.
    while height_of(&second.json(&["checkpoint"])) <= height {
        pause();
    }
    second.fails(&["checkpoint", "--trust", text], 2, "older than block");
    second.fails(
        &["checkpoint", "--trust", &text[..text.len() - 2]],
        2,
        "not one that vsys-light checkpoint prints",
    );
    let other = NodeProcess::dev(None, NodeProcess::free_address());
    let foreign = Desk::new(&other).json(&["checkpoint"]);
    second.fails(&["checkpoint", "--trust", foreign["text"].as_str().unwrap()], 2, "of the chain");
}

#[test]
fn what_cannot_be_used_is_named_with_a_way_out() {
    let node = NodeProcess::dev(None, NodeProcess::free_address());
    let desk = Desk::new(&node);
    desk.fails(&["--chain", "no-such-file.json", "sync"], 3, "no-such-file.json");
    fs::write(desk.folder.path().join("not.json"), "{}").unwrap();
    let not = desk.folder.path().join("not.json").display().to_string();
    desk.fails(&["--chain", &not, "sync"], 3, "--chain FILE");
    desk.fails(&["--server", "nowhere", "sync"], 2, "http://127.0.0.1:9922");
    let other = Address::of(&test_key(1).public(), Network::Main).to_string();
    desk.fails(&["balance", &other], 2, "another network");
    desk.fails(&["mine"], 2, "mine");
    assert!(desk.said(&["completion", "bash"]).contains("vsys-light"));

    // A chain that was left alone for years.
    let chain = ScriptedChain::new(4, Vec::new());
    let file = ChainFile { spec: chain.spec().clone(), checkpoint: chain.checkpoint(), servers: Vec::new() };
    let old = desk.folder.path().join("old.json");
    fs::write(&old, serde_json::to_vec(&file).unwrap()).unwrap();
    let said = desk.fails(
        &["--chain", old.to_str().unwrap(), "balance", &test_address(1).to_string()],
        7,
        "--chain",
    );
    assert!(said.contains("unknown"), "{said}");
    // And a server of another chain than the file's.
    let again = NodeProcess::dev(None, NodeProcess::free_address());
    let said = desk.run(&["sync"]);
    assert!(said.status.success());
    let other = Desk { server: again.api().base().to_owned(), folder: desk.folder };
    other.fails(&["sync"], 5, "serves the chain");
}

/// Offers standard input to a command without any server.
fn verify(folder: &Path, chain: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = program(folder);
    command.args(["--server", "http://127.0.0.1:1", "--chain", chain.to_str().unwrap(), "verify-receipt"]);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end before it has read anything.
    drop(child.stdin.take().unwrap().write_all(input));
    child.wait_with_output().unwrap()
}

#[test]
fn a_receipt_proves_a_payment_offline_on_a_machine_that_never_saw_the_chain() {
    let node = NodeProcess::dev(None, NodeProcess::free_address());
    let (desk, to) = (Desk::new(&node), test_address(7).to_string());
    let output = desk.send(&["--json", "--memo", "rent", &to, "12.5"]);
    let sent: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(sent["state"], "final");
    let id = sent["transaction"].as_str().unwrap();
    let path = desk.folder.path().join("payment.receipt");
    let file = path.to_str().unwrap();
    let written = desk.json(&["receipt", id, "--out", file]);
    assert_eq!(written["payment"]["transaction"], id);
    let text = desk.said(&["receipt", id, "--text"]);
    desk.fails(&["receipt", id, "--out", file], 3, "payment.receipt");
    desk.fails(&["receipt", &"0".repeat(64)], 1, "unknown_transaction");
    // A server that changes it is found out, and nothing is written.
    let proxy = Proxy::start(node.address());
    proxy.change(|Exchange { path, answer }| {
        if path.contains("/receipt?") && answer.status == 200 {
            let mut receipt = Receipt::from_bytes(&answer.body).unwrap();
            receipt.signed.transaction.memo = b"gift".to_vec();
            answer.body = receipt.to_bytes();
        }
    });
    let unwritten = desk.folder.path().join("unwritten.receipt");
    let lied = program(desk.folder.path())
        .args(["--server", &proxy.base(), "receipt", id, "--out", unwritten.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(lied.status.code() == Some(6) && !unwritten.exists(), "{lied:?}");
    node.kill();

    let (fresh, chain) = (TempDir::new().unwrap(), desk.folder.path().join("chain.json"));
    let bytes = fs::read(&path).unwrap();
    let good = verify(fresh.path(), &chain, &["--json", file], b"");
    assert!(good.status.success(), "{good:?}");
    let payment: Value = serde_json::from_slice(&good.stdout).unwrap();
    assert_eq!(payment["sender"], sent["from"]);
    assert_eq!(
        (&payment["transfers"][0]["to"], units(&payment["transfers"][0]["amount"])),
        (&to.clone().into(), 1_250_000_000)
    );
    assert_eq!(
        (&payment["memo"], &payment["state"], &payment["fee"]),
        (&"rent".into(), &"final".into(), &sent["fee"])
    );
    assert_eq!((&payment["height"], &payment["trust"]["state"]), (&sent["height"], &"verified".into()));
    for form in [&bytes[..], text.as_bytes(), text.to_lowercase().as_bytes()] {
        let again = verify(fresh.path(), &chain, &["--json", "-"], form);
        assert!(again.status.success(), "{again:?}");
    }
    let words = String::from_utf8(verify(fresh.path(), &chain, &[file], b"").stdout).unwrap();
    for row in [&to, "12.5 VSYS", "rent", "status      final", "verified from block"] {
        assert!(words.contains(row), "{row:?} is not in {words}");
    }
    assert_eq!(fs::read_dir(fresh.path()).unwrap().count(), 0, "nothing is kept");

    // A flipped byte: not a receipt, of another chain, or forged; never another payment. The id of the block that it starts
    // from (bytes 34 to 65) is a word for people and proves nothing.
    let refused = |at: usize| {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let output = verify(fresh.path(), &chain, &["-"], &altered);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty(), "byte {at}: {told}");
        (output.status.code().unwrap(), told)
    };
    for at in (66..bytes.len()).step_by(97).chain([66, bytes.len() - 1]) {
        let (code, told) = refused(at);
        let fits = (code == 6 && told.contains("forged")) || (code == 3 && told.contains("cannot be used"));
        assert!(fits, "byte {at}: {code}, {told}");
    }
    assert_eq!(refused(bytes.len() - 1).0, 6, "the signature");
    for (at, words) in [(0, "version"), (1, "kind"), (2, "the receipt is of the chain")] {
        let (code, told) = refused(at);
        assert!(code == 3 && told.contains(words), "byte {at}: {told}");
    }
    for input in [&b""[..], b"no receipt", &bytes[..bytes.len() - 1], &text.as_bytes()[1..]] {
        let output = verify(fresh.path(), &chain, &["-"], input);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
    }

    // Chain files of another chain, and of another checkpoint.
    let scripted = ScriptedChain::new(4, Vec::new());
    let other = fresh.path().join("other.json");
    let keep = |file: &ChainFile| fs::write(&other, serde_json::to_vec(file).unwrap()).unwrap();
    keep(&ChainFile {
        spec: scripted.spec().clone(),
        checkpoint: scripted.checkpoint(),
        servers: Vec::new(),
    });
    let output = verify(fresh.path(), &other, &[file], b"");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && told.contains("the receipt is of the chain"), "{told}");
    let mut checkpoint: ChainFile = serde_json::from_slice(&fs::read(&chain).unwrap()).unwrap();
    checkpoint.checkpoint.id.0[0] ^= 1;
    checkpoint.checkpoint.height.0 += 1_000_000;
    checkpoint.checkpoint.round.0 += 1_000_000;
    keep(&checkpoint);
    let output = verify(fresh.path(), &other, &[file], b"");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && told.contains("the receipt starts from block"), "{told}");
}

#[test]
fn a_receipt_from_a_checkpoint_that_is_too_old_says_so() {
    let funds = GenesisAccount { address: test_address(1), balance: Amount(100 * UNITS_PER_COIN) };
    let mut chain = ScriptedChain::new(4, vec![funds]);
    let signed = chain.transfer(1, test_address(2), Amount(UNITS_PER_COIN));
    let id = signed.transaction.id(&chain.spec().id());
    chain.advance(&[signed]);
    (0..3).for_each(|_| chain.advance(&[]));
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("old.json");
    let file = ChainFile { spec: chain.spec().clone(), checkpoint: chain.checkpoint(), servers: Vec::new() };
    fs::write(&path, serde_json::to_vec(&file).unwrap()).unwrap();
    let receipt = chain.receipt(&chain.genesis(), &id).unwrap();
    let output = verify(folder.path(), &path, &["-"], &receipt.to_bytes());
    let (said, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(7), "{told}");
    assert!(said.contains("trust expired; proven from block 0") && said.contains("1 VSYS"), "{said}");
    assert!(told.contains("older than the 400 days"), "{told}");
}
