//! The machine: commands, answers and the time go in; requests and events come out. It never waits, never
//! reads a clock and never opens a socket, so the same code runs in a worker, on a phone and in a test.
//!
//! ```text
//! host                                   Client
//!   watch / submit / tick(now)  ───────▶
//!   ◀─────── next_request()               GET /v1/accounts/…/bundle
//!   respond(id, answer, now)    ───────▶  verifies; only then anything changes
//!   ◀─────── next_event()                 something to show or to store
//! ```
//!
//! **Trust and bounds.** Servers are believed nothing: an answer changes state only through [`Verifier`], from the block
//! that was trusted when it was asked for. A server that sent a lie is asked which chain it serves (it may have been
//! re-created); if it is ours, it is not asked again until [`Client::refresh`], and what it sent is kept ([`Lie`]). A
//! server whose newest final block the trusted holders do not vouch for is asked for the steps in between ([`HandOver`]),
//! all of which are proven; one that still is out of reach then has to wait, as if it were silent. One request an account
//! and one a payment are under way at a time; answers are bounded by [`Request::max_bytes`]; beyond
//! [`KEPT_RECORDS`] an account's history grows only by what the user asks for.
//!
//! **Several servers.** Each address has a home among them, and no other is asked for it; a payment goes to its sender's
//! home, and to all only if that does not get it into a block, or that into a final one in time: then each in its turn is
//! asked for it. The sender's account is proven until the payment ends, watched or not. Besides those asked for accounts
//! one more is asked for the newest final block, each in its turn, and what they prove is compared: blocks that exclude
//! each other are a [`Fork`], after which nothing is shown as new until a person decides. A server that does not know the
//! trusted block is asked from what it proved itself, so one that is behind is told from one on another branch. Who
//! answers faster and fails less is asked first; pauses after failures double and differ by chance.
//!
//! **Beyond the trusting period** holders of old may have sold their keys, and votes alone prove nothing: what two servers
//! of different operators lead to is used then, as [`Grade::Agreed`] and never as final, until a person confirms a block
//! with [`Client::confirm`]. Payments are not settled by it.

mod account;
mod lie;
mod payment;
mod requests;
mod responses;
mod saved;
mod server;
mod sorted;
mod step;
mod sync;
mod trust;

use std::collections::VecDeque;

pub use account::{AccountState, KEPT_RECORDS, LoadedHistory, Proven};
pub use lie::Lie;
pub use payment::{PaymentState, TrackedPayment};
pub use requests::{Method, Request, RequestId, Response, TransportError};
pub use saved::RestoreError;
pub use server::{Health, Server};
pub use sync::Sync;
use sync::is_ahead;
pub use trust::{Agreed, Branch, Fork, Grade};

#[cfg(doc)]
use crate::consensus::spos::HandOver;

use super::{ChainCheckpoint, Trusted, Verifier};
use crate::{
    consensus::spos::TableError,
    data_format::{Address, ChainId, ChainSpec, Height, SignedTransaction, Time, TransactionId},
};
use payment::Payments;
use requests::{Pending, Purpose};
use sorted::Sorted;

/// The light client of one chain.
#[derive(Debug)]
pub struct Client {
    spec: ChainSpec,
    verifier: Verifier,
    /// The block that this client was given to start from.
    given: Trusted,
    /// The block that proofs start from.
    trusted: Trusted,
    /// How often a person has said which block to trust, here or where a saved state is from.
    confirmations: u32,
    /// Set if only operators vouch for that block.
    agreed: Option<Agreed>,
    fork: Option<Fork>,
    /// Signatures under the newest final block, and those that could have been.
    signatures: Option<(u32, u32)>,
    /// When the newest proof of any kind was made here.
    proven_at: Option<Time>,
    servers: Vec<Server>,
    /// The server whose turn it is to be asked for the newest final block besides.
    turn: usize,
    /// Whether somebody looks.
    watched: bool,
    accounts: Sorted<Address, AccountState>,
    payments: Payments,
    /// A handful at a time: one an account, one a payment, two a server.
    pending: Vec<Pending>,
    next_request: u64,
    outbox: VecDeque<Request>,
    events: VecDeque<Event>,
    /// When to ask again without being told that something changed.
    next_poll: Time,
    /// When the clock was looked at last.
    seen: Time,
    /// Since when servers could answer: not while the device slept.
    awake: Time,
}

