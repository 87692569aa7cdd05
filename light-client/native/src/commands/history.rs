//! `vsys-light history`: proves what happened to an account, and that nothing is left out.

use std::{fmt::Write as _, num::NonZeroU64};

use clap::Args;
use light_client::{
    client::{AccountState, Client},
    data_format::{Address, Amount},
    state::{Asset, HistoryRecord},
};
use light_native::counterparty;
use serde::Serialize;

use super::{
    Failure, Options, say, say_json,
    session::{Keep, Session},
    tell,
    trust::Trust,
    words,
};

/// `vsys-light history`.
#[derive(Debug, Args)]
#[command(after_help = "\
Newest first. The chain commits to the number of an account's changes and to their hashes, so a server cannot leave one
out unnoticed; a history that is complete adds up to the balance, which is checked too.

Examples:
  vsys-light history ADDRESS --newest 10
  vsys-light history ADDRESS --csv > history.csv")]
pub(crate) struct History {
    /// Whose
    address: Address,
    /// Only so many, the newest [default: all]
    #[arg(long, value_name = "N")]
    newest: Option<NonZeroU64>,
    /// Print comma-separated values, with amounts in VSYS
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// What is proven of a history.
#[derive(Serialize)]
struct Report {
    address: Address,
    /// Of coins; `null` if nothing is proven.
    balance: Option<Amount>,
    /// Changes that are proven to exist.
    count: Option<u64>,
    /// Whether all of them are here, and add up to the balance.
    complete: bool,
    trust: Trust,
    /// Newest first.
    records: Vec<Line>,
}

/// One change.
#[derive(Serialize)]
struct Line {
    index: u64,
    height: u64,
    block_ms: u64,
    kind: &'static str,
    asset: &'static str,
    /// Units more, or less if negative.
    delta: String,
    #[serde(skip)]
    change: i64,
    /// `null` for the chain's beginning and for the pay for a block.
    transaction: Option<String>,
    counterparty: Option<Address>,
    memo: Option<String>,
}

/// Prints what is proven, also when that is not new or nothing.
pub(crate) async fn run(options: &Options, history: &History) -> Result<(), Failure> {
    let mut session = Session::open(options, Some(&[history.address]), Keep::IfPossible)?;
    let loaded = load(&mut session, history).await;
    let now = session.now()?;
    let trust = session.account(&history.address, now).trust;
    let report = report(session.client(), history, trust);
    let said = if options.json {
        say_json(&report)
    } else if history.csv {
        tell(&report.summary());
        say(report.csv().trim_end())
    } else {
        say(&format!("{}{}", report.table(), report.summary()))
    };
    said.map_err(|error| Failure::output(&error))?;
    loaded
}

/// Proves the account, then page after page until there are enough.
async fn load(session: &mut Session, history: &History) -> Result<(), Failure> {
    let address = history.address;
    let verified = |session: &Session, now| session.all_proven(&[address], now).then_some(());
    session.wait("the account", |_, _| (), verified).await?;
    let missing = |client: &Client| {
        let loaded = client.account(&address).map(AccountState::history);
        let enough = |loaded: usize| history.newest.is_some_and(|newest| loaded as u64 >= newest.get());
        loaded.map_or(0, |loaded| if enough(loaded.records().len()) { 0 } else { loaded.before().count })
    };
    loop {
        let before = missing(session.client());
        if before == 0 {
            return Ok(());
        }
        session
            .wait(
                &format!("older changes: {before} to come"),
                |client, now| client.load_history(address, now),
                |session, _| (missing(session.client()) != before).then_some(()),
            )
            .await?;
    }
}

fn report(client: &Client, history: &History, trust: Trust) -> Report {
    let address = history.address;
    let account = client.account(&address);
    let proven = account.and_then(AccountState::proven);
    let record = proven.map(|proven| proven.record.unwrap_or_default());
    let loaded = account.map_or(&[][..], |account| account.history().records());
    let newest =
        history.newest.map_or(usize::MAX, |newest| usize::try_from(newest.get()).unwrap_or(usize::MAX));
    let shown = loaded.iter().rev().take(newest);
    // The client has checked it, and once more costs nothing.
    let whole = |record: &light_client::state::AccountRecord| {
        shown.clone().count() as u64 == record.history_count && record.check_balance(loaded).is_ok()
    };
    Report {
        address,
        balance: record.map(|record| record.balance),
        count: record.map(|record| record.history_count),
        complete: record.as_ref().is_some_and(whole),
        trust,
        records: shown.map(|record| line(client, account, record)).collect(),
    }
}

fn line(client: &Client, account: Option<&AccountState>, record: &HistoryRecord) -> Line {
    let transaction = account.and_then(|account| account.history().transaction(&record.transaction));
    Line {
        index: record.index,
        height: record.height.0,
        block_ms: client.verifier().time_of(record.slot).0,
        kind: record.kind.word(),
        asset: record.asset.word(),
        delta: record.delta.to_string(),
        change: record.delta,
        transaction: (!record.transaction.is_zero()).then(|| record.transaction.to_string()),
        counterparty: transaction.and_then(|t| counterparty(client.spec().network, record, t)),
        memo: transaction.filter(|t| !t.memo.is_empty()).map(|t| words::memo(&t.memo)),
    }
}

impl Report {
    fn summary(&self) -> String {
        let (Some(balance), Some(count)) = (self.balance, self.count) else {
            return format!("Nothing is proven of {}: unknown.", self.address);
        };
        let trust = self.trust;
        if self.complete {
            format!(
                "Complete: all {count} changes, and they add up to the balance of {balance} VSYS; {trust}."
            )
        } else {
            format!(
                "Not complete: {} of {count} changes, balance {balance} VSYS; {trust}.",
                self.records.len()
            )
        }
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for line in &self.records {
            let kind = if line.asset == Asset::Coin.word() {
                line.kind.to_owned()
            } else {
                format!("{} ({})", line.kind, line.asset)
            };
            let other = line.counterparty.map_or_else(String::new, |address| address.to_string());
            let row = format!(
                "{}  {:>9}  {:>24}  {kind:<24}  {other:<35}  {}",
                words::moment(light_client::data_format::Time(line.block_ms)),
                line.height,
                words::change(line.change),
                line.memo.as_deref().unwrap_or_default()
            );
            text += row.trim_end();
            text.push('\n');
        }
        text
    }

