//! From what happened to what is to be done: ties answers to what asked for them.

use light_client::client::Client;
use web_protocol::{Answer, FromWorker, Problem, ToWorker};
use zeroize::Zeroizing;

use crate::{
    chain::{self, Asked, Chain},
    platform::{Change, Effect, FetchError, Input, Platform, Record, Request, Response, Token},
    session::{self, AfterSave, Reply, Session},
    stored::{self, Stored},
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
    awaiting: Vec<(Token, Awaiting)>,
    next_token: u64,
    effects: Vec<Effect>,
    answers: Vec<(u32, Result<Answer, Problem>)>,
    /// The view as it was last told.
    shown: Vec<u8>,
    /// The alarm that is set.
    wake_at: Option<light_client::data_format::Time>,
}

enum State {
    /// Nobody asked to start, or it failed.
    Idle,
    /// What is stored and the chain file are being read.
    Starting(Box<Starting>),
    /// At work.
    Running(Box<Session>),
}

/// What is there so far.
struct Starting {
    /// The command's number.
    number: u32,
    stored: Option<Stored>,
    file: Option<Result<Vec<u8>, FileError>>,
}

/// No chain file.
enum FileError {
    /// Nobody answered: the one stored last will do, it came from the same place.
    Unreachable(String),
    /// There is none.
    Missing(String),
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
    pub const fn new(platform: P, origin: String) -> Self {
        Self {
            platform,
            origin,
            state: State::Idle,
            awaiting: Vec::new(),
            next_token: 0,
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
            Input::Loaded(loaded) => self.loaded(loaded),
            Input::Saved { token, result } => self.saved(token, result),
            Input::Fetched { token, result } => self.fetched(token, result),
            Input::EventsOpened { server } => {
                self.on_session(|session, _| session.lines_mut().opened(server, now))
            }
            Input::Hint { .. } => self.on_session(|session, _| session.lines_mut().hint(now)),
            Input::EventsClosed { server } => {
                self.on_session(|session, _| session.lines_mut().closed(server, now))
            }
            Input::Woke => self.wake_at = None,
            Input::Persistent(persistent) => self.on_session(|session, _| session.set_persistent(persistent)),
        }
    }

    fn message(&mut self, ToWorker { number, command }: ToWorker) {
        match &mut self.state {
            State::Running(session) => match session.command(number, command, &self.platform) {
                Reply::Now(result) => self.answers.push((number, result)),
                Reply::Save(changes, after) => self.save(changes, Awaiting::Saved(number, after)),
                Reply::Fetch(request) => self.fetch(request, Awaiting::Coins(number)),
                Reply::Later => {}
                Reply::Ask(effect) => {
                    self.effects.push(effect);
                    self.answers.push((number, Ok(Answer::Done)));
                }
            },
            State::Idle if command == web_protocol::Command::Start => self.start(number),
            State::Idle | State::Starting(_) => {
                let problem = Problem::ChainFile("the wallet has not started yet".to_owned());
                self.answers.push((number, Err(problem)));
            }
        }
    }

    fn start(&mut self, number: u32) {
        self.state = State::Starting(Box::new(Starting { number, stored: None, file: None }));
        self.effects.push(Effect::Load);
        let request = Request {
            url: format!("{}/chain.json", self.origin),
            body: None,
            timeout_ms: CHAIN_FILE_TIMEOUT_MS,
            max_bytes: MAX_CHAIN_FILE_BYTES,
        };
        self.fetch(request, Awaiting::ChainFile);
    }

    fn loaded(&mut self, loaded: Result<Vec<Record>, String>) {
        let State::Starting(starting) = &mut self.state else { return };
        match loaded.and_then(Stored::read) {
            Ok(read) => {
                starting.stored = Some(read);
                self.open();
            }
            Err(words) => {
                self.answers.push((starting.number, Err(Problem::Storage(words))));
                self.state = State::Idle;
            }
        }
    }

    fn chain_file(&mut self, result: Result<Response, FetchError>) {
        let State::Starting(starting) = &mut self.state else { return };
        starting.file = Some(match result {
            Ok(Response { status: 200, body }) => Ok(body),
            Ok(Response { status: status @ 500.., .. }) => {
                Err(FileError::Unreachable(format!("HTTP status {status}")))
            }
            Ok(Response { status, .. }) => Err(FileError::Missing(format!("HTTP status {status}"))),
            Err(error @ FetchError::TooLong) => Err(FileError::Missing(error.to_string())),
            Err(error) => Err(FileError::Unreachable(error.to_string())),
        });
        self.open();
    }

