//! The browser's side of [`web_worker::platform`]: messages, storage, requests, events, timers.
//!
//! Messages are byte strings (`Uint8Array`) both ways; the first one sent is empty and says that this side listens.
//!
//! Trust: messages come from our own page. What is not a message of this build is a fault and is answered by an uncaught error, which the page hears.
//! Servers are not believed about anything; of an answer no more is read than its request allows.

mod events;
mod fetch;
mod storage;
mod tabs;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use js_sys::Uint8Array;
use light_client::data_format::Time;
use wasm_bindgen::{JsCast, JsError};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, DedicatedWorkerGlobalScope, MessageEvent};
use web_worker::{
    Worker,
    platform::{Effect, FetchError, Input, Platform, Token},
};
use zeroize::Zeroizing;

use self::{events::Line, storage::Storage, tabs::Tabs};

/// Starts the worker and never ends.
pub(crate) fn start() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let tabs = Tabs::new(&scope);
    let host = Rc::new(Host {
        worker: RefCell::new(Worker::new(Browser::new(&scope), scope.location().origin())),
        storage: Storage::new(tabs.take_turns()),
        tabs,
        requests: RefCell::default(),
        lines: RefCell::default(),
        timer: Cell::default(),
        scope: scope.clone(),
    });
    let listening = Rc::clone(&host);
    EventListener::new(&scope, "message", move |event| {
        let data = event.unchecked_ref::<MessageEvent>().data();
        listening.feed(Input::Message(Zeroizing::new(Uint8Array::new(&data).to_vec())));
    })
    .forget();
    host.tabs.listen(host.ear());
    host.post(&[]);
}

struct Host {
    scope: DedicatedWorkerGlobalScope,
    worker: RefCell<Worker<Browser>>,
    storage: Storage,
    tabs: Tabs,
    /// What ends each request under way.
    requests: RefCell<Vec<(Token, AbortController)>>,
    /// The WebSocket of each server.
    lines: RefCell<Vec<(u32, Line)>>,
    timer: Cell<Option<Timeout>>,
}

impl Host {
    /// Tells the worker what happened and does what it says. Never called from within itself: every answer comes in a later turn.
    fn feed(self: &Rc<Self>, input: Input) {
        let effects = self.worker.borrow_mut().handle(input);
        for effect in effects {
            self.perform(effect);
        }
    }

    fn perform(self: &Rc<Self>, effect: Effect) {
        let host = Rc::clone(self);
        match effect {
            Effect::Post(message) => self.post(&message),
            Effect::Load { claim } => spawn_local(async move {
                let result = host.storage.load(claim).await;
                host.feed(Input::Loaded { claim, result });
            }),
            Effect::Save { token, changes, claim } => spawn_local(async move {
                let result = host.storage.save(changes, claim).await;
                host.feed(Input::Saved { token, result });
            }),
            Effect::Fetch { token, request } => spawn_local(async move {
                let result = match AbortController::new() {
                    Ok(abort) => {
                        host.requests.borrow_mut().push((token, abort.clone()));
                        fetch::fetch(&host.scope, &request, &abort).await
                    }
                    // What the browser cannot even try is not reached either.
                    Err(_) => Err(FetchError::Unreachable),
                };
                host.requests.borrow_mut().retain(|(other, _)| *other != token);
                host.feed(Input::Fetched { token, result });
            }),
            Effect::HangUp(tokens) => {
                self.lines.borrow_mut().clear();
                for (token, abort) in self.requests.borrow().iter() {
                    if tokens.contains(token) {
                        abort.abort();
                    }
                }
            }
            Effect::Lead { now } => self.tabs.lead(now, self.ear()),
            Effect::Tell(message) => self.tabs.tell(&message),
            Effect::OpenEvents { server, url } => self.open_events(server, &url),
            Effect::WakeAt(at) => self.timer.set(Some(self.alarm(at))),
            Effect::AskPersistent => spawn_local(async move {
                let persistent = is_persistent(&host.scope).await;
                host.feed(Input::Persistent(persistent));
            }),
            Effect::Fault(words) => wasm_bindgen::throw_val(JsError::new(&words).into()),
        }
    }

    /// What hears and passes on.
    fn ear(self: &Rc<Self>) -> impl Fn(Input) + Clone + 'static {
        let host = Rc::clone(self);
        move |input| host.feed(input)
    }

    fn open_events(self: &Rc<Self>, server: u32, url: &str) {
        let line = events::open(url, server, self.ear());
        match line {
            Some(line) => {
                let mut lines = self.lines.borrow_mut();
                lines.retain(|(other, _)| *other != server);
                lines.push((server, line));
            }
            None => {
                let host = Rc::clone(self);
                spawn_local(async move { host.feed(Input::EventsClosed { server }) });
            }
        }
    }

    fn alarm(self: &Rc<Self>, at: Time) -> Timeout {
        // Browsers take at most 2^31 ms; who wakes early looks at the clock and sleeps on.
        let ms = at.ms_since(now()).min(i32::MAX as u64) as u32;
        let host = Rc::clone(self);
        Timeout::new(ms, move || host.feed(Input::Woke))
    }

    fn post(&self, message: &[u8]) {
        if let Err(error) = self.scope.post_message(&Uint8Array::from(message)) {
            wasm_bindgen::throw_val(error);
        }
    }
}

/// What the browser offers at once.
struct Browser {
    performance: Option<web_sys::Performance>,
}

impl Browser {
    fn new(scope: &DedicatedWorkerGlobalScope) -> Self {
        Self { performance: scope.performance() }
    }
}

impl Platform for Browser {
    fn now(&self) -> Time {
        now()
    }

    fn micros(&self) -> u64 {
        #[expect(clippy::float_arithmetic, reason = "the browser gives milliseconds as a float")]
        let micros = self.performance.as_ref().map_or(0.0, |performance| performance.now() * 1000.0);
        micros as u64
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), String> {
        getrandom::fill(bytes).map_err(|error| error.to_string())
    }
}

fn now() -> Time {
    Time(js_sys::Date::now() as u64)
}

async fn is_persistent(scope: &DedicatedWorkerGlobalScope) -> Option<bool> {
    let promise = scope.navigator().storage().persisted().ok()?;
    JsFuture::from(promise).await.ok()?.as_bool()
}
