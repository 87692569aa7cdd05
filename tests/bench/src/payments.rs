//! How many signed payments a node checks, executes and commits to disk in a second: blocks of another minter,
//! taken into a chain with 2^20 accounts. No signature was seen before.

use full_node::{measure::Payments, storage::Retention};

use crate::{
    crypto::all_cores,
    measure::{Figures, folder, median, time},
};

const ACCOUNTS: u64 = 1 << 20;
const BLOCKS: usize = 7;
const PAYMENTS: u64 = 10_000;

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let folder = folder()?;
    let populated = Payments::populate(folder.path(), ACCOUNTS, &Retention::default());
    let mut payments = populated.map_err(|error| error.to_string())?;
    eprintln!("    {ACCOUNTS} accounts are on disk");
    let mut rates = Vec::new();
    for _ in 0..BLOCKS {
        let block = payments.next_block(PAYMENTS).map_err(|error| error.to_string())?;
        let (took, taken) = time(|| payments.take(&block));
        let taken = taken.map_err(|error| error.to_string())?;
        assert_eq!(taken, PAYMENTS, "every payment is in the block");
        rates.push(taken as f64 / took.as_secs_f64());
    }
    let per_s = median(rates);
    figures.print("node.payments.per_s", per_s, "1/s");
    figures.print("node.payments.ratio", per_s / all_cores(), "ratio");
    Ok(())
}
