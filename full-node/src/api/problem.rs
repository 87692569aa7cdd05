//! Errors as the client sees them: `application/problem+json` (RFC 9457) with a stable code.

use std::fmt::Display;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use light_client::transaction::{RULES, TransactionError};
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
    InvalidQuery "invalid_query" BAD_REQUEST "A query parameter is not usable",
    /// The path names no height.
    InvalidHeight "invalid_height" BAD_REQUEST "This is not a height",
    /// No address, or one of another network.
    InvalidAddress "invalid_address" BAD_REQUEST "This is not an address of this chain",
    /// The path names no id: 64 hexadecimal digits.
    InvalidId "invalid_id" BAD_REQUEST "This is not an id",
    /// The body is larger than anything this endpoint reads.
    TooLarge "too_large" PAYLOAD_TOO_LARGE "The message is too large",
    /// The path and query are longer than any this API has.
    UriTooLong "uri_too_long" URI_TOO_LONG "The address of the request is too long",
    /// The body is declared as another media type than this endpoint reads.
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body has the wrong media type",
    /// Nothing lives at this path.
    NotFound "not_found" NOT_FOUND "Nothing lives at this path",
    /// The path names a chain that this node does not serve.
    UnknownChain "unknown_chain" NOT_FOUND "This node does not serve this chain",
    /// The path exists, the method does not.
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "This path does not answer this method",
    /// The best branch has no block of this height yet.
    UnknownBlock "unknown_block" NOT_FOUND "The chain has no such block yet",
    /// It is older than the snapshot from which this node started; another node may have it.
    NotKept "not_kept" GONE "This node does not keep what is so old",
    /// Neither in the queue nor in a block of the best branch.
    UnknownTransaction "unknown_transaction" NOT_FOUND "This node does not know this transaction",
    /// The transaction waits, so there is nothing to prove yet.
    NotInBlock "not_in_block" NOT_FOUND "The transaction is in no block yet",
    /// The transaction is in a block that cannot be shown to be final yet: a receipt would not hold.
    NotFinal "not_final" CONFLICT "The transaction is not final yet",
    /// A report that a minter put into its block by itself: there is nobody to give a receipt.
    Unsigned "unsigned" CONFLICT "Nobody signed this transaction",
    /// The questions are none, too many, or ask for too much at once.
    InvalidQuestions "invalid_questions" UNPROCESSABLE_ENTITY "These questions are not answered at once",
    /// The block the client trusts is not a final one of this chain: another, or a re-created chain.
    UnknownTrusted "unknown_trusted_block" CONFLICT "The trusted block is not a final one of this chain",
    /// No block became final by votes, so there is nothing to be led to.
    NothingVoted "nothing_voted" NOT_FOUND "Nothing became final by votes",
    /// The queue is full of transactions that pay at least as much.
    PoolFull "pool_full" SERVICE_UNAVAILABLE "The queue of waiting transactions is full",
    /// Enough of this sender's transactions wait.
    SenderFull "sender_full" SERVICE_UNAVAILABLE "Enough transactions of this account are waiting",
    /// Enough bytes of this sender's transactions wait.
    SenderBytes "sender_bytes" SERVICE_UNAVAILABLE "Enough bytes of this account are waiting",
    /// The queue is full, and an earlier transaction of the sender pays too little to make room for this one.
    HeldBack "held_back" SERVICE_UNAVAILABLE "An earlier transaction of this account holds this one back",
    /// Another transaction with this nonce waits, and this one does not pay enough more to replace it.
    NonceTaken "nonce_taken" CONFLICT "Another transaction with this nonce is waiting",
    /// Too many requests from this client.
    RateLimited "rate_limited" TOO_MANY_REQUESTS "Too many requests",
    /// The faucet has given enough for now.
    FaucetLimited "faucet_limited" TOO_MANY_REQUESTS "The faucet needs a rest",
    /// The node has its hands full.
    Busy "busy" SERVICE_UNAVAILABLE "The node is busy",
    /// The node stands still, is behind, or nothing becomes final.
    Unwell "unwell" SERVICE_UNAVAILABLE "The node does not follow its chain",
    /// The request took longer than it may.
    Timeout "timeout" SERVICE_UNAVAILABLE "The request took too long",
    /// The node is shutting down.
    Stopping "stopping" SERVICE_UNAVAILABLE "The node is shutting down",
    /// A fault of this node; its log says more.
    Internal "internal" INTERNAL_SERVER_ERROR "The node failed",
}

