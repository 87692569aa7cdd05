//! Nothing can be left out of a history, moved in it, added to it or changed: not in the newest page, not in an older one,
//! not in what is new since the last proof.

use light_client::{
    client::{
        AccountBundle, Bundle, Client, Health, HistoryPage, LoadedHistory, Request, Response, Verifier,
    },
    crypto::Hash,
    data_format::{Height, Slot},
    state::{AccountRecord, Asset, HistoryChain, HistoryError, HistoryKind, HistoryRecord, balance_of},
    test_support::server::ScriptedServer,
};

use super::*;

/// The account whose history it is.
const OWNER: u64 = 1;

/// A change of a page, and what it is.
type Mutation = (String, Box<dyn Fn(&mut HistoryPage)>);

/// Every change of one record of a page of so many, and of the head before it.
fn mutations(length: usize) -> Vec<Mutation> {
    let mut all: Vec<Mutation> = Vec::new();
    let mut add = |name: String, change: Box<dyn Fn(&mut HistoryPage)>| all.push((name, change));
    add("another head before".to_owned(), Box::new(|page| page.head_before.0[0] ^= 1));
    add("no records".to_owned(), Box::new(|page| page.records.clear()));
    for at in 0..length {
        add(format!("{at} left out"), remove(at, false));
        add(format!("{at} left out, the rest renumbered"), remove(at, true));
        add(format!("{at} repeated"), invent(at, false));
        add(format!("{at} repeated, the rest renumbered"), invent(at, true));
        for to in at + 1..length {
            add(format!("{at} and {to} changed places"), Box::new(move |page| page.records.swap(at, to)));
            add(
                format!("{at} and {to} changed places and indices"),
                Box::new(move |page| {
                    page.records.swap(at, to);
                    let (low, high) = (page.records[at].index, page.records[to].index);
                    (page.records[at].index, page.records[to].index) = (high, low);
                }),
            );
        }
        for (field, change) in FIELDS {
            add(format!("another {field} of {at}"), Box::new(move |page| change(&mut page.records[at])));
        }
    }
    all
}

/// A change of one field of a record.
type FieldChange = fn(&mut HistoryRecord);

const FIELDS: [(&str, FieldChange); 8] = [
    ("index", |record| record.index ^= 1),
    ("height", |record| record.height = Height(record.height.0 + 1)),
    ("slot", |record| record.slot = Slot(record.slot.0 + 1)),
    ("transaction", |record| record.transaction = Hash([7; 32])),
    ("kind", |record| {
        record.kind = if record.kind == HistoryKind::Minted { HistoryKind::Fee } else { HistoryKind::Minted };
    }),
    ("asset", |record| record.asset = Asset::LeasedIn),
    ("amount", |record| record.delta += 1),
    ("sign", |record| record.delta = -record.delta),
];

fn renumber(page: &mut HistoryPage, from: u64) {
    for (index, record) in (from..).zip(&mut page.records) {
        record.index = index;
    }
}

fn remove(at: usize, renumbered: bool) -> Box<dyn Fn(&mut HistoryPage)> {
    Box::new(move |page| {
        let first = page.records[0].index;
        page.records.remove(at);
        if renumbered {
            // As if one more were before the page.
            renumber(page, first + 1);
        }
    })
}

fn invent(at: usize, renumbered: bool) -> Box<dyn Fn(&mut HistoryPage)> {
    Box::new(move |page| {
        let (first, copy) = (page.records[0].index, page.records[at]);
        page.records.insert(at, copy);
        if renumbered {
            renumber(page, first.saturating_sub(1));
        }
    })
}

/// A server on which account 1 paid so many times, and all of it is final.
fn server(payments: usize) -> ScriptedServer {
    let mut server = ScriptedServer::new(rounds(chain(4), 1));
    more(&mut server, payments);
    server
}

