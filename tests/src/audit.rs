use std::path::Path;

use full_node::{
    check::{Totals, check},
    storage::Database,
};

/// Opens the data folder of a node that has ended and checks all of it, as `vsys-node check` does; gives what it adds up
/// to.
///
/// # Panics
/// If the folder cannot be opened, or anything in it is not whole.
pub fn audit(data: &Path) -> Totals {
    let database = Database::open_existing(data, true).unwrap();
    let report = check(&database, &mut |_| ()).unwrap();
    let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(report.is_whole(), "{found:#?}, and {} more", report.more);
    report.totals
}
