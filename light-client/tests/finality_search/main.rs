//! A search for two conflicting final blocks.
//!
//! **What is searched.** Histories of two branches: a common past, a fork, and on each branch, round by round, which
//! certificate is included and which change of the slot table is planned, until each branch has made final a
//! checkpoint that the other does not have. For each such pair the search asks whether the votes that its
//! certificates need can exist: every key votes for any set of links that its [`VotingRecord`] lets it sign, or it
//! is hostile and votes for everything. Hostile keys are counted in every table, in force and planned.
//!
//! **What runs is the real code**: [`VotingRecord`] says what an honest key signs, [`Tables::after_final`] when a
//! plan comes into force, [`Table::quorum`] and [`Electorate`] whether votes are enough, [`Link::finalises`] what is
//! final. The search's own short cuts (tables as sets of keys) are compared with `Electorate` as it goes, and what
//! it finds is signed and checked as real certificates ([`witness`]).
//!
//! **Every kind of change** is one of three to the set of keys that vote: a key joins (contend for a vacant slot),
//! takes another's place (contend and displace; a new minting key, which is counted as somebody else's: two keys have
//! two records), or leaves (release, vacate, ban). Keys that left may come back. Keys that no table tells apart are
//! interchangeable, so one of them stands for all.
//!
//! **It allows more than the network does**, so that finding nothing says more: honest keys see any of the two branches as
//! best at any time, whatever its blocks; any certificate that can exist is included or not on either branch.
//! **Bounds**: the rounds before and after the fork, how late a certificate is included, one certificate and one new
//! plan a round and branch, tables of the sizes printed. Not covered: keys that lost their record, what needs more
//! rounds, and liveness; the simulation of whole nodes looks at those. Two branches are enough for two conflicting
//! blocks: a third could not lend them its certificates, and its votes only bind honest keys more.
//!
//! A branch ends with its first final checkpoint after the fork: a history that goes on needs more votes, never fewer.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a broken search must stop the test, and tells how much it looked at"
)]

mod history;
mod search;
mod tables;
mod votes;
mod witness;

use search::{Bounds, Outcome, Pace, search};
use tables::Rule;
use votes::Hostile;

/// The sizes of tables searched, with the rounds before the fork, after it, and how late certificates are included.
const CASES: [Bounds; 9] = [
    Bounds { filled: 3, past: 3, rounds: 4, late: 0, pace: Pace::Any },
    Bounds { filled: 4, past: 4, rounds: 4, late: 0, pace: Pace::Any },
    Bounds { filled: 4, past: 2, rounds: 5, late: 0, pace: Pace::Any },
    Bounds { filled: 4, past: 3, rounds: 4, late: 1, pace: Pace::Any },
    Bounds { filled: 5, past: 3, rounds: 4, late: 0, pace: Pace::Any },
    Bounds { filled: 6, past: 3, rounds: 4, late: 0, pace: Pace::Any },
    Bounds { filled: 7, past: 3, rounds: 4, late: 0, pace: Pace::Any },
    Bounds { filled: 10, past: 2, rounds: 4, late: 0, pace: Pace::Any },
    Bounds { filled: 15, past: 3, rounds: 3, late: 0, pace: Pace::Any },
];

#[test]
fn with_the_plan_no_third_makes_two_conflicting_blocks_final() {
    for bounds in CASES {
        let Outcome { conflict, sizes } = search(Rule::Planned, bounds, Hostile::AThirdOfEachTable);
        println!("{bounds}: {sizes}");
        assert!(conflict.is_none(), "{bounds}: {}", conflict.unwrap());
        assert!(sizes.pairs > 100, "the search ended early: {sizes}");
    }
}

/// Without the plan a fork that changes its table every round gets its own majority: nobody cheats, and two blocks are
/// final.
#[test]
fn without_the_plan_two_conflicting_blocks_become_final_and_nobody_cheats() {
    for (filled, rounds, pace) in
        [(4, 5, Pace::Any), (4, 5, Pace::EveryRound), (7, 6, Pace::EveryRound), (15, 10, Pace::EveryRound)]
    {
        let bounds = Bounds { filled, past: 0, rounds, late: 0, pace };
        let Outcome { conflict, sizes } = search(Rule::Immediate, bounds, Hostile::Any(0));
        let conflict = conflict.unwrap_or_else(|| panic!("{bounds}: nothing found; {sizes}"));
        println!("{bounds}: {sizes}; found {conflict}");
        assert!(conflict.culprits.is_empty());
        // The same past, with the plan.
        let planned = search(Rule::Planned, bounds, Hostile::Any(0));
        assert!(planned.conflict.is_none());
    }
}

/// It takes the tables of both ends, planned ones too.
#[test]
fn the_targets_table_in_force_alone_is_not_enough() {
    let bounds = Bounds { filled: 4, past: 3, rounds: 4, late: 0, pace: Pace::Any };
    let Outcome { conflict, sizes } = search(Rule::TargetInForce, bounds, Hostile::AThirdOfEachTable);
    let conflict = conflict.unwrap_or_else(|| panic!("{bounds}: nothing found; {sizes}"));
    println!("{bounds}: {sizes}; found {conflict}");
    assert!(3 * conflict.culprits().count_ones() <= conflict.largest);
}

#[test]
fn more_than_a_third_can_and_are_named() {
    for (filled, fewest) in [(4, 2), (5, 3), (6, 4), (7, 3), (15, 7)] {
        let bounds = Bounds { filled, past: 0, rounds: 3, late: 0, pace: Pace::Any };
        for hostile in 0..fewest {
            let outcome = search(Rule::Planned, bounds, Hostile::Any(hostile));
            assert!(outcome.conflict.is_none(), "{hostile} of {filled}: {}", outcome.conflict.unwrap());
        }
        let Outcome { conflict, sizes } = search(Rule::Planned, bounds, Hostile::Any(fewest));
        let conflict = conflict.unwrap_or_else(|| panic!("{bounds}: nothing found; {sizes}"));
        println!("{bounds}: {sizes}; found {conflict}");
        assert_eq!(conflict.culprits().count_ones(), fewest);
        assert!(3 * fewest > filled, "more than a third");
    }
}
