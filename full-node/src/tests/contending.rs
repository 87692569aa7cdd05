//! What a slot costs: nothing for who contends in vain, and the contend fee for who wins, in the block that plans it.

use light_client::{
    data_format::{
        Address, Amount, Call, CoinCall, LeaseCall, SposSpec, Status, SupernodeCall, TransactionId,
    },
    state::{AccountRecord, HistoryKind, HistoryRecord, Position, SupplyRecord},
    test_support::chain::test_key,
};

use super::{
    harness::keys,
    scene::{FEE, SLOTS, STRANGER, Scene, supernode},
};
use crate::{check::check, config::faucet_key};

const COIN: u64 = 100_000_000;
/// Not the development chain's, so that the spec is what counts.
const PRICE: Amount = Amount(2_500 * COIN);
const MINIMUM: Amount = Amount(1_000_000 * COIN);
/// What a funded holder has.
const HELD: u64 = 10_000_000 * COIN;

/// A chain on which an average is the balance of the block before.
fn rules(spos: &mut SposSpec) {
    spos.contend_fee = PRICE;
    spos.average_window = 1;
}

fn scene() -> Scene {
    Scene::with_rules(rules, &[0, 1, 2, 3])
}

impl Scene {
    /// Gives somebody units of the faucet.
    fn give(&mut self, to: Address, units: u64) {
        let call = Call::Coin(CoinCall::Transfer { to, amount: Amount(units) });
        assert_eq!(self.run(&faucet_key(), vec![call]), Status::Success);
    }

    /// The test key of this number contends with the key after it.
    fn contends(&mut self, key: u64, slot: u8) -> Status {
        let owner = test_key(key);
        let address = address(key);
        let calls = self.contend(slot, &test_key(key + 1), &address);
        self.run(&owner, calls)
    }

    fn records(&self, address: &Address) -> Vec<HistoryRecord> {
        let entries = self.harness.snapshot().history(address, 0, u64::MAX, usize::MAX).unwrap();
        entries.into_iter().map(|entry| entry.record).collect()
    }

    fn prices_paid(&self, address: &Address) -> Vec<HistoryRecord> {
        let mut records = self.records(address);
        records.retain(|record| record.kind == HistoryKind::ContendFee);
        records
    }

    fn burned(&self) -> Amount {
        let snapshot = self.harness.snapshot();
        let root = snapshot.version(&snapshot.head().unwrap().unwrap()).unwrap().unwrap().root;
        SupplyRecord::read(&mut snapshot.state(root)).unwrap().unwrap().burned
    }

    fn own_stake(&self, address: &Address) -> Option<Amount> {
        let snapshot = self.harness.snapshot();
        let root = snapshot.version(&snapshot.head().unwrap().unwrap()).unwrap().unwrap().root;
        Position::read(&mut snapshot.state(root), address, address).unwrap().unwrap_or_default().staked()
    }

    /// Everything that can be checked of what is stored.
    fn check(&self) {
        self.harness.check_state();
        let report = check(&self.harness.database, &mut |_| ()).unwrap();
        assert!(report.is_whole(), "{:?}", report.findings);
    }
}

fn address(key: u64) -> Address {
    light_client::test_support::chain::test_address(key)
}

#[test]
fn who_wins_a_slot_pays_for_it_in_the_block_that_plans_it() {
    let mut scene = Scene::with_rules(|spos| spos.contend_fee = PRICE, &[0, 1, 2, 3]);
    let winner = scene.stranger();
    scene.endow(18_000_000);
    scene.harness.steps(8);
    let (before, burned) = (scene.harness.record(&winner), scene.burned());
    assert_eq!(scene.contends(STRANGER, 2), Status::Success);
    let (after, height) = (scene.harness.record(&winner), scene.harness.head());
    assert_eq!(scene.tables().1.unwrap().0[2].unwrap().address, winner);
    assert_eq!(after.balance.units(), before.balance.units() - FEE.units() - PRICE.units());
    assert_eq!(scene.burned().units(), burned.units() + FEE.units() + PRICE.units());
    let [.., fee, price] = scene.records(&winner)[..] else { panic!("two records") };
    assert_eq!((fee.kind, fee.height, fee.delta), (HistoryKind::Fee, height, -(FEE.units() as i64)));
    let expected = HistoryRecord {
        index: fee.index + 1,
        kind: HistoryKind::ContendFee,
        transaction: TransactionId::ZERO,
        ..price
    };
    assert_eq!((price, price.height, price.delta), (expected, height, -(PRICE.units() as i64)));
    // What follows from the balance follows: the average, and what the winner itself has staked.
    let average = before.average.changed(height, after.effective(), 600);
    assert_eq!(after.average, average);
    assert_eq!(scene.own_stake(&winner), Some(after.available()));
    scene.check();
    scene.settle();
    assert_eq!(scene.holders()[2], Some(winner));
    assert_eq!(scene.prices_paid(&winner).len(), 1, "once");
    scene.check();
}

