//! What carries messages: late, sometimes not at all, and not between the parts of a cut network.

use super::random::Random;

/// The lines between all nodes.
#[derive(Clone, Debug)]
pub(super) struct Links {
    /// Shortest and longest way of a message, in milliseconds.
    pub(super) latency: (u64, u64),
    /// Messages lost, of a thousand.
    pub(super) loss: u64,
    /// Which part of the network a node is in; nodes of different parts do not reach each other.
    part: Vec<usize>,
    /// One that reaches all parts; but for what it says first, nobody hears it.
    listener: Option<usize>,
}

impl Links {
    pub(super) fn new(nodes: usize) -> Self {
        Self { latency: (10, 120), loss: 0, part: vec![0; nodes], listener: None }
    }

    /// Cuts these parts off; who is in none stays with all others of that kind.
    pub(super) fn cut(&mut self, parts: &[&[usize]]) {
        for (node, part) in self.part.iter_mut().enumerate() {
            let found = parts.iter().position(|members| members.contains(&node));
            *part = found.unwrap_or(parts.len());
        }
    }

    pub(super) fn heal(&mut self) {
        self.part.fill(0);
        self.listener = None;
    }

    pub(super) fn join(&mut self) {
        self.part.push(0);
    }

    pub(super) fn connect(&self, one: usize, other: usize) -> bool {
        self.part[one] == self.part[other] || [Some(one), Some(other)].contains(&self.listener)
    }

    /// This one hears everybody, whatever is cut, and its own messages are lost.
    pub(super) fn listen(&mut self, listener: Option<usize>) {
        self.listener = listener;
    }

    /// How long a message takes; `None` if it never comes.
    pub(super) fn carry(&self, from: usize, to: usize, random: &mut Random) -> Option<u64> {
        let (shortest, longest) = self.latency;
        let way = shortest + random.below(longest - shortest + 1);
        let lost = random.chance(self.loss) || self.listener == Some(from);
        (self.connect(from, to) && !lost).then_some(way)
    }
}
