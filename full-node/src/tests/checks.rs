//! The check of a whole store finds whatever is not as it has to be.

use std::sync::Arc;

use light_client::{
    consensus::spos::Epoch,
    data_format::{Amount, BlockId, Height, Outcome, SealedHeader, SignedTransaction, Status, codec},
    state::{AccountRecord, HistoryChain, HistoryKind, HistoryRecord, NodeStore, StoredNode},
    test_support::chain::test_key,
};

use super::{
    harness::{Harness, retention},
    scene::{STRANGER, Scene},
};
use crate::{
    check::{FINDINGS, NoChain, Progress, Report, Stage, check},
    export::{ExportError, export},
    storage::{Batch, Database, Finality, HistoryPart, RedbStorage, Space, Storage, Version},
};

/// A chain with payments, certificates, a final block and a transaction that waits.
fn chain() -> Harness {
    let mut harness = Harness::new();
    let to = harness.address(3);
    for sender in [0, 1, 2, 0, 1] {
        harness.pay(sender, to, 70);
        harness.step();
    }
    harness.steps(12);
    assert!(harness.node.status().final_block.height > Height(6));
    harness.pay(2, to, 9);
    harness
}

/// The records of a part, and the history before them.
fn before_and_records(part: &HistoryPart) -> (HistoryChain, Vec<HistoryRecord>) {
    let entries = part.entries().unwrap();
    let before = HistoryChain { count: entries[0].record.index, head: entries[0].head_before };
    (before, entries.iter().map(|entry| entry.record).collect())
}

/// The same store, changed.
fn spoiled(harness: &Harness, damage: &Batch) -> Database {
    let storage = RedbStorage::in_memory(&retention()).unwrap();
    let mut copy = Batch::default();
    harness.database.write_waiting().unwrap();
    let snapshot = harness.snapshot();
    for space in Space::ALL {
        for (key, value) in snapshot.all(space).unwrap() {
            // It has a log of its own.
            if space != Space::Meta || !key.starts_with(b"log") {
                copy.put(space, key, value);
            }
        }
    }
    storage.commit(&copy.changes()).unwrap();
    let database = Database::over(Arc::new(storage), &retention()).unwrap();
    database.commit(damage.clone()).unwrap();
    database.write_waiting().unwrap();
    database
}

fn checked(database: &Database) -> Report {
    check(database, &mut |_| ()).unwrap()
}

#[test]
fn a_whole_store_passes_and_is_added_up() {
    let harness = chain();
    let mut told: Vec<Progress> = Vec::new();
    let report = check(&harness.database, &mut |progress| told.push(progress)).unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    let totals = report.totals;
    assert_eq!((totals.height, totals.transactions, totals.waiting), (harness.head(), 5, 1));
    assert_eq!(totals.nonces, 5);
    assert_eq!(report.chain, harness.node.chain());
    for stage in [Stage::Blocks, Stage::State] {
        let last = told.iter().rfind(|progress| progress.stage == stage).unwrap();
        assert_eq!(last.done, last.total);
    }
    assert!(told.is_sorted_by_key(|progress| (progress.stage == Stage::State, progress.done)));

    let empty = Database::open(None, &retention()).unwrap();
    assert_eq!(check(&empty, &mut |_| ()).unwrap_err(), NoChain);
}

