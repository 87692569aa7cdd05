use super::{Client, Event, Health, PaymentState};
use crate::{
    client::{AccountBundle, Anchor, Bundle, HistoryPage, TransactionBundle},
    consensus::spos::{HandOver, Tables},
    crypto::Hash,
    data_format::{Address, BlockId, Time, TransactionId},
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Chain,
    Anchor,
    /// The way on from this trusted block.
    HandOver(BlockId),
    Account(Address),
    History(Address),
    Submit(TransactionId),
    Transaction(TransactionId),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) id: RequestId,
    pub(super) server: usize,
    pub(super) purpose: Purpose,
    pub(super) deadline: Time,
    /// The slot tables trusted when it was sent, as a header commits to them: answers tell theirs as changes to those.
    pub(super) tables: Option<Hash>,
}

const TIMEOUT_MS: u64 = 10_000;
/// The host's own time-out comes first; this one is for hosts that forget.
const GRACE_MS: u64 = 2_000;
const MAX_STATUS_BYTES: usize = 64 * 1024;
/// History records in one answer that a wallet asks for.
pub(super) const PAGE_RECORDS: u64 = 50;

impl Client {
    /// Asks what is due: the accounts on screen, or else the newest final block, and the open payments.
    pub(super) fn poll(&mut self, now: Time) {
        let round = self.verifier.engine().final_every_ms().clamp(2_000, 60_000);
        let open = self.payments.values().any(|payment| !payment.is_settled());
        let pause = if open { self.verifier.engine().block_interval_ms().clamp(1_000, round) } else { round };
        self.next_poll = now.plus_ms(pause);
        if self.trust_expired(now) {
            return;
        }
        let accounts: Vec<Address> = self.accounts.keys().copied().collect();
        for address in &accounts {
            self.ask_account(*address, now);
        }
        let favourite = self.choose_server(now);
        // The other servers are asked for the newest final block alone: they must agree.
        for server in 0..self.servers.len() {
            if accounts.is_empty() || Some(server) != favourite {
                self.ask_anchor(server, now);
            }
        }
        let open: Vec<TransactionId> =
            self.payments.iter().filter(|(_, p)| !p.is_settled()).map(|(id, _)| *id).collect();
        for id in open {
            self.follow(id, now);
        }
    }

    /// Asks for an open payment: where it is, and submits it again if nobody seems to have it.
    fn follow(&mut self, id: TransactionId, now: Time) {
        let resend_after = self.verifier.engine().final_every_ms().saturating_mul(2);
        let Some(payment) = self.payments.get(&id) else { return };
        let quiet = payment.sent_at.is_none_or(|at| now.ms_since(at) > resend_after);
        let waiting = !matches!(payment.state, PaymentState::InBlock { .. });
        if waiting && quiet {
            self.ask_submit(id, now);
        }
        self.ask_transaction(id, now);
    }

    pub(super) fn ask_account(&mut self, address: Address, now: Time) {
        let known = self.accounts.get(&address).map_or(0, super::AccountState::known);
        let trusted = self.trusted.id;
        let path =
            format!("/v1/accounts/{address}/bundle?trusted={trusted}&known={known}&records={PAGE_RECORDS}");
        self.ask_any(Purpose::Account(address), path, AccountBundle::MAX_BYTES, now);
    }

    pub(super) fn ask_history(&mut self, address: Address, now: Time) {
        let Some(account) = self.accounts.get(&address) else { return };
        let before = account.history().before().count;
        if before > 0 {
            let path = format!("/v1/accounts/{address}/history?before={before}&limit={PAGE_RECORDS}");
            self.ask_any(Purpose::History(address), path, HistoryPage::MAX_BYTES, now);
        }
    }

    fn ask_transaction(&mut self, id: TransactionId, now: Time) {
        let path = format!("/v1/transactions/{id}/bundle?trusted={}", self.trusted.id);
        self.ask_any(Purpose::Transaction(id), path, TransactionBundle::MAX_BYTES, now);
    }

    pub(super) fn ask_submit(&mut self, id: TransactionId, now: Time) {
        if self.trust_expired(now) {
            return;
        }
        let Some(payment) = self.payments.get_mut(&id) else { return };
        let chain = *self.verifier.chain();
        let body = Submission { chain, signed: payment.signed.clone() }.encode();
        payment.sent_at = Some(now);
        // A payment goes to every server that can be asked: one may keep it to itself.
        let mut asked = false;
        for server in 0..self.servers.len() {
            if self.servers[server].may_ask(now) && !self.is_asking(server, Purpose::Submit(id)) {
                self.send(
                    server,
                    Purpose::Submit(id),
                    Method::Post,
                    "/v1/transactions",
                    body.clone(),
                    MAX_STATUS_BYTES,
                    now,
                );
                asked = true;
            }
        }
        if !asked && let Some(payment) = self.payments.get_mut(&id) {
            payment.sent_at = None;
        }
    }

