//! Receipts: a payment proven to anybody who trusts one block, without asking a server.
//!
//! A receipt is a file of some kilobytes: the transaction with its signature, its outcome, the way from there to a final
//! header, and the proof that this header is final for whoever trusts the block that the receipt starts from. Where most
//! of those who vote have changed since that block, hand-overs lead over these changes first. A transaction that failed
//! has a receipt too, which says so.
//!
//! **Trust and bounds.** A receipt comes from anybody. Its bytes are bounded before it is read, and so is what it costs to
//! check: a signature takes 64 of them.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    Bundle, Position, ProofFailure, TransactionBundle, Verifier,
    facts::{Final, Settled},
};
use crate::{
    consensus::{Anchor, Trusted, spos::HandOver},
    data_format::{
        Address, Amount, BlockId, Call, ChainId, Height, MAX_TRANSACTION_BYTES, Outcome, SignedTransaction,
        Status, Time, Transaction, TransactionId, codec,
    },
};

/// Bytes of the hand-overs of a receipt, at most: over some thousand changes.
const MAX_WAY_BYTES: usize = 3 * 1024 * 1024;

/// A payment and everything that proves it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// The chain: a word for people too, which tells a receipt of another chain from a forged one.
    pub chain: ChainId,
    /// The block that whoever reads it should trust: a word for people, nothing rests on it.
    pub from: BlockId,
    /// That block's height.
    pub from_height: Height,
    /// What leads over changes of those who vote, each from where the one before it ends. None where the anchor follows
    /// from the block above in one step.
    #[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")]
    pub way: Vec<HandOver>,
    /// The block and the outcome; its anchor follows from where the way ends.
    pub included: TransactionBundle,
    /// What was signed.
    pub signed: SignedTransaction,
}

impl Bundle for Receipt {
    const KIND: u8 = 11;
    const MAX_BYTES: usize = MAX_WAY_BYTES + Anchor::MAX_BYTES + MAX_TRANSACTION_BYTES + 8 * 1024;
}

/// A transaction in a final block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenPayment {
    /// Its id.
    pub id: TransactionId,
    /// Who signed and paid.
    pub sender: Address,
    /// What was signed: the calls and the memo.
    pub transaction: Transaction,
    /// Whether the calls happened, and what was charged.
    pub outcome: Outcome,
    /// The block.
    pub block: Position,
    /// When the block was made.
    pub time: Time,
}

impl ProvenPayment {
    /// Whether its calls happened. If not, the fee is gone and nothing else.
    pub fn succeeded(&self) -> bool {
        self.outcome.status == Status::Success
    }

    /// Recipients and amounts, if it succeeded; else of what was meant to be paid and was not.
    pub fn transfers(&self) -> impl Iterator<Item = (Address, Amount)> {
        self.transaction.calls.iter().filter_map(Call::transfer)
    }
}

impl Verifier {
    /// Checks a receipt from a trusted block on. That need not be the one it names, as long as the signers are trusted
    /// there too.
    ///
    /// # Errors
    /// [`ProofFailure::ReceiptOfAnotherChain`]; [`ProofFailure::AnotherCheckpoint`] names the block to trust if it cannot
    /// be checked from this one; else the first rule broken.
    pub fn receipt(
        &self,
        trusted: &Trusted,
        receipt: &Receipt,
        now: Time,
    ) -> Result<(Trusted, Final<ProvenPayment>), ProofFailure> {
        let Receipt { chain, from, from_height, way, included, signed } = receipt;
        if chain != self.chain() {
            return Err(ProofFailure::ReceiptOfAnotherChain { found: *chain, expected: *self.chain() });
        }
        if trusted.id == *from && trusted.height != *from_height {
            return Err(ProofFailure::ReceiptFrom { height: trusted.height, found: *from_height });
        }
        let checked =
            self.follow(trusted, way, now).and_then(|end| self.payment(&end, included, signed, now));
        match checked {
            Err(error @ (ProofFailure::Anchor(_) | ProofFailure::HandOver(_))) if trusted.id != *from => {
                let (needed, height, trusted) = (*from, *from_height, trusted.id);
                Err(ProofFailure::AnotherCheckpoint { needed, height, trusted, error: Box::new(error) })
            }
            checked => checked,
        }
    }

    /// Follows hand-overs, each from where the one before it ends.
    fn follow(&self, trusted: &Trusted, way: &[HandOver], now: Time) -> Result<Trusted, ProofFailure> {
        way.iter().try_fold(trusted.clone(), |here, step| Ok(self.hand_over(&here, step, now)?.trusted))
    }

    /// Checks what a receipt proves from a block that is trusted, however that came about: where signers were handed over
    /// in between, from the end of that.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn payment(
        &self,
        trusted: &Trusted,
        included: &TransactionBundle,
        signed: &SignedTransaction,
        now: Time,
    ) -> Result<(Trusted, Final<ProvenPayment>), ProofFailure> {
        let chain = self.chain();
        signed.verify(chain).map_err(|_| ProofFailure::Unsigned)?;
        let id = signed.transaction.id(chain);
        let (newer, outcome) = self.transaction(trusted, id, included, now)?;
        let Settled::Final(outcome) = outcome else { return Err(ProofFailure::NotFinal) };
        let block = *outcome.at();
        let payment = ProvenPayment {
            id,
            sender: Address::of(&signed.transaction.sender, self.network),
            transaction: signed.transaction.clone(),
            outcome: outcome.into_value(),
            block,
            time: self.time_of(block.slot),
        };
        Ok((newer, Final::new(payment, block)))
    }
}
