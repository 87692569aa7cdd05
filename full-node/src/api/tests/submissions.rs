//! Every reason to refuse a transaction has its own code.

use light_client::{
    data_format::{MAX_TRANSACTION_BYTES, Network},
    transaction::MAX_SUBMISSION_BYTES,
};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_broken_rule_has_its_code() {
    let server = Server::start().await;
    let key = server.funded(0);
    let spoil = |change: &dyn Fn(&mut Transaction)| {
        let mut transaction = server.transfer(&key, 0, 5);
        change(&mut transaction);
        server.sign(transaction, &key)
    };
    let stranger = KeyPair::ed25519(&zeroize::Zeroizing::new([42; 32]));
    let main_net = Address::of(&stranger.public(), Network::Main);
    let transfer_to = |to, units| vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(units) })];

    let cases = [
        (spoil(&|t| t.fee = Amount(t.fee.units() - 1)), 422, "fee_too_low"),
        (spoil(&|t| t.calls.clear()), 422, "call_count"),
        (spoil(&|t| t.calls = transfer_to(server.address(&stranger), 0)), 422, "zero_amount"),
        (spoil(&|t| t.calls = transfer_to(main_net, 1)), 422, "recipient_network"),
        (spoil(&|t| t.calls = transfer_to(server.address(&stranger), u64::MAX)), 422, "total_too_large"),
        (
            spoil(&|t| t.calls = transfer_to(server.address(&stranger), 2_000_000_000_000_000)),
            422,
            "overspend",
        ),
        (spoil(&|t| t.fee = Amount(2_000_000_000_000_000)), 422, "fee_not_covered"),
        (spoil(&|t| t.valid_until = Height(0)), 422, "expired"),
        (spoil(&|t| t.nonce = 1_000_000), 409, "nonce_gap"),
        (server.sign(server.transfer(&stranger, 0, 5), &stranger), 422, "unknown_account"),
        (server.sign(server.transfer(&key, 0, 5), &stranger), 422, "bad_signature"),
        (server.transfer(&key, 0, 5).sign(&light_client::crypto::Hash::ZERO, &key), 422, "bad_signature"),
    ];
    for (signed, status, code) in &cases {
        let problem = server.submit(signed).await.is_problem(*status, code);
        let rule = problem["rule"].as_str().unwrap();
        assert!(rule.starts_with("TX-") || rule.starts_with("COIN-"), "{rule}");
    }
    let low = server.submit(&cases[0].0).await.json();
    assert_eq!(
        (&low["minimum"], &low["fee"]),
        (&"10000000".into(), &"9999999".into()),
        "numbers for programs"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_chain_is_told_apart_from_a_bad_signature() {
    let server = Server::start().await;
    let key = server.funded(0);
    let other = light_client::crypto::Hash::ZERO;
    let signed = server.transfer(&key, 0, 5).sign(&other, &key);
    let bytes = Submission { chain: other, signed }.encode();
    let problem = server.post("/v1/transactions", "application/octet-stream", bytes).await;
    let problem = problem.is_problem(409, "other_chain");
    assert_eq!(problem["expected"], server.node.chain().to_string());
    assert_eq!(problem["found"], other.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_is_refused_and_a_repetition_is_not() {
    let server = Server::start().await;
    let key = server.funded(1);
    let signed = server.sign(server.transfer(&key, 0, 5), &key);
    assert_eq!(server.submit(&signed).await.status, StatusCode::ACCEPTED);
    assert_eq!(server.submit(&signed).await.status, StatusCode::ACCEPTED, "the same once more is fine");
    let mut events = server.node.subscribe();
    while server.node.account(server.address(&key)).await.unwrap().nonce == 0 {
        events.recv().await.unwrap();
    }
    let used = server.sign(server.transfer(&key, 0, 6), &key);
    let problem = server.submit(&used).await.is_problem(409, "nonce_used");
    assert_eq!((&problem["found"], &problem["expected"]), (&0.into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_off_padded_or_oversized_is_refused() {
    let server = Server::start().await;
    let key = server.funded(0);
    let signed = server.sign(server.transfer(&key, 0, 5), &key);
    let whole = Submission { chain: server.node.chain(), signed }.encode();
    let post =
        async |bytes: Vec<u8>| server.post("/v1/transactions", "application/octet-stream", bytes).await;
    for length in [0, 1, 31, 32, 33, whole.len() / 2, whole.len() - 1] {
        post(whole[..length].to_vec()).await.is_problem(400, "malformed_transaction");
    }
    let padded = [whole.clone(), vec![0]].concat();
    post(padded).await.is_problem(400, "malformed_transaction");
    post(vec![0xff; MAX_TRANSACTION_BYTES]).await.is_problem(400, "malformed_transaction");
    let problem = post(vec![0; MAX_SUBMISSION_BYTES + 1]).await.is_problem(413, "transaction_too_large");
    assert_eq!(problem["limit"], MAX_SUBMISSION_BYTES);
    post(vec![0; 10 << 20]).await.is_problem(413, "transaction_too_large");
    let announced = Request::post("/v1/transactions")
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, "18446744073709551615");
    let answer = server.send(announced.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.is_problem(413, "transaction_too_large")["found"], u64::MAX, "refused unread");
    let accepted = post(whole).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "and the whole one is taken: {}", accepted.text());
}
