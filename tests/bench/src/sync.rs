//! What a light client downloads and checks to come up to date from an old checkpoint: chains of 15 slots of 4 seconds,
//! through the client's own requests and the bytes of the answers.

use std::collections::HashMap;

use light_client::{
    client::{Client, Request, Response, Sync},
    consensus::spos::{Electorate, HandOverStep},
    data_format::{Amount, GenesisAccount, Round, Time, UNITS_PER_COIN, codec},
    test_support::{
        chain::{ScriptedChain, test_address},
        link_history::{Absent, LinkHistory, ROUNDS_A_DAY, ROUNDS_A_YEAR, Served},
    },
};

use crate::{
    crypto::RawCheck,
    measure::{Figures, median, time},
};

const SLOTS: u64 = 15;
/// The round of the checkpoint that is trusted.
pub(crate) const TRUSTED: Round = Round(10);
/// Accounts in the state, of which the client watches one.
const ACCOUNTS: u64 = 1_000;
const DAYS: u64 = 365;
const HOSTILE_DAYS: u64 = 30;
const PASSES: usize = 9;
/// Test keys of the two holders that never sign.
const SILENT: [u64; 2] = [1_013, 1_014];

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let mut year = quiet_year();
    let one = Run::new(&mut year);
    figures.print("light.sync_1y.bytes", one.served.bytes as f64, "B");
    figures.print("light.sync_1y.verify_ms", one.verify_ms(), "ms");
    figures.print("light.sync_1y.round_trips", one.served.round_trips as f64, "round trips");
    let mut years = history(&[], 30 * ROUNDS_A_YEAR, Box::new(|_, _| false));
    figures.print("light.sync_30y.bytes", Run::new(&mut years).served.bytes as f64, "B");
    figures.print("light.linear_1y.bytes", sealed_header_bytes() * ROUNDS_A_YEAR as f64 * SLOTS as f64, "B");
    figures.print("light.follow_day.bytes", follow_day(year) as f64, "B");
    let year = history(&[], ROUNDS_A_YEAR, Box::new(|_, _| false));
    figures.print("light.idle_day.bytes", idle_day(year) as f64, "B");

    let daily: Vec<Round> = (0..DAYS).map(|day| TRUSTED.plus(day * ROUNDS_A_DAY + 700)).collect();
    let mut daily = history(&daily, ROUNDS_A_YEAR, Box::new(|_, _| false));
    let run = Run::new(&mut daily);
    let checks = RawChecks::of(&daily, &run);
    let (verify, ratio) = compared(&run, &checks);
    figures.print("light.sync_1y_daily.bytes", run.served.bytes as f64, "B");
    figures.print("light.sync_1y_daily.hops", checks.steps as f64, "links");
    figures.print("light.sync_1y_daily.verify_ms", verify, "ms");
    figures.print("light.sync_1y_daily.verify_ratio", ratio, "ratio");

    let changes = HOSTILE_DAYS * ROUNDS_A_DAY / 3;
    let hostile: Vec<Round> = (0..changes).map(|change| TRUSTED.plus(1_000 + change * 3)).collect();
    let silent =
        SILENT.map(|number| *light_client::test_support::chain::test_key(number).public().as_bytes());
    let absent: Absent = Box::new(move |_, key| silent.contains(key.as_bytes()));
    let run = Run::new(&mut history(&hostile, ROUNDS_A_YEAR, absent));
    figures.print("light.sync_1y_hostile.bytes", run.served.bytes as f64, "B");
    figures.print("light.sync_1y_hostile.round_trips", run.served.round_trips as f64, "round trips");
    figures.print("light.sync_1y_hostile.verify_ms", run.verify_ms(), "ms");
    Ok(())
}

/// A year in which no holder changed.
pub(crate) fn quiet_year() -> LinkHistory {
    history(&[], ROUNDS_A_YEAR, Box::new(|_, _| false))
}

/// A chain whose table changed in one slot in each of these rounds, the silent holders' slots aside; so many rounds after
/// the trusted checkpoint.
fn history(planned_in: &[Round], rounds: u64, absent: Absent) -> LinkHistory {
    let mut tables: Vec<Vec<u64>> = vec![(1_000..1_000 + SLOTS).collect()];
    for change in 0..planned_in.len() {
        let mut next = tables[change].clone();
        let changing = next.len() - SILENT.len();
        next[change % changing] = 10_000 + change as u64;
        tables.push(next);
    }
    let account =
        |number| GenesisAccount { address: test_address(number), balance: Amount(1_000 * UNITS_PER_COIN) };
    let accounts = (0..ACCOUNTS).map(account).collect();
    LinkHistory::new(&tables, planned_in.to_vec(), TRUSTED.plus(rounds), accounts, absent)
}

