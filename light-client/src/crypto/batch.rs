use std::{
    collections::HashMap,
    iter,
    sync::{Mutex, MutexGuard, PoisonError},
};

use curve25519_dalek::{
    Scalar,
    constants::ED25519_BASEPOINT_POINT,
    edwards::{CompressedEdwardsY, EdwardsPoint},
    traits::{IsIdentity, VartimeMultiscalarMul},
};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha512};

use super::{Domain, Ed25519Key, PublicKey, Signature, SignatureError};

/// Keys whose points were computed before, a few megabytes of them: who signs once, signs again, and to find the point takes a
/// third as long as to check a signature among many.
#[derive(Default)]
pub struct KnownKeys(Mutex<HashMap<[u8; 32], VerifyingKey>>);

impl KnownKeys {
    /// After so many, all are forgotten: whoever makes up keys cannot make it grow.
    const MOST: usize = 16_384;

    fn point(&self, bytes: &[u8; 32]) -> Result<VerifyingKey, SignatureError> {
        if let Some(known) = self.lock().get(bytes) {
            return Ok(*known);
        }
        let point = Ed25519Key::parse(bytes)?.point();
        let mut known = self.lock();
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(*bytes, point);
        Ok(point)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], VerifyingKey>> {
        // Each entry is whole, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether all of these keys signed these messages: one equation for all of them, with coefficients that depend on
/// every byte of all, in a third of the time of one after another. Keys that signed several messages count once.
///
/// With `R`, `s` of each signature, `k = SHA-512(R ‖ A ‖ message)` and a coefficient `z` of 128 bits:
/// `Σ z·s · B = Σ z·R + Σ (Σ z·k) · A`, the inner sum over the signatures of a key `A` (Bernstein, Duif, Lange, Schwabe, Yang:
/// High-speed high-security signatures, 2012, section 5).
///
/// That all hold by [`PublicKey::verify`] implies `true`. The reverse does not quite: whoever has a key can make signatures with
/// it that are refused one by one and accepted here, by a component of small order. Nobody without the key can. So this is not
/// for what nodes have to agree on, and right for what they agreed on already. `false` says nothing of a single one.
pub fn are_genuine(signed: &[(PublicKey, Vec<u8>, Signature)], known: &KnownKeys) -> bool {
    let mut terms = Vec::with_capacity(signed.len());
    let mut coefficients = blake3::Hasher::new_keyed(Domain::SIGNATURES.key());
    for (key, message, signature) in signed {
        let PublicKey::Ed25519(bytes) = key else {
            // No equation for many: each by itself.
            if key.verify(message, signature).is_err() {
                return false;
            }
            continue;
        };
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        let (r, s) = (signature.r_bytes(), signature.s_bytes());
        let challenge = Sha512::new().chain_update(r).chain_update(bytes).chain_update(message).finalize();
        coefficients.update(&challenge);
        coefficients.update(s);
        let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(*s)) else { return false };
        terms.push((bytes, CompressedEdwardsY(*r), s, Scalar::from_bytes_mod_order_wide(&challenge.into())));
    }
    let mut coefficients = coefficients.finalize_xof();
    let mut of_base = Scalar::ZERO;
    let mut of_commitments = Vec::with_capacity(terms.len());
    let mut of_keys: HashMap<&[u8; 32], Scalar> = HashMap::with_capacity(terms.len());
    for (key, _, s, challenge) in &terms {
        let mut bytes = [0; 16];
        coefficients.fill(&mut bytes);
        let z = Scalar::from(u128::from_le_bytes(bytes));
        of_base -= z * s;
        of_commitments.push(z);
        *of_keys.entry(*key).or_default() += z * challenge;
    }
    let keys: Vec<(EdwardsPoint, Scalar)> =
        match of_keys.into_iter().map(|(key, scalar)| Ok((known.point(key)?.to_edwards(), scalar))).collect()
        {
            Ok(keys) => keys,
            Err(SignatureError::Key | SignatureError::Signature) => return false,
        };
    let scalars = iter::once(of_base).chain(of_commitments).chain(keys.iter().map(|(_, scalar)| *scalar));
    let points = iter::once(Some(ED25519_BASEPOINT_POINT))
        .chain(terms.iter().map(|(_, commitment, ..)| commitment.decompress()))
        .chain(keys.iter().map(|(point, _)| Some(*point)));
    EdwardsPoint::optional_multiscalar_mul(scalars, points).is_some_and(|sum| sum.is_identity())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::crypto::{KeyPair, VsystemsKey};

    /// Messages of several keys, of one more than once, every fifth in the scheme of the existing network.
    fn signed(count: u8) -> Vec<(PublicKey, Vec<u8>, Signature)> {
        let signed = (0..count).map(|number| {
            let (message, secret) = (vec![number; usize::from(number)], Zeroizing::new([number % 7 + 1; 32]));
            let key = match number % 5 {
                4 => KeyPair::Curve25519(VsystemsKey::from_private(&secret)),
                _ => KeyPair::ed25519(&secret),
            };
            let signature = key.sign(&message);
            (key.public(), message, signature)
        });
        signed.collect()
    }

    #[test]
    fn what_was_signed_is_genuine() {
        for count in [0, 1, 2, 40, 220] {
            assert!(are_genuine(&signed(count), &KnownKeys::default()), "{count}");
        }
    }

    #[test]
    fn one_that_is_not_is_noticed_among_many() {
        let genuine = signed(30);
        for place in 0..genuine.len() {
            for byte in [0, 31, 32, 63] {
                let mut garbled = genuine.clone();
                garbled[place].2.0[byte] ^= 1;
                assert!(!are_genuine(&garbled, &KnownKeys::default()), "byte {byte} of signature {place}");
            }
            let mut garbled = genuine.clone();
            garbled[place].1.push(0);
            assert!(!are_genuine(&garbled, &KnownKeys::default()), "message {place}");
            let mut garbled = genuine.clone();
            garbled[place].0 = genuine[(place + 1) % 30].0;
            assert!(!are_genuine(&garbled, &KnownKeys::default()), "key {place}");
        }
        // Errors that would cancel each other in a plain sum.
        let mut swapped = genuine;
        let (one, other) = (swapped[0].2, swapped[1].2);
        (swapped[0].2, swapped[1].2) = (other, one);
        assert!(!are_genuine(&swapped, &KnownKeys::default()));
    }

    #[test]
    fn keys_that_are_refused_alone_are_refused_here() {
        // The neutral point signs everything, if it is let.
        let mut weak = [0; 32];
        weak[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        let forged = (PublicKey::Ed25519(weak), b"anything".to_vec(), Signature(signature));
        assert!(forged.0.verify(&forged.1, &forged.2).is_err());
        assert!(!are_genuine(&[forged], &KnownKeys::default()));
    }

    #[test]
    fn known_keys_are_few_and_change_nothing() {
        let (known, genuine) = (KnownKeys::default(), signed(30));
        for _ in 0..2 {
            assert!(are_genuine(&genuine, &known));
            assert_eq!(known.lock().len(), 7);
        }
        let mut garbled = genuine.clone();
        garbled[3].1.push(0);
        assert!(!are_genuine(&garbled, &known));
        let mut weak = [0; 32];
        weak[0] = 1;
        assert!(known.point(&weak).is_err() && known.point(&[0xff; 32]).is_err());
        assert_eq!(known.lock().len(), 7);

        let PublicKey::Ed25519(key) = genuine[0].0 else { panic!("every fifth only is another one") };
        let point = known.point(&key).unwrap();
        for number in 0..KnownKeys::MOST as u64 {
            known.lock().insert(
                crate::crypto::Hash::of(crate::crypto::Domain::DEVELOPMENT_KEY, &[&number.to_le_bytes()]).0,
                point,
            );
        }
        // One that is not there makes room.
        known.lock().remove(&key);
        assert_eq!(known.point(&key), Ok(point));
        assert_eq!(known.lock().len(), 1);
    }
}
