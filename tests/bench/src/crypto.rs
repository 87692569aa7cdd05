//! Signature checks: those of the library as it is, which everything else is compared with, and ours.

use ed25519_dalek::VerifyingKey;
use light_client::{
    crypto::{Ed25519Key, Signature},
    test_support::chain::test_key,
};
use rayon::prelude::*;

use crate::measure::{Figures, Sequence, per_second};

const KEYS: u64 = 4_096;
const MESSAGE_BYTES: usize = 200;
const PASSES: usize = 9;

/// A signature that holds, to be checked by the library alone: its strict check, the key decompressed beforehand.
pub(crate) struct RawCheck {
    key: VerifyingKey,
    message: Vec<u8>,
    signature: ed25519_dalek::Signature,
}

impl RawCheck {
    pub(crate) fn new(key: &[u8; 32], message: Vec<u8>, signature: Signature) -> Self {
        let key = VerifyingKey::from_bytes(key).unwrap();
        Self { key, message, signature: signature.0.into() }
    }

    pub(crate) fn run(&self) {
        self.key.verify_strict(&self.message, &self.signature).unwrap();
    }
}

/// One signature each of many keys.
fn signatures() -> Vec<([u8; 32], Vec<u8>, Signature)> {
    let mut sequence = Sequence(1);
    let sign = |number| {
        let key = test_key(number);
        let message: Vec<u8> =
            (0..MESSAGE_BYTES / 32 + 1).flat_map(|_| sequence.bytes()).take(MESSAGE_BYTES).collect();
        let signature = key.sign(&message);
        (*key.public().as_bytes(), message, signature)
    };
    (0..KEYS).map(sign).collect()
}

fn raw_checks() -> Vec<RawCheck> {
    signatures()
        .into_iter()
        .map(|(key, message, signature)| RawCheck::new(&key, message, signature))
        .collect()
}

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let raw = one_core();
    figures.print("crypto.ed25519_dalek.per_s", raw, "1/s");
    let signatures: Vec<(Ed25519Key, Vec<u8>, Signature)> = signatures()
        .into_iter()
        .map(|(key, message, signature)| (Ed25519Key::parse(&key).unwrap(), message, signature))
        .collect();
    let per_s = per_second(PASSES, signatures.len(), || {
        for (key, message, signature) in &signatures {
            key.verify(message, signature).unwrap();
        }
    });
    figures.print("crypto.ed25519_verify.per_s", per_s, "1/s");
    figures.print("crypto.ed25519_verify.ratio", per_s / raw, "ratio");
    Ok(())
}

/// Raw checks in a second on one core.
pub(crate) fn one_core() -> f64 {
    let checks = raw_checks();
    per_second(PASSES, checks.len(), || checks.iter().for_each(RawCheck::run))
}

/// Raw checks in a second on all cores.
pub(crate) fn all_cores() -> f64 {
    let checks = raw_checks();
    per_second(PASSES, checks.len(), || checks.par_iter().for_each(RawCheck::run))
}
