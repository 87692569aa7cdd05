//! Supernodes at the head of the best branch, as the state has them.

use light_client::{
    consensus::spos::{Evidence, Tables},
    crypto::Hash,
    data_format::{Address, Amount, SlotTable, SposSpec},
    state::{AccountRecord, Certificates, Pool, Supernode, Trie},
};

use super::{Node, NodeError, SupernodeState, SupernodesState};
use crate::{
    block_tree::Head,
    storage::{Snapshot, StateNodes},
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

    /// Evidence that this node has of keys that signed what excludes each other, of the latest offence of each key.
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
        if self.0.spec.engine.spos().is_none() {
            return Ok(SupernodesState { height, round, slots: 0, supernodes: Vec::new() });
        }
        let tables = snapshot.tables(&head.header.next_slots)?;
        let mut addresses: Vec<Address> = Vec::new();
        for holder in tables.each().flat_map(|table| table.slots().0.iter().flatten()) {
            if !addresses.contains(&holder.address) {
                addresses.push(holder.address);
            }
        }
        let mut supernodes = Vec::with_capacity(addresses.len());
        for address in addresses {
            supernodes.extend(self.supernode_at(&snapshot, &head, &address)?);
        }
        Ok(SupernodesState { height, round, slots: tables.in_force.slots().0.len(), supernodes })
    }

    /// What the state has of a supernode; `None` if it has nothing, and on chains without slots.
    pub(super) fn supernode_at(
        &self,
        snapshot: &Snapshot,
        head: &Head,
        address: &Address,
    ) -> Result<Option<SupernodeState>, NodeError> {
        let Some(spos) = self.0.spec.engine.spos() else { return Ok(None) };
        let mut state = snapshot.state(head.root);
        let Some(record) = Supernode::read(&mut state, address)? else { return Ok(None) };
        let tables = snapshot.tables(&head.header.next_slots)?;
        Ok(Some(self.supernode_state(spos, head, &tables, &mut state, address, &record)?))
    }

    fn supernode_state(
        &self,
        spos: &SposSpec,
        head: &Head,
        tables: &Tables,
        state: &mut Trie<StateNodes<'_>>,
        address: &Address,
        record: &Supernode,
    ) -> Result<SupernodeState, NodeError> {
        let round = self.0.clock.round(head.header.slot);
        let account = AccountRecord::read(state, address)?.unwrap_or_default();
        let mut pool = Pool::read(state, address)?.unwrap_or_default();
        // A higher commission may act by now. What that ends is for blocks to write down.
        pool.advance(round);
        let certificates = Certificates::read(state)?;
        let next = head.header.height.next();
        Ok(SupernodeState {
            address: *address,
            slot: position(tables.in_force.slots(), address),
            planned: tables.planned.as_ref().and_then(|planned| position(planned.slots(), address)),
            minting_key: record.minting_key,
            commission: pool.commission,
            raised: pool.raised,
            reward_address: record.reward_address,
            effective: account.effective(),
            minting_average: account.average.at(next, account.effective(), spos.average_window.into()),
            leased_in: account.leased_in,
            pool: pool.earning.checked_add(pool.fresh).unwrap_or(Amount(u64::MAX)),
            unclaimed: pool.owed,
            idle_rounds: record.idle_rounds(certificates),
            banned: record.is_banned(round),
            banned_until: record.ban.filter(|_| record.is_banned(round)).and_then(|ban| ban.until),
            waiting: record.waiting,
        })
    }
}

fn position(slots: &SlotTable, address: &Address) -> Option<u8> {
    let place = slots.0.iter().position(|holder| holder.is_some_and(|holder| holder.address == *address))?;
    u8::try_from(place).ok()
}
