use light_client::{
    crypto::Hash,
    data_format::{Address, Amount, Height, SignedTransaction, codec},
    state::{
        AccountRecord, Asset, HistoryChain, HistoryError, NodeId, NodeStore, Root, Space, StateError,
        StoredNode, SupplyRecord,
        stake::{OutstandingError, outstanding},
        trie::Value,
    },
    transaction::{TransactionError, check_in_block, check_stateless},
};

use super::{Checker, Finding, Stage};
use crate::storage::StorageError;

/// History records read at a time.
const PAGE: usize = 4_096;
/// Keys between two reports of progress.
const STEP: u64 = 256;

/// What is wrong with the state of the newest block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateFinding {
    /// A node of the trie is not the one that its parent, or the header, names.
    #[error("node {} hashes to {found}, not to {expected}", .id.get())]
    Node {
        /// The node.
        id: NodeId,
        /// What is named.
        expected: Hash,
        /// What it hashes to.
        found: Hash,
    },
    /// A node without the place of a child: what is below it is lost.
    #[error("node {} does not say where its children are", .0.get())]
    Lost(NodeId),
    /// It has another number of keys than it says.
    #[error("it has {found} keys, not {expected}")]
    Count {
        /// What it says.
        expected: u64,
        /// What was found.
        found: u64,
    },
    /// An account's record cannot be read.
    #[error("the account record at {0:02x?} cannot be read")]
    Record(Vec<u8>),
    /// History records that belong to no account.
    #[error("{found} history records are stored, and accounts have {expected}")]
    History {
        /// What accounts have.
        expected: u64,
        /// What is stored.
        found: u64,
    },
    /// There is no record of the supply.
    #[error("it has no record of the supply")]
    NoSupply,
    /// Balances and what waits in the pools of supernodes are not the supply.
    #[error(
        "coins were made or lost: the supply is {supply} VSYS, balances are {balances} VSYS and {waiting} units of 2^-64 wait"
    )]
    Supply {
        /// Genesis, minted, less burned.
        supply: Amount,
        /// All balances.
        balances: Amount,
        /// Earned and not paid out, in 2⁻⁶⁴ units.
        waiting: u128,
    },
    /// Slots were won and not paid for, or paid for and not won.
    #[error("{won} slots were won at a price, and {paid} were paid for")]
    Slots {
        /// Blocks that plan a slot for somebody new, where that has a price.
        won: u64,
        /// Records of the price of a slot.
        paid: u64,
    },
    /// What was burned is not what left accounts.
    #[error(
        "its record says that {recorded} VSYS were burned, and by their histories accounts lost {units} units"
    )]
    Burned {
        /// What the record of the supply says.
        recorded: Amount,
        /// Fees and prices of slots in histories, in units.
        units: u128,
    },
    /// The stake contradicts itself.
    #[error(transparent)]
    Stake(#[from] OutstandingError<StorageError>),
    /// A record cannot be read.
    #[error(transparent)]
    Unreadable(#[from] StateError<StorageError>),
    /// A stored transaction that waits and breaks a rule.
    #[error("a waiting transaction: {0}")]
    Waiting(TransactionError),
    /// Stored evidence that proves nothing.
    #[error("stored evidence: {0}")]
    Evidence(TransactionError),
}

/// What is wrong with an account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountFault {
    /// Records of its history are missing.
    #[error("{found} of its {expected} history records are stored")]
    Missing {
        /// What its record says.
        expected: u64,
        /// What is stored.
        found: u64,
    },
    /// A record of its history does not follow those before it.
    #[error("history record {0} does not follow those before it")]
    Order(u64),
    /// The history leads elsewhere.
    #[error("its history leads to {found}, and the account commits to {expected}")]
    Head {
        /// What its record says.
        expected: Hash,
        /// Where the history leads.
        found: Hash,
    },
    /// The history cannot be followed.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// What it has is not the sum of its history.
    #[error("it has {holding} VSYS ({asset:?}), and its history adds up to {sum} units")]
    Sum {
        /// Of what.
        asset: Asset,
        /// What it has.
        holding: Amount,
        /// What the history says, in units.
        sum: i128,
    },
    /// A record of the price of a slot that is none.
    #[error("history record {0} says that it paid for a slot, and its block gave it none at that price")]
    ContendFee(u64),
    /// The disk, or bytes on it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

const ASSETS: [Asset; 3] = [Asset::Coin, Asset::LeasedOut, Asset::LeasedIn];

impl Checker<'_> {
    /// Every node of the newest state from the root down, every account with its history, and the supply.
    pub(super) fn check_state(&mut self) {
        let root = self.chain.head().root;
        let (mut keys, mut records) = (0, 0);
        // Nodes to look at: at most two for each level of the trie.
        let mut open: Vec<(NodeId, Hash)> = root.id.map(|id| (id, root.hash)).into_iter().collect();
        let nodes = self.snapshot.nodes();
        while let Some((id, expected)) = open.pop() {
            let node = match nodes.node(id) {
                Ok(node) => node,
                Err(error) => {
                    self.report.note(error);
                    continue;
                }
            };
            let found = node.hash();
            if found != expected {
                self.report.note(StateFinding::Node { id, expected, found });
                continue;
            }
            match &*node {
                StoredNode::Inner { children, .. } => {
                    for child in children.iter().rev() {
                        match child.id {
                            Some(below) => open.push((below, child.hash)),
                            None => self.report.note(StateFinding::Lost(id)),
                        }
                    }
                }
                StoredNode::Leaf { key, value } => {
                    keys += 1;
                    if keys % STEP == 0 {
                        self.tell(Stage::State, keys, root.count);
                    }
                    records += self.check_leaf(key, value);
                }
            }
        }
        self.tell(Stage::State, root.count, root.count);
        if keys != root.count {
            self.report.note(StateFinding::Count { expected: root.count, found: keys });
        }
        let begins = self.snapshot.begins_at().unwrap_or_default();
        match self.snapshot.count_history() {
            Ok(found) if found == records => {}
            // Records from before the state that the node started from are not kept.
            Ok(found) if begins > Height(0) && found < records => {}
            Ok(found) => self.report.note(StateFinding::History { expected: records, found }),
            Err(error) => self.report.note(error),
        }
        for finding in [self.check_supply(root), self.compare_prices()].into_iter().filter_map(Result::err) {
            self.report.note(finding);
        }
    }

    /// Transactions that wait: each is whole, and obeys the rules that need no state.
    pub(super) fn check_waiting(&mut self) -> Result<(), StorageError> {
        for (_, signed) in self.snapshot.waiting()? {
            self.report.totals.waiting += 1;
            if let Err(error) = check_stateless(&signed, self.chain.spec(), self.chain.engine().chain()) {
                self.report.note(StateFinding::Waiting(error));
            }
        }
        for evidence in self.snapshot.evidence()? {
            let report = SignedTransaction::unsigned_report(evidence);
            if let Err(error) = check_in_block(&report, self.chain.spec(), self.chain.engine().chain()) {
                self.report.note(StateFinding::Evidence(error));
            }
        }
        Ok(())
    }

    /// Gives the number of history records that the leaf's account has.
    fn check_leaf(&mut self, key: &[u8], value: &Value) -> u64 {
        let Some((space, rest)) = key.split_first() else { return 0 };
        if *space != Space::Accounts as u8 {
            return 0;
        }
        let record = match value {
            Value::Known(bytes) => codec::decode::<AccountRecord>(bytes, bytes.len()).ok(),
            Value::Pruned(_) => None,
        };
        let address = codec::decode::<Address>(rest, rest.len()).ok();
        let (Some(address), Some(record)) = (address, record) else {
            self.report.note(StateFinding::Record(key.to_vec()));
            return 0;
        };
        let totals = &mut self.report.totals;
        totals.accounts += u64::from(record.history_count > 0);
        totals.coins = totals.coins.checked_add(record.balance).unwrap_or(Amount(u64::MAX));
        totals.nonces = totals.nonces.saturating_add(record.nonce);
        if let Err(fault) = self.check_account(&address, &record) {
            self.report.note(Finding::Account { address, fault });
        }
        record.history_count
    }

    /// The records since the state that the node started from, which lead to what the account commits to.
    fn check_newest_records(
        &mut self,
        address: &Address,
        record: &AccountRecord,
    ) -> Result<(), AccountFault> {
        let (mut history, mut next) = (HistoryChain::EMPTY, 0);
        loop {
            let page = self.snapshot.history(address, next, record.history_count, PAGE)?;
            let Some(last) = page.last().map(|entry| entry.record.index) else { break };
            for entry in page {
                if entry.record.index != history.count {
                    // What is between was not kept.
                    history = HistoryChain { count: entry.record.index, head: entry.head_before };
                }
                if entry.head_before != history.head {
                    return Err(AccountFault::Order(entry.record.index));
                }
                history = history.append(&entry.record)?;
                self.check_burned(address, &entry.record)?;
            }
            next = last.saturating_add(1);
        }
        if history.count == record.history_count && history.head != record.history_head {
            return Err(AccountFault::Head { expected: record.history_head, found: history.head });
        }
        Ok(())
    }

    fn check_account(&mut self, address: &Address, record: &AccountRecord) -> Result<(), AccountFault> {
        if self.snapshot.begins_at()? > Height(0) {
            return self.check_newest_records(address, record);
        }
        let mut history = HistoryChain::EMPTY;
        let mut sums = [0_i128; ASSETS.len()];
        while history.count < record.history_count {
            let page = self.snapshot.history(address, history.count, record.history_count, PAGE)?;
            if page.is_empty() {
                return Err(AccountFault::Missing { expected: record.history_count, found: history.count });
            }
            for entry in page {
                if entry.head_before != history.head || entry.record.index != history.count {
                    return Err(AccountFault::Order(entry.record.index));
                }
                history = history.append(&entry.record)?;
                self.check_burned(address, &entry.record)?;
                for (sum, asset) in sums.iter_mut().zip(ASSETS) {
                    if entry.record.asset == asset {
                        *sum += i128::from(entry.record.delta);
                    }
                }
            }
        }
        if history.head != record.history_head {
            return Err(AccountFault::Head { expected: record.history_head, found: history.head });
        }
        for (sum, asset) in sums.into_iter().zip(ASSETS) {
            let holding = record.holding(asset);
            if sum != i128::from(holding.units()) {
                return Err(AccountFault::Sum { asset, holding, sum });
            }
        }
        Ok(())
    }

    /// To the fraction of a unit: what is not in a balance waits in a pool or a position.
    fn check_supply(&self, root: Root) -> Result<(), StateFinding> {
        let mut state = self.snapshot.state(root);
        let record = SupplyRecord::read(&mut state)?.ok_or(StateFinding::NoSupply)?;
        let supply = record.total().ok_or(StateFinding::NoSupply)?;
        self.compare_burned(record.burned)?;
        let waiting = outstanding(&mut state)?;
        let balances = self.report.totals.coins;
        let units = |amount: Amount| u128::from(amount.units()) << 64;
        if units(balances).checked_add(waiting) != Some(units(supply)) {
            return Err(StateFinding::Supply { supply, balances, waiting });
        }
        Ok(())
    }
}
