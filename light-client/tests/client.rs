//! The light client against a chain in memory: honest, behind, lying, of another chain.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken script must stop the test")]

use light_client::{
    client::{
        AccountBundle, Anchor, Bundle, Client, Event, Health, KEPT_RECORDS, PaymentState, Response, Sync,
        Trusted, Verifier,
    },
    consensus::{
        Verdict,
        spos::{Table, Tables},
    },
    crypto::Hash,
    data_format::{Amount, GenesisAccount, Height, MAX_HEADER_BYTES, Round, Time, UNITS_PER_COIN, codec},
    test_support::{
        chain::{FEE, ScriptedChain, test_address, test_table},
        server::ScriptedServer,
    },
};

const COIN: u64 = UNITS_PER_COIN;

fn chain(slots: u64) -> ScriptedChain {
    chain_of(slots, 3)
}

fn chain_of(slots: u64, accounts: u64) -> ScriptedChain {
    let accounts =
        (1..=accounts).map(|key| GenesisAccount { address: test_address(key), balance: Amount(1000 * COIN) });
    ScriptedChain::new(slots, accounts.collect())
}

fn server(rounds: usize) -> ScriptedServer {
    let mut server = ScriptedServer::new(chain(4));
    for _ in 0..rounds {
        server.advance();
    }
    server
}

fn client(server: &ScriptedServer) -> Client {
    let genesis = server.chain.genesis();
    Client::new(server.chain.spec().clone(), genesis, ["http://one".to_owned()])
}

fn honest(_: &light_client::client::Request, response: Response) -> Response {
    response
}

/// A client that has proven account 1.
fn proven(server: &mut ScriptedServer) -> Client {
    let mut client = client(server);
    let now = server.chain.now();
    client.watch(test_address(1), now);
    server.serve(&mut client, now, honest);
    client
}

#[test]
fn a_balance_is_proven_from_genesis_in_one_answer() {
    let mut server = server(3);
    let client = proven(&mut server);
    let now = server.chain.now();
    let account = client.account(&test_address(1)).unwrap();
    assert_eq!(account.proven().unwrap().record.unwrap().balance, Amount(1000 * COIN));
    assert!(account.history().is_complete());
    assert_eq!(client.trusted().round, Round(2));
    assert_eq!(client.sync(now), Sync::Verified);
    assert!(client.signatures().is_some());
}

#[test]
fn absence_is_proven_and_is_not_a_balance_of_zero() {
    let mut server = server(3);
    let mut client = client(&server);
    let now = server.chain.now();
    client.watch(test_address(99), now);
    server.serve(&mut client, now, honest);
    assert_eq!(client.account(&test_address(99)).unwrap().proven().unwrap().record, None);
}

#[test]
fn nothing_is_known_without_an_answer() {
    let server = server(3);
    let mut client = client(&server);
    client.watch(test_address(1), server.chain.now());
    assert!(client.account(&test_address(1)).unwrap().proven().is_none());
    assert_eq!(client.sync(server.chain.now()), Sync::Connecting);
}

#[test]
fn a_block_from_the_future_is_not_called_new() {
    let mut server = server(3);
    let client = proven(&mut server);
    let now = server.chain.now();
    let before = |ms: u64| Time(now.0 - ms);
    assert_eq!(client.sync(now), Sync::Verified);
    assert_eq!(client.sync(before(2_000)), Sync::Verified, "clocks differ a little");
    // It was proven later than that, and after a while its block was made later, too.
    for ms in [2_001, 10_000, 100_000] {
        assert_eq!(client.sync(before(ms)), Sync::Stale { since: Some(now) }, "{ms} ms");
    }
}

