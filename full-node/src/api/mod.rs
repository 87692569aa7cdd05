//! HTTP and WebSocket for clients; serves the wallet.
//!
//! # Threat model
//!
//! *Who speaks to it*: anybody who reaches the port, which is this machine unless the operator says otherwise; and,
//! because any page in a browser may read the API, any website its users visit. So nothing here is private, no
//! request has more rights than another, there are no cookies and no credentials.
//!
//! *What they must not do* and what stops them:
//!
//! - make the node believe something: a transaction is checked by the node as if from nowhere; nothing else is
//!   taken in;
//! - use it up: path, query, body, head, lists and numbers are bounded ([`limits`]), connections and listeners are
//!   counted, each client has a bucket of requests, chain work has a bounded number of places, and every request a
//!   deadline;
//! - read files: only the wallet's folder is served, and no path leads out of it;
//! - run scripts as the wallet: its Content Security Policy allows its own files only, answers of the API are typed
//!   and never sniffed, and repeat input only inside JSON strings;
//! - stop it: a handler that fails answers with a problem; a panic, should there be one, ends that request alone.
//!
//! *What clients must not do*: believe it. Its JSON is marked as claimed; proofs are verified by `light-client`.
//! A process that serves several chains has one of everything here, and each chain an equal share of the places for work and
//! for listeners: a flood of questions to one leaves the others theirs. Below `/chains/{id}` a chain is all there is; the paths
//! at the root are those of the first chain, and what is asked about the process is about all of them.
//!
//! Behind a proxy all clients count as one, because headers that name another address can be forged; let the
//! proxy limit them. There is no TLS here; the proxy brings it.

mod accounts;
mod answers;
mod ask;
mod chain;
mod chains;
mod events;
mod extract;
mod headers;
mod health;
pub mod limits;
mod metrics;
mod peers;
mod problem;
mod refusals;
mod server;
mod state;
mod supernodes;
#[cfg(test)]
mod tests;
mod transactions;
mod wallet;

use std::{
    any::Any,
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, Request, State},
    handler::Handler,
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use light_client::{
    consensus::spos::TableError,
    crypto::Hash,
    data_format::{Address, ChainId},
};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{OpenApi, openapi::ServerBuilder};
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

pub(crate) use answers::status_name;
pub use ask::{AskError, ask, ask_health, ask_peers, ask_status, send};
pub use headers::WALLET_POLICY;
pub use peers::{BanAnswer, PeerAnswer, PeersAnswer, RefusalAnswer, TipAnswer};
pub use problem::{Code, Problem};
pub use server::{ListenError, listen, serve};
pub use supernodes::{EvidenceAnswer, RaisedAnswer, SupernodeAnswer, SupernodesAnswer};
pub use wallet::{WalletFolder, WalletFolderError};

use crate::{
    network::{NetworkStatus, sync::Progress},
    node::{Node, Status},
};
use health::{Ailment, ailment};
use limits::RateLimiter;

/// An API that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is nothing to serve.
    #[error("no chain is served")]
    NoChain,
    /// The chain's slot table is none; the node would not have opened it.
    #[error("the chain has no usable slot table: {0}")]
    Table(#[from] TableError),
    /// A description of the API that cannot be written as JSON.
    #[error("the API cannot be described: {0}")]
    Description(#[from] serde_json::Error),
}

/// What the handlers of one tree of paths share: the root's, or that of a chain.
#[derive(Clone)]
struct Api {
    /// The chain it is about.
    node: Node,
    /// Whether all chains of the process are spoken of where it matters, or this one alone.
    whole: bool,
    faucet: Arc<(RateLimiter<Address>, RateLimiter<()>)>,
    work: Arc<Semaphore>,
    event_places: Arc<Semaphore>,
    process: Arc<Process>,
}

/// What all chains share.
struct Process {
    /// The chains; the first one is at the root, too.
    nodes: Vec<Node>,
    network: Option<watch::Receiver<NetworkStatus>>,
    wallet: Option<WalletFolder>,
    clients: RateLimiter<IpAddr>,
    requests: metrics::Requests,
    /// `/v1/openapi.json`.
    description: Bytes,
    /// `/chain.json` of development chains.
    chain_files: HashMap<ChainId, Bytes>,
    stopping: watch::Receiver<bool>,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "V.Systems node", description = "JSON is claimed by the node; binary answers are proof bundles."),
    tags(
        (name = "chain", description = "the chain as a whole"),
        (name = "accounts", description = "what an account holds, as the node says"),
        (name = "transactions", description = "submitting and following"),
        (name = "operators", description = "how the node itself is doing"),
        (name = "proofs", description = "bundles for the light client"),
    )
)]
struct Description;

