//! The slot table's next change: requests wait in the state, and while nothing is planned the first that still holds is.

use light_client::{
    consensus::spos::Tables,
    data_format::{
        Address, Amount, Checkpoint, Height, Holder, Round, Slot, SlotTable, SposSpec, Status, TransactionId,
    },
    state::{AccountRecord, HistoryKind, Request, SlotChange},
};

use super::{Activity, BlockState, StateFault};

/// Requests that one block looks at: who floods the queue pays a fee for each, and the rest waits for the next block.
const MAX_CONSIDERED: usize = 32;

/// Where a block stands, as far as its execution has to know.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The rules of slots and stake. Where nobody holds slots, no module asks for more of them than the window of averages.
    pub spos: &'a SposSpec,
    /// Its height.
    pub height: Height,
    /// Its slot.
    pub slot: Slot,
    /// The round of that slot.
    pub round: Round,
    /// The slot tables after the block's certificate, before its calls; `None` where nobody holds slots.
    pub tables: Option<Tables>,
    /// The checkpoints of its round and of the one before, on its branch.
    pub recent: Vec<Checkpoint>,
    /// Who is alive.
    pub activity: Activity,
    /// Whether it is the first block after a recovery: the holders may all be new.
    pub recovered: bool,
}

/// The table of a chain without slots.
static NO_SLOTS: SlotTable = SlotTable(Vec::new());

impl Place<'_> {
    /// Who holds the slots now.
    pub(super) fn in_force(&self) -> &SlotTable {
        self.tables.as_ref().map_or(&NO_SLOTS, |tables| tables.in_force.slots())
    }

    /// Whether an address holds a slot, or will once what is planned comes into force.
    pub(super) fn holds(&self, address: &Address) -> bool {
        self.tables.iter().flat_map(Tables::each).any(|table| table.slots().position(address).is_some())
    }

    /// The first round after a ban whose time begins now.
    pub(super) fn ban_end(&self) -> Round {
        Round(self.round.0.saturating_add(self.spos.ban_rounds.into()))
    }

    /// Slots of a day.
    pub(super) fn slots_of_a_day(&self) -> u64 {
        const DAY_MS: u64 = 86_400_000;
        DAY_MS.div_ceil(u64::from(self.spos.slot_ms).max(1))
    }

    /// Rounds of a day.
    pub(super) fn rounds_of_a_day(&self) -> u64 {
        self.slots_of_a_day().div_ceil((self.spos.slots.0.len() as u64).max(1))
    }
}

impl BlockState<'_> {
    /// Why somebody would not win a slot now: its own coins do not pay for it, or with what that leaves it has less than the
    /// least balance, or no more weight than the slot's holder. `None` if it would.
    pub(super) fn contend_refusal(
        &mut self,
        slot: u8,
        contender: &Address,
    ) -> Result<Option<Status>, StateFault> {
        let Place { spos, height, .. } = *self.place();
        let weight = |account: &AccountRecord, effective: Amount| -> Amount {
            account.average.at(height, effective, spos.average_window.into())
        };
        let own = self.account(contender)?.unwrap_or_default();
        if own.available() < spos.contend_fee {
            return Ok(Some(Status::InsufficientBalance));
        }
        let left = own.effective().checked_sub(spos.contend_fee).unwrap_or(Amount::ZERO);
        let wins = match self.place().in_force().0.get(usize::from(slot)).copied() {
            _ if left < spos.contend_minimum => false,
            None => false,
            Some(None) => true,
            Some(Some(holder)) => {
                let holder = self.account(&holder.address)?.unwrap_or_default();
                weight(&own, left) > weight(&holder, holder.effective())
            }
        };
        Ok((!wins).then_some(Status::SlotNotWon))
    }

    /// Takes requests out of the queue until one still holds; gives the table it asks for.
    pub(super) fn plan(&mut self) -> Result<Option<SlotTable>, StateFault> {
        if self.place().tables.as_ref().is_none_or(|tables| tables.planned.is_some()) {
            return Ok(None);
        }
        for _ in 0..MAX_CONSIDERED {
            let Some(request) = self.next_request()? else { break };
            if let Some(table) = self.grant(&request)? {
                return Ok(Some(table));
            }
        }
        Ok(None)
    }

    /// Grants a request, for which who wins a slot pays now: the table with it; `None` if its conditions do not hold any
    /// more.
    fn grant(&mut self, request: &Request) -> Result<Option<SlotTable>, StateFault> {
        let Place { spos, round, .. } = *self.place();
        let may_shrink = self.place().may_shrink();
        let mut slots = self.place().in_force().clone();
        let address = request.address;
        let held = slots.position(&address).map(usize::from);
        let record = self.supernode(&address)?;
        let (position, holder) = match (request.change, held) {
            (SlotChange::Ban, Some(position)) if record.owes_slot() && may_shrink => (position, None),
            (SlotChange::MintingKey { key }, Some(position)) => {
                (position, Some(Holder { address, minting_key: key }))
            }
            (SlotChange::Vacate, Some(position)) if may_shrink && self.must_leave(&address)? => {
                (position, None)
            }
            (SlotChange::Release, Some(position)) if may_shrink => (position, None),
            (SlotChange::Contend { slot, key }, None) if !record.is_banned(round) => {
                if self.contend_refusal(slot, &address)?.is_some() {
                    return Ok(None);
                }
                if spos.contend_fee > Amount::ZERO {
                    let (none, kind) = (TransactionId::ZERO, HistoryKind::ContendFee);
                    self.burn(&address, none, kind, spos.contend_fee)?;
                }
                (usize::from(slot), Some(Holder { address, minting_key: key }))
            }
            _ => return Ok(None),
        };
        slots.0[position] = holder;
        Ok((slots != *self.place().in_force()).then_some(slots))
    }
}
