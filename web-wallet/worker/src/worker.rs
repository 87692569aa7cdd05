//! From what happened to what is to be done: ties answers to what asked for them.

mod leading;

use light_client::client::Client;
use light_client::data_format::{Time, codec};
use web_protocol::{Answer, Command, FromWorker, Problem, ToWorker, View};
use zeroize::Zeroizing;

use crate::{
    chain::{Asked, Chain},
    coins,
    platform::{Change, Effect, FetchError, Input, Platform, Record, Request, Response, SaveError, Token},
    session::{AfterSave, Reply, Session},
    starting::{self, Ready, Starting},
    stored::{self, Stored},
    tabs::{Tabs, Word},
};

/// How long the chain file may take, in milliseconds.
const CHAIN_FILE_TIMEOUT_MS: u32 = 10_000;
/// Bytes of a chain file, at most.
const MAX_CHAIN_FILE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that a message with a secret is written into, so that it does not grow and leave a copy behind.
const MESSAGE_BYTES: usize = 4096;

/// The worker: light client, keys and what is shown of them.
pub struct Worker<P> {
    platform: P,
    /// Where the page comes from: the server that is asked first.
    origin: String,
    state: State,
    tabs: Tabs,
    /// Commands that wait until this tab leads.
    commands: Vec<ToWorker>,
    /// Changes that wait until this tab leads.
    changes: Vec<Change>,
    awaiting: Vec<(Token, Awaiting)>,
    next_token: u64,
    /// Readings with a claim that are not back yet.
    loads: u32,
    /// The lead was lost and taken back once for what a person has asked for.
    overtaken: bool,
    effects: Vec<Effect>,
    answers: Vec<(u32, Result<Answer, Problem>)>,
    /// The view as it was last told.
    shown: Vec<u8>,
    /// The alarm that is set.
    wake_at: Option<Time>,
}

enum State {
    /// Nobody asked to start, or it failed.
    Idle,
    /// What is stored and the chain file are being read.
    Starting(Box<Starting>),
    /// At work.
    Running(Box<Session>),
}

/// What an answer is for.
enum Awaiting {
    ChainFile,
    Client(Asked),
    Coins(u32),
    Saved(u32, AfterSave),
    State,
}

impl<P: Platform> Worker<P> {
    /// A worker for the page at `origin` (`https://wallet.example`, without a trailing slash). It does nothing until the page says so.
    pub fn new(platform: P, origin: String) -> Self {
        Self {
            platform,
            origin,
            state: State::Idle,
            tabs: Tabs::new(),
            commands: Vec::new(),
            changes: Vec::new(),
            awaiting: Vec::new(),
            next_token: 0,
            loads: 0,
            overtaken: false,
            effects: Vec::new(),
            answers: Vec::new(),
            shown: Vec::new(),
            wake_at: None,
        }
    }

    /// Takes what happened and gives what to do, in this order.
    pub fn handle(&mut self, input: Input) -> Vec<Effect> {
        self.take(input);
        self.go_on();
        std::mem::take(&mut self.effects)
    }

    fn take(&mut self, input: Input) {
        let now = self.platform.now();
        match input {
            Input::Message(bytes) => match web_protocol::decode(&bytes) {
                Ok(message) => self.message(message),
                Err(error) => self.effects.push(Effect::Fault(format!("a message does not read: {error}"))),
            },
            Input::Loaded { claim, result } => self.loaded(claim, result),
            Input::Saved { token, result } => self.saved(token, result),
            Input::Fetched { token, result } => self.fetched(token, result),
            Input::EventsOpened { server } => {
                self.on_session(|session, _| session.lines_mut().opened(server, now))
            }
            Input::Hint { .. } => self.on_session(|session, _| session.lines_mut().hint(now)),
            Input::EventsClosed { server } => {
                self.on_session(|session, _| session.lines_mut().closed(server, now))
            }
            Input::Leads => {
                self.tabs.given();
                self.load_with_claim();
            }
            Input::LeadLost => self.lead_lost(now),
            Input::Told(bytes) => self.told(&bytes, now),
            Input::Woke => self.wake_at = None,
            Input::Persistent(persistent) => self.on_session(|session, _| session.set_persistent(persistent)),
        }
    }

    fn message(&mut self, message: ToWorker) {
        let now = self.platform.now();
        match message.command {
            Command::Visible(visible) => {
                self.set_visible(visible, now);
                self.answers.push((message.number, Ok(Answer::Done)));
            }
            Command::Lock { everywhere } => {
                self.on_session(|session, _| session.lock());
                if everywhere {
                    self.tell(&Word::Lock);
                }
                self.answers.push((message.number, Ok(Answer::Done)));
            }
            // Forgetting needs no lead; but what was asked before comes before.
            Command::ForgetPhrase if self.commands.is_empty() => self.command(message),
            // What a person asks of this tab is done by it: it takes the lead. Nothing is stored behind what is being erased.
            _ if matches!(self.state, State::Running(_)) && (!self.tabs.leads() || self.erases()) => {
                self.commands.push(message);
                self.begin();
            }
            _ => self.command(message),
        }
    }

