use light_client::{client, data_format::TransactionId};

/// A payment that is followed here.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PaymentInfo {
    /// Its id, 64 hexadecimal digits.
    pub transaction_id: String,
    /// How far it is.
    pub state: PaymentState,
    /// Whether nothing can happen to it any more.
    pub settled: bool,
}

/// How far a payment is. Only `InBlock`, `Final`, `Expired` and `Replaced` are proven; the others are what
/// servers say.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PaymentState {
    /// Signed; no server has taken it yet.
    Signed,
    /// A server says that it took it.
    Submitted,
    /// Servers refuse it; it may be valid all the same.
    Refused {
        /// The stable code of the server's reason.
        problem_code: String,
        /// What the server said.
        words: String,
    },
    /// Proven to be in a block that is not final yet.
    InBlock {
        /// The block's height.
        height: u64,
    },
    /// Proven to be in a final block.
    Final {
        /// The block's height.
        height: u64,
        /// Whether its calls happened; the fee is gone either way.
        succeeded: bool,
    },
    /// Proven: no later block may include it.
    Expired,
    /// Proven: another transaction took its place among the sender's.
    Replaced,
}

impl PaymentInfo {
    pub(crate) fn of(id: &TransactionId, payment: &client::TrackedPayment) -> Self {
        Self { transaction_id: id.to_string(), state: (&payment.state).into(), settled: payment.is_settled() }
    }
}

impl From<&client::PaymentState> for PaymentState {
    fn from(state: &client::PaymentState) -> Self {
        match state {
            client::PaymentState::Signed => Self::Signed,
            client::PaymentState::Submitted => Self::Submitted,
            client::PaymentState::Refused { code, words } => {
                Self::Refused { problem_code: code.clone(), words: words.clone() }
            }
            client::PaymentState::InBlock { height, .. } => Self::InBlock { height: height.0 },
            client::PaymentState::Final { height, succeeded, .. } => {
                Self::Final { height: height.0, succeeded: *succeeded }
            }
            client::PaymentState::Expired => Self::Expired,
            client::PaymentState::Replaced => Self::Replaced,
        }
    }
}