/// The whole API over running nodes, one for each chain, with how their network is doing if they are in one, and with the
/// wallet at `/` if there is one. `stopping` becoming true ends the streams of events.
///
/// # Errors
/// [`ApiError`] without a chain, or for one that the node would not have opened.
pub fn router(
    nodes: &[Node],
    network: Option<watch::Receiver<NetworkStatus>>,
    wallet: Option<WalletFolder>,
    stopping: watch::Receiver<bool>,
) -> Result<Router, ApiError> {
    let process = Arc::new(Process {
        nodes: nodes.to_vec(),
        network,
        wallet,
        clients: RateLimiter::new(limits::CLIENT_RATE),
        requests: metrics::Requests::default(),
        description: serde_json::to_vec(&description(nodes))?.into(),
        chain_files: chain_files(nodes)?,
        stopping,
    });
    let apis: Vec<Api> = nodes.iter().map(|node| Api::new(node, &process)).collect();
    let root = apis.first().map(|first| Api { whole: true, ..first.clone() }).ok_or(ApiError::NoChain)?;
    let nested = apis
        .into_iter()
        .fold(Router::new(), |routes, api| routes.nest(&chains::path_of(&api.node.chain()), tree(api)));
    let documents = SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/v1/openapi.json"));
    Ok(tree(root)
        .merge(nested)
        .merge(documents)
        .fallback_service(elsewhere.with_state(Arc::clone(&process)))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&process), guard))
        .layer(middleware::from_fn_with_state(process, metrics::count))
        .layer(headers::cors())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(headers::secure)))
}

/// Every path of one chain, or of the root.
fn tree(api: Api) -> Router {
    let (routes, _) = described(api.node.status().development);
    routes.route("/v1/openapi.json", get(openapi)).with_state(Arc::new(api))
}

/// Of all chains; each is one of the servers in it.
fn description(nodes: &[Node]) -> utoipa::openapi::OpenApi {
    let (_, mut description) = described(nodes.iter().any(|node| node.status().development));
    let server = |path: &str, words: String| ServerBuilder::new().url(path).description(Some(words)).build();
    let first = nodes.first().map(|node| server("/", format!("the first chain: {}", node.spec().name)));
    let each = nodes.iter().map(|node| server(&chains::path_of(&node.chain()), node.spec().name.clone()));
    description.servers = Some(first.into_iter().chain(each).collect());
    description
}

/// What wallets of development chains trust.
fn chain_files(nodes: &[Node]) -> Result<HashMap<ChainId, Bytes>, ApiError> {
    let development = nodes.iter().filter(|node| node.status().development);
    development
        .map(|node| {
            let file = chain::chain_file(node.spec(), node.genesis())?;
            Ok((node.chain(), serde_json::to_vec(&file)?.into()))
        })
        .collect()
}

/// The routes, and their description, which is made from the same list.
fn described(development: bool) -> (Router<Arc<Api>>, utoipa::openapi::OpenApi) {
    let mut routes = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(chain::status))
        .routes(routes!(chains::chains))
        .routes(routes!(health::health))
        .routes(routes!(metrics::metrics))
        .routes(routes!(peers::peers))
        .routes(routes!(supernodes::supernodes))
        .routes(routes!(supernodes::evidence))
        .routes(routes!(chain::chain))
        .routes(routes!(chain::parameters))
        .routes(routes!(chain::problems))
        .routes(routes!(chain::beacon))
        .routes(routes!(chain::hand_over))
        .routes(routes!(chain::headers))
        .routes(routes!(chain::header))
        .routes(routes!(chain::block))
        .routes(routes!(accounts::account))
        .routes(routes!(accounts::bundle))
        .routes(routes!(accounts::history))
        .routes(routes!(transactions::submit))
        .routes(routes!(transactions::transaction))
        .routes(routes!(transactions::bundle))
        .routes(routes!(transactions::receipt))
        .routes(routes!(state::state, state::ask_state))
        .routes(routes!(events::events));
    if development {
        routes = routes.routes(routes!(transactions::faucet));
    }
    routes.split_for_parts()
}

