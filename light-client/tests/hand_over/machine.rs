//! The machine asks for what leads over, and goes on with what it wanted.

use std::sync::Arc;

use light_client::{
    client::{Bundle, ChainCheckpoint, Client, HandOver, Health, Request, Response, Sync, Trusted},
    consensus::spos::{MAX_HAND_OVER_LINKS, Table, Tables},
    data_format::{Amount, GenesisAccount, Round, UNITS_PER_COIN},
    test_support::{
        chain::{ScriptedChain, test_address, test_table},
        link_history::LinkHistory,
        server::ScriptedServer,
    },
};

use super::one_by_one;

fn accounts() -> Vec<GenesisAccount> {
    (1..=3)
        .map(|key| GenesisAccount { address: test_address(key), balance: Amount(1000 * UNITS_PER_COIN) })
        .collect()
}

/// A chain of four slots of which so many were replaced, one after the other, as the chain's rule has it.
fn server(changes: u64) -> ScriptedServer {
    let mut server = ScriptedServer::new(ScriptedChain::new(4, accounts()));
    server.advance();
    let tables = one_by_one(4, changes);
    for pair in tables.windows(2) {
        let table = |keys: &[u64]| Table::new(test_table(keys)).unwrap();
        let planned = Some(table(&pair[1]).into());
        server.chain.set_tables(Tables { in_force: table(&pair[0]).into(), planned });
        server.advance();
        server.advance();
        server.chain.set_tables(Tables::settled(table(&pair[1])));
        server.advance();
    }
    (0..3).for_each(|_| server.advance());
    server
}

fn client(server: &ScriptedServer) -> Client {
    Client::new(server.chain.spec().clone(), server.chain.genesis(), ["http://one".to_owned()])
}

/// The path of a request without what it asks for.
fn path(request: &Request) -> String {
    let path = request.url.trim_start_matches("http://one/v1/");
    path.split('?').next().unwrap().to_owned()
}

#[test]
fn a_balance_is_proven_over_changes_of_most_holders() {
    let mut server = server(6);
    let mut client = client(&server);
    let (account, now) = (test_address(1), server.chain.now());
    client.watch(account, now);
    let mut asked = Vec::new();
    server.serve(&mut client, now, |request, response| {
        asked.push(path(request));
        response
    });
    let bundle = format!("accounts/{account}/bundle");
    assert_eq!(asked, ["status", &bundle, "handover", &bundle]);
    assert_eq!(client.sync(now), Sync::Verified);
    assert_eq!(client.servers()[0].health(), &Health::Good);
    let table = &client.trusted().tables.as_ref().unwrap().in_force;
    assert_eq!(table.slots(), &test_table(one_by_one(4, 6).last().unwrap()));
    assert_eq!(client.signatures(), Some((3, 4)));
    let record = client.account(&account).unwrap().proven().unwrap().record.unwrap();
    assert_eq!(record.balance, Amount(1000 * UNITS_PER_COIN));
}

/// A late answer about an older block, whose holders were being changed and so were more.
#[test]
fn the_signatures_shown_are_those_of_the_trusted_block() {
    let mut ahead = server(1);
    let mut behind = ScriptedServer::new(ScriptedChain::new(4, accounts()));
    behind.advance();
    let tables = one_by_one(4, 1).into_iter().map(|keys| Table::new(test_table(&keys)).unwrap());
    let [in_force, planned] = tables.map(Arc::new).collect::<Vec<_>>().try_into().unwrap();
    behind.chain.set_tables(Tables { in_force, planned: Some(planned) });
    (0..3).for_each(|_| behind.advance());
    let genesis = ahead.chain.genesis();
    let names = ["http://ahead", "http://behind"].map(str::to_owned);
    let mut client = Client::new(ahead.chain.spec().clone(), genesis, names);
    let now = ahead.chain.now();
    for key in 1..=3 {
        client.watch(test_address(key), now);
    }
    let mut shown = Vec::new();
    loop {
        let mut requests: Vec<Request> = std::iter::from_fn(|| client.next_request()).collect();
        if requests.is_empty() {
            break;
        }
        requests.sort_by_key(|request| request.server);
        for request in requests {
            let server = if request.server == 0 { &mut ahead } else { &mut behind };
            let answer = server.answer(&request);
            client.respond(request.id, Ok(answer), now);
            shown.push((request.server, client.trusted().height, client.signatures()));
        }
    }
    assert!(shown.iter().any(|(server, ..)| *server == 1), "{shown:?}");
    let newest = client.trusted().height;
    let of_newest: Vec<_> = shown.iter().filter(|(_, height, _)| *height == newest).collect();
    assert!(of_newest.iter().all(|(.., signatures)| *signatures == Some((3, 4))), "{shown:?}");
    // Alone, the one that is behind shows its own.
    let mut client = self::client(&behind);
    client.tick(now);
    behind.serve(&mut client, now, |_, response| response);
    assert!(client.trusted().height < newest);
    assert_eq!(client.signatures().map(|(_, voters)| voters), Some(5));
}

#[test]
fn a_full_page_is_followed_by_the_next_at_once() {
    // Two changes a link, of four slots.
    let changes = 2 * (MAX_HAND_OVER_LINKS as u64 + 10);
    let planned = (0..changes).map(|change| Round(3 * change + 3)).collect();
    let newest = Round(3 * changes + 9);
    let mut history =
        LinkHistory::new(&one_by_one(4, changes), planned, newest, accounts(), Box::new(|_, _| false));
    let trusted = history.trusted(Round(0));
    let mut client = Client::new(history.spec().clone(), trusted, ["http://one".to_owned()]);
    let now = history.now();
    client.tick(now);
    let mut asked = Vec::new();
    history.serve(&mut client, now, |request, _| asked.push(path(request)));
    assert_eq!(asked, ["status", "beacon", "handover", "handover", "beacon"]);
    assert_eq!(client.trusted().round, newest);
    assert_eq!(client.sync(now), Sync::Verified);
}

