use light_client::{consensus::spos::VotingRecord, state::Supernode};

use super::{Holder, holder::Key};
use crate::{
    block_tree::{BlockError, Chain},
    storage::{Batch, Space},
};

impl Holder {
    /// Erases keys that have signed and that no final table names any more, with the record of what they signed: whoever
    /// gets hold of one later cannot forge a past with it. A key that is to come back into a table stays.
    ///
    /// Looks once for each final round. The chain's folder remembers which keys they were, so that none is loaded again; their
    /// files are for whoever runs the node ([`Minter::retired`](crate::consensus::Minter::retired)).
    ///
    /// # Errors
    /// [`BlockError`] when the disk fails; no key is erased then.
    pub fn erase_keys(&mut self, chain: &Chain) -> Result<(), BlockError> {
        let root = chain.finality().root;
        // By a recovery that nobody voted for yet no key is given up.
        let voted_for = chain.finality().certificate.is_some();
        if root.round <= self.erased_up_to || self.keys.is_empty() || !voted_for {
            return Ok(());
        }
        let snapshot = chain.database().read()?;
        let head = chain.head();
        let finals = snapshot.tables_after(&chain.header(&snapshot, &root.id)?)?;
        let newest = snapshot.tables_after(&head.header)?;
        let mut state = snapshot.state(head.root);
        let mut gone = Vec::new();
        for (public, _) in &self.keys {
            let named = finals.each().chain(newest.each()).any(|table| table.names(public));
            let signed = snapshot.voting(public)?.is_some_and(|record| record != VotingRecord::default());
            if named || !signed {
                continue;
            }
            let waits = match Supernode::owner_of_key(&mut state, public)? {
                Some(owner) => Supernode::read(&mut state, &owner)?
                    .is_some_and(|record| record.minting_key == *public && record.waiting != 0),
                None => false,
            };
            if !waits {
                gone.push(*public);
            }
        }
        if !gone.is_empty() {
            let mut batch = Batch::default();
            gone.iter().for_each(|key| batch.remove(Space::Voting, *key.as_bytes()));
            let retired = [&snapshot.retired_keys()?, &gone[..]].concat();
            batch.retired_keys(&retired);
            chain.database().commit(batch)?;
            for key in &gone {
                tracing::warn!(%key, "erased a minting key: no final table names it any more");
            }
            self.drop_keys(&gone);
        }
        self.erased_up_to = root.round;
        Ok(())
    }

    /// Does not use keys that were erased before the node was started again.
    pub(super) fn leave_out_retired(&mut self, chain: &Chain) -> Result<(), BlockError> {
        let retired = chain.database().read()?.retired_keys()?;
        let given = |(public, _): &Key| retired.contains(public).then_some(*public);
        let gone: Vec<_> = self.keys.iter().filter_map(given).collect();
        for key in &gone {
            tracing::warn!(%key, "a minting key is not used: it was retired when no final table named it any more. Take a new one");
        }
        self.drop_keys(&gone);
        Ok(())
    }

    /// The secrets are wiped as they are dropped.
    fn drop_keys(&mut self, gone: &[light_client::crypto::Hash]) {
        self.keys.retain(|(public, _)| !gone.contains(public));
        self.retired.extend(gone);
    }
}
