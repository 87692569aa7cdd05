//! The chains of a process: each opened, kept going and stopped like any other, whatever becomes of its neighbours.
//!
//! A chain has a folder with a lock, a pool, a minter, a guard of its disk and an eraser of retired keys of its own. One that
//! stands still, or ends because its disk failed, takes no other with it; the process ends with its last chain.

use std::path::PathBuf;

use full_node::{
    config::Failure,
    node::{Node, NodeConfig, NodeError},
};
use light_client::data_format::Height;
use tokio::task::{JoinError, JoinSet};

use super::{disk_guard, retired, say, serve::Start};

/// A chain that is to be run.
pub(super) struct ToRun {
    /// What it is called if it cannot be opened.
    pub(super) part: String,
    /// What its node is told to be.
    pub(super) config: NodeConfig,
    /// The files its minting keys came from.
    pub(super) key_files: Vec<PathBuf>,
    /// Free bytes with less than which it stands still; 0 for never.
    pub(super) minimum_free: u64,
}

/// An open chain.
pub(super) struct Open {
    pub(super) node: Node,
    key_files: Vec<PathBuf>,
    minimum_free: u64,
}

impl ToRun {
    /// Opens it.
    async fn open(self, snapshot: Option<Start>) -> Result<Open, Failure> {
        let Self { part, config, key_files, minimum_free } = self;
        say(&match &config.data {
            Some(folder) => format!("Opening {} …", folder.display()),
            None => "Making a chain in memory …".to_owned(),
        });
        let opened = tokio::task::spawn_blocking(move || Node::open(config)).await;
        let opened = opened.map_err(|cause| Failure::ended("the start", cause))?;
        let node = opened.map_err(|error| Failure::from(error).of(&part))?;
        match snapshot {
            Some(Start { checkpoint }) if !node.start_from_snapshot(checkpoint) => {
                say(if node.status().head.height > Height(0) {
                    "The folder has blocks already: the node goes on from them, not from a snapshot."
                } else {
                    "A chain of work is followed from block 0: nothing proves the work before a snapshot."
                });
            }
            None if node.is_starting() => say("The node goes on with the snapshot that it began before."),
            _ => {}
        }
        Ok(Open { node, key_files, minimum_free })
    }
}

/// Opens every chain, one after the other. A checkpoint to start from is of the first one.
pub(super) async fn open(chains: Vec<ToRun>, snapshot: Option<Start>) -> Result<Vec<Open>, Failure> {
    let mut opened = Vec::new();
    for (place, chain) in chains.into_iter().enumerate() {
        let snapshot =
            snapshot.map(|Start { checkpoint }| Start { checkpoint: checkpoint.filter(|_| place == 0) });
        opened.push(chain.open(snapshot).await?);
    }
    Ok(opened)
}

/// Chains at work.
pub(super) struct Running {
    nodes: Vec<Node>,
    /// Each says how it ended.
    ends: JoinSet<(Node, Result<(), NodeError>)>,
    stopping: bool,
    failed: Option<Failure>,
}

impl Running {
    /// Starts minting, voting and watching.
    pub(super) fn start(chains: Vec<Open>) -> Self {
        let nodes = chains.iter().map(|chain| chain.node.clone()).collect();
        let mut ends = JoinSet::new();
        for chain in chains {
            ends.spawn(chain.run());
        }
        Self { nodes, ends, stopping: false, failed: None }
    }

    /// Resolves when the last chain has ended although nobody stopped it. Those that end before stand still, and say so.
    pub(super) async fn ended(&mut self) {
        while let Some(ended) = self.ends.join_next().await {
            self.note(ended);
        }
    }

    /// Stops every chain, and waits for what is in progress.
    ///
    /// # Errors
    /// The first failure of a chain since the start.
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        self.stopping = true;
        for node in &self.nodes {
            node.shutdown().await;
        }
        self.ended().await;
        self.failed.map_or(Ok(()), Err)
    }

    fn note(&mut self, ended: Result<(Node, Result<(), NodeError>), JoinError>) {
        let failure = match ended {
            Ok((_, Ok(()))) if self.stopping => return,
            Ok((node, ended)) => {
                let part = format!("the chain {:?}", node.spec().name);
                let failure = match ended {
                    Ok(()) => Failure::ended(&part, "a part of it failed, and the log says which"),
                    Err(error) => Failure::from(error).of(&part),
                };
                tracing::error!(chain = %node.chain(), "{failure}");
                node.pause(Some(failure.to_string()));
                failure
            }
            Err(cause) => Failure::ended("a chain", cause),
        };
        self.failed.get_or_insert(failure);
    }
}

impl Open {
    /// Mints, votes and watches over its folder until it is stopped or fails.
    async fn run(self) -> (Node, Result<(), NodeError>) {
        let Self { node, key_files, minimum_free } = self;
        let mut watchers = JoinSet::new();
        if let Some(folder) = node.folder() {
            watchers.spawn(disk_guard::watch(node.clone(), folder.to_owned(), minimum_free));
            watchers.spawn(retired::watch(node.clone(), key_files, folder.to_owned()));
        }
        let ended = node.run().await;
        // The watchers end here.
        (node, ended)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use full_node::{node::ChainChoice, storage::Retention, transaction::Limits};

    use super::*;
    use crate::commands::now;

    async fn open_one() -> Open {
        let config = NodeConfig {
            data: None,
            chain: ChainChoice::Development,
            minting_keys: Vec::new(),
            recoveries: Vec::new(),
            payee: None,
            retention: Retention::default(),
            pool: Limits::default(),
            now: now(),
        };
        let part = "the chain".to_owned();
        ToRun { part, config, key_files: Vec::new(), minimum_free: 0 }.open(None).await.unwrap()
    }

    async fn until(happened: impl Fn() -> bool) {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_chain_that_ends_stands_still_and_the_others_go_on_until_the_last_one_ends() {
        let chains = [open_one().await, open_one().await];
        let [first, second] = chains.each_ref().map(|chain| chain.node.clone());
        let mut running = Running::start(chains.into());
        // As when a part of it fails: nobody asked the process to stop.
        first.shutdown().await;
        tokio::select! {
            () = running.ended() => panic!("a chain is at work"),
            () = until(|| first.status().halted.is_some()) => {}
        }
        let words = first.status().halted.unwrap();
        assert!(words.contains("\"development\"") && words.contains("ended"), "{words}");
        let before = second.status().head.height;
        tokio::select! {
            () = running.ended() => panic!("a chain is at work"),
            () = until(|| second.status().head.height > before) => {}
        }
        assert_eq!(second.status().halted, None);
        second.shutdown().await;
        running.ended().await;
        let failure = running.stop().await.unwrap_err();
        assert_eq!(failure.exit_code(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn chains_that_are_stopped_end_well() {
        let running = Running::start(vec![open_one().await, open_one().await]);
        assert_eq!(running.stop().await, Ok(()));
    }
}
