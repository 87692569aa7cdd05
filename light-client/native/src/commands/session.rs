//! A run of the light client: from the files to the host, and waiting for what is to be proven.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use light_client::{
    client::{AccountState, Client, Event, Health, MemoryStateStore, PaymentState, Standing, Sync, standing},
    data_format::{Address, ChainSpec, Time},
};
use light_native::{
    Failure as HostTrouble,
    host::{Host, HostDriver, HttpTransport, RedbStateStore, RedbStateStoreError},
};

use super::{
    Failure, Options, files,
    progress::Progress,
    store::Store,
    tell,
    trust::{AccountLine, Trust},
    words,
};

/// How long servers that cannot be reached are tried again before a command gives up.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often to look at the clock while nothing happens.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Whether a command can do without the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// It can: a folder that is in use costs a word and a fresh proof.
    IfPossible,
    /// It cannot: a payment is stored before it is sent.
    Always,
}

/// A run.
pub(super) struct Session {
    host: Host<Store>,
    timeout: Duration,
    /// When what earlier runs had proven was proven.
    before: BTreeMap<Address, Time>,
    progress: Progress,
    /// Whether the disk's refusal was told.
    told_unstored: bool,
}

impl Session {
    /// Reads the files and gets ready. Nothing is asked yet. What else was kept is forgotten if `only` names accounts.
    pub(super) fn open(options: &Options, only: Option<&[Address]>, keep: Keep) -> Result<Self, Failure> {
        let folder = files::data_folder(options)?;
        let (spec, trusted) = files::chain(options)?;
        let transport = HttpTransport::new(&options.servers)?;
        check_network(&spec, only.unwrap_or_default())?;
        let store = match RedbStateStore::open(&folder) {
            Ok((store, aside)) => {
                if let Some(aside) = aside {
                    tell(&format!(
                        "What was stored is damaged; it is in {} now, and everything is proven anew.",
                        aside.display()
                    ));
                }
                Store::Folder(store)
            }
            Err(error) if keep == Keep::Always => return Err(error.into()),
            Err(error) => {
                tell(&format!("Nothing of this run is kept: {error}"));
                Store::Memory(MemoryStateStore::default())
            }
        };
        let client = Client::new(spec, trusted, options.servers.iter().cloned());
        let (host, lost) = Host::open(client, transport, store)?;
        if let Some(lost) = lost {
            tell(&format!("What was stored cannot be used, and everything is proven anew: {lost}"));
        }
        let timeout = Duration::from_secs(options.timeout);
        let proven = |(address, account): (&Address, &AccountState)| Some((*address, account.proven()?.at));
        let before = host.client().accounts().filter_map(proven).collect();
        for server in host.client().servers() {
            if let Health::Lying { lie } = server.health() {
                let at =
                    server.lie().map_or_else(String::new, |lie| format!(" on {}", words::moment(lie.at)));
                tell(&format!(
                    "{} sent what cannot be true{at} and is not asked (vsys-light sync --forgive asks again): {lie}",
                    server.url()
                ));
            }
        }
        let mut session = Self { host, timeout, before, progress: Progress::new(), told_unstored: false };
        session.tidy(only)?;
        Ok(session)
    }

    /// Forgets what nobody waits for: settled payments, and accounts that were not asked for.
    fn tidy(&mut self, only: Option<&[Address]>) -> Result<(), Failure> {
        self.change(|client, now| {
            let settled: Vec<_> =
                client.payments().filter(|(_, payment)| payment.is_settled()).map(|(id, _)| *id).collect();
            settled.iter().for_each(|id| client.forget(id));
            let Some(only) = only else { return };
            let others: Vec<_> =
                client.accounts().map(|(address, _)| *address).filter(|a| !only.contains(a)).collect();
            others.iter().for_each(|address| client.unwatch(address));
            only.iter().for_each(|address| client.watch(*address, now));
        })
    }

    /// What is proven.
    pub(super) const fn client(&self) -> &Client {
        self.host.client()
    }

    /// The driver, to submit.
    pub(super) const fn driver(&mut self) -> &mut HostDriver<Store> {
        self.host.driver_mut()
    }

    /// Why a server's last request came to nothing.
    pub(super) fn complaint(&self, server: usize) -> Option<&str> {
        self.host.driver().complaint(server)
    }

    /// Hears of news before it is time to ask.
    pub(super) fn listen(&mut self) {
        self.host.listen();
    }

