//! What a person reads before they sign: rows made from the exact bytes that are signed.

use std::collections::BTreeMap;

use crate::{
    data_format::{
        Address, Amount, Call, ChainId, ChainSpec, CoinCall, Height, LeaseCall, SupernodeCall, Transaction,
        TransactionId,
    },
    transaction::{AccountView, TransactionError, check_against_account, check_signed_bytes},
};

/// A fee this many times the least fee is worth a word.
const HIGH_FEE: u64 = 10;

/// Something known of the chain beside the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact<T> {
    /// What is known.
    pub value: T,
    /// The height of the header it was proven at; `None` if somebody only said so.
    pub proven_at: Option<Height>,
}

/// What a wallet knows when it shows a review. What it does not know stays unknown; the default knows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewFacts {
    /// The sender's account; a `None` inside is the knowledge that it is not in the state.
    pub sender: Option<Fact<Option<AccountView>>>,
    /// For each recipient whether its account is in the state.
    pub recipients: BTreeMap<Address, Fact<bool>>,
    /// For each one coins are leased to whether it holds a slot.
    pub holders: BTreeMap<Address, Fact<bool>>,
    /// The names that this wallet's owner gave to addresses.
    pub names: BTreeMap<Address, String>,
    /// The height of the next block.
    pub next_height: Option<Height>,
}

/// What is to be signed, in words' reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The decoded transaction.
    pub transaction: Transaction,
    /// Its id.
    pub id: TransactionId,
    /// What to show, in this order.
    pub rows: Vec<Row>,
    /// What to point out.
    pub cautions: Vec<Caution>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub label: Label,
    /// What it says.
    pub value: Value,
    /// Why that can be believed.
    pub trust: Trust,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// The chain's name, from the signer's own spec.
    Chain,
    /// The account that pays.
    From,
    /// A recipient.
    To,
    /// Whether the recipient's account is in the state.
    RecipientKnown,
    /// Somebody coins are leased to.
    LeaseTo,
    /// Somebody leased coins are called back from.
    CallBackFrom,
    /// Where what was earned is paid out from.
    ClaimFrom,
    /// The slot that the sender wants.
    ContendForSlot,
    /// What is burned besides the fee if the sender wins the slot.
    BurnedIfWon,
    /// Whether the sender gives its slot up.
    ReleaseSlot,
    /// What a supernode keeps of its rewards before they are shared.
    Commission,
    /// The key that will mint for the sender.
    MintingKey,
    /// The minting key that the sender accuses, with proof.
    ReportedKey,
    /// Who may claim what the sender's commission and own stake earn.
    RewardAddress,
    /// What the recipient gets, or what is leased or called back.
    Amount,
    /// What including it costs.
    Fee,
    /// Coins that leave the account: what is sent, and the fee.
    Total,
    /// The public note.
    Memo,
    /// The last height that may include it.
    ValidUntil,
    /// Its place among the sender's transactions.
    Nonce,
    /// What the sender can spend before it.
    BalanceBefore,
    /// What the sender can spend after it.
    BalanceAfter,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// It could not be found out. Never to be shown as 0.
    Unknown,
    /// An address, and the name its owner gave it.
    Address {
        /// The address, to be shown whole.
        address: Address,
        /// Its name, if it has one.
        name: Option<String>,
    },
    /// Coins.
    Amount(Amount),
    /// A height.
    Height(Height),
    /// A number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// Text of printable characters only.
    Text(String),
    /// Bytes that are not such text.
    Bytes(Vec<u8>),
}

/// Why a row can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It stands in the bytes that are signed, or follows from them alone.
    Signed,
    /// It was proven at a header of this height.
    Proven {
        /// The height.
        height: Height,
    },
    /// Somebody said so.
    NotProven,
    /// Nothing is known.
    Unknown,
}

