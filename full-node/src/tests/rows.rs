//! Blocks in a row become what they become one by one.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use light_client::{
    consensus::spos::Block,
    data_format::{Address, Amount, Call, CoinCall, Height, LeaseCall, Status, UNITS_PER_COIN},
    state::{NodeStore, StoredNode},
    test_support::chain::test_key,
};

use super::{
    branches::{Fork, fork},
    crashes::DyingDisk,
    harness::{Harness, found, in_slot, keys, retention, spec},
    scene::{STRANGER, Scene},
    simulation::Disk,
};
use crate::{
    block_tree::BlockError,
    network::Certainty,
    node::Event,
    storage::{Database, RedbStorage, Space, Storage},
};

fn giver() -> Harness {
    giver_of(30)
}

fn giver_of(blocks: u64) -> Harness {
    let mut giver = Harness::new();
    for _ in 0..blocks {
        for account in 1..4 {
            giver.pay(account, giver.address(0), 5);
        }
        giver.step();
    }
    giver
}

/// A node without keys over what a disk holds or is to hold.
fn taker(storage: Arc<dyn Storage>) -> Harness {
    Harness::restored(Database::over(storage, &retention()).unwrap())
}

#[test]
fn a_row_leads_where_its_blocks_lead() {
    let giver = giver();
    for certainty in [Certainty::Open, Certainty::Final(Height(30))] {
        let blocks: Vec<_> = (1..=30).map(|height| giver.block(height)).collect();
        let (mut single, row) = (Harness::with_keys(&[]), Harness::with_keys(&[]));
        single.take(&blocks, 30);
        let inserted = row.take_row(&blocks, certainty, 30);
        assert!(inserted.len() == 30 && inserted.iter().all(Result::is_ok), "{inserted:?}");
        assert_eq!(row.node.status().head, single.node.status().head);
        assert_eq!(row.node.status().final_block, giver.node.status().final_block);
        assert_eq!(row.indexes(), single.indexes());
        row.check_state();
        // Known blocks change nothing.
        let since_final = usize::try_from(row.node.status().final_block.height.0).unwrap();
        assert!(row.take_row(&blocks[since_final..], certainty, 30).iter().all(Result::is_ok));
        assert_eq!(row.node.status().head, single.node.status().head);
    }
}

