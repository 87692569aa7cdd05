//! Lies about the answers to questions, and about how a bundle of them is made.

use super::{
    anchor, forge,
    lies::Lies,
    lists,
    message::Message,
    stage::{HOLDERS, Stage},
};
use crate::{
    client::{Anchor, Bundle, StateBundle},
    crypto::Hash,
    data_format::Height,
    state::{MAX_PAGE, Moment, Question, RequestKind, RequestPlace, Trie, ask_all},
    test_support::chain::{ScriptedChain, test_address, test_key},
};

pub(super) fn messages(stage: &Stage) -> Vec<Message> {
    let named = questions();
    let all: Vec<Question> = named.iter().map(|(_, question)| *question).collect();
    let mut messages: Vec<Message> = named
        .iter()
        .map(|(name, question)| message(stage, &format!("state: {name}"), &[*question]))
        .collect();
    messages.push(message(stage, "state: everything", &all));
    messages
}

/// A question of each kind, whose answer is not nothing.
fn questions() -> [(&'static str, Question); 7] {
    [
        ("account", Question::Account(test_address(2))),
        ("supernode", Question::Supernode(test_address(HOLDERS[1]))),
        ("holders", Question::Holders),
        ("leases", Question::Leases { lessor: test_address(2), after: None, limit: 2 }),
        ("requests", Question::Requests { after: None, limit: MAX_PAGE }),
        ("minting key", Question::MintingKey(Hash(*test_key(HOLDERS[2]).public().as_bytes()))),
        ("supply", Question::Supply),
    ]
}

fn message(stage: &Stage, name: &str, asked: &[Question]) -> Message {
    let chain = &stage.server.chain;
    let honest = chain.state_bundle(&stage.trusted, asked);
    let mut lies = Lies::about(&honest.to_bytes());
    lies.each("anchor", &honest, anchor::anchors(stage), |bundle, anchor| bundle.anchor = anchor);
    let mut lists = lists::edits(asked);
    lists.extend(others(asked));
    for (name, questions) in lists {
        lies.with(format!("questions: {name}"), &honest, |bundle| bundle.questions.clone_from(&questions));
        if !questions.is_empty() && Question::check_all(&questions).is_ok() {
            // Answered as they stand, and passed off as the answer to what was asked.
            let answered = chain.state_bundle(&stage.trusted, &questions);
            lies.bundle(format!("answers: {name}"), &answered);
            let passed_off = StateBundle { questions: asked.to_vec(), ..answered };
            lies.bundle(format!("answers: {name}, passed off"), &passed_off);
        }
    }
    for (name, witness) in witnesses(stage, asked, &honest.witness) {
        lies.with(format!("witness {name}"), &honest, |bundle| bundle.witness = witness);
    }
    for (name, chain) in [("before", &stage.before), ("then", &stage.then), ("between", &stage.between)] {
        let stale = chain.state_bundle(&stage.trusted_of(chain), asked);
        lies.bundle(format!("stale, from {name}"), &stale);
        lies.with(format!("the anchor from {name}"), &honest, |bundle| bundle.anchor = stale.anchor.clone());
        lies.with(format!("the witness from {name}"), &honest, |bundle| bundle.witness = stale.witness);
    }
    let other = stage.other.state_bundle(&stage.other.genesis(), asked);
    lies.bundle("of another chain", &other);
    lies.bundle(
        "of another chain under this anchor",
        &StateBundle { anchor: honest.anchor.clone(), ..other },
    );
    add_forged(&mut lies, stage, &honest);
    let behind =
        [&stage.then, &stage.between].map(|chain| chain.state_bundle(&stage.trusted, asked).to_bytes());
    let (verifier, trusted, now) = (stage.verifier.clone(), stage.trusted.clone(), stage.now);
    let asked = asked.to_vec();
    Message::of(name, &honest, lies, move |bundle| {
        let (newer, proven) = verifier.answers(&trusted, &asked, bundle, now)?;
        Ok(vec![format!("{newer:?} {:?} {:?}", proven.answers, proven.slots)])
    })
    .behind(behind)
}

/// A forged state, with the root in a header hashed anew.
fn add_forged(lies: &mut Lies, stage: &Stage, honest: &StateBundle) {
    let moment = moment(stage, stage.anchored);
    for key in [2, HOLDERS[1]] {
        for (name, state) in forge::accounts(stage, &test_address(key)) {
            let witness = state.witness(|trie| drop(ask_all(trie, &moment, &honest.questions)));
            let forged = StateBundle { witness, ..honest.clone() };
            lies.bundle(format!("forged account {key}: {name}"), &forged);
            let mut source = stage.beacon.source.clone();
            source.state_root = state.root();
            let beacon = forge::beacons(stage, &source).swap_remove(6).1;
            lies.with(format!("forged account {key}: {name}, hashed anew"), &forged, |bundle| {
                bundle.anchor = Anchor::Beacon(Box::new(beacon));
            });
        }
    }
}

fn moment(stage: &Stage, block: usize) -> Moment {
    let chain = &stage.server.chain;
    let block = &chain.blocks[block];
    Moment::after(
        &block.sealed.header,
        Some(&block.tables),
        chain.clock(),
        chain.spec().engine.average_window(),
    )
}

/// Other questions of the same kind, and too many.
fn others(asked: &[Question]) -> Vec<(String, Vec<Question>)> {
    let place = RequestPlace { kind: RequestKind::Release, height: Height(1), index: 1 };
    let other = |question: &Question| match *question {
        Question::Account(_) => vec![Question::Account(test_address(3)), Question::Account(test_address(99))],
        Question::Supernode(_) => {
            vec![Question::Supernode(test_address(HOLDERS[2])), Question::Supernode(test_address(99))]
        }
        Question::Leases { lessor, after, limit } => vec![
            Question::Leases { lessor: test_address(HOLDERS[3]), after, limit },
            Question::Leases { lessor, after: Some(test_address(HOLDERS[0])), limit },
            Question::Leases { lessor, after, limit: 1 },
            Question::Leases { lessor, after, limit: 3 },
            Question::Leases { lessor, after, limit: 0 },
            Question::Leases { lessor, after, limit: u8::MAX },
        ],
        Question::Requests { after, .. } => vec![
            Question::Requests { after: Some(place), limit: MAX_PAGE },
            Question::Requests { after, limit: 3 },
            Question::Requests { after, limit: 0 },
        ],
        Question::MintingKey(_) => {
            vec![
                Question::MintingKey(Hash([9; 32])),
                Question::MintingKey(Hash(*test_key(1_000).public().as_bytes())),
            ]
        }
        Question::Holders | Question::Supply => vec![Question::Account(test_address(3))],
    };
    let mut lists: Vec<(String, Vec<Question>)> = Vec::new();
    for (at, question) in asked.iter().enumerate() {
        for other in other(question) {
            let mut list = asked.to_vec();
            list[at] = other;
            lists.push((format!("{other:?} in place of {at}"), list));
        }
    }
    lists.push(("more than are answered".to_owned(), vec![Question::Supply; 65]));
    lists
}

fn witnesses(stage: &Stage, asked: &[Question], honest: &[u8]) -> Vec<(String, Vec<u8>)> {
    let chain = &stage.server.chain;
    let of = |block: usize, questions: &[Question]| {
        let mut trie = Trie::open(chain.blocks[block].state, &chain.nodes);
        ask_all(&mut trie, &moment(stage, block), questions).unwrap();
        trie.witness()
    };
    let mut witnesses = vec![("of nothing".to_owned(), Vec::new())];
    for (name, question) in questions() {
        witnesses.push((format!("of {name} alone"), of(stage.anchored, &[question])));
        let more: Vec<Question> = asked.iter().copied().chain([question]).collect();
        if Question::check_all(&more).is_ok() {
            witnesses.push((format!("of {name} too"), of(stage.anchored, &more)));
        }
    }
    for block in [4, stage.anchored - 1, chain.blocks.len() - 1] {
        witnesses.push((format!("of block {block}"), of(block, asked)));
    }
    let step = (honest.len() / 64).max(1);
    for at in (0..honest.len()).step_by(step) {
        let mut witness = honest.to_vec();
        witness[at] ^= 0x04;
        witnesses.push((format!("with another byte {at}"), witness));
        witnesses.push((format!("cut off at {at}"), honest[..at].to_vec()));
    }
    witnesses.push(("and a byte more".to_owned(), [honest, &[0]].concat()));
    witnesses.push(("twice".to_owned(), [honest, honest].concat()));
    witnesses
}

impl Stage {
    /// The trusted block, or block 0 of a chain that has none such yet.
    fn trusted_of(&self, chain: &ScriptedChain) -> crate::client::Trusted {
        if chain.head().header.height > self.trusted.height { self.trusted.clone() } else { chain.genesis() }
    }
}
