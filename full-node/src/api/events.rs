//! `/v1/events`: what happens on the chain, as it happens, over a WebSocket.
//!
//! **Trust and bounds.** Everything here is a claim, good for knowing *when* to ask for a proof. A client can make
//! the node hold: one of the chain's share of [`MAX_EVENT_CLIENTS`](super::limits::MAX_EVENT_CLIENTS) places, [`MAX_WATCHED`] addresses, one message of
//! [`MAX_EVENT_MESSAGE_BYTES`]. One that reads slowly misses events and is told how many; one that reads nothing,
//! or does not answer pings, is dropped. Its messages count as requests.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{
        ConnectInfo, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use light_client::data_format::Address;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    Api,
    answers::Place,
    limits::{MAX_EVENT_MESSAGE_BYTES, MAX_WATCHED, client_of},
    problem::{Code, Problem, ProblemBody},
    server::until_stopping,
};
use crate::node::Event;

/// How long one message may take to leave.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a client is asked whether it is there; one that says nothing for three such times is not.
const PING_EVERY: Duration = Duration::from_secs(20);

const GOING_AWAY: u16 = 1001;
const POLICY: u16 = 1008;

/// A message to the client.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told {
    /// The head of the best branch, at the start and whenever it moves.
    Block {
        #[serde(flatten)]
        place: Place,
        transactions: u32,
        /// Blocks of the former branch that were undone.
        undone: u64,
    },
    /// The newest final block.
    Final {
        #[serde(flatten)]
        place: Place,
        round: u64,
    },
    /// Something about a watched account changed, or is waiting to: ask for its proof.
    Account {
        address: String,
        /// `pending` or `block`.
        cause: &'static str,
        /// The block's height.
        height: Option<u64>,
    },
    /// How many addresses are watched from now on.
    Watching { addresses: usize },
    /// The client was too slow: so many events were not sent.
    Missed { events: u64 },
    /// A message of the client cannot be used.
    Problem { code: &'static str, detail: String },
}

/// A message from the client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// The addresses to watch from now on, instead of those before.
    watch: Vec<Address>,
}

/// What happens on the chain, as JSON text messages over a WebSocket: `block`, `final`, and `account` for addresses
/// that the client asked to watch with `{"watch": ["address", …]}`, at most 64.
#[utoipa::path(get, path = "/v1/events", tag = "chain", responses(
    (status = SWITCHING_PROTOCOLS, description = "the stream of events"),
    (status = BAD_REQUEST, description = "not a WebSocket request", body = ProblemBody),
    (status = SERVICE_UNAVAILABLE, description = "too many listeners", body = ProblemBody)))]
pub(super) async fn events(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| Problem::new(Code::Malformed, rejection.body_text()))?;
    let place = Arc::clone(&api.event_places).try_acquire_owned().map_err(|_| {
        Problem::new(Code::Busy, "as many clients as there is room for are listening already")
            .with("retry_after_s", 30)
    })?;
    let client = client_of(peer.ip());
    Ok(upgrade
        .max_message_size(MAX_EVENT_MESSAGE_BYTES)
        .max_frame_size(MAX_EVENT_MESSAGE_BYTES)
        .on_upgrade(move |socket| Listener { api, socket, client, watched: BTreeSet::new() }.run(place)))
}

struct Listener {
    api: Arc<Api>,
    socket: WebSocket,
    client: IpAddr,
    watched: BTreeSet<Address>,
}

/// The client is gone or not wanted any more.
struct Gone;

impl Listener {
    async fn run(mut self, place: OwnedSemaphorePermit) {
        if let Err(Gone) = self.listen().await {
            tracing::debug!(client = %self.client, "a listener left");
        }
        drop(place);
    }

    async fn listen(&mut self) -> Result<(), Gone> {
        let mut events = self.api.node.subscribe();
        let mut stopping = self.api.process.stopping.clone();
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent_pings = 0;
        let head = self.api.node.status().head;
        self.send(&Told::Block { place: head.into(), transactions: 0, undone: 0 }).await?;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => self.tell(event).await?,
                    Err(broadcast::error::RecvError::Lagged(events)) => {
                        self.send(&Told::Missed { events }).await?;
                    }
                    Err(broadcast::error::RecvError::Closed) => return self.close(GOING_AWAY, "stopped").await,
                },
                message = self.socket.recv() => {
                    silent_pings = 0;
                    match message {
                        Some(Ok(message)) => self.heed(message).await?,
                        Some(Err(_)) | None => return Err(Gone),
                    }
                }
                _ = pings.tick() => {
                    silent_pings += 1;
                    if silent_pings > 3 {
                        return Err(Gone);
                    }
                    self.send_raw(Message::Ping(Vec::new().into())).await?;
                }
                () = until_stopping(&mut stopping) => return self.close(GOING_AWAY, "the node is stopping").await,
            }
        }
    }

    async fn tell(&mut self, event: Event) -> Result<(), Gone> {
        match event {
            Event::Block { block, transactions, touched, undone } => {
                let height = block.height.0;
                self.send(&Told::Block { place: block.into(), transactions, undone }).await?;
                self.tell_accounts(&touched, "block", Some(height)).await
            }
            Event::Final { block, round } => {
                self.send(&Told::Final { place: block.into(), round: round.0 }).await
            }
            Event::Pending { touched, .. } => self.tell_accounts(&touched, "pending", None).await,
        }
    }

    async fn tell_accounts(
        &mut self,
        touched: &[Address],
        cause: &'static str,
        height: Option<u64>,
    ) -> Result<(), Gone> {
        // The watched are few, the touched may be many, and they are sorted.
        let hit: Vec<String> = self
            .watched
            .iter()
            .filter(|address| touched.binary_search(address).is_ok())
            .map(Address::to_string)
            .collect();
        for address in hit {
            self.send(&Told::Account { address, cause, height }).await?;
        }
        Ok(())
    }

    async fn heed(&mut self, message: Message) -> Result<(), Gone> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => {
                return self.refuse(Code::Malformed, "messages are JSON text".to_owned()).await;
            }
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(Gone),
        };
        if self.api.process.clients.take(self.client, Instant::now()).is_err() {
            return self.close(POLICY, "too many messages").await;
        }
        match serde_json::from_str::<Wish>(&text) {
            Err(error) => self.refuse(Code::Malformed, error.to_string()).await,
            Ok(wish) if wish.watch.len() > MAX_WATCHED => {
                let found = wish.watch.len();
                self.refuse(Code::TooLarge, format!("{found} addresses, at most {MAX_WATCHED} are watched"))
                    .await
            }
            Ok(wish) => {
                self.watched = wish.watch.into_iter().collect();
                self.send(&Told::Watching { addresses: self.watched.len() }).await
            }
        }
    }

    async fn refuse(&mut self, code: Code, detail: String) -> Result<(), Gone> {
        self.send(&Told::Problem { code: code.as_str(), detail }).await
    }

    async fn send(&mut self, message: &Told) -> Result<(), Gone> {
        let text = serde_json::to_string(message).unwrap_or_else(|error| {
            // No type above can fail to be written; if one ever does, the client is told, not left waiting.
            tracing::error!(%error, "an event cannot be written");
            json!({ "type": "problem", "code": Code::Internal.as_str() }).to_string()
        });
        self.send_raw(Message::Text(text.into())).await
    }

    async fn send_raw(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(SEND_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        self.send_raw(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await?;
        Err(Gone)
    }
}
