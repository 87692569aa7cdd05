//! Every payment that is followed ends, whoever is watched and whatever one server shows.

use light_client::{
    client::{Client, Event, PaymentState, Response, TransportError},
    data_format::{Call, Height, SignedTransaction, SupernodeCall, Time, TransactionId},
    test_support::chain::{test_address, test_key},
};

use super::{World, coins, watching};

/// Asks and is answered, once a second.
fn run(world: &mut World, client: &mut Client, seconds: u64) {
    let from = world.now();
    for second in 0..=seconds {
        client.tick(from.plus_ms(1_000 * second));
        world.serve(client, from.plus_ms(1_000 * second));
    }
}

/// A payment of account 1, given to the client and taken by its home, whose index comes along.
fn submitted(world: &mut World, client: &mut Client, signed: SignedTransaction) -> (TransactionId, usize) {
    let now = world.now();
    let id = client.submit(signed, now);
    world.serve(client, now);
    assert_eq!(client.payment(&id).unwrap().state, PaymentState::Submitted);
    (id, client.home_of(&test_address(1)).unwrap())
}

fn state(client: &Client, id: &TransactionId) -> PaymentState {
    client.payment(id).unwrap().state.clone()
}

/// A payment whose history does not say whether it succeeded: its block has to.
fn of_a_supernode(world: &World) -> SignedTransaction {
    let chain = &world.servers[0].chain;
    let mut transaction = chain.transfer(1, test_address(2), coins(1)).transaction;
    transaction.calls = vec![Call::Supernode(SupernodeCall::SetCommission { commission: 5 })];
    transaction.sign(&chain.spec().id(), &test_key(1))
}

fn mint_everywhere(world: &mut World, signed: &SignedTransaction) {
    world.servers.iter_mut().for_each(|server| server.pool = vec![signed.clone()]);
    world.advance();
}

#[test]
fn a_payment_of_an_account_that_is_not_watched_becomes_final_and_its_sender_is_forgotten() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world, 0);
    let signed = world.servers[0].chain.transfer(1, test_address(2), coins(3));
    let (id, home) = submitted(&mut world, &mut client, signed.clone());
    mint_everywhere(&mut world, &signed);
    for _ in 0..2 {
        run(&mut world, &mut client, 3);
        assert_eq!(client.accounts().count(), 0, "nobody asked for one");
        world.advance();
    }
    // The block's proof alone would settle it too.
    world.silent = vec![true; 3];
    world.silent[home] = false;
    let now = world.now();
    client.tick(now);
    world.serve_changed(&mut client, now, |request, response| {
        if request.url.contains("/v1/transactions/") {
            Response { status: 503, ..response }
        } else {
            response
        }
    });
    assert!(
        matches!(state(&client, &id), PaymentState::Final { succeeded: true, .. }),
        "{:?}",
        state(&client, &id)
    );
    assert_eq!(world.asked_about(&test_address(1)), [home], "only one server knows of it");
    assert!(!std::iter::from_fn(|| client.next_event()).any(|event| matches!(event, Event::Account(_))));
    world.asked.clear();
    world.advance();
    run(&mut world, &mut client, 10);
    assert!(world.asked_about(&test_address(1)).is_empty(), "nothing is open any more");
    assert_eq!(client.home_of(&test_address(1)), None);
}

#[test]
fn a_payment_of_an_account_that_is_not_watched_is_proven_expired_also_after_a_restart() {
    let mut world = World::alike(2, 3);
    let mut client = watching(&mut world, 0);
    let mut signed = world.servers[0].chain.transfer(1, test_address(2), coins(3));
    signed.transaction.valid_until = Height(15);
    let (id, home) = submitted(&mut world, &mut client, signed);
    let mut again = world.client();
    again.restore(&client.save()).unwrap();
    assert_eq!(again.home_of(&test_address(1)), Some(home));
    for client in [&mut client, &mut again] {
        world.servers.iter_mut().for_each(|server| server.pool.clear());
        (0..3).for_each(|_| world.advance());
        run(&mut world, client, 1);
        assert_eq!(state(client, &id), PaymentState::Expired);
    }
}

#[test]
fn an_account_with_an_open_payment_is_proven_until_that_ends_though_nobody_watches_it_any_more() {
    let mut world = World::alike(1, 3);
    let mut client = watching(&mut world, 1);
    let signed = world.servers[0].chain.transfer(1, test_address(2), coins(3));
    let (id, _) = submitted(&mut world, &mut client, signed);
    client.unwatch(&test_address(1));
    assert!(client.account(&test_address(1)).is_none(), "not shown");
    (0..3).for_each(|_| world.advance());
    run(&mut world, &mut client, 1);
    assert!(matches!(state(&client, &id), PaymentState::Final { .. }));
    let now = world.now();
    client.tick(client.next_tick());
    client.watch(test_address(1), now);
    assert!(client.account(&test_address(1)).unwrap().proven().is_none(), "what was proven is forgotten");
}

