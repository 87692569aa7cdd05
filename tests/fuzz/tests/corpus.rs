//! The stored inputs are what they should be, and nothing that was ever found comes back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what does not work must stop the test")]

use fuzz::{Target, check_corpus, corpus_folder, stored_inputs, targets, write_corpus};

/// Bytes of all stored inputs, at most.
const MAX_CORPUS_BYTES: usize = 512 * 1024;

#[test]
fn the_stored_inputs_are_current_and_reach_what_they_should() {
    for target in &targets::TARGETS {
        if std::env::var_os("UPDATE_CORPUS").is_some() {
            std::fs::create_dir_all(corpus_folder(target)).unwrap();
            write_corpus(target);
        }
        check_corpus(target);
    }
}

#[test]
fn every_stored_input_runs_and_all_are_small() {
    let of_target = |target: &Target| {
        stored_inputs(target)
            .values()
            .map(|input| {
                target.run(input);
                input.len()
            })
            .sum::<usize>()
    };
    let bytes: usize = targets::TARGETS.iter().map(of_target).sum();
    assert!(bytes <= MAX_CORPUS_BYTES, "the stored inputs have {bytes} bytes");
}

/// Corpus folders and programs of libFuzzer: each target has both, and nothing else has.
#[test]
fn every_target_has_a_program_and_a_folder() {
    let names = |folder: &str, suffix: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(suffix, ""))
            .collect();
        names.sort();
        names
    };
    let targets = targets::TARGETS.map(|target| target.name.to_owned());
    assert_eq!(names("fuzz_targets", ".rs"), targets);
    assert_eq!(names("corpus", ""), targets);
}
