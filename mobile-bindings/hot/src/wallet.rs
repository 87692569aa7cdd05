use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;
use light_client::{
    client::{
        AccountBundle, Bundle as _, ChainCheckpoint, ChainFile, Client, Method, Request, RequestId, Trusted,
    },
    data_format::{Address, Time, TransactionId},
    transaction::check_stateless,
    wallet::{SignRequest, SignatureReply, verify_reply},
};
use light_native::{Driver, ask};

use crate::{
    AccountInfo, Clock, HotError, HotEvent, PaymentInfo, PaymentOrder, PaymentRequest, ServerInfo, Storage,
    SyncState, Transport,
    adapter::{PhoneClock, PhoneDriver, PhoneStore, PhoneTransport, storage_failed},
    error::shortened,
    order::{check_chain, check_proof, parse_address},
};

/// Bytes of a chain file, at most.
const MAX_CHAIN_FILE_BYTES: usize = 4 * 1024 * 1024;
/// How long to wait for a proof to put into a request, in milliseconds.
const PROOF_TIMEOUT_MS: u64 = 10_000;

/// The hot wallet of one chain on one phone.
#[derive(uniffi::Object)]
pub struct HotWallet {
    /// The chain file's checkpoint: what a cold wallet with the same file can check proofs from.
    installed: Trusted,
    driver: Mutex<PhoneDriver>,
    /// What to tell before anything of the driver's.
    first: Mutex<Option<HotEvent>>,
    waker: AtomicWaker,
    stopped: AtomicBool,
    waiting: AtomicBool,
}

#[uniffi::export]
impl HotWallet {
    /// Opens the wallet of the chain that `chain_file` (the bytes of a `chain.json`, installed with the app)
    /// describes, with what the storage holds. `servers` are addresses without a trailing slash, such as
    /// `https://node.example`. Nothing is asked before [`HotWallet::next_event`] is awaited.
    ///
    /// # Errors
    /// [`HotError::ChainFile`], or the platform's failure.
    #[uniffi::constructor]
    pub fn new(
        chain_file: Vec<u8>,
        servers: Vec<String>,
        transport: Arc<dyn Transport>,
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HotError> {
        let unusable = |reason: String| HotError::ChainFile { reason };
        if chain_file.len() > MAX_CHAIN_FILE_BYTES {
            return Err(unusable(format!("{} bytes, at most {MAX_CHAIN_FILE_BYTES}", chain_file.len())));
        }
        let file: ChainFile =
            serde_json::from_slice(&chain_file).map_err(|error| unusable(error.to_string()))?;
        let (spec, installed) = file.check().map_err(|error| unusable(error.to_string()))?;
        let client = Client::new(spec, installed.clone(), servers);
        let (transport, clock) = (PhoneTransport(transport), PhoneClock(clock));
        let (driver, lost) =
            Driver::open(client, transport, clock, PhoneStore(storage)).map_err(storage_failed)?;
        let lost = lost.map(|lost| HotEvent::StateLost { reason: lost.to_string() });
        Ok(Self {
            installed,
            driver: Mutex::new(driver),
            first: Mutex::new(lost),
            waker: AtomicWaker::new(),
            stopped: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
        })
    }

    /// Goes on after [`HotWallet::stop`], and asks every server at once.
    ///
    /// # Errors
    /// The clock's failure.
    pub fn start(&self) -> Result<(), HotError> {
        self.stopped.store(false, Ordering::Release);
        self.change(Client::wake)
    }

    /// Ends the waiting: [`HotWallet::next_event`] gives nothing from now on, requests under way are dropped.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        lock(&self.driver).pause();
        self.waker.wake();
    }

    /// Works until something changed that is worth drawing; nothing after [`HotWallet::stop`]. What changed is
    /// stored first.
    ///
    /// # Errors
    /// [`HotError::AlreadyWaiting`], or the platform's failure: it may be called again then.
    pub async fn next_event(&self) -> Result<Option<HotEvent>, HotError> {
        let _turn = Turn::take(&self.waiting)?;
        std::future::poll_fn(|context| self.poll_event(context)).await
    }

    /// Proves an account from now on.
    ///
    /// # Errors
    /// [`HotError::Address`], or the clock's failure.
    pub fn watch(&self, address: String) -> Result<(), HotError> {
        let address = self.own_address(&address)?;
        self.change(|client, now| client.watch(address, now))
    }

    /// Whether somebody looks at the app. While nobody does and no payment is open, servers are asked about once an hour;
    /// told that somebody looks again, it asks at once. At the start somebody does.
    ///
    /// # Errors
    /// The clock's failure.
    pub fn set_visible(&self, visible: bool) -> Result<(), HotError> {
        self.change(|client, now| client.set_watched(visible, now))
    }

