use crate::Budget;

/// How far an input came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// It could not be read.
    Refused,
    /// It was read, and what it says does not hold.
    Read,
    /// It was read, and everything that can be checked holds.
    Held,
}

/// One way into the code for bytes from outside.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    /// Its name, unique in its target.
    pub name: &'static str,
    /// Reads, checks, and asserts what must be true of any input.
    pub run: fn(&[u8]) -> Reach,
    /// What it may take.
    pub budget: Budget,
}

/// Some decoders that belong together: what one fuzzer works on.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and its corpus folder's.
    pub name: &'static str,
    /// The decoders. The place of each is the first byte of its inputs: new ones come last.
    pub decoders: &'static [Decoder],
    /// Makes the inputs that the corpus starts from.
    pub seeds: fn() -> Vec<Seed>,
}

/// An input made from a real chain.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The decoder it is for.
    pub decoder: &'static str,
    /// What it is.
    pub name: &'static str,
    /// Its bytes, without the first.
    pub bytes: Vec<u8>,
    /// How far it must come.
    pub reach: Reach,
}

impl Seed {
    /// An input that holds.
    pub const fn held(decoder: &'static str, name: &'static str, bytes: Vec<u8>) -> Self {
        Self { decoder, name, bytes, reach: Reach::Held }
    }

    /// An input that is read and does not hold.
    pub const fn read(decoder: &'static str, name: &'static str, bytes: Vec<u8>) -> Self {
        Self { decoder, name, bytes, reach: Reach::Read }
    }
}

impl Decoder {
    /// A decoder with a budget of so many bytes for each byte of input, and so many besides.
    pub const fn new(name: &'static str, run: fn(&[u8]) -> Reach, per_byte: u64, fixed: u64) -> Self {
        Self { name, run, budget: Budget { per_byte, fixed } }
    }

    /// Runs it within its budget; gives how far the input came and the most bytes held at one time.
    ///
    /// # Panics
    /// If anything is asserted in vain.
    pub fn check(&self, bytes: &[u8]) -> (Reach, u64) {
        self.budget.hold(self.name, bytes.len(), || (self.run)(bytes))
    }
}

impl Target {
    /// Runs an input: its first byte chooses the decoder. Those for decoders that do not exist are refused.
    ///
    /// # Panics
    /// If anything is asserted in vain.
    pub fn run(&self, input: &[u8]) -> Reach {
        let Some((place, bytes)) = input.split_first() else { return Reach::Refused };
        self.decoders.get(usize::from(*place)).map_or(Reach::Refused, |decoder| decoder.check(bytes).0)
    }

    /// The decoder of this name.
    ///
    /// # Panics
    /// If there is none.
    pub fn decoder(&self, name: &str) -> (u8, &'static Decoder) {
        let (place, decoder) = (0..)
            .zip(self.decoders)
            .find(|(_, decoder)| decoder.name == name)
            .unwrap_or_else(|| panic!("{} has no decoder {name}", self.name));
        (place, decoder)
    }
}
