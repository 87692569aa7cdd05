//! `vsys-node spec`: chain specs to begin with.

use std::{fs, io::Write, path::PathBuf};

use clap::{Args, ValueEnum};
use full_node::config::{Failure, Template};
use light_client::data_format::Time;

use super::{now, say};

/// `vsys-node spec`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vsys-node spec --template v-systems --out chain.toml
  vsys-node spec --template development")]
pub(crate) struct Spec {
    /// Which chain
    #[arg(long, value_enum)]
    pub(crate) template: Kind,
    /// Write it to this file, which must not exist [default: print it]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// What there is to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The constants of the V.Systems network, every field explained; holders and accounts are to be filled in
    VSystems,
    /// The chain of `vsys-node dev`: everybody knows its keys
    Development,
}

/// Writes a chain spec; the chain begins at the next midnight but one, or now if it is for development.
pub(crate) fn run(spec: &Spec) -> Result<(), Failure> {
    const DAY_MS: u64 = 86_400_000;
    let (template, begins) = match spec.template {
        Kind::VSystems => (Template::VSystems, Time((now().0 / DAY_MS + 2) * DAY_MS)),
        Kind::Development => (Template::Development, now()),
    };
    let text = template.text(begins).map_err(|cause| Failure::ended("the template", cause))?;
    let Some(path) = &spec.out else {
        say(text.trim_end());
        return Ok(());
    };
    let unwritable = |cause| Failure::unwritable(path, &cause);
    let mut file = fs::File::create_new(path).map_err(unwritable)?;
    file.write_all(text.as_bytes()).map_err(unwritable)?;
    say(&format!("A chain spec is in {}. Whoever is to run this chain needs the same file.", path.display()));
    Ok(())
}
