use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    Client, Event, Health, PaymentState, Server,
    server::{mixed, scattered},
};
use crate::{
    client::{AccountBundle, Anchor, Bundle, HeaderBundle, HistoryPage, TransactionBundle, Trusted},
    consensus::spos::HandOver,
    data_format::{Address, BlockId, Height, Time, TransactionId},
    transaction::Submission,
};

/// Names a request; never used twice by one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// HTTP GET.
    Get,
    /// HTTP POST of `application/octet-stream`.
    Post,
}

/// A request for the host to send. Hosts answer each with [`Client::respond`], once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// To answer it by.
    pub id: RequestId,
    /// The server, by index.
    pub server: usize,
    /// How.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// The body; empty for GET.
    pub body: Vec<u8>,
    /// How long to wait, in milliseconds.
    pub timeout_ms: u64,
    /// Bytes of the answer's body, at most; the host stops reading there and answers
    /// [`TransportError::TooLong`].
    pub max_bytes: usize,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// No answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The server cannot be reached, as the host says.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the server did not answer in time")]
    Timeout,
    /// The answer is longer than any honest one.
    #[error("the answer is longer than it may be")]
    TooLong,
}

/// What a request under way is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Purpose {
    Chain,
    Anchor,
    HandOver,
    Account(Address),
    /// The records before this many.
    History(Address, u64),
    Submit(TransactionId),
    Transaction(TransactionId),
    /// Whether another server's final block is on the chain of the one that is asked.
    Header(Compared),
}

/// A final block that one server proved, about which another one is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Compared {
    /// The server that proved it.
    #[borsh(skip)]
    pub(super) behind: usize,
    pub(super) height: Height,
    pub(super) id: BlockId,
}

impl Purpose {
    /// Bytes of an answer, at most.
    const fn max_bytes(self) -> usize {
        match self {
            Self::Chain | Self::Submit(_) => MAX_STATUS_BYTES,
            Self::Anchor => Anchor::MAX_BYTES,
            Self::HandOver => HandOver::MAX_BYTES,
            Self::Account(_) => AccountBundle::MAX_BYTES,
            Self::History(..) => HistoryPage::MAX_BYTES,
            Self::Transaction(_) => TransactionBundle::MAX_BYTES,
            Self::Header(_) => HeaderBundle::MAX_BYTES,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) id: RequestId,
    pub(super) server: usize,
    pub(super) purpose: Purpose,
    pub(super) sent: Time,
    pub(super) deadline: Time,
    /// The block that it was asked from: the answer is proven from there.
    pub(super) base: Trusted,
    /// Whether that was the trusted block: only then may the answer move what is trusted.
    pub(super) from_trusted: bool,
}

const TIMEOUT_MS: u64 = 10_000;
/// The host's own time-out comes first; this one is for hosts that forget.
const GRACE_MS: u64 = 2_000;
const MAX_STATUS_BYTES: usize = 64 * 1024;
/// History records in one answer that a wallet asks for.
pub(super) const PAGE_RECORDS: u64 = 50;

/// While nobody looks and no payment is open: often enough that what is trusted never grows old.
const IDLE_PAUSE_MS: u64 = 3_600_000;
/// An address goes to another server after so many answers in a row that prove nothing new.
const MAX_USELESS: u8 = 3;
/// A payment that no server has shown in a block after so many blocks' time goes to every server.
const PATIENCE_BLOCKS: u64 = 4;

impl Client {
    /// Asks what is due: the accounts on screen, the newest final block, and the open payments.
    pub(super) fn poll(&mut self, now: Time) {
        let engine = self.verifier.engine();
        let round = engine.final_every_ms().clamp(2_000, 60_000);
        let block = engine.block_interval_ms().clamp(1_000, round);
        let rests = self.rests();
        let pause = match (rests, self.has_open_payments()) {
            (true, _) => IDLE_PAUSE_MS - scattered(now.0) % (IDLE_PAUSE_MS / 4),
            (false, true) => block,
            (false, false) => round,
        };
        self.next_poll = now.plus_ms(pause);
        if self.fork.is_some() {
            return;
        }
        self.keep_needed();
        if !rests {
            let accounts: Vec<Address> = self.accounts.iter().map(|(address, _)| *address).collect();
            for address in accounts {
                self.ask_account(address, now);
            }
        }
        self.ask_anchors(rests, now);
        let open: Vec<TransactionId> =
            self.payments.iter().filter(|(_, p)| !p.is_settled()).map(|(id, _)| *id).collect();
        for id in open {
            self.follow(id, now);
        }
    }

