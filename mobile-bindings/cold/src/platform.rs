//! What the phone's own side implements. Every method may fail, and says why.
//!
//! All are called from whatever thread called the wallet, while the wallet is locked: they must not call back.

use zeroize::Zeroizing;

use crate::{ColdError, PlatformError, PlatformPart};

/// The platform's hardware-backed keys: Android Keystore, Secure Enclave.
#[uniffi::export(foreign)]
pub trait KeyVault: Send + Sync {
    /// Encrypts 32 random bytes under the key named `alias`, which it makes if there is none.
    ///
    /// # Errors
    /// [`PlatformError::Declined`] if its owner said no, [`PlatformError::Failed`] otherwise.
    fn wrap(&self, alias: String, secret: Vec<u8>) -> Result<Vec<u8>, PlatformError>;

    /// Decrypts what [`KeyVault::wrap`] returned under the same `alias`, after asking its owner.
    ///
    /// # Errors
    /// As [`KeyVault::wrap`]; [`PlatformError::Lost`] if the key is gone, as when the screen lock was removed.
    fn unwrap(&self, alias: String, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError>;

    /// Destroys the key named `alias`; no error if there is none.
    ///
    /// # Errors
    /// [`PlatformError`].
    fn delete(&self, alias: String) -> Result<(), PlatformError>;
}

/// The app's private storage: small values under names of lower-case letters, digits and `-`.
#[uniffi::export(foreign)]
pub trait Storage: Send + Sync {
    /// The value under `name`; nothing if there is none.
    ///
    /// # Errors
    /// [`PlatformError`].
    fn read(&self, name: String) -> Result<Option<Vec<u8>>, PlatformError>;

    /// Replaces the value under `name`: wholly or not at all, and lasting when this returns.
    ///
    /// # Errors
    /// [`PlatformError`]; the old value is kept then.
    fn write(&self, name: String, value: Vec<u8>) -> Result<(), PlatformError>;

    /// Removes the value under `name`; no error if there is none.
    ///
    /// # Errors
    /// [`PlatformError`].
    fn remove(&self, name: String) -> Result<(), PlatformError>;
}

/// The device's clock.
#[uniffi::export(foreign)]
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`PlatformError`].
    fn now_ms(&self) -> Result<u64, PlatformError>;
}

/// The platform's cryptographic random numbers.
#[uniffi::export(foreign)]
pub trait RandomSource: Send + Sync {
    /// Exactly `count` random bytes.
    ///
    /// # Errors
    /// [`PlatformError`].
    fn bytes(&self, count: u32) -> Result<Vec<u8>, PlatformError>;
}

/// Draws `N` random bytes. A source that is plainly broken (another length, or one byte repeated) is refused: it
/// would make keys that anybody can guess.
pub(crate) fn random<const N: usize>(source: &dyn RandomSource) -> Result<Zeroizing<[u8; N]>, ColdError> {
    let failed = |failure| ColdError::Platform { part: PlatformPart::Random, failure };
    // Lengths here are 16 to 32.
    let count = u32::try_from(N).unwrap_or(u32::MAX);
    let bytes = Zeroizing::new(source.bytes(count).map_err(failed)?);
    if bytes.windows(2).all(|pair| pair[0] == pair[1]) {
        return Err(ColdError::WeakRandom);
    }
    let mut drawn = Zeroizing::new([0; N]);
    if bytes.len() != N {
        return Err(ColdError::WeakRandom);
    }
    drawn.copy_from_slice(&bytes);
    Ok(drawn)
}
