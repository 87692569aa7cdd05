//! What wallets store, and what they say to each other.

use std::collections::BTreeSet;

use light_client::{
    crypto::{Domain, Hash},
    data_format::{Height, Status, Time, Transaction},
    test_support::chain::{test_address, test_key},
    wallet::{
        AccountEntry, AccountSource, ChangeSet, Fingerprint, MAX_SIGN_REQUEST_BYTES, Payment, PaymentStage,
        RequestId, ReviewFacts, SIGNATURE_REPLY_BYTES, Seed as WalletSeed, SignRequest, SignatureReply,
        SigningContext, WalletData, check_request,
        keystore::{self, Cost, KeystoreError, SealEntropy, WrapEntropy},
        review, verify_reply,
    },
};
use zeroize::Zeroizing;

use super::{assert_same, reach};
use crate::{
    Decoder, KIB, Reach, Seed, Target,
    scene::{ASKED, COIN, scene},
};

/// What wallets store, and what they say to each other.
pub const WALLET: Target = Target {
    name: "wallet",
    decoders: &[
        Decoder::new("keystore", keystore, 4, 16 * KIB),
        Decoder::new("sign-request", sign_request, 8, 16 * KIB),
        Decoder::new("signature-reply", signature_reply, 4, 4 * KIB),
        Decoder::new("change-set", change_set, 10, 32 * KIB),
        Decoder::new("wallet-data", wallet_data, 10, 16 * KIB),
        Decoder::new("seed", seed, 32, 8 * KIB),
    ],
    seeds,
};

const PASSWORD: &str = "correct horse";
const SECRET: &[u8] = b"sixteen secrets!";
/// Little memory and one pass: what is tried here is not the password.
const CHEAP: Cost = Cost { memory_kib: 8, passes: 1 };

/// A keystore without its checksum, which anybody can mend.
fn keystore(bytes: &[u8]) -> Reach {
    let checksum = Hash::of(Domain::KEYSTORE, &[bytes]);
    let file = [bytes, &checksum.as_bytes()[..8]].concat();
    let cost = match keystore::cost(&file) {
        Ok(cost) => cost,
        Err(KeystoreError::Damaged | KeystoreError::Version(_) | KeystoreError::Cost(_)) => {
            return Reach::Refused;
        }
        Err(other) => panic!("{other}"),
    };
    // A file may ask for more, within bounds; then trying a password takes that much.
    if cost != CHEAP {
        return Reach::Read;
    }
    match keystore::open(&file, PASSWORD) {
        Ok(secret) => {
            assert_eq!(secret.as_slice(), SECRET, "a forged secret");
            Reach::Held
        }
        Err(KeystoreError::WrongPassword | KeystoreError::Damaged) => Reach::Read,
        Err(other) => panic!("{other}"),
    }
}

/// What a hot wallet asks a cold one for.
fn sign_request(bytes: &[u8]) -> Reach {
    let Ok(request) = SignRequest::decode(bytes) else { return Reach::Refused };
    assert!(bytes.len() <= MAX_SIGN_REQUEST_BYTES);
    assert_same(&request.encode(), bytes);
    let (scene, signed) = (scene(), BTreeSet::new());
    let context = SigningContext {
        spec: &scene.spec,
        chain: &scene.chain,
        signed: &signed,
        newest_checkpoint: Some(Height(3)),
        request_height: None,
    };
    let Ok(sender) = check_request(&request, &context) else { return Reach::Read };
    let review = review(&request.bytes_to_sign, &scene.spec, &scene.chain, &ReviewFacts::default()).unwrap();
    assert_eq!(review.id, request.transaction_id());
    assert_eq!(sender, light_client::data_format::Address::of(&request.public_key, scene.spec.network));
    Reach::Held
}

/// The answer to the request of [`request`].
fn signature_reply(bytes: &[u8]) -> Reach {
    let Ok(reply) = SignatureReply::decode(bytes) else { return Reach::Refused };
    assert_eq!(bytes.len(), SIGNATURE_REPLY_BYTES);
    assert_same(&reply.encode(), bytes);
    let request = request();
    let signed = verify_reply(&request, &reply);
    assert!(signed.is_err() || reply == self::reply(), "a forged signature");
    reach(signed.is_ok())
}

fn change_set(bytes: &[u8]) -> Reach {
    let Ok(changes) = ChangeSet::decode(bytes) else { return Reach::Refused };
    assert_same(&changes.encode(), bytes);
    let mut data = data();
    data.apply(changes.clone());
    let mut twice = changes.clone();
    twice.merge(changes);
    let once = data.clone();
    data.apply(twice);
    assert!(data == once, "a change that is made twice is another one");
    assert_eq!(WalletData::decode(&data.encode()), Ok(data));
    Reach::Held
}