#[test]
fn whatever_is_damaged_is_named() {
    let harness = chain();
    let snapshot = harness.snapshot();
    let at = |height| snapshot.at_height(Height(height)).unwrap().unwrap();
    let key = |id: &BlockId| id.as_bytes().to_vec();
    let (first, fourth) = (at(1), at(4));
    let sealed = snapshot.header(&fourth).unwrap().unwrap();
    let with_certificate =
        (1..=harness.head().0).map(at).find(|id| snapshot.certificate(id).unwrap().is_some());
    let with_certificate = with_certificate.unwrap();
    let payment = snapshot.transaction(&first, 0).unwrap();
    let id = payment.transaction.id(&harness.node.chain());
    let body = |id: &BlockId, index: u32| [&id.as_bytes()[..], &index.to_be_bytes()].concat();
    let address = harness.address(3);
    let record: AccountRecord = harness.record(&address);
    let parts: Vec<(Vec<u8>, HistoryPart)> = snapshot
        .all(Space::History)
        .unwrap()
        .into_iter()
        .map(|(key, value)| (key, codec::decode(&value, 10_000).unwrap()))
        .filter(|(key, _): &(Vec<u8>, _)| key.starts_with(address.as_bytes()))
        .collect();
    assert_eq!(parts.iter().map(|(_, part)| part.count()).sum::<u64>(), record.history_count);
    let (last_key, last) = parts.last().unwrap().clone();

    type Damage<'a> = (&'a str, Box<dyn Fn(&mut Batch) + 'a>, &'a str);
    let put = |space, key: Vec<u8>, value: Vec<u8>| {
        move |batch: &mut Batch| batch.put(space, key.clone(), value.clone())
    };
    let remove = |space, key: Vec<u8>| move |batch: &mut Batch| batch.remove(space, key.clone());
    let mut unsealed: SealedHeader = sealed.clone();
    unsealed.seal.0[5] ^= 1;
    let mut other = sealed.clone();
    other.header.state_root.0[0] ^= 1;
    let mut forged: SignedTransaction = payment.clone();
    forged.signature.0[7] ^= 1;
    let mut outcomes: Vec<Outcome> = snapshot.outcomes(&first).unwrap();
    outcomes[0].fee = Amount(1);
    let (before, records) = before_and_records(&last);
    let mut dearer = records.clone();
    dearer.last_mut().unwrap().delta += 1;
    let mut torn = records.clone();
    torn.push(*records.last().unwrap());
    let mut elsewhere = before;
    elsewhere.head.0[9] ^= 1;
    let mut beyond = last_key.clone();
    *beyond.last_mut().unwrap() += 1;
    let mut version: Version = snapshot.version(&fourth).unwrap().unwrap();
    version.root.hash.0[0] ^= 1;
    let mut finality: Finality = snapshot.finality().unwrap().unwrap();
    finality.certificate = None;
    let head = snapshot.head().unwrap().unwrap();
    let root_node = snapshot.version(&head).unwrap().unwrap().root.id.unwrap();
    let root = snapshot.nodes().node(root_node).unwrap();
    let StoredNode::Inner { children, .. } = &*root else { panic!("a state has many keys") };
    let another_node = snapshot.nodes().node(children[0].id.unwrap()).unwrap();
    let other_spec = {
        let mut spec = (**harness.node.spec()).clone();
        spec.name = "another".to_owned();
        spec
    };
    let waiting = snapshot.waiting().unwrap().remove(0).0;
    let mut forged_link = snapshot.open_epoch().unwrap().unwrap().links()[0].clone();
    forged_link.signatures[0].0[3] ^= 1;
    let forged_epoch = Epoch::new(forged_link);
    let damages: Vec<Damage<'_>> = vec![
        (
            "no height",
            Box::new(remove(Space::Heights, 4_u64.to_be_bytes().to_vec())),
            "block 4: it is not in the index",
        ),
        (
            "other block",
            Box::new(put(Space::Heights, 4_u64.to_be_bytes().to_vec(), key(&first))),
            "block 4: ",
        ),
        ("no header", Box::new(remove(Space::Headers, key(&fourth))), "block 4: its header is not stored"),
        (
            "other header",
            Box::new(put(Space::Headers, key(&fourth), codec::encode(&other))),
            "block 4: the header stored under",
        ),
        ("seal", Box::new(put(Space::Headers, key(&fourth), codec::encode(&unsealed))), "block 4: "),
        ("cut header", Box::new(put(Space::Headers, key(&fourth), vec![1, 2])), "missing or damaged"),
        (
            "signature",
            Box::new(put(Space::Bodies, body(&first, 0), codec::encode(&[forged.clone()][..]))),
            "block 1: transaction 0: ",
        ),
        (
            "transaction",
            Box::new(put(
                Space::Bodies,
                body(&first, 0),
                codec::encode(&[snapshot.transaction(&at(2), 0).unwrap()][..]),
            )),
            "block 1: transaction 0 is ",
        ),
        ("no transaction", Box::new(remove(Space::Bodies, body(&first, 0))), "0 of 1"),
        (
            "outcome",
            Box::new(|batch: &mut Batch| batch.outcomes(&first, &outcomes)),
            "block 1: it commits to other outcomes",
        ),
        (
            "no certificate",
            Box::new(put(Space::Bodies, key(&with_certificate), vec![0])),
            "it commits to another certificate",
        ),
        ("index", Box::new(remove(Space::Transactions, key(&id))), "the index does not find transaction"),
        (
            "range",
            Box::new(put(Space::Range, 0_u64.to_be_bytes().to_vec(), vec![7; 32])),
            "block 0: the stored range of headers is wrong at node 0",
        ),
        (
            "version",
            Box::new(put(Space::Versions, key(&fourth), codec::encode(&version))),
            "block 4: it commits to the state",
        ),
        (
            "no version",
            Box::new(remove(Space::Versions, key(&fourth))),
            "block 4: its version of the state is not stored",
        ),
        (
            "history",
            Box::new(put(
                Space::History,
                last_key.clone(),
                codec::encode(&HistoryPart::new(before, &dearer)),
            )),
            "its history leads to",
        ),
        (
            "history before",
            Box::new(put(
                Space::History,
                last_key.clone(),
                codec::encode(&HistoryPart::new(elsewhere, &records)),
            )),
            "does not follow those before it",
        ),
        (
            "torn history",
            Box::new(put(Space::History, last_key.clone(), codec::encode(&HistoryPart::new(before, &torn)))),
            "history records is missing or damaged",
        ),
        ("no history", Box::new(remove(Space::History, last_key.clone())), "history records are stored"),
        (
            "more history",
            Box::new(put(Space::History, beyond, codec::encode(&last))),
            "history records are stored, and accounts have",
        ),
        ("node", Box::new(move |batch: &mut Batch| batch.node(root_node, another_node.clone())), "hashes to"),
        ("no node", Box::new(move |batch: &mut Batch| batch.remove_nodes([root_node])), "state node"),
        (
            "finality",
            Box::new(put(Space::Meta, b"finality".to_vec(), codec::encode(&finality))),
            "the newest final block",
        ),
        (
            "links",
            Box::new(move |batch: &mut Batch| batch.open_epoch(&forged_epoch)),
            "the links from round 1 on: the certificate of round 1: the signature of signer 0",
        ),
        (
            "no links",
            Box::new(remove(Space::Epochs, vec![0xff; 8])),
            "the newest final block is of another epoch",
        ),
        (
            "spec",
            Box::new(put(Space::Meta, b"spec".to_vec(), codec::encode(&other_spec))),
            "its spec is that of",
        ),
        (
            "waiting",
            Box::new(put(Space::Waiting, key(&waiting), codec::encode(&forged))),
            "a waiting transaction",
        ),
    ];
    for (name, damage, words) in damages {
        let mut batch = Batch::default();
        damage(&mut batch);
        let report = checked(&spoiled(&harness, &batch));
        let said: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|one| one.contains(words)), "{name}: {words:?} is not in {said:#?}");
    }
    assert!(checked(&spoiled(&harness, &Batch::default())).is_whole());
}

