//! Updates of the state trie in memory: read an account, change it, write it back; hash and commit each batch.

use light_client::{
    crypto::Hash,
    data_format::{Address, Height, Slot},
    state::{AccountChange, AccountRecord, Asset, HistoryKind, MemoryStore, Root, Trie},
};

use crate::{
    light::some_address,
    measure::{Figures, Sequence, median, time},
};

const ACCOUNTS: usize = 1 << 20;
const BATCH: usize = 20_000;
const BATCHES: usize = 7;

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let mut sequence = Sequence(3);
    let addresses: Vec<Address> = (0..ACCOUNTS).map(|_| some_address(&mut sequence)).collect();
    let mut store = MemoryStore::new();
    let mut root = update(&mut store, Root::EMPTY, &addresses);
    let rates = (0..BATCHES).map(|_| {
        let batch: Vec<Address> = (0..BATCH).map(|_| addresses[sequence.below(ACCOUNTS)]).collect();
        let (took, after) = time(|| update(&mut store, root, &batch));
        root = after;
        BATCH as f64 / took.as_secs_f64()
    });
    figures.print("trie.update.per_s", median(rates.collect()), "1/s");
    Ok(())
}

/// Pays something to every address, and forgets the version before.
fn update(store: &mut MemoryStore, root: Root, addresses: &[Address]) -> Root {
    let mut trie = Trie::open(root, &*store);
    for address in addresses {
        let mut record = AccountRecord::read(&mut trie, address).unwrap().unwrap_or_default();
        let change = AccountChange {
            height: Height(1),
            slot: Slot(1),
            transaction: Hash::ZERO,
            kind: HistoryKind::Received,
            asset: Asset::Coin,
            delta: 1_000,
        };
        record.apply(&change).unwrap();
        record.write(&mut trie, address).unwrap();
    }
    let changes = trie.commit(store.next_id());
    store.apply(&changes);
    store.prune(&changes.stale);
    assert!(changes.root.count > 0, "the version has accounts");
    changes.root
}
