//! What concerns one account.

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use light_client::data_format::{Address, BlockId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Api,
    answers::AccountAnswer,
    chain::{limited, octets},
    extract::{AddressPath, QueryOf},
    limits::MAX_RECORDS,
    problem::{Code, Problem, ProblemBody},
};

/// An account after the newest block, not proven.
#[utoipa::path(get, path = "/v1/accounts/{address}", tag = "accounts",
    params(("address" = String, Path, description = "the account's address")), responses(
    (status = OK, body = AccountAnswer),
    (status = BAD_REQUEST, body = ProblemBody)))]
pub(super) async fn account(
    State(api): State<Arc<Api>>,
    AddressPath(address): AddressPath,
) -> Result<Json<AccountAnswer>, Problem> {
    api.check_network(&address)?;
    let _place = api.place()?;
    Ok(Json(api.node.account(address).await?.into()))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BundleQuery {
    /// The id of the final block that the client trusts; genesis if left out.
    #[param(value_type = Option<String>)]
    trusted: Option<BlockId>,
    /// How many of the account's history records the client has already.
    #[param(default = 0)]
    known: Option<u64>,
    /// How many of the newest records to send at most, 0 to 256.
    #[param(default = 20, maximum = 256)]
    records: Option<u64>,
}

/// Proof of what an account holds, with its newest history records (`AccountBundle`).
#[utoipa::path(get, path = "/v1/accounts/{address}/bundle", tag = "proofs",
    params(("address" = String, Path, description = "the account's address"), BundleQuery), responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>),
    (status = BAD_REQUEST, body = ProblemBody),
    (status = CONFLICT, description = "the trusted block is not of this chain", body = ProblemBody)))]
pub(super) async fn bundle(
    State(api): State<Arc<Api>>,
    AddressPath(address): AddressPath,
    QueryOf(query): QueryOf<BundleQuery>,
) -> Result<Response, Problem> {
    api.check_network(&address)?;
    let records = match query.records {
        Some(0) => 0,
        records => limited("records", records, 20, MAX_RECORDS)?,
    };
    let known = query.known.unwrap_or(0);
    let _place = api.place()?;
    Ok(octets(api.node.account_bundle(address, query.trusted, known, records).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// The index of the record before which the page ends.
    before: u64,
    /// How many records, 1 to 256.
    #[param(default = 50, maximum = 256)]
    limit: Option<u64>,
}

/// Older history records of an account (`HistoryPage` bundle), oldest first. The client checks the chain of hashes.
#[utoipa::path(get, path = "/v1/accounts/{address}/history", tag = "proofs",
    params(("address" = String, Path, description = "the account's address"), HistoryQuery), responses(
    (status = OK, content_type = "application/octet-stream", body = Vec<u8>),
    (status = BAD_REQUEST, body = ProblemBody)))]
pub(super) async fn history(
    State(api): State<Arc<Api>>,
    AddressPath(address): AddressPath,
    QueryOf(query): QueryOf<HistoryQuery>,
) -> Result<Response, Problem> {
    api.check_network(&address)?;
    let limit = limited("limit", query.limit, 50, MAX_RECORDS)?;
    let _place = api.place()?;
    Ok(octets(api.node.history_page(address, query.before, limit).await?))
}

impl Api {
    /// Refuses addresses of another network: nothing can be held there on this chain.
    pub(super) fn check_network(&self, address: &Address) -> Result<(), Problem> {
        if address.network() == self.node.spec().network {
            return Ok(());
        }
        Err(Problem::new(
            Code::InvalidAddress,
            format!("{address} belongs to another network than this chain"),
        ))
    }
}
