use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::wallet::keystore::{
    Cost, KeystoreError, MAX_KEYSTORE_BYTES, MAX_SECRET_BYTES, SealEntropy, WrapEntropy, cost, open, rewrap,
    seal,
};

/// The least Argon2 allows: these tests are about the format.
const CHEAP: Cost = Cost { memory_kib: 8, passes: 1 };

fn entropy(byte: u8) -> SealEntropy {
    SealEntropy {
        data_key: Zeroizing::new([byte; 32]),
        secret_nonce: [byte; 24],
        wrap: WrapEntropy { salt: [byte; 16], nonce: [byte; 24] },
    }
}

fn sealed(secret: &[u8]) -> Vec<u8> {
    seal(secret, "correct horse", CHEAP, &entropy(1)).unwrap()
}

/// The same bytes with a fitting checksum: what somebody who alters a keystore on purpose would write.
fn mended(mut bytes: Vec<u8>) -> Vec<u8> {
    use crate::crypto::{Domain, Hash};
    let body = bytes.len() - 8;
    let checksum = Hash::of(Domain::KEYSTORE, &[&bytes[..body]]).0;
    bytes[body..].copy_from_slice(&checksum[..8]);
    bytes
}

#[test]
fn the_right_password_opens_and_another_is_called_wrong() {
    let keystore = sealed(b"secret");
    assert_eq!(open(&keystore, "correct horse").unwrap().as_slice(), b"secret");
    assert_eq!(open(&keystore, "correct hors"), Err(KeystoreError::WrongPassword));
    assert_eq!(open(&keystore, ""), Err(KeystoreError::WrongPassword));
    assert_eq!(cost(&keystore), Ok(CHEAP));
    assert!(!keystore.windows(6).any(|window| window == b"secret"));
}

/// The file of version 1, byte for byte: what was written once must open for ever. (Python's `cryptography`, with
/// HChaCha20 written out, decrypts this file too.)
#[test]
fn a_keystore_of_version_1_still_opens() {
    let written = include_bytes!("keystore-1.bin");
    assert_eq!(sealed(b"secret of version 1"), written);
    assert_eq!(open(written, "correct horse").unwrap().as_slice(), b"secret of version 1");
}

#[test]
fn any_flipped_bit_is_damage_not_a_wrong_password() {
    let keystore = sealed(b"secret");
    for bit in 0..keystore.len() * 8 {
        let mut damaged = keystore.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&damaged, "correct horse"), Err(KeystoreError::Damaged), "bit {bit}");
    }
    for length in 0..keystore.len() {
        assert_eq!(open(&keystore[..length], "correct horse"), Err(KeystoreError::Damaged));
    }
}

#[test]
fn an_alteration_with_a_mended_checksum_never_opens() {
    let keystore = sealed(b"secret");
    for place in 0..keystore.len() - 8 {
        let mut altered = keystore.clone();
        altered[place] ^= 1;
        assert!(open(&mended(altered), "correct horse").is_err(), "byte {place}");
    }
    let mut newer = keystore;
    newer[0] = 2;
    assert_eq!(open(&mended(newer), "correct horse"), Err(KeystoreError::Version(2)));
}

#[test]
fn an_immoderate_cost_is_refused_before_its_memory_is_taken() {
    let huge = Cost { memory_kib: Cost::MAX_MEMORY_KIB + 1, passes: 1 };
    let long = Cost { memory_kib: 8, passes: Cost::MAX_PASSES + 1 };
    for cost in [huge, long, Cost { memory_kib: 7, passes: 1 }, Cost { memory_kib: 8, passes: 0 }] {
        assert_eq!(seal(b"s", "p", cost, &entropy(1)), Err(KeystoreError::Cost(cost)));
        let mut asking = sealed(b"secret");
        asking[1..5].copy_from_slice(&cost.memory_kib.to_le_bytes());
        asking[5..9].copy_from_slice(&cost.passes.to_le_bytes());
        assert_eq!(open(&mended(asking), "correct horse"), Err(KeystoreError::Cost(cost)));
    }
    let secret = vec![0; MAX_SECRET_BYTES + 1];
    assert_eq!(seal(&secret, "p", CHEAP, &entropy(1)), Err(KeystoreError::TooLong(4097)));
    let largest = seal(&secret[1..], "p", CHEAP, &entropy(1)).unwrap();
    assert!(largest.len() <= MAX_KEYSTORE_BYTES);
    assert_eq!(open(&largest, "p").unwrap().len(), MAX_SECRET_BYTES);
}

#[test]
fn password_and_cost_change_without_touching_the_secret() {
    let keystore = sealed(b"secret");
    let dearer = Cost { memory_kib: 16, passes: 2 };
    let wrap = entropy(2).wrap;
    let changed = rewrap(&keystore, "correct horse", "battery staple", dearer, &wrap).unwrap();
    assert_eq!(cost(&changed), Ok(dearer));
    assert_eq!(open(&changed, "battery staple").unwrap().as_slice(), b"secret");
    assert_eq!(open(&changed, "correct horse"), Err(KeystoreError::WrongPassword));
    assert_eq!(
        rewrap(&keystore, "wrong", "battery staple", dearer, &wrap),
        Err(KeystoreError::WrongPassword)
    );
    let tail = |bytes: &[u8]| bytes[bytes.len() - 30..bytes.len() - 8].to_vec();
    assert_eq!(tail(&changed), tail(&keystore));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_secret_and_password_round_trips(secret in prop::collection::vec(any::<u8>(), 0..200), password: String) {
        let keystore = seal(&secret, &password, CHEAP, &entropy(3)).unwrap();
        let opened = open(&keystore, &password).unwrap();
        prop_assert_eq!(opened.as_slice(), secret.as_slice());
    }

    #[test]
    fn no_bytes_break_the_reader(noise in prop::collection::vec(any::<u8>(), 8..400)) {
        prop_assert!(open(&mended(noise), "p").is_err());
    }
}
