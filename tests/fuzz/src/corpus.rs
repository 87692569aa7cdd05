//! The stored inputs: `corpus/TARGET/DECODER.NAME`, the first byte of each being the place of its decoder.
//!
//! Those that start with the name of a seed are made by [`write_corpus`] from the scripted chain, and are the same in
//! every run; others, kept because they found something, stay as they are.

use std::{collections::BTreeMap, fs, path::PathBuf};

use crate::{Seed, Target};

/// Names of inputs that something was found with start so, after the decoder's name.
const FOUND: &str = "found-";

/// Where the inputs of a target are.
pub fn corpus_folder(target: &Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

/// The stored inputs by file name.
///
/// # Panics
/// If they cannot be read.
pub fn stored_inputs(target: &Target) -> BTreeMap<String, Vec<u8>> {
    let folder = corpus_folder(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The file that a seed is stored in: its name and what is in it.
fn file(target: &Target, seed: &Seed) -> (String, Vec<u8>) {
    let (place, decoder) = target.decoder(seed.decoder);
    (format!("{}.{}", decoder.name, seed.name), [&[place][..], &seed.bytes].concat())
}

fn is_found(name: &str) -> bool {
    name.split_once('.').is_some_and(|(_, name)| name.starts_with(FOUND))
}

/// Makes the stored seeds anew; what was found stays.
///
/// # Panics
/// If they cannot be written.
pub fn write_corpus(target: &Target) {
    let folder = corpus_folder(target);
    fs::create_dir_all(&folder).unwrap();
    for name in stored_inputs(target).into_keys().filter(|name| !is_found(name)) {
        fs::remove_file(folder.join(name)).unwrap();
    }
    for seed in (target.seeds)() {
        let (name, bytes) = file(target, &seed);
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// Checks that the stored seeds are those that the code makes, that each comes as far as it must, and that every decoder
/// has at least one.
///
/// # Panics
/// If not.
pub fn check_corpus(target: &Target) {
    let mut stored = stored_inputs(target);
    stored.retain(|name, _| !is_found(name));
    let seeds = (target.seeds)();
    for decoder in target.decoders {
        assert!(
            seeds.iter().any(|seed| seed.decoder == decoder.name),
            "{}: the decoder {} has no seed",
            target.name,
            decoder.name
        );
    }
    for seed in &seeds {
        let (name, bytes) = file(target, seed);
        assert_eq!(target.run(&bytes), seed.reach, "{}/{name}", target.name);
        let kept = stored.remove(&name);
        assert!(
            kept.as_ref() == Some(&bytes),
            "{}/{name} is not what the code makes: a format changed. If that was meant, run\n    \
             UPDATE_CORPUS=1 cargo test -p fuzz --test corpus",
            target.name
        );
    }
    assert!(stored.is_empty(), "{}: nothing makes {:?}", target.name, stored.keys());
}
