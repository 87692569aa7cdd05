//! `vsys-light watch`: prints what accounts have, and every change.

use std::{collections::BTreeMap, time::Duration};

use clap::Args;
use light_client::{client::Sync, data_format::Address};

use super::{
    Failure, Options, say, say_json,
    session::{Keep, Session},
    trust::AccountLine,
};

/// How often to look whether what is shown has become stale.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// `vsys-light watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
A line is printed when what an account has changed, or how far it can be believed: also when it becomes stale, and
when it is verified again. With --json each line is an object as of vsys-light balance. Ends with Ctrl-C.")]
pub(crate) struct Watch {
    /// Whose
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<Address>,
}

/// Prints until somebody stops it.
pub(crate) async fn run(options: &Options, watch: &Watch) -> Result<(), Failure> {
    let mut session = Session::open(options, Some(&watch.addresses), Keep::IfPossible)?;
    session.listen();
    let mut shown: BTreeMap<Address, AccountLine> = BTreeMap::new();
    let stopped = tokio::signal::ctrl_c();
    tokio::pin!(stopped);
    loop {
        let now = session.now()?;
        for address in &watch.addresses {
            let account = session.account(address, now);
            if shown.get(address).is_some_and(|before| says_the_same(before, &account)) {
                continue;
            }
            let said = if options.json { say_json(&account) } else { say(&account.to_string()) };
            if said.is_err() {
                // Whoever read it has enough.
                return Ok(());
            }
            shown.insert(*address, account);
        }
        if let Sync::TrustExpired | Sync::Forked | Sync::Lying { .. } = session.client().sync(now)
            && let Some(failure) = session.trouble(now, Duration::ZERO)
        {
            return Err(failure);
        }
        tokio::select! {
            event = session.step(LOOK_AGAIN) => { event?; }
            stop = &mut stopped => return stop.map_err(|error| Failure::machine(&error)),
        }
    }
}

/// Whether nothing changed but the block that it is proven at.
fn says_the_same(before: &AccountLine, after: &AccountLine) -> bool {
    std::mem::discriminant(&before.trust) == std::mem::discriminant(&after.trust)
        && *before == AccountLine { trust: before.trust, ..after.clone() }
}
