//! Figures for Prometheus: `GET /metrics`, in the OpenMetrics text format.
//!
//! **Trust and bounds.** As everything here, anybody who reaches the API may read it; by default that is this machine. The
//! figures are taken when they are asked for. Labels come from fixed lists and from the chains that the operator runs, so no
//! client can make the answer grow.

mod figures;

use std::{fmt, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{counter::Counter, family::Family},
};

use super::{Api, Process, chains, problem::Problem};
use figures::{OfChain, print, resident_bytes};

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

impl Class {
    fn of(path: &str) -> Self {
        let path = chains::split(path).map_or(path, |(_, below)| below);
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
            "status" | "chain" | "chains" | "blocks" | "peers" | "problems" => Self::chain,
            _ => Self::other,
        }
    }
}

/// Counts every request, also those that are refused.
pub(super) async fn count(State(process): State<Arc<Process>>, request: Request, next: Next) -> Response {
    let class = Class::of(request.uri().path());
    let response = next.run(request).await;
    let status = StatusClass(response.status().as_u16() / 100);
    process.requests.get_or_create(&RequestLabels { class, status }).inc();
    response
}

/// Figures for Prometheus: of each chain with its id as `chain`, and of the process. Below the path of a chain only those of
/// this one.
#[utoipa::path(get, path = "/metrics", tag = "operators",
    responses((status = OK, content_type = "application/openmetrics-text", body = String)))]
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let gathered = tokio::task::spawn_blocking(move || {
        let chains: Vec<OfChain> = api.nodes().iter().map(|node| OfChain::ask(&api.process, node)).collect();
        print(&chains, api.process.network().as_ref(), resident_bytes(), &api.process.requests)
    });
    let text = match gathered.await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return Err(Problem::internal(&error)),
        Err(error) => return Err(Problem::internal(&error)),
    };
    let format = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, format)], text).into_response())
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
            ("/chains/ab/v1/status", Class::chain),
            ("/chains/ab/v1/accounts/AU1/bundle", Class::proofs),
            ("/chains/ab/metrics", Class::other),
            ("/chains/ab", Class::other),
            ("/v1/chains", Class::chain),
            ("/metrics", Class::other),
            ("/", Class::other),
            ("", Class::other),
        ] {
            assert_eq!(Class::of(path), class, "{path}");
        }
    }
}
