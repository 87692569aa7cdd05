mod forgery;
mod model;
mod proof;
mod size;
mod store;
mod trie;
mod witness;
