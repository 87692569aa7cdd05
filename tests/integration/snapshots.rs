//! A newcomer starts from a snapshot as an operator has it start: from a checkpoint, over real sockets, killed on its way.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use integration_tests::{Api, FastChain, NodeProcess, audit, paths, wait_until};
use serde_json::Value;

/// So many that the state comes in many pieces.
const STRANGERS: u64 = 150_000;
/// Blocks that a snapshot has to be ahead of what is trusted.
const AHEAD: u64 = 900;
/// The block of the operator's checkpoint.
const CHECKPOINT: u64 = 20;
/// Entries of which a kill leaves the first 32,768 at least: they are on disk after each 16 pieces of 2,048.
const TAKEN: u64 = 34_000;

fn height(api: &Api, of: &str) -> u64 {
    api.json("/v1/status")[of]["height"].as_u64().unwrap()
}

#[test]
fn a_newcomer_that_is_killed_in_a_snapshot_goes_on_where_it_was() {
    let chain = FastChain::crowded(4, STRANGERS);
    let p2p = NodeProcess::free_address();
    let giver = chain.start_at(NodeProcess::free_address(), p2p);
    let giver_api = giver.api();
    // Slots of 100 ms: a minute and a half at least.
    let until = Instant::now() + Duration::from_secs(300);
    while height(&giver_api, "final") < CHECKPOINT + AHEAD + 10 {
        assert!(Instant::now() < until, "{}", giver_api.json("/v1/status"));
        thread::sleep(Duration::from_millis(500));
    }
    let id = giver_api.json(&format!("/v1/blocks/{CHECKPOINT}"))["id"].as_str().unwrap().to_owned();
    let checkpoint = format!("{CHECKPOINT}:{id}");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("newcomer");
    let follow = |more: &[&str]| chain.follow(&data, NodeProcess::free_address(), p2p, more);
    let snapshot_of = |node: &NodeProcess| node.api().json("/v1/status")["snapshot"].clone();
    let taken = |shown: &Value| shown["taken"].as_u64().unwrap();

    let newcomer = follow(&["--snapshot", "--checkpoint", &checkpoint]);
    let until = Instant::now() + Duration::from_secs(120);
    let begun = loop {
        let shown = snapshot_of(&newcomer);
        if !shown.is_null() && taken(&shown) > TAKEN {
            break shown;
        }
        assert!(Instant::now() < until, "{shown}");
        thread::sleep(Duration::from_millis(2));
    };
    newcomer.kill();
    let total = begun["total"].as_u64().unwrap();
    assert!(total > STRANGERS && taken(&begun) < total, "killed on its way: {begun}");
    assert!(begun["text"].as_str().unwrap().contains(" left"), "an estimate: {begun}");

    // Nobody gives it anything more for now, and nobody asks it to go on with what it began.
    giver.signal("STOP");
    let newcomer = follow(&[]);
    wait_until("what is here of the snapshot", || !snapshot_of(&newcomer).is_null());
    let resumed = snapshot_of(&newcomer);
    assert_eq!((&resumed["height"], &resumed["total"]), (&begun["height"], &begun["total"]));
    assert!(taken(&resumed) >= 32_768 && taken(&resumed) < total, "{resumed} after {begun}");
    giver.signal("CONT");
    let api = newcomer.api();
    wait_until("the newcomer at the giver's final block", || {
        snapshot_of(&newcomer).is_null() && height(&api, "final") >= height(&giver_api, "final")
    });
    let begins = begun["height"].as_u64().unwrap();
    assert!(begins > CHECKPOINT + AHEAD, "{begins}");
    assert_eq!(api.get(&format!("/v1/blocks/{begins}")).code(), "not_kept");
    let final_height = height(&api, "final");
    let block = |api: &Api| api.json(&format!("/v1/blocks/{final_height}"))["id"].clone();
    assert_eq!(block(&api), block(&giver_api));
    assert_eq!(newcomer.terminate().code(), Some(0));
    assert_eq!(audit(&data).coins, audit_of(giver, &chain));

    // What is no checkpoint is refused in words before anything is opened.
    let refused = Command::new(paths::node_program())
        .args(["run", "--snapshot", "--checkpoint", "tomorrow", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(words.contains("a height, a colon and a block id are expected"), "{words}");
}

/// What the coins of the giver add up to, once it has ended.
fn audit_of(giver: NodeProcess, chain: &FastChain) -> light_client::data_format::Amount {
    assert_eq!(giver.terminate().code(), Some(0));
    audit(&chain.data()).coins
}
