//! HTTP/1.1 with and without TLS: connections are kept for the next request for a while.

use std::{
    error::Error,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{Uri, body::Bytes, header::CONTENT_TYPE};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use light_client::client::{Method, Request, Response, TransportError};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::Transport;

/// What an unused connection may be old: servers close theirs, and networks forget.
const KEEP_IDLE: Duration = Duration::from_secs(20);
/// Of a server, at most: what is asked at once.
const KEEP_CONNECTIONS: usize = 4;

type Sender = HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Servers that cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The text is no address of a server.
    #[error("{url:?} is not an address such as http://127.0.0.1:9922 or https://node.example")]
    Url {
        /// As given.
        url: String,
    },
    /// `https` needs certificates to trust, and the system has none.
    #[error("this system has no certificates that it trusts: {0}")]
    Certificates(#[source] io::Error),
    /// The TLS library refuses its own settings.
    #[error("TLS cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

/// Asks servers by HTTP/1.1. Redirects are not followed; no cookies, no cache.
pub struct HttpTransport {
    sender: Mutex<Sender>,
    tls: Arc<ClientConfig>,
}

impl HttpTransport {
    /// For these servers. The system's certificates are read only if one of them wants TLS.
    ///
    /// # Errors
    /// [`HttpError`].
    pub fn new(servers: &[String]) -> Result<Self, HttpError> {
        let mut secure = false;
        for url in servers {
            secure |= check(url)? == "https";
        }
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = if secure {
            builder.with_native_roots().map_err(HttpError::Certificates)?
        } else {
            builder.with_root_certificates(RootCertStore::empty())
        };
        let tls = Arc::new(builder.with_no_client_auth());
        Ok(Self { sender: Mutex::new(sender(&tls)), tls })
    }

    pub(super) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'static, Result<Response, TransportError>> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        exchange(sender, request).boxed()
    }

    fn woke(&self) {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = sender(&self.tls);
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

/// The scheme of a server's address that requests can be appended to.
fn check(url: &str) -> Result<&'static str, HttpError> {
    let wrong = || HttpError::Url { url: url.chars().take(200).collect() };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let plain = uri.host().is_some_and(|host| !host.is_empty())
        && uri.query().is_none()
        && !url.ends_with('/')
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    match uri.scheme_str() {
        Some("http") if plain => Ok("http"),
        Some("https") if plain => Ok("https"),
        _ => Err(wrong()),
    }
}

fn sender(tls: &Arc<ClientConfig>) -> Sender {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new().with_tls_config(ClientConfig::clone(tls));
    let connector = builder.https_or_http().enable_http1().wrap_connector(http);
    HttpClient::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEEP_IDLE)
        .pool_max_idle_per_host(KEEP_CONNECTIONS)
        .build(connector)
}

async fn exchange(sender: Sender, request: Request) -> Result<Response, TransportError> {
    let builder = hyper::Request::builder().uri(&request.url);
    let builder = match request.method {
        Method::Get => builder.method(hyper::Method::GET),
        Method::Post => builder.method(hyper::Method::POST).header(CONTENT_TYPE, "application/octet-stream"),
    };
    let sent = builder.body(Full::new(Bytes::from(request.body)));
    let sent = sent.map_err(|error| TransportError::Unreachable(error.to_string()))?;
    let answer = sender.request(sent).await.map_err(|error| unreachable(&error))?;
    let status = answer.status().as_u16();
    match Limited::new(answer.into_body(), request.max_bytes).collect().await {
        Ok(body) => Ok(Response { status, body: body.to_bytes().into() }),
        Err(error) if error.is::<LengthLimitError>() => Err(TransportError::TooLong),
        Err(error) => Err(unreachable(error.as_ref())),
    }
}

/// With all causes: the first one alone says no more than "error".
fn unreachable(error: &(dyn Error + 'static)) -> TransportError {
    let (mut words, mut cause) = (Vec::new(), Some(error));
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    TransportError::Unreachable(words.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_requests_cannot_be_appended_to_are_refused() {
        for url in
            ["http://127.0.0.1:9922", "https://node.example", "https://node.example/vsys", "http://[::1]:1"]
        {
            assert!(check(url).is_ok(), "{url}");
        }
        for url in
            ["", "nowhere", "127.0.0.1:9922", "ftp://x", "http://", "http://x/", "http://x?y", "http://a@x"]
        {
            assert!(check(url).is_err(), "{url}");
        }
    }
}