#[test]
fn a_request_that_waits_pays_when_its_turn_has_come() {
    let mut scene = scene();
    let winner = scene.stranger();
    scene.give(winner, 2 * HELD);
    scene.harness.steps(2);
    let release = vec![Call::Supernode(SupernodeCall::Release)];
    assert_eq!(scene.run(&scene.holder(3), release), Status::Success);
    assert!(scene.tables().1.is_some(), "one change at a time");
    assert_eq!(scene.contends(STRANGER, 3), Status::Success);
    let former = scene.holders()[3];
    assert!(former.is_some());
    while scene.holders()[3] == former {
        assert_eq!(scene.records(&winner).last().unwrap().kind, HistoryKind::Fee);
        scene.harness.step();
    }
    // The slot is given up by now, and in the same block it is the contender's turn.
    let [price] = scene.prices_paid(&winner)[..] else { panic!("one price") };
    assert_eq!(price.height, scene.harness.head());
    assert_eq!(scene.tables().1.unwrap().0[3].unwrap().address, winner);
    scene.check();
    scene.settle();
    assert_eq!(scene.holders()[3], Some(winner));
    assert_eq!(scene.prices_paid(&winner).len(), 1);
    scene.check();
}

#[test]
fn a_request_that_does_not_hold_any_more_costs_nothing_but_the_fee() {
    let mut scene = scene();
    // The weaker one comes second, to the same slot; the third one's coins are gone when its turn comes.
    let [first, second, third] = [STRANGER, STRANGER + 10, STRANGER + 20].map(address);
    scene.give(first, 3 * HELD);
    scene.give(second, 2 * HELD);
    scene.give(third, 2 * HELD);
    scene.harness.steps(2);
    assert_eq!(scene.contends(STRANGER, 2), Status::Success);
    assert_eq!(scene.contends(STRANGER + 10, 2), Status::Success);
    assert_eq!(scene.contends(STRANGER + 20, 1), Status::Success);
    let rest = MINIMUM.units() + PRICE.units() - 1;
    let away = scene.harness.record(&third).balance.units() - FEE.units() - rest;
    let call = Call::Coin(CoinCall::Transfer { to: first, amount: Amount(away) });
    assert_eq!(scene.run(&test_key(STRANGER + 20), vec![call]), Status::Success);
    let before = [second, third].map(|address| scene.harness.record(&address).balance);
    scene.settle();
    scene.harness.steps(4 * SLOTS);
    assert_eq!(scene.holders()[1], Some(scene.harness.address(1)));
    assert_eq!(scene.holders()[2], Some(first));
    assert_eq!([second, third].map(|address| scene.harness.record(&address).balance), before);
    assert_eq!([first, second, third].map(|address| scene.prices_paid(&address).len()), [1, 0, 0]);
    // None of them waits any more: it may ask again.
    assert_eq!(scene.contends(STRANGER + 10, 1), Status::Success);
    scene.check();
}

