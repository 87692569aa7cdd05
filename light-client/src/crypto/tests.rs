//! Keys and signatures against forgeries. Published values: `test_support::conformance::vectors`.

use std::collections::BTreeSet;

use curve25519_dalek::{EdwardsPoint, Scalar, constants::EIGHT_TORSION};
use ed25519_dalek::{Verifier, VerifyingKey};
use proptest::prelude::*;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use super::{keys::SMALL_ORDER, *};

fn hex(text: &str) -> [u8; 32] {
    Hash::from_hex(text).unwrap().0
}

/// With a key of small order anybody can make signatures: R = any such point, S = 0.
#[test]
fn keys_of_small_order_verify_nothing() {
    let order_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
    let other_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    let mut edwards: Vec<[u8; 32]> = vec![hex(order_8), hex(other_8), [0; 32]];
    let (mut one, mut minus_one) = ([0; 32], [0xff; 32]);
    one[0] = 1;
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    edwards.extend([one, minus_one]);
    for key in edwards.iter().flat_map(|key| [*key, with_top_bit(*key)]) {
        for commitment in &edwards {
            let mut signature = Signature([0; 64]);
            signature.0[..32].copy_from_slice(commitment);
            assert_eq!(PublicKey::Ed25519(key).verify(b"x", &signature), Err(SignatureError::Key));
        }
    }
    // Montgomery u of points of order 1, 2, 4 and 8.
    let order_8 = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    let other_8 = "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157";
    for key in [[0; 32], one, minus_one, hex(order_8), hex(other_8)] {
        for sign in [0, 0x80] {
            let mut signature = Signature([0; 64]);
            signature.0[0] = 1;
            signature.0[63] = sign;
            let verdict = PublicKey::Curve25519(key).verify(b"x", &signature);
            assert_eq!(verdict, Err(SignatureError::Key), "{key:?}");
        }
    }
}

/// A key of small order is refused when it is parsed. One that has a component of small order next to an honest one is
/// not, and its owner can sign with a commitment of any small order: RFC 8032 allows that, the strict rules do not.
#[test]
fn commitments_of_small_order_are_refused_as_by_verify_strict() {
    let secret = Scalar::from(7_u64);
    let mut seen = [0; 8];
    for (component, number) in EIGHT_TORSION.iter().flat_map(|point| (0..40_u32).map(move |n| (point, n))) {
        let point = EdwardsPoint::mul_base(&secret) + component;
        let message = number.to_le_bytes();
        for (place, commitment) in EIGHT_TORSION.iter().enumerate() {
            let (r, a) = (commitment.compress().to_bytes(), point.compress().to_bytes());
            let challenge = Sha512::new().chain_update(r).chain_update(a).chain_update(message).finalize();
            let challenge = Scalar::from_bytes_mod_order_wide(&challenge.into());
            if -(challenge * component) != *commitment {
                continue; // another message will do
            }
            seen[place] += 1;
            let mut signature = Signature([0; 64]);
            signature.0[..32].copy_from_slice(&r);
            signature.0[32..].copy_from_slice((challenge * secret).as_bytes());
            let (library, bytes) = (VerifyingKey::from_bytes(&a).unwrap(), signature.0.into());
            assert!(library.verify(&message, &bytes).is_ok());
            assert!(library.verify_strict(&message, &bytes).is_err());
            let key = Ed25519Key::parse(&a).unwrap();
            assert_eq!(key.verify(&message, &signature), Err(SignatureError::Signature));
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn the_points_of_small_order_are_all_listed() {
    let coordinate = |point: &EdwardsPoint| {
        let mut bytes = point.compress().to_bytes();
        bytes[31] &= 0x7f;
        bytes
    };
    let all: BTreeSet<[u8; 32]> = EIGHT_TORSION.iter().map(coordinate).collect();
    assert_eq!(all, BTreeSet::from(SMALL_ORDER));
}

fn with_top_bit(mut key: [u8; 32]) -> [u8; 32] {
    key[31] |= 0x80;
    key
}

/// Every number below 19 has a second encoding, itself plus 2^255 − 19, and every u a second one with the top
/// bit set. Accepted, they would give one key two addresses.
#[test]
fn keys_in_another_than_their_canonical_encoding_are_refused() {
    for small in 0..19 {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (0xed + small, 0x7f);
        for key in [key, with_top_bit(key)] {
            assert_eq!(Ed25519Key::parse(&key), Err(SignatureError::Key));
            assert_eq!(
                PublicKey::Curve25519(key).verify(b"x", &Signature([0; 64])),
                Err(SignatureError::Key)
            );
        }
    }
    let pair = KeyPair::Curve25519(VsystemsKey::from_private(&Zeroizing::new([7; 32])));
    let signature = pair.sign(b"x");
    assert_eq!(pair.public().verify(b"x", &signature), Ok(()));
    let again = PublicKey::Curve25519(with_top_bit(*pair.public().as_bytes()));
    assert_eq!(again.verify(b"x", &signature), Err(SignatureError::Key));
}

#[test]
fn debug_output_holds_no_secret() {
    let secret = Zeroizing::new([0xab; 32]);
    for pair in [KeyPair::ed25519(&secret), KeyPair::Curve25519(VsystemsKey::from_private(&secret))] {
        let shown = format!("{pair:?}");
        assert!(shown.starts_with("KeyPair(") && !shown.contains("171, 171"), "{shown}");
    }
}

fn pairs(secret: [u8; 32]) -> [KeyPair; 2] {
    let secret = Zeroizing::new(secret);
    [KeyPair::ed25519(&secret), KeyPair::Curve25519(VsystemsKey::from_private(&secret))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_signed_verifies_and_signing_is_deterministic(
        secret: [u8; 32], message in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        for pair in pairs(secret) {
            let signature = pair.sign(&message);
            prop_assert_eq!(pair.sign(&message), signature);
            prop_assert_eq!(pair.public().verify(&message, &signature), Ok(()));
        }
    }

    #[test]
    fn one_altered_bit_is_noticed(secret: [u8; 32], mut message: [u8; 40], bit in 0_usize..(64 + 40 + 32) * 8) {
        for pair in pairs(secret) {
            let mut signature = pair.sign(&message);
            let mut key = *pair.public().as_bytes();
            let (place, mask) = (bit / 8, 1 << (bit % 8));
            match place {
                0..64 => signature.0[place] ^= mask,
                64..104 => message[place - 64] ^= mask,
                _ => key[place - 104] ^= mask,
            }
            let public = match pair.public() {
                PublicKey::Curve25519(_) => PublicKey::Curve25519(key),
                PublicKey::Ed25519(_) => PublicKey::Ed25519(key),
            };
            prop_assert!(public.verify(&message, &signature).is_err());
            if (64..104).contains(&place) {
                message[place - 64] ^= mask;
            }
        }
    }
}
