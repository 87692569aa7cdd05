//! The one seam between what decides and what the browser does.
//!
//! What is there at once (the time, random bytes) is asked of a [`Platform`]. What takes a while is an [`Effect`] that the worker yields and an
//! [`Input`] that answers it; every effect with a [`Token`] is answered exactly once, whatever happens.
//!
//! Trust: the platform is believed about time, randomness and storage. What servers answer is only moved, in bounded size: [`Request::max_bytes`].

use light_client::data_format::Time;
use zeroize::Zeroizing;

/// What a host offers at once.
pub trait Platform {
    /// The time by this device's clock.
    fn now(&self) -> Time;

    /// Microseconds since some fixed moment, never falling: to measure with.
    fn micros(&self) -> u64;

    /// Fills `bytes` with random ones fit for keys.
    ///
    /// # Errors
    /// What the browser says.
    fn random(&self, bytes: &mut [u8]) -> Result<(), String>;
}

/// Ties an answer to its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub u64);

/// What the host is to do.
#[derive(Debug)]
pub enum Effect {
    /// Hand a message to the page; wiped afterwards, for it may hold a secret word.
    Post(Zeroizing<Vec<u8>>),
    /// Read everything stored; answered by [`Input::Loaded`].
    Load {
        /// In the same transaction make this tab the only one whose changes count from now on.
        claim: bool,
    },
    /// Make all changes in one transaction, or none, after those of earlier effects; answered by [`Input::Saved`]. They count only if no other tab has
    /// claimed the storage since this one did.
    Save {
        /// Comes back.
        token: Token,
        /// In this order.
        changes: Vec<Change>,
        /// Claim the storage first, as [`Effect::Load`] does: it was deleted, and the claim with it.
        claim: bool,
    },
    /// Ask a server; answered by [`Input::Fetched`].
    Fetch {
        /// Comes back.
        token: Token,
        /// What to ask.
        request: Request,
    },
    /// Listen to the events of a server; answered by [`Input::EventsOpened`] and [`Input::Hint`], and in the end by [`Input::EventsClosed`].
    OpenEvents {
        /// Names the line.
        server: u32,
        /// A WebSocket address.
        url: String,
    },
    /// Close every line and give these requests up: neither is heard of again, or is listened to if it is.
    HangUp(Vec<Token>),
    /// Become the one tab that leads; answered by [`Input::Leads`], and by [`Input::LeadLost`] when another tab does.
    Lead {
        /// Take the lead from whoever has it. Else wait until the leading tab is gone, however it ends.
        now: bool,
    },
    /// Tell the other tabs.
    Tell(Vec<u8>),
    /// Come back at this time with [`Input::Woke`]. Only the newest of these counts.
    WakeAt(Time),
    /// Find out whether the storage is persistent; answered by [`Input::Persistent`].
    AskPersistent,
    /// A message of the page does not read: the two are not of one build.
    Fault(String),
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A message of the page.
    Message(Zeroizing<Vec<u8>>),
    /// Everything stored.
    Loaded {
        /// Of the effect.
        claim: bool,
        /// What the browser says.
        result: Result<Vec<Record>, String>,
    },
    /// The changes are complete, or none of them was made and why.
    Saved {
        /// Of the effect.
        token: Token,
        /// What became of them.
        result: Result<(), SaveError>,
    },
    /// A server answered, or did not.
    Fetched {
        /// Of the effect.
        token: Token,
        /// What it said.
        result: Result<Response, FetchError>,
    },
    /// A server's events can be heard.
    EventsOpened {
        /// The line.
        server: u32,
    },
    /// A server said that something changed. It is only a hint, whatever it says.
    Hint {
        /// The line.
        server: u32,
    },
    /// A server's events cannot be heard (any more).
    EventsClosed {
        /// The line.
        server: u32,
    },
    /// This tab leads.
    Leads,
    /// Another tab leads.
    LeadLost,
    /// Another tab told this; see [`Effect::Tell`].
    Told(Vec<u8>),
    /// The time asked for has come.
    Woke,
    /// Whether the browser promised to keep the storage; `None` if it does not say.
    Persistent(Option<bool>),
}

/// Why changes were not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// Another tab has claimed the storage.
    #[error("the wallet is at work in another tab")]
    Overtaken,
    /// What was stored is gone, and the claim with it.
    #[error("the browser has deleted what this wallet stored")]
    Lost,
    /// The browser refuses; why.
    #[error("{0}")]
    Refused(String),
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Store {
    /// The encrypted phrase.
    Keystore,
    /// Accounts and names, in the clear: balances show without the password.
    Accounts,
    /// Signed payments.
    Payments,
    /// The chain file and what was proven. Can be lost at the cost of a second.
    Chain,
}

impl Store {
    /// Every store.
    pub const ALL: [Self; 4] = [Self::Keystore, Self::Accounts, Self::Payments, Self::Chain];

    /// Its name in the browser's database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keystore => "keystore",
            Self::Accounts => "accounts",
            Self::Payments => "payments",
            Self::Chain => "chain",
        }
    }
}

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where.
    pub store: Store,
    /// Under which key.
    pub key: String,
    /// What.
    pub value: Vec<u8>,
}

/// A change of what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Add or replace a record.
    Put(Record),
    /// Remove a record; nothing happens if it is not there.
    Remove(Store, String),
    /// Remove all records of a store.
    Clear(Store),
}

/// A request of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where.
    pub url: String,
    /// What to send: none for GET.
    pub body: Option<Body>,
    /// How long to wait for the whole answer, in milliseconds.
    pub timeout_ms: u32,
    /// Bytes of an answer, at most; more are not even read.
    pub max_bytes: usize,
}

/// What a POST sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Its media type.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Nobody there, no network, or the browser forbids it: it does not say which.
    #[error("the server cannot be reached")]
    Unreachable,
    /// It took too long.
    #[error("the server did not answer in time")]
    Timeout,
    /// It wants to say more than we read.
    #[error("the server's answer is longer than any right answer")]
    TooLong,
}