    /// Tells the client something.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Client, Time)) -> Result<(), Failure> {
        Ok(self.host.driver_mut().change(change)?)
    }

    /// The time.
    pub(super) fn now(&self) -> Result<Time, Failure> {
        Ok(self.host.driver().now()?)
    }

    /// Whether a server has proven something in this run.
    pub(super) fn heard(&self) -> bool {
        self.client().servers().iter().any(|server| *server.health() == Health::Good)
    }

    /// How an account stands. Proven in an earlier run alone is stale, however short ago that was.
    pub(super) fn account(&self, address: &Address, now: Time) -> AccountLine {
        let client = self.client();
        let proven = client.account(address).and_then(|account| account.proven());
        let trust = proven.map_or(Trust::Unknown, |proven| {
            let standing = match standing(client, proven, now) {
                Standing::Verified | Standing::Agreed if self.before.get(address) == Some(&proven.at) => {
                    Standing::Stale
                }
                standing => standing,
            };
            Trust::of(client, proven, standing)
        });
        AccountLine::new(*address, proven, trust)
    }

    /// Whether all of these accounts are proven as new as can be, if only by an agreement: each says which.
    pub(super) fn all_proven(&self, addresses: &[Address], now: Time) -> bool {
        let proven =
            |address| matches!(self.account(address, now).trust, Trust::Verified(_) | Trust::Agreed(_));
        matches!(self.client().sync(now), Sync::Verified | Sync::Agreed) && addresses.iter().all(proven)
    }

    /// Waits for what `done` finds, doing `nudge` before each look.
    ///
    /// # Errors
    /// [`Failure`] if servers are silent, lie or are behind for as long as the options allow.
    pub(super) async fn wait<T>(
        &mut self,
        what: &str,
        mut nudge: impl FnMut(&mut Client, Time),
        mut done: impl FnMut(&Self, Time) -> Option<T>,
    ) -> Result<T, Failure> {
        let began = Instant::now();
        loop {
            self.change(&mut nudge)?;
            let now = self.now()?;
            if let Some(done) = done(self, now) {
                self.progress.clear();
                return Ok(done);
            }
            if let Some(failure) = self.trouble(now, began.elapsed()) {
                self.progress.clear();
                return Err(failure);
            }
            self.progress.show(self.words(what, began.elapsed()));
            self.step(LOOK_AGAIN).await?;
        }
    }

    /// Works until something changed, or until it is time to look at the clock.
    pub(super) async fn step(&mut self, look_again: Duration) -> Result<Option<Event>, Failure> {
        let event = match tokio::time::timeout(look_again, self.host.next_event()).await {
            Err(_) => return Ok(None),
            Ok(Ok(event)) => event,
            Ok(Err(HostTrouble::Clock(error))) => return Err(error.into()),
            Ok(Err(HostTrouble::Store(error))) => {
                self.tell_unstored(&error);
                return Ok(None);
            }
        };
        match event {
            Event::Payment(id) => {
                let payment = self.client().payment(&id);
                if let Some(payment) = payment.filter(|payment| payment.state != PaymentState::Signed) {
                    let words = format!("Payment {id}: {}", words::payment(payment).1);
                    self.say_aside(&words);
                }
            }
            Event::Server(index) => {
                let server = self.client().servers().get(index);
                if let Some((url, lie)) = server.and_then(|server| match server.health() {
                    Health::Lying { lie } => Some((server.url(), lie)),
                    _ => None,
                }) {
                    let words = format!("{url} sent what cannot be true, and is not asked any more: {lie}");
                    self.say_aside(&words);
                }
            }
            // What it is ends whatever waits.
            Event::Account(_) | Event::Final(_) | Event::Fork => {}
        }
        Ok(Some(event))
    }

    /// A line on standard error, where the progress stood.
    pub(super) fn say_aside(&mut self, words: &str) {
        self.progress.clear();
        tell(words);
    }

    fn tell_unstored(&mut self, error: &RedbStateStoreError) {
        if !std::mem::replace(&mut self.told_unstored, true) {
            self.say_aside(&format!("What is proven is not kept: {error}"));
        }
    }

    /// What speaks against waiting any longer.
    pub(super) fn trouble(&self, now: Time, waited: Duration) -> Option<Failure> {
        let client = self.client();
        match client.sync(now) {
            Sync::TrustExpired => return Some(Failure::expired(client)),
            Sync::Lying { .. } => return Some(Failure::lied(client)),
            Sync::OtherChain { .. } => return Some(Failure::no_answer(self.host.driver())),
            Sync::Forked => return Some(Failure::forked(client)),
            Sync::Agreed if waited >= self.timeout => return Some(Failure::agreed(client)),
            Sync::Connecting | Sync::Verified | Sync::Agreed | Sync::Stale { .. } => {}
        }
        let gone =
            client.servers().iter().all(|server| !matches!(server.health(), Health::Unknown | Health::Good));
        if (gone && waited >= PATIENCE) || (waited >= self.timeout && !self.heard()) {
            return Some(Failure::no_answer(self.host.driver()));
        }
        let stale = || client.sync(now) != Sync::Verified;
        (waited >= self.timeout)
            .then(|| if stale() { Failure::stale(client) } else { Failure::no_answer(self.host.driver()) })
    }

    fn words(&self, what: &str, waited: Duration) -> String {
        let (client, servers) = (self.client(), self.client().servers().len());
        let good = client.servers().iter().filter(|server| *server.health() == Health::Good).count();
        format!(
            "Proving {what} · block {} · {good} of {servers} servers · {} s",
            client.trusted().height,
            waited.as_secs()
        )
    }
}

fn check_network(spec: &ChainSpec, addresses: &[Address]) -> Result<(), Failure> {
    match addresses.iter().find(|address| address.network() != spec.network) {
        None => Ok(()),
        Some(address) => Err(Failure::arguments(
            format!("{address} belongs to another network than the chain {:?}", spec.name),
            "check the address, or name another chain with --chain FILE",
        )),
    }
}

impl<C: Into<Failure>, S: Into<Failure>> From<HostTrouble<C, S>> for Failure {
    fn from(trouble: HostTrouble<C, S>) -> Self {
        match trouble {
            HostTrouble::Clock(error) => error.into(),
            HostTrouble::Store(error) => error.into(),
        }
    }
}
