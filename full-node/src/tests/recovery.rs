//! Half of the holders is gone for good, and the operators decide how to go on.

use light_client::{
    client::{Anchor, Bundle, Trusted},
    consensus::{
        AnchorError, engine,
        spos::{Evidence, Tables},
    },
    crypto::{Hash, KeyPair},
    data_format::{BlockId, Call, ChainSpec, Height, Holder, Round, SlotTable, Status, SupernodeCall},
    test_support::chain::test_key,
};

use super::{
    harness::{Harness, in_slot, keys, retention, spec},
    scene::{Scene, supernode, votes},
    simulation::Disk,
};
use crate::{
    block_tree::{BlockError, RecoveryError, RecoveryStage},
    check::check,
    network::{ChainPort, sync::Verdict},
    node::{NodeError, OpenError},
    storage::{Database, LoadError, Recovery},
};

/// The number of the new key.
const NEW: u64 = 90;
/// The slot in which everybody stops.
const STOPPED: u64 = 60;
/// When the recovery begins: two rounds later.
const ROUND: u64 = 17;

/// A chain of four slots of which two are lost in slot 20: it stands in slot 60.
fn stuck() -> Harness {
    stuck_in(Database::open(None, &retention()).unwrap())
}

/// The same in a database.
fn stuck_in(database: Database) -> Harness {
    let mut harness = Harness::over_database(database);
    harness.steps(20);
    let mut harness = harness.reopened_with(keys(&[0, 1]), in_slot(20));
    harness.slot = 20;
    let before = harness.node.status().final_block;
    harness.steps(STOPPED - 20);
    let status = harness.node.status();
    assert_eq!(status.final_block, before, "finality stands still");
    assert!(status.head.height.0 > before.height.0 + 16, "and blocks go on");
    harness
}

/// From the block of this height on the first two holders stay, the fourth comes back with a new key, in the third slot, and
/// one slot is vacant.
fn recovery(harness: &Harness, round: u64, height: u64) -> Recovery {
    let mut slots = genesis_slots();
    let minting_key = Hash(*test_key(NEW).public().as_bytes());
    slots.0[2] = slots.0[3].take().map(|holder| Holder { minting_key, ..holder });
    let block = harness.block(height).header.header.id();
    Recovery { round: Round(round), height: Height(height), block, slots }
}

fn genesis_slots() -> SlotTable {
    spec().engine.spos().unwrap().slots.clone()
}

fn all_keys() -> Vec<KeyPair> {
    keys(&[0, 1]).into_iter().chain([test_key(NEW)]).collect()
}

/// Four blocks before the newest one.
fn usual(harness: &Harness) -> Recovery {
    recovery(harness, ROUND, harness.head().0 - 4)
}

fn load(harness: Harness, recoveries: &[Recovery], keys: Vec<KeyPair>) -> Result<Harness, OpenError> {
    let database = harness.database.clone();
    drop(harness);
    Harness::loading(&database, &spec(), recoveries, keys, in_slot(STOPPED))
}

fn recovered() -> (Harness, Recovery) {
    let harness = stuck();
    let recovery = usual(&harness);
    (load(harness, std::slice::from_ref(&recovery), all_keys()).unwrap(), recovery)
}

fn stage(harness: &Harness) -> RecoveryStage {
    harness.node.status().recoveries[0].stage
}

