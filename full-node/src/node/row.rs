//! Many blocks in a row, as they come while the node catches up.
//!
//! What takes long is done once for many of them: signatures are checked on all cores for blocks whose turn has not come,
//! while those before them are executed, and the row before is written to disk. A kill in between loses the newest blocks, which
//! are fetched again.
//!
//! All nodes must agree on which signatures hold, so each is checked strictly; but not where a final block was proven to
//! descend from its block ([`Certainty::Final`]): there it is enough that they are genuine, which many together show in less
//! than half of the time.

use std::{collections::HashMap, ops::RangeInclusive, sync::mpsc, thread};

use light_client::{
    consensus::spos::Block,
    data_format::{Time, TransactionId},
    transaction::{CheckedTransaction, check_final, check_stateless},
};
use rayon::prelude::*;

use super::{Core, Node};
use crate::{
    block_tree::{Accepted, BlockError},
    network::Certainty,
};

/// Blocks whose signatures are checked together, while those before them are executed: few of the first, for which everything
/// waits, and more and more of the later ones, because many are checked faster than few.
const AHEAD: RangeInclusive<usize> = 4..=64;

/// A row of final blocks so long is written to disk while the next one is executed. The end of a catch-up is shorter, and on
/// disk when it is told.
const LONG: usize = 64;

/// Calls that are executed as one, about: what they add to the indexes waits in memory, some 300 bytes for each.
const CALLS_AT_ONCE: usize = 1 << 16;

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
        let long = matches!(certainty, Certainty::Final(_)) && blocks.len() >= LONG;
        if let Certainty::Final(height) = certainty {
            core.chain.expect(height);
        }
        let (mut inserted, mut row) = (Vec::with_capacity(blocks.len()), Vec::new());
        for part in parts(blocks) {
            let leapt = if long { self.leap(&mut core, part, certainty, now) } else { None };
            let taken = leapt.unwrap_or_else(|| {
                let mut taken = Vec::with_capacity(part.len());
                self.take_in_turn(&mut core, part, certainty, now, |next| {
                    taken.push(next);
                    true
                });
                taken
            });
            inserted.extend(taken.into_iter().map(|next| next.map(|accepted| row.push(accepted))));
        }
        // A kill may take back that they are here, not that they are final.
        let synced = if long { core.chain.sync_behind() } else { core.chain.sync() };
        self.publish_halt(&core.chain);
        if let Err(error) =
            synced.and_then(|()| self.digest_inserted(&core, &Accepted::in_a_row(row, &self.0.chain)))
        {
            let why = error.to_string();
            inserted.fill_with(|| Err(BlockError::Halted(why.clone())));
        }
        inserted
    }

    /// Takes final blocks as one; `None` if that cannot be, and nothing has changed.
    fn leap(
        &self,
        core: &mut Core,
        blocks: &[Block],
        certainty: Certainty,
        now: Time,
    ) -> Option<Vec<Result<Accepted, BlockError>>> {
        let begun = core.chain.begin_leap(blocks);
        if !matches!(begun, Ok(true)) {
            return None;
        }
        let mut taken = Vec::with_capacity(blocks.len());
        self.take_in_turn(core, blocks, certainty, now, |next| {
            taken.push(next);
            taken.last().is_some_and(Result::is_ok)
        });
        let failed = taken.pop_if(|next| next.is_err()).and_then(Result::err);
        let Some(error) = failed.or_else(|| core.chain.end_leap().err()) else { return Some(taken) };
        tracing::debug!(%error, "blocks are taken one by one, not as one");
        // If that fails the chain stands still, which the next block is told.
        drop(core.chain.abandon_leap());
        None
    }

    /// Takes blocks one after the other, as long as `next` wants more, while the signatures of those behind are checked.
    fn take_in_turn(
        &self,
        core: &mut Core,
        blocks: &[Block],
        certainty: Certainty,
        now: Time,
        mut next: impl FnMut(Result<Accepted, BlockError>) -> bool,
    ) {
        thread::scope(|scope| {
            let (ahead, checked) = mpsc::sync_channel(1);
            let checker = scope.spawn(move || {
                let parts = ahead_of(blocks).map(|part| self.check_signatures(part, certainty));
                // Nobody waits for more after a fault.
                parts.map(|checked| ahead.send(checked)).all(|sent| sent.is_ok())
            });
            ahead_of(blocks).all(|part| {
                // A panic there leaves the signatures to be checked in their turn.
                let checked: Checked = checked.recv().unwrap_or_default();
                let verified =
                    |id: &TransactionId| checked.get(id).cloned().or_else(|| self.pool().get(id).cloned());
                part.iter().all(|block| next(self.insert_core(core, block, now, &verified)))
            });
            drop(checked);
            drop(checker.join());
        });
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

/// The blocks in the parts in which their signatures are checked.
fn ahead_of(blocks: &[Block]) -> impl Iterator<Item = &[Block]> {
    let (mut rest, mut size) = (blocks, *AHEAD.start());
    std::iter::from_fn(move || {
        let (part, behind) = rest.split_at(size.min(rest.len()));
        (rest, size) = (behind, (2 * size).min(*AHEAD.end()));
        (!part.is_empty()).then_some(part)
    })
}

/// The blocks in parts of about so many calls as are executed as one.
fn parts(blocks: &[Block]) -> impl Iterator<Item = &[Block]> {
    let mut calls = 0;
    blocks.chunk_by(move |block, _| {
        calls += block.transactions.iter().map(|signed| signed.transaction.calls.len()).sum::<usize>();
        let room = calls < CALLS_AT_ONCE;
        calls *= usize::from(room);
        room
    })
}
