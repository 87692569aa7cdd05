//! Bytes from outside: what is read was written like that, and everything else is refused.

use std::fmt::Debug;

use super::{Verdict, ensure, same, words};
use crate::{
    client::{Anchor, BUNDLE_VERSION, BlockName, Bundle, HeaderRow, Questions},
    data_format::{
        Amount, DecodeError, GenesisAccount, Height, MAX_TRANSACTION_BYTES, SignedTransaction,
        UNITS_PER_COIN, codec,
    },
    state::Question,
    test_support::{
        chain::{ScriptedChain, test_address},
        random::Sequence,
    },
    transaction::Submission,
};

/// Changed copies of each value.
const CHANGED: usize = 300;

pub(super) fn bundles() -> Verdict {
    let accounts = (1..=3)
        .map(|key| GenesisAccount { address: test_address(key), balance: Amount(1_000 * UNITS_PER_COIN) });
    let mut chain = ScriptedChain::new(4, accounts.collect());
    let signed = chain.transfer(1, test_address(2), Amount(7));
    let id = signed.transaction.id(&chain.spec().id());
    chain.advance(&[signed]);
    for round in 0..5 {
        let later = chain.transfer(1 + round % 3, test_address(4), Amount(5));
        chain.advance(&[later]);
    }
    let (trusted, address) = (chain.genesis(), test_address(1));
    let anchor = chain.anchor(&trusted);
    let Anchor::Beacon(beacon) = &anchor else { return Err("nothing is final".to_owned()) };
    let row = (1..9).map(|height| chain.header(Height(height)).clone()).collect();
    let questions = vec![Question::Account(address), Question::Holders, Question::Supply];

    round_trips(&**beacon)?;
    round_trips(&anchor)?;
    round_trips(&chain.account_bundle(&trusted, address, 0, 50))?;
    round_trips(&chain.account_bundle(&trusted, test_address(99), 0, 50))?;
    round_trips(&chain.history_page(&address, 3, 50))?;
    round_trips(&found(chain.transaction_bundle(&trusted, &id))?)?;
    round_trips(&HeaderRow(row))?;
    round_trips(&chain.state_bundle(&trusted, &questions))?;
    round_trips(&chain.parameters())?;
    for height in [1, 12, 23] {
        round_trips(&found(chain.header_bundle(&trusted, BlockName::Height(Height(height))))?)?;
    }
    round_trips(&found(chain.hand_over(&trusted))?)?;
    round_trips(&found(chain.receipt(&trusted, &id))?)?;
    round_trips(&Questions(questions))
}

fn found<T>(bundle: Option<T>) -> Result<T, String> {
    bundle.ok_or_else(|| "no bundle".to_owned())
}

fn round_trips<B: Bundle + PartialEq + Debug>(bundle: &B) -> Verdict {
    let (kind, bytes) = (B::KIND, bundle.to_bytes());
    same!(B::from_bytes(&bytes).as_ref(), Ok(bundle), "kind {kind}");
    same!(
        B::from_text(&format!(" {}\n", bundle.to_text().to_lowercase())).as_ref(),
        Ok(bundle),
        "kind {kind} as text"
    );
    let is_refused = |bytes: &[u8]| B::from_bytes(bytes).is_err();
    for length in 0..bytes.len() {
        ensure!(is_refused(&bytes[..length]), "kind {kind} cut off at {length} is read");
    }
    ensure!(is_refused(&[&bytes[..], &[0]].concat()), "kind {kind} with a byte more is read");
    for (at, wrong) in [(0, BUNDLE_VERSION + 1), (0, 0), (1, kind + 1), (1, kind ^ 0x80)] {
        let mut other = bytes.clone();
        other[at] = wrong;
        ensure!(is_refused(&other), "kind {kind} is read with {wrong} in byte {at}");
    }
    let found = B::MAX_BYTES + 1;
    let too_long = B::from_bytes(&vec![BUNDLE_VERSION; found]).err();
    same!(too_long, Some(DecodeError::TooLong { found, limit: B::MAX_BYTES }), "kind {kind}, too long");
    let mut random = Sequence(u64::from(kind));
    canonical::<B>(&bytes, |bytes, at| bytes[at] ^= 1 << random.below(8))?;
    canonical::<B>(&bytes, |bytes, at| bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff))
}

/// Changes an encoded bundle in many places, one at a time: what is still read is written back as the same bytes.
pub(super) fn canonical<B: Bundle>(bytes: &[u8], mut change: impl FnMut(&mut [u8], usize)) -> Verdict {
    let step = bytes.len().div_ceil(CHANGED);
    for at in (0..bytes.len()).step_by(step) {
        let mut changed = bytes.to_vec();
        change(&mut changed, at);
        if let Ok(read) = B::from_bytes(&changed) {
            ensure!(read.to_bytes() == changed, "kind {} changed at byte {at} has two encodings", B::KIND);
        }
    }
    Ok(())
}

pub(super) fn transactions() -> Verdict {
    let account = GenesisAccount { address: test_address(1), balance: Amount(1_000 * UNITS_PER_COIN) };
    let chain = ScriptedChain::new(4, vec![account]);
    let signed = chain.transfer(1, test_address(2), Amount(u64::MAX / 3));
    let id = chain.spec().id();
    let bytes = codec::encode(&signed);
    let read = |bytes: &[u8]| codec::decode::<SignedTransaction>(bytes, MAX_TRANSACTION_BYTES);
    same!(read(&bytes), Ok(signed.clone()), "a transaction");
    let submission = Submission { chain: id, signed: signed.clone() }.encode();
    same!(Submission::decode(&submission, &id).map_err(words)?, signed, "a submission");
    for length in 0..bytes.len() {
        ensure!(read(&bytes[..length]).is_err(), "a transaction cut off at {length} is read");
    }
    ensure!(read(&[&bytes[..], &[0]].concat()).is_err(), "a transaction with a byte more is read");
    ensure!(read(&vec![0; MAX_TRANSACTION_BYTES + 1]).is_err(), "a transaction that is too long is read");
    let good = signed.verify(&id).is_ok();
    ensure!(good, "the signature does not hold");
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(other) = read(&changed) else { continue };
        ensure!(codec::encode(&other) == changed, "a transaction changed at bit {bit} has two encodings");
        ensure!(other.verify(&id).is_err(), "a transaction changed at bit {bit} is signed");
    }
    Ok(())
}
