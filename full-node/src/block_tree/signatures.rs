//! The stateless rules of many transactions, signatures above all, on all cores.

use std::{collections::BTreeMap, sync::mpsc};

use light_client::{data_format::SignedTransaction, transaction::CheckedTransaction};

use super::BlockError;

/// Transactions that one core checks in a row: about two milliseconds.
const PART: usize = 48;

type Checked = Result<CheckedTransaction, BlockError>;

/// Checks transactions on all cores while `take` gets them in their order, each as soon as it and all before it are
/// checked: what they do is found out on this thread meanwhile. `check` is given their places. What is `known` is not
/// checked again, nor does it wait for the other cores, which may have other work.
pub(super) fn check_in_order<'a, T>(
    transactions: &'a [SignedTransaction],
    known: impl Fn(usize, &SignedTransaction) -> Option<CheckedTransaction>,
    check: impl Fn(usize, &SignedTransaction) -> Checked + Sync + 'a,
    take: impl FnOnce(&mut dyn Iterator<Item = Checked>) -> T,
) -> T {
    let check = &check;
    rayon::in_place_scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let mut early = BTreeMap::new();
        for (number, part) in transactions.chunks(PART).enumerate() {
            let places = number * PART..;
            let known: Vec<Option<CheckedTransaction>> =
                places.clone().zip(part).map(|(place, signed)| known(place, signed)).collect();
            if known.iter().all(Option::is_some) {
                early.insert(number, known.into_iter().flatten().map(Ok).collect());
                continue;
            }
            let sender = sender.clone();
            scope.spawn(move |_| {
                let known_or_checked = |((place, signed), known): (_, Option<CheckedTransaction>)| {
                    known.map_or_else(|| check(place, signed), Ok)
                };
                let checked: Vec<Checked> = places.zip(part).zip(known).map(known_or_checked).collect();
                // Nobody waits any more after the first fault.
                let _: Result<(), mpsc::SendError<_>> = sender.send((number, checked));
            });
        }
        drop(sender);
        take(&mut InOrder { receiver, early, next: 0 }.flatten())
    })
}

/// Parts in their order, as they come.
struct InOrder {
    receiver: mpsc::Receiver<(usize, Vec<Checked>)>,
    early: BTreeMap<usize, Vec<Checked>>,
    next: usize,
}

impl Iterator for InOrder {
    type Item = Vec<Checked>;

    fn next(&mut self) -> Option<Vec<Checked>> {
        loop {
            if let Some(part) = self.early.remove(&self.next) {
                self.next += 1;
                return Some(part);
            }
            // A thread of the pool must not wait for work that may be its own to do.
            let received = match self.receiver.try_recv() {
                Err(mpsc::TryRecvError::Empty) if rayon::yield_now() == Some(rayon::Yield::Executed) => {
                    continue;
                }
                Err(mpsc::TryRecvError::Empty) => self.receiver.recv().ok(),
                received => received.ok(),
            };
            let (number, part) = received?;
            self.early.insert(number, part);
        }
    }
}

#[cfg(test)]
mod tests {
    use light_client::{
        data_format::{Amount, ChainSpec},
        test_support::chain::{ScriptedChain, test_address},
        transaction::check_in_block,
    };

    use super::*;

    fn check_all(
        spec: &ChainSpec,
        transactions: &[SignedTransaction],
    ) -> Result<Vec<SignedTransaction>, BlockError> {
        let chain = spec.id();
        let check = |index, signed: &SignedTransaction| {
            check_in_block(signed, spec, &chain).map_err(|error| BlockError::Transaction { index, error })
        };
        check_in_order(
            transactions,
            |_, _| None,
            check,
            |checked| checked.map(|checked| Ok(checked?.into_signed())).collect(),
        )
    }

    #[test]
    fn what_is_known_is_not_checked_again() {
        let chain = ScriptedChain::new(1, Vec::new());
        let transactions: Vec<_> = (0..3 * PART as u64)
            .map(|number| chain.transfer(number % 7, test_address(8), Amount(number + 1)))
            .collect();
        let (id, spec) = (chain.spec().id(), chain.spec());
        let check = |signed: &SignedTransaction| check_in_block(signed, spec, &id).unwrap();
        // Every other one of the first part, and all of the second.
        let is_known = |signed: &SignedTransaction| {
            let place = transactions.iter().position(|other| other == signed).unwrap();
            place < 2 * PART && (place >= PART || place.is_multiple_of(2))
        };
        let taken: Vec<_> = check_in_order(
            &transactions,
            |_, signed| is_known(signed).then(|| check(signed)),
            |place, signed| {
                assert!(!is_known(signed) && transactions[place] == *signed);
                Ok(check(signed))
            },
            |checked| checked.map(|checked| checked.unwrap().into_signed()).collect(),
        );
        assert_eq!(taken, transactions);
    }

    #[test]
    fn they_come_in_their_order_up_to_the_first_fault() {
        let chain = ScriptedChain::new(1, Vec::new());
        let mut transactions: Vec<_> = (0..5 * PART as u64 + 1)
            .map(|number| chain.transfer(number % 7, test_address(8), Amount(number + 1)))
            .collect();
        assert_eq!(check_all(chain.spec(), &transactions).unwrap(), transactions);
        assert_eq!(check_all(chain.spec(), &[]).unwrap(), []);
        for wrong in [4 * PART, 3 * PART + 7, 0] {
            transactions[wrong].signature.0[0] ^= 1;
            let error = check_all(chain.spec(), &transactions).unwrap_err();
            assert!(matches!(error, BlockError::Transaction { index, .. } if index == wrong), "{error}");
        }
        // On a thread of a pool that has no other.
        let (pool, spec) = (rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap(), chain.spec());
        assert!(pool.install(|| check_all(spec, &transactions)).is_err());
    }
}
