//! What a page gets to see, as plain objects; `types.ts` describes them.

use light_client::{
    client::{
        AccountState, Client, Event, Fork, Health, Method, PaymentState, Proven, ProvenPayment, Request,
        Server, Standing, Sync, TrackedPayment, Trusted, standing,
    },
    data_format::{Address, Amount, BlockId, Call, Height, Slot, Status, Time, Transaction, TransactionId},
    state::HistoryRecord,
};
use wasm_bindgen::JsValue;

use crate::plain::{Plain, big, bytes, list, maybe, number, signed, text, word};

pub(crate) fn request(request: Request) -> JsValue {
    let (method, body) = match request.method {
        Method::Get => ("GET", JsValue::UNDEFINED),
        Method::Post => ("POST", bytes(&request.body)),
    };
    Plain::new()
        .with("id", number(request.id.0))
        .with("server", number(request.server as u64))
        .with("method", word(method))
        .with("url", word(&request.url))
        .with("body", body)
        .with("timeoutMs", number(request.timeout_ms))
        .with("maxBytes", number(request.max_bytes as u64))
        .done()
}

pub(crate) fn event(event: Event) -> JsValue {
    let (kind, name, value) = match event {
        Event::Final(height) => ("final", "height", number(height.0)),
        Event::Account(address) => ("account", "address", text(&address)),
        Event::Payment(id) => ("payment", "id", text(&id)),
        Event::Server(server) => ("server", "server", number(server as u64)),
        Event::Fork => ("fork", "", JsValue::UNDEFINED),
    };
    Plain::new().with("kind", word(kind)).with(name, value).done()
}

pub(crate) fn sync(client: &Client, sync: Sync) -> JsValue {
    let (state, server) = match sync {
        Sync::Connecting => ("connecting", None),
        Sync::Verified => ("verified", None),
        Sync::Stale { .. } => ("stale", None),
        Sync::OtherChain { server } => ("other_chain", Some(server)),
        Sync::Lying { server } => ("lying", Some(server)),
        Sync::TrustExpired => ("expired", None),
        Sync::Agreed => ("agreed", None),
        Sync::Forked => ("forked", None),
    };
    let names = |names: &[String; 2]| list(names.iter().map(|name| word(name)));
    let branches = |fork: &Fork| names(&[&fork.one, &fork.other].map(|branch| branch.server.clone()));
    let (signed, of) = client.signatures().unzip();
    let trusted = client.trusted();
    Plain::new()
        .with("state", word(state))
        .with("server", maybe(server, |server| number(server as u64)))
        .with("operators", maybe(client.agreed(), |agreed| names(&agreed.operators)))
        .with("branches", maybe(client.fork(), branches))
        .with("block", block(client, &trusted.id, trusted.height, trusted.slot))
        .with("signatures", maybe(signed, |signed| number(signed.into())))
        .with("signers", maybe(of, |of| number(of.into())))
        .with("provenMs", maybe(client.proven_at(), |at| number(at.0)))
        .done()
}

pub(crate) fn server(server: &Server) -> JsValue {
    let (health, name, value) = match server.health() {
        Health::Unknown => ("unknown", "", JsValue::UNDEFINED),
        Health::Good => ("good", "", JsValue::UNDEFINED),
        Health::Unreachable { retry_at } => ("unreachable", "retryMs", number(retry_at.0)),
        Health::OtherChain { found, .. } => ("other_chain", "found", word(found)),
        Health::Lying { lie } => ("lying", "lie", word(lie)),
    };
    Plain::new()
        .with("url", word(server.url()))
        .with("health", word(health))
        .with(name, value)
        .with("height", maybe(server.height(), |height| number(height.0)))
        .done()
}

pub(crate) fn account(client: &Client, address: &Address, account: &AccountState, now: Time) -> JsValue {
    let trust = match account.proven().map(|proven| standing(client, proven, now)) {
        None => "unknown",
        Some(Standing::Verified) => "verified",
        Some(Standing::Agreed) => "agreed",
        Some(Standing::Stale) => "stale",
        Some(Standing::Expired) => "expired",
    };
    let history = account.history();
    let records = history.records().iter().rev();
    let record = |record| self::record(client, record, history.transaction(&record.transaction));
    Plain::new()
        .with("address", text(address))
        .with("trust", word(trust))
        .with("proven", maybe(account.proven(), |proven| self::proven(client, proven)))
        .with("history", list(records.map(record)))
        .with("historyComplete", JsValue::from_bool(account.proven().is_some() && history.is_complete()))
        .done()
}

fn proven(client: &Client, proven: &Proven) -> JsValue {
    let record = proven.record.unwrap_or_default();
    Plain::new()
        .with("exists", JsValue::from_bool(proven.record.is_some()))
        .with("balance", big(record.balance.units()))
        .with("leasedOut", big(record.leased_out.units()))
        .with("leasedIn", big(record.leased_in.units()))
        .with("nonce", number(record.nonce))
        .with("historyCount", number(record.history_count))
        .with("block", block(client, &proven.id, proven.height, proven.slot))
        .with("provenMs", number(proven.at.0))
        .with("proofBytes", number(proven.bytes.into()))
        .with("proofSteps", number(proven.steps.into()))
        .with("server", number(proven.server.into()))
        .done()
}

