use std::{
    mem::size_of,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustc_hash::FxHashMap;

use super::pages::Page;

/// Independent parts, so that readers rarely wait for one another.
const SHARDS: usize = 16;

/// Pages of state nodes, the recently used ones, in bounded memory. A page that is older or newer than what a reader sees
/// may lack a node, which the reader then finds on disk; what it has is right, because nodes never change.
///
/// Two generations: pages come into the young one; when it has half of the bound, it becomes the old one, and what
/// was in the former old one and not used since is forgotten.
pub(super) struct PageCache {
    shards: Vec<Mutex<Shard>>,
    half: usize,
}

#[derive(Default)]
struct Shard {
    // Nobody else chooses the numbers: they are counted up, so a quick hash is safe.
    young: FxHashMap<u64, Arc<Page>>,
    old: FxHashMap<u64, Arc<Page>>,
    young_bytes: usize,
}

impl PageCache {
    /// A cache of about `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, half: bytes / SHARDS / 2 }
    }

    /// The page with this number, if it is here.
    pub(super) fn get(&self, number: u64) -> Option<Arc<Page>> {
        let mut shard = self.shard(number);
        if let Some(page) = shard.young.get(&number) {
            return Some(Arc::clone(page));
        }
        let page = shard.old.remove(&number)?;
        shard.add(number, Arc::clone(&page), self.half);
        Some(page)
    }

    /// Keeps a page for a while, in place of what it was before.
    pub(super) fn put(&self, number: u64, page: Arc<Page>) {
        let mut shard = self.shard(number);
        shard.remove(number);
        shard.add(number, page, self.half);
    }

    /// Forgets a page that was deleted.
    pub(super) fn remove(&self, number: u64) {
        self.shard(number).remove(number);
    }

    fn shard(&self, number: u64) -> MutexGuard<'_, Shard> {
        // The remainder is below the number of shards. A shard that a panic left behind is still a valid cache.
        self.shards[(number % SHARDS as u64) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn add(&mut self, number: u64, page: Arc<Page>, half: usize) {
        self.young_bytes += size_in_memory(&page);
        self.young.insert(number, page);
        if self.young_bytes > half {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }

    fn remove(&mut self, number: u64) {
        if let Some(page) = self.young.remove(&number) {
            self.young_bytes = self.young_bytes.saturating_sub(size_in_memory(&page));
        }
        self.old.remove(&number);
    }
}

/// About what a page takes up: its bytes, two allocations with their counters, and its place in the map.
const fn size_in_memory(page: &Page) -> usize {
    page.bytes().len() + size_of::<Page>() + 2 * 32 + 2 * size_of::<(u64, usize)>()
}
