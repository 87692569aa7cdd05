//! A secret at rest: a random data key encrypts it, Argon2id of the password wraps the data key.
//!
//! Changing the password or the cost wraps the data key anew; the secret's ciphertext stays. Everything that
//! governs decryption (version, cost, salt) is bound to the ciphertexts as associated data, and a checksum tells
//! a damaged file from a wrong password. (Who alters a file on purpose can mend the checksum; then all that can
//! be said is that the password does not open it.)

use argon2::{Algorithm, Argon2, Params, Version};
use borsh::{BorshDeserialize, BorshSerialize};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use crate::{
    crypto::{Domain, Hash},
    data_format::{DecodeError, codec},
};

/// Bytes of a secret, at most.
pub const MAX_SECRET_BYTES: usize = 4096;
/// Bytes of a keystore, at most.
pub const MAX_KEYSTORE_BYTES: usize = MAX_SECRET_BYTES + 256;

const VERSION: u8 = 1;
const TAG: usize = 16;
const CHECKSUM: usize = 8;
const WRAP: &[u8] = b"vsys/1/keystore/data-key";
const SECRET: &[u8] = b"vsys/1/keystore/secret";

/// What one try of a password costs. Argon2id with one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Cost {
    /// Memory in KiB, 8 to 262,144.
    pub memory_kib: u32,
    /// Passes over it, 1 to 16.
    pub passes: u32,
}

impl Cost {
    /// 64 MiB and three passes: about a second on a phone.
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1024, passes: 3 };
    /// Memory in KiB, at most: 256 MiB. A file asking for more is refused before anything is allocated.
    pub const MAX_MEMORY_KIB: u32 = 256 * 1024;
    /// Passes, at most.
    pub const MAX_PASSES: u32 = 16;

    fn check(self) -> Result<(), KeystoreError> {
        let allowed = (8..=Self::MAX_MEMORY_KIB).contains(&self.memory_kib)
            && (1..=Self::MAX_PASSES).contains(&self.passes);
        if allowed { Ok(()) } else { Err(KeystoreError::Cost(self)) }
    }
}

/// Everything random in a new keystore. Never use one twice.
pub struct SealEntropy {
    /// The key that encrypts the secret.
    pub data_key: Zeroizing<[u8; 32]>,
    /// The nonce it is used with.
    pub secret_nonce: [u8; 24],
    /// What wraps that key.
    pub wrap: WrapEntropy,
}

/// Everything random in wrapping a data key. Never use one twice.
#[derive(Clone, Copy, Debug)]
pub struct WrapEntropy {
    /// Argon2id's salt.
    pub salt: [u8; 16],
    /// The nonce the password's key is used with.
    pub nonce: [u8; 24],
}

/// A keystore that cannot be made or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    /// The password does not open it.
    #[error("the password is wrong")]
    WrongPassword,
    /// The bytes changed since they were written, or never were a keystore.
    #[error("the keystore is damaged: restore from the phrase")]
    Damaged,
    /// Written by a later version.
    #[error("the keystore has version {0}, this program reads version 1: update it")]
    Version(u8),
    /// The cost is out of bounds.
    #[error("{} KiB and {} passes: allowed are 8 to 262144 KiB and 1 to 16 passes", .0.memory_kib, .0.passes)]
    Cost(Cost),
    /// The device does not have the memory that the cost asks for.
    #[error("{0} KiB of memory are needed to check the password, and they are not there")]
    OutOfMemory(u32),
    /// The secret is too long.
    #[error("the secret has {0} bytes, at most 4096 are allowed")]
    TooLong(usize),
}

/// The file: a version byte, these fields in Borsh, eight bytes of checksum.
#[derive(BorshSerialize, BorshDeserialize)]
struct File {
    cost: Cost,
    salt: [u8; 16],
    wrap_nonce: [u8; 24],
    wrapped_key: [u8; 32 + TAG],
    secret_nonce: [u8; 24],
    #[borsh(deserialize_with = "codec::bounded_bytes::<4112, _>")]
    secret: Vec<u8>,
}

/// Encrypts a secret (a seed's bytes) under a password. The password is taken as the bytes of its UTF-8 text.
///
/// # Errors
/// [`KeystoreError::Cost`], [`KeystoreError::TooLong`] or [`KeystoreError::OutOfMemory`].
pub fn seal(
    secret: &[u8],
    password: &str,
    cost: Cost,
    entropy: &SealEntropy,
) -> Result<Vec<u8>, KeystoreError> {
    if secret.len() > MAX_SECRET_BYTES {
        return Err(KeystoreError::TooLong(secret.len()));
    }
    let ciphertext = encrypt(&entropy.data_key, &entropy.secret_nonce, secret, SECRET)?;
    let file = wrap(&entropy.data_key, password, cost, &entropy.wrap, entropy.secret_nonce, ciphertext)?;
    Ok(file.encode())
}

