use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// What is being hashed. Two values of different kinds can never have the same hash, because each kind hashes
/// under a key of its own: BLAKE3's keyed mode with a public constant of 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Domain(&'static [u8; 32]);

impl Domain {
    /// A chain spec's Borsh bytes: the chain id.
    pub const CHAIN: Self = Self(b"vsys/1/chain-spec\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// A transaction's signed bytes: its id.
    pub const TRANSACTION: Self = Self(b"vsys/1/transaction\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// A header's unsigned bytes: the block's id.
    pub const HEADER: Self = Self(b"vsys/1/header\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Leaves and nodes of a block's tree of transactions.
    pub const BLOCK_TREE: Self = Self(b"vsys/1/transactions-tree\0\0\0\0\0\0\0\0");
    /// Nodes of the header mountain range.
    pub const HEADER_RANGE: Self = Self(b"vsys/1/header-range\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Nodes of the state trie.
    pub const TRIE: Self = Self(b"vsys/1/state-trie\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// A value in the state trie.
    pub const TRIE_VALUE: Self = Self(b"vsys/1/state-value\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// A link of an account's history.
    pub const HISTORY: Self = Self(b"vsys/1/history\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// A slot table, and the pair of tables.
    pub const SLOT_TABLE: Self = Self(b"vsys/1/slot-table\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Signatures that are checked together: the coefficients of each.
    pub const SIGNATURES: Self = Self(b"vsys/1/signatures\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// A certificate of votes.
    pub const CERTIFICATE: Self = Self(b"vsys/1/certificate\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// A block id with the seal that shows work on it.
    pub const WORK: Self = Self(b"vsys/1/work\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// A seed's first public key: its fingerprint.
    pub const SEED_FINGERPRINT: Self = Self(b"vsys/1/seed-fingerprint\0\0\0\0\0\0\0\0\0");
    /// A keystore's bytes: its checksum.
    pub const KEYSTORE: Self = Self(b"vsys/1/keystore\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// What a light client saved, with its chain: its checksum.
    pub const CLIENT_STATE: Self = Self(b"vsys/1/client-state\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Random choices of a word quiz.
    pub const WORD_QUIZ: Self = Self(b"vsys/1/word-quiz\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    /// Keys derived for a development chain.
    pub const DEVELOPMENT_KEY: Self = Self(b"vsys/1/development-key\0\0\0\0\0\0\0\0\0\0");

    /// The constant itself.
    pub const fn key(&self) -> &'static [u8; 32] {
        self.0
    }
}

/// 32 bytes of BLAKE3. All zeros stands for "nothing": an empty tree, no parent, no certificate.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of nothing: an empty tree, no parent, no certificate.
    pub const ZERO: Self = Self([0; 32]);

    /// Hashes the parts, one after the other, as a value of `domain`.
    ///
    /// The parts are not separated: callers put lengths where parts can vary.
    pub fn of(domain: Domain, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(domain.key());
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Whether this is [`Hash::ZERO`].
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| D::Error::custom("not 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_keep_equal_bytes_apart() {
        assert_ne!(Hash::of(Domain::HEADER, &[b"x"]), Hash::of(Domain::TRANSACTION, &[b"x"]));
    }

    #[test]
    fn hexadecimal_round_trips_and_refuses_other_text() {
        let hash = Hash::of(Domain::HEADER, &[b"x"]);
        assert_eq!(Hash::from_hex(&hash.to_string()), Some(hash));
        assert_eq!(Hash::from_hex("00"), None);
        assert_eq!(Hash::from_hex(&"g".repeat(64)), None);
        assert_eq!(Hash::from_hex(&"é".repeat(32)), None);
    }
}
