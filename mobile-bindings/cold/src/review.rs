//! What a person reads before they sign, as plain data with ready English.

use light_client::{
    data_format::Height,
    wallet::{self, Label, Row, Trust, Value},
};

/// What is to be signed. Everything in `rows` and `cautions` comes from the bytes that are signed, from this
/// phone, or from a proof; `origin` is the asking side's own word.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SigningReview {
    /// The request, 16 bytes.
    pub request_id: Vec<u8>,
    /// The transaction's id, 64 hexadecimal digits.
    pub transaction_id: String,
    /// The seed that signs.
    pub fingerprint: String,
    /// The account that signs.
    pub account_index: u32,
    /// What to show, in this order.
    pub rows: Vec<ReviewRow>,
    /// What to point out.
    pub cautions: Vec<CautionNote>,
    /// What came of the request's proof.
    pub proof: ProofState,
    /// Who asks, as they say.
    pub origin: Option<String>,
}

/// What came of a request's proof.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ProofState {
    /// The request has none: balance and nonce are unknown.
    Absent,
    /// It holds.
    Verified {
        /// The height of the final block it speaks of.
        height: u64,
        /// When that block was minted, in milliseconds since 1970: no request is newer than this clock says.
        time_ms: u64,
    },
    /// It proves nothing to this phone; nothing of it is used.
    NotProven {
        /// Why, in English.
        reason: String,
    },
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ReviewRow {
    /// What it is about.
    pub label: RowLabel,
    /// What it says.
    pub value: RowValue,
    /// Why that can be believed.
    pub trust: RowTrust,
    /// The label in English.
    pub label_text: String,
    /// The value in English.
    pub value_text: String,
    /// The trust in English.
    pub trust_text: String,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum RowLabel {
    /// The chain's name, from this phone's own chain file.
    Chain,
    /// The account that pays.
    From,
    /// A recipient.
    To,
    /// Whether the recipient was seen by the chain before.
    RecipientKnown,
    /// Somebody coins are leased to.
    LeaseTo,
    /// Somebody leased coins are called back from.
    CallBackFrom,
    /// Where what was earned is paid out from.
    ClaimFrom,
    /// The slot that the sender wants.
    ContendForSlot,
    /// What is burned besides the fee if the sender wins the slot.
    BurnedIfWon,
    /// Whether the sender gives its slot up.
    ReleaseSlot,
    /// What a supernode keeps of its rewards before they are shared.
    Commission,
    /// The key that will mint for the sender.
    MintingKey,
    /// The minting key that the sender accuses, with proof.
    ReportedKey,
    /// Who may claim what the sender's commission and own stake earn.
    RewardAddress,
    /// What the recipient gets, or what is leased or called back.
    Amount,
    /// What including it costs.
    Fee,
    /// Coins that leave the account: what is sent, and the fee.
    Total,
    /// The public note.
    Memo,
    /// The last height that may include it.
    ValidUntil,
    /// Its place among the sender's transactions.
    Nonce,
    /// What the sender can spend before it.
    BalanceBefore,
    /// What the sender can spend after it.
    BalanceAfter,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum RowValue {
    /// It could not be found out. Never to be shown as 0.
    Unknown,
    /// An address, to be shown whole.
    Address {
        /// The address.
        address: String,
        /// The name its owner gave it.
        name: Option<String>,
    },
    /// Coins.
    Amount {
        /// In units of 10^-8 VSYS.
        units: u64,
    },
    /// A height.
    Height {
        /// The height.
        height: u64,
    },
    /// A number.
    Number {
        /// The number.
        number: u64,
    },
    /// Yes or no.
    Flag {
        /// Which.
        yes: bool,
    },
    /// Text of printable characters only.
    Text {
        /// The text.
        text: String,
    },
    /// Bytes that are not such text.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// Why a row can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum RowTrust {
    /// It stands in the bytes that are signed, or follows from them alone.
    Signed,
    /// It was proven at a header of this height.
    Proven {
        /// The height.
        height: u64,
    },
    /// Somebody said so.
    NotProven,
    /// Nothing is known.
    Unknown,
}

/// Something to point out.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct CautionNote {
    /// What.
    pub caution: Caution,
    /// In English.
    pub text: String,
}

/// What to point out before signing.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Caution {
    /// By what is known of the sender's account, it would be refused, or charged and fail.
    WouldFail {
        /// The rule it would break.
        rule: String,
        /// That rule's stable code.
        rule_code: String,
    },
    /// The fee is at least ten times the least fee.
    HighFee {
        /// The fee in units.
        fee: u64,
        /// The least fee in units.
        minimum: u64,
    },
    /// A recipient is the sender.
    ToSelf,
    /// A recipient is proven to be new to the chain.
    NewRecipient {
        /// The recipient.
        to: String,
    },
    /// Somebody coins are leased to holds no slot, so that they earn nothing.
    HoldsNoSlot {
        /// To whom they are leased.
        to: String,
    },
    /// The memo holds characters that do not print or that reorder text.
    UnprintableMemo,
}

