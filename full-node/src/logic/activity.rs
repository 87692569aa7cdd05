//! Who keeps a slot alive, and who does not: idle and poor holders make room.
//!
//! A block costs one record, that of its minter, and that only once a round; a certificate one for each signer; the first
//! block of a round looks at every holder.

use light_client::{
    data_format::{Address, Holder, Round},
    state::{Ban, Certificates, SlotChange, Supernode},
};

use super::{BlockState, Place, StateFault};

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
    /// Whether one more slot may become vacant.
    pub(super) fn may_shrink(&self) -> bool {
        self.in_force().0.iter().flatten().count() > usize::from(self.spos.min_filled)
    }
}

impl BlockState<'_> {
    /// Takes note of who is alive: the block's minter, whoever signed its certificate, and who has just come into the
    /// table. The time of a ban begins for who has just left it.
    ///
    /// # Errors
    /// [`StateFault`] when the disk cannot be read.
    pub fn note_activity(&mut self, minter: &Address) -> Result<(), StateFault> {
        let Certificates(active) = self.certificates();
        let Activity { signers, entered, left, .. } = self.place().activity.clone();
        for address in &left {
            let record = self.supernode(address)?;
            if let Some(ban) = record.ban.filter(|_| record.owes_slot()) {
                let ban = Some(Ban { until: Some(self.place().ban_end()), ..ban });
                self.put_supernode(address, Supernode { ban, ..record });
            }
        }
        for address in signers.iter().flatten().chain(&entered).chain([minter]) {
            let record = self.supernode(address)?;
            self.put_supernode(address, Supernode { active, ..record });
        }
        Ok(())
    }

    /// Whether a holder has to make room: nothing was seen of it for too many rounds that have a certificate, or it has
    /// too few coins. Only while finality goes on; in a partition the others may be living elsewhere.
    pub(super) fn must_leave(&mut self, holder: &Address) -> Result<bool, StateFault> {
        let Place { spos, round, activity: Activity { justified, .. }, .. } = *self.place();
        let idle = self.supernode(holder)?.idle_rounds(self.certificates()) >= spos.idle_rounds.into();
        let poor = self.account(holder)?.unwrap_or_default().effective() < spos.contend_minimum;
        Ok((idle || poor) && justified.next() >= round)
    }

    /// Once a round: asks for the slots of those who have to leave.
    pub(super) fn review_holders(&mut self) -> Result<(), StateFault> {
        let place = self.place();
        if !place.activity.begins_round || !place.may_shrink() {
            return Ok(());
        }
        for Holder { address, .. } in place.in_force().clone().0.into_iter().flatten() {
            let record = self.supernode(&address)?;
            let change = if record.owes_slot() {
                // Asked for before, and dropped because the last holders stay.
                SlotChange::Ban
            } else if self.must_leave(&address)? {
                SlotChange::Vacate
            } else {
                continue;
            };
            if record.waiting & change.kind().bit() == 0 {
                self.ask(address, change)?;
            }
        }
        Ok(())
    }
}
