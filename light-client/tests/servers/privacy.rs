//! Each address has one server that knows of it.

use light_client::{
    client::{AccountBundle, Bundle, HandOver, Health, PaymentState, Sync},
    data_format::Time,
    test_support::chain::test_address,
};

use super::{World, coins, watching};

#[test]
fn no_server_is_asked_about_all_addresses_and_no_address_is_told_to_two() {
    for (servers, accounts) in [(2, 2), (2, 8), (3, 8), (5, 3)] {
        let mut world = World::alike(servers, 3);
        let mut client = watching(&mut world, accounts);
        for _ in 0..5 {
            world.advance();
            let now = world.now();
            client.tick(now);
            world.serve(&mut client, now);
        }
        assert_eq!(client.sync(world.now()), Sync::Verified);
        let mut load = vec![0; servers];
        for key in 1..=accounts {
            let homes = world.asked_about(&test_address(key));
            let [home] = homes[..] else { panic!("account {key} was told to servers {homes:?}") };
            load[home] += 1;
        }
        let (least, most) = (load.iter().min().unwrap(), load.iter().max().unwrap());
        assert!(most - least <= 1, "{load:?}");
        assert!(*most < accounts, "{load:?}");
        assert!((0..servers).all(|server| world.asked_for(server, "/v1/") > 0), "each is heard in its turn");
    }
}

#[test]
fn an_address_keeps_its_home_in_the_next_session() {
    let mut world = World::alike(3, 3);
    let client = watching(&mut world, 8);
    let homes: Vec<Vec<usize>> = (1..=8).map(|key| world.asked_about(&test_address(key))).collect();
    for _ in 0..3 {
        world.asked.clear();
        let mut again = world.client();
        again.restore(&client.save()).unwrap();
        // In another order, too.
        again.watch(test_address(8), world.now());
        again.refresh(world.now());
        let now = world.now();
        world.serve(&mut again, now);
        let found: Vec<Vec<usize>> = (1..=8).map(|key| world.asked_about(&test_address(key))).collect();
        assert_eq!(found, homes);
    }
}

#[test]
fn a_server_that_is_gone_gives_its_addresses_to_the_others_and_does_not_get_them_back() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world, 8);
    let of_first: Vec<u64> = (1..=8).filter(|key| world.asked_about(&test_address(*key)) == [0]).collect();
    assert!(of_first.len() >= 2);
    world.silent[0] = true;
    world.asked.clear();
    world.advance();
    let mut now = world.now();
    client.tick(now);
    world.serve(&mut client, now);
    assert!(of_first.iter().all(|key| world.asked_about(&test_address(*key)) == [0]), "it is waited for");
    for _ in 0..12 {
        now = now.plus_ms(1_000);
        client.tick(now);
        world.serve(&mut client, now);
    }
    let heirs: Vec<Vec<usize>> = of_first.iter().map(|key| world.asked_about(&test_address(*key))).collect();
    assert!(heirs.iter().all(|heirs| heirs.len() == 2 && heirs[0] == 0), "{heirs:?}");
    assert!(heirs.iter().any(|other| other != &heirs[0]), "not all to one: {heirs:?}");
    assert_eq!(client.sync(now), Sync::Verified);
    assert!(matches!(client.servers()[0].health(), Health::Unreachable { .. }));
    // Back again, it is asked for final blocks only.
    world.silent[0] = false;
    world.asked.clear();
    now = now.plus_ms(60_000);
    world.advance();
    client.tick(now);
    world.serve(&mut client, now);
    assert_eq!(client.servers()[0].health(), &Health::Good);
    assert!(of_first.iter().all(|key| !world.asked_about(&test_address(*key)).contains(&0)));
}

#[test]
fn a_server_that_is_a_moment_behind_keeps_its_addresses() {
    let mut world = World::alike(2, 3);
    let mut client = watching(&mut world, 4);
    let of_first: Vec<u64> = (1..=4).filter(|key| world.asked_about(&test_address(*key)) == [0]).collect();
    // The other one is a round ahead when both are asked.
    world.servers[1].advance();
    let now = world.now();
    client.tick(now);
    world.serve(&mut client, now);
    let trusted = client.trusted().round;
    world.asked.clear();
    client.hint(now);
    world.serve(&mut client, now);
    assert_eq!(client.trusted().round, trusted);
    assert!(!matches!(client.servers()[0].health(), Health::Lying { .. } | Health::Unreachable { .. }));
    world.servers[0].advance();
    let later = now.plus_ms(2_000);
    for step in 0..8 {
        client.tick(later.plus_ms(step * 500));
        world.serve(&mut client, later.plus_ms(step * 500));
    }
    for key in of_first {
        assert_eq!(world.asked_about(&test_address(key)), [0]);
        assert_eq!(
            client.account(&test_address(key)).unwrap().proven().unwrap().height,
            client.trusted().height
        );
    }
}

