//! The figures, of chains and of the process, as text.

use std::{fmt, path::Path};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, text::encode},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::{Metric, Registry},
};

use super::{super::Process, Requests};
use crate::{
    network::{ChainPeers, NetworkStatus},
    node::{MintingKey, Node, Rounds, Status},
    storage::{folder_bytes, free_bytes},
};

/// Of which chain a figure is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChainLabels {
    chain: String,
}

/// Of which chain, and which table of it names a minting key of the node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabels {
    chain: String,
    table: KeyTable,
}

/// A chain and its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NameLabels {
    chain: String,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "they are written as they are spelled")]
enum KeyTable {
    in_force,
    planned,
    none,
}

/// What is known of one chain.
pub(super) struct OfChain {
    status: Status,
    peers: Option<ChainPeers>,
    well: bool,
    folder: Folder,
}

impl OfChain {
    /// Asks for it. Looks at the disk.
    pub(super) fn ask(process: &Process, node: &Node) -> Self {
        let status = node.status();
        let network = process.network.as_ref().map(|network| network.borrow());
        let peers = network
            .and_then(|network| network.chains.iter().find(|chain| chain.chain == status.chain).cloned());
        let well = process.ailment(&status).is_none();
        Self { status, peers, well, folder: Folder::ask(node.folder()) }
    }

    fn label(&self) -> String {
        self.status.chain.to_string()
    }
}

/// What a chain takes of the disk; what cannot be found out is left out.
#[derive(Clone, Copy, Debug, Default)]
struct Folder {
    taken: Option<u64>,
    free: Option<u64>,
}

impl Folder {
    fn ask(folder: Option<&Path>) -> Self {
        Self {
            taken: folder.and_then(|folder| folder_bytes(folder).ok()),
            free: folder.and_then(|folder| free_bytes(folder).ok().flatten()),
        }
    }
}

/// Bytes of memory that this process occupies; `None` where the system does not say it in `/proc`.
pub(super) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

/// A registry that is filled for one answer.
struct Figures<'a> {
    registry: Registry,
    chains: &'a [OfChain],
}

impl Figures<'_> {
    /// Of each chain that has it.
    fn gauges(&mut self, name: &str, help: &str, value: impl Fn(&OfChain) -> Option<u64>) {
        let family = Family::<ChainLabels, Gauge>::default();
        let known: Vec<_> = self.chains.iter().filter_map(|chain| Some((chain, value(chain)?))).collect();
        for (chain, value) in &known {
            family.get_or_create(&ChainLabels { chain: chain.label() }).set(gauge(*value));
        }
        if !known.is_empty() {
            self.add(name, help, family);
        }
    }

    /// Of each chain.
    fn counters(&mut self, name: &str, help: &str, value: impl Fn(&OfChain) -> u64) {
        let family = Family::<ChainLabels, Counter>::default();
        for chain in self.chains {
            family.get_or_create(&ChainLabels { chain: chain.label() }).inc_by(value(chain));
        }
        self.add(name, help, family);
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.add(name, help, ConstGauge::new(gauge(value)));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.add(name, help, ConstCounter::new(value));
    }

    fn add(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.registry.register(name, help, metric);
    }
}

