//! What a receipt proves, as it is printed.

use std::fmt;

use light_client::{
    client::{Final, ProofFailure, ProvenPayment, Receipt, Trusted, Verifier},
    data_format::{Address, Amount, BlockId, ChainId, ChainSpec, Height, Status, Time, TransactionId},
};
use serde::Serialize;

use super::{
    Failure,
    words::{self, duration, moment},
};

/// Whoever reads receipts: a chain, and a block that is trusted.
pub(super) struct Reader {
    spec: ChainSpec,
    trusted: Trusted,
    verifier: Verifier,
}

/// A payment that is proven. JSON has amounts as strings of units.
#[derive(Debug, Serialize)]
pub(super) struct Payment {
    transaction: TransactionId,
    chain: ChainId,
    /// `final` or `failed`, as of `vsys-light send`.
    state: &'static str,
    /// `success`, or why nothing happened.
    status: Status,
    sender: Address,
    /// What was paid, or was meant to be if it failed.
    transfers: Vec<Transfer>,
    /// Calls that are no payments.
    other_calls: usize,
    memo: String,
    fee: Amount,
    block: BlockId,
    height: Height,
    block_ms: Time,
    trust: Grade,
}

#[derive(Debug, Serialize)]
struct Transfer {
    to: Address,
    amount: Amount,
}

/// Whether the block that the proof starts from may still be trusted without a person's word.
#[derive(Debug, Serialize)]
struct Grade {
    /// `verified` or `expired`.
    state: &'static str,
    from: BlockId,
    from_height: Height,
    from_ms: Time,
    trusted_until_ms: Time,
    age_ms: u64,
}

impl Reader {
    /// Of the spec and the checkpoint of a chain file.
    pub(super) fn new(spec: ChainSpec, trusted: Trusted) -> Self {
        let verifier = Verifier::new(&spec);
        Self { spec, trusted, verifier }
    }

    /// The block that is trusted.
    pub(super) const fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// The payment that a receipt proves.
    pub(super) fn check(&self, receipt: &Receipt, now: Time) -> Result<Payment, ProofFailure> {
        let (_, proven) = self.verifier.receipt(&self.trusted, receipt, now)?;
        Ok(self.payment(&proven, now))
    }

    /// # Errors
    /// If the trusted block is older than the chain allows: keys of former holders could have signed another past.
    pub(super) fn check_age(&self, now: Time) -> Result<(), Failure> {
        if self.expired(now) {
            return Err(Failure::checkpoint_expired(self.trusted.height, self.spec.trusting_period_ms));
        }
        Ok(())
    }

    fn made(&self) -> Time {
        self.verifier.time_of(self.trusted.slot)
    }

    fn expired(&self, now: Time) -> bool {
        now.ms_since(self.made()) > self.spec.trusting_period_ms
    }

    fn payment(&self, proven: &Final<ProvenPayment>, now: Time) -> Payment {
        let payment = proven.value();
        let transfers: Vec<_> = payment.transfers().map(|(to, amount)| Transfer { to, amount }).collect();
        Payment {
            transaction: payment.id,
            chain: *self.verifier.chain(),
            state: if payment.succeeded() { "final" } else { "failed" },
            status: payment.outcome.status,
            sender: payment.sender,
            other_calls: payment.transaction.calls.len() - transfers.len(),
            transfers,
            memo: words::memo(&payment.transaction.memo),
            fee: payment.outcome.fee,
            block: payment.block.id,
            height: payment.block.height,
            block_ms: payment.time,
            trust: Grade {
                state: if self.expired(now) { "expired" } else { "verified" },
                from: self.trusted.id,
                from_height: self.trusted.height,
                from_ms: self.made(),
                trusted_until_ms: self.made().plus_ms(self.spec.trusting_period_ms),
                age_ms: now.ms_since(self.made()),
            },
        }
    }
}

impl Payment {
    /// Which.
    pub(super) const fn id(&self) -> TransactionId {
        self.transaction
    }
}

/// For people, in VSYS.
impl fmt::Display for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.state == "failed";
        writeln!(f, "payment     {}", self.transaction)?;
        if failed {
            writeln!(f, "status      final, without effect ({:?}); the fee is paid", self.status)?;
        } else {
            writeln!(f, "status      final")?;
        }
        writeln!(f, "from        {}", self.sender)?;
        for Transfer { to, amount } in &self.transfers {
            let label = if failed { "not paid to" } else { "to         " };
            writeln!(f, "{label} {to}  {amount} VSYS")?;
        }
        if self.other_calls > 0 {
            writeln!(f, "besides     {} operations that are no payments", self.other_calls)?;
        }
        if !self.memo.is_empty() {
            writeln!(f, "memo        {}", self.memo)?;
        }
        writeln!(f, "fee         {} VSYS", self.fee)?;
        writeln!(f, "block       {} of {}", self.height, moment(self.block_ms))?;
        writeln!(f, "block id    {}", self.block)?;
        let Grade { state, from_height, from_ms, age_ms, .. } = &self.trust;
        let state = if *state == "expired" { "trust expired; proven" } else { *state };
        write!(
            f,
            "trust       {state} from block {from_height} of {} ({} old)",
            moment(*from_ms),
            duration(*age_ms)
        )
    }
}
