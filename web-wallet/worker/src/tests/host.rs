//! A host without a browser: a clock that is set, storage in memory, a scripted server.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use light_client::{
    client::{self, ChainFile, Method, RequestId},
    data_format::{Address, Amount, GenesisAccount, Network, Time, UNITS_PER_COIN},
    test_support::{
        chain::{ScriptedChain, test_address},
        server::ScriptedServer,
    },
    wallet::{Keyring, Seed},
};
use web_protocol::{Answer, Command, FromWorker, Problem, Secret, ToWorker, View};
use zeroize::Zeroizing;

use crate::{
    Worker,
    platform::{Change, Effect, FetchError, Input, Platform, Record, Request, Response, Store},
};

/// A phrase that everybody knows; its first account is funded on the scripted chain.
pub(super) const PHRASE: &str = "test test test test test test test test test test test junk";
pub(super) const PASSWORD: &str = "correct horse";
pub(super) const FUNDS: u64 = 100 * UNITS_PER_COIN;

/// The first account of [`PHRASE`].
pub(super) fn own_address() -> Address {
    Keyring::new(Seed::from_bip39(PHRASE).unwrap(), Network::Test).accounts()[0].address
}

pub(super) fn secret(text: &str) -> Secret {
    Secret(text.to_owned())
}

/// A clock that is set, and random bytes that are not.
pub(super) struct Virtual {
    now: Rc<Cell<u64>>,
    drawn: Cell<u8>,
}

impl Platform for Virtual {
    fn now(&self) -> Time {
        Time(self.now.get())
    }

    fn micros(&self) -> u64 {
        self.now.get() * 1_000
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), String> {
        for byte in bytes {
            self.drawn.set(self.drawn.get().wrapping_mul(5).wrapping_add(3));
            *byte = self.drawn.get();
        }
        Ok(())
    }
}

/// What the network does with an answer.
pub(super) type Tamper = fn(&str, Vec<u8>) -> Vec<u8>;

/// A browser with one page, and a server with one chain.
pub(super) struct Host {
    worker: Worker<Virtual>,
    now: Rc<Cell<u64>>,
    alarm: Option<Time>,
    number: u32,
    answers: BTreeMap<u32, Result<Answer, Problem>>,
    pub(super) view: Option<View>,
    pub(super) views: usize,
    pub(super) store: BTreeMap<(Store, String), Vec<u8>>,
    pub(super) server: ScriptedServer,
    pub(super) chain_file: Result<Vec<u8>, FetchError>,
    pub(super) server_is_up: bool,
    pub(super) storage_fails: bool,
    pub(super) tamper: Option<Tamper>,
    /// Every request, and how many payments were stored when it was sent.
    pub(super) asked: Vec<(String, usize)>,
    /// Every payment that the server took.
    submitted: BTreeSet<Vec<u8>>,
}

impl Host {
    /// A chain on which [`PHRASE`] has [`FUNDS`], four rounds old, and a browser that never saw it.
    pub(super) fn new() -> Self {
        let funded = |address| GenesisAccount { address, balance: Amount(FUNDS) };
        let mut server =
            ScriptedServer::new(ScriptedChain::new(4, vec![funded(own_address()), funded(test_address(1))]));
        for _ in 0..4 {
            server.advance();
        }
        let (now, worker) = start(&server);
        Self {
            worker,
            now,
            alarm: None,
            number: 0,
            answers: BTreeMap::new(),
            view: None,
            views: 0,
            store: BTreeMap::new(),
            chain_file: Ok(chain_file(&server)),
            server,
            server_is_up: true,
            storage_fails: false,
            tamper: None,
            asked: Vec::new(),
            submitted: BTreeSet::new(),
        }
    }

    /// A browser with an unlocked wallet of [`PHRASE`].
    pub(super) fn with_wallet() -> Self {
        let mut host = Self::new();
        assert_eq!(host.ask(Command::Start), Ok(Answer::Done));
        host.ask(Command::ReadPhrase { phrase: secret(PHRASE), vsystems: false }).unwrap();
        let keep = Command::Keep { password: secret(PASSWORD), backed_up: true };
        assert_eq!(host.ask(keep), Ok(Answer::Done));
        host
    }

    /// Sends a command and gives its answer, which must have come.
    pub(super) fn ask(&mut self, command: Command) -> Result<Answer, Problem> {
        self.number += 1;
        let message = web_protocol::encode(&ToWorker { number: self.number, command }).unwrap();
        self.feed(Input::Message(Zeroizing::new(message)));
        self.answers.remove(&self.number).expect("every command is answered")
    }

    /// Closes the page and opens it again.
    pub(super) fn reload(&mut self) -> Result<Answer, Problem> {
        (self.now, self.worker) = start(&self.server);
        (self.alarm, self.view) = (None, None);
        self.ask(Command::Start)
    }

