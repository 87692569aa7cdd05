//! What a node refuses over a real socket, each with a stable code of its own.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use integration_tests::{Api, FastChain, NodeProcess, audit, key_of};
use light_client::{
    crypto::Hash,
    data_format::{Amount, Call, CoinCall, Height, UNITS_PER_COIN},
    test_support::chain::test_address,
    transaction::{MAX_SUBMISSION_BYTES, RULES, Submission},
};

const COIN: u64 = UNITS_PER_COIN;

#[test]
fn each_refusal_has_a_code_of_its_own_and_changes_nothing() {
    let chain = FastChain::new(2);
    let node = chain.start(NodeProcess::free_address());
    let (api, id) = (node.api(), chain.spec().id());
    let good = chain.payment(1, 0, test_address(2), Amount(COIN));
    let submission = Submission { chain: id, signed: good.clone() }.encode();

    let accepted = api.submit(&id, &good);
    assert_eq!(accepted.status, 202, "{:?}", String::from_utf8_lossy(&accepted.body));
    wait_for_nonce(&api, 1);

    let spoiled = |change: &dyn Fn(&mut light_client::data_format::Transaction)| {
        let mut transaction = chain.payment(1, 1, test_address(2), Amount(COIN)).transaction;
        change(&mut transaction);
        Submission { chain: id, signed: transaction.sign(&id, &key_of(1)) }.encode()
    };
    let transfer = |amount| vec![Call::Coin(CoinCall::Transfer { to: test_address(2), amount })];
    let stranger = Submission { chain: id, signed: chain.payment(99, 0, test_address(2), Amount(COIN)) };
    let other = Hash([5; 32]);
    let foreign = Submission { chain: other, signed: good.transaction.clone().sign(&other, &key_of(1)) };
    let relabelled = Submission { chain: id, signed: foreign.signed.clone() };
    let cases = [
        ("another chain", foreign.encode(), 409, "other_chain"),
        ("another chain's signature", relabelled.encode(), 422, "bad_signature"),
        ("a replay", submission.clone(), 409, "nonce_used"),
        ("an overspend", spoiled(&|t| t.calls = transfer(Amount(2_000_000 * COIN))), 422, "overspend"),
        ("a fee beyond the balance", spoiled(&|t| t.fee = Amount(2_000_000 * COIN)), 422, "fee_not_covered"),
        ("a wrong fee", spoiled(&|t| t.fee = Amount(1)), 422, "fee_too_low"),
        ("an unknown key", stranger.encode(), 422, "unknown_account"),
        ("a gap", spoiled(&|t| t.nonce = 900), 409, "nonce_gap"),
        ("too late", spoiled(&|t| t.valid_until = Height(0)), 422, "expired"),
        ("nothing sent", spoiled(&|t| t.calls = transfer(Amount(0))), 422, "zero_amount"),
        ("truncated", submission[..submission.len() - 1].to_vec(), 400, "malformed_transaction"),
        ("oversized", vec![0; MAX_SUBMISSION_BYTES + 1], 413, "transaction_too_large"),
    ];
    let mut seen = Vec::new();
    for (what, bytes, status, code) in cases {
        let answer = api.try_submit_bytes(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((answer.status, answer.code()), (status, code.to_owned()), "{what}");
        assert!(RULES.iter().any(|(_, known)| *known == code), "{code} is a rule's code");
        assert!(!seen.contains(&code), "{code} stands for one thing");
        seen.push(code);
    }
    wait_for_nonce(&api, 1);
    let problems = api.json("/v1/problems");
    for code in seen {
        let listed = problems.as_array().unwrap().iter().any(|problem| problem["code"] == code);
        assert!(listed, "{code} is explained at /v1/problems");
    }

    assert_eq!(node.terminate().code(), Some(0));
    let audit = audit(&chain.data());
    assert_eq!((audit.nonces, audit.accounts), (1, 2), "one payment happened, no more");
    assert_eq!(audit.coins, Amount(2_000_000 * COIN - COIN / 10), "its fee is burned");
}

fn wait_for_nonce(api: &Api, nonce: u64) {
    for _ in 0..600 {
        if api.json(&format!("/v1/accounts/{}", test_address(1)))["nonce"] == nonce {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("the account's nonce is not {nonce}");
}

#[test]
fn bytes_that_are_no_http_end_one_connection_and_nothing_else() {
    let node = NodeProcess::dev(None, NodeProcess::free_address());
    let garbage: [&[u8]; 4] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        &[b'A'; 20_000],
    ];
    for bytes in garbage {
        let mut stream = TcpStream::connect(node.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // The node may close before all of it is sent.
        drop(stream.write_all(bytes));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(node.api().get("/health").status, 200);
}
