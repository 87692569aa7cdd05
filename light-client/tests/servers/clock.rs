//! A device that slept, and a clock that was set back: nobody else is told anything, and nobody is asked without end.

use light_client::{
    client::{Client, PaymentState, Sync},
    data_format::{Time, TransactionId},
    test_support::chain::test_address,
};

use super::{World, coins, watching};

const HOUR_MS: u64 = 3_600_000;

/// Asks and is answered as hosts do it, which tick after every answer; gives how much was asked.
fn tick(world: &mut World, client: &mut Client, now: Time) -> usize {
    let before = world.asked.len();
    client.tick(now);
    while let Some(request) = client.next_request() {
        world.asked.push((request.server, request.url.clone()));
        let answer = world.servers[request.server].answer(&request);
        client.respond(request.id, Ok(answer), now);
        client.tick(now);
        assert!(world.asked.len() < before + 1_000, "without end");
    }
    world.asked.len() - before
}

/// Who was told of a payment.
fn told(world: &World, id: &TransactionId) -> Vec<usize> {
    let knows = |server: &usize| {
        let about =
            |url: &str| url.ends_with("/v1/transactions") || url.contains(&format!("/v1/transactions/{id}"));
        world.asked.iter().any(|(asked, url)| asked == server && about(url))
    };
    (0..world.servers.len()).filter(knows).collect()
}

#[test]
fn a_payment_that_became_final_while_the_device_slept_is_told_to_nobody_else() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world, 1);
    let signed = world.servers[0].chain.transfer(1, test_address(2), coins(3));
    let signed_at = world.now();
    let id = client.submit(signed.clone(), signed_at);
    world.serve(&mut client, signed_at);
    let home = client.home_of(&test_address(1)).unwrap();
    world.servers.iter_mut().for_each(|server| server.pool = vec![signed.clone()]);
    (0..3).for_each(|_| world.advance());
    let saved = client.save();
    let woken = world.now().plus_ms(10 * 60_000);

    let mut restored = world.client();
    restored.restore(&saved).unwrap();
    // What was proven is lost, and the payment is not.
    let mut resumed = world.client();
    resumed.watch(test_address(1), woken);
    resumed.resume(signed, signed_at, woken);
    let mut called = watching(&mut world, 0);
    called.restore(&saved).unwrap();
    called.wake(woken);
    for client in [&mut client, &mut restored, &mut resumed, &mut called] {
        world.asked.clear();
        tick(&mut world, client, woken);
        assert_eq!(told(&world, &id), [home]);
        assert!(matches!(client.payment(&id).unwrap().state, PaymentState::Final { .. }));
    }
}

#[test]
fn a_payment_that_its_server_lost_while_the_device_slept_is_told_to_all_after_the_usual_time() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world, 1);
    let now = world.now();
    let id = client.submit(world.servers[0].chain.transfer(1, test_address(2), coins(3)), now);
    world.serve(&mut client, now);
    world.servers.iter_mut().for_each(|server| server.pool.clear());
    world.asked.clear();
    let woken = now.plus_ms(10 * 60_000);
    let mut seconds = 0;
    while told(&world, &id).len() < 3 {
        tick(&mut world, &mut client, woken.plus_ms(1_000 * seconds));
        seconds += 1;
        assert!(seconds < 60);
    }
    assert!(seconds > 3, "{seconds}");
    // By a clock that was set back it takes no longer.
    let id = client.submit(
        world.servers[0].chain.transfer(1, test_address(3), coins(3)),
        woken.plus_ms(1_000 * seconds),
    );
    world.servers.iter_mut().for_each(|server| server.pool.clear());
    world.asked.clear();
    let since = seconds;
    while told(&world, &id).len() < 3 {
        tick(&mut world, &mut client, now.plus_ms(1_000 * seconds));
        world.servers.iter_mut().for_each(|server| server.pool.clear());
        seconds += 1;
        assert!(seconds < since + 60);
    }
}

#[test]
fn a_clock_that_was_set_back_moves_no_address_and_asks_nobody_without_end() {
    let mut world = World::alike(2, 3);
    let mut client = watching(&mut world, 4);
    let homes: Vec<_> = (1..=4).map(|key| client.home_of(&test_address(key))).collect();
    let now = world.now();
    tick(&mut world, &mut client, now);
    (0..3).for_each(|_| world.advance());
    let back = Time(now.0 - 10 * 60_000);
    world.asked.clear();
    assert!(tick(&mut world, &mut client, back) > 0, "asked at once");
    for second in 1..60 {
        tick(&mut world, &mut client, back.plus_ms(1_000 * second));
    }
    assert!(world.asked.len() < 600, "{} requests in a minute", world.asked.len());
    assert!(matches!(client.sync(back.plus_ms(60_000)), Sync::Stale { .. }));
    let now = world.now();
    tick(&mut world, &mut client, now);
    assert_eq!(client.sync(now), Sync::Verified);
    assert_eq!((1..=4).map(|key| client.home_of(&test_address(key))).collect::<Vec<_>>(), homes);
    for (key, home) in (1..=4).zip(homes) {
        assert_eq!(world.asked_about(&test_address(key)), [home.unwrap()], "account {key}");
    }
}

#[test]
fn a_clock_that_was_set_back_before_anything_was_proven_makes_nobody_wait() {
    let mut world = World::alike(2, 3);
    world.silent = vec![true; 2];
    let mut client = watching(&mut world, 1);
    let now = world.now();
    client.tick(now);
    world.serve(&mut client, now);
    world.asked.clear();
    let back = Time(now.0 - HOUR_MS);
    client.tick(back);
    assert!(client.next_tick().ms_since(back) <= 60_000);
    world.serve(&mut client, back);
    assert!(!world.asked.is_empty());
}

#[test]
fn an_address_that_was_forgotten_finds_its_home_again() {
    let world = World::alike(3, 3);
    let home = |key| {
        let mut client = world.client();
        client.watch(test_address(key), world.now());
        client.home_of(&test_address(key)).unwrap()
    };
    let homes: Vec<usize> = (1..=90).map(home).collect();
    assert_eq!(homes, (1..=90).map(home).collect::<Vec<_>>());
    for server in 0..3 {
        assert!(homes.iter().filter(|home| **home == server).count() >= 20, "{homes:?}");
    }
}
