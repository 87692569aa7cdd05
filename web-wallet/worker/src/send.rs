//! From what a person typed to the exact bytes to sign, and what to look at before that is done.
//!
//! Nonce and balance come only from a proven account, with the wallet's own open payments taken off, those too that are just being stored. The review is made of the bytes, not of what was
//! typed.

use light_client::{
    client::{Client, PaymentState, Standing, TrackedPayment, standing},
    data_format::{Address, Amount, Call, Height, MAX_MEMO_BYTES, Time, Transaction},
    state::HistoryKind,
    transaction::{AccountView, TransactionError, Transfer, maximum_transfer},
    wallet::{self, Caution, Fact, Label, ReviewFacts, Value},
};
use web_protocol::{AmountField, Problem, Review};

use crate::{chain::Chain, wallet::Wallet};

/// How long a payment stays valid, in milliseconds: long enough for a slow network, short enough to wait for.
const VALID_MS: u64 = 600_000;
/// Rounds that the newest block may be ahead of the newest final one.
const TIP_ROUNDS: u64 = 3;

/// A payment as typed.
pub(crate) struct Typed {
    pub(crate) from: Address,
    pub(crate) to: String,
    pub(crate) amount: AmountField,
    pub(crate) memo: String,
}

/// Drafts a payment and says what it does; those in `signing` are signed and not yet stored.
///
/// # Errors
/// Whatever keeps the payment from being made, so that it can be mended.
pub(crate) fn draft(
    typed: &Typed,
    chain: &Chain,
    wallet: &Wallet,
    signing: &[Transaction],
    now: Time,
) -> Result<(Transaction, Review), Problem> {
    let mut accounts = wallet.accounts();
    let (_, account) = accounts.find(|(address, _)| *address == typed.from).ok_or(Problem::NoWallet)?;
    let sender = account.entry.public_key.ok_or(Problem::NoWallet)?;
    let client = chain.client();
    let spec = client.spec();
    let to: Address = typed
        .to
        .parse()
        .map_err(|error: light_client::data_format::AddressError| Problem::Address(error.to_string()))?;
    if to.network() != spec.network {
        return Err(Problem::OtherNetwork);
    }
    if typed.memo.len() > MAX_MEMO_BYTES {
        let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        return Err(Problem::Memo { bytes: short(typed.memo.len()), limit: short(MAX_MEMO_BYTES) });
    }
    let proven = client.account(&typed.from).and_then(|account| account.proven());
    if !chain.is_fresh(now) || proven.is_none_or(|proven| standing(client, proven, now) != Standing::Verified)
    {
        return Err(Problem::NotVerified);
    }
    let account = account_to_spend(client, signing, &typed.from)?;
    let spendable = maximum_transfer(spec, &account);
    let amount = match &typed.amount {
        AmountField::Typed(text) => text
            .parse()
            .map_err(|error: light_client::data_format::AmountError| Problem::Amount(error.to_string()))?,
        AmountField::Everything => spendable,
    };
    if amount > spendable || spendable == Amount::ZERO {
        return Err(Problem::Balance { spendable });
    }
    let height = client.trusted().height;
    let valid_until = height.plus(valid_blocks(spec));
    let transfer = Transfer { sender, to, amount, memo: typed.memo.clone().into_bytes(), valid_until };
    let transaction = transfer.draft(spec, Some(&account), height.next()).map_err(|error| rule(&error))?;

    let facts = ReviewFacts {
        sender: Some(Fact { value: Some(account), proven_at: Some(height) }),
        next_height: Some(height.next()),
        ..ReviewFacts::default()
    };
    let review = wallet::review(&transaction.signed_bytes(client.chain()), spec, client.chain(), &facts)
        .map_err(|error| rule(&error))?;
    let paid = paid_from(client, &typed.from);
    let review = for_page(&review, height, client, &paid)?;
    Ok((transaction, review))
}

