//! From the start of a development node to its first block, as seen through its API.

use std::{
    env,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::measure::{Figures, Running, median};

const STARTS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

/// The node beside this program: built in the same profile.
pub(crate) fn node_program() -> Result<PathBuf, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?.with_file_name("vsys-node");
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("{} is not built: cargo build --release -p full-node", program.display()))
    }
}

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let program = node_program()?;
    let times: Result<Vec<f64>, String> = (0..STARTS).map(|_| first_block(&program)).collect();
    figures.print("node.first_block.ms", median(times?), "ms");
    Ok(())
}

fn first_block(program: &PathBuf) -> Result<f64, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    drop(listener);
    let url = format!("http://{address}/v1/status");
    let mut command = Command::new(program);
    command.args(["dev", "--ephemeral", "--api", &address.to_string()]);
    let began = Instant::now();
    let child = command.stdout(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let _running = Running(child);
    while began.elapsed() < PATIENCE {
        if height(&url).is_some_and(|height| height >= 1) {
            return Ok(began.elapsed().as_secs_f64() * 1e3);
        }
        thread::sleep(Duration::from_millis(5));
    }
    Err(format!("no block within {} s", PATIENCE.as_secs()))
}

/// `None` while the node does not answer yet.
fn height(url: &str) -> Option<u64> {
    let text = ureq::get(url).call().ok()?.body_mut().read_to_string().ok()?;
    serde_json::from_str::<serde_json::Value>(&text).ok()?["head"]["height"].as_u64()
}
