//! Leases and what they earn, through whole blocks. [`Harness::check_state`] adds up every coin to the fraction of a
//! unit.

use light_client::{
    consensus::spos::{Evidence, Link, Triple, Vote},
    crypto::Hash,
    data_format::{
        Address, Amount, Call, Checkpoint, CoinCall, Height, LeaseCall, Round, Status, SupernodeCall,
        Transaction, TransactionId,
    },
    state::{AccountRecord, HistoryKind},
    transaction::TransactionError,
};
use proptest::prelude::*;

use super::{
    harness::{Harness, check_supply, keys},
    scene::Scene,
};
use crate::{
    check::check,
    config::funded_accounts,
    node::{SubmitError, TransactionState},
};

const FEE: u64 = 10_000_000;
/// A round of the development chain, and its reward for each of the four supernodes.
const SLOTS: u64 = 4;
const REWARD: u64 = 36 * 100_000_000;

pub(super) fn lease(to: Address, units: u64) -> Call {
    Call::Lease(LeaseCall::Lease { to, amount: Amount(units) })
}

pub(super) fn cancel(from: Address, units: u64) -> Call {
    Call::Lease(LeaseCall::Cancel { from, amount: Amount(units) })
}

fn claim(from: Address) -> Call {
    Call::Lease(LeaseCall::Claim { from })
}

/// Puts calls of a funded account into the next block; how they ended.
fn run(harness: &mut Harness, from: usize, calls: Vec<Call>) -> Status {
    let id = submit(harness, from, calls);
    harness.step();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match runtime.block_on(harness.node.transaction(id)).unwrap() {
        TransactionState::Included { outcome, .. } => outcome.status,
        other => panic!("not in a block: {other:?}"),
    }
}

fn submit(harness: &Harness, from: usize, calls: Vec<Call>) -> TransactionId {
    let nonce = harness.record(&harness.address(from)).nonce;
    harness.node.submit_now(&harness.signed(from, nonce, calls)).unwrap()
}

/// What the account was paid for stake, all together.
fn earned(harness: &Harness, address: &Address, kind: HistoryKind) -> u64 {
    let history = harness.snapshot().history(address, 0, u64::MAX, usize::MAX).unwrap();
    history
        .iter()
        .filter(|entry| entry.record.kind == kind)
        .map(|entry| entry.record.delta.unsigned_abs())
        .sum()
}

#[test]
fn a_lease_stays_in_the_account_and_cannot_be_spent() {
    let mut harness = Harness::new();
    let (lessor, supernode) = (harness.address(0), harness.address(1));
    let before = harness.record(&lessor);
    let half = before.balance.units() / 2;
    assert_eq!(run(&mut harness, 0, vec![lease(supernode, half)]), Status::Success);
    let after = harness.record(&lessor);
    assert_eq!(after.balance.units(), before.balance.units() - FEE, "only the fee is gone");
    assert_eq!(after.available().units(), before.balance.units() - half - FEE);
    assert_eq!((after.leased_out, after.leased_in), (Amount(half), Amount::ZERO));
    let holder = harness.record(&supernode);
    assert_eq!(holder.effective().units(), holder.balance.units() + half);

    let too_much = harness.transfer(0, 1, supernode, half);
    let refused = harness.node.submit_now(&too_much).unwrap_err();
    let SubmitError::Transaction(TransactionError::Overspend { balance, .. }) = refused else {
        panic!("{refused}")
    };
    assert_eq!(balance, after.available());

    assert_eq!(run(&mut harness, 0, vec![cancel(supernode, half)]), Status::Success);
    let released = harness.record(&lessor);
    assert_eq!(released.available(), released.balance);
    assert_eq!(harness.record(&supernode).leased_in, Amount::ZERO);
    harness.check_state();
}

#[test]
fn stake_earns_from_the_next_round_after_the_commission() {
    let mut harness = Harness::new();
    let (lessor, supernode) = (harness.address(0), harness.address(1));
    let own = harness.record(&supernode).balance.units();
    assert_eq!(run(&mut harness, 0, vec![lease(supernode, own / 2)]), Status::Success);
    // Slots 1, 5 and 9 are this supernode's. Its block of the first round is not shared: all stake is new then.
    harness.steps(SLOTS - 1);
    assert_eq!(run(&mut harness, 0, vec![claim(supernode)]), Status::Success);
    // Own and leased stake are as two to one. The last fraction of a unit waits.
    let third = REWARD * 9 / 10 / 3;
    assert_eq!(earned(&harness, &lessor, HistoryKind::Interest), third - 1);
    assert_eq!(run(&mut harness, 0, vec![claim(supernode)]), Status::NothingToClaim);
    harness.steps(SLOTS - 1);
    assert_eq!(run(&mut harness, 1, vec![claim(supernode)]), Status::Success);
    assert_eq!(earned(&harness, &supernode, HistoryKind::Commission), REWARD + 2 * REWARD / 10);
    assert_eq!(earned(&harness, &supernode, HistoryKind::Interest), 4 * third - 1);
    harness.check_state();
}

