//! The node's own errors as problems: every variant keeps its meaning on the way out.

use super::problem::{Code, Problem};
use crate::{
    node::{AnswerError, FaucetError, NodeError, ReceiptError, SubmitError},
    transaction::PoolError,
};

impl From<NodeError> for Problem {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::UnknownTrusted(id) => {
                Self::new(Code::UnknownTrusted, &error).with("trusted", id.to_string())
            }
            NodeError::NotKept { from, .. } => Self::new(Code::NotKept, &error).with("from", from.0),
            NodeError::Paused(_) | NodeError::Recovered(_) => Self::new(Code::Busy, &error),
            NodeError::Stopped => Self::new(Code::Stopping, &error),
            NodeError::Storage(_) | NodeError::Damaged(_) => Self::internal(&error),
        }
    }
}

impl From<AnswerError> for Problem {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Question(_) => Self::new(Code::InvalidQuestions, &error),
            AnswerError::TooLong { found } => Self::new(Code::InvalidQuestions, &error).with("found", found),
            AnswerError::Node(error) => error.into(),
        }
    }
}

impl From<ReceiptError> for Problem {
    fn from(error: ReceiptError) -> Self {
        match error {
            ReceiptError::NotInBlock(_) => Self::new(Code::NotInBlock, &error),
            ReceiptError::NotFinal { height, final_height } => {
                Self::new(Code::NotFinal, &error).with("height", height.0).with("final", final_height.0)
            }
            ReceiptError::Unsigned(_) => Self::new(Code::Unsigned, &error),
            ReceiptError::Node(error) => error.into(),
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

#[cfg(test)]
mod tests {
    use light_client::{
        data_format::{Address, Amount, Height},
        state::QuestionError,
        test_support::chain::test_address,
    };

    use super::*;

    #[test]
    fn each_refusal_of_a_receipt_or_of_questions_has_a_code() {
        let id = light_client::crypto::Hash([7; 32]);
        let not_final = ReceiptError::NotFinal { height: Height(9), final_height: Height(8) };
        let cases: [(Problem, Code); 5] = [
            (ReceiptError::NotInBlock(id).into(), Code::NotInBlock),
            (not_final.clone().into(), Code::NotFinal),
            (ReceiptError::Unsigned(id).into(), Code::Unsigned),
            (AnswerError::TooLong { found: 1 << 21 }.into(), Code::InvalidQuestions),
            (AnswerError::Question(QuestionError::Reads(9_999)).into(), Code::InvalidQuestions),
        ];
        for (problem, code) in cases {
            assert_eq!(problem.code(), code.as_str());
        }
        let words = not_final.to_string();
        let expected = Problem::new(Code::NotFinal, words).with("height", 9).with("final", 8);
        assert!(Problem::from(not_final).has_all_of(&expected));
    }

    #[test]
    fn each_refusal_of_the_pool_has_a_code_and_what_a_program_needs() {
        let sender: Address = test_address(1);
        let id = light_client::crypto::Hash([7; 32]);
        let (fee, needed) = (Amount(5), Amount(6));
        let cases = [
            (PoolError::Full { fee, needed }, Code::PoolFull, "needed", "6".into()),
            (PoolError::HeldBack { sender, before: id }, Code::HeldBack, "before", id.to_string().into()),
            (PoolError::SenderFull { sender, waiting: 256 }, Code::SenderFull, "waiting", 256.into()),
            (PoolError::SenderBytes { sender, found: 9, limit: 8 }, Code::SenderBytes, "limit", 8.into()),
            (PoolError::NonceTaken { nonce: 3, waiting: id, needed }, Code::NonceTaken, "needed", "6".into()),
        ];
        for (error, code, member, value) in cases {
            let words = error.to_string();
            let wanted: serde_json::Value = value;
            let expected = Problem::new(code, words).with(member, wanted);
            let problem = Problem::from(error);
            assert_eq!(problem.code(), expected.code());
            assert!(problem.has_all_of(&expected), "{problem:?} lacks something of {expected:?}");
        }
    }
}