#[test]
fn finality_goes_on_with_the_new_table() {
    let (mut harness, recovery) = recovered();
    let status = harness.node.status();
    assert_eq!((status.head.id, status.final_block.id), (recovery.block, recovery.block));
    assert_eq!(
        (status.rounds.unwrap().justified, stage(&harness)),
        (recovery.checkpoint(), RecoveryStage::TookEffect)
    );
    assert_eq!(status.chain, spec().id(), "it is the same chain");
    harness.check_state();
    harness.steps(ROUND * 4 - STOPPED - 1);
    assert_eq!(harness.head(), recovery.height, "the block stays the last one before the round");
    for _ in 0..24 {
        harness.step();
        harness.check_state();
    }
    let status = harness.node.status();
    assert_eq!(status.head.height.0, recovery.height.0 + 18, "three of four slots");
    assert!(status.final_block.slot.0 >= (ROUND + 3) * 4, "{status:?}");
    let newcomer = harness.block(recovery.height.0 + 3).header.header;
    assert_eq!(newcomer.slot.0 % 4, 2, "who comes new mints");
    let report = check(&harness.database, &mut |_| ()).unwrap();
    assert!(report.is_whole(), "{:?}", report.findings);
    // It goes on from its folder, with the recovery in its file and not without.
    let (height, slot) = (harness.head(), harness.slot);
    let database = harness.database.clone();
    drop(harness);
    let mut harness =
        Harness::loading(&database, &spec(), std::slice::from_ref(&recovery), all_keys(), in_slot(slot))
            .unwrap();
    assert_eq!(harness.head(), height);
    harness.steps(12);
    assert!(harness.node.status().final_block.height > height);
    drop(harness);
    for without in [vec![], vec![Recovery { slots: genesis_slots(), ..recovery }]] {
        let refused = Harness::loading(&database, &spec(), &without, vec![], in_slot(slot + 12));
        assert!(matches!(refused.err().unwrap(), OpenError::Load(LoadError::Missing { .. })));
    }
}

#[test]
fn who_loaded_no_recovery_refuses_in_words_and_goes_on() {
    let harness = stuck();
    let recovery = usual(&harness);
    let height = recovery.height.0;
    let beside = harness.block(height + 1);
    let before: Vec<_> = (1..=height).map(|height| harness.block(height)).collect();
    let mut harness = load(harness, std::slice::from_ref(&recovery), all_keys()).unwrap();
    let verdict = |node: &Harness, block| ChainPort::insert(&node.node, block, in_slot(80)).verdict;
    let words = harness.node.insert(&beside, in_slot(STOPPED)).unwrap_err();
    assert!(matches!(words, BlockError::BesideRecovery { block, .. } if block == recovery.block), "{words}");
    assert_eq!(verdict(&harness, &beside), Verdict::Unfit, "nobody is punished for it");
    // And the other way round.
    harness.steps(20);
    let child = harness.block(height + 1);
    let mut apart = Harness::with_keys(&[]);
    apart.take(&before, STOPPED);
    let words = apart.node.insert(&child, in_slot(80)).unwrap_err();
    assert!(words.to_string().contains("may have agreed on a recovery"), "{words}");
    assert!(!words.is_fault());
    assert_eq!(verdict(&apart, &child), Verdict::Unfit);
    apart.take(std::slice::from_ref(&beside), STOPPED);
    assert_eq!(apart.head().0, height + 1);
}

#[test]
fn a_node_that_starts_from_nothing_follows_the_recovery() {
    let (mut harness, recovery) = recovered();
    harness.steps(40);
    let blocks: Vec<_> = (1..=harness.head().0).map(|height| harness.block(height)).collect();
    let database = Database::open(None, &retention()).unwrap();
    let now = in_slot(100);
    let mut other =
        Harness::loading(&database, &spec(), std::slice::from_ref(&recovery), vec![], now).unwrap();
    let place = usize::try_from(recovery.height.0).unwrap();
    other.take(&blocks[..place - 1], 100);
    assert_eq!(stage(&other), RecoveryStage::Waits);
    other.take(&blocks[place - 1..place], 100);
    let status = other.node.status();
    assert_eq!((stage(&other), status.final_block.id), (RecoveryStage::TookEffect, recovery.block));
    other.take(&blocks[place..], 100);
    assert_eq!(other.node.status().head, harness.node.status().head);
    assert_eq!(other.node.status().final_block, harness.node.status().final_block);
    other.check_state();
}

