//! Lies about blocks and what is in them: transactions, headers, receipts.

use super::{anchor, forge, header, lies::Lies, lists, message::Message, scene::Scene, stage::Stage};
use crate::{
    block_tree::HeaderProof,
    client::{
        Anchor, BlockName, Bundle, HeaderBundle, HeaderPath, HeaderRow, ProofFailure, TransactionBundle,
    },
    crypto::{Hash, Signature},
    data_format::{
        Address, Amount, Header, Height, Outcome, SealedHeader, SignedTransaction, Status, TransactionProof,
        transactions_root,
    },
    test_support::chain::{test_address, test_key},
};

pub(super) fn messages(stage: &Stage) -> Vec<Message> {
    let chain = &stage.server.chain;
    let mut messages = Vec::new();
    for (place, payment) in ["older", "final", "newer"].iter().zip(&stage.payments) {
        messages.push(transaction(stage, place, payment));
        let height = chain.blocks[chain.transactions[&stage.id(payment)].1].sealed.header.height;
        messages.push(header(stage, place, BlockName::Height(height)));
    }
    let id = chain.header(Height(2)).header.id();
    messages.push(header(stage, "oldest", BlockName::Id(id)));
    messages.push(row(stage));
    messages
}

fn transaction(stage: &Stage, place: &str, payment: &SignedTransaction) -> Message {
    let (id, chain) = (stage.id(payment), &stage.server.chain);
    let honest = chain.transaction_bundle(&stage.trusted, &id).unwrap();
    let mut lies = Lies::about(&honest.to_bytes());
    add_transaction(&mut lies, stage, &honest, &honest, |bundle, change| change(bundle));
    let behind: Vec<TransactionBundle> = [&stage.between, &stage.then]
        .into_iter()
        .filter_map(|chain| chain.transaction_bundle(&stage.trusted, &id))
        .collect();
    for bundle in &behind {
        lies.bundle("stale", bundle);
    }
    if let Some(bundle) = stage.other.transaction_bundle(&stage.other.genesis(), &id) {
        lies.bundle("of another chain", &bundle);
    }
    let signed = payment.clone();
    let scene = Scene::new(
        stage.again(),
        &stage.trusted,
        &stage.finals,
        format!("transactions/{id}/bundle"),
        move |client, now| {
            client.submit(signed.clone(), now);
            client.hint(now);
        },
    );
    let (verifier, trusted, now) = (stage.verifier.clone(), stage.trusted.clone(), stage.now);
    Message::of(format!("transaction, {place} block"), &honest, lies, move |bundle| {
        Ok(vec![format!("{:?}", verifier.transaction(&trusted, id, bundle, now)?)])
    })
    .behind(behind.iter().map(Bundle::to_bytes))
    .asked_in(scene)
}

/// Lies about an inclusion, put into a bundle that holds it.
pub(super) fn add_transaction<B: Bundle + Clone>(
    lies: &mut Lies,
    stage: &Stage,
    honest: &B,
    included: &TransactionBundle,
    put: impl Fn(&mut B, &dyn Fn(&mut TransactionBundle)),
) {
    lies.each("anchor", honest, anchor::anchors(stage), |bundle, anchor| {
        put(bundle, &|bundle| bundle.anchor = anchor.clone());
    });
    lies.each("path", honest, paths(stage, &included.path), |bundle, path| {
        put(bundle, &|bundle| bundle.path = path.clone());
    });
    lies.each("proof", honest, forge::paths(&included.proof.0), |bundle, hashes| {
        put(bundle, &|bundle| bundle.proof = TransactionProof(hashes.clone()));
    });
    lies.each("outcome", honest, outcomes(&included.outcome), |bundle, outcome| {
        put(bundle, &|bundle| bundle.outcome = outcome);
    });
    for (name, outcome) in outcomes(&included.outcome) {
        lies.with(format!("outcome: {name}, hashed anew"), honest, |bundle| {
            put(bundle, &|bundle| put_into_block(bundle, outcome));
        });
    }
    for (name, other) in ["older", "final", "newer"].iter().zip(&stage.payments) {
        let other = stage.server.chain.transaction_bundle(&stage.trusted, &stage.id(other)).unwrap();
        lies.with(format!("the payment in the {name} block"), honest, |bundle| {
            put(bundle, &|bundle| *bundle = other.clone());
        });
        lies.with(format!("the payment in the {name} block by this one's name"), honest, |bundle| {
            put(bundle, &|bundle| {
                *bundle = other.clone();
                bundle.outcome.id = included.outcome.id;
            });
        });
        lies.with(format!("the place of the payment in the {name} block"), honest, |bundle| {
            put(bundle, &|bundle| bundle.path = other.path.clone());
        });
    }
}

