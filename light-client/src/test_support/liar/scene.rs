//! A client that asks a server, which lies about one thing and is honest about the rest.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock},
};

use super::lies::Sent;
use crate::{
    client::{Client, Health, PaymentState, Request, Response, TransportError, Trusted},
    consensus::spos::{Certificate, Electorate},
    data_format::{Address, Round, Time},
    state::HistoryRecord,
    test_support::{chain::ScriptedChain, server::ScriptedServer},
};

/// Requests that a client may make while it is lied to, at most.
const MAX_REQUESTS: usize = 60;
/// Times that a client's clock goes on.
const TICKS: usize = 3;

type Start = Box<dyn Fn(&mut Client, Time) + Send + Sync>;

/// What a client does to be lied to.
pub(super) struct Scene {
    server: Mutex<ScriptedServer>,
    /// Honest answers by what was asked: a server's answers do not change while nothing is minted.
    answers: Mutex<BTreeMap<(String, Vec<u8>), Response>>,
    /// Blocks that are final.
    finals: Vec<Trusted>,
    /// How many signed for each of them, and could have.
    votes: BTreeMap<Round, (u32, u32)>,
    trusted: Trusted,
    saved: Option<Vec<u8>>,
    now: Time,
    path: String,
    start: Start,
    expected: OnceLock<Expected>,
}

/// What a person can see of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    trusted: Trusted,
    signatures: Option<(u32, u32)>,
    accounts: Vec<Account>,
    payments: Vec<String>,
}

/// What can be seen of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    address: Address,
    /// The record, and the block it is proven at.
    proven: String,
    /// Records there are, and those shown, oldest first.
    count: u64,
    records: Vec<HistoryRecord>,
}

/// What may be shown.
struct Expected {
    /// Before anything is asked; after honest answers; after other true ones.
    at_first: Vec<Shown>,
    honest: Shown,
}

/// How a client came out of a lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing false was shown; the server counts as this.
    Fine {
        /// One word for the server's health.
        server: &'static str,
    },
    /// Something went wrong.
    Wrong(String),
}

impl Scene {
    /// A client that trusts a block asks the server of a chain for what is at a path, such as `accounts/…/bundle`.
    pub(super) fn new(
        chain: ScriptedChain,
        trusted: &Trusted,
        finals: &[Trusted],
        path: impl Into<String>,
        start: impl Fn(&mut Client, Time) + Send + Sync + 'static,
    ) -> Self {
        let now = chain.now();
        let count = |certificate: &Certificate| {
            let step = chain.step(certificate).0;
            let possible = Electorate::new(&step.target, &step.source).len();
            (u32::try_from(certificate.signers.len()).unwrap(), u32::try_from(possible).unwrap())
        };
        let votes = chain.certified.iter().map(|(round, certificate)| (*round, count(certificate))).collect();
        let mut server = ScriptedServer::new(chain);
        finals.iter().for_each(|known| server.know(known.clone()));
        Self {
            server: Mutex::new(server),
            answers: Mutex::default(),
            finals: finals.to_vec(),
            votes,
            trusted: trusted.clone(),
            saved: None,
            now,
            path: path.into(),
            start: Box::new(start),
            expected: OnceLock::new(),
        }
    }

    /// The client has done something honestly before.
    pub(super) fn after(self, before: impl Fn(&mut Client, Time)) -> Self {
        let saved = self.saved_after(before);
        self.restored(saved)
    }

    /// What a client keeps that did something honestly.
    pub(super) fn saved_after(&self, done: impl Fn(&mut Client, Time)) -> Vec<u8> {
        let mut client = self.client();
        done(&mut client, self.now);
        self.talk(&mut client, self.now, None).unwrap();
        client.save()
    }

    /// The client goes on from what it kept.
    pub(super) fn restored(self, saved: Vec<u8>) -> Self {
        Self { saved: Some(saved), ..self }
    }

