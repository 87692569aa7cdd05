use serde::Deserialize;

use super::{
    AccountState, Client, Event, Grade, Health, Lie, PaymentState,
    account::Source,
    requests::{Compared, Pending, Purpose, RequestId, Response, TransportError},
    step::Step,
};
use crate::{
    client::{
        AccountBundle, Anchor, AnchorError, BlockName, Bundle, HeaderBundle, HistoryPage, ProofFailure,
        TransactionBundle, Trusted, facts::Settled,
    },
    consensus::spos::{HandOver, HandedOver},
    data_format::{Address, BlockId, DecodeError, Time, TransactionId, json::records},
};

/// The part of a server's JSON that is read.
#[derive(Deserialize)]
#[serde(remote = "Self")]
struct Said {
    /// Of `/v1/status`: which chain it says it serves.
    chain_id: Option<String>,
    /// Of a problem document (RFC 9457).
    code: Option<String>,
    #[serde(default)]
    detail: String,
}

records!(read Said);

/// Characters of a server's words that are kept.
const MAX_WORDS: usize = 300;
const NOT_INCLUDED: u16 = 404;
const CONFLICT: u16 = 409;
/// The code of a server that does not have the block it is asked from.
const UNKNOWN_TRUSTED: &str = "unknown_trusted_block";
const TOO_MANY_REQUESTS: u16 = 429;
/// The code of a server whose account has used the nonce.
const NONCE_USED: &str = "nonce_used";

impl Client {
    /// Takes the answer to a request. Answers to requests that are not under way change nothing.
    pub fn respond(&mut self, id: RequestId, answer: Result<Response, TransportError>, now: Time) {
        let Some(place) = self.pending.iter().position(|pending| pending.id == id) else { return };
        let asked = self.pending.swap_remove(place);
        let (server, purpose) = (asked.server, asked.purpose);
        if let Purpose::Account(address) = purpose
            && let Some(account) = self.accounts.get_mut(&address)
        {
            // Until it is proven.
            account.useless = account.useless.saturating_add(1);
        }
        let response = match answer {
            Ok(response) => response,
            // Which chain it serves would have to be asked again, for ever.
            Err(TransportError::TooLong) if purpose != Purpose::Chain => {
                let found = DecodeError::Malformed("the answer is longer than it may be".to_owned());
                return self.doubt(&asked, &[], &found.into(), now);
            }
            Err(_) => {
                self.note_undelivered(purpose);
                return self.note_unreachable(server, now);
            }
        };
        if purpose == Purpose::Chain {
            return self.take_chain(server, &response, now);
        }
        if matches!(self.servers[server].health(), Health::OtherChain { .. }) {
            // What it says of its own chain is neither proof nor lie here.
            return;
        }
        if let Purpose::Submit(payment) = purpose {
            return self.take_submitted(server, payment, &response, now);
        }
        match response.status {
            200 => {}
            NOT_INCLUDED if matches!(purpose, Purpose::Transaction(_)) => {
                return self.take_not_found(purpose);
            }
            CONFLICT if said(&response).and_then(|said| said.code).as_deref() == Some(UNKNOWN_TRUSTED) => {
                return self.take_ignorance(server, now);
            }
            _ => return self.note_unreachable(server, now),
        }
        let is_fact = matches!(purpose, Purpose::Account(_) | Purpose::History(..) | Purpose::Transaction(_));
        if self.fork.is_some() || (is_fact && !self.may_prove(now)) {
            return;
        }
        match self.take(&asked, &response.body, now) {
            Ok(()) => {}
            Err(ProofFailure::Anchor(AnchorError::NotEnoughTrust { .. })) => self.lead_over(&asked, now),
            Err(ProofFailure::HandOver(failure)) if !failure.is_lie() => self.note_unreachable(server, now),
            Err(failure) if failure.is_lie() => self.doubt(&asked, &response.body, &failure, now),
            // A quorum signed it: this device's clock is behind, whoever is asked.
            Err(ProofFailure::Anchor(AnchorError::Future(_))) => {
                if let Purpose::Account(address) = purpose
                    && let Some(account) = self.accounts.get_mut(&address)
                {
                    account.useless = account.useless.saturating_sub(1);
                }
            }
            // It may be behind: no lie, and no help either.
            Err(_) => self.servers[server].is_absent(now),
        }
    }

