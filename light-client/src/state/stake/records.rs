use super::{Pool, Position, RoundEnd, Stake};
use crate::{
    data_format::{Address, Round, codec},
    state::{NodeStore, StateError, Trie, account, pool_key, position_key, round_end_key},
};

type Read<T, S> = Result<Option<T>, StateError<<S as NodeStore>::Error>>;
type Write<S> = Result<(), StateError<<S as NodeStore>::Error>>;

impl Pool {
    /// Reads the pool of a supernode; `None` if nobody ever staked there.
    ///
    /// # Errors
    /// As [`Trie::get`], and if the value is not a record.
    pub fn read<S: NodeStore>(trie: &mut Trie<S>, supernode: &Address) -> Read<Self, S> {
        account::read(trie, &pool_key(supernode))
    }

    /// Writes the pool of a supernode.
    ///
    /// # Errors
    /// As [`Trie::insert`].
    pub fn write<S: NodeStore>(&self, trie: &mut Trie<S>, supernode: &Address) -> Write<S> {
        trie.insert(&pool_key(supernode), &codec::encode(self))?;
        Ok(())
    }
}

impl Position {
    /// Reads what somebody has in a supernode's pool; `None` for nothing.
    ///
    /// # Errors
    /// As [`Pool::read`].
    pub fn read<S: NodeStore>(trie: &mut Trie<S>, lessor: &Address, supernode: &Address) -> Read<Self, S> {
        account::read(trie, &position_key(lessor, supernode))
    }

    /// Writes what somebody has in a supernode's pool, or removes it when nothing is left.
    ///
    /// # Errors
    /// As [`Trie::insert`].
    pub fn write<S: NodeStore>(&self, trie: &mut Trie<S>, lessor: &Address, supernode: &Address) -> Write<S> {
        let key = position_key(lessor, supernode);
        if self.is_empty() {
            trie.remove(&key)?;
        } else {
            trie.insert(&key, &codec::encode(self))?;
        }
        Ok(())
    }
}

impl Stake {
    /// Reads what somebody has in a supernode's pool, as it is in a round, which is not before that of the block after
    /// which the state is; `None` if one of the two is not there.
    ///
    /// # Errors
    /// As [`Pool::read`].
    pub fn read<S: NodeStore>(
        trie: &mut Trie<S>,
        lessor: &Address,
        supernode: &Address,
        round: Round,
    ) -> Read<Self, S> {
        let Some(position) = Position::read(trie, lessor, supernode)? else { return Ok(None) };
        Self::of(trie, position, supernode, round)
    }

    /// As [`Stake::read`], of a position that has been read.
    ///
    /// # Errors
    /// As [`Pool::read`].
    pub fn of<S: NodeStore>(
        trie: &mut Trie<S>,
        position: Position,
        supernode: &Address,
        round: Round,
    ) -> Read<Self, S> {
        let Some(mut pool) = Pool::read(trie, supernode)? else { return Ok(None) };
        let ended = pool.advance(round);
        let end = match (position.needs_end(round), ended) {
            (Some(needed), Some((over, end))) if needed == over => Some(end),
            (Some(needed), _) => RoundEnd::read(trie, supernode, needed)?,
            (None, _) => None,
        };
        Ok(Some(Self { pool, position, end }))
    }
}

impl RoundEnd {
    /// Reads the end of a round in a supernode's pool; `None` if no position needs it.
    ///
    /// # Errors
    /// As [`Pool::read`].
    pub fn read<S: NodeStore>(trie: &mut Trie<S>, supernode: &Address, round: Round) -> Read<Self, S> {
        account::read(trie, &round_end_key(supernode, round))
    }

    /// Writes the end of a round in a supernode's pool, or removes it when no position needs it any more.
    ///
    /// # Errors
    /// As [`Trie::insert`].
    pub fn write<S: NodeStore>(&self, trie: &mut Trie<S>, supernode: &Address, round: Round) -> Write<S> {
        let key = round_end_key(supernode, round);
        if self.positions == 0 {
            trie.remove(&key)?;
        } else {
            trie.insert(&key, &codec::encode(self))?;
        }
        Ok(())
    }
}