#[test]
fn a_slot_is_paid_for_by_who_won_it_and_once() {
    let mut scene = Scene::new();
    let (winner, minting) = (scene.stranger(), test_key(78));
    scene.endow(18_000_000);
    scene.harness.steps(8);
    let calls = scene.contend(2, &minting, &winner);
    assert_eq!(scene.run(&test_key(STRANGER), calls), Status::Success);
    let harness = scene.harness;
    assert!(checked(&harness.database).is_whole());
    let history: Vec<(Vec<u8>, HistoryPart)> = harness
        .snapshot()
        .all(Space::History)
        .unwrap()
        .into_iter()
        .map(|(key, value)| (key, codec::decode(&value, 10_000).unwrap()))
        .collect();
    // Where records of a kind are: the part, its key, and the place in it.
    let of_kind = |kind| {
        let parts = history.iter();
        parts.flat_map(move |(key, part)| {
            let (_, records) = before_and_records(part);
            let places = (0..records.len()).filter(move |place| records[*place].kind == kind);
            places.map(move |place| (key, part, place))
        })
    };
    let [price] = of_kind(HistoryKind::ContendFee).collect::<Vec<_>>()[..] else { panic!("one price") };
    let of_another = of_kind(HistoryKind::Genesis).next().unwrap();
    let price_record = before_and_records(price.1).1[price.2];
    type Place<'a> = (&'a Vec<u8>, &'a HistoryPart, usize);
    type Change<'a> = (&'a str, Place<'a>, fn(&mut HistoryRecord, &HistoryRecord), &'a [&'a str]);
    let changes: [Change<'_>; 4] = [
        (
            "a fee",
            price,
            |record, _| record.kind = HistoryKind::Fee,
            &["1 slots were won at a price, and 0 were paid for"],
        ),
        (
            "something else",
            price,
            |record, _| record.kind = HistoryKind::Sent,
            &["1 slots were won at a price, and 0", "were burned, and by their histories accounts lost"],
        ),
        ("cheaper", price, |record, _| record.delta += 1, &["says that it paid for a slot"]),
        (
            "somebody else's",
            of_another,
            |record, price| *record = HistoryRecord { index: record.index, ..*price },
            &["says that it paid for a slot", "were burned, and by their histories accounts lost"],
        ),
    ];
    for (name, (key, part, place), change, words) in changes {
        let (before, mut records) = before_and_records(part);
        change(&mut records[place], &price_record);
        let mut batch = Batch::default();
        batch.put(Space::History, key.clone(), codec::encode(&HistoryPart::new(before, &records)));
        let report = checked(&spoiled(&harness, &batch));
        let said: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        for words in words {
            assert!(said.iter().any(|one| one.contains(words)), "{name}: {words:?} is not in {said:#?}");
        }
    }
}

#[test]
fn of_much_damage_the_first_is_named_and_the_rest_counted() {
    let mut harness = chain();
    harness.steps(60);
    let mut batch = Batch::default();
    for (key, _) in harness.snapshot().all(Space::Range).unwrap() {
        batch.put(Space::Range, key, vec![7; 32]);
    }
    for (key, _) in harness.snapshot().all(Space::Versions).unwrap() {
        batch.remove(Space::Versions, key);
    }
    for (key, _) in harness.snapshot().all(Space::History).unwrap() {
        batch.remove(Space::History, key);
    }
    // Without the newest version there is no chain to open.
    let report = checked(&spoiled(&harness, &batch));
    assert_eq!((report.findings.len(), report.more), (1, 0), "{:?}", report.findings);
    let head = harness.snapshot().head().unwrap().unwrap();
    let version = harness.snapshot().version(&head).unwrap().unwrap();
    batch.version(&head, &version);
    let report = checked(&spoiled(&harness, &batch));
    assert_eq!(report.findings.len(), FINDINGS);
    assert!(report.more > 20, "{}", report.more);
}

#[test]
fn exported_lines_have_everything() {
    let harness = chain();
    let mut out = Vec::new();
    let count = export(&harness.database, Height(0), None, &mut out).unwrap();
    assert_eq!(count, harness.head().0 + 1);
    let lines: Vec<serde_json::Value> = out
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len() as u64, count);
    let payment = &lines[1]["transactions"][0];
    assert_eq!(payment["status"], "success");
    assert_eq!(payment["sender"], harness.address(0).to_string());
    assert_eq!(payment["calls"][0]["call"], "transfer");
    assert_eq!(payment["calls"][0]["with"], harness.address(3).to_string());
    assert_eq!(payment["calls"][0]["amount"], "70");
    let bytes = |text: &serde_json::Value| -> Vec<u8> {
        let text = text.as_str().unwrap();
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let block = harness.block(1);
    assert_eq!(bytes(&payment["signed"]), codec::encode(&block.transactions[0]));
    let header: SealedHeader = codec::decode(&bytes(&lines[1]["header"]), 1_000).unwrap();
    assert_eq!(
        (header.header.id().to_string(), &header),
        (lines[1]["id"].as_str().unwrap().to_owned(), &block.header)
    );
    assert_eq!((&lines[1]["final"], &lines.last().unwrap()["final"]), (&true.into(), &false.into()));
    assert!(lines.iter().any(|line| line["certificate"].is_string()));

    let mut some = Vec::new();
    assert_eq!(export(&harness.database, Height(2), Some(Height(3)), &mut some).unwrap(), 2);
    assert!(out.windows(some.len()).any(|window| window == some));
    let beyond = export(&harness.database, Height(0), Some(Height(9_999)), &mut Vec::new()).unwrap_err();
    assert!(matches!(beyond, ExportError::Range { to: Height(9_999), .. }), "{beyond}");
    let reversed = export(&harness.database, Height(3), Some(Height(2)), &mut Vec::new()).unwrap_err();
    assert!(matches!(reversed, ExportError::Range { .. }), "{reversed}");
}
