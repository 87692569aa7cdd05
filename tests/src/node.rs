use std::{
    fs::OpenOptions,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{Api, Commits, paths};

/// A running `vsys-node`; killed when dropped.
pub struct NodeProcess {
    child: Child,
    address: SocketAddr,
}

/// How long a node may take to answer, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

impl NodeProcess {
    /// A loopback address that nothing uses at this moment and no other test is given: from below the ports that the system
    /// hands out by itself, so that no connection gets it meanwhile.
    ///
    /// # Panics
    /// If there is none.
    pub fn free_address() -> SocketAddr {
        static GIVEN: AtomicU32 = AtomicU32::new(0);
        let (first, count) = (15_000_u16, 15_000_u16);
        let mut candidates = (0..count).map(|_| {
            let number =
                std::process::id().wrapping_mul(97).wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
            // Below `count`.
            let step = (number % u32::from(count)) as u16;
            SocketAddr::from((Ipv4Addr::LOCALHOST, first + step))
        });
        candidates.find(|address| TcpListener::bind(address).is_ok()).unwrap()
    }

    /// `vsys-node dev` with its chain in `data`, or kept nowhere; ready when this returns.
    ///
    /// # Panics
    /// If it does not start.
    pub fn dev(data: Option<&Path>, address: SocketAddr) -> Self {
        let mut arguments = vec!["dev".to_owned()];
        match data {
            Some(folder) => arguments.extend(["--data".to_owned(), folder.display().to_string()]),
            None => arguments.push("--ephemeral".to_owned()),
        }
        Self::start(&arguments, address)
    }

    /// `vsys-node` with these arguments and `--api address`; ready when this returns.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(arguments: &[String], address: SocketAddr) -> Self {
        Self::launch(command(arguments, address).env("RUST_LOG", "warn,libp2p_gossipsub=error"), address)
            .ready()
    }

    /// As [`NodeProcess::start`], with the commits of its blocks.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_watched(arguments: &[String], address: SocketAddr) -> (Self, Commits) {
        let mut command = command(arguments, address);
        let mut node = Self::launch(command.env("RUST_LOG", Commits::LOG).stderr(Stdio::piped()), address);
        let commits = Commits::read(node.child.stderr.take().unwrap());
        (node.ready(), commits)
    }

    /// As [`NodeProcess::start`], with what it logs added to a file.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_logged(arguments: &[String], address: SocketAddr, log: &Path) -> Self {
        let log = OpenOptions::new().create(true).append(true).open(log).unwrap();
        Self::launch(
            command(arguments, address).env("RUST_LOG", "warn,libp2p_gossipsub=error").stderr(log),
            address,
        )
        .ready()
    }

    fn launch(command: &mut Command, address: SocketAddr) -> Self {
        Self { child: command.spawn().unwrap(), address }
    }

    fn ready(mut self) -> Self {
        let (api, until) = (self.api(), Instant::now() + PATIENCE);
        while api.try_get("/health").is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("vsys-node ended with {status}");
            }
            assert!(Instant::now() < until, "vsys-node does not answer at {}", self.address);
            thread::sleep(Duration::from_millis(5));
        }
        self
    }

    /// Its API.
    pub fn api(&self) -> Api {
        Api::new(format!("http://{}", self.address))
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends it a signal: `STOP`, `CONT`.
    ///
    /// # Panics
    /// If it is gone.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success(), "{name}: {status}");
    }

    /// SIGTERM; how it ended.
    ///
    /// # Panics
    /// If it does not end.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "vsys-node does not stop");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGKILL, at once; returns when the process is gone.
    ///
    /// # Panics
    /// If it is gone already.
    pub fn kill(mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "it ended by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn command(arguments: &[String], address: SocketAddr) -> Command {
    let mut command = Command::new(paths::node_program());
    command.args(arguments).args(["--api", &address.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // Gone already is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
