//! `vsys-node check`: whether all that a stopped node has stored is whole.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use full_node::{
    check::{self, Stage},
    config::Failure,
    storage::Database,
};
use light_client::data_format::Height;

use super::say;

/// `vsys-node check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads everything: the file's pages, every block with its signatures, the newest state, the history of every account.
Nothing is changed, except that what only the log has is put into the tables first, as at every start.
Exit code 0: all of it is whole; 6: something is damaged, and is named.

Examples:
  vsys-node check --data DIR
  sudo -u vsys-node -- vsys-node check --data /var/lib/vsys-node")]
pub(crate) struct Check {
    /// Where the chain is kept; its node must be stopped
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
}

/// Reads and verifies everything; shows how far it is on a terminal.
pub(crate) fn run(arguments: &Check) -> Result<(), Failure> {
    let mut terminal = io::stderr();
    let shows = terminal.is_terminal();
    // Nobody is left to tell if standard error is closed.
    let mut show = |text: &str| drop(write!(terminal, "\r\x1b[K{text}").and_then(|()| terminal.flush()));
    let mut percent = None;
    if shows {
        show("Reading the pages of the file …");
    }
    let opened = Database::open_existing(&arguments.data, true);
    let checked = opened.map(|database| {
        check::check(&database, &mut |progress| {
            let what = match progress.stage {
                Stage::Blocks => "blocks",
                Stage::State => "keys of the state",
            };
            let now = Some((progress.stage, progress.done * 100 / progress.total.max(1)));
            if shows && now != percent {
                percent = now;
                show(&format!("{} of {} {what}", progress.done, progress.total));
            }
        })
    });
    if shows {
        show("");
    }
    let report = checked??;
    if !report.is_whole() {
        return Err(Failure::damaged(&report));
    }
    let totals = report.totals;
    let kept = match totals.bodies_from {
        Height(0) => String::new(),
        from => format!("; transactions of those below {from} are not kept"),
    };
    say(&format!(
        "All is whole.\n  chain        {}\n  blocks       {}{kept}\n  transactions {}, and {} that wait\n  \
         accounts     {}, which hold {} VSYS",
        report.chain,
        totals.height.0 + 1,
        totals.transactions,
        totals.waiting,
        totals.accounts,
        totals.coins,
    ));
    Ok(())
}