/// Something changed that is worth showing, and storing with [`Client::save`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A newer block is final.
    Final(Height),
    /// An account is proven anew, or more of its history.
    Account(Address),
    /// A payment went on.
    Payment(TransactionId),
    /// A server's health changed.
    Server(usize),
    /// Final blocks exclude each other: [`Client::fork`].
    Fork,
}

/// A checkpoint that helps nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmError {
    /// It is of another chain.
    #[error("the block is of the chain {0}")]
    OtherChain(ChainId),
    /// What is trusted is newer.
    #[error("the block, of height {found}, is older than block {trusted}, which is proven")]
    Older {
        /// The height trusted.
        trusted: Height,
        /// The height given.
        found: Height,
    },
    /// It is too old itself.
    #[error("the block, of height {0}, is older than this chain is trusted for")]
    Expired(Height),
    /// Its slot tables are not tables.
    #[error("the block cannot be used: {0}")]
    Table(#[from] TableError),
}

/// When to look again after a payment, whoever could be asked.
const SUBMIT_AGAIN_MS: u64 = 1_000;
/// Between two ticks of a client that is awake, at most: it asks once a minute at least while a payment is open.
const UNATTENDED_MS: u64 = 90_000;

impl Client {
    /// A client that trusts one block and knows some servers (`http://127.0.0.1:9922`; without a trailing
    /// slash).
    pub fn new(spec: ChainSpec, trusted: Trusted, servers: impl IntoIterator<Item = String>) -> Self {
        Self {
            verifier: Verifier::new(&spec),
            spec,
            given: trusted.clone(),
            trusted,
            confirmations: 0,
            agreed: None,
            fork: None,
            signatures: None,
            proven_at: None,
            servers: servers.into_iter().map(Server::new).collect(),
            turn: 0,
            watched: true,
            accounts: Sorted::default(),
            payments: Payments::default(),
            pending: Vec::new(),
            next_request: 0,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            next_poll: Time(0),
            seen: Time(0),
            awake: Time(0),
        }
    }

    /// The chain's spec.
    pub const fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// The chain's id.
    pub fn chain(&self) -> &ChainId {
        self.verifier.chain()
    }

    /// The checks this client makes.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The newest final block that is proven.
    pub const fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// When that block was made.
    pub fn trusted_time(&self) -> Time {
        self.verifier.time_of(self.trusted.slot)
    }

    /// Signatures under the newest final block, and how many could have signed; `None` while it is the one that this
    /// client was given to start from.
    pub const fn signatures(&self) -> Option<(u32, u32)> {
        self.signatures
    }

    /// When something was last proven here.
    pub const fn proven_at(&self) -> Option<Time> {
        self.proven_at
    }

    /// The servers, in the order given.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// A watched account.
    pub fn account(&self, address: &Address) -> Option<&AccountState> {
        self.accounts.get(address).filter(|account| account.watched)
    }

    /// All watched accounts.
    pub fn accounts(&self) -> impl Iterator<Item = (&Address, &AccountState)> {
        self.accounts.iter().filter(|(_, account)| account.watched)
    }

    /// All payments followed here.
    pub fn payments(&self) -> impl Iterator<Item = (&TransactionId, &TrackedPayment)> {
        self.payments.iter()
    }

    /// One payment.
    pub fn payment(&self, id: &TransactionId) -> Option<&TrackedPayment> {
        self.payments.get(id)
    }

