//! The host: a [`Driver`] on tokio, with HTTP, TLS, hints by WebSocket and a store in a file.

mod clock;
mod events;
mod http;
mod redb_store;

use std::{fmt, future::poll_fn};

use light_client::client::{Client, Event, StateStore};
use tokio::{sync::mpsc, task::JoinSet};

pub use clock::{ClockError, SystemClock};
pub use http::{HttpError, HttpTransport};
pub use redb_store::{RedbStateStore, RedbStateStoreError};

use crate::{Driver, Failure, Hint, LostState};

/// Hints that wait to be acted on, at most. One is as good as many.
const WAITING_HINTS: usize = 4;

/// The driver of a [`Host`].
pub type HostDriver<S> = Driver<HttpTransport, SystemClock, S>;

/// Why a host went wrong.
pub type HostFailure<S> = Failure<ClockError, <S as StateStore>::Error>;

/// Runs a [`Client`] on tokio.
pub struct Host<S> {
    driver: HostDriver<S>,
    hints: mpsc::Receiver<Hint>,
    hinting: mpsc::Sender<Hint>,
    /// One a server; ended with the host.
    listeners: JoinSet<()>,
}

impl<S: StateStore> Host<S> {
    /// Goes on from what the store has; says so if that cannot be used. Nothing is asked before
    /// [`Host::next_event`].
    ///
    /// # Errors
    /// The store's, if it cannot be read.
    pub fn open(
        client: Client,
        transport: HttpTransport,
        store: S,
    ) -> Result<(Self, Option<LostState>), S::Error> {
        let (driver, lost) = Driver::open(client, transport, SystemClock, store)?;
        let (hinting, hints) = mpsc::channel(WAITING_HINTS);
        Ok((Self { driver, hints, hinting, listeners: JoinSet::new() }, lost))
    }

    /// Listens to the servers' hints from now on, and so hears of news before it is time to ask. Needs tokio's runtime around it.
    pub fn listen(&mut self) {
        if self.listeners.is_empty() {
            for server in self.driver.client().servers() {
                let listener = events::listen(
                    server.url().to_owned(),
                    self.driver.transport().tls(),
                    self.hinting.clone(),
                );
                self.listeners.spawn(listener);
            }
        }
    }

    /// What is proven.
    pub const fn client(&self) -> &Client {
        self.driver.client()
    }

    /// The driver.
    pub const fn driver(&self) -> &HostDriver<S> {
        &self.driver
    }

    /// The driver: to change what is watched, to submit.
    pub const fn driver_mut(&mut self) -> &mut HostDriver<S> {
        &mut self.driver
    }

    /// Works until something changed that is worth showing. May be dropped and called again at any time.
    ///
    /// # Errors
    /// [`Failure`]; it may be called again then.
    pub async fn next_event(&mut self) -> Result<Event, HostFailure<S>> {
        loop {
            let hint = {
                let (driver, hints) = (&mut self.driver, &mut self.hints);
                tokio::select! {
                    event = poll_fn(|context| driver.poll_event(context)) => return event,
                    // The host holds a sender, so this waits for ever if nobody hints.
                    hint = hints.recv() => hint,
                }
            };
            if let Some(hint) = hint {
                self.driver.hint(hint);
            }
        }
    }
}

impl<S> fmt::Debug for Host<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("driver", &self.driver).finish_non_exhaustive()
    }
}