/// As if the block held this outcome alone: its root is computed anew, nothing above it is.
fn put_into_block(bundle: &mut TransactionBundle, outcome: Outcome) {
    bundle.outcome = outcome;
    bundle.proof = TransactionProof::default();
    let change = |header: &mut Header| {
        header.transactions_root = transactions_root(&[outcome]);
        header.transactions_count = 1;
    };
    match &mut bundle.path {
        HeaderPath::Anchor => {
            if let Anchor::Beacon(beacon) = &mut bundle.anchor {
                change(&mut beacon.source);
            }
        }
        HeaderPath::Older { header, .. } => change(header),
        HeaderPath::Newer(headers) => {
            if let Some(last) = headers.last_mut() {
                change(&mut last.header);
            }
        }
    }
}

fn outcomes(honest: &Outcome) -> Vec<(String, Outcome)> {
    let ways: [lists::Way<Outcome>; 9] = [
        ("another transaction", |outcome| forge::flip(&mut outcome.id)),
        ("it failed", |outcome| outcome.status = Status::InsufficientBalance),
        ("another failure", |outcome| outcome.status = Status::Overflow),
        ("a unit more of fee", |outcome| outcome.fee.0 += 1),
        ("no fee", |outcome| outcome.fee = Amount(0)),
        ("the next place", |outcome| outcome.index += 1),
        ("the place after the last", |outcome| outcome.index += 2),
        ("a place far beyond the count", |outcome| outcome.index = u32::MAX),
        ("a place that wraps around", |outcome| outcome.index = 1 << 31),
    ];
    lists::each(honest, &ways)
}

/// Ways to other blocks, to none, and ways that do not lead there.
fn paths(stage: &Stage, honest: &HeaderPath) -> Vec<(String, HeaderPath)> {
    let chain = &stage.server.chain;
    let mut paths: Vec<(String, HeaderPath)> = Vec::new();
    for block in &chain.blocks {
        let height = block.sealed.header.height;
        let path = chain.header_bundle(&stage.trusted, BlockName::Height(height)).unwrap().path;
        paths.push((format!("to block {height}"), path));
    }
    paths.push(("to no block".to_owned(), HeaderPath::Newer(Vec::new())));
    match honest {
        HeaderPath::Anchor => {
            let header = Box::new(chain.header(stage.beacon.source.height).header.clone());
            for hashes in [0, 1, 3] {
                let proof = HeaderProof(vec![Hash([5; 32]); hashes]);
                let path = HeaderPath::Older { header: header.clone(), proof };
                paths.push((format!("to itself as older, {hashes} hashes"), path));
            }
        }
        HeaderPath::Older { header: honest, proof } => {
            for (name, header) in header::changed(honest) {
                let path = HeaderPath::Older { header: Box::new(header), proof: proof.clone() };
                paths.push((format!("header: {name}"), path));
            }
            for (name, hashes) in forge::paths(&proof.0) {
                let proof = HeaderProof(hashes);
                paths.push((format!("proof: {name}"), HeaderPath::Older { header: honest.clone(), proof }));
            }
            for near in [honest.height.0 - 1, honest.height.0 + 1] {
                let header = Box::new(chain.header(Height(near)).header.clone());
                let path = HeaderPath::Older { header, proof: proof.clone() };
                paths.push((format!("header {near} under the sibling's proof"), path));
            }
            let twice = HeaderPath::Newer(vec![chain.header(honest.height).clone()]);
            paths.push(("an older header as a newer one".to_owned(), twice));
        }
        HeaderPath::Newer(headers) => {
            let rows = rows(stage, headers);
            paths.extend(rows.into_iter().map(|(name, row)| (name, HeaderPath::Newer(row))));
            let header = Box::new(headers.last().unwrap().header.clone());
            let proof = HeaderProof(vec![Hash([5; 32])]);
            paths.push(("a newer header as an older one".to_owned(), HeaderPath::Older { header, proof }));
        }
    }
    paths
}

