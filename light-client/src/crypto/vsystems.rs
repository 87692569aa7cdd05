//! The key scheme of the existing V.Systems network, so that its phrases and addresses stay valid.
//!
//! Source: the values in `tests/vectors` (published by that network's SDKs) and their descriptions there.

use curve25519_dalek::{Scalar, edwards::EdwardsPoint, montgomery::MontgomeryPoint, traits::IsIdentity};
use sha2::{Digest, Sha256, Sha512};
use sha3::Keccak256;
use zeroize::Zeroizing;

use super::keys::{Signature, SignatureError};

type Blake2b256 = blake2::Blake2b<blake2::digest::consts::U32>;

/// `keccak256(blake2b256(bytes))`, with Keccak's original padding: the hash behind addresses and seeds.
pub fn address_hash(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(Blake2b256::digest(bytes)).into()
}

/// The seed of account `index` of a V.Systems phrase: `address_hash(decimal(index) ‖ phrase)`.
pub fn account_seed(phrase: &str, index: u32) -> Zeroizing<[u8; 32]> {
    let text = Zeroizing::new(format!("{index}{phrase}"));
    Zeroizing::new(address_hash(text.as_bytes()))
}

/// A secret key of the existing network: a clamped Curve25519 scalar. Wiped when dropped.
pub struct VsystemsKey {
    secret: Zeroizing<[u8; 32]>,
    public: [u8; 32],
}

impl VsystemsKey {
    /// The key of an account seed: `clamp(sha256(seed))`.
    pub fn from_account_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self::from_private(&Zeroizing::new(Sha256::digest(&seed[..]).into()))
    }

    /// The key of 32 private bytes, which are clamped.
    pub fn from_private(private: &Zeroizing<[u8; 32]>) -> Self {
        let secret = Zeroizing::new(curve25519_dalek::scalar::clamp_integer(**private));
        let public = EdwardsPoint::mul_base_clamped(*secret).to_montgomery().to_bytes();
        Self { secret, public }
    }

    /// The Montgomery u coordinate.
    pub const fn public(&self) -> [u8; 32] {
        self.public
    }

    /// The clamped private bytes.
    pub const fn secret(&self) -> &Zeroizing<[u8; 32]> {
        &self.secret
    }

    /// Signs with Signal's early Curve25519 scheme. `random` only adds to a nonce that secret and message
    /// already determine; zeros are fine.
    pub fn sign(&self, message: &[u8], random: &[u8; 64]) -> Signature {
        let a = Zeroizing::new(Scalar::from_bytes_mod_order(*self.secret));
        let point = EdwardsPoint::mul_base(&a).compress().to_bytes();
        let mut prefix = [0xff; 32];
        prefix[0] = 0xfe;
        let r = Zeroizing::new(hash_to_scalar(&[&prefix, &self.secret[..], message, random]));
        let commitment = EdwardsPoint::mul_base(&r).compress().to_bytes();
        let challenge = hash_to_scalar(&[&commitment, &point, message]);
        let response = *r + challenge * *a;
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&commitment);
        bytes[32..].copy_from_slice(response.as_bytes());
        bytes[63] |= point[31] & 0x80;
        Signature(bytes)
    }
}

fn hash_to_scalar(parts: &[&[u8]]) -> Scalar {
    let mut hash = Sha512::new();
    for part in parts {
        hash.update(part);
    }
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

/// Checks a signature of this scheme, strictly: `S < L`, a canonical key, canonical points, none of small order.
///
/// The existing network's verifier accepts `S ≥ L`; ours must not, or a stranger could give a transaction a
/// second signature.
pub(super) fn verify(public: &[u8; 32], message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
    if !super::keys::is_reduced(public) {
        return Err(SignatureError::Key);
    }
    let sign = signature.0[63] >> 7;
    let edwards = MontgomeryPoint(*public).to_edwards(sign).ok_or(SignatureError::Key)?;
    if edwards.is_small_order() || edwards.is_identity() {
        return Err(SignatureError::Key);
    }
    let key = super::keys::Ed25519Key::parse(&edwards.compress().to_bytes())?;
    let mut plain = signature.0;
    plain[63] &= 0x7f;
    key.verify(message, &Signature(plain))
}