/// Problems of the transaction rules that a person can act on get a variant of their own.
pub(crate) fn rule(error: &TransactionError) -> Problem {
    Problem::Rule { code: error.code().to_owned(), words: error.to_string() }
}

/// What an account has to spend, and its next nonce: as proven, less its own open payments.
///
/// A payment that servers refuse is not counted, so the next one takes its nonce: of the two at most one can ever happen.
fn account_to_spend(
    client: &Client,
    signing: &[Transaction],
    address: &Address,
) -> Result<AccountView, Problem> {
    let proven = client.account(address).and_then(|account| account.proven()).ok_or(Problem::NotVerified)?;
    let Some(record) = &proven.record else {
        return Err(Problem::Balance { spendable: Amount::ZERO });
    };
    let network = client.spec().network;
    let is_open = |payment: &&TrackedPayment| {
        // One that is final is not in the account yet if that was proven before it.
        let is_final = matches!(payment.state, PaymentState::Final { .. });
        (is_final || !payment.is_settled()) && !matches!(payment.state, PaymentState::Refused { .. })
    };
    let is_own = |transaction: &&Transaction| {
        Address::of(&transaction.sender, network) == *address && transaction.nonce >= record.nonce
    };
    let payments = client.payments().map(|(_, payment)| payment).filter(is_open);
    let open = payments.map(|payment| &payment.signed.transaction).chain(signing);
    let open: Vec<&Transaction> = open.filter(is_own).collect();
    Ok(after_open(record.nonce, record.available(), &open))
}

/// Whether a draft is still the next payment of its account: another tab may have made one since, or one before it could not be stored.
pub(crate) fn is_next(transaction: &Transaction, client: &Client, signing: &[Transaction]) -> bool {
    let from = Address::of(&transaction.sender, client.spec().network);
    account_to_spend(client, signing, &from).is_ok_and(|account| account.nonce == transaction.nonce)
}

/// The first nonce that is free, and the balance that is left, after the `open` payments.
fn after_open(nonce: u64, balance: Amount, open: &[&Transaction]) -> AccountView {
    let is_taken = |nonce: &u64| open.iter().any(|transaction| transaction.nonce == *nonce);
    let nonce = (nonce..).find(|nonce| !is_taken(nonce)).unwrap_or(nonce);
    let spent: Option<Vec<Amount>> = open.iter().map(|transaction| transaction.committed()).collect();
    let balance =
        spent.and_then(Amount::sum).and_then(|spent| balance.checked_sub(spent)).unwrap_or(Amount::ZERO);
    AccountView { nonce, balance }
}

fn valid_blocks(spec: &light_client::data_format::ChainSpec) -> u64 {
    let tip = TIP_ROUNDS.saturating_mul(spec.engine.slot_count() as u64);
    tip.saturating_add(VALID_MS / u64::from(spec.engine.block_ms()).max(1))
}

/// All whom an account paid before, as far as its proven history is loaded, and whom it is about to pay.
fn paid_from(client: &Client, from: &Address) -> Vec<Address> {
    let network = client.spec().network;
    let history = client.account(from).map(|account| account.history());
    let sent = history.iter().flat_map(|history| {
        let sent = history.records().iter().filter(|record| record.kind == HistoryKind::Sent);
        sent.filter_map(|record| history.transaction(&record.transaction))
    });
    let payments = client.payments().map(|(_, payment)| &payment.signed.transaction);
    let own = payments.filter(|transaction| Address::of(&transaction.sender, network) == *from);
    sent.chain(own)
        .flat_map(|transaction| &transaction.calls)
        .filter_map(Call::transfer)
        .map(|(to, _)| to)
        .collect()
}

