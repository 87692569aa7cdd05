//! Many blocks in a row, as they come while the node catches up.
//!
//! What takes long is done once for many of them, and three things go on at a time: the signatures of a row are checked while the
//! row before it is executed, and those before that are written to disk. A kill in between loses the newest blocks, which are
//! fetched again.
//!
//! All nodes must agree on which signatures hold, so each is checked strictly; but not where a final block was proven to
//! descend from its block ([`Certainty::Final`]): there it is enough that they are genuine, which many together show in less
//! than half of the time.

use light_client::{
    consensus::spos::Block,
    data_format::{SignedTransaction, Time},
    transaction::{CheckedTransaction, check_final, check_stateless},
};
use rayon::prelude::*;

use super::{Core, Node};
use crate::{
    block_tree::{Accepted, BlockError},
    network::{Certainty, Row},
};

/// A row of so many final blocks is taken as one, and written to disk while the next one is executed. The end of a catch-up is
/// shorter, and on disk when it is told.
const LONG: usize = 16;

/// Calls that are executed as one, about: what they add to the indexes waits in memory, some 300 bytes for each.
const CALLS_AT_ONCE: usize = 1 << 16;

/// The transactions of a block that were checked ahead.
type Checked = Vec<Option<CheckedTransaction>>;

impl Node {
    /// Checks the signatures of blocks whose turn has not come. Blocks the thread.
    pub fn checked_row(&self, blocks: Vec<Block>, certainty: Certainty) -> Row {
        let transactions: Vec<_> = blocks.iter().flat_map(|block| &block.transactions).collect();
        let (spec, chain) = (&self.0.spec, &self.0.chain);
        let all: Checked = match certainty {
            Certainty::Open => transactions
                .par_iter()
                .map(|signed| self.known(signed).or_else(|| check_stateless(signed, spec, chain).ok()))
                .collect(),
            Certainty::Final(_) => {
                // One core is for the blocks before them.
                let cores = rayon::current_num_threads().saturating_sub(1).max(1);
                let part = transactions.len().div_ceil(cores).max(1);
                transactions
                    .par_chunks(part)
                    .flat_map_iter(|part| check_final(part, spec, chain, &self.0.known_keys))
                    .collect()
            }
        };
        let mut all = all.into_iter();
        let checked = blocks.iter().map(|block| all.by_ref().take(block.transactions.len()).collect());
        Row { checked: checked.collect(), certainty, blocks }
    }

    /// Takes blocks of others that were fetched, each of which may be the next one's parent, so room is made for them. They
    /// are on disk when this returns, unless they are many and final beyond doubt. Blocks the thread.
    pub fn insert_row(&self, row: &Row, now: Time) -> Vec<Result<(), BlockError>> {
        let mut core = self.core();
        core.chain.defer_sync();
        let long = matches!(row.certainty, Certainty::Final(_)) && row.blocks.len() >= LONG;
        if let Certainty::Final(height) = row.certainty {
            core.chain.expect(height);
        }
        let (mut inserted, mut taken) = (Vec::with_capacity(row.blocks.len()), Vec::new());
        let mut checked = &row.checked[..];
        for blocks in parts(&row.blocks) {
            let (part, behind) = checked.split_at(blocks.len().min(checked.len()));
            checked = behind;
            let leapt = if long { self.leap(&mut core, blocks, part, now) } else { None };
            let results = leapt.unwrap_or_else(|| self.in_turn(&mut core, blocks, part, now).collect());
            inserted.extend(results.into_iter().map(|next| next.map(|accepted| taken.push(accepted))));
        }
        // A kill may take back that they are here, not that they are final.
        let synced = if long { core.chain.sync_behind() } else { core.chain.sync() };
        self.publish_halt(&core.chain);
        if let Err(error) =
            synced.and_then(|()| self.digest_inserted(&core, &Accepted::in_a_row(taken, &self.0.chain)))
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
        checked: &[Checked],
        now: Time,
    ) -> Option<Vec<Result<Accepted, BlockError>>> {
        match core.chain.begin_leap(blocks) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                tracing::warn!(%error, "blocks cannot be taken as one");
                return None;
            }
        }
        let taken: Result<Vec<Accepted>, BlockError> = self.in_turn(core, blocks, checked, now).collect();
        match taken.and_then(|taken| core.chain.end_leap().map(|()| taken)) {
            Ok(taken) => return Some(taken.into_iter().map(Ok).collect()),
            Err(error) => tracing::debug!(%error, "blocks are taken one by one, not as one"),
        }
        if let Err(error) = core.chain.abandon_leap() {
            // The chain stands still, which the next block is told.
            tracing::error!(%error, "blocks that were taken as one cannot be taken back");
        }
        None
    }

    /// Takes blocks one after the other.
    fn in_turn<'a>(
        &'a self,
        core: &'a mut Core,
        blocks: &'a [Block],
        checked: &'a [Checked],
        now: Time,
    ) -> impl Iterator<Item = Result<Accepted, BlockError>> + 'a {
        let mut checked = checked.iter();
        blocks.iter().map(move |block| {
            let checked = checked.next();
            let known = |index: usize, signed: &SignedTransaction| {
                checked.and_then(|checked| checked.get(index)?.clone()).or_else(|| self.known(signed))
            };
            self.insert_core(core, block, now, &known)
        })
    }
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