    /// Mints a round and lets its time pass.
    pub(super) fn advance(&mut self) {
        self.server.advance();
        let now = self.server.chain.now();
        self.wait_until(now);
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, ms: u64) {
        self.wait_until(Time(self.now.get() + ms));
    }

    fn wait_until(&mut self, until: Time) {
        while let Some(at) = self.alarm.filter(|at| *at <= until) {
            self.now.set(self.now.get().max(at.0));
            self.alarm = None;
            self.feed(Input::Woke);
        }
        self.now.set(self.now.get().max(until.0));
    }

    pub(super) fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.worker.handle(input) {
                inputs.extend(self.perform(effect));
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Post(message) => {
                match web_protocol::decode(&message).unwrap() {
                    FromWorker::View(view) => {
                        assert_ne!(self.view.as_ref(), Some(&*view), "a view is told only when it changed");
                        self.view = Some(*view);
                        self.views += 1;
                    }
                    FromWorker::Answer { number, result } => {
                        assert_eq!(self.answers.insert(number, result), None, "one answer a command");
                    }
                }
                None
            }
            Effect::Load => {
                let records = self.store.iter().map(|((store, key), value)| Record {
                    store: *store,
                    key: key.clone(),
                    value: value.clone(),
                });
                Some(Input::Loaded(Ok(records.collect())))
            }
            Effect::Save { token, changes } => {
                if self.storage_fails {
                    return Some(Input::Saved { token, result: Err("the disk is full".to_owned()) });
                }
                for change in changes {
                    self.apply(change);
                }
                Some(Input::Saved { token, result: Ok(()) })
            }
            Effect::Fetch { token, request } => Some(Input::Fetched { token, result: self.answer(request) }),
            Effect::OpenEvents { server, .. } if self.server_is_up => Some(Input::EventsOpened { server }),
            Effect::OpenEvents { server, .. } => Some(Input::EventsClosed { server }),
            Effect::WakeAt(at) => {
                self.alarm = Some(at);
                None
            }
            Effect::AskPersistent => Some(Input::Persistent(Some(false))),
            Effect::Fault(words) => panic!("{words}"),
        }
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Put(Record { store, key, value }) => drop(self.store.insert((store, key), value)),
            Change::Remove(store, key) => drop(self.store.remove(&(store, key))),
            Change::Clear(store) => self.store.retain(|(other, _), _| *other != store),
        }
    }

    fn answer(&mut self, request: Request) -> Result<Response, FetchError> {
        let payments = self.store.keys().filter(|(store, _)| *store == Store::Payments).count();
        self.asked.push((request.url.clone(), payments));
        if request.url.ends_with("/chain.json") {
            return self.chain_file.clone().map(|body| Response { status: 200, body });
        }
        if !self.server_is_up {
            return Err(FetchError::Unreachable);
        }
        if request.url.ends_with("/v1/faucet") {
            let body = br#"{"type":"x","title":"y","status":429,"code":"faucet_limited","detail":"wait"}"#;
            return Ok(Response { status: 429, body: body.to_vec() });
        }
        let (method, body) =
            request.body.map_or((Method::Get, Vec::new()), |body| (Method::Post, body.bytes));
        let asked = client::Request {
            id: RequestId(0),
            server: 0,
            method,
            url: request.url,
            body,
            timeout_ms: 1,
            max_bytes: request.max_bytes,
        };
        if asked.method == Method::Post && !self.submitted.insert(asked.body.clone()) {
            let body =
                br#"{"type":"x","title":"y","status":409,"code":"nonce_used","detail":"used already"}"#;
            return Ok(Response { status: 409, body: body.to_vec() });
        }
        let client::Response { status, body } = self.server.answer(&asked);
        let body = self.tamper.map_or_else(|| body.clone(), |tamper| tamper(&asked.url, body.clone()));
        if body.len() > request.max_bytes { Err(FetchError::TooLong) } else { Ok(Response { status, body }) }
    }
}

/// The chain file of a server's chain.
pub(super) fn chain_file(server: &ScriptedServer) -> Vec<u8> {
    let file = ChainFile {
        spec: server.chain.spec().clone(),
        checkpoint: server.chain.checkpoint(),
        servers: Vec::new(),
    };
    serde_json::to_vec(&file).unwrap()
}

fn start(server: &ScriptedServer) -> (Rc<Cell<u64>>, Worker<Virtual>) {
    let now = Rc::new(Cell::new(server.chain.now().0));
    let platform = Virtual { now: Rc::clone(&now), drawn: Cell::new(1) };
    (now, Worker::new(platform, "http://127.0.0.1:9922".to_owned()))
}
