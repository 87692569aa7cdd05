//! `vsys-node keys`: minting keys in files.

use std::path::PathBuf;

use clap::Args;
use full_node::config::{self, Failure};
use light_client::crypto::Hash;

use super::say;

/// `vsys-node keys`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("file").required(true))]
#[command(after_help = "\
Examples:
  vsys-node keys --out minting.key               writes a new key that only you can read
  vsys-node keys --show minting.key              prints its public half

The public key goes into the chain spec, as minting_key of the slot's holder.")]
pub(crate) struct Keys {
    /// Write a new key to this file; it must not exist
    #[arg(long, value_name = "FILE", group = "file")]
    pub(crate) out: Option<PathBuf>,
    /// Show the public half of the key in this file
    #[arg(long, value_name = "FILE", group = "file")]
    pub(crate) show: Option<PathBuf>,
}

/// Makes a key, or shows the public half of one.
pub(crate) fn run(keys: &Keys) -> Result<(), Failure> {
    let public = match (&keys.out, &keys.show) {
        (Some(path), _) => {
            let public = config::create_key(path)?;
            say(&format!("A new minting key is in {}; only you can read it. Keep a copy.", path.display()));
            public
        }
        (None, Some(path)) => config::read_key(path)?.public(),
        (None, None) => return Ok(()),
    };
    say(&format!("minting_key = \"{}\"", Hash(*public.as_bytes())));
    Ok(())
}
