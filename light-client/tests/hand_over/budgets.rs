//! What coming up to date weighs, from real keys, tables and signatures: 15 slots of 4 seconds, through the client's own
//! requests.

use light_client::{
    client::{Client, Sync},
    data_format::{Amount, GenesisAccount, Round, UNITS_PER_COIN, codec},
    test_support::{
        chain::test_address,
        link_history::{LinkHistory, ROUNDS_A_DAY, ROUNDS_A_YEAR, Served},
    },
};

use super::one_by_one;

const DAYS: u64 = 365;

/// A history of so many rounds in which the table changed in these.
fn history(planned: Vec<Round>, rounds: u64) -> LinkHistory {
    let account =
        |key| GenesisAccount { address: test_address(key), balance: Amount(1_000 * UNITS_PER_COIN) };
    let tables = one_by_one(15, planned.len() as u64);
    LinkHistory::new(
        &tables,
        planned,
        Round(rounds),
        (0..1_000).map(account).collect(),
        Box::new(|_, _| false),
    )
}

/// A client with a checkpoint of block 0 proves an account.
fn synced(history: &mut LinkHistory) -> Served {
    let (trusted, now) = (history.trusted(Round(0)), history.now());
    let mut client = Client::new(history.spec().clone(), trusted, ["http://one".to_owned()]);
    client.watch(test_address(1), now);
    let served = history.serve(&mut client, now, |_, _| ());
    assert_eq!(client.sync(now), Sync::Verified);
    assert_eq!(client.trusted(), &history.trusted(history.newest()));
    assert!(client.account(&test_address(1)).unwrap().proven().is_some());
    served
}

#[test]
fn a_year_and_thirty_weigh_the_same() {
    let year = synced(&mut history(Vec::new(), ROUNDS_A_YEAR));
    assert!(year.bytes <= 8_000 && year.round_trips <= 3, "{year:?}");
    let years = synced(&mut history(Vec::new(), 30 * ROUNDS_A_YEAR));
    assert!(years.bytes.abs_diff(year.bytes) <= 1_000, "{year:?}, {years:?}");
}

#[test]
fn a_year_of_daily_changes_is_one_page() {
    let planned = (0..DAYS).map(|day| Round(day * ROUNDS_A_DAY + 700)).collect();
    let mut history = history(planned, ROUNDS_A_YEAR);
    let trusted = history.trusted(Round(0));
    let hops = history.plan(&trusted).unwrap().len() as u64;
    // Five changes a link, and four with the beacon at the end.
    assert_eq!(hops, (DAYS - 4).div_ceil(5) + 1);
    assert!(hops <= DAYS.div_ceil(4));
    let served = synced(&mut history);
    assert!(served.bytes <= 120_000 && served.round_trips <= 3, "{served:?}");
}

#[test]
fn a_day_is_followed_within_its_budget() {
    let mut history = history(Vec::new(), 100);
    let trusted = history.trusted(Round(100));
    let mut client = Client::new(history.spec().clone(), trusted, ["http://one".to_owned()]);
    let mut bytes = 0;
    for minute in 1..=ROUNDS_A_DAY {
        history.advance_to(Round(100 + minute));
        let now = history.now();
        client.tick(now);
        bytes += history.serve(&mut client, now, |_, _| ()).bytes;
        assert_eq!(client.trusted().round, history.newest(), "every final block, a minute apart");
    }
    assert!(bytes <= 2_000_000, "{bytes} bytes");
}

#[test]
fn a_day_in_which_nobody_looks_is_within_its_budget() {
    let mut history = history(Vec::new(), 100);
    let (trusted, now) = (history.trusted(Round(100)), history.now());
    let mut client = Client::new(history.spec().clone(), trusted, ["http://one".to_owned()]);
    client.watch(test_address(1), now);
    history.serve(&mut client, now, |_, _| ());
    let Served { bytes, round_trips } = history.idle_day(&mut client);
    assert!(bytes <= 100_000 && (20..=40).contains(&round_trips), "{bytes} bytes in {round_trips} trips");
    assert_eq!(client.trusted().round, history.newest(), "what is trusted does not grow old");
}

#[test]
fn one_link_weighs_about_a_kilobyte() {
    let mut history = history((0..14).map(|change| Round(change * 4 + 3)).collect(), 70);
    let trusted = history.trusted(Round(0));
    let links = history.hand_over(&trusted).links;
    assert!(!links.is_empty());
    for link in links {
        // Five new holders of 60 bytes, twelve signatures of 64.
        let bytes = codec::encode(&link).len();
        assert!((1_100..=1_250).contains(&bytes), "{bytes} bytes");
    }
}
