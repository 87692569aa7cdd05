//! What concerns the chain as a whole: status, spec, blocks, headers, beacons.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use light_client::{
    client::{ChainFile, Trusted},
    consensus::spos::{TableError, Tables},
    data_format::{BlockId, ChainSpec, Height, SealedHeader},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api,
    answers::{BlockAnswer, StatusAnswer},
    extract::{BlockPath, HeightPath, OCTETS, QueryOf},
    limits::MAX_HEADERS,
    problem::{self, Code, CodeMeaning, Problem, ProblemBody},
};

/// How the node and its chain are doing.
#[utoipa::path(get, path = "/v1/status", tag = "chain", responses((status = OK, body = StatusAnswer)))]
pub(super) async fn status(State(api): State<Arc<Api>>) -> Json<StatusAnswer> {
    Json(StatusAnswer::of(api.node.status(), api.process.network()))
}

/// A chain and its id.
#[derive(Serialize, ToSchema)]
pub(super) struct ChainAnswer {
    chain_id: String,
    genesis: String,
    /// The chain spec; its hash is the id.
    #[schema(value_type = Object)]
    spec: ChainSpec,
}

/// The spec of the chain.
#[utoipa::path(get, path = "/v1/chain", tag = "chain", responses((status = OK, body = ChainAnswer)))]
pub(super) async fn chain(State(api): State<Arc<Api>>) -> Json<ChainAnswer> {
    let spec = ChainSpec::clone(api.node.spec());
    Json(ChainAnswer {
        chain_id: api.node.chain().to_string(),
        genesis: api.node.genesis().header.id().to_string(),
        spec,
    })
}

/// The spec of the chain in Borsh, which proves itself: the hash of it is the chain's id (`ChainParameters` bundle).
#[utoipa::path(get, path = "/v1/chain/bundle", tag = "proofs", responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>)))]
pub(super) async fn parameters(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let _place = api.place()?;
    Ok(octets(api.node.parameters_bundle().await?))
}

/// Every code that a problem can have, and what it means.
#[utoipa::path(get, path = "/v1/problems", tag = "chain", responses((status = OK, body = [CodeMeaning])))]
pub(super) async fn problems() -> Json<Vec<CodeMeaning>> {
    Json(problem::all_codes())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TrustedQuery {
    /// The id of the final block that the client trusts; genesis if left out.
    #[param(value_type = Option<String>)]
    pub(super) trusted: Option<BlockId>,
}

/// Proof that a newer block is final: its header, a link and enough signatures; or the trusted block's own header
/// if nothing newer is (`Anchor` bundle).
#[utoipa::path(get, path = "/v1/beacon", tag = "proofs", params(TrustedQuery), responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>),
    (status = CONFLICT, description = "the trusted block is not of this chain", body = ProblemBody)))]
pub(super) async fn beacon(
    State(api): State<Arc<Api>>,
    QueryOf(query): QueryOf<TrustedQuery>,
) -> Result<Response, Problem> {
    let _place = api.place()?;
    Ok(octets(api.node.anchor(query.trusted).await?))
}

/// The way from the trusted block to the newest final one where more slot holders changed between them than one step
/// leads over: the fewest links, at most 128 of them, and the beacon they end at (`HandOver` bundle). Who got 128 asks again
/// from there.
#[utoipa::path(get, path = "/v1/handover", tag = "proofs", params(TrustedQuery), responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>),
    (status = NOT_FOUND, description = "nothing became final by votes", body = ProblemBody),
    (status = CONFLICT, description = "the trusted block is not of this chain", body = ProblemBody),
    (status = GONE, description = "links that are needed are older than what this node keeps", body = ProblemBody)))]
