//! What operators and their tools ask.

use axum::http::header;

use super::Server;

/// The value of a figure; labels are part of its name, but for the chain's, which is put in for `CHAIN`.
fn figure(server: &Server, text: &str, name: &str) -> Option<u64> {
    let name = name.replace("CHAIN", &format!("chain=\"{}\"", server.node.chain()));
    text.lines().find_map(|line| line.strip_prefix(&name)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_follow_the_node_and_their_labels_are_few() {
    let server = Server::start().await;
    for path in ["/v1/status", "/v1/accounts/nonsense", "/v1/never", "/v1/blocks/0", "/v1/blocks/99999"] {
        server.get(path).await;
    }
    let first = server.get("/metrics").await;
    let format = first.headers.get(header::CONTENT_TYPE).unwrap().to_str().unwrap();
    assert!(format.starts_with("application/openmetrics-text; version=1.0.0"), "{format}");
    let text = first.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    for (name, value) in [
        ("vsys_http_requests_total{class=\"chain\",status=\"2xx\"}", 2),
        ("vsys_http_requests_total{class=\"chain\",status=\"4xx\"}", 1),
        ("vsys_http_requests_total{class=\"accounts\",status=\"4xx\"}", 1),
        ("vsys_http_requests_total{class=\"other\",status=\"4xx\"}", 1),
        ("vsys_minting_keys{CHAIN,table=\"in_force\"}", 4),
        ("vsys_minting_keys{CHAIN,table=\"none\"}", 0),
        ("vsys_halted{CHAIN}", 0),
        ("vsys_healthy{CHAIN}", 1),
        ("vsys_pool_transactions{CHAIN}", 0),
    ] {
        assert_eq!(figure(&server, &text, name), Some(value), "{name} in {text}");
    }
    let named = format!("vsys_chain_info{{chain=\"{}\",name=\"development\"}} 1\n", server.node.chain());
    assert!(text.contains(&named), "{text}");
    assert!(!text.contains("nonsense") && !text.contains("99999"), "no client writes labels: {text}");
    assert!(!text.contains("vsys_peers"), "it is in no network: {text}");
    if cfg!(target_os = "linux") {
        assert!(figure(&server, &text, "vsys_memory_bytes").unwrap() > 1 << 20);
    }

    // It mints, votes and finalises, and the figures say so.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let text = server.get("/metrics").await.text();
        let (minted, votes) = (
            figure(&server, &text, "vsys_blocks_minted_total{CHAIN}"),
            figure(&server, &text, "vsys_votes_cast_total{CHAIN}"),
        );
        let final_height = figure(&server, &text, "vsys_final_height{CHAIN}");
        if minted > Some(0) && votes > Some(0) && final_height > Some(0) {
            assert!(figure(&server, &text, "vsys_height{CHAIN}") >= final_height);
            break;
        }
        assert!(std::time::Instant::now() < until, "{text}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stands_still_is_unwell_in_words() {
    let server = Server::start().await;
    assert_eq!(server.get("/health").await.text(), "ok");
    server.node.pause(Some("no room on the disk".to_owned()));
    let unwell = server.get("/health").await;
    unwell.is_problem(503, "unwell");
    assert!(unwell.text().contains("no room on the disk"), "{}", unwell.text());
    let text = server.get("/metrics").await.text();
    assert_eq!(
        (figure(&server, &text, "vsys_halted{CHAIN}"), figure(&server, &text, "vsys_healthy{CHAIN}")),
        (Some(1), Some(0)),
        "{text}"
    );
    server.node.pause(None);
    assert_eq!(server.get("/health").await.text(), "ok");
}
