use super::{Clock, spos::Tables};
use crate::{data_format::Header, state::Moment};

impl Moment {
    /// The moment after a block, with the slot tables after it if there are any.
    pub fn after(header: &Header, tables: Option<&Tables>, clock: &Clock, average_window: u64) -> Self {
        Self {
            height: header.height,
            round: clock.round(header.slot),
            average_window,
            holders: tables.map(Tables::addresses).unwrap_or_default(),
        }
    }
}
