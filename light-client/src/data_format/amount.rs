use std::{fmt, str::FromStr};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Units in one VSYS: 10^8.
pub const UNITS_PER_COIN: u64 = 100_000_000;

const DECIMALS: usize = 8;

/// A number of units (1 VSYS = 10^8 units). Arithmetic is checked only; JSON holds a string of units.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Amount(pub u64);

/// Text that is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Nothing, or only a separator.
    #[error("no amount was given")]
    Empty,
    /// Something else than digits and one decimal point.
    #[error("{0:?} is not a number")]
    NotANumber(String),
    /// Smaller than one unit.
    #[error("{0:?} has more than 8 decimals")]
    TooManyDecimals(String),
    /// Over 64 bits of units.
    #[error("{0:?} is more than can exist")]
    TooLarge(String),
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole coins as an amount; `None` beyond 64 bits of units.
    pub const fn from_coins(coins: u64) -> Option<Self> {
        match coins.checked_mul(UNITS_PER_COIN) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The units.
    pub const fn units(self) -> u64 {
        self.0
    }

    /// The sum, unless it overflows.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The difference, unless it is negative.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The sum of all, unless it overflows.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

/// In VSYS, without grouping and without trailing zeros: `1250.5`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / UNITS_PER_COIN, self.0 % UNITS_PER_COIN);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{fraction:0width$}", width = DECIMALS);
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// Reads VSYS as a person types them: digits with at most one decimal point (`.` or `,`) and 8 decimals;
/// spaces group digits.
impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let shown = || text.chars().take(40).collect::<String>();
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (whole, fraction) = compact.split_once(['.', ',']).unwrap_or((&compact, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(AmountError::Empty);
        }
        if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(AmountError::NotANumber(shown()));
        }
        if fraction.len() > DECIMALS {
            return Err(AmountError::TooManyDecimals(shown()));
        }
        let units = format!("{whole}{fraction:0<DECIMALS$}");
        units.parse().map(Self).map_err(|_| AmountError::TooLarge(shown()))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(D::Error::custom("an amount is a string of decimal units"));
        }
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_coins() {
        for (units, text) in [(0, "0"), (1, "0.00000001"), (UNITS_PER_COIN, "1"), (125_050_000_000, "1250.5")]
        {
            assert_eq!(Amount(units).to_string(), text);
            assert_eq!(text.parse(), Ok(Amount(units)));
        }
        assert_eq!("1 250,5".parse(), Ok(Amount(125_050_000_000)));
        assert_eq!(".5".parse(), Ok(Amount(UNITS_PER_COIN / 2)));
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        for text in ["", " ", ".", "-1", "1e3", "1.2.3", "0.000000001", "184467440737.09551616", "٣"] {
            assert!(text.parse::<Amount>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn json_holds_units_as_a_string() {
        assert_eq!(serde_json::to_string(&Amount(u64::MAX)).unwrap(), "\"18446744073709551615\"");
        assert_eq!(serde_json::from_str::<Amount>("\"7\"").unwrap(), Amount(7));
        for text in ["7", "7.0", "\"-7\"", "\"+7\"", "\"\"", "\"18446744073709551616\""] {
            assert!(serde_json::from_str::<Amount>(text).is_err(), "{text}");
        }
    }
}
