//! Why a command ended without success: what happened, and what to do about it.

use std::{fmt, io, path::Path};

use light_client::{
    client::{Client, Health, ProofFailure, StateStore},
    data_format::{Height, codec},
};
use light_native::host::{ClockError, HostDriver, HttpError, RedbStateStoreError};
use serde_json::json;

use super::receipt::Refusal;

/// It failed.
const FAILED: u8 = 1;
/// The arguments make no sense for this chain.
const ARGUMENTS: u8 = 2;
/// A file or folder cannot be used.
const UNUSABLE: u8 = 3;
/// No server answered.
const NO_ANSWER: u8 = 5;
/// A server lied, and no honest one is left; or a receipt is forged.
const LIED: u8 = 6;
/// The newest trusted block is too old.
const EXPIRED: u8 = 7;

/// A failed command, for people: two sentences and an exit code (listed in `vsys-light --help`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    what: String,
    advice: String,
    exit_code: u8,
}

impl Failure {
    fn new(exit_code: u8, what: impl fmt::Display, advice: impl Into<String>) -> Self {
        Self { what: what.to_string(), advice: advice.into(), exit_code }
    }

    /// Something did not happen, or in vain.
    pub(crate) fn failed(what: impl fmt::Display, advice: impl Into<String>) -> Self {
        Self::new(FAILED, what, advice)
    }

    /// The arguments make no sense for this chain.
    pub(crate) fn arguments(what: impl fmt::Display, advice: impl Into<String>) -> Self {
        Self::new(ARGUMENTS, what, advice)
    }

    /// A file that cannot be used.
    pub(crate) fn file(path: &Path, why: impl fmt::Display, advice: impl Into<String>) -> Self {
        Self::new(UNUSABLE, format!("{} cannot be used: {why}", path.display()), advice)
    }

    /// There is no folder to keep anything in.
    pub(crate) fn no_data_folder() -> Self {
        Self::new(
            UNUSABLE,
            "this user has no home folder to keep anything in",
            "name a folder with --data DIR",
        )
    }

    /// The machine gives no threads or timers.
    pub(crate) fn machine(error: &io::Error) -> Self {
        Self::new(FAILED, format!("this machine cannot run it: {error}"), "")
    }

    /// Nobody reads what is printed.
    pub(crate) fn output(error: &io::Error) -> Self {
        Self::new(FAILED, format!("the answer cannot be printed: {error}"), "")
    }

    /// No server answered in time, or every one is of another chain.
    pub(crate) fn no_answer<S: StateStore>(driver: &HostDriver<S>) -> Self {
        let client = driver.client();
        let mut what = "no server has proven anything".to_owned();
        for (index, server) in client.servers().iter().enumerate() {
            let why = driver.complaint(index).unwrap_or("it did not answer in time");
            what += &match server.health() {
                Health::Unknown | Health::Unreachable { .. } => format!("\n  {}: {why}", server.url()),
                Health::OtherChain { found, .. } => {
                    format!("\n  {} serves the chain {found}, not {}", server.url(), client.chain())
                }
                Health::Lying { lie } => format!("\n  {} lied: {lie}", server.url()),
                Health::Good => format!("\n  {} answers, but not this", server.url()),
            };
        }
        Self::new(
            NO_ANSWER,
            what,
            "is it running? Name another with --server URL, or wait longer with --timeout",
        )
    }

    /// Servers answer, and the newest final block does not get any newer.
    pub(crate) fn stale(client: &Client) -> Self {
        let what = format!(
            "servers answer, but none can prove a final block newer than {}: it is stale",
            client.trusted().height
        );
        Self::new(FAILED, what, "the chain may stand still, or this machine's clock be wrong")
    }

    /// No honest server is left.
    pub(crate) fn lied(client: &Client) -> Self {
        let mut what = "no honest server is left".to_owned();
        for server in client.servers() {
            if let Health::Lying { lie } = server.health() {
                what += &format!("\n  {} sent what cannot be true: {lie}", server.url());
            }
        }
        Self::new(LIED, what, "nothing of it was used; ask another server with --server URL")
    }

    /// Final blocks exclude each other.
    pub(crate) fn forked(client: &Client) -> Self {
        let mut what =
            "two final blocks exclude each other: no proof can tell which chain is the right one".to_owned();
        if let Some(fork) = client.fork() {
            for branch in [&fork.one, &fork.other] {
                let block = &branch.block;
                what +=
                    &format!("\n  {} proves block {} of height {}", branch.server, block.id, block.height);
            }
            for evidence in &fork.evidence {
                what += &format!("\n  evidence against a key that signed both: {}", codec::to_hex(evidence));
            }
        }
        let advice = "use nothing of it; ask people you trust which block is the chain's, and give a newer chain file \
                      with --chain FILE. Each line of evidence is for vsys-node supernode report";
        Self::new(LIED, what, advice)
    }

