use borsh::{BorshDeserialize, BorshSerialize};

use super::AccountState;
use crate::{
    client::Fate,
    data_format::{
        Address, Height, Network, Outcome, SignedTransaction, Slot, Status, Time, TransactionId, codec,
    },
    state::HistoryRecord,
};

/// A payment that is followed until nothing can happen to it any more.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TrackedPayment {
    /// What was signed.
    pub signed: SignedTransaction,
    /// When it was handed over to be submitted.
    pub since: Time,
    /// The newest height proven then: no block up to it holds this payment.
    pub since_height: Height,
    /// When a server first took it.
    pub taken_at: Option<Time>,
    /// When it was last sent to a server.
    pub(super) sent_at: Option<Time>,
    /// Whether it was sent to every server, and not only to the one that is asked for the sender's account. Then all are
    /// asked for it.
    pub(super) everywhere: bool,
    /// The server whose turn that is, by index.
    #[borsh(skip)]
    pub(super) turn: usize,
    /// How far it is.
    pub state: PaymentState,
}

/// The payments that are followed, in the order in which they were handed over: a handful, so the one that is meant is
/// looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Payments(
    #[borsh(deserialize_with = "codec::bounded_list::<65_536, _, _>")] Vec<(TransactionId, TrackedPayment)>,
);

impl Payments {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&TransactionId, &TrackedPayment)> {
        self.0.iter().map(|(id, payment)| (id, payment))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&TransactionId, &mut TrackedPayment)> {
        self.0.iter_mut().map(|(id, payment)| (&*id, payment))
    }

    pub(super) fn get(&self, id: &TransactionId) -> Option<&TrackedPayment> {
        self.iter().find(|(other, _)| *other == id).map(|(_, payment)| payment)
    }

    pub(super) fn get_mut(&mut self, id: &TransactionId) -> Option<&mut TrackedPayment> {
        self.iter_mut().find(|(other, _)| *other == id).map(|(_, payment)| payment)
    }

    /// Nothing happens if it is followed already.
    pub(super) fn follow(&mut self, id: TransactionId, payment: TrackedPayment) {
        if self.get(&id).is_none() {
            self.0.push((id, payment));
        }
    }

    pub(super) fn forget(&mut self, id: &TransactionId) {
        self.0.retain(|(other, _)| other != id);
    }

    /// Whether something can still happen to one of them.
    pub(super) fn are_open(&self) -> bool {
        self.iter().any(|(_, payment)| !payment.is_settled())
    }
}

/// How far a payment is. Only `InBlock`, `Final`, `Expired` and `Replaced` are proven; the others are what
/// servers say.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum PaymentState {
    /// No server has taken it yet.
    Signed,
    /// A server says that it took it.
    Submitted,
    /// Servers refuse it; it may be valid all the same.
    Refused {
        /// The stable code of the server's problem.
        #[borsh(deserialize_with = "codec::bounded_text::<1_200, _>")]
        code: String,
        /// What the server said.
        #[borsh(deserialize_with = "codec::bounded_text::<1_200, _>")]
        words: String,
    },
    /// Proven to be in a block that is not final yet.
    InBlock {
        /// The block's height.
        height: Height,
        /// The block's slot.
        slot: Slot,
        /// Since when it is proven here to be in a block: in this one, or in one that this one replaced.
        at: Time,
    },
    /// Proven to be in a final block.
    Final {
        /// The block's height.
        height: Height,
        /// The block's slot.
        slot: Slot,
        /// Whether its calls happened; the fee is gone either way.
        succeeded: bool,
    },
    /// Proven: no later block may include it.
    Expired,
    /// Proven: another transaction took its nonce.
    Replaced,
}

impl TrackedPayment {
    pub(super) const fn new(signed: SignedTransaction, since: Time, since_height: Height) -> Self {
        let state = PaymentState::Signed;
        Self { signed, since, since_height, taken_at: None, sent_at: None, everywhere: false, turn: 0, state }
    }

    /// Who pays.
    pub(super) fn sender(&self, network: Network) -> Address {
        Address::of(&self.signed.transaction.sender, network)
    }

