//! The average at its ends, and against a model that keeps what every block left; rewards against one that walks over every
//! lot of every position at every block.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::data_format::{Amount, Height, Round};

const WINDOW: u64 = 86_400;

#[test]
fn the_average_does_not_change_within_a_block_and_falls_with_the_balance() {
    let before = MintingAverage { height: Height(7), effective: Amount(1 << 40), weighted: Amount(1 << 39) };
    assert_eq!(before.at(Height(7), Amount(5), WINDOW), Amount(1 << 39));
    let after = before.changed(Height(8), Amount(5), WINDOW);
    assert_eq!(after, MintingAverage { height: Height(8), effective: Amount(5), weighted: Amount(5) });
    let greatest =
        MintingAverage { height: Height(0), effective: Amount(u64::MAX), weighted: Amount(u64::MAX) };
    for window in [0, 1, 2, WINDOW, u64::MAX] {
        assert!(greatest.at(Height(u64::MAX), Amount(u64::MAX), window) <= Amount(u64::MAX));
    }
}

/// What each block left of an account, from block 0 on: its effective balance, and how many blocks had changed it.
type Blocks = [(u64, u64)];

/// What V.Systems notes of the block since which nothing has changed; of nobody all zeros.
fn noted(blocks: &Blocks, window: u64) -> MintingAverage {
    let Some(last) = blocks.last() else { return MintingAverage::default() };
    let unchanged = blocks.iter().rev().take_while(|block| *block == last).count();
    let before = &blocks[..blocks.len() - unchanged];
    let weighted = plain_average(before, last.0, window);
    MintingAverage {
        height: Height(before.len() as u64),
        effective: Amount(last.0),
        weighted: Amount(weighted),
    }
}

/// The average in the block after these, which leaves `now`: the formula of V.Systems as it is published.
fn plain_average(blocks: &Blocks, now: u64, window: u64) -> u64 {
    let last = noted(blocks, window);
    let passed = window.min(blocks.len() as u64 - last.height.0);
    (last.effective.0 / window * passed + last.weighted.0 / window * (window - passed)).min(now)
}

fn balance() -> impl Strategy<Value = u64> {
    prop_oneof![0..4u64, 0..1_000_000u64, 0..=i64::MAX as u64, Just(i64::MAX as u64)]
}

proptest! {
    #[test]
    fn the_average_is_that_of_the_plain_model(
        window in prop_oneof![Just(1), 2..100u64, Just(WINDOW)],
        genesis in balance(),
        changes in proptest::collection::vec(
            (prop_oneof![4 => 0..3usize, 4 => 0..200usize, 1 => 0..100_000usize], balance(), balance()),
            1..16,
        ),
    ) {
        let mut blocks = vec![(genesis, 0)];
        let mut average = MintingAverage::default().changed(Height(0), Amount(genesis), window);
        prop_assert_eq!(average, noted(&blocks, window));
        for (number, (idle, effective, asked)) in (1..).zip(changes) {
            let last = blocks[blocks.len() - 1];
            blocks.resize(blocks.len() + idle, last);
            let height = Height(blocks.len() as u64);
            let expected = plain_average(&blocks, asked, window);
            prop_assert_eq!(average.at(height, Amount(asked), window), Amount(expected));
            average = average.changed(height, Amount(effective), window);
            blocks.push((effective, number));
            prop_assert_eq!(average, noted(&blocks, window));
            prop_assert_eq!(average.at(height, Amount(asked), window), average.weighted, "in the same block");
        }
    }
}

/// A pool with positions as the state keeps them.
#[derive(Default)]
struct Ledger {
    pool: Pool,
    positions: BTreeMap<usize, Position>,
    ends: BTreeMap<Round, RoundEnd>,
    paid: u128,
    rewards: u128,
}

impl Ledger {
    fn advance(&mut self, round: Round) {
        if let Some((round, end)) = self.pool.advance(round) {
            assert!(self.ends.insert(round, end).is_none());
        }
    }

