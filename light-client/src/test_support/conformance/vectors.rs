//! Published values: `tests/vectors`, each with its origin.

use serde_json::Value;
use zeroize::Zeroizing;

use super::{Verdict, ensure, same, words};
use crate::{
    crypto::{KeyPair, PublicKey, Scheme, Signature, SignatureError, VsystemsKey, account_seed},
    data_format::{Address, Amount, Height, Network},
    state::MintingAverage,
    wallet::{Keyring, Seed, seed::stretch, slip10},
};

const RFC_8032: &str = include_str!("../../../../tests/vectors/rfc8032-ed25519.json");
const SLIP_10: &str = include_str!("../../../../tests/vectors/slip-0010-ed25519.json");
const BIP_39: &str = include_str!("../../../../tests/vectors/bip39-english.json");
const VSYSTEMS_KEYS: &str = include_str!("../../../../tests/vectors/vsystems-keys.json");
const VSYSTEMS_SIGNATURES: &str = include_str!("../../../../tests/vectors/vsystems-signatures.json");
const VSYSTEMS_MAB: &str = include_str!("../../../../tests/vectors/vsystems-mab.json");

/// Blocks over which V.Systems averages.
const WINDOW: u64 = 86_400;

/// The order of the curve's large subgroup, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn rfc_8032() -> Verdict {
    for vector in list(&json(RFC_8032), "vectors") {
        let pair = KeyPair::ed25519(&Zeroizing::new(hex(vector, "secret")));
        let (message, signature) = (hex_bytes(vector, "message"), Signature(hex(vector, "signature")));
        same!(pair.public(), PublicKey::Ed25519(hex(vector, "public")), "public key of {vector}");
        same!(pair.sign(&message), signature, "signature of {vector}");
        same!(pair.public().verify(&message, &signature), Ok(()), "{vector}");
        let refused = Err(SignatureError::Signature);
        same!(pair.public().verify(&message, &plus_order(&signature)), refused, "another S for {vector}");
    }
    Ok(())
}

pub(super) fn slip_0010() -> Verdict {
    for vector in list(&json(SLIP_10), "vectors") {
        for key in list(vector, "keys") {
            let path: Option<Vec<u32>> =
                key["path"].as_array().and_then(|path| path.iter().map(index).collect());
            let path = path.ok_or_else(|| format!("no path in {key}"))?;
            let derived = slip10::derive(&hex_bytes(vector, "seed"), &path);
            same!(*derived, hex::<32>(key, "private"), "private key of {key}");
            let public = KeyPair::ed25519(&derived).public();
            same!(public, PublicKey::Ed25519(hex(key, "public")), "public key of {key}");
        }
    }
    Ok(())
}

pub(super) fn bip_39() -> Verdict {
    for vector in list(&json(BIP_39), "vectors") {
        let phrase = text(vector, "phrase");
        let seed = Seed::generate(&hex_bytes(vector, "entropy")).map_err(words)?;
        same!(phrase_of(&seed), phrase, "words of {vector}");
        same!(phrase_of(&Seed::from_bip39(phrase).map_err(words)?), phrase, "words read back");
        same!(*stretch(phrase, "TREZOR"), hex::<64>(vector, "seed"), "seed of {vector}");
    }
    Ok(())
}

pub(super) fn vsystems_phrases() -> Verdict {
    for vector in list(&json(VSYSTEMS_KEYS), "phrases") {
        let number = index(&vector["index"]).ok_or_else(|| format!("no index in {vector}"))?;
        let seed = account_seed(text(vector, "phrase"), number);
        same!(*seed, base58::<32>(vector, "account_seed"), "account seed of {vector}");
        let key = VsystemsKey::from_account_seed(&seed);
        same!(**key.secret(), base58::<32>(vector, "private"), "private key of {vector}");
        same!(key.public(), base58::<32>(vector, "public"), "public key of {vector}");
        let address = Address::of(&PublicKey::Curve25519(key.public()), network(vector)?);
        same!(address.to_string(), text(vector, "address"), "address of {vector}");

        let (seed, warnings) = Seed::from_vsystems(text(vector, "phrase")).map_err(words)?;
        ensure!(warnings.is_empty(), "{warnings:?} of {vector}");
        same!(seed.scheme(), Scheme::Curve25519, "scheme of {vector}");
        let account = Keyring::new(seed, network(vector)?).derive(number).map_err(words)?;
        same!(account.address, address, "address in a keyring of {vector}");
    }
    Ok(())
}

