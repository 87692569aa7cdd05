//! What Kotlin, Swift and Python test against: a chain file, a sign request and the reply to it. They are made
//! here, so they are what this version writes; `UPDATE_FIXTURES=1 cargo test -p mobile-cold` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken script must stop the test")]

mod common;

use std::{fs, path::PathBuf};

use common::{PHRASE, Phone, chain_file, request};

fn check(name: &str, content: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name);
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::write(&path, content).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert_eq!(found, content, "{} is not what this version makes", path.display());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect()
}

#[test]
fn fixtures_are_what_this_version_makes() {
    let phone = Phone::default();
    let wallet = phone.wallet();
    wallet.restore_bip39(PHRASE.as_bytes().to_vec()).unwrap();
    let request = request(1, |_| {}).encode();
    check("chain.json", &format!("{}\n", serde_json::to_string_pretty(&chain_file()).unwrap()));
    check("sign-request.hex", &hex(&request));
    check("signature-reply.hex", &hex(&wallet.sign(request).unwrap()));
}
