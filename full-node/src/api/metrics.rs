//! Figures for Prometheus: `GET /metrics`, in the OpenMetrics text format.
//!
//! **Trust and bounds.** As everything here, anybody who reaches the API may read it; by default that is this machine. The
//! figures are taken when they are asked for. Labels come from fixed lists, so no client can make the answer grow.

use std::{fmt, path::Path, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
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

use super::{Api, health::ailment, problem::Problem};
use crate::{
    network::NetworkStatus,
    node::{MintingKey, Rounds, Status},
    storage::{folder_bytes, free_bytes},
};

/// Requests that were answered, by what they were and how they ended.
pub(super) type Requests = Family<RequestLabels, Counter>;

/// What a request was, and how it ended: 6 by 5 pairs at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    class: Class,
    status: StatusClass,
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "they are written as they are spelled")]
enum Class {
    chain,
    accounts,
    transactions,
    proofs,
    events,
    other,
}

/// The first digit of the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct StatusClass(u16);

impl EncodeLabelValue for StatusClass {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
    ) -> Result<(), fmt::Error> {
        let text = match self.0 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        EncodeLabelValue::encode(&text, encoder)
    }
}

/// Which table names a minting key of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabels {
    table: KeyTable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "they are written as they are spelled")]
enum KeyTable {
    in_force,
    planned,
    none,
}

impl Class {
    fn of(path: &str) -> Self {
        let Some(rest) = path.strip_prefix("/v1/") else { return Self::other };
        let first = rest.split('/').next().unwrap_or(rest);
        match first {
            "beacon" | "handover" | "headers" => Self::proofs,
            "accounts" | "transactions" if rest.ends_with("/bundle") || rest.ends_with("/history") => {
                Self::proofs
            }
            "accounts" => Self::accounts,
            "transactions" | "faucet" => Self::transactions,
            "events" => Self::events,
            "status" | "chain" | "blocks" | "peers" | "problems" => Self::chain,
            _ => Self::other,
        }
    }
}

/// Counts every request, also those that are refused.
pub(super) async fn count(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let class = Class::of(request.uri().path());
    let response = next.run(request).await;
    let status = StatusClass(response.status().as_u16() / 100);
    api.requests.get_or_create(&RequestLabels { class, status }).inc();
    response
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operators",
    responses((status = OK, content_type = "application/openmetrics-text", body = String)))]
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let gathered = tokio::task::spawn_blocking(move || {
        let status = api.node.status();
        let network = api.network.as_ref().map(|network| network.borrow().clone());
        let well = ailment(&status, api.progress(&status)).is_none();
        let machine = Machine::ask(api.node.folder());
        print(&status, network.as_ref(), well, &machine, &api.requests)
    });
    let text = match gathered.await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return Err(Problem::internal(&error)),
        Err(error) => return Err(Problem::internal(&error)),
    };
    let format = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, format)], text).into_response())
}

/// What the node takes of the machine; what cannot be found out is left out.
#[derive(Clone, Copy, Debug, Default)]
struct Machine {
    disk: Option<u64>,
    free: Option<u64>,
    memory: Option<u64>,
}

impl Machine {
    fn ask(folder: Option<&Path>) -> Self {
        Self {
            disk: folder.and_then(|folder| folder_bytes(folder).ok()),
            free: folder.and_then(|folder| free_bytes(folder).ok().flatten()),
            memory: resident_bytes(),
        }
    }
}

/// Bytes of memory that this process occupies; `None` where the system does not say it in `/proc`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

/// A registry that is filled for one answer.
struct Figures(Registry);

impl Figures {
    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        // What goes beyond 63 bits is no figure of ours.
        self.add(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.add(name, help, ConstCounter::new(value));
    }

    fn add(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.0.register(name, help, metric);
    }
}

