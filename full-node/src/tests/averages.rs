//! The minting average balance through whole blocks: after every block that of every account is that of a plain model, which
//! keeps what every block left.

use std::collections::BTreeMap;

use light_client::{
    data_format::{Address, Amount, Call, CoinCall, Height, Status},
    state::MintingAverage,
};
use proptest::prelude::*;

use super::{
    harness::Harness,
    leases::{cancel, lease, play, step},
    scene::{FEE, Scene},
};
use crate::config::faucet_key;

/// What the faucet starts with: nearly all units that there are.
const SUPPLY: u64 = 100_000_000_000_000_000;

/// What each block left of an account, from block 0 on: its regular balance, its effective balance.
type Blocks = [(u64, u64)];

/// What V.Systems notes of the block since which nothing has changed; of nobody all zeros.
fn noted(blocks: &Blocks, window: u64) -> MintingAverage {
    let Some(last) = blocks.last() else { return MintingAverage::default() };
    let unchanged = blocks.iter().rev().take_while(|block| *block == last).count();
    let before = &blocks[..blocks.len() - unchanged];
    let weighted = Amount(average(before, last.1, window));
    MintingAverage { height: Height(before.len() as u64), effective: Amount(last.1), weighted }
}

/// The average in the block after these, which leaves `now`: the formula of V.Systems as it is published.
fn average(blocks: &Blocks, now: u64, window: u64) -> u64 {
    let MintingAverage { height, effective, weighted } = noted(blocks, window);
    let passed = window.min(blocks.len() as u64 - height.0);
    (effective.units() / window * passed + weighted.units() / window * (window - passed)).min(now)
}

/// What every block left of every account.
struct Model {
    window: u64,
    accounts: BTreeMap<Address, Vec<(u64, u64)>>,
}

impl Model {
    /// Of a chain that has block 0 alone.
    fn new(harness: &Harness, window: u32) -> Self {
        let spec = harness.node.spec();
        let accounts = spec.accounts.iter().map(|account| (account.address, Vec::new())).collect();
        let mut model = Self { window: window.into(), accounts };
        model.look(harness);
        model
    }

    /// After each slot, whether it has brought a block or not.
    fn look(&mut self, harness: &Harness) {
        let height = harness.head();
        for (address, blocks) in &mut self.accounts {
            let record = harness.record(address);
            let effective = record.balance.units() + record.leased_in.units() - record.leased_out.units();
            if blocks.len() as u64 == height.0 {
                blocks.push((record.balance.units(), effective));
            }
            assert_eq!(blocks.len() as u64, height.0 + 1, "the model has seen every block");
            assert_eq!(record.average, noted(blocks, self.window), "of {address} after block {height}");
        }
    }

    /// What the node says that accounts weigh in the next block.
    fn ask(&self, harness: &Harness) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (address, blocks) in &self.accounts {
            let account = runtime.block_on(harness.node.account(*address)).unwrap();
            let (_, effective) = blocks[blocks.len() - 1];
            let weight = Amount(average(blocks, effective, self.window));
            assert_eq!(account.minting_average, weight, "of {address} after the head");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever is paid, leased, called back and claimed, from one unit to nearly all that there are, several times in a block
    /// or many blocks apart, also where slots stay empty and where winning one burns coins.
    #[test]
    fn the_average_is_that_of_the_plain_model(
        window in 1..40u32,
        steps in proptest::collection::vec(step(SUPPLY), 1..40),
    ) {
        let mut scene = Scene::with_rules(|spos| spos.average_window = window, &[0, 1, 2, 3]);
        let mut model = Model::new(&scene.harness, window);
        let amount = Amount(SUPPLY).checked_sub(FEE).unwrap();
        let give = Call::Coin(CoinCall::Transfer { to: scene.harness.address(0), amount });
        prop_assert_eq!(scene.run(&faucet_key(), vec![give]), Status::Success);
        let mut look = |harness: &Harness| model.look(harness);
        look(&scene.harness);
        for step in steps {
            play(&mut scene, &step, &mut look);
        }
        model.ask(&scene.harness);
    }
}

#[test]
fn only_what_a_block_leaves_is_noted() {
    let mut scene = Scene::new();
    let mut model = Model::new(&scene.harness, 600);
    let (lessor, supernode) = (scene.holder(0), scene.harness.address(1));
    let mut run = |calls| {
        assert_eq!(scene.run(&lessor, calls), Status::Success);
        model.look(&scene.harness);
        (scene.harness.record(&supernode), scene.harness.head())
    };
    let (before, _) = run(vec![lease(supernode, 500)]);
    // What comes and goes within a block is nothing.
    let (after, _) = run(vec![lease(supernode, 300), cancel(supernode, 300)]);
    assert_eq!((after.average, after.history_count), (before.average, before.history_count + 2));
    // Another balance is a change, also under the same effective balance.
    let give = Call::Coin(CoinCall::Transfer { to: supernode, amount: Amount(500) });
    let (after, head) = run(vec![cancel(supernode, 500), give]);
    assert_eq!((after.effective(), after.average.height), (before.effective(), head));
}
