//! The twelve faults of the existing V.Systems network, each as a test of this chain that is named after it.
//!
//! They are short on purpose: each shows that the fault is mended through the same code that runs in a node or a wallet. The
//! depth is elsewhere: `proofs` (1), `branches`, `finality` and the simulations (2), `tampering` (3, 4),
//! `supernodes` (5), `light-client/src/transaction/tests.rs` (6), `leases` (7, 10), `api/tests/numbers.rs` (8), `crashes` and the
//! simulations (9), `light-client/src/wallet/tests` (10, 12), `tests/browser/secrets.test.js` (12).

use std::collections::BTreeSet;

use light_client::{
    block_tree::TreeError,
    client::{AccountBundle, Bundle, Trusted, Verifier},
    consensus::spos::{Block, HeaderError, Tables},
    crypto::{Ed25519Key, Hash},
    data_format::{
        Amount, Call, CoinCall, Header, Height, LeaseCall, MAX_CALLS, MAX_MEMO_BYTES, MAX_TRANSACTION_BYTES,
        SealedHeader, SignedTransaction, Slot, Status, SupernodeCall, Transaction, codec,
    },
    state::{HistoryKind, Order, position_key},
    test_support::chain::test_key,
    transaction::check_stateless,
    wallet::{
        Caution, Fact, Keyring, Label, RequestId, ReviewFacts, Seed, SignRequest, SigningContext, Value,
        keystore, review, sign, verify_reply,
    },
};

use super::{
    harness::{GENESIS, Harness, in_slot, keys},
    scene::{FEE, STRANGER, Scene},
    simulation::{Disk, Random},
};
use crate::{
    block_tree::BlockError,
    config::DEVELOPMENT_PHRASE,
    network::{ChainPort, Taken, protocol::Topic},
    node::SubmitError,
};

/// A follower without keys that has these blocks.
fn follower(blocks: &[Block], slot: u64) -> Harness {
    let mut follower = Harness::with_keys(&[]);
    follower.take(blocks, slot);
    follower
}

fn blocks(harness: &Harness) -> Vec<Block> {
    (1..=harness.head().0).map(|height| harness.block(height)).collect()
}

