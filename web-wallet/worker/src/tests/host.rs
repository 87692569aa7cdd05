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
    platform::{Change, Effect, FetchError, Input, Platform, Record, Request, Response, SaveError, Store},
};

/// A phrase that everybody knows; its first account is funded on the scripted chain.
pub(super) const PHRASE: &str = "test test test test test test test test test test test junk";
pub(super) const PASSWORD: &str = "correct horse";
/// The page opens, in sight.
pub(super) const START: Command = Command::Start { visible: true };
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

/// A tab.
struct Tab {
    worker: Worker<Virtual>,
    alarm: Option<Time>,
    number: u32,
    answers: BTreeMap<u32, Result<Answer, Problem>>,
    /// What the page shows.
    view: Option<FromWorker>,
    /// What it wrote when it claimed the storage.
    claim: Option<u64>,
    /// What happens to it is kept until the browser lets it go on.
    frozen: Option<Vec<Input>>,
}

/// A browser with its tabs, and a server with one chain.
pub(super) struct Host {
    tabs: Vec<Option<Tab>>,
    /// The tab that a person is in.
    at: usize,
    now: Rc<Cell<u64>>,
    /// Who has the lock, and who waits for it.
    leader: Option<usize>,
    queue: VecDeque<usize>,
    claim: Option<u64>,
    pub(super) claims: u64,
    pub(super) store: BTreeMap<(Store, String), Vec<u8>>,
    pub(super) server: ScriptedServer,
    pub(super) chain_file: Result<Vec<u8>, FetchError>,
    pub(super) server_is_up: bool,
    /// Requests are not answered at all.
    pub(super) hangs: bool,
    pub(super) storage_fails: bool,
    /// What is to be stored is stored at once, and said when [`Host::storage_answers`].
    pub(super) storage_is_slow: bool,
    stored: VecDeque<(usize, Input)>,
    /// Whoever claims the storage is overtaken at once.
    pub(super) rival_claims: bool,
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
        let now = Rc::new(Cell::new(server.chain.now().0));
        Self {
            tabs: vec![Some(Tab::new(&now))],
            at: 0,
            now,
            leader: None,
            queue: VecDeque::new(),
            claim: None,
            claims: 0,
            store: BTreeMap::new(),
            chain_file: Ok(chain_file(&server)),
            server,
            server_is_up: true,
            hangs: false,
            storage_fails: false,
            storage_is_slow: false,
            stored: VecDeque::new(),
            rival_claims: false,
            tamper: None,
            asked: Vec::new(),
            submitted: BTreeSet::new(),
        }
    }

    /// A browser with an unlocked wallet of [`PHRASE`].
    pub(super) fn with_wallet() -> Self {
        let mut host = Self::new();
        assert_eq!(host.ask(START), Ok(Answer::Done));
        host.ask(Command::ReadPhrase { phrase: secret(PHRASE), vsystems: false }).unwrap();
        let keep = Command::Keep { password: secret(PASSWORD), backed_up: true };
        assert_eq!(host.ask(keep), Ok(Answer::Done));
        host
    }

    /// What the page shows.
    pub(super) fn view(&self) -> &View {
        match self.tabs[self.at].as_ref().unwrap().view.as_ref().unwrap() {
            FromWorker::View(view) | FromWorker::Seen(view) => view,
            other => panic!("{other:?}"),
        }
    }

    /// Sends a command and gives its answer, which must have come.
    pub(super) fn ask(&mut self, command: Command) -> Result<Answer, Problem> {
        let number = self.say(command);
        self.answer_to(number)
    }

    /// Sends a command; gives its number.
    pub(super) fn say(&mut self, command: Command) -> u32 {
        let tab = self.tab(self.at);
        tab.number += 1;
        let number = tab.number;
        let message = web_protocol::encode(&ToWorker { number, command }).unwrap();
        self.feed(Input::Message(Zeroizing::new(message)));
        number
    }

    /// Closes the page and opens it again.
    pub(super) fn reload(&mut self) -> Result<Answer, Problem> {
        self.now.set(self.server.chain.now().0);
        self.close();
        self.tabs[self.at] = Some(Tab::new(&self.now));
        self.ask(START)
    }

    /// Opens another page in sight; the one before it goes out of sight.
    pub(super) fn open(&mut self) -> Result<Answer, Problem> {
        self.ask(Command::Visible(false)).unwrap();
        self.open_beside()
    }

    /// Opens another page in a window of its own.
    pub(super) fn open_beside(&mut self) -> Result<Answer, Problem> {
        self.at = self.tabs.len();
        self.tabs.push(Some(Tab::new(&self.now)));
        self.ask(START)
    }

    /// Opens another page out of sight.
    pub(super) fn open_hidden(&mut self) {
        self.at = self.tabs.len();
        self.tabs.push(Some(Tab::new(&self.now)));
        assert_eq!(self.ask(Command::Start { visible: false }), Ok(Answer::Done));
    }

    /// The answer to a command that was not answered at once.
    pub(super) fn answer_to(&mut self, number: u32) -> Result<Answer, Problem> {
        self.tab(self.at).answers.remove(&number).expect("every command is answered")
    }

    /// The server says that something changed.
    pub(super) fn hint(&mut self) {
        self.feed(Input::Hint { server: 0 });
    }

    /// Goes to another tab.
    pub(super) fn switch(&mut self, to: usize) {
        self.say(Command::Visible(false));
        self.look_at(to);
        self.say(Command::Visible(true));
    }

    /// Turns to another tab's window.
    pub(super) fn look_at(&mut self, to: usize) {
        self.at = to;
    }

    /// The tab's worker ends.
    pub(super) fn close(&mut self) {
        let gone = self.at;
        self.tabs[gone] = None;
        self.queue.retain(|tab| *tab != gone);
        if self.leader.take_if(|leader| *leader == gone).is_some()
            && let Some(next) = self.queue.pop_front()
        {
            self.leader = Some(next);
            self.feed_to(next, Input::Leads);
        }
    }

    /// Nothing happens in the tab any more.
    pub(super) fn freeze(&mut self) {
        self.tab(self.at).frozen = Some(Vec::new());
    }

    /// Everything that was to happen happens.
    pub(super) fn thaw(&mut self) {
        for input in self.tab(self.at).frozen.take().unwrap() {
            self.feed(input);
        }
    }

    /// Who talks to the servers.
    pub(super) const fn leader(&self) -> Option<usize> {
        self.leader
    }

    /// The browser deletes what is stored.
    pub(super) fn lose_storage(&mut self) {
        self.store.clear();
        self.claim = None;
    }

    /// The storage says what became of everything that was to be stored.
    pub(super) fn storage_answers(&mut self) {
        self.storage_is_slow = false;
        while let Some((at, input)) = self.stored.pop_front() {
            self.feed_to(at, input);
        }
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

    /// Sets the device's clock; nobody wakes for that.
    pub(super) fn set_clock(&mut self, now: Time) {
        self.now.set(now.0);
    }

    fn wait_until(&mut self, until: Time) {
        loop {
            let due = |(at, tab): (usize, &Option<Tab>)| Some((tab.as_ref()?.alarm?, at));
            let next = self.tabs.iter().enumerate().filter_map(due).min();
            let Some((alarm, at)) = next.filter(|(alarm, _)| *alarm <= until) else { break };
            self.now.set(self.now.get().max(alarm.0));
            self.tab(at).alarm = None;
            self.feed_to(at, Input::Woke);
        }
        self.now.set(self.now.get().max(until.0));
    }

    fn tab(&mut self, at: usize) -> &mut Tab {
        self.tabs[at].as_mut().unwrap()
    }

    pub(super) fn feed(&mut self, input: Input) {
        self.feed_to(self.at, input);
    }

    fn feed_to(&mut self, at: usize, input: Input) {
        let mut inputs = VecDeque::from([(at, input)]);
        while let Some((at, input)) = inputs.pop_front() {
            let Some(tab) = &mut self.tabs[at] else { continue };
            if let Some(kept) = &mut tab.frozen {
                kept.push(input);
                continue;
            }
            for effect in tab.worker.handle(input) {
                self.perform(at, effect, &mut inputs);
            }
        }
    }

    fn perform(&mut self, at: usize, effect: Effect, inputs: &mut VecDeque<(usize, Input)>) {
        let input = match effect {
            Effect::Post(message) => {
                let tab = self.tab(at);
                match web_protocol::heard(&message).unwrap() {
                    Some(FromWorker::Answer { number, result }) => {
                        assert_eq!(tab.answers.insert(number, result), None, "one answer a command");
                    }
                    Some(view) => {
                        assert_ne!(tab.view.as_ref(), Some(&view), "a view is told only when it changed");
                        tab.view = Some(view);
                    }
                    None => {}
                }
                return;
            }
            Effect::Load { claim } if self.storage_fails => {
                Input::Loaded { claim, result: Err("the disk is full".to_owned()) }
            }
            Effect::Load { claim } => {
                if claim {
                    self.claim_storage(at);
                }
                let records = self.store.iter().map(|((store, key), value)| Record {
                    store: *store,
                    key: key.clone(),
                    value: value.clone(),
                });
                Input::Loaded { claim, result: Ok(records.collect()) }
            }
            Effect::Save { token, changes, claim } => {
                let input = Input::Saved { token, result: self.save(at, changes, claim) };
                if self.storage_is_slow {
                    self.stored.push_back((at, input));
                    return;
                }
                input
            }
            Effect::Fetch { token, request } => {
                if !request.url.ends_with("/chain.json") {
                    assert_eq!(self.leader, Some(at), "only the leader talks to servers");
                }
                if self.hangs {
                    return;
                }
                Input::Fetched { token, result: self.answer(request) }
            }
            Effect::OpenEvents { server, .. } if self.server_is_up => Input::EventsOpened { server },
            Effect::OpenEvents { server, .. } => Input::EventsClosed { server },
            Effect::WakeAt(time) => {
                self.tab(at).alarm = Some(time);
                return;
            }
            Effect::AskPersistent => Input::Persistent(Some(false)),
            Effect::HangUp(_) => return,
            Effect::Lead { now } => {
                match self.leader {
                    Some(leader) if now => inputs.push_back((leader, Input::LeadLost)),
                    Some(_) => {
                        self.queue.retain(|tab| *tab != at);
                        self.queue.push_back(at);
                        return;
                    }
                    None => {}
                }
                self.leader = Some(at);
                Input::Leads
            }
            Effect::Tell(message) => {
                for other in (0..self.tabs.len()).filter(|other| *other != at) {
                    inputs.push_back((other, Input::Told(message.clone())));
                }
                return;
            }
            Effect::Fault(words) => panic!("{words}"),
        };
        inputs.push_back((at, input));
    }

    fn claim_storage(&mut self, at: usize) {
        self.claims += 1;
        self.claim = Some(self.claims);
        self.tab(at).claim = self.claim;
        if self.rival_claims {
            self.claim = Some(0);
        }
    }

    fn save(&mut self, at: usize, changes: Vec<Change>, claim: bool) -> Result<(), SaveError> {
        if self.storage_fails {
            return Err(SaveError::Refused("the disk is full".to_owned()));
        }
        let own = self.tab(at).claim;
        if claim {
            self.claim_storage(at);
        } else if self.claim.is_none() {
            return Err(SaveError::Lost);
        } else if self.claim != own {
            return Err(SaveError::Overtaken);
        }
        for change in changes {
            self.apply(change);
        }
        Ok(())
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

impl Tab {
    fn new(now: &Rc<Cell<u64>>) -> Self {
        let platform = Virtual { now: Rc::clone(now), drawn: Cell::new(1) };
        Self {
            worker: Worker::new(platform, "http://127.0.0.1:9922".to_owned()),
            alarm: None,
            number: 0,
            answers: BTreeMap::new(),
            view: None,
            claim: None,
            frozen: None,
        }
    }
}
