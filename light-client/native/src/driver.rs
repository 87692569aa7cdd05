//! The driver: requests under way, the alarm clock, what is to be told and to be stored.
//!
//! ```text
//! loop { poll_event → show it }        nothing is asked and nothing waited for between two polls
//! ```
//!
//! **Clocks that jump.** Forwards (the device slept, or its clock was wrong): requests under way are given up by
//! the client at the next poll and asked again a second later, over new connections. Backwards: what is due would wait until
//! the clock has caught up, so the client wakes: it asks every server at once that did not lie.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    task::{Context, Poll, ready},
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use light_client::{
    client::{Client, Event, Request, RequestId, Response, StateStore, TransportError},
    data_format::{SignedTransaction, Time, TransactionId},
    transaction::Submission,
};

use crate::{Clock, LostState, Transport, platform::ask, stored};

/// The server by index, and what it answered.
type Answer = (RequestId, usize, Result<Response, TransportError>);

/// When an alarm is due, and the timer of it.
type Alarm<E> = (Time, BoxFuture<'static, Result<(), E>>);

/// What a driver over this clock and this store answers.
type Outcome<T, C, S> = Result<T, Failure<<C as Clock>::Error, <S as StateStore>::Error>>;

/// A timer never fires at once: a clock that stands still must not make a busy loop.
const SHORTEST_SLEEP_MS: u64 = 10;
/// Timers may stand still while the device sleeps, so the clock is looked at this often.
const LONGEST_SLEEP_MS: u64 = 10_000;
/// The clock went so far between two looks: the device slept.
const SLEPT_MS: u64 = 3 * LONGEST_SLEEP_MS;
/// The clock was set back so far that waiting for it would be felt.
const SET_BACK_MS: u64 = 2_000;
/// From one hint that is acted on to the next: who sends hints must not make the client ask without end.
const HINT_PAUSE_MS: u64 = 500;

/// A word of a server that something changed. It is only a hint: what changed is asked for and proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A newer block is final.
    Final,
    /// There is a newer block. Nobody is asked because of it unless a payment is open.
    Block,
}

/// What the platform could not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure<C, S> {
    /// There is no time.
    #[error("{0}")]
    Clock(C),
    /// What was proven could not be stored. It is tried again at the next change.
    #[error("{0}")]
    Store(S),
}

/// Runs a [`Client`].
pub struct Driver<T, C: Clock, S> {
    client: Client,
    transport: T,
    clock: C,
    store: S,
    outbox: VecDeque<Request>,
    under_way: FuturesUnordered<BoxFuture<'static, Answer>>,
    alarm: Option<Alarm<C::Error>>,
    /// Why the last request of a server came to nothing.
    complaints: BTreeMap<usize, String>,
    /// What nobody was told of yet.
    events: VecDeque<Event>,
    /// Whether something changed since it was last stored.
    unsaved: bool,
    hinted: bool,
    /// The next hint is acted on from here on.
    hint_from: Time,
    /// The time when the clock was last looked at.
    looked_at: Time,
}

