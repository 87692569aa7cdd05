//! `vsys-light balance`: proves what accounts have.

use clap::Args;
use light_client::data_format::Address;

use super::{
    Failure, Options, say, say_json,
    session::{Keep, Session},
};

/// `vsys-light balance`.
#[derive(Debug, Args)]
#[command(after_help = "\
Prints one line an account, with --json one object a line: figures are strings of units, and null if nothing is
proven. If no server answers, what was proven before is printed as stale, and the exit code is 5.")]
pub(crate) struct Balance {
    /// Whose
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<Address>,
}

/// Prints what is proven of each account, also when that is not new or nothing.
pub(crate) async fn run(options: &Options, balance: &Balance) -> Result<(), Failure> {
    let addresses = &balance.addresses;
    let mut session = Session::open(options, Some(addresses), Keep::IfPossible)?;
    let waited = session
        .wait(
            &format!("{} accounts", addresses.len()),
            |_, _| (),
            |session, now| session.all_proven(addresses, now).then_some(()),
        )
        .await;
    let now = session.now()?;
    for address in addresses {
        let account = session.account(address, now);
        let said = if options.json { say_json(&account) } else { say(&account.to_string()) };
        said.map_err(|error| Failure::output(&error))?;
    }
    waited
}
