//! Input of handlers: bounded, parsed, and refused with a code.

use axum::{
    body::Bytes,
    extract::{
        DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request, rejection::BytesRejection,
    },
    http::{HeaderMap, Uri, header, request::Parts},
};
use light_client::{
    client::{BlockName, Bundle, Questions},
    crypto::Hash,
    data_format::{Address, AddressError, Height},
    transaction::{MAX_SUBMISSION_BYTES, TransactionError},
};
use serde::de::DeserializeOwned;

use super::{
    limits::MAX_JSON_BYTES,
    problem::{Code, Problem},
};

/// A path segment that is an address.
pub(super) struct AddressPath(pub(super) Address);

/// A path segment that is a transaction or block id.
pub(super) struct IdPath(pub(super) Hash);

/// Query parameters; unknown ones, repeated ones and numbers out of range are refused by the type.
pub(super) struct QueryOf<T>(pub(super) T);

/// A JSON body of at most [`MAX_JSON_BYTES`].
pub(super) struct JsonBody<T>(pub(super) T);

/// A path segment that is a height.
pub(super) struct HeightPath(pub(super) Height);

/// A path segment that is a height or a block's id.
pub(super) struct BlockPath(pub(super) BlockName);

/// A body that is a `Questions` bundle.
pub(super) struct QuestionsBody(pub(super) Questions);

/// A body of raw bytes, at most as long as a submission.
pub(super) struct SubmissionBody(pub(super) Bytes);

/// The media type of raw bytes.
pub(super) const OCTETS: &str = "application/octet-stream";
const JSON: &str = "application/json";

impl<S: Send + Sync> FromRequestParts<S> for AddressPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state, Code::InvalidAddress).await?;
        parse_address(&text).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state, Code::InvalidId).await?;
        Hash::from_hex(&text).map(Self).ok_or_else(|| {
            Problem::new(Code::InvalidId, format!("an id has 64 hexadecimal digits; got {:?}", shown(&text)))
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for HeightPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state, Code::InvalidHeight).await?;
        text.parse().map(|height| Self(Height(height))).map_err(|_| {
            Problem::new(Code::InvalidHeight, format!("a height is a whole number; got {:?}", shown(&text)))
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for BlockPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state, Code::InvalidId).await?;
        text.parse()
            .map(Self)
            .map_err(|error| Problem::new(Code::InvalidId, format!("{error}; got {:?}", shown(&text))))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        query_of(&parts.uri).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let too_large = |found: usize| {
            Problem::new(Code::TooLarge, format!("{found} bytes or more, at most {MAX_JSON_BYTES} are read"))
        };
        let bytes = body(request, state, JSON, MAX_JSON_BYTES, too_large).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Problem::new(Code::Malformed, error))
    }
}

impl<S: Send + Sync> FromRequest<S> for SubmissionBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let too_large = |found| TransactionError::TooLarge { found, limit: MAX_SUBMISSION_BYTES }.into();
        body(request, state, OCTETS, MAX_SUBMISSION_BYTES, too_large).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for QuestionsBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        const LIMIT: usize = Questions::MAX_BYTES;
        let too_large = |found: usize| {
            Problem::new(
                Code::TooLarge,
                format!("{found} bytes or more of questions, at most {LIMIT} are read"),
            )
        };
        let bytes = body(request, state, OCTETS, LIMIT, too_large).await?;
        Questions::from_bytes(&bytes).map(Self).map_err(|error| Problem::new(Code::Malformed, error))
    }
}

/// Reads an address as a person wrote it.
pub(super) fn parse_address(text: &str) -> Result<Address, Problem> {
    text.parse()
        .map_err(|error: AddressError| Problem::new(Code::InvalidAddress, error).with("input", shown(text)))
}

async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S, code: Code) -> Result<String, Problem> {
    let Path(text) = Path::<String>::from_request_parts(parts, state)
        .await
        .map_err(|rejection| Problem::new(code, rejection.body_text()))?;
    Ok(text)
}

fn query_of<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let Query(query) = Query::try_from_uri(uri).map_err(|rejection| {
        let text = rejection.body_text();
        let detail = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
        Problem::new(Code::InvalidQuery, detail)
    })?;
    Ok(query)
}

/// The body, if its declared type is the expected one and it is not over `limit` bytes. A length announced is
/// refused before a byte is read; one that is not announced stops at the limit.
async fn body<S: Send + Sync>(
    mut request: Request,
    state: &S,
    expected: &'static str,
    limit: usize,
    too_large: impl Fn(usize) -> Problem,
) -> Result<Bytes, Problem> {
    let media_type = media_type(request.headers());
    if media_type.as_deref() != Some(expected) {
        let found = media_type.unwrap_or_else(|| "none".to_owned());
        let detail = format!("send content-type: {expected}; got {:?}", shown(&found));
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if let Some(length) =
        announced.and_then(|text| text.parse::<usize>().ok()).filter(|length| *length > limit)
    {
        return Err(too_large(length));
    }
    DefaultBodyLimit::max(limit).apply(&mut request);
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(error) if error.status().as_u16() == 413 => too_large(limit + 1),
        other => Problem::new(Code::Malformed, other.body_text()),
    })
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (essence, _) = text.split_once(';').unwrap_or((text, ""));
    Some(essence.trim().to_ascii_lowercase())
}

/// Input as it may be repeated in an answer: the first 80 characters.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
