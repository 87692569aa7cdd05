//! Good and bad input to every endpoint, and what holds for all of them.

use light_client::{
    client::{AccountBundle, Anchor, Bundle, ChainFile, HandOver, HeaderRow, HistoryPage, TransactionBundle},
    data_format::{Height, Network},
};

use super::*;
use crate::config::{development_spec, minting_keys};

const ID: &str = "00000000000000000000000000000000000000000000000000000000000000aa";

/// Waits until the transaction is in a block.
async fn included(server: &Server, id: &str) -> Value {
    for _ in 0..200 {
        let answer = server.get(&format!("/v1/transactions/{id}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let transaction = answer.json();
        if transaction["state"] == "included" {
            return transaction;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{id} is in no block");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_a_small_chain() {
    let server = Server::start().await;
    let status = server.get("/v1/status").await.json();
    assert_eq!(status["chain_id"], server.node.chain().to_string());
    assert_eq!((&status["development"], &status["peers"]), (&true.into(), &0.into()));
    assert_eq!(server.get("/health").await.text(), "ok");
    let peers = server.get("/v1/peers").await.json();
    assert_eq!((&peers["peer_id"], &peers["peers"]), (&Value::Null, &serde_json::json!([])), "in no network");

    let chain = server.get("/v1/chain").await.json();
    assert_eq!(chain["chain_id"], status["chain_id"]);
    let file: ChainFile = serde_json::from_slice(&server.get("/chain.json").await.body).unwrap();
    let (spec, trusted) = file.check().unwrap();
    assert_eq!(spec.id(), server.node.chain());
    assert_eq!(trusted.id.to_string(), status["genesis"]);
    let trusted = trusted.id;

    let key = server.funded(0);
    let address = server.address(&key);
    let account = server.get(&format!("/v1/accounts/{address}")).await.json();
    assert_eq!((&account["exists"], &account["trust"]), (&true.into(), &"claimed".into()));
    assert_eq!(account["balance"], "1000000000000000", "amounts are strings of units");

    assert_eq!((&account["available"], &account["leased_out"]), (&account["balance"], &"0".into()));
    assert_eq!(
        (&account["supernode"]["slot"], &account["supernode"]["commission"]),
        (&0.into(), &1000.into())
    );
    let supernodes = server.get("/v1/supernodes").await.json();
    assert_eq!((&supernodes["slots"], supernodes["supernodes"].as_array().unwrap().len()), (&4.into(), 4));
    let first = &supernodes["supernodes"][0];
    assert_eq!(
        (&first["address"], &first["banned_until"]),
        (&Value::from(address.to_string()), &Value::Null)
    );
    assert_eq!(first["pool"], "1000000000000000", "own coins are stake");
    assert_eq!(server.get("/v1/evidence").await.json(), serde_json::json!([]));

    let signed = server.sign(server.transfer(&key, 0, 5), &key);
    let id = signed.transaction.id(&server.node.chain()).to_string();
    let accepted = server.submit(&signed).await;
    assert_eq!((accepted.status, &accepted.json()["id"]), (StatusCode::ACCEPTED, &Value::from(id.as_str())));
    let transaction = included(&server, &id).await;
    assert_eq!(transaction["outcome"]["status"], "success");

    let height = transaction["block"]["height"].as_u64().unwrap();
    let block = server.get(&format!("/v1/blocks/{height}")).await.json();
    assert_eq!(block["transactions"][0]["id"], id.as_str());

    let bytes = |answer: Answer| {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/octet-stream");
        answer.body
    };
    Anchor::from_bytes(&bytes(server.get(&format!("/v1/beacon?trusted={trusted}")).await)).unwrap();
    Anchor::from_bytes(&bytes(server.get("/v1/beacon").await)).unwrap();
    let led = server.get(&format!("/v1/handover?trusted={trusted}")).await;
    if led.status == StatusCode::OK {
        HandOver::from_bytes(&bytes(led)).unwrap();
    } else {
        led.is_problem(404, "nothing_voted");
    }
    let row = HeaderRow::from_bytes(&bytes(server.get("/v1/headers?from=0&limit=2").await)).unwrap();
    assert_eq!(row.0.iter().map(|sealed| sealed.header.height).collect::<Vec<_>>(), [Height(0), Height(1)]);
    let path = format!("/v1/accounts/{address}/bundle?trusted={trusted}&known=0&records=5");
    assert_eq!(AccountBundle::from_bytes(&bytes(server.get(&path).await)).unwrap().address, address);
    let path = format!("/v1/accounts/{address}/history?before=1&limit=5");
    assert_eq!(HistoryPage::from_bytes(&bytes(server.get(&path).await)).unwrap().records.len(), 1);
    let path = format!("/v1/transactions/{id}/bundle?trusted={trusted}");
    let proof = TransactionBundle::from_bytes(&bytes(server.get(&path).await)).unwrap();
    assert_eq!(proof.outcome.id.to_string(), id);

    let nobody = address_of_nobody(Network::Test);
    let account = server.get(&format!("/v1/accounts/{nobody}")).await.json();
    assert_eq!((&account["exists"], &account["balance"]), (&false.into(), &"0".into()));
    let path = format!("/v1/accounts/{nobody}/bundle?trusted={trusted}");
    AccountBundle::from_bytes(&bytes(server.get(&path).await)).unwrap();
}

fn address_of_nobody(network: Network) -> Address {
    let key = KeyPair::ed25519(&zeroize::Zeroizing::new([42; 32]));
    Address::of(&key.public(), network)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_paths_and_queries_have_codes() {
    let server = Server::start().await;
    let address = server.address(&server.funded(0));
    let other_network = address_of_nobody(Network::Main);
    let long = "a".repeat(5_000);
    let cases: Vec<(String, u16, &str)> = [
        ("/v1", 404, "not_found"),
        ("/v1/nothing", 404, "not_found"),
        ("/v1/accounts", 404, "not_found"),
        ("/v1/../etc/passwd", 404, "not_found"),
        ("/v1/accounts/nobody", 400, "invalid_address"),
        ("/v1/accounts/%ff%fe", 400, "invalid_address"),
        ("/v1/accounts/%00", 400, "invalid_address"),
        ("/v1/accounts/..%2f..%2fetc%2fpasswd", 400, "invalid_address"),
        ("/v1/accounts/nobody/bundle", 400, "invalid_address"),
        ("/v1/accounts/nobody/history?before=1", 400, "invalid_address"),
        ("/v1/accounts/{other}", 400, "invalid_address"),
        ("/v1/accounts/{other}/bundle", 400, "invalid_address"),
        ("/v1/accounts/{address}/bundle?trusted=12", 400, "invalid_query"),
        ("/v1/accounts/{address}/bundle?trusted={id}", 409, "unknown_trusted_block"),
        ("/v1/accounts/{address}/bundle?known=-1", 400, "invalid_query"),
        ("/v1/accounts/{address}/bundle?known=18446744073709551616", 400, "invalid_query"),
        ("/v1/accounts/{address}/bundle?records=257", 400, "invalid_query"),
        ("/v1/accounts/{address}/bundle?records=1.5", 400, "invalid_query"),
        ("/v1/accounts/{address}/bundle?colour=red", 400, "invalid_query"),
        ("/v1/accounts/{address}/bundle?known=1&known=2", 400, "invalid_query"),
        ("/v1/accounts/{address}/history", 400, "invalid_query"),
        ("/v1/accounts/{address}/history?before=x", 400, "invalid_query"),
        ("/v1/accounts/{address}/history?before=1&limit=0", 400, "invalid_query"),
        ("/v1/accounts/{address}/history?before=1&limit=99999999999", 400, "invalid_query"),
        ("/v1/headers", 400, "invalid_query"),
        ("/v1/headers?from=-1", 400, "invalid_query"),
        ("/v1/headers?from=0&limit=0", 400, "invalid_query"),
        ("/v1/headers?from=0&limit=513", 400, "invalid_query"),
        ("/v1/headers?from=0&limit=18446744073709551615", 400, "invalid_query"),
        ("/v1/headers?from=%ff", 400, "invalid_query"),
        ("/v1/beacon?trusted=", 400, "invalid_query"),
        ("/v1/beacon?trusted={id}0", 400, "invalid_query"),
        ("/v1/beacon?trusted={id}", 409, "unknown_trusted_block"),
        ("/v1/handover?trusted=", 400, "invalid_query"),
        ("/v1/handover?trusted={id}0", 400, "invalid_query"),
        ("/v1/handover?trusted={id}", 409, "unknown_trusted_block"),
        ("/v1/handover?before=1", 400, "invalid_query"),
        ("/v1/blocks/99999999", 404, "unknown_block"),
        ("/v1/blocks/18446744073709551615", 404, "unknown_block"),
        ("/v1/blocks/-1", 400, "invalid_height"),
        ("/v1/blocks/1e3", 400, "invalid_height"),
        ("/v1/transactions/12", 400, "invalid_id"),
        ("/v1/transactions/%ff", 400, "invalid_id"),
        ("/v1/transactions/{id}", 404, "unknown_transaction"),
        ("/v1/transactions/{id}/bundle", 404, "unknown_transaction"),
        ("/v1/transactions/{id}/bundle?trusted={id}", 404, "unknown_transaction"),
        ("/v1/transactions/12/bundle", 400, "invalid_id"),
        ("/v1/transactions/{id}?x=1/../..", 404, "unknown_transaction"),
        ("/v1/accounts/{long}", 414, "uri_too_long"),
        ("/v1/status?{long}", 414, "uri_too_long"),
        ("/v1/events", 400, "malformed"),
    ]
    .into_iter()
    .map(|(path, status, code)| {
        let path = path
            .replace("{other}", &other_network.to_string())
            .replace("{address}", &address.to_string())
            .replace("{id}", ID)
            .replace("{long}", &long);
        (path, status, code)
    })
    .collect();
    for (path, status, code) in cases {
        println!("{path}");
        let answer = server.get(&path).await;
        answer.is_problem(status, code);
        assert!(answer.body.len() < 2_000, "input is repeated in short");
    }
    // Whatever lies far beyond the head is an empty answer, not a failure.
    for path in ["/v1/headers?from=18446744073709551615", "/v1/headers?from=18446744073709551615&limit=512"] {
        assert_eq!(HeaderRow::from_bytes(&server.get(path).await.body).unwrap().0.len(), 0, "{path}");
    }
    let path = format!("/v1/accounts/{address}/bundle?known=18446744073709551615");
    AccountBundle::from_bytes(&server.get(&path).await.body).unwrap();
    let path = format!("/v1/accounts/{address}/history?before=18446744073709551615");
    HistoryPage::from_bytes(&server.get(&path).await.body).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_methods_and_media_types_have_codes() {
    let server = Server::start().await;
    let wrong = |method: &'static str, path: &'static str| Request::builder().method(method).uri(path);
    for (method, path) in [
        ("POST", "/v1/status"),
        ("DELETE", "/v1/transactions"),
        ("GET", "/v1/transactions"),
        ("GET", "/v1/faucet"),
        ("PUT", "/v1/chain"),
        ("TRACE", "/v1/beacon"),
        ("POST", "/health"),
    ] {
        let answer = server.send(wrong(method, path).body(Body::empty()).unwrap()).await;
        answer.is_problem(405, "method_not_allowed");
        assert!(!answer.header(header::ALLOW).is_empty(), "{method} {path} says what is allowed");
    }
    for media_type in ["application/json", "text/plain", "", "application/x-www-form-urlencoded"] {
        let answer = server.post("/v1/transactions", media_type, vec![1, 2, 3]).await;
        answer.is_problem(415, "unsupported_media_type");
    }
    server.post("/v1/faucet", "text/plain", "{}").await.is_problem(415, "unsupported_media_type");
    let bare = Request::post("/v1/faucet").body(Body::from("{}")).unwrap();
    server.send(bare).await.is_problem(415, "unsupported_media_type");
    let with_charset = server.post("/v1/faucet", "Application/JSON; charset=utf-8", "{}").await;
    with_charset.is_problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_faucet_gives_and_has_limits() {
    let server = Server::start().await;
    for body in ["", "{", "[]", "{}", r#"{"address":5}"#, r#"{"address":"x","more":1}"#, "\u{1}"] {
        server.post_json("/v1/faucet", body).await.is_problem(400, "malformed");
    }
    server.post_json("/v1/faucet", vec![0xff, 0xfe]).await.is_problem(400, "malformed");
    server.post_json("/v1/faucet", r#"{"address":"x"}"#).await.is_problem(400, "invalid_address");
    let body = |address: Address| serde_json::json!({ "address": address }).to_string();
    let elsewhere = server.post_json("/v1/faucet", body(address_of_nobody(Network::Main))).await;
    elsewhere.is_problem(400, "invalid_address");
    let large = format!(r#"{{"address":"{}"}}"#, "A".repeat(2_000));
    server.post_json("/v1/faucet", large).await.is_problem(413, "too_large");

    let nobody = address_of_nobody(Network::Test);
    let given = server.post_json("/v1/faucet", body(nobody)).await;
    assert_eq!(given.status, StatusCode::ACCEPTED, "{}", given.text());
    assert_eq!(given.json()["amount"], "100000000000");
    included(&server, given.json()["id"].as_str().unwrap()).await;
    let account = server.get(&format!("/v1/accounts/{nobody}")).await.json();
    assert_eq!(account["balance"], "100000000000");
    for _ in 0..2 {
        assert_eq!(server.post_json("/v1/faucet", body(nobody)).await.status, StatusCode::ACCEPTED);
    }
    let tired = server.post_json("/v1/faucet", body(nobody)).await;
    let seconds = tired.is_problem(429, "faucet_limited")["retry_after_s"].as_u64().unwrap();
    assert!((1..=61).contains(&seconds), "{seconds}");
    assert_eq!(tired.header(header::RETRY_AFTER), seconds.to_string());
    let other = server.address(&server.funded(1));
    assert_eq!(
        server.post_json("/v1/faucet", body(other)).await.status,
        StatusCode::ACCEPTED,
        "others get some"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_chains_have_no_faucet_and_no_made_up_chain_file() {
    let mut spec = development_spec(Time(now().0 - 10_000));
    spec.name = "not for development".to_owned();
    let config = in_memory(ChainChoice::Spec(Box::new(spec)), minting_keys());
    let server = Server::of(config, None).await;
    assert_eq!(server.get("/v1/status").await.json()["development"], false);
    server.post_json("/v1/faucet", "{}").await.is_problem(404, "not_found");
    server.get("/chain.json").await.is_problem(404, "not_found");
    let description = server.get("/v1/openapi.json").await.json();
    assert!(description["paths"]["/v1/faucet"].is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_asks_too_much_is_slowed_down() {
    let server = Server::start().await;
    let mut refused = None;
    for _ in 0..10_000 {
        let answer = server.get("/v1/problems").await;
        if answer.status != StatusCode::OK {
            refused = Some(answer);
            break;
        }
    }
    refused.unwrap().is_problem(429, "rate_limited");
    let mut other = Request::get("/v1/problems").body(Body::empty()).unwrap();
    other.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1))));
    let response = server.router.clone().oneshot(other).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "others are not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_lists_every_route() {
    let server = Server::start().await;
    let description = server.get("/v1/openapi.json").await.json();
    let paths = description["paths"].as_object().unwrap();
    for (path, operations) in paths {
        let path = path.replace("{address}", "x").replace("{id}", "x").replace("{height}", "x");
        for method in operations.as_object().unwrap().keys() {
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(&path);
            let answer = server.send(request.body(Body::empty()).unwrap()).await;
            let code = if answer.status.is_success() { Value::Null } else { answer.json()["code"].clone() };
            assert!(code != "not_found" && code != "method_not_allowed", "{method} {path}: {code}");
        }
    }
    // Every route is registered through the list that makes the description, but for these two, which serve it.
    let source = include_str!("../mod.rs");
    assert_eq!(source.matches(".routes(routes!(").count(), paths.len());
    assert_eq!(source.matches(".route(\"").count(), 1, "only /v1/openapi.json stands beside the list");
    let problem = &description["components"]["schemas"]["ProblemBody"];
    assert_eq!(problem["properties"]["code"]["type"], "string", "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_code_that_is_sent_is_listed() {
    let server = Server::start().await;
    let listed = server.get("/v1/problems").await.json();
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|entry| entry["code"].clone()).collect();
    for path in ["/v1/nothing", "/v1/blocks/-1", "/v1/headers", "/v1/transactions/12", "/nothing.js"] {
        let code = server.get(path).await.json()["code"].clone();
        assert!(listed.contains(&code), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_origins_may_read_but_not_with_credentials() {
    let server = Server::start().await;
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .uri("/v1/transactions")
        .header(header::ORIGIN, "https://wallet.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type")
        .body(Body::empty())
        .unwrap();
    let answer = server.send(preflight).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert!(answer.header(header::ACCESS_CONTROL_ALLOW_METHODS).contains("POST"));
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_HEADERS), "content-type");
    let answer = server.get("/v1/nothing").await;
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*", "errors can be read too");
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "");
}
