//! `vsys-node export`: the blocks of a stopped node, as JSON.

use std::{
    fs::File,
    io::{self, BufWriter},
    path::PathBuf,
};

use clap::Args;
use full_node::{
    config::Failure,
    export::{self, ExportError},
    storage::Database,
};
use light_client::data_format::Height;

/// `vsys-node export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Amounts are strings of units (1 VSYS = 10^8 units). header, certificate and signed are the exact bytes, hexadecimal.
Nothing is changed, except that what only the log has is put into the tables first, as at every start.

Examples:
  vsys-node export --data DIR | jq .transactions
  vsys-node export --data DIR --from 1000 --to 1999 --out blocks.jsonl
  sudo -u vsys-node -- vsys-node export --data /var/lib/vsys-node > blocks.jsonl")]
pub(crate) struct Export {
    /// Where the chain is kept; its node must be stopped
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The first block, by its height
    #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
    pub(crate) from: u64,
    /// The last block, by its height [default: the newest]
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) to: Option<u64>,
    /// Write to this file, which must not exist, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Writes them to a file or to standard output.
pub(crate) fn run(arguments: &Export) -> Result<(), Failure> {
    let database = Database::open_existing(&arguments.data, false)?;
    let (from, to) = (Height(arguments.from), arguments.to.map(Height));
    let written = match &arguments.out {
        Some(path) => {
            let file = File::create_new(path).map_err(ExportError::from)?;
            export::export(&database, from, to, &mut BufWriter::new(file))
        }
        None => export::export(&database, from, to, &mut BufWriter::new(io::stdout().lock())),
    };
    match written {
        // Whoever reads has read enough.
        Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map(|_| ()).map_err(Failure::from),
    }
}
