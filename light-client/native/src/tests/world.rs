use std::{
    collections::BTreeMap,
    future::pending,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use light_client::{
    client::{Client, Event, Method, Request, Response, StateStore, Sync, TransportError},
    data_format::{Address, Amount, ChainId, GenesisAccount, SignedTransaction, Time},
    test_support::{
        chain::{ScriptedChain, test_address},
        server::ScriptedServer,
    },
};

use crate::{Clock, Driver, Failure, LostState, Transport};

pub(super) const BALANCE: u64 = 100_000_000_000;

/// What becomes of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    Up,
    /// Requests fail at once.
    Down,
    /// Requests never end.
    Silent,
    /// Answers that prove something are longer than asked for.
    Endless,
}

/// A device and the server at the other end of its network. Clones share both.
#[derive(Clone)]
pub(super) struct World(Arc<Mutex<Inside>>);

pub(super) struct Inside {
    server: ScriptedServer,
    /// The time as it is.
    time: Time,
    /// How far the device's clock is ahead of it, in milliseconds.
    pub(super) ahead: i64,
    /// What timers go by, in milliseconds: it stands still while the device sleeps.
    uptime: u64,
    timers: Vec<(u64, Waker)>,
    pub(super) network: Network,
    pub(super) files: BTreeMap<ChainId, Vec<u8>>,
    pub(super) disk_full: bool,
    pub(super) disk_gone: bool,
    pub(super) asked: Vec<Method>,
    pub(super) woken: usize,
}

pub(super) type WorldDriver = Driver<World, World, World>;

impl World {
    /// A chain of a minute, and a device with a right clock.
    pub(super) fn new() -> Self {
        let account = GenesisAccount { address: test_address(1), balance: Amount(BALANCE) };
        let server = ScriptedServer::new(ScriptedChain::new(4, vec![account]));
        let time = server.chain.now();
        let world = Self(Arc::new(Mutex::new(Inside {
            server,
            time,
            ahead: 0,
            uptime: 0,
            timers: Vec::new(),
            network: Network::Up,
            files: BTreeMap::new(),
            disk_full: false,
            disk_gone: false,
            asked: Vec::new(),
            woken: 0,
        })));
        world.pass(60_000);
        world
    }

    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Inside) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    /// Time passes, timers run.
    pub(super) fn pass(&self, ms: u64) {
        self.sleep_for(ms);
        let due = self.with(|inside| {
            inside.uptime += ms;
            let timers = std::mem::take(&mut inside.timers);
            let (due, later): (Vec<_>, _) = timers.into_iter().partition(|(at, _)| *at <= inside.uptime);
            inside.timers = later;
            due
        });
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// The device sleeps: time passes, its timers stand still.
    pub(super) fn sleep_for(&self, ms: u64) {
        self.with(|inside| {
            inside.time = inside.time.plus_ms(ms);
            while inside.server.chain.now().plus_ms(4_000) <= inside.time {
                inside.server.advance();
            }
        });
    }

    pub(super) fn client(&self) -> Client {
        self.with(|inside| {
            let chain = &inside.server.chain;
            Client::new(chain.spec().clone(), chain.genesis(), ["http://one".to_owned()])
        })
    }

    pub(super) fn try_open(&self) -> Result<(WorldDriver, Option<LostState>), String> {
        Driver::open(self.client(), self.clone(), self.clone(), self.clone())
    }

    /// A driver that watches the funded account.
    pub(super) fn open(&self) -> WorldDriver {
        let (mut driver, lost) = self.try_open().unwrap();
        assert_eq!(lost, None);
        driver.change(|client, now| client.watch(test_address(1), now)).unwrap();
        driver
    }

    /// A driver that has proven it.
    pub(super) fn proven(&self) -> WorldDriver {
        let mut driver = self.open();
        let took = self.run_until(&mut driver, "the account", |driver| {
            balance(driver) == Some(BALANCE) && is_verified(driver)
        });
        assert!(took < 1_000, "{took} ms");
        driver
    }

    pub(super) fn transfer(&self, to: Address, units: u64) -> SignedTransaction {
        self.with(|inside| inside.server.chain.transfer(1, to, Amount(units)))
    }

    /// Works until `done`; gives the milliseconds it took, by true time.
    pub(super) fn run_until(
        &self,
        driver: &mut WorldDriver,
        what: &str,
        done: impl Fn(&WorldDriver) -> bool,
    ) -> u64 {
        let began = self.with(|inside| inside.time);
        while !done(driver) {
            let waited = self.with(|inside| inside.time).ms_since(began);
            assert!(waited < 300_000, "it never happened: {what}");
            self.step(driver).unwrap();
        }
        self.with(|inside| inside.time).ms_since(began)
    }

    /// Works for so long.
    pub(super) fn run_for(&self, driver: &mut WorldDriver, ms: u64) {
        let end = self.with(|inside| inside.time).plus_ms(ms);
        loop {
            let left = end.ms_since(self.with(|inside| inside.time));
            if left == 0 {
                return;
            }
            self.step_within(driver, left).unwrap();
        }
    }

    /// One event, or else time to the next timer.
    pub(super) fn step(&self, driver: &mut WorldDriver) -> Result<Option<Event>, Failure<String, String>> {
        self.step_within(driver, u64::MAX)
    }

    fn step_within(
        &self,
        driver: &mut WorldDriver,
        ms: u64,
    ) -> Result<Option<Event>, Failure<String, String>> {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(event) = driver.poll_event(&mut context) {
            return event.map(Some);
        }
        let next = self.with(|inside| inside.timers.iter().map(|(at, _)| *at).min().unwrap() - inside.uptime);
        self.pass(next.min(ms));
        Ok(None)
    }
}

