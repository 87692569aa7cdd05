//! The processes of a test network: their log lines, how they are doing, and their end.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use full_node::{api, config::Failure};
use light_client::data_format::Time;

use super::folder::{NodeFolder, TestnetFolder};
use crate::commands::say;

/// How long nodes may take to stop before they are killed.
const FAREWELL: Duration = Duration::from_secs(20);

/// All nodes. Those that still run are killed when this is dropped.
pub(super) struct Processes(Vec<Process>);

struct Process {
    node: NodeFolder,
    child: Child,
    ended: Option<ExitStatus>,
}

/// How a node says it is doing.
struct Shown {
    height: u64,
    final_height: u64,
    peers: u64,
    words: Option<String>,
}

impl Processes {
    /// Starts a process for each node.
    pub(super) fn start(folder: &TestnetFolder) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|cause| Failure::ended("the start", cause))?;
        let mut processes = Self(Vec::new());
        for node in folder.nodes() {
            let mut command = Command::new(&program);
            command.arg("run").arg("--data").arg(&node.path).arg("--until-input-ends");
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).env("NO_COLOR", "1");
            if std::env::var_os("RUST_LOG").is_none() {
                command.env("RUST_LOG", "warn,libp2p_gossipsub=error");
            }
            let mut child = command.spawn().map_err(|cause| Failure::ended(&node.name, cause))?;
            if let Some(log) = child.stderr.take() {
                let name = node.name.clone();
                thread::spawn(move || forward(&name, log));
            }
            processes.0.push(Process { node: node.clone(), child, ended: None });
        }
        Ok(processes)
    }

    /// Whether no process runs any more. Says of each that it ended, once.
    pub(super) fn are_gone(&mut self) -> bool {
        for process in &mut self.0 {
            process.look();
        }
        self.0.iter().all(|process| process.ended.is_some())
    }

    /// How all of them are doing; `None` before any of them answers.
    pub(super) fn status_line(&self, now: Time) -> Option<String> {
        let answers: Vec<Option<Shown>> = thread::scope(|scope| {
            let asked: Vec<_> = self.0.iter().map(|process| scope.spawn(|| process.ask(now))).collect();
            asked.into_iter().map(|answer| answer.join().ok().flatten()).collect()
        });
        if answers.iter().all(Option::is_none) {
            return None;
        }
        let each = |figure: fn(&Shown) -> u64| {
            let texts = answers.iter().map(|answer| {
                answer.as_ref().map_or_else(|| "-".to_owned(), |shown| figure(shown).to_string())
            });
            texts.collect::<Vec<_>>().join(" ")
        };
        let mut line = format!(
            "heights {}  final {}  peers {}",
            each(|shown| shown.height),
            each(|shown| shown.final_height),
            each(|shown| shown.peers)
        );
        for (process, answer) in self.0.iter().zip(&answers) {
            if let Some(words) = answer.as_ref().and_then(|shown| shown.words.as_ref()) {
                line += &format!("\n{:<8} | {words}", process.node.name);
            }
        }
        Some(line)
    }

    /// Asks all of them to stop, by closing their input, and waits.
    pub(super) fn stop(&mut self) {
        for process in &mut self.0 {
            drop(process.child.stdin.take());
        }
        let until = Instant::now() + FAREWELL;
        while !self.are_gone() && Instant::now() < until {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Process {
    fn look(&mut self) {
        if self.ended.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            if !status.success() {
                say(&format!("{:<8} | ended: {status}", self.node.name));
            }
            self.ended = Some(status);
        }
    }

    fn ask(&self, now: Time) -> Option<Shown> {
        if self.ended.is_some() {
            return None;
        }
        // A node that has not opened its port yet, or is gone, has nothing to show.
        let text = api::ask_status(&format!("http://{}", self.node.api), true, now).ok()?;
        let json: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(Shown {
            height: json["head"]["height"].as_u64()?,
            final_height: json["final"]["height"].as_u64()?,
            peers: json["peers"].as_u64()?,
            words: json["unwell"].as_str().map(ToOwned::to_owned),
        })
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for process in &mut self.0 {
            // Gone already is fine.
            drop(process.child.kill());
            drop(process.child.wait());
        }
    }
}

/// Shows each line of a node's log with the node's name, until the node ends.
fn forward(name: &str, log: ChildStderr) {
    for line in BufReader::new(log).lines() {
        let Ok(line) = line else { return };
        say(&format!("{name:<8} | {line}"));
    }
}
