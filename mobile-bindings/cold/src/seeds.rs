//! The seeds on this phone: which there are (in the clear), and each one sealed.
//!
//! A seed lies in a keystore of `light_client::wallet::keystore` whose password is 32 random bytes. Only the
//! platform's vault can unwrap those, so Argon2's price, which guards guessable passwords, is set to its least.

use std::fmt::Write as _;

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    crypto::PublicKey,
    data_format::{Address, Network, Time, codec},
    wallet::{
        Fingerprint, Seed,
        keystore::{self, Cost, SealEntropy, WrapEntropy},
    },
};
use zeroize::Zeroizing;

use crate::{
    AccountInfo, ColdError, KeyVault, PlatformError, PlatformPart, RandomSource, SeedInfo, Storage,
    platform::random, stored,
};

/// Seeds on one phone, at most.
pub const MAX_SEEDS: u32 = 64;
/// Accounts of one seed, at most.
pub const MAX_ACCOUNTS: u32 = 256;

const NAME: &str = "seeds";
const MAX_BYTES: usize = 64 * (256 * 64 + 64);
const MAX_SEALED_BYTES: usize = keystore::MAX_KEYSTORE_BYTES + 4_096 + 16;
/// The password has 256 random bits.
const COST: Cost = Cost { memory_kib: 8, passes: 1 };

/// The seeds that this phone has, without their secrets.
#[derive(Clone, Default, BorshSerialize, BorshDeserialize)]
pub(crate) struct SeedBook {
    #[borsh(deserialize_with = "codec::bounded_list::<64, _, _>")]
    entries: Vec<SeedEntry>,
}

/// One of them.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct SeedEntry {
    pub(crate) fingerprint: Fingerprint,
    added: Time,
    #[borsh(deserialize_with = "codec::bounded_list::<256, _, _>")]
    accounts: Vec<AccountEntry>,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
struct AccountEntry {
    index: u32,
    public_key: PublicKey,
}

/// A seed at rest.
#[derive(BorshSerialize, BorshDeserialize)]
struct SealedSeed {
    #[borsh(deserialize_with = "codec::bounded_bytes::<4_096, _>")]
    wrapped: Vec<u8>,
    #[borsh(deserialize_with = "codec::bounded_bytes::<4_352, _>")]
    keystore: Vec<u8>,
}

impl SeedBook {
    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, ColdError> {
        Ok(stored::load(storage, NAME, MAX_BYTES)?.unwrap_or_default())
    }

    pub(crate) fn save(&self, storage: &dyn Storage) -> Result<(), ColdError> {
        stored::save(storage, NAME, self)
    }

    pub(crate) fn remove_file(storage: &dyn Storage) -> Result<(), ColdError> {
        stored::remove(storage, NAME)
    }

    pub(crate) fn entries(&self) -> &[SeedEntry] {
        &self.entries
    }

    /// The seed with this fingerprint, as written by its owner's screen.
    pub(crate) fn find(&self, fingerprint: &str) -> Result<&SeedEntry, ColdError> {
        let named = |entry: &&SeedEntry| entry.fingerprint.to_string() == fingerprint;
        self.entries
            .iter()
            .find(named)
            .ok_or_else(|| ColdError::UnknownSeed { fingerprint: fingerprint.chars().take(64).collect() })
    }

    /// The seed that holds an address, and the account's number.
    pub(crate) fn holder(&self, address: &Address) -> Option<(&SeedEntry, u32)> {
        self.entries.iter().find_map(|entry| {
            let network = address.network();
            let account = entry.accounts.iter().find(|a| Address::of(&a.public_key, network) == *address)?;
            Some((entry, account.index))
        })
    }

    /// The book with one more seed, which has account 0.
    pub(crate) fn with_seed(&self, seed: &Seed, added: Time) -> Result<Self, ColdError> {
        let fingerprint = seed.fingerprint();
        if self.entries.iter().any(|entry| entry.fingerprint == fingerprint) {
            return Err(ColdError::SeedExists { fingerprint: fingerprint.to_string() });
        }
        if self.entries.len() >= MAX_SEEDS as usize {
            return Err(ColdError::TooManySeeds { limit: MAX_SEEDS });
        }
        let accounts = vec![AccountEntry { index: 0, public_key: seed.key(0)?.public() }];
        let mut book = self.clone();
        book.entries.push(SeedEntry { fingerprint, added, accounts });
        Ok(book)
    }

