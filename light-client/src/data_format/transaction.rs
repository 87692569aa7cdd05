use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Address, Amount, ChainId, Checkpoint, Evidence, Height, ModuleName, codec};
use crate::crypto::{Domain, Ed25519Key, Hash, KeyPair, PublicKey, Signature, SignatureError};

/// A transaction's id: the hash of exactly the bytes that are signed.
pub type TransactionId = Hash;

/// Calls in one transaction, at most.
pub const MAX_CALLS: usize = 16;
/// Bytes of a memo, at most.
pub const MAX_MEMO_BYTES: usize = 140;
/// Bytes of a signed transaction, at most.
pub const MAX_TRANSACTION_BYTES: usize = 8 * 1024;

const SIGN_TAG: &[u8] = b"vsys/1/transaction";
const MINTING_KEY_TAG: &[u8] = b"vsys/1/minting-key";

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
    /// Module `supernode`.
    Supernode(SupernodeCall),
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
    /// Pays out what a lease has earned; with the sender's own address, what its own stake and its commission have. If that
    /// supernode has a reward address, this account gets the latter instead, when it claims.
    Claim {
        /// Where the coins are leased to.
        from: Address,
    },
}

/// Calls of module `supernode`. What changes the slot table waits for its turn: one change at a time is planned, and comes
/// into force by finality.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum SupernodeCall {
    /// Asks for a slot that is vacant, or whose holder has a smaller minting average balance.
    Contend {
        /// Its position in a round.
        slot: u8,
        /// What the supernode keeps of its rewards before they are shared, in hundredths of a percent.
        commission: u16,
        /// The key that will mint. In a box: a block has thousands of calls, and this is the long one.
        key: Box<MintingKey>,
    },
    /// Gives the sender's slot up.
    Release,
    /// Lets another key mint for the sender.
    SetMintingKey {
        /// The key.
        key: Box<MintingKey>,
    },
    /// Changes the sender's commission: a lower one at once, a higher one after a day.
    SetCommission {
        /// In hundredths of a percent.
        commission: u16,
    },
    /// Reports that a minting key signed what excludes each other: whom it serves loses the slot, and is banned for a
    /// time. Anybody may.
    Report {
        /// What proves it.
        evidence: Box<Evidence>,
    },
    /// Lets another account claim what the sender's commission and its own stake earn, and it alone: the owner's key can
    /// stay where it is.
    SetRewardAddress {
        /// Who claims; the sender itself to go back.
        to: Address,
    },
}

/// A minting key, with its own word that it is running and serves this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MintingKey {
    /// The Ed25519 public key. It serves one address, ever.
    pub key: Hash,
    /// The checkpoint of this round or the one before it: the key's holder follows the chain.
    pub checkpoint: Checkpoint,
    /// By that key, over [`MintingKey::message`].
    pub signature: Signature,
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
    /// A call wanted to move more than the account had left, or it contends and has not left what a slot costs.
    InsufficientBalance,
    /// A recipient's balance would not fit 64 bits.
    Overflow,
    /// More was called back than is leased there.
    InsufficientLease,
    /// Nothing has been earned since the last payment.
    NothingToClaim,
    /// The sender holds no slot.
    NotAHolder,
    /// The sender holds a slot already, or is about to.
    AlreadyHolder,
    /// A request of this kind by this sender is waiting already.
    RequestWaiting,
    /// The minting key serves another address.
    MintingKeyTaken,
    /// The minting key has not signed a checkpoint of this round or the one before.
    StaleCheckpoint,
    /// The slot's holder has at least as great a minting average balance, or without the contend fee the sender's coins are
    /// below the minimum.
    SlotNotWon,
    /// The last change of the minting key is less than a day ago.
    TooSoon,
    /// The minting key that is accused never served anybody.
    UnknownMintingKey,
    /// The evidence is not later than the last punishment, or of a round that has not begun.
    UntimelyEvidence,
    /// The sender was punished, and may not contend yet.
    Banned,
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
            Self::Supernode(_) => ModuleName::Supernode,
        }
    }

    /// Whom it concerns besides the sender, if anybody.
    pub const fn counterparty(&self) -> Option<Address> {
        match self {
            Self::Coin(CoinCall::Transfer { to, .. }) | Self::Lease(LeaseCall::Lease { to, .. }) => Some(*to),
            Self::Lease(LeaseCall::Cancel { from, .. } | LeaseCall::Claim { from }) => Some(*from),
            Self::Supernode(SupernodeCall::SetRewardAddress { to }) => Some(*to),
            Self::Supernode(_) => None,
        }
    }

    /// The minting key that it puts to use.
    pub const fn minting_key(&self) -> Option<&MintingKey> {
        match self {
            Self::Supernode(SupernodeCall::Contend { key, .. } | SupernodeCall::SetMintingKey { key }) => {
                Some(&**key)
            }
            _ => None,
        }
    }

    /// The evidence that it reports.
    pub const fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Supernode(SupernodeCall::Report { evidence }) => Some(&**evidence),
            _ => None,
        }
    }

    /// The commission that it sets.
    pub const fn commission(&self) -> Option<u16> {
        match self {
            Self::Supernode(
                SupernodeCall::Contend { commission, .. } | SupernodeCall::SetCommission { commission },
            ) => Some(*commission),
            _ => None,
        }
    }

    /// The amount it names, if it names one.
    pub const fn amount(&self) -> Option<Amount> {
        match self {
            Self::Coin(CoinCall::Transfer { amount, .. })
            | Self::Lease(LeaseCall::Lease { amount, .. } | LeaseCall::Cancel { amount, .. }) => {
                Some(*amount)
            }
            Self::Lease(LeaseCall::Claim { .. }) | Self::Supernode(_) => None,
        }
    }

    /// The coins that the sender cannot spend any more after it: transferred or leased.
    pub const fn committed(&self) -> Amount {
        match self {
            Self::Coin(CoinCall::Transfer { amount, .. }) | Self::Lease(LeaseCall::Lease { amount, .. }) => {
                *amount
            }
            Self::Lease(LeaseCall::Cancel { .. } | LeaseCall::Claim { .. }) | Self::Supernode(_) => {
                Amount::ZERO
            }
        }
    }

    /// Recipient and amount of a transfer.
    pub const fn transfer(&self) -> Option<(Address, Amount)> {
        match self {
            Self::Coin(CoinCall::Transfer { to, amount }) => Some((*to, *amount)),
            Self::Lease(_) | Self::Supernode(_) => None,
        }
    }
}

