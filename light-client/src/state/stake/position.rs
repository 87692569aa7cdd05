use borsh::{BorshDeserialize, BorshSerialize};

use super::{Pool, RoundEnd, pool::FRACTION_BITS};
use crate::data_format::{Amount, Round};

/// Somebody's stake in a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Position {
    /// Units that earn.
    pub amount: Amount,
    /// Units added in `round`, which earn from the next round on.
    pub fresh: Amount,
    /// The round that `fresh` is of.
    pub round: Round,
    /// The pool's accumulator up to which `owed` counts.
    pub accumulator: u128,
    /// What the position has earned and not been paid, in 2⁻⁶⁴ units.
    pub owed: u128,
}

/// Why stake does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StakeError {
    /// More is taken away than there is.
    #[error("{} units are staked, {} cannot be taken away", .staked.units(), .by.units())]
    TooMuch {
        /// What is there.
        staked: Amount,
        /// What is asked for.
        by: Amount,
    },
    /// Numbers that cannot be, with a supply below 2⁶³ units.
    #[error("stake or reward beyond what can exist")]
    Overflow,
    /// The record that says from where fresh stake earns is gone.
    #[error("the end of round {0} is not known")]
    NoRoundEnd(Round),
}

/// A position and its pool, which has been [advanced](Pool::advance) to the round of the block: what every change of
/// stake works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stake {
    /// The pool.
    pub pool: Pool,
    /// The position; the default for somebody who has none.
    pub position: Position,
    /// The end of the round in which the position's fresh units were added, if that is over
    /// ([`Position::needs_end`]). It is not needed any more once its `positions` are 0.
    pub end: Option<RoundEnd>,
}

impl Position {
    /// The round whose end a change of this position needs to know, now that the pool is at `round`.
    pub fn needs_end(&self, round: Round) -> Option<Round> {
        (self.fresh > Amount::ZERO && self.round < round).then_some(self.round)
    }

    /// All units, those that earn and those that will; `None` beyond 64 bits.
    pub const fn staked(&self) -> Option<Amount> {
        self.amount.checked_add(self.fresh)
    }

    /// Whether nothing is left of it.
    pub fn is_empty(&self) -> bool {
        *self == Self { round: self.round, accumulator: self.accumulator, ..Self::default() }
    }
}

impl Stake {
    /// Counts what the position has earned since it was last touched.
    ///
    /// # Errors
    /// [`StakeError::NoRoundEnd`] or [`StakeError::Overflow`]: damaged records. Nothing has changed then.
    pub fn settle(&mut self) -> Result<(), StakeError> {
        let Position { amount, fresh, round, accumulator, owed } = self.position;
        let earned = |units: Amount, since: u128| {
            let gain = self.pool.accumulator.checked_sub(since)?;
            gain.checked_mul(u128::from(units.0))
        };
        let mut sum = earned(amount, accumulator).and_then(|gain| owed.checked_add(gain));
        let (mut earning, mut rest, mut end) = (amount, fresh, self.end);
        if let Some(over) = self.position.needs_end(self.pool.round) {
            let known = end.as_mut().ok_or(StakeError::NoRoundEnd(over))?;
            sum = sum.and_then(|sum| sum.checked_add(earned(fresh, known.accumulator)?));
            known.positions = known.positions.saturating_sub(1);
            (earning, rest) = (self.position.staked().ok_or(StakeError::Overflow)?, Amount::ZERO);
        }
        let owed = sum.ok_or(StakeError::Overflow)?;
        let accumulator = self.pool.accumulator;
        self.position = Position { amount: earning, fresh: rest, round, accumulator, owed };
        self.end = end;
        Ok(())
    }

    /// Adds units, which earn from the next round on.
    ///
    /// # Errors
    /// As [`Stake::settle`].
    pub fn increase(&mut self, by: Amount) -> Result<(), StakeError> {
        let mut after = *self;
        after.settle()?;
        if by > Amount::ZERO {
            if after.position.fresh == Amount::ZERO {
                after.pool.fresh_positions += 1;
            }
            let more = |units: Amount| units.checked_add(by).ok_or(StakeError::Overflow);
            after.position.fresh = more(after.position.fresh)?;
            after.pool.fresh = more(after.pool.fresh)?;
            after.position.round = after.pool.round;
        }
        *self = after;
        Ok(())
    }

    /// Takes units away, those added in this round first; the others stop earning at once.
    ///
    /// # Errors
    /// [`StakeError::TooMuch`], else as [`Stake::settle`]; nothing has changed then.
    pub fn decrease(&mut self, by: Amount) -> Result<(), StakeError> {
        let mut after = *self;
        after.settle()?;
        let staked = after.position.staked().ok_or(StakeError::Overflow)?;
        if by > staked {
            return Err(StakeError::TooMuch { staked, by });
        }
        let fresh = by.min(after.position.fresh);
        let earning = Amount(by.0 - fresh.0);
        let less = |from: Amount, units| from.checked_sub(units).ok_or(StakeError::Overflow);
        if fresh > Amount::ZERO && fresh == after.position.fresh {
            after.pool.fresh_positions = after.pool.fresh_positions.saturating_sub(1);
        }
        after.position.fresh = less(after.position.fresh, fresh)?;
        after.pool.fresh = less(after.pool.fresh, fresh)?;
        after.position.amount = less(after.position.amount, earning)?;
        after.pool.earning = less(after.pool.earning, earning)?;
        *self = after;
        Ok(())
    }

    /// Takes out the whole units that the position has earned so far; the fraction stays with it, or, when the
    /// position has no units left, joins the pool's remainder.
    ///
    /// # Errors
    /// As [`Stake::settle`].
    pub fn pay(&mut self) -> Result<Amount, StakeError> {
        let mut after = *self;
        after.settle()?;
        let units = u64::try_from(after.position.owed >> FRACTION_BITS).map_err(|_| StakeError::Overflow)?;
        after.position.owed &= (1 << FRACTION_BITS) - 1;
        if after.position.staked() == Some(Amount::ZERO) {
            let remainder = after.pool.remainder.checked_add(after.position.owed);
            after.pool.remainder = remainder.ok_or(StakeError::Overflow)?;
            after.position.owed = 0;
        }
        *self = after;
        Ok(Amount(units))
    }
}
