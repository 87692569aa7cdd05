use allocation_counter::measure;

/// 1,024 bytes.
pub const KIB: u64 = 1_024;

/// The memory that a decoder may hold at one time, its answer and the check of its answer included. Stacks are not
/// counted; a buffer that grows counts twice while it moves.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes for each byte of input.
    pub per_byte: u64,
    /// Bytes besides.
    pub fixed: u64,
}

impl Budget {
    /// Bytes that an input of this length may take.
    pub const fn of(self, input: usize) -> u64 {
        self.per_byte.saturating_mul(input as u64).saturating_add(self.fixed)
    }

    /// Does the work and gives the most bytes that it held at one time. Work over the budget is done once more: the first
    /// time may have made what a process makes once.
    ///
    /// # Panics
    /// If it is over the budget for an input of this length then too.
    pub fn hold<T>(self, what: &str, input: usize, work: impl Fn() -> T) -> (T, u64) {
        let allowed = self.of(input);
        let (mut result, mut held) = held_by(&work);
        if held > allowed {
            (result, held) = held_by(&work);
        }
        assert!(
            held <= allowed,
            "{what} held {held} bytes for {input} bytes of input; {allowed} are allowed"
        );
        (result, held)
    }
}

fn held_by<T>(work: impl Fn() -> T) -> (T, u64) {
    let mut result = None;
    let held = measure(|| result = Some(work())).bytes_max;
    (result.expect("the work was done"), held)
}