pub(super) fn balance(driver: &WorldDriver) -> Option<u64> {
    let proven = driver.client().account(&test_address(1))?.proven()?;
    Some(proven.record.unwrap_or_default().balance.units())
}

pub(super) fn is_verified(driver: &WorldDriver) -> bool {
    driver.client().sync(driver.now().unwrap()) == Sync::Verified
}

impl Inside {
    fn device_time(&self) -> Time {
        Time(self.time.0.checked_add_signed(self.ahead).unwrap())
    }
}

impl Transport for World {
    fn send(&self, request: Request) -> BoxFuture<'static, Result<Response, TransportError>> {
        let (network, mut answer) = self.with(|inside| {
            inside.asked.push(request.method);
            let up = matches!(inside.network, Network::Up | Network::Endless);
            (inside.network, up.then(|| inside.server.answer(&request)))
        });
        if let (Network::Endless, Some(answer)) = (network, &mut answer) {
            answer.body.resize(request.max_bytes + 1, 0);
        }
        async move {
            match answer {
                Some(answer) => Ok(answer),
                None if network == Network::Silent => pending().await,
                None => Err(TransportError::Unreachable("no network".to_owned())),
            }
        }
        .boxed()
    }

    fn woke(&self) {
        self.with(|inside| inside.woken += 1);
    }
}

/// Runs by the device's uptime.
struct Sleep {
    world: World,
    until: u64,
}

impl Future for Sleep {
    type Output = Result<(), String>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        self.world.with(|inside| {
            if inside.uptime >= self.until {
                return Poll::Ready(Ok(()));
            }
            inside.timers.push((self.until, context.waker().clone()));
            Poll::Pending
        })
    }
}

impl Clock for World {
    type Error = String;

    fn now(&self) -> Result<Time, String> {
        Ok(self.with(|inside| inside.device_time()))
    }

    fn sleep(&self, ms: u64) -> BoxFuture<'static, Result<(), String>> {
        let until = self.with(|inside| inside.uptime) + ms;
        Sleep { world: self.clone(), until }.boxed()
    }
}

impl StateStore for World {
    type Error = String;

    fn load(&self, chain: &ChainId) -> Result<Option<Vec<u8>>, String> {
        self.with(|inside| {
            if inside.disk_gone { Err("no disk".to_owned()) } else { Ok(inside.files.get(chain).cloned()) }
        })
    }

    fn save(&mut self, chain: &ChainId, state: &[u8]) -> Result<(), String> {
        self.with(|inside| {
            if inside.disk_full {
                return Err("no space left".to_owned());
            }
            inside.files.insert(*chain, state.to_vec());
            Ok(())
        })
    }
}