#[test]
fn a_block_that_the_final_chain_does_not_have_is_not_shown_for_ever() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world, 1);
    let signed = world.servers[0].chain.transfer(1, test_address(2), coins(3));
    let (id, home) = submitted(&mut world, &mut client, signed);
    // Its home alone has the block, which is on a branch of its own.
    let soon = world.now().plus_ms(3_000);
    world.advance();
    client.hint(soon);
    world.serve(&mut client, soon);
    assert!(matches!(state(&client, &id), PaymentState::InBlock { .. }));
    // The others go on, and the home answers nothing that could be checked.
    for server in (0..3).filter(|server| *server != home) {
        (0..3).for_each(|_| world.servers[server].advance());
    }
    world.silent[home] = true;
    let from = world.now();
    for second in 0..=10 {
        let now = from.plus_ms(1_000 * second);
        client.tick(now);
        while let Some(request) = client.next_request() {
            // Nobody says anything of the block: the account alone has to.
            if !request.url.contains(&format!("{id}/bundle")) {
                let honest = world.servers[request.server].answer(&request);
                let silent = world.silent[request.server];
                let answer = if silent { Err(TransportError::Timeout) } else { Ok(honest) };
                client.respond(request.id, answer, now);
            }
        }
    }
    let home = client.home_of(&test_address(1)).unwrap();
    assert!(!world.silent[home], "another home");
    let proven = client.account(&test_address(1)).unwrap().proven().unwrap();
    assert_eq!((proven.height, proven.record.unwrap().nonce), (client.trusted().height, 0));
    assert!(!matches!(state(&client, &id), PaymentState::InBlock { .. }), "{:?}", state(&client, &id));
    // It is sent to the others, and gets into a block of theirs.
    assert!(world.servers.iter().filter(|server| !server.pool.is_empty()).count() >= 2);
    for _ in 0..3 {
        world.advance();
        run(&mut world, &mut client, 1);
    }
    assert!(matches!(state(&client, &id), PaymentState::Final { .. }), "{:?}", state(&client, &id));
}

#[test]
fn a_block_that_does_not_become_final_in_time_is_asked_of_the_others() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world, 1);
    let signed = world.servers[0].chain.transfer(1, test_address(2), coins(3));
    let (id, home) = submitted(&mut world, &mut client, signed.clone());
    let soon = world.now().plus_ms(3_000);
    mint_everywhere(&mut world, &signed);
    client.hint(soon);
    world.serve(&mut client, soon);
    let PaymentState::InBlock { at, .. } = state(&client, &id) else { panic!("{:?}", state(&client, &id)) };
    let late = client.verifier().engine().final_late_ms();
    let others: Vec<usize> = (0..3).filter(|server| *server != home).collect();
    let told =
        |world: &World, what: &str| others.iter().map(|server| world.asked_for(*server, what)).sum::<usize>();
    let run_until = |world: &mut World, client: &mut Client, from: Time, until: Time| {
        let mut now = from;
        while now <= until {
            client.tick(now);
            world.serve(client, now);
            now = now.plus_ms(1_000);
        }
    };
    run_until(&mut world, &mut client, at, at.plus_ms(late));
    assert_eq!(told(&world, "/v1/transactions"), 0, "the others need not know of it yet");
    run_until(&mut world, &mut client, at.plus_ms(late + 1_000), at.plus_ms(late + 10_000));
    assert!(others.iter().all(|server| !world.servers[*server].pool.is_empty()), "all have it now");
    assert!(
        others.iter().all(|server| world.asked_for(*server, &format!("{id}/bundle")) > 0),
        "each in its turn"
    );
    assert!(matches!(state(&client, &id), PaymentState::InBlock { .. }), "it may still become final");
}

#[test]
fn a_payment_that_only_its_block_settles_is_asked_of_the_others_if_its_home_hides_that() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world, 1);
    let signed = of_a_supernode(&world);
    let (id, home) = submitted(&mut world, &mut client, signed.clone());
    mint_everywhere(&mut world, &signed);
    (0..3).for_each(|_| world.advance());
    let from = world.now();
    for second in 0..8 {
        let now = from.plus_ms(1_000 * second);
        client.tick(now);
        world.serve_changed(&mut client, now, |request, response| {
            let hides = request.server == home && request.url.contains(&format!("{id}/bundle"));
            if hides { Response { status: 404, body: Vec::new() } } else { response }
        });
    }
    assert!(
        matches!(state(&client, &id), PaymentState::Final { succeeded: true, .. }),
        "{:?}",
        state(&client, &id)
    );
}
