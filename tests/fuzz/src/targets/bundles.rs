//! What servers send to a light client.

use light_client::{
    client::{AccountBundle, Anchor, Bundle, HeaderRow, HistoryPage, TransactionBundle, Trusted},
    consensus::{Verdict, spos::Beacon},
    data_format::Address,
    state::{HistoryChain, verify_page},
    test_support::chain::test_address,
};

use super::{assert_same, proofs, reach};
use crate::{
    Decoder, KIB, Reach, Seed, Target,
    scene::{ASKED, ROUNDS, Scene, UNKNOWN, Voteless, instant, scene, story, work},
};

/// What servers send to a light client.
pub const BUNDLES: Target = Target {
    name: "bundles",
    decoders: &[
        Decoder::new("anchor", anchor, 4, 128 * KIB),
        Decoder::new("beacon", beacon, 4, 128 * KIB),
        Decoder::new("account", account, 10, 320 * KIB),
        Decoder::new("history", history, 10, 16 * KIB),
        Decoder::new("transaction", transaction, 4, 128 * KIB),
        Decoder::new("headers", headers, 4, 16 * KIB),
        Decoder::new("anchor-instant", anchor_instant, 4, 128 * KIB),
        Decoder::new("anchor-work", anchor_work, 4, 128 * KIB),
        Decoder::new("absent-account", absent_account, 10, 320 * KIB),
        Decoder::new("state", proofs::state, 16, 512 * KIB),
        Decoder::new("questions", proofs::questions, 8, 16 * KIB),
        Decoder::new("header", proofs::header, 4, 128 * KIB),
        Decoder::new("parameters", proofs::parameters, 8, 128 * KIB),
        Decoder::new("hand-over", proofs::hand_over, 8, 256 * KIB),
        Decoder::new("receipt", proofs::receipt, 8, 256 * KIB),
        Decoder::new("receipt-from-elsewhere", proofs::receipt_from_elsewhere, 8, 256 * KIB),
    ],
    seeds,
};

/// Reads a bundle; what was read must be written as the same bytes.
pub(super) fn bundle<B: Bundle>(bytes: &[u8]) -> Option<B> {
    let bundle = B::from_bytes(bytes).ok()?;
    assert_same(&bundle.to_bytes(), bytes);
    Some(bundle)
}

/// Whoever is trusted after a proof must be a block of the chain.
pub(super) fn assert_ours(scene: &Scene, trusted: &Trusted) {
    let sealed = scene.headers.get(trusted.height.0 as usize);
    assert!(sealed.is_some_and(|sealed| sealed.header.id() == trusted.id), "forged: {trusted:?}");
}

fn anchor(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(anchor) = bundle::<Anchor>(bytes) else { return Reach::Refused };
    let proven = scene.verifier.anchor(&scene.genesis, &anchor, scene.now);
    if let Ok(trusted) = &proven {
        assert_ours(scene, trusted);
        let signed = scene.verifier.engine().signatures(&scene.genesis, &anchor);
        assert!(signed.is_none_or(|(signed, all)| signed <= all));
    }
    reach(proven.is_ok())
}

fn beacon(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(beacon) = bundle::<Beacon>(bytes) else { return Reach::Refused };
    match scene.verifier.beacon(&scene.genesis, &beacon, scene.now) {
        Verdict::Success(trusted) => {
            assert_ours(scene, &trusted);
            Reach::Held
        }
        Verdict::Invalid(_) | Verdict::NotEnoughTrust { .. } => Reach::Read,
    }
}

fn account(bytes: &[u8]) -> Reach {
    let scene = scene();
    account_of(bytes, scene.asked, |id, found| {
        assert_eq!(scene.accounts.get(id), Some(&found), "a forged account");
    })
}

fn absent_account(bytes: &[u8]) -> Reach {
    account_of(bytes, test_address(UNKNOWN), |_, found| assert_eq!(found, None, "an invented account"))
}

fn account_of(
    bytes: &[u8],
    asked: Address,
    assert_true: impl Fn(&light_client::data_format::BlockId, Option<light_client::state::AccountRecord>),
) -> Reach {
    let scene = scene();
    let Some(bundle) = bundle::<AccountBundle>(bytes) else { return Reach::Refused };
    let Ok((trusted, fact)) = scene.verifier.account(&scene.genesis, asked, &bundle, scene.now) else {
        return Reach::Read;
    };
    assert_ours(scene, &trusted);
    assert_true(&fact.at().id, fact.value().record);
    Reach::Held
}