/// What goes beyond 63 bits is no figure of ours.
fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The answer.
pub(super) fn print(
    chains: &[OfChain],
    network: Option<&NetworkStatus>,
    memory: Option<u64>,
    requests: &Requests,
) -> Result<String, fmt::Error> {
    let mut figures = Figures { registry: Registry::with_prefix("vsys"), chains };
    let version = Info::new(vec![("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
    figures.add("node", "The program", version);
    of_chains(&mut figures);
    if let Some(network) = network {
        figures.gauge("connected_peers", "Connected peers, greeted or not", network.connected as u64);
        figures.counter("p2p_received_bytes", "Bytes from peers since the start", network.bytes_in);
        figures.counter("p2p_sent_bytes", "Bytes to peers since the start", network.bytes_out);
        figures.counter("bans", "Peers banned since the start", network.bans);
    }
    if let Some(bytes) = memory {
        figures.gauge("memory_bytes", "Memory that the process occupies", bytes);
    }
    figures.add(
        "http_requests",
        "Requests to the API, by what they were and how they ended",
        requests.clone(),
    );
    let mut text = String::new();
    encode(&mut text, &figures.registry)?;
    Ok(text)
}

fn of_chains(figures: &mut Figures<'_>) {
    figures.add("chain_info", "The chains that are run, each 1", names(figures.chains));
    let height = |chain: &OfChain| Some(chain.status.head.height.0);
    figures.gauges("height", "Height of the newest block", height);
    figures.gauges("head_time_seconds", "When the slot of the newest block began", |chain| {
        Some(chain.status.head.time.0 / 1_000)
    });
    figures.gauges("final_height", "Height of the newest final block", |chain| {
        Some(chain.status.final_block.height.0)
    });
    figures.gauges("final_age_seconds", "Age of the newest final block", |chain| {
        Some(chain.status.final_age_ms / 1_000)
    });
    figures.gauges("justified_round", "Round of the highest justified checkpoint", |chain| {
        chain.status.rounds.map(|Rounds { justified, .. }| justified.round.0)
    });
    figures.gauges("round", "Round that the clock is in", |chain| {
        chain.status.rounds.map(|Rounds { now, .. }| now.0)
    });
    figures
        .gauges("halted", "1 if the chain stands still", |chain| Some(chain.status.halted.is_some().into()));
    figures.gauges("healthy", "1 if /health says ok of it", |chain| Some(chain.well.into()));
    figures.gauges("pool_transactions", "Transactions that wait for a block", |chain| {
        Some(chain.status.pool_transactions as u64)
    });
    figures.gauges("pool_bytes", "Bytes of transactions that wait for a block", |chain| {
        Some(chain.status.pool_bytes as u64)
    });
    figures
        .counters("votes_cast", "Votes of this node's keys since its start", |chain| chain.status.votes_cast);
    figures.counters("blocks_minted", "Blocks minted by this node since its start", |chain| {
        chain.status.blocks_minted
    });
    let keys = keys(figures.chains);
    figures.add("minting_keys", "Minting keys of this node, by the slot table that names them", keys);
    figures.gauges("peers", "Peers that serve the chain", |chain| {
        chain.peers.as_ref().map(|chain| chain.peers as u64)
    });
    figures.gauges("blocks_behind", "Blocks that peers claim and this node does not have yet", |chain| {
        let way = chain.peers.as_ref()?.progress;
        Some(way.map_or(0, |way| way.target.0.saturating_sub(way.at.0)))
    });
    figures.gauges("disk_bytes", "Bytes of the data folder and of folders directly in it", |chain| {
        chain.folder.taken
    });
    figures
        .gauges("disk_free_bytes", "Bytes that are free where the data folder is", |chain| chain.folder.free);
}

fn names(chains: &[OfChain]) -> Family<NameLabels, Gauge> {
    let family = Family::<NameLabels, Gauge>::default();
    for chain in chains {
        family.get_or_create(&NameLabels { chain: chain.label(), name: chain.status.name.clone() }).set(1);
    }
    family
}

/// How many keys each kind of table names; one that two name counts for the one in force.
fn keys(chains: &[OfChain]) -> Family<KeyLabels, Gauge> {
    let table_of = |key: &MintingKey| match (key.in_force, key.planned) {
        (true, _) => KeyTable::in_force,
        (false, true) => KeyTable::planned,
        (false, false) => KeyTable::none,
    };
    let family = Family::<KeyLabels, Gauge>::default();
    for chain in chains {
        for table in [KeyTable::in_force, KeyTable::planned, KeyTable::none] {
            let count = chain.status.minting_keys.iter().filter(|key| table_of(key) == table).count();
            let labels = KeyLabels { chain: chain.label(), table };
            family.get_or_create(&labels).set(gauge(count as u64));
        }
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_asked() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("file"), [0; 10]).unwrap();
        let folder = Folder::ask(Some(home.path()));
        assert_eq!(folder.taken, Some(10));
        if cfg!(target_os = "linux") {
            assert!(folder.free.unwrap() > 0 && resident_bytes().unwrap() > 1 << 20);
        }
        let nothing = Folder::ask(None);
        assert_eq!((nothing.taken, nothing.free), (None, None));
    }
}
