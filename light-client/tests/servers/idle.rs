//! While nobody looks.

use light_client::{
    client::{Client, Health, PaymentState, Sync},
    data_format::Time,
    test_support::chain::test_address,
};

use super::{World, coins, watching};

const DAY_MS: u64 = 24 * 3_600_000;

/// As many servers, a client that has proven account 1 from them, and the time.
fn looked_at(servers: usize) -> (World, Client, Time) {
    let mut world = World::alike(servers, 3);
    let client = watching(&mut world, 1);
    let now = world.now();
    (world, client, now)
}

#[test]
fn a_client_that_nobody_looks_at_asks_about_once_an_hour_and_not_for_accounts() {
    let (mut world, mut client, start) = looked_at(2);
    client.set_watched(false, start);
    world.serve(&mut client, start);
    world.asked.clear();
    let mut now = start;
    let mut bytes = 0;
    while now.ms_since(start) < DAY_MS {
        now = client.next_tick().max(now.plus_ms(1_000));
        client.tick(now);
        // Whoever sends hints does not wake it.
        client.hint(now);
        world.serve_changed(&mut client, now, |request, response| {
            bytes += request.url.len() + response.body.len();
            response
        });
    }
    let asked = world.asked.len();
    assert!((20..=40).contains(&asked), "{asked} requests");
    // Once it had to say which chain it serves.
    let beacons = world.asked_for(0, "/v1/beacon") + world.asked_for(1, "/v1/beacon");
    assert_eq!(beacons + world.asked_for(1, "/v1/status"), asked, "{:?}", world.asked);
    assert!(world.asked_for(1, "/v1/status") <= 1);
    assert!((0..2).all(|server| world.asked_for(server, "/v1/beacon") > 5), "each in its turn");
    assert!(bytes <= 100_000, "{bytes} bytes");
    assert!(matches!(client.sync(now), Sync::Stale { .. }), "nothing is said to be new");
}

#[test]
fn a_silent_server_does_not_keep_a_resting_client_awake() {
    let (mut world, mut client, start) = looked_at(2);
    client.set_watched(false, start);
    world.asked.clear();
    world.silent[0] = true;
    let mut now = start;
    while now.ms_since(start) < DAY_MS {
        now = client.next_tick().max(now.plus_ms(1_000));
        client.tick(now);
        world.serve(&mut client, now);
    }
    assert!(world.asked.len() <= 80, "{} requests", world.asked.len());
}

#[test]
fn whoever_looks_again_sees_what_is_true_now_at_once() {
    let (mut world, mut client, start) = looked_at(1);
    client.set_watched(false, start);
    (0..20).for_each(|_| world.advance());
    let now = world.now();
    // What was asked before was never answered: the device slept.
    client.tick(now);
    assert!(matches!(client.servers()[0].health(), Health::Unreachable { .. }));
    assert!(matches!(client.sync(now), Sync::Stale { .. }));
    client.set_watched(true, now);
    world.serve(&mut client, now);
    assert_eq!(client.sync(now), Sync::Verified);
    let proven = client.account(&test_address(1)).unwrap().proven().unwrap();
    assert_eq!((proven.at, proven.height), (now, client.trusted().height));
}

#[test]
fn a_payment_that_is_open_is_followed_though_nobody_looks() {
    let (mut world, mut client, start) = looked_at(1);
    let signed = world.servers[0].chain.transfer(1, test_address(2), coins(3));
    let id = client.submit(signed, start);
    world.serve(&mut client, start);
    client.set_watched(false, start);
    for _ in 0..3 {
        world.advance();
        let now = world.now();
        client.tick(now);
        world.serve(&mut client, now);
    }
    assert!(matches!(client.payment(&id).unwrap().state, PaymentState::Final { .. }));
    let next = client.next_tick();
    client.tick(next);
    world.serve(&mut client, next);
    assert!(client.next_tick().ms_since(next) > 600_000, "it rests now");
}
