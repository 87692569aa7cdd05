use std::{fmt, str::FromStr};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::crypto::{PublicKey, address_hash};

const VERSION: u8 = 5;
const LENGTH: usize = 26;
const CHECKED: usize = 22;
/// Characters of base58 that 26 bytes can take at most.
const MAX_TEXT: usize = 36;
/// Some wallets put this before an address.
const PREFIX: &str = "address:";

/// The network byte of an address. A development chain uses the byte of the test network.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// `M`: addresses start with `AR`.
    Main,
    /// `T`: addresses start with `AT` or `AU`.
    Test,
}

impl Network {
    const fn byte(self) -> u8 {
        match self {
            Self::Main => b'M',
            Self::Test => b'T',
        }
    }
}

/// An account's address, in the format of the existing V.Systems network:
/// `base58(5 ‖ network ‖ h(key)[..20] ‖ h(first 22)[..4])`. Always valid: the checksum was verified.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, BorshSerialize)]
pub struct Address([u8; LENGTH]);

/// Text or bytes that are not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not base58, or not 26 bytes of it.
    #[error("an address is 35 letters and digits that start with AR, AT or AU")]
    Shape,
    /// A version byte of something else (a contract or a token).
    #[error("this names something else than an account (version {0})")]
    Version(u8),
    /// Neither the main nor the test network.
    #[error("this address belongs to an unknown network ({0})")]
    Network(u8),
    /// A character is wrong or missing.
    #[error("the checksum does not fit: at least one character is wrong")]
    Checksum,
}

impl Address {
    /// Bytes of an address.
    pub const LENGTH: usize = LENGTH;

    /// The address of a public key. Curve25519 keys hash as 32 bytes, as they always have; Ed25519 keys with
    /// their scheme byte before them.
    pub fn of(key: &PublicKey, network: Network) -> Self {
        let digest = match key {
            PublicKey::Curve25519(bytes) => address_hash(bytes),
            PublicKey::Ed25519(_) => address_hash(&super::codec::encode(key)),
        };
        let mut bytes = [0; LENGTH];
        bytes[0] = VERSION;
        bytes[1] = network.byte();
        bytes[2..CHECKED].copy_from_slice(&digest[..20]);
        let check = address_hash(&bytes[..CHECKED]);
        bytes[CHECKED..].copy_from_slice(&check[..4]);
        Self(bytes)
    }

    /// The 26 bytes.
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// The network it belongs to.
    pub const fn network(&self) -> Network {
        if self.0[1] == Network::Main.byte() { Network::Main } else { Network::Test }
    }

    /// Checks 26 bytes.
    ///
    /// # Errors
    /// [`AddressError`] if version, network or checksum is not one of ours.
    pub fn from_bytes(bytes: [u8; LENGTH]) -> Result<Self, AddressError> {
        if bytes[0] != VERSION {
            return Err(AddressError::Version(bytes[0]));
        }
        if bytes[1] != Network::Main.byte() && bytes[1] != Network::Test.byte() {
            return Err(AddressError::Network(bytes[1]));
        }
        if address_hash(&bytes[..CHECKED])[..4] != bytes[CHECKED..] {
            return Err(AddressError::Checksum);
        }
        Ok(Self(bytes))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let text = text.strip_prefix(PREFIX).unwrap_or(text);
        if text.len() > MAX_TEXT {
            return Err(AddressError::Shape);
        }
        let mut bytes = [0; LENGTH];
        match bs58::decode(text).onto(&mut bytes) {
            Ok(LENGTH) => Self::from_bytes(bytes),
            _ => Err(AddressError::Shape),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(&self.0).into_string())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl BorshDeserialize for Address {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        Self::from_bytes(<[u8; LENGTH]>::deserialize_reader(reader)?)
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string()))
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
