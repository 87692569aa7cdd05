//! Blocks in a row become what they become one by one.

use light_client::data_format::{Address, Height};

use super::{
    branches::{Fork, fork},
    harness::{Harness, in_slot},
};
use crate::{block_tree::BlockError, network::Certainty, node::Event};

fn giver() -> Harness {
    let mut giver = Harness::new();
    for _ in 0..30 {
        for account in 1..4 {
            giver.pay(account, giver.address(0), 5);
        }
        giver.step();
    }
    giver
}

#[test]
fn a_row_leads_where_its_blocks_lead() {
    let giver = giver();
    for certainty in [Certainty::Open, Certainty::Final] {
        let blocks: Vec<_> = (1..=30).map(|height| giver.block(height)).collect();
        let (mut single, row) = (Harness::with_keys(&[]), Harness::with_keys(&[]));
        single.take(&blocks, 30);
        let inserted = row.node.insert_row(&blocks, certainty, in_slot(30));
        assert!(inserted.len() == 30 && inserted.iter().all(Result::is_ok), "{inserted:?}");
        assert_eq!(row.node.status().head, single.node.status().head);
        assert_eq!(row.node.status().final_block, giver.node.status().final_block);
        assert_eq!(row.indexes(), single.indexes());
        row.check_state();
        // Known blocks change nothing.
        let since_final = usize::try_from(row.node.status().final_block.height.0).unwrap();
        assert!(
            row.node.insert_row(&blocks[since_final..], certainty, in_slot(30)).iter().all(Result::is_ok)
        );
        assert_eq!(row.node.status().head, single.node.status().head);
    }
}

#[test]
fn a_wrong_signature_in_a_row_is_found_in_its_turn() {
    let giver = giver();
    for certainty in [Certainty::Open, Certainty::Final] {
        let mut blocks: Vec<_> = (1..=30).map(|height| giver.block(height)).collect();
        blocks[12].transactions[1].signature.0[5] ^= 1;
        let row = Harness::with_keys(&[]);
        let inserted = row.node.insert_row(&blocks, certainty, in_slot(30));
        assert!(inserted[..12].iter().all(Result::is_ok));
        assert!(matches!(inserted[12], Err(BlockError::Transaction { index: 1, .. })), "{:?}", inserted[12]);
        assert!(inserted[13..].iter().all(|next| matches!(next, Err(BlockError::Tree(_)))));
        assert_eq!(row.head(), Height(12));
        row.check_state();
        // The honest block has the same id, and is taken.
        let rest: Vec<_> = (13..=30).map(|height| giver.block(height)).collect();
        assert!(row.node.insert_row(&rest, certainty, in_slot(30)).iter().all(Result::is_ok));
        assert_eq!(row.head(), Height(30));
    }
}

#[test]
fn a_row_that_leaves_its_own_blocks_leads_where_they_lead_one_by_one() {
    let Fork { a, b } = fork();
    // A payment of a branch that is left, and not in the one that is taken.
    let mut left = Harness::with_keys(&[0, 1]);
    left.pay(2, left.address(0), 5);
    left.step();
    let mut taken = Harness::with_keys(&[2, 3]);
    taken.slot = 1;
    taken.steps(2);
    let rows = [
        (vec![left.block(1), taken.block(1), taken.block(2)], 1, 1),
        ([&a[..1], &b].concat(), 1, 0),
        ([&a[..1], &b, &a[1..]].concat(), 3, 0),
    ];
    for (blocks, undone, pending) in rows {
        let (mut single, row) = (Harness::with_keys(&[]), Harness::with_keys(&[]));
        let mut told = row.node.subscribe();
        single.take(&blocks, 9);
        assert!(row.node.insert_row(&blocks, Certainty::Open, in_slot(9)).iter().all(Result::is_ok));
        assert_eq!((row.indexes(), row.state_root()), (single.indexes(), single.state_root()));
        row.check_state();
        for harness in [&single, &row] {
            assert_eq!(harness.node.status().pool_transactions, pending);
        }
        // It is told once, as one move of the head.
        let moves: Vec<_> = std::iter::from_fn(|| told.try_recv().ok())
            .filter_map(|event| match event {
                Event::Block { block, undone, touched, .. } => Some((block.height, undone, touched)),
                _ => None,
            })
            .collect();
        let [(height, told, touched)] = &moves[..] else { panic!("{moves:?}") };
        assert_eq!((*height, *told), (single.head(), undone));
        let network = row.node.spec().network;
        let payers = blocks.iter().flat_map(|block| &block.transactions);
        for payer in payers.map(|signed| Address::of(&signed.transaction.sender, network)) {
            assert!(touched.contains(&payer));
        }
    }
}