    /// The newest block that a person's word leads to, for other devices; `None` while only operators vouch for blocks,
    /// or two chains claim to be this one.
    pub fn checkpoint(&self, now: Time) -> Option<ChainCheckpoint> {
        let sound = self.grade() == Grade::Final && self.fork.is_none() && !self.trust_expired(now);
        sound.then(|| ChainCheckpoint { chain: *self.chain(), checkpoint: self.trusted.checkpoint() })
    }

    /// Takes a checkpoint that another device showed or somebody gave, because a person says so. It ends an agreement and a
    /// fork: what was proven under them, and may be of another chain, is forgotten and proven again from here.
    ///
    /// # Errors
    /// [`ConfirmError`]; nothing has changed then.
    pub fn confirm(&mut self, given: ChainCheckpoint, now: Time) -> Result<(), ConfirmError> {
        let ChainCheckpoint { chain, checkpoint } = given;
        if chain != *self.chain() {
            return Err(ConfirmError::OtherChain(chain));
        }
        let trusted = Trusted::try_from(checkpoint)?;
        let in_doubt = self.agreed.is_some() || self.fork.is_some();
        if !in_doubt && trusted.id == self.trusted.id {
            return Ok(());
        }
        if !in_doubt && !trusted.is_after(&self.trusted) {
            return Err(ConfirmError::Older { trusted: self.trusted.height, found: trusted.height });
        }
        if now.ms_since(self.verifier.time_of(trusted.slot)) > self.spec.trusting_period_ms {
            return Err(ConfirmError::Expired(trusted.height));
        }
        self.events.push_back(Event::Final(trusted.height));
        // Nobody is asked from before it any more: what led to another branch has no say.
        self.confirmations = self.confirmations.saturating_add(1);
        (self.given, self.trusted) = (trusted.clone(), trusted);
        self.signatures = None;
        self.agreed = None;
        self.forget_agreed();
        self.pending.clear();
        self.outbox.clear();
        self.servers.iter_mut().for_each(Server::forget_chain);
        if self.fork.take().is_some() {
            self.doubt_all();
        }
        self.refresh(now);
        Ok(())
    }

    /// What was proven may be of a branch that is not the chain: it is proven again.
    fn doubt_all(&mut self) {
        self.accounts.values_mut().for_each(AccountState::forget);
        self.payments.iter_mut().for_each(|(_, payment)| payment.doubt());
    }

    /// Proves an account from now on.
    pub fn watch(&mut self, address: Address, now: Time) {
        self.accounts.get_or_insert_with(address, AccountState::default).watched = true;
        self.ask_account(address, now);
    }

    /// Stops proving an account and forgets what was proven of it: at once, or when no payment from it is open any more.
    pub fn unwatch(&mut self, address: &Address) {
        if let Some(account) = self.accounts.get_mut(address) {
            account.watched = false;
        }
        self.keep_needed();
        if self.accounts.get(address).is_some() {
            return;
        }
        // Answers on their way were made for what was known.
        let about = |purpose| match purpose {
            Purpose::Account(other) | Purpose::History(other, _) => other == *address,
            _ => false,
        };
        self.outbox.retain(|request| {
            !self.pending.iter().any(|pending| pending.id == request.id && about(pending.purpose))
        });
        self.pending.retain(|pending| !about(pending.purpose));
    }

    /// Submits a payment and follows it until it is final or can never be: its sender is proven as long as that takes,
    /// watched or not. Store [`Client::save`] before the request is sent: then a payment survives whatever happens next.
    pub fn submit(&mut self, signed: SignedTransaction, now: Time) -> TransactionId {
        self.resume(signed, now, now)
    }

    /// Goes on with a payment that was signed at `since`, and of which nothing else is known any more: as [`Client::submit`].
    pub fn resume(&mut self, signed: SignedTransaction, since: Time, now: Time) -> TransactionId {
        let id = signed.transaction.id(self.chain());
        let height = self.trusted.height;
        self.payments.follow(id, TrackedPayment::new(signed, since, height));
        self.keep_needed();
        self.ask_submit(id, false, now);
        // If nobody can be asked now, soon.
        self.next_poll = self.next_poll.min(now.plus_ms(SUBMIT_AGAIN_MS));
        self.events.push_back(Event::Payment(id));
        id
    }