    fn command(&mut self, ToWorker { number, command }: ToWorker) {
        match &mut self.state {
            State::Running(session) => match session.command(number, command, &self.platform) {
                Reply::Now(result) => self.answers.push((number, result)),
                Reply::Save(changes, after) => self.save(changes, false, Awaiting::Saved(number, after)),
                Reply::Fetch(request) => self.fetch(request, Awaiting::Coins(number)),
                Reply::Later => {}
                Reply::Ask(effect) => {
                    self.effects.push(effect);
                    self.answers.push((number, Ok(Answer::Done)));
                }
            },
            State::Idle if let Command::Start { visible } = command => self.start(number, visible),
            State::Idle | State::Starting(_) => {
                let problem = Problem::ChainFile("the wallet has not started yet".to_owned());
                self.answers.push((number, Err(problem)));
            }
        }
    }

    fn start(&mut self, number: u32, visible: bool) {
        self.state = State::Starting(Box::new(Starting::new(number)));
        self.tabs.set_visible(visible, self.platform.now());
        if !visible {
            self.effects.extend([Effect::Lead { now: false }, Effect::Load { claim: false }]);
        } else if self.tabs.begin() {
            // What is stored is read with the claim.
            self.effects.push(Effect::Lead { now: true });
        } else {
            self.load_with_claim();
        }
        let request = Request {
            url: format!("{}/chain.json", self.origin),
            body: None,
            timeout_ms: CHAIN_FILE_TIMEOUT_MS,
            max_bytes: MAX_CHAIN_FILE_BYTES,
        };
        self.fetch(request, Awaiting::ChainFile);
    }

    fn loaded(&mut self, claim: bool, loaded: Result<Vec<Record>, String>) {
        let now = self.platform.now();
        // A tab that was overtaken while it read, or that reads once more, does not lead by what it reads now.
        self.loads = self.loads.saturating_sub(u32::from(claim));
        let claim = claim && self.loads == 0 && self.tabs.may_lead();
        match (&mut self.state, loaded.and_then(Stored::read)) {
            (State::Starting(starting), Ok(read)) => {
                starting.stored = Some(read);
                starting.claimed |= claim;
                self.open();
            }
            (State::Starting(starting), Err(words)) => {
                self.answers.push((starting.number, Err(Problem::Storage(words))));
                self.state = State::Idle;
            }
            (State::Running(session), read) if claim => {
                match read {
                    Ok(read) => {
                        let lost = session.take_stored(read, now);
                        self.changes.extend(lost);
                    }
                    // This tab leads with what it knows, and says that nothing can be stored.
                    Err(words) => session.state_saved(Err(SaveError::Refused(words)), now),
                }
                self.lead(now);
            }
            _ => {}
        }
    }

    fn chain_file(&mut self, result: Result<Response, FetchError>) {
        if let State::Starting(starting) = &mut self.state {
            starting.file = Some(starting::read_file(result));
            self.open();
        }
    }

    /// Starts to work once everything is read.
    fn open(&mut self) {
        let State::Starting(starting) = &mut self.state else { return };
        let (number, claimed) = (starting.number, starting.claimed);
        match starting.ready(&self.origin) {
            None => {}
            Some(Ok(Ready { client, stored, new_file })) => {
                self.changes = self.run(client, stored);
                self.changes.extend(new_file.map(|file| stored::put_chain_file(&file)));
                if claimed {
                    self.lead(self.platform.now());
                }
                self.effects.push(Effect::AskPersistent);
                self.answers.push((number, Ok(Answer::Done)));
            }
            Some(Err(problem)) => {
                self.state = State::Idle;
                self.answers.push((number, Err(problem)));
            }
        }
    }

    fn run(&mut self, client: Client, stored: Stored) -> Vec<Change> {
        let state = stored.state(client.chain()).cloned();
        let chain = Chain::new(client, state.as_ref());
        let (session, changes) = Session::new(chain, stored, self.platform.now());
        self.state = State::Running(Box::new(session));
        changes
    }

