use light_client::client::{Health, Standing, Sync, standing};

use super::world::{BALANCE, World, balance, is_verified};

const HOUR_MS: u64 = 3_600_000;

#[test]
fn after_a_sleep_it_is_stale_until_it_is_proven_again() {
    let world = World::new();
    let mut driver = world.proven();
    world.sleep_for(HOUR_MS / 6);
    let now = driver.now().unwrap();
    assert!(matches!(driver.client().sync(now), Sync::Stale { since: Some(_) }));
    let proven = driver.client().account(&light_client::test_support::chain::test_address(1));
    let proven = proven.unwrap().proven().unwrap();
    assert_eq!(standing(driver.client(), proven, now), Standing::Stale);
    let took = world.run_until(&mut driver, "a proof after the sleep", is_verified);
    assert!(took <= 12_000, "{took} ms");
    assert_eq!(world.with(|inside| inside.woken), 1, "old connections are given up, once");
    assert_eq!(balance(&driver), Some(BALANCE));
}

#[test]
fn requests_that_were_under_way_when_it_fell_asleep_are_made_again() {
    let world = World::new();
    let mut driver = world.open();
    world.with(|inside| inside.network = super::world::Network::Silent);
    world.step(&mut driver).unwrap();
    world.sleep_for(HOUR_MS / 6);
    world.with(|inside| inside.network = super::world::Network::Up);
    let took = world.run_until(&mut driver, "the account", |driver| balance(driver) == Some(BALANCE));
    assert!(took <= 12_000, "{took} ms");
}

#[test]
fn a_clock_that_is_set_right_backwards_does_not_make_it_wait() {
    let world = World::new();
    world.with(|inside| inside.ahead = i64::try_from(HOUR_MS).unwrap());
    let mut driver = world.open();
    world.run_until(&mut driver, "the account, by a wrong clock", |driver| balance(driver) == Some(BALANCE));
    assert!(!is_verified(&driver), "an hour too old");
    world.with(|inside| inside.ahead = 0);
    assert!(!is_verified(&driver), "what was proven in an hour says nothing of now");
    let took = world.run_until(&mut driver, "a proof by the right clock", is_verified);
    assert!(took <= 10_000, "{took} ms");
}

#[test]
fn a_clock_that_is_set_back_wrongly_shows_nothing_as_new_and_calls_nobody_a_liar() {
    let world = World::new();
    let mut driver = world.proven();
    world.with(|inside| inside.ahead = -i64::try_from(HOUR_MS / 60).unwrap());
    world.run_for(&mut driver, 20_000);
    assert!(!is_verified(&driver), "{:?}", driver.client().sync(driver.now().unwrap()));
    assert_eq!(balance(&driver), Some(BALANCE), "what was proven stays");
    assert!(!matches!(driver.client().servers()[0].health(), Health::Lying { .. }));
    world.with(|inside| inside.ahead = 0);
    let took = world.run_until(&mut driver, "a proof by the right clock", is_verified);
    assert!(took <= 35_000, "{took} ms");
}
