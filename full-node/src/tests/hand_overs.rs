//! Holders come and go by real operations, and a light client that knows only genesis follows.

use light_client::{
    client::{
        Bundle, Client, HandOver, Health, ProofFailure, Receipt, Request, Response, Sync, Trusted, Verifier,
    },
    consensus::{
        Verdict,
        spos::{Beacon, Tables},
    },
    data_format::{BlockId, Call, Round, Status, SupernodeCall, TransactionId},
    test_support::chain::test_key,
};

use super::{
    harness::{Harness, in_slot, keys},
    scene::{SLOTS, STRANGER, Scene},
};
use crate::{
    check::check,
    network::snapshot::{Shown, SnapshotPort},
    node::{NodeError, ReceiptError},
    storage::{Batch, Space},
};

/// Test keys that mint for a newcomer, for a holder who left and came back, and for one who changed its key.
const MINTING: [u64; 3] = [78, 79, 80];

/// A chain on which one holder was displaced, one left and came back, and one changed its minting key: of the four keys of
/// genesis one is left.
fn changed() -> Scene {
    let mut scene = Scene::new();
    let all = keys(&[0, 1, 2, 3]).into_iter().chain(MINTING.map(test_key)).collect();
    scene.harness = scene.harness.reopened_with(all, in_slot(0));
    let (stranger, holder, other) = (test_key(STRANGER), scene.holder(3), scene.holder(1));
    let (address, returning, changing) =
        (scene.stranger(), scene.harness.address(3), scene.harness.address(1));
    scene.endow(18_000_000);
    scene.harness.steps(6);
    let calls = scene.contend(2, &test_key(MINTING[0]), &address);
    assert_eq!(scene.run(&stranger, calls), Status::Success);
    scene.settle();
    scene.harness.steps(3 * SLOTS);
    assert_eq!(scene.run(&holder, vec![Call::Supernode(SupernodeCall::Release)]), Status::Success);
    scene.settle();
    scene.harness.steps(3 * SLOTS);
    let calls = scene.contend(3, &test_key(MINTING[1]), &returning);
    assert_eq!(scene.run(&holder, calls), Status::Success);
    scene.settle();
    scene.harness.steps(3 * SLOTS);
    let key = scene.word(&test_key(MINTING[2]), &changing);
    let calls = vec![Call::Supernode(SupernodeCall::SetMintingKey { key: Box::new(key) })];
    assert_eq!(scene.run(&other, calls), Status::Success);
    scene.settle();
    scene.harness.steps(6 * SLOTS);
    scene
}