    fn saved(&mut self, token: Token, result: Result<(), SaveError>) {
        let State::Running(session) = &mut self.state else { return };
        let now = self.platform.now();
        let lost = result == Err(SaveError::Lost);
        if result == Err(SaveError::Overtaken) {
            self.tabs.overtaken(now);
        }
        match take(&mut self.awaiting, token) {
            Some(Awaiting::Saved(number, after)) => {
                if result.is_ok() && matches!(after, AfterSave::Erase) {
                    let word = Word::Erased(session.wallet().address());
                    self.effects.push(Effect::Tell(codec::encode(&word)));
                }
                self.answers.push((number, session.saved(after, result, now)));
            }
            // Who leads now stores what it proves.
            Some(Awaiting::State) if !lost && result != Err(SaveError::Overtaken) => {
                session.state_saved(result, now);
            }
            _ => {}
        }
        if lost && self.tabs.leads() {
            let changes = session.storage_lost();
            self.save(changes, true, Awaiting::State);
        }
        if self.tabs.leads() {
            self.go_on_with_commands();
        }
    }

    fn fetched(&mut self, token: Token, result: Result<Response, FetchError>) {
        match take(&mut self.awaiting, token) {
            Some(Awaiting::ChainFile) => self.chain_file(result),
            Some(Awaiting::Client(asked)) => {
                self.on_session(|session, platform| session.respond(asked, result, platform));
            }
            Some(Awaiting::Coins(number)) => self.answers.push((number, coins::answer(result))),
            _ => {}
        }
    }

    /// Does what follows: requests, lines, storage, the view, the answers and the alarm.
    fn go_on(&mut self) {
        let now = self.platform.now();
        if let State::Running(session) = &mut self.state {
            session.lock_idle(now);
            if self.tabs.leads() {
                self.work(now);
            } else {
                self.look_on(now);
            }
        }
        // After the view: who is told that something is done can see it.
        for (number, result) in std::mem::take(&mut self.answers) {
            let message = encode(&FromWorker::Answer { number, result });
            self.effects.push(Effect::Post(message));
        }
    }

    /// What the tab that leads does.
    fn work(&mut self, now: Time) {
        let erases = self.erases();
        let State::Running(session) = &mut self.state else { return };
        self.effects.extend(session.tick(now));
        let requests: Vec<_> = std::iter::from_fn(|| session.next_request()).collect();
        self.answers.extend(session.answers());
        let state = session.state_to_store(now).filter(|_| !erases);
        let (view, wallet) = (view_message(&session.view(now)), session.wallet().address());
        let next = session.lock_at().into_iter().chain([session.next_tick()]).min();
        for (asked, request) in requests {
            self.fetch(request, Awaiting::Client(asked));
        }
        if let Some(state) = state {
            self.save(vec![stored::put_state(&state)], false, Awaiting::State);
        }
        if self.show(view) || self.tabs.take_tell() {
            let view = self.shown.get(1..).unwrap_or_default().to_vec();
            self.tell(&Word::See { visible: self.tabs.visible(), wallet, view });
        }
        self.wake(next);
    }

    /// Shows the page a view that differs from the one shown last; returns whether it does.
    fn show(&mut self, message: Vec<u8>) -> bool {
        let differs = message != self.shown;
        if differs {
            self.shown.clone_from(&message);
            self.effects.push(Effect::Post(Zeroizing::new(message)));
        }
        differs
    }

    fn tell(&mut self, word: &Word) {
        self.effects.push(Effect::Tell(codec::encode(word)));
    }

    fn wake(&mut self, at: Option<Time>) {
        if self.wake_at != at {
            self.wake_at = at;
            self.effects.extend(at.map(Effect::WakeAt));
        }
    }

    fn on_session(&mut self, act: impl FnOnce(&mut Session, &P)) {
        if let State::Running(session) = &mut self.state {
            act(session, &self.platform);
        }
    }

    fn save(&mut self, changes: Vec<Change>, claim: bool, awaiting: Awaiting) {
        let token = self.token(awaiting);
        self.effects.push(Effect::Save { token, changes, claim });
    }

    fn fetch(&mut self, request: Request, awaiting: Awaiting) {
        let token = self.token(awaiting);
        self.effects.push(Effect::Fetch { token, request });
    }

    fn token(&mut self, awaiting: Awaiting) -> Token {
        let token = Token(self.next_token);
        self.next_token += 1;
        self.awaiting.push((token, awaiting));
        token
    }
}

/// What is waiting for this answer; a handful waits at a time.
fn take(awaiting: &mut Vec<(Token, Awaiting)>, token: Token) -> Option<Awaiting> {
    let place = awaiting.iter().position(|(other, _)| *other == token)?;
    Some(awaiting.swap_remove(place).1)
}

/// A view as the page is told it.
fn view_message(view: &View) -> Vec<u8> {
    // As `FromWorker::View` is written, whose number is 0.
    codec::encode(&(0_u8, view))
}

fn encode(message: &FromWorker) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MESSAGE_BYTES));
    // Writing to memory does not fail, and a view grows it without a secret in it.
    let _: Result<(), std::io::Error> = borsh::BorshSerialize::serialize(message, &mut *bytes);
    bytes
}