/// Sealed headers that are not in that row.
fn rows(stage: &Stage, honest: &[SealedHeader]) -> Vec<(String, Vec<SealedHeader>)> {
    let mut rows = lists::edits(honest);
    let last = honest.len() - 1;
    for at in [0, last] {
        for (name, sealed) in header::changed_seal(&honest[at]) {
            let mut row = honest.to_vec();
            // Sealed anew by the holder of the slot before, and by a stranger.
            let id = sealed.header.id();
            let message = Header::seal_message(&stage.server.chain.spec().id(), &id);
            for (whose, key) in [("a stranger", 2_000), ("a holder", 1_000), ("another holder", 1_001)] {
                let seal = test_key(key).sign(&message);
                row[at] = SealedHeader { header: sealed.header.clone(), seal };
                // Whoever holds the slot may make another block in it, which is no lie of a server.
                if !holds(stage, key, &sealed.header) {
                    rows.push((format!("header {at}: {name}, sealed by {whose}"), row.clone()));
                }
            }
            row[at] = sealed;
            rows.push((format!("header {at}: {name}"), row));
        }
        let mut row = honest.to_vec();
        row[at].seal = Signature([0; 64]);
        rows.push((format!("header {at} without a seal"), row));
        let mut row = honest.to_vec();
        row[at] = stage.other.header(honest[at].header.height).clone();
        rows.push((format!("header {at} of another chain"), row));
    }
    rows
}

fn holds(stage: &Stage, key: u64, header: &Header) -> bool {
    let clock = stage.server.chain.clock();
    let address: Address = test_address(key);
    let position = u8::try_from(clock.position(header.slot)).ok();
    position.is_some() && stage.step().source.each().any(|table| table.slots().position(&address) == position)
}

fn header(stage: &Stage, place: &str, asked: BlockName) -> Message {
    let chain = &stage.server.chain;
    let honest = chain.header_bundle(&stage.trusted, asked).unwrap();
    let mut lies = Lies::about(&honest.to_bytes());
    lies.each("anchor", &honest, anchor::anchors(stage), |bundle, anchor| bundle.anchor = anchor);
    lies.each("path", &honest, paths(stage, &honest.path), |bundle, path| bundle.path = path);
    let behind: Vec<HeaderBundle> = [&stage.between, &stage.then]
        .into_iter()
        .filter_map(|chain| chain.header_bundle(&stage.trusted, asked))
        .collect();
    for bundle in &behind {
        lies.bundle("stale", bundle);
    }
    if let Some(bundle) = stage.other.header_bundle(&stage.other.genesis(), asked) {
        lies.bundle("of another chain", &bundle);
    }
    let (verifier, trusted, now) = (stage.verifier.clone(), stage.trusted.clone(), stage.now);
    Message::of(format!("header, {place} block"), &honest, lies, move |bundle| {
        Ok(vec![format!("{:?}", verifier.header(&trusted, asked, bundle, now)?)])
    })
    .behind(behind.iter().map(Bundle::to_bytes))
}

/// The headers after the trusted block, to be followed by the engine's rules.
fn row(stage: &Stage) -> Message {
    let first = usize::try_from(stage.trusted.height.0).unwrap() + 1;
    let chain = &stage.server.chain;
    let parent = chain.header(stage.trusted.height).header.clone();
    let honest = HeaderRow(chain.blocks[first..first + 6].iter().map(|block| block.sealed.clone()).collect());
    let mut lies = Lies::about(&honest.to_bytes());
    for (name, row) in rows(stage, &honest.0) {
        lies.bundle(name, &HeaderRow(row));
    }
    for from in 0..chain.blocks.len() - 6 {
        let row = chain.blocks[from..from + 6].iter().map(|block| block.sealed.clone());
        lies.bundle(format!("from height {from} on"), &HeaderRow(row.collect()));
        let row = stage.other.blocks[from..from + 6].iter().map(|block| block.sealed.clone());
        lies.bundle(format!("from height {from} on, of another chain"), &HeaderRow(row.collect()));
    }
    let (verifier, trusted, now) = (stage.verifier.clone(), stage.trusted.clone(), stage.now);
    Message::of("row of headers", &honest, lies, move |HeaderRow(row)| {
        let mut parent = &parent;
        for sealed in row {
            let SealedHeader { header, .. } = sealed;
            let followed = verifier.engine().check_successor(&trusted, parent, sealed, &header.id(), now);
            followed.map_err(|error| ProofFailure::Newer { height: header.height.0, error })?;
            parent = header;
        }
        Ok(row.iter().map(|sealed| format!("{:?}", sealed.header)).collect())
    })
    .may_say_less()
}
