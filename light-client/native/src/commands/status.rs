//! `vsys-light status`: the chain, where trust is, and how the servers are.

use std::time::Duration;

use light_client::{
    client::{Health, Server, Sync},
    data_format::{ChainId, Height, Time},
};
use serde::Serialize;

use super::{
    Failure, Options, say, say_json,
    session::{Keep, Session},
    words::{self, duration, moment},
};

/// Everything there is to say.
#[derive(Serialize)]
struct Report {
    chain: ChainId,
    name: String,
    /// `verified`, `stale`, `expired` or `unknown`.
    trust: &'static str,
    height: Height,
    block: String,
    block_ms: Time,
    /// Signatures under it, and how many could have signed; `null` for the block that trust started from.
    signatures: Option<(u32, u32)>,
    proven_ms: Option<Time>,
    trusted_until_ms: Time,
    servers: Vec<ServerLine>,
    payments: Vec<words::PaymentLine>,
}

#[derive(Serialize)]
struct ServerLine {
    url: String,
    /// `unknown`, `good`, `unreachable`, `other_chain` or `lying`.
    health: &'static str,
    /// Why it cannot be reached, the other chain it serves, or what it said that cannot be true.
    detail: Option<String>,
    /// The newest final height that it proved.
    height: Option<Height>,
}

/// Asks every server once and prints.
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let mut session = Session::open(options, None, Keep::IfPossible)?;
    let waited = session
        .wait(
            "how the servers are",
            |_, _| (),
            |session, now| {
                let client = session.client();
                let asked = |server: &Server| *server.health() != Health::Unknown;
                let fresh = matches!(client.sync(now), Sync::Verified | Sync::Agreed);
                let verified = fresh && session.heard();
                (client.servers().iter().all(asked) && verified).then_some(())
            },
        )
        .await;
    let now = session.now()?;
    let report = report(&session, now);
    let said = if options.json { say_json(&report) } else { say(&report.text(now)) };
    said.map_err(|error| Failure::output(&error))?;
    match session.trouble(now, Duration::ZERO) {
        Some(failure) => Err(failure),
        None => waited,
    }
}

fn report(session: &Session, now: Time) -> Report {
    let client = session.client();
    let trusted = client.trusted();
    let trust = match client.sync(now) {
        Sync::TrustExpired => "expired",
        Sync::Forked => "forked",
        Sync::Verified if session.heard() => "verified",
        Sync::Agreed if session.heard() => "agreed",
        _ if client.proven_at().is_some() => "stale",
        _ => "unknown",
    };
    Report {
        chain: *client.chain(),
        name: client.spec().name.clone(),
        trust,
        height: trusted.height,
        block: trusted.id.to_string(),
        block_ms: client.trusted_time(),
        signatures: client.signatures(),
        proven_ms: client.proven_at(),
        trusted_until_ms: client.trusted_time().plus_ms(client.spec().trusting_period_ms),
        servers: client
            .servers()
            .iter()
            .enumerate()
            .map(|(index, server)| line(session, index, server))
            .collect(),
        payments: words::payments(client),
    }
}

fn line(session: &Session, index: usize, server: &Server) -> ServerLine {
    let complaint = || session.complaint(index).map(str::to_owned);
    let (health, detail) = match server.health() {
        Health::Unknown => ("unknown", complaint()),
        Health::Good => ("good", None),
        Health::Unreachable { .. } => ("unreachable", complaint()),
        Health::OtherChain { found, .. } => ("other_chain", Some(found.clone())),
        Health::Lying { lie } => ("lying", Some(lie.clone())),
    };
    ServerLine { url: server.url().to_owned(), health, detail, height: server.height() }
}

impl Report {
    fn text(&self, now: Time) -> String {
        let proven = self.proven_ms.map_or_else(|| "never".to_owned(), moment);
        let mut text = format!(
            "chain          {} ({})\ntrust          {}\nfinal block    {} of {}\nblock id       {}\n",
            self.name,
            self.chain,
            self.trust,
            self.height,
            moment(self.block_ms),
            self.block
        );
        text += &match self.signatures {
            Some((signed, all)) => format!("signed by      {signed} of {all}\n"),
            None => "signed by      nobody: this is where trust starts\n".to_owned(),
        };
        text += &format!("last proven    {proven}\n");
        let left = self.trusted_until_ms.ms_since(now);
        text += &match left {
            0 => "trusted until  now: give a newer chain file with --chain FILE\n".to_owned(),
            left => format!("trusted until  {} ({})\n", moment(self.trusted_until_ms), duration(left)),
        };
        for server in &self.servers {
            let height = server.height.map_or_else(String::new, |height| format!(", block {height}"));
            let detail = server.detail.as_ref().map_or_else(String::new, |detail| format!(": {detail}"));
            text += &format!("server         {}  {}{height}{detail}\n", server.url, server.health);
        }
        for payment in &self.payments {
            text += &format!("payment        {}  {}\n", payment.id, payment.words);
        }
        text.trim_end().to_owned()
    }
}