#[test]
fn a_payment_goes_from_submitted_to_in_block_to_final() {
    let mut server = server(3);
    let mut client = proven(&mut server);
    let now = server.chain.now();
    let signed = server.chain.transfer(1, test_address(2), Amount(40 * COIN));
    let id = client.submit(signed, now);
    assert_eq!(client.payment(&id).unwrap().state, PaymentState::Signed);
    server.serve(&mut client, now, honest);
    assert_eq!(client.payment(&id).unwrap().state, PaymentState::Submitted);
    server.advance();
    let now = server.chain.now();
    client.tick(now);
    server.serve(&mut client, now, honest);
    assert!(matches!(client.payment(&id).unwrap().state, PaymentState::InBlock { height: Height(13), .. }));
    for _ in 0..2 {
        server.advance();
    }
    let now = server.chain.now();
    client.tick(now);
    server.serve(&mut client, now, honest);
    assert!(matches!(
        client.payment(&id).unwrap().state,
        PaymentState::Final { height: Height(13), succeeded: true, .. }
    ));
    let account = client.account(&test_address(1)).unwrap();
    assert_eq!(account.proven().unwrap().record.unwrap().balance, Amount(960 * COIN - FEE.units()));
    assert_eq!(account.history().records().len(), 3);
    assert!(account.history().transaction(&id).is_some());
    let events: Vec<Event> = std::iter::from_fn(|| client.next_event()).collect();
    assert!(events.contains(&Event::Payment(id)) && events.contains(&Event::Account(test_address(1))));
}

#[test]
fn a_payment_that_never_happens_is_proven_expired() {
    let mut server = server(3);
    let mut client = proven(&mut server);
    let now = server.chain.now();
    let mut signed = server.chain.transfer(1, test_address(2), Amount(COIN));
    signed.transaction.valid_until = Height(15);
    let id = client.submit(signed, now);
    server.serve(&mut client, now, honest);
    server.pool.clear();
    for _ in 0..3 {
        server.advance();
    }
    let now = server.chain.now();
    client.tick(now);
    server.serve(&mut client, now, honest);
    assert_eq!(client.payment(&id).unwrap().state, PaymentState::Expired);
}

#[test]
fn a_payment_whose_nonce_another_one_took_is_proven_replaced() {
    let mut server = server(3);
    let mut client = proven(&mut server);
    let now = server.chain.now();
    let ours = server.chain.transfer(1, test_address(2), Amount(COIN));
    let other = server.chain.transfer(1, test_address(3), Amount(COIN));
    let id = client.submit(ours, now);
    server.serve(&mut client, now, honest);
    server.pool = vec![other];
    for _ in 0..3 {
        server.advance();
    }
    let now = server.chain.now();
    client.tick(now);
    server.serve(&mut client, now, honest);
    assert_eq!(client.payment(&id).unwrap().state, PaymentState::Replaced);
}

#[test]
fn a_refused_payment_keeps_the_servers_code_and_words() {
    let mut server = server(3);
    let mut client = proven(&mut server);
    let now = server.chain.now();
    let id = client.submit(server.chain.transfer(1, test_address(2), Amount(COIN)), now);
    server.serve(&mut client, now, |request, response| {
        if request.url.ends_with("/v1/transactions") {
            let body = br#"{"type":"about:blank","code":"fee-too-low","detail":"pay more"}"#.to_vec();
            return Response { status: 422, body };
        }
        response
    });
    let refused = PaymentState::Refused { code: "fee-too-low".to_owned(), words: "pay more".to_owned() };
    assert_eq!(client.payment(&id).unwrap().state, refused);
}

#[test]
fn history_is_complete_page_by_page() {
    let mut server = server(1);
    for _ in 0..60 {
        let transfer = server.chain.transfer(1, test_address(2), Amount(COIN));
        server.pool.push(transfer);
        server.advance();
    }
    for _ in 0..2 {
        server.advance();
    }
    let mut client = proven(&mut server);
    let history = |client: &Client| {
        let history = client.account(&test_address(1)).unwrap().history();
        (history.records().len(), history.is_complete())
    };
    assert_eq!(history(&client), (50, false));
    let now = server.chain.now();
    for expected in [(100, false), (121, true)] {
        client.load_history(test_address(1), now);
        server.serve(&mut client, now, honest);
        assert_eq!(history(&client), expected);
    }
    client.load_history(test_address(1), now);
    assert!(client.next_request().is_none());
}

