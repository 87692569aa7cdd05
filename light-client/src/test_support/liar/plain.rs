//! Lies about what is not proven, or proves itself: which chain a server serves, whether it took a payment, what a
//! chain's spec is.

use super::{
    forge,
    lies::{Lies, Sent},
    lists,
    message::Message,
    scene::Scene,
    stage::{PAYER, Stage},
};
use crate::{
    client::{Bundle, ChainParameters},
    data_format::{Amount, ChainSpec, EngineSpec, SposSpec, Time},
    test_support::chain::{test_address, test_table},
};

/// Bytes of an answer about the server itself, at most: what clients allow for.
const MAX_STATUS_BYTES: usize = 64 * 1024;

pub(super) fn messages(stage: &Stage) -> Vec<Message> {
    vec![status(stage), submitted(stage), parameters(stage)]
}

fn status(stage: &Stage) -> Message {
    let (own, other) = (stage.server.chain.spec().id().to_string(), stage.other.spec().id().to_string());
    let honest = format!("{{\"chain_id\":\"{own}\"}}").into_bytes();
    let mut lies = Lies::about(&honest);
    let words = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        format!("\"{own}\""),
        format!("[\"{own}\"]"),
        "{\"chain_id\":null}".to_owned(),
        "{\"chain_id\":1}".to_owned(),
        "{\"chain_id\":\"\"}".to_owned(),
        format!("{{\"chain_id\":\"{other}\"}}"),
        format!("{{\"chain_id\":\"{}\"}}", own.to_uppercase()),
        format!("{{\"chain_id\":\" {own}\"}}"),
        format!("{{\"chain_id\":[\"{own}\"]}}"),
        format!("{{\"CHAIN_ID\":\"{own}\"}}"),
        format!("{{\"chain_id\":\"{other}\",\"chain_id\":\"{own}\"}}"),
        format!("{{\"chain_id\":\"{own}\",\"height\":99999999999999999999}}"),
        format!("{{\"chain_id\":\"{own}\",\"more\":{}}}", "[".repeat(1_000)),
        format!("{{\"chain_id\":\"{}\"}}", "9".repeat(50_000)),
        format!("{{\"chain_id\":\"{}\"}}", "\\u0000".repeat(5_000)),
        format!("{{\"chain_id\":\"{own}\"}}{}", " ".repeat(MAX_STATUS_BYTES)),
        format!("{{\"chain_id\":\"{own}\",\"more\":\"{}\"}}", "9".repeat(2 * MAX_STATUS_BYTES)),
    ];
    for words in words {
        let name: String = words.chars().take(60).collect();
        lies.body(format!("{name} of {} bytes", words.len()), words.into_bytes());
    }
    super::bytes::add(&mut lies, &honest, MAX_STATUS_BYTES);
    let scene = Scene::new(stage.again(), &stage.trusted, &stage.finals, "status", |client, now| {
        client.watch(test_address(PAYER), now);
    });
    Message::unproven("status", honest, lies).asked_in(scene)
}

fn submitted(stage: &Stage) -> Message {
    let honest = b"{}".to_vec();
    let mut lies = Lies::about(&honest);
    super::bytes::add(&mut lies, &honest, MAX_STATUS_BYTES);
    let codes = ["nonce_used", "fee_too_low", "", "final", "expired", "\\u0000\\n", &"9".repeat(9_000)];
    for (code, status) in
        codes.iter().flat_map(|code| [200, 202, 400, 404, 409, 422, 429, 503].map(|status| (code, status)))
    {
        for body in [
            format!("{{\"code\":\"{code}\",\"detail\":\"{code}\"}}"),
            format!("{{\"code\":\"{code}\"}}"),
            format!("{{\"code\":[\"{code}\"],\"detail\":null}}"),
            format!("{{\"code\":\"{code}\",\"state\":\"final\",\"height\":1}}"),
        ] {
            let name: String = body.chars().take(40).collect();
            lies.send(format!("{status} {name}"), Sent::Answer { status, body: body.into_bytes() });
        }
    }
    let payment = stage.payments[0].clone();
    let scene =
        Scene::new(stage.again(), &stage.trusted, &stage.finals, "transactions", move |client, now| {
            client.submit(payment.clone(), now);
        });
    Message::unproven("submitted payment", honest, lies).asked_in(scene)
}

fn parameters(stage: &Stage) -> Message {
    let chain = &stage.server.chain;
    let (honest, asked) = (chain.parameters(), chain.spec().id());
    let mut lies = Lies::about(&honest.to_bytes());
    lies.bundle("of another chain", &stage.other.parameters());
    let ways: [lists::Way<ChainSpec>; 10] = [
        ("another name", |spec| spec.name.push('!')),
        ("no name", |spec| spec.name.clear()),
        ("another beginning", |spec| spec.genesis_time = Time(spec.genesis_time.0 + 1)),
        ("another fee", |spec| spec.fees.transfer.0 += 1),
        ("no lease fee", |spec| spec.fees.lease = Amount(0)),
        ("trusted for longer", |spec| spec.trusting_period_ms = u64::MAX),
        ("trusted for shorter", |spec| spec.trusting_period_ms -= 1),
        ("no modules", |spec| spec.modules.clear()),
        ("a module twice", |spec| spec.modules.extend(spec.modules.clone())),
        ("a peer", |spec| spec.peers.push(crate::crypto::Hash([1; 32]))),
    ];
    lies.each("spec", &honest, lists::each(&honest.0, &ways), |bundle, spec| bundle.0 = spec);
    let mut spec = honest.0.clone();
    for (name, accounts) in lists::edits(&spec.accounts) {
        lies.with(format!("accounts: {name}"), &honest, |bundle| bundle.0.accounts = accounts);
    }
    for account in &mut spec.accounts {
        account.balance.0 += 1;
        lies.bundle(
            format!("a unit more for {}", account.address),
            &ChainParameters(spec_with(&honest.0, *account)),
        );
    }
    let slots = spec.engine.spos().unwrap().slots.0.clone();
    for (name, slots) in lists::edits(&slots) {
        lies.with(format!("slots: {name}"), &honest, |bundle| change(bundle, |spos| spos.slots.0 = slots));
    }
    for (name, way) in [
        ("longer slots", (|spos: &mut SposSpec| spos.slot_ms += 1) as fn(&mut SposSpec)),
        ("no slots", |spos| spos.slot_ms = 0),
        ("a reward", |spos| spos.block_reward.0 += 1),
        ("a contend fee", |spos| spos.contend_fee.0 += 1),
        ("another window", |spos| spos.average_window += 1),
        ("another commission", |spos| spos.genesis_commission += 1),
        ("strangers as holders", |spos| spos.slots = test_table(&[2_000, 2_001, 2_002, 2_003])),
        ("another key of a holder", |spos| {
            if let Some(Some(holder)) = spos.slots.0.first_mut() {
                forge::flip(&mut holder.minting_key);
            }
        }),
    ] {
        lies.with(name, &honest, |bundle| change(bundle, way));
    }
    Message::of("chain parameters", &honest, lies, move |bundle| {
        Ok(vec![format!("{:?}", bundle.clone().check(&asked)?)])
    })
}

fn change(bundle: &mut ChainParameters, way: impl FnOnce(&mut SposSpec)) {
    if let EngineSpec::Spos(spos) = &mut bundle.0.engine {
        way(spos);
    }
}

fn spec_with(honest: &ChainSpec, changed: crate::data_format::GenesisAccount) -> ChainSpec {
    let mut spec = honest.clone();
    for account in spec.accounts.iter_mut().filter(|account| account.address == changed.address) {
        *account = changed;
    }
    spec
}