/// What the refusal of a transaction is called; the codes are those of its rules.
const REFUSED: &str = "The transaction was refused";

/// A refusal or failure, ready to be sent. `data` carries what a program needs to act, next to the standard
/// members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: &'static str,
    status: StatusCode,
    title: &'static str,
    detail: String,
    data: Map<String, Value>,
}

/// The members every problem has; more may follow, depending on the code.
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemBody {
    /// Where the code is explained.
    #[schema(example = "/v1/problems#nonce_used")]
    r#type: String,
    /// What the code means.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable code.
    #[schema(example = "nonce_used")]
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
        Self {
            code: code.as_str(),
            status: code.status(),
            title: code.title(),
            detail: detail.to_string(),
            data: Map::new(),
        }
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

    /// Whether it says all that another one does, in the same words.
    #[cfg(test)]
    pub(super) fn has_all_of(&self, other: &Self) -> bool {
        self.detail == other.detail
            && other.data.iter().all(|(name, value)| self.data.get(name) == Some(value))
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.code
    }
}

/// The code and the id of the rule, with the numbers a program needs to mend it.
impl From<TransactionError> for Problem {
    fn from(error: TransactionError) -> Self {
        use TransactionError as E;
        let status = match &error {
            E::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            E::Malformed(_) => StatusCode::BAD_REQUEST,
            E::OtherChain { .. } | E::NonceUsed { .. } | E::NonceGap { .. } => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let problem = Self {
            code: error.code(),
            status,
            title: REFUSED,
            detail: error.to_string(),
            data: Map::from_iter([("rule".to_owned(), error.rule().into())]),
        };
        let text = |value: &dyn Display| value.to_string();
        match error {
            E::TooLarge { found, limit }
            | E::CallCount { found, limit }
            | E::MemoTooLong { found, limit } => problem.with("found", found).with("limit", limit),
            E::OtherChain { found, expected } => {
                problem.with("found", text(&found)).with("expected", text(&expected))
            }
            E::ModuleDisabled { index, .. }
            | E::ZeroAmount { index }
            | E::LeaseToSelf { index }
            | E::NoSuchSlot { index, .. }
            | E::Commission { index, .. }
            | E::MintingKey { index, .. }
            | E::Evidence { index, .. } => problem.with("call", index),
            E::RecipientNetwork { to, .. } => problem.with("recipient", text(&to)),
            E::FeeTooLow { fee, minimum } => {
                problem.with("fee", text(&fee.units())).with("minimum", text(&minimum.units()))
            }
            E::UnknownAccount { sender } => problem.with("sender", text(&sender)),
            E::NonceUsed { found, expected } | E::NonceGap { found, expected } => {
                problem.with("found", found).with("expected", expected)
            }
            E::Expired { valid_until, height } => {
                problem.with("valid_until", valid_until.0).with("next_height", height.0)
            }
            E::FeeNotCovered { balance, fee: needed } | E::Overspend { balance, needed } => {
                problem.with("balance", text(&balance.units())).with("needed", text(&needed.units()))
            }
            E::Malformed(_)
            | E::TotalTooLarge
            | E::Signature(_)
            | E::ReportPlace { .. }
            | E::ReportFails { .. } => problem,
        }
    }
}

/// A code and what it means.
#[derive(Serialize, ToSchema)]
pub(super) struct CodeMeaning {
    /// The stable code.
    #[schema(example = "nonce_used")]
    code: &'static str,
    /// What it means.
    title: &'static str,
    /// The HTTP status; rules of transactions answer with 400, 409, 413 or 422.
    status: Option<u16>,
    /// The rule of transactions that it stands for.
    rule: Option<&'static str>,
}

/// Every code there is.
pub(super) fn all_codes() -> Vec<CodeMeaning> {
    let own = Code::ALL.iter().map(|code| CodeMeaning {
        code: code.as_str(),
        title: code.title(),
        status: Some(code.status().as_u16()),
        rule: None,
    });
    let rules =
        RULES.iter().map(|(rule, code)| CodeMeaning { code, title: REFUSED, status: None, rule: Some(rule) });
    own.chain(rules).collect()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let retry = self.data.get("retry_after_s").and_then(Value::as_u64);
        let body = ProblemBody {
            r#type: format!("/v1/problems#{}", self.code),
            title: self.title,
            status: status.as_u16(),
            code: self.code,
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
        let all = all_codes();
        let names: BTreeSet<_> = all.iter().map(|meaning| meaning.code).collect();
        assert_eq!(names.len(), all.len());
        for name in names {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        }
        for code in Code::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
        }
    }
}
