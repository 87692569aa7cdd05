use std::collections::BTreeMap;

/// Which entries of a snapshot are still to be asked for: rising ranges of ranks that lie apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts(BTreeMap<u64, u64>);

impl Parts {
    /// All of `total` entries but those in `taken`, which rise and lie apart.
    pub(super) fn without(total: u64, taken: &[(u64, u64)]) -> Self {
        let (mut parts, mut next) = (Self::default(), 0);
        for (first, count) in taken {
            parts.add(next, first.saturating_sub(next));
            next = first.saturating_add(*count);
        }
        parts.add(next, total.saturating_sub(next));
        parts
    }

    /// Adds a range that lies apart from all others.
    pub(super) fn add(&mut self, first: u64, count: u64) {
        if count > 0 {
            self.0.insert(first, count);
        }
    }

    /// Takes out the first entries, at most `count` in a row.
    pub(super) fn pop(&mut self, count: u64) -> Option<(u64, u64)> {
        let (first, there) = self.0.pop_first()?;
        let taken = there.min(count);
        self.add(first + taken, there - taken);
        Some((first, taken))
    }

    /// Takes out `count` entries from `first` on, where a range begins. `false` if none does, or it is shorter.
    pub(super) fn take(&mut self, first: u64, count: u64) -> bool {
        let Some(there) = self.0.get(&first).copied().filter(|there| *there >= count) else { return false };
        self.0.remove(&first);
        self.add(first + count, there - count);
        true
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_taken_out_once() {
        let mut parts = Parts::without(10, &[(0, 2), (5, 1)]);
        assert_eq!(parts.pop(2), Some((2, 2)));
        assert_eq!(parts.pop(9), Some((4, 1)));
        parts.add(2, 2);
        assert_eq!(parts.pop(9), Some((2, 2)));
        assert!(!parts.take(7, 1) && !parts.take(6, 5) && parts.take(6, 1));
        parts.add(6, 1);
        assert_eq!(parts.pop(9), Some((6, 1)));
        assert_eq!(parts.pop(9), Some((7, 3)));
        parts.add(6, 4);
        assert_eq!((parts.pop(4), parts.is_empty(), parts.pop(1)), (Some((6, 4)), true, None));
        assert!(Parts::without(7, &[(0, 7)]).is_empty());
        assert_eq!(Parts::without(3, &[]).pop(100), Some((0, 3)));
    }
}
