//! Response headers: what a browser may do with an answer.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use tower_http::cors::{Any, CorsLayer};

/// What the wallet's pages may do: run their own scripts and WebAssembly, nothing inline, no frames, and connect
/// to any node over TLS or on this machine, because the person chooses the servers.
pub const WALLET_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data: blob:; manifest-src 'self'; worker-src 'self'; connect-src 'self' https: wss: \
     http://127.0.0.1:* http://localhost:* ws://127.0.0.1:* ws://localhost:*; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// The page at `/docs`: Swagger UI sets style attributes, and only talks to this node.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers of the API are data: a browser that is made to show one as a page runs nothing.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Puts the security headers on every response, whatever made it.
pub(super) async fn secure(request: Request, next: Next) -> Response {
    let policy = match request.uri().path() {
        path if path == "/docs" || path.starts_with("/docs/") => DOCS_POLICY,
        path if is_api(path) => API_POLICY,
        _ => WALLET_POLICY,
    };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    if !headers.contains_key(header::CACHE_CONTROL) {
        // Without a rule of its own, an answer speaks of this moment only.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Whether a path belongs to the API rather than to the wallet.
pub(super) fn is_api(path: &str) -> bool {
    let first = path.strip_prefix('/').and_then(|rest| rest.split('/').next());
    first.is_some_and(|first| ["health", "metrics", "v1", "chains"].contains(&first))
}

/// The API may be read from pages of any origin, because wallets are hosted elsewhere too. It holds nothing
/// private and knows no cookies; credentials are not allowed.
pub(super) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .allow_private_network(true)
        .max_age(std::time::Duration::from_secs(3_600))
}