#[test]
fn a_server_that_repeats_old_answers_is_no_liar_and_its_addresses_go_to_another() {
    let mut world = World::alike(2, 3);
    let mut client = world.client();
    let mut now = world.now();
    (1..=4).for_each(|key| client.watch(test_address(key), now));
    let mut kept = std::collections::BTreeMap::new();
    let path = |url: &str| url.split('?').next().unwrap().to_owned();
    world.serve_changed(&mut client, now, |request, response| {
        kept.insert((request.server, path(&request.url)), response.clone());
        response
    });
    assert_eq!(client.sync(now), Sync::Verified);
    for _ in 0..10 {
        world.advance();
        now = world.now();
        client.tick(now);
        world.serve_changed(&mut client, now, |request, response| {
            let old = kept.get(&(request.server, path(&request.url))).filter(|_| request.server == 0);
            old.cloned().unwrap_or(response)
        });
    }
    assert!(
        !matches!(client.servers()[0].health(), Health::Lying { .. }),
        "{:?}",
        client.servers()[0].health()
    );
    assert_eq!(client.sync(now), Sync::Verified);
    for key in 1..=4 {
        let proven = client.account(&test_address(key)).unwrap().proven().unwrap();
        assert_eq!(proven.height, client.trusted().height, "account {key}");
    }
}

#[test]
fn a_payment_goes_to_its_senders_home_and_to_all_only_if_it_gets_into_no_block() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world, 3);
    let [home] = world.asked_about(&test_address(1))[..] else { panic!("one home") };
    world.asked.clear();
    let mut now = world.now();
    let signed = world.servers[0].chain.transfer(1, test_address(2), coins(4));
    let id = client.submit(signed, now);
    world.serve(&mut client, now);
    assert_eq!(client.payment(&id).unwrap().state, PaymentState::Submitted);
    let told: Vec<usize> = (0..3).filter(|server| world.asked_for(*server, "/v1/transactions") > 0).collect();
    assert_eq!(told, [home]);
    // It keeps it to itself.
    world.servers[home].pool.clear();
    for _ in 0..5 {
        now = now.plus_ms(1_000);
        client.tick(now);
        world.serve(&mut client, now);
    }
    let pools: Vec<usize> = world.servers.iter().map(|server| server.pool.len()).collect();
    assert_eq!(pools, [1, 1, 1]);
}

#[test]
fn a_payment_that_could_not_be_delivered_is_sent_as_soon_as_somebody_answers() {
    let mut world = World::alike(1, 3);
    let mut client = watching(&mut world, 1);
    let now = world.now();
    client.tick(now);
    world.serve(&mut client, now);
    world.silent[0] = true;
    let signed = world.servers[0].chain.transfer(1, test_address(2), coins(4));
    let id = client.submit(signed, now);
    world.serve(&mut client, now);
    assert_eq!(client.payment(&id).unwrap().state, PaymentState::Signed);
    world.silent[0] = false;
    let later = client.next_tick();
    assert!((500..=1_000).contains(&later.ms_since(now)), "the pause of the server");
    client.tick(later);
    world.serve(&mut client, later);
    assert_eq!(client.payment(&id).unwrap().state, PaymentState::Submitted);
    assert_eq!(world.servers[0].pool.len(), 1);
}

#[test]
fn a_liar_is_banned_with_the_proof_also_after_a_restart() {
    let mut world = World::alike(2, 3);
    let mut client = world.client();
    let now = world.now();
    for key in 1..=4 {
        client.watch(test_address(key), now);
    }
    world.serve_changed(&mut client, now, |request, mut response| {
        if request.server == 1 && request.url.contains("/bundle") {
            let mut bundle = AccountBundle::from_bytes(&response.body).unwrap();
            bundle.history.records[0].delta += 1;
            response.body = bundle.to_bytes();
        }
        response
    });
    assert!(matches!(client.servers()[1].health(), Health::Lying { .. }));
    let lie = client.servers()[1].lie().unwrap().clone();
    assert_eq!((lie.server.as_str(), lie.at), ("http://node1.example", now));
    let failure = lie.check(client.verifier()).expect("whoever has the spec sees it again");
    assert_eq!(failure.to_string(), lie.words);
    assert_eq!(AccountBundle::from_bytes(&lie.answer).map(|bundle| bundle.history.records.len()), Ok(1));
    // The others are asked for everything then.
    world.asked.clear();
    for step in 0..8 {
        let now = now.plus_ms(1_000 * step);
        client.tick(now);
        world.serve(&mut client, now);
    }
    assert!((1..=4).all(|key| client.account(&test_address(key)).unwrap().proven().is_some()));
    assert_eq!(world.asked_for(1, "/v1/"), 0);

    let mut again = world.client();
    again.restore(&client.save()).unwrap();
    assert!(matches!(again.servers()[1].health(), Health::Lying { .. }));
    assert_eq!(again.servers()[1].lie(), Some(&lie));
    // A person says that it may be asked again.
    again.refresh(now);
    world.serve(&mut again, now);
    assert_eq!(again.servers()[1].health(), &Health::Good);
    assert_eq!(again.servers()[1].lie(), Some(&lie), "what it sent is kept");
}

