//! Hot and cold phone over a chain in memory. Time is virtual: each sleep makes the chain a round older.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken script must stop the test")]

#[path = "../../cold/tests/common/mod.rs"]
mod cold_phone;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use cold_phone::{PHRASE, Phone, owner};
use futures_util::FutureExt as _;
use light_client::{
    client::{ChainFile, Method, Request, RequestId},
    data_format::{Address, Amount, GenesisAccount, Network, Time, codec},
    test_support::{chain::ScriptedChain, server::ScriptedServer},
};
use mobile_cold::{ColdError, ColdWallet, ProofState, RowLabel, RowTrust};
use mobile_hot::{
    Clock, HotError, HotEvent, HotWallet, HttpMethod, HttpRequest, HttpResponse, PaymentInfo, PaymentOrder,
    PaymentState, PlatformError, ServerHealth, Storage, SyncState, Transport, TransportError,
};

const BALANCE: u64 = 100_000_000_000;

/// The platform's side, and the server at its other end. Clones share both.
#[derive(Clone)]
struct World(Arc<Mutex<Inside>>);

struct Inside {
    server: ScriptedServer,
    files: BTreeMap<String, Vec<u8>>,
    full: bool,
    /// Changes answers on their way.
    tamper: fn(&HttpRequest, HttpResponse) -> Result<HttpResponse, TransportError>,
    posts: usize,
}

impl World {
    fn new() -> Self {
        let account = GenesisAccount { address: payer(), balance: Amount(BALANCE) };
        let mut server = ScriptedServer::new(ScriptedChain::new(4, vec![account]));
        // Both phones' clocks start a minute after genesis.
        while server.chain.now().0 < server.chain.spec().genesis_time.0 + 60_000 {
            server.advance();
        }
        let inside =
            Inside { server, files: BTreeMap::new(), full: false, tamper: |_, answer| Ok(answer), posts: 0 };
        Self(Arc::new(Mutex::new(inside)))
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inside) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    fn now(&self) -> Time {
        self.with(|inside| inside.server.chain.now())
    }

    fn chain_file(&self) -> ChainFile {
        self.with(|inside| ChainFile {
            spec: inside.server.chain.spec().clone(),
            checkpoint: inside.server.chain.checkpoint(),
            servers: Vec::new(),
        })
    }

    fn hot(&self) -> HotWallet {
        let world = || Arc::new(self.clone());
        let file = serde_json::to_vec(&self.chain_file()).unwrap();
        HotWallet::new(file, vec!["http://one".to_owned()], world(), world(), world()).unwrap()
    }

    /// A cold phone with the payer's seed, its clock set.
    fn cold(&self) -> (Phone, ColdWallet) {
        let phone = Phone::default();
        phone.set_time(self.now());
        let wallet = phone.open_chain(&self.chain_file()).unwrap();
        wallet.restore_bip39(PHRASE.as_bytes().to_vec()).unwrap();
        (phone, wallet)
    }
}

#[async_trait::async_trait]
impl Transport for World {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.with(|inside| {
            inside.posts += usize::from(request.method == HttpMethod::Post);
            let answer = inside.server.answer(&Request {
                id: RequestId(0),
                server: 0,
                method: match request.method {
                    HttpMethod::Get => Method::Get,
                    HttpMethod::Post => Method::Post,
                },
                url: request.url.clone(),
                body: request.body.clone(),
                timeout_ms: request.timeout_ms,
                max_bytes: 0,
            });
            (inside.tamper)(&request, HttpResponse { status: answer.status, body: answer.body })
        })
    }
}

impl Storage for World {
    fn read(&self, name: String) -> Result<Option<Vec<u8>>, PlatformError> {
        Ok(self.with(|inside| inside.files.get(&name).cloned()))
    }

    fn write(&self, name: String, value: Vec<u8>) -> Result<(), PlatformError> {
        self.with(|inside| {
            if inside.full {
                return Err(PlatformError::Failed { reason: "no space left".to_owned() });
            }
            inside.files.insert(name, value);
            Ok(())
        })
    }
}

#[async_trait::async_trait]
impl Clock for World {
    fn now_ms(&self) -> Result<u64, PlatformError> {
        Ok(self.now().0)
    }

    async fn sleep_ms(&self, _duration: u64) -> Result<(), PlatformError> {
        self.with(|inside| inside.server.advance());
        Ok(())
    }
}

fn payer() -> Address {
    Address::of(&owner(0).public(), Network::Test)
}

