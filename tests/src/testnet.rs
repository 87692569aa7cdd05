use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::{Api, paths};

/// How long the network may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `vsys-node testnet`. When it is dropped it is killed, and its nodes stop because their input ends.
pub struct TestnetProcess {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl TestnetProcess {
    /// `vsys-node testnet` with its network in `folder`; returns when it has said where its nodes are.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(folder: &Path, nodes: usize, slot_ms: u32) -> Self {
        let mut child = Command::new(paths::node_program())
            .args(["testnet", "--nodes", &nodes.to_string(), "--slot-ms", &slot_ms.to_string(), "--dir"])
            .arg(folder)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said: Arc<Mutex<String>> = Arc::default();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let hears = Arc::clone(&said);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *hears.lock().unwrap() += &format!("{line}\n");
            }
        });
        let mut testnet = Self { child, said };
        testnet.until("Ctrl-C stops");
        testnet
    }

    /// What it said so far.
    ///
    /// # Panics
    /// Never in practice: the thread that hears it does not panic.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// The APIs of its nodes, and where other nodes reach each.
    pub fn nodes(&self) -> Vec<(Api, String)> {
        let said = self.said();
        let nodes = said.lines().filter_map(|line| {
            let (name, rest) = line.trim().split_once(' ')?;
            let (api, peer) = rest.trim().split_once("/docs")?;
            name.starts_with("node-").then(|| (Api::new(api), peer.trim().to_owned()))
        });
        nodes.collect()
    }

    /// SIGKILL to every node at once, as when the power fails.
    ///
    /// # Panics
    /// If they cannot be found.
    pub fn kill_nodes(&self) -> usize {
        let nodes = children_of(self.child.id());
        let ids: Vec<_> = nodes.iter().map(ToString::to_string).collect();
        assert!(Command::new("kill").arg("-KILL").args(&ids).status().unwrap().success());
        nodes.len()
    }

    /// SIGINT, as by Ctrl-C; how it ended.
    ///
    /// # Panics
    /// If it does not end.
    pub fn interrupt(self) -> ExitStatus {
        assert!(
            Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success()
        );
        self.end()
    }

    /// How it ended; waits for it.
    ///
    /// # Panics
    /// If it does not end.
    pub fn end(mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the test network does not stop: {}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn until(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.said().contains(words) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "{ended:?}: {}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for TestnetProcess {
    fn drop(&mut self) {
        // Gone already is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The processes that a process started, by `/proc`.
fn children_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // The name in brackets may hold anything; after it come the state and the parent.
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        after.split_whitespace().nth(1).is_some_and(|found| found == parent.to_string())
    })
    .collect()
}