#[test]
fn what_does_not_fit_is_refused_at_the_start() {
    let harness = stuck();
    let (good, status) = (usual(&harness), harness.node.status());
    let database = harness.database.clone();
    let buried = harness.block(3).header.header.id();
    drop(harness);
    let refused =
        |recovery: Recovery| match Harness::loading(&database, &spec(), &[recovery], vec![], in_slot(60)) {
            Err(OpenError::Recovery(error)) => error,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("loaded"),
        };
    let unknown = refused(Recovery { block: Hash([7; 32]), ..good.clone() });
    assert!(matches!(unknown, RecoveryError::Unknown { .. }), "{unknown}");
    let buried = refused(Recovery { block: buried, height: Height(3), ..good.clone() });
    assert!(matches!(buried, RecoveryError::AgainstFinal { .. }), "{buried}");
    let strange = refused(Recovery { block: Hash([7; 32]), height: Height(3), ..good.clone() });
    assert!(matches!(strange, RecoveryError::AgainstFinal { .. }), "{strange}");
    let past = refused(Recovery { round: Round(2), ..good.clone() });
    assert!(matches!(past, RecoveryError::TooEarly { .. }), "{past}");
    let other = refused(Recovery { height: good.height.next(), ..good.clone() });
    assert!(matches!(other, RecoveryError::OtherHeight { .. }), "{other}");
    let mut slots = good.slots.clone();
    slots.0.pop();
    let short = refused(Recovery { slots, ..good.clone() });
    assert!(matches!(short, RecoveryError::SlotCount { expected: 4, found: 3, .. }), "{short}");
    let twice = [good.clone(), Recovery { round: Round(ROUND + 1), ..good.clone() }];
    let refused = Harness::loading(&database, &spec(), &twice, vec![], in_slot(60)).err().unwrap();
    assert!(matches!(refused, OpenError::Load(LoadError::Order(Round(18)))), "{refused}");
    // Nothing happened by all that.
    let harness = Harness::loading(&database, &spec(), &[], vec![], in_slot(60)).unwrap();
    let now = harness.node.status();
    assert_eq!((now.head, now.final_block), (status.head, status.final_block));
}

#[test]
fn keys_that_voted_in_later_rounds_do_not_vote_against_it() {
    let mut harness = Harness::new();
    harness.steps(20);
    let mut harness = harness.reopened_with(keys(&[0, 1]), in_slot(20));
    harness.slot = 20;
    let mut announcements = harness.node.announcements();
    harness.steps(STOPPED - 20);
    let before = votes(&mut announcements);
    assert_eq!(before.iter().map(|vote| vote.link.target.checkpoint.round.0).max(), Some(14));
    // As of round 10, which is long past: its checkpoint is of slot 37.
    let mut height = harness.head().0;
    while harness.block(height).header.header.slot.0 >= 40 {
        height -= 1;
    }
    let mut recovery = recovery(&harness, 10, height);
    recovery.slots.0[2] = None;
    let mut harness = load(harness, std::slice::from_ref(&recovery), keys(&[0, 1])).unwrap();
    let mut announcements = harness.node.announcements();
    harness.steps(24);
    let after = votes(&mut announcements);
    assert_eq!(after.iter().map(|vote| vote.link.target.checkpoint.round.0).min(), Some(16));
    let pairs = before.iter().flat_map(|one| after.iter().map(move |other| (one, other)));
    assert!(pairs.into_iter().all(|(one, other)| Evidence::of_votes(one, other).is_none()));
    assert!(harness.node.status().final_block.slot.0 > STOPPED, "{:?}", harness.node.status());
}

#[test]
fn what_was_planned_or_waited_before_is_dropped() {
    let mut scene = Scene { harness: stuck() };
    let release = || vec![Call::Supernode(SupernodeCall::Release)];
    for owner in [1, 0] {
        let key = scene.holder(owner);
        assert_eq!(scene.run(&key, release()), Status::Success);
    }
    assert!(scene.tables().1.is_some_and(|planned| planned.0[1].is_none()), "one is planned");
    assert_ne!(supernode(&scene.harness, 0).waiting, 0, "the other one waits");
    let (height, slot) = (scene.harness.head().0, scene.harness.slot);
    let recovery = recovery(&scene.harness, slot / 4 + 1, height);
    let database = scene.harness.database.clone();
    drop(scene);
    let harness =
        Harness::loading(&database, &spec(), std::slice::from_ref(&recovery), all_keys(), in_slot(slot))
            .unwrap();
    let mut scene = Scene { harness };
    scene.harness.steps(16);
    assert_eq!(scene.tables(), (recovery.slots, None));
    assert_eq!(supernode(&scene.harness, 0).waiting, 0);
    scene.harness.check_state();
}

