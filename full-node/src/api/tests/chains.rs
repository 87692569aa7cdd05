//! Several chains behind one listener.

use std::sync::Arc;

use light_client::{client::ChainFile, data_format::ChainSpec};

use super::*;
use crate::{
    api::limits::{MAX_CHAIN_WORK, MAX_EVENT_CLIENTS},
    api::{Api, ApiError, Process},
    config::{development_spec, minting_keys},
};

/// A development chain, and one that is none, behind one router.
struct Two {
    nodes: Vec<Node>,
    server: Server,
}

impl Two {
    async fn start() -> Self {
        let spec = development_spec(now());
        let mut other = ChainSpec { name: "other".to_owned(), ..spec.clone() };
        // Nobody mints on it, and block 0 is young enough for long.
        other.engine.spos_mut().unwrap().slot_ms = 60_000;
        let mut nodes = Vec::new();
        for spec in [spec, other] {
            let config = in_memory(ChainChoice::Spec(Box::new(spec)), minting_keys());
            nodes.push(tokio::task::spawn_blocking(|| Node::open(config)).await.unwrap().unwrap());
        }
        Self { server: Server::over(&nodes, None), nodes }
    }

    /// A path of a chain.
    fn of(&self, chain: usize, path: &str) -> String {
        format!("/chains/{}{path}", self.nodes[chain].chain())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_chain_is_below_its_id_and_the_first_at_the_root_too() {
    let two = Two::start().await;
    let server = &two.server;
    let ids: Vec<String> = two.nodes.iter().map(|node| node.chain().to_string()).collect();
    let listed = server.get("/v1/chains").await.json();
    for (chain, id) in ids.iter().enumerate() {
        assert_eq!(
            (&listed[chain]["chain_id"], &listed[chain]["path"]),
            (&id.as_str().into(), &two.of(chain, "").into())
        );
        let alone = server.get(&two.of(chain, "/v1/chains")).await.json();
        assert_eq!((alone.as_array().unwrap().len(), &alone[0]["chain_id"]), (1, &id.as_str().into()));
        for path in ["/v1/status", "/v1/chain"] {
            assert_eq!(server.get(&two.of(chain, path)).await.json()["chain_id"], id.as_str(), "{path}");
        }
    }
    assert_eq!(server.get("/v1/status").await.json()["chain_id"], ids[0].as_str());

    // What has parameters in its path, and a body, gets there too.
    let key = server.funded(0);
    let address = server.address(&key);
    for chain in [0, 1] {
        let account = server.get(&two.of(chain, &format!("/v1/accounts/{address}"))).await.json();
        assert_eq!(account["exists"], true);
        assert_eq!(server.get(&two.of(chain, "/v1/blocks/0")).await.json()["height"], 0);
        server.get(&two.of(chain, "/v1/events")).await.is_problem(400, "malformed");
        server.get(&two.of(chain, "/v1/nothing")).await.is_problem(404, "not_found");
        let wrong = Request::post(two.of(chain, "/v1/status")).body(Body::empty()).unwrap();
        server.send(wrong).await.is_problem(405, "method_not_allowed");
    }
    let signed = server.sign(server.transfer(&key, 0, 5), &key);
    let bytes = Submission { chain: two.nodes[0].chain(), signed }.encode();
    let submit = async |chain| {
        server.post(&two.of(chain, "/v1/transactions"), "application/octet-stream", bytes.clone()).await
    };
    submit(1).await.is_problem(409, "other_chain");
    assert_eq!(submit(0).await.status, StatusCode::ACCEPTED);
    let waiting: Vec<_> = two.nodes.iter().map(|node| node.status().pool_transactions).collect();
    assert_eq!(waiting, [1, 0]);

    // What only development chains have.
    for (chain, has) in [(0, true), (1, false)] {
        let file = server.get(&two.of(chain, "/chain.json")).await;
        let faucet = server.post_json(&two.of(chain, "/v1/faucet"), "{}").await;
        if has {
            let file: ChainFile = serde_json::from_slice(&file.body).unwrap();
            assert_eq!(file.spec.id(), two.nodes[chain].chain());
            faucet.is_problem(400, "malformed");
        } else {
            file.is_problem(404, "not_found");
            faucet.is_problem(404, "not_found");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_that_is_not_here_is_refused_in_words() {
    let two = Two::start().await;
    let nobody = "0".repeat(64);
    let long = "a".repeat(900);
    for path in [
        format!("/chains/{nobody}/v1/status"),
        format!("/chains/{nobody}"),
        "/chains/".to_owned(),
        "/chains//v1/status".to_owned(),
        "/chains/%00/v1".to_owned(),
        "/chains/../v1/status".to_owned(),
        format!("/chains/{long}/v1/status"),
        format!("/chains/{}0/v1/status", two.nodes[0].chain()),
    ] {
        let answer = two.server.get(&path).await;
        let problem = answer.is_problem(404, "unknown_chain");
        assert_eq!(problem["known"].as_array().unwrap().len(), 2);
        assert!(answer.body.len() < 2_000, "input is repeated in short");
    }
    two.server.get(&two.of(1, "")).await.is_problem(404, "not_found");
    two.server.get("/chains").await.is_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_figures_say_which_chain() {
    let two = Two::start().await;
    let server = &two.server;
    assert_eq!(server.get("/health").await.text(), "ok");
    two.nodes[1].pause(Some("no room".to_owned()));
    let problem = server.get("/health").await.is_problem(503, "unwell");
    let chains = problem["chains"].as_array().unwrap();
    assert_eq!((chains.len(), &chains[0]["name"]), (1, &"other".into()), "{problem}");
    assert_eq!(chains[0]["chain_id"], two.nodes[1].chain().to_string());
    assert!(
        problem["detail"].as_str().unwrap().contains("\"other\": the node stands still: no room"),
        "{problem}"
    );
    assert_eq!(server.get(&two.of(0, "/health")).await.text(), "ok");
    server.get(&two.of(1, "/health")).await.is_problem(503, "unwell");
    let listed = server.get("/v1/chains").await.json();
    assert_eq!(listed[0]["unwell"], Value::Null);
    assert!(listed[1]["unwell"].as_str().unwrap().contains("no room"), "{listed}");

    let figure = |chain: usize, value: u8| {
        format!("\nvsys_halted{{chain=\"{}\"}} {value}\n", two.nodes[chain].chain())
    };
    let text = server.get("/metrics").await.text();
    assert!(text.contains(&figure(0, 0)) && text.contains(&figure(1, 1)), "{text}");
    assert_eq!(text.matches("# TYPE vsys_halted gauge").count(), 1, "{text}");
    let text = server.get(&two.of(1, "/metrics")).await.text();
    assert!(!text.contains(&figure(0, 0)) && text.contains(&figure(1, 1)), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_names_every_chain_as_a_server() {
    let two = Two::start().await;
    let description = two.server.get("/v1/openapi.json").await.json();
    let servers: Vec<_> =
        description["servers"].as_array().unwrap().iter().map(|server| server["url"].clone()).collect();
    assert_eq!(servers, ["/".to_owned(), two.of(0, ""), two.of(1, "")]);
    assert_eq!(two.server.get(&two.of(1, "/v1/openapi.json")).await.json(), description);
    assert!(description["paths"]["/v1/chains"].is_object());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chains_share_the_places_and_none_can_take_those_of_another() {
    let two = Two::start().await;
    let (_, stopping) = watch::channel(false);
    let process = Arc::new(Process {
        nodes: two.nodes.clone(),
        network: None,
        wallet: None,
        clients: crate::api::RateLimiter::new(crate::api::limits::CLIENT_RATE),
        requests: crate::api::metrics::Requests::default(),
        description: Vec::new().into(),
        chain_files: std::collections::HashMap::new(),
        stopping,
    });
    let apis: Vec<Api> = two.nodes.iter().map(|node| Api::new(node, &process)).collect();
    let places: usize = apis.iter().map(|api| api.work.available_permits()).sum();
    let listeners: usize = apis.iter().map(|api| api.event_places.available_permits()).sum();
    assert_eq!((places, listeners), (MAX_CHAIN_WORK, MAX_EVENT_CLIENTS));
    let taken: Vec<_> = std::iter::from_fn(|| apis[0].place().ok()).collect();
    assert_eq!(taken.len(), MAX_CHAIN_WORK / 2);
    assert!(apis[1].place().is_ok());
    let nobody = crate::api::router(&[], None, None, process.stopping.clone());
    assert!(matches!(nobody, Err(ApiError::NoChain)));
}
