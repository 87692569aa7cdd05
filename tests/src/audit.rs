use std::path::Path;

use full_node::storage::{Database, Retention};
use light_client::{
    crypto::Hash,
    data_format::{Address, Amount, Height, codec},
    state::{AccountRecord, HistoryChain, Order, Space, SupplyRecord, stake::outstanding, verify_page},
};

/// What a whole state adds up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The newest block.
    pub height: Height,
    /// Accounts that something ever happened to.
    pub accounts: u64,
    /// The sum of their balances.
    pub coins: Amount,
    /// Transactions that changed a nonce.
    pub nonces: u64,
}

/// Opens the data folder of a node that has ended and adds up its newest state: every balance must be the sum of the
/// account's history, every history must lead to its committed head, and the balances to the supply.
///
/// # Panics
/// If the folder cannot be opened, or anything does not add up.
pub fn audit(data: &Path) -> Audit {
    let database = Database::open(Some(data), &Retention::default()).unwrap();
    let snapshot = database.read().unwrap();
    let head = snapshot.head().unwrap().unwrap();
    let header = snapshot.header(&head).unwrap().unwrap().header;
    let root = snapshot.version(&head).unwrap().unwrap().root;
    assert_eq!(root.hash, header.state_root, "the stored state is the head's");
    let mut trie = snapshot.state(root);
    let supply = SupplyRecord::read(&mut trie).unwrap().unwrap();
    let mut audit = Audit { height: header.height, accounts: 0, coins: Amount::ZERO, nonces: 0 };
    for entry in trie.prefix(&[Space::Accounts as u8], Order::Ascending) {
        let entry = entry.unwrap();
        let address: Address = codec::decode(&entry.key[1..], 64).unwrap();
        let record: AccountRecord = codec::decode(&entry.value, 1_024).unwrap();
        let entries = snapshot.history(&address, 0, record.history_count, usize::MAX).unwrap();
        let head_before = entries.first().map_or(Hash::ZERO, |entry| entry.head_before);
        let records: Vec<_> = entries.iter().map(|entry| entry.record).collect();
        let before = verify_page(&records, head_before, record.history()).unwrap();
        assert_eq!(before, HistoryChain::EMPTY, "the history of {address} is whole");
        record.check_balance(&records).unwrap_or_else(|error| panic!("{address}: {error}"));
        audit.accounts += u64::from(record.history_count > 0);
        audit.coins = audit.coins.checked_add(record.balance).unwrap();
        audit.nonces += record.nonce;
    }
    // To the fraction of a unit: what is not in a balance waits in a pool or a position.
    let waiting = outstanding(&mut trie).unwrap();
    let supply_units = u128::from(supply.total().unwrap().units());
    assert_eq!(supply_units << 64, (u128::from(audit.coins.units()) << 64) + waiting, "{supply:?}");
    audit
}
