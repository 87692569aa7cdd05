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
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{Ipv4Addr, TcpListener},
        sync::mpsc::{Receiver, channel},
        thread,
    };

    use light_client::client::RequestId;

    use super::*;
    use crate::{ask, host::SystemClock};

    /// A server that gives everybody this answer, or none; with what it was sent.
    fn server(answer: Option<String>) -> (String, Receiver<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (send, heard) = channel();
        thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming().map(Result::unwrap) {
                let mut reader = BufReader::new(stream);
                let (mut head, mut line) = (String::new(), String::new());
                while reader.read_line(&mut line).unwrap() > 2 {
                    head += &line.to_ascii_lowercase();
                    line.clear();
                }
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
                reader.read_exact(&mut body).unwrap();
                // The test may have heard enough.
                let _ = send.send(head + &String::from_utf8(body).unwrap());
                let mut stream = reader.into_inner();
                match &answer {
                    Some(answer) => stream.write_all(answer.as_bytes()).unwrap(),
                    None => open.push(stream),
                }
            }
        });
        (url, heard)
    }

    fn answer(status: &str, body: &str) -> Option<String> {
        Some(format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    fn exchange(url: &str, method: Method, timeout_ms: u64) -> Result<Response, TransportError> {
        let transport = HttpTransport::new(&[url.to_owned()]).unwrap();
        let request = Request {
            id: RequestId(0),
            server: 0,
            method,
            url: format!("{url}/v1/thing?a=b"),
            body: if method == Method::Post { b"signed".to_vec() } else { Vec::new() },
            timeout_ms,
            max_bytes: 10,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { ask(&transport, &SystemClock, request).await })
    }

    const LONG_MS: u64 = 600_000;

    #[test]
    fn requests_are_sent_as_they_are() {
        let (url, heard) = server(answer("200 OK", "0123456789"));
        let response = exchange(&url, Method::Get, LONG_MS).unwrap();
        assert_eq!((response.status, response.body.as_slice()), (200, &b"0123456789"[..]));
        assert!(heard.recv().unwrap().starts_with("get /v1/thing?a=b http/1.1"));
        exchange(&url, Method::Post, LONG_MS).unwrap();
        let sent = heard.recv().unwrap();
        assert!(sent.starts_with("post ") && sent.ends_with("signed"), "{sent}");
        assert!(sent.contains("content-type: application/octet-stream"), "{sent}");
    }

    #[test]
    fn every_status_is_an_answer_and_nobody_is_sent_elsewhere() {
        let (url, heard) = server(answer("302 Found\r\nlocation: /elsewhere", ""));
        assert_eq!(exchange(&url, Method::Get, LONG_MS).unwrap().status, 302);
        heard.recv().unwrap();
        assert!(heard.try_recv().is_err(), "no second request");
    }

    #[test]
    fn an_answer_that_is_too_long_is_not_read_to_its_end() {
        let (url, _heard) = server(answer("200 OK", "0123456789a"));
        assert_eq!(exchange(&url, Method::Get, LONG_MS), Err(TransportError::TooLong));
        let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\n0123456789a\r\n";
        let (url, _heard) = server(Some(endless.to_owned()));
        assert_eq!(exchange(&url, Method::Get, LONG_MS), Err(TransportError::TooLong));
    }

    #[test]
    fn a_silent_server_is_given_up() {
        let (url, _heard) = server(None);
        assert_eq!(exchange(&url, Method::Get, 50), Err(TransportError::Timeout));
    }

    #[test]
    fn who_cannot_be_reached_is_named_with_the_cause() {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let error = exchange(&format!("http://{free}"), Method::Get, LONG_MS).unwrap_err().to_string();
        assert!(error.contains("refused"), "{error}");
        let (url, _heard) = server(Some("what?".to_owned()));
        let garbage = exchange(&url, Method::Get, LONG_MS);
        assert!(matches!(garbage, Err(TransportError::Unreachable(_))), "{garbage:?}");
    }

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
