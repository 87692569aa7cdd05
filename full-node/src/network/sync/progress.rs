use std::fmt;

use light_client::data_format::{Height, Time};

/// How far the way to the network's head is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The height it began at.
    pub from: Height,
    /// The newest block taken.
    pub at: Height,
    /// The head that peers claim: a claim, until the blocks are here.
    pub target: Height,
    /// Milliseconds since it began.
    pub ms: u64,
}

impl Progress {
    /// Since `began`.
    pub fn since(began: Time, from: Height, at: Height, target: Height, now: Time) -> Self {
        Self { from, at, target: target.max(at), ms: now.ms_since(began) }
    }

    /// Milliseconds that the rest takes at the speed so far; `None` before the first block.
    pub fn remaining_ms(&self) -> Option<u64> {
        let done = self.at.0.checked_sub(self.from.0).filter(|done| *done > 0)?;
        Some(self.ms.saturating_mul(self.target.0 - self.at.0) / done)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.at.0.saturating_mul(100) / self.target.0.max(1);
        write!(f, "block {} of {} ({percent} %)", self.at, self.target)?;
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
            |at, ms| Progress::since(Time(0), Height(100), Height(at), Height(1_100), Time(ms)).to_string();
        assert_eq!(progress(100, 5_000), "block 100 of 1100 (9 %)");
        assert_eq!(progress(600, 10_000), "block 600 of 1100 (54 %), about 10 s left");
        assert_eq!(progress(200, 60_000), "block 200 of 1100 (18 %), about 9 minutes left");
        assert_eq!(progress(1_200, 1), "block 1200 of 1200 (100 %), about 0 s left");
    }
}
