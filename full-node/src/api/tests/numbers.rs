//! Fault 8 of the existing V.Systems network: JavaScript rounds numbers beyond 2^53. Here amounts are strings of units, and
//! what is a number stays below.

use std::collections::BTreeSet;

use light_client::data_format::{LeaseCall, Network};
use serde_json::json;

use super::{proofs::over, *};
use crate::{config::faucet_key, tests::harness::Harness};

/// From here on a number of JavaScript may not be the one that was written.
const ROUNDED: u64 = 1 << 53;

/// What is said in numbers: places on the chain, counts, shares, and times in milliseconds. No amount is among them.
const NUMBERS: [&str; 33] = [
    "addresses",
    "average_window",
    "ban_rounds",
    "banned_until",
    "bans",
    "blocks_minted",
    "bytes",
    "commission",
    "events",
    "final_height",
    "genesis_commission",
    "genesis_time",
    "head",
    "height",
    "history_count",
    "idle_rounds",
    "index",
    "min_filled",
    "next_nonce",
    "nonce",
    "peers",
    "planned",
    "retry_after_s",
    "round",
    "slot",
    "slot_ms",
    "slots",
    "status",
    "time_ms",
    "transactions",
    "trusting_period_ms",
    "undone",
    "votes_cast",
];

/// The values of an answer that are neither lists nor objects, with what they are called.
fn leaves<'a>(name: &'a str, value: &'a Value) -> Vec<(&'a str, &'a Value)> {
    match value {
        Value::Array(values) => values.iter().flat_map(|value| leaves(name, value)).collect(),
        Value::Object(members) => members.iter().flat_map(|(name, value)| leaves(name, value)).collect(),
        leaf => vec![(name, leaf)],
    }
}

/// Each number of an answer that is none of [`NUMBERS`], or that JavaScript may round.
pub(super) fn faults(answer: &Value) -> Vec<String> {
    let is_right = |name: &str, number: &Value| {
        NUMBERS.contains(&name) && number.as_u64().is_some_and(|number| number < ROUNDED)
    };
    let numbers = leaves("", answer).into_iter().filter(|(_, value)| value.is_number());
    let wrong = numbers.filter(|(name, number)| !is_right(name, number));
    wrong.map(|(name, number)| format!("{name} is the number {number}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_08_no_number_of_an_answer_is_rounded() {
    let faucet = Address::of(&faucet_key().public(), Network::Test);
    let (harness, paid) = tokio::task::spawn_blocking(move || {
        let mut harness = Harness::new();
        let paid = harness.pay(0, faucet, 1);
        let lease = Call::Lease(LeaseCall::Lease { to: harness.address(1), amount: Amount(7) });
        harness.node.submit_now(&harness.signed(2, 0, vec![lease])).unwrap();
        harness.steps(20);
        (harness, paid)
    })
    .await
    .unwrap();
    let server = over(&harness);
    let balance = harness.record(&faucet).balance.units();
    assert!(balance > ROUNDED && balance % 2 == 1, "{balance} is no number of JavaScript");

    let mut answers = Vec::new();
    for path in [
        "/chain.json",
        "/v1/blocks/1",
        "/v1/blocks/99999",
        "/v1/chain",
        "/v1/chains",
        "/v1/evidence",
        "/v1/peers",
        "/v1/problems",
        "/v1/status",
        "/v1/supernodes",
        &format!("/v1/accounts/{faucet}"),
        &format!("/v1/accounts/{}", harness.address(1)),
        &format!("/v1/accounts/{}", harness.address(2)),
        &format!("/v1/transactions/{paid}"),
    ] {
        answers.push((path.to_owned(), server.get(path).await.json()));
    }
    let wish = json!({ "address": harness.address(0).to_string() }).to_string();
    answers.push(("faucet".to_owned(), server.post_json("/v1/faucet", wish).await.json()));
    let key = server.funded(1);
    let dear = server.transfer(&key, 0, balance);
    let cheap = Transaction { fee: Amount(1), ..server.transfer(&key, 0, 5) };
    for refused in [dear, cheap] {
        let answer = server.submit(&server.sign(refused, &key)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        answers.push(("refused".to_owned(), answer.json()));
    }
    for (path, answer) in &answers {
        assert_eq!(faults(answer), Vec::<String>::new(), "{path}: {answer}");
    }

    let all = answers.iter().flat_map(|(_, answer)| leaves("", answer));
    let is_digits = |value: &Value| value.as_str().is_some_and(|text| text.parse::<u64>().is_ok());
    let found: BTreeSet<&str> = all.filter(|(_, value)| is_digits(value)).map(|(name, _)| name).collect();
    for name in [
        "amount",
        "available",
        "balance",
        "block_reward",
        "contend_fee",
        "contend_minimum",
        "effective",
        "fee",
        "lease",
        "leased_in",
        "leased_out",
        "minimum",
        "minting_average",
        "needed",
        "pool",
        "transfer",
        "unclaimed",
    ] {
        assert!(found.contains(name), "{name} is no string of digits in any answer: {found:?}");
    }
    let (_, rich) = answers.iter().find(|(path, _)| path.ends_with(&faucet.to_string())).unwrap();
    assert_eq!(rich["balance"], balance.to_string(), "to the last unit");
}

#[test]
fn an_amount_that_is_a_number_is_found_and_so_is_a_number_that_is_rounded() {
    let right = json!({ "height": ROUNDED - 1, "fee": "9007199254740993" });
    assert_eq!(faults(&right), Vec::<String>::new());
    for wrong in [
        json!({ "fee": 1 }),
        json!({ "height": ROUNDED }),
        json!([{ "time_ms": 1_790_000_000_000_000_000_u64 }]),
        json!({ "block": { "height": 1.5 } }),
        json!({ "height": -1 }),
    ] {
        assert_eq!(faults(&wrong).len(), 1, "{wrong}");
    }
}
