//! The inputs that take the most memory for their length: as long as they may be, of the smallest parts there are. (The
//! mutations try lengths that lie; these tell the truth.)

#![allow(clippy::print_stdout, reason = "a test that says what it measured")]
#![allow(clippy::unwrap_used, reason = "what does not work must stop the test")]

use borsh::BorshSerialize;
use fuzz::{Reach, Target, scene::scene, targets};
use light_client::{
    block_tree::HeaderProof,
    client::{AccountBundle, Anchor, Bundle, HeaderPath, HeaderRow, HistoryPage, TransactionBundle},
    consensus::{Buried, spos::Beacon},
    crypto::{Hash, Signature},
    data_format::{
        Call, GenesisAccount, MAX_BLOCK_BYTES, SignedTransaction, SlotTable, SupernodeCall, Transaction,
        codec::encode,
    },
    state::{HistoryRecord, MAX_VALUE_BYTES, MemoryStore, Order, Root, Trie},
    test_support::chain::{test_address, test_table},
};

fn check(target: &Target, name: &str, bytes: &[u8]) -> Reach {
    let (reach, held) = target.decoder(name).1.check(bytes);
    println!("{} {name}: {held} bytes held for {} of input: {reach:?}", target.name, bytes.len());
    reach
}

/// The smallest transaction there is with so many calls.
fn small_transaction(calls: usize) -> Transaction {
    let scene = scene();
    Transaction {
        calls: vec![Call::Supernode(SupernodeCall::Release); calls],
        memo: Vec::new(),
        ..scene.signed.transaction.clone()
    }
}

fn honest_anchor() -> Anchor {
    Anchor::Trusted(Box::new(scene().headers[0].header.clone()))
}

/// A whole trie of one-byte steps: the smallest nodes there are, near the end of the longest keys.
fn bushy_witness(limit: usize) -> Vec<u8> {
    let mut store = MemoryStore::new();
    let mut trie = Trie::open(Root::EMPTY, &store);
    for number in 0..u32::try_from(limit / 6).unwrap() {
        let key = [&[7; 124][..], &number.to_be_bytes()].concat();
        trie.insert(&key, &[]).unwrap();
    }
    let changes = trie.commit(store.next_id());
    store.apply(&changes);
    let mut trie = Trie::open(changes.root, &store);
    for entry in trie.range(std::ops::Bound::Unbounded, std::ops::Bound::Unbounded, Order::Ascending) {
        entry.unwrap();
    }
    let mut bytes = trie.witness();
    assert!(bytes.len() <= limit && bytes.len() > limit / 2, "{} of {limit}", bytes.len());
    bytes.shrink_to_fit();
    bytes
}

#[test]
fn the_largest_bundles_stay_within_their_memory() {
    let (scene, target) = (scene(), targets::BUNDLES);
    let headers = |count| vec![scene.head.clone(); count];
    let buried = Buried { path: headers(1_024), header: scene.head.clone(), above: headers(1_024) };
    for name in ["anchor", "anchor-work"] {
        check(&target, name, &Anchor::Buried(Box::new(buried.clone())).to_bytes());
    }
    let signers: Vec<u8> = vec![0xff; 32];
    let stranger = |slot: u64| test_table(&[5_000 + slot]).0[0];
    let delta = |first| {
        let changes: Vec<_> = (0_u8..64).map(|slot| (slot, stranger(first + u64::from(slot)))).collect();
        (None::<u8>, 64_u8, changes)
    };
    let update = (vec![delta(0), delta(64), delta(128), delta(192)], (2_u8, Some(3_u8)), (4_u8, Some(5_u8)));
    let source = &scene.headers[3].header;
    let link = scene.signed.signature;
    let target_triple = ((2_u64, Hash([1; 32])), Hash([2; 32]));
    let parts = (1_u64, source, target_triple, update, signers, vec![link; 256]);
    let beacon = [vec![1, 1], encode(&parts)].concat();
    assert!(Beacon::from_bytes(&beacon).is_ok());
    assert_eq!(check(&target, "beacon", &beacon), Reach::Read);
    check(&target, "anchor", &[&[1, 2, 1], &beacon[2..]].concat());

    let record = scene.history[0];
    let page = HistoryPage {
        head_before: Hash::ZERO,
        records: vec![record; 256],
        transactions: vec![small_transaction(16); 256],
    };
    assert_eq!(check(&target, "history", &page.to_bytes()), Reach::Read);
    let bundle = AccountBundle {
        anchor: honest_anchor(),
        address: scene.asked,
        witness: bushy_witness(60_000),
        history: page,
    };
    assert_eq!(check(&target, "account", &bundle.to_bytes()), Reach::Read);
    assert_eq!(check(&target, "headers", &HeaderRow(headers(2_048)).to_bytes()), Reach::Read);
    let bundle = TransactionBundle {
        anchor: honest_anchor(),
        path: HeaderPath::Newer(headers(2_048)),
        outcome: scene.outcome,
        proof: Default::default(),
    };
    assert_eq!(check(&target, "transaction", &bundle.to_bytes()), Reach::Read);
}

