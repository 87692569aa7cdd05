//! The cold wallet against a phone in memory: what it refuses, what it keeps, what it survives.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken script must stop the test")]

mod common;

use common::{PHRASE, Phone, chain_file, owner, request};
use light_client::{
    data_format::{Address, Amount, Height},
    wallet::{SignatureReply, verify_reply},
};
use mobile_cold::{ColdError, PlatformError, PlatformPart, ProofState, WordCount};

fn restored(phone: &Phone) -> mobile_cold::ColdWallet {
    let wallet = phone.wallet();
    wallet.restore_bip39(PHRASE.as_bytes().to_vec()).unwrap();
    wallet
}

#[test]
fn the_asking_side_accepts_the_reply() {
    let wallet = restored(&Phone::default());
    let request = request(1, |_| {});
    let reply = SignatureReply::decode(&wallet.sign(request.encode()).unwrap()).unwrap();
    assert_eq!(verify_reply(&request, &reply).unwrap().transaction.memo, b"rent");
}

#[test]
fn what_cannot_be_signed_is_not_shown_either() {
    let phone = Phone::default();
    let wallet = restored(&phone);
    let other_chain = {
        let mut file = chain_file();
        file.spec.name = "Another".to_owned();
        phone.open_chain(&file).unwrap()
    };
    let mut other_sender = request(2, |_| {});
    other_sender.public_key = owner(1).public();
    let cases = [
        (&wallet, request(1, |t| t.fee = Amount(1)).encode(), "fee_too_low"),
        (&wallet, request(1, |t| t.sender = owner(5).public()).encode(), "key_not_held"),
        (&wallet, request(1, |t| t.valid_until = Height(0)).encode(), "expired"),
        (&wallet, other_sender.encode(), "other_sender"),
        (&wallet, vec![7; 40], "not_a_request"),
        (&wallet, vec![1; 1 << 20], "not_a_request"),
        (&other_chain, request(1, |_| {}).encode(), "other_chain"),
    ];
    for (wallet, request, code) in cases {
        assert_eq!(wallet.review(request.clone()).unwrap_err().code(), code);
        assert_eq!(wallet.sign(request).unwrap_err().code(), code);
        assert!(wallet.log().is_empty());
    }
}

#[test]
fn a_missing_key_is_named_with_its_seed() {
    let wallet = Phone::default().wallet();
    let mut request = request(1, |_| {});
    request.fingerprint = Some(light_client::wallet::Fingerprint([1, 2, 3, 4]));
    let address = Address::of(&request.public_key, chain_file().spec.network).to_string();
    let expected = ColdError::KeyNotHeld { address, fingerprint: Some("01020304".to_owned()) };
    assert_eq!(wallet.sign(request.encode()), Err(expected));
}

#[test]
fn a_proof_that_proves_nothing_is_said_to_and_not_used() {
    let wallet = restored(&Phone::default());
    let mut request = request(1, |_| {});
    request.proof_bundle = Some(vec![1, 3, 0, 0]);
    let review = wallet.review(request.encode()).unwrap();
    assert!(matches!(review.proof, ProofState::NotProven { .. }));
    assert!(review.rows.iter().all(|row| !row.trust_text.starts_with("proven")));
}

#[test]
fn no_signature_leaves_before_it_is_in_the_log() {
    let phone = Phone::default();
    let wallet = restored(&phone);
    let full = PlatformError::Failed { reason: "no space left".to_owned() };
    phone.fail(Some(("write", full.clone())));
    let failed = ColdError::Platform { part: PlatformPart::Storage, failure: full };
    assert_eq!(wallet.sign(request(1, |_| {}).encode()), Err(failed));
    phone.fail(None);
    assert!(wallet.log().is_empty());
    let reply = wallet.sign(request(1, |_| {}).encode()).unwrap();
    assert_eq!(phone.wallet().log()[0].reply, reply);
}