fn more(server: &mut ScriptedServer, payments: usize) {
    for _ in 0..payments {
        let signed = server.chain.transfer(OWNER, test_address(2), Amount(COIN));
        server.pool.push(signed);
        server.advance();
    }
    (0..2).for_each(|_| server.advance());
}

fn client(server: &ScriptedServer) -> Client {
    let spec = server.chain.spec().clone();
    Client::new(spec, server.chain.genesis(), ["http://one".to_owned()])
}

fn history(client: &Client) -> LoadedHistory {
    client.account(&test_address(OWNER)).unwrap().history().clone()
}

fn is_lying(client: &Client) -> bool {
    matches!(client.servers()[0].health(), Health::Lying { .. })
}

/// The answer with its page changed, if it has one.
fn spoiled(request: &Request, response: Response, change: &dyn Fn(&mut HistoryPage)) -> Response {
    let body = if request.url.contains("/bundle") {
        let mut bundle = AccountBundle::from_bytes(&response.body).unwrap();
        change(&mut bundle.history);
        bundle.to_bytes()
    } else if request.url.contains("/history") {
        let mut page = HistoryPage::from_bytes(&response.body).unwrap();
        change(&mut page);
        page.to_bytes()
    } else {
        response.body
    };
    Response { body, ..response }
}

/// Every mutation of what `ask` brings makes the server a liar and changes nothing; without one, `ask` brings news.
fn all_are_caught(server: &mut ScriptedServer, length: usize, before: &[u8], ask: impl Fn(&mut Client)) {
    let now = server.chain.now();
    let start = |server: &ScriptedServer| {
        let mut client = client(server);
        if !before.is_empty() {
            client.restore(before).unwrap();
        }
        client
    };
    let mut honest = start(server);
    ask(&mut honest);
    server.serve(&mut honest, now, |_, response| response);
    assert!(!is_lying(&honest));
    let whole = history(&honest);
    for (name, change) in mutations(length) {
        let mut client = start(server);
        ask(&mut client);
        let shown = |client: &Client| {
            client
                .account(&test_address(OWNER))
                .map(|account| (account.proven().cloned(), account.history().clone()))
        };
        let known = shown(&client);
        server.serve(&mut client, now, |request, response| spoiled(request, response, &change));
        assert!(is_lying(&client), "{name}");
        assert_eq!(shown(&client), known, "{name}");
    }
    assert_ne!(whole, LoadedHistory::default());
}

#[test]
fn a_spoiled_page_of_the_newest_records_is_a_lie() {
    let mut server = server(3);
    let now = server.chain.now();
    all_are_caught(&mut server, 7, &[], |client| client.watch(test_address(OWNER), now));
}

#[test]
fn a_spoiled_page_of_older_records_is_a_lie() {
    // 57 records, of which 50 come first.
    let mut server = server(28);
    let now = server.chain.now();
    let mut first = client(&server);
    first.watch(test_address(OWNER), now);
    server.serve(&mut first, now, |_, response| response);
    assert_eq!(history(&first).before().count, 7);
    let saved = first.save();
    all_are_caught(&mut server, 7, &saved, |client| client.load_history(test_address(OWNER), now));
}

#[test]
fn a_spoiled_page_of_what_is_new_is_a_lie() {
    let mut server = server(3);
    let now = server.chain.now();
    let mut first = client(&server);
    first.watch(test_address(OWNER), now);
    server.serve(&mut first, now, |_, response| response);
    let saved = first.save();
    more(&mut server, 3);
    let now = server.chain.now();
    all_are_caught(&mut server, 6, &saved, |client| client.hint(now));
}

