use std::{
    collections::BTreeMap,
    io::{Read, Result as IoResult},
};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Account, Fingerprint, Payment, RequestId, request};
use crate::{
    crypto::PublicKey,
    data_format::{Address, DecodeError, codec},
};

/// Bytes of stored wallet data or of a change set, at most.
pub const MAX_WALLET_BYTES: usize = 16 * 1024 * 1024;

/// Where an account's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum AccountSource {
    /// Under the seed of this device's keystore.
    Seed {
        /// Which seed.
        fingerprint: Fingerprint,
        /// The account's number under it.
        index: u32,
    },
    /// On a cold wallet.
    Cold {
        /// Under which of its seeds.
        fingerprint: Fingerprint,
        /// The account's number under it.
        index: u32,
    },
    /// Nowhere within reach: the account is only watched.
    Watched,
}

/// What a wallet keeps of an account, under its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccountEntry {
    /// The key that signs for it, as far as it is known.
    pub public_key: Option<PublicKey>,
    /// Where that key is.
    pub source: AccountSource,
}

impl AccountEntry {
    /// The entry of an account of this device's seed.
    pub const fn of_seed(account: &Account, fingerprint: Fingerprint) -> Self {
        let source = AccountSource::Seed { fingerprint, index: account.index };
        Self { public_key: Some(account.public_key), source }
    }
}

/// What a wallet keeps in the clear: everything but secrets. Chain facts are not here, they are proven again.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WalletData {
    /// The accounts shown.
    #[borsh(deserialize_with = "codec::ordered_map")]
    pub accounts: BTreeMap<Address, AccountEntry>,
    /// Names given to addresses, one's own and those of others.
    #[borsh(deserialize_with = "names")]
    pub names: BTreeMap<Address, String>,
    /// Payments that are not settled, or settled and not yet put away.
    #[borsh(deserialize_with = "codec::ordered_map")]
    pub payments: BTreeMap<RequestId, Payment>,
}

/// What changed, as a value: to be saved, merged, undone, shown, sent to another thread. `None` removes.
///
/// Merging is associative, and applying a merged set is applying its parts one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChangeSet {
    /// Accounts added, altered or removed.
    #[borsh(deserialize_with = "codec::ordered_map")]
    pub accounts: BTreeMap<Address, Option<AccountEntry>>,
    /// Names given or taken away.
    #[borsh(deserialize_with = "changed_names")]
    pub names: BTreeMap<Address, Option<String>>,
    /// Payments added, altered or removed.
    #[borsh(deserialize_with = "codec::ordered_map")]
    pub payments: BTreeMap<RequestId, Option<Payment>>,
}

impl ChangeSet {
    /// Takes in what changed later.
    pub fn merge(&mut self, later: Self) {
        self.accounts.extend(later.accounts);
        self.names.extend(later.names);
        self.payments.extend(later.payments);
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.names.is_empty() && self.payments.is_empty()
    }

    /// A version byte and Borsh.
    pub fn encode(&self) -> Vec<u8> {
        request::versioned(self)
    }

    /// Reads what [`ChangeSet::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] over [`MAX_WALLET_BYTES`], for another version, or for anything malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        request::from_versioned(bytes, MAX_WALLET_BYTES)
    }
}

impl WalletData {
    /// Applies what changed.
    pub fn apply(&mut self, changes: ChangeSet) {
        apply(&mut self.accounts, changes.accounts);
        apply(&mut self.names, changes.names);
        apply(&mut self.payments, changes.payments);
    }

    /// A version byte and Borsh.
    pub fn encode(&self) -> Vec<u8> {
        request::versioned(self)
    }

    /// Reads what [`WalletData::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] over [`MAX_WALLET_BYTES`], for another version, or for anything malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        request::from_versioned(bytes, MAX_WALLET_BYTES)
    }
}

/// A name, as long as there is room for. (Borsh's own way takes a mebibyte at once for what announces to be long.)
#[derive(BorshDeserialize)]
struct Name(#[borsh(deserialize_with = "codec::bounded_text::<16_777_216, _>")] String);

fn names<R: Read>(reader: &mut R) -> IoResult<BTreeMap<Address, String>> {
    let names = codec::ordered_map::<R, Address, Name>(reader)?;
    Ok(names.into_iter().map(|(address, name)| (address, name.0)).collect())
}

fn changed_names<R: Read>(reader: &mut R) -> IoResult<BTreeMap<Address, Option<String>>> {
    let names = codec::ordered_map::<R, Address, Option<Name>>(reader)?;
    Ok(names.into_iter().map(|(address, name)| (address, name.map(|name| name.0))).collect())
}

fn apply<K: Ord, V>(map: &mut BTreeMap<K, V>, changes: BTreeMap<K, Option<V>>) {
    for (key, change) in changes {
        match change {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}