#[test]
fn the_largest_parts_of_consensus_stay_within_their_memory() {
    let (scene, target) = (scene(), targets::CONSENSUS);
    let vacant = SlotTable(vec![None; 64]);
    assert_eq!(check(&target, "slots", &encode(&vacant)), Reach::Read);
    let full: Vec<u64> = (5_000..5_064).collect();
    assert_eq!(check(&target, "slots", &encode(&test_table(&full))), Reach::Held);
    let mut checkpoint = scene.genesis.checkpoint();
    (checkpoint.in_force, checkpoint.planned) = (test_table(&full), Some(test_table(&full)));
    assert_eq!(check(&target, "checkpoint", &encode(&checkpoint)), Reach::Held);
    let proof = HeaderProof(vec![Hash::ZERO; 128]);
    check(&target, "header-proof", &encode(&(&scene.head.header, &scene.headers[0].header, proof)));
    let mut spec = scene.spec.clone();
    spec.accounts = (0..4_000)
        .map(|number| GenesisAccount { address: test_address(number), balance: fuzz::scene::COIN })
        .collect();
    assert_eq!(check(&target, "spec", &encode(&spec)), Reach::Held);
}

#[test]
fn a_block_of_the_smallest_transactions_stays_within_its_memory() {
    let (scene, target) = (scene(), targets::TRANSACTIONS);
    for calls in [0, 1, 5, 9, 16] {
        let signed =
            SignedTransaction { transaction: small_transaction(calls), signature: Signature([0; 64]) };
        let count = (MAX_BLOCK_BYTES / encode(&signed).len() - 10).min(65_536);
        let block = (scene.headers[1].clone(), None::<u8>, vec![signed; count]);
        assert_eq!(check(&target, "block", &encode(&block)), Reach::Read, "{calls} calls");
    }
}

#[test]
fn the_largest_witnesses_stay_within_their_memory() {
    let target = targets::STATE;
    let bushy = bushy_witness(60_000);
    assert_eq!(check(&target, "range", &bushy), Reach::Refused);
    assert_eq!(check(&target, "any-witness", &bushy), Reach::Held);
    // As deep as can be: one path of branches whose other children are left out.
    let deep: Vec<u8> = (0..1_023_u16)
        .flat_map(|depth| [vec![16 | 8], if depth < 900 { vec![0xff, 0x0f] } else { vec![2] }].concat())
        .collect();
    assert_eq!(check(&target, "range", &deep), Reach::Refused);
    let leaf = [&[1, 0][..], &encode_length(MAX_VALUE_BYTES), &vec![0; MAX_VALUE_BYTES]].concat();
    check(&target, "any-witness", &leaf);
    let records: Vec<HistoryRecord> = vec![scene().history[0]; 3_000];
    assert_eq!(check(&target, "history", &encode(&records)), Reach::Read);
}

