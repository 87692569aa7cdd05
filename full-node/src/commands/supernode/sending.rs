use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    thread,
    time::Duration,
};

use full_node::{api::send as send_bytes, config::Failure};
use light_client::{
    crypto::{Hash, KeyPair},
    data_format::{Address, Call, ChainSpec, Height, LeaseCall, Transaction},
    transaction::{AccountView, Submission},
    wallet::{Caution, Fact, Review, ReviewFacts, review},
};
use serde::Deserialize;

use super::{
    Sending,
    facts::{self, Facts},
};
use crate::commands::say;

/// For how long a transaction may be included: ten minutes, and some blocks at least.
const VALID_MS: u64 = 600_000;
const VALID_BLOCKS: u64 = 20;
/// How often the node is asked what became of it.
const POLL: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Accepted {
    id: Hash,
}

/// Shows what a call does, asks, signs, sends, and waits until it is final. `call` is made twice: to be read, and anew to be
/// signed, because a minting key's word is about the present.
pub(super) fn send(sending: &Sending, call: impl Fn(&Facts) -> Result<Call, Failure>) -> Result<(), Failure> {
    let url = sending.target.url()?;
    let (spec, chain) = facts::chain(&url)?;
    let key = sending.owner.key()?;
    let address = Address::of(&key.public(), spec.network);
    let facts = Facts::ask(&url, spec, chain, address)?;
    let draft = transaction(&facts, &key, call(&facts)?)?;
    let known = known(&facts, &draft.calls)?;
    let review = reviewed(&facts, &draft, &known)?;
    say(&printed(&review));
    if let Some(Caution::WouldFail(error)) =
        review.cautions.iter().find(|caution| matches!(caution, Caution::WouldFail(_)))
    {
        return Err(Failure::transaction(
            format!("nothing was sent, because it would not go through: {error}"),
            "check the account, and the node's: vsys-node supernode status ADDRESS",
        ));
    }
    if !sending.yes && !confirmed()? {
        return Err(Failure::transaction("nothing was signed or sent", ""));
    }
    let last = Transaction { calls: vec![call(&facts)?], ..draft };
    reviewed(&facts, &last, &known)?;
    let valid_until = last.valid_until;
    let submission = Submission { chain, signed: last.sign(&chain, &key) };
    let Accepted { id } = send_bytes(&url, "/v1/transactions", &submission.encode())?;
    say(&format!("Sent: {id}"));
    follow(&url, &id, valid_until)
}

fn transaction(facts: &Facts, key: &KeyPair, call: Call) -> Result<Transaction, Failure> {
    let calls = vec![call];
    let fee = facts.spec.minimum_fee(&calls).ok_or_else(|| {
        Failure::transaction("the chain asks for a fee that cannot exist", "ask a node of your own")
    })?;
    let blocks = (VALID_MS / u64::from(block_ms(&facts.spec))).max(VALID_BLOCKS);
    let valid_until = facts.height.plus(blocks);
    Ok(Transaction { sender: key.public(), nonce: facts.nonce, fee, valid_until, calls, memo: Vec::new() })
}

fn block_ms(spec: &ChainSpec) -> u32 {
    spec.engine.block_ms().max(1)
}

/// What the node says of the accounts that the calls concern.
fn known(facts: &Facts, calls: &[Call]) -> Result<ReviewFacts, Failure> {
    let account = facts.exists.then_some(AccountView { nonce: facts.nonce, balance: facts.available });
    let mut holders = BTreeMap::new();
    for call in calls {
        if let Call::Lease(LeaseCall::Lease { to, .. }) = call {
            holders.insert(*to, Fact { value: facts.holds_slot(to)?, proven_at: None });
        }
    }
    Ok(ReviewFacts {
        sender: Some(Fact { value: account, proven_at: None }),
        holders,
        next_height: Some(facts.height.next()),
        ..ReviewFacts::default()
    })
}

fn reviewed(facts: &Facts, transaction: &Transaction, known: &ReviewFacts) -> Result<Review, Failure> {
    review(&transaction.signed_bytes(&facts.chain), &facts.spec, &facts.chain, known).map_err(|error| {
        Failure::transaction(
            format!("no node would take this transaction: {error}"),
            "change what you asked for, or see vsys-node supernode --help",
        )
    })
}

