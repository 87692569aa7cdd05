//! What a review says, in English: for phones' logs, the command line and tests. Apps have words of their own.

use std::fmt;

use super::{Caution, Label, Trust, Value};

impl Label {
    /// In English.
    pub const fn english(self) -> &'static str {
        match self {
            Self::Chain => "Chain",
            Self::From => "From",
            Self::To => "To",
            Self::RecipientKnown => "Recipient seen before",
            Self::LeaseTo => "Lease to",
            Self::CallBackFrom => "Call back from",
            Self::ClaimFrom => "Claim from",
            Self::ContendForSlot => "Contend for slot",
            Self::BurnedIfWon => "Burned besides if it wins",
            Self::ReleaseSlot => "Give the slot up",
            Self::Commission => "Commission",
            Self::MintingKey => "Minting key",
            Self::RewardAddress => "Rewards go to",
            Self::ReportedKey => "Accused minting key",
            Self::Amount => "Amount",
            Self::Fee => "Fee",
            Self::Total => "Total",
            Self::Memo => "Memo (public)",
            Self::ValidUntil => "Valid until height",
            Self::Nonce => "Number among your payments",
            Self::BalanceBefore => "Available before",
            Self::BalanceAfter => "Available after",
        }
    }
}

/// In English. Addresses are whole, in groups of five.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Address { address, name } => {
                let text = address.to_string();
                for (index, c) in text.chars().enumerate() {
                    if index > 0 && index % 5 == 0 {
                        f.write_str(" ")?;
                    }
                    write!(f, "{c}")?;
                }
                name.as_ref().map_or(Ok(()), |name| write!(f, " ({name})"))
            }
            Self::Amount(amount) => write!(f, "{amount} VSYS"),
            Self::Height(height) => height.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => f.write_str(if *flag { "yes" } else { "no" }),
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

/// In English.
impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed => f.write_str("part of what you sign"),
            Self::Proven { height } => write!(f, "proven at height {height}"),
            Self::NotProven => f.write_str("not proven"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// In English.
impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldFail(error) => write!(f, "It would not go through: {error}."),
            Self::HighFee { fee, minimum } => {
                write!(f, "The fee is {fee} VSYS; {minimum} VSYS would be enough.")
            }
            Self::ToSelf => f.write_str("You are paying yourself."),
            Self::NewRecipient { to } => {
                write!(f, "Nobody ever paid to {to}: compare the address once more.")
            }
            Self::HoldsNoSlot { to } => {
                write!(f, "{to} holds no slot: what is leased to it earns nothing until it does.")
            }
            Self::UnprintableMemo => f.write_str("The memo holds signs that cannot be shown."),
        }
    }
}