    /// Lies to the client wherever it asks for the message, then is honest, then lies again. What `others` say is true as
    /// well; if the lie is what an honest server sends that `is_behind`, it must not count as one.
    pub(super) fn play<'a>(
        &self,
        lie: &Sent,
        is_behind: bool,
        others: impl Iterator<Item = &'a Vec<u8>>,
    ) -> Ending {
        let expected = self.expected.get_or_init(|| self.expect(others));
        match self.try_play(lie, is_behind, expected) {
            Ok(server) => Ending::Fine { server },
            Err(wrong) => Ending::Wrong(wrong),
        }
    }

    fn try_play(&self, lie: &Sent, is_behind: bool, expected: &Expected) -> Result<&'static str, String> {
        let (mut client, mut now) = (self.client(), self.now);
        let server = self.ask(&mut client, &mut now, Some(lie))?;
        self.check(&Shown::of(&client), &expected.at_first, self.trusted.round)?;
        // What was said must not stay: an honest answer is believed as ever.
        now = now.plus_ms(30_000);
        client.refresh(now);
        let honest = self.ask(&mut client, &mut now, None)?;
        let newest = expected.honest.trusted.round;
        let only_honest = std::slice::from_ref(&expected.honest);
        self.check(&Shown::of(&client), only_honest, newest)
            .map_err(|wrong| format!("after honest answers {wrong}"))?;
        if Shown::of(&client).payments != expected.honest.payments {
            return Err(format!("shows after honest answers {:?}", Shown::of(&client).payments));
        }
        let again = self.ask(&mut client, &mut now, Some(lie))?;
        self.check(&Shown::of(&client), only_honest, newest)
            .map_err(|wrong| format!("lied to again {wrong}"))?;
        if honest != GOOD || is_behind && (server == LYING || again == LYING) {
            return Err(format!(
                "calls an honest server {honest}, and one that is behind {server} and {again}"
            ));
        }
        Ok(server)
    }

    /// What a client shows that was told the truth.
    fn expect<'a>(&self, others: impl Iterator<Item = &'a Vec<u8>>) -> Expected {
        let told = |answer: Option<&Sent>| {
            let (mut client, mut now) = (self.client(), self.now);
            self.ask(&mut client, &mut now, answer).unwrap();
            Shown::of(&client)
        };
        let others = others.map(|body| told(Some(&Sent::Answer { status: 200, body: body.clone() })));
        let honest = told(None);
        let mut asking = self.client();
        (self.start)(&mut asking, self.now);
        let at_first = [Shown::of(&asking), honest.clone()].into_iter().chain(others).collect();
        Expected { at_first, honest }
    }

    /// Lets the client ask, and its clock go on a few times; gives a word for how it sees the server.
    fn ask(&self, client: &mut Client, now: &mut Time, lie: Option<&Sent>) -> Result<&'static str, String> {
        (self.start)(client, *now);
        self.talk(client, *now, lie)?;
        for _ in 0..TICKS {
            *now = client.next_tick().max(now.plus_ms(1));
            client.tick(*now);
            self.talk(client, *now, lie)?;
        }
        Ok(word(client.servers()[0].health()))
    }

    fn client(&self) -> Client {
        let spec = self.server.lock().unwrap().chain.spec().clone();
        let mut client = Client::new(spec, self.trusted.clone(), ["http://one".to_owned()]);
        if let Some(saved) = &self.saved {
            client.restore(saved).unwrap();
        }
        client
    }

    /// Answers all requests, those for the message with a lie; gives how many there were.
    fn talk(&self, client: &mut Client, now: Time, lie: Option<&Sent>) -> Result<usize, String> {
        for served in 0..MAX_REQUESTS {
            let Some(request) = client.next_request() else { return Ok(served) };
            let asked = request.url.trim_start_matches("http://one/v1/");
            let asked = asked.split('?').next().unwrap_or_default();
            let answer = match lie.filter(|_| asked == self.path) {
                None => Ok(self.honest(&request)),
                Some(Sent::Nothing) => continue,
                Some(Sent::Answer { body, .. }) if body.len() > request.max_bytes => {
                    Err(TransportError::TooLong)
                }
                Some(Sent::Answer { status, body }) => Ok(Response { status: *status, body: body.clone() }),
            };
            client.respond(request.id, answer, now);
        }
        Err(format!("more than {MAX_REQUESTS} requests at once"))
    }

    fn honest(&self, request: &Request) -> Response {
        let asked = (request.url.clone(), request.body.clone());
        let mut answers = self.answers.lock().unwrap();
        let answer = || self.server.lock().unwrap().answer(request);
        answers.entry(asked).or_insert_with(answer).clone()
    }

    /// Whether all that is shown is true: as one of these, or nothing; and the trusted block is final, and none before
    /// round `since`.
    fn check(&self, shown: &Shown, known: &[Shown], since: Round) -> Result<(), String> {
        let any = |part: &dyn Fn(&Shown) -> bool| known.iter().any(part);
        let trusted = &shown.trusted;
        if trusted.round < since || !self.finals.contains(trusted) {
            return Err(format!("trusts {trusted:?}"));
        }
        let counted = shown.signatures.is_none_or(|(signed, possible)| {
            let (all, voters) = self.votes[&trusted.round];
            let least = trusted.tables.as_ref().map_or(0, |tables| tables.in_force.quorum());
            possible == voters && signed <= all && signed as usize >= least
        });
        if !counted || shown.signatures.is_none() && known.iter().all(|known| known.signatures.is_some()) {
            return Err(format!("shows signatures {:?}", shown.signatures));
        }
        for (at, account) in shown.accounts.iter().enumerate() {
            let is_known = |known: &Shown| {
                let known = &known.accounts[at];
                known.proven == account.proven && known.records.len() <= account.records.len()
            };
            // More of the history than was asked for may be there, if it is the history.
            let shown = account.records.len() as u64;
            let page = self.server.lock().unwrap().chain.history_page(&account.address, account.count, shown);
            if !any(&is_known) || page.records != account.records {
                return Err(format!("shows {account:?}"));
            }
        }
        for (at, payment) in shown.payments.iter().enumerate() {
            if payment != NOTHING && !any(&|known| known.payments.get(at) == Some(payment)) {
                return Err(format!("shows payment {payment}"));
            }
        }
        Ok(())
    }
}

