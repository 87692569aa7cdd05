//! Thousands of changed copies of every stored input: each is refused or says what is true, within its memory.

#![allow(clippy::print_stdout, reason = "a test that says what it tried")]

use fuzz::{Target, run_all, stored_inputs, targets};

fn mutate(target: &Target) {
    for (place, decoder) in (0_u8..).zip(target.decoders) {
        let of_decoder = |input: Vec<u8>| match input.split_first() {
            Some((first, bytes)) if *first == place => Some(bytes.to_vec()),
            _ => None,
        };
        let inputs: Vec<Vec<u8>> = stored_inputs(target).into_values().filter_map(of_decoder).collect();
        let tally = run_all(decoder, &inputs);
        println!("{} {}: {tally:?}", target.name, decoder.name);
        assert!(tally.held > 0, "{} {}: nothing held", target.name, decoder.name);
    }
}

#[test]
fn mutated_bundles() {
    mutate(&targets::BUNDLES);
}

#[test]
fn mutated_client() {
    mutate(&targets::CLIENT);
}

#[test]
fn mutated_consensus() {
    mutate(&targets::CONSENSUS);
}

#[test]
fn mutated_state() {
    mutate(&targets::STATE);
}

#[test]
fn mutated_text() {
    mutate(&targets::TEXT);
}

#[test]
fn mutated_transactions() {
    mutate(&targets::TRANSACTIONS);
}

#[test]
fn mutated_wallet() {
    mutate(&targets::WALLET);
}
