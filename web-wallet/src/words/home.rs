//! The sentences of the balance, of what moved, and of one’s own address.

use light_client::data_format::Amount;
use web_protocol::{MovementKind, ServerHealth, SyncView, View};

use super::{TO, UNIT, grouped, host, number, plural, within};

// Home.
pub(crate) const BALANCE: &str = "Balance";
pub(crate) const UNKNOWN: &str = "Not known yet";
pub(crate) const UNKNOWN_YET: &str = "Waiting for a proof";
pub(crate) const SEND: &str = "Send";
pub(crate) const RECEIVE: &str = "Receive";
pub(crate) const GET_TEST_COINS: &str = "Get test coins";
pub(crate) const ASKING: &str = "Asking…";
pub(crate) const COINS_COMING_SHORT: &str = "On the way…";
pub(crate) const ON_ITS_WAY: &str = "On its way";
pub(crate) const LATEST: &str = "Latest";
pub(crate) const WHOLE_HISTORY: &str = "Whole history";
pub(crate) const PROVING: &str = "Proving your balance…";
pub(crate) const EMPTY_TITLE: &str = "Nothing has moved yet";
pub(crate) const EMPTY_TEST: &str = "Get some test coins to try everything, or let somebody send you some.";
pub(crate) const EMPTY: &str = "Show your address to somebody who sends you coins: press Receive.";
pub(crate) const EMPTY_HISTORY: &str =
    "Everything that comes and goes will be listed here, proven and complete.";

pub(crate) const SLOT_LYING: &str = "A server lied";
pub(crate) const SLOT_OTHER_CHAIN: &str = "The server is of another chain";
pub(crate) const SLOT_OTHER_CHAIN_WHY: &str =
    "It is honest about it: the chain was started anew, or this is another one. What you see is from before.";
pub(crate) const SLOT_TRUST_EXPIRED: &str = "This wallet slept too long";
pub(crate) const SLOT_AGREED: &str = "Agreed, not final";
pub(crate) const SLOT_FORKED: &str = "Two chains claim to be this one";
pub(crate) const SLOT_STALE: &str = "Nobody confirms this right now";
pub(crate) const SLOT_REPLACED: &str = "The chain was started anew";
pub(crate) const SLOT_REPLACED_WHY: &str =
    "What you held on the former one is not on this one. Your keys and your address are the same.";
pub(crate) const SLOT_NOT_STORED: &str = "This browser does not store what was proven";
pub(crate) const SLOT_LOST: &str = "This browser has deleted your wallet";
pub(crate) const SLOT_LOST_WHY: &str = "It is only in this tab now and gone when you close it. Store it again, or make sure that you have your words.";
pub(crate) const STORE_AGAIN: &str = "Store again";
pub(crate) const SLOT_CLOCK: &str = "This device’s clock is behind";
pub(crate) const SLOT_BACKUP: &str = "Write down your words";
pub(crate) const SLOT_BACKUP_WHY: &str = "Without them, a lost device is lost money.";
pub(crate) const DO_IT_NOW: &str = "2 min";
pub(crate) const ASK_NOW: &str = "Ask now";

pub(crate) fn slot_lying(url: &str) -> String {
    if url.is_empty() {
        return "What it said cannot be true and is not used.".to_owned();
    }
    format!("What {} said cannot be true. It is not used.", host(url))
}

pub(crate) fn slot_trust_expired(since: &str) -> String {
    format!(
        "Its newest trusted block is from {since}, too old to build on. Load the page again for a newer one."
    )
}

pub(crate) fn slot_agreed([one, other]: &[String; 2]) -> String {
    format!(
        "The newest trusted block is too old. {one} and {other} agree on newer ones. Load the page again."
    )
}

pub(crate) fn slot_forked([one, other]: &[String; 2]) -> String {
    format!(
        "{} and {} prove blocks that exclude each other. What you see is from before. Do not pay until you know which is right.",
        host(one),
        host(other)
    )
}

pub(crate) fn slot_stale(since: Option<&str>) -> String {
    match since {
        Some(since) => {
            format!("No server has proven anything new since {}. What you see was true then.", within(since))
        }
        None => "No server has proven anything yet.".to_owned(),
    }
}

pub(crate) fn slot_clock(time: &str) -> String {
    format!(
        "A block from {} is proven already. Set the clock right: until then nothing newer can be checked.",
        within(time)
    )
}

pub(crate) fn slot_not_stored(reason: &str) -> String {
    format!("It will be proven again when you come back ({reason}).")
}

