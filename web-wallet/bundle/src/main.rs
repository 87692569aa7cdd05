//! Builds the browser wallet, or the light client alone, into a folder of static files.
//!
//! `cargo run -p web-bundle -- --out target/wallet` compiles the two WASM modules, the page and the worker, gives each its JavaScript side, shrinks
//! them, adds the files of `www/` and says what a visitor downloads. `--product light-wasm` does the same with the one module of the light client,
//! which comes with types and without pages. Run again, it repeats only what changed.
//!
//! Trust: everything read is the repository's own and what its lock files pin. The JavaScript side is made by the very version of `wasm-bindgen`
//! that the modules are compiled with: a shared crate of the two allows no other pair in one lock file.

mod compile;
mod error;
mod module;
mod names;
mod report;
mod site;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::compile::Product;
use crate::error::BundleError;
use crate::report::Report;
use crate::site::Files;

/// Builds the browser wallet, or the light client alone, into a folder of static files.
#[derive(Parser)]
#[command(name = "web-bundle", version)]
struct Arguments {
    /// What to build.
    #[arg(long, value_enum, default_value_t = Product::Wallet)]
    product: Product,
    /// The folder to fill; whatever else is in it is removed [default: target/ and the product's name].
    #[arg(long)]
    out: Option<PathBuf>,
    /// The cargo profile of the modules.
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
    let product = arguments.product;
    let work = root.join("target/bundle").join(product.name());
    let mut files = if product == Product::Wallet { site::read(&root.join("www"))? } else { Files::new() };
    for compiled in compile::modules(&root, product, &arguments.profile)? {
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
    let out = arguments.out.clone().unwrap_or_else(|| root.join("target").join(product.name()));
    site::write(&files, &out)?;
    Ok(report)
}