#[test]
fn what_a_recovery_undoes_waits_whenever_the_node_is_killed() {
    let stopped = Disk::default();
    let mut harness = stuck_in(stopped.open());
    let id = harness.pay(2, harness.address(3), 7);
    harness.step();
    assert!(harness.snapshot().inclusion(&id).unwrap().is_some());
    let recovery = usual(&harness);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(harness.node.shutdown());
    assert!(harness.snapshot().waiting().unwrap().is_empty());
    drop(harness);

    let load = |database: &Database| {
        let recoveries = std::slice::from_ref(&recovery);
        Harness::loading(database, &spec(), recoveries, all_keys(), in_slot(STOPPED + 1))
    };
    let mut untold = 0;
    for syncs in 0.. {
        let disk = stopped.backup();
        let database = disk.open();
        disk.kill_after(syncs);
        let is_whole = load(&database).is_ok();
        disk.kill();
        drop(database);

        let database = disk.open();
        let took_effect = !database.read().unwrap().recoveries_done().unwrap().is_empty();
        let mut harness = load(&database).unwrap();
        assert_eq!(harness.node.status().head.id, recovery.block);
        assert_eq!(harness.node.status().pool_transactions, 1, "after {syncs} syncs");
        harness.steps(ROUND * 4 - STOPPED);
        assert!(harness.snapshot().inclusion(&id).unwrap().is_some(), "after {syncs} syncs");
        harness.check_state();
        if is_whole {
            break;
        }
        untold += usize::from(took_effect);
    }
    assert!(untold > 0, "none was killed after the recovery was on disk");
}

#[test]
fn a_light_client_follows_from_a_checkpoint_after_the_recovery() {
    let (mut harness, recovery) = recovered();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let anchor = |harness: &Harness, held: BlockId| {
        let bytes = runtime.block_on(harness.node.anchor(Some(held)))?;
        Ok::<_, NodeError>(Anchor::from_bytes(&bytes).unwrap())
    };
    let spec: ChainSpec = (**harness.node.spec()).clone();
    let genesis = Trusted::genesis(harness.node.genesis(), Tables::at_genesis(&spec).unwrap());
    // There is no proof of it: that is said, and not a wrong one given.
    assert!(matches!(anchor(&harness, genesis.id), Err(NodeError::Recovered(id)) if id == recovery.block));
    harness.steps(40);
    let trusted = trusted(&harness);
    harness.steps(8);
    let now = in_slot(harness.slot);
    let newer = anchor(&harness, trusted.id).unwrap();
    let follows = engine(&spec).advance(&trusted, &newer, now).unwrap();
    assert_eq!(follows.id, harness.node.status().final_block.id);
    assert!(follows.height > trusted.height);
    // Who trusts a block from before is told that steps are missing, and takes the server for no liar.
    let old = anchor(&harness, genesis.id).unwrap();
    let refused = engine(&spec).advance(&genesis, &old, now).unwrap_err();
    assert!(matches!(refused, AnchorError::NotEnoughTrust { .. }) && !refused.is_lie(), "{refused}");
}

/// The newest final block of a node, as somebody trusts it who confirmed it.
fn trusted(harness: &Harness) -> Trusted {
    let snapshot = harness.snapshot();
    let finality = snapshot.finality().unwrap().unwrap();
    let header = snapshot.header(&finality.root.id).unwrap().unwrap().header;
    let tables = Some(snapshot.tables_after(&header).unwrap());
    Trusted { round: finality.root.round, height: header.height, slot: header.slot, id: header.id(), tables }
}
