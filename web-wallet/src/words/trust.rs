//! The sentences of what was proven, and of the servers that were asked.

use light_client::data_format::{Amount, Time};
use web_protocol::{ServerHealth, SyncView};

use super::{
    SLOT_CLOCK, SLOT_FORKED, SLOT_LYING, SLOT_OTHER_CHAIN, SLOT_TRUST_EXPIRED, number, plural, slot_agreed,
    slot_clock, slot_forked, slot_trust_expired, with_unit, within,
};

// How do I know?
pub(crate) const HOW_DO_I_KNOW: &str = "How do I know?";
pub(crate) const PROOF_HINT: &str = "From signatures to your balance";
pub(crate) const NOTHING_PROVEN: &str =
    "Nothing is proven yet. As soon as a server answers, this page says why you can believe it.";
pub(crate) const PROOF_COMMITS: &str = "That block commits to all balances";
pub(crate) const PROOF_COMMITS_WHY: &str = "by one fingerprint of 32 bytes";
pub(crate) const PROOF_LEADS: &str = "Your account leads to that fingerprint";
pub(crate) const BLOCK_TIME: &str = "Made";
pub(crate) const PROOF_SIZE: &str = "Proof";
pub(crate) const SENT_BY: &str = "Sent by";
pub(crate) const NOBODY_BELIEVED: &str =
    "Nobody had to be believed. A server that lies is caught here and named on the Network page.";

pub(crate) fn proof_signed(signatures: Option<(u32, u32)>, height: u64, age: &str) -> (String, String) {
    let block =
        format!("block {}, {age}. Their names come from a block you already trusted.", number(height));
    match signatures {
        Some((_, 0)) => (
            "This wallet started from it".to_owned(),
            format!("block {}, {age}, given with the page.", number(height)),
        ),
        Some((signatures, of)) => (format!("{signatures} of {of} supernodes signed"), block),
        None => ("More than two thirds of the supernodes signed".to_owned(), block),
    }
}

pub(crate) fn proof_leads(nodes: Option<u32>, micros: Option<u32>) -> String {
    match (nodes, micros) {
        (Some(nodes), Some(micros)) => {
            let nodes = plural(u64::from(nodes), "step", "steps");
            format!("{nodes}, checked on this device in {}", thousandths(micros))
        }
        _ => "checked on this device".to_owned(),
    }
}

pub(crate) fn proof_complete(count: u64, balance: Amount) -> (String, String) {
    let what = match count {
        0 => "Nothing was ever moved here".to_owned(),
        1 => "Your one entry is here".to_owned(),
        count => format!("All {} entries of your history are counted", number(count)),
    };
    (what, format!("they add up to {} and none is left out", with_unit(balance)))
}

/// `0.9 ms`
fn thousandths(micros: u32) -> String {
    if micros >= 10_000 {
        return format!("{} ms", number(u64::from(micros / 1_000)));
    }
    format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
}

/// `3.1 kB`
pub(crate) fn bytes(bytes: u32) -> String {
    if bytes < 1_000 {
        plural(u64::from(bytes), "byte", "bytes")
    } else {
        format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100)
    }
}

// Network.
pub(crate) const NETWORK: &str = "Network";
pub(crate) const LAST_LIE: &str = "Its last lie";
pub(crate) const LIE_NOT_USED: &str = "It was caught here and not used. This server is not asked any more.";

/// How the conversation goes: what, and why.
pub(crate) fn sync(sync: &SyncView, shown: impl Fn(Time) -> String) -> (String, String) {
    match sync {
        SyncView::Connecting => ("Connecting".to_owned(), "Nothing heard yet.".to_owned()),
        SyncView::Verified { height, time, of: 0, .. } => (
            format!("Proven up to block {}", number(height.0)),
            format!("{}, the block this wallet started from.", shown(*time)),
        ),
        SyncView::Verified { height, time, signatures, of } => (
            format!("Proven up to block {}", number(height.0)),
            format!("{}, signed by {signatures} of {of} supernodes.", shown(*time)),
        ),
        SyncView::Stale { since: Some(since), height } => (
            "No server answers".to_owned(),
            format!("The last proof is from {}, of block {}.", within(&shown(*since)), number(height.0)),
        ),
        SyncView::Stale { since: None, .. } => (
            "No server answers".to_owned(),
            "Nothing could be proven yet. The wallet keeps trying.".to_owned(),
        ),
        SyncView::OtherChain { found } => (
            SLOT_OTHER_CHAIN.to_owned(),
            format!(
                "It says that it serves {}. That is no lie: the chain was started anew or this is another one. Load the page \
                 again from that server to use its chain.",
                shortened(found)
            ),
        ),
        SyncView::Lying { .. } => {
            (SLOT_LYING.to_owned(), "What it said cannot be true. Nothing of it is used.".to_owned())
        }
        SyncView::Agreed { height, operators, .. } => {
            (format!("Agreed up to block {}", number(height.0)), slot_agreed(operators))
        }
        SyncView::Forked { servers } => (SLOT_FORKED.to_owned(), slot_forked(servers)),
        SyncView::TrustExpired { since } => {
            (SLOT_TRUST_EXPIRED.to_owned(), slot_trust_expired(&shown(*since)))
        }
        SyncView::ClockBehind { time } => (SLOT_CLOCK.to_owned(), slot_clock(&shown(*time))),
    }
}

fn shortened(id: &str) -> String {
    let start: String = id.chars().take(12).collect();
    format!("chain {start}…")
}

pub(crate) fn health(health: ServerHealth) -> &'static str {
    match health {
        ServerHealth::Unknown => "Not asked yet",
        ServerHealth::Good => "Good",
        ServerHealth::Unreachable => "No answer",
        ServerHealth::OtherChain => "Another chain",
        ServerHealth::Lying => "Lied",
    }
}

pub(crate) fn server_height(height: Option<u64>) -> String {
    match height {
        Some(height) => format!("Has proven everything up to block {}", number(height)),
        None => "Has proven nothing yet".to_owned(),
    }
}

/// A server's address without what every address has.
pub(crate) fn host(url: &str) -> String {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    bare.trim_end_matches('/').to_owned()
}
