//! The memory of the light client, measured by a program of its own: counting in the allocator would slow the others down.

use std::{env, process::Command};

use crate::measure::Figures;

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let bench = env::current_exe().map_err(|error| error.to_string())?;
    let program = bench.with_file_name("light-heap");
    let ran = Command::new(&program).output().map_err(|error| {
        format!("{}: {error}; build it with `cargo build --release -p bench`", program.display())
    })?;
    let printed = String::from_utf8_lossy(&ran.stdout);
    let bytes = printed.trim().parse::<f64>().map_err(|_| {
        format!("{} said {printed:?}, {}", program.display(), String::from_utf8_lossy(&ran.stderr))
    })?;
    figures.print("light.peak_heap_bytes", bytes, "B");
    Ok(())
}