/// A client that comes up to date, with everything that it was answered.
struct Run {
    client: Box<dyn Fn() -> Client>,
    now: Time,
    answers: HashMap<String, Response>,
    served: Served,
}

impl Run {
    fn new(history: &mut LinkHistory) -> Self {
        let (spec, trusted, now) = (history.spec().clone(), history.trusted(TRUSTED), history.now());
        let client = move || {
            let mut client = Client::new(spec.clone(), trusted.clone(), ["http://server".to_owned()]);
            client.watch(test_address(1), now);
            client
        };
        let client = Box::new(client);
        let mut run = Self { client, now, answers: HashMap::new(), served: Served::default() };
        let mut client = (run.client)();
        let heard = |request: &Request, answer: &Response| {
            run.answers.insert(request.url.clone(), answer.clone());
        };
        run.served = history.serve(&mut client, now, heard);
        assert_eq!(client.sync(now), Sync::Verified, "{:?}", client.servers());
        assert_eq!(client.trusted().round, history.newest());
        assert!(client.account(&test_address(1)).unwrap().proven().is_some(), "the account is proven");
        run
    }

    /// Milliseconds that taking all answers takes, once.
    fn once(&self) -> f64 {
        let mut client = (self.client)();
        let mut took = 0.0;
        while let Some(request) = client.next_request() {
            let answer = self.answers[&request.url].clone();
            took += time(|| client.respond(request.id, Ok(answer), self.now)).0.as_secs_f64();
        }
        took * 1e3
    }

    fn verify_ms(&self) -> f64 {
        median((0..PASSES).map(|_| self.once()).collect())
    }
}

/// The signatures of a hand-over, to be checked alone.
struct RawChecks {
    steps: usize,
    checks: Vec<RawCheck>,
}

impl RawChecks {
    /// Those that a client checks which takes these answers.
    fn of(history: &LinkHistory, run: &Run) -> Self {
        let trusted = (run.client)().trusted().clone();
        let chain = history.spec().id();
        let rounds = history.plan(&trusted).unwrap();
        let mut held = trusted.tables.unwrap();
        let mut checks = Vec::new();
        for round in &rounds {
            let HandOverStep { certificate, source, target } = history.step(*round);
            let fewest = certificate.fewest(&target, &source, Some(held.newest()));
            let electorate = Electorate::new(&target, &source);
            let message = fewest.link.message(&chain);
            for (key, signature) in electorate.keys(&fewest.signers).zip(&fewest.signatures) {
                checks.push(RawCheck::new(key.as_bytes(), message.clone(), *signature));
            }
            held = source;
        }
        Self { steps: rounds.len(), checks }
    }

    fn once(&self) -> f64 {
        let (took, ()) = time(|| self.checks.iter().for_each(RawCheck::run));
        took.as_secs_f64() * 1e3
    }
}

/// Milliseconds of a run, and what it takes of the time of its raw signature checks. Each pair is measured in turn: what slows the
/// machine down for a while slows both.
fn compared(run: &Run, checks: &RawChecks) -> (f64, f64) {
    let pairs: Vec<(f64, f64)> = (0..PASSES).map(|_| (run.once(), checks.once())).collect();
    let ratios = pairs.iter().map(|(verify, raw)| verify / raw).collect();
    (median(pairs.into_iter().map(|(verify, _)| verify).collect()), median(ratios))
}

fn sealed_header_bytes() -> f64 {
    let mut chain = ScriptedChain::new(SLOTS, Vec::new());
    chain.advance(&[]);
    codec::encode(chain.head()).len() as f64
}

/// Bytes of a day in which nobody looks at a client that watches an account.
fn idle_day(mut history: LinkHistory) -> usize {
    let (trusted, now) = (history.trusted(history.newest()), history.now());
    let mut client = Client::new(history.spec().clone(), trusted, ["http://server".to_owned()]);
    client.watch(test_address(1), now);
    history.serve(&mut client, now, |_, _| ());
    let served = history.idle_day(&mut client);
    assert_eq!(client.trusted().round, history.newest());
    served.bytes
}

/// Bytes of a day in which a client that shows no account asks for the newest final block whenever there is a new one.
fn follow_day(mut history: LinkHistory) -> usize {
    let newest = history.newest();
    let trusted = history.trusted(newest);
    let mut client = Client::new(history.spec().clone(), trusted, ["http://server".to_owned()]);
    let mut bytes = 0;
    for minute in 1..=ROUNDS_A_DAY {
        history.advance_to(newest.plus(minute));
        let now = history.now();
        client.tick(now);
        bytes += history.serve(&mut client, now, |_, _| ()).bytes;
        assert_eq!(client.trusted().round, history.newest());
    }
    bytes
}
