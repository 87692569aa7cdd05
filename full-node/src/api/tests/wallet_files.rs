//! The wallet's files: what is served, with which headers, and what is not.

use std::{fs, path::Path};

use super::*;

fn wallet() -> tempfile::TempDir {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("dist");
    fs::create_dir_all(folder.join("assets")).unwrap();
    fs::write(outside.path().join("secret.txt"), "not for you").unwrap();
    fs::write(folder.join("index.html"), "<!doctype html><title>Wallet</title>").unwrap();
    fs::write(folder.join("app.js"), "plain").unwrap();
    fs::write(folder.join("app.js.gz"), "compressed").unwrap();
    fs::write(folder.join("assets/core.wasm"), b"\0asm").unwrap();
    fs::write(folder.join("manifest.webmanifest"), "{}").unwrap();
    outside
}

async fn serving(outside: &Path) -> Server {
    Server::with_wallet(Some(WalletFolder::open(&outside.join("dist")).unwrap())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_pages_and_types() {
    let outside = wallet();
    let server = serving(outside.path()).await;
    for (path, media_type) in [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/app.js", "text/javascript"),
        ("/assets/core.wasm", "application/wasm"),
        ("/manifest.webmanifest", "application/manifest+json"),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.header(header::CONTENT_TYPE).starts_with(media_type), "{path}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-cache", "{path}");
        let tag = answer.header(header::ETAG).to_owned();
        assert!(!tag.is_empty(), "{path}");
        let again = Request::get(path).header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap();
        assert_eq!(server.send(again).await.status, StatusCode::NOT_MODIFIED, "{path}");
    }
    for page in ["/send", "/history/12", "/accounts/new/"] {
        let answer = server.get(page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        assert!(answer.text().contains("Wallet"), "{page}");
    }
    for missing in ["/missing.js", "/assets/other.wasm", "/favicon.ico"] {
        server.get(missing).await.is_problem(404, "not_found");
    }
    let post = server.post("/index.html", "text/html", "x").await;
    post.is_problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compressed_copies_go_to_those_who_read_them() {
    let outside = wallet();
    let server = serving(outside.path()).await;
    let request =
        Request::get("/app.js").header(header::ACCEPT_ENCODING, "gzip").body(Body::empty()).unwrap();
    let answer = server.send(request).await;
    assert_eq!((answer.text().as_str(), answer.header(header::CONTENT_ENCODING)), ("compressed", "gzip"));
    assert!(answer.header(header::CONTENT_TYPE).starts_with("text/javascript"));
    let answer = server.get("/app.js").await;
    assert_eq!((answer.text().as_str(), answer.header(header::CONTENT_ENCODING)), ("plain", ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_out_of_the_folder() {
    let outside = wallet();
    let server = serving(outside.path()).await;
    for path in [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "//secret.txt",
        "/%00/../secret.txt",
        "/%ff/secret.txt",
        "/./../secret.txt",
    ] {
        let answer = server.get(path).await;
        assert!(!answer.text().contains("not for you"), "{path}");
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.status);
    }
    let absolute = format!("/{}", outside.path().join("secret.txt").display());
    assert!(!server.get(&absolute).await.text().contains("not for you"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_chain_file_is_the_wallets_own_if_it_has_one() {
    let outside = wallet();
    let server = serving(outside.path()).await;
    let made = server.get("/chain.json").await;
    assert_eq!(made.json()["spec"]["name"], "development");
    assert_eq!(made.header(header::CACHE_CONTROL), "no-cache");
    fs::write(outside.path().join("dist/chain.json"), r#"{"its":"own"}"#).unwrap();
    let server = serving(outside.path()).await;
    let own = server.get("/chain.json").await;
    assert_eq!(own.json()["its"], "own");
    assert!(own.header(header::CONTENT_TYPE).starts_with("application/json"));
    assert_eq!(own.header(header::CACHE_CONTROL), "no-cache");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_security_headers() {
    let outside = wallet();
    let server = serving(outside.path()).await;
    for path in ["/", "/app.js", "/send", "/missing.js", "/chain.json", "/v1/status", "/v1/nothing", "/docs/"]
    {
        let answer = server.get(path).await;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; "), "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe-eval'") || policy.contains("'wasm-unsafe-eval'"), "{path}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(!answer.header(header::CACHE_CONTROL).is_empty(), "{path}");
    }
    let policy = server.get("/").await.header(header::CONTENT_SECURITY_POLICY).to_owned();
    for rule in [
        "script-src 'self' 'wasm-unsafe-eval';",
        "style-src 'self';",
        "img-src 'self' data: blob:;",
        "manifest-src 'self';",
        "worker-src 'self';",
        "connect-src 'self' https: wss: ",
        "base-uri 'none';",
        "form-action 'none';",
    ] {
        assert!(policy.contains(rule), "{rule} is not in {policy}");
    }
    assert!(!policy.contains("unsafe-inline"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_has_a_page_whose_parts_its_policy_allows() {
    let server = Server::start().await;
    let redirect = server.get("/docs").await;
    assert!(redirect.status.is_redirection() && redirect.header(header::LOCATION) == "/docs/");
    let page = server.get("/docs/").await;
    assert_eq!(page.status, StatusCode::OK);
    let html = page.text();
    assert!(!html.contains("<style"), "no inline style sheets");
    for script in html.split("<script").skip(1) {
        assert!(script.trim_start().starts_with("src="), "no inline scripts");
    }
    for part in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        assert!(html.contains(part), "{part}");
        assert_eq!(server.get(&format!("/docs/{part}")).await.status, StatusCode::OK, "{part}");
    }
    assert!(server.get("/docs/swagger-initializer.js").await.text().contains("/v1/openapi.json"));
    assert_eq!(server.get("/docs/../../etc/passwd").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_wallet_the_root_says_so() {
    let server = Server::start().await;
    let problem = server.get("/").await.is_problem(404, "not_found");
    assert!(problem["detail"].as_str().unwrap().contains("--wallet"));
}

#[test]
fn a_folder_without_a_wallet_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = WalletFolder::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("index.html"), "{error}");
    let error = WalletFolder::open(&folder.path().join("missing")).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(WalletFolder::open(&folder.path().join("file")).is_err());
}
