mod forgery;
mod pieces;
mod proof;
mod question;
mod size;
mod store;
mod trie;
mod witness;

use crate::test_support::trie_model as model;