fn order(units: u64) -> PaymentOrder {
    PaymentOrder {
        public_key: codec::encode(&owner(0).public()),
        fingerprint: None,
        to: Address::of(&owner(1).public(), Network::Test).to_string(),
        units,
        memo: "rent".to_owned(),
        valid_for_blocks: 1_000,
        origin: Some("the test".to_owned()),
        with_proof: true,
    }
}

/// The next event. Nothing here ever waits for real.
fn next(hot: &HotWallet) -> HotEvent {
    hot.next_event().now_or_never().unwrap().unwrap().unwrap()
}

/// Works until `done`; the chain would be 1,000 rounds old if it never were.
fn until(hot: &HotWallet, done: impl Fn(&HotWallet) -> bool) {
    for _ in 0..1_000 {
        if done(hot) {
            return;
        }
        next(hot);
    }
    panic!("it never happened");
}

/// A hot wallet that has proven the payer's balance.
fn proven(world: &World) -> HotWallet {
    let hot = world.hot();
    hot.watch(payer().to_string()).unwrap();
    until(&hot, |hot| balance(hot).is_some());
    hot
}

fn balance(hot: &HotWallet) -> Option<u64> {
    hot.account(payer().to_string()).unwrap().unwrap().balance.map(|balance| balance.units)
}

fn request(hot: &HotWallet, order: PaymentOrder) -> Result<mobile_hot::PaymentRequest, HotError> {
    hot.payment_request(order).now_or_never().unwrap()
}

fn pay(world: &World, hot: &HotWallet, units: u64) -> PaymentInfo {
    let (_, cold) = world.cold();
    let request = request(hot, order(units)).unwrap();
    let reply = cold.sign(request.request.clone()).unwrap();
    hot.submit(request.request, reply).unwrap()
}

#[test]
fn a_payment_is_proven_to_the_cold_phone_signed_there_and_followed_to_final() {
    let world = World::new();
    let hot = proven(&world);
    let (phone, cold) = world.cold();
    let request = request(&hot, order(1_250_000_000)).unwrap();
    let review = cold.review(request.request.clone()).unwrap();
    let ProofState::Verified { height, .. } = review.proof else { panic!("{:?}", review.proof) };
    let row = review.rows.iter().find(|row| row.label == RowLabel::BalanceBefore).unwrap();
    assert_eq!(row.trust, RowTrust::Proven { height });
    assert_eq!(row.value_text, "1000 VSYS");
    assert_eq!(phone.open_chain(&world.chain_file()).unwrap().chain().checkpoint_height, height);

    let reply = cold.sign(request.request.clone()).unwrap();
    let id = hot.submit(request.request.clone(), reply.clone()).unwrap().transaction_id;
    assert_eq!(hot.submit(request.request, reply).unwrap().transaction_id, id);
    assert_eq!(hot.payments().len(), 1);
    until(&hot, |hot| hot.payment(id.clone()).unwrap().settled);
    assert!(matches!(hot.payment(id.clone()).unwrap().state, PaymentState::Final { succeeded: true, .. }));
    let left = BALANCE - 1_250_000_000 - request.fee_units;
    until(&hot, |hot| balance(hot) == Some(left));
    let account = world.hot().account(payer().to_string()).unwrap().unwrap();
    assert_eq!(
        account.history.iter().map(|item| item.delta_units).sum::<i64>(),
        i64::try_from(left).unwrap()
    );
    assert!(world.hot().payment(id).unwrap().settled);
}

#[test]
fn a_request_older_than_the_newest_checkpoint_is_refused() {
    let world = World::new();
    let hot = proven(&world);
    let old = request(&hot, order(1)).unwrap();
    for _ in 0..5 {
        world.with(|inside| inside.server.advance());
    }
    let (_, cold) = world.cold();
    hot.refresh().unwrap();
    let new = request(&hot, order(2)).unwrap();
    cold.review(new.request).unwrap();
    let refused = cold.review(old.request.clone()).unwrap_err();
    assert!(matches!(refused, ColdError::Stale { request, checkpoint } if request < checkpoint));
    assert_eq!(cold.sign(old.request).unwrap_err().code(), "stale_request");
}

#[test]
fn a_second_payment_stands_behind_the_first() {
    let world = World::new();
    let hot = proven(&world);
    let first = pay(&world, &hot, 60_000_000_000);
    let refused = request(&hot, order(60_000_000_000)).unwrap_err();
    assert_eq!(refused.code(), "overspend");
    let second = pay(&world, &hot, 1);
    until(&hot, |hot| {
        [&first, &second].iter().all(|p| hot.payment(p.transaction_id.clone()).unwrap().settled)
    });
}

