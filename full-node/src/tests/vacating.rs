//! Holders that are idle or poor make room, and nobody else does.

use light_client::{
    data_format::{Amount, Call, CoinCall, LeaseCall, SposSpec, Status},
    state::Certificates,
};

use super::scene::{SLOTS, Scene, follow, hear, supernode, votes};
use crate::network::ChainPort;

const IDLE: u32 = 3;
const COIN: u64 = 100_000_000;

fn rules(spos: &mut SposSpec) {
    spos.idle_rounds = IDLE;
}

fn scene(positions: &[usize]) -> Scene {
    Scene::with_rules(rules, positions)
}

fn certificates(scene: &Scene) -> u64 {
    let snapshot = scene.harness.snapshot();
    let head = snapshot.head().unwrap().unwrap();
    let root = snapshot.version(&head).unwrap().unwrap().root;
    Certificates::read(&mut snapshot.state(root)).unwrap().0
}

#[test]
fn an_idle_holder_is_vacated_after_so_many_certified_rounds() {
    let mut main = scene(&[1, 2, 3]);
    while main.tables().1.is_none() {
        assert!(
            supernode(&main.harness, 0).idle_rounds(Certificates(certificates(&main))) <= u64::from(IDLE)
        );
        main.harness.step();
        main.harness.check_state();
        assert!(main.harness.slot < 10 * SLOTS, "it is planned");
    }
    assert_eq!(certificates(&main), u64::from(IDLE), "not before, and at once");
    assert_eq!(main.harness.slot % SLOTS, 1, "in the first block of a round");
    main.settle();
    assert_eq!(main.holders()[0], None);
    main.harness.steps(10 * SLOTS);
    assert_eq!(main.holders().iter().flatten().count(), 3, "who mints and votes stays");
    assert!(main.tables().1.is_none());
    let mut follower = scene(&[]);
    follow(&mut follower.harness, &main.harness, main.harness.slot);
    assert_eq!(follower.harness.state_root(), main.harness.state_root());
}

/// Two nodes that hear each other's votes, and take the longer chain: always, or only the second one the first one's.
fn together(a: &mut Scene, b: &mut Scene, slots: u64, always: bool) {
    let mut cast = [ChainPort::announcements(&a.harness.node), ChainPort::announcements(&b.harness.node)];
    for _ in 0..slots {
        // The first one may have a quorum of its own: it hears the other's vote before it casts its own.
        b.harness.step();
        let slot = b.harness.slot;
        hear(&a.harness, &votes(&mut cast[1]), slot);
        a.harness.step();
        hear(&b.harness, &votes(&mut cast[0]), slot);
        if always && b.harness.head() > a.harness.head() {
            follow(&mut a.harness, &b.harness, slot);
        } else {
            follow(&mut b.harness, &a.harness, slot);
        }
    }
}

#[test]
fn who_votes_without_minting_keeps_the_slot() {
    let [mut main, mut voter] = [scene(&[1, 2, 3]), scene(&[0])];
    // The voter's own blocks never reach the others, and are left behind by them.
    together(&mut main, &mut voter, 12 * SLOTS, false);
    assert!(
        (1..=main.harness.head().0).all(|height| main.harness.block(height).header.header.slot.0 % 4 > 0)
    );
    assert!(certificates(&main) > u64::from(2 * IDLE));
    assert!(main.holders().iter().all(Option::is_some));
    assert!(main.tables().1.is_none());
    main.harness.check_state();
}

#[test]
fn a_partition_evicts_nobody_who_lives() {
    let [mut a, mut b] = [scene(&[0, 1]), scene(&[2, 3])];
    // Two halves, neither of which can finalise, for much longer than anybody may be idle.
    let long = 10 * u64::from(IDLE) * SLOTS;
    a.harness.steps(long);
    b.harness.slot = 4 * SLOTS;
    b.harness.steps(long - 4 * SLOTS);
    assert_eq!((certificates(&a), certificates(&b)), (0, 0));
    assert!(a.harness.head() > b.harness.head());
    // Healed: the shorter branch gives way.
    let longer: Vec<_> = (1..=a.harness.head().0).map(|height| a.harness.block(height)).collect();
    b.harness.take(&longer, long);
    assert_eq!(a.harness.head(), b.harness.head());
    for _ in 0..12 {
        together(&mut a, &mut b, SLOTS, true);
        for scene in [&a, &b] {
            assert!(scene.holders().iter().all(Option::is_some));
            assert!(scene.tables().1.is_none(), "nobody is to leave");
        }
    }
    assert!(certificates(&a) > u64::from(2 * IDLE), "finality goes on");
    assert_eq!(a.harness.state_root(), b.harness.state_root());
    a.harness.check_state();
}

