//! The trees under a header: what happened to a transaction, and which headers came before.

use super::{Verdict, ensure, same, words};
use crate::{
    block_tree::{HeaderRange, RangePeaks},
    consensus::genesis,
    crypto::{Domain, Hash},
    data_format::{Amount, Header, Height, Outcome, ProofError, Status, TransactionProof, transactions_root},
};

fn outcome(index: u32) -> Outcome {
    let id = Hash::of(Domain::TRANSACTION, &[&index.to_le_bytes()]);
    Outcome { id, status: Status::Success, fee: Amount(u64::MAX - 1), index }
}

pub(super) fn outcomes() -> Verdict {
    for count in 1..=40 {
        let outcomes: Vec<_> = (0..count).map(outcome).collect();
        let header = Header {
            transactions_root: transactions_root(&outcomes),
            transactions_count: count,
            ..genesis(&Hash::ZERO, Hash::ZERO, Hash::ZERO).header
        };
        for (place, outcome) in outcomes.iter().enumerate() {
            let proof = TransactionProof::make(&outcomes, place).ok_or("no proof")?;
            same!(proof.verify(&header, outcome), Ok(()), "{place} of {count}");
            let mut others = vec![
                Outcome { status: Status::Overflow, ..*outcome },
                Outcome { fee: Amount(0), ..*outcome },
                Outcome { id: Hash([3; 32]), ..*outcome },
            ];
            others.extend(
                (0..=count).map(|index| Outcome { index, ..*outcome }).filter(|other| other != outcome),
            );
            for other in others {
                ensure!(proof.verify(&header, &other).is_err(), "{place} of {count} proves {other:?}");
            }
            for index in [count, count + 7, u32::MAX] {
                let refused = Err(ProofError::Index { index: index.into(), count: count.into() });
                same!(
                    proof.verify(&header, &Outcome { index, ..*outcome }),
                    refused,
                    "index {index} of {count}"
                );
            }
            let (mut long, mut short) = (proof.clone(), proof.clone());
            long.0.push(Hash::ZERO);
            ensure!(long.verify(&header, outcome).is_err(), "{place} of {count} with a hash more");
            if short.0.pop().is_some() {
                ensure!(short.verify(&header, outcome).is_err(), "{place} of {count} with a hash less");
            }
            for at in 0..proof.0.len() {
                let mut altered = proof.clone();
                altered.0[at].0[31] ^= 0x80;
                same!(
                    altered.verify(&header, outcome),
                    Err(ProofError::Root),
                    "{place} of {count}, hash {at}"
                );
            }
        }
        ensure!(
            TransactionProof::make(&outcomes, outcomes.len()).is_none(),
            "one more than {count} is proven"
        );
    }
    same!(transactions_root(&[]), Hash::ZERO, "the root of nothing");
    Ok(())
}

pub(super) fn headers() -> Verdict {
    let first = genesis(&Hash::ZERO, Hash::ZERO, Hash::ZERO).header;
    let mut range = RangePeaks::before(&first, Vec::new()).map_err(words)?;
    let mut headers = vec![first];
    for height in 1..=48 {
        let parent = headers[headers.len() - 1].id();
        let headers_root = range.push(height - 1, &parent).map_err(words)?;
        headers.push(Header { height: Height(height), parent, headers_root, ..headers[0].clone() });
    }
    for (height, newer) in (0..).zip(&headers) {
        for old in &headers[..height] {
            let proof = HeaderRange::new(&range, newer.height.0).prove(old.height).map_err(words)?;
            same!(proof.verify(newer, old), Ok(()), "{} from {height}", old.height);
            for other in &headers {
                let moved = Header { height: other.height, ..old.clone() };
                ensure!(
                    moved == *old || proof.verify(newer, &moved).is_err(),
                    "{} passes for {} from {height}",
                    old.height,
                    moved.height
                );
            }
            let other = Header { state_root: Hash([1; 32]), ..old.clone() };
            same!(proof.verify(newer, &other), Err(ProofError::Root), "another state at {}", old.height);
            let mut long = proof.clone();
            long.0.push(Hash::ZERO);
            ensure!(long.verify(newer, old).is_err(), "{} from {height} with a hash more", old.height);
            for at in 0..proof.0.len() {
                let mut altered = proof.clone();
                altered.0[at].0[0] ^= 1;
                same!(
                    altered.verify(newer, old),
                    Err(ProofError::Root),
                    "{} from {height}, hash {at}",
                    old.height
                );
            }
        }
    }
    Ok(())
}