    /// Proves those accounts that are watched, and those from which a payment is open: what becomes of it is in their
    /// history. Forgets all others.
    fn keep_needed(&mut self) {
        let network = self.spec.network;
        let open = self.payments.iter().filter(|(_, payment)| !payment.is_settled());
        let senders: Vec<Address> = open.map(|(_, payment)| payment.sender(network)).collect();
        self.accounts.retain(|address, account| account.watched || senders.contains(address));
        for sender in senders {
            self.accounts.get_or_insert_with(sender, AccountState::default);
        }
    }

    /// Stops following a payment.
    pub fn forget(&mut self, id: &TransactionId) {
        self.payments.forget(id);
    }

    /// Loads older history of a watched account; nothing to do when all of it is loaded.
    pub fn load_history(&mut self, address: Address, now: Time) {
        self.ask_history(address, now);
    }

    /// Asks every server again, also those that lied: after a person said so.
    pub fn refresh(&mut self, now: Time) {
        // What was not answered in time is over, and forgiven with the rest.
        self.give_up_late(now);
        for server in &mut self.servers {
            server.forgive();
        }
        self.next_poll = now;
        self.tick(now);
    }

    /// The device slept, its network or its clock is another one: whoever comes back wants to see what is true now. Asks
    /// at once, without waiting for pauses from before; servers that lied are not asked.
    pub fn wake(&mut self, now: Time) {
        self.give_up_late(now);
        self.woke(now);
        self.tick(now);
    }

    fn woke(&mut self, now: Time) {
        self.servers.iter_mut().for_each(Server::wake);
        (self.next_poll, self.awake) = (now, now);
    }

    /// What was noted by a clock that was set back since says nothing now, and time in which nobody asked is no time in which
    /// nobody answered.
    fn look_at_clock(&mut self, now: Time) {
        if is_ahead(self.seen, now) {
            self.woke(now);
        } else if now.ms_since(self.seen) > UNATTENDED_MS {
            self.awake = now;
        }
        self.seen = now;
    }

    /// A server hinted that something changed. It is only a hint, and says nothing while nobody looks and no payment is
    /// open.
    pub fn hint(&mut self, now: Time) {
        if !self.rests() {
            self.poll(now);
        }
    }

    /// Somebody looks at what is proven, or nobody does: then the client asks about once an hour for a final block, unless
    /// a payment is open. It is looked at until the host says otherwise.
    pub fn set_watched(&mut self, watched: bool, now: Time) {
        if watched != self.watched {
            self.watched = watched;
            // A rest begins after the last question.
            if watched { self.wake(now) } else { self.tick(now) }
        }
    }

    /// The time went on: asks what is due, gives up what takes too long.
    pub fn tick(&mut self, now: Time) {
        self.look_at_clock(now);
        self.give_up_late(now);
        if now >= self.next_poll {
            self.servers.iter_mut().for_each(Server::may_lead);
            self.poll(now);
        }
    }

    /// When [`Client::tick`] should come next.
    pub fn next_tick(&self) -> Time {
        let deadlines = self.pending.iter().map(|pending| pending.deadline);
        deadlines.chain([self.next_poll]).min().unwrap_or(self.next_poll)
    }

    /// The next request to send.
    pub fn next_request(&mut self) -> Option<Request> {
        self.outbox.pop_front()
    }

    /// The next thing that changed.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// About how long a payment in a block of this slot takes to become final, in milliseconds from `now`.
    pub fn final_in_ms(&self, block: crate::data_format::Slot, now: Time) -> u64 {
        self.verifier.engine().final_in_ms(block, now)
    }

    fn trust(&mut self, newer: Trusted, now: Time) {
        self.proven_at = Some(now);
        if newer.is_after(&self.trusted) {
            let height = newer.height;
            let moved = height > self.trusted.height;
            self.trusted = newer;
            if moved {
                self.events.push_back(Event::Final(height));
            }
        }
    }
}