#[test]
fn nobody_has_to_leave_while_nothing_is_justified() {
    // Position 0 is idle; then the others cannot certify either, and it is not their chain that decides.
    let mut main = scene(&[1, 2, 3]);
    main.harness.steps(3 * SLOTS);
    let before = certificates(&main);
    assert!(before > 0 && before < u64::from(IDLE));
    let mut fewer = scene(&[1, 2]);
    follow(&mut fewer.harness, &main.harness, main.harness.slot);
    fewer.harness.slot = main.harness.slot;
    fewer.harness.steps(20 * SLOTS);
    assert!(certificates(&fewer) <= before + 1);
    assert!(fewer.holders().iter().all(Option::is_some));
    assert!(fewer.tables().1.is_none());
    fewer.harness.check_state();
}

fn send_away(main: &mut Scene, from: usize, coins: u64) {
    let to = main.stranger();
    let calls = vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(coins * COIN) })];
    assert_eq!(main.run(&main.holder(from), calls), Status::Success);
}

#[test]
fn a_poor_holder_is_vacated_and_leased_coins_count_for_it() {
    let mut main = scene(&[0, 1, 2, 3]);
    main.harness.steps(2 * SLOTS);
    // Both have 999,999 of their own; one has enough that is leased.
    let call = Call::Lease(LeaseCall::Lease { to: main.harness.address(3), amount: Amount(2 * COIN) });
    assert_eq!(main.run(&main.holder(1), vec![call]), Status::Success);
    send_away(&mut main, 2, 9_000_001);
    send_away(&mut main, 3, 9_000_001);
    main.harness.steps(SLOTS);
    assert!(main.tables().1.expect("planned").0[2].is_none());
    main.settle();
    main.harness.steps(6 * SLOTS);
    let held: Vec<bool> = main.holders().iter().map(Option::is_some).collect();
    assert_eq!(held, [true, true, false, true]);
    assert!(main.tables().1.is_none());
    main.harness.check_state();
}

#[test]
fn who_is_not_poor_any_more_stays() {
    let mut main = scene(&[0, 1, 2, 3]);
    main.harness.steps(2 * SLOTS);
    // Within one round: it is looked at when the next one begins.
    send_away(&mut main, 2, 9_000_001);
    let to = main.harness.address(2);
    let calls = vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(2 * COIN) })];
    assert_eq!(main.run(&main.holder(1), calls), Status::Success);
    main.harness.steps(8 * SLOTS);
    assert!(main.holders().iter().all(Option::is_some));
}

#[test]
fn the_last_holders_stay_though_they_are_idle_and_poor() {
    let mut main = Scene::with_rules(
        |spos| {
            rules(spos);
            spos.min_filled = 4;
        },
        &[1, 2, 3],
    );
    main.harness.steps(SLOTS);
    send_away(&mut main, 1, 9_500_000);
    main.harness.steps(10 * SLOTS);
    assert!(main.holders().iter().all(Option::is_some));
    assert!(main.tables().1.is_none());
    main.harness.check_state();
}

#[test]
fn a_newcomer_has_time_to_show_itself() {
    let mut main = scene(&[0, 1, 2, 3]);
    main.endow(18_000_000);
    main.harness.steps(5 * SLOTS);
    // Nobody runs with this key but to vouch for itself.
    let (stranger, address) = (light_client::test_support::chain::test_key(77), main.stranger());
    let calls = main.contend(2, &light_client::test_support::chain::test_key(78), &address);
    assert_eq!(main.run(&stranger, calls), Status::Success);
    main.settle();
    assert_eq!(main.holders()[2], Some(address));
    let entered = certificates(&main);
    while main.tables().1.is_none() {
        main.harness.step();
        assert!(main.harness.slot < 60 * SLOTS);
    }
    assert_eq!(certificates(&main), entered + u64::from(IDLE), "as many rounds as everybody");
    main.settle();
    assert_eq!(main.holders()[2], None);
    main.harness.check_state();
}
