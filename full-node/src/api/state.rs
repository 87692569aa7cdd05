//! Questions to the state, answered with a proof.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use light_client::{
    client::{Bundle, Questions},
    data_format::BlockId,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Api,
    chain::{TrustedQuery, octets},
    extract::{QueryOf, QuestionsBody},
    problem::{Code, Problem, ProblemBody},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct QuestionsQuery {
    /// The id of the final block that the client trusts; genesis if left out.
    #[param(value_type = Option<String>)]
    trusted: Option<BlockId>,
    /// What is asked: a `Questions` bundle in hexadecimal digits.
    questions: String,
}

/// Answers to questions about accounts, leases, supernodes and the slot table, all at once and proven (`StateBundle`): few
/// questions, in the address of the request.
#[utoipa::path(get, path = "/v1/state", tag = "proofs", params(QuestionsQuery), responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>),
    (status = BAD_REQUEST, description = "the questions cannot be read", body = ProblemBody),
    (status = CONFLICT, description = "the trusted block is not of this chain", body = ProblemBody),
    (status = UNPROCESSABLE_ENTITY, description = "too much is asked at once", body = ProblemBody)))]
pub(super) async fn state(
    State(api): State<Arc<Api>>,
    QueryOf(query): QueryOf<QuestionsQuery>,
) -> Result<Response, Problem> {
    let questions = Questions::from_text(&query.questions)
        .map_err(|error| Problem::new(Code::InvalidQuery, format!("questions: {error}")))?;
    answer(&api, questions, query.trusted).await
}

/// As `GET /v1/state`, of up to 64 questions: a `Questions` bundle as the body.
#[utoipa::path(post, path = "/v1/state", tag = "proofs", params(TrustedQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>),
    (status = BAD_REQUEST, description = "the questions cannot be read", body = ProblemBody),
    (status = CONFLICT, description = "the trusted block is not of this chain", body = ProblemBody),
    (status = PAYLOAD_TOO_LARGE, body = ProblemBody),
    (status = UNSUPPORTED_MEDIA_TYPE, body = ProblemBody),
    (status = UNPROCESSABLE_ENTITY, description = "too much is asked at once", body = ProblemBody)))]
pub(super) async fn ask_state(
    State(api): State<Arc<Api>>,
    QueryOf(query): QueryOf<TrustedQuery>,
    QuestionsBody(questions): QuestionsBody,
) -> Result<Response, Problem> {
    answer(&api, questions, query.trusted).await
}

async fn answer(
    api: &Api,
    Questions(questions): Questions,
    trusted: Option<BlockId>,
) -> Result<Response, Problem> {
    let _place = api.place()?;
    Ok(octets(api.node.state_bundle(questions, trusted).await?))
}