    /// Two operators agree, and that is all.
    pub(crate) fn agreed(client: &Client) -> Self {
        let by = client.agreed().map_or_else(String::new, |agreed| agreed.operators.join(" and "));
        let what = format!(
            "the newest block that somebody vouches for is older than this chain is trusted for; {by} agree on block \
             {}, which is not final",
            client.trusted().height
        );
        Self::new(
            EXPIRED,
            what,
            "get a newer chain file from somebody you trust, and give it with --chain FILE",
        )
    }

    /// The trusted block is too old.
    pub(crate) fn expired(client: &Client) -> Self {
        let days = client.spec().trusting_period_ms / 86_400_000;
        let what = format!(
            "the newest block proven here, {}, is older than the {days} days that this chain is trusted for",
            client.trusted().height
        );
        let advice = "get a newer chain file from somebody you trust, and give it with --chain FILE; if that is not \
                      it, this machine's clock is wrong";
        Self::new(EXPIRED, what, advice)
    }

    /// The block that a receipt is proven from is too old.
    pub(crate) fn checkpoint_expired(height: Height, trusting_period_ms: u64) -> Self {
        let days = trusting_period_ms / 86_400_000;
        let what = format!(
            "the checkpoint of the chain file, block {height}, is older than the {days} days that this chain is trusted for"
        );
        let advice = "signers of that time could have made up another past: get a newer chain file from somebody you \
                      trust, and a receipt for it";
        Self::new(EXPIRED, what, advice)
    }

    /// A receipt proves nothing from here.
    pub(crate) fn receipt(error: &ProofFailure) -> Self {
        match error {
            ProofFailure::ReceiptOfAnotherChain { .. } => {
                Self::new(UNUSABLE, error, "name the chain file of that chain with --chain FILE")
            }
            ProofFailure::AnotherCheckpoint { .. } => Self::new(
                UNUSABLE,
                error,
                "name a chain file with that checkpoint with --chain FILE, or ask for a receipt from yours with \
                 vsys-light receipt; if neither is at hand, the receipt proves nothing",
            ),
            lie if lie.is_lie() => Self::new(
                LIED,
                format!("the receipt is forged or damaged: {lie}"),
                "nothing of it is proven; ask for it anew with vsys-light receipt",
            ),
            error => Self::new(
                FAILED,
                format!("the receipt cannot be checked: {error}"),
                "this machine's clock may be wrong",
            ),
        }
    }

    /// No server gave a receipt.
    pub(crate) fn no_receipt(refusals: &[(&str, Refusal)]) -> Self {
        let mut what = "there is no receipt".to_owned();
        let (mut honest, mut lied) = (false, false);
        for (url, refusal) in refusals {
            what += &match refusal {
                Refusal::Silent(why) => format!("\n  {url}: {why}"),
                Refusal::None(why) => {
                    honest = true;
                    format!("\n  {url}: {why}")
                }
                Refusal::Lie(why) => {
                    lied = true;
                    format!("\n  {url} sent what cannot be true: {why}")
                }
            };
        }
        match (honest, lied) {
            (true, _) => Self::new(
                FAILED,
                what,
                "only a payment in a final block has one; wait, or ask another server with --server URL",
            ),
            (false, true) => {
                Self::new(LIED, what, "nothing was written; ask another server with --server URL")
            }
            (false, false) => Self::new(
                NO_ANSWER,
                what,
                "is it running? Name another with --server URL, or wait longer with --timeout",
            ),
        }
    }

    /// What the process exits with.
    pub(crate) const fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// For programs, on one line.
    pub(crate) fn json(&self) -> String {
        json!({ "error": self.what, "advice": self.advice, "exit_code": self.exit_code }).to_string()
    }
}

/// What happened, and a line for what to do.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "\n  {}", self.advice) }
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        match &error {
            HttpError::Url { .. } => {
                Self::new(ARGUMENTS, &error, "give the address of a node's API, without a slash at its end")
            }
            HttpError::Certificates(_) => {
                Self::new(UNUSABLE, &error, "install the system's certificates (Debian: ca-certificates)")
            }
            HttpError::Tls(_) => Self::new(FAILED, &error, ""),
        }
    }
}

impl From<RedbStateStoreError> for Failure {
    fn from(error: RedbStateStoreError) -> Self {
        let advice = match &error {
            RedbStateStoreError::InUse(_) => {
                "stop the other vsys-light first: a payment must be stored before it is sent"
            }
            RedbStateStoreError::Unusable { .. } => {
                "check the folder and its permissions, or name one with --data DIR"
            }
            RedbStateStoreError::Failed { .. } => "check the disk and the space left on it",
        };
        Self::new(UNUSABLE, &error, advice)
    }
}

impl From<ClockError> for Failure {
    fn from(error: ClockError) -> Self {
        Self::new(FAILED, error, "set the clock: without it nobody can tell old from new")
    }
}