    /// A payment that reached nobody yet is sent again as soon as somebody can be asked.
    fn note_undelivered(&mut self, purpose: Purpose) {
        if let Purpose::Submit(id) = purpose
            && let Some(payment) = self.payments.get_mut(&id).filter(|payment| payment.taken_at.is_none())
        {
            payment.sent_at = None;
        }
    }

    /// A server does not know the block that it was asked from. It may be a little behind, or on another branch.
    fn take_ignorance(&mut self, server: usize, now: Time) {
        let asked = &mut self.servers[server];
        let nothing_older = asked.goes_own_way() && asked.lead().is_none();
        // Without votes anybody can make a branch of an old block.
        if nothing_older || self.trusted.tables.is_none() {
            return self.note_unreachable(server, now);
        }
        asked.does_not_know(now);
        self.ask_soon(server, now);
    }

    /// Asks again after the pause of a server, if anybody waits.
    pub(super) fn ask_soon(&mut self, server: usize, now: Time) {
        if !self.rests() {
            self.next_poll = self.next_poll.min(now.plus_ms(self.servers[server].pause(now)));
        }
    }

    /// A server's newest final block is too many changes away for one step: it has to lead there. One that led somewhere
    /// already and still is out of reach is of no use for now.
    fn lead_over(&mut self, asked: &Pending, now: Time) {
        let server = asked.server;
        if *self.base(server, now) != asked.base {
            // Another led there meanwhile.
            self.next_poll = now;
        } else if self.servers[server].has_led() {
            self.note_unreachable(server, now);
        } else {
            self.ask_hand_over(server, now);
        }
    }

    fn take(&mut self, asked: &Pending, body: &[u8], now: Time) -> Result<(), ProofFailure> {
        let Pending { server, base, .. } = asked;
        let source = Source {
            server: *server,
            bytes: body.len(),
            took_ms: now.ms_since(asked.sent),
            from_trusted: asked.from_trusted,
            grade: self.grade(),
            now,
        };
        match asked.purpose {
            Purpose::Anchor => {
                let anchor = Anchor::from_bytes(body)?;
                let newer = self.verifier.anchor(base, &anchor, now)?;
                self.take_anchor(base, &anchor, newer, source);
                Ok(())
            }
            Purpose::HandOver => self.take_hand_over(base, &HandOver::from_bytes(body)?, source),
            Purpose::Account(address) => {
                self.take_account(base, address, &AccountBundle::from_bytes(body)?, source)
            }
            Purpose::History(address, before) => {
                self.take_history(address, before, &HistoryPage::from_bytes(body)?, source)
            }
            Purpose::Transaction(id) => {
                self.take_transaction(base, id, &TransactionBundle::from_bytes(body)?, source)
            }
            Purpose::Header(compared) => {
                self.take_header(base, compared, &HeaderBundle::from_bytes(body)?, source)
            }
            Purpose::Chain | Purpose::Submit(_) => Ok(()),
        }
    }

    /// An answer of a server was proven.
    fn note_proof(&mut self, source: Source) {
        if self.servers[source.server].proved(source.took_ms, source.from_trusted, source.now) {
            self.events.push_back(Event::Server(source.server));
        }
    }

    fn take_anchor(&mut self, base: &Trusted, anchor: &Anchor, newer: Trusted, source: Source) {
        let signatures = self.verifier.engine().signatures(base, anchor);
        let id = newer.id;
        let votes = base.tables.as_ref().map(|held| self.verifier.engine().votes(held, anchor));
        let step = Step { block: newer, votes: votes.unwrap_or_default() };
        self.note_proof(source);
        self.take_step(step, source);
        self.note_signatures(&id, signatures);
    }

