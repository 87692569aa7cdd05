//! Keys that sign what excludes each other: every node sees it, whoever mints next reports it, and finality takes the slot.

use light_client::{
    consensus::spos::{Block, Evidence, Vote},
    crypto::{Hash, KeyPair},
    data_format::{Amount, Call, Height, Round, SignedTransaction, Status, SupernodeCall, Transaction},
    state::Ban,
    test_support::chain::test_key,
    transaction::TransactionError,
};

use super::{
    harness::{in_slot, keys},
    scene::{SLOTS, Scene, follow, hear, supernode, votes},
};
use crate::{
    block_tree::BlockError,
    network::ChainPort,
    node::{ReceiptError, SubmitError},
};

const BAN: u64 = 12;

/// A chain with short bans, and the keys of these slots.
fn scene(positions: &[usize]) -> Scene {
    Scene::with_rules(|spos| spos.ban_rounds = u32::try_from(BAN).unwrap(), positions)
}

fn public(position: usize) -> Hash {
    Hash(*keys(&[position])[0].public().as_bytes())
}

/// Two blocks of slot 4 by the key of position 0, on block 3 of `main`.
fn twins(main: &mut Scene) -> [Block; 2] {
    main.harness.steps(3);
    let [mut a, mut b] = [scene(&[0]), scene(&[0])];
    for twin in [&mut a, &mut b] {
        follow(&mut twin.harness, &main.harness, 3);
        twin.harness.slot = 3;
    }
    let to = b.harness.address(3);
    b.harness.pay(1, to, 5);
    a.harness.step();
    b.harness.step();
    [a.harness.block(4), b.harness.block(4)]
}

/// Goes on until the change that is planned now is in force, and checks that it is the vacancy of this slot.
fn vacated(scene: &mut Scene, position: usize) {
    assert!(scene.tables().1.expect("planned").0[position].is_none());
    assert!(scene.holders()[position].is_some(), "not in force before it is final");
    scene.settle();
    assert_eq!(scene.holders()[position], None);
}

#[test]
fn two_blocks_in_one_slot_cost_the_slot_and_the_reporter_nothing() {
    let mut main = scene(&[1, 2, 3]);
    let [a, b] = twins(&mut main);
    main.harness.take(&[a, b], 4);
    main.harness.slot = 4;
    main.harness.step();
    let report = main.harness.block(5).transactions[0].clone();
    let evidence = report.unsigned_evidence().expect("the first transaction is a report");
    assert_eq!(evidence.accused(), public(0));
    let id = report.transaction.id(&main.harness.node.chain());
    let outcome = main.harness.snapshot().outcomes(&main.harness.block(5).header.header.id()).unwrap()[0];
    assert_eq!((outcome.id, outcome.status, outcome.fee), (id, Status::Success, Amount::ZERO));
    let ban = Ban { punished: Round(1), until: None };
    assert_eq!(supernode(&main.harness, 0).ban, Some(ban));
    main.harness.check_state();
    vacated(&mut main, 0);
    let left = Round(main.harness.slot / SLOTS);
    assert_eq!(supernode(&main.harness, 0).ban, Some(Ban { until: Some(Round(left.0 + BAN)), ..ban }));
    let final_before = main.harness.node.status().final_block.height;
    main.harness.steps(4 * SLOTS);
    assert!(main.harness.node.status().final_block.height > final_before, "and finality goes on");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let receipt = runtime.block_on(main.harness.node.receipt(id, None));
    assert!(matches!(receipt, Err(ReceiptError::Unsigned(_))), "nobody paid: {receipt:?}");
    // It was reported once, and every node comes to the same state.
    let reports = (1..=main.harness.head().0)
        .flat_map(|height| main.harness.block(height).transactions)
        .filter(|signed| signed.unsigned_evidence().is_some());
    assert_eq!(reports.count(), 1);
    let mut follower = scene(&[]);
    follow(&mut follower.harness, &main.harness, main.harness.slot);
    assert_eq!(follower.harness.state_root(), main.harness.state_root());
    follower.harness.check_state();
}

