//! Final blocks that exclude each other.

use light_client::{
    client::{
        Bundle, ChainCheckpoint, Client, ConfirmError, Event, Health, PaymentState, RestoreError, Sync,
        TrustedCheckpoint,
    },
    data_format::{Evidence, MAX_EVIDENCE_BYTES, Offence, Time, decode},
    test_support::{chain::test_address, server::ScriptedServer},
};

use super::{World, coins, server};

/// Two servers with the same three rounds, and from then on with blocks that exclude each other: the holders sign both.
fn forked(rounds: usize) -> World {
    let mut world = World::new(vec![server(3), server(3)]);
    let payment = world.servers[1].chain.transfer(1, test_address(2), coins(7));
    world.servers[1].pool.push(payment);
    for _ in 0..rounds {
        world.advance();
    }
    world
}

fn watching(world: &mut World) -> Client {
    let mut client = world.client();
    let now = world.servers[0].chain.now();
    client.watch(test_address(1), now);
    client.watch(test_address(2), now);
    world.serve(&mut client, now);
    client
}

fn confirm(client: &mut Client, block: &TrustedCheckpoint, now: Time) {
    let chain = *client.chain();
    client.confirm(ChainCheckpoint { chain, checkpoint: block.clone() }, now).unwrap();
}

fn assert_frozen(client: &mut Client, world: &mut World) {
    let now = world.now().plus_ms(60_000);
    assert_eq!(client.sync(now), Sync::Forked);
    let trusted = client.trusted().clone();
    world.advance();
    client.hint(now);
    client.tick(now);
    client.refresh(now);
    client.watch(test_address(3), now);
    assert_eq!(client.next_request(), None);
    assert_eq!(client.trusted(), &trusted);
    assert_eq!(client.sync(now), Sync::Forked, "nothing but a person's word ends it");
}

#[test]
fn blocks_of_one_round_that_exclude_each_other_are_shown_with_who_signed_both() {
    let mut world = forked(3);
    let mut client = watching(&mut world);
    let fork = client.fork().expect("two final blocks of one round").clone();
    let events: Vec<Event> = std::iter::from_fn(|| client.next_event()).collect();
    assert!(events.contains(&Event::Fork));
    let servers = [&fork.one, &fork.other].map(|branch| branch.server.as_str());
    assert!(servers.contains(&"http://node0.example") && servers.contains(&"http://node1.example"));
    assert_eq!(fork.one.block.round, fork.other.block.round);
    assert_ne!(fork.one.block.id, fork.other.block.id);
    // All four holders signed both; three make a final block.
    assert!(fork.evidence.len() >= 3, "{} pieces", fork.evidence.len());
    let chain = *client.chain();
    for evidence in &fork.evidence {
        let evidence: Evidence = decode(evidence, MAX_EVIDENCE_BYTES).unwrap();
        let Offence { minting_key, .. } = evidence.verify(&chain, 4).expect("a node takes it");
        let slots = &world.servers[0].chain.genesis().tables.unwrap().in_force.slots().0.clone();
        assert!(slots.iter().flatten().any(|holder| holder.minting_key == minting_key));
    }
    assert_frozen(&mut client, &mut world);
    let mut again = world.client();
    again.restore(&client.save()).unwrap();
    assert_eq!(again.fork(), Some(&fork), "a restart does not make it forgotten");
    assert_frozen(&mut again, &mut world);
}

#[test]
fn a_branch_that_shows_only_other_rounds_is_found_by_asking_for_the_block_between() {
    let mut world = forked(3);
    // Always a round ahead: no two final blocks of the same round are ever shown.
    world.servers[1].advance();
    let mut client = world.client();
    let now = world.now();
    client.watch(test_address(1), now);
    client.watch(test_address(2), now);
    world.serve(&mut client, now);
    for step in 1..6 {
        client.tick(now.plus_ms(1_000 * step));
        world.serve(&mut client, now.plus_ms(1_000 * step));
    }
    let fork = client.fork().expect("the block at the height of the one behind is another");
    assert_ne!(fork.one.block.round, fork.other.block.round);
    let asked: Vec<&String> = world.asked.iter().map(|(_, url)| url).collect();
    assert!(asked.iter().any(|url| url.contains("/v1/headers/")), "{asked:?}");
    assert_frozen(&mut client, &mut world);
}

