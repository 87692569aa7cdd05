//! The folder of a test network: the chain spec, and the data folder of each node.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use full_node::config::{self, Failure, SETTINGS_FILE, Settings, testnet_spec};
use libp2p::{Multiaddr, multiaddr::Protocol};
use light_client::{
    crypto::Hash,
    data_format::{ChainSpec, Time},
};

use crate::commands::init;

const SPEC_FILE: &str = "chain.toml";
/// Nodes of a new network if nobody says how many.
const USUAL_NODES: u8 = 4;

/// Blocks whose transactions each node keeps: hours of them. Nobody keeps a test network's past.
const KEEP_BLOCKS: u64 = 10_000;

/// What a new network looks like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Milliseconds of a slot.
    pub(super) slot_ms: u32,
    /// Where its nodes listen for others.
    pub(super) listen: IpAddr,
    /// Their first port; free ones without it.
    pub(super) port: Option<u16>,
}

/// A test network on disk.
pub(super) struct TestnetFolder {
    path: PathBuf,
    spec: ChainSpec,
    nodes: Vec<NodeFolder>,
}

/// One node of it.
#[derive(Clone, Debug)]
pub(super) struct NodeFolder {
    /// `node-1` and so on.
    pub(super) name: String,
    /// Its data folder.
    pub(super) path: PathBuf,
    /// Where its API listens.
    pub(super) api: SocketAddr,
    /// Where others reach it.
    pub(super) peer: Multiaddr,
}

