use clap::Args;
use full_node::{
    api::{SupernodeAnswer, SupernodesAnswer, ask},
    config::Failure,
};
use light_client::data_format::{Address, Amount};
use serde::Deserialize;

use crate::commands::{say, target::Target};

/// `vsys-node supernode status`.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Show this one alone
    address: Option<Address>,
    #[command(flatten)]
    target: Target,
    /// Print the node's answer as it is
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct AccountAnswer {
    supernode: Option<SupernodeAnswer>,
}

/// Asks the node and prints its answer.
pub(super) fn run(status: &Status) -> Result<(), Failure> {
    let url = status.target.url()?;
    let Some(address) = &status.address else {
        let (text, answer): (_, SupernodesAnswer) = ask(&url, "/v1/supernodes")?;
        say(if status.json { text } else { list(&answer) }.trim_end());
        return Ok(());
    };
    let (text, answer): (_, AccountAnswer) = ask(&url, &format!("/v1/accounts/{address}"))?;
    match answer.supernode {
        _ if status.json => say(text.trim_end()),
        Some(supernode) => say(one(&supernode).trim_end()),
        None => {
            return Err(Failure::transaction(
                format!("{address} is no supernode: it never held or wanted a slot"),
                "contend for one with: vsys-node supernode contend",
            ));
        }
    }
    Ok(())
}

fn list(answer: &SupernodesAnswer) -> String {
    let mut text = format!(
        "block {}, round {}\nA contender needs {} VSYS besides the {} VSYS that are burned if it wins.\n\nslot  {:<35}  {:>9}  {:>18}  {:>18}  idle\n",
        answer.height,
        answer.round,
        coins(&answer.contend_minimum),
        coins(&answer.contend_fee),
        "holder",
        "keeps",
        "average (VSYS)",
        "leased in (VSYS)"
    );
    let row = |place: String, supernode: &SupernodeAnswer| {
        format!(
            "{place:<4}  {:<35}  {:>9}  {:>18}  {:>18}  {}{}\n",
            supernode.address,
            percent(supernode.commission),
            coins(&supernode.minting_average),
            coins(&supernode.leased_in),
            supernode.idle_rounds,
            remarks(supernode),
        )
    };
    for slot in 0..answer.slots {
        let holder = answer.supernodes.iter().find(|supernode| supernode.slot.map(usize::from) == Some(slot));
        text += &match holder {
            Some(supernode) => row(slot.to_string(), supernode),
            None => format!("{slot:<4}  vacant\n"),
        };
    }
    for supernode in answer.supernodes.iter().filter(|supernode| supernode.slot.is_none()) {
        text += &row("next".to_owned(), supernode);
    }
    text
}

fn one(supernode: &SupernodeAnswer) -> String {
    let place = |slot: Option<u8>| slot.map_or_else(|| "none".to_owned(), |slot| slot.to_string());
    let mut text = format!(
        "address      {}\nslot         {}\nminting key  {}\nkeeps        {}\naverage      {} VSYS\n\
         effective    {} VSYS\nleased in    {} VSYS\nstake        {} VSYS\nunclaimed    {} VSYS of commission\n\
         rewards to   {}\nidle         {} rounds\n",
        supernode.address,
        place(supernode.slot),
        supernode.minting_key,
        percent(supernode.commission),
        coins(&supernode.minting_average),
        coins(&supernode.effective),
        coins(&supernode.leased_in),
        coins(&supernode.pool),
        coins(&supernode.unclaimed),
        supernode.reward_address.as_ref().unwrap_or(&supernode.address),
        supernode.idle_rounds,
    );
    if let Some(raised) = &supernode.raised {
        text += &format!("will keep    {} from round {} on\n", percent(raised.commission), raised.round);
    }
    let remarks = remarks(supernode);
    if !remarks.is_empty() {
        text += &format!("and         {remarks}\n");
    }
    text
}

fn remarks(supernode: &SupernodeAnswer) -> String {
    let mut text = String::new();
    text += &match (supernode.banned, supernode.banned_until) {
        (true, Some(round)) => format!("  banned until round {round}"),
        (true, None) => "  banned, and loses its slot".to_owned(),
        (false, _) => String::new(),
    };
    if let (None, Some(slot)) = (supernode.slot, supernode.planned) {
        text += &format!("  gets slot {slot}");
    }
    if !supernode.waiting.is_empty() {
        text += &format!("  waits: {}", supernode.waiting.join(", "));
    }
    text
}

fn percent(commission: u16) -> String {
    format!("{}.{:02} %", commission / 100, commission % 100)
}

/// Units of an answer as coins.
fn coins(units: &str) -> String {
    units.parse().map_or_else(|_| format!("{units} units"), |units| Amount(units).to_string())
}