    fn with<T>(
        &mut self,
        owner: usize,
        change: impl FnOnce(&mut Stake) -> Result<T, StakeError>,
    ) -> Option<T> {
        let position = self.positions.get(&owner).copied().unwrap_or_default();
        let over = position.needs_end(self.pool.round);
        let end = over.map(|round| self.ends[&round]);
        let mut stake = Stake { pool: self.pool, position, end };
        let before = stake;
        let result = change(&mut stake);
        if let Err(error) = result {
            assert!(matches!(error, StakeError::TooMuch { .. }), "{error}");
            assert_eq!(stake, before, "what fails changes nothing");
            return None;
        }
        self.pool = stake.pool;
        match (over, stake.end) {
            (Some(round), Some(RoundEnd { positions: 0, .. })) => drop(self.ends.remove(&round)),
            (Some(round), Some(end)) => drop(self.ends.insert(round, end)),
            _ => {}
        }
        if stake.position.is_empty() {
            self.positions.remove(&owner);
        } else {
            self.positions.insert(owner, stake.position);
        }
        result.ok()
    }

    /// Everything that was ever given out, in 2⁻⁶⁴ units.
    fn accounted(&mut self) -> u128 {
        let owners: Vec<usize> = self.positions.keys().copied().collect();
        for owner in owners {
            self.with(owner, Stake::settle).unwrap();
        }
        let owed: u128 = self.positions.values().map(|position| position.owed).sum();
        owed + self.pool.remainder + ((u128::from(self.pool.owed.0) + self.paid) << 64)
    }
}

/// Units with the first round in which they earn.
type Lots = Vec<(u64, Round)>;

#[derive(Default)]
struct Model {
    lots: BTreeMap<usize, Lots>,
    owed: BTreeMap<usize, u128>,
    remainder: u128,
    supernode: u64,
}

impl Model {
    fn reward(&mut self, reward: u64, commission: u64, round: Round) {
        let earns = |lots: &Lots| -> u128 {
            lots.iter().filter(|(_, from)| *from <= round).map(|(units, _)| u128::from(*units)).sum()
        };
        let earning: u128 = self.lots.values().map(earns).sum();
        if earning == 0 {
            self.supernode += reward;
            return;
        }
        let kept = reward * commission / 10_000;
        self.supernode += kept;
        let shared = (u128::from(reward - kept) << 64) + self.remainder;
        self.remainder = shared % earning;
        for (owner, lots) in &self.lots {
            *self.owed.entry(*owner).or_default() += earns(lots) * (shared / earning);
        }
    }