    /// Whether nothing can happen to it any more.
    pub const fn is_settled(&self) -> bool {
        matches!(self.state, PaymentState::Final { .. } | PaymentState::Expired | PaymentState::Replaced)
    }

    pub(super) fn taken(&mut self, now: Time) {
        self.taken_at = self.taken_at.or(Some(now));
        if matches!(self.state, PaymentState::Signed | PaymentState::Refused { .. }) {
            self.state = PaymentState::Submitted;
        }
    }

    pub(super) fn refused(&mut self, code: String, words: String) {
        if matches!(self.state, PaymentState::Signed | PaymentState::Submitted | PaymentState::Refused { .. })
        {
            self.state = PaymentState::Refused { code, words };
        }
    }

    pub(super) fn in_block(&mut self, height: Height, slot: Slot, now: Time) {
        // Whoever shows one block after the other does not get more time for that.
        let at = if let PaymentState::InBlock { at, .. } = self.state { at } else { now };
        self.taken_at = self.taken_at.or(Some(now));
        if !self.is_settled() {
            self.state = PaymentState::InBlock { height, slot, at };
        }
    }

    pub(super) fn is_final(&mut self, outcome: &Outcome, height: Height, slot: Slot) {
        self.state = PaymentState::Final { height, slot, succeeded: outcome.status == Status::Success };
    }

    /// A server that is asked for it does not know it, with a final block of this height. Once all servers are asked, the
    /// word of one says nothing against a block that another one proved, as long as that may still become final.
    pub(super) fn not_found(&mut self, newest_final: Height) {
        if let PaymentState::InBlock { height, .. } = self.state
            && (!self.everywhere || height <= newest_final)
        {
            self.state = PaymentState::Submitted;
        }
    }

    /// What was proven of it may be of another chain: it is open again.
    pub(super) fn doubt(&mut self) {
        if self.is_settled() || matches!(self.state, PaymentState::InBlock { .. }) {
            self.state = PaymentState::Submitted;
        }
    }

    /// What the sender's proven account says of it: final, replaced, expired, or not in the block where it was; `None` if
    /// nothing new.
    pub(super) fn judge(&self, id: &TransactionId, sender: &AccountState) -> Option<PaymentState> {
        let proven = sender.proven()?;
        let records = sender.history().records();
        match Fate::of(&self.signed.transaction, id, proven.record.as_ref(), proven.height, records) {
            Fate::Expired => Some(PaymentState::Expired),
            Fate::Replaced { .. } => Some(PaymentState::Replaced),
            Fate::Included { record: HistoryRecord { height, slot, .. }, succeeded: Some(succeeded) } => {
                Some(PaymentState::Final { height, slot, succeeded })
            }
            // Its block proves the rest.
            Fate::Included { succeeded: None, .. } | Fate::Taken => None,
            // In no block up to there.
            Fate::Open => match self.state {
                PaymentState::InBlock { height, .. } if height <= proven.height => {
                    Some(PaymentState::Submitted)
                }
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data_format::Amount,
        test_support::chain::{ScriptedChain, test_address},
    };

    #[test]
    fn one_block_after_the_other_gives_no_more_time_and_one_word_against_them_says_little() {
        let signed = ScriptedChain::new(4, Vec::new()).transfer(1, test_address(2), Amount(1));
        let mut payment = TrackedPayment::new(signed, Time(1), Height(0));
        for height in 5..9 {
            payment.in_block(Height(height), Slot(height), Time(10 * height));
        }
        let shown = PaymentState::InBlock { height: Height(8), slot: Slot(8), at: Time(50) };
        assert_eq!(payment.state, shown);
        payment.everywhere = true;
        payment.not_found(Height(7));
        assert_eq!(payment.state, shown, "it may still become final");
        payment.not_found(Height(8));
        assert_eq!(payment.state, PaymentState::Submitted);
        payment.in_block(Height(9), Slot(9), Time(90));
        payment.everywhere = false;
        payment.not_found(Height(7));
        assert_eq!(payment.state, PaymentState::Submitted, "its own server says so");
    }
}