#[test]
fn two_votes_in_one_round_cost_the_slot() {
    let mut main = scene(&[1, 2, 3]);
    let [mut a, mut b] = [scene(&[0]), scene(&[0])];
    main.harness.steps(7);
    follow(&mut a.harness, &main.harness, 7);
    let shorter: Vec<Block> = (1..=4).map(|height| main.harness.block(height)).collect();
    b.harness.take(&shorter, 7);
    let mut heard = Vec::new();
    for twin in [&mut a, &mut b] {
        let mut announcements = ChainPort::announcements(&twin.harness.node);
        twin.harness.slot = 8;
        twin.harness.step();
        heard.extend(votes(&mut announcements));
    }
    assert_eq!(heard.len(), 2);
    assert_ne!(heard[0].link.target, heard[1].link.target);
    main.harness.steps(2);
    hear(&main.harness, &heard, 9);
    main.harness.step();
    let block = main.harness.block(main.harness.head().0);
    let evidence = block.transactions[0].unsigned_evidence().expect("a report");
    assert!(matches!(evidence, Evidence::Votes { .. }));
    assert_eq!(supernode(&main.harness, 0).ban.map(|ban| ban.punished), Some(Round(2)));
    vacated(&mut main, 0);
    main.harness.check_state();
}

#[test]
fn votes_that_only_certificates_bring_are_seen_too() {
    // A key that votes on one branch with three others, and alone for something else.
    let mut main = scene(&[0, 1, 2]);
    main.harness.steps(10);
    let mut follower = scene(&[3]);
    follow(&mut follower.harness, &main.harness, 10);
    let certificate = (1..=main.harness.head().0)
        .find_map(|height| main.harness.block(height).certificate)
        .expect("round 1 is justified by round 2");
    let mut link = certificate.link;
    link.target.checkpoint.id = Hash([9; 32]);
    let other = Vote::sign(link, &main.harness.node.chain(), &keys(&[1])[0]).unwrap();
    // It comes late, but in the round after.
    hear(&follower.harness, &[other], 10);
    follower.harness.slot = 10;
    follower.harness.step();
    let block = follower.harness.block(follower.harness.head().0);
    let accused = block.transactions[0].unsigned_evidence().map(Evidence::accused);
    assert_eq!(accused, Some(public(1)));
    follower.harness.check_state();
}

#[test]
fn what_the_tree_holds_is_seen_again_after_a_restart() {
    let mut main = scene(&[1, 2, 3]);
    let [a, b] = twins(&mut main);
    main.harness.take(&[a, b], 4);
    let mut reopened = main.harness.reopened_with(keys(&[1, 2, 3]), in_slot(4));
    reopened.slot = 4;
    reopened.step();
    let block = reopened.block(5);
    assert!(block.transactions[0].unsigned_evidence().is_some());
}

/// The evidence of [`twins`], as anybody who has an account would report it.
fn reported(a: &Block, b: &Block) -> Vec<Call> {
    let evidence = Evidence::of_blocks(public(0), &a.header, &b.header).unwrap();
    vec![Call::Supernode(SupernodeCall::Report { evidence: Box::new(evidence) })]
}

#[test]
fn anybody_may_report_and_the_same_evidence_counts_once() {
    let mut main = scene(&[1, 2, 3]);
    let [a, b] = twins(&mut main);
    let calls = reported(&a, &b);
    // This node has not seen the blocks themselves.
    main.harness.steps(2);
    let reporter = main.holder(1);
    assert_eq!(main.run(&reporter, calls.clone()), Status::Success);
    assert_eq!(main.run(&reporter, calls.clone()), Status::UntimelyEvidence);
    assert_eq!(supernode(&main.harness, 0).ban.map(|ban| ban.punished), Some(Round(1)));
    vacated(&mut main, 0);
    main.harness.steps(BAN * SLOTS);
    assert_eq!(main.run(&reporter, calls), Status::UntimelyEvidence, "not after the ban either");
    main.harness.check_state();
}

#[test]
fn evidence_up_to_the_last_punishment_is_settled_and_of_later_rounds_is_not() {
    let mut main = scene(&[1, 2, 3]);
    main.harness.steps(21);
    let chain = main.harness.node.chain();
    let certificate =
        (1..=main.harness.head().0).find_map(|height| main.harness.block(height).certificate).unwrap();
    let double = |round, key: &KeyPair| {
        let vote = |id| {
            let mut link = certificate.link;
            link.target.checkpoint.round = Round(round);
            link.target.checkpoint.id = Hash([id; 32]);
            Vote::sign(link, &chain, key).unwrap()
        };
        let evidence = Evidence::of_votes(&vote(1), &vote(2)).unwrap();
        vec![Call::Supernode(SupernodeCall::Report { evidence: Box::new(evidence) })]
    };
    let reporter = main.holder(1);
    let culprit = &keys(&[0])[0];
    assert_eq!(main.run(&reporter, double(1_000, culprit)), Status::UntimelyEvidence, "not begun");
    assert_eq!(main.run(&reporter, double(3, &test_key(500))), Status::UnknownMintingKey);
    assert_eq!(main.run(&reporter, double(3, culprit)), Status::Success);
    let first = supernode(&main.harness, 0).ban.unwrap();
    for settled in [2, 3, 4, first.punished.0] {
        assert_eq!(main.run(&reporter, double(settled, culprit)), Status::UntimelyEvidence);
    }
    main.harness.steps(SLOTS);
    assert_eq!(main.run(&reporter, double(first.punished.0 + 1, culprit)), Status::Success);
    assert!(supernode(&main.harness, 0).ban.unwrap().punished > first.punished);
    main.harness.check_state();
}

