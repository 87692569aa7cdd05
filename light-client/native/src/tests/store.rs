use light_client::{
    client::{DamagedState, Method, RestoreError, seal_state},
    test_support::chain::test_address,
};

use super::world::{BALANCE, World, balance, is_verified};
use crate::{Failure, LostState};

#[test]
fn what_was_proven_is_there_after_a_restart_before_anything_is_asked() {
    let world = World::new();
    let height = world.proven().client().trusted().height;
    world.with(|inside| inside.asked.clear());
    let driver = world.open();
    assert_eq!((balance(&driver), driver.client().trusted().height), (Some(BALANCE), height));
    assert!(world.with(|inside| inside.asked.is_empty()));
}

#[test]
fn a_store_that_was_emptied_is_proven_again() {
    let world = World::new();
    drop(world.proven());
    world.with(|inside| inside.files.clear());
    assert_eq!(balance(&world.open()), None, "not known is not 0");
    world.proven();
}

#[test]
fn any_damage_to_what_was_stored_is_noticed_and_proven_again() {
    let world = World::new();
    drop(world.proven());
    let whole = world.with(|inside| inside.files.values().next().unwrap().clone());
    for place in (0..whole.len()).step_by(7) {
        world.with(|inside| inside.files.values_mut().next().unwrap()[place] ^= 0x10);
        let (driver, lost) = world.try_open().unwrap();
        assert_eq!(lost, Some(LostState::Damaged(DamagedState)), "byte {place}");
        assert_eq!(balance(&driver), None, "byte {place}");
        world.with(|inside| inside.files.values_mut().next().unwrap().clone_from(&whole));
    }
    world.with(|inside| inside.files.values_mut().next().unwrap().truncate(whole.len() / 2));
    let (mut driver, lost) = world.try_open().unwrap();
    assert_eq!(lost, Some(LostState::Damaged(DamagedState)));
    driver.change(|client, now| client.watch(test_address(1), now)).unwrap();
    world.run_until(&mut driver, "the account", |driver| balance(driver) == Some(BALANCE));
    assert_eq!(world.try_open().unwrap().1, None, "and stored again");
}

#[test]
fn what_a_later_version_stored_is_said_and_proven_again() {
    let world = World::new();
    let chain = *world.client().chain();
    world.with(|inside| inside.files.insert(chain, seal_state(&chain, &[255])));
    let (_, lost) = world.try_open().unwrap();
    assert_eq!(lost, Some(LostState::Unusable(RestoreError::Format(255))));
}

#[test]
fn a_store_that_cannot_be_read_is_not_an_empty_one() {
    let world = World::new();
    world.with(|inside| inside.disk_gone = true);
    assert_eq!(world.try_open().unwrap_err(), "no disk");
}

#[test]
fn a_full_disk_is_told_and_proving_goes_on() {
    let world = World::new();
    world.with(|inside| inside.disk_full = true);
    let mut driver = world.open();
    let mut told = 0;
    for _ in 0..200 {
        if let Err(failure) = world.step(&mut driver) {
            assert_eq!(failure, Failure::Store("no space left".to_owned()));
            told += 1;
        }
    }
    assert!(told > 0 && balance(&driver) == Some(BALANCE) && is_verified(&driver));
    world.with(|inside| inside.disk_full = false);
    world.run_for(&mut driver, 10_000);
    assert_eq!(balance(&world.open()), Some(BALANCE), "stored once there was space");
}

#[test]
fn a_payment_that_cannot_be_stored_is_not_sent() {
    let world = World::new();
    let mut driver = world.proven();
    let payment = world.transfer(test_address(2), 5);
    world.with(|inside| inside.disk_full = true);
    assert_eq!(driver.submit(payment.clone()), Err(Failure::Store("no space left".to_owned())));
    world.with(|inside| inside.disk_full = false);
    world.run_for(&mut driver, 20_000);
    assert_eq!(driver.client().payments().count(), 0);
    let posts = || world.with(|inside| inside.asked.iter().filter(|method| **method == Method::Post).count());
    assert_eq!(posts(), 0);
    let id = driver.submit(payment.clone()).unwrap();
    assert_eq!(driver.submit(payment).unwrap(), id, "the same payment twice is one");
    assert!(world.open().client().payment(&id).is_some(), "stored before it is sent");
    assert_eq!(posts(), 0);
    world.run_for(&mut driver, 1_000);
    assert_eq!(posts(), 1);
}
