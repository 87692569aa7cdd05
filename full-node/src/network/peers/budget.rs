use light_client::data_format::Time;

/// A rate: so much at once, and so much more every second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What may come at once.
    pub burst: u64,
    /// What may come in a second in the long run.
    pub per_second: u64,
}

/// What is left of a [`Rate`] at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    rate: Rate,
    /// In thousandths.
    left: u64,
    at: Time,
}

impl Rate {
    /// The same rate for this many.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self { burst: self.burst.saturating_mul(count), per_second: self.per_second.saturating_mul(count) }
    }
}

impl Budget {
    /// A full one.
    pub const fn new(rate: Rate, now: Time) -> Self {
        Self { rate, left: rate.burst.saturating_mul(1_000), at: now }
    }

    /// Takes `amount` if it is there. A clock that goes back adds nothing.
    pub fn take(&mut self, amount: u64, now: Time) -> bool {
        let gained = now.ms_since(self.at).saturating_mul(self.rate.per_second);
        self.left = self.left.saturating_add(gained).min(self.rate.burst.saturating_mul(1_000));
        self.at = self.at.max(now);
        let enough = self.left >= amount.saturating_mul(1_000);
        if enough {
            self.left -= amount.saturating_mul(1_000);
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_gives_the_burst_then_the_rate() {
        let mut budget = Budget::new(Rate { burst: 3, per_second: 2 }, Time(1_000));
        let mut taken = |now| (0..9).filter(|_| budget.take(1, Time(now))).count();
        assert_eq!(taken(1_000), 3);
        assert_eq!(taken(1_499), 0);
        assert_eq!(taken(1_500), 1);
        assert_eq!(taken(500), 0, "time that goes back gives nothing");
        assert_eq!(taken(2_500), 2);
        assert_eq!(taken(99_000), 3, "never more than the burst");
    }
}