fn record(client: &Client, record: &HistoryRecord, transaction: Option<&Transaction>) -> JsValue {
    Plain::new()
        .with("index", number(record.index))
        .with("height", number(record.height.0))
        .with("timeMs", number(client.verifier().time_of(record.slot).0))
        .with("id", text(&record.transaction))
        .with("kind", word(record.kind.word()))
        .with("asset", word(record.asset.word()))
        .with("delta", signed(record.delta))
        .with("transaction", maybe(transaction, |signed| self::transaction(client, signed)))
        .done()
}

pub(crate) fn payment(client: &Client, id: &TransactionId, payment: &TrackedPayment) -> JsValue {
    let view = Plain::new()
        .with("id", text(id))
        .with("transaction", transaction(client, &payment.signed.transaction))
        .with("settled", JsValue::from_bool(payment.is_settled()))
        .with("sinceMs", number(payment.since.0))
        .with("takenMs", maybe(payment.taken_at, |at| number(at.0)));
    let time_of = |slot: Slot| number(client.verifier().time_of(slot).0);
    match &payment.state {
        PaymentState::Signed => view.with("state", word("signed")),
        PaymentState::Submitted => view.with("state", word("submitted")),
        PaymentState::Refused { code, words } => {
            view.with("state", word("refused")).with("code", word(code)).with("words", word(words))
        }
        PaymentState::InBlock { height, slot, .. } => view
            .with("state", word("in_block"))
            .with("height", number(height.0))
            .with("timeMs", time_of(*slot)),
        PaymentState::Final { height, slot, succeeded } => view
            .with("state", word("final"))
            .with("height", number(height.0))
            .with("timeMs", time_of(*slot))
            .with("succeeded", JsValue::from_bool(*succeeded)),
        PaymentState::Expired => view.with("state", word("expired")),
        PaymentState::Replaced => view.with("state", word("replaced")),
    }
    .done()
}

pub(crate) fn receipt(client: &Client, from: &Trusted, payment: &ProvenPayment, now: Time) -> JsValue {
    let made = client.verifier().time_of(from.slot);
    let expired = now.ms_since(made) > client.spec().trusting_period_ms;
    Plain::new()
        .with("id", text(&payment.id))
        .with("transaction", transaction(client, &payment.transaction))
        .with("succeeded", JsValue::from_bool(payment.succeeded()))
        .with("status", word(status(payment.outcome.status)))
        .with("fee", big(payment.outcome.fee.units()))
        .with("block", block(client, &payment.block.id, payment.block.height, payment.block.slot))
        .with("trust", word(if expired { "expired" } else { "verified" }))
        .with("from", block(client, &from.id, from.height, from.slot))
        .done()
}

/// What was signed.
fn transaction(client: &Client, transaction: &Transaction) -> JsValue {
    let transfer = |(to, amount): (Address, Amount)| {
        Plain::new().with("to", text(&to)).with("amount", big(amount.units())).done()
    };
    let transfers = transaction.calls.iter().filter_map(Call::transfer);
    let others = transaction.calls.len() - transfers.clone().count();
    Plain::new()
        .with("sender", text(&Address::of(&transaction.sender, client.spec().network)))
        .with("nonce", number(transaction.nonce))
        .with("fee", big(transaction.fee.units()))
        .with("validUntil", number(transaction.valid_until.0))
        .with("transfers", list(transfers.map(transfer)))
        .with("otherCalls", number(others as u64))
        .with("memo", bytes(&transaction.memo))
        .done()
}

fn block(client: &Client, id: &BlockId, height: Height, slot: Slot) -> JsValue {
    Plain::new()
        .with("id", text(id))
        .with("height", number(height.0))
        .with("timeMs", number(client.verifier().time_of(slot).0))
        .done()
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Success => "success",
        Status::InsufficientBalance => "insufficient_balance",
        Status::Overflow => "overflow",
        Status::InsufficientLease => "insufficient_lease",
        Status::NothingToClaim => "nothing_to_claim",
        Status::NotAHolder => "not_a_holder",
        Status::AlreadyHolder => "already_holder",
        Status::RequestWaiting => "request_waiting",
        Status::MintingKeyTaken => "minting_key_taken",
        Status::StaleCheckpoint => "stale_checkpoint",
        Status::SlotNotWon => "slot_not_won",
        Status::TooSoon => "too_soon",
        Status::UnknownMintingKey => "unknown_minting_key",
        Status::UntimelyEvidence => "untimely_evidence",
        Status::Banned => "banned",
    }
}

#[cfg(test)]
mod tests {
    use light_client::{
        data_format::{DecodeError, codec},
        state::{Asset, HistoryKind},
    };

    use super::*;

    #[test]
    fn the_types_name_every_word_of_a_record() {
        let kinds = (0..=u8::MAX).map_while(|tag| codec::decode::<HistoryKind>(&[tag], 1).ok());
        let assets = (0..=u8::MAX).map_while(|tag| codec::decode::<Asset>(&[tag], 1).ok());
        let words: Vec<&str> = kinds.map(HistoryKind::word).chain(assets.map(Asset::word)).collect();
        assert!(words.len() > 10, "{words:?}");
        for word in words {
            assert!(include_str!("types.ts").contains(&format!("\"{word}\"")), "{word}");
        }
    }

    #[test]
    fn the_words_for_a_status_are_those_of_the_api() {
        let statuses: Vec<Status> = (0..=u8::MAX).map_while(|tag| codec::decode(&[tag], 1).ok()).collect();
        assert!(statuses.len() > 10, "{statuses:?}");
        for one in statuses {
            assert_eq!(serde_json::to_value(one).unwrap(), status(one));
        }
        let none: Result<Status, DecodeError> = codec::decode(&[u8::MAX], 1);
        assert!(none.is_err());
    }
}
