//! `vsys-light checkpoint`: hands the newest proven block to other devices, or takes one.

use clap::Args;
use light_client::{
    client::{Bundle, ChainCheckpoint, Sync},
    data_format::{BlockId, Height, Time},
};
use serde::Serialize;

use super::{
    Failure, Options, say, say_json,
    session::{Keep, Session},
    words::moment,
};

/// `vsys-light checkpoint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Prints a text that another device of yours can trust, after it was off for longer than the chain is trusted for:

  vsys-light checkpoint --trust TEXT

Take such a text only from somebody you trust, and compare the block's id over another way. It is never taken from
servers.")]
pub(crate) struct Checkpoint {
    /// A text that vsys-light checkpoint printed elsewhere: trust that block
    #[arg(long, value_name = "TEXT")]
    trust: Option<String>,
}

#[derive(Serialize)]
struct Report {
    height: Height,
    block_ms: Time,
    block: BlockId,
    text: String,
}

/// Takes the block, or waits until one is proven and prints it.
pub(crate) async fn run(options: &Options, arguments: &Checkpoint) -> Result<(), Failure> {
    let mut session = Session::open(options, None, Keep::Always)?;
    if let Some(text) = &arguments.trust {
        let given = ChainCheckpoint::from_text(text).map_err(|error| {
            Failure::arguments(
                format!("the text is not one that vsys-light checkpoint prints: {error}"),
                "copy all of it, from the first digit to the last",
            )
        })?;
        let mut confirmed = Ok(());
        session.change(|client, now| confirmed = client.confirm(given, now))?;
        confirmed.map_err(|error| Failure::arguments(error, "ask for a text of today, of this chain"))?;
    }
    session
        .wait(
            "the newest final block",
            |_, _| (),
            |session, now| (session.heard() && session.client().sync(now) == Sync::Verified).then_some(()),
        )
        .await?;
    let now = session.now()?;
    let client = session.client();
    let Some(checkpoint) = client.checkpoint(now) else { return Err(Failure::expired(client)) };
    let report = Report {
        height: checkpoint.checkpoint.height,
        block_ms: client.trusted_time(),
        block: checkpoint.checkpoint.id,
        text: checkpoint.to_text(),
    };
    let said = if options.json {
        say_json(&report)
    } else {
        let Report { height, block_ms, block, text } = &report;
        say(&format!("Block {height} of {}\nid   {block}\ntext {text}", moment(*block_ms)))
    };
    said.map_err(|error| Failure::output(&error))
}