    /// Whether nothing has to be proven soon: nobody looks, and no payment is open.
    pub(super) fn rests(&self) -> bool {
        !self.watched && !self.has_open_payments()
    }

    fn has_open_payments(&self) -> bool {
        self.payments.are_open()
    }

    /// Asks for the newest final block: whoever was never asked, or has to be asked on its own, and besides those who are
    /// asked for accounts one server more, each in its turn. So two are heard whenever there are two, and none for ever
    /// alone.
    fn ask_anchors(&mut self, rests: bool, now: Time) {
        let every = self.trust_expired(now);
        if every && !self.has_operators() {
            return;
        }
        let count = self.servers.len();
        let mut heard = 0;
        for server in 0..count {
            let new = *self.servers[server].health() == Health::Unknown;
            let alone = every || self.servers[server].goes_own_way();
            if (alone || (new && !rests)) && !self.is_asked(server) {
                self.ask_anchor(server, now);
            }
            heard += usize::from(self.is_asked(server));
        }
        let wanted = if rests { 1 } else { (heard + 1).max(2) };
        for step in 0..count {
            let server = (self.turn + step) % count;
            if heard < wanted && !self.is_asked(server) {
                self.ask_anchor(server, now);
                if self.is_asked(server) {
                    heard += 1;
                    self.turn = server + 1;
                }
            }
        }
    }

    /// Whether two servers are of different operators: one alone can vouch for nothing.
    fn has_operators(&self) -> bool {
        let mut operators = self.servers.iter().map(Server::operator);
        operators.next().is_some_and(|first| operators.any(|other| other != first))
    }

    /// Whether an answer of a server that proves a final block is waited for.
    fn is_asked(&self, server: usize) -> bool {
        let proves = |purpose| matches!(purpose, Purpose::Anchor | Purpose::HandOver | Purpose::Account(_));
        self.pending.iter().any(|pending| pending.server == server && proves(pending.purpose))
    }

    /// Asks for an open payment: where it is, and submits it again if nobody seems to have it.
    fn follow(&mut self, id: TransactionId, now: Time) {
        let engine = self.verifier.engine();
        let patience = engine.block_interval_ms().saturating_mul(PATIENCE_BLOCKS);
        let resend_after = engine.final_every_ms().saturating_mul(2);
        let Some(payment) = self.payments.get(&id) else { return };
        let may_spread = !payment.everywhere && self.servers.len() > 1;
        // How long its server could have answered since: not while the device slept, nor by a clock that was set back.
        let waited = |since: Time| now.ms_since(if since > now { self.awake } else { since.max(self.awake) });
        let (due, everywhere) = match payment.sent_at {
            None => (true, payment.everywhere || waited(payment.since) >= patience),
            Some(at) if may_spread => (waited(at) >= patience, true),
            Some(at) => (at > now || now.ms_since(at) > resend_after, true),
        };
        // That it is in a block is one server's word, until it should have become final.
        let waits = match payment.state {
            PaymentState::InBlock { at, .. } => waited(at) > engine.final_late_ms(),
            _ => true,
        };
        if due && waits {
            self.ask_submit(id, everywhere, now);
        }
        self.ask_transaction(id, now);
    }

    pub(super) fn ask_account(&mut self, address: Address, now: Time) {
        let known = self.accounts.get(&address).map_or(0, super::AccountState::known);
        let trusted = self.trusted.id;
        let path =
            format!("/v1/accounts/{address}/bundle?trusted={trusted}&known={known}&records={PAGE_RECORDS}");
        self.ask_home(Purpose::Account(address), address, path, now);
    }

    pub(super) fn ask_history(&mut self, address: Address, now: Time) {
        let Some(account) = self.accounts.get(&address) else { return };
        let before = account.history().before().count;
        if before > 0 {
            let path = format!("/v1/accounts/{address}/history?before={before}&limit={PAGE_RECORDS}");
            self.ask_home(Purpose::History(address, before), address, path, now);
        }
    }

