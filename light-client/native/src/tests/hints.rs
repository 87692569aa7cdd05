use light_client::test_support::chain::test_address;

use super::world::{World, balance, is_verified};
use crate::Hint;

#[test]
fn a_hint_of_a_final_block_is_acted_on_at_once() {
    let world = World::new();
    let mut driver = world.proven();
    let height = driver.client().trusted().height;
    // Just before the client would have asked by itself.
    world.pass(3_000);
    driver.hint(Hint::Final);
    let took =
        world.run_until(&mut driver, "the newer block", |driver| driver.client().trusted().height > height);
    assert_eq!(took, 0);
}

#[test]
fn hints_without_end_do_not_make_it_ask_without_end() {
    let world = World::new();
    let mut driver = world.proven();
    world.with(|inside| inside.asked.clear());
    for _ in 0..600 {
        driver.hint(Hint::Final);
        world.run_for(&mut driver, 100);
    }
    let asked = world.with(|inside| inside.asked.len());
    assert!(asked <= 2 * 60 + 30, "{asked} requests in a minute");
    assert!(asked >= 60, "{asked} requests in a minute: hints are heard");
}

#[test]
fn blocks_alone_are_no_reason_to_ask_unless_a_payment_is_open() {
    let hinted = |pay: bool| {
        let world = World::new();
        let mut driver = world.proven();
        if pay {
            driver.submit(world.transfer(test_address(2), 5)).unwrap();
        }
        world.run_for(&mut driver, 100);
        world.with(|inside| inside.asked.clear());
        driver.hint(Hint::Block);
        world.run_for(&mut driver, 600);
        world.with(|inside| inside.asked.len())
    };
    assert_eq!(hinted(false), 0);
    assert!(hinted(true) > 0);
}

#[test]
fn a_hint_that_is_not_true_changes_nothing() {
    let world = World::new();
    let mut driver = world.proven();
    let before = (balance(&driver), driver.client().trusted().clone());
    driver.hint(Hint::Final);
    world.run_for(&mut driver, 200);
    assert_eq!((balance(&driver), driver.client().trusted().clone()), before);
    assert!(is_verified(&driver));
}
