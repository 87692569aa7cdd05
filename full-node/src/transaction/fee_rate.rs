use light_client::data_format::Amount;

/// Fee for a byte, in 2⁻¹⁶ units, rounded down: what orders the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeeRate(u128);

const SCALE: u32 = 16;

impl FeeRate {
    /// The rate at which `bytes` bytes pay `fee`.
    pub fn of(fee: Amount, bytes: usize) -> Self {
        // An encoded transaction has bytes.
        Self((u128::from(fee.units()) << SCALE) / (bytes.max(1) as u128))
    }

    /// The least fee with which `bytes` bytes pay this rate; everything that can exist if that is not enough.
    pub fn fee_of(self, bytes: usize) -> Amount {
        let fee = self.0.saturating_mul(bytes as u128).div_ceil(1 << SCALE);
        Amount(u64::try_from(fee).unwrap_or(u64::MAX))
    }

    /// The least fee with which `bytes` bytes pay more than this rate; everything that can exist if that is not
    /// enough.
    pub fn fee_above(self, bytes: usize) -> Amount {
        Self(self.0.saturating_add(1)).fee_of(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_least_fee_is_the_least(fee in 0_u64..1 << 40, of in 1_usize..9_000, bytes in 1_usize..9_000) {
            let rate = FeeRate::of(Amount(fee), of);
            let same = rate.fee_of(bytes).units();
            prop_assert!(FeeRate::of(Amount(same), bytes) >= rate);
            prop_assert!(same == 0 || FeeRate::of(Amount(same - 1), bytes) < rate);
            let above = rate.fee_above(bytes).units();
            prop_assert!(FeeRate::of(Amount(above), bytes) > rate);
            prop_assert!(FeeRate::of(Amount(above - 1), bytes) <= rate);
        }
    }

    #[test]
    fn what_no_fee_can_pay_is_said_with_the_largest() {
        assert_eq!(FeeRate::of(Amount(u64::MAX), 1).fee_above(8_192), Amount(u64::MAX));
    }
}