#[test]
fn servers_that_are_a_little_apart_on_one_chain_are_no_fork() {
    for apart in 1..=6 {
        let mut world = World::new(vec![server(9), server(9 - apart), server(9)]);
        let mut client = world.client();
        let now = world.now();
        for key in 1..=3 {
            client.watch(test_address(key), now);
        }
        for step in 0..10 {
            client.tick(now.plus_ms(500 * step));
            world.serve(&mut client, now.plus_ms(500 * step));
        }
        assert_eq!(client.fork(), None);
        assert_eq!(client.trusted().round.0, 8);
        assert!((1..=3).all(|key| client.account(&test_address(key)).unwrap().proven().is_some()));
        let compared = (0..3).map(|server| world.asked_for(server, "/v1/headers/")).sum::<usize>();
        assert!(compared <= 3, "each block is compared once: {compared}");
    }
}

#[test]
fn a_balance_of_the_other_branch_is_not_shown_once_the_fork_is_seen() {
    let mut world = forked(3);
    let mut client = world.client();
    let now = world.now();
    client.watch(test_address(1), now);
    client.watch(test_address(2), now);
    world.serve(&mut client, now);
    assert!(client.fork().is_some());
    // One of the two was proven before the other server answered; the other never.
    let proven: Vec<_> =
        (1..=2).filter(|key| client.account(&test_address(*key)).unwrap().proven().is_some()).collect();
    assert_eq!(proven.len(), 1);
}

#[test]
fn a_person_decides_and_everything_is_proven_again_from_there() {
    let mut world = forked(3);
    let mut client = watching(&mut world);
    assert!(client.fork().is_some());
    let now = world.now();
    let id = {
        let signed = world.servers[0].chain.transfer(3, test_address(4), coins(1));
        client.submit(signed, now)
    };
    assert_eq!(client.next_request(), None, "not while it is open which chain it is");
    let [one, other] = [client.fork().unwrap().one.clone(), client.fork().unwrap().other.clone()];
    let right = if one.server.contains("node0") { one } else { other };
    confirm(&mut client, &right.block, now);
    assert_eq!(client.fork(), None);
    assert_eq!(client.trusted().id, right.block.id);
    world.silent[1] = true;
    for step in 0..10 {
        client.tick(now.plus_ms(1_000 * step));
        world.serve(&mut client, now.plus_ms(1_000 * step));
    }
    let record = client.account(&test_address(1)).unwrap().proven().unwrap().record.unwrap();
    assert_eq!(record.balance, coins(1_000), "the payment of 7 is on the other branch alone");
    assert_eq!(client.payment(&id).unwrap().state, PaymentState::Submitted);
    world.silent[1] = false;
    for step in 10..120 {
        client.tick(now.plus_ms(1_000 * step));
        world.serve(&mut client, now.plus_ms(1_000 * step));
    }
    // The other branch does not know that block, and has no say any more.
    assert_eq!(client.fork(), None);
    assert!(!matches!(client.servers()[1].health(), Health::Good), "{:?}", client.servers()[1].health());
    assert_eq!(client.account(&test_address(1)).unwrap().proven().unwrap().record, Some(record));
}

#[test]
fn servers_on_the_same_branch_never_fork_over_a_long_time() {
    let mut world = World::alike(3, 3);
    let mut client = watching(&mut world);
    for round in 0..40 {
        // Each is late in its turn.
        for (index, server) in world.servers.iter_mut().enumerate() {
            if (round + index) % 5 != 0 {
                ScriptedServer::advance(server);
            }
        }
        let now = world.now();
        client.tick(now);
        world.serve(&mut client, now);
        client.tick(now.plus_ms(1_000));
        world.serve(&mut client, now.plus_ms(1_000));
        assert_eq!(client.fork(), None, "round {round}");
        assert!(world.servers.iter().all(|server| server.chain.now() <= now));
    }
    assert_eq!(client.sync(world.now()), Sync::Verified);
}