fn genesis(harness: &Harness) -> Trusted {
    Trusted::genesis(harness.node.genesis(), Tables::at_genesis(harness.node.spec()).unwrap())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn hand_over(harness: &Harness, trusted: BlockId) -> HandOver {
    HandOver::from_bytes(&block_on(harness.node.hand_over(Some(trusted))).unwrap().unwrap()).unwrap()
}

/// What the node answers, as its API does.
fn answer(harness: &Harness, request: &Request) -> Response {
    let (path, trusted) = request.url.split_once("?trusted=").unwrap_or((&request.url, ""));
    let (trusted, rest) = trusted.split_once('&').unwrap_or((trusted, ""));
    let trusted = BlockId::from_hex(trusted);
    let path: Vec<&str> = path.trim_start_matches("http://node/v1/").split('/').collect();
    let body = match path.as_slice() {
        ["status"] => format!("{{\"chain_id\":\"{}\"}}", harness.node.chain()).into_bytes(),
        ["beacon"] => block_on(harness.node.anchor(trusted)).unwrap(),
        ["handover"] => block_on(harness.node.hand_over(trusted)).unwrap().unwrap(),
        ["accounts", address, "bundle"] => {
            let known = rest.split('&').find_map(|pair| pair.strip_prefix("known=")).unwrap();
            let (address, known) = (address.parse().unwrap(), known.parse().unwrap());
            block_on(harness.node.account_bundle(address, trusted, known, 50)).unwrap()
        }
        other => panic!("{other:?}"),
    };
    Response { status: 200, body }
}

#[test]
fn a_light_client_follows_from_genesis_over_changes_of_most_holders() {
    let scene = changed();
    let harness = &scene.harness;
    let (trusted, now) = (genesis(harness), in_slot(harness.slot));
    let verifier = Verifier::new(harness.node.spec());
    // One step is not enough any more.
    let beacon = block_on(harness.node.beacon(Some(trusted.id))).unwrap().unwrap();
    let verdict = verifier.beacon(&trusted, &Beacon::from_bytes(&beacon).unwrap(), now);
    assert_eq!(verdict, Verdict::NotEnoughTrust { signed: 1, needed: 3 });
    let bundle = hand_over(harness, trusted.id);
    assert!(!bundle.links.is_empty() && bundle.links.len() <= 3, "{} links", bundle.links.len());
    let newer = verifier.hand_over(&trusted, &bundle, now).unwrap().trusted;
    assert_eq!(newer.id, harness.node.status().final_block.id);

    let spec = (**harness.node.spec()).clone();
    let mut client = Client::new(spec, trusted, ["http://node".to_owned()]);
    let address = harness.address(0);
    client.watch(address, now);
    let mut asked = 0;
    while let Some(request) = client.next_request() {
        asked += 1;
        client.respond(request.id, Ok(answer(harness, &request)), now);
    }
    assert_eq!(asked, 4, "status, account, hand-over, account");
    assert_eq!(client.servers()[0].health(), &Health::Good);
    assert_eq!(client.sync(now), Sync::Verified);
    assert_eq!(client.trusted(), &newer);
    let proven = client.account(&address).unwrap().proven().unwrap().record.unwrap();
    let tables = client.trusted().tables.clone().unwrap();
    assert_eq!(tables.in_force.slots(), &scene.tables().0);
    assert!(proven.balance.units() > 0);
}

#[test]
fn hand_overs_are_kept_on_disk_and_go_on_with_the_chain() {
    let mut scene = changed();
    let trusted = genesis(&scene.harness);
    let before = hand_over(&scene.harness, trusted.id);
    assert_eq!(hand_over(&scene.harness, trusted.id), before, "answered from memory");
    let report = check(&scene.harness.database, &mut |_| {}).unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);

    let slot = scene.harness.slot;
    let all = keys(&[0]).into_iter().chain(MINTING.map(test_key)).collect();
    scene.harness = scene.harness.reopened_with(all, in_slot(slot));
    scene.harness.slot = slot;
    assert_eq!(hand_over(&scene.harness, trusted.id), before, "the same after a restart");

    // From every final block on there is a way.
    scene.harness.steps(4 * SLOTS);
    let harness = &scene.harness;
    let (verifier, now) = (Verifier::new(harness.node.spec()), in_slot(harness.slot));
    let newest = harness.node.status().final_block;
    assert_ne!(hand_over(harness, trusted.id).end, before.end);
    for height in (0..=newest.height.0).step_by(3) {
        let header = harness.block(height).header.header;
        let tables = harness.snapshot().tables(&header.next_slots).unwrap();
        let bundle = hand_over(harness, header.id());
        let trusted = Trusted {
            round: Round(header.slot.0 / SLOTS),
            tables: Some(tables),
            ..Trusted::voteless(&header)
        };
        let newer = verifier.hand_over(&trusted, &bundle, now).unwrap().trusted;
        assert_eq!(newer.id, newest.id, "from block {height}");
    }
}

#[test]
fn a_node_without_the_links_says_so() {
    let young = Harness::new();
    assert!(block_on(young.node.hand_over(None)).unwrap().is_none(), "only block 0 is final");
    let scene = changed();
    let harness = &scene.harness;
    let mut batch = Batch::default();
    let mut epochs = harness.snapshot().all(Space::Epochs).unwrap();
    // As if the node had begun after all changes.
    assert!(epochs.pop().is_some() && epochs.len() > 6);
    for (key, _) in epochs {
        batch.remove(Space::Epochs, key);
    }
    harness.database.commit(batch).unwrap();
    let trusted = genesis(harness).id;
    let error = block_on(harness.node.hand_over(Some(trusted))).unwrap_err();
    assert!(matches!(error, NodeError::NotKept { .. }), "{error}");
    assert!(error.to_string().contains("the way from block 0"), "{error}");
    let paid = payment(harness);
    let error = block_on(harness.node.receipt(paid, Some(trusted))).unwrap_err();
    assert!(matches!(error, ReceiptError::Node(NodeError::NotKept { .. })), "{error}");
    assert!(error.to_string().contains("the way from block 0"), "{error}");
    // From the newest final block there is nothing to lead over.
    let newest = harness.node.status().final_block.id;
    assert!(hand_over(harness, newest).links.is_empty());
    assert!(block_on(harness.node.receipt(paid, Some(newest))).is_ok());
    let unknown = block_on(harness.node.hand_over(Some(light_client::crypto::Hash([3; 32])))).unwrap_err();
    assert!(matches!(unknown, NodeError::UnknownTrusted(_)), "{unknown}");
}

