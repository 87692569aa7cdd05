//! The chains of the process, and the paths below which each is served.

use std::sync::Arc;

use axum::{Json, extract::State};
use light_client::data_format::ChainId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Api, Process,
    problem::{Code, Problem},
};
use crate::node::Node;

const ROOT: &str = "/chains/";
/// Digits of an unknown id that are repeated: those of an id.
const SHOWN: usize = 64;

/// A chain of the node.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct ChainEntry {
    /// Its id.
    pub chain_id: String,
    /// Its name.
    pub name: String,
    /// Everything about it is below this path.
    #[schema(example = "/chains/9c1d…")]
    pub path: String,
    /// Whether it is a development chain, whose coins are worth nothing.
    pub development: bool,
    /// The height of its newest block.
    pub height: u64,
    /// The height of its newest final block.
    pub final_height: u64,
    /// Why the node does not follow it, as `/health` says it.
    pub unwell: Option<String>,
}

/// The chains that this node serves, the one that is at the root first; below the path of a chain this one alone.
#[utoipa::path(get, path = "/v1/chains", tag = "chain", responses((status = OK, body = [ChainEntry])))]
pub(super) async fn chains(State(api): State<Arc<Api>>) -> Json<Vec<ChainEntry>> {
    Json(api.nodes().iter().map(|node| entry(&api.process, node)).collect())
}

fn entry(process: &Process, node: &Node) -> ChainEntry {
    let status = node.status();
    ChainEntry {
        chain_id: status.chain.to_string(),
        path: path_of(&status.chain),
        development: status.development,
        height: status.head.height.0,
        final_height: status.final_block.height.0,
        unwell: process.ailment(&status).map(|ailment| ailment.to_string()),
        name: status.name,
    }
}

/// The path below which a chain is served.
pub(super) fn path_of(chain: &ChainId) -> String {
    format!("{ROOT}{chain}")
}

/// The id in a path below that of a chain, and what follows it, which begins with a slash or is empty.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix(ROOT)?;
    Some(rest.split_at(rest.find('/').unwrap_or(rest.len())))
}

/// No chain has this id.
pub(super) fn unknown(id: &str, known: &[Node]) -> Problem {
    let id: String = id.chars().take(SHOWN).collect();
    let known: Vec<String> = known.iter().map(|node| node.chain().to_string()).collect();
    Problem::new(Code::UnknownChain, format!("no chain {id:?} is here; see /v1/chains")).with("known", known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_chains_are_told_from_others() {
        assert_eq!(split("/chains/ab/v1/status"), Some(("ab", "/v1/status")));
        assert_eq!(split("/chains/ab"), Some(("ab", "")));
        assert_eq!(split("/chains/"), Some(("", "")));
        assert_eq!(split("/chains//v1"), Some(("", "/v1")));
        for other in ["/chains", "/v1/chains", "/", "", "chains/ab"] {
            assert_eq!(split(other), None, "{other}");
        }
    }
}