#[test]
fn an_honest_answer_is_no_proof_against_its_sender() {
    let mut world = World::alike(1, 3);
    let mut client = watching(&mut world, 1);
    world.advance();
    let now = world.now();
    client.tick(now);
    world.serve_changed(&mut client, now, |request, mut response| {
        if request.url.contains("/bundle") {
            response.body.pop();
        }
        response
    });
    let lie = client.servers()[0].lie().unwrap().clone();
    assert!(lie.check(client.verifier()).is_some());
    let mut whole = lie.clone();
    let request = world.asked.iter().rev().find(|(_, url)| url.contains("/bundle")).unwrap().1.clone();
    whole.answer = world.servers[0].chain.account_bundle(client.trusted(), test_address(1), 1, 50).to_bytes();
    assert_eq!(whole.check(client.verifier()), None, "{request}");
    assert!(HandOver::from_bytes(&lie.answer).is_err());
    assert_eq!(Time(lie.at.0), now);
}

#[test]
fn a_device_without_a_network_moves_no_address() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world, 6);
    let homes: Vec<Vec<usize>> = (1..=6).map(|key| world.asked_about(&test_address(key))).collect();
    let mut now = world.now();
    client.tick(now);
    world.serve(&mut client, now);
    for outage in 0..3 {
        world.silent = vec![true; 3];
        for _ in 0..60 {
            now = now.plus_ms(1_000);
            client.tick(now);
            world.serve(&mut client, now);
        }
        world.silent = vec![false; 3];
        world.advance();
        now = now.plus_ms(60_000);
        if outage == 1 {
            client.wake(now);
        }
        for _ in 0..40 {
            now = now.plus_ms(1_000);
            client.tick(now);
            world.serve(&mut client, now);
        }
        let found: Vec<Vec<usize>> = (1..=6).map(|key| world.asked_about(&test_address(key))).collect();
        assert_eq!(found, homes, "outage {outage}");
    }
}

#[test]
fn a_home_that_takes_no_payment_does_not_keep_it_from_the_others() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world, 3);
    let [home] = world.asked_about(&test_address(1))[..] else { panic!("one home") };
    let mut now = world.now();
    let signed = world.servers[0].chain.transfer(1, test_address(2), coins(4));
    client.submit(signed, now);
    for _ in 0..10 {
        now = now.plus_ms(1_000);
        client.tick(now);
        world.serve_changed(&mut client, now, |request, response| {
            match request.server == home && request.url.ends_with("/v1/transactions") {
                true => light_client::client::Response { status: 503, body: Vec::new() },
                false => response,
            }
        });
    }
    let pools: usize =
        (0..3).filter(|server| *server != home).map(|server| world.servers[server].pool.len()).sum();
    assert!(pools > 0, "the others have it");
}

#[test]
fn a_home_that_answers_for_one_address_and_not_for_another_loses_that_one() {
    let mut world = World::alike(2, 3);
    let mut client = watching(&mut world, 4);
    let starved = (1..=4).find(|key| world.asked_about(&test_address(*key)) == [0]).unwrap();
    let text = test_address(starved).to_string();
    for _ in 0..12 {
        world.advance();
        let now = world.now();
        client.tick(now);
        world.serve_changed(&mut client, now, |request, response| {
            match request.server == 0 && request.url.contains(&text) {
                true => light_client::client::Response { status: 500, body: Vec::new() },
                false => response,
            }
        });
    }
    let proven = client.account(&test_address(starved)).unwrap().proven().unwrap();
    assert_eq!(proven.height, client.trusted().height);
}

#[test]
fn an_answer_to_what_was_asked_before_an_account_was_forgotten_accuses_nobody() {
    let mut world = World::alike(1, 3);
    let mut client = watching(&mut world, 1);
    world.advance();
    let now = world.now();
    client.tick(now);
    let asked: Vec<_> = std::iter::from_fn(|| client.next_request()).collect();
    let answers: Vec<_> = asked.iter().map(|request| world.servers[0].answer(request)).collect();
    client.unwatch(&test_address(1));
    client.watch(test_address(1), now);
    for (request, answer) in asked.iter().zip(answers) {
        client.respond(request.id, Ok(answer), now);
    }
    world.serve(&mut client, now);
    assert_eq!(client.servers()[0].health(), &Health::Good);
    assert!(client.account(&test_address(1)).unwrap().history().is_complete());
}