/// Everybody can send to an account: what is kept of it is bounded, newest first, and all of it can be loaded.
#[test]
fn what_others_send_does_not_grow_for_ever() {
    const PAYERS: u64 = 40;
    let mut server = ScriptedServer::new(chain_of(4, PAYERS + 1));
    let mut client = proven(&mut server);
    let rounds = KEPT_RECORDS as u64 / PAYERS + 2;
    let mut now = server.chain.now();
    // The last two make the others final.
    for round in 0..rounds + 2 {
        let paid = (2..PAYERS + 2).map(|payer| server.chain.transfer(payer, test_address(1), Amount(1)));
        server.pool = if round < rounds { paid.collect() } else { Vec::new() };
        server.advance();
        now = server.chain.now();
        client.tick(now);
        server.serve(&mut client, now, honest);
    }
    let all = rounds * PAYERS + 1;
    let loaded = |client: &Client| {
        let history = client.account(&test_address(1)).unwrap().history();
        let (records, before) = (history.records(), history.before().count);
        assert_eq!(before + records.len() as u64, all);
        assert!(records.iter().zip(before..).all(|(record, index)| record.index == index));
        assert!(records[1..].iter().all(|record| history.transaction(&record.transaction).is_some()));
        records.len()
    };
    assert_eq!(loaded(&client), KEPT_RECORDS);
    let kept = client.save();
    // What is asked for stays, until the client is saved.
    while !client.account(&test_address(1)).unwrap().history().is_complete() {
        client.load_history(test_address(1), now);
        server.serve(&mut client, now, honest);
    }
    assert_eq!(loaded(&client) as u64, all);
    client.tick(now.plus_ms(60_000));
    server.serve(&mut client, now, honest);
    assert_eq!(loaded(&client) as u64, all);
    assert_eq!(client.save().len(), kept.len());
    let mut restored = self::client(&server);
    restored.restore(&client.save()).unwrap();
    assert_eq!(loaded(&restored), KEPT_RECORDS);
    // It goes on from there.
    server.pool = vec![server.chain.transfer(1, test_address(2), Amount(1))];
    for _ in 0..3 {
        server.advance();
    }
    let now = server.chain.now();
    restored.tick(now);
    server.serve(&mut restored, now, honest);
    let history = restored.account(&test_address(1)).unwrap().history();
    assert_eq!(history.before().count + history.records().len() as u64, all + 2);
    assert_eq!(history.records().len(), KEPT_RECORDS);
}

#[test]
fn saved_state_goes_on_and_belongs_to_its_chain() {
    let mut server = server(3);
    let mut first = proven(&mut server);
    let now = server.chain.now();
    let id = first.submit(server.chain.transfer(1, test_address(2), Amount(COIN)), now);
    let saved = first.save();
    let mut second = client(&server);
    second.restore(&saved).unwrap();
    assert_eq!(second.trusted(), first.trusted());
    assert_eq!(second.signatures(), first.signatures());
    assert_eq!(second.account(&test_address(1)), first.account(&test_address(1)));
    assert_eq!(second.payment(&id), first.payment(&id));
    let other = ScriptedServer::new(chain(7));
    assert!(client(&other).restore(&saved).is_err());
    for cut in 0..saved.len() {
        assert!(client(&server).restore(&saved[..cut]).is_err(), "cut at {cut}");
    }
}

/// What a lie leads to: the server is asked which chain it serves, and not used any more.
fn assert_caught(server: &mut ScriptedServer, client: &mut Client, now: Time) {
    server.serve(client, now, honest);
    assert!(matches!(client.servers()[0].health(), Health::Lying { .. }), "{:?}", client.servers()[0]);
    assert_eq!(client.sync(now), Sync::Lying { server: 0 });
    client.hint(now);
    assert!(client.next_request().is_none());
}

fn altered(server: &mut ScriptedServer, alter: impl Fn(&mut AccountBundle)) -> Client {
    let mut client = client(server);
    let now = server.chain.now();
    client.watch(test_address(1), now);
    server.serve(&mut client, now, |request, mut response| {
        if request.url.contains("/v1/accounts/") {
            let mut bundle = AccountBundle::from_bytes(&response.body).unwrap();
            alter(&mut bundle);
            response.body = bundle.to_bytes();
        }
        response
    });
    assert!(client.account(&test_address(1)).unwrap().proven().is_none());
    assert_caught(server, &mut client, now);
    client
}

