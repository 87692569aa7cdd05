//! The light client with what a worker needs around it: its requests as effects, what history a person waits for, when to store what was proven.

use light_client::{
    client::{self, ChainFile, Client, Event, Method, RequestId, Sync, TransportError},
    data_format::{Address, ChainId, ChainSpec, Time},
};
use serde::Deserialize;
use web_protocol::{Answer, Problem};

use crate::{
    platform::{Body, FetchError, Platform, Request, Response},
    stored::StoredState,
};

/// What was proven is stored this long after it changed: who reloads in between sees the proof before it.
const STORE_AFTER_MS: u64 = 500;
/// How long to wait after the browser refused to store it.
const STORE_AGAIN_MS: u64 = 30_000;

/// Clocks differ so much without being wrong.
const CLOCK_TOLERANCE_MS: u64 = 1_000;

/// Reads the chain file.
///
/// # Errors
/// [`Problem::ChainFile`] says what is wrong with it.
pub(crate) fn read_chain_file(bytes: &[u8], server: &str) -> Result<Client, Problem> {
    let file: ChainFile =
        serde_json::from_slice(bytes).map_err(|error| Problem::ChainFile(error.to_string()))?;
    let others: Vec<String> = file.servers.iter().filter(|other| *other != server).cloned().collect();
    let (spec, trusted) = file.check().map_err(|error| Problem::ChainFile(error.to_string()))?;
    Ok(Client::new(spec, trusted, [server.to_owned()].into_iter().chain(others)))
}

/// A light client at work.
pub(crate) struct Chain {
    client: Client,
    /// The history that people wait for, by account: the command's number and how many records were not loaded.
    waiting: Vec<(Address, u32, u64)>,
    /// Requests for older history on their way.
    history_requests: u32,
    /// Microseconds that checking an account's last proof took.
    micros: Vec<(Address, u32)>,
    /// Whether the server says that it gives test coins.
    test_coins: bool,
    /// When to store what was proven.
    store_at: Option<Time>,
}

/// A request of the light client on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    id: RequestId,
    about: About,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Status,
    History,
    Else,
}

/// What this side reads of a server's JSON: of its status only whether to offer a button, of a problem (RFC 9457) what it says.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ServerAnswer {
    development: bool,
    pub(crate) code: String,
    pub(crate) detail: String,
}

impl Chain {
    /// Starts from the chain file, and from what was proven before if it is of this chain.
    pub(crate) fn new(client: Client, state: Option<&StoredState>) -> Self {
        let mut chain = Self {
            client,
            waiting: Vec::new(),
            history_requests: 0,
            micros: Vec::new(),
            test_coins: false,
            store_at: None,
        };
        if let Some(state) = state {
            chain.restore(state);
        }
        chain
    }

    /// Whether the newest final block is as new as it can be, and not newer than it can be.
    pub(crate) fn is_fresh(&self, now: Time) -> bool {
        self.client.sync(now) == Sync::Verified && !self.clock_is_behind(now)
    }

    /// Whether this device's clock is behind the newest final block: then nothing can be told to be new.
    pub(crate) fn clock_is_behind(&self, now: Time) -> bool {
        let slot = u64::from(self.spec().engine.block_ms());
        self.client.trusted_time() > now.plus_ms(slot.saturating_add(CLOCK_TOLERANCE_MS))
    }

    /// What is proven.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// To change what is proven or followed.
    pub(crate) const fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// The chain's spec.
    pub(crate) const fn spec(&self) -> &ChainSpec {
        self.client.spec()
    }

    /// The chain's id.
    pub(crate) fn id(&self) -> &ChainId {
        self.client.chain()
    }

    /// Whether the server says that it gives test coins.
    pub(crate) const fn test_coins(&self) -> bool {
        self.test_coins
    }

    /// Microseconds that checking the account's last proof took.
    pub(crate) fn micros(&self, account: &Address) -> u32 {
        self.micros.iter().find(|(other, _)| other == account).map_or(0, |(_, micros)| *micros)
    }

    /// Takes in what was stored meanwhile. What cannot be used is proven again.
    pub(crate) fn restore(&mut self, state: &StoredState) {
        drop(self.client.restore(&state.bytes));
    }

    /// Gives up requests under way.
    pub(crate) fn give_up(&mut self, under_way: Vec<Asked>, platform: &impl Platform) {
        for asked in under_way {
            self.respond(asked, Err(FetchError::Unreachable), platform);
        }
    }

    /// Asks anew, after what was under way was given up: servers that could not be reached are not waited for. A server that lied stays accused.
    pub(crate) fn ask_anew(&mut self, now: Time) {
        self.client.wake(now);
    }

