//! Whether a node does what it is there for: `GET /health`, for whatever restarts nodes or sends people to them.

use std::{fmt, sync::Arc};

use axum::extract::State;
use serde_json::json;

use super::{
    Api,
    problem::{Code, Problem, ProblemBody},
};
use crate::{network::sync::Progress, node::Status};

/// Blocks behind the network's newest one from which on a node is behind: a block or two are always on their way.
const BEHIND_BLOCKS: u64 = 64;

/// Why a node does not do what it is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ailment {
    /// It stands still: its disk is full or failed.
    Halted(String),
    /// The others are far ahead.
    Behind(Progress),
    /// Blocks may go on, and none of them becomes final; or the node is alone.
    NoFinality {
        /// How old the newest final block is, in milliseconds.
        age_ms: u64,
        /// How old it may become, in milliseconds.
        late_ms: u64,
    },
}

impl fmt::Display for Ailment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halted(reason) => write!(f, "the node stands still: {reason}"),
            Self::Behind(progress) => write!(f, "the node is behind: {progress}"),
            Self::NoFinality { age_ms, late_ms } => write!(
                f,
                "nothing became final lately: the newest final block is {} s old, and {} s are the most on this chain",
                age_ms / 1_000,
                late_ms.div_ceil(1_000)
            ),
        }
    }
}

/// What ails a node, the worst first; nothing if it follows its chain.
pub(super) fn ailment(status: &Status, progress: Option<Progress>) -> Option<Ailment> {
    if let Some(reason) = &status.halted {
        return Some(Ailment::Halted(reason.clone()));
    }
    let behind = progress.filter(|way| way.target.0.saturating_sub(way.at.0) > BEHIND_BLOCKS);
    if let Some(progress) = behind {
        return Some(Ailment::Behind(progress));
    }
    let (age_ms, late_ms) = (status.final_age_ms, status.final_late_ms);
    (age_ms > late_ms).then_some(Ailment::NoFinality { age_ms, late_ms })
}

/// Whether the node follows all of its chains: `ok`, or which it does not follow, and what keeps it from that. Below the path
/// of a chain: whether it follows this one.
#[utoipa::path(get, path = "/health", tag = "operators", responses(
    (status = OK, body = String),
    (status = SERVICE_UNAVAILABLE, description = "a chain stands still, is more than 64 blocks behind, or its newest \
        final block is older than finality takes on it; `chains` lists those", body = ProblemBody)))]
pub(super) async fn health(State(api): State<Arc<Api>>) -> Result<&'static str, Problem> {
    let (mut words, mut chains) = (Vec::new(), Vec::new());
    for node in api.nodes() {
        let status = node.status();
        if let Some(ailment) = api.process.ailment(&status) {
            words.push(format!("{:?}: {ailment}", status.name));
            chains.push(json!({
                "chain_id": status.chain.to_string(),
                "name": status.name,
                "detail": ailment.to_string(),
            }));
        }
    }
    if chains.is_empty() {
        return Ok("ok");
    }
    Err(Problem::new(Code::Unwell, words.join("; ")).with("chains", chains))
}

#[cfg(test)]
mod tests {
    use light_client::{
        crypto::{Hash, PublicKey},
        data_format::{
            Amount, ChainSpec, EngineSpec, Height, InstantSpec, ModuleName, ProofOfWorkSpec, Time,
        },
    };

    use super::*;
    use crate::{
        config::{development_spec, minting_keys},
        node::{ChainChoice, Node, NodeConfig},
        storage::Retention,
        transaction::Limits,
    };

    fn status_on(spec: ChainSpec) -> Status {
        let now = Time(1_790_000_000_000);
        let config = NodeConfig {
            data: None,
            chain: ChainChoice::Spec(Box::new(spec)),
            minting_keys: Vec::new(),
            recoveries: Vec::new(),
            payee: None,
            retention: Retention::default(),
            pool: Limits::default(),
            now,
        };
        Node::open(config).unwrap().status()
    }

    /// On a chain with 4 slots of 15 seconds: a minute each round.
    fn status() -> Status {
        let mut spec = development_spec(Time(1_790_000_000_000));
        spec.engine.spos_mut().unwrap().slot_ms = 15_000;
        Status { final_age_ms: 0, ..status_on(spec) }
    }

    fn way(at: u64, target: u64) -> Option<Progress> {
        Some(Progress::since(Time(0), Height(0), Height(at), Height(target), Time(10_000)))
    }

    #[test]
    fn a_node_that_follows_is_well() {
        assert_eq!(ailment(&status(), None), None);
        assert_eq!(ailment(&status(), way(1_000, 1_064)), None, "a little behind is nothing");
        let status = Status { final_age_ms: 6 * 60_000, ..status() };
        assert_eq!(ailment(&status, None), None, "a lost round is nothing");
    }

    #[test]
    fn what_ails_a_node_is_said() {
        let behind = ailment(&status(), way(1_000, 1_065)).unwrap();
        assert!(behind.to_string().contains("behind: block 1000 of 1065"), "{behind}");
        let silent = Status { final_age_ms: 6 * 60_000 + 1, ..status() };
        let words = ailment(&silent, None).unwrap().to_string();
        assert!(words.contains("is 360 s old") && words.contains("360 s are the most"), "{words}");
        let halted = Status { halted: Some("the disk is full".to_owned()), ..silent };
        assert_eq!(ailment(&halted, way(0, 500)), Some(Ailment::Halted("the disk is full".to_owned())));
    }

    #[test]
    fn each_engine_says_how_late_finality_may_be() {
        let spec = |engine| ChainSpec {
            engine,
            modules: vec![ModuleName::Coin],
            ..development_spec(Time(1_790_000_000_000))
        };
        let work = ProofOfWorkSpec {
            slot_ms: 50,
            block_ms: 1_000,
            genesis_difficulty: 1_000,
            half_life_ms: 10_000,
            final_depth: 30,
            block_reward: Amount(0),
        };
        let work = status_on(spec(EngineSpec::ProofOfWork(work)));
        assert_eq!((work.rounds, work.final_late_ms), (None, (2 * 30 + 14 + 2) * 1_000));
        let buried = Status { final_age_ms: 70_000, ..work.clone() };
        assert_eq!(ailment(&buried, None), None, "a final block is under thirty others");
        let stuck = Status { final_age_ms: 76_001, ..work };
        assert!(matches!(ailment(&stuck, None), Some(Ailment::NoFinality { .. })));
        let PublicKey::Ed25519(sealer) = minting_keys()[0].public() else { panic!("another scheme") };
        let instant = InstantSpec { slot_ms: 10, sealer: Hash(sealer) };
        let instant = status_on(spec(EngineSpec::Instant(instant)));
        assert_eq!(instant.rounds, None);
        let idle = Status { final_age_ms: 365 * 86_400_000, ..instant };
        assert_eq!(ailment(&idle, None), None, "nothing to seal for a year");
    }
}