/// Something to point out before signing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caution {
    /// By what is known of the sender's account, it would be refused, or charged and fail.
    WouldFail(TransactionError),
    /// The fee is at least ten times the least fee.
    HighFee {
        /// The fee.
        fee: Amount,
        /// The least fee.
        minimum: Amount,
    },
    /// A recipient is the sender.
    ToSelf,
    /// A recipient's account is proven not to exist yet: compare its address once more.
    NewRecipient {
        /// The recipient.
        to: Address,
    },
    /// Somebody coins are leased to holds no slot, so that they earn nothing.
    HoldsNoSlot {
        /// To whom they are leased.
        to: Address,
    },
    /// The memo holds characters that do not print or that reorder text; it is shown as bytes.
    UnprintableMemo,
}

/// Decodes the exact bytes that are to be signed and says what they do. `chain` is `spec.id()`.
///
/// # Errors
/// [`TransactionError`] for anything that is not a transaction for this chain within the rules: it must not be
/// shown as one.
pub fn review(
    bytes_to_sign: &[u8],
    spec: &ChainSpec,
    chain: &ChainId,
    facts: &ReviewFacts,
) -> Result<Review, TransactionError> {
    let transaction = check_signed_bytes(bytes_to_sign, spec, chain)?;
    let sender = Address::of(&transaction.sender, spec.network);
    let mut writer = Writer { spec, facts, rows: Vec::new(), cautions: Vec::new() };
    writer.signed(Label::Chain, Value::Text(spec.name.clone()));
    writer.address(Label::From, sender);
    let mut total = transaction.fee;
    for call in &transaction.calls {
        writer.call(sender, call);
        let (_, leaving) = call.transfer().unwrap_or((sender, Amount::ZERO));
        total = total.checked_add(leaving).ok_or(TransactionError::TotalTooLarge)?;
    }
    writer.signed(Label::Fee, Value::Amount(transaction.fee));
    writer.signed(Label::Total, Value::Amount(total));
    writer.memo(&transaction.memo);
    writer.signed(Label::ValidUntil, Value::Height(transaction.valid_until));
    writer.signed(Label::Nonce, Value::Number(transaction.nonce));
    writer.balances(sender, &transaction);
    if let Some(minimum) = spec.minimum_fee(&transaction.calls)
        && transaction.fee > minimum
        && transaction.fee.units() >= minimum.units().saturating_mul(HIGH_FEE)
    {
        writer.cautions.push(Caution::HighFee { fee: transaction.fee, minimum });
    }
    writer.would_fail(sender, &transaction);
    let Writer { rows, cautions, .. } = writer;
    Ok(Review { id: transaction.id(chain), transaction, rows, cautions })
}

struct Writer<'a> {
    spec: &'a ChainSpec,
    facts: &'a ReviewFacts,
    rows: Vec<Row>,
    cautions: Vec<Caution>,
}

