use serde::Deserialize;

use super::{
    AccountState, Client, Event, Health, PaymentState,
    account::Source,
    requests::{Pending, Purpose, RequestId, Response, TransportError},
};
use crate::{
    client::{
        AccountBundle, Anchor, AnchorError, Bundle, HistoryPage, ProofFailure, TransactionBundle, Trusted,
        facts::Settled,
    },
    consensus::spos::{HandOver, HandedOver},
    data_format::{Address, DecodeError, Time, TransactionId},
};

/// The part of `/v1/status` that is read: which chain a server says it serves.
#[derive(Deserialize)]
struct StatusAnswer {
    chain_id: String,
}

/// The part of a problem document (RFC 9457) that is read.
#[derive(Deserialize)]
struct ProblemAnswer {
    code: String,
    #[serde(default)]
    detail: String,
}

/// Characters of a server's words that are kept.
const MAX_WORDS: usize = 300;
const NOT_INCLUDED: u16 = 404;
const TOO_MANY_REQUESTS: u16 = 429;
/// The code of a server whose account has used the nonce.
const NONCE_USED: &str = "nonce_used";

impl Client {
    /// Takes the answer to a request. Answers to requests that are not under way change nothing.
    pub fn respond(&mut self, id: RequestId, answer: Result<Response, TransportError>, now: Time) {
        let Some(place) = self.pending.iter().position(|pending| pending.id == id) else { return };
        let Pending { server, purpose, tables, .. } = self.pending.swap_remove(place);
        let response = match answer {
            Ok(response) => response,
            // Which chain it serves would have to be asked again, for ever.
            Err(TransportError::TooLong) if purpose != Purpose::Chain => {
                let found = DecodeError::Malformed("the answer is longer than it may be".to_owned());
                return self.doubt(server, &found.into(), now);
            }
            Err(_) => return self.note_unreachable(server, now),
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
            _ => return self.note_unreachable(server, now),
        }
        let overtaken = match purpose {
            Purpose::History(_) => false,
            Purpose::HandOver(from) => from != self.trusted.id,
            _ => tables != self.held(),
        };
        if overtaken {
            // Another answer moved the trust on meanwhile. This one was made for what was trusted before, and is neither
            // proof nor lie now; what it was about is asked again.
            self.next_poll = now;
            return;
        }
        match self.take(server, purpose, &response.body, now) {
            Ok(()) => {}
            Err(ProofFailure::Anchor(AnchorError::NotEnoughTrust { .. })) => self.lead_over(server, now),
            Err(ProofFailure::HandOver(failure)) if !failure.is_lie() => self.note_unreachable(server, now),
            Err(failure) => self.doubt(server, &failure, now),
        }
    }

    /// A server's newest final block is too many changes away for one step: it has to lead there. One that led somewhere
    /// already and still is out of reach is of no use for now.
    fn lead_over(&mut self, server: usize, now: Time) {
        if self.servers[server].has_led() {
            self.note_unreachable(server, now);
        } else {
            self.ask_hand_over(server, now);
        }
    }

    fn take(&mut self, server: usize, purpose: Purpose, body: &[u8], now: Time) -> Result<(), ProofFailure> {
        let source = Source { server, bytes: body.len(), now };
        match purpose {
            Purpose::Anchor => {
                let anchor = Anchor::from_bytes(body)?;
                let newer = self.verifier.anchor(&self.trusted, &anchor, now)?;
                self.take_anchor(server, &anchor, newer, now);
                Ok(())
            }
            Purpose::HandOver(_) => self.take_hand_over(server, &HandOver::from_bytes(body)?, now),
            Purpose::Account(address) => {
                self.take_account(address, &AccountBundle::from_bytes(body)?, source)
            }
            Purpose::History(address) => self.take_history(address, &HistoryPage::from_bytes(body)?, source),
            Purpose::Transaction(id) => {
                self.take_transaction(id, &TransactionBundle::from_bytes(body)?, source)
            }
            Purpose::Chain | Purpose::Submit(_) => Ok(()),
        }
    }

    fn take_anchor(&mut self, server: usize, anchor: &Anchor, newer: Trusted, now: Time) {
        if newer.round >= self.trusted.round
            && let Some(signatures) = self.verifier.engine().signatures(&self.trusted, anchor)
        {
            self.signatures = Some(signatures);
        }
        let height = newer.height;
        self.trust(newer, now);
        if self.servers[server].proved(height) {
            self.events.push_back(Event::Server(server));
        }
    }

