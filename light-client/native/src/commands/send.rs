//! `vsys-light send`: pays, and follows the payment until it is final.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use clap::Args;
use light_client::{
    client::{Client, Grade, PaymentState, TrackedPayment},
    crypto::KeyPair,
    data_format::{Address, Amount, SignedTransaction, Transaction, TransactionId},
    transaction::{AccountView, Transfer},
    wallet::{Fact, Review, ReviewFacts, review},
};
use light_native::next_account;
use serde::Serialize;

use super::{
    Failure, Options,
    owner::Owner,
    say, say_json,
    session::{Keep, Session},
    tell, words,
};

/// For how long a payment may be included: ten minutes, and some blocks at least.
const VALID_MS: u64 = 600_000;
const VALID_BLOCKS: u64 = 20;
/// How long a server's refusal stands before it is believed that no other takes the payment.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// `vsys-light send`.
#[derive(Debug, Args)]
#[command(after_help = "\
Proves both accounts, shows what will be signed, asks, stores the payment, sends it, and follows it. One server gets it,
and all of them if that one does not bring it into a block.
Whoever stops it after that changes nothing: the next vsys-light sync says what became of it.

Examples:
  vsys-light send ADDRESS 12.5 --phrase
  vsys-light send ADDRESS 0.1 --memo rent --key owner.key --yes --json")]
pub(crate) struct Send {
    /// Who receives
    to: Address,
    /// How much, in VSYS
    amount: Amount,
    /// A public note, at most 140 bytes
    #[arg(long, value_name = "TEXT", default_value = "")]
    memo: String,
    #[command(flatten)]
    owner: Owner,
    /// Sign and send without asking
    #[arg(long)]
    yes: bool,
}

/// What became of a payment.
#[derive(Serialize)]
struct Report {
    transaction: TransactionId,
    /// `final`, `failed`, `expired` or `replaced`.
    state: &'static str,
    /// The final block that it is in.
    height: Option<u64>,
    from: Address,
    to: Address,
    amount: Amount,
    fee: Amount,
}

/// Pays.
pub(crate) async fn run(options: &Options, send: &Send) -> Result<(), Failure> {
    let mut session = Session::open(options, Some(&[send.to]), Keep::Always)?;
    let key = send.owner.key()?;
    let from = Address::of(&key.public(), session.client().spec().network);
    session.change(|client, now| client.watch(from, now))?;
    let both = [from, send.to];
    session
        .wait("both accounts", |_, _| (), |session, now| session.all_proven(&both, now).then_some(()))
        .await?;
    let signed = prepare(session.client(), send, &key, from)?;
    let fee = signed.transaction.fee;
    let id = session.driver().submit(signed)?;
    tell(&format!("Sent: {id}"));
    session.listen();
    let payment = follow(&mut session, &id, Duration::from_secs(options.timeout)).await?;
    let (state, words) = words::payment(&payment);
    let height = if let PaymentState::Final { height, .. } = payment.state { Some(height.0) } else { None };
    let report = Report { transaction: id, state, height, from, to: send.to, amount: send.amount, fee };
    let said = if options.json { say_json(&report) } else { say(&format!("{id}: {words}.")) };
    said.map_err(|error| Failure::output(&error))?;
    match payment.state {
        PaymentState::Final { succeeded: true, .. } => Ok(()),
        _ => Err(Failure::failed(
            format!("the payment {id} did not happen: {words}"),
            "check the account and pay again",
        )),
    }
}