pub(super) fn vsystems_addresses() -> Verdict {
    let vectors = json(VSYSTEMS_KEYS);
    let wallet = &vectors["node_wallet"];
    for (number, address) in (0..).zip(list(wallet, "addresses_from_index_0")) {
        let key = VsystemsKey::from_account_seed(&account_seed(text(wallet, "seed"), number));
        let found = Address::of(&PublicKey::Curve25519(key.public()), network(wallet)?);
        same!(Some(&*found.to_string()), address.as_str(), "account {number} of {wallet}");
    }
    for vector in list(&vectors, "private_keys") {
        let key = VsystemsKey::from_private(&Zeroizing::new(base58(vector, "private")));
        same!(key.public(), base58::<32>(vector, "public"), "public key of {vector}");
        let address = Address::of(&PublicKey::Curve25519(key.public()), network(vector)?);
        same!(address.to_string(), text(vector, "address"), "address of {vector}");
        same!(format!("address:{address}").parse::<Address>(), Ok(address), "address of {vector} read back");
    }
    Ok(())
}

pub(super) fn invalid_addresses() -> Verdict {
    for vector in list(&json(VSYSTEMS_KEYS), "invalid_addresses") {
        ensure!(text(vector, "address").parse::<Address>().is_err(), "taken for an address: {vector}");
    }
    Ok(())
}

pub(super) fn vsystems_signatures() -> Verdict {
    for vector in list(&json(VSYSTEMS_SIGNATURES), "signatures") {
        let public = PublicKey::Curve25519(base58(vector, "public"));
        let signature = Signature(base58(vector, "signature"));
        let message = hex_bytes(vector, "message_hex");
        same!(public.verify(&message, &signature), Ok(()), "{vector}");
        let refused = Err(SignatureError::Signature);
        same!(public.verify(&message, &plus_order(&signature)), refused, "another S for {vector}");
        let mut other_sign = signature;
        other_sign.0[63] ^= 0x80;
        same!(public.verify(&message, &other_sign), refused, "another sign for {vector}");
        same!(public.verify(&message[1..], &signature), refused, "another message for {vector}");
        let other_scheme = PublicKey::Ed25519(*public.as_bytes()).verify(&message, &signature);
        ensure!(other_scheme.is_err(), "good under another scheme: {vector}");
    }
    Ok(())
}

pub(super) fn vsystems_signing() -> Verdict {
    let vector = &json(VSYSTEMS_SIGNATURES)["deterministic"];
    let key = VsystemsKey::from_private(&Zeroizing::new(hex(vector, "private_hex")));
    let message = hex_bytes(vector, "message_hex");
    let signature = key.sign(&message, &hex(vector, "random_hex"));
    same!(signature, Signature(hex(vector, "signature_hex")), "signature");
    same!(PublicKey::Curve25519(key.public()).verify(&message, &signature), Ok(()), "verdict");
    Ok(())
}

pub(super) fn minting_average() -> Verdict {
    let vectors = json(VSYSTEMS_MAB);
    let rows = list(&vectors, "rows");
    ensure!(rows.len() >= 8, "{} rows", rows.len());
    for row in rows {
        let before = MintingAverage {
            height: Height(1_000),
            effective: Amount(number(row, "e_last")),
            weighted: Amount(number(row, "w_last")),
        };
        let height = Height(1_000 + number(row, "delta_height"));
        let average = before.at(height, Amount(number(row, "e_now")), WINDOW);
        same!(average, Amount(number(row, "weighted")), "average of {row}");
    }
    let account = &vectors["documented_account"];
    let effective = Amount(number(account, "effective"));
    let start = MintingAverage { effective, ..MintingAverage::default() };
    let plateau = start.at(Height(WINDOW), effective, WINDOW);
    same!(plateau, Amount(number(account, "weighted_at_plateau")), "average of the documented account");
    Ok(())
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

fn phrase_of(seed: &Seed) -> String {
    seed.words().iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" ")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value[name].as_array().unwrap();
    assert!(!list.is_empty(), "{name} is empty");
    list
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap()
}

fn index(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

fn hex_bytes(value: &Value, name: &str) -> Vec<u8> {
    crate::data_format::codec::from_hex(text(value, name), 4_096).unwrap()
}

fn hex<const N: usize>(value: &Value, name: &str) -> [u8; N] {
    hex_bytes(value, name).try_into().unwrap()
}

fn base58<const N: usize>(value: &Value, name: &str) -> [u8; N] {
    bs58::decode(text(value, name)).into_vec().unwrap().try_into().unwrap()
}

fn network(value: &Value) -> Result<Network, String> {
    match text(value, "network") {
        "M" => Ok(Network::Main),
        "T" => Ok(Network::Test),
        other => Err(format!("no network {other:?}")),
    }
}