#[test]
fn forged_evidence_is_refused_by_pools_and_blocks() {
    let mut main = scene(&[0, 1, 2, 3]);
    let [a, mut b] = twins(&mut main);
    b.header.seal = a.header.seal;
    let calls = reported(&a, &b);
    let signed = main.harness.signed(1, 0, calls.clone());
    let refused = main.harness.node.submit_now(&signed);
    assert!(matches!(refused, Err(SubmitError::Transaction(TransactionError::Evidence { index: 0, .. }))));
    // A report without a sender is no transaction that anybody may submit.
    let evidence = calls[0].evidence().unwrap().clone();
    let refused = main.harness.node.submit_now(&SignedTransaction::unsigned_report(evidence.clone()));
    assert!(matches!(refused, Err(SubmitError::Transaction(_))), "{refused:?}");
    main.harness.step();
    let mut block = main.harness.block(4);
    block.transactions.push(SignedTransaction::unsigned_report(evidence));
    block.header.header.transactions_count = 1;
    block.header.header.transactions_root = Hash([1; 32]);
    let (block, _) = sealed(block, 0);
    let refused = main.harness.node.insert(&block, in_slot(4));
    assert!(
        matches!(
            refused,
            Err(BlockError::Transaction { index: 0, error: TransactionError::Evidence { index: 0, .. } })
        ),
        "{refused:?}"
    );
}

#[test]
fn a_block_has_one_report_without_a_sender_and_only_one_that_counts() {
    let mut main = scene(&[1, 2, 3]);
    let [a, b] = twins(&mut main);
    main.harness.take(&[a, b], 4);
    main.harness.slot = 4;
    main.harness.step();
    let with_report = main.harness.block(5);
    let report = with_report.transactions[0].clone();
    // Twice in one block, and once more in a later one.
    let mut twice = with_report.clone();
    twice.transactions.push(report.clone());
    let mut again = {
        main.harness.step();
        main.harness.block(6)
    };
    again.transactions.push(report);
    for (mut block, position, expected) in
        [(twice, 1, "SUPERNODE-REPORT-1"), (again, 2, "SUPERNODE-REPORT-2")]
    {
        block.header.header.transactions_count += 1;
        block.header.header.transactions_root = Hash([1; 32]);
        let (block, _) = sealed(block, position);
        match main.harness.node.insert(&block, in_slot(6)) {
            Err(BlockError::Transaction { error, .. }) => assert_eq!(error.rule(), expected),
            other => panic!("{other:?}"),
        }
    }
}

/// The block with the seal of a position's key over what it says now.
fn sealed(mut block: Block, position: usize) -> (Block, Hash) {
    use light_client::data_format::Header;
    let id = block.header.header.id();
    let chain = super::harness::spec_with(|spos| spos.ban_rounds = u32::try_from(BAN).unwrap()).id();
    block.header.seal = keys(&[position])[0].sign(&Header::seal_message(&chain, &id));
    (block, id)
}

#[test]
fn who_is_banned_cannot_contend_until_the_ban_ends_whatever_the_key() {
    let mut main = scene(&[1, 2, 3]);
    let [a, b] = twins(&mut main);
    main.harness.take(&[a, b], 4);
    main.harness.slot = 4;
    main.harness.step();
    vacated(&mut main, 0);
    let (holder, address, minting) = (main.holder(0), main.harness.address(0), test_key(91));
    let until = supernode(&main.harness, 0).ban.unwrap().until.unwrap();
    loop {
        // The next block's round.
        let round = (main.harness.slot + 1) / SLOTS;
        let calls = main.contend(0, &minting, &address);
        let status = main.run(&holder, calls);
        if round >= until.0 {
            assert_eq!(status, Status::Success);
            break;
        }
        assert_eq!(status, Status::Banned, "in round {round}");
        main.harness.steps(SLOTS - 1);
    }
    main.settle();
    assert_eq!(main.holders()[0], Some(address));
    main.harness.check_state();
}

