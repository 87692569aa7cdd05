//! Updates of the authenticated state on disk, as the benchmarks of other tries do them: 2^20 keys of 32 bytes with values
//! of 100 bytes, sorted batches of 20,000 distinct random keys, each durable with its root before the next one; in the end all
//! of them are in the tables of the database.

use std::{collections::BTreeSet, time::Duration};

use full_node::{
    measure::{StateUpdates, Update},
    storage::Retention,
};

use crate::measure::{Figures, Sequence, folder, time};

const KEYS: usize = 1 << 20;
const BATCH: usize = 20_000;
const BATCHES: usize = 30;
/// What the tries that this is compared with are given too.
const CACHE_BYTES: usize = 1 << 30;

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let mut sequence = Sequence(11);
    let keys: Vec<[u8; 32]> = (0..KEYS).map(|_| sequence.bytes()).collect();
    let retention =
        Retention { node_cache_bytes: CACHE_BYTES, page_cache_bytes: CACHE_BYTES, ..Retention::default() };
    let mut entries: Vec<Update> = keys.iter().map(|key| (*key, value(&mut sequence))).collect();
    entries.sort_unstable();
    let folder = folder()?;
    let (took, state) = time(|| StateUpdates::populate(folder.path(), &entries, &retention));
    let mut state = state.map_err(|error| error.to_string())?;
    figures.print("state.load.per_s", KEYS as f64 / took.as_secs_f64(), "1/s");
    let mut spent = Duration::ZERO;
    for _ in 0..BATCHES {
        let mut chosen = BTreeSet::new();
        while chosen.len() < BATCH {
            chosen.insert(keys[sequence.below(KEYS)]);
        }
        let batch: Vec<Update> = chosen.into_iter().map(|key| (key, value(&mut sequence))).collect();
        let (took, applied) = time(|| state.apply(&batch));
        applied.map_err(|error| error.to_string())?;
        spent += took;
    }
    let (took, settled) = time(|| state.settle());
    settled.map_err(|error| error.to_string())?;
    spent += took;
    assert_eq!(state.root().count, KEYS as u64, "no key came or went");
    figures.print("state.update.per_s", (BATCHES * BATCH) as f64 / spent.as_secs_f64(), "1/s");
    Ok(())
}

fn value(sequence: &mut Sequence) -> [u8; 100] {
    let mut value = [0; 100];
    for chunk in value.chunks_mut(32) {
        chunk.copy_from_slice(&sequence.bytes()[..chunk.len()]);
    }
    value
}
