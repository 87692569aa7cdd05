//! Supernodes at the head of the best branch, as the state has them.

use light_client::{
    consensus::spos::{Evidence, Tables},
    crypto::Hash,
    data_format::{Address, Amount, Header},
    state::{Moment, Standing},
};

use super::{Node, NodeError, SupernodeState, SupernodesState};
use crate::{
    block_tree::Head,
    storage::{Snapshot, StorageError},
};

impl Node {
    /// Minting keys that were given to it and are retired: no final table names them any more. Blocks the thread.
    pub fn retired_keys(&self) -> Vec<Hash> {
        self.core().minter.retired().to_vec()
    }

    /// Everybody who holds a slot or is about to; nobody on a chain without slots.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn supernodes(&self) -> Result<SupernodesState, NodeError> {
        self.blocking(Self::supernodes_now).await?
    }

    /// Evidence that this node has of keys that signed what excludes each other, one offence of each key, until a final block
    /// settles it.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn evidence(&self) -> Result<Vec<Evidence>, NodeError> {
        self.blocking(|node| node.core().minter.evidence()).await
    }

    fn supernodes_now(&self) -> Result<SupernodesState, NodeError> {
        let snapshot = self.0.database.read()?;
        let head = self.stored_head(&snapshot)?;
        let (height, round) = (head.header.height, self.0.clock.round(head.header.slot));
        let (tables, stake) = (self.tables_after(&snapshot, &head.header)?, self.0.rules.stake());
        let mut supernodes = Vec::new();
        for address in tables.as_ref().map(Tables::addresses).unwrap_or_default() {
            supernodes.extend(self.supernode_at(&snapshot, &head, &address)?);
        }
        Ok(SupernodesState {
            height,
            round,
            slots: tables.map_or(0, |tables| tables.in_force.slots().0.len()),
            contend_minimum: stake.contend_minimum,
            contend_fee: stake.contend_fee,
            supernodes,
        })
    }

    /// What the state has of a supernode; `None` if it has nothing, and on chains without slots.
    pub(super) fn supernode_at(
        &self,
        snapshot: &Snapshot,
        head: &Head,
        address: &Address,
    ) -> Result<Option<SupernodeState>, NodeError> {
        let Some(tables) = self.tables_after(snapshot, &head.header)? else { return Ok(None) };
        let moment = self.moment(snapshot, &head.header)?;
        let standing = Standing::read(&mut snapshot.state(head.root), &moment, address)?;
        let Some(record) = standing.record else { return Ok(None) };
        let account = standing.account.unwrap_or_default();
        let pool = standing.pool.unwrap_or_default();
        Ok(Some(SupernodeState {
            address: *address,
            slot: tables.in_force.slots().position(address),
            planned: tables.planned.as_ref().and_then(|planned| planned.slots().position(address)),
            minting_key: record.minting_key,
            commission: pool.commission,
            raised: pool.raised,
            reward_address: record.reward_address,
            effective: account.effective(),
            minting_average: standing.minting_average,
            leased_in: account.leased_in,
            pool: pool.earning.checked_add(pool.fresh).unwrap_or(Amount(u64::MAX)),
            unclaimed: pool.owed,
            idle_rounds: standing.idle_rounds,
            banned: standing.banned,
            banned_until: standing.banned_until,
            waiting: record.waiting,
        }))
    }

    /// What answers from the state depend on besides it, after a block.
    pub(super) fn moment(&self, snapshot: &Snapshot, header: &Header) -> Result<Moment, NodeError> {
        let (tables, window) = (self.tables_after(snapshot, header)?, self.0.spec.engine.average_window());
        Ok(Moment::after(header, tables.as_ref(), &self.0.clock, window))
    }

    /// The slot tables after a block; `None` where nobody holds slots.
    fn tables_after(&self, snapshot: &Snapshot, header: &Header) -> Result<Option<Tables>, StorageError> {
        self.0.rules.genesis_tables().map(|_| snapshot.tables_after(header)).transpose()
    }
}