impl MintingKey {
    /// The word of a key that runs: that it mints for `address`, in the transaction with this nonce. `None` if the key is not
    /// Ed25519, the only scheme that mints.
    pub fn sign(
        key: &KeyPair,
        chain: &ChainId,
        address: &Address,
        nonce: u64,
        checkpoint: Checkpoint,
    ) -> Option<Self> {
        let PublicKey::Ed25519(public) = key.public() else { return None };
        let signature = key.sign(&Self::message(chain, address, nonce, &checkpoint));
        Some(Self { key: Hash(public), checkpoint, signature })
    }

    /// The bytes that the key signs: a tag, the chain id, the address, the transaction's nonce and the checkpoint.
    pub fn message(chain: &ChainId, address: &Address, nonce: u64, checkpoint: &Checkpoint) -> Vec<u8> {
        [MINTING_KEY_TAG, chain.as_bytes(), &codec::encode(&(address, nonce, checkpoint))].concat()
    }

    /// Checks the key's signature.
    ///
    /// # Errors
    /// [`SignatureError`] if the key is unusable or did not sign exactly this.
    pub fn verify(&self, chain: &ChainId, address: &Address, nonce: u64) -> Result<(), SignatureError> {
        let message = Self::message(chain, address, nonce, &self.checkpoint);
        Ed25519Key::parse(self.key.as_bytes())?.verify(&message, &self.signature)
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
        Self::id_of(&self.signed_bytes(chain))
    }

    /// The same, from [`Transaction::signed_bytes`].
    pub(crate) fn id_of(signed_bytes: &[u8]) -> TransactionId {
        Hash::of(Domain::TRANSACTION, &[signed_bytes])
    }

    /// Signs with the sender's key.
    pub fn sign(self, chain: &ChainId, key: &KeyPair) -> SignedTransaction {
        let signature = key.sign(&self.signed_bytes(chain));
        SignedTransaction { transaction: self, signature }
    }
}

impl SignedTransaction {
    /// A report without a sender: evidence needs nobody's word. A minter may put one into its block, which costs nothing;
    /// nobody else takes it. It stands under the accused key, so that the same evidence always has the same id.
    pub fn unsigned_report(evidence: Evidence) -> Self {
        let accused = evidence.accused();
        let transaction = Transaction {
            sender: PublicKey::Ed25519(accused.0),
            nonce: 0,
            fee: Amount::ZERO,
            valid_until: Height(u64::MAX),
            calls: vec![Call::Supernode(SupernodeCall::Report { evidence: Box::new(evidence) })],
            memo: Vec::new(),
        };
        Self { transaction, signature: Signature([0; 64]) }
    }

    /// The evidence, if this is exactly [`SignedTransaction::unsigned_report`] of it.
    pub fn unsigned_evidence(&self) -> Option<&Evidence> {
        let evidence = self.transaction.calls.first()?.evidence()?;
        (*self == Self::unsigned_report(evidence.clone())).then_some(evidence)
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`SignatureError`] if the sender's key did not sign exactly this for this chain.
    pub fn verify(&self, chain: &ChainId) -> Result<(), SignatureError> {
        self.transaction.sender.verify(&self.transaction.signed_bytes(chain), &self.signature)
    }
}