#[test]
fn whoever_signed_twice_loses_the_slot_however_long_finality_stands_still() {
    let mut main = scene(&[1, 2, 3]);
    let [a, b] = twins(&mut main);
    // Another change is planned first, and cannot come into force while two of four holders are away.
    let (minting, holder, address) = (test_key(91), main.holder(1), main.harness.address(1));
    let key = main.word(&minting, &address);
    assert_eq!(
        main.run(&holder, vec![Call::Supernode(SupernodeCall::SetMintingKey { key: Box::new(key) })]),
        Status::Success
    );
    assert!(main.tables().1.is_some());
    let slot = main.harness.slot;
    main.harness.take(&[a, b], slot);
    let mut fewer = Scene { harness: main.harness.reopened_with(keys(&[1, 2]), in_slot(slot)) };
    fewer.harness.slot = slot;
    fewer.harness.steps((BAN + 3) * SLOTS);
    assert_eq!(supernode(&fewer.harness, 0).ban.map(|ban| ban.until), Some(None), "it is reported");
    assert_eq!(fewer.harness.node.status().final_block.height, Height(0));
    // They are back, and the new key is known to have signed nothing.
    let mut batch = crate::storage::Batch::default();
    batch
        .voting(&Hash(*minting.public().as_bytes()), &light_client::consensus::spos::VotingRecord::default());
    fewer.harness.database.commit(batch).unwrap();
    let slot = fewer.harness.slot;
    let all = keys(&[1, 2, 3]).into_iter().chain([minting]).collect();
    let mut main = Scene { harness: fewer.harness.reopened_with(all, in_slot(slot)) };
    main.harness.slot = slot;
    while main.tables().1.is_none_or(|planned| planned.0[0].is_some()) {
        main.harness.step();
        assert!(main.harness.slot < slot + 8 * SLOTS, "the slot is owed");
    }
    vacated(&mut main, 0);
    let left = main.harness.slot / SLOTS;
    assert_eq!(supernode(&main.harness, 0).ban.unwrap().until, Some(Round(left + BAN)));
    main.harness.steps(2 * SLOTS);
    assert_eq!(main.holders()[0], None);
    main.harness.check_state();
}

#[test]
fn the_last_holders_stay_even_when_they_are_banned() {
    let mut main = Scene::with_rules(
        |spos| {
            spos.ban_rounds = u32::try_from(BAN).unwrap();
            spos.min_filled = 4;
        },
        &[1, 2, 3],
    );
    main.harness.steps(9);
    let chain = main.harness.node.chain();
    let certificate =
        (1..=main.harness.head().0).find_map(|height| main.harness.block(height).certificate).unwrap();
    let vote = |id| {
        let mut link = certificate.link;
        link.target.checkpoint.id = Hash([id; 32]);
        Vote::sign(link, &chain, &keys(&[0])[0]).unwrap()
    };
    let evidence = Box::new(Evidence::of_votes(&vote(1), &vote(2)).unwrap());
    let calls = vec![Call::Supernode(SupernodeCall::Report { evidence })];
    assert_eq!(main.run(&main.holder(1), calls), Status::Success);
    main.harness.steps(3 * SLOTS);
    assert!(main.holders().iter().all(Option::is_some));
    assert!(main.tables().1.is_none());
    assert!(supernode(&main.harness, 0).ban.is_some(), "and may not contend all the same");
    main.harness.check_state();
}

/// A transaction that only has the form of a report, but pays: it is one like any other.
#[test]
fn a_paid_report_that_fails_costs_its_fee() {
    let mut main = scene(&[0, 1, 2, 3]);
    let [a, b] = twins(&mut main);
    let calls = reported(&a, &b);
    let reporter = main.holder(2);
    assert_eq!(main.run(&reporter, calls.clone()), Status::Success);
    let before = main.harness.record(&main.harness.address(2)).balance;
    assert_eq!(main.run(&reporter, calls.clone()), Status::UntimelyEvidence);
    let fee = main.harness.node.spec().minimum_fee(&calls).unwrap();
    let after = main.harness.record(&main.harness.address(2)).balance;
    assert_eq!(after.checked_add(fee), Some(before));
    let transaction = Transaction {
        sender: reporter.public(),
        nonce: 2,
        fee: Amount::ZERO,
        valid_until: Height(100),
        calls,
        memo: Vec::new(),
    };
    let free = transaction.sign(&main.harness.node.chain(), &reporter);
    let refused = main.harness.node.submit_now(&free);
    assert!(matches!(refused, Err(SubmitError::Transaction(TransactionError::FeeTooLow { .. }))));
}
