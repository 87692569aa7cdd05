use std::fmt;

use light_client::data_format::{Height, Time};

/// How much of a snapshot is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The height of the block whose state it is.
    pub height: Height,
    /// Entries that are here.
    pub taken: u64,
    /// Entries in all: proven, no claim.
    pub total: u64,
    /// Entries that were here when this process began.
    pub from: u64,
    /// Milliseconds since then.
    pub ms: u64,
}

impl Progress {
    pub(super) fn since(began: Time, height: Height, from: u64, taken: u64, total: u64, now: Time) -> Self {
        Self { height, taken, total, from, ms: now.ms_since(began) }
    }

    /// Milliseconds that the rest takes at the speed so far; `None` before the first entry.
    pub fn remaining_ms(&self) -> Option<u64> {
        let done = self.taken.checked_sub(self.from).filter(|done| *done > 0)?;
        Some(self.ms.saturating_mul(self.total.saturating_sub(self.taken)) / done)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.taken.saturating_mul(100) / self.total.max(1);
        write!(
            f,
            "{} of {} entries of the state at block {} ({percent} %)",
            self.taken, self.total, self.height
        )?;
        match self.remaining_ms() {
            Some(ms) if ms >= 120_000 => write!(f, ", about {} minutes left", ms.div_ceil(60_000)),
            Some(ms) => write!(f, ", about {} s left", ms.div_ceil(1_000)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_well() {
        let progress =
            |taken, ms| Progress::since(Time(0), Height(9), 100, taken, 1_100, Time(ms)).to_string();
        assert_eq!(progress(100, 5_000), "100 of 1100 entries of the state at block 9 (9 %)");
        assert_eq!(
            progress(600, 10_000),
            "600 of 1100 entries of the state at block 9 (54 %), about 10 s left"
        );
        assert_eq!(
            progress(200, 60_000),
            "200 of 1100 entries of the state at block 9 (18 %), about 9 minutes left"
        );
    }
}