    /// Stops proving an account and forgets what was proven of it.
    ///
    /// # Errors
    /// [`HotError::Address`], or the clock's failure.
    pub fn unwatch(&self, address: String) -> Result<(), HotError> {
        let address = self.own_address(&address)?;
        self.change(|client, _| client.unwatch(&address))
    }

    /// A watched account as far as it is proven; nothing if it is not watched.
    ///
    /// # Errors
    /// [`HotError::Address`].
    pub fn account(&self, address: String) -> Result<Option<AccountInfo>, HotError> {
        let address = self.own_address(&address)?;
        let driver = lock(&self.driver);
        let client = driver.client();
        Ok(client.account(&address).map(|account| AccountInfo::of(client, address, account)))
    }

    /// Loads older history of a watched account; nothing to do when all of it is there.
    ///
    /// # Errors
    /// [`HotError::Address`], or the clock's failure.
    pub fn load_history(&self, address: String) -> Result<(), HotError> {
        let address = self.own_address(&address)?;
        self.change(|client, now| client.load_history(address, now))
    }

    /// The newest block that is proven here, as a text for another device; nothing while only operators vouch for blocks.
    ///
    /// # Errors
    /// The clock's failure.
    pub fn checkpoint(&self) -> Result<Option<String>, HotError> {
        let driver = lock(&self.driver);
        let now = driver.now()?;
        Ok(driver.client().checkpoint(now).map(|checkpoint| checkpoint.to_text()))
    }

    /// Trusts a block that another device showed or somebody gave, because a person says so. It ends
    /// [`SyncState::TrustExpired`](crate::SyncState), an agreement and a fork.
    ///
    /// # Errors
    /// [`HotError::Checkpoint`], or the clock's failure; nothing has changed then.
    pub fn confirm_checkpoint(&self, text: String) -> Result<(), HotError> {
        let unusable = |reason: String| HotError::Checkpoint { reason };
        let given = ChainCheckpoint::from_text(&text).map_err(|error| unusable(error.to_string()))?;
        let mut confirmed = Ok(());
        self.change(|client, now| confirmed = client.confirm(given, now))?;
        confirmed.map_err(|error| unusable(error.to_string()))
    }

    /// Asks every server again, also those that lied: because a person said so.
    ///
    /// # Errors
    /// The clock's failure.
    pub fn refresh(&self) -> Result<(), HotError> {
        self.change(Client::refresh)
    }

    /// How the conversation with the servers goes.
    ///
    /// # Errors
    /// The clock's failure.
    pub fn sync(&self) -> Result<SyncState, HotError> {
        let driver = lock(&self.driver);
        let now = driver.now()?;
        Ok(SyncState::of(driver.client().sync(now), driver.client()))
    }

    /// The servers, in the order given.
    pub fn servers(&self) -> Vec<ServerInfo> {
        lock(&self.driver).client().servers().iter().map(Into::into).collect()
    }

    /// The request that a cold wallet is to sign: at the account's next number and for the least fee.
    ///
    /// # Errors
    /// [`HotError::NotProven`] before the account's first proof, [`HotError::Refused`] for what would not go
    /// through, [`HotError::NoProof`], an error about the order's texts, or the platform's failure.
    pub async fn payment_request(&self, order: PaymentOrder) -> Result<PaymentRequest, HotError> {
        let parsed = order.parse(lock(&self.driver).client())?;
        // What would be refused is refused before anything is asked.
        let without = parsed.request(lock(&self.driver).client(), None)?;
        if !order.with_proof {
            return Ok(without);
        }
        let proof = self.fetch_proof(parsed.sender).await?;
        parsed.request(lock(&self.driver).client(), Some(proof))
    }

    /// Takes a cold wallet's reply to a request of [`HotWallet::payment_request`]: verifies it, stores the
    /// payment, submits it and follows it: to the sender's server, and to all if no block has it soon. The same reply twice
    /// is one payment.
    ///
    /// # Errors
    /// [`HotError::NotARequest`], [`HotError::NotAReply`], [`HotError::OtherRequest`], [`HotError::OtherKey`],
    /// [`HotError::BadSignature`], [`HotError::Refused`], or the platform's failure: nothing is sent then.
    pub fn submit(&self, request: Vec<u8>, reply: Vec<u8>) -> Result<PaymentInfo, HotError> {
        let request = SignRequest::decode(&request)
            .map_err(|error| HotError::NotARequest { reason: error.to_string() })?;
        let reply = SignatureReply::decode(&reply)
            .map_err(|error| HotError::NotAReply { reason: error.to_string() })?;
        let signed = verify_reply(&request, &reply)?;
        let mut driver = lock(&self.driver);
        check_chain(&request, driver.client().chain())?;
        check_stateless(&signed, driver.client().spec(), driver.client().chain())?;
        let id = driver.submit(signed)?;
        let payment = driver.client().payment(&id).map(|payment| PaymentInfo::of(&id, payment));
        drop(driver);
        self.waker.wake();
        payment.ok_or_else(|| HotError::UnknownPayment { transaction: id.to_string() })
    }