/// Decrypts the secret.
///
/// # Errors
/// [`KeystoreError`].
pub fn open(keystore: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let file = File::decode(keystore)?;
    let data_key = file.unwrap_key(password)?;
    file.open(&data_key)
}

/// Changes the password, the cost, or both. The secret's ciphertext stays as it is.
///
/// # Errors
/// [`KeystoreError`]; the old keystore is untouched then.
pub fn rewrap(
    keystore: &[u8],
    old_password: &str,
    new_password: &str,
    cost: Cost,
    entropy: &WrapEntropy,
) -> Result<Vec<u8>, KeystoreError> {
    let file = File::decode(keystore)?;
    let data_key = file.unwrap_key(old_password)?;
    // What cannot be opened now must not look fresh afterwards.
    file.open(&data_key)?;
    Ok(wrap(&data_key, new_password, cost, entropy, file.secret_nonce, file.secret)?.encode())
}

/// What a keystore's password costs to try, to decide whether to re-tune it.
///
/// # Errors
/// [`KeystoreError::Damaged`], [`KeystoreError::Version`] or [`KeystoreError::Cost`].
pub fn cost(keystore: &[u8]) -> Result<Cost, KeystoreError> {
    File::decode(keystore).map(|file| file.cost)
}

impl File {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(codec::encode(self));
        let checksum = checksum(&bytes);
        bytes.extend(checksum);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, KeystoreError> {
        if bytes.len() > MAX_KEYSTORE_BYTES {
            return Err(KeystoreError::Damaged);
        }
        let (body, found) = bytes.split_last_chunk::<CHECKSUM>().ok_or(KeystoreError::Damaged)?;
        if checksum(body) != *found {
            return Err(KeystoreError::Damaged);
        }
        let (version, fields) = body.split_first().ok_or(KeystoreError::Damaged)?;
        if *version != VERSION {
            return Err(KeystoreError::Version(*version));
        }
        let file: Self =
            codec::decode(fields, MAX_KEYSTORE_BYTES).map_err(|_: DecodeError| KeystoreError::Damaged)?;
        file.cost.check()?;
        Ok(file)
    }

    fn unwrap_key(&self, password: &str) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
        let wrapping = stretch(password, self.cost, &self.salt)?;
        let bound = wrap_data(self.cost, &self.salt);
        let plain = decrypt(&wrapping, &self.wrap_nonce, &self.wrapped_key, &bound)
            .ok_or(KeystoreError::WrongPassword)?;
        plain.as_slice().try_into().map(Zeroizing::new).map_err(|_| KeystoreError::Damaged)
    }

    fn open(&self, data_key: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
        decrypt(data_key, &self.secret_nonce, &self.secret, SECRET).ok_or(KeystoreError::Damaged)
    }
}

fn wrap(
    data_key: &[u8; 32],
    password: &str,
    cost: Cost,
    entropy: &WrapEntropy,
    secret_nonce: [u8; 24],
    secret: Vec<u8>,
) -> Result<File, KeystoreError> {
    cost.check()?;
    let WrapEntropy { salt, nonce: wrap_nonce } = *entropy;
    let wrapping = stretch(password, cost, &salt)?;
    let wrapped = encrypt(&wrapping, &wrap_nonce, data_key, &wrap_data(cost, &salt))?;
    let wrapped_key = wrapped.try_into().map_err(|_| KeystoreError::Damaged)?;
    Ok(File { cost, salt, wrap_nonce, wrapped_key, secret_nonce, secret })
}

/// What the wrapped key is bound to.
fn wrap_data(cost: Cost, salt: &[u8; 16]) -> Vec<u8> {
    [WRAP, &[VERSION], &codec::encode(&cost), salt].concat()
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let [a, b, c, d, e, f, g, h, ..] = Hash::of(Domain::KEYSTORE, &[bytes]).0;
    [a, b, c, d, e, f, g, h]
}

/// Argon2id (RFC 9106), version 0x13, one lane, 32 bytes.
fn stretch(password: &str, cost: Cost, salt: &[u8; 16]) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    let mut key = Zeroizing::new([0; 32]);
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(key.len()))
        .map_err(|_| KeystoreError::Cost(cost))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut key[..])
        // Cost, salt and key length are in bounds, so this is what is left.
        .map_err(|_| KeystoreError::OutOfMemory(cost.memory_kib))?;
    Ok(key)
}

fn encrypt(key: &[u8; 32], nonce: &[u8; 24], msg: &[u8], aad: &[u8]) -> Result<Vec<u8>, KeystoreError> {
    XChaCha20Poly1305::new(key.into())
        .encrypt(nonce.into(), Payload { msg, aad })
        .map_err(|_| KeystoreError::TooLong(msg.len()))
}

fn decrypt(key: &[u8; 32], nonce: &[u8; 24], msg: &[u8], aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    XChaCha20Poly1305::new(key.into()).decrypt(nonce.into(), Payload { msg, aad }).ok().map(Zeroizing::new)
}
