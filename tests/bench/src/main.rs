//! Figures of speed and size, one `name value unit` a line on standard output; progress goes to standard error.
//!
//! Seeds are fixed, and times are medians or of many things in a row, so two runs on one machine compare. Nothing here asserts a speed.
//! Arguments choose figures by the start of their names (`bench light wallet.bundle`); `build` runs only when it
//! is asked for by name, because it builds everything from nothing.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::float_arithmetic,
    reason = "a program that measures: it prints figures, and a broken set-up must stop it"
)]

mod build;
mod crypto;
mod finality;
mod heap;
mod history;
mod light;
mod measure;
mod network;
mod payments;
mod resources;
mod start;
mod state;
mod submissions;
mod sync;
mod trie;
mod wallet;
mod wasm;

use std::{env, process::ExitCode, time::Instant};

use measure::Figures;

/// As the node has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A group of figures: the start of their names, and what measures them.
type Group = (&'static str, fn(&mut Figures) -> Result<(), String>);

const GROUPS: &[Group] = &[
    ("crypto", crypto::measure),
    ("light.header", light::measure_headers),
    ("light.bundle", light::measure_bundles),
    ("light.history", history::measure),
    ("light.sync", sync::measure),
    ("light.peak_heap", heap::measure),
    ("light.wasm", wasm::measure),
    ("trie", trie::measure),
    ("state", state::measure),
    ("node.payments", payments::measure),
    ("node.submissions", submissions::measure),
    ("net.sync", network::measure),
    ("net.final", finality::measure),
    ("node.rss_mb", resources::measure_memory),
    ("node.disk_bytes_per_payment", resources::measure_disk),
    ("node.first_block", start::measure),
    ("wallet", wallet::measure),
    ("build", build::measure),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = env::args().skip(1).collect();
    let is_wanted = |name: &str| match wanted.as_slice() {
        [] => name != "build" || env::var_os("BENCH_BUILD").is_some(),
        wanted => wanted.iter().any(|start| name.starts_with(start.as_str()) || start.starts_with(name)),
    };
    let mut figures = Figures::default();
    let mut failed = false;
    for (name, measure) in GROUPS.iter().filter(|(name, _)| is_wanted(name)) {
        let began = Instant::now();
        eprintln!("==> {name}");
        if let Err(reason) = measure(&mut figures) {
            eprintln!("==> FAILED: {name}: {reason}");
            failed = true;
        }
        eprintln!("==> {} s: {name}", began.elapsed().as_secs());
    }
    ExitCode::from(u8::from(failed))
}