#[test]
fn a_wrong_signature_in_a_row_is_found_in_its_turn() {
    let giver = giver();
    for certainty in [Certainty::Open, Certainty::Final(Height(30))] {
        let mut blocks: Vec<_> = (1..=30).map(|height| giver.block(height)).collect();
        blocks[12].transactions[1].signature.0[5] ^= 1;
        let row = Harness::with_keys(&[]);
        let inserted = row.take_row(&blocks, certainty, 30);
        assert!(inserted[..12].iter().all(Result::is_ok));
        assert!(matches!(inserted[12], Err(BlockError::Transaction { index: 1, .. })), "{:?}", inserted[12]);
        assert!(inserted[13..].iter().all(|next| matches!(next, Err(BlockError::Tree(_)))));
        assert_eq!(row.head(), Height(12));
        row.check_state();
        // The honest block has the same id, and is taken.
        let rest: Vec<_> = (13..=30).map(|height| giver.block(height)).collect();
        assert!(row.take_row(&rest, certainty, 30).iter().all(Result::is_ok));
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
        assert!(row.take_row(&blocks, Certainty::Open, 9).iter().all(Result::is_ok));
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

/// Blocks of a row that is written to disk while the next one is executed.
const LONG: u64 = 80;

#[test]
fn states_that_will_not_be_retained_go_before_the_disk_hears_of_them() {
    let giver = giver_of(3 * LONG);
    let blocks: Vec<Block> = (1..=3 * LONG).map(|height| giver.block(height)).collect();
    let disk = Arc::new(RedbStorage::in_memory(&retention()).unwrap());
    let certainty = Certainty::Final(Height(3 * LONG));
    let row = taker(disk.clone());
    for part in blocks[..2 * LONG as usize].chunks(LONG as usize) {
        assert!(row.take_row(part, certainty, 3 * LONG).iter().all(Result::is_ok));
        row.check_state();
    }
    assert_eq!(row.head(), Height(2 * LONG));
    let kept = |harness: &Harness| {
        let snapshot = harness.snapshot();
        let id = |height| snapshot.at_height(Height(height)).unwrap().unwrap();
        let kept = |height: &u64| snapshot.version(&id(*height)).unwrap().is_some();
        (0..=harness.head().0).filter(kept).collect::<Vec<u64>>()
    };
    let last = row.node.status().final_block.height.0;
    assert!(last > 2 * LONG - 20, "{last}");
    assert_eq!(kept(&row), (last..=2 * LONG).collect::<Vec<u64>>());

    // The disk has what it would have if each had been written by itself, and nothing of what went before it was written.
    row.database.write_waiting().unwrap();
    drop(row);
    let row = taker(disk.clone());
    assert_eq!((row.head(), kept(&row)), (Height(2 * LONG), (last..=2 * LONG).collect()));
    row.check_state();
    let mut single = Harness::restored(Database::open(None, &retention()).unwrap());
    single.take(&blocks[..2 * LONG as usize], 2 * LONG);
    assert_eq!((row.indexes(), row.state_root()), (single.indexes(), single.state_root()));
    let nodes = |harness: &Harness| {
        let snapshot = harness.snapshot();
        let mut reached = BTreeSet::new();
        for height in kept(harness) {
            let id = snapshot.at_height(Height(height)).unwrap().unwrap();
            let mut open = vec![snapshot.version(&id).unwrap().unwrap().root.id.unwrap()];
            while let Some(id) = open.pop() {
                if !reached.insert(id) {
                    continue;
                }
                if let StoredNode::Inner { children, .. } = &*snapshot.nodes().node(id).unwrap() {
                    open.extend(children.iter().map(|child| child.id.unwrap()));
                }
            }
        }
        reached.len()
    };
    assert_eq!(row.snapshot().count_nodes().unwrap(), nodes(&row), "every node on disk is one of a version");
    single.database.write_waiting().unwrap();
    assert!(row.snapshot().count_nodes().unwrap() < single.snapshot().count_nodes().unwrap() / 2);

    // From the block on that was expected they are retained, in rows as one by one.
    let mut row = row;
    let (some, rest) = blocks[2 * LONG as usize..].split_at(LONG as usize / 2);
    let certainty = Certainty::Final(Height(last));
    assert!(row.take_row(some, certainty, 3 * LONG).iter().all(Result::is_ok));
    row.take(rest, 3 * LONG);
    assert_eq!(kept(&row), (last..=3 * LONG).collect::<Vec<u64>>());
    assert_eq!(row.state_root(), giver.state_root());
    row.check_state();
}

#[test]
fn a_long_row_of_leases_and_slots_leads_where_they_lead_one_by_one() {
    let mut scene = Scene::new();
    scene.endow(18_000_000);
    let (lessor, supernode) = (scene.holder(1), scene.harness.address(0));
    let amount = |units: u64| Amount(units * UNITS_PER_COIN);
    let mut statuses = BTreeSet::new();
    while scene.harness.head().0 < LONG {
        let turn = scene.harness.head().0;
        let call = match turn % 4 {
            0 => Call::Lease(LeaseCall::Lease { to: supernode, amount: amount(turn + 5) }),
            1 => Call::Lease(LeaseCall::Cancel { from: supernode, amount: amount(3) }),
            2 => Call::Lease(LeaseCall::Claim { from: supernode }),
            _ => Call::Coin(CoinCall::Transfer { to: supernode, amount: amount(2) }),
        };
        statuses.insert(scene.run(&lessor, vec![call]) == Status::Success);
        if scene.harness.head().0 == LONG / 2 {
            let calls = scene.contend(2, &test_key(78), &scene.stranger());
            assert_eq!(scene.run(&test_key(STRANGER), calls), Status::Success);
        }
    }
    assert!(statuses.contains(&true) && scene.holders().contains(&Some(scene.stranger())));
    let giver = scene.harness;
    let blocks: Vec<Block> = (1..=giver.head().0).map(|height| giver.block(height)).collect();
    let (mut single, row) = (Harness::with_keys(&[]), Harness::with_keys(&[]));
    single.take(&blocks, giver.slot);
    let inserted = row.take_row(&blocks, Certainty::Final(giver.head()), giver.slot);
    assert!(inserted.iter().all(Result::is_ok), "{inserted:?}");
    assert_eq!((row.indexes(), row.state_root()), (single.indexes(), single.state_root()));
    row.check_state();
    // They were taken as one: what happened to an account in all of them is kept together.
    let parts = |harness: &Harness| harness.snapshot().count(Space::History).unwrap();
    assert!(parts(&row) < parts(&single) / 2, "{} and {}", parts(&row), parts(&single));
}

#[test]
fn a_long_row_with_a_wrong_block_is_taken_up_to_it() {
    let giver = giver_of(LONG);
    let blocks: Vec<Block> = (1..=LONG).map(|height| giver.block(height)).collect();
    let certainty = Certainty::Final(Height(LONG));
    let wrong = LONG as usize - 9;
    let faults: [fn(&mut Block); 3] = [
        |block| block.transactions[1].signature.0[5] ^= 1,
        |block| block.header.seal.0[5] ^= 1,
        |block| drop(block.transactions.pop()),
    ];
    for fault in faults {
        let mut blocks = blocks.clone();
        fault(&mut blocks[wrong]);
        let row = Harness::with_keys(&[]);
        let inserted = row.take_row(&blocks, certainty, LONG);
        assert!(inserted[..wrong].iter().all(Result::is_ok));
        assert!(!matches!(inserted[wrong], Ok(()) | Err(BlockError::Tree(_))), "{:?}", inserted[wrong]);
        assert!(inserted[wrong + 1..].iter().all(|next| matches!(next, Err(BlockError::Tree(_)))));
        assert_eq!(row.head(), Height(wrong as u64));
        row.check_state();
        let rest: Vec<Block> = (wrong as u64 + 1..=LONG).map(|height| giver.block(height)).collect();
        assert!(row.take_row(&rest, certainty, LONG).iter().all(Result::is_ok));
        assert_eq!((row.state_root(), row.node.status().halted), (giver.state_root(), None));
        row.check_state();
    }
}

#[test]
fn a_long_row_from_another_branch_is_taken_too() {
    let giver = giver_of(LONG);
    let blocks: Vec<Block> = (1..=LONG).map(|height| giver.block(height)).collect();
    let mut row = Harness::new();
    row.pay(0, row.address(1), 9);
    row.step();
    assert_ne!(row.block(1), blocks[0]);
    assert!(row.take_row(&blocks, Certainty::Final(Height(LONG)), LONG).iter().all(Result::is_ok));
    assert_eq!(row.state_root(), giver.state_root());
    assert_eq!(row.node.status().pool_transactions, 1, "what was in the other block waits again");
    row.check_state();
}

#[test]
fn what_a_row_undoes_and_drops_waits_whenever_the_node_is_killed() {
    let mut others = Harness::with_keys(&[0, 2, 3]);
    others.steps(16);
    assert!(others.node.status().final_block.height > Height(0));
    let blocks: Vec<Block> = (1..=others.head().0).map(|height| others.block(height)).collect();
    let open = |database: &Database, slot| {
        Harness::loading(database, &spec(), &[], keys(&[1]), in_slot(slot)).unwrap()
    };
    let mut untold = 0;
    for syncs in 0.. {
        let disk = Disk::default();
        let database = disk.open();
        found(&database, &spec(), &keys(&[1]));
        let mut row = open(&database, 0);
        let id = row.pay(0, row.address(3), 5);
        row.step();
        let own = row.block(1).header.header.id();
        disk.kill_after(syncs);
        let is_whole = row.take_row(&blocks, Certainty::Open, 16).iter().all(Result::is_ok);
        disk.kill();
        drop((row, database));

        let mut row = open(&disk.open(), 16);
        let is_dropped = row.snapshot().header(&own).unwrap().is_none();
        assert_eq!(row.node.status().pool_transactions, usize::from(is_dropped), "after {syncs} syncs");
        row.step();
        assert!(row.snapshot().inclusion(&id).unwrap().is_some(), "after {syncs} syncs");
        row.check_state();
        if is_whole {
            assert!(is_dropped);
            break;
        }
        untold += usize::from(is_dropped);
    }
    assert!(untold > 0, "none was killed after the row was on disk");
}

#[test]
fn a_disk_that_dies_behind_a_long_row_stops_the_chain_and_loses_only_what_can_be_fetched_again() {
    let giver = giver_of(3 * LONG + 5);
    let blocks: Vec<Block> = (1..=3 * LONG + 5).map(|height| giver.block(height)).collect();
    let certainty = Certainty::Final(Height(3 * LONG + 5));
    let on_disk = |disk: &Arc<RedbStorage>| {
        Database::over(disk.clone(), &retention()).unwrap().read().unwrap().head().unwrap()
    };
    for (commits, after) in [(0, false), (0, true), (1, false), (1, true)] {
        let disk = Arc::new(RedbStorage::in_memory(&retention()).unwrap());
        drop(taker(disk.clone()));
        let row = taker(Arc::new(DyingDisk::new(disk.clone(), commits, after)));
        let mut taken = 0;
        let failed = blocks.chunks(LONG as usize).find_map(|part| {
            let inserted = row.take_row(part, certainty, 4 * LONG);
            taken += inserted.iter().filter(|next| next.is_ok()).count() as u64;
            // The first row waits a second for more, and goes to disk by itself.
            while taken == LONG && commits > 0 && on_disk(&disk) != row.snapshot().head().unwrap() {
                std::thread::sleep(Duration::from_millis(20));
            }
            inserted.into_iter().find_map(Result::err)
        });
        // What a dead disk was told is heard of with a later row, with the short one at the end at last, which waits for it.
        let failed = failed.unwrap();
        assert!(matches!(failed, BlockError::Halted(_)), "{failed}");
        assert!(row.node.status().halted.is_some());
        drop(row);

        let row = taker(disk.clone());
        // One commit takes whole rows, those that are there when its turn comes.
        assert!(row.head().0 >= (commits + u64::from(after)) * LONG, "after {commits} commits");
        assert!(row.head().0 <= taken + 5 && [0, 5].contains(&(row.head().0 % LONG)), "{}", row.head());
        row.check_state();
        let rest = &blocks[usize::try_from(row.head().0).unwrap()..];
        assert!(row.take_row(rest, certainty, 4 * LONG).iter().all(Result::is_ok));
        assert_eq!(row.state_root(), giver.state_root());
        row.check_state();
        assert!(!disk.read().unwrap().range(Space::Nodes, &[], &[0xff; 9], 1).unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_waits_is_on_disk_when_the_node_was_shut_down() {
    let giver = giver_of(LONG);
    let blocks: Vec<Block> = (1..=LONG).map(|height| giver.block(height)).collect();
    let disk = Arc::new(RedbStorage::in_memory(&retention()).unwrap());
    let row = taker(disk.clone());
    assert!(row.take_row(&blocks, Certainty::Final(Height(LONG)), LONG).iter().all(Result::is_ok));
    row.node.shutdown().await;
    assert_eq!(Database::over(disk, &retention()).unwrap().read().unwrap().head(), row.snapshot().head());
}
