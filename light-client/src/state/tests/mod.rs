mod forgery;
mod model;
mod proof;
mod size;
mod trie;
mod witness;

use super::MemoryStore;
use crate::test_support::node_store;

#[test]
fn the_store_in_memory_conforms() {
    node_store::conformance(MemoryStore::new).unwrap();
}
