//! A node that keeps the transactions of some blocks only: what is gone is gone, and said to be; the rest stays whole.

use light_client::data_format::Height;

use super::harness::{Harness, in_slot};
use crate::{
    block_tree::BlockError,
    check::check,
    export::{ExportError, export},
    network::ChainPort,
    node::{NodeError, ReceiptError, SubmitError, TransactionState},
    storage::{Batch, Space},
};

fn ask<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(answer)
}

#[test]
fn transactions_of_old_blocks_are_gone_and_everything_else_is_there() {
    let mut harness = Harness::keeping(1_000);
    let to = harness.address(3);
    let mut paid = Vec::new();
    for round in 0..280 {
        if round % 7 == 0 {
            paid.push((harness.head().next(), harness.pay(0, to, 5)));
        }
        harness.steps(4);
    }
    let head = harness.head();
    assert_eq!(head, Height(1_120));
    let snapshot = harness.snapshot();
    let from = snapshot.bodies_from().unwrap();
    assert_eq!(from, Height(head.0 - 1_000), "as many as were asked for");
    let mut pruned = 0;
    for (height, id) in &paid {
        let block = snapshot.at_height(*height).unwrap().unwrap();
        let kept = *height >= from;
        pruned += u32::from(!kept);
        assert_eq!(snapshot.block(&block).unwrap().is_some(), kept, "block {height}");
        assert_eq!(snapshot.outcomes(&block).unwrap()[0].id, *id, "outcomes are kept");
        let TransactionState::Included { signed, is_final: true, .. } =
            ask(harness.node.transaction(*id)).unwrap()
        else {
            panic!("it is in a final block")
        };
        assert_eq!(signed.is_some(), kept);
        let view = ask(harness.node.block(*height)).unwrap().unwrap();
        assert_eq!((view.is_kept, view.outcomes.len()), (kept, 1));
        assert!(ask(harness.node.transaction_bundle(*id, None)).unwrap().is_some(), "and still proven");
        let receipt = ask(harness.node.receipt(*id, None));
        let gone =
            matches!(receipt, Err(ReceiptError::Node(NodeError::NotKept { from: kept, .. })) if kept == from);
        assert_eq!((receipt.is_ok(), gone), (kept, !kept), "a receipt shows the transaction itself");
        let given = ChainPort::blocks(&harness.node, &[block], usize::MAX).unwrap();
        assert_eq!(given.len(), usize::from(kept), "peers get what there is");
    }
    assert!(pruned > 3 && paid.len() as u32 > pruned + 3);
    // Some record of history names a transaction that is gone.
    assert!(ask(harness.node.history_page(to, 10, 10)).is_ok());

    let report = check(&harness.database, &mut |_| ()).unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    assert_eq!(report.totals.bodies_from, from);
    assert_eq!(report.totals.transactions, paid.len() as u64, "counted by their outcomes");
    let mut out = Vec::new();
    let refused = export(&harness.database, Height(from.0 - 1), None, &mut out).unwrap_err();
    assert!(matches!(refused, ExportError::NotKept { kept, .. } if kept == from), "{refused}");
    assert_eq!(export(&harness.database, from, None, &mut out).unwrap(), 1_001);

    // Above that height nothing may be missing.
    let (height, _) = paid.last().unwrap();
    let block = snapshot.at_height(*height).unwrap().unwrap();
    let mut damage = Batch::default();
    damage.remove(Space::Bodies, [block.as_bytes().as_slice(), &0_u32.to_be_bytes()].concat());
    harness.database.commit(damage).unwrap();
    let report = check(&harness.database, &mut |_| ()).unwrap();
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
}

#[test]
fn a_node_that_keeps_all_keeps_all() {
    let mut harness = Harness::new();
    harness.pay(0, harness.address(1), 1);
    harness.steps(1_000);
    assert_eq!(harness.snapshot().bodies_from().unwrap(), Height(0));
    assert_eq!(harness.block(1).transactions.len(), 1);
}

#[test]
fn a_paused_node_writes_nothing_and_goes_on() {
    let mut harness = Harness::new();
    harness.steps(3);
    let mut other = Harness::new();
    other.steps(4);
    let next = other.block(4);
    harness.node.pause(Some("the disk is full".to_owned()));
    harness.step();
    assert_eq!(harness.head(), Height(3), "it does not mint");
    assert_eq!(harness.node.status().halted.as_deref(), Some("the disk is full"));
    let taken = harness.node.insert(&next, in_slot(4));
    assert!(matches!(&taken, Err(BlockError::Halted(why)) if why == "the disk is full"), "{taken:?}");
    assert!(taken.is_err_and(|error| error.is_fault()), "whoever sent it is not blamed");
    let payment = harness.transfer(0, 0, harness.address(1), 5);
    let refused = harness.node.submit_now(&payment);
    assert!(matches!(refused, Err(SubmitError::Node(NodeError::Paused(_)))), "{refused:?}");
    assert!(ask(harness.node.block(Height(2))).unwrap().is_some(), "it still answers");

    harness.node.pause(None);
    harness.slot = 3;
    harness.steps(2);
    assert_eq!((harness.head(), harness.node.status().halted), (Height(5), None));
    harness.node.submit_now(&payment).unwrap();
}
