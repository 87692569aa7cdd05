//! Changed copies of an input, the same in every run: number `n` of a seed is a function of `n` and the seed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use light_client::test_support::random::Sequence;

use crate::{Decoder, Reach};

/// Places of an input that are changed one after the other, at most; of a longer input, so many spread over it.
const MAX_PLACES: usize = 256;
/// Changes made at each place.
const CHANGES: usize = 12;
/// Changes at random after those.
const RANDOM: usize = 400;

/// All changed copies of an input.
pub struct Mutations<'a> {
    seed: &'a [u8],
    /// Other inputs of the same decoder, to splice with.
    others: &'a [Vec<u8>],
}

impl<'a> Mutations<'a> {
    /// Of a seed, with parts of others.
    pub const fn new(seed: &'a [u8], others: &'a [Vec<u8>]) -> Self {
        Self { seed, others }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.places() * CHANGES + RANDOM
    }

    fn places(&self) -> usize {
        self.seed.len().min(MAX_PLACES)
    }

    /// Number `index`.
    pub fn get(&self, index: usize) -> Vec<u8> {
        let systematic = self.places() * CHANGES;
        if index < systematic {
            let place = index / CHANGES * self.seed.len() / self.places();
            self.changed(place, index % CHANGES)
        } else {
            self.random(index)
        }
    }

    fn changed(&self, at: usize, change: usize) -> Vec<u8> {
        let mut bytes = self.seed.to_vec();
        match change {
            0 => bytes[at] ^= 1,
            1 => bytes[at] ^= 0x80,
            2 => bytes[at] = 0,
            3 => bytes[at] = 0xff,
            // A length that has nothing to do with what follows.
            4 => overwrite(&mut bytes, at, &u32::MAX.to_le_bytes()),
            5 => overwrite(&mut bytes, at, &(1_u32 << 20).to_le_bytes()),
            6 => overwrite(&mut bytes, at, &0x100_u32.to_le_bytes()),
            7 => overwrite(&mut bytes, at, &[0xff; 9]),
            8 => bytes.truncate(at),
            9 => drop(bytes.remove(at)),
            10 => bytes.insert(at, 0),
            _ => {
                let end = bytes.len().min(at + 64);
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
        }
        bytes
    }

    fn random(&self, index: usize) -> Vec<u8> {
        let mut sequence = Sequence(index as u64);
        let mut bytes = self.seed.to_vec();
        for _ in 0..=sequence.below(4) {
            let at = sequence.below(bytes.len() + 1);
            match sequence.below(7) {
                0 => overwrite(&mut bytes, at, &sequence.number().to_le_bytes()[..1]),
                1 => overwrite(&mut bytes, at, &sequence.number().to_le_bytes()),
                2 => bytes.truncate(at),
                3 => bytes.resize(bytes.len() + sequence.below(4_000), sequence.number() as u8),
                4 => {
                    let end = bytes.len().min(at + sequence.below(100));
                    bytes.drain(at..end);
                }
                5 => {
                    let end = bytes.len().min(at + sequence.below(300));
                    let part = bytes[at..end].repeat(1 + sequence.below(20));
                    bytes.splice(at..at, part);
                }
                _ if self.others.is_empty() => bytes.reverse(),
                _ => {
                    let other = &self.others[sequence.below(self.others.len())];
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[sequence.below(other.len() + 1).min(at)..]);
                }
            }
        }
        bytes
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (byte, new) in bytes.iter_mut().skip(at).zip(with) {
        *byte = *new;
    }
}

/// What became of many inputs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Inputs run.
    pub runs: usize,
    /// Inputs that were read.
    pub read: usize,
    /// Inputs that held.
    pub held: usize,
    /// The most memory held at one time, in bytes.
    pub most: u64,
    /// The most memory for a byte of input, beyond the fixed part.
    pub most_per_byte: u64,
}

/// Runs a decoder on its inputs and on every mutation of them.
///
/// # Panics
/// If any run does; the input is then in the folder for temporary files, and the message names it.
pub fn run_all(decoder: &Decoder, inputs: &[Vec<u8>]) -> Tally {
    let mut tally = Tally::default();
    for input in inputs {
        run_one(decoder, input, &mut tally);
        let mutations = Mutations::new(input, inputs);
        for index in 0..mutations.count() {
            run_one(decoder, &mutations.get(index), &mut tally);
        }
    }
    tally
}

fn run_one(decoder: &Decoder, input: &[u8], tally: &mut Tally) {
    let Ok((reach, held)) = catch_unwind(AssertUnwindSafe(|| decoder.check(input))) else {
        let path = std::env::temp_dir().join(format!("fuzz-found-{}", decoder.name));
        let kept = std::fs::write(&path, input);
        panic!(
            "{} failed on an input of {} bytes, in {}: {kept:?}",
            decoder.name,
            input.len(),
            path.display()
        );
    };
    tally.runs += 1;
    tally.read += usize::from(reach >= Reach::Read);
    tally.held += usize::from(reach == Reach::Held);
    tally.most = tally.most.max(held);
    let beyond = held.saturating_sub(decoder.budget.fixed);
    tally.most_per_byte = tally.most_per_byte.max(beyond.div_ceil(input.len().max(1) as u64));
}
