use std::collections::BTreeMap;

use super::{Pool, Position, RoundEnd, Stake, StakeError};
use crate::{
    data_format::{Address, Amount},
    state::{Entry, NodeStore, Order, Space, StateError, Trie, account::decode},
};

/// Why the stake of a state does not add up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutstandingError<E> {
    /// A record cannot be read.
    #[error(transparent)]
    State(#[from] StateError<E>),
    /// A position and its pool contradict each other.
    #[error("the stake of {lessor} with {supernode}: {error}")]
    Stake {
        /// Whose stake.
        lessor: Address,
        /// With whom.
        supernode: Address,
        /// What is wrong.
        error: StakeError,
    },
    /// The positions of a pool are not its stake.
    #[error("the pool of {0} has other stake than its positions")]
    Pool(Address),
}

/// What waits in all pools and positions of a state, in 2⁻⁶⁴ units. With the balances it is the supply, to the fraction
/// of a unit. Reads every record of them.
///
/// # Errors
/// [`OutstandingError`] if the records contradict each other, or cannot be read.
pub fn outstanding<S: NodeStore>(trie: &mut Trie<S>) -> Result<u128, OutstandingError<S::Error>> {
    let mut pools = BTreeMap::new();
    let mut sum = 0u128;
    for entry in records(trie, Space::Pools)? {
        let (supernode, pool): (Address, Pool) =
            (decode(&entry.key, &entry.key[1..])?, decode(&entry.key, &entry.value)?);
        sum = sum.saturating_add(pool.remainder).saturating_add(u128::from(pool.owed.0) << 64);
        pools.insert(supernode, pool);
    }
    for entry in records(trie, Space::Positions)? {
        let key = &*entry.key;
        let (lessor, supernode) = (decode(key, &key[1..27])?, decode(key, &key[27..])?);
        let position: Position = decode(key, &entry.value)?;
        let pool = pools.get_mut(&supernode).ok_or(OutstandingError::Pool(supernode))?;
        let end = match position.needs_end(pool.round) {
            Some(round) => RoundEnd::read(trie, &supernode, round)?,
            None => None,
        };
        let mut stake = Stake { pool: *pool, position, end };
        stake.settle().map_err(|error| OutstandingError::Stake { lessor, supernode, error })?;
        let Position { amount, fresh, owed, .. } = stake.position;
        let less = |from: Amount, units| from.checked_sub(units).ok_or(OutstandingError::Pool(supernode));
        (pool.earning, pool.fresh) = (less(pool.earning, amount)?, less(pool.fresh, fresh)?);
        sum = sum.saturating_add(owed);
    }
    let rest = |pool: &Pool| pool.earning != Amount::ZERO || pool.fresh != Amount::ZERO;
    match pools.iter().find(|(_, pool)| rest(pool)) {
        Some((supernode, _)) => Err(OutstandingError::Pool(*supernode)),
        None => Ok(sum),
    }
}

fn records<S: NodeStore>(trie: &mut Trie<S>, space: Space) -> Result<Vec<Entry>, StateError<S::Error>> {
    Ok(trie.prefix(&[space as u8], Order::Ascending).collect::<Result<_, _>>()?)
}
