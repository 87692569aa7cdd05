use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::{Signer, SigningKey, Verifier, VerifyingKey};
use zeroize::Zeroizing;

use super::vsystems::{self, VsystemsKey};

/// Which signature scheme a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// The scheme of the existing V.Systems network.
    Curve25519,
    /// RFC 8032, the scheme of new wallets.
    Ed25519,
}

/// A public key as it stands in a transaction: one scheme byte (0 Curve25519, 1 Ed25519) and 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum PublicKey {
    /// Montgomery u coordinate, little-endian.
    Curve25519([u8; 32]),
    /// Compressed Edwards point.
    Ed25519([u8; 32]),
}

/// 64 signature bytes of either scheme; nothing is known of them until a key has verified them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Signature(pub [u8; 64]);

/// A signature that does not hold, or a key that cannot have made any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key's bytes are not a point of the curve, or one of small order.
    #[error("the public key is not a usable curve point")]
    Key,
    /// The signature does not fit key and message, or is not in its only canonical form.
    #[error("the signature does not fit the message and the public key")]
    Signature,
}

impl PublicKey {
    /// The scheme of this key.
    pub const fn scheme(&self) -> Scheme {
        match self {
            Self::Curve25519(_) => Scheme::Curve25519,
            Self::Ed25519(_) => Scheme::Ed25519,
        }
    }

    /// The 32 key bytes without the scheme.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        match self {
            Self::Curve25519(bytes) | Self::Ed25519(bytes) => bytes,
        }
    }

    /// Checks a signature strictly: no small-order key, no `S` at or above the group order.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        match self {
            Self::Curve25519(bytes) => vsystems::verify(bytes, message, signature),
            Self::Ed25519(bytes) => Ed25519Key::parse(bytes)?.verify(message, signature),
        }
    }
}

/// An Ed25519 public key whose curve point is already decompressed: what a slot table keeps, because it checks
/// many signatures of few keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519Key(VerifyingKey);

impl Ed25519Key {
    /// Decompresses 32 key bytes.
    ///
    /// # Errors
    /// [`SignatureError::Key`] if they are not a curve point in its only canonical form, or one of small order.
    pub fn parse(bytes: &[u8; 32]) -> Result<Self, SignatureError> {
        let mut coordinate = *bytes;
        coordinate[31] &= 0x7f; // the sign of the other coordinate
        if !is_reduced(&coordinate) {
            return Err(SignatureError::Key);
        }
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| SignatureError::Key)?;
        if key.is_weak() { Err(SignatureError::Key) } else { Ok(Self(key)) }
    }

    /// The curve point.
    #[cfg(feature = "batch")]
    pub(super) const fn point(&self) -> VerifyingKey {
        self.0
    }

    /// Checks a signature as RFC 8032 with the strict rules of ed25519-dalek's `verify_strict`, in nine tenths of its time:
    /// both compare the signature's commitment R with the only encoding of the point that it has to be. If they are
    /// equal, whether the point is of small order can be seen from the bytes, and R need not be decompressed.
    ///
    /// # Errors
    /// [`SignatureError::Signature`] if it does not hold.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        let mut commitment = *signature.r_bytes();
        commitment[31] &= 0x7f; // the sign of the other coordinate
        if SMALL_ORDER.contains(&commitment) {
            return Err(SignatureError::Signature);
        }
        self.0.verify(message, &signature).map_err(|_| SignatureError::Signature)
    }
}

/// The y coordinates, little-endian, of the points of order 1, 2, 4 and twice 8: all those from which eight times the
/// point is the neutral one. Source: curve25519-dalek's `EIGHT_TORSION`.
pub(super) const SMALL_ORDER: [[u8; 32]; 5] = [
    end_bytes(0x01, 0x00, 0x00),
    end_bytes(0xec, 0xff, 0x7f),
    end_bytes(0x00, 0x00, 0x00),
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
];

/// 32 bytes that are all alike but for the first and the last.
const fn end_bytes(first: u8, between: u8, last: u8) -> [u8; 32] {
    let mut bytes = [between; 32];
    (bytes[0], bytes[31]) = (first, last);
    bytes
}

/// Whether 32 little-endian bytes are a number below 2^255 − 19: one key has one encoding, hence one address.
/// (The curve library reduces silently.)
pub(super) fn is_reduced(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    *last < 0x7f || (*last == 0x7f && (*first < 0xed || middle.iter().any(|byte| *byte != 0xff)))
}

/// A secret key with its public half. Wiped when dropped, never printed.
pub enum KeyPair {
    /// A key of the existing V.Systems network.
    Curve25519(VsystemsKey),
    /// An RFC 8032 key.
    Ed25519(SigningKey),
}

impl KeyPair {
    /// The Ed25519 pair of a 32-byte seed.
    pub fn ed25519(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self::Ed25519(SigningKey::from_bytes(seed))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Curve25519(key) => PublicKey::Curve25519(key.public()),
            Self::Ed25519(key) => PublicKey::Ed25519(key.verifying_key().to_bytes()),
        }
    }

    /// Signs `message`. Both schemes derive their nonce from secret and message, so no randomness is needed.
    pub fn sign(&self, message: &[u8]) -> Signature {
        match self {
            Self::Curve25519(key) => key.sign(message, &[0; 64]),
            Self::Ed25519(key) => Signature(key.sign(message).to_bytes()),
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({:?})", self.public())
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, ")")
    }
}