fn wallet_data(bytes: &[u8]) -> Reach {
    let Ok(data) = WalletData::decode(bytes) else { return Reach::Refused };
    assert_same(&data.encode(), bytes);
    for payment in data.payments.values() {
        let mut next = payment.clone();
        let _: Result<(), _> = next.advance(PaymentStage::Unknown);
        assert!(!payment.stage().is_settled() || next == *payment, "a settled payment went on");
    }
    Reach::Held
}

/// What a keystore holds.
fn seed(bytes: &[u8]) -> Reach {
    let Ok(seed) = WalletSeed::from_bytes(bytes) else { return Reach::Refused };
    assert_same(&seed.to_bytes(), bytes);
    let _: Fingerprint = seed.fingerprint();
    assert!(!seed.words().is_empty());
    Reach::Held
}

fn transaction() -> Transaction {
    use light_client::data_format::{Call, CoinCall};
    let calls = vec![Call::Coin(CoinCall::Transfer { to: test_address(2), amount: COIN })];
    let fee = scene().spec.minimum_fee(&calls).unwrap();
    let (sender, valid_until) = (test_key(ASKED).public(), Height(500));
    Transaction { sender, nonce: 7, fee, valid_until, calls, memo: b"rent".to_vec() }
}

fn request() -> SignRequest {
    SignRequest::new(RequestId([5; 16]), scene().chain, &transaction())
}

fn reply() -> SignatureReply {
    let (request, key) = (request(), test_key(ASKED));
    SignatureReply { id: request.id, public_key: key.public(), signature: key.sign(&request.bytes_to_sign) }
}

fn data() -> WalletData {
    let (hot, cold, watched) = (test_address(1), test_address(2), test_address(3));
    let fingerprint = Fingerprint([1, 2, 3, 4]);
    let key = |number| Some(test_key(number).public());
    let mut data = WalletData::default();
    let source = AccountSource::Seed { fingerprint, index: 0 };
    data.accounts.insert(hot, AccountEntry { public_key: key(1), source });
    let source = AccountSource::Cold { fingerprint, index: 3 };
    data.accounts.insert(cold, AccountEntry { public_key: key(2), source });
    let source = AccountSource::Watched;
    data.accounts.insert(watched, AccountEntry { public_key: None, source });
    data.names.insert(watched, "Zo\u{eb}".to_owned());
    let mut payment = Payment::draft(transaction(), Time(1));
    data.payments.insert(RequestId([1; 16]), payment.clone());
    payment.advance(PaymentStage::Reviewed).unwrap();
    payment.sign(reply().signature).unwrap();
    let stages = [
        PaymentStage::Submitted { servers: vec!["http://a".to_owned(), "http://b".to_owned()] },
        PaymentStage::InBlock { height: Height(4), status: Status::Success },
        PaymentStage::Refused { code: "fee-too-low".to_owned() },
        PaymentStage::Unknown,
    ];
    for (number, stage) in (2..).zip(stages) {
        let mut payment = payment.clone();
        payment.advance(stage).unwrap();
        data.payments.insert(RequestId([number; 16]), payment);
    }
    data
}

fn seeds() -> Vec<Seed> {
    let entropy = SealEntropy {
        data_key: Zeroizing::new([1; 32]),
        secret_nonce: [2; 24],
        wrap: WrapEntropy { salt: [3; 16], nonce: [4; 24] },
    };
    let sealed = |cost| {
        let mut file = keystore::seal(SECRET, PASSWORD, cost, &entropy).unwrap();
        file.truncate(file.len() - 8);
        file
    };
    let mut whole = request();
    whole.fingerprint = Some(Fingerprint([1, 2, 3, 4]));
    whole.proof_bundle = Some(vec![7; 100]);
    whole.origin = Some("web wallet".to_owned());
    let data = data();
    let changes = ChangeSet {
        accounts: data.accounts.iter().map(|(address, entry)| (*address, Some(*entry))).collect(),
        names: [(test_address(2), None), (test_address(3), Some("Bob".to_owned()))].into(),
        payments: data.payments.iter().map(|(id, payment)| (*id, Some(payment.clone()))).take(2).collect(),
    };
    let phrase = WalletSeed::from_vsystems("fifteen words of an old wallet").unwrap().0;
    vec![
        Seed::held("keystore", "cheap", sealed(CHEAP)),
        Seed::read("keystore", "dearer", sealed(Cost { memory_kib: 16, passes: 1 })),
        Seed::held("sign-request", "bare", request().encode()),
        Seed::held("sign-request", "whole", whole.encode()),
        Seed::held("signature-reply", "good", reply().encode()),
        Seed::held("change-set", "some", changes.encode()),
        Seed::held("wallet-data", "some", data.encode()),
        Seed::held("wallet-data", "empty", WalletData::default().encode()),
        Seed::held("seed", "bip39", WalletSeed::generate(&[9; 16]).unwrap().to_bytes().to_vec()),
        Seed::held("seed", "vsystems", phrase.to_bytes().to_vec()),
    ]
}