    fn decrease(&mut self, owner: usize, mut by: u64, round: Round) {
        let lots = self.lots.entry(owner).or_default();
        lots.sort_by_key(|(_, from)| std::cmp::Reverse(*from <= round));
        while by > 0 {
            let (units, _) = lots.last_mut().unwrap();
            let taken = by.min(*units);
            (*units, by) = (*units - taken, by - taken);
            lots.retain(|(units, _)| *units > 0);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Increase(usize, u64),
    Decrease(usize, u64),
    Pay(usize),
    Block(u64),
    NextRound(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let units = prop_oneof![Just(1), 1..1_000u64, 1..1_000_000_000_000_000u64];
    prop_oneof![
        (0..5usize, units.clone()).prop_map(|(owner, by)| Step::Increase(owner, by)),
        (0..5usize, units).prop_map(|(owner, by)| Step::Decrease(owner, by)),
        (0..5usize).prop_map(Step::Pay),
        (0..4_000_000_000u64).prop_map(Step::Block),
        (1..4u64).prop_map(Step::NextRound),
    ]
}

proptest! {
    #[test]
    fn rewards_are_those_of_the_plain_model(
        steps in proptest::collection::vec(step(), 1..120),
        commission in 0..=10_000u16,
    ) {
        let (mut ledger, mut model) = (Ledger::default(), Model::default());
        ledger.pool.commission = commission;
        for step in steps {
            let round = ledger.pool.round;
            match step {
                Step::Increase(owner, by) => {
                    ledger.with(owner, |stake| stake.increase(Amount(by))).unwrap();
                    model.lots.entry(owner).or_default().push((by, Round(round.0 + 1)));
                }
                Step::Decrease(owner, by) => {
                    let staked: u64 = model.lots.get(&owner).into_iter().flatten().map(|(units, _)| units).sum();
                    let done = ledger.with(owner, |stake| stake.decrease(Amount(by))).is_some();
                    prop_assert_eq!(done, by <= staked);
                    if done {
                        model.decrease(owner, by, round);
                    }
                }
                Step::Pay(owner) => {
                    let paid = ledger.with(owner, Stake::pay).unwrap();
                    let owed = model.owed.entry(owner).or_default();
                    prop_assert_eq!(u128::from(paid.0), *owed >> 64);
                    *owed &= u128::from(u64::MAX);
                    if model.lots.get(&owner).is_none_or(Vec::is_empty) {
                        model.remainder += std::mem::take(owed);
                    }
                    ledger.paid += u128::from(paid.0);
                }
                Step::Block(reward) => {
                    ledger.pool.reward(Amount(reward)).unwrap();
                    ledger.rewards += u128::from(reward);
                    model.reward(reward, u64::from(commission), round);
                }
                Step::NextRound(by) => ledger.advance(Round(round.0 + by)),
            }
            prop_assert_eq!(ledger.accounted(), ledger.rewards << 64, "not a fraction of a unit is made or lost");
            prop_assert_eq!(ledger.pool.owed.0, model.supernode);
            for (owner, owed) in &model.owed {
                prop_assert_eq!(ledger.positions.get(owner).map_or(0, |position| position.owed), *owed);
            }
            prop_assert!(ledger.ends.values().all(|end| end.positions > 0));
        }
    }
}

#[test]
fn one_unit_among_a_billion_is_not_lost() {
    let mut ledger = Ledger::default();
    ledger.with(0, |stake| stake.increase(Amount(1_000_000_000))).unwrap();
    ledger.with(1, |stake| stake.increase(Amount(1))).unwrap();
    ledger.advance(Round(1));
    // Ten years of 36 VSYS, every 15th block of 4 seconds.
    let blocks = 10 * 365 * 86_400 / 60;
    (0..blocks).for_each(|_| ledger.pool.reward(Amount(3_600_000_000)).unwrap());
    let all = 3_600_000_000 * blocks;
    let one = ledger.with(1, Stake::pay).unwrap();
    assert_eq!(one.0, all / 1_000_000_001);
}

#[test]
fn coins_that_hop_within_a_round_earn_nothing() {
    let mut pools = [Ledger::default(), Ledger::default()];
    for ledger in &mut pools {
        ledger.with(0, |stake| stake.increase(Amount(100))).unwrap();
        ledger.advance(Round(1));
    }
    for ledger in &mut pools {
        ledger.with(1, |stake| stake.increase(Amount(900))).unwrap();
        ledger.pool.reward(Amount(1_000)).unwrap();
        ledger.with(1, |stake| stake.decrease(Amount(900))).unwrap();
        assert_eq!(ledger.with(1, Stake::pay), Some(Amount::ZERO));
        assert_eq!(ledger.with(0, Stake::pay), Some(Amount(1_000)));
    }
}

#[test]
fn damaged_records_are_errors_and_change_nothing() {
    let pool = Pool { round: Round(5), accumulator: 10, ..Pool::default() };
    let fresh = Position { fresh: Amount(1), round: Round(3), ..Position::default() };
    let ahead = Position { amount: Amount(1), accumulator: 11, ..Position::default() };
    for (position, error) in [(fresh, StakeError::NoRoundEnd(Round(3))), (ahead, StakeError::Overflow)] {
        let mut stake = Stake { pool, position, end: None };
        let before = stake;
        assert_eq!(stake.settle(), Err(error));
        assert_eq!(stake.increase(Amount(1)), Err(error));
        assert_eq!(stake.pay(), Err(error));
        assert_eq!(stake, before);
    }
    let mut full = Pool { earning: Amount(1), accumulator: u128::MAX, ..Pool::default() };
    assert_eq!(full.reward(Amount(1)), Err(StakeError::Overflow));
}

#[test]
fn a_commission_raised_for_one_block_takes_nothing() {
    let mut ledger = Ledger::default();
    ledger.with(0, |stake| stake.increase(Amount(10))).unwrap();
    ledger.advance(Round(1));
    ledger.pool.set_commission(10_000, Round(5));
    ledger.pool.reward(Amount(1_000)).unwrap();
    assert_eq!((ledger.pool.take_owed(), ledger.pool.commission), (Amount::ZERO, 0));
    ledger.advance(Round(4));
    ledger.pool.set_commission(0, Round(9));
    ledger.advance(Round(6));
    ledger.pool.reward(Amount(1_000)).unwrap();
    assert_eq!(ledger.pool.take_owed(), Amount::ZERO, "taken back before it acted");
    ledger.pool.set_commission(2_500, Round(7));
    ledger.advance(Round(8));
    ledger.pool.reward(Amount(1_000)).unwrap();
    assert_eq!(ledger.pool.take_owed(), Amount(250));
    ledger.pool.set_commission(100, Round(9));
    assert_eq!(ledger.pool.commission, 100, "lower at once");
}
