//! Moments and figures as they are printed.

use light_client::{
    client::{Client, PaymentState, TrackedPayment},
    data_format::{Amount, Time, TransactionId},
    wallet::is_printable,
};
use serde::Serialize;

/// `2026-01-31 23:59:59 UTC`. (From days to a date as in Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`: years begin in March, so that a leap day is a year's last.)
pub(super) fn moment(time: Time) -> String {
    let (days, of_day) = (time.0 / 86_400_000, time.0 / 1_000 % 86_400);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// `3 s`, `20 min`, `5 h`, `12 days`.
pub(super) fn duration(ms: u64) -> String {
    match ms / 1_000 {
        seconds @ 0..90 => format!("{seconds} s"),
        seconds @ 90..5_400 => format!("{} min", (seconds + 30) / 60),
        seconds @ 5_400..129_600 => format!("{} h", (seconds + 1_800) / 3_600),
        seconds => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

/// `+12.5` or `-0.1`, in VSYS.
pub(super) fn change(delta: i64) -> String {
    let sign = if delta < 0 { '-' } else { '+' };
    format!("{sign}{}", Amount(delta.unsigned_abs()))
}

/// A public note, without signs that could make it look like something else.
pub(super) fn memo(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().map(|c| if is_printable(c) { c } else { '\u{fffd}' }).collect()
}

/// A payment that is followed.
#[derive(Serialize)]
pub(super) struct PaymentLine {
    pub(super) id: TransactionId,
    /// A word that never changes.
    pub(super) state: &'static str,
    /// For people.
    pub(super) words: String,
}

/// All payments that are followed.
pub(super) fn payments(client: &Client) -> Vec<PaymentLine> {
    let line = |(id, followed): (&TransactionId, &TrackedPayment)| {
        let (state, words) = payment(followed);
        PaymentLine { id: *id, state, words }
    };
    client.payments().map(line).collect()
}

/// A word that never changes, and a sentence.
pub(super) fn payment(payment: &TrackedPayment) -> (&'static str, String) {
    match &payment.state {
        PaymentState::Signed => ("signed", "no server has taken it yet".to_owned()),
        PaymentState::Submitted => ("submitted", "a server says that it took it".to_owned()),
        PaymentState::Refused { code, words } => {
            ("refused", format!("a server says that it refuses it: {words} ({code})"))
        }
        PaymentState::InBlock { height, .. } => {
            ("in_block", format!("in block {height}, which is not final yet"))
        }
        PaymentState::Final { height, succeeded: true, .. } => ("final", format!("final, in block {height}")),
        PaymentState::Final { height, succeeded: false, .. } => {
            ("failed", format!("in block {height}, without effect; the fee is paid"))
        }
        PaymentState::Expired => ("expired", "proven: no block may include it any more".to_owned()),
        PaymentState::Replaced => ("replaced", "proven: another transaction took its place".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_700_000_000, "2023-11-14 22:13:20 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(moment(Time(seconds * 1_000 + 999)), text);
        }
    }

    #[test]
    fn changes_keep_their_sign_and_every_unit() {
        assert_eq!(change(1_250_000_000), "+12.5");
        assert_eq!(change(-1), "-0.00000001");
        assert_eq!(change(i64::MIN), "-92233720368.54775808");
        assert_eq!(change(0), "+0");
    }

    #[test]
    fn a_memo_cannot_forge_a_row() {
        assert_eq!(memo(b"rent"), "rent");
        assert_eq!(memo(b"a\nb\xff"), "a\u{fffd}b\u{fffd}");
    }
}