/// Drafts, shows, asks, signs.
fn prepare(client: &Client, send: &Send, key: &KeyPair, from: Address) -> Result<SignedTransaction, Failure> {
    if client.grade() == Grade::Agreed {
        return Err(Failure::agreed(client));
    }
    let (spec, chain) = (client.spec(), client.chain());
    let unproven = || Failure::failed(format!("nothing is proven of {from}"), "try again");
    let (account, height) = next_account(client, &from).ok_or_else(unproven)?;
    let blocks = (VALID_MS / client.verifier().engine().block_interval_ms().max(1)).max(VALID_BLOCKS);
    let transfer = Transfer {
        sender: key.public(),
        to: send.to,
        amount: send.amount,
        memo: send.memo.as_bytes().to_vec(),
        valid_until: height.plus(blocks),
    };
    let refused = |error: light_client::transaction::TransactionError| {
        Failure::failed(
            format!("nothing was sent, because it would not go through: {error}"),
            format!("see what the account has with: vsys-light balance {from}"),
        )
    };
    let transaction = transfer.draft(spec, account.as_ref(), height.next()).map_err(refused)?;
    let facts = facts(client, send.to, account);
    let review = review(&transaction.signed_bytes(chain), spec, chain, &facts).map_err(refused)?;
    tell(&printed(&review));
    if !send.yes && !confirmed()? {
        return Err(Failure::failed("nothing was signed or sent", ""));
    }
    Ok(Transaction::sign(transaction, chain, key))
}

/// What is proven of both sides.
fn facts(client: &Client, to: Address, account: Option<AccountView>) -> ReviewFacts {
    let proven = |address: &Address| client.account(address).and_then(|account| account.proven());
    let recipient = proven(&to)
        .map(|proven| (to, Fact { value: proven.record.is_some(), proven_at: Some(proven.height) }));
    let height = client.trusted().height;
    ReviewFacts {
        sender: Some(Fact { value: account, proven_at: Some(height) }),
        recipients: recipient.into_iter().collect(),
        holders: BTreeMap::new(),
        names: BTreeMap::new(),
        next_height: Some(height.next()),
    }
}

/// The rows that wallets show, and what to point out.
fn printed(review: &Review) -> String {
    let width = review.rows.iter().map(|row| row.label.english().len()).max().unwrap_or_default();
    let mut text = String::from("To be signed:");
    for row in &review.rows {
        text += &format!("\n  {:<width$}  {}  ({})", row.label.english(), row.value, row.trust);
    }
    for caution in &review.cautions {
        text += &format!("\n  Note: {caution}");
    }
    text
}

fn confirmed() -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::failed(
            "nothing was sent: nobody is there to confirm it",
            "start it in a terminal, or say --yes",
        ));
    }
    let mut answer = String::new();
    // A closed terminal says no.
    let asked = write!(io::stderr(), "Sign and send? [y/N] ").and_then(|()| io::stderr().flush());
    let read = asked.and_then(|()| io::stdin().read_line(&mut answer));
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Waits until nothing can happen to it any more.
async fn follow(
    session: &mut Session,
    id: &TransactionId,
    timeout: Duration,
) -> Result<TrackedPayment, Failure> {
    let advice = format!("payment {id} is sent and may still happen: vsys-light sync says what became of it");
    let (mut refused, mut heard, mut proven_at) = (None, Instant::now(), None);
    loop {
        let Some(payment) = session.client().payment(id).cloned() else {
            return Err(Failure::failed(format!("the payment {id} is not followed any more"), advice));
        };
        if payment.is_settled() {
            return Ok(payment);
        }
        match &payment.state {
            PaymentState::Refused { .. } => {
                let since = *refused.get_or_insert_with(Instant::now);
                if since.elapsed() >= REFUSAL_PATIENCE {
                    return Err(Failure::failed(words::payment(&payment).1, advice));
                }
            }
            _ => refused = None,
        }
        if session.client().proven_at() != proven_at {
            (heard, proven_at) = (Instant::now(), session.client().proven_at());
        }
        let now = session.now()?;
        let silent = heard.elapsed();
        // Servers that are gone for a while may come back: it is sent, and nothing is lost by waiting.
        if let Some(failure) = session.trouble(now, if silent < timeout { Duration::ZERO } else { silent }) {
            session.say_aside(&format!("The {advice}"));
            return Err(failure);
        }
        session.step(LOOK_AGAIN).await?;
    }
}
