//! Keys, addresses and signatures against published values, and against forgeries.

use proptest::prelude::*;
use serde_json::Value;
use zeroize::Zeroizing;

use super::*;
use crate::data_format::{Address, Network};

const RFC_8032: &str = include_str!("../../../tests/vectors/rfc8032-ed25519.json");
const VSYSTEMS_KEYS: &str = include_str!("../../../tests/vectors/vsystems-keys.json");
const VSYSTEMS_SIGNATURES: &str = include_str!("../../../tests/vectors/vsystems-signatures.json");

/// The order of the curve's large subgroup, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    let list = value[name].as_array().unwrap();
    assert!(!list.is_empty());
    list
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn bytes<const N: usize>(bytes: Vec<u8>) -> [u8; N] {
    bytes.try_into().unwrap()
}

fn base58<const N: usize>(value: &Value, name: &str) -> [u8; N] {
    bytes(bs58::decode(text(value, name)).into_vec().unwrap())
}

fn network(value: &Value) -> Network {
    match text(value, "network") {
        "M" => Network::Main,
        "T" => Network::Test,
        other => panic!("{other}"),
    }
}

/// The same signature with the group order added to its `S`: what a loose verifier would take for another one.
fn plus_order(signature: &Signature) -> Signature {
    let mut altered = *signature;
    let sign = altered.0[63] & 0x80;
    altered.0[63] &= 0x7f;
    let mut carry = 0;
    for (byte, add) in altered.0[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    altered.0[63] |= sign;
    altered
}

#[test]
fn ed25519_agrees_with_rfc_8032() {
    for vector in list(&json(RFC_8032), "vectors") {
        let pair = KeyPair::ed25519(&Zeroizing::new(bytes(hex(text(vector, "secret")))));
        let (message, signature) =
            (hex(text(vector, "message")), Signature(bytes(hex(text(vector, "signature")))));
        assert_eq!(pair.public(), PublicKey::Ed25519(bytes(hex(text(vector, "public")))));
        assert_eq!(pair.sign(&message), signature);
        assert_eq!(pair.public().verify(&message, &signature), Ok(()));
        assert_eq!(pair.public().verify(&message, &plus_order(&signature)), Err(SignatureError::Signature));
    }
}

#[test]
fn vsystems_phrases_give_their_published_keys() {
    for vector in list(&json(VSYSTEMS_KEYS), "phrases") {
        let index = u32::try_from(vector["index"].as_u64().unwrap()).unwrap();
        let seed = account_seed(text(vector, "phrase"), index);
        assert_eq!(*seed, base58::<32>(vector, "account_seed"));
        let key = VsystemsKey::from_account_seed(&seed);
        assert_eq!(**key.secret(), base58::<32>(vector, "private"));
        assert_eq!(key.public(), base58::<32>(vector, "public"));
        let address = Address::of(&PublicKey::Curve25519(key.public()), network(vector));
        assert_eq!(address.to_string(), text(vector, "address"));
    }
}

#[test]
fn vsystems_node_wallets_and_private_keys_give_their_published_addresses() {
    let vectors = json(VSYSTEMS_KEYS);
    let wallet = &vectors["node_wallet"];
    for (index, address) in list(wallet, "addresses_from_index_0").iter().enumerate() {
        let seed = account_seed(text(wallet, "seed"), u32::try_from(index).unwrap());
        let public = PublicKey::Curve25519(VsystemsKey::from_account_seed(&seed).public());
        assert_eq!(Address::of(&public, network(wallet)).to_string(), address.as_str().unwrap());
    }
    for vector in list(&vectors, "private_keys") {
        let key = VsystemsKey::from_private(&Zeroizing::new(base58(vector, "private")));
        assert_eq!(key.public(), base58::<32>(vector, "public"));
        let address = Address::of(&PublicKey::Curve25519(key.public()), network(vector));
        assert_eq!(address.to_string(), text(vector, "address"));
        assert_eq!(format!("address:{address}").parse(), Ok(address));
    }
}

#[test]
fn addresses_published_as_invalid_are_refused() {
    for vector in list(&json(VSYSTEMS_KEYS), "invalid_addresses") {
        assert!(text(vector, "address").parse::<Address>().is_err(), "{vector}");
    }
}

#[test]
fn vsystems_signatures_hold_and_their_alterations_do_not() {
    for vector in list(&json(VSYSTEMS_SIGNATURES), "signatures") {
        let public = PublicKey::Curve25519(base58(vector, "public"));
        let signature = Signature(base58(vector, "signature"));
        let message = hex(text(vector, "message_hex"));
        assert_eq!(public.verify(&message, &signature), Ok(()), "{vector}");
        let refused = Err(SignatureError::Signature);
        assert_eq!(public.verify(&message, &plus_order(&signature)), refused);
        let mut other_sign = signature;
        other_sign.0[63] ^= 0x80;
        assert_eq!(public.verify(&message, &other_sign), refused);
        assert_eq!(public.verify(&message[1..], &signature), refused);
        assert!(PublicKey::Ed25519(*public.as_bytes()).verify(&message, &signature).is_err());
    }
}

#[test]
fn vsystems_signing_with_given_randomness_agrees() {
    let vector = &json(VSYSTEMS_SIGNATURES)["deterministic"];
    let key = VsystemsKey::from_private(&Zeroizing::new(bytes(hex(text(vector, "private_hex")))));
    let message = hex(text(vector, "message_hex"));
    let signature = key.sign(&message, &bytes(hex(text(vector, "random_hex"))));
    assert_eq!(signature, Signature(bytes(hex(text(vector, "signature_hex")))));
    assert_eq!(PublicKey::Curve25519(key.public()).verify(&message, &signature), Ok(()));
}

/// With a key of small order anybody can make signatures: R = any such point, S = 0.
#[test]
fn keys_of_small_order_verify_nothing() {
    let order_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
    let other_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    let mut edwards: Vec<[u8; 32]> = vec![bytes(hex(order_8)), bytes(hex(other_8)), [0; 32]];
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
    for key in [[0; 32], one, minus_one, bytes(hex(order_8)), bytes(hex(other_8))] {
        for sign in [0, 0x80] {
            let mut signature = Signature([0; 64]);
            signature.0[0] = 1;
            signature.0[63] = sign;
            let verdict = PublicKey::Curve25519(key).verify(b"x", &signature);
            assert_eq!(verdict, Err(SignatureError::Key), "{key:?}");
        }
    }
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
