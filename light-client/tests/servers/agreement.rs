//! Beyond the trusting period.

use light_client::{
    client::{ChainCheckpoint, Client, Grade, PaymentState, Sync, Trusted},
    data_format::{Amount, ChainSpec, Time},
    test_support::{
        chain::{ScriptedChain, test_address, test_spec},
        server::ScriptedServer,
    },
};

use super::{World, accounts, coins};

/// Four rounds of four slots of a second: a checkpoint of the beginning is too old soon.
const TRUSTING_MS: u64 = 40_000;

fn short_trust() -> ChainSpec {
    ChainSpec { trusting_period_ms: TRUSTING_MS, ..test_spec(4, accounts()) }
}

fn world(servers: usize, rounds: usize) -> World {
    let server = |_| {
        let mut server = ScriptedServer::new(ScriptedChain::of(short_trust()));
        (0..rounds).for_each(|_| server.advance());
        server
    };
    World::new((0..servers).map(server).collect())
}

fn client(world: &World, operators: &[&str]) -> Client {
    let chain = &world.servers[0].chain;
    let names = operators.iter().map(|operator| format!("http://{operator}"));
    Client::new(chain.spec().clone(), chain.genesis(), names)
}

fn run(world: &mut World, client: &mut Client, from: Time, seconds: u64) -> Time {
    for second in 0..=seconds {
        let now = from.plus_ms(1_000 * second);
        client.tick(now);
        world.serve(client, now);
    }
    from.plus_ms(1_000 * seconds)
}

#[test]
fn two_operators_that_agree_are_used_and_it_is_never_called_final() {
    let mut world = world(2, 20);
    let mut client = client(&world, &["one.example", "two.example"]);
    let now = world.now();
    assert_eq!(client.sync(now), Sync::TrustExpired);
    client.watch(test_address(1), now);
    run(&mut world, &mut client, now, 3);
    assert_eq!(client.sync(now), Sync::Agreed);
    assert_eq!(client.grade(), Grade::Agreed);
    let agreed = client.agreed().unwrap();
    let mut operators = agreed.operators.clone();
    operators.sort();
    assert_eq!(operators, ["one.example", "two.example"]);
    let proven = client.account(&test_address(1)).unwrap().proven().unwrap();
    assert_eq!((proven.grade, proven.record.unwrap().balance), (Grade::Agreed, coins(1_000)));
}

#[test]
fn one_operator_is_not_enough_however_many_servers_it_has() {
    let mut world = world(3, 20);
    let mut client = client(&world, &["one.example:1", "one.example:2", "one.example:3"]);
    let now = world.now();
    client.watch(test_address(1), now);
    run(&mut world, &mut client, now, 10);
    assert_eq!(client.sync(now), Sync::TrustExpired);
    assert!(client.account(&test_address(1)).unwrap().proven().is_none());
    // Two servers of which one is silent are one operator too.
    let mut client = self::client(&world, &["one.example", "two.example", "one.example:3"]);
    world.silent[1] = true;
    client.watch(test_address(1), now);
    let now = run(&mut world, &mut client, now, 10);
    assert_eq!(client.sync(now), Sync::TrustExpired);
    world.silent[1] = false;
    run(&mut world, &mut client, now, 60);
    assert_eq!(client.grade(), Grade::Agreed);
}

#[test]
fn operators_that_are_at_different_heights_agree_on_the_lower_one() {
    let mut world = world(2, 20);
    world.servers[1].advance();
    let mut client = client(&world, &["one.example", "two.example"]);
    let now = world.now();
    run(&mut world, &mut client, now, 5);
    assert_eq!(client.grade(), Grade::Agreed);
    assert_eq!(
        client.agreed().unwrap().block.height,
        world.servers[0].chain.beacon(client.trusted()).unwrap().source.height
    );
}

