//! `vsys-light sync`: proves the newest final block, and what was asked for last time.

use clap::Args;
use light_client::{
    client::{Client, Sync as Conversation},
    data_format::{Address, Height, Time},
};
use serde::Serialize;

use super::{
    Failure, Options, say, say_json,
    session::{Keep, Session},
    trust::AccountLine,
    words::{self, PaymentLine, moment},
};

/// `vsys-light sync`.
#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// Ask again also servers that lied in this or an earlier run
    #[arg(long)]
    forgive: bool,
}

/// What was proven.
#[derive(Serialize)]
struct Report {
    height: Height,
    block_ms: Time,
    accounts: Vec<AccountLine>,
    payments: Vec<PaymentLine>,
}

/// Waits until everything is as new as can be.
pub(crate) async fn run(options: &Options, arguments: &Sync) -> Result<(), Failure> {
    let mut session = Session::open(options, None, Keep::IfPossible)?;
    if arguments.forgive {
        session.change(Client::refresh)?;
    }
    let accounts: Vec<Address> = session.client().accounts().map(|(address, _)| *address).collect();
    session
        .wait(
            "the newest final block",
            |_, _| (),
            |session, now| {
                let verified = session.heard() && session.client().sync(now) == Conversation::Verified;
                (verified && session.all_proven(&accounts, now)).then_some(())
            },
        )
        .await?;
    let now = session.now()?;
    let height = session.client().trusted().height;
    let block_ms = session.client().trusted_time();
    let accounts: Vec<_> = accounts.iter().map(|address| session.account(address, now)).collect();
    let payments = words::payments(session.client());
    if options.json {
        let report = Report { height, block_ms, accounts, payments };
        return say_json(&report).map_err(|error| Failure::output(&error));
    }
    let mut text = format!("Block {height} of {} is final: verified.", moment(block_ms));
    for account in accounts {
        text += &format!("\n{account}");
    }
    for PaymentLine { id, words, .. } in payments {
        text += &format!("\nPayment {id}: {words}.");
    }
    say(&text).map_err(|error| Failure::output(&error))
}