fn encode_length(length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = length;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

#[test]
fn long_answers_and_stores_stay_within_their_memory() {
    let (scene, target) = (scene(), targets::CLIENT);
    let page = HistoryPage {
        head_before: Hash::ZERO,
        records: vec![scene.history[0]; 200],
        transactions: vec![small_transaction(16); 200],
    };
    let bundle = AccountBundle {
        anchor: honest_anchor(),
        address: scene.asked,
        witness: bushy_witness(20_000),
        history: page,
    };
    let body = bundle.to_bytes();
    let length = u16::try_from(body.len()).unwrap().to_le_bytes();
    let answer = [&[0, length[0], length[1]], &body[..]].concat();
    check(&target, "answers", &answer.repeat(6));
    // A store of many small things: a format byte, then chain, checkpoint, confirmations, signatures, time, accounts, payments, a fork, lies.
    let history = ((0_u64, Hash::ZERO), (0_u64, Hash::ZERO), Vec::<u8>::new(), 0_u32);
    let account = (None::<u8>, history, None::<u64>, true);
    let mut addresses: Vec<_> = (100..1_100).map(test_address).collect();
    addresses.sort();
    let mut bytes = vec![4];
    let head = (scene.chain, scene.genesis.checkpoint(), 0_u32, None::<u8>, None::<u8>, 1_000_u32);
    head.serialize(&mut bytes).unwrap();
    for address in addresses {
        (address, &account).serialize(&mut bytes).unwrap();
    }
    (0_u32, None::<u8>, 0_u32).serialize(&mut bytes).unwrap();
    assert_eq!(check(&target, "saved", &bytes), Reach::Held);
}

#[test]
fn wallets_of_many_small_things_stay_within_their_memory() {
    let target = targets::WALLET;
    let mut addresses: Vec<_> = (0..1_000).map(test_address).collect();
    addresses.sort();
    let names: std::collections::BTreeMap<_, _> =
        addresses.iter().map(|address| (*address, "x".to_owned())).collect();
    let data = [vec![1], encode(&(0_u32, &names, 0_u32))].concat();
    assert_eq!(check(&target, "wallet-data", &data), Reach::Held);
    let gone: std::collections::BTreeMap<_, _> =
        addresses.iter().map(|address| (*address, None::<u8>)).collect();
    let changes = [vec![1], encode(&(&gone, &gone, 0_u32))].concat();
    assert_eq!(check(&target, "change-set", &changes), Reach::Held);
    check(&target, "seed", &[&[1][..], &b"a ".repeat(511)].concat());
    check(&target, "seed", &[&[1][..], &b"a ".repeat(511), b"a"].concat());
}

#[test]
fn long_texts_stay_within_their_memory() {
    let target = targets::TEXT;
    let long = "1".repeat(20_000);
    for name in ["address", "amount", "hash", "phrase", "word", "chain-file"] {
        check(&target, name, long.as_bytes());
        check(&target, name, "[".repeat(20_000).as_bytes());
        check(&target, name, " ".repeat(20_000).as_bytes());
    }
    check(&target, "phrase", "a ".repeat(512).as_bytes());
    let file = String::from_utf8(
        serde_json::to_vec(&serde_json::json!({
            "spec": scene().spec, "checkpoint": scene().genesis.checkpoint()
        }))
        .unwrap(),
    )
    .unwrap();
    let slots = file.replace("\"in_force\":[", &format!("\"in_force\":[{}", "null,".repeat(5_000)));
    assert_ne!(slots, file);
    assert_eq!(check(&target, "chain-file", slots.as_bytes()), Reach::Read);
}

/// Borsh takes a mebibyte at once for text that announces as much; names and servers' words were read that way.
#[test]
fn text_that_announces_a_gigabyte_takes_no_memory_for_it() {
    let name = |length: u32| encode(&(0_u32, 1_u32, test_address(1), length));
    let bytes = [vec![1], name(1 << 30)].concat();
    let (reach, held) = targets::WALLET.decoder("wallet-data").1.check(&bytes);
    assert!(reach == Reach::Refused && held < 4_096, "{held} bytes held");

    let scene = scene();
    // A store with one payment that a server refused with a code of a gigabyte.
    let payment = (scene.payment, &scene.signed, 0_u64, 0_u64, None::<u8>, None::<u8>, 2_u8, 1_u32 << 30);
    let head = (2_u8, scene.chain, scene.genesis.checkpoint(), None::<u8>, None::<u8>, 0_u32, 1_u32);
    let bytes = [encode(&head), encode(&payment)].concat();
    let (reach, held) = targets::CLIENT.decoder("saved").1.check(&bytes);
    assert!(reach == Reach::Refused && held < 64 * 1_024, "{held} bytes held");
}

/// Nodes that nobody had to find took a hundred times their bytes before the root was compared.
#[test]
fn nodes_of_another_trie_are_not_kept() {
    let bytes = bushy_witness(60_000);
    let (reach, held) = targets::STATE.decoder("range").1.check(&bytes);
    assert!(reach == Reach::Refused && held < bytes.len() as u64, "{held} bytes held for {}", bytes.len());
}
