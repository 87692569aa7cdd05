//! How many signed payments a node checks, executes and commits to disk in a second: blocks of another minter,
//! taken one after the other into a chain with 2^20 accounts. No signature was seen before. As much of the blocks waits to be put
//! into the tables of the database when the time begins as when it ends.

use full_node::{block_tree::BlockError, measure::Payments, storage::Retention};
use light_client::consensus::spos::Block;

use crate::{
    crypto::all_cores,
    measure::{Figures, folder, time},
};

const ACCOUNTS: u64 = 1 << 20;
const BLOCKS: u64 = 16;
/// Blocks that are taken before.
const BEFORE: u64 = 5;
const PAYMENTS: u64 = 10_000;

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let folder = folder()?;
    let populated = Payments::populate(folder.path(), ACCOUNTS, &Retention::default());
    let mut payments = populated.map_err(|error| error.to_string())?;
    eprintln!("    {ACCOUNTS} accounts are on disk");
    let blocks: Result<Vec<_>, _> = (0..BEFORE + BLOCKS).map(|_| payments.next_block(PAYMENTS)).collect();
    let blocks = blocks.map_err(|error| error.to_string())?;
    eprintln!("    {BLOCKS} blocks of {PAYMENTS} payments are there");
    let (before, blocks) = blocks.split_at(BEFORE as usize);
    let mut take = |blocks: &[Block]| {
        blocks.iter().try_fold(0, |taken, block| Ok::<_, BlockError>(taken + payments.take(block)?))
    };
    take(before).map_err(|error| error.to_string())?;
    let (took, taken) = time(|| take(blocks));
    let taken = taken.map_err(|error| error.to_string())?;
    assert_eq!(taken, BLOCKS * PAYMENTS, "every payment is in a block");
    let per_s = (BLOCKS * PAYMENTS) as f64 / took.as_secs_f64();
    // The rate of signatures alone is that of idle cores.
    drop(payments);
    figures.print("node.payments.per_s", per_s, "1/s");
    figures.print("node.payments.ratio", per_s / all_cores(), "ratio");
    Ok(())
}
