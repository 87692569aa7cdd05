//! Keys at rest, and what they sign.

use std::collections::BTreeSet;

use super::{Verdict, ensure, same, words};
use crate::{
    crypto::Signature,
    data_format::{Address, Amount, Call, CoinCall, Height, Network, Transaction},
    test_support::chain::{FEE, test_address, test_spec},
    transaction::check_stateless,
    wallet::{
        Keyring, RequestId, Seed, SignError, SignRequest, SignatureReply, SigningContext, keystore, sign,
        sign_own, verify_reply,
    },
};

const PHRASE: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
const PASSWORD: &str = "correct horse";
/// The file of version 1, byte for byte, with `PASSWORD`: what was written once must open for ever, everywhere.
const KEYSTORE: &[u8] = include_bytes!("../../wallet/tests/keystore-1.bin");

pub(super) fn keystore() -> Verdict {
    let opened = keystore::open(KEYSTORE, PASSWORD).map_err(words)?;
    same!(&**opened, b"secret of version 1", "the secret");
    let wrong = keystore::KeystoreError::WrongPassword;
    for password in ["", "correct hors", "correct horse ", "Correct horse"] {
        same!(
            keystore::open(KEYSTORE, password).err(),
            Some(wrong.clone()),
            "with the password {password:?}"
        );
    }
    for at in 0..KEYSTORE.len() {
        let mut damaged = KEYSTORE.to_vec();
        damaged[at] ^= 1 << (at % 8);
        let found = keystore::open(&damaged, PASSWORD).err();
        same!(found, Some(keystore::KeystoreError::Damaged), "damaged at byte {at}");
    }
    let dearest = keystore::Cost { memory_kib: u32::MAX, passes: u32::MAX };
    let entropy = keystore::SealEntropy {
        data_key: zeroize::Zeroizing::new([1; 32]),
        secret_nonce: [1; 24],
        wrap: keystore::WrapEntropy { salt: [1; 16], nonce: [1; 24] },
    };
    let found = keystore::seal(b"x", PASSWORD, dearest, &entropy).err();
    same!(found, Some(keystore::KeystoreError::Cost(dearest)), "at a cost that no memory has");
    let cheap = keystore::Cost { memory_kib: 8, passes: 1 };
    let sealed = keystore::seal(b"another secret", PASSWORD, cheap, &entropy).map_err(words)?;
    same!(&**keystore::open(&sealed, PASSWORD).map_err(words)?, b"another secret", "sealed here");
    Ok(())
}

pub(super) fn signing() -> Verdict {
    let spec = test_spec(4, Vec::new());
    let (chain, nothing) = (spec.id(), BTreeSet::new());
    let context = SigningContext {
        spec: &spec,
        chain: &chain,
        signed: &nothing,
        newest_checkpoint: None,
        request_height: None,
    };
    let (vsystems, _) = Seed::from_vsystems(PHRASE).map_err(words)?;
    for seed in [Seed::from_bip39(PHRASE).map_err(words)?, vsystems] {
        let scheme = seed.scheme();
        let keyring = Keyring::new(seed, Network::Test);
        let account = keyring.accounts()[0];
        let transaction = Transaction {
            sender: account.public_key,
            nonce: u64::from(u32::MAX) + 3,
            fee: FEE,
            valid_until: Height(1 << 40),
            calls: vec![Call::Coin(CoinCall::Transfer { to: test_address(2), amount: Amount(1 << 40) })],
            memo: b"rent".to_vec(),
        };
        let request = SignRequest::new(RequestId([7; 16]), chain, &transaction);
        let scanned = SignRequest::decode(&request.encode()).map_err(words)?;
        same!(scanned, request, "the request");
        let reply = sign(&scanned, &keyring, &context).map_err(words)?;
        same!(SignatureReply::decode(&reply.encode()).map_err(words)?, reply, "the reply");
        let signed = verify_reply(&request, &reply).map_err(words)?;
        same!(signed.transaction, transaction, "what is signed");
        same!(sign_own(&transaction, &keyring, &context).map_err(words)?, signed, "signed at home");
        same!(Address::of(&signed.transaction.sender, Network::Test), account.address, "the sender");
        ensure!(check_stateless(&signed, &spec, &chain).is_ok(), "{scheme:?}: no server would take it");
        ensure!(
            signed.verify(&crate::crypto::Hash([1; 32])).is_err(),
            "{scheme:?}: it holds on another chain"
        );
        for bit in 0..512 {
            let mut altered = reply;
            altered.signature.0[bit / 8] ^= 1 << (bit % 8);
            ensure!(
                verify_reply(&request, &altered).is_err(),
                "{scheme:?}: bit {bit} of the signature does not matter"
            );
        }
        let none = SignatureReply { signature: Signature([0; 64]), ..reply };
        ensure!(verify_reply(&request, &none).is_err(), "{scheme:?}: zeros are a signature");
        let stranger = Keyring::new(Seed::generate(&[9; 16]).map_err(words)?, Network::Test);
        let refused = sign(&request, &stranger, &context);
        ensure!(
            matches!(refused, Err(SignError::KeyNotHeld { .. })),
            "{scheme:?}: signed by a stranger: {refused:?}"
        );
        let id = request.transaction_id();
        let before = BTreeSet::from([id]);
        let again = sign(&request, &keyring, &SigningContext { signed: &before, ..context });
        same!(again.err(), Some(SignError::AlreadySigned(id)), "signed twice");
    }
    Ok(())
}
