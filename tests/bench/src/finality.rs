//! Seven processes that hold a slot each, as `vsys-node testnet` starts them: how long a block takes to become final, and
//! what the connections of a node carry while nobody pays.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use crate::{
    measure::{Figures, Running, folder},
    start::node_program,
};

const NODES: usize = 7;
const SLOT_MS: u64 = 1_000;
/// Rounds of seven slots until all nodes have found one another, and those that are measured.
const WARM: u64 = 4;
const MEASURED: u64 = 14;
const ROUND_MS: u64 = NODES as u64 * SLOT_MS;
/// Between two looks at a node.
const LOOK: Duration = Duration::from_millis(20);

/// A block, as seen at one node.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// When its slot began.
    slot_ms: u64,
    /// When the node first said that it is final.
    final_ms: Option<u64>,
}

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let folder = folder()?;
    let mut command = Command::new(node_program()?);
    command.args(["testnet", "--nodes", &NODES.to_string(), "--slot-ms", &SLOT_MS.to_string(), "--dir"]);
    command
        .arg(folder.path().join("net"))
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut running = Running(command.spawn().map_err(|error| words(&error))?);
    let said = running.0.stdout.take().ok_or("its output is not there")?;
    let mut lines = BufReader::new(said).lines();
    let mut apis: Vec<String> = Vec::new();
    for line in lines.by_ref() {
        let line = line.map_err(|error| words(&error))?;
        let api = line.split_whitespace().find_map(|word| word.strip_suffix("/docs"));
        apis.extend(api.map(str::to_owned));
        if line.contains("Ctrl-C stops") {
            break;
        }
    }
    if apis.len() != NODES {
        return Err(format!("{} nodes instead of {NODES}", apis.len()));
    }
    // Else it stops when nobody reads what it says.
    thread::spawn(move || lines.for_each(drop));
    thread::sleep(Duration::from_millis(WARM * ROUND_MS));

    let before = traffic(&apis)?;
    let began = Instant::now();
    let seen = watch(&apis[NODES / 2])?;
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    let carried = traffic(&apis)? - before;
    // Every byte is counted twice, at both ends; of pairs of peers there are this many.
    let pairs = (NODES * (NODES - 1) / 2) as f64;

    // Blocks of the end were not watched long enough.
    let mut waits: Vec<f64> = Vec::new();
    let complete = MEASURED.saturating_sub(4) * NODES as u64;
    for block in seen.values().take(usize::try_from(complete).map_err(|error| words(&error))?) {
        let at = block.final_ms.ok_or("a block did not become final within four rounds")?;
        waits.push(at.saturating_sub(block.slot_ms) as f64 / 1_000.0);
    }
    waits.sort_by(f64::total_cmp);
    let at = |percent: usize| waits.get(waits.len() * percent / 100).copied().ok_or("no block was seen");
    figures.print("net.final.p50_s", at(50)?, "s");
    figures.print("net.final.p95_s", at(95)?, "s");
    figures.print("net.idle.kb_per_min", carried / 2.0 / pairs / 1_000.0 / minutes, "kB/min");
    Ok(())
}

fn watch(api: &str) -> Result<BTreeMap<u64, Seen>, String> {
    let until = now_ms() + MEASURED * ROUND_MS;
    let mut seen: BTreeMap<u64, Seen> = BTreeMap::new();
    while now_ms() < until {
        let status = json(&format!("{api}/v1/status"))?;
        let number = |of: &str, what: &str| status[of][what].as_u64().ok_or(format!("{status}"));
        let (head, last_final) = (number("head", "height")?, number("final", "height")?);
        let slot_ms = number("head", "time_ms")?;
        seen.entry(head).or_insert(Seen { slot_ms, final_ms: None });
        let now = now_ms();
        for (_, block) in seen.range_mut(..=last_final) {
            block.final_ms.get_or_insert(now);
        }
        thread::sleep(LOOK);
    }
    Ok(seen)
}

/// Bytes received and sent by all nodes since their start.
fn traffic(apis: &[String]) -> Result<f64, String> {
    let mut bytes = 0.0;
    for api in apis {
        let text = text(&format!("{api}/metrics"))?;
        for name in ["vsys_p2p_received_bytes_total ", "vsys_p2p_sent_bytes_total "] {
            let value = text.lines().find_map(|line| line.strip_prefix(name));
            let value = value.and_then(|value| value.parse::<f64>().ok());
            bytes += value.ok_or_else(|| format!("{api}/metrics has no {name}"))?;
        }
    }
    Ok(bytes)
}

fn text(url: &str) -> Result<String, String> {
    let mut answer = ureq::get(url).call().map_err(|error| format!("{url}: {error}"))?;
    answer.body_mut().read_to_string().map_err(|error| format!("{url}: {error}"))
}

fn json(url: &str) -> Result<Value, String> {
    serde_json::from_str(&text(url)?).map_err(|error| format!("{url}: {error}"))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
