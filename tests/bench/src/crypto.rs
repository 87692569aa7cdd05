//! Raw signature checks: what everything else is compared with.

use light_client::{
    crypto::{Ed25519Key, Signature},
    test_support::chain::test_key,
};
use rayon::prelude::*;

use crate::measure::{Figures, Sequence, per_second};

const KEYS: u64 = 4_096;
const MESSAGE_BYTES: usize = 200;

type Signed = (Ed25519Key, Vec<u8>, Signature);

/// One signature each of many keys, which are decompressed beforehand.
fn signatures() -> Vec<Signed> {
    let mut sequence = Sequence(1);
    let sign = |number| {
        let key = test_key(number);
        let message: Vec<u8> =
            (0..MESSAGE_BYTES / 32 + 1).flat_map(|_| sequence.bytes()).take(MESSAGE_BYTES).collect();
        let signature = key.sign(&message);
        (Ed25519Key::parse(key.public().as_bytes()).unwrap(), message, signature)
    };
    (0..KEYS).map(sign).collect()
}

fn verify((key, message, signature): &Signed) {
    key.verify(message, signature).unwrap();
}

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    figures.print("crypto.ed25519_verify.per_s", one_core(), "1/s");
    Ok(())
}

/// Strict checks in a second on one core.
pub(crate) fn one_core() -> f64 {
    let signatures = signatures();
    per_second(9, signatures.len(), || signatures.iter().for_each(verify))
}

/// Strict checks in a second on all cores.
pub(crate) fn all_cores() -> f64 {
    let signatures = signatures();
    per_second(9, signatures.len(), || signatures.par_iter().for_each(verify))
}