#[test]
fn more_than_is_leased_cannot_be_called_back() {
    let mut harness = Harness::new();
    let (supernode, other) = (harness.address(1), harness.address(2));
    assert_eq!(run(&mut harness, 0, vec![lease(supernode, 500)]), Status::Success);
    assert_eq!(run(&mut harness, 0, vec![cancel(supernode, 501)]), Status::InsufficientLease);
    assert_eq!(run(&mut harness, 0, vec![cancel(other, 1)]), Status::InsufficientLease);
    assert_eq!(run(&mut harness, 0, vec![claim(other)]), Status::NothingToClaim);
    // All calls of a transaction happen, or none.
    let calls = vec![cancel(supernode, 300), cancel(supernode, 300)];
    assert_eq!(run(&mut harness, 0, calls), Status::InsufficientLease);
    let leased = |harness: &Harness| harness.record(&harness.address(0)).leased_out;
    assert_eq!(leased(&harness), Amount(500));
    assert_eq!(run(&mut harness, 0, vec![cancel(supernode, 200), lease(other, 7)]), Status::Success);
    assert_eq!(leased(&harness), Amount(307));
    harness.check_state();
}

#[test]
fn the_average_grows_with_time_and_is_that_of_the_effective_balance() {
    let mut harness = Harness::new();
    let (lessor, supernode) = (harness.address(0), harness.address(1));
    assert_eq!(run(&mut harness, 0, vec![lease(supernode, 600_000)]), Status::Success);
    let AccountRecord { average, .. } = harness.record(&supernode);
    assert_eq!((average.height.0, average.effective), (1, harness.record(&supernode).effective()));
    harness.steps(9);
    assert_eq!(run(&mut harness, 0, vec![cancel(supernode, 600_000)]), Status::Success);
    let after = harness.record(&supernode).average;
    let window = 600;
    let grown = average.effective.units() / window * 10 + average.weighted.units() / window * (window - 10);
    assert_eq!((after.height.0, after.weighted), (11, Amount(grown)));
    assert_eq!(harness.record(&lessor).average.height.0, 11);
    harness.check_state();
}

/// What a lessor has been paid after each of three blocks of its supernode, which makes a call before the first block, after
/// it and after the second. The round of the third block begins a day after the first call; the second is of the round before.
fn interest(calls: [SupernodeCall; 3]) -> [u64; 3] {
    // In slots of a second.
    const ROUNDS_OF_A_DAY: u64 = 86_400 / SLOTS;
    let [first, second, third] = calls.map(|call| vec![Call::Supernode(call)]);
    let mut harness = Harness::new();
    let (lessor, supernode) = (harness.address(0), harness.address(1));
    let own = harness.record(&supernode).balance.units();
    assert_eq!(run(&mut harness, 0, vec![lease(supernode, own / 2)]), Status::Success);
    harness.steps(2);
    let paid = |harness: &mut Harness| {
        assert_eq!(harness.slot % SLOTS, 0, "the next slot is the supernode's");
        run(harness, 0, vec![claim(supernode)]);
        earned(harness, &lessor, HistoryKind::Interest)
    };
    assert_eq!(run(&mut harness, 1, first), Status::Success);
    let round = harness.slot / SLOTS;
    let at_once = paid(&mut harness);
    assert_eq!(run(&mut harness, 1, second), Status::Success);
    harness.slot = (round + ROUNDS_OF_A_DAY - 1) * SLOTS;
    let before = paid(&mut harness);
    assert_eq!(run(&mut harness, 1, third), Status::Success);
    harness.steps(2);
    assert_eq!(harness.slot, (round + ROUNDS_OF_A_DAY) * SLOTS);
    let after = paid(&mut harness);
    harness.check_state();
    [at_once, before, after]
}

#[test]
fn a_commission_raised_for_less_than_a_day_takes_nothing() {
    let set = |commission| SupernodeCall::SetCommission { commission };
    // Costs as much, and changes nothing.
    let to = funded_accounts()[1];
    let idle = || SupernodeCall::SetRewardAddress { to };
    let usual = interest([idle(), idle(), idle()]);
    assert!(0 < usual[0] && usual[0] < usual[1] && usual[1] < usual[2], "{usual:?}");
    assert_eq!(interest([set(10_000), set(1_000), idle()]), usual, "for one block");
    assert_eq!(interest([set(10_000), idle(), set(1_000)]), usual, "until a day has passed");
    let [at_once, before, _] = usual;
    assert_eq!(interest([set(10_000), idle(), idle()]), [at_once, before, before], "for longer");
}