fn print(
    status: &Status,
    network: Option<&NetworkStatus>,
    well: bool,
    machine: &Machine,
    requests: &Requests,
) -> Result<String, fmt::Error> {
    let mut figures = Figures(Registry::with_prefix("vsys"));
    let version = Info::new(
        [("version", env!("CARGO_PKG_VERSION")), ("chain", &*status.chain.to_string())]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
    );
    figures.add("node", "The program and the chain it runs", version);
    figures.gauge("height", "Height of the newest block", status.head.height.0);
    figures.gauge("head_time_seconds", "When the slot of the newest block began", status.head.time.0 / 1_000);
    figures.gauge("final_height", "Height of the newest final block", status.final_block.height.0);
    figures.gauge("final_age_seconds", "Age of the newest final block", status.final_age_ms / 1_000);
    if let Some(Rounds { now, justified }) = status.rounds {
        figures.gauge("justified_round", "Round of the highest justified checkpoint", justified.round.0);
        figures.gauge("round", "Round that the clock is in", now.0);
    }
    figures.gauge("halted", "1 if the node stands still", status.halted.is_some().into());
    figures.gauge("healthy", "1 if /health says ok", well.into());
    figures.gauge("pool_transactions", "Transactions that wait for a block", status.pool_transactions as u64);
    figures.gauge("pool_bytes", "Bytes of transactions that wait for a block", status.pool_bytes as u64);
    figures.counter("votes_cast", "Votes of this node's keys since its start", status.votes_cast);
    figures.counter("blocks_minted", "Blocks minted by this node since its start", status.blocks_minted);
    figures.add("minting_keys", "Minting keys of this node, by the slot table that names them", keys(status));
    if let Some(network) = network {
        let chain = network.chains.iter().find(|chain| chain.chain == status.chain);
        figures.gauge("peers", "Peers that serve this chain", chain.map_or(0, |chain| chain.peers as u64));
        figures.gauge("connected_peers", "Connected peers, greeted or not", network.connected as u64);
        let way = chain.and_then(|chain| chain.progress);
        let left = way.map_or(0, |way| way.target.0.saturating_sub(way.at.0));
        figures.gauge("blocks_behind", "Blocks that peers claim and this node does not have yet", left);
        figures.counter("p2p_received_bytes", "Bytes from peers since the start", network.bytes_in);
        figures.counter("p2p_sent_bytes", "Bytes to peers since the start", network.bytes_out);
        figures.counter("bans", "Peers banned since the start", network.bans);
    }
    if let Some(bytes) = machine.disk {
        figures.gauge("disk_bytes", "Bytes of the data folder", bytes);
    }
    if let Some(bytes) = machine.free {
        figures.gauge("disk_free_bytes", "Bytes that are free where the data folder is", bytes);
    }
    if let Some(bytes) = machine.memory {
        figures.gauge("memory_bytes", "Memory that the process occupies", bytes);
    }
    figures.add(
        "http_requests",
        "Requests to the API, by what they were and how they ended",
        requests.clone(),
    );
    let mut text = String::new();
    encode(&mut text, &figures.0)?;
    Ok(text)
}

/// How many keys each kind of table names; one that two name counts for the one in force.
fn keys(status: &Status) -> Family<KeyLabels, Gauge> {
    let table_of = |key: &MintingKey| match (key.in_force, key.planned) {
        (true, _) => KeyTable::in_force,
        (false, true) => KeyTable::planned,
        (false, false) => KeyTable::none,
    };
    let family = Family::<KeyLabels, Gauge>::default();
    for table in [KeyTable::in_force, KeyTable::planned, KeyTable::none] {
        let count = status.minting_keys.iter().filter(|key| table_of(key) == table).count();
        family.get_or_create(&KeyLabels { table }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_a_class() {
        for (path, class) in [
            ("/v1/status", Class::chain),
            ("/v1/blocks/7", Class::chain),
            ("/v1/accounts/AU1", Class::accounts),
            ("/v1/accounts/AU1/bundle", Class::proofs),
            ("/v1/accounts/AU1/history", Class::proofs),
            ("/v1/transactions", Class::transactions),
            ("/v1/transactions/ab/bundle", Class::proofs),
            ("/v1/faucet", Class::transactions),
            ("/v1/beacon", Class::proofs),
            ("/v1/handover", Class::proofs),
            ("/v1/events", Class::events),
            ("/v1/anything", Class::other),
            ("/metrics", Class::other),
            ("/", Class::other),
            ("", Class::other),
        ] {
            assert_eq!(Class::of(path), class, "{path}");
        }
    }

    #[test]
    fn the_machine_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), [0; 10]).unwrap();
        let machine = Machine::ask(Some(folder.path()));
        assert_eq!(machine.disk, Some(10));
        if cfg!(target_os = "linux") {
            assert!(machine.free.unwrap() > 0 && machine.memory.unwrap() > 1 << 20);
        }
        let nothing = Machine::ask(None);
        assert_eq!((nothing.disk, nothing.free), (None, None));
    }
}