#[test]
fn an_altered_balance_is_a_lie() {
    let mut server = server(3);
    altered(&mut server, |bundle| {
        let balance = (1000 * COIN).to_le_bytes();
        let at = bundle.witness.windows(8).position(|bytes| bytes == balance).unwrap();
        bundle.witness[at] ^= 1;
    });
}

#[test]
fn a_truncated_history_is_a_lie() {
    let mut server = server(3);
    altered(&mut server, |bundle| {
        bundle.history.records.pop();
    });
}

#[test]
fn a_history_without_its_older_records_is_a_lie() {
    let mut server = server(1);
    let transfer = server.chain.transfer(1, test_address(2), Amount(COIN));
    server.pool.push(transfer);
    for _ in 0..4 {
        server.advance();
    }
    let genesis = server.chain.genesis();
    let short = server.chain.account_bundle(&genesis, test_address(1), 0, 1);
    assert_eq!(short.history.records.len(), 1);
    altered(&mut server, move |bundle| *bundle = short.clone());
}

#[test]
fn an_invented_record_is_a_lie() {
    let mut server = server(3);
    altered(&mut server, |bundle| bundle.history.records[0].delta += 1);
}

#[test]
fn a_forged_header_is_a_lie() {
    let mut server = server(3);
    altered(&mut server, |bundle| {
        let Anchor::Beacon(beacon) = &mut bundle.anchor else { panic!("a beacon") };
        beacon.source.state_root = Hash([7; 32]);
    });
}

#[test]
fn a_beacon_without_a_quorum_is_a_lie() {
    let mut server = server(3);
    altered(&mut server, |bundle| {
        let Anchor::Beacon(beacon) = &mut bundle.anchor else { panic!("a beacon") };
        beacon.signatures.pop();
    });
}

#[test]
fn an_account_of_somebody_else_is_a_lie() {
    let mut server = server(3);
    let mut other = None;
    {
        let genesis = server.chain.genesis();
        other.replace(server.chain.account_bundle(&genesis, test_address(2), 0, 50));
    }
    let other = other.unwrap();
    altered(&mut server, move |bundle| *bundle = other.clone());
}

#[test]
fn another_chain_is_not_a_lie() {
    let server = server(3);
    let mut other = ScriptedServer::new(chain(7));
    for _ in 0..3 {
        other.advance();
    }
    let mut client = client(&server);
    let now = server.chain.now();
    client.watch(test_address(1), now);
    other.serve(&mut client, now, honest);
    assert!(matches!(client.servers()[0].health(), Health::OtherChain { .. }));
    assert_eq!(client.sync(now), Sync::OtherChain { server: 0 });
    // Asked again later it may know nothing of what is asked for: it is still another chain.
    let later = now.plus_ms(10_000);
    client.tick(later);
    let served =
        other.serve(&mut client, later, |request, response| match request.url.ends_with("/v1/status") {
            true => response,
            false => Response { status: 404, body: Vec::new() },
        });
    assert!(served > 1);
    assert_eq!(client.sync(later), Sync::OtherChain { server: 0 });
}

#[test]
fn a_server_that_is_behind_is_no_liar_and_moves_nothing_back() {
    let mut ahead = server(6);
    let mut client = proven(&mut ahead);
    let trusted = client.trusted().clone();
    let mut behind = server(3);
    let now = ahead.chain.now();
    client.hint(now);
    behind.serve(&mut client, now, honest);
    assert_eq!(client.trusted(), &trusted);
    assert!(!matches!(client.servers()[0].health(), Health::Lying { .. }));
}

#[test]
fn an_old_final_block_is_stale_and_an_older_one_needs_a_person() {
    let mut server = server(3);
    let mut client = proven(&mut server);
    let now = server.chain.now();
    assert!(matches!(client.sync(now.plus_ms(60_000)), Sync::Stale { since: Some(at) } if at == now));
    let later = now.plus_ms(server.chain.spec().trusting_period_ms);
    assert_eq!(client.sync(later), Sync::TrustExpired);
    client.hint(later);
    assert!(client.next_request().is_none());
    assert!(client.account(&test_address(1)).unwrap().proven().is_some());
}