/// A report of two votes of the slot's key in the round that is now.
fn report(scene: &Scene, position: usize) -> Call {
    let round = Round(scene.harness.slot / SLOTS);
    let triple = |id| Triple { checkpoint: Checkpoint { round, id: Hash([id; 32]) }, next_slots: Hash::ZERO };
    let vote = |id| {
        let link = Link { source: triple(0), target: triple(id) };
        Vote::sign(link, &scene.harness.node.chain(), &keys(&[position])[0]).unwrap()
    };
    let evidence = Box::new(Evidence::of_votes(&vote(1), &vote(2)).unwrap());
    Call::Supernode(SupernodeCall::Report { evidence })
}

fn contend(scene: &Scene, from: usize, slot: u8) -> Call {
    scene.contend(slot, &keys(&[from])[0], &scene.harness.address(from)).remove(0)
}

/// The call that a step means now.
fn meant(scene: &Scene, from: usize, call: Kind) -> Call {
    let at = |index: usize| scene.harness.address(index);
    match call {
        Kind::Transfer(to, units) => Call::Coin(CoinCall::Transfer { to: at(to), amount: Amount(units) }),
        Kind::Lease(to, units) => lease(at(to), units),
        Kind::Cancel(to, units) => cancel(at(to), units),
        Kind::Claim(to) => claim(at(to)),
        Kind::RewardsTo(to) => Call::Supernode(SupernodeCall::SetRewardAddress { to: at(to) }),
        Kind::Release => Call::Supernode(SupernodeCall::Release),
        Kind::Contend(slot) => contend(scene, from, slot),
        Kind::Report(position) => report(scene, position),
    }
}

/// Puts calls of funded accounts into one block, each in its transaction, as far as the node takes them: a lease to oneself,
/// or of more than there is, is refused before.
fn offer(scene: &mut Scene, calls: &[(usize, Kind)], look: &mut impl FnMut(&Harness)) {
    let mut taken = [0; SLOTS as usize];
    for (from, kind) in calls {
        let call = meant(scene, *from, *kind);
        let harness = &scene.harness;
        let nonce = harness.record(&harness.address(*from)).nonce + taken[*from];
        if harness.node.submit_now(&harness.signed(*from, nonce, vec![call])).is_ok() {
            taken[*from] += 1;
        }
    }
    if taken.iter().any(|count| *count > 0) {
        scene.harness.steps_with(1, look);
    }
}