impl<T, C, S> Driver<T, C, S>
where
    T: Transport,
    C: Clock<Error: Send + 'static>,
    S: StateStore,
{
    /// Goes on from what the store has; says so if that cannot be used. Nothing is asked before
    /// [`Driver::poll_event`].
    ///
    /// # Errors
    /// The store's, if it cannot be read.
    pub fn open(
        mut client: Client,
        transport: T,
        clock: C,
        store: S,
    ) -> Result<(Self, Option<LostState>), S::Error> {
        let lost = stored::restore(&mut client, &store)?;
        let driver = Self {
            client,
            transport,
            clock,
            store,
            outbox: VecDeque::new(),
            under_way: FuturesUnordered::new(),
            alarm: None,
            complaints: BTreeMap::new(),
            events: VecDeque::new(),
            unsaved: false,
            hinted: false,
            hint_from: Time(0),
            looked_at: Time(0),
        };
        Ok((driver, lost))
    }

    /// What is proven.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// What moves the bytes.
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    /// The clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// Requests whose answers are waited for: a few an account and a payment.
    pub fn requests_under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Why the last request of a server came to nothing, in words; `None` if it was answered.
    pub fn complaint(&self, server: usize) -> Option<&str> {
        self.complaints.get(&server).map(String::as_str)
    }

    /// The time of the device's clock.
    ///
    /// # Errors
    /// [`Failure::Clock`].
    pub fn now(&self) -> Outcome<Time, C, S> {
        self.clock.now().map_err(Failure::Clock)
    }

    /// Tells the client something: to watch an account, to ask again. What it wants to send is sent at the next
    /// [`Driver::poll_event`], and stored with the next thing that changes. Payments go through [`Driver::submit`].
    ///
    /// # Errors
    /// [`Failure::Clock`]; nothing changed then.
    pub fn change(&mut self, change: impl FnOnce(&mut Client, Time)) -> Outcome<(), C, S> {
        let now = self.look_at_clock()?;
        change(&mut self.client, now);
        Ok(())
    }

    /// Stores a payment, then lets it be sent, and follows it. One that is followed already is left to the client,
    /// which sends it again when that is due.
    ///
    /// # Errors
    /// [`Failure`]: then it is not stored, not sent and not followed.
    pub fn submit(&mut self, signed: SignedTransaction) -> Outcome<TransactionId, C, S> {
        let now = self.look_at_clock()?;
        let chain = *self.client.chain();
        let id = signed.transaction.id(&chain);
        if self.client.payment(&id).is_some() {
            return Ok(id);
        }
        let body = Submission { chain, signed: signed.clone() }.encode();
        self.client.submit(signed, now);
        self.collect();
        if let Err(error) = self.save() {
            // The client counts what is taken back as unanswered.
            self.outbox.retain(|request| request.body != body);
            self.events.retain(|event| *event != Event::Payment(id));
            self.client.forget(&id);
            return Err(error);
        }
        Ok(id)
    }

    /// A server says that something changed. Poll again afterwards.
    pub fn hint(&mut self, hint: Hint) {
        let open = || self.client.payments().any(|(_, payment)| !payment.is_settled());
        self.hinted |= hint == Hint::Final || open();
    }

    /// Works until something changed that is worth showing. What changed is stored first.
    ///
    /// # Errors
    /// [`Failure`]; it may be polled again then, and goes on.
    pub fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Outcome<Event, C, S>> {
        loop {
            let now = self.look_at_clock()?;
            self.client.tick(now);
            if self.hinted && now >= self.hint_from {
                self.hinted = false;
                self.hint_from = now.plus_ms(HINT_PAUSE_MS);
                self.client.hint(now);
            }
            self.collect();
            if self.unsaved {
                self.save()?;
            }
            for request in self.outbox.drain(..) {
                let (id, server) = (request.id, request.server);
                let answer = ask(&self.transport, &self.clock, request);
                self.under_way.push(answer.map(move |answer| (id, server, answer)).boxed());
            }
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Ok(event));
            }
            if let Poll::Ready(Some((id, server, answer))) = self.under_way.poll_next_unpin(context) {
                self.note_complaint(server, &answer);
                self.client.respond(id, answer, now);
                continue;
            }
            ready!(self.poll_alarm(now, context))?;
        }
    }

    /// Gives up what is under way: nobody polls for a while.
    pub fn pause(&mut self) {
        self.outbox.clear();
        self.under_way.clear();
        self.alarm = None;
    }

    fn poll_alarm(&mut self, now: Time, context: &mut Context<'_>) -> Poll<Outcome<(), C, S>> {
        let hint = self.hinted.then_some(self.hint_from);
        let due = self.client.next_tick().min(hint.unwrap_or(Time(u64::MAX)));
        if self.alarm.as_ref().is_none_or(|(set, _)| *set != due) {
            let duration = due.ms_since(now).clamp(SHORTEST_SLEEP_MS, LONGEST_SLEEP_MS);
            self.alarm = Some((due, self.clock.sleep(duration)));
        }
        let Some((_, sleep)) = &mut self.alarm else { return Poll::Pending };
        let slept = ready!(sleep.poll_unpin(context));
        self.alarm = None;
        Poll::Ready(slept.map_err(Failure::Clock))
    }

    /// The time, and what follows if the clock jumped.
    fn look_at_clock(&mut self) -> Outcome<Time, C, S> {
        let now = self.now()?;
        if self.looked_at.ms_since(now) > SET_BACK_MS {
            self.alarm = None;
            self.hint_from = now;
        } else if self.looked_at != Time(0) && now.ms_since(self.looked_at) > SLEPT_MS {
            self.transport.woke();
        }
        self.looked_at = now;
        Ok(now)
    }

    fn note_complaint(&mut self, server: usize, answer: &Result<Response, TransportError>) {
        match answer {
            Ok(answer) if answer.status < 400 => self.complaints.remove(&server),
            Ok(answer) => {
                self.complaints.insert(server, format!("it answers with HTTP status {}", answer.status))
            }
            Err(error) => self.complaints.insert(server, error.to_string()),
        };
    }

    /// Takes over what the client wants to send and to say.
    fn collect(&mut self) {
        while let Some(request) = self.client.next_request() {
            self.outbox.push_back(request);
        }
        while let Some(event) = self.client.next_event() {
            self.events.push_back(event);
            self.unsaved = true;
        }
    }

    fn save(&mut self) -> Outcome<(), C, S> {
        self.unsaved = false;
        stored::save(&self.client, &mut self.store).map_err(Failure::Store)
    }
}

impl<T, C: Clock, S> fmt::Debug for Driver<T, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("client", &self.client).finish_non_exhaustive()
    }
}
