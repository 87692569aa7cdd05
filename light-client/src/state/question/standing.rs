use super::Moment;
use crate::{
    data_format::{Address, Amount, Round},
    state::{AccountRecord, Certificates, NodeStore, Pool, StateError, Supernode, Trie},
};

/// How somebody stands as a supernode after a block. Which slot it holds is in the slot tables, not in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who.
    pub address: Address,
    /// Its minting key, ban, reward address and waiting requests; `None` for somebody who never held or wanted a slot, and
    /// with whom nothing ever earned.
    pub record: Option<Supernode>,
    /// What it holds; `None` for nothing ever sent to or from it.
    pub account: Option<AccountRecord>,
    /// Its commission and all the stake that shares its rewards, in the round of the block; `None` if nobody ever staked
    /// there.
    pub pool: Option<Pool>,
    /// Its minting average balance in the next block: its weight, but who contends has no more than the contend fee leaves
    /// of its balance.
    pub minting_average: Amount,
    /// For how many rounds with a certificate nothing was seen of it; 0 without a record.
    pub idle_rounds: u64,
    /// Whether it is banned in the round of the block.
    pub banned: bool,
    /// The first round in which it may contend again, if it is banned; `None` while it has the slot that it owes.
    pub banned_until: Option<Round>,
}

impl Standing {
    /// Records that it is read from, at most.
    pub(super) const READS: usize = 4;

    /// Reads how somebody stands.
    ///
    /// # Errors
    /// As [`AccountRecord::read`].
    pub fn read<S: NodeStore>(
        trie: &mut Trie<S>,
        moment: &Moment,
        address: &Address,
    ) -> Result<Self, StateError<S::Error>> {
        let record = Supernode::read(trie, address)?;
        let account = AccountRecord::read(trie, address)?;
        let mut pool = Pool::read(trie, address)?;
        if let Some(pool) = &mut pool {
            // A higher commission may act by now. What that ends is for blocks to write down.
            pool.advance(moment.round);
        }
        let idle_rounds = match &record {
            Some(record) => record.idle_rounds(Certificates::read(trie)?),
            None => 0,
        };
        let ban = record.filter(|record| record.is_banned(moment.round)).and_then(|record| record.ban);
        Ok(Self {
            address: *address,
            record,
            account,
            pool,
            minting_average: moment.weight(&account.unwrap_or_default()),
            idle_rounds,
            banned: ban.is_some(),
            banned_until: ban.and_then(|ban| ban.until),
        })
    }
}
