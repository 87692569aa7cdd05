//! Lies about what happened to an account.

use super::{
    account::{PAGE, path},
    forge,
    lies::Lies,
    lists,
    message::Message,
    scene::Scene,
    stage::{PAYER, Stage},
};
use crate::{
    client::{Bundle, HistoryPage, Verifier},
    crypto::Hash,
    data_format::{Amount, Call, CoinCall, Height, Transaction},
    state::{Asset, HistoryChain, HistoryKind, HistoryRecord},
    test_support::chain::test_address,
};

/// The records of a proven page, newest first, each with the chain before it; and transactions that are not true.
pub(super) fn records(
    verifier: &Verifier,
    page: &HistoryPage,
    before: HistoryChain,
    all: &[Transaction],
) -> Vec<String> {
    let mut chain = before;
    let mut facts: Vec<String> = Vec::new();
    for record in &page.records {
        facts.push(format!("{chain:?} {record:?}"));
        chain = chain.append(record).unwrap();
    }
    facts.reverse();
    let invented = verifier.transactions(page).filter(|(_, transaction)| !all.contains(transaction));
    facts.extend(invented.map(|(id, _)| format!("invented transaction {id}")));
    facts
}

/// Pages that are not the honest one.
pub(super) fn pages(honest: &HistoryPage) -> Vec<(String, HistoryPage)> {
    let mut pages: Vec<(String, HistoryPage)> = Vec::new();
    let mut add = |name: String, page: HistoryPage| pages.push((name, page));
    for (name, records) in lists::edits(&honest.records) {
        // A clever liar numbers them anew.
        let first = honest.records.first().map_or(0, |record| record.index);
        let numbered =
            (first..).zip(records.clone()).map(|(index, record)| HistoryRecord { index, ..record }).collect();
        add(format!("records: {name}"), HistoryPage { records, ..honest.clone() });
        add(format!("records: {name}, numbered anew"), HistoryPage { records: numbered, ..honest.clone() });
    }
    let ways: [lists::Way<HistoryRecord>; 9] = [
        ("the amount", |record| record.delta += 1),
        ("the sign", |record| record.delta = -record.delta),
        ("the height", |record| record.height = Height(record.height.0 + 1)),
        ("the slot", |record| record.slot = record.slot.next()),
        ("the transaction", |record| forge::flip(&mut record.transaction)),
        ("no transaction in place", |record| record.transaction = Hash::ZERO),
        ("the number", |record| record.index += 1),
        ("the kind", |record| {
            record.kind =
                if record.kind == HistoryKind::Sent { HistoryKind::Received } else { HistoryKind::Sent }
        }),
        ("the asset", |record| record.asset = Asset::LeasedIn),
    ];
    let last = honest.records.len().saturating_sub(3);
    for (name, records) in lists::changes(&honest.records[last..], &ways) {
        let records = [&honest.records[..last], &records].concat();
        add(format!("records, from {last}: {name}"), HistoryPage { records, ..honest.clone() });
    }
    for (name, transactions) in lists::edits(&honest.transactions) {
        add(format!("transactions: {name}"), HistoryPage { transactions, ..honest.clone() });
    }
    let ways: [lists::Way<Transaction>; 5] = [
        ("the nonce", |transaction| transaction.nonce += 1),
        ("the fee", |transaction| transaction.fee.0 += 1),
        ("the memo", |transaction| transaction.memo.push(1)),
        ("the end", |transaction| transaction.valid_until = Height(299)),
        ("the amount", |transaction| {
            transaction.calls =
                vec![Call::Coin(CoinCall::Transfer { to: test_address(9), amount: Amount(1) })];
        }),
    ];
    let some = honest.transactions.len().min(3);
    for (name, transactions) in lists::changes(&honest.transactions[..some], &ways) {
        let transactions = [&transactions, &honest.transactions[some..]].concat();
        add(format!("transactions: {name}"), HistoryPage { transactions, ..honest.clone() });
    }
    let mut other = honest.head_before;
    forge::flip(&mut other);
    for (name, head_before) in [("another", other), ("no", Hash::ZERO)] {
        add(format!("{name} head before"), HistoryPage { head_before, ..honest.clone() });
    }
    // Begun later or earlier, with the head that belongs there or not.
    let mut chain = honest
        .records
        .first()
        .map_or(HistoryChain::EMPTY, |record| HistoryChain { count: record.index, head: honest.head_before });
    for (at, record) in honest.records.iter().enumerate() {
        chain = chain.append(record).unwrap();
        let records = honest.records[at + 1..].to_vec();
        add(format!("begun after {at}"), HistoryPage { head_before: chain.head, records, ..honest.clone() });
    }
    pages
}

/// A page of older records.
pub(super) fn message(stage: &Stage) -> Message {
    let (address, chain) = (test_address(PAYER), &stage.server.chain);
    let bundle = chain.account_bundle(&stage.trusted, address, 0, PAGE);
    let (_, proven) = stage.verifier.account(&stage.trusted, address, &bundle, stage.now).unwrap();
    let end = proven.value().before;
    let honest = chain.history_page(&address, end.count, PAGE);
    let mut lies = Lies::about(&honest.to_bytes());
    for (name, page) in pages(&honest) {
        lies.bundle(name, &page);
    }
    for other in [2, 3, 99] {
        let address = test_address(other);
        let count = chain.account(&address).map_or(0, |record| record.history_count.min(end.count));
        lies.bundle(format!("of account {other}"), &chain.history_page(&address, count, PAGE));
    }
    for (before, limit) in [(0, 50), (1, 50), (8, 50), (10, 50), (59, 50), (59, 10), (9, 0), (9, 1), (9, 8)] {
        let page = chain.history_page(&address, before, limit);
        lies.bundle(format!("{limit} records before {before}"), &page);
    }
    lies.bundle("of another chain", &stage.other.history_page(&address, end.count, PAGE));
    lies.with("an invented transaction", &honest, |page| {
        page.transactions.push(stage.payments[2].transaction.clone());
    });
    let scene = Scene::new(
        stage.again(),
        &stage.trusted,
        &stage.finals,
        path(&address, "history"),
        move |client, now| {
            client.load_history(address, now);
        },
    )
    .after(move |client, now| client.watch(address, now));
    let (verifier, all) = (stage.verifier.clone(), honest.transactions.clone());
    Message::of("history page", &honest, lies, move |page| {
        Ok(records(&verifier, page, verifier.page(page, end)?, &all))
    })
    .may_say_less()
    .asked_in(scene)
}
