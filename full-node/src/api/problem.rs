//! Errors as the client sees them: `application/problem+json` (RFC 9457) with a stable code.

use std::fmt::Display;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident $code:literal $status:ident $title:literal,)+) => {
        /// Everything that can go wrong, by the code a program looks at. Codes never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable text of this code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// What it means, in words for people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

codes! {
    /// The bytes or the text are not what this endpoint reads.
    Malformed "malformed" BAD_REQUEST "The message cannot be read",
    /// A query parameter is unknown, missing, repeated or out of range.
    InvalidQuery "invalid-query" BAD_REQUEST "A query parameter is not usable",
    /// The path names no address.
    InvalidAddress "invalid-address" BAD_REQUEST "This is not an address of this chain",
    /// The path names no id: 64 hexadecimal digits.
    InvalidId "invalid-id" BAD_REQUEST "This is not an id",
    /// The body is larger than anything this endpoint reads.
    TooLarge "too-large" PAYLOAD_TOO_LARGE "The message is too large",
    /// The path and query are longer than any this API has.
    UriTooLong "uri-too-long" URI_TOO_LONG "The address of the request is too long",
    /// The body is declared as another media type than this endpoint reads.
    UnsupportedMediaType "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "The body has the wrong media type",
    /// Nothing lives at this path.
    NotFound "not-found" NOT_FOUND "Nothing lives at this path",
    /// The path exists, the method does not.
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED "This path does not answer this method",
    /// The chain holds nothing under this address.
    UnknownAccount "unknown-account" NOT_FOUND "The chain has no such account",
    /// This node has neither queued nor seen this transaction.
    UnknownTransaction "unknown-transaction" NOT_FOUND "This node does not know this transaction",
    /// The block the client trusts is not on this node's chain: another or a re-created chain, or a fork.
    UnknownTrusted "unknown-trusted-block" NOT_FOUND "The trusted block is not on this node's chain",
    /// What was asked for existed once and is no longer kept.
    Pruned "pruned" GONE "This node no longer keeps what was asked for",
    /// The client said for which chain it signed, and that is not this one.
    WrongChain "wrong-chain" CONFLICT "This node serves another chain",
    /// The signature does not hold, and the client did say that it signed for this chain.
    InvalidSignature "invalid-signature" UNPROCESSABLE_ENTITY "The signature does not hold",
    /// The signature does not hold: made for another chain, by another key, or altered since.
    WrongChainOrSignature "wrong-chain-or-signature" UNPROCESSABLE_ENTITY
        "The signature does not hold for this chain",
    /// The transaction breaks a rule that needs no state to check.
    InvalidTransaction "invalid-transaction" UNPROCESSABLE_ENTITY "The transaction breaks a rule",
    /// Less than the chain's minimum for these calls.
    FeeTooLow "fee-too-low" UNPROCESSABLE_ENTITY "The fee is below the minimum",
    /// Used before: a replay, or two transactions drafted at once.
    NonceTooLow "nonce-too-low" CONFLICT "The nonce was used before",
    /// Further ahead than the pool queues.
    NonceTooHigh "nonce-too-high" UNPROCESSABLE_ENTITY "The nonce leaves a gap",
    /// More than the account has, after what is already queued.
    InsufficientBalance "insufficient-balance" UNPROCESSABLE_ENTITY "The balance is too low",
    /// No block may include it any more.
    Expired "expired" UNPROCESSABLE_ENTITY "The transaction has expired",
    /// Valid for longer than this node queues.
    ValidTooLong "valid-too-long" UNPROCESSABLE_ENTITY "The transaction is valid for too long",
    /// Queued already, or in a block.
    AlreadyKnown "already-known" CONFLICT "The transaction is already known",
    /// Another transaction of this account with this nonce waits.
    NonceTaken "nonce-taken" CONFLICT "Another transaction with this nonce is waiting",
    /// The pool is full of transactions that pay at least as much.
    PoolFull "pool-full" SERVICE_UNAVAILABLE "The queue of waiting transactions is full",
    /// Too many requests from this client.
    RateLimited "rate-limited" TOO_MANY_REQUESTS "Too many requests",
    /// The faucet has given enough for now.
    FaucetLimited "faucet-limited" TOO_MANY_REQUESTS "The faucet needs a rest",
    /// The node has its hands full.
    Busy "busy" SERVICE_UNAVAILABLE "The node is busy",
    /// The request took longer than it may.
    Timeout "timeout" SERVICE_UNAVAILABLE "The request took too long",
    /// A fault of this node; its log says more.
    Internal "internal" INTERNAL_SERVER_ERROR "The node failed",
}

impl Code {
    /// The page of this code, as `type` wants one: it lists every code.
    fn reference(self) -> String {
        format!("/v1/problems#{}", self.as_str())
    }
}

/// A refusal or failure, ready to be sent. `data` carries what a program needs to act, next to the standard
/// members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: String,
    data: Map<String, Value>,
}

/// The members every problem has; more may follow, depending on the code.
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemBody {
    /// Where the code is explained.
    #[schema(example = "/v1/problems#nonce-too-low")]
    r#type: String,
    /// What the code means.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable code.
    #[schema(example = "nonce-too-low")]
    code: &'static str,
    /// What happened here.
    detail: String,
    #[serde(flatten)]
    #[schema(ignore)]
    data: Map<String, Value>,
}

impl Problem {
    /// A problem with its detail: what happened here, with the offending input.
    pub fn new(code: Code, detail: impl Display) -> Self {
        Self { code, detail: detail.to_string(), data: Map::new() }
    }

    /// A fault of this node: the cause goes to the log, never to the client.
    pub fn internal(cause: &dyn Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(Code::Internal, "the node could not answer; its log says why")
    }

    /// Adds a field for programs. Amounts go in as strings of units, as everywhere in JSON.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    /// Which kind of problem this is.
    pub const fn code(&self) -> Code {
        self.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let retry = self.data.get("retry_after_s").and_then(Value::as_u64);
        let body = ProblemBody {
            r#type: self.code.reference(),
            title: self.code.title(),
            status: status.as_u16(),
            code: self.code.as_str(),
            detail: self.detail,
            data: self.data,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_and_are_errors() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{code:?}");
        }
    }
}
