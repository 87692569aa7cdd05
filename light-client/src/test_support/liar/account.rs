//! Lies about what an account holds.

use super::{
    anchor, forge, history,
    lies::Lies,
    message::Message,
    scene::Scene,
    stage::{PAYER, Stage},
};
use crate::{
    client::{AccountBundle, Anchor, Bundle},
    data_format::Address,
    state::{AccountRecord, Trie},
    test_support::chain::{ScriptedChain, test_address},
};

/// Records in one answer, as clients ask for.
pub(super) const PAGE: u64 = 50;

pub(super) fn messages(stage: &Stage) -> Vec<Message> {
    vec![
        account(stage, "account", test_address(PAYER)),
        account(stage, "absent account", test_address(99)),
        account_again(stage),
    ]
}

pub(super) fn path(address: &Address, what: &str) -> String {
    format!("accounts/{address}/{what}")
}

/// An account that was never asked for.
fn account(stage: &Stage, name: &str, address: Address) -> Message {
    let asked = |chain: &ScriptedChain| chain.account_bundle(&stage.trusted, address, 0, PAGE);
    let honest = asked(&stage.server.chain);
    let mut lies = Lies::about(&honest.to_bytes());
    add(&mut lies, stage, &honest, address);
    let scene = Scene::new(
        stage.again(),
        &stage.trusted,
        &stage.finals,
        path(&address, "bundle"),
        move |client, now| {
            client.watch(address, now);
        },
    );
    let before = stage.before.account_bundle(&stage.before.genesis(), address, 0, PAGE);
    let behind = [before, asked(&stage.then), asked(&stage.between)];
    message(stage, name, address, &honest, lies)
        .behind(behind.map(|bundle| bundle.to_bytes()))
        .also_true(others(stage, address))
        .asked_in(scene)
}

/// An account that was proven before, with fewer records.
fn account_again(stage: &Stage) -> Message {
    let address = test_address(PAYER);
    let known = stage.then.account_bundle(&stage.trusted, address, 0, PAGE);
    let count = stage.then.account(&address).unwrap().history_count;
    let asked = |chain: &ScriptedChain| chain.account_bundle(&stage.trusted, address, count, PAGE);
    let honest = asked(&stage.server.chain);
    let mut lies = Lies::about(&honest.to_bytes());
    add(&mut lies, stage, &honest, address);
    lies.bundle("what was known", &known);
    lies.with("the history that was known", &honest, |bundle| bundle.history = known.history.clone());
    // The client has what was honest when its trusted block was the newest.
    let before = Scene::new(stage.then_again(), &stage.trusted, &stage.finals, "", |_, _| ());
    let saved = before.saved_after(|client, now| client.watch(address, now));
    let scene = Scene::new(
        stage.again(),
        &stage.trusted,
        &stage.finals,
        path(&address, "bundle"),
        move |client, now| {
            client.watch(address, now);
        },
    );
    message(stage, "account proven before", address, &honest, lies)
        .behind([asked(&stage.between).to_bytes(), asked(&stage.then).to_bytes()])
        .also_true(others(stage, address))
        .asked_in(scene.restored(saved))
}

fn message(stage: &Stage, name: &str, address: Address, honest: &AccountBundle, lies: Lies) -> Message {
    let (verifier, trusted, now) = (stage.verifier.clone(), stage.trusted.clone(), stage.now);
    let all = honest.history.transactions.clone();
    Message::of(name, honest, lies, move |bundle| {
        let (newer, proven) = verifier.account(&trusted, address, bundle, now)?;
        let mut facts = vec![format!("{newer:?} {:?} {:?}", proven.value().record, proven.at())];
        facts.extend(history::records(&verifier, &bundle.history, proven.value().before, &all));
        Ok(facts)
    })
    .may_say_less()
}

