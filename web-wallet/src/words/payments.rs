//! The sentences of sending, and of a payment on its way.

use web_protocol::PaymentStep;

use super::{duration, number, plural, within};
use crate::state::StepState;

// Send.
pub(crate) const TO: &str = "To";
pub(crate) const TO_PLACEHOLDER: &str = "Paste the recipient’s address";
pub(crate) const ADDRESS_LENGTH: usize = 35;
pub(crate) const NOT_AN_ADDRESS: &str = "This is not an address yet: a character is wrong or missing.";
pub(crate) const AMOUNT: &str = "Amount";
pub(crate) const AMOUNT_PLACEHOLDER: &str = "0.00";
pub(crate) const EVERYTHING: &str = "Everything";
pub(crate) const FEE: &str = "Fee";
pub(crate) const YOU_KEEP: &str = "You keep";
pub(crate) const AT_MOST: &str = "At most";
pub(crate) const BALANCE_NOT_PROVEN: &str = "Your balance is not proven yet, so nothing can be sent.";
pub(crate) const NOTE: &str = "Note";
pub(crate) const NOTE_PUBLIC: &str = "if you like; everybody can read it";
pub(crate) const REVIEW: &str = "Review";
pub(crate) const LOOKING_OVER: &str = "Looking it over…";
pub(crate) const REVIEW_TITLE: &str = "Check before you sign";
pub(crate) const PAID_BEFORE: &str = "You paid before";
pub(crate) const VALID_UNTIL: &str = "Valid until";
pub(crate) const LOOKS_LIKE: &str = "Careful: it only looks like an address you paid";
pub(crate) const LOOKS_LIKE_WHY: &str =
    "Beginning and end are alike, the middle is not. Swindlers make such addresses. Compare every group.";
pub(crate) const TO_SELF: &str = "This is your own address";
pub(crate) const TO_SELF_WHY: &str = "The coins come back to you; only the fee is gone.";
pub(crate) const FIRST_PAYMENT: &str = "First payment to this address";
pub(crate) const FIRST_PAYMENT_WHY: &str = "Compare it with what you were given, group by group.";
pub(crate) const SIGN: &str = "Sign and send";
pub(crate) const SIGN_LOCKED: &str = "Unlock, sign and send";
pub(crate) const SIGNING: &str = "Signing and sending…";
pub(crate) const CHANGE: &str = "Change";

pub(crate) fn memo_left(left: u64, over: bool) -> String {
    if over { "The note is too long.".to_owned() } else { format!("{} left", plural(left, "byte", "bytes")) }
}

/// `block 148,500 · about 20 min`
pub(crate) fn valid_until(height: u64, seconds: u32) -> String {
    format!("block {} · about {}", number(height), duration(u64::from(seconds)))
}

// A payment.
pub(crate) const PAYMENT: &str = "Payment";
pub(crate) const PAYMENT_GONE: &str =
    "This payment is not on the list any more. If it went through, it is in your history.";
pub(crate) const DISMISS: &str = "Take off the list";
pub(crate) const STEP_SIGNED: &str = "Signed here";
pub(crate) const STEP_EXPIRED: &str = "Expired";
pub(crate) const STEP_EXPIRED_WHY: &str = "Proven: no block took it in time, and none can any more. Your coins never moved; send it again if you like.";
pub(crate) const STEP_REPLACED: &str = "Replaced";
pub(crate) const STEP_REPLACED_WHY: &str =
    "Proven: another payment of yours took its place, so this one can never happen. See your history.";

/// A payment's state in a few words.
pub(crate) fn payment_state(step: &PaymentStep) -> String {
    match step {
        PaymentStep::Signed => "Signed, not sent yet".to_owned(),
        PaymentStep::Submitted { .. } => "Sent, waiting for a block".to_owned(),
        PaymentStep::InBlock { .. } => "In block, not final yet".to_owned(),
        PaymentStep::Final { succeeded: true, .. } => "Final".to_owned(),
        PaymentStep::Final { .. } => "Failed: the coins did not move".to_owned(),
        PaymentStep::Refused { .. } => "Refused".to_owned(),
        PaymentStep::Expired => "Expired: it never happened".to_owned(),
        PaymentStep::Replaced => "Replaced by another payment".to_owned(),
        PaymentStep::Unknown { .. } => "Nobody to ask right now".to_owned(),
    }
}

/// What a screen reader says of a step's place.
pub(crate) fn step_state(state: StepState) -> &'static str {
    match state {
        StepState::Done => " (done) ",
        StepState::Now => " (waiting) ",
        StepState::Next => " (to come) ",
        StepState::Stopped => " (stopped) ",
    }
}

pub(crate) fn step_signed(at: &str) -> String {
    format!("{at} · nothing left this device before that")
}

pub(crate) fn step_taken(state: StepState, at: Option<String>, servers: u32) -> (String, String) {
    if state != StepState::Done {
        return ("Handing it to a server".to_owned(), "a second or two".to_owned());
    }
    let what = match servers {
        0 => "Taken by a server".to_owned(),
        servers => format!("Taken by {}", plural(u64::from(servers), "server", "servers")),
    };
    (what, at.unwrap_or_default())
}

pub(crate) fn step_in_block(height: Option<u64>, at: Option<String>, slot_ms: u32) -> (String, String) {
    match height {
        Some(height) => {
            let proven = "proven: it is in the block";
            let more = at.map_or_else(|| proven.to_owned(), |at| format!("{at} · {proven}"));
            (format!("In block {}", number(height)), more)
        }
        None => {
            let wait = duration(u64::from(slot_ms.max(1_000) / 1_000));
            ("In the next block".to_owned(), format!("there is one about every {wait}"))
        }
    }
}

pub(crate) fn step_final(state: StepState, at: Option<String>, seconds: Option<u32>) -> (String, String) {
    if state == StepState::Done {
        return ("Final".to_owned(), format!("{} · nobody can undo it", at.unwrap_or_default()));
    }
    let why = "more than two thirds of the supernodes sign it twice over".to_owned();
    match seconds {
        Some(seconds) => (format!("Final in about {}", duration(u64::from(seconds))), why),
        None => ("Final".to_owned(), why),
    }
}

pub(crate) fn step_failed(height: u64) -> (String, String) {
    (
        "It failed".to_owned(),
        format!("Proven in block {}: the coins did not move, only the fee is gone.", number(height)),
    )
}

pub(crate) fn step_refused(code: &str, words: &str) -> (String, String) {
    let said = super::problems::server(code, words);
    (
        format!("Refused: {}", said.what),
        format!("{} {} It may still go through until it expires.", said.why, said.remedy),
    )
}

pub(crate) fn step_unknown(since: &str) -> (String, String) {
    (
        "Nobody can be asked right now".to_owned(),
        format!("Known up to {}. It may well be through; the wallet keeps asking.", within(since)),
    )
}
