//! Hand-overs: what holds, what must not pass for it, that lists are the shortest, and what they weigh.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken script must stop the test")]

mod budgets;
mod check;
mod machine;
mod plan;

use light_client::{data_format::Round, test_support::link_history::LinkHistory};

/// Tables of so many slots, of which one changes at a time, in turn; each change brings a new key.
fn one_by_one(slots: u64, changes: u64) -> Vec<Vec<u64>> {
    let mut tables = vec![(1_000..1_000 + slots).collect::<Vec<u64>>()];
    for change in 0..changes {
        let mut next = tables[tables.len() - 1].clone();
        next[usize::try_from(change % slots).unwrap()] = 1_000 + slots + change;
        tables.push(next);
    }
    tables
}

/// A history of 7 slots that changes every five rounds; everybody signs.
fn history(changes: u64) -> LinkHistory {
    let planned = (0..changes).map(|change| Round(5 * change + 3)).collect();
    let newest = Round(5 * changes + 8);
    LinkHistory::new(&one_by_one(7, changes), planned, newest, Vec::new(), Box::new(|_, _| false))
}
