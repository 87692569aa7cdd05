use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    crypto::Signature,
    data_format::{Height, SignedTransaction, Status, Time, Transaction, codec},
};

/// A payment of this wallet, from the draft to its end; what survives a reload.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Payment {
    /// What is to be signed, or was.
    pub transaction: Transaction,
    /// The signature, once there is one.
    pub signature: Option<Signature>,
    /// When it was drafted, by this device's clock.
    pub created: Time,
    /// How far it has come.
    stage: PaymentStage,
}

/// How far a payment has come.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum PaymentStage {
    /// Being written.
    Draft,
    /// Its rows were shown and agreed to.
    Reviewed,
    /// A cold wallet has been asked to sign it.
    AwaitingSignature,
    /// Signed, not yet sent.
    Signed,
    /// Servers said they took it.
    Submitted {
        /// Which, at most 16.
        #[borsh(deserialize_with = "servers")]
        servers: Vec<String>,
    },
    /// Proven to be in a block that is not final yet.
    InBlock {
        /// Its height.
        height: Height,
        /// Whether its calls happened.
        status: Status,
    },
    /// Proven to be in a final block. The end.
    Final {
        /// Its height.
        height: Height,
        /// Whether its calls happened.
        status: Status,
    },
    /// A server refused it. Only a claim: a proof may still overtake it.
    Refused {
        /// The stable code of the reason.
        #[borsh(deserialize_with = "codec::bounded_text::<64, _>")]
        code: String,
    },
    /// Proven to never happen: a final block at or after its last height, and its nonce is not used. The end.
    Expired {
        /// The final height.
        height: Height,
    },
    /// Proven to never happen: another transaction with its nonce is final. The end.
    Replaced {
        /// The final height.
        height: Height,
    },
    /// Nobody could be asked. Never to be shown as failed.
    Unknown,
}

/// A step that a payment cannot take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment cannot go from {from:?} to {to:?}")]
pub struct StageError {
    /// Where it is.
    pub from: PaymentStage,
    /// Where it was to go.
    pub to: PaymentStage,
}

impl Payment {
    /// A draft.
    pub const fn draft(transaction: Transaction, created: Time) -> Self {
        Self { transaction, signature: None, created, stage: PaymentStage::Draft }
    }

    /// How far it has come.
    pub const fn stage(&self) -> &PaymentStage {
        &self.stage
    }

    /// Takes a step.
    ///
    /// # Errors
    /// [`StageError`] if there is no such step, or if it needs the signature that is not there; nothing changes.
    pub fn advance(&mut self, to: PaymentStage) -> Result<(), StageError> {
        let unsigned = self.signature.is_none() && to.needs_signature();
        if unsigned || !self.stage.leads_to(&to) {
            return Err(StageError { from: self.stage.clone(), to });
        }
        self.stage = to;
        Ok(())
    }

    /// Takes the signature and the step to [`PaymentStage::Signed`].
    ///
    /// # Errors
    /// [`StageError`] if there is no such step; nothing changes.
    pub fn sign(&mut self, signature: Signature) -> Result<(), StageError> {
        if !self.stage.leads_to(&PaymentStage::Signed) {
            return Err(StageError { from: self.stage.clone(), to: PaymentStage::Signed });
        }
        self.signature = Some(signature);
        self.stage = PaymentStage::Signed;
        Ok(())
    }

    /// The signed transaction, to be submitted again after a reload; `None` before it is signed.
    pub fn signed(&self) -> Option<SignedTransaction> {
        let signature = self.signature?;
        Some(SignedTransaction { transaction: self.transaction.clone(), signature })
    }
}

impl PaymentStage {
    /// Whether a payment may go from here to `to`.
    ///
    /// What is proven is only overtaken by proofs: a refusal or a missing answer never undoes a final block, and
    /// a refusal never undoes a block. A block that is not final can be left by its chain, so *in block* may go
    /// back to *submitted*.
    pub const fn leads_to(&self, to: &Self) -> bool {
        use PaymentStage as S;
        match self {
            S::Draft => matches!(to, S::Draft | S::Reviewed),
            S::Reviewed => matches!(to, S::Draft | S::AwaitingSignature | S::Signed),
            S::AwaitingSignature => matches!(to, S::Draft | S::Signed),
            S::Signed | S::Submitted { .. } | S::Refused { .. } | S::Unknown => matches!(
                to,
                S::Submitted { .. }
                    | S::InBlock { .. }
                    | S::Final { .. }
                    | S::Refused { .. }
                    | S::Expired { .. }
                    | S::Replaced { .. }
                    | S::Unknown
            ),
            S::InBlock { .. } => matches!(
                to,
                S::Submitted { .. }
                    | S::InBlock { .. }
                    | S::Final { .. }
                    | S::Expired { .. }
                    | S::Replaced { .. }
                    | S::Unknown
            ),
            S::Final { .. } | S::Expired { .. } | S::Replaced { .. } => false,
        }
    }

    /// Whether nothing can follow.
    pub const fn is_settled(&self) -> bool {
        matches!(self, Self::Final { .. } | Self::Expired { .. } | Self::Replaced { .. })
    }

    const fn needs_signature(&self) -> bool {
        !matches!(self, Self::Draft | Self::Reviewed | Self::AwaitingSignature)
    }
}

/// At most 16 names of at most 256 bytes.
fn servers<R: std::io::Read>(reader: &mut R) -> std::io::Result<Vec<String>> {
    let names = codec::bounded_list::<16, Server, R>(reader)?;
    Ok(names.into_iter().map(|server| server.0).collect())
}

#[derive(BorshDeserialize)]
struct Server(#[borsh(deserialize_with = "codec::bounded_text::<256, _>")] String);
