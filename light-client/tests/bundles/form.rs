//! The bytes and the text of bundles.

use light_client::{
    client::{
        AccountBundle, Bundle, HistoryPage, Method, Questions, Receipt, Request, StateBundle,
        TransactionBundle,
    },
    data_format::DecodeError,
    state::Question,
    test_support::{chain::test_address, server::ScriptedServer},
};

use super::*;

#[test]
fn a_flipped_byte_of_an_account_or_a_transaction_is_refused_or_changes_nothing() {
    let mut chain = rounds(chain(4), 3);
    let (_, id) = pay(&mut chain);
    let (genesis, verifier) = (chain.genesis(), verifier(&chain));
    let address = test_address(1);
    for _ in 0..3 {
        let now = chain.now();
        let bundle = chain.transaction_bundle(&genesis, &id).unwrap();
        never_says_anything_else(&bundle, |bundle| verifier.transaction(&genesis, id, bundle, now));
        chain.advance(&[]);
    }
    let now = chain.now();
    let bundle = chain.account_bundle(&genesis, address, 0, 50);
    never_says_anything_else(&bundle, |bundle| {
        let (trusted, fact) = verifier.account(&genesis, address, bundle, now)?;
        Ok((trusted.id, fact.into_value(), bundle.history.clone()))
    });
}

#[test]
fn bundles_of_other_kinds_versions_and_sizes_are_refused() {
    let chain = rounds(chain(4), 3);
    let bytes = chain.account_bundle(&chain.genesis(), test_address(1), 0, 50).to_bytes();
    assert!(AccountBundle::from_bytes(&bytes).is_ok());
    assert!(HistoryPage::from_bytes(&bytes).is_err());
    assert!(StateBundle::from_bytes(&bytes).is_err());
    assert!(AccountBundle::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert!(AccountBundle::from_bytes(&vec![1; AccountBundle::MAX_BYTES + 1]).is_err());
    let mut newer = bytes;
    newer[0] = 2;
    assert!(AccountBundle::from_bytes(&newer).is_err());
    assert!(AccountBundle::from_bytes(&[]).is_err());
}

/// What `GET` or `POST` of a path brings.
fn fetched(server: &mut ScriptedServer, method: Method, path: &str, body: Vec<u8>) -> Vec<u8> {
    let request = Request { url: format!("http://one{path}"), method, body, ..client_request(server) };
    let response = server.answer(&request);
    assert_eq!(response.status, 200);
    response.body
}

/// Any request, to be changed.
fn client_request(server: &ScriptedServer) -> Request {
    let spec = server.chain.spec().clone();
    let mut client =
        light_client::client::Client::new(spec, server.chain.genesis(), ["http://one".to_owned()]);
    client.tick(server.chain.now());
    client.next_request().unwrap()
}

#[test]
fn a_bundle_is_the_same_over_http_in_a_file_and_as_text() {
    let mut chain = rounds(chain(4), 3);
    let (_, id) = pay(&mut chain);
    let mut server = ScriptedServer::new(rounds(chain, 2));
    let (genesis, address) = (server.chain.genesis(), test_address(1));
    let questions = vec![Question::Account(address), Question::Holders];
    let own: [(Method, String, Vec<u8>, Vec<u8>); 4] = [
        (
            Method::Get,
            format!("/v1/transactions/{id}/receipt"),
            Vec::new(),
            server.chain.receipt(&genesis, &id).unwrap().to_bytes(),
        ),
        (
            Method::Get,
            format!("/v1/transactions/{id}/bundle"),
            Vec::new(),
            server.chain.transaction_bundle(&genesis, &id).unwrap().to_bytes(),
        ),
        (
            Method::Get,
            format!("/v1/accounts/{address}/bundle?known=0&records=5"),
            Vec::new(),
            server.chain.account_bundle(&genesis, address, 0, 5).to_bytes(),
        ),
        (
            Method::Post,
            "/v1/state".to_owned(),
            Questions(questions.clone()).to_bytes(),
            server.chain.state_bundle(&genesis, &questions).to_bytes(),
        ),
    ];
    for (method, path, body, bytes) in own {
        assert_eq!(fetched(&mut server, method, &path, body), bytes, "{path}");
        survives::<Receipt>(&bytes);
        survives::<TransactionBundle>(&bytes);
        survives::<AccountBundle>(&bytes);
        survives::<StateBundle>(&bytes);
    }
}

/// If the bytes are such a bundle, so is their text, of exactly these bytes.
fn survives<B: Bundle>(bytes: &[u8]) {
    let Ok(bundle) = B::from_bytes(bytes) else { return assert_ne!(bytes[1], B::KIND) };
    assert_eq!(bundle.to_bytes(), bytes);
    let text = bundle.to_text();
    assert!(
        text.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte)),
        "for small codes"
    );
    for pasted in [text.clone(), text.to_lowercase(), format!(" {text}\r\n")] {
        assert_eq!(B::from_text(&pasted).unwrap().to_bytes(), bytes);
    }
    for wrong in [&text[1..], &text[2..], &format!("{text}00"), &text.replace('0', "O")] {
        assert!(B::from_text(wrong).is_err());
    }
}

#[test]
fn a_text_that_is_too_long_is_not_decoded() {
    let text = "0".repeat(2 * Questions::MAX_BYTES + 2);
    let error = DecodeError::TooLong { found: Questions::MAX_BYTES + 1, limit: Questions::MAX_BYTES };
    assert_eq!(Questions::from_text(&text), Err(error));
}

#[test]
fn the_most_questions_fit_their_bundle() {
    let longest = Question::Leases { lessor: test_address(1), after: Some(test_address(2)), limit: 1 };
    let bytes = Questions(vec![longest; light_client::state::MAX_QUESTIONS]).to_bytes();
    assert!(bytes.len() <= Questions::MAX_BYTES, "{}", bytes.len());
    assert!(Questions::from_bytes(&bytes).is_ok());
    let more = Questions(vec![Question::Supply; light_client::state::MAX_QUESTIONS + 1]);
    assert!(Questions::from_bytes(&more.to_bytes()).is_err());
}