    /// RFC 4180, with a line of names. Every field of free text is quoted.
    fn csv(&self) -> String {
        let mut text =
            String::from("index,time,height,kind,asset,change_vsys,transaction,counterparty,memo\r\n");
        for line in &self.records {
            let time = words::moment(light_client::data_format::Time(line.block_ms));
            let other = line.counterparty.map_or_else(String::new, |address| address.to_string());
            let memo = line.memo.as_deref().unwrap_or_default().replace('"', "\"\"");
            // Writing to a string cannot fail.
            let _: Result<(), std::fmt::Error> = write!(
                text,
                "{},{time},{},{},{},{},{},{other},\"{memo}\"\r\n",
                line.index,
                line.height,
                line.kind,
                line.asset,
                words::change(line.change),
                line.transaction.as_deref().unwrap_or_default()
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use light_client::test_support::chain::test_address;

    use super::*;

    fn unproven() -> Report {
        let address = test_address(1);
        Report {
            address,
            balance: None,
            count: None,
            complete: false,
            trust: Trust::Unknown,
            records: Vec::new(),
        }
    }

    #[test]
    fn nothing_proven_is_not_an_empty_history() {
        let report = unproven();
        assert!(report.summary().contains("unknown") && !report.summary().contains("Complete"));
        let json = serde_json::to_value(&report).unwrap();
        assert!(json["balance"].is_null() && json["count"].is_null() && json["complete"] == false, "{json}");
    }

    #[test]
    fn a_memo_cannot_break_out_of_its_field() {
        let line = Line {
            index: 0,
            height: 1,
            block_ms: 0,
            kind: "received",
            asset: "coin",
            delta: "5".to_owned(),
            change: 5,
            transaction: None,
            counterparty: None,
            memo: Some("a \"b\", c".to_owned()),
        };
        let csv = Report { records: vec![line], ..unproven() }.csv();
        let row = csv.lines().nth(1).unwrap();
        assert!(row.ends_with(",,,\"a \"\"b\"\", c\""), "{row}");
        assert!(row.starts_with("0,1970-01-01 00:00:00 UTC,1,received,coin,+0.00000005,"), "{row}");
    }
}
