//! Fuzz targets for every decoder and verifier of bytes from outside.
//!
//! A [`Target`] is a handful of [`Decoder`]s; the first byte of an input says which of them gets the rest. The same
//! functions run three ways: driven by libFuzzer (`fuzz_targets`, `tests/make/fuzz.sh`), over the stored corpora, and over
//! [`Mutations`] of them (`cargo test -p fuzz`), for which no instrumented build is needed.
//!
//! Every run asserts more than that nothing panics:
//!
//! - memory: no more than the decoder's [`Budget`], a constant for each byte of input and a fixed part;
//! - one encoding: what was read is written back as the same bytes, wherever a format promises that;
//! - truth: what a verifier accepts is what the chain of the [`scene`] holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "support for tests: what does not hold must stop the run"
)]

mod budget;
mod corpus;
mod decoder;
mod mutations;
pub mod scene;
pub mod targets;

pub use budget::{Budget, KIB};
pub use corpus::{check_corpus, corpus_folder, stored_inputs, write_corpus};
pub use decoder::{Decoder, Reach, Seed, Target};
pub use mutations::{Mutations, Tally, run_all};
