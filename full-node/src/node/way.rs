//! From a final block that somebody trusts over changes of most slot holders: for receipts, and for newcomers.

use std::sync::Arc;

use light_client::{
    client::Bundle,
    consensus::{
        Anchor, AnchorError, Trusted, engine,
        spos::{HandOver, Tables},
    },
    data_format::{BlockId, Header, Height, Round, Time},
};

use super::{Node, NodeError, queries::need};
use crate::{consensus::Led, storage::Snapshot};

/// Bytes of hand-overs after which a way ends where they led.
const MAX_WAY_BYTES: usize = 1024 * 1024;

impl Node {
    /// Hand-overs to where an anchor leads, or to a later final block, or as many as fit; `None` if the anchor follows from the
    /// trusted block in one step. Empty if the links are not kept here.
    pub(super) fn way(
        &self,
        trusted: &Trusted,
        anchor: &Anchor,
    ) -> Result<Option<Vec<Arc<HandOver>>>, NodeError> {
        // Whoever asks looks at the clock.
        let step = engine(&self.0.spec).advance(trusted, anchor, Time(u64::MAX));
        if !matches!(step, Err(AnchorError::NotEnoughTrust { .. })) {
            return Ok(None);
        }
        let mut held = self.header_of(&trusted.id)?;
        let (mut way, mut bytes) = (Vec::new(), 0);
        while bytes < MAX_WAY_BYTES {
            let Led::Over(hand_over) = self.0.rules.lead(&self.0.database, &held)? else { break };
            bytes += hand_over.to_bytes().len();
            held = hand_over.end.source.clone();
            let leads_on = hand_over.is_full();
            way.push(hand_over);
            if !leads_on {
                break;
            }
        }
        Ok(Some(way))
    }

    /// Why nobody is led on from a final block.
    pub(super) fn no_way(&self, held: &Header) -> Result<NodeError, NodeError> {
        let what = format!("the way from block {} over changes of slot holders", held.height);
        Ok(NodeError::NotKept { what, from: self.0.database.read()?.begins_at()? })
    }

    /// A final block as the checkpoint of the first round after it.
    pub(super) fn trusted_at(&self, snapshot: &Snapshot, header: &Header) -> Result<Trusted, NodeError> {
        let tables = voting_tables(snapshot, header)?;
        let round = if tables.is_none() || header.height == Height(0) {
            Round(0)
        } else {
            self.0.clock.round(header.slot).next()
        };
        Ok(Trusted { round, height: header.height, slot: header.slot, id: header.id(), tables })
    }

    fn header_of(&self, id: &BlockId) -> Result<Header, NodeError> {
        let snapshot = self.0.database.read()?;
        Ok(need(snapshot.header(id)?, "the header of a final block")?.header)
    }
}

/// The slot tables that a header commits to; `None` where nobody votes.
pub(super) fn voting_tables(snapshot: &Snapshot, header: &Header) -> Result<Option<Tables>, NodeError> {
    if header.next_slots.is_zero() {
        return Ok(None);
    }
    Ok(Some(snapshot.tables_after(header)?))
}