/// A page that ends with the newest record of the account asked about.
fn history(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(page) = bundle::<HistoryPage>(bytes) else { return Reach::Refused };
    let end = scene.accounts[&scene.head.header.id()].unwrap().history();
    let Ok(before) = scene.verifier.page(&page, end) else { return Reach::Read };
    assert_eq!(verify_page(&page.records, page.head_before, end), Ok(before));
    let start = scene.history.len() - page.records.len();
    assert_eq!(page.records, scene.history[start..], "a forged history");
    let head = scene.history[..start].iter().try_fold(HistoryChain::EMPTY, HistoryChain::append);
    assert!(page.records.is_empty() || head == Ok(before), "a forged beginning");
    for (id, _) in scene.verifier.transactions(&page) {
        assert!(page.records.iter().any(|record| record.transaction == id));
    }
    Reach::Held
}

fn transaction(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(bundle) = bundle::<TransactionBundle>(bytes) else { return Reach::Refused };
    let proven = scene.verifier.transaction(&scene.genesis, scene.payment, &bundle, scene.now);
    let Ok((trusted, _)) = proven else { return Reach::Read };
    assert_ours(scene, &trusted);
    assert_eq!(bundle.outcome, scene.outcome, "a forged outcome");
    Reach::Held
}

fn headers(bytes: &[u8]) -> Reach {
    let scene = scene();
    let Some(HeaderRow(row)) = bundle::<HeaderRow>(bytes) else { return Reach::Refused };
    let mut parent = &scene.headers[0].header;
    for sealed in &row {
        let id = sealed.header.id();
        let engine = scene.verifier.engine();
        if engine.check_successor(&scene.genesis, parent, sealed, &id, scene.now).is_err() {
            return Reach::Read;
        }
        parent = &sealed.header;
    }
    Reach::Held
}

fn anchor_instant(bytes: &[u8]) -> Reach {
    anchor_without_votes(bytes, instant())
}

fn anchor_work(bytes: &[u8]) -> Reach {
    anchor_without_votes(bytes, work())
}

fn anchor_without_votes(bytes: &[u8], chain: &Voteless) -> Reach {
    let Some(anchor) = bundle::<Anchor>(bytes) else { return Reach::Refused };
    let trusted = Trusted::voteless(&chain.genesis);
    reach(chain.engine.advance(&trusted, &anchor, chain.now).is_ok())
}

fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let server = story(|server, round| {
        let chain = &server.chain;
        let genesis = chain.genesis();
        let payment = scene().payment;
        let mut held = |decoder, name, bytes| seeds.push(Seed::held(decoder, name, bytes));
        match round {
            // Nothing newer is final.
            1 => {
                held("anchor", "trusted", chain.anchor(&genesis).to_bytes());
                held(
                    "account",
                    "at-genesis",
                    chain.account_bundle(&genesis, test_address(ASKED), 0, 9).to_bytes(),
                );
                held(
                    "transaction",
                    "newer",
                    chain.transaction_bundle(&genesis, &payment).unwrap().to_bytes(),
                );
                held(
                    "headers",
                    "round",
                    HeaderRow(
                        (1..=4)
                            .map(|at| chain.header(light_client::data_format::Height(at)).clone())
                            .collect(),
                    )
                    .to_bytes(),
                );
            }
            3 => held("anchor", "settled", chain.anchor(&genesis).to_bytes()),
            5 => held("beacon", "planned", chain.beacon(&genesis).unwrap().to_bytes()),
            ROUNDS => {
                held("anchor", "changed", chain.anchor(&genesis).to_bytes());
                held("beacon", "changed", chain.beacon(&genesis).unwrap().to_bytes());
                held(
                    "account",
                    "all",
                    chain.account_bundle(&genesis, test_address(ASKED), 0, 100).to_bytes(),
                );
                held(
                    "account",
                    "newest",
                    chain.account_bundle(&genesis, test_address(ASKED), 0, 3).to_bytes(),
                );
                held(
                    "absent-account",
                    "absent",
                    chain.account_bundle(&genesis, test_address(UNKNOWN), 0, 9).to_bytes(),
                );
                held(
                    "transaction",
                    "older",
                    chain.transaction_bundle(&genesis, &payment).unwrap().to_bytes(),
                );
            }
            _ => {}
        }
    });
    let count = scene().history.len() as u64;
    let page = server.chain.history_page(&test_address(ASKED), count, 5);
    seeds.push(Seed::held("history", "newest", page.to_bytes()));
    seeds.push(Seed::held(
        "history",
        "none",
        HistoryPage {
            head_before: scene().accounts[&scene().head.header.id()].unwrap().history_head,
            ..HistoryPage::default()
        }
        .to_bytes(),
    ));
    seeds.extend(proofs::seeds(&server));
    seeds.push(Seed::held("anchor-instant", "sealed", instant().anchor.clone()));
    seeds.push(Seed::held("anchor-work", "buried", work().anchor.clone()));
    seeds.push(Seed::read("anchor-instant", "of-another-engine", work().anchor.clone()));
    seeds
}