    fn take_hand_over(&mut self, server: usize, bundle: &HandOver, now: Time) -> Result<(), ProofFailure> {
        let HandedOver { trusted, signatures } = self.verifier.hand_over(&self.trusted, bundle, now)?;
        self.signatures = signatures;
        self.trust(trusted, now);
        self.servers[server].led();
        if bundle.is_full() {
            self.ask_hand_over(server, now);
        } else {
            self.poll(now);
        }
        Ok(())
    }

    fn take_account(
        &mut self,
        address: Address,
        bundle: &AccountBundle,
        source: Source,
    ) -> Result<(), ProofFailure> {
        let (newer, proven) = self.verifier.account(&self.trusted, address, bundle, source.now)?;
        let Some(account) = self.accounts.get_mut(&address) else { return Ok(()) };
        let changed = account.take(proven, &bundle.history, &self.verifier, source)?;
        self.take_anchor(source.server, &bundle.anchor, newer, source.now);
        if changed {
            self.events.push_back(Event::Account(address));
            self.judge_payments(address);
        }
        Ok(())
    }

    fn take_history(
        &mut self,
        address: Address,
        page: &HistoryPage,
        source: Source,
    ) -> Result<(), ProofFailure> {
        let Some(account) = self.accounts.get_mut(&address) else { return Ok(()) };
        account.take_older(page, &self.verifier)?;
        let height = self.trusted.height;
        if self.servers[source.server].proved(height) {
            self.events.push_back(Event::Server(source.server));
        }
        self.events.push_back(Event::Account(address));
        self.judge_payments(address);
        Ok(())
    }

    fn take_transaction(
        &mut self,
        id: TransactionId,
        bundle: &TransactionBundle,
        source: Source,
    ) -> Result<(), ProofFailure> {
        let (newer, settled) = self.verifier.transaction(&self.trusted, id, bundle, source.now)?;
        self.take_anchor(source.server, &bundle.anchor, newer, source.now);
        let Some(payment) = self.payments.get_mut(&id) else { return Ok(()) };
        let before = payment.state.clone();
        match settled {
            Settled::Final(fact) => payment.is_final(fact.value(), fact.at().height, fact.at().slot),
            Settled::Pending(fact) => payment.in_block(fact.at().height, fact.at().slot, source.now),
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
        payment.not_found();
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
            TOO_MANY_REQUESTS => return self.note_unreachable(server, now),
            400..=499 => {
                let problem = serde_json::from_slice::<ProblemAnswer>(&response.body);
                let (code, words) = problem.map_or_else(
                    |_| ("unreadable".to_owned(), format!("HTTP status {}", response.status)),
                    |problem| (shortened(&problem.code), shortened(&problem.detail)),
                );
                // Perhaps by this very payment, sent again after a reload: the account's proof will say.
                if code != NONCE_USED {
                    payment.refused(code, words);
                }
            }
            _ => return self.note_unreachable(server, now),
        }
        if payment.state != before {
            self.events.push_back(Event::Payment(id));
        }
        // Ask at once where it is: in the browser a person is waiting.
        self.next_poll = now;
    }

    fn take_chain(&mut self, server: usize, response: &Response, now: Time) {
        let status = serde_json::from_slice::<StatusAnswer>(&response.body);
        let ours = self.chain().to_string();
        match status {
            Ok(status) if response.status == 200 && status.chain_id == ours => {
                if self.servers[server].is_of_our_chain() {
                    self.events.push_back(Event::Server(server));
                }
            }
            Ok(status) if response.status == 200 => {
                self.servers[server].is_of_another_chain(shortened(&status.chain_id), now);
                self.events.push_back(Event::Server(server));
            }
            _ => self.note_unreachable(server, now),
        }
    }

    /// Something does not hold. An honest server may be behind; another chain is no lie; the rest is.
    fn doubt(&mut self, server: usize, failure: &ProofFailure, now: Time) {
        if failure.is_lie() {
            self.servers[server].suspect(failure.to_string());
            self.ask_chain(server, now);
        }
    }

    /// What a newly proven account says of the payments from it.
    fn judge_payments(&mut self, address: Address) {
        let Some(account) = self.accounts.get(&address) else { return };
        let network = self.spec.network;
        let mut load_more = false;
        for (id, payment) in &mut self.payments {
            if payment.is_settled() || Address::of(&payment.signed.transaction.sender, network) != address {
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

fn shortened(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect()
}
