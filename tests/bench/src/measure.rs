//! Taking times, and printing figures.

use std::{
    collections::BTreeMap,
    env, fs,
    process::Child,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The figures printed so far.
#[derive(Default)]
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    /// Prints a figure. Its name must be new: each is printed once.
    pub(crate) fn print(&mut self, name: &str, value: f64, unit: &str) {
        assert!(self.0.insert(name.to_owned(), value).is_none(), "{name} is measured twice");
        // Whole numbers where they tell enough, three places of small ones.
        if value >= 100.0 || value.fract() == 0.0 {
            println!("{name} {value:.0} {unit}");
        } else {
            println!("{name} {value:.3} {unit}");
        }
    }

    /// A figure printed before.
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }
}

/// The median of an odd or even number of values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// How long something takes.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let result = work();
    (began.elapsed(), result)
}

/// The median number of things done in a second, over some passes; a pass does `count` of them.
pub(crate) fn per_second(passes: usize, count: usize, mut pass: impl FnMut()) -> f64 {
    pass(); // warms caches up
    median((0..passes).map(|_| count as f64 / time(&mut pass).0.as_secs_f64()).collect())
}

/// An empty folder that is removed at the end. It is beside the program, on the disk that holds the build: the system's own
/// folder may be in memory.
pub(crate) fn folder() -> Result<TempDir, String> {
    let beside = env::current_exe().map_err(|error| error.to_string())?.with_file_name("bench-data");
    fs::create_dir_all(&beside).map_err(|error| format!("{}: {error}", beside.display()))?;
    TempDir::new_in(&beside).map_err(|error| error.to_string())
}

/// A process that ends with this value.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is fine.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
pub(crate) struct Sequence(pub(crate) u64);

impl Sequence {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below the bound")
    }

    pub(crate) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        bytes
    }
}