    /// The book with one more account of a seed; unchanged if it has it.
    pub(crate) fn with_account(&self, seed: &Seed, index: u32) -> Result<Self, ColdError> {
        let public_key = seed.key(index)?.public();
        let mut book = self.clone();
        let fingerprint = seed.fingerprint();
        let entry = book.entries.iter_mut().find(|entry| entry.fingerprint == fingerprint);
        let entry = entry.ok_or_else(|| ColdError::UnknownSeed { fingerprint: fingerprint.to_string() })?;
        let place = entry.accounts.partition_point(|account| account.index < index);
        if entry.accounts.get(place).is_none_or(|account| account.index != index) {
            if entry.accounts.len() >= MAX_ACCOUNTS as usize {
                return Err(ColdError::TooManyAccounts { limit: MAX_ACCOUNTS });
            }
            entry.accounts.insert(place, AccountEntry { index, public_key });
        }
        Ok(book)
    }

    /// The book without a seed.
    pub(crate) fn without(&self, fingerprint: Fingerprint) -> Self {
        let kept = self.entries.iter().filter(|entry| entry.fingerprint != fingerprint);
        Self { entries: kept.cloned().collect() }
    }
}

impl SeedEntry {
    pub(crate) fn info(&self, network: Network) -> SeedInfo {
        let account = |entry: &AccountEntry| AccountInfo {
            index: entry.index,
            address: Address::of(&entry.public_key, network).to_string(),
            public_key: codec::encode(&entry.public_key),
        };
        SeedInfo {
            fingerprint: self.fingerprint.to_string(),
            scheme: self.scheme().into(),
            added_ms: self.added.0,
            accounts: self.accounts.iter().map(account).collect(),
        }
    }

    fn scheme(&self) -> light_client::crypto::Scheme {
        // Account 0 is there from the start; a stored entry without one has no key to tell its scheme by.
        self.accounts
            .first()
            .map_or(light_client::crypto::Scheme::Ed25519, |account| account.public_key.scheme())
    }
}

/// Seals a seed and stores it; the vault makes the key that opens it.
pub(crate) fn seal(
    seed: &Seed,
    vault: &dyn KeyVault,
    storage: &dyn Storage,
    source: &dyn RandomSource,
) -> Result<(), ColdError> {
    let fingerprint = seed.fingerprint();
    let key = random::<32>(source)?;
    let entropy = SealEntropy {
        data_key: random::<32>(source)?,
        secret_nonce: *random::<24>(source)?,
        wrap: WrapEntropy { salt: *random::<16>(source)?, nonce: *random::<24>(source)? },
    };
    let keystore = keystore::seal(&seed.to_bytes(), &password(&key[..]), COST, &entropy)
        .map_err(|error| ColdError::unreadable(fingerprint, &error))?;
    let wrapped = vault.wrap(name(fingerprint), key.to_vec()).map_err(vault_failed)?;
    stored::save(storage, &name(fingerprint), &SealedSeed { wrapped, keystore })
}

/// Opens a seed: the vault asks its owner. What opens is checked to be the seed that the book names, so that one
/// seed cannot stand in for another.
pub(crate) fn open(
    fingerprint: Fingerprint,
    vault: &dyn KeyVault,
    storage: &dyn Storage,
) -> Result<Seed, ColdError> {
    let unreadable =
        |reason: String| ColdError::SeedUnreadable { fingerprint: fingerprint.to_string(), reason };
    let sealed: SealedSeed = stored::load(storage, &name(fingerprint), MAX_SEALED_BYTES)?
        .ok_or_else(|| unreadable("it is not in the storage".to_owned()))?;
    let key = Zeroizing::new(vault.unwrap(name(fingerprint), sealed.wrapped).map_err(vault_failed)?);
    let secret = keystore::open(&sealed.keystore, &password(&key))
        .map_err(|error| ColdError::unreadable(fingerprint, &error))?;
    let seed = Seed::from_bytes(&secret).map_err(|error| unreadable(error.to_string()))?;
    if seed.fingerprint() == fingerprint {
        Ok(seed)
    } else {
        Err(unreadable(format!("it holds the seed {}", seed.fingerprint())))
    }
}

/// Destroys a seed: the vault's key first, so that what is left of the file is noise.
pub(crate) fn destroy(
    fingerprint: Fingerprint,
    vault: &dyn KeyVault,
    storage: &dyn Storage,
) -> Result<(), ColdError> {
    vault.delete(name(fingerprint)).map_err(vault_failed)?;
    stored::remove(storage, &name(fingerprint))
}

/// The name of a seed's file and of its key in the vault.
fn name(fingerprint: Fingerprint) -> String {
    format!("seed-{fingerprint}")
}

/// The vault's key as a keystore password: lower-case hexadecimal.
fn password(key: &[u8]) -> Zeroizing<String> {
    // Allocated once, or a copy of the secret would stay behind where the buffer grew.
    let mut text = Zeroizing::new(String::with_capacity(2 * key.len()));
    for byte in key {
        // Writing into a string cannot fail.
        let _: std::fmt::Result = write!(text, "{byte:02x}");
    }
    text
}

const fn vault_failed(failure: PlatformError) -> ColdError {
    ColdError::Platform { part: PlatformPart::Vault, failure }
}