#[test]
fn a_newer_chain_file_decides_after_a_restart() {
    let mut world = forked(3);
    let client = watching(&mut world);
    assert!(client.fork().is_some());
    // Both branches go on, and the file is of one of them.
    (0..3).for_each(|_| world.advance());
    let newer = world.servers[0].known_last();
    let mut again = Client::new(client.spec().clone(), newer.clone(), ["http://node0.example".to_owned()]);
    again.restore(&client.save()).unwrap();
    assert_eq!(again.fork(), None);
    assert_eq!(again.trusted(), &newer);
    let mut older = world.client();
    older.restore(&client.save()).unwrap();
    assert!(older.fork().is_some(), "the file of before decides nothing");
}

#[test]
fn what_was_saved_before_a_block_was_confirmed_does_not_undo_that() {
    let mut world = forked(3);
    let mut client = watching(&mut world);
    let before = client.save();
    let branch = client.fork().unwrap().one.block.clone();
    let now = world.now();
    confirm(&mut client, &branch, now);
    let confirmed = client.save();
    assert_eq!(client.restore(&before), Err(RestoreError::BeforeConfirmed));
    assert_eq!(client.save(), confirmed, "nothing has changed");
    // What was saved after it is good, also from where nobody confirmed anything.
    let mut other = world.client();
    other.restore(&confirmed).unwrap();
    client.restore(&other.save()).unwrap();
    assert_eq!((client.trusted().id, client.fork()), (branch.id, None));
}

#[test]
fn a_confirmation_that_another_session_saved_counts_more_than_what_was_proven_here() {
    let mut world = forked(6);
    let now = world.now();
    let mut client = watching(&mut world);
    let branch = client.fork().unwrap().other.block.clone();
    confirm(&mut client, &branch, now);
    // Here the other branch was proven, and further.
    let has = |server: usize| world.servers[server].chain.header(branch.height).header.id() == branch.id;
    let wrong = usize::from(has(0));
    (0..3).for_each(|_| world.servers[wrong].advance());
    let mut other = world.client();
    world.silent[1 - wrong] = true;
    let later = world.now();
    other.watch(test_address(1), later);
    for second in 0..10 {
        other.tick(later.plus_ms(1_000 * second));
        world.serve(&mut other, later.plus_ms(1_000 * second));
    }
    assert!(other.trusted().height > branch.height && other.fork().is_none());
    other.tick(later.plus_ms(60_000));
    other.restore(&client.save()).unwrap();
    assert_eq!(other.trusted().id, branch.id);
    assert_eq!(other.next_request(), None, "what was under way led to the other branch");
    assert_eq!(other.save(), client.save());
}

#[test]
fn a_checkpoint_that_helps_nobody_is_refused_and_changes_nothing() {
    let mut world = World::alike(1, 6);
    let mut client = watching(&mut world);
    let now = world.now();
    let before = client.save();
    let own = client.checkpoint(now).unwrap();
    let other = ChainCheckpoint { chain: client.trusted().id, ..own.clone() };
    assert_eq!(client.confirm(other.clone(), now), Err(ConfirmError::OtherChain(other.chain)));
    let (trusted, found) = (client.trusted().height, world.servers[0].chain.genesis().height);
    let older = ChainCheckpoint { checkpoint: world.servers[0].chain.checkpoint(), ..own.clone() };
    assert_eq!(client.confirm(older, now), Err(ConfirmError::Older { trusted, found }));
    (0..3).for_each(|_| world.advance());
    let newer = ChainCheckpoint { checkpoint: world.servers[0].known_last().checkpoint(), ..own };
    let late = now.plus_ms(2 * client.spec().trusting_period_ms);
    assert_eq!(client.confirm(newer.clone(), late), Err(ConfirmError::Expired(newer.checkpoint.height)));
    let mut empty = newer.clone();
    empty.checkpoint.in_force.0.iter_mut().for_each(|holder| *holder = None);
    assert!(matches!(client.confirm(empty, now), Err(ConfirmError::Table(_))));
    assert_eq!(client.save(), before);
    // What another device shows is taken as it was written.
    let text = newer.to_text();
    client.confirm(ChainCheckpoint::from_text(&text).unwrap(), now).unwrap();
    assert_eq!(client.trusted().id, newer.checkpoint.id);
}
