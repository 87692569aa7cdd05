use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Address, Amount, ChainId, Height, ModuleName, codec};
use crate::crypto::{Domain, Hash, KeyPair, PublicKey, Signature, SignatureError};

/// A transaction's id: the hash of exactly the bytes that are signed.
pub type TransactionId = Hash;

/// Calls in one transaction, at most.
pub const MAX_CALLS: usize = 16;
/// Bytes of a memo, at most.
pub const MAX_MEMO_BYTES: usize = 140;
/// Bytes of a signed transaction, at most.
pub const MAX_TRANSACTION_BYTES: usize = 8 * 1024;

const SIGN_TAG: &[u8] = b"vsys/1/transaction";

/// What somebody wants done: 1 to 16 calls that succeed together or not at all.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transaction {
    /// The key that signs and pays.
    pub sender: PublicKey,
    /// Must equal the account's nonce.
    pub nonce: u64,
    /// Charged also when the calls fail.
    pub fee: Amount,
    /// The last height of a block that may include it.
    pub valid_until: Height,
    /// What to do, in order.
    #[borsh(deserialize_with = "codec::bounded_list::<16, _, _>")]
    pub calls: Vec<Call>,
    /// A note for the recipient, public for ever. UTF-8 by convention, not by rule.
    #[borsh(deserialize_with = "codec::bounded_bytes::<140, _>")]
    pub memo: Vec<u8>,
}

/// One call of one module of the business logic container.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Call {
    /// Module `coin`.
    Coin(CoinCall),
    /// Module `lease`.
    Lease(LeaseCall),
}

/// Calls of module `coin`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum CoinCall {
    /// Moves coins from the sender to another account.
    Transfer {
        /// Who receives.
        to: Address,
        /// How much, above 0.
        amount: Amount,
    },
}

/// Calls of module `lease`. Leased coins never leave the account; they only cannot be spent, and can be called back at
/// any time.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum LeaseCall {
    /// Leases coins to a supernode, or to somebody who wants to be one. They earn from the next round on.
    Lease {
        /// To whom; not the sender.
        to: Address,
        /// How much, above 0.
        amount: Amount,
    },
    /// Calls leased coins back, at once; those leased last first. Pays out what the lease has earned.
    Cancel {
        /// From whom.
        from: Address,
        /// How much, above 0.
        amount: Amount,
    },
    /// Pays out what a lease has earned; with the sender's own address, what its own stake and its commission have.
    Claim {
        /// Where the coins are leased to.
        from: Address,
    },
}

/// A transaction and its sender's signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedTransaction {
    /// What was signed.
    pub transaction: Transaction,
    /// By its sender key, over [`Transaction::signed_bytes`].
    pub signature: Signature,
}

/// Why the calls of an included transaction did not happen (its fee was charged all the same).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All calls happened.
    Success,
    /// A call wanted to move more than the account had left.
    InsufficientBalance,
    /// A recipient's balance would not fit 64 bits.
    Overflow,
    /// More was called back than is leased there.
    InsufficientLease,
    /// Nothing has been earned since the last payment.
    NothingToClaim,
}

/// What became of a transaction in its block; the leaf of the block's tree of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Outcome {
    /// The transaction.
    pub id: TransactionId,
    /// Whether its calls happened.
    pub status: Status,
    /// What its sender was charged.
    pub fee: Amount,
    /// Its place in the block, from 0.
    pub index: u32,
}

impl Call {
    /// The module it belongs to.
    pub const fn module(&self) -> ModuleName {
        match self {
            Self::Coin(_) => ModuleName::Coin,
            Self::Lease(_) => ModuleName::Lease,
        }
    }

    /// Whom it concerns besides the sender.
    pub const fn counterparty(&self) -> Address {
        match self {
            Self::Coin(CoinCall::Transfer { to, .. }) | Self::Lease(LeaseCall::Lease { to, .. }) => *to,
            Self::Lease(LeaseCall::Cancel { from, .. } | LeaseCall::Claim { from }) => *from,
        }
    }

    /// The amount it names, if it names one.
    pub const fn amount(&self) -> Option<Amount> {
        match self {
            Self::Coin(CoinCall::Transfer { amount, .. })
            | Self::Lease(LeaseCall::Lease { amount, .. } | LeaseCall::Cancel { amount, .. }) => {
                Some(*amount)
            }
            Self::Lease(LeaseCall::Claim { .. }) => None,
        }
    }

    /// The coins that the sender cannot spend any more after it: transferred or leased.
    pub const fn committed(&self) -> Amount {
        match self {
            Self::Coin(CoinCall::Transfer { amount, .. }) | Self::Lease(LeaseCall::Lease { amount, .. }) => {
                *amount
            }
            Self::Lease(LeaseCall::Cancel { .. } | LeaseCall::Claim { .. }) => Amount::ZERO,
        }
    }

    /// Recipient and amount of a transfer.
    pub const fn transfer(&self) -> Option<(Address, Amount)> {
        match self {
            Self::Coin(CoinCall::Transfer { to, amount }) => Some((*to, *amount)),
            Self::Lease(_) => None,
        }
    }
}

impl Transaction {
    /// The coins that the sender cannot spend any more after it, fee included; `None` beyond 64 bits.
    pub fn committed(&self) -> Option<Amount> {
        Amount::sum(self.calls.iter().map(Call::committed).chain([self.fee]))
    }

    /// The exact bytes that are signed: a tag, the chain id and the transaction. Nothing replays elsewhere.
    pub fn signed_bytes(&self, chain: &ChainId) -> Vec<u8> {
        [SIGN_TAG, chain.as_bytes(), &codec::encode(self)].concat()
    }

    /// Reads back what [`Transaction::signed_bytes`] wrote: the cold wallet decodes the bytes it signs.
    ///
    /// # Errors
    /// [`codec::DecodeError`] if the tag is not a transaction's or the rest is malformed.
    pub fn from_signed_bytes(bytes: &[u8]) -> Result<(ChainId, Self), codec::DecodeError> {
        let malformed = |what: &str| codec::DecodeError::Malformed(what.to_owned());
        let rest =
            bytes.strip_prefix(SIGN_TAG).ok_or_else(|| malformed("these bytes are not a transaction"))?;
        let (chain, body) =
            rest.split_first_chunk::<32>().ok_or_else(|| malformed("the chain id is cut off"))?;
        Ok((Hash(*chain), codec::decode(body, MAX_TRANSACTION_BYTES)?))
    }

    /// The id on a chain.
    pub fn id(&self, chain: &ChainId) -> TransactionId {
        Hash::of(Domain::TRANSACTION, &[&self.signed_bytes(chain)])
    }

    /// Signs with the sender's key.
    pub fn sign(self, chain: &ChainId, key: &KeyPair) -> SignedTransaction {
        let signature = key.sign(&self.signed_bytes(chain));
        SignedTransaction { transaction: self, signature }
    }
}

impl SignedTransaction {
    /// Checks the signature.
    ///
    /// # Errors
    /// [`SignatureError`] if the sender's key did not sign exactly this for this chain.
    pub fn verify(&self, chain: &ChainId) -> Result<(), SignatureError> {
        self.transaction.sender.verify(&self.transaction.signed_bytes(chain), &self.signature)
    }
}