    /// Starts to work once everything is read.
    fn open(&mut self) {
        let State::Starting(starting) = &mut self.state else { return };
        let number = starting.number;
        if starting.stored.is_none() || starting.file.is_none() {
            return;
        }
        let (Some(stored), Some(file)) = (starting.stored.take(), starting.file.take()) else { return };
        let (file, is_new) = match (file, &stored.chain_file) {
            (Ok(file), known) => {
                let is_new = known.as_ref() != Some(&file);
                (Ok(file), is_new)
            }
            (Err(FileError::Unreachable(_)), Some(known)) => (Ok(known.clone()), false),
            (Err(FileError::Unreachable(words) | FileError::Missing(words)), _) => {
                (Err(Problem::ChainFile(words)), false)
            }
        };
        let read = |file: Vec<u8>| chain::read_chain_file(&file, &self.origin).map(|client| (client, file));
        match file.and_then(read) {
            Ok((client, file)) => {
                let mut changes = self.run(client, stored);
                if is_new {
                    changes.push(stored::put_chain_file(&file));
                }
                if !changes.is_empty() {
                    self.save(changes, Awaiting::State);
                }
                self.effects.push(Effect::AskPersistent);
                self.answers.push((number, Ok(Answer::Done)));
            }
            Err(problem) => {
                self.state = State::Idle;
                self.answers.push((number, Err(problem)));
            }
        }
    }

    fn run(&mut self, client: Client, stored: Stored) -> Vec<Change> {
        let state = stored.state.as_ref().filter(|state| state.chain == *client.chain());
        let chain = Chain::new(client, state);
        let (session, changes) = Session::new(chain, stored, self.platform.now());
        self.state = State::Running(Box::new(session));
        changes
    }

    fn saved(&mut self, token: Token, result: Result<(), String>) {
        let State::Running(session) = &mut self.state else { return };
        let now = self.platform.now();
        match take(&mut self.awaiting, token) {
            Some(Awaiting::Saved(number, after)) => {
                let answer = result.map_err(Problem::Storage).map(|()| session.saved(after, now));
                self.answers.push((number, answer));
            }
            Some(Awaiting::State) => session.state_saved(result, now),
            _ => {}
        }
    }

    fn fetched(&mut self, token: Token, result: Result<Response, FetchError>) {
        match take(&mut self.awaiting, token) {
            Some(Awaiting::ChainFile) => self.chain_file(result),
            Some(Awaiting::Client(asked)) => {
                self.on_session(|session, platform| session.respond(asked, result, platform));
            }
            Some(Awaiting::Coins(number)) => self.answers.push((number, session::coins_answer(result))),
            _ => {}
        }
    }

    /// Does what follows: requests, lines, storage, the view, the answers and the alarm.
    fn go_on(&mut self) {
        let now = self.platform.now();
        if let State::Running(session) = &mut self.state {
            self.effects.extend(session.tick(now));
            let requests: Vec<_> = std::iter::from_fn(|| session.next_request()).collect();
            self.answers.extend(session.answers());
            let state = session.state_to_store(now);
            let (view, next) = (session.view(now), session.next_tick());
            for (asked, request) in requests {
                self.fetch(request, Awaiting::Client(asked));
            }
            if let Some(state) = state {
                self.save(vec![stored::put_state(&state)], Awaiting::State);
            }
            self.show(FromWorker::View(Box::new(view)));
            if self.wake_at != Some(next) {
                self.wake_at = Some(next);
                self.effects.push(Effect::WakeAt(next));
            }
        }
        // After the view: who is told that something is done can see it.
        for (number, result) in std::mem::take(&mut self.answers) {
            let message = encode(&FromWorker::Answer { number, result });
            self.effects.push(Effect::Post(message));
        }
    }

    fn show(&mut self, view: FromWorker) {
        let message = encode(&view);
        if *message != self.shown {
            self.shown.clone_from(&message);
            self.effects.push(Effect::Post(message));
        }
    }

    fn on_session(&mut self, act: impl FnOnce(&mut Session, &P)) {
        if let State::Running(session) = &mut self.state {
            act(session, &self.platform);
        }
    }

    fn save(&mut self, changes: Vec<Change>, awaiting: Awaiting) {
        let token = self.token(awaiting);
        self.effects.push(Effect::Save { token, changes });
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

fn encode(message: &FromWorker) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MESSAGE_BYTES));
    // Writing to memory does not fail, and a view grows it without a secret in it.
    let _: Result<(), std::io::Error> = borsh::BorshSerialize::serialize(message, &mut *bytes);
    bytes
}
