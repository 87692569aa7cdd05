use super::{AskError, Moment, Page};
use crate::{
    data_format::{Address, Amount},
    state::{NodeStore, Pool, Position, Space, Trie, account::decode, position_key, stake::Stake},
};

/// Coins that work for a supernode, or a supernode's own stake, after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// To whom they are leased; the lessor itself for its own stake. It need not be a supernode: then they earn nothing.
    pub supernode: Address,
    /// How much, and what of it earns already: as it is in the round of the block, nothing paid out.
    pub position: Position,
    /// Whole units that it has earned and that a claim would pay out.
    pub interest: Amount,
    /// The pool that it shares, in the round of the block: the commission, and all the stake.
    pub pool: Pool,
}

impl Lease {
    /// Records that a lease is read from: the position, the pool, and the end of a round.
    pub(super) const READS: usize = 3;
}

/// A page of the leases of an account.
pub(super) fn page<S: NodeStore>(
    trie: &mut Trie<S>,
    moment: &Moment,
    lessor: &Address,
    after: Option<&Address>,
    limit: u8,
) -> Result<Page<Lease, Address>, AskError<S::Error>> {
    let mut prefix = [Space::Positions as u8; 27];
    prefix[1..].copy_from_slice(lessor.as_bytes());
    let after = after.map(|supernode| position_key(lessor, supernode));
    let read = |key: &[u8], value: &[u8]| Ok((decode(key, &key[prefix.len()..])?, decode(key, value)?));
    let after = after.as_ref().map(<[u8; 53]>::as_slice);
    let positions: Vec<(Address, Position)> = super::page(trie, &prefix, after, limit, read)?;
    let mut leases = Vec::with_capacity(positions.len());
    for (supernode, position) in positions {
        let stake = Stake::of(trie, position, &supernode, moment.round)?;
        let mut stake = stake.ok_or(AskError::NoPool { lessor: *lessor, supernode })?;
        let failed = |error| AskError::Stake { lessor: *lessor, supernode, error };
        stake.settle().map_err(failed)?;
        let Stake { pool, position, .. } = stake;
        leases.push(Lease { supernode, position, interest: stake.pay().map_err(failed)?, pool });
    }
    Ok(Page::new(leases, limit, |lease| lease.supernode))
}
