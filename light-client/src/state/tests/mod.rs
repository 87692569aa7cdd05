mod forgery;
mod model;
mod pieces;
mod proof;
mod size;
mod store;
mod trie;
mod witness;