    /// What stands under a block that was proven, if that is the one that is trusted now.
    fn note_signatures(&mut self, id: &BlockId, signatures: Option<(u32, u32)>) {
        if self.trusted.id == *id && signatures.is_some() {
            self.signatures = signatures;
        }
    }

    fn take_hand_over(
        &mut self,
        base: &Trusted,
        bundle: &HandOver,
        source: Source,
    ) -> Result<(), ProofFailure> {
        let HandedOver { trusted, signatures, votes } = self.verifier.hand_over(base, bundle, source.now)?;
        let id = trusted.id;
        // Not yet good: its newest final block is still to be proven.
        self.servers[source.server].led();
        self.take_step(Step { block: trusted, votes }, source);
        self.note_signatures(&id, signatures);
        if bundle.is_full() {
            self.ask_hand_over(source.server, source.now);
        } else {
            self.poll(source.now);
        }
        Ok(())
    }

    fn take_header(
        &mut self,
        base: &Trusted,
        compared: Compared,
        bundle: &HeaderBundle,
        source: Source,
    ) -> Result<(), ProofFailure> {
        let asked = BlockName::Height(compared.height);
        let (newer, fact) = self.verifier.header(base, asked, bundle, source.now)?;
        self.take_anchor(base, &bundle.anchor, newer, source);
        // A block that is not final yet here says nothing of one that is final there.
        if let (Settled::Final(header), None) = (fact, &self.fork) {
            self.take_comparison(source.server, compared, header.at().id, source.now);
        }
        Ok(())
    }

    fn take_account(
        &mut self,
        base: &Trusted,
        address: Address,
        bundle: &AccountBundle,
        source: Source,
    ) -> Result<(), ProofFailure> {
        let (newer, proven) = self.verifier.account(base, address, bundle, source.now)?;
        let forks = self.excluded_by(source.server, &newer).is_some();
        let Some(account) = self.accounts.get_mut(&address) else { return Ok(()) };
        let changed = !forks && account.take(proven, &bundle.history, &self.verifier, source)?;
        self.take_anchor(base, &bundle.anchor, newer, source);
        if changed {
            self.note_account(address);
        }
        Ok(())
    }

    /// More of an account is proven.
    fn note_account(&mut self, address: Address) {
        if self.account(&address).is_some() {
            self.events.push_back(Event::Account(address));
        }
        self.judge_payments(address);
    }

    fn take_history(
        &mut self,
        address: Address,
        before: u64,
        page: &HistoryPage,
        source: Source,
    ) -> Result<(), ProofFailure> {
        // Another answer may have moved on meanwhile where the history begins.
        let asked = |account: &&mut AccountState| account.history().before().count == before;
        let Some(account) = self.accounts.get_mut(&address).filter(asked) else { return Ok(()) };
        account.take_older(page, &self.verifier)?;
        self.note_proof(source);
        self.note_account(address);
        Ok(())
    }

    fn take_transaction(
        &mut self,
        base: &Trusted,
        id: TransactionId,
        bundle: &TransactionBundle,
        source: Source,
    ) -> Result<(), ProofFailure> {
        let (newer, settled) = self.verifier.transaction(base, id, bundle, source.now)?;
        self.take_anchor(base, &bundle.anchor, newer, source);
        let settles = self.grade() == Grade::Final && self.fork.is_none();
        let Some(payment) = self.payments.get_mut(&id) else { return Ok(()) };
        let before = payment.state.clone();
        match settled {
            Settled::Final(fact) if settles => {
                payment.is_final(fact.value(), fact.at().height, fact.at().slot)
            }
            // Agreed on is not final.
            fact => payment.in_block(fact.at().height, fact.at().slot, source.now),
        }
        if payment.state != before {
            self.events.push_back(Event::Payment(id));
        }
        Ok(())
    }