    /// The next request to send.
    pub(crate) fn next_request(&mut self) -> Option<(Asked, Request)> {
        let client::Request { id, server, method, url, body, timeout_ms, max_bytes } =
            self.client.next_request()?;
        // The faucet is asked of the first server.
        let about = if server == 0 && url.ends_with("/v1/status") {
            About::Status
        } else if url.contains("/history?") {
            self.history_requests += 1;
            About::History
        } else {
            About::Else
        };
        let body = match method {
            Method::Get => None,
            Method::Post => Some(Body { media_type: "application/octet-stream", bytes: body }),
        };
        let timeout_ms = u32::try_from(timeout_ms).unwrap_or(u32::MAX);
        Some((Asked { id, about }, Request { url, body, timeout_ms, max_bytes }))
    }

    /// Takes an answer.
    pub(crate) fn respond(
        &mut self,
        asked: Asked,
        result: Result<Response, FetchError>,
        platform: &impl Platform,
    ) {
        if let (About::Status, Ok(Response { status: 200, body })) = (asked.about, &result)
            && let Ok(status) = serde_json::from_slice::<ServerAnswer>(body)
        {
            self.test_coins = status.development;
        }
        let answer = match result {
            Ok(Response { status, body }) => Ok(client::Response { status, body }),
            Err(FetchError::Unreachable) => Err(TransportError::Unreachable(String::new())),
            Err(FetchError::Timeout) => Err(TransportError::Timeout),
            Err(FetchError::TooLong) => Err(TransportError::TooLong),
        };
        let before = platform.micros();
        let now = platform.now();
        self.client.respond(asked.id, answer, now);
        let micros = u32::try_from(platform.micros().saturating_sub(before)).unwrap_or(u32::MAX);
        self.take_events(Some(micros), now);
        if asked.about == About::History {
            self.history_requests = self.history_requests.saturating_sub(1);
        }
    }

    /// Loads older history of an account for command `number`; gives the answer if it is known at once.
    pub(crate) fn load_history(
        &mut self,
        account: Address,
        number: u32,
        now: Time,
    ) -> Option<Result<Answer, Problem>> {
        match self.not_loaded(&account) {
            None => Some(Err(Problem::NotVerified)),
            Some(0) => Some(Ok(Answer::Done)),
            Some(before) => {
                self.client.load_history(account, now);
                self.waiting.push((account, number, before));
                None
            }
        }
    }

    /// When [`Chain::store`] has something to store.
    pub(crate) const fn store_at(&self) -> Option<Time> {
        self.store_at
    }

    /// What was proven, if it is time to store it.
    pub(crate) fn store(&mut self, now: Time) -> Option<StoredState> {
        self.store_at.take_if(|at| now >= *at)?;
        Some(self.state())
    }

    /// What was proven, as it is stored.
    pub(crate) fn state(&self) -> StoredState {
        StoredState { chain: *self.id(), bytes: self.client.save() }
    }

    /// What was proven could not be stored.
    pub(crate) const fn store_later(&mut self, now: Time) {
        self.store_at = Some(now.plus_ms(STORE_AGAIN_MS));
    }

    /// Takes note of what the light client says changed; `micros` is how long checking an answer took, if one was checked.
    pub(crate) fn take_events(&mut self, micros: Option<u32>, now: Time) {
        while let Some(event) = self.client.next_event() {
            if let (Event::Account(address), Some(micros)) = (event, micros) {
                self.micros.retain(|(other, _)| *other != address);
                self.micros.push((address, micros));
            }
            self.store_at = self.store_at.or(Some(now.plus_ms(STORE_AFTER_MS)));
        }
    }

    /// The answers to commands that wait for older history, once no request for it is on its way any more. To be called when all requests have been
    /// taken.
    pub(crate) fn answer_waiting(&mut self) -> Vec<(u32, Result<Answer, Problem>)> {
        if self.history_requests > 0 {
            return Vec::new();
        }
        let waiting = std::mem::take(&mut self.waiting);
        let answer = |(account, number, before): (Address, u32, u64)| {
            let more = self.not_loaded(&account).is_some_and(|now| now < before);
            (number, if more { Ok(Answer::Done) } else { Err(not_answered()) })
        };
        waiting.into_iter().map(answer).collect()
    }

    /// Records of an account that exist and are not loaded; `None` if nothing is proven of it.
    fn not_loaded(&self, account: &Address) -> Option<u64> {
        let account = self.client.account(account)?;
        account.proven()?;
        Some(account.history().before().count)
    }
}

fn not_answered() -> Problem {
    Problem::Server { code: "unreachable".to_owned(), words: "no server has proven older records".to_owned() }
}