#[test]
fn a_payment_that_cannot_be_stored_is_not_sent() {
    let world = World::new();
    let hot = proven(&world);
    let (_, cold) = world.cold();
    let request = request(&hot, order(1)).unwrap();
    let reply = cold.sign(request.request.clone()).unwrap();
    world.with(|inside| inside.full = true);
    assert_eq!(hot.submit(request.request, reply).unwrap_err().code(), "storage_failed");
    world.with(|inside| inside.full = false);
    assert!(hot.payments().is_empty());
    for _ in 0..10 {
        next(&hot);
    }
    assert_eq!(world.with(|inside| inside.posts), 0);
}

#[test]
fn a_lying_server_is_named_and_its_data_not_used() {
    let world = World::new();
    world.with(|inside| {
        inside.tamper = |request, mut answer| {
            if request.url.contains("/bundle")
                && let Some(last) = answer.body.last_mut()
            {
                *last ^= 1;
            }
            Ok(answer)
        };
    });
    let hot = world.hot();
    hot.watch(payer().to_string()).unwrap();
    until(&hot, |hot| matches!(hot.servers()[0].health, ServerHealth::Lying { .. }));
    assert_eq!(balance(&hot), None);
    assert_eq!(hot.sync().unwrap(), SyncState::Lying { server: 0 });
    assert_eq!(request(&hot, order(1)).unwrap_err().code(), "not_proven");
}

#[test]
fn a_proof_that_does_not_hold_is_not_handed_to_the_cold_phone() {
    let world = World::new();
    let hot = proven(&world);
    world.with(|inside| {
        inside.tamper = |_, mut answer| {
            answer.body.truncate(100);
            Ok(answer)
        };
    });
    assert_eq!(request(&hot, order(1)).unwrap_err().code(), "no_proof");
    assert!(request(&hot, PaymentOrder { with_proof: false, ..order(1) }).is_ok());
}

#[test]
fn a_transport_that_ignores_the_bound_is_held_to_it() {
    let world = World::new();
    world.with(|inside| {
        inside.tamper = |request, mut answer| {
            if !request.url.ends_with("/status") {
                answer.body.resize(usize::try_from(request.max_response_bytes).unwrap() + 1, 0);
            }
            Ok(answer)
        };
    });
    let hot = world.hot();
    hot.watch(payer().to_string()).unwrap();
    until(&hot, |hot| matches!(hot.servers()[0].health, ServerHealth::Lying { .. }));
}

#[test]
fn a_damaged_store_is_told_and_proven_anew() {
    let world = World::new();
    proven(&world);
    world.with(|inside| {
        for value in inside.files.values_mut() {
            value.truncate(20);
        }
    });
    let hot = world.hot();
    assert!(matches!(next(&hot), HotEvent::StateLost { .. }));
    hot.watch(payer().to_string()).unwrap();
    until(&hot, |hot| balance(hot) == Some(BALANCE));
}

#[test]
fn after_a_stop_nothing_comes_and_after_a_start_it_goes_on() {
    let world = World::new();
    let hot = proven(&world);
    hot.stop();
    assert_eq!(hot.next_event().now_or_never().unwrap(), Ok(None));
    hot.start().unwrap();
    next(&hot);
}

#[test]
fn a_block_proven_on_one_phone_is_trusted_on_another_by_a_persons_word() {
    let world = World::new();
    let first = proven(&world);
    let text = first.checkpoint().unwrap().expect("a block was proven");
    let other = World::new();
    other.with(|inside| (0..20).for_each(|_| inside.server.advance()));
    let second = other.hot();
    second.confirm_checkpoint(format!(" {} \n", text.to_lowercase())).unwrap();
    second.watch(payer().to_string()).unwrap();
    until(&second, |hot| balance(hot) == balance(&first));
    until(&second, |hot| matches!(hot.sync(), Ok(SyncState::Verified { height }) if height > 60));
    assert_eq!(second.confirm_checkpoint(text.clone()).unwrap_err().code(), "checkpoint", "it is older now");
    assert_eq!(second.confirm_checkpoint(text[4..].to_owned()).unwrap_err().code(), "checkpoint");
}

#[test]
fn an_app_that_is_seen_again_asks_at_once() {
    let world = World::new();
    let hot = proven(&world);
    hot.set_visible(false).unwrap();
    world.with(|inside| (0..5).for_each(|_| inside.server.advance()));
    let before = hot.account(payer().to_string()).unwrap().unwrap().balance.unwrap();
    assert!(!before.only_agreed);
    hot.set_visible(true).unwrap();
    until(&hot, |hot| {
        let now = hot.account(payer().to_string()).unwrap().unwrap().balance.unwrap();
        now.height > before.height && matches!(hot.sync(), Ok(SyncState::Verified { .. }))
    });
}
