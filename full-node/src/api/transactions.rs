//! What concerns one transaction, and the faucet.

use std::{sync::Arc, time::Instant};

use axum::{Json, extract::State, http::StatusCode, response::Response};
use light_client::data_format::TransactionId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Api,
    answers::{Accepted, TransactionAnswer},
    chain::{TrustedQuery, octets},
    extract::{IdPath, JsonBody, QueryOf, SubmissionBody, parse_address},
    problem::{Code, Problem, ProblemBody},
};
use crate::{config::FAUCET_PAYMENT, node::ReceiptError};

/// Takes a signed transaction into the queue: the chain's id, then the signed transaction, in Borsh. The answer comes
/// once it is on disk: it will not be forgotten, also if the node is killed. Sending one twice is fine.
///
/// Every rule that it may break has a code of its own; `rule` names it.
#[utoipa::path(post, path = "/v1/transactions", tag = "transactions",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = ACCEPTED, body = Accepted),
    (status = BAD_REQUEST, description = "malformed or cut off", body = ProblemBody),
    (status = CONFLICT, description = "another chain, or a nonce used before, taken or too far ahead", body = ProblemBody),
    (status = PAYLOAD_TOO_LARGE, body = ProblemBody),
    (status = UNSUPPORTED_MEDIA_TYPE, body = ProblemBody),
    (status = UNPROCESSABLE_ENTITY, description = "it breaks a rule", body = ProblemBody),
    (status = SERVICE_UNAVAILABLE, description = "the queue is full, or the sender's part of it", body = ProblemBody)))]
pub(super) async fn submit(
    State(api): State<Arc<Api>>,
    SubmissionBody(bytes): SubmissionBody,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let _place = api.place()?;
    let id = api.node.submit(bytes.to_vec()).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { id: id.to_string() })))
}

/// What became of a transaction, not proven.
#[utoipa::path(get, path = "/v1/transactions/{id}", tag = "transactions",
    params(("id" = String, Path, description = "the transaction's id")), responses(
    (status = OK, body = TransactionAnswer),
    (status = NOT_FOUND, body = ProblemBody)))]
pub(super) async fn transaction(
    State(api): State<Arc<Api>>,
    IdPath(id): IdPath,
) -> Result<Json<TransactionAnswer>, Problem> {
    let _place = api.place()?;
    let state = api.node.transaction(id).await?;
    TransactionAnswer::of(id.to_string(), state).map(Json).ok_or_else(|| unknown(&id))
}

/// Proof of the block a transaction is in and of what became of it (`TransactionBundle`).
#[utoipa::path(get, path = "/v1/transactions/{id}/bundle", tag = "proofs",
    params(("id" = String, Path, description = "the transaction's id"), TrustedQuery), responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>),
    (status = NOT_FOUND, description = "it is in no block", body = ProblemBody),
    (status = CONFLICT, description = "the trusted block is not of this chain", body = ProblemBody)))]
pub(super) async fn bundle(
    State(api): State<Arc<Api>>,
    IdPath(id): IdPath,
    QueryOf(query): QueryOf<TrustedQuery>,
) -> Result<Response, Problem> {
    let _place = api.place()?;
    if let Some(bytes) = api.node.transaction_bundle(id, query.trusted).await? {
        return Ok(octets(bytes));
    }
    Err(not_in_block(&api, &id).await?)
}

/// Proof of a payment for anybody, to be kept as a file (`Receipt`): the transaction, its outcome, and all that proves it to
/// whoever trusts a block. Of final blocks only; a transaction that failed has one too, which says so.
#[utoipa::path(get, path = "/v1/transactions/{id}/receipt", tag = "proofs",
    params(("id" = String, Path, description = "the transaction's id"), TrustedQuery), responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>),
    (status = NOT_FOUND, description = "it is in no block", body = ProblemBody),
    (status = CONFLICT, description = "it is not final yet, or nobody signed it; or the trusted block is not of this chain", body = ProblemBody),
    (status = GONE, description = "this node does not keep what is so old", body = ProblemBody)))]
pub(super) async fn receipt(
    State(api): State<Arc<Api>>,
    IdPath(id): IdPath,
    QueryOf(query): QueryOf<TrustedQuery>,
) -> Result<Response, Problem> {
    let _place = api.place()?;
    match api.node.receipt(id, query.trusted).await {
        Err(ReceiptError::NotInBlock(_)) => Err(not_in_block(&api, &id).await?),
        receipt => Ok(octets(receipt?)),
    }
}

/// Who gets test coins.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FaucetRequest {
    /// The address they go to.
    address: String,
}

/// Test coins on their way.
#[derive(Serialize, ToSchema)]
pub(super) struct FaucetAnswer {
    /// The transaction that brings them.
    id: String,
    /// How much, in units.
    amount: String,
}

/// Sends 1,000 worthless test coins. Exists on development chains only.
#[utoipa::path(post, path = "/v1/faucet", tag = "transactions", request_body = FaucetRequest, responses(
    (status = ACCEPTED, body = FaucetAnswer),
    (status = BAD_REQUEST, body = ProblemBody),
    (status = TOO_MANY_REQUESTS, body = ProblemBody)))]
pub(super) async fn faucet(
    State(api): State<Arc<Api>>,
    JsonBody(request): JsonBody<FaucetRequest>,
) -> Result<(StatusCode, Json<FaucetAnswer>), Problem> {
    let address = parse_address(&request.address)?;
    api.check_network(&address)?;
    let now = Instant::now();
    let (per_address, overall) = &*api.faucet;
    per_address.take(address, now).and_then(|()| overall.take((), now)).map_err(|wait| {
        Problem::new(Code::FaucetLimited, "enough for now: ask again a little later")
            .with("retry_after_s", wait.as_secs() + 1)
    })?;
    let _place = api.place()?;
    let id = api.node.faucet(address, FAUCET_PAYMENT).await?;
    let amount = FAUCET_PAYMENT.units().to_string();
    Ok((StatusCode::ACCEPTED, Json(FaucetAnswer { id: id.to_string(), amount })))
}

/// Why there is nothing to prove of a transaction.
async fn not_in_block(api: &Api, id: &TransactionId) -> Result<Problem, Problem> {
    Ok(match TransactionAnswer::of(id.to_string(), api.node.transaction(*id).await?) {
        None => unknown(id),
        Some(_) => Problem::new(Code::NotInBlock, format!("the transaction {id} waits for a block")),
    })
}

fn unknown(id: &TransactionId) -> Problem {
    Problem::new(Code::UnknownTransaction, format!("the transaction {id} neither waits nor is in a block"))
}
