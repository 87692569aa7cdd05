//! Whole networks in virtual time, each from one seed.
//!
//! A [`world::World`] is a number of real [`Node`](crate::node::Node)s, each over a disk of its own that forgets what was
//! not synced ([`disk`]), with the network's real machines for fetching and for judging peers ([`host`]), lines with
//! latency, loss and cuts between them ([`links`]), clocks that drift, and peers that break rules ([`hostile`]). Nothing
//! waits and nothing reads a clock: events happen in the order of their time, and everything random follows from the seed,
//! so a run is the same each time, down to the last message.
//!
//! A [`judge`] watches every run: no two honest nodes call conflicting blocks final, no honest key signs two votes
//! that exclude each other, no honest node makes two blocks in a slot, and a restarted node keeps what it called
//! final. [`scenarios`] says what is played and what must come of it.
//!
//! A failing seed says how to play it again: `SEED=17 cargo test -p full-node --lib simulation::...`.

mod disk;
mod host;
mod hostile;
mod judge;
mod links;
mod random;
mod scenarios;
mod view;
mod world;

use std::{ops::Range, panic::AssertUnwindSafe};

pub(super) use disk::Disk;
pub(super) use random::Random;

/// Plays a scenario once for each seed, or for the one that the environment names.
fn for_seeds(scenario: &str, seeds: Range<u64>, mut play: impl FnMut(u64)) {
    let named = std::env::var("SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let seeds = named.map_or(seeds, |seed| seed..seed + 1);
    for seed in seeds {
        if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(|| play(seed))) {
            eprintln!(
                "play it again: SEED={seed} cargo test -p full-node --lib simulation::scenarios::{scenario}"
            );
            std::panic::resume_unwind(panic);
        }
    }
}