#[test]
fn a_server_that_leads_nowhere_has_to_wait_and_is_no_liar() {
    let mut server = server(6);
    let mut client = client(&server);
    let now = server.chain.now();
    let genesis = server.chain.genesis();
    // What it sends is true, and leads a few rounds on: the first final block and its beacon.
    let mut early = ScriptedServer::new(ScriptedChain::new(4, accounts()));
    (0..3).for_each(|_| early.advance());
    let short = HandOver { links: Vec::new(), end: early.chain.beacon(&genesis).unwrap() };
    let stuck = |request: &Request, response: Response| {
        if path(request) == "handover" {
            return Response { status: 200, body: short.to_bytes() };
        }
        response
    };
    client.watch(test_address(1), now);
    let served = server.serve(&mut client, now, stuck);
    assert_eq!(served, 4, "status, account, hand-over, and the account once more");
    let Health::Unreachable { retry_at } = *client.servers()[0].health() else {
        panic!("{:?}", client.servers()[0])
    };
    assert!(client.trusted().round > Round(0), "what is proven is kept");
    assert!(client.account(&test_address(1)).unwrap().proven().is_none());
    assert_eq!(client.servers()[0].height(), Some(client.trusted().height));
    // Again after the pause, and longer each time.
    client.tick(retry_at);
    assert!(server.serve(&mut client, retry_at, stuck) <= 4);
    let Health::Unreachable { retry_at: later } = *client.servers()[0].health() else {
        panic!("{:?}", client.servers()[0])
    };
    assert!(later.ms_since(retry_at) > retry_at.ms_since(now));
    // An honest one is as good as ever.
    client.tick(later);
    server.serve(&mut client, later, |_, response| response);
    assert!(client.account(&test_address(1)).unwrap().proven().is_some());
    assert_eq!(client.servers()[0].health(), &Health::Good);
}

#[test]
fn steps_that_are_missing_are_no_lie_and_forged_ones_are() {
    let alter = |change: fn(&mut HandOver)| {
        let mut server = server(9);
        let mut client = client(&server);
        let now = server.chain.now();
        client.tick(now);
        server.serve(&mut client, now, |request, response| {
            if path(request) != "handover" {
                return response;
            }
            let mut bundle = HandOver::from_bytes(&response.body).unwrap();
            assert!(bundle.links.len() > 2);
            change(&mut bundle);
            Response { body: bundle.to_bytes(), ..response }
        });
        assert_eq!(client.trusted().round, Round(0), "nothing changes unless all of it holds");
        client.servers()[0].health().clone()
    };
    let links_gone = alter(|bundle| bundle.links.clear());
    // The end's tables are told from the last link's: without it they are other tables.
    assert!(matches!(links_gone, Health::Lying { .. }), "{links_gone:?}");
    let forged = alter(|bundle| bundle.links[1].target.0[0] ^= 1);
    assert!(matches!(forged, Health::Lying { .. }), "{forged:?}");
}

#[test]
fn an_answer_that_a_change_overtook_is_proven_from_the_block_it_was_asked_from() {
    let mut server = server(1);
    let mut client = client(&server);
    let now = server.chain.now();
    client.watch(test_address(1), now);
    client.watch(test_address(2), now);
    let requests: Vec<Request> = std::iter::from_fn(|| client.next_request()).collect();
    let answers: Vec<Response> = requests.iter().map(|request| server.answer(request)).collect();
    let table = client.trusted().tables.as_ref().unwrap().in_force.hash();
    for (request, answer) in requests.iter().zip(answers) {
        client.respond(request.id, Ok(answer), now);
    }
    assert_ne!(client.trusted().tables.as_ref().unwrap().in_force.hash(), table);
    for account in [test_address(1), test_address(2)] {
        let proven = client.account(&account).unwrap().proven().unwrap();
        assert_eq!(proven.height, client.trusted().height);
    }
    assert_eq!(client.servers()[0].health(), &Health::Good);
}

#[test]
fn a_hand_over_from_what_is_no_longer_trusted_says_nothing() {
    let mut server = server(6);
    let mut client = client(&server);
    let now = server.chain.now();
    client.tick(now);
    let mut late = None;
    while let Some(request) = client.next_request() {
        let answer = server.answer(&request);
        if path(&request) == "handover" {
            late = Some((request.id, answer));
        } else {
            client.respond(request.id, Ok(answer), now);
        }
    }
    let (id, answer) = late.expect("it was asked for");
    let HandOver { links, .. } = HandOver::from_bytes(&answer.body).unwrap();
    let bundle = HandOver::from_bytes(&answer.body).unwrap();
    let handed_over = client.verifier().hand_over(&server.chain.genesis(), &bundle, now).unwrap().trusted;
    // A person confirms a checkpoint between two of its links.
    let between = Trusted { round: links[0].source_round, ..handed_over };
    let chain = *client.chain();
    client.confirm(ChainCheckpoint { chain, checkpoint: between.checkpoint() }, now).unwrap();
    let trusted = client.trusted().clone();
    client.respond(id, Ok(answer), now);
    assert_eq!(client.trusted(), &trusted);
    assert!(!matches!(client.servers()[0].health(), Health::Lying { .. }));
}