impl From<&Row> for ReviewRow {
    fn from(row: &Row) -> Self {
        Self {
            label: row.label.into(),
            value: (&row.value).into(),
            trust: row.trust.into(),
            label_text: row.label.english().to_owned(),
            value_text: row.value.to_string(),
            trust_text: row.trust.to_string(),
        }
    }
}

impl From<&wallet::Caution> for CautionNote {
    fn from(caution: &wallet::Caution) -> Self {
        let text = caution.to_string();
        let caution = match caution {
            wallet::Caution::WouldFail(error) => {
                Caution::WouldFail { rule: error.rule().to_owned(), rule_code: error.code().to_owned() }
            }
            wallet::Caution::HighFee { fee, minimum } => {
                Caution::HighFee { fee: fee.units(), minimum: minimum.units() }
            }
            wallet::Caution::ToSelf => Caution::ToSelf,
            wallet::Caution::NewRecipient { to } => Caution::NewRecipient { to: to.to_string() },
            wallet::Caution::HoldsNoSlot { to } => Caution::HoldsNoSlot { to: to.to_string() },
            wallet::Caution::UnprintableMemo => Caution::UnprintableMemo,
        };
        Self { caution, text }
    }
}

impl From<Label> for RowLabel {
    fn from(label: Label) -> Self {
        match label {
            Label::Chain => Self::Chain,
            Label::From => Self::From,
            Label::To => Self::To,
            Label::RecipientKnown => Self::RecipientKnown,
            Label::LeaseTo => Self::LeaseTo,
            Label::CallBackFrom => Self::CallBackFrom,
            Label::ClaimFrom => Self::ClaimFrom,
            Label::ContendForSlot => Self::ContendForSlot,
            Label::BurnedIfWon => Self::BurnedIfWon,
            Label::ReleaseSlot => Self::ReleaseSlot,
            Label::Commission => Self::Commission,
            Label::MintingKey => Self::MintingKey,
            Label::ReportedKey => Self::ReportedKey,
            Label::RewardAddress => Self::RewardAddress,
            Label::Amount => Self::Amount,
            Label::Fee => Self::Fee,
            Label::Total => Self::Total,
            Label::Memo => Self::Memo,
            Label::ValidUntil => Self::ValidUntil,
            Label::Nonce => Self::Nonce,
            Label::BalanceBefore => Self::BalanceBefore,
            Label::BalanceAfter => Self::BalanceAfter,
        }
    }
}

impl From<&Value> for RowValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::Unknown => Self::Unknown,
            Value::Address { address, name } => {
                Self::Address { address: address.to_string(), name: name.clone() }
            }
            Value::Amount(amount) => Self::Amount { units: amount.units() },
            Value::Height(Height(height)) => Self::Height { height: *height },
            Value::Number(number) => Self::Number { number: *number },
            Value::Flag(yes) => Self::Flag { yes: *yes },
            Value::Text(text) => Self::Text { text: text.clone() },
            Value::Bytes(bytes) => Self::Bytes { bytes: bytes.clone() },
        }
    }
}

impl From<Trust> for RowTrust {
    fn from(trust: Trust) -> Self {
        match trust {
            Trust::Signed => Self::Signed,
            Trust::Proven { height } => Self::Proven { height: height.0 },
            Trust::NotProven => Self::NotProven,
            Trust::Unknown => Self::Unknown,
        }
    }
}
