use std::collections::BTreeSet;

use crate::client::Bundle;

/// An answer in place of the honest one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    /// What was changed.
    pub name: String,
    /// What is sent.
    pub sent: Sent,
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sent {
    /// An HTTP answer.
    Answer {
        /// Its status.
        status: u16,
        /// Its body.
        body: Vec<u8>,
    },
    /// Nothing, ever.
    Nothing,
}

/// Different lies about one honest answer.
#[derive(Debug)]
pub struct Lies {
    list: Vec<Lie>,
    seen: BTreeSet<Sent>,
}

impl Lies {
    /// No lies yet about this answer.
    pub fn about(honest: &[u8]) -> Self {
        let honest = Sent::Answer { status: 200, body: honest.to_vec() };
        Self { list: Vec::new(), seen: BTreeSet::from([honest]) }
    }

    /// Another answer, unless it is the honest one or there already.
    pub fn send(&mut self, name: impl Into<String>, sent: Sent) {
        if self.seen.insert(sent.clone()) {
            self.list.push(Lie { name: name.into(), sent });
        }
    }

    /// Another body.
    pub fn body(&mut self, name: impl Into<String>, body: Vec<u8>) {
        self.send(name, Sent::Answer { status: 200, body });
    }

    /// Another bundle.
    pub fn bundle(&mut self, name: impl Into<String>, bundle: &impl Bundle) {
        self.body(name, bundle.to_bytes());
    }

    /// The honest bundle with a change.
    pub fn with<B: Bundle + Clone>(
        &mut self,
        name: impl Into<String>,
        honest: &B,
        change: impl FnOnce(&mut B),
    ) {
        let mut bundle = honest.clone();
        change(&mut bundle);
        self.bundle(name, &bundle);
    }

    /// The honest bundle with each of some parts in place of its own.
    pub fn each<B: Bundle + Clone, P>(
        &mut self,
        part: &str,
        honest: &B,
        parts: impl IntoIterator<Item = (String, P)>,
        put: impl Fn(&mut B, P),
    ) {
        for (name, value) in parts {
            self.with(format!("{part}: {name}"), honest, |bundle| put(bundle, value));
        }
    }

    /// All of them.
    pub fn into_list(self) -> Vec<Lie> {
        self.list
    }
}