fn add(lies: &mut Lies, stage: &Stage, honest: &AccountBundle, address: Address) {
    let chain = &stage.server.chain;
    lies.each("anchor", honest, anchor::anchors(stage), |bundle, anchor| bundle.anchor = anchor);
    lies.each("history", honest, history::pages(&honest.history), |bundle, history| bundle.history = history);
    for (name, witness) in witnesses(stage, address) {
        lies.with(format!("witness {name}"), honest, |bundle| bundle.witness = witness);
    }
    for (name, state) in forge::accounts(stage, &address) {
        let witness = state.witness(|trie| {
            AccountRecord::read(trie, &address).unwrap();
        });
        let forged = AccountBundle { witness, ..honest.clone() };
        lies.bundle(format!("forged: {name}"), &forged);
        let mut source = stage.beacon.source.clone();
        source.state_root = state.root();
        for (how, beacon) in forge::beacons(stage, &source) {
            lies.with(format!("forged: {name}, {how}"), &forged, |bundle| {
                bundle.anchor = Anchor::Beacon(Box::new(beacon));
            });
        }
    }
    for other in [2, 3, 98, 1_000] {
        let other = chain.account_bundle(&stage.trusted, test_address(other), 0, PAGE);
        lies.with(format!("of {}", other.address), honest, |bundle| *bundle = other.clone());
        lies.bundle(format!("of {} by name of this one", other.address), &AccountBundle { address, ..other });
    }
    lies.with("of another address", honest, |bundle| bundle.address = test_address(98));
    for (name, chain) in [("before", &stage.before), ("then", &stage.then), ("between", &stage.between)] {
        for known in [0, 5] {
            let stale = chain.account_bundle(&chain.genesis(), address, known, PAGE);
            lies.bundle(format!("stale, from {name}, after {known}"), &stale);
            lies.with(format!("the anchor from {name}, after {known}"), honest, |bundle| {
                bundle.anchor = stale.anchor.clone()
            });
            lies.with(format!("the witness from {name}, after {known}"), honest, |bundle| {
                bundle.witness = stale.witness.clone()
            });
            lies.with(format!("the history from {name}, after {known}"), honest, |bundle| {
                bundle.history = stale.history.clone()
            });
            let replayed = AccountBundle { anchor: honest.anchor.clone(), ..stale };
            lies.bundle(format!("from {name}, after {known}, under the newest anchor"), &replayed);
        }
        let for_trusted = chain.account_bundle(&stage.trusted, address, 0, PAGE);
        lies.bundle(format!("stale, from {name}, for this trusted block"), &for_trusted);
    }
    let other = stage.other.account_bundle(&stage.other.genesis(), address, 0, PAGE);
    lies.bundle("of another chain", &other);
    lies.bundle(
        "of another chain under this one's anchor",
        &AccountBundle { anchor: honest.anchor.clone(), ..other },
    );
    for bundle in others(stage, address) {
        lies.body("as many records as somebody else asks for", bundle);
    }
}

/// Answers to somebody who knows and wants other numbers of records, now and before.
fn others(stage: &Stage, address: Address) -> Vec<Vec<u8>> {
    let chains = [&stage.server.chain, &stage.between, &stage.then];
    let of = |chain: &ScriptedChain, (known, limit): (u64, u64)| {
        chain.account_bundle(&stage.trusted, address, known, limit).to_bytes()
    };
    let numbers = [0, 1, 20, 49, 50, 60, 100].map(|limit| (0, limit));
    let numbers = numbers.into_iter().chain([5, 55, 57, 58, 59, 1_000].map(|known| (known, PAGE)));
    numbers.flat_map(|numbers| chains.map(|chain| of(chain, numbers))).collect()
}

/// Witnesses of something else.
fn witnesses(stage: &Stage, address: Address) -> Vec<(String, Vec<u8>)> {
    let chain = &stage.server.chain;
    let reads = |block: usize, addresses: &[Address]| {
        let mut trie = Trie::open(chain.blocks[block].state, &chain.nodes);
        for address in addresses {
            AccountRecord::read(&mut trie, address).unwrap();
        }
        trie.witness()
    };
    let mut witnesses = vec![
        ("of nothing".to_owned(), Vec::new()),
        ("of two accounts".to_owned(), reads(stage.anchored, &[address, test_address(3)])),
        ("of two other accounts".to_owned(), reads(stage.anchored, &[test_address(2), test_address(3)])),
        ("as long as fits".to_owned(), vec![0x18; 65_536]),
    ];
    for other in (2..12).chain(1_000..1_004).chain([98]) {
        witnesses.push((format!("of the sibling {other}"), reads(stage.anchored, &[test_address(other)])));
    }
    for block in [0, 4, stage.anchored - 1, chain.blocks.len() - 1] {
        witnesses.push((format!("of block {block}"), reads(block, &[address])));
    }
    let honest = reads(stage.anchored, &[address]);
    for at in 0..honest.len() {
        let mut witness = honest.clone();
        witness[at] ^= 0x10;
        witnesses.push((format!("with another byte {at}"), witness));
        witnesses.push((format!("cut off at {at}"), honest[..at].to_vec()));
    }
    witnesses.push(("and a byte more".to_owned(), [&honest[..], &[0]].concat()));
    witnesses.push(("twice".to_owned(), [&honest[..], &honest[..]].concat()));
    witnesses
}
