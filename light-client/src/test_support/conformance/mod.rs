//! The checks that every target must pass: native, WASM in a browser, and a phone's library through its bindings.
//!
//! The same code may not do the same everywhere: a `usize` has 32 bits in a browser and on old phones, arithmetic is compiled
//! by others, and what goes through bindings is copied twice. So each check is a function without a clock, threads or files
//! that says what is wrong. Where a panic ends everything (WASM), one is an answer too: a broken script must stop the test.
//!
//! Each target runs all of [`names`] and compares them with the list in `light-client/tests/conformance.txt`, so that none is
//! left out anywhere.

mod chain;
mod codec;
mod lies;
mod numbers;
mod proofs;
mod store;
mod trie;
mod vectors;
mod wallet;

/// What a check finds: nothing, or what is wrong.
type Verdict = Result<(), String>;

/// A check and its name.
type Check = (&'static str, fn() -> Verdict);

/// Every check.
const CHECKS: &[Check] = &[
    ("vectors/ed25519 agrees with RFC 8032", vectors::rfc_8032),
    ("vectors/derivation agrees with SLIP-0010", vectors::slip_0010),
    ("vectors/phrases agree with BIP-39", vectors::bip_39),
    ("vectors/V.Systems phrases give their published keys", vectors::vsystems_phrases),
    ("vectors/V.Systems wallets have their published addresses", vectors::vsystems_addresses),
    ("vectors/addresses published as invalid are refused", vectors::invalid_addresses),
    ("vectors/V.Systems signatures hold and their alterations do not", vectors::vsystems_signatures),
    ("vectors/V.Systems signing with given randomness agrees", vectors::vsystems_signing),
    ("vectors/the minting average is that of V.Systems", vectors::minting_average),
    ("numbers/a witness tells no lengths beyond 32 bits", numbers::witness_lengths),
    ("numbers/heights go on beyond 32 bits", numbers::heights),
    ("numbers/histories go on beyond 32 bits", numbers::histories),
    ("numbers/lists announce no more than they may hold", numbers::announced_lengths),
    ("codec/every kind of bundle round trips, and nothing else is read", codec::bundles),
    ("codec/transactions round trip, and nothing else is read", codec::transactions),
    ("trie/it equals a sorted map", trie::model),
    ("trie/witnesses prove what was read and nothing else", trie::witnesses),
    ("proofs/outcomes are proven of their block and no other", proofs::outcomes),
    ("proofs/headers are proven of their chain and no other", proofs::headers),
    ("chain/a client shows what the chain's books say", chain::books),
    ("chain/trust skips over years and no further than its signers", chain::skipping),
    ("chain/trust is handed over step by step", chain::hand_over),
    ("lies/about what proves itself", lies::plain),
    ("lies/about what is final", lies::anchor),
    ("lies/about accounts", lies::account),
    ("lies/about history", lies::history),
    ("lies/about blocks", lies::block),
    ("lies/about receipts", lies::receipt),
    ("lies/about the state", lies::state),
    ("lies/about hand-overs", lies::hand_over),
    ("store/the store in memory conforms", store::memory),
    ("store/a client goes on from what it saved", store::saved_client),
    ("wallet/a keystore opens with its password alone", wallet::keystore),
    ("wallet/what is signed is what was asked for", wallet::signing),
];

/// The names of all checks.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(name, _)| *name)
}

/// Runs one check.
///
/// # Errors
/// What is wrong, or that there is no such check.
///
/// # Panics
/// If something is so wrong that the check cannot go on.
pub fn run(name: &str) -> Result<(), String> {
    let (_, check) =
        CHECKS.iter().find(|(known, _)| *known == name).ok_or_else(|| format!("no check {name:?}"))?;
    check()
}

/// Goes on if it is true; else the check fails with these words.
macro_rules! ensure {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err(format!($($words)+));
        }
    };
}

/// Goes on if both are the same; else the check fails with both and these words.
macro_rules! same {
    ($found:expr, $expected:expr, $($words:tt)+) => {
        match (&$found, &$expected) {
            (found, expected) => {
                if *found != *expected {
                    return Err(format!("{}: {found:?} instead of {expected:?}", format_args!($($words)+)));
                }
            }
        }
    };
}

use {ensure, same};

/// What a step that must work says if it does not.
fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
