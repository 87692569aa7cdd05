//! Evidence outlives the process that found it, and travels to those who mint.

use light_client::{
    consensus::spos::{Evidence, Link, Triple, Vote},
    crypto::{Hash, KeyPair},
    data_format::{Checkpoint, Round, SignedTransaction},
    test_support::chain::test_key,
};

use super::{
    harness::{in_slot, keys},
    scene::{SLOTS, Scene, follow, hear, supernode},
};
use crate::{
    check::check,
    network::{Announcement, ChainPort, Taken},
    storage::{Batch, Space},
};

fn scene(positions: &[usize]) -> Scene {
    Scene::with_rules(|spos| spos.ban_rounds = 12, positions)
}

/// Two votes of a key for one round.
fn votes(scene: &Scene, round: u64, key: &KeyPair) -> [Vote; 2] {
    let triple = |id| Triple {
        checkpoint: Checkpoint { round: Round(round), id: Hash([id; 32]) },
        next_slots: Hash::ZERO,
    };
    [1, 2].map(|id| {
        let link = Link { source: triple(0), target: triple(id) };
        Vote::sign(link, &scene.harness.node.chain(), key).unwrap()
    })
}

fn report(votes: &[Vote; 2]) -> SignedTransaction {
    SignedTransaction::unsigned_report(Evidence::of_votes(&votes[0], &votes[1]).unwrap())
}

fn known(scene: &Scene) -> usize {
    scene.harness.snapshot().evidence().unwrap().len()
}

fn reports(announcements: &mut tokio::sync::broadcast::Receiver<Announcement>) -> Vec<SignedTransaction> {
    std::iter::from_fn(|| announcements.try_recv().ok())
        .filter_map(|what| match what {
            Announcement::Transaction(signed) => Some(*signed),
            _ => None,
        })
        .collect()
}

/// A chain of ten blocks, and the same at a node without keys that hears two votes of position 0.
fn witnessed() -> (Scene, Scene, SignedTransaction) {
    let (mut main, mut witness) = (scene(&[1, 2, 3]), scene(&[]));
    main.harness.steps(10);
    follow(&mut witness.harness, &main.harness, 10);
    witness.harness.slot = 10;
    let votes = votes(&main, 2, &keys(&[0])[0]);
    hear(&witness.harness, &votes, 10);
    assert_eq!((known(&witness), known(&main)), (1, 0));
    (main, witness, report(&votes))
}

#[test]
fn what_votes_prove_is_known_after_a_restart_and_told_to_those_who_mint() {
    let (mut main, mut witness, report) = witnessed();
    witness.harness = witness.harness.reopened_with(Vec::new(), in_slot(10));
    let evidence = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let evidence = evidence.block_on(witness.harness.node.evidence()).unwrap();
    assert_eq!(evidence.len(), 1);
    let mut announcements = ChainPort::announcements(&witness.harness.node);
    witness.harness.node.advance(in_slot(10)).unwrap();
    assert_eq!(reports(&mut announcements), std::slice::from_ref(&report));
    // Once a round, until it is settled: who heard it may have gone.
    witness.harness.node.advance(in_slot(11)).unwrap();
    assert_eq!(reports(&mut announcements), []);
    witness.harness.node.advance(in_slot(12)).unwrap();
    assert_eq!(reports(&mut announcements), std::slice::from_ref(&report));

    assert_eq!(ChainPort::take(&main.harness.node, &report, in_slot(10)).unwrap(), Taken::New);
    assert_eq!(ChainPort::take(&main.harness.node, &report, in_slot(10)).unwrap(), Taken::Known);
    assert_eq!(known(&main), 1);
    main.harness.step();
    let block = main.harness.block(main.harness.head().0);
    assert_eq!(block.transactions, std::slice::from_ref(&report));
    assert!(supernode(&main.harness, 0).ban.is_some());
    assert_eq!(ChainPort::take(&main.harness.node, &report, in_slot(11)).unwrap(), Taken::Unwanted);
    // Once the punishment is final nobody keeps it.
    main.settle();
    main.harness.steps(3 * SLOTS);
    assert_eq!(known(&main), 0);
    let slot = main.harness.slot;
    follow(&mut witness.harness, &main.harness, slot);
    witness.harness.node.advance(in_slot(slot)).unwrap();
    assert_eq!(known(&witness), 0);
    drop(reports(&mut announcements));
    witness.harness.node.advance(in_slot(slot + SLOTS)).unwrap();
    assert_eq!(reports(&mut announcements), []);
    main.harness.check_state();
    witness.harness.check_state();
}

#[test]
fn only_evidence_that_can_be_punished_is_taken_and_one_for_each_key() {
    let (main, _, report_of_2) = witnessed();
    let (node, culprit) = (&main.harness.node, &keys(&[0])[0]);
    let take = |report: &SignedTransaction| ChainPort::take(node, report, in_slot(10)).unwrap();
    // By nobody who could be punished, for a round that has not begun, and forged.
    assert_eq!(take(&report(&votes(&main, 2, &test_key(500)))), Taken::Unwanted);
    assert_eq!(take(&report(&votes(&main, 3, culprit))), Taken::Unwanted);
    let mut forged = votes(&main, 2, culprit);
    forged[1].signature = forged[0].signature;
    assert_eq!(take(&report(&forged)), Taken::Invalid);
    assert_eq!(known(&main), 0);
    assert_eq!(take(&report_of_2), Taken::New);
    // The other rounds in which it did the same add nothing: one punishment settles all.
    for round in [0, 1, 2] {
        assert_eq!(take(&report(&votes(&main, round, culprit))), Taken::Known);
    }
    assert_eq!(take(&report(&votes(&main, 1, &keys(&[3])[0]))), Taken::New);
    assert_eq!(known(&main), 2);
    // A node that stands still writes nothing.
    node.pause(Some("no room".to_owned()));
    assert_eq!(take(&report(&votes(&main, 1, &keys(&[2])[0]))), Taken::Unwanted);
    assert_eq!(known(&main), 2);
}

#[test]
fn stored_evidence_that_proves_nothing_is_found() {
    let (main, ..) = witnessed();
    let mut forged = votes(&main, 2, &keys(&[0])[0]);
    forged[1].signature = forged[0].signature;
    let mut batch = Batch::default();
    batch.evidence(&Evidence::of_votes(&forged[0], &forged[1]).unwrap());
    assert!(check(&main.harness.database, &mut |_| {}).unwrap().is_whole());
    main.harness.database.commit(batch).unwrap();
    let report = check(&main.harness.database, &mut |_| {}).unwrap();
    assert_eq!(report.findings.len(), 1);
    assert!(report.findings[0].to_string().contains("stored evidence"), "{}", report.findings[0]);
    assert_eq!(main.harness.snapshot().all(Space::Evidence).unwrap().len(), 1);
}