/// The rows of the review as the page takes them.
fn for_page(
    review: &wallet::Review,
    height: Height,
    client: &Client,
    paid: &[Address],
) -> Result<Review, Problem> {
    let value = |label| review.rows.iter().find(|row| row.label == label).map(|row| &row.value);
    let amount = |label| match value(label) {
        Some(Value::Amount(amount)) => Ok(*amount),
        _ => Err(Problem::NotVerified),
    };
    let address = |label| match value(label) {
        Some(Value::Address { address, .. }) => Ok(*address),
        _ => Err(Problem::NotVerified),
    };
    let to = address(Label::To)?;
    let valid_until = review.transaction.valid_until;
    let valid_ms =
        valid_until.0.saturating_sub(height.0).saturating_mul(client.spec().engine.block_ms().into());
    let to_self = review.cautions.contains(&Caution::ToSelf);
    Ok(Review {
        from: address(Label::From)?,
        to,
        amount: amount(Label::Amount)?,
        fee: amount(Label::Fee)?,
        keep: amount(Label::BalanceAfter)?,
        memo: value(Label::Memo).map(Value::to_string).unwrap_or_default(),
        valid_until,
        valid_seconds: u32::try_from(valid_ms / 1_000).unwrap_or(u32::MAX),
        first_payment: !to_self && !paid.contains(&to),
        looks_like: if paid.contains(&to) { None } else { similar(&to, paid) },
        to_self,
    })
}

fn similar(to: &Address, paid: &[Address]) -> Option<Address> {
    let text = to.to_string();
    paid.iter().find(|other| look_alike(&text, &other.to_string())).copied()
}

/// Whether two different addresses, as text, begin and end alike: four characters, of which two are all but fixed, and three. Half a million tries
/// make such an address; by chance one in some millions is.
fn look_alike(one: &str, other: &str) -> bool {
    fn ends(text: &str) -> Option<(&str, &str)> {
        Some((text.get(..4)?, text.get(text.len() - 3..)?))
    }
    one != other && ends(one) == ends(other)
}

#[cfg(test)]
mod tests {
    use light_client::crypto::{KeyPair, PublicKey};
    use light_client::data_format::{CoinCall, Network, UNITS_PER_COIN};
    use zeroize::Zeroizing;

    use super::*;

    fn key(number: u32) -> PublicKey {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&number.to_le_bytes());
        KeyPair::ed25519(&Zeroizing::new(seed)).public()
    }

    fn payment(nonce: u64, coins: u64) -> Transaction {
        let to = Address::of(&key(9), Network::Test);
        let amount = Amount(coins * UNITS_PER_COIN);
        Transaction {
            sender: key(1),
            nonce,
            fee: Amount(UNITS_PER_COIN / 10),
            valid_until: Height(100),
            calls: vec![Call::Coin(CoinCall::Transfer { to, amount })],
            memo: Vec::new(),
        }
    }

    #[test]
    fn open_payments_take_nonces_and_coins() {
        let balance = Amount(10 * UNITS_PER_COIN);
        assert_eq!(after_open(4, balance, &[]), AccountView { nonce: 4, balance });
        let (first, third) = (payment(4, 2), payment(6, 3));
        let left = Amount(10 * UNITS_PER_COIN - 5 * UNITS_PER_COIN - UNITS_PER_COIN / 5);
        assert_eq!(after_open(4, balance, &[&first, &third]), AccountView { nonce: 5, balance: left });
        let everything = payment(5, 100);
        assert_eq!(
            after_open(4, balance, &[&first, &everything]),
            AccountView { nonce: 6, balance: Amount::ZERO }
        );
    }

    #[test]
    fn addresses_that_begin_and_end_alike_are_noticed() {
        let paid = "AU6GsBinGPqW8zUuvmjgwpBNLfyyTU3p83Q";
        assert!(look_alike("AU6GqqBzPLMxmbHJ5cdGfhkW6dZkPkqp83Q", paid));
        assert!(!look_alike("AU6GqqBzPLMxmbHJ5cdGfhkW6dZkPkqp83R", paid));
        assert!(!look_alike("AU7GqqBzPLMxmbHJ5cdGfhkW6dZkPkqp83Q", paid));
        assert!(!look_alike(paid, paid));
    }
}
