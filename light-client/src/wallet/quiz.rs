use zeroize::Zeroizing;

use super::{Seed, words};
use crate::crypto::{Domain, Hash};

/// One question of a backup check: which of three words stands at a position. Holds a secret word: wiped when
/// dropped, never printed.
pub struct Question {
    /// The position asked for, from 1.
    pub position: usize,
    /// Three different words, one of them right.
    pub choices: [Zeroizing<String>; 3],
    /// Which of the choices is right: 0, 1 or 2.
    pub answer: usize,
}

/// Questions over `count` different positions of a seed's words (all of them if it has fewer), in the order of
/// the phrase. Everything random in them comes from `entropy`.
pub fn word_quiz(seed: &Seed, count: usize, entropy: &Zeroizing<[u8; 32]>) -> Vec<Question> {
    let mut draws = Draws { entropy, taken: 0 };
    let phrase = seed.words();
    let mut positions: Vec<usize> = (0..phrase.len()).collect();
    while positions.len() > count {
        let dropped = draws.below(positions.len());
        positions.remove(dropped);
    }
    positions.into_iter().map(|index| question(&phrase, index, &mut draws)).collect()
}

fn question(phrase: &[Zeroizing<String>], index: usize, draws: &mut Draws<'_>) -> Question {
    let right = phrase[index].as_str();
    let mut decoy = |other: &str| loop {
        let word = words::word_list()[draws.below(2048)];
        if word != right && word != other {
            break word;
        }
    };
    let first = decoy("");
    let second = decoy(first);
    let answer = draws.below(3);
    let order = match answer {
        0 => [right, first, second],
        1 => [first, right, second],
        _ => [first, second, right],
    };
    Question { position: index + 1, choices: order.map(|word| Zeroizing::new(word.to_owned())), answer }
}

/// Numbers below a bound, drawn from entropy: one hash each.
struct Draws<'a> {
    entropy: &'a [u8; 32],
    taken: u64,
}

impl Draws<'_> {
    /// A number below `bound`. 64 bits reduced to a small range: the bias is below 2^-48.
    fn below(&mut self, bound: usize) -> usize {
        let hash = Hash::of(Domain::WORD_QUIZ, &[self.entropy, &self.taken.to_le_bytes()]);
        self.taken += 1;
        let [a, b, c, d, e, f, g, h, ..] = hash.0;
        (u64::from_le_bytes([a, b, c, d, e, f, g, h]) % bound.max(1) as u64) as usize
    }
}