    /// The payments followed here.
    pub fn payments(&self) -> Vec<PaymentInfo> {
        lock(&self.driver).client().payments().map(|(id, payment)| PaymentInfo::of(id, payment)).collect()
    }

    /// One payment, by its id.
    ///
    /// # Errors
    /// [`HotError::UnknownPayment`].
    pub fn payment(&self, transaction_id: String) -> Result<PaymentInfo, HotError> {
        let unknown = || HotError::UnknownPayment { transaction: shortened(&transaction_id) };
        let id = TransactionId::from_hex(&transaction_id).ok_or_else(unknown)?;
        let driver = lock(&self.driver);
        driver.client().payment(&id).map(|payment| PaymentInfo::of(&id, payment)).ok_or_else(unknown)
    }
}

impl HotWallet {
    fn poll_event(&self, context: &mut Context<'_>) -> Poll<Result<Option<HotEvent>, HotError>> {
        self.waker.register(context.waker());
        if self.stopped.load(Ordering::Acquire) {
            return Poll::Ready(Ok(None));
        }
        if let Some(event) = lock(&self.first).take() {
            return Poll::Ready(Ok(Some(event)));
        }
        let event = lock(&self.driver).poll_event(context);
        event.map(|event| Ok(Some(event?.into())))
    }

    /// A proof of the sender's account that a cold wallet can check from the chain file.
    async fn fetch_proof(&self, sender: Address) -> Result<Vec<u8>, HotError> {
        let (servers, known) = {
            let driver = lock(&self.driver);
            let client = driver.client();
            // The one that knows of the account anyway comes first.
            let home = client.home_of(&sender);
            let mut servers: Vec<(usize, String)> =
                client.servers().iter().map(|server| server.url().to_owned()).enumerate().collect();
            servers.sort_by_key(|(server, _)| Some(*server) != home);
            let proven = client.account(&sender).and_then(|account| account.proven());
            (servers, proven.and_then(|p| p.record).map_or(0, |record| record.history_count))
        };
        let mut failure = HotError::NoProof { reason: "there is no server".to_owned() };
        for (server, url) in servers {
            let trusted = self.installed.id;
            let request = Request {
                // Not one of the client's: nothing is told to it.
                id: RequestId(u64::MAX),
                server,
                method: Method::Get,
                url: format!("{url}/v1/accounts/{sender}/bundle?trusted={trusted}&known={known}&records=0"),
                body: Vec::new(),
                timeout_ms: PROOF_TIMEOUT_MS,
                max_bytes: AccountBundle::MAX_BYTES,
            };
            let answer = {
                let driver = lock(&self.driver);
                ask(driver.transport(), driver.clock(), request)
            };
            match answer.await {
                Ok(answer) if answer.status == 200 => {
                    let driver = lock(&self.driver);
                    let now = driver.now()?;
                    match check_proof(driver.client(), &self.installed, sender, &answer.body, now) {
                        Ok(()) => return Ok(answer.body),
                        Err(error) => failure = error,
                    }
                }
                Ok(answer) => failure = HotError::NoProof { reason: format!("status {}", answer.status) },
                Err(error) => failure = HotError::NoProof { reason: error.to_string() },
            }
        }
        Err(failure)
    }

    fn change(&self, change: impl FnOnce(&mut Client, Time)) -> Result<(), HotError> {
        lock(&self.driver).change(change)?;
        self.waker.wake();
        Ok(())
    }

    fn own_address(&self, text: &str) -> Result<Address, HotError> {
        let address = parse_address(text)?;
        if address.network() == lock(&self.driver).client().spec().network {
            return Ok(address);
        }
        let reason = "it belongs to another network than this chain".to_owned();
        Err(HotError::Address { text: shortened(text), reason })
    }
}

/// The one caller that waits for events; gives its place back when it goes away.
struct Turn<'a>(&'a AtomicBool);

impl<'a> Turn<'a> {
    fn take(waiting: &'a AtomicBool) -> Result<Self, HotError> {
        if waiting.swap(true, Ordering::AcqRel) { Err(HotError::AlreadyWaiting) } else { Ok(Self(waiting)) }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A panic elsewhere leaves the machine as it was before or after one whole step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
