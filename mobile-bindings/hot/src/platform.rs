//! What the phone's own side implements. Every method may fail, and says why. None may call the wallet back.

use crate::{PlatformError, TransportError};

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum HttpMethod {
    /// GET, without a body.
    Get,
    /// POST of `application/octet-stream`.
    Post,
}

/// A request to send.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct HttpRequest {
    /// How.
    pub method: HttpMethod,
    /// The whole address.
    pub url: String,
    /// The body; empty for GET.
    pub body: Vec<u8>,
    /// Bytes of the answer's body, at most: stop reading there and fail with [`TransportError::TooLong`].
    pub max_response_bytes: u64,
    /// How long to wait for the whole answer, in milliseconds.
    pub timeout_ms: u64,
}

/// The answer to a request, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// The platform's own HTTP and TLS. Redirects are not followed; no cookies, no cache.
#[uniffi::export(foreign)]
#[async_trait::async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and waits for its answer. Several may be under way at once; dropping the future cancels.
    ///
    /// # Errors
    /// [`TransportError`].
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}

/// The app's private storage: values under names of lower-case letters, digits and `-`.
#[uniffi::export(foreign)]
pub trait Storage: Send + Sync {
    /// The value under `name`; nothing if there is none.
    ///
    /// # Errors
    /// [`PlatformError`].
    fn read(&self, name: String) -> Result<Option<Vec<u8>>, PlatformError>;

    /// Replaces the value under `name`: wholly or not at all, and lasting when this returns.
    ///
    /// # Errors
    /// [`PlatformError`]; the old value is kept then.
    fn write(&self, name: String, value: Vec<u8>) -> Result<(), PlatformError>;
}

/// The device's clock and timer.
#[uniffi::export(foreign)]
#[async_trait::async_trait]
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`PlatformError`].
    fn now_ms(&self) -> Result<u64, PlatformError>;

    /// Waits so many milliseconds.
    ///
    /// # Errors
    /// [`PlatformError`].
    async fn sleep_ms(&self, duration: u64) -> Result<(), PlatformError>;
}
