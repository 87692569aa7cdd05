//! Answers with proofs over HTTP, of a node whose clock the test turns.

use light_client::{
    client::{
        BlockName, Bundle, ChainParameters, HeaderBundle, Questions, Receipt, StateBundle, Trusted, Verifier,
    },
    consensus::spos::Tables,
    state::{MAX_PAGE, Question},
};

use super::*;
use crate::tests::harness::{Harness, in_slot};

const OCTETS: &str = "application/octet-stream";

/// The API over the node of a harness.
pub(super) fn over(harness: &Harness) -> Server {
    let (stopping, stopped) = watch::channel(false);
    let node = harness.node.clone();
    let router = router(std::slice::from_ref(&node), None, None, stopped).unwrap();
    Server { node, router, stopping, _running: tokio::spawn(async { Ok(()) }) }
}

/// What a wallet asks for its screen of leases.
fn screen(harness: &Harness) -> Questions {
    let lessor = harness.address(0);
    let leases = Question::Leases { lessor, after: None, limit: MAX_PAGE };
    Questions(vec![Question::Account(lessor), leases, Question::Holders])
}

/// A harness after so many slots, made where blocking is allowed.
async fn played(slots: u64) -> (Harness, String) {
    tokio::task::spawn_blocking(move || {
        let mut harness = Harness::new();
        harness.steps(2);
        let id = harness.pay(0, harness.address(1), 5);
        harness.steps(slots);
        (harness, id.to_string())
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_over_http_is_what_the_verifier_reads() {
    let (harness, id) = played(20).await;
    let server = over(&harness);
    let verifier = Verifier::new(harness.node.spec());
    let tables = Tables::at_genesis(harness.node.spec()).unwrap();
    let genesis = Trusted::genesis(harness.node.genesis(), tables);
    let (trusted, now) = (genesis.id, in_slot(harness.slot));
    let bytes = |answer: Answer| {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(answer.header(header::CONTENT_TYPE), OCTETS);
        answer.body
    };

    let asked = screen(&harness);
    let posted = bytes(server.post(&format!("/v1/state?trusted={trusted}"), OCTETS, asked.to_bytes()).await);
    let text = asked.to_text();
    for questions in [text.clone(), text.to_lowercase()] {
        let path = format!("/v1/state?trusted={trusted}&questions={questions}");
        assert_eq!(bytes(server.get(&path).await), posted, "the same bytes, however it is asked");
    }
    let bundle = StateBundle::from_bytes(&posted).unwrap();
    let (newer, proven) = verifier.answers(&genesis, &asked.0, &bundle, now).unwrap();
    assert_eq!((newer.id, proven.answers.len()), (harness.node.status().final_block.id, 3));
    assert_eq!(proven.slots.unwrap().value().in_force.0.len(), 4);

    let receipt = bytes(server.get(&format!("/v1/transactions/{id}/receipt?trusted={trusted}")).await);
    assert_eq!(bytes(server.get(&format!("/v1/transactions/{id}/receipt")).await), receipt, "from genesis");
    // Into a file, and back.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &receipt).unwrap();
    let receipt = Receipt::from_bytes(&std::fs::read(file.path()).unwrap()).unwrap();
    let (_, payment) = verifier.receipt(&genesis, &receipt, now).unwrap();
    assert_eq!((payment.value().id.to_string(), payment.value().succeeded()), (id, true));
    assert_eq!(Receipt::from_text(&receipt.to_text()), Ok(receipt));

    let block = harness.block(3).header.header.id();
    for name in [BlockName::Height(Height(3)), BlockName::Id(block)] {
        let header = bytes(server.get(&format!("/v1/headers/{name}/bundle?trusted={trusted}")).await);
        let header = HeaderBundle::from_bytes(&header).unwrap();
        assert_eq!(verifier.header(&genesis, name, &header, now).unwrap().1.at().id, block);
    }
    let parameters = ChainParameters::from_bytes(&bytes(server.get("/v1/chain/bundle").await)).unwrap();
    assert_eq!(&parameters.check(verifier.chain()).unwrap(), &**harness.node.spec());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_proven_has_a_code() {
    let (harness, id) = played(1).await;
    let server = over(&harness);
    let early = server.get(&format!("/v1/transactions/{id}/receipt")).await.is_problem(409, "not_final");
    assert_eq!((&early["height"], &early["final"]), (&3.into(), &0.into()));
    let signed = server.sign(server.transfer(&server.funded(1), 0, 5), &server.funded(1));
    assert_eq!(server.submit(&signed).await.status, StatusCode::ACCEPTED);
    let waiting = signed.transaction.id(&server.node.chain());
    server.get(&format!("/v1/transactions/{waiting}/receipt")).await.is_problem(404, "not_in_block");
    let nobody = "aa".repeat(32);
    for (path, status, code) in [
        ("/v1/transactions/{id}/receipt", 404, "unknown_transaction"),
        ("/v1/transactions/12/receipt", 400, "invalid_id"),
        ("/v1/headers/4/bundle", 404, "unknown_block"),
        ("/v1/headers/{id}/bundle", 404, "unknown_block"),
        ("/v1/headers/-1/bundle", 400, "invalid_id"),
        ("/v1/headers/18446744073709551616/bundle", 400, "invalid_id"),
        ("/v1/headers/1/bundle?trusted={id}", 409, "unknown_trusted_block"),
        ("/v1/headers/1/bundle?colour=red", 400, "invalid_query"),
        ("/v1/chain/bundle/x", 404, "not_found"),
        ("/v1/state", 400, "invalid_query"),
        ("/v1/state?questions=", 400, "invalid_query"),
        ("/v1/state?questions=0", 400, "invalid_query"),
        ("/v1/state?questions=zz", 400, "invalid_query"),
        ("/v1/state?questions=010C01000000FF", 400, "invalid_query"),
        ("/v1/state?questions=010C0100000006&colour=red", 400, "invalid_query"),
        ("/v1/state?questions=010C00000000", 422, "invalid_questions"),
        ("/v1/state?questions=010C0100000006&trusted={id}", 409, "unknown_trusted_block"),
    ] {
        println!("{path}");
        server.get(&path.replace("{id}", &nobody)).await.is_problem(status, code);
    }
    assert_eq!(server.get("/v1/state?questions=010C0100000006").await.status, StatusCode::OK, "the supply");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_in_a_body_are_bounded() {
    let (harness, _) = played(1).await;
    let server = over(&harness);
    let post = |body: Vec<u8>| server.post("/v1/state", OCTETS, body);
    let asked = screen(&harness).to_bytes();
    server.post("/v1/state", "text/plain", asked.clone()).await.is_problem(415, "unsupported_media_type");
    post(vec![0; Questions::MAX_BYTES + 1]).await.is_problem(413, "too_large");
    for body in [
        Vec::new(),
        vec![1],
        asked[1..].to_vec(),
        asked[..asked.len() - 1].to_vec(),
        [&asked[..], &[0]].concat(),
    ] {
        post(body).await.is_problem(400, "malformed");
    }
    let too_much = [
        vec![Question::Holders; 2],
        vec![Question::Leases { lessor: harness.address(0), after: None, limit: 65 }],
        vec![Question::Requests { after: None, limit: 0 }],
        Vec::new(),
    ];
    for questions in too_much {
        post(Questions(questions).to_bytes()).await.is_problem(422, "invalid_questions");
    }
    // Everybody at once: as many accounts as fit.
    let many =
        (0..64).map(|number| Question::Account(light_client::test_support::chain::test_address(number)));
    let answer = post(Questions(many.collect()).to_bytes()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let bundle = StateBundle::from_bytes(&answer.body).unwrap();
    assert_eq!(bundle.questions.len(), 64);
    assert!(answer.body.len() < 8_000, "absence of many is short: {}", answer.body.len());
}