/// The rows that wallets show, and what to point out.
fn printed(review: &Review) -> String {
    let width = review.rows.iter().map(|row| row.label.english().len()).max().unwrap_or_default();
    let mut text = String::from("To be signed:\n");
    for row in &review.rows {
        text += &format!("  {:<width$}  {}  ({})\n", row.label.english(), row.value, row.trust);
    }
    for caution in &review.cautions {
        text += &format!("  Note: {caution}\n");
        if matches!(caution, Caution::HoldsNoSlot { .. }) {
            text += "        See who holds one with: vsys-node supernode status\n";
        }
    }
    text
}

fn confirmed() -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::transaction(
            "nothing was sent: nobody is there to confirm it",
            "start it in a terminal, or say --yes",
        ));
    }
    let mut answer = String::new();
    // A closed terminal says no.
    let asked = write!(io::stdout(), "Sign and send? [y/N] ").and_then(|()| io::stdout().flush());
    let read = asked.and_then(|()| io::stdin().read_line(&mut answer));
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Waits until nothing can happen to it any more. It is sent: whoever stops this changes nothing.
fn follow(api: &str, id: &Hash, valid_until: Height) -> Result<(), Failure> {
    let mut shown = String::new();
    let mut unknown = 0;
    loop {
        let Some(answer) = facts::transaction(api, id)? else {
            unknown += 1;
            if unknown > 10 {
                return Err(Failure::transaction(
                    format!(
                        "the node does not know the transaction {id} any more: it can no longer be included"
                    ),
                    format!("it was valid until block {valid_until}; send it again"),
                ));
            }
            thread::sleep(POLL);
            continue;
        };
        unknown = 0;
        let text = match (&answer.block, answer.state.as_str()) {
            (Some(place), _) if answer.is_final => format!("Final, in block {}.", place.height),
            (Some(place), _) => format!("In block {}; waiting until it is final …", place.height),
            (None, _) => "Waiting for a block …".to_owned(),
        };
        if text != shown {
            say(&text);
            shown = text;
        }
        if answer.is_final {
            let status = answer.outcome.map_or_else(String::new, |outcome| outcome.status);
            return outcome(&status);
        }
        thread::sleep(POLL);
    }
}

fn outcome(status: &str) -> Result<(), Failure> {
    let (why, advice) = match status {
        "success" => return Ok(()),
        "slot_not_won" => (
            "the slot's holder has at least as great a minting average, or your coins without the contend fee are \
             below the minimum",
            "compare averages with: vsys-node supernode status; they grow with time and with leases",
        ),
        "stale_checkpoint" => {
            ("the minting key's word came too late", "try again: the node may be slow or behind")
        }
        "already_holder" => {
            ("this account holds a slot already, or is about to", "release it first to take another")
        }
        "not_a_holder" => ("this account holds no slot", "see who does with: vsys-node supernode status"),
        "request_waiting" => ("a request of this kind waits already", "wait for its turn"),
        "minting_key_taken" => {
            ("this minting key serves another account", "make one with: vsys-node keys --out FILE")
        }
        "too_soon" => ("the minting key was changed less than a day ago", "try again tomorrow"),
        "banned" => (
            "this account is banned, because its minting key signed what excludes each other",
            "see until when with: vsys-node supernode status ADDRESS",
        ),
        "untimely_evidence" => ("this was punished already, or its round has not begun", "nothing is to do"),
        "unknown_minting_key" => ("this minting key never served anybody", "nothing is to do"),
        "nothing_to_claim" => (
            "nothing has been earned since the last payment, or another address claims it",
            "see it with: vsys-node supernode status ADDRESS",
        ),
        "insufficient_balance" => (
            "the account has not enough coins that it can spend; who contends needs the contend fee too",
            "check its balance",
        ),
        "insufficient_lease" => ("less than that is leased there", "check the lease"),
        _ => ("the chain refused it", "see /v1/transactions of the node for its status"),
    };
    Err(Failure::transaction(format!("it had no effect, and the fee is paid: {why} ({status})"), advice))
}
