//! Whether a node does what it is there for: `GET /health`, for whatever restarts nodes or sends people to them.

use std::{fmt, sync::Arc};

use axum::extract::State;

use super::{
    Api,
    problem::{Code, Problem, ProblemBody},
};
use crate::{network::sync::Progress, node::Status};

/// Blocks behind the network's newest one from which on a node is behind: a block or two are always on their way.
const BEHIND_BLOCKS: u64 = 64;
/// Rounds without a newly justified checkpoint from which on finality stands still: one is always on its way, and one may be
/// lost with a slow minter.
const SILENT_ROUNDS: u64 = 4;

/// Why a node does not do what it is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ailment {
    /// It stands still: its disk is full or failed.
    Halted(String),
    /// The others are far ahead.
    Behind(Progress),
    /// Blocks may go on, and none of them becomes final; or the node is alone.
    NoFinality {
        /// The round the clock is in.
        round: u64,
        /// The newest justified one.
        justified: u64,
    },
}

impl fmt::Display for Ailment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halted(reason) => write!(f, "the node stands still: {reason}"),
            Self::Behind(progress) => write!(f, "the node is behind: {progress}"),
            Self::NoFinality { round, justified } => write!(
                f,
                "nothing became final lately: the newest justified round is {justified}, and this is round {round}"
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
    let (round, justified) = (status.round.0, status.justified.round.0);
    (round > justified.saturating_add(SILENT_ROUNDS)).then_some(Ailment::NoFinality { round, justified })
}

/// Whether the node follows its chain: `ok`, or what keeps it from that.
#[utoipa::path(get, path = "/health", tag = "operators", responses(
    (status = OK, body = String),
    (status = SERVICE_UNAVAILABLE, description = "it stands still, is more than 64 blocks behind, or nothing became \
        justified for more than 4 rounds", body = ProblemBody)))]
pub(super) async fn health(State(api): State<Arc<Api>>) -> Result<&'static str, Problem> {
    let status = api.node.status();
    match ailment(&status, api.progress(&status)) {
        None => Ok("ok"),
        Some(ailment) => Err(Problem::new(Code::Unwell, ailment)),
    }
}

#[cfg(test)]
mod tests {
    use light_client::data_format::{Checkpoint, Height, Round, Time};

    use super::*;
    use crate::{
        node::{ChainChoice, Node, NodeConfig},
        storage::Retention,
        transaction::Limits,
    };

    fn status() -> Status {
        let now = Time(1_790_000_000_000);
        let config = NodeConfig {
            data: None,
            chain: ChainChoice::Spec(Box::new(crate::config::development_spec(now))),
            minting_keys: Vec::new(),
            payee: None,
            retention: Retention::default(),
            pool: Limits::default(),
            now,
        };
        let status = Node::open(config).unwrap().status();
        let justified = Checkpoint { round: Round(10), ..status.justified };
        Status { round: Round(12), justified, ..status }
    }

    fn way(at: u64, target: u64) -> Option<Progress> {
        Some(Progress::since(Time(0), Height(0), Height(at), Height(target), Time(10_000)))
    }

    #[test]
    fn a_node_that_follows_is_well() {
        assert_eq!(ailment(&status(), None), None);
        assert_eq!(ailment(&status(), way(1_000, 1_064)), None, "a little behind is nothing");
        let status = Status { round: Round(14), ..status() };
        assert_eq!(ailment(&status, None), None, "a lost round is nothing");
    }

    #[test]
    fn what_ails_a_node_is_said() {
        let behind = ailment(&status(), way(1_000, 1_065)).unwrap();
        assert!(behind.to_string().contains("behind: block 1000 of 1065"), "{behind}");
        let silent = Status { round: Round(15), ..status() };
        let words = ailment(&silent, None).unwrap().to_string();
        assert!(words.contains("justified round is 10") && words.contains("round 15"), "{words}");
        let halted = Status { halted: Some("the disk is full".to_owned()), ..silent };
        assert_eq!(ailment(&halted, way(0, 500)), Some(Ailment::Halted("the disk is full".to_owned())));
    }
}
