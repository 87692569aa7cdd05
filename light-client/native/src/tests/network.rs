use light_client::{
    client::{Health, PaymentState},
    test_support::chain::{FEE, test_address},
};

use super::world::{BALANCE, Network, World, balance, is_verified};

/// Ten minutes.
const LONG_MS: u64 = 600_000;
/// The client's longest pause before it asks a server again that did not answer, and a little.
const BACK_MS: u64 = 32_000;

#[test]
fn a_payment_is_followed_to_final() {
    let world = World::new();
    let mut driver = world.proven();
    let id = driver.submit(world.transfer(test_address(2), 5)).unwrap();
    world.run_until(&mut driver, "the payment final", |driver| {
        matches!(driver.client().payment(&id).unwrap().state, PaymentState::Final { succeeded: true, .. })
    });
    world.run_until(&mut driver, "the new balance", |driver| {
        balance(driver) == Some(BALANCE - 5 - FEE.units())
    });
}

#[test]
fn without_network_the_last_proof_stays_and_is_stale_and_comes_back_with_it() {
    for network in [Network::Down, Network::Silent] {
        let world = World::new();
        let mut driver = world.proven();
        world.with(|inside| inside.network = network);
        world.run_for(&mut driver, LONG_MS);
        assert_eq!(balance(&driver), Some(BALANCE));
        assert!(!is_verified(&driver));
        assert!(matches!(driver.client().servers()[0].health(), Health::Unreachable { .. }));
        world.with(|inside| inside.network = Network::Up);
        let took = world.run_until(&mut driver, "a proof after the loss", is_verified);
        assert!(took <= BACK_MS, "{network:?}: {took} ms");
    }
}

#[test]
fn before_the_first_proof_there_is_no_balance() {
    let world = World::new();
    world.with(|inside| inside.network = Network::Down);
    let mut driver = world.open();
    world.run_for(&mut driver, LONG_MS);
    assert_eq!(balance(&driver), None, "not found out is not 0");
}

#[test]
fn a_transport_that_never_ends_is_held_to_the_time_and_nothing_piles_up() {
    let world = World::new();
    let mut driver = world.proven();
    world.with(|inside| {
        inside.network = Network::Silent;
        inside.asked.clear();
    });
    world.run_for(&mut driver, LONG_MS);
    assert!(driver.requests_under_way() <= 3, "{}", driver.requests_under_way());
    let asked = world.with(|inside| inside.asked.len());
    assert!((10..=100).contains(&asked), "{asked} requests in ten minutes");
}

#[test]
fn answers_longer_than_asked_for_are_not_used() {
    let world = World::new();
    world.with(|inside| inside.network = Network::Endless);
    let mut driver = world.open();
    world.run_for(&mut driver, 60_000);
    assert_eq!(balance(&driver), None);
}
