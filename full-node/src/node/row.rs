//! Many blocks in a row, as they come while the node catches up.
//!
//! What takes long is done once for many of them: signatures are checked on all cores for blocks whose turn has not come,
//! while those before them are executed, and those before these are written to disk. A kill in between loses the newest
//! blocks, which are fetched again: nobody was told that they are here.
//!
//! All nodes must agree on which signatures hold, so each is checked strictly; but not where a final block was proven to
//! descend from its block ([`Certainty::Final`]): there it is enough that they are genuine, which many together show in less
//! than half of the time.

use std::{collections::HashMap, sync::mpsc, thread};

use light_client::{
    consensus::spos::Block,
    data_format::{Time, TransactionId},
    transaction::{CheckedTransaction, check_final, check_stateless},
};
use rayon::prelude::*;

use super::Node;
use crate::{
    block_tree::{Accepted, BlockError},
    network::Certainty,
};

/// Blocks whose signatures are checked together, while those before them are executed.
const AHEAD: usize = 16;

/// Parts of [`AHEAD`] blocks that are written to disk together, while the next ones are executed.
const WRITTEN: usize = 4;

type Checked = HashMap<TransactionId, CheckedTransaction>;

impl Node {
    /// Takes blocks of others that were fetched, each of which may be the next one's parent, so room is made for them. They
    /// are on disk when this returns. Blocks the thread.
    pub fn insert_row(
        &self,
        blocks: &[Block],
        certainty: Certainty,
        now: Time,
    ) -> Vec<Result<(), BlockError>> {
        let mut core = self.core();
        core.chain.defer_sync();
        let (mut inserted, mut row) = (Vec::with_capacity(blocks.len()), Vec::new());
        thread::scope(|scope| {
            let (ahead, checked) = mpsc::sync_channel(1);
            let checker = scope.spawn(move || {
                let parts = blocks.chunks(AHEAD).map(|part| self.check_signatures(part, certainty));
                // Somebody waits for each, unless there was a panic.
                parts.map(|checked| ahead.send(checked)).all(|sent| sent.is_ok())
            });
            for (place, part) in blocks.chunks(AHEAD).enumerate() {
                if place > 0 && place.is_multiple_of(WRITTEN) {
                    // If it fails, so will what comes after all of them.
                    scope.spawn(|| self.0.database.write_waiting());
                }
                // A panic there leaves the signatures to be checked in their turn.
                let checked: Checked = checked.recv().unwrap_or_default();
                for block in part {
                    let verified = |id: &TransactionId| {
                        checked.get(id).cloned().or_else(|| self.pool().get(id).cloned())
                    };
                    let taken = self.insert_core(&mut core, block, now, &verified);
                    inserted.push(taken.map(|accepted| row.push(accepted)));
                }
            }
            drop(checker.join());
        });
        // Nobody hears of what a kill could take back.
        let synced = core.chain.sync();
        self.publish_halt(&core.chain);
        if let Err(error) =
            synced.and_then(|()| self.digest_inserted(&core, &Accepted::in_a_row(row, &self.0.chain)))
        {
            let why = error.to_string();
            inserted.fill_with(|| Err(BlockError::Halted(why.clone())));
        }
        inserted
    }

    /// The transactions that hold by themselves; others are found in their turn.
    fn check_signatures(&self, blocks: &[Block], certainty: Certainty) -> Checked {
        let transactions: Vec<_> = blocks.iter().flat_map(|block| &block.transactions).collect();
        let (spec, chain) = (&self.0.spec, &self.0.chain);
        let checked: Vec<CheckedTransaction> = match certainty {
            Certainty::Open => transactions
                .par_iter()
                .filter(|signed| self.pool().get(&signed.transaction.id(chain)).is_none())
                .filter_map(|signed| check_stateless(signed, spec, chain).ok())
                .collect(),
            Certainty::Final => {
                // One core is for the blocks before them: everything waits for what these do.
                let cores = rayon::current_num_threads().saturating_sub(1).max(1);
                let part = transactions.len().div_ceil(cores).max(1);
                transactions
                    .par_chunks(part)
                    .flat_map_iter(|part| check_final(part, spec, chain, &self.0.known_keys))
                    .collect()
            }
        };
        checked.into_iter().map(|checked| (checked.id(), checked)).collect()
    }
}