const NOTHING: &str = "not proven";
const GOOD: &str = "good";
const LYING: &str = "lying";

impl Shown {
    fn of(client: &Client) -> Self {
        let accounts = client.accounts().map(|(address, account)| {
            let (proven, records) = (account.proven(), account.history().records().to_vec());
            let record = proven.and_then(|proven| proven.record.as_ref());
            let place = proven.map(|proven| (proven.id, proven.height, proven.slot));
            let count = record.map_or(0, |record| record.history_count);
            Account { address: *address, proven: format!("{place:?} {record:?}"), count, records }
        });
        let payments = client.payments().map(|(id, payment)| match &payment.state {
            PaymentState::Signed | PaymentState::Submitted | PaymentState::Refused { .. } => {
                NOTHING.to_owned()
            }
            PaymentState::InBlock { height, slot, .. } => format!("{id} in block {height} {slot}"),
            proven => format!("{id} {proven:?}"),
        });
        Self {
            trusted: client.trusted().clone(),
            signatures: client.signatures(),
            accounts: accounts.collect(),
            payments: payments.collect(),
        }
    }
}

const fn word(health: &Health) -> &'static str {
    match health {
        Health::Unknown => "not judged",
        Health::Good => GOOD,
        Health::Unreachable { .. } => "unreachable",
        Health::OtherChain { .. } => "of another chain",
        Health::Lying { .. } => LYING,
    }
}