impl Api {
    fn new(node: &Node, process: &Arc<Process>) -> Self {
        let share = |places: usize| Arc::new(Semaphore::new((places / process.nodes.len().max(1)).max(1)));
        Self {
            node: node.clone(),
            whole: false,
            faucet: Arc::new((
                RateLimiter::new(limits::FAUCET_ADDRESS_RATE),
                RateLimiter::new(limits::FAUCET_RATE),
            )),
            work: share(limits::MAX_CHAIN_WORK),
            event_places: share(limits::MAX_EVENT_CLIENTS),
            process: Arc::clone(process),
        }
    }

    /// The chains that are spoken of here.
    fn nodes(&self) -> &[Node] {
        if self.whole { &self.process.nodes } else { std::slice::from_ref(&self.node) }
    }

    /// A place to read or write the chain.
    fn place(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.work.try_acquire().map_err(|_| {
            Problem::new(Code::Busy, "too much is being asked at once: try again").with("retry_after_s", 1)
        })
    }
}

impl Process {
    /// How the network is doing.
    fn network(&self) -> Option<NetworkStatus> {
        self.network.as_ref().map(|network| network.borrow().clone())
    }

    /// How far a chain is on its way to the newest block of its peers, while it is behind.
    fn progress(&self, chain: &ChainId) -> Option<Progress> {
        let network = self.network.as_ref()?.borrow();
        network.chains.iter().find(|known| known.chain == *chain)?.progress
    }

    /// What keeps a chain from being well, if something does.
    fn ailment(&self, status: &Status) -> Option<Ailment> {
        ailment(status, self.progress(&status.chain))
    }
}

async fn openapi(State(api): State<Arc<Api>>) -> Response {
    json_bytes(api.process.description.clone())
}

fn json_bytes(bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
}

/// Everything that is not the API: the wallet, or a word on why there is none.
async fn elsewhere(State(process): State<Arc<Process>>, request: Request) -> Response {
    let path = request.uri().path();
    let own_file =
        || process.wallet.as_ref().is_some_and(|wallet| wallet.path().join("chain.json").is_file());
    let file_of = match (path, chains::split(path)) {
        ("/chain.json", _) if !own_file() => process.nodes.first().map(Node::chain),
        (_, Some((id, rest))) => {
            match Hash::from_hex(id).filter(|id| process.nodes.iter().any(|node| node.chain() == *id)) {
                Some(chain) => (rest == "/chain.json").then_some(chain),
                None => return chains::unknown(id, &process.nodes).into_response(),
            }
        }
        _ => None,
    };
    if let Some(bytes) = file_of.and_then(|chain| process.chain_files.get(&chain)) {
        let mut response = json_bytes(bytes.clone());
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        return response;
    }
    if headers::is_api(path) {
        return Problem::new(Code::NotFound, "see /docs for what there is").into_response();
    }
    match &process.wallet {
        Some(wallet) => wallet.answer(request).await,
        None => {
            Problem::new(Code::NotFound, "this node serves no wallet (start it with --wallet DIR); see /docs")
                .into_response()
        }
    }
}

async fn wrong_method(request: Request) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("{} is not answered here", request.method()))
}

/// What every request passes: its length, its client's bucket, its deadline.
async fn guard(
    State(process): State<Arc<Process>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let uri = request.uri();
    let length = uri.path().len() + uri.query().map_or(0, str::len);
    if length > limits::MAX_URI_BYTES {
        let detail = format!("{length} bytes of path and query, at most {} are read", limits::MAX_URI_BYTES);
        return Problem::new(Code::UriTooLong, detail).into_response();
    }
    if let Err(wait) = process.clients.take(limits::client_of(peer.ip()), Instant::now()) {
        return Problem::new(Code::RateLimited, "slow down")
            .with("retry_after_s", wait.as_secs() + 1)
            .into_response();
    }
    match tokio::time::timeout(limits::REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("not done in {} seconds", limits::REQUEST_TIMEOUT.as_secs());
            Problem::new(Code::Timeout, detail).into_response()
        }
    }
}

/// A panic is a fault of ours; the client learns that there is one, the log which.
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Problem::internal(&text.unwrap_or_else(|| "a panic without words".to_owned())).into_response()
}