pub(super) async fn hand_over(
    State(api): State<Arc<Api>>,
    QueryOf(query): QueryOf<TrustedQuery>,
) -> Result<Response, Problem> {
    let _place = api.place()?;
    let hand_over = api.node.hand_over(query.trusted).await?;
    hand_over.map(octets).ok_or_else(|| {
        Problem::new(Code::NothingVoted, "only block 0 is final yet, or this chain is one without votes")
    })
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HeadersQuery {
    /// The height of the first header.
    from: u64,
    /// How many, 1 to 512.
    #[param(default = 64, maximum = 512)]
    limit: Option<u64>,
}

/// Sealed headers of the best branch in a row (`HeaderRow` bundle); fewer than asked for at its end.
#[utoipa::path(get, path = "/v1/headers", tag = "proofs", params(HeadersQuery), responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>),
    (status = BAD_REQUEST, body = ProblemBody)))]
pub(super) async fn headers(
    State(api): State<Arc<Api>>,
    QueryOf(query): QueryOf<HeadersQuery>,
) -> Result<Response, Problem> {
    let limit = limited("limit", query.limit, 64, MAX_HEADERS)?;
    let _place = api.place()?;
    Ok(octets(api.node.headers(Height(query.from), limit).await?))
}

/// Proof of one block's header, however old (`HeaderBundle`).
#[utoipa::path(get, path = "/v1/headers/{block}/bundle", tag = "proofs",
    params(("block" = String, Path, description = "the block's height or id"), TrustedQuery), responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>),
    (status = BAD_REQUEST, body = ProblemBody),
    (status = NOT_FOUND, description = "the chain has no such block, or none that can be shown from the trusted one", body = ProblemBody),
    (status = CONFLICT, description = "the trusted block is not of this chain", body = ProblemBody),
    (status = GONE, description = "it is older than what this node keeps", body = ProblemBody)))]
pub(super) async fn header(
    State(api): State<Arc<Api>>,
    BlockPath(name): BlockPath,
    QueryOf(query): QueryOf<TrustedQuery>,
) -> Result<Response, Problem> {
    let _place = api.place()?;
    let bytes = api.node.header_bundle(name, query.trusted).await?;
    let unknown = || Problem::new(Code::UnknownBlock, format!("the best branch has no block {name} to show"));
    bytes.map(octets).ok_or_else(unknown)
}

/// A block of the best branch and what became of its transactions, not proven.
#[utoipa::path(get, path = "/v1/blocks/{height}", tag = "chain",
    params(("height" = u64, Path, description = "the block's height")), responses(
    (status = OK, body = BlockAnswer),
    (status = NOT_FOUND, body = ProblemBody)))]
pub(super) async fn block(
    State(api): State<Arc<Api>>,
    HeightPath(height): HeightPath,
) -> Result<Json<BlockAnswer>, Problem> {
    let _place = api.place()?;
    let block = api.node.block(height).await?;
    block.map(|block| Json(block.into())).ok_or_else(|| {
        let head = api.node.status().head.height;
        Problem::new(Code::UnknownBlock, format!("there is no block {height} yet; the newest is {head}"))
            .with("head", head.0)
    })
}

/// Bytes of a proof.
pub(super) fn octets(bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(OCTETS))], bytes).into_response()
}

/// A number of things asked for, within 1 to `most`.
pub(super) fn limited(name: &str, asked: Option<u64>, usual: u64, most: u64) -> Result<usize, Problem> {
    let asked = asked.unwrap_or(usual);
    let fits = usize::try_from(asked).ok().filter(|_| (1..=most).contains(&asked));
    fits.ok_or_else(|| {
        Problem::new(Code::InvalidQuery, format!("{name} must be 1 to {most}, it is {asked}"))
            .with("limit", most)
    })
}

/// The file that tells a wallet of a development chain what it trusts: the spec, and genesis as the checkpoint.
pub(super) fn chain_file(spec: &ChainSpec, genesis: &SealedHeader) -> Result<ChainFile, TableError> {
    let tables = Tables::at_genesis(spec)?;
    let checkpoint = Trusted::genesis(genesis, tables).checkpoint();
    Ok(ChainFile { spec: spec.clone(), checkpoint, servers: Vec::new() })
}
