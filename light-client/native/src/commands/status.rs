//! `vsys-light status`: the chain, where trust is, and how the servers are.

use std::time::Duration;

use light_client::{
    client::{Client, Health, Server, Sync},
    data_format::{ChainId, Height, Time},
};
use light_native::sync;
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
    payments: Vec<PaymentLine>,
}

#[derive(Serialize)]
struct ServerLine {
    url: String,
    /// `unknown`, `good`, `unreachable`, `other_chain` or `lying`.
    health: &'static str,
    /// The other chain it serves, or what it said that cannot be true.
    detail: Option<String>,
    /// The newest final height that it proved.
    height: Option<Height>,
}

#[derive(Serialize)]
struct PaymentLine {
    id: String,
    state: &'static str,
    words: String,
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
                let verified = sync(client, now) == Sync::Verified && session.heard();
                (client.servers().iter().all(asked) && verified).then_some(())
            },
        )
        .await;
    let now = session.now()?;
    let report = report(session.client(), session.heard(), now);
    let said = if options.json { say_json(&report) } else { say(&report.text(now)) };
    said.map_err(|error| Failure::output(&error))?;
    match session.trouble(now, Duration::ZERO) {
        Some(failure) => Err(failure),
        None => waited,
    }
}

fn report(client: &Client, heard: bool, now: Time) -> Report {
    let trusted = client.trusted();
    let trust = match sync(client, now) {
        Sync::TrustExpired => "expired",
        Sync::Verified if heard => "verified",
        _ if client.proven_at().is_some() => "stale",
        _ => "unknown",
    };
    let payment = |(id, payment): (&_, &_)| {
        let (state, words) = words::payment(payment);
        let id: &light_client::data_format::TransactionId = id;
        PaymentLine { id: id.to_string(), state, words }
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
        servers: client.servers().iter().map(ServerLine::new).collect(),
        payments: client.payments().map(payment).collect(),
    }
}

impl ServerLine {
    fn new(server: &Server) -> Self {
        let (health, detail) = match server.health() {
            Health::Unknown => ("unknown", None),
            Health::Good => ("good", None),
            Health::Unreachable { .. } => ("unreachable", None),
            Health::OtherChain { found, .. } => ("other_chain", Some(found.clone())),
            Health::Lying { lie } => ("lying", Some(lie.clone())),
        };
        Self { url: server.url().to_owned(), health, detail, height: server.height() }
    }
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