impl TestnetFolder {
    /// The network in `path`, made there with `count` nodes if there is nothing, or with four.
    pub(super) fn open_or_make(
        path: &Path,
        count: Option<u8>,
        shape: Shape,
        now: Time,
    ) -> Result<Self, Failure> {
        let spec_path = path.join(SPEC_FILE);
        if !spec_path.exists() {
            make(path, count.unwrap_or(USUAL_NODES), shape, now)?;
        }
        let spec = config::read_spec(&spec_path)?;
        let nodes: Vec<_> = (1..=64_u8)
            .map_while(|number| {
                let folder = path.join(name(number));
                folder.join(SETTINGS_FILE).exists().then(|| open(number, folder))
            })
            .collect::<Result<_, _>>()?;
        if let Some(count) = count.filter(|count| nodes.len() != usize::from(*count)) {
            return Err(Failure::other_testnet(path, nodes.len(), count));
        }
        Ok(Self { path: path.to_owned(), spec, nodes })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    pub(super) fn nodes(&self) -> &[NodeFolder] {
        &self.nodes
    }
}

fn name(number: u8) -> String {
    format!("node-{number}")
}

fn open(number: u8, path: PathBuf) -> Result<NodeFolder, Failure> {
    let settings = Settings::read(&path.join(SETTINGS_FILE))?;
    let listen = settings.network.listen.first().copied().unwrap_or(settings.api.listen);
    Ok(NodeFolder { name: name(number), path, api: settings.api.listen, peer: address(listen) })
}

fn address(listen: SocketAddr) -> Multiaddr {
    Multiaddr::from(listen.ip()).with(Protocol::Tcp(listen.port()))
}

/// Makes the network beside its place and moves it there, so that what is there is whole.
fn make(path: &Path, count: u8, shape: Shape, now: Time) -> Result<(), Failure> {
    let unwritable = |error| Failure::unwritable(path, &error);
    if path.exists() && fs::read_dir(path).map_err(unwritable)?.next().is_some() {
        return Err(Failure::folder_in_use(path));
    }
    let mut name_beside = path.file_name().unwrap_or_default().to_owned();
    name_beside.push(format!(".making-{}", std::process::id()));
    let beside = path.with_file_name(name_beside);
    fs::create_dir_all(&beside).map_err(unwritable)?;
    let made = make_in(&beside, count, shape, now).and_then(|()| {
        if path.exists() {
            fs::remove_dir(path).map_err(unwritable)?;
        }
        fs::rename(&beside, path).map_err(unwritable)
    });
    if made.is_err() {
        // The first failure is what counts.
        drop(fs::remove_dir_all(&beside));
    }
    made
}

fn make_in(path: &Path, count: u8, shape: Shape, now: Time) -> Result<(), Failure> {
    let key_file = |number: u8| path.join(format!("{}.key", name(number)));
    let keys = (1..=count).map(|number| config::create_key(&key_file(number)));
    let keys = keys.map(|key| Ok(Hash(*key?.as_bytes()))).collect::<Result<Vec<_>, Failure>>()?;
    // Whole seconds, as people write them.
    let spec = testnet_spec(Time(now.0 / 1_000 * 1_000), shape.slot_ms, &keys);
    let spec_path = path.join(SPEC_FILE);
    config::write_spec(&spec_path, &spec)?;
    let (others, apis) = match shape.port {
        Some(first) => consecutive(shape.listen, first, count)?,
        None => {
            let loopback = Ipv4Addr::LOCALHOST.into();
            (free_addresses(shape.listen, count.into())?, free_addresses(loopback, count.into())?)
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut peers: Vec<Multiaddr> = Vec::new();
    for (number, (p2p, api)) in (1..=count).zip(others.into_iter().zip(apis)) {
        let mut settings = Settings::default();
        settings.network.listen = vec![p2p];
        // The first ones are enough to find the others through.
        settings.network.peers = peers.iter().take(3).cloned().collect();
        settings.api.listen = api;
        settings.memory.page_cache_mib = 32;
        settings.memory.state_cache_mib = 32;
        settings.memory.pool_mib = 8;
        settings.first.disk.minimum_free_mib = 64;
        settings.first.disk.keep_blocks = KEEP_BLOCKS;
        settings.cpu.threads = if usize::from(count) > cores { 1 } else { 2 };
        init::make(&spec_path, &path.join(name(number)), Some(&key_file(number)), &settings)?;
        peers.push(address(p2p));
    }
    Ok(())
}

/// Two ports in a row for each node, from `first` on: one for other nodes, one for its API.
fn consecutive(ip: IpAddr, first: u16, count: u8) -> Result<(Vec<SocketAddr>, Vec<SocketAddr>), Failure> {
    let last = first.checked_add(2 * u16::from(count) - 1);
    let Some(last) = last.filter(|_| first > 0) else {
        let cause = io::Error::other(format!("there are no {count} pairs of ports from {first} on"));
        return Err(Failure::no_ports(ip, &cause));
    };
    let from =
        |start: u16, ip: IpAddr| (start..=last).step_by(2).map(|port| SocketAddr::new(ip, port)).collect();
    Ok((from(first, ip), from(first + 1, Ipv4Addr::LOCALHOST.into())))
}

/// Addresses of this machine that nothing uses now.
fn free_addresses(ip: IpAddr, count: usize) -> Result<Vec<SocketAddr>, Failure> {
    let failed = |error: io::Error| Failure::no_ports(ip, &error);
    // All at once, so that they differ.
    let listeners = (0..count).map(|_| TcpListener::bind((ip, 0)));
    let listeners = listeners.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    listeners.iter().map(|listener| listener.local_addr().map_err(failed)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where something went wrong")]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    const fn shape(slot_ms: u32) -> Shape {
        Shape { slot_ms, listen: HERE, port: None }
    }

    #[test]
    fn a_network_is_made_once_and_found_again() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("net");
        let open = |count| TestnetFolder::open_or_make(&path, count, shape(500), Time(1_790_000_000_123));
        let made = open(Some(3)).unwrap();
        assert_eq!(made.nodes().len(), 3);
        assert_eq!(made.spec().genesis_time, Time(1_790_000_000_000));
        let mut ports: Vec<_> = made.nodes().iter().map(|node| node.api.port()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 3);
        let again = open(None).unwrap();
        assert_eq!(again.spec(), made.spec());
        assert_eq!(again.nodes()[2].peer, made.nodes()[2].peer);
        let words = open(Some(4)).err().unwrap().to_string();
        assert!(words.contains("3 nodes") && words.contains("--nodes 3"), "{words}");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "nothing is left beside it");

        let other = parent.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("letter"), "dear").unwrap();
        let refused = TestnetFolder::open_or_make(&other, Some(1), shape(500), Time(1)).err().unwrap();
        assert!(refused.to_string().contains("not empty"), "{refused}");
        let short =
            TestnetFolder::open_or_make(&parent.path().join("short"), Some(1), shape(1), Time(1)).err();
        let (others, apis) = consecutive(HERE, 9_921, 2).unwrap();
        let ports = |addresses: &[SocketAddr]| addresses.iter().map(SocketAddr::port).collect::<Vec<_>>();
        assert_eq!((ports(&others), ports(&apis)), (vec![9_921, 9_923], vec![9_922, 9_924]));
        assert!(consecutive(HERE, 65_532, 3).is_err() && consecutive(HERE, 65_532, 2).is_ok());
        assert!(short.is_some() && !parent.path().join("short").exists(), "no chain has slots of 1 ms");
    }
}