/// There: the signature covers all transactions, so no header can be checked alone; no state root, no proof of who mints.
#[test]
fn fault_01_a_header_alone_is_checked_and_proves_state_and_slots() {
    let mut harness = Harness::new();
    let to = harness.address(3);
    harness.pay(0, to, 5);
    harness.steps(10);
    let SealedHeader { header, seal } = harness.block(1).header;
    assert_eq!(header.transactions_count, 1);
    // Its seal is checked without a transaction.
    let minting = Ed25519Key::parse(keys(&[1])[0].public().as_bytes()).unwrap();
    let message = Header::seal_message(&harness.node.chain(), &header.id());
    assert_eq!(minting.verify(&message, &seal), Ok(()));
    // From genesis alone: the slot tables, a final header, and the account under its state root. No transaction travels.
    let verifier = Verifier::new(harness.node.spec());
    let trusted = Trusted::genesis(harness.node.genesis(), Tables::at_genesis(harness.node.spec()).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bytes = runtime.block_on(harness.node.account_bundle(to, Some(trusted.id), 0, 0)).unwrap();
    let bundle = AccountBundle::from_bytes(&bytes).unwrap();
    let (_, proven) = verifier.account(&trusted, to, &bundle, in_slot(harness.slot)).unwrap();
    assert_eq!(proven.value().record, Some(harness.record(&to)));
}

/// There: no finality, and two consecutive minters with more joint average balance can orphan the block before them.
#[test]
fn fault_02_a_final_block_stays_and_balance_decides_no_fork() {
    let mut main = Harness::new();
    // Holder 2 is far richer than holder 1.
    let (rich, units) = (main.address(2), 9_000_000 * 100_000_000);
    main.pay(1, rich, units);
    main.steps(4);
    let common = blocks(&main);
    let rival = |position: usize, slot: u64| {
        let mut rival = Harness::with_keys(&[position]);
        rival.take(&common, 4);
        rival.slot = slot - 1;
        rival.step();
        rival.block(5)
    };
    let (poor, rich) = (rival(1, 5), rival(2, 6));
    assert_eq!(poor.header.header.parent, rich.header.header.parent);
    for (first, second) in [(&poor, &rich), (&rich, &poor)] {
        let mut follower = follower(&common, 4);
        follower.take(&[first.clone(), second.clone()], 6);
        assert_eq!(follower.node.status().head.id, first.header.header.id(), "first seen stays");
    }
    // And what is final stays against any number of blocks.
    let mut alone = Harness::with_keys(&[2, 3]);
    alone.steps(60);
    main.steps(12);
    let status = main.node.status();
    assert!(alone.head() > status.head.height && status.final_block.height > Height(0));
    let refused = main.node.insert(&alone.block(1), in_slot(60));
    assert!(matches!(refused, Err(BlockError::Tree(TreeError::UnknownParent { .. }))), "{refused:?}");
    assert_eq!(main.node.status().head, status.head);
}

/// There: a holder puts several rising times into its one second, and mints several rewards.
#[test]
fn fault_03_one_slot_has_one_block_and_one_reward() {
    let mut harness = Harness::new();
    harness.steps(5);
    let (head, supply) = (harness.node.status().head, minted(&harness));
    for late in [1, 400, 900, 989] {
        harness.node.advance(in_slot(5).plus_ms(late)).unwrap();
    }
    assert_eq!((harness.node.status().head, minted(&harness)), (head, supply));
    // Nor by hand: a second block of the slot on top of the first.
    let mut again = harness.block(5);
    let header = &mut again.header.header;
    (header.parent, header.height) = (head.id, Height(6));
    (header.transactions_root, header.transactions_count) = (Hash::ZERO, 0);
    again.header.seal =
        keys(&[1])[0].sign(&Header::seal_message(&harness.node.chain(), &again.header.header.id()));
    let refused = harness.node.insert(&again, in_slot(5)).unwrap_err();
    assert!(matches!(refused, BlockError::Header(HeaderError::SlotOrder { .. })), "{refused}");
}

fn minted(harness: &Harness) -> Amount {
    let snapshot = harness.snapshot();
    let head = snapshot.head().unwrap().unwrap();
    let root = snapshot.version(&head).unwrap().unwrap().root;
    light_client::state::SupplyRecord::read(&mut snapshot.state(root)).unwrap().unwrap().minted
}

/// There: a block's time is what its minter writes.
#[test]
fn fault_04_the_time_of_a_block_is_that_of_its_slot() {
    let mut harness = Harness::new();
    harness.steps(4);
    harness.node.advance(in_slot(5).plus_ms(950)).unwrap();
    let head = harness.node.status().head;
    assert_eq!((head.slot, head.time), (Slot(5), GENESIS.plus_ms(5_000)), "made late in the slot");
    // A header says no time at all, and its slot must have begun.
    let mut follower = follower(&blocks(&harness)[..4], 4);
    let early = follower.node.insert(&harness.block(5), in_slot(4)).unwrap_err();
    assert!(matches!(early, BlockError::Header(HeaderError::SlotEarly { .. })), "{early}");
    follower.take(&[harness.block(5)], 5);
}

/// There: a failed contend burns 50,000 coins, decided at inclusion, and a displaced address is locked out for ever.
#[test]
fn fault_05_contending_in_vain_costs_a_fee_and_a_displaced_holder_comes_back() {
    let mut scene = Scene::new();
    let (stranger, address, minting) = (test_key(STRANGER), scene.stranger(), test_key(78));
    scene.endow(18_000_000);
    let before = scene.harness.record(&address).balance;
    let calls = scene.contend(2, &minting, &address);
    assert_eq!(scene.run(&stranger, calls), Status::SlotNotWon);
    assert_eq!(scene.harness.record(&address).balance.checked_add(FEE), Some(before), "the fee and no more");
    scene.harness.steps(6);
    let calls = scene.contend(2, &minting, &address);
    assert_eq!(scene.run(&stranger, calls), Status::Success);
    scene.settle();
    let (displaced, its_address) = (scene.holder(2), scene.harness.address(2));
    assert!(!scene.holders().contains(&Some(its_address)), "displaced");
    // The slot is given up, and nothing keeps the displaced holder from it.
    assert_eq!(scene.run(&stranger, vec![Call::Supernode(SupernodeCall::Release)]), Status::Success);
    scene.settle();
    let calls = scene.contend(2, &keys(&[2])[0], &its_address);
    assert_eq!(scene.run(&displaced, calls), Status::Success);
    scene.settle();
    assert_eq!(scene.holders()[2], Some(its_address), "and holds a slot again");
}

/// There: transactions name neither sender nor chain, so ids can be squatted and the test network's replay elsewhere.
#[test]
fn fault_06_a_transaction_names_its_sender_and_its_chain() {
    let mut here = Harness::new();
    let there = Harness::with_rules(|rules| rules.average_window += 1, &[0, 1, 2, 3]);
    let (one, other) = (here.node.chain(), there.node.chain());
    assert_ne!(one, other);
    let payment = here.transfer(0, 0, here.address(1), 7);
    assert_ne!(payment.transaction.id(&one), payment.transaction.id(&other));
    let replayed = there.node.submit_now(&payment);
    assert!(matches!(replayed, Err(SubmitError::Transaction(_))), "{replayed:?}");
    assert!(check_stateless(&payment, there.node.spec(), &other).is_err());
    // Somebody else's copy has another id, and does not pass.
    let mut squatted = payment.clone();
    squatted.transaction.sender = here.funded(1).public();
    assert_ne!(squatted.transaction.id(&one), payment.transaction.id(&one));
    assert!(here.node.submit_now(&squatted).is_err());
    here.node.submit_now(&payment).unwrap();
    here.step();
    assert_eq!(here.block(1).transactions, [payment]);
}

/// There: interest is paid by hand, off the chain, by each supernode's own rules.
#[test]
fn fault_07_interest_is_paid_on_chain_and_a_supernode_cannot_keep_it() {
    let mut scene = Scene::new();
    let (lessor, supernode) = (scene.harness.address(0), scene.harness.address(1));
    let half = Amount(scene.harness.record(&supernode).balance.units() / 2);
    let key = scene.holder(0);
    let lease = Call::Lease(LeaseCall::Lease { to: supernode, amount: half });
    assert_eq!(scene.run(&key, vec![lease]), Status::Success);
    scene.harness.steps(8);
    let claim = Call::Lease(LeaseCall::Claim { from: supernode });
    assert_eq!(scene.run(&key, vec![claim]), Status::Success);
    let history = scene.harness.snapshot().history(&lessor, 0, u64::MAX, usize::MAX).unwrap();
    let paid = history.iter().find(|entry| entry.record.kind == HistoryKind::Interest).unwrap();
    // A third of the stake earns a third of what the commission of a tenth leaves, to the unit, by rule.
    let reward = 36 * 100_000_000_u64;
    assert!(paid.record.delta.unsigned_abs() + 1 >= reward * 9 / 10 / 3);
    scene.harness.check_state();
}

/// There: times in nanoseconds and amounts as numbers, which JavaScript rounds beyond 2^53.
#[test]
fn fault_08_no_number_of_an_answer_is_rounded() {
    const EXACT: u64 = 1 << 53;
    let amount = Amount(EXACT + 1);
    let text = serde_json::to_string(&amount).unwrap();
    assert!(text.starts_with('"'), "an amount is a string: {text}");
    assert_eq!(serde_json::from_str::<Amount>(&text).unwrap(), amount);
    let mut harness = Harness::new();
    harness.step();
    let head = harness.node.status().head;
    // Milliseconds and heights stay exact for longer than anybody minds.
    let years = 100_000 * 365 * 86_400_000_u64;
    assert!(head.time.0 + years < EXACT && head.height.0 + years / 1_000 < EXACT);
}

/// There: state is written key by key, and whoever loses the rollback window replays from genesis.
#[test]
fn fault_09_a_crash_at_any_sync_leaves_a_whole_chain() {
    for syncs in 0..24 {
        let disk = Disk::default();
        drop(Harness::over_database(disk.open()));
        let mut harness = Harness::over_database(disk.open());
        harness.steps(3);
        let acknowledged = harness.node.status().head;
        harness.pay(0, harness.address(1), 9);
        disk.kill_after(syncs);
        let died = (4..40).any(|slot| harness.node.advance(in_slot(slot)).is_err());
        assert!(died, "after {syncs} syncs");
        drop(harness);
        disk.lose_unsynced(&mut Random::new(syncs));
        let mut harness = Harness::over_database(disk.open());
        assert!(harness.head() >= acknowledged.height, "nothing acknowledged is lost");
        assert_eq!(harness.block(acknowledged.height.0).header.header.id(), acknowledged.id);
        harness.check_state();
        harness.slot = 50;
        harness.steps(2);
        harness.check_state();
    }
}

/// There: leases are seen in the history of wallets only, and whoever leases to a supernode that is none any more is not
/// told.
#[test]
fn fault_10_leases_are_state_and_whoever_leases_to_no_supernode_is_told() {
    let mut scene = Scene::new();
    let (key, lessor, supernode) = (scene.holder(0), scene.harness.address(0), scene.harness.address(3));
    let lease = |amount| Call::Lease(LeaseCall::Lease { to: supernode, amount: Amount(amount) });
    // What is pointed out before somebody signs a lease, by who holds slots.
    let told = |scene: &Scene| {
        let (spec, chain) = (scene.harness.node.spec(), scene.harness.node.chain());
        let draft = scene.harness.signed(0, 0, vec![lease(700)]).transaction;
        let holds = Fact { value: scene.holders().contains(&Some(supernode)), proven_at: None };
        let facts = ReviewFacts { holders: [(supernode, holds)].into(), ..ReviewFacts::default() };
        review(&draft.signed_bytes(&chain), spec, &chain, &facts).unwrap().cautions
    };
    scene.harness.step();
    assert_eq!(told(&scene), []);
    assert_eq!(scene.run(&key, vec![lease(700)]), Status::Success);
    // Much history later.
    for nonce in 0..40 {
        scene.harness.pay(0, supernode, 1 + nonce);
        scene.harness.step();
    }
    let leaving = scene.holder(3);
    assert_eq!(scene.run(&leaving, vec![Call::Supernode(SupernodeCall::Release)]), Status::Success);
    scene.settle();
    // The state lists every lease of an account as one range, so that none can be left out.
    let snapshot = scene.harness.snapshot();
    let head = snapshot.head().unwrap().unwrap();
    let root = snapshot.version(&head).unwrap().unwrap().root;
    let whole = position_key(&lessor, &supernode);
    let mut state = snapshot.state(root);
    let found: Vec<_> =
        state.prefix(&whole[..27], Order::Ascending).map(|entry| entry.unwrap().key).collect();
    assert!(found.iter().any(|key| **key == whole[..]), "the lease is there");
    assert_eq!(scene.harness.record(&lessor).leased_out, Amount(700));
    // What the header commits to says that its slot is gone, and the coins come back at once.
    assert!(!scene.holders().contains(&Some(supernode)));
    assert_eq!(told(&scene), [Caution::HoldsNoSlot { to: supernode }]);
    let cancel = Call::Lease(LeaseCall::Cancel { from: supernode, amount: Amount(700) });
    assert_eq!(scene.run(&key, vec![cancel]), Status::Success);
    assert_eq!(scene.harness.record(&lessor).leased_out, Amount::ZERO);
}

/// There: pool and interface take transactions that are then too long for the protocol between nodes.
#[test]
fn fault_11_what_the_pool_takes_travels_and_fits_a_block() {
    let mut harness = Harness::new();
    let peer = Harness::with_keys(&[]);
    let to = harness.address(1);
    let calls = vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(1) }); MAX_CALLS];
    let largest = |memo: usize| {
        let fee = harness.node.spec().minimum_fee(&calls).unwrap();
        let (sender, calls, memo) = (harness.funded(0).public(), calls.clone(), vec![b'x'; memo]);
        let transaction = Transaction { sender, nonce: 0, fee, valid_until: Height(100_000), calls, memo };
        transaction.sign(&harness.node.chain(), harness.funded(0))
    };
    let signed = largest(MAX_MEMO_BYTES);
    let bytes = codec::encode(&signed);
    assert!(bytes.len() <= MAX_TRANSACTION_BYTES && MAX_TRANSACTION_BYTES <= Topic::Transactions.max_bytes());
    harness.node.submit_now(&signed).unwrap();
    // As it travels, with the bound that a peer decodes by.
    let heard: SignedTransaction = codec::decode(&bytes, Topic::Transactions.max_bytes()).unwrap();
    assert_eq!(ChainPort::take(&peer.node, &heard, in_slot(1)).unwrap(), Taken::New);
    // One byte of memo more is taken by neither.
    let longer = largest(MAX_MEMO_BYTES + 1);
    assert!(harness.node.submit_now(&longer).is_err());
    assert_eq!(ChainPort::take(&peer.node, &longer, in_slot(1)).unwrap(), Taken::Invalid);
    harness.step();
    assert_eq!(harness.block(1).transactions, [signed]);
}