#[test]
fn a_newcomer_is_led_from_block_0_over_changes_of_most_holders() {
    let scene = changed();
    let harness = &scene.harness;
    let newcomer = Harness::with_keys(&[]);
    assert_eq!(newcomer.node.chain(), harness.node.chain());
    let (trusted, open) = newcomer.node.trusted().unwrap();
    let proof = harness.node.prove_final(&trusted, open).unwrap().unwrap();
    let now = in_slot(harness.slot);
    let Shown::Final(block) = newcomer.node.check_final(&proof, now).unwrap() else {
        panic!("the newest final block is not proven")
    };
    assert_eq!(block.id, harness.node.status().final_block.id);
    // A way that is cut short or altered anywhere leads nowhere.
    for place in (0..proof.len()).step_by(13) {
        let mut altered = proof.clone();
        altered[place] ^= 1;
        let shown = newcomer.node.check_final(&altered, now).unwrap();
        assert!(matches!(shown, Shown::Lie(_) | Shown::Unsure(_)), "byte {place}: {shown:?}");
        let shown = newcomer.node.check_final(&proof[..place], now).unwrap();
        assert!(matches!(shown, Shown::Lie(_)), "{place} bytes: {shown:?}");
    }
    // A checkpoint of the operator leads on as well.
    let checkpoint = harness.block(3).header.header;
    assert!(newcomer.node.start_from_snapshot(Some((checkpoint.height, checkpoint.id()))));
    let (trusted, open) = newcomer.node.trusted().unwrap();
    let proof = harness.node.prove_final(&trusted, open).unwrap().unwrap();
    assert!(matches!(newcomer.node.check_final(&proof, now).unwrap(), Shown::Final(found) if found == block));
}

/// A transaction of the first block that has one.
fn payment(harness: &Harness) -> TransactionId {
    let paid = (1..).find_map(|height| harness.block(height).transactions.first().cloned()).unwrap();
    paid.transaction.id(&harness.node.chain())
}

#[test]
fn a_receipt_leads_from_block_0_over_changes_of_most_holders() {
    let mut scene = changed();
    let (genesis, first) = (genesis(&scene.harness), payment(&scene.harness));
    let last = scene.harness.pay(0, scene.harness.address(2), 77);
    scene.harness.steps(6 * SLOTS);
    let harness = &scene.harness;
    let (verifier, now) = (Verifier::new(harness.node.spec()), in_slot(harness.slot));
    let newest = harness.node.status().final_block;
    for id in [first, last] {
        let bytes = block_on(harness.node.receipt(id, None)).unwrap();
        let receipt = Receipt::from_bytes(&bytes).unwrap();
        assert_eq!(receipt.way.len(), 1, "{} bytes", bytes.len());
        let (newer, proven) = verifier.receipt(&genesis, &receipt, now).unwrap();
        assert_eq!((proven.value().id, newer.id), (id, newest.id));
        // Without what leads over, and cut off or altered anywhere, it shows nothing or the same.
        let cut = Receipt { way: Vec::new(), ..receipt.clone() };
        assert!(matches!(verifier.receipt(&genesis, &cut, now), Err(ProofFailure::Anchor(_))));
        for place in (0..bytes.len()).step_by(17) {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            let shown = Receipt::from_bytes(&altered).map_err(ProofFailure::from);
            let shown = shown.and_then(|receipt| verifier.receipt(&genesis, &receipt, now));
            assert!(shown.is_err() || shown == Ok((newer.clone(), proven.clone())), "byte {place}");
            assert!(Receipt::from_bytes(&bytes[..place]).is_err(), "{place} bytes");
        }
        // From the newest final block there is nothing to lead over.
        let near = block_on(harness.node.receipt(id, Some(newest.id))).unwrap();
        let near = Receipt::from_bytes(&near).unwrap();
        assert!(near.way.is_empty() && near.to_bytes().len() < 3_000);
        assert_eq!(verifier.receipt(&newer, &near, now).unwrap().1, proven);
    }
}