#[test]
fn a_silent_server_is_unreachable_and_asked_again_after_a_pause() {
    let server = server(3);
    let mut client = client(&server);
    let now = server.chain.now();
    client.watch(test_address(1), now);
    let waiting: Vec<_> = std::iter::from_fn(|| client.next_request()).collect();
    assert_eq!(waiting.len(), 2);
    client.tick(now.plus_ms(20_000));
    assert!(matches!(client.servers()[0].health(), Health::Unreachable { .. }));
    let again = now.plus_ms(80_000);
    client.tick(again);
    assert!(client.next_request().is_some());
}

#[test]
fn a_refresh_after_silence_asks_at_once_and_does_not_hold_the_silence_against_the_server() {
    let mut server = server(3);
    let mut client = client(&server);
    let now = server.chain.now();
    client.watch(test_address(1), now);
    while client.next_request().is_some() {}
    let later = now.plus_ms(30_000);
    client.refresh(later);
    server.serve(&mut client, later, honest);
    assert!(client.account(&test_address(1)).unwrap().proven().is_some());
    assert_eq!(client.servers()[0].health(), &Health::Good);
}

fn two_tables() -> (ScriptedChain, Trusted) {
    let mut chain = chain(15);
    chain.advance(&[]);
    let trusted = chain.genesis();
    (chain, trusted)
}

#[test]
fn sizes_stay_within_their_budgets() {
    let (mut chain, trusted) = two_tables();
    for _ in 0..2 {
        chain.advance(&[]);
    }
    assert!(codec::encode(chain.head()).len() <= MAX_HEADER_BYTES);
    let beacon = chain.beacon(&trusted).unwrap();
    assert!(beacon.to_bytes().len() <= 1_500, "beacon {}", beacon.to_bytes().len());
    // A whole new table: all fifteen holders are others, over one table planned and then in force.
    let held = trusted.tables.clone().unwrap();
    let keys: Vec<u64> = (1015..1030).collect();
    let planned = Tables {
        in_force: held.in_force.clone(),
        planned: Some(Table::new(test_table(&keys)).unwrap().into()),
    };
    chain.set_tables(planned);
    for _ in 0..3 {
        chain.advance(&[]);
    }
    let beacon = chain.beacon(&trusted).unwrap();
    let Verdict::Success(newer) = Verifier::new(chain.spec()).beacon(&trusted, &beacon, chain.now()) else {
        panic!("the beacon of a planned table")
    };
    assert!(newer.tables.as_ref().unwrap().planned.is_some());
    chain.set_tables(Tables::settled(Table::new(test_table(&keys)).unwrap()));
    for _ in 0..4 {
        chain.advance(&[]);
    }
    let beacon = chain.beacon(&newer).unwrap();
    let whole = chain.beacon(&trusted).unwrap();
    assert!(beacon.to_bytes().len() <= 1_500, "beacon {}", beacon.to_bytes().len());
    assert!(whole.to_bytes().len() <= 2_500, "with a whole table {}", whole.to_bytes().len());
    let verifier = Verifier::new(chain.spec());
    assert!(matches!(verifier.beacon(&newer, &beacon, chain.now()), Verdict::Success(_)));
    // Somebody who never heard of the plan does not trust strangers.
    assert!(matches!(
        verifier.beacon(&trusted, &whole, chain.now()),
        Verdict::NotEnoughTrust { signed: 0, needed: 11 }
    ));
}

#[test]
fn a_beacon_from_the_future_is_refused_without_calling_it_a_lie() {
    let server = server(3);
    let genesis = server.chain.genesis();
    let beacon = server.chain.beacon(&genesis).unwrap();
    let verifier = Verifier::new(server.chain.spec());
    let early = server.chain.clock().start(server.chain.clock().first_slot(Round(3))).0 - 1_001;
    let Verdict::Invalid(failure) = verifier.beacon(&genesis, &beacon, Time(early)) else {
        panic!("too early")
    };
    assert!(!failure.is_lie());
    assert!(matches!(verifier.beacon(&genesis, &beacon, Time(early + 1)), Verdict::Success(_)));
}
