//! No component holds text of its own: their sources are read here.

use std::fs;
use std::path::Path;

/// What a string literal in a component may be made of: class names, ids, attribute values, paths of drawings, names of events and keys.
fn is_markup(literal: &str) -> bool {
    let is_path = literal.starts_with(['M', 'm'])
        && !literal.contains("  ")
        && literal.chars().all(|c| "MmLlHhVvCcSsAaZz0123456789. -".contains(c) || "{}".contains(c));
    let is_name =
        literal.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_ .:/{}#".contains(c));
    is_path || is_name || ["Escape", "CARGO_PKG_VERSION"].contains(&literal)
}

/// The string literals of a Rust source, comments left out.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in source.lines() {
        let code = line.split("//").next().unwrap_or_default();
        found.extend(code.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    found
}

#[test]
fn components_hold_no_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        for literal in literals(&source) {
            count += 1;
            assert!(is_markup(&literal), "{}: {literal:?} belongs into words", path.display());
        }
        let bare = |line: &&str| line.trim().starts_with("{ \"") || line.contains(">{ \"");
        let between: Vec<_> =
            source.lines().filter(bare).filter(|line| !line.contains("{ \" \" }")).collect();
        assert!(between.is_empty(), "{}: text between tags: {between:?}", path.display());
    }
    assert!(count > 300, "only {count} literals found: is this still reading the components?");
}

#[test]
fn text_is_told_from_markup() {
    for text in ["Send", "Your balance", "Oops!", "Not known yet…", "two words, one comma"] {
        assert!(!is_markup(text), "{text}");
    }
    for markup in ["btn go", "M4.5 7h15", "0 0 24 24", "word-{at}"] {
        assert!(is_markup(markup), "{markup}");
    }
}

#[test]
fn no_sentence_talks_like_a_machine() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/words");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| !file.ends_with("tests.rs")) {
        let source = fs::read_to_string(file).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        for literal in literals(source).iter().filter(|literal| literal.contains(' ')) {
            for jargon in ["nonce", "hash", "merkle", "witness", "trie", "mempool", "keystore", "invalid"] {
                let spoken = literal.to_lowercase();
                let mut said = spoken.split(|c: char| !c.is_alphabetic());
                assert!(!said.any(|word| word == jargon), "{literal}");
            }
        }
    }
}