/// Takes a step; looks at the chain after every slot.
pub(super) fn play(scene: &mut Scene, step: &Step, look: &mut impl FnMut(&Harness)) {
    match step {
        Step::Calls(calls) => offer(scene, calls, look),
        Step::Blocks(count) => scene.harness.steps_with(*count, look),
        Step::Return(holder) => {
            offer(scene, &[(*holder, Kind::Release)], look);
            scene.harness.steps_with(5 * SLOTS, look);
            offer(scene, &[(*holder, Kind::Contend(*holder as u8))], look);
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Calls of funded accounts, by their numbers, in one block.
    Calls(Vec<(usize, Kind)>),
    Blocks(u64),
    /// A holder leaves its slot, and takes it again once that is in force: what it pays for it depends on what it has left.
    Return(usize),
}

/// A call between funded accounts, by their numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Transfer(usize, u64),
    Lease(usize, u64),
    Cancel(usize, u64),
    Claim(usize),
    RewardsTo(usize),
    Release,
    Contend(u8),
    /// Proves that the key of a slot voted twice in this round.
    Report(usize),
}

/// A step in which no call is about as many units as `most`.
pub(super) fn step(most: u64) -> impl Strategy<Value = Step> {
    let units = prop_oneof![1 => 1..1_000u64, 1 => 1..most / 100, 2 => 1..most];
    let call = prop_oneof![
        (0..4usize, units.clone()).prop_map(|(to, units)| Kind::Transfer(to, units)),
        (0..4usize, units.clone()).prop_map(|(to, units)| Kind::Lease(to, units)),
        (0..4usize, units).prop_map(|(from, units)| Kind::Cancel(from, units)),
        (0..4usize).prop_map(Kind::Claim),
        (0..4usize).prop_map(Kind::RewardsTo),
        Just(Kind::Release),
        (0..4u8).prop_map(Kind::Contend),
        (0..4usize).prop_map(Kind::Report),
    ];
    prop_oneof![
        3 => proptest::collection::vec((0..4usize, call), 1..4).prop_map(Step::Calls),
        1 => prop_oneof![4 => 1..6u64, 1 => 20..60u64].prop_map(Step::Blocks),
        1 => (0..4usize).prop_map(Step::Return),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever is leased, called back, claimed and paid among supernodes that lease to each other, leave, contend, are
    /// banned, and are vacated because they are idle or poor: the supply is conserved to the unit after every block, the
    /// whole state adds up after every step, and a node that sees only the blocks comes to the same state.
    #[test]
    fn every_unit_is_accounted_for(
        steps in proptest::collection::vec(step(1_000_000_000_000_000), 1..40),
    ) {
        let mut scene = Scene::new();
        let mut look = |harness: &Harness| check_supply(&harness.snapshot(), harness.node.spec());
        for step in steps {
            play(&mut scene, &step, &mut look);
            scene.harness.check_state();
        }
        let harness = scene.harness;
        let report = check(&harness.database, &mut |_| ()).unwrap();
        prop_assert!(report.is_whole(), "{:?}", report.findings);
        let head = harness.head().0;
        let blocks: Vec<_> = (1..=head).map(|height| harness.block(height)).collect();
        let mut other = Harness::with_keys(&[]);
        other.take(&blocks, harness.slot);
        prop_assert_eq!(other.state_root(), harness.state_root());
        other.check_state();
    }
}

#[test]
fn the_reward_address_gets_what_the_supernode_itself_earns_and_it_alone() {
    let mut harness = Harness::new();
    let (supernode, lessor, other) = (harness.address(0), harness.address(1), harness.address(2));
    let set = |to| Call::Supernode(SupernodeCall::SetRewardAddress { to });
    assert_eq!(run(&mut harness, 1, vec![lease(supernode, 1_000_000)]), Status::Success);
    harness.steps(5 * SLOTS);
    assert_eq!(run(&mut harness, 0, vec![set(other)]), Status::Success);
    harness.steps(5 * SLOTS);
    assert_eq!(run(&mut harness, 0, vec![claim(supernode)]), Status::NothingToClaim);
    let before = harness.record(&other).balance;
    assert_eq!(run(&mut harness, 2, vec![claim(supernode)]), Status::Success);
    harness.check_state();
    let after = harness.record(&other).balance;
    let commission = earned(&harness, &other, HistoryKind::Commission);
    let interest = earned(&harness, &other, HistoryKind::Interest);
    assert_eq!(after.units() + FEE, before.units() + commission + interest);
    // Ten blocks and more, of which 10 % are commission, and nearly all of the rest is own stake's.
    assert!(commission >= 10 * REWARD / 10 && interest > 8 * REWARD, "{commission} and {interest}");
    assert_eq!(earned(&harness, &supernode, HistoryKind::Interest), 0);
    // Who leases is not concerned, also when the reward address itself leases.
    assert_eq!(run(&mut harness, 1, vec![claim(supernode)]), Status::Success);
    assert_eq!(earned(&harness, &lessor, HistoryKind::Commission), 0);
    assert_eq!(run(&mut harness, 2, vec![lease(supernode, 5_000_000)]), Status::Success);
    harness.steps(3 * SLOTS);
    assert_eq!(run(&mut harness, 2, vec![claim(supernode)]), Status::Success);
    // And back.
    assert_eq!(run(&mut harness, 0, vec![set(supernode)]), Status::Success);
    harness.steps(SLOTS);
    assert_eq!(run(&mut harness, 0, vec![claim(supernode)]), Status::Success);
    assert!(earned(&harness, &supernode, HistoryKind::Commission) > 0);
    harness.check_state();
}

#[test]
fn only_a_supernode_has_a_reward_address() {
    let mut harness = Harness::new();
    let to = harness.address(0);
    let faucet = crate::config::faucet_key();
    let calls = vec![Call::Supernode(SupernodeCall::SetRewardAddress { to })];
    let transaction = Transaction {
        sender: faucet.public(),
        nonce: 0,
        fee: harness.node.spec().minimum_fee(&calls).unwrap(),
        valid_until: Height(100),
        calls,
        memo: Vec::new(),
    };
    harness.node.submit_now(&transaction.sign(&harness.node.chain(), &faucet)).unwrap();
    harness.step();
    let block = harness.block(1);
    let outcome = harness.snapshot().outcomes(&block.header.header.id()).unwrap()[0];
    assert_eq!(outcome.status, Status::NotAHolder);
}
