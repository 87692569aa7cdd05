use light_client::{
    data_format::{Address, Amount, Header, Height, TransactionId},
    state::{Asset, HistoryKind, HistoryRecord},
};

use super::{AccountFault, Checker, StateFinding};
use crate::storage::StorageError;

/// What blocks and histories say of slots that were won, and of what was burned: to be compared.
#[derive(Debug, Default)]
pub(super) struct Burned {
    /// Blocks that plan a slot for somebody new.
    won: u64,
    /// From which block on all were looked at; `None` if one could not be.
    pub(super) seen_from: Option<Height>,
    /// Records of the price of a slot.
    paid: u64,
    /// The last of them.
    last: Option<(Address, Height)>,
    /// Units that left accounts as fees and as prices of slots.
    units: u128,
}

impl Checker<'_> {
    /// Takes note of whether a block lets somebody win a slot.
    pub(super) fn note_plan(&mut self, header: &Header) -> Result<(), StorageError> {
        self.burned.won += u64::from(self.winner(header)?.is_some());
        Ok(())
    }

    /// Takes note of what a record of an account's history says was burned. That of the price of a slot has the right amount,
    /// no transaction, and the block that planned a slot for this account; there is one of them.
    pub(super) fn check_burned(
        &mut self,
        address: &Address,
        record: &HistoryRecord,
    ) -> Result<(), AccountFault> {
        let HistoryRecord { height, delta, kind, .. } = *record;
        if !matches!(kind, HistoryKind::Fee | HistoryKind::ContendFee) {
            return Ok(());
        }
        self.burned.units += u128::from(delta.unsigned_abs());
        let begins = self.snapshot.begins_at()?;
        if kind == HistoryKind::Fee || (begins > Height(0) && height <= begins) {
            return Ok(());
        }
        let here = Some((*address, height));
        let price = self.chain.rules().stake().contend_fee;
        let is_price = i128::from(delta) == -i128::from(price.units());
        let is_right = is_price && record.asset == Asset::Coin && record.transaction == TransactionId::ZERO;
        if !is_right || here == self.burned.last || self.winner_at(height)? != Some(*address) {
            return Err(AccountFault::ContendFee(record.index));
        }
        self.burned.last = here;
        self.burned.paid += 1;
        Ok(())
    }

    fn winner_at(&self, height: Height) -> Result<Option<Address>, StorageError> {
        let Some(id) = self.snapshot.at_height(height)? else { return Ok(None) };
        let Some(sealed) = self.snapshot.header(&id)? else { return Ok(None) };
        self.winner(&sealed.header)
    }

    /// Who wins a slot by what a block plans: whoever the new table names and the one in force does not.
    fn winner(&self, header: &Header) -> Result<Option<Address>, StorageError> {
        if header.height == Height(0) || header.next_slots.is_zero() {
            return Ok(None);
        }
        let after = self.snapshot.tables(&header.next_slots)?;
        let Some(planned) = &after.planned else { return Ok(None) };
        let Some(parent) = self.snapshot.header(&header.parent)? else { return Ok(None) };
        let before = self.snapshot.tables_after(&parent.header)?;
        if before.planned.is_some_and(|before| before.slots() == planned.slots()) {
            return Ok(None);
        }
        let in_force = after.in_force.slots();
        let mut holders = planned.slots().0.iter().flatten().map(|holder| holder.address);
        Ok(holders.find(|address| in_force.position(address).is_none()))
    }

    /// Each slot that was won was paid for once.
    pub(super) fn compare_prices(&self) -> Result<(), StateFinding> {
        let Burned { won, paid, seen_from, .. } = self.burned;
        let has_price = self.chain.rules().stake().contend_fee > Amount::ZERO;
        let won = if has_price { won } else { 0 };
        if seen_from.is_none() || won == paid { Ok(()) } else { Err(StateFinding::Slots { won, paid }) }
    }

    /// What was burned is what left accounts, where histories are whole.
    pub(super) fn compare_burned(&self, recorded: Amount) -> Result<(), StateFinding> {
        let Burned { units, seen_from, .. } = self.burned;
        let is_whole = seen_from == Some(Height(0));
        if !is_whole || units == u128::from(recorded.units()) {
            return Ok(());
        }
        Err(StateFinding::Burned { recorded, units })
    }
}