#[test]
fn what_is_agreed_settles_no_payment() {
    let mut world = world(2, 20);
    let mut client = client(&world, &["one.example", "two.example"]);
    let now = world.now();
    client.watch(test_address(1), now);
    let now = run(&mut world, &mut client, now, 3);
    let signed = world.servers[0].chain.transfer(1, test_address(2), coins(5));
    let id = client.submit(signed.clone(), now);
    world.serve(&mut client, now);
    world.servers.iter_mut().for_each(|server| server.pool = vec![signed.clone()]);
    for _ in 0..4 {
        world.advance();
    }
    let now = world.now();
    let now = run(&mut world, &mut client, now, 3);
    assert!(
        matches!(client.payment(&id).unwrap().state, PaymentState::InBlock { .. }),
        "{:?}",
        client.payment(&id)
    );
    // Until a person confirms a block.
    let checkpoint = client.agreed().unwrap().block.clone();
    let chain = *client.chain();
    client.confirm(ChainCheckpoint { chain, checkpoint }, now).unwrap();
    assert_eq!(client.grade(), Grade::Final);
    assert!(
        client.account(&test_address(1)).unwrap().proven().is_none(),
        "proven again, from what was confirmed"
    );
    run(&mut world, &mut client, now, 3);
    assert_eq!(client.sync(now), Sync::Verified);
    assert!(matches!(client.payment(&id).unwrap().state, PaymentState::Final { succeeded: true, .. }));
    let proven = client.account(&test_address(1)).unwrap().proven().unwrap();
    assert_eq!(proven.grade, Grade::Final);
}

#[test]
fn an_agreement_is_not_stored_as_trust() {
    let mut world = world(2, 20);
    let mut first = client(&world, &["one.example", "two.example"]);
    let now = world.now();
    first.watch(test_address(1), now);
    run(&mut world, &mut first, now, 3);
    assert_eq!(first.sync(now), Sync::Agreed);
    let mut second = client(&world, &["one.example", "two.example"]);
    second.restore(&first.save()).unwrap();
    assert_eq!(second.trusted(), &world.servers[0].chain.genesis());
    assert_eq!(second.sync(now), Sync::TrustExpired);
    let proven = second.account(&test_address(1)).unwrap().proven().unwrap();
    assert_eq!(proven.grade, Grade::Agreed, "and what was proven under it says so");
    run(&mut world, &mut second, now, 3);
    assert_eq!(second.sync(now), Sync::Agreed);
}

#[test]
fn operators_that_disagree_are_a_fork() {
    let mut world = world(2, 10);
    let payment = world.servers[1].chain.transfer(1, test_address(2), Amount(1));
    world.servers[1].pool.push(payment);
    (0..10).for_each(|_| world.advance());
    let mut client = client(&world, &["one.example", "two.example"]);
    let now = world.now();
    client.watch(test_address(1), now);
    run(&mut world, &mut client, now, 5);
    assert_eq!(client.sync(now), Sync::Forked);
    assert!(client.account(&test_address(1)).unwrap().proven().is_none());
}

#[test]
fn a_chain_that_stood_still_for_longer_than_the_period_is_not_asked_without_end() {
    let mut world = world(2, 5);
    let mut client = client(&world, &["one.example", "two.example"]);
    let later = world.now().plus_ms(10 * TRUSTING_MS);
    client.watch(test_address(1), later);
    run(&mut world, &mut client, later, 60);
    assert_eq!(client.sync(later), Sync::TrustExpired);
    let requests = world.asked.len();
    assert!(requests < 80, "{requests} requests in a minute");
    let Trusted { round, .. } = client.trusted();
    assert!(round.0 <= 4);
}

#[test]
fn a_branch_from_before_the_trusting_period_is_not_even_looked_at() {
    // What the client was given is too old by now; what it has proven since is not.
    let mut world = world(2, 5);
    let mut client = client(&world, &["one.example", "two.example"]);
    client.watch(test_address(1), world.now());
    let now = world.now();
    run(&mut world, &mut client, now, 1);
    // The second server's holders of old sign another past, from before what is proven.
    let mut other = ScriptedServer::new(ScriptedChain::of(short_trust()));
    let payment = other.chain.transfer(1, test_address(2), Amount(1));
    other.pool.push(payment);
    (0..5).for_each(|_| other.advance());
    world.servers[1] = other;
    for _ in 0..20 {
        world.advance();
        let now = world.now();
        client.tick(now);
        if world.servers[0].chain.now().0 > short_trust().genesis_time.0 + TRUSTING_MS + 20_000 {
            world.serve(&mut client, now);
        } else {
            // Until then only the honest one answers.
            world.silent[1] = true;
            world.serve(&mut client, now);
            world.silent[1] = false;
        }
    }
    let now = world.now();
    run(&mut world, &mut client, now, 20);
    assert_eq!(client.fork(), None);
    assert_eq!(client.grade(), Grade::Final);
    assert!(client.trusted().round.0 > 20);
}