    fn ask_anchor(&mut self, server: usize, now: Time) {
        if self.servers[server].may_ask(now) && !self.is_asking(server, Purpose::Anchor) {
            let path = format!("/v1/beacon?trusted={}", self.trusted.id);
            self.check_chain(server, now);
            self.send(server, Purpose::Anchor, Method::Get, &path, Vec::new(), Anchor::MAX_BYTES, now);
        }
    }

    /// Asks a server for the steps that lead from the trusted block to its newest final one; one server at a time.
    pub(super) fn ask_hand_over(&mut self, server: usize, now: Time) {
        if !self.pending.iter().any(|pending| matches!(pending.purpose, Purpose::HandOver(_))) {
            let trusted = self.trusted.id;
            let path = format!("/v1/handover?trusted={trusted}");
            let purpose = Purpose::HandOver(trusted);
            self.send(server, purpose, Method::Get, &path, Vec::new(), HandOver::MAX_BYTES, now);
        }
    }

    /// Asks a server which chain it serves.
    pub(super) fn ask_chain(&mut self, server: usize, now: Time) {
        if !self.is_asking(server, Purpose::Chain) {
            self.send(server, Purpose::Chain, Method::Get, "/v1/status", Vec::new(), MAX_STATUS_BYTES, now);
        }
    }

    fn check_chain(&mut self, server: usize, now: Time) {
        if self.servers[server].chain_unchecked() {
            self.ask_chain(server, now);
        }
    }

    fn ask_any(&mut self, purpose: Purpose, path: String, max_bytes: usize, now: Time) {
        let under_way = self.pending.iter().any(|pending| pending.purpose == purpose);
        if under_way || self.trust_expired(now) {
            return;
        }
        if let Some(server) = self.choose_server(now) {
            self.check_chain(server, now);
            self.send(server, purpose, Method::Get, &path, Vec::new(), max_bytes, now);
        }
    }

    /// The favourite if it may be asked, else the next that may.
    fn choose_server(&mut self, now: Time) -> Option<usize> {
        let count = self.servers.len();
        let server = (0..count)
            .map(|step| (self.favourite + step) % count)
            .find(|server| self.servers[*server].may_ask(now))?;
        self.favourite = server;
        Some(server)
    }

    fn is_asking(&self, server: usize, purpose: Purpose) -> bool {
        self.pending.iter().any(|pending| pending.server == server && pending.purpose == purpose)
    }

    #[allow(clippy::too_many_arguments, reason = "one place where a request is made of its parts")]
    fn send(
        &mut self,
        server: usize,
        purpose: Purpose,
        method: Method,
        path: &str,
        body: Vec<u8>,
        max_bytes: usize,
        now: Time,
    ) {
        let id = RequestId(self.next_request);
        self.next_request += 1;
        let deadline = now.plus_ms(TIMEOUT_MS + GRACE_MS);
        let tables = self.held();
        self.pending.push(Pending { id, server, purpose, deadline, tables });
        let url = format!("{}{path}", self.servers[server].url());
        self.outbox.push_back(Request { id, server, method, url, body, timeout_ms: TIMEOUT_MS, max_bytes });
    }

    /// The slot tables that are trusted now, as a header commits to them.
    pub(super) fn held(&self) -> Option<Hash> {
        self.trusted.tables.as_ref().map(Tables::commitment)
    }

    /// Gives up requests that the host never answered.
    pub(super) fn give_up_late(&mut self, now: Time) {
        let late: Vec<RequestId> =
            self.pending.iter().filter(|pending| now >= pending.deadline).map(|pending| pending.id).collect();
        for id in late {
            self.respond(id, Err(TransportError::Timeout), now);
        }
    }

    pub(super) fn note_unreachable(&mut self, server: usize, now: Time) {
        if self.servers[server].unreachable(now) {
            self.events.push_back(Event::Server(server));
        }
        if let Health::Unreachable { retry_at } = self.servers[server].health() {
            self.next_poll = self.next_poll.min(*retry_at);
        }
        if self.favourite == server && self.servers.len() > 1 {
            self.favourite = (server + 1) % self.servers.len();
        }
    }
}