    /// Asks for a payment's block: the server that is asked for the sender's account, or each in its turn once all of them
    /// know the payment.
    fn ask_transaction(&mut self, id: TransactionId, now: Time) {
        let Some(payment) = self.payments.get(&id) else { return };
        let (purpose, everywhere) = (Purpose::Transaction(id), payment.everywhere);
        let path = format!("/v1/transactions/{id}/bundle?trusted={}", self.trusted.id);
        if !everywhere {
            return self.ask_home(purpose, payment.sender(self.spec.network), path, now);
        }
        let (count, turn) = (self.servers.len(), payment.turn);
        let mut in_turn = (turn..turn + count).map(|step| step % count);
        if self.may_ask_fact(purpose, now)
            && let Some(server) = in_turn.find(|server| self.servers[*server].may_prove(now))
        {
            if let Some(payment) = self.payments.get_mut(&id) {
                payment.turn = server + 1;
            }
            self.ask_fact(server, purpose, &path, now);
        }
    }

    /// Submits a payment: to the server that is asked for the sender's account anyway, or to all of them.
    pub(super) fn ask_submit(&mut self, id: TransactionId, everywhere: bool, now: Time) {
        if !self.may_prove(now) {
            return;
        }
        let Some(payment) = self.payments.get(&id) else { return };
        let sender = payment.sender(self.spec.network);
        let body = Submission { chain: *self.chain(), signed: payment.signed.clone() }.encode();
        let home = self.home(sender, now);
        let mut asked = false;
        for server in 0..self.servers.len() {
            let meant = everywhere || Some(server) == home;
            if meant && self.servers[server].may_ask(now) && !self.is_asking(server, Purpose::Submit(id)) {
                let purpose = Purpose::Submit(id);
                self.send(server, purpose, Method::Post, "/v1/transactions", body.clone(), now);
                asked = true;
            }
        }
        if let (true, Some(payment)) = (asked, self.payments.get_mut(&id)) {
            payment.sent_at = Some(now);
            payment.everywhere |= everywhere;
        }
    }

    fn ask_anchor(&mut self, server: usize, now: Time) {
        if self.servers[server].may_ask(now) && !self.is_asking(server, Purpose::Anchor) {
            let path = format!("/v1/beacon?trusted={}", self.base(server, now).id);
            self.check_chain(server, now);
            self.send(server, Purpose::Anchor, Method::Get, &path, Vec::new(), now);
        }
    }

    /// Asks a server for the steps that lead from the trusted block to its newest final one.
    pub(super) fn ask_hand_over(&mut self, server: usize, now: Time) {
        if !self.is_asking(server, Purpose::HandOver) {
            let path = format!("/v1/handover?trusted={}", self.base(server, now).id);
            self.send(server, Purpose::HandOver, Method::Get, &path, Vec::new(), now);
        }
    }

    /// Asks a server for the header at the height of a final block that another one proved.
    pub(super) fn ask_header(&mut self, server: usize, compared: Compared, now: Time) {
        let (height, trusted) = (compared.height, self.base(server, now).id);
        let path = format!("/v1/headers/{height}/bundle?trusted={trusted}");
        self.send(server, Purpose::Header(compared), Method::Get, &path, Vec::new(), now);
    }

    /// Asks a server which chain it serves.
    pub(super) fn ask_chain(&mut self, server: usize, now: Time) {
        if !self.is_asking(server, Purpose::Chain) {
            self.send(server, Purpose::Chain, Method::Get, "/v1/status", Vec::new(), now);
        }
    }

    fn check_chain(&mut self, server: usize, now: Time) {
        if self.servers[server].chain_unchecked() {
            self.ask_chain(server, now);
        }
    }

    /// Whether what servers answer can be proven now: what is trusted is neither too old nor in doubt.
    pub(super) fn may_prove(&self, now: Time) -> bool {
        self.fork.is_none() && !self.trust_expired(now)
    }

    /// Asks the server that is asked for this address anyway.
    fn ask_home(&mut self, purpose: Purpose, address: Address, path: String, now: Time) {
        if self.may_ask_fact(purpose, now)
            && let Some(server) = self.home(address, now)
        {
            self.ask_fact(server, purpose, &path, now);
        }
    }