#[test]
fn a_page_alone_is_refused_with_the_rule_it_breaks() {
    let server = server(3);
    let (genesis, now, owner) = (server.chain.genesis(), server.chain.now(), test_address(OWNER));
    let verifier = Verifier::new(server.chain.spec());
    let honest = server.chain.account_bundle(&genesis, owner, 0, 50);
    assert!(verifier.account(&genesis, owner, &honest, now).is_ok());
    let mut count = 0;
    for (name, change) in mutations(7) {
        let mut bundle = honest.clone();
        change(&mut bundle.history);
        let failure = verifier.account(&genesis, owner, &bundle, now).unwrap_err();
        // A transaction whose record is gone is noticed first.
        let typed = matches!(failure, ProofFailure::History(_) | ProofFailure::Unasked(_));
        assert!(typed && failure.is_lie(), "{name}: {failure:?}");
        count += 1;
    }
    assert!(count > 100, "{count}");
    // A transaction that no record names.
    let mut bundle = honest;
    let mut strange = bundle.history.transactions[0].clone();
    strange.nonce += 100;
    bundle.history.transactions.push(strange);
    let failure = verifier.account(&genesis, owner, &bundle, now).unwrap_err();
    assert!(matches!(failure, ProofFailure::Unasked(_)));
}

#[test]
fn the_newest_records_alone_do_not_pass_for_all_that_is_new() {
    let mut server = server(3);
    let owner = test_address(OWNER);
    let mut first = client(&server);
    let now = server.chain.now();
    first.watch(owner, now);
    server.serve(&mut first, now, |_, response| response);
    let known = history(&first).records().len() as u64;
    more(&mut server, 2);
    let now = server.chain.now();
    for kept in 0..4 {
        let mut client = client(&server);
        client.restore(&first.save()).unwrap();
        client.hint(now);
        // Valid in itself, but it begins later than what was known ends.
        let short = server.chain.account_bundle(client.trusted(), owner, known, kept);
        assert_eq!(short.history.records.len() as u64, kept);
        let (_, fact) = verifier(&server.chain).account(client.trusted(), owner, &short, now).unwrap();
        assert_eq!(fact.value().before.count, known + 4 - kept);
        server.serve(&mut client, now, |request, response| match request.url.contains("/bundle") {
            true => Response { body: short.to_bytes(), ..response },
            false => response,
        });
        assert!(is_lying(&client), "{kept} of 4");
        assert_eq!(history(&client).records().len() as u64, known);
    }
}

#[test]
fn the_sum_of_all_records_is_the_balance_or_the_chain_itself_lies() {
    let mut server = server(5);
    let now = server.chain.now();
    let mut honest = client(&server);
    honest.watch(test_address(OWNER), now);
    server.serve(&mut honest, now, |_, response| response);
    let account = honest.account(&test_address(OWNER)).unwrap();
    let record = account.proven().unwrap().record.unwrap();
    assert!(account.history().is_complete());
    assert_eq!(balance_of(account.history().records(), Asset::Coin), Ok(record.balance));
    assert_eq!(record.check_balance(account.history().records()), Ok(()));
    // Final blocks whose state has another balance than the history of it: the holders themselves made it up.
    server.chain.plant(|trie| {
        let address = test_address(OWNER);
        let record = AccountRecord::read(trie, &address).unwrap().unwrap();
        AccountRecord { balance: Amount(record.balance.units() + COIN), ..record }
            .write(trie, &address)
            .unwrap();
    });
    (0..3).for_each(|_| server.advance());
    let now = server.chain.now();
    let mut fresh = client(&server);
    fresh.watch(test_address(OWNER), now);
    server.serve(&mut fresh, now, |_, response| response);
    assert!(is_lying(&fresh));
    assert!(fresh.account(&test_address(OWNER)).unwrap().proven().is_none());
    let bundle = server.chain.account_bundle(&server.chain.genesis(), test_address(OWNER), 0, 50);
    let (_, fact) =
        verifier(&server.chain).account(&server.chain.genesis(), test_address(OWNER), &bundle, now).unwrap();
    assert_eq!(fact.value().before, HistoryChain::EMPTY);
    let balance = fact.value().record.unwrap();
    let error = HistoryError::Balance { sum: record.balance, balance: balance.balance };
    assert_eq!(balance.check_balance(&bundle.history.records), Err(error));
}