impl Writer<'_> {
    fn signed(&mut self, label: Label, value: Value) {
        self.rows.push(Row { label, value, trust: Trust::Signed });
    }

    fn address(&mut self, label: Label, address: Address) {
        let name = self.facts.names.get(&address).cloned();
        self.signed(label, Value::Address { address, name });
    }

    fn fact(&mut self, label: Label, fact: Option<Fact<Value>>) {
        let (value, trust) = match fact {
            Some(Fact { value, proven_at: Some(height) }) => (value, Trust::Proven { height }),
            Some(Fact { value, proven_at: None }) => (value, Trust::NotProven),
            None => (Value::Unknown, Trust::Unknown),
        };
        self.rows.push(Row { label, value, trust });
    }

    fn call(&mut self, sender: Address, call: &Call) {
        match call {
            Call::Coin(CoinCall::Transfer { to, .. }) if *to == sender => {
                self.address(Label::To, *to);
                self.cautions.push(Caution::ToSelf);
            }
            Call::Coin(CoinCall::Transfer { to, .. }) => self.recipient(Label::To, *to),
            Call::Lease(LeaseCall::Lease { to, .. }) => {
                self.recipient(Label::LeaseTo, *to);
                if self.facts.holders.get(to).is_some_and(|holds| !holds.value) {
                    self.cautions.push(Caution::HoldsNoSlot { to: *to });
                }
            }
            Call::Lease(LeaseCall::Cancel { from, .. }) => self.address(Label::CallBackFrom, *from),
            Call::Lease(LeaseCall::Claim { from }) => self.address(Label::ClaimFrom, *from),
            Call::Supernode(SupernodeCall::Contend { slot, .. }) => {
                self.signed(Label::ContendForSlot, Value::Number((*slot).into()));
                // The bytes name the chain, and the chain is what its spec says.
                if let Some(spos) = self.spec.engine.spos() {
                    self.signed(Label::BurnedIfWon, Value::Amount(spos.contend_fee));
                }
            }
            Call::Supernode(SupernodeCall::SetRewardAddress { to }) => {
                self.recipient(Label::RewardAddress, *to);
            }
            Call::Supernode(SupernodeCall::Release) => self.signed(Label::ReleaseSlot, Value::Flag(true)),
            Call::Supernode(
                SupernodeCall::SetMintingKey { .. }
                | SupernodeCall::SetCommission { .. }
                | SupernodeCall::Report { .. },
            ) => {}
        }
        if let Some(amount) = call.amount() {
            self.signed(Label::Amount, Value::Amount(amount));
        }
        if let Some(commission) = call.commission() {
            let percent = format!("{}.{:02} %", commission / 100, commission % 100);
            self.signed(Label::Commission, Value::Text(percent));
        }
        if let Some(key) = call.minting_key() {
            self.signed(Label::MintingKey, Value::Text(key.key.to_string()));
        }
        if let Some(evidence) = call.evidence() {
            self.signed(Label::ReportedKey, Value::Text(evidence.accused().to_string()));
        }
    }

    /// Somebody who gets coins, or their use.
    fn recipient(&mut self, label: Label, to: Address) {
        self.address(label, to);
        let known = self.facts.recipients.get(&to).copied();
        if let Some(Fact { value: false, proven_at: Some(_) }) = known {
            self.cautions.push(Caution::NewRecipient { to });
        }
        self.fact(Label::RecipientKnown, known.map(|fact| fact.map(Value::Flag)));
    }

    fn memo(&mut self, memo: &[u8]) {
        if memo.is_empty() {
            return;
        }
        match std::str::from_utf8(memo) {
            Ok(text) if text.chars().all(is_printable) => {
                self.signed(Label::Memo, Value::Text(text.to_owned()))
            }
            _ => {
                self.signed(Label::Memo, Value::Bytes(memo.to_vec()));
                self.cautions.push(Caution::UnprintableMemo);
            }
        }
    }

    fn balances(&mut self, sender: Address, transaction: &Transaction) {
        let before = self.facts.sender.map(|fact| fact.map(|account| account.unwrap_or_default().balance));
        self.fact(Label::BalanceBefore, before.map(|fact| fact.map(Value::Amount)));
        let to_self =
            Amount::sum(transaction.calls.iter().filter_map(|call| {
                call.transfer().filter(|(to, _)| *to == sender).map(|(_, amount)| amount)
            }));
        let leaving = to_self.and_then(|to_self| transaction.committed()?.checked_sub(to_self));
        let after = before.and_then(|fact| {
            let value = fact.value.checked_sub(leaving?)?;
            Some(Fact { value: Value::Amount(value), proven_at: fact.proven_at })
        });
        self.fact(Label::BalanceAfter, after);
    }

    fn would_fail(&mut self, sender: Address, transaction: &Transaction) {
        let (Some(account), Some(height)) = (self.facts.sender, self.facts.next_height) else { return };
        if let Err(error) = check_against_account(transaction, sender, account.value.as_ref(), height, 0) {
            self.cautions.push(Caution::WouldFail(error));
        }
    }
}

impl<T> Fact<T> {
    /// The same knowledge, said otherwise.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fact<U> {
        Fact { value: change(self.value), proven_at: self.proven_at }
    }
}

/// No control characters, and none that reorder, hide or join text: those could make a memo read as a row of
/// its own. (General category Cf in the ranges that matter, line and paragraph separators.)
pub fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
