//! Numbers, amounts and addresses as they are shown.

use light_client::data_format::{Address, Amount, UNITS_PER_COIN};

/// A true minus sign, as wide as a plus.
const MINUS: &str = "−";
/// Decimals that are always there.
const LEAST_DECIMALS: usize = 2;
/// Characters in a group of an address.
const GROUP: usize = 5;

/// An amount in two parts: the whole coins, grouped, and the softer rest with its point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digits {
    /// `12,480`
    pub(crate) whole: String,
    /// `.50`
    pub(crate) fraction: String,
}

/// A group of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its characters.
    pub(crate) text: String,
    /// Every other one is softer.
    pub(crate) soft: bool,
}

/// `12,480` and `.50`: thousands grouped, at least two decimals, no trailing zeros beyond.
pub(crate) fn parts(amount: Amount) -> Digits {
    let digits = format!("{:08}", amount.0 % UNITS_PER_COIN);
    let kept = digits.trim_end_matches('0').len().max(LEAST_DECIMALS);
    Digits { whole: number(amount.0 / UNITS_PER_COIN), fraction: format!(".{}", &digits[..kept]) }
}

/// `12,480.50`
pub(crate) fn grouped(amount: Amount) -> String {
    let Digits { whole, fraction } = parts(amount);
    whole + &fraction
}

/// `12480.5`, as it would be typed.
pub(crate) fn plain(amount: Amount) -> String {
    amount.to_string()
}

/// `+ 250.00` or `− 40.00`
pub(crate) fn signed(units: i64) -> String {
    let sign = if units < 0 { MINUS } else { "+" };
    format!("{sign} {}", grouped(Amount(units.unsigned_abs())))
}

/// `148,201`
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 server`, `2 servers`: the number with the word that fits it.
pub(crate) fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// An address in groups of five, alternating strong and soft.
pub(crate) fn groups(address: &Address) -> Vec<Group> {
    let text: Vec<char> = address.to_string().chars().collect();
    let group = |(at, group): (usize, &[char])| Group { text: group.iter().collect(), soft: at % 2 == 1 };
    text.chunks(GROUP).enumerate().map(group).collect()
}

/// First and last group of an address, for lists: `AR7xk … 92pQd`.
pub(crate) fn ends(address: &Address) -> String {
    let text = address.to_string();
    let (first, last) = (text.get(..GROUP), text.get(text.len() - GROUP..));
    format!("{} … {}", first.unwrap_or_default(), last.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_thousands_and_softens_decimals() {
        for (units, shown) in [
            (0, "0.00"),
            (1, "0.00000001"),
            (1_248_050_000_000, "12,480.50"),
            (100_000_000_000, "1,000.00"),
            (99_999_900_000, "999.999"),
            (u64::MAX, "184,467,440,737.09551615"),
        ] {
            assert_eq!(grouped(Amount(units)), shown);
        }
        assert_eq!(signed(-4_000_000_000), "− 40.00");
        assert_eq!(signed(25_000_000_000), "+ 250.00");
        assert_eq!(signed(i64::MIN), "− 92,233,720,368.54775808");
        assert_eq!(number(148_201), "148,201");
        assert_eq!(plural(1, "server", "servers"), "1 server");
        assert_eq!(plural(1_200, "server", "servers"), "1,200 servers");
    }

    #[test]
    fn an_address_is_whole_in_its_groups() {
        let address: Address = "ATt6P4vSpBvBTHdV5V9PJEHMFp4msJ1fkkX".parse().unwrap();
        let groups = groups(&address);
        assert_eq!(groups.iter().map(|group| group.text.as_str()).collect::<String>(), address.to_string());
        assert_eq!(
            groups.iter().map(|group| group.soft).collect::<Vec<_>>(),
            [false, true, false, true, false, true, false]
        );
        assert_eq!(ends(&address), "ATt6P … 1fkkX");
    }
}
