use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Fingerprint, IndexError, Seed};
use crate::{
    crypto::{KeyPair, PublicKey, Scheme},
    data_format::{Address, Network},
};

/// An account of a wallet: public data, kept in the clear so that balances show without the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Its number under the seed, from 0.
    pub index: u32,
    /// The key that signs for it.
    pub public_key: PublicKey,
    /// Its address.
    pub address: Address,
}

impl Account {
    /// The signature scheme of its key.
    pub const fn scheme(&self) -> Scheme {
        self.public_key.scheme()
    }
}

/// An unlocked seed and the accounts taken from it. Drop it to lock: the seed is wiped.
///
/// Keys are derived when they sign and wiped right after; nothing else ever leaves.
pub struct Keyring {
    seed: Seed,
    network: Network,
    fingerprint: Fingerprint,
    accounts: Vec<Account>,
}

impl Keyring {
    /// A keyring with account 0.
    pub fn new(seed: Seed, network: Network) -> Self {
        let fingerprint = seed.fingerprint();
        let mut keyring = Self { seed, network, fingerprint, accounts: Vec::new() };
        // Account 0 exists under every seed.
        let _: Result<Account, IndexError> = keyring.derive(0);
        keyring
    }

    /// The account at `index`, taken into the keyring if it was not there.
    ///
    /// # Errors
    /// [`IndexError`] from 2^31 on.
    pub fn derive(&mut self, index: u32) -> Result<Account, IndexError> {
        if let Some(account) = self.accounts.iter().find(|account| account.index == index) {
            return Ok(*account);
        }
        let public_key = self.seed.key(index)?.public();
        let account = Account { index, public_key, address: Address::of(&public_key, self.network) };
        let place = self.accounts.partition_point(|other| other.index < index);
        self.accounts.insert(place, account);
        Ok(account)
    }

    /// The accounts taken so far, by index.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// The account with this address, if it was taken.
    pub fn find(&self, address: &Address) -> Option<&Account> {
        self.accounts.iter().find(|account| account.address == *address)
    }

    /// The secret key of an address, if its account was taken.
    pub fn key(&self, address: &Address) -> Option<KeyPair> {
        self.find(address).and_then(|account| self.seed.key(account.index).ok())
    }

    /// The network of its addresses.
    pub const fn network(&self) -> Network {
        self.network
    }

    /// What names the seed.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The seed, for the keystore, the reveal screen and the backup check.
    pub const fn seed(&self) -> &Seed {
        &self.seed
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({}, {} accounts)", self.fingerprint, self.accounts.len())
    }
}
