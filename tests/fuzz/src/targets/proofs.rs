//! What servers send besides accounts and payments: answers from the state, single headers, parameters, the way over
//! changes of holders, receipts; and what a node is asked.

use light_client::{
    client::{BlockName, Bundle, ChainParameters, HandOver, HeaderBundle, Questions, Receipt, StateBundle},
    data_format::Height,
    state::{Answer, Question},
    test_support::{chain::test_address, server::ScriptedServer},
};

use super::{
    bundles::{assert_ours, bundle},
    reach,
};
use crate::{
    Reach, Seed,
    scene::{ASKED, UNKNOWN, scene},
};

/// The height whose header is asked for.
const HEADER: Height = Height(5);

fn asked() -> Vec<Question> {
    vec![
        Question::Account(test_address(ASKED)),
        Question::Account(test_address(UNKNOWN)),
        Question::Supernode(test_address(ASKED)),
        Question::Holders,
        Question::Supply,
    ]
}

/// Whatever questions a bundle answers, it answers them truly.
pub(super) fn state(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(bundle) = bundle::<StateBundle>(bytes) else { return Reach::Refused };
    let proven = scene.verifier.answers(&scene.genesis, &bundle.questions, &bundle, scene.now);
    let Ok((trusted, proven)) = proven else { return Reach::Read };
    assert_ours(scene, &trusted);
    assert_eq!(proven.answers.len(), bundle.questions.len());
    for (question, fact) in bundle.questions.iter().zip(&proven.answers) {
        if let (Question::Account(asked), Answer::Account { address, record }) = (question, fact.value()) {
            assert_eq!(asked, address);
            if *asked == scene.asked {
                assert_eq!(scene.accounts.get(&fact.at().id), Some(record), "a forged account");
            }
        }
    }
    Reach::Held
}

pub(super) fn questions(bytes: &[u8]) -> Reach {
    let Some(Questions(questions)) = bundle(bytes) else { return Reach::Refused };
    reach(Question::check_all(&questions).is_ok())
}

pub(super) fn header(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(bundle) = bundle::<HeaderBundle>(bytes) else { return Reach::Refused };
    let name = BlockName::Height(HEADER);
    let Ok((trusted, fact)) = scene.verifier.header(&scene.genesis, name, &bundle, scene.now) else {
        return Reach::Read;
    };
    assert_ours(scene, &trusted);
    assert_eq!(fact.value(), &scene.headers[5].header, "a forged header");
    Reach::Held
}

pub(super) fn parameters(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(bundle) = bundle::<ChainParameters>(bytes) else { return Reach::Refused };
    let Ok(spec) = bundle.check(&scene.chain) else { return Reach::Read };
    assert_eq!(spec, scene.spec);
    Reach::Held
}

pub(super) fn hand_over(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(bundle) = bundle::<HandOver>(bytes) else { return Reach::Refused };
    match scene.verifier.hand_over(&scene.genesis, &bundle, scene.now) {
        Ok(handed_over) => {
            assert_ours(scene, &handed_over.trusted);
            Reach::Held
        }
        Err(_) => Reach::Read,
    }
}

pub(super) fn receipt(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(receipt) = bundle::<Receipt>(bytes) else { return Reach::Refused };
    let Ok((trusted, fact)) = scene.verifier.receipt(&scene.genesis, &receipt, scene.now) else {
        return Reach::Read;
    };
    assert_ours(scene, &trusted);
    let payment = fact.value();
    if payment.id == scene.payment {
        assert_eq!(payment.outcome, scene.outcome, "a forged outcome");
        assert_eq!(payment.transaction, scene.signed.transaction);
    }
    assert_eq!(scene.headers[payment.block.height.0 as usize].header.id(), payment.block.id);
    Reach::Held
}

/// Checked from another block than it was made for.
pub(super) fn receipt_from_elsewhere(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(receipt) = bundle::<Receipt>(bytes) else { return Reach::Refused };
    let beacon = scene.verifier.anchor(&scene.genesis, &receipt.included.anchor, scene.now);
    let Ok(elsewhere) = beacon else { return Reach::Read };
    reach(scene.verifier.receipt(&elsewhere, &receipt, scene.now).is_ok())
}

/// Inputs from the whole story.
pub(super) fn seeds(server: &ScriptedServer) -> Vec<Seed> {
    let (chain, payment) = (&server.chain, scene().payment);
    let genesis = chain.genesis();
    let hand_over = chain.hand_over(&genesis).unwrap().to_bytes();
    let receipt = chain.receipt(&genesis, &payment).unwrap().to_bytes();
    let header = |height| chain.header_bundle(&genesis, BlockName::Height(height)).unwrap().to_bytes();
    vec![
        Seed::held("state", "answers", chain.state_bundle(&genesis, &asked()).to_bytes()),
        Seed::held("questions", "all", Questions(asked()).to_bytes()),
        Seed::held("header", "older", header(HEADER)),
        Seed::read("header", "another", header(Height(6))),
        Seed::held("parameters", "spec", chain.parameters().to_bytes()),
        Seed::held("hand-over", "newest", hand_over),
        Seed::held("receipt", "older", receipt.clone()),
        Seed::held("receipt-from-elsewhere", "older", receipt),
    ]
}
