//! What the tests of every crate share: generators, conformance suites, scripted chains.

pub mod node_store;
