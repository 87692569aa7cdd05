//! Proof bundles of a chain in memory: what they prove, and that nothing else is proven.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken script must stop the test")]

mod answers;
mod block;
mod fate;
mod form;
mod history;
mod led_receipt;
mod parameters;
mod receipt;

use light_client::{
    client::{Bundle, ProofFailure, Verifier},
    data_format::{Amount, GenesisAccount, SignedTransaction, TransactionId, UNITS_PER_COIN},
    test_support::chain::{ScriptedChain, test_address},
};

const COIN: u64 = UNITS_PER_COIN;

/// A chain with three funded accounts and so many slots.
fn chain(slots: u64) -> ScriptedChain {
    let accounts =
        (1..=3).map(|key| GenesisAccount { address: test_address(key), balance: Amount(1000 * COIN) });
    ScriptedChain::new(slots, accounts.collect())
}

/// Minted so many rounds.
fn rounds(mut chain: ScriptedChain, count: usize) -> ScriptedChain {
    (0..count).for_each(|_| chain.advance(&[]));
    chain
}

/// A payment from account 1 to account 2 in the first block of the next round.
fn pay(chain: &mut ScriptedChain) -> (SignedTransaction, TransactionId) {
    let signed = chain.transfer(1, test_address(2), Amount(7 * COIN));
    chain.advance(std::slice::from_ref(&signed));
    let id = signed.transaction.id(&chain.spec().id());
    (signed, id)
}

fn verifier(chain: &ScriptedChain) -> Verifier {
    Verifier::new(chain.spec())
}

/// Flips bits of every byte of a bundle and cuts it off everywhere: it is refused, or says the same as before.
fn never_says_anything_else<B: Bundle, T: PartialEq + std::fmt::Debug>(
    bundle: &B,
    check: impl Fn(&B) -> Result<T, ProofFailure>,
) {
    let bytes = bundle.to_bytes();
    let check = |bytes: &[u8]| check(&B::from_bytes(bytes)?);
    let good = check(&bytes).unwrap();
    for at in 0..bytes.len() {
        for bits in [1, 0x80] {
            let mut altered = bytes.clone();
            altered[at] ^= bits;
            if let Ok(same) = check(&altered) {
                assert_eq!(same, good, "byte {at}");
            }
        }
        assert!(check(&bytes[..at]).is_err(), "cut at {at}");
    }
    assert!(check(&[&bytes[..], &[0]].concat()).is_err(), "a byte too many");
}
