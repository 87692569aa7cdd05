//! Blocks in a row become what they become one by one.

use light_client::data_format::Height;

use super::harness::{Harness, in_slot};
use crate::{block_tree::BlockError, network::Certainty};

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
