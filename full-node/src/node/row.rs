//! Many blocks in a row, as they come while the node catches up.
//!
//! What takes long is done once for many of them: signatures are checked on all cores for blocks whose turn has not come,
//! while those before them are executed, and the row before is written to disk. A kill in between loses the newest blocks, which
//! are fetched again.
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

/// A row of final blocks so long is written to disk while the next one is executed. The end of a catch-up is shorter, and on
/// disk when it is told.
const LONG: usize = 4 * AHEAD;

type Checked = HashMap<TransactionId, CheckedTransaction>;

impl Node {
    /// Takes blocks of others that were fetched, each of which may be the next one's parent, so room is made for them. They
    /// are on disk when this returns, unless they are many and final beyond doubt. Blocks the thread.
    pub fn insert_row(
        &self,
        blocks: &[Block],
        certainty: Certainty,
        now: Time,
    ) -> Vec<Result<(), BlockError>> {
        let mut core = self.core();
        core.chain.defer_sync();
        if let Certainty::Final(height) = certainty {
            core.chain.expect(height);
        }
        let (mut inserted, mut row) = (Vec::with_capacity(blocks.len()), Vec::new());
        thread::scope(|scope| {
            let (ahead, checked) = mpsc::sync_channel(1);
            let checker = scope.spawn(move || {
                let parts = blocks.chunks(AHEAD).map(|part| self.check_signatures(part, certainty));
                // Somebody waits for each, unless there was a panic.
                parts.map(|checked| ahead.send(checked)).all(|sent| sent.is_ok())
            });
            for part in blocks.chunks(AHEAD) {
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
        let synced = match certainty {
            // A kill may take back that they are here, not that they are final.
            Certainty::Final(_) if blocks.len() >= LONG => core.chain.sync_behind(),
            Certainty::Final(_) | Certainty::Open => core.chain.sync(),
        };
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
            Certainty::Final(_) => {
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