    /// Whether the answer could be used, and nobody is being asked for it.
    fn may_ask_fact(&self, purpose: Purpose, now: Time) -> bool {
        self.may_prove(now) && !self.pending.iter().any(|pending| pending.purpose == purpose)
    }

    fn ask_fact(&mut self, server: usize, purpose: Purpose, path: &str, now: Time) {
        self.check_chain(server, now);
        self.send(server, purpose, Method::Get, path, Vec::new(), now);
    }

    /// The server that is asked about an address: always the same one, so that the others do not learn of it. Addresses
    /// are spread evenly, so none learns of all where more than one answers. One that is absent for longer gives its
    /// addresses away for good: a wallet that shows nothing would be worse, and coming back would tell both.
    fn home(&mut self, address: Address, now: Time) -> Option<usize> {
        let account = self.accounts.get(&address);
        let known = account.and_then(|account| account.home);
        let stuck = account.is_some_and(|account| account.useless >= MAX_USELESS);
        let home = known.and_then(|name| self.servers.iter().find(|server| server.name() == name));
        if let Some(server) = home.filter(|server| !stuck && server.is_awaited(now)) {
            let name = server.name();
            let may_prove = server.may_prove(now);
            return self.servers.iter().position(|server| may_prove && server.name() == name);
        }
        let load = |server: &Server| {
            let others = self.accounts.iter().filter(|(other, _)| **other != address);
            others.filter(|(_, account)| account.home == Some(server.name())).count()
        };
        // Another only if it does better, or the address would move whenever the device has no network.
        let own = |server: &Server| known == Some(server.name());
        let better = |server: &Server| home.is_none_or(|home| own(server) || server.is_better_than(home));
        let usable = self.servers.iter().enumerate();
        let usable = usable.filter(|(_, server)| server.may_prove(now) && better(server));
        // Of equal ones the same each time, also if what was known of the address was forgotten.
        let (place, server) = usable.min_by_key(|(_, server)| {
            (own(server), load(server), server.score(), mixed(server.name(), address.as_bytes()))
        })?;
        let name = server.name();
        if let Some(account) = self.accounts.get_mut(&address) {
            account.home = Some(name);
            account.useless = 0;
        }
        Some(place)
    }

    /// The server that is asked about a watched account, by index; `None` before any was.
    pub fn home_of(&self, address: &Address) -> Option<usize> {
        let name = self.accounts.get(address)?.home?;
        self.servers.iter().position(|server| server.name() == name)
    }

    fn is_asking(&self, server: usize, purpose: Purpose) -> bool {
        self.pending.iter().any(|pending| pending.server == server && pending.purpose == purpose)
    }

    fn send(
        &mut self,
        server: usize,
        purpose: Purpose,
        method: Method,
        path: &str,
        body: Vec<u8>,
        now: Time,
    ) {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        let deadline = now.plus_ms(TIMEOUT_MS + GRACE_MS);
        let base = self.base(server, now).clone();
        let from_trusted = base == self.trusted && self.may_prove(now);
        self.pending.push(Pending { id, server, purpose, sent: now, deadline, base, from_trusted });
        let url = format!("{}{path}", self.servers[server].url());
        let max_bytes = purpose.max_bytes();
        self.outbox.push_back(Request { id, server, method, url, body, timeout_ms: TIMEOUT_MS, max_bytes });
    }

    /// Gives up requests that the host never answered.
    pub(super) fn give_up_late(&mut self, now: Time) {
        let is_late = |pending: &&Pending| pending.deadline.is_over(TIMEOUT_MS + GRACE_MS, now);
        let late: Vec<RequestId> = self.pending.iter().filter(is_late).map(|pending| pending.id).collect();
        for id in late {
            self.respond(id, Err(TransportError::Timeout), now);
        }
    }

    pub(super) fn note_unreachable(&mut self, server: usize, now: Time) {
        if self.servers[server].unreachable(now) {
            self.events.push_back(Event::Server(server));
        }
        if let (Health::Unreachable { retry_at }, false) = (self.servers[server].health(), self.rests()) {
            self.next_poll = self.next_poll.min(*retry_at);
        }
    }
}
