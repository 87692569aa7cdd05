//! Many blocks in a row, as they come while the node catches up.
//!
//! What takes long is done once for many of them: signatures are checked on all cores for blocks whose turn has not come,
//! while those before them are executed; and the disk is asked once to keep all of them. A kill in between loses the
//! newest blocks, which are fetched again: nobody was told that they are here.

use std::{collections::HashMap, thread};

use light_client::{
    consensus::spos::Block,
    data_format::{Time, TransactionId},
    transaction::{CheckedTransaction, check_stateless},
};
use rayon::prelude::*;

use super::Node;
use crate::block_tree::BlockError;

/// Blocks whose signatures are checked together, while those before them are executed.
const AHEAD: usize = 4;

type Checked = HashMap<TransactionId, CheckedTransaction>;

impl Node {
    /// Takes blocks of others that were fetched, each of which may be the next one's parent, so room is made for them. They
    /// are on disk when this returns. Blocks the thread.
    pub fn insert_row(&self, blocks: &[Block], now: Time) -> Vec<Result<(), BlockError>> {
        let mut core = self.core();
        core.chain.defer_sync();
        let mut inserted = Vec::with_capacity(blocks.len());
        let parts: Vec<&[Block]> = blocks.chunks(AHEAD).collect();
        let mut checked = parts.first().map(|part| self.check_signatures(part)).unwrap_or_default();
        for (place, part) in parts.iter().enumerate() {
            let next = parts.get(place + 1);
            checked = thread::scope(|scope| {
                let ahead = next.map(|next| scope.spawn(|| self.check_signatures(next)));
                for block in *part {
                    let verified = |id: &TransactionId| {
                        checked.get(id).cloned().or_else(|| self.pool().get(id).cloned())
                    };
                    inserted.push(self.insert_core(&mut core, block, now, &verified));
                }
                // A panic there leaves the signatures to be checked in their turn.
                ahead.and_then(|ahead| ahead.join().ok()).unwrap_or_default()
            });
        }
        if let Err(error) = core.chain.sync() {
            let why = error.to_string();
            inserted.fill_with(|| Err(BlockError::Halted(why.clone())));
        }
        inserted
    }

    /// The transactions that hold by themselves; others are found in their turn.
    fn check_signatures(&self, blocks: &[Block]) -> Checked {
        let transactions: Vec<_> = blocks.iter().flat_map(|block| &block.transactions).collect();
        let known = |id: &TransactionId| self.pool().get(id).is_some();
        let checked = transactions.par_iter().filter_map(|signed| {
            if known(&signed.transaction.id(&self.0.chain)) {
                return None;
            }
            let checked = check_stateless(signed, &self.0.spec, &self.0.chain).ok()?;
            Some((checked.id(), checked))
        });
        checked.collect()
    }
}