/// `Proven at block 148,201 · 4 s ago`
pub(crate) fn proven_at(height: u64, age: &str) -> String {
    format!("Proven at block {} · {age}", number(height))
}

/// `Stale since today 14:02 · block 148,201`
pub(crate) fn stale_since(since: &str, height: u64) -> String {
    format!("Stale since {} · block {}", within(since), number(height))
}

/// The state of the servers: a class for its dot, and words.
pub(crate) fn network(view: Option<&View>) -> (&'static str, String) {
    let Some(view) = view else { return ("wait", "Connecting".to_owned()) };
    let good = view.servers.iter().filter(|server| server.health == ServerHealth::Good).count() as u64;
    match view.sync {
        SyncView::Connecting => ("wait", "Connecting".to_owned()),
        SyncView::Verified { .. } if good == 1 => ("good", "1 server, checked".to_owned()),
        SyncView::Verified { .. } => ("good", format!("{} agree", plural(good, "server", "servers"))),
        SyncView::Stale { .. } => ("wait", "No answer".to_owned()),
        SyncView::OtherChain { .. } => ("wait", "Another chain".to_owned()),
        SyncView::Lying { .. } => ("bad", "A server lied".to_owned()),
        SyncView::TrustExpired { .. } => ("wait", "Too old".to_owned()),
        SyncView::Agreed { .. } => ("wait", "Agreed, not final".to_owned()),
        SyncView::Forked { .. } => ("bad", "Two chains".to_owned()),
        SyncView::ClockBehind { .. } => ("wait", "Clock is behind".to_owned()),
    }
}

/// `To AR7xk … 92pQd`
pub(crate) fn to(ends: &str) -> String {
    format!("To {ends}")
}

/// What a movement was, with the other side if it is known.
pub(crate) fn movement(kind: MovementKind, who: Option<&str>) -> String {
    match (kind, who) {
        (MovementKind::Sent, Some(who)) => to(who),
        (MovementKind::Sent, None) => "Sent".to_owned(),
        (MovementKind::Received, Some(who)) => format!("From {who}"),
        (MovementKind::Received, None) => "Received".to_owned(),
        (MovementKind::Fee, _) => "Fee".to_owned(),
        (MovementKind::Interest, _) => "Interest".to_owned(),
        (MovementKind::Commission, _) => "Commission".to_owned(),
        (MovementKind::Minted, _) => "Made a block".to_owned(),
        (MovementKind::ContendFee, _) => "Won a slot".to_owned(),
        (MovementKind::Genesis, _) => "Held from the start".to_owned(),
    }
}

/// ` · Rent`
pub(crate) fn dot_memo(memo: &str) -> String {
    format!(" · {memo}")
}

/// `fee 0.10`
pub(crate) fn fee_short(fee: Amount) -> String {
    format!("fee {}", grouped(fee))
}

/// `0.10 VSYS`
pub(crate) fn with_unit(amount: Amount) -> String {
    format!("{} {UNIT}", grouped(amount))
}

// History.
pub(crate) const LOAD_OLDER: &str = "Load older ones";
pub(crate) const PROVING_OLDER: &str = "Proving older ones…";
pub(crate) const MOVEMENT: &str = "Movement";
pub(crate) const MOVEMENT_GONE: &str = "This movement is not loaded here. Open it from the history.";
pub(crate) const WHEN: &str = "When";
pub(crate) const BLOCK: &str = "Block";
pub(crate) const TRANSACTION: &str = "Transaction";

/// How complete the list is.
pub(crate) fn complete(here: u64, count: u64) -> String {
    if here >= count {
        return match count {
            1 => "Your one entry, proven: there is no other.".to_owned(),
            count => format!("All {} entries, fees included, proven: none left out.", number(count)),
        };
    }
    format!("The newest {} of {} entries, proven: none left out between them.", number(here), number(count))
}

pub(crate) fn from_or_to(delta: i64) -> &'static str {
    if delta < 0 { TO } else { "From" }
}

pub(crate) fn proven_final(height: u64) -> String {
    format!("Final · proven in block {}", number(height))
}

// Receive.
pub(crate) const RECEIVE_WHY: &str = "Let the sender scan this, or send them your address.";
pub(crate) const QR_LABEL: &str = "Your address as a QR code";
pub(crate) const COPY_ADDRESS: &str = "Copy address";
pub(crate) const COPY_COMPARE: &str = "After pasting, compare the first and the last group.";
