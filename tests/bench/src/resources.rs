//! What a node takes of its machine: memory with a million accounts, and disk for each payment.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use full_node::{config::write_spec, measure::Payments, storage::Retention};

use crate::{
    measure::{Figures, Running, Sequence, folder},
    start::node_program,
};

/// Payers of the chain whose other accounts come by payments.
const PAYERS: u64 = 1 << 14;
const ACCOUNTS: u64 = 1 << 20;
/// Transactions of a block of new accounts, 16 each: about three quarters of the largest block.
const NEW: u64 = 4_096;
/// Proofs that are asked for before the memory is looked at: they fill the caches.
const PROOFS: usize = 20_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// A node as it is run, over a state of 2^20 accounts, that has answered 20,000 proofs of accounts.
pub(crate) fn measure_memory(figures: &mut Figures) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let folder = folder()?;
    let data = folder.path().join("data");
    let mut payments =
        Payments::populate(&data, PAYERS, &Retention::default()).map_err(|error| words(&error))?;
    let mut addresses = Vec::new();
    for _ in 0..(ACCOUNTS - PAYERS).div_ceil(NEW * 16) {
        let made = payments.next_block_of_new_accounts(NEW).map_err(|error| words(&error))?;
        payments.take(&made.0).map_err(|error| words(&error))?;
        addresses.extend(made.1);
    }
    let spec = folder.path().join("chain.toml");
    write_spec(&spec, payments.spec()).map_err(|error| words(&error))?;
    drop(payments);
    eprintln!("    {ACCOUNTS} accounts are on disk");

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| words(&error))?;
    let api = listener.local_addr().map_err(|error| words(&error))?;
    drop(listener);
    let mut command = Command::new(node_program()?);
    command.arg("run").arg("--chain").arg(&spec).arg("--data").arg(&data);
    command.args(["--api", &api.to_string()]).env("RUST_LOG", "error");
    let running = Running(command.stdout(Stdio::null()).spawn().map_err(|error| words(&error))?);
    let url = format!("http://{api}/v1");
    let began = Instant::now();
    while ureq::get(&format!("{url}/status")).call().is_err() {
        if began.elapsed() > PATIENCE {
            return Err("the node does not answer".to_owned());
        }
        thread::sleep(Duration::from_millis(50));
    }
    let mut sequence = Sequence(5);
    let agent = ureq::agent();
    let mut answered = 0;
    while answered < PROOFS {
        let address = addresses[sequence.below(addresses.len())];
        let answer = agent.get(&format!("{url}/accounts/{address}/bundle?records=10")).call();
        match answer {
            Ok(mut answer) => {
                drop(answer.body_mut().read_to_vec().map_err(|error| words(&error))?);
                answered += 1;
            }
            // It has a bound for each client.
            Err(ureq::Error::StatusCode(429)) => thread::sleep(Duration::from_millis(200)),
            Err(error) => return Err(words(&error)),
        }
    }
    figures.print("node.rss_mb", resident_bytes(running.0.id())? / 1e6, "MB");
    Ok(())
}

fn resident_bytes(process: u32) -> Result<f64, String> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    let kilobytes = kilobytes.and_then(|text| text.trim().parse::<f64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1_024.0).ok_or_else(|| format!("{path} does not say VmRSS"))
}

const DISK_ACCOUNTS: u64 = 1 << 14;
/// Blocks until as many versions are deleted as come; and from then on, those that are measured.
const WARM: u64 = 1_000;
const MEASURED: u64 = 1_000;
const EACH: u64 = 50;

/// How much the disk grows with a payment once old versions of the state go as fast as new ones come. Blocks, outcomes and
/// history are kept, as by default.
pub(crate) fn measure_disk(figures: &mut Figures) -> Result<(), String> {
    let folder = folder()?;
    let (before, after) = grown(folder.path()).map_err(|error| error.to_string())?;
    let bytes = after.saturating_sub(before) as f64 / (MEASURED * EACH) as f64;
    figures.print("node.disk_bytes_per_payment", bytes, "B");
    Ok(())
}

fn grown(folder: &Path) -> Result<(u64, u64), Box<dyn std::error::Error>> {
    let retention = Retention::default();
    let mut payments = Payments::populate(folder, DISK_ACCOUNTS, &retention)?;
    let mut bytes = [0; 2];
    for (blocks, bytes) in [WARM, MEASURED].into_iter().zip(&mut bytes) {
        for _ in 0..blocks {
            let block = payments.next_block(EACH)?;
            payments.take(&block)?;
        }
        (payments, *bytes) = payments.reopen(folder, &retention)?;
    }
    Ok(bytes.into())
}
