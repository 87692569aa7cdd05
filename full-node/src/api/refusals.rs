//! The node's own errors as problems: every variant keeps its meaning on the way out.

use super::problem::{Code, Problem};
use crate::{
    node::{FaucetError, NodeError, SubmitError},
    transaction::PoolError,
};

impl From<NodeError> for Problem {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::UnknownTrusted(id) => {
                Self::new(Code::UnknownTrusted, &error).with("trusted", id.to_string())
            }
            NodeError::Stopped => Self::new(Code::Stopping, &error),
            NodeError::Storage(_) | NodeError::Damaged(_) => Self::internal(&error),
        }
    }
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        match &error {
            PoolError::Full { fee, needed } => Self::new(Code::PoolFull, &error)
                .with("fee", fee.units().to_string())
                .with("needed", needed.units().to_string())
                .with("retry_after_s", 10),
            PoolError::HeldBack { before, .. } => {
                Self::new(Code::HeldBack, &error).with("before", before.to_string()).with("retry_after_s", 10)
            }
            PoolError::SenderFull { waiting, .. } => {
                Self::new(Code::SenderFull, &error).with("waiting", *waiting).with("retry_after_s", 2)
            }
            PoolError::SenderBytes { found, limit, .. } => Self::new(Code::SenderBytes, &error)
                .with("found", *found)
                .with("limit", *limit)
                .with("retry_after_s", 2),
            PoolError::NonceTaken { nonce, waiting, needed } => Self::new(Code::NonceTaken, &error)
                .with("nonce", *nonce)
                .with("waiting", waiting.to_string())
                .with("needed", needed.units().to_string()),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Transaction(error) => error.into(),
            SubmitError::Pool(error) => error.into(),
            SubmitError::Node(error) => error.into(),
        }
    }
}

impl From<FaucetError> for Problem {
    fn from(error: FaucetError) -> Self {
        match error {
            FaucetError::Submit(error) => error.into(),
            FaucetError::NoFaucet => Self::new(Code::NotFound, &error),
            FaucetError::TooMuch { .. } => Self::new(Code::FaucetLimited, &error),
        }
    }
}