#[test]
fn a_seed_that_was_not_stored_is_not_listed() {
    for method in ["wrap", "write", "now_ms", "bytes", "zeros"] {
        let phone = Phone::default();
        let wallet = phone.wallet();
        phone.fail(Some((method, PlatformError::Declined)));
        let error = wallet.create_seed(WordCount::Twelve).unwrap_err();
        let expected = if method == "zeros" { "weak_random" } else { "declined" };
        assert_eq!(error.code(), expected, "{method}");
        phone.fail(None);
        assert!(wallet.seeds().is_empty() && phone.wallet().seeds().is_empty());
        wallet.create_seed(WordCount::Twelve).unwrap();
    }
}

#[test]
fn nothing_stored_holds_the_phrase_or_its_entropy() {
    let phone = Phone::default();
    phone.wallet().restore_vsystems(b"a phrase of the old network".to_vec()).unwrap();
    for (name, value) in phone.files() {
        let found = value.windows(6).any(|bytes| bytes == b"phrase" || bytes == b"networ");
        assert!(!found, "{name} holds words");
    }
}

#[test]
fn one_seed_does_not_open_in_place_of_another() {
    let phone = Phone::default();
    let wallet = restored(&phone);
    let other = wallet.create_seed(WordCount::Twelve).unwrap().fingerprint;
    let first = wallet.seeds()[0].fingerprint.clone();
    let stolen = phone.files()[&format!("seed-{other}")].clone();
    phone.set_file(&format!("seed-{first}"), stolen);
    assert_eq!(wallet.sign(request(1, |_| {}).encode()).unwrap_err().code(), "seed_unreadable");
}

#[test]
fn damaged_files_are_named_not_replaced() {
    let phone = Phone::default();
    restored(&phone);
    for name in ["seeds".to_owned(), format!("log-{}", chain_file().spec.id())] {
        let kept = phone.files().get(&name).cloned();
        for damage in [vec![], vec![9], vec![1, 255, 255, 255, 255]] {
            phone.set_file(&name, damage.clone());
            assert!(matches!(phone.open(), Err(ColdError::Damaged { name: found, .. }) if found == name));
            assert_eq!(phone.files()[&name], damage);
        }
        phone.set_file(&name, kept.unwrap_or_else(|| vec![1, 0, 0, 0, 0]));
    }
    assert_eq!(phone.wallet().seeds().len(), 1);
}

#[test]
fn a_seed_that_could_not_be_destroyed_stays_listed() {
    let phone = Phone::default();
    let wallet = restored(&phone);
    let fingerprint = wallet.seeds()[0].fingerprint.clone();
    phone.fail(Some(("delete", PlatformError::Declined)));
    assert_eq!(wallet.remove_seed(fingerprint.clone()).unwrap_err().code(), "declined");
    assert_eq!(wallet.seeds().len(), 1);
    phone.fail(None);
    wallet.remove_seed(fingerprint).unwrap();
    assert!(wallet.seeds().is_empty());
    assert_eq!(phone.keys(), 0);
}

#[test]
fn accounts_are_added_once_and_sign() {
    let phone = Phone::default();
    let wallet = restored(&phone);
    let fingerprint = wallet.seeds()[0].fingerprint.clone();
    assert_eq!(wallet.add_account(fingerprint.clone(), 5).unwrap().accounts.len(), 2);
    assert_eq!(wallet.add_account(fingerprint.clone(), 5).unwrap().accounts.len(), 2);
    assert_eq!(wallet.add_account(fingerprint, u32::MAX).unwrap_err().code(), "account_index");
    let request = request(1, |transaction| transaction.sender = owner(5).public());
    assert_eq!(phone.wallet().review(request.encode()).unwrap().account_index, 5);
    phone.wallet().sign(request.encode()).unwrap();
}

#[test]
fn a_seed_is_taken_once() {
    let wallet = restored(&Phone::default());
    let again = wallet.restore_bip39(PHRASE.to_uppercase().into_bytes());
    assert_eq!(again.unwrap_err().code(), "seed_exists");
}
