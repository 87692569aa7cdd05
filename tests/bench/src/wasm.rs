//! The light client's module in Chromium: what it weighs, and how fast it checks the same answers that native figures are
//! made with. They are made here, written into a folder, and given to the module by a page.

use std::{collections::BTreeMap, fs};

use light_client::{
    client::{Anchor, Bundle, ChainFile, Client, HeaderPath, Request, TransactionBundle, Trusted},
    data_format::{Amount, ChainSpec, Height, Time, TransactionProof, codec},
    test_support::chain::test_address,
    transaction::Submission,
};
use serde_json::{Value, json};

use crate::{
    light,
    measure::{Figures, folder, gz_bytes, root, run_script},
    sync,
};

/// The only server of a scene.
const SERVER: &str = "http://server";

pub(crate) fn measure(figures: &mut Figures) -> Result<(), String> {
    let module = "target/light-wasm";
    figures.print("light.wasm.verifier_gz_bytes", gz_bytes(module, Some("light_wasm_bg.wasm"))?, "B");
    let folder = folder()?;
    let scenes = json!([headers(), year()]);
    fs::write(folder.path().join("scenes.json"), scenes.to_string()).map_err(|error| error.to_string())?;
    let script = root().join("tests/browser/bench-light.mjs");
    run_script(figures, &script, &[folder.path()], &[])
}

/// What a page needs to let the module take some answers.
struct Scene<'a> {
    name: &'static str,
    unit: &'static str,
    /// Things that are checked in one pass; `None` for a figure of milliseconds.
    count: Option<u64>,
    spec: &'a ChainSpec,
    trusted: &'a Trusted,
    now: Time,
    /// Bodies by address.
    answers: BTreeMap<String, Vec<u8>>,
}

impl Scene<'_> {
    fn json(self, asks: &Value) -> Value {
        let chain_file =
            ChainFile { spec: self.spec.clone(), checkpoint: self.trusted.checkpoint(), servers: Vec::new() };
        let answers: BTreeMap<_, _> =
            self.answers.iter().map(|(url, body)| (url, codec::to_hex(body))).collect();
        json!({
            "name": self.name, "unit": self.unit, "count": self.count, "server": SERVER,
            // As text: JavaScript would round its greatest numbers.
            "chainFile": serde_json::to_string(&chain_file).expect("a chain file is JSON"),
             "now": self.now.0, "asks": asks, "answers": answers,
        })
    }
}

/// The headers of `light.header_verify`, as the way from the trusted block to that of a payment.
fn headers() -> Value {
    let mut chain = light::header_chain();
    let trusted = chain.genesis();
    let payment = chain.transfer(1, test_address(2), Amount(1));
    let slot = chain.head().header.slot.next();
    let height = chain.mint(slot, std::slice::from_ref(&payment)).header.height;
    let (spec, now) = (chain.spec().clone(), chain.now());
    let id = payment.transaction.id(&spec.id());

    let proven = chain.transaction_bundle(&trusted, &id).expect("the payment is in a block");
    let way: Vec<_> = (1..=height.0).map(|height| chain.header(Height(height)).clone()).collect();
    let count = way.len() as u64;
    let anchor = Anchor::Trusted(Box::new(chain.header(Height(0)).header.clone()));
    let bundle = TransactionBundle { anchor, path: HeaderPath::Newer(way), ..proven };
    assert_eq!(bundle.proof, TransactionProof::default(), "the block's only payment");

    let submission = Submission { chain: spec.id(), signed: payment }.encode();
    let asks = json!({ "submission": codec::to_hex(&submission) });
    let answers = BTreeMap::from([
        (format!("{SERVER}/v1/transactions"), b"{}".to_vec()),
        (format!("{SERVER}/v1/transactions/{id}/bundle?trusted={}", trusted.id), bundle.to_bytes()),
    ]);
    let (name, unit) = ("light.wasm.header_verify.per_s", "1/s");
    Scene { name, unit, count: Some(count), spec: &spec, trusted: &trusted, now, answers }.json(&asks)
}

/// The answers of `light.sync_1y`.
fn year() -> Value {
    let mut history = sync::quiet_year();
    let (spec, now) = (history.spec().clone(), history.now());
    let trusted = history.trusted(sync::TRUSTED);
    let mut client = Client::new(spec.clone(), trusted.clone(), [SERVER.to_owned()]);
    client.watch(test_address(1), now);
    let mut answers = BTreeMap::new();
    history.serve(&mut client, now, |request: &Request, answer| {
        answers.insert(request.url.clone(), answer.body.clone());
    });
    let asks = json!({ "watch": test_address(1) });
    let (name, unit) = ("light.wasm.sync_1y.ms", "ms");
    Scene { name, unit, count: None, spec: &spec, trusted: &trusted, now, answers }.json(&asks)
}
