//! Builds the browser wallet into a folder of static files.
//!
//! `cargo run -p web-bundle -- --out target/wallet` compiles the two WASM modules, the page and the worker, gives each its JavaScript side, shrinks
//! them, adds the files of `www/` and says what a visitor downloads. Run again, it repeats only what changed.
//!
//! Trust: everything read is the repository's own and what its lock files pin. The JavaScript side is made by the very version of `wasm-bindgen`
//! that the modules are compiled with: a shared crate of the two allows no other pair in one lock file.

mod compile;
mod error;
mod module;
mod report;
mod site;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::error::BundleError;
use crate::report::Report;

/// Builds the browser wallet into a folder of static files.
#[derive(Parser)]
#[command(name = "web-bundle", version)]
struct Arguments {
    /// The folder to fill; whatever else is in it is removed.
    #[arg(long, default_value = "target/wallet")]
    out: PathBuf,
    /// The cargo profile of the two modules.
    #[arg(long, default_value = "wasm")]
    profile: String,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]
fn main() -> ExitCode {
    match bundle(&Arguments::parse()) {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("web-bundle: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bundle(arguments: &Arguments) -> Result<Report, BundleError> {
    let root = compile::workspace_root()?;
    let work = root.join("target/bundle");
    let mut files = site::read(&root.join("www"))?;
    for compiled in compile::modules(&root, &arguments.profile)? {
        for (path, bytes) in module::finish(&root, &compiled, &work.join(compiled.name))? {
            if files.insert(path.clone(), bytes).is_some() {
                return Err(BundleError::Twice { path });
            }
        }
    }
    let gzipped = report::gzipped(&files)?;
    let report = Report::of(&files, &gzipped);
    files.extend(gzipped);
    files.insert(PathBuf::from(report::FILE), report.json()?);
    site::write(&files, &arguments.out)?;
    Ok(report)
}
