//! What is stored, and how it reads back.
//!
//! | store | key | value |
//! |---|---|---|
//! | keystore | `seed` | the keystore of `light_client::wallet::keystore` |
//! | accounts | `accounts` | a list of [`StoredAccount`] |
//! | accounts | `backed-up` | one byte, 1 |
//! | payments | transaction id | [`StoredPayment`] |
//! | chain | `file` | `chain.json` as it was last fetched |
//! | chain | a chain's id | what was proven of that chain, sealed by [`seal_state`] |
//!
//! Trust: whoever can write here can run scripts in our origin. What does not read is reported, never guessed at.

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    client::{open_state, seal_state},
    data_format::{ChainId, SignedTransaction, Time, TransactionId, codec},
    wallet::AccountEntry,
};

use crate::{
    platform::{Change, Record, Store},
    wallet::Sealed,
};

const SEED: &str = "seed";
const ACCOUNTS: &str = "accounts";
const BACKED_UP: &str = "backed-up";
const FILE: &str = "file";

/// The version of every record here.
const VERSION: u8 = 1;
/// Bytes of all accounts, at most.
const MAX_ACCOUNTS_BYTES: usize = 1024 * 1024;
/// Bytes of a stored payment, at most.
const MAX_PAYMENT_BYTES: usize = 16 * 1024;
/// Chains of which a state is kept, at most.
const MAX_CHAINS: usize = 8;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct StoredAccount {
    /// Its key, and where that comes from.
    pub(crate) entry: AccountEntry,
    /// What its owner calls it.
    pub(crate) name: String,
}

/// A payment, stored before it is submitted: with this it goes on after a reload, whatever else was lost.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct StoredPayment {
    /// The chain it is for.
    pub(crate) chain: ChainId,
    /// When it was signed.
    pub(crate) signed_at: Time,
    /// What was signed.
    pub(crate) signed: SignedTransaction,
}

/// What the light client has proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredState {
    /// Of which chain.
    pub(crate) chain: ChainId,
    /// As the light client writes it.
    pub(crate) bytes: Vec<u8>,
}

impl Stored {
    /// What was proven of a chain.
    pub(crate) fn state(&self, chain: &ChainId) -> Option<&StoredState> {
        self.states.iter().find(|state| state.chain == *chain)
    }
}

/// Everything stored.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// The wallet.
    pub(crate) sealed: Option<Sealed>,
    /// The payments, by no order.
    pub(crate) payments: Vec<(TransactionId, StoredPayment)>,
    /// The chain file.
    pub(crate) chain_file: Option<Vec<u8>>,
    /// What was proven, chain by chain.
    pub(crate) states: Vec<StoredState>,
}

impl Stored {
    /// Reads the records.
    ///
    /// # Errors
    /// Which record of what a person relies on does not read, and why. A state that does not read is only left out: it is proven again.
    pub(crate) fn read(records: Vec<Record>) -> Result<Self, String> {
        let mut stored = Self::default();
        let (mut keystore, mut accounts, mut backed_up) = (None, None, false);
        for Record { store, key, value } in records {
            let unread = |error: &dyn std::fmt::Display| format!("{} {key}: {error}", store.name());
            match (store, key.as_str()) {
                (Store::Keystore, SEED) => keystore = Some(value),
                (Store::Accounts, ACCOUNTS) => {
                    accounts = Some(read(&value, MAX_ACCOUNTS_BYTES).map_err(|error| unread(&error))?);
                }
                (Store::Accounts, BACKED_UP) => backed_up = true,
                (Store::Payments, _) => {
                    let payment: StoredPayment =
                        read(&value, MAX_PAYMENT_BYTES).map_err(|error| unread(&error))?;
                    stored.payments.push((payment.signed.transaction.id(&payment.chain), payment));
                }
                (Store::Chain, FILE) => stored.chain_file = Some(value),
                // What a later version may have left, or is damaged, is not of this.
                (Store::Chain, _) => stored.states.extend(read_state(&key, &value)),
                _ => {}
            }
        }
        stored.sealed = match (keystore, accounts) {
            (Some(keystore), Some(accounts)) => Some(Sealed { keystore, accounts, backed_up }),
            (None, None) => None,
            (Some(_), None) => return Err("there are keys, but no accounts".to_owned()),
            (None, Some(_)) => return Err("there are accounts, but no keys".to_owned()),
        };
        Ok(stored)
    }
}

/// Stores a wallet in place of any other.
pub(crate) fn keep(sealed: &Sealed) -> Vec<Change> {
    let mut changes = vec![
        Change::Clear(Store::Keystore),
        Change::Clear(Store::Accounts),
        put(Store::Keystore, SEED, sealed.keystore.clone()),
        put(Store::Accounts, ACCOUNTS, write(&sealed.accounts)),
    ];
    if sealed.backed_up {
        changes.push(back_up());
    }
    changes
}

/// Stores that the words were checked.
pub(crate) fn back_up() -> Change {
    put(Store::Accounts, BACKED_UP, vec![1])
}

/// Removes everything a person would call theirs, and what was proven.
pub(crate) fn erase() -> Vec<Change> {
    Store::ALL.into_iter().map(Change::Clear).collect()
}

/// Stores a payment.
pub(crate) fn put_payment(id: &TransactionId, payment: &StoredPayment) -> Change {
    put(Store::Payments, &id.to_string(), write(payment))
}

/// Removes a payment.
pub(crate) fn remove_payment(id: &TransactionId) -> Change {
    Change::Remove(Store::Payments, id.to_string())
}

/// Stores what was proven of a chain; what is stored of other chains stays.
pub(crate) fn put_state(StoredState { chain, bytes }: &StoredState) -> Change {
    put(Store::Chain, &chain.to_string(), seal_state(chain, bytes))
}

/// Removes what was proven of chains beyond those that are kept.
pub(crate) fn remove_states(states: &[StoredState]) -> impl Iterator<Item = Change> {
    let beyond = states.iter().skip(MAX_CHAINS);
    beyond.map(|state| Change::Remove(Store::Chain, state.chain.to_string()))
}

fn read_state(key: &str, sealed: &[u8]) -> Option<StoredState> {
    let chain = ChainId::from_hex(key)?;
    let bytes = open_state(&chain, sealed).ok()?.to_vec();
    Some(StoredState { chain, bytes })
}

/// Stores the chain file.
pub(crate) fn put_chain_file(file: &[u8]) -> Change {
    put(Store::Chain, FILE, file.to_vec())
}

fn put(store: Store, key: &str, value: Vec<u8>) -> Change {
    Change::Put(Record { store, key: key.to_owned(), value })
}

fn write(value: &impl BorshSerialize) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend(codec::encode(value));
    bytes
}

fn read<T: BorshDeserialize>(bytes: &[u8], limit: usize) -> Result<T, String> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => codec::decode(rest, limit).map_err(|error| error.to_string()),
        Some((version, _)) => Err(format!("version {version}, this wallet reads {VERSION}")),
        None => Err("no bytes".to_owned()),
    }
}