/// There: the cold phone shows words that the hot wallet wrote and signs bytes that it does not decode, and secrets are
/// kept in a cipher that shows repetitions, under a fixed salt.
#[test]
fn fault_12_the_cold_phone_shows_what_it_signs_and_secrets_look_random() {
    let harness = Harness::new();
    let (spec, chain) = (harness.node.spec(), harness.node.chain());
    let keyring = Keyring::new(Seed::from_bip39(DEVELOPMENT_PHRASE).unwrap(), spec.network);
    let to = harness.address(1);
    let payment = harness.transfer(0, 0, to, 1_234).transaction;
    let mut request = SignRequest::new(RequestId([1; 16]), chain, &payment);
    request.origin = Some("pays nothing to nobody".to_owned());
    // All that is shown comes of the bytes that are signed.
    let shown = review(&request.bytes_to_sign, spec, &chain, &ReviewFacts::default()).unwrap();
    assert_eq!(shown.transaction, payment);
    let says = |label: Label| &shown.rows.iter().find(|row| row.label == label).unwrap().value;
    assert_eq!(*says(Label::To), Value::Address { address: to, name: None });
    assert_eq!(*says(Label::Amount), Value::Amount(Amount(1_234)));
    assert!(!shown.cautions.contains(&Caution::ToSelf));
    let signed = BTreeSet::new();
    let context = SigningContext {
        spec,
        chain: &chain,
        signed: &signed,
        newest_checkpoint: None,
        request_height: None,
    };
    let reply = sign(&request, &keyring, &context).unwrap();
    assert!(verify_reply(&request, &reply).is_ok());
    // What cannot be decoded is not signed.
    let blind = SignRequest { bytes_to_sign: vec![7; 200], ..request };
    assert!(sign(&blind, &keyring, &context).is_err());

    let cost = keystore::Cost { memory_kib: 8, passes: 1 };
    let seal = |salt: u8| {
        let entropy = keystore::SealEntropy {
            data_key: zeroize::Zeroizing::new([salt; 32]),
            secret_nonce: [salt; 24],
            wrap: keystore::WrapEntropy { salt: [salt; 16], nonce: [salt; 24] },
        };
        keystore::seal(&[0; 256], "password", cost, &entropy).unwrap()
    };
    let sealed = seal(1);
    let secret = &sealed[sealed.len() - 8 - 16 - 256..sealed.len() - 8 - 16];
    let distinct: BTreeSet<&[u8]> = secret.chunks(16).collect();
    assert_eq!(distinct.len(), 16, "equal blocks do not look equal");
    assert!(seal(2)[10..] != sealed[10..], "another salt, another file");
    assert_eq!(*keystore::open(&sealed, "password").unwrap(), [0; 256]);
    assert!(keystore::open(&sealed, "Password").is_err());
}
