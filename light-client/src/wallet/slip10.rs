//! SLIP-0010 for Ed25519: hardened derivation over HMAC-SHA512.
//!
//! Source: <https://github.com/satoshilabs/slips/blob/master/slip-0010.md>. No maintained crate for Ed25519 was
//! found; these are its formulas and its test vectors.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use zeroize::Zeroizing;

/// The bit that makes an index hardened, the only kind Ed25519 has.
const HARDENED: u32 = 1 << 31;

/// The Ed25519 seed at `path` under a master seed. Every index is hardened; its top bit is ignored.
pub(crate) fn derive(seed: &[u8], path: &[u32]) -> Zeroizing<[u8; 32]> {
    let (mut key, mut chain_code) = hash(b"ed25519 seed", &[seed]);
    for index in path {
        let index = (index | HARDENED).to_be_bytes();
        (key, chain_code) = hash(&*chain_code, &[&[0], &*key, &index]);
    }
    key
}

/// HMAC-SHA512 of the parts, cut in half: key and chain code.
fn hash(key: &[u8], parts: &[&[u8]]) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
    let (mut left, mut right) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
    // HMAC takes keys of every length: there is no error to meet.
    if let Ok(mut mac) = Hmac::<Sha512>::new_from_slice(key) {
        parts.iter().for_each(|part| mac.update(part));
        let digest = Zeroizing::new(<[u8; 64]>::from(mac.finalize().into_bytes()));
        left.copy_from_slice(&digest[..32]);
        right.copy_from_slice(&digest[32..]);
    }
    (left, right)
}