#[test]
fn to_the_unit_the_balance_after_the_fee_is_what_has_to_suffice() {
    // One slot is free: only the least balance counts.
    let mut scene = scene();
    assert_eq!(scene.run(&scene.holder(3), vec![Call::Supernode(SupernodeCall::Release)]), Status::Success);
    scene.settle();
    let stranger = scene.stranger();
    scene.give(stranger, MINIMUM.units() + PRICE.units() + FEE.units() - 1);
    assert_eq!(scene.contends(STRANGER, 3), Status::SlotNotWon);
    scene.give(stranger, FEE.units() + 1);
    assert_eq!(scene.contends(STRANGER, 3), Status::Success);
    assert_eq!(scene.harness.record(&stranger).balance, MINIMUM);
    scene.settle();
    scene.harness.steps(4 * SLOTS);
    assert_eq!(scene.holders()[3], Some(stranger), "and with the least balance it stays");
    scene.check();
}

#[test]
fn to_the_unit_the_average_after_the_fee_has_to_be_greater() {
    let mut scene = scene();
    let stranger = scene.stranger();
    assert_eq!(scene.harness.record(&scene.harness.address(2)).effective(), Amount(HELD));
    scene.give(stranger, HELD + PRICE.units() + FEE.units());
    scene.harness.steps(2);
    assert_eq!(scene.contends(STRANGER, 2), Status::SlotNotWon, "as much is not more");
    scene.give(stranger, FEE.units() + 1);
    scene.harness.steps(2);
    assert_eq!(scene.contends(STRANGER, 2), Status::Success);
    let AccountRecord { balance, average, .. } = scene.harness.record(&stranger);
    assert_eq!((balance, average.weighted), (Amount(HELD + 1), Amount(HELD + 1)));
    scene.check();
}

#[test]
fn leased_coins_do_not_pay_for_a_slot() {
    let mut scene = scene();
    let stranger = scene.stranger();
    scene.give(stranger, PRICE.units() + FEE.units() - 1);
    let lease = LeaseCall::Lease { to: stranger, amount: Amount(500_000_000 * COIN) };
    assert_eq!(scene.run(&faucet_key(), vec![Call::Lease(lease)]), Status::Success);
    scene.harness.steps(2);
    assert_eq!(scene.contends(STRANGER, 2), Status::InsufficientBalance);
    scene.give(stranger, FEE.units() + 1);
    assert_eq!(scene.contends(STRANGER, 2), Status::Success);
    let after = scene.harness.record(&stranger);
    assert_eq!((after.balance, scene.own_stake(&stranger)), (Amount::ZERO, Some(Amount::ZERO)));
    scene.settle();
    assert_eq!(scene.holders()[2], Some(stranger));
    scene.check();
}

#[test]
fn a_displaced_holder_pays_like_anybody() {
    let mut scene = scene();
    let (winner, displaced) = (scene.stranger(), scene.harness.address(2));
    scene.give(winner, 2 * HELD);
    scene.harness.steps(2);
    assert_eq!(scene.contends(STRANGER, 2), Status::Success);
    scene.settle();
    scene.give(displaced, 3 * HELD);
    scene.harness.steps(2);
    let before = scene.harness.record(&displaced);
    let calls = scene.contend(2, &keys(&[2])[0], &displaced);
    assert_eq!(scene.run(&scene.holder(2), calls), Status::Success);
    let after = scene.harness.record(&displaced);
    assert_eq!(after.balance.units(), before.balance.units() - FEE.units() - PRICE.units());
    scene.settle();
    assert_eq!(scene.holders()[2], Some(displaced));
    assert_eq!([winner, displaced].map(|address| scene.prices_paid(&address).len()), [1, 1]);
    assert_eq!(supernode(&scene.harness, 2).waiting, 0);
    scene.check();
}

#[test]
fn a_chain_on_which_slots_are_free_writes_no_record_of_it() {
    let free = |spos: &mut SposSpec| {
        rules(spos);
        spos.contend_fee = Amount::ZERO;
    };
    let mut scene = Scene::with_rules(free, &[0, 1, 2, 3]);
    let winner = scene.stranger();
    scene.give(winner, HELD + FEE.units() + 1);
    scene.harness.steps(2);
    assert_eq!(scene.contends(STRANGER, 2), Status::Success);
    assert_eq!(scene.harness.record(&winner).balance, Amount(HELD + 1));
    assert_eq!(scene.prices_paid(&winner), []);
    scene.settle();
    assert_eq!(scene.holders()[2], Some(winner));
    scene.check();
}
