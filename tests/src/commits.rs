use std::{
    io::{BufRead, BufReader},
    process::ChildStderr,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// What `vsys-node` logs around the write of a block (`full_node::block_tree`, level `trace`).
const BEGINS: &str = "the commit of a block begins";
const ENDS: &str = "the commit of a block ends";

/// The commits of blocks of a running node, as its log tells them the moment they happen.
pub struct Commits {
    lines: Receiver<(bool, Instant)>,
    open: Option<Instant>,
    duration: Duration,
}

impl Commits {
    /// The filter that makes a node tell.
    pub(crate) const LOG: &str = "warn,full_node::block_tree=trace";

    /// Reads a node's log to its end; other lines go to standard error.
    #[expect(
        clippy::print_stderr,
        reason = "what the node says belongs into the output of a test that fails"
    )]
    pub(crate) fn read(log: ChildStderr) -> Self {
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(log).lines() {
                let line = line.unwrap();
                let begins = line.contains(BEGINS);
                if begins || line.contains(ENDS) {
                    // Nobody listens once the test is over.
                    let _received = send.send((begins, Instant::now()));
                } else {
                    eprintln!("{line}");
                }
            }
        });
        Self { lines, open: None, duration: Duration::ZERO }
    }

    fn note(&mut self, (begins, at): (bool, Instant)) {
        if let (false, Some(began)) = (begins, self.open) {
            self.duration = at - began;
        }
        self.open = begins.then_some(at);
    }

    /// Waits for the next commit to begin; gives how long the last one took.
    ///
    /// # Panics
    /// If the node writes no block for ten seconds.
    pub fn wait(&mut self) -> Duration {
        while let Ok(line) = self.lines.try_recv() {
            self.note(line);
        }
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(10)).expect("no block is written");
            self.note(line);
            if self.open.is_some() {
                return self.duration;
            }
        }
    }

    /// Once the node is gone: whether that was between the begin and the end of a commit.
    pub fn ended_inside(mut self) -> bool {
        while let Ok(line) = self.lines.recv() {
            self.note(line);
        }
        self.open.is_some()
    }
}
