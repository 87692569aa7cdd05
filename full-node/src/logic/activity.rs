//! Who keeps a slot alive, and who does not: idle and poor holders make room.
//!
//! A block costs one record, that of its minter, and that only once a round; a certificate one for each signer; the first
//! block of a round looks at every holder.

use light_client::{
    data_format::{Address, Round},
    state::{AccountRecord, Certificates, Request, RequestKind, RequestPlace, SlotChange, Supernode, Trie},
};

use super::{Place, StateFault};
use crate::storage::StateNodes;

/// What a block says of who is alive, besides who minted it.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// Who signed the block's certificate; `None` if it has none.
    pub signers: Option<Vec<Address>>,
    /// Who holds a slot from this block on, and did not before.
    pub entered: Vec<Address>,
    /// Who held a slot up to this block, and does not any more.
    pub left: Vec<Address>,
    /// The round that the block calls justified.
    pub justified: Round,
    /// Whether the block is the first of its round on its branch.
    pub begins_round: bool,
}

impl Place<'_> {
    /// Whether a holder has to make room: nothing was seen of it for too many rounds that have a certificate, or it has
    /// too few coins. Only while finality goes on; in a partition the others may be living elsewhere.
    pub(super) fn must_leave(
        &self,
        supernode: &Supernode,
        account: &AccountRecord,
        certificates: Certificates,
    ) -> bool {
        let idle = supernode.idle_rounds(certificates) >= self.spos.idle_rounds.into();
        let poor = account.effective() < self.spos.contend_minimum;
        (idle || poor) && self.activity.justified.next() >= self.round
    }

    /// Whether one more slot may become vacant.
    pub(super) fn may_shrink(&self) -> bool {
        self.in_force().0.iter().flatten().count() > usize::from(self.spos.min_filled)
    }

    /// Once a round: asks for the slots of those who have to leave, with `index` the number of requests made in this block.
    pub(super) fn review_holders(
        &self,
        trie: &mut Trie<StateNodes<'_>>,
        certificates: Certificates,
        mut index: u32,
    ) -> Result<(), StateFault> {
        if !self.activity.begins_round || !self.may_shrink() {
            return Ok(());
        }
        for holder in self.in_force().0.iter().flatten() {
            let address = holder.address;
            let record = Supernode::read(trie, &address)?.unwrap_or_default();
            let account = AccountRecord::read(trie, &address)?.unwrap_or_default();
            let (change, kind) = if record.owes_slot() {
                // Asked for before, and dropped because the last holders stay.
                (SlotChange::Ban, RequestKind::Ban)
            } else if self.must_leave(&record, &account, certificates) {
                (SlotChange::Vacate, RequestKind::Vacate)
            } else {
                continue;
            };
            if record.waiting & kind.bit() == 0 {
                let waiting = record.waiting | kind.bit();
                Supernode { waiting, ..record }.write(trie, &address)?;
                let place = RequestPlace { kind, height: self.height, index };
                Request { address, change }.write(trie, &place)?;
                index += 1;
            }
        }
        Ok(())
    }
}
