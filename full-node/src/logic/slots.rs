//! The slot table's next change: requests wait in the state, and while nothing is planned the first that still holds is.

use light_client::{
    consensus::spos::Tables,
    data_format::{Address, Height, Holder, Round, Slot, SlotTable, SposSpec, codec},
    data_format::{Amount, Checkpoint},
    state::{
        AccountRecord, Certificates, MAX_VALUE_BYTES, Order, Request, SlotChange, Space, StateError,
        Supernode, Trie,
    },
};

use super::{Activity, StateFault};
use crate::storage::StateNodes;

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

    /// Whether a contender may have a slot of a table: the slot is vacant or its holder weighs less, and the contender has
    /// the least balance.
    pub(super) fn may_take(
        &self,
        slots: &SlotTable,
        slot: u8,
        contender: &Address,
        account: &mut dyn FnMut(&Address) -> Result<AccountRecord, StateFault>,
    ) -> Result<bool, StateFault> {
        let weight = |account: &AccountRecord| -> Amount {
            account.average.at(self.height, account.effective(), self.spos.average_window.into())
        };
        let own = account(contender)?;
        if own.effective() < self.spos.contend_minimum {
            return Ok(false);
        }
        match slots.0.get(usize::from(slot)) {
            None => Ok(false),
            Some(None) => Ok(true),
            Some(Some(holder)) => Ok(weight(&own) > weight(&account(&holder.address)?)),
        }
    }

    /// Takes requests out of the queue until one still holds; gives the table it asks for.
    pub(super) fn plan(
        &self,
        trie: &mut Trie<StateNodes<'_>>,
        certificates: Certificates,
    ) -> Result<Option<SlotTable>, StateFault> {
        if self.tables.as_ref().is_none_or(|tables| tables.planned.is_some()) {
            return Ok(None);
        }
        let waiting: Vec<_> = trie
            .prefix(&[Space::Requests as u8], Order::Ascending)
            .take(MAX_CONSIDERED)
            .collect::<Result<_, _>>()?;
        for entry in waiting {
            let request: Request = codec::decode(&entry.value, MAX_VALUE_BYTES)
                .map_err(|error| StateError::Record { key: entry.key.to_vec(), error })?;
            trie.remove(&entry.key)?;
            let mut supernode = Supernode::read(trie, &request.address)?.unwrap_or_default();
            supernode.waiting &= !request.change.kind().bit();
            supernode.write(trie, &request.address)?;
            if let Some(table) = self.with(&request, trie, certificates)? {
                return Ok(Some(table));
            }
        }
        Ok(None)
    }

    /// The table with a request granted; `None` if its conditions do not hold any more.
    fn with(
        &self,
        request: &Request,
        trie: &mut Trie<StateNodes<'_>>,
        certificates: Certificates,
    ) -> Result<Option<SlotTable>, StateFault> {
        let mut slots = self.in_force().clone();
        let address = request.address;
        let held = slots.position(&address).map(usize::from);
        let record = Supernode::read(trie, &address)?.unwrap_or_default();
        let after = match (request.change, held) {
            (SlotChange::Ban, Some(position)) if record.owes_slot() && self.may_shrink() => (position, None),
            (SlotChange::MintingKey { key }, Some(position)) => {
                (position, Some(Holder { address, minting_key: key }))
            }
            (SlotChange::Vacate, Some(position)) if self.may_shrink() => {
                let account = AccountRecord::read(trie, &address)?.unwrap_or_default();
                if !self.must_leave(&record, &account, certificates) {
                    return Ok(None);
                }
                (position, None)
            }
            (SlotChange::Release, Some(position)) if self.may_shrink() => (position, None),
            (SlotChange::Contend { slot, key }, None) if !record.is_banned(self.round) => {
                let mut account =
                    |address: &Address| Ok(AccountRecord::read(trie, address)?.unwrap_or_default());
                if !self.may_take(&slots, slot, &address, &mut account)? {
                    return Ok(None);
                }
                (usize::from(slot), Some(Holder { address, minting_key: key }))
            }
            _ => return Ok(None),
        };
        let (position, holder) = after;
        slots.0[position] = holder;
        Ok((slots != *self.in_force()).then_some(slots))
    }
}
