use borsh::{BorshDeserialize, BorshSerialize};

use super::StakeError;
use crate::data_format::{Amount, MAX_COMMISSION, Round};

/// Bits after the point of the numbers that hold fractions of a unit.
pub(super) const FRACTION_BITS: u32 = 64;

/// What a supernode's blocks earn, and the stake that shares it.
///
/// Stake added in a round earns from the next round on, or coins could hop behind every minter of one round; stake
/// taken away stops earning at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Pool {
    /// What one unit has earned since the beginning, in 2⁻⁶⁴ units.
    pub accumulator: u128,
    /// What the last division left over, in 2⁻⁶⁴ units: the next block shares it.
    pub remainder: u128,
    /// Units that earn.
    pub earning: Amount,
    /// Units added in `round`.
    pub fresh: Amount,
    /// Positions that have such units.
    pub fresh_positions: u32,
    /// The round that `fresh` is of.
    pub round: Round,
    /// What waits for the supernode: its commission, and whole rewards while nothing earned.
    pub owed: Amount,
    /// Its commission, in hundredths of a percent.
    pub commission: u16,
    /// A higher commission to come, and the first round in which it acts.
    pub raised: Option<(u16, Round)>,
}

/// Where a pool's accumulator stood at the end of a round in which stake was added: from there that stake earns. Kept
/// while a position needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RoundEnd {
    /// The accumulator.
    pub accumulator: u128,
    /// Positions that still need it.
    pub positions: u32,
}

impl Pool {
    /// Brings the pool to a round: what was added before earns from now on. Gives the end of the round it was added
    /// in, to be stored under that round.
    pub fn advance(&mut self, round: Round) -> Option<(Round, RoundEnd)> {
        if round <= self.round {
            return None;
        }
        let ended = (self.fresh_positions > 0).then_some((
            self.round,
            RoundEnd { accumulator: self.accumulator, positions: self.fresh_positions },
        ));
        // Units of one supply: the sum cannot overflow.
        self.earning = Amount(self.earning.0.saturating_add(self.fresh.0));
        (self.fresh, self.fresh_positions, self.round) = (Amount::ZERO, 0, round);
        if let Some((commission, from)) = self.raised
            && from <= round
        {
            (self.commission, self.raised) = (commission, None);
        }
        ended
    }

    /// Shares the reward of a block among what earns now, after the commission; with no stake that earns, the
    /// supernode gets all.
    ///
    /// # Errors
    /// [`StakeError::Overflow`] if numbers grow beyond what a supply below 2⁶³ units allows; nothing has changed then.
    pub fn reward(&mut self, reward: Amount) -> Result<(), StakeError> {
        let earning = u128::from(self.earning.0);
        if earning == 0 {
            self.owed = self.owed.checked_add(reward).ok_or(StakeError::Overflow)?;
            return Ok(());
        }
        let share = u128::from(self.commission.min(MAX_COMMISSION));
        let commission = u128::from(reward.0) * share / u128::from(MAX_COMMISSION);
        let commission = Amount(u64::try_from(commission).map_err(|_| StakeError::Overflow)?);
        let shared = reward.checked_sub(commission).ok_or(StakeError::Overflow)?;
        let shared = (u128::from(shared.0) << FRACTION_BITS).checked_add(self.remainder);
        let shared = shared.ok_or(StakeError::Overflow)?;
        let accumulator = self.accumulator.checked_add(shared / earning).ok_or(StakeError::Overflow)?;
        let owed = self.owed.checked_add(commission).ok_or(StakeError::Overflow)?;
        (self.accumulator, self.remainder, self.owed) = (accumulator, shared % earning, owed);
        Ok(())
    }

    /// Changes the commission: a lower one acts at once, a higher one from a round on, so that nobody takes a block's
    /// whole reward by surprise.
    pub fn set_commission(&mut self, commission: u16, raise_from: Round) {
        if commission <= self.commission {
            (self.commission, self.raised) = (commission, None);
        } else {
            self.raised = Some((commission, raise_from));
        }
    }

    /// Takes out what waits for the supernode.
    pub fn take_owed(&mut self) -> Amount {
        std::mem::take(&mut self.owed)
    }
}
