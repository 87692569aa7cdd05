//! The API over a real node of a development chain in memory, most of it without a socket.

mod chains;
mod events;
mod inputs;
mod numbers;
mod operators;
mod proofs;
mod submissions;
mod wallet_files;

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use light_client::{
    crypto::KeyPair,
    data_format::{Address, Amount, Call, CoinCall, Height, SignedTransaction, Time, Transaction},
    transaction::Submission,
};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle};
use tower::ServiceExt;

use super::{WalletFolder, router};
use crate::{
    node::{ChainChoice, Node, NodeConfig, NodeError},
    storage::Retention,
};

/// A running node and its API.
struct Server {
    node: Node,
    router: Router,
    /// Set to end the streams of events.
    stopping: watch::Sender<bool>,
    _running: JoinHandle<Result<(), NodeError>>,
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A node that keeps nothing.
fn in_memory(chain: ChainChoice, minting_keys: Vec<KeyPair>) -> NodeConfig {
    NodeConfig {
        data: None,
        chain,
        minting_keys,
        recoveries: Vec::new(),
        payee: None,
        retention: Retention::default(),
        pool: crate::transaction::Limits::default(),
        now: now(),
    }
}

impl Server {
    async fn start() -> Self {
        Self::with_wallet(None).await
    }

    async fn with_wallet(wallet: Option<WalletFolder>) -> Self {
        Self::of(in_memory(ChainChoice::Development, Vec::new()), wallet).await
    }

    async fn of(config: NodeConfig, wallet: Option<WalletFolder>) -> Self {
        let node = tokio::task::spawn_blocking(move || Node::open(config)).await.unwrap().unwrap();
        Self::over(&[node], wallet)
    }

    /// Over nodes, of which the first one runs.
    fn over(nodes: &[Node], wallet: Option<WalletFolder>) -> Self {
        let (stopping, stopped) = watch::channel(false);
        let router = router(nodes, None, wallet, stopped).unwrap();
        let node = nodes[0].clone();
        let running = tokio::spawn({
            let node = node.clone();
            async move { node.run().await }
        });
        Self { node, router, stopping, _running: running }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let mut request = request;
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 16 << 20).await.unwrap().to_vec();
        Answer { status, headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, media_type: &str, body: impl Into<Body>) -> Answer {
        let request =
            Request::builder().method(Method::POST).uri(path).header(header::CONTENT_TYPE, media_type);
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn post_json(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.post(path, "application/json", body).await
    }

    async fn submit(&self, signed: &SignedTransaction) -> Answer {
        let bytes = Submission { chain: self.node.chain(), signed: signed.clone() }.encode();
        self.post("/v1/transactions", "application/octet-stream", bytes).await
    }

    /// The key of a funded account.
    fn funded(&self, index: usize) -> KeyPair {
        self.node.development_accounts().swap_remove(index).key
    }

    fn address(&self, key: &KeyPair) -> Address {
        Address::of(&key.public(), self.node.spec().network)
    }

    /// A good transfer, to be spoiled by tests.
    fn transfer(&self, from: &KeyPair, nonce: u64, units: u64) -> Transaction {
        let to = self.address(&self.funded(3));
        Transaction {
            sender: from.public(),
            nonce,
            fee: self.node.spec().fees.transfer,
            valid_until: Height(1_000),
            calls: vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(units) })],
            memo: Vec::new(),
        }
    }

    fn sign(&self, transaction: Transaction, key: &KeyPair) -> SignedTransaction {
        transaction.sign(&self.node.chain(), key)
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a whole problem document of this code.
    #[track_caller]
    fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(self.status.as_u16(), status, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("/v1/problems#{code}"));
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        problem
    }
}

fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Time(since.as_millis().try_into().unwrap())
}