    fn take_not_found(&mut self, purpose: Purpose) {
        let Purpose::Transaction(id) = purpose else { return };
        let Some(payment) = self.payments.get_mut(&id) else { return };
        let before = payment.state.clone();
        payment.not_found(self.trusted.height);
        if payment.state != before {
            self.events.push_back(Event::Payment(id));
        }
    }

    fn take_submitted(&mut self, server: usize, id: TransactionId, response: &Response, now: Time) {
        let Some(payment) = self.payments.get_mut(&id) else { return };
        let before = payment.state.clone();
        match response.status {
            200..=299 => payment.taken(now),
            // Asked too often: it is not refused, only put off.
            TOO_MANY_REQUESTS => {
                self.note_undelivered(Purpose::Submit(id));
                return self.note_unreachable(server, now);
            }
            400..=499 => {
                let (code, words) = match said(response) {
                    Some(Said { code: Some(code), detail, .. }) => (shortened(&code), shortened(&detail)),
                    _ => ("unreadable".to_owned(), format!("HTTP status {}", response.status)),
                };
                // Perhaps by this very payment, sent again after a reload: the account's proof will say.
                if code != NONCE_USED {
                    payment.refused(code, words);
                }
            }
            _ => {
                self.note_undelivered(Purpose::Submit(id));
                return self.note_unreachable(server, now);
            }
        }
        if payment.state != before {
            self.events.push_back(Event::Payment(id));
        }
        // Ask at once where it is: in the browser a person is waiting.
        self.next_poll = now;
    }

    fn take_chain(&mut self, server: usize, response: &Response, now: Time) {
        let found = said(response).and_then(|said| said.chain_id).filter(|_| response.status == 200);
        let ours = self.chain().to_string();
        match found {
            Some(found) if found == ours => {
                if self.servers[server].is_of_our_chain() {
                    self.events.push_back(Event::Server(server));
                }
            }
            Some(found) => {
                self.servers[server].is_of_another_chain(shortened(&found), now);
                self.events.push_back(Event::Server(server));
            }
            None => self.note_unreachable(server, now),
        }
    }

    /// No honest server of this chain sends this; but perhaps it serves another one.
    fn doubt(&mut self, asked: &Pending, answer: &[u8], failure: &ProofFailure, now: Time) {
        let server = &mut self.servers[asked.server];
        let url = server.url().to_owned();
        server.suspect(Lie::new(url, asked.purpose, &asked.base, answer, failure, now));
        self.ask_chain(asked.server, now);
    }

    /// What a newly proven account says of the payments from it.
    fn judge_payments(&mut self, address: Address) {
        let Some(account) = self.accounts.get(&address).filter(|account| !account.is_only_agreed()) else {
            return;
        };
        let network = self.spec.network;
        let mut load_more = false;
        for (id, payment) in self.payments.iter_mut() {
            if payment.is_settled() || payment.sender(network) != address {
                continue;
            }
            if let Some(state) = payment.judge(id, account)
                && state != payment.state
            {
                payment.state = state;
                self.events.push_back(Event::Payment(*id));
            } else {
                load_more |= nonce_used(payment, account) && !payment.is_settled();
            }
        }
        if load_more {
            let now = account.proven().map_or(Time(0), |proven| proven.at);
            self.ask_history(address, now);
        }
    }
}

fn nonce_used(payment: &super::TrackedPayment, account: &AccountState) -> bool {
    let record = account.proven().and_then(|proven| proven.record.as_ref());
    !matches!(payment.state, PaymentState::Final { .. })
        && record.is_some_and(|record| record.nonce > payment.signed.transaction.nonce)
}

fn said(response: &Response) -> Option<Said> {
    serde_json::from_slice(&response.body).ok()
}

fn shortened(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect()
}
