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
//! final and knows what it told others that it signed. [`scenarios`] says what is played and what must come of it.
//!
//! Runs in which no disk fails keep their chains in [`memory`], because that is quicker; the bytes of a real database are
//! under those in which processes die.
//!
//! `SEEDS=20` plays fewer of them. A failing seed says how to play it again: `SEED=17 cargo test -p full-node --lib simulation::...`.

mod disk;
mod host;
mod hostile;
mod judge;
mod links;
mod medium;
mod memory;
mod random;
mod scenarios;
mod view;
mod world;

use std::{
    any::Any,
    num::NonZero,
    ops::Range,
    panic::AssertUnwindSafe,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use world::World;

pub(super) use disk::Disk;
pub(crate) use random::Random;

/// Stack of a thread that plays.
const STACK: usize = 8 << 20;

/// Plays a scenario once for each seed, or for the one that the environment names, on all cores; and looks at every run
/// when it has ended.
fn for_seeds(scenario: &str, seeds: Range<u64>, play: impl Fn(u64) -> World + Sync) {
    let test = format!("tests::simulation::scenarios::{scenario}");
    play_seeds(&test, seeds, |seed| play(seed).check_books());
}

/// Plays something once for each seed, or for the one that the environment names, on all cores. `test` is where it stands.
pub(crate) fn play_seeds(test: &str, seeds: Range<u64>, play: impl Fn(u64) + Sync) {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let seeds = match (number("SEED"), number("SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(count)) => seeds.start..seeds.end.min(seeds.start + count),
        (None, None) => seeds,
    };
    let next = AtomicU64::new(seeds.start);
    let failed: Mutex<Option<(u64, Box<dyn Any + Send>)>> = Mutex::new(None);
    let failure = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        while failure().is_none() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let played = AssertUnwindSafe(|| play(seed));
            if let Err(panic) = std::panic::catch_unwind(played) {
                failure().get_or_insert((seed, panic));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                // What a node would do on several threads it does on this one: a run is one thread.
                let alone = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(STACK).build().unwrap();
                alone.install(work);
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some((seed, panic)) = failed {
        eprintln!("play it again: SEED={seed} cargo test -p full-node --lib {test}");
        std::panic::resume_unwind(panic);
    }
}
