use proptest::prelude::*;

use super::{OTHER_PHRASE, Signer, keyring, payment, spec};
use crate::{
    crypto::{PublicKey, Signature},
    data_format::{Address, Amount, ChainSpec, Height, Network},
    transaction::{TransactionError, check_stateless},
    wallet::{
        Keyring, MAX_ORIGIN_BYTES, MAX_REQUEST_PROOF_BYTES, MAX_SIGN_REQUEST_BYTES, ReplyError, RequestId,
        SIGNATURE_REPLY_BYTES, Seed, SignError, SignRequest, SignatureReply, SigningContext, check_request,
        sign, sign_own, verify_reply,
    },
};

fn request() -> SignRequest {
    SignRequest {
        fingerprint: Some(keyring().fingerprint()),
        proof_bundle: Some(vec![1, 2, 3]),
        origin: Some("browser".to_owned()),
        ..SignRequest::new(RequestId([7; 16]), spec().id(), &payment())
    }
}

#[test]
fn a_cold_signature_completes_the_payment() {
    let signer = Signer::new();
    let scanned = SignRequest::decode(&request().encode()).unwrap();
    let reply = sign(&scanned, &keyring(), &signer.context()).unwrap();
    let reply = SignatureReply::decode(&reply.encode()).unwrap();
    let signed = verify_reply(&request(), &reply).unwrap();
    assert_eq!(signed.transaction, payment());
    let checked = check_stateless(&signed, &signer.spec, &signer.chain).unwrap();
    assert_eq!(checked.id(), request().transaction_id());
    assert_eq!(sign_own(&payment(), &keyring(), &signer.context()), Ok(signed));
}

#[test]
fn a_vsystems_seed_signs_too() {
    let (seed, _) = Seed::from_vsystems(OTHER_PHRASE).unwrap();
    let keyring = Keyring::new(seed, Network::Test);
    let mut transaction = payment();
    transaction.sender = keyring.accounts()[0].public_key;
    let signer = Signer::new();
    let signed = sign_own(&transaction, &keyring, &signer.context()).unwrap();
    assert!(check_stateless(&signed, &signer.spec, &signer.chain).is_ok());
}

#[test]
fn what_must_not_be_signed_is_refused_each_for_its_reason() {
    let mut signer = Signer::new();
    let refusal =
        |request: &SignRequest, context: &SigningContext<'_>| sign(request, &keyring(), context).unwrap_err();
    let rule = |error| match error {
        SignError::Transaction(error) => TransactionError::rule(&error),
        other => panic!("{other}"),
    };

    let other_chain = ChainSpec { name: "other".to_owned(), ..spec() }.id();
    let foreign = SignRequest::new(RequestId([7; 16]), other_chain, &payment());
    assert_eq!(rule(refusal(&foreign, &signer.context())), "TX-CHAIN-1");
    let mislabelled = SignRequest { chain: other_chain, ..request() };
    assert_eq!(rule(refusal(&mislabelled, &signer.context())), "TX-CHAIN-1");
    let relabelled = SignRequest { chain: spec().id(), ..foreign };
    assert_eq!(rule(refusal(&relabelled, &signer.context())), "TX-CHAIN-1");

    let garbled = SignRequest { bytes_to_sign: b"vsys/1/seal and more".to_vec(), ..request() };
    assert_eq!(rule(refusal(&garbled, &signer.context())), "TX-FORMAT-1");
    let mut padded = request();
    padded.bytes_to_sign.push(0);
    assert_eq!(rule(refusal(&padded, &signer.context())), "TX-FORMAT-1");

    let mut cheap = payment();
    cheap.fee = Amount(1);
    let cheap = SignRequest::new(RequestId([7; 16]), spec().id(), &cheap);
    assert_eq!(rule(refusal(&cheap, &signer.context())), "TX-FEE-1");

    let swapped = SignRequest { public_key: PublicKey::Ed25519([1; 32]), ..request() };
    let address = Address::of(&payment().sender, Network::Test);
    assert_eq!(refusal(&swapped, &signer.context()), SignError::OtherSender { sender: address });

    let stranger = Keyring::new(Seed::from_bip39(OTHER_PHRASE).unwrap(), Network::Test);
    let missing = sign(&request(), &stranger, &signer.context()).unwrap_err();
    let fingerprint = Some(keyring().fingerprint());
    assert_eq!(check_request(&request(), &signer.context()), Ok(address));
    assert_eq!(missing, SignError::KeyNotHeld { address, fingerprint });
    assert!(missing.to_string().contains(&keyring().fingerprint().to_string()));
    assert!(missing.to_string().contains(&address.to_string()));

    let old = SigningContext {
        newest_checkpoint: Some(Height(50)),
        request_height: Some(Height(49)),
        ..signer.context()
    };
    let (request_height, checkpoint) = (Height(49), Height(50));
    assert_eq!(refusal(&request(), &old), SignError::Stale { request: request_height, checkpoint });
    let late = SigningContext { newest_checkpoint: Some(Height(100)), ..signer.context() };
    assert_eq!(rule(refusal(&request(), &late)), "TX-EXPIRY-1");
    let timely = SigningContext {
        newest_checkpoint: Some(Height(99)),
        request_height: Some(Height(99)),
        ..signer.context()
    };
    assert!(sign(&request(), &keyring(), &timely).is_ok());

    let id = request().transaction_id();
    signer.signed.insert(id);
    assert_eq!(refusal(&request(), &signer.context()), SignError::AlreadySigned(id));
}

#[test]
fn a_reply_that_does_not_fit_is_not_sent() {
    let reply = sign(&request(), &keyring(), &Signer::new().context()).unwrap();
    let other_request = SignatureReply { id: RequestId([8; 16]), ..reply };
    assert_eq!(verify_reply(&request(), &other_request), Err(ReplyError::OtherRequest));
    let other_key = SignatureReply { public_key: PublicKey::Ed25519([1; 32]), ..reply };
    assert_eq!(verify_reply(&request(), &other_key), Err(ReplyError::OtherKey));
    let mut wrong = reply;
    wrong.signature = Signature([1; 64]);
    assert_eq!(verify_reply(&request(), &wrong), Err(ReplyError::Signature));
    let mut altered = request();
    let last = altered.bytes_to_sign.len() - 1;
    altered.bytes_to_sign[last] ^= 1;
    assert_eq!(verify_reply(&altered, &reply), Err(ReplyError::Signature));
    let empty = SignRequest { bytes_to_sign: Vec::new(), ..request() };
    assert!(matches!(verify_reply(&empty, &reply), Err(ReplyError::Request(_))));
}

#[test]
fn requests_are_bounded_and_versioned() {
    let largest = SignRequest {
        proof_bundle: Some(vec![0; MAX_REQUEST_PROOF_BYTES]),
        origin: Some("x".repeat(MAX_ORIGIN_BYTES)),
        ..request()
    };
    assert_eq!(SignRequest::decode(&largest.encode()), Ok(largest.clone()));
    let too_much_proof =
        SignRequest { proof_bundle: Some(vec![0; MAX_REQUEST_PROOF_BYTES + 1]), ..request() };
    assert!(SignRequest::decode(&too_much_proof.encode()).is_err());
    let too_long_origin = SignRequest { origin: Some("x".repeat(MAX_ORIGIN_BYTES + 1)), ..request() };
    assert!(SignRequest::decode(&too_long_origin.encode()).is_err());
    let too_much_to_sign = SignRequest { bytes_to_sign: vec![0; 8257], ..request() };
    assert!(SignRequest::decode(&too_much_to_sign.encode()).is_err());
    assert!(SignRequest::decode(&vec![1; MAX_SIGN_REQUEST_BYTES + 1]).is_err());
    let mut newer = request().encode();
    newer[0] = 2;
    assert!(SignRequest::decode(&newer).unwrap_err().to_string().contains("version 2"));
    let reply = sign(&request(), &keyring(), &Signer::new().context()).unwrap().encode();
    assert_eq!(reply.len(), SIGNATURE_REPLY_BYTES);
    for length in 0..reply.len() {
        assert!(SignatureReply::decode(&reply[..length]).is_err());
    }
}

#[test]
fn a_plain_request_fits_few_frames() {
    let plain = SignRequest { proof_bundle: None, ..request() };
    assert!(plain.encode().len() <= 320, "{}", plain.encode().len());
}

proptest! {
    #[test]
    fn requests_round_trip_and_no_bytes_break_the_decoders(
        id: [u8; 16], proof in prop::option::of(prop::collection::vec(any::<u8>(), 0..100)),
        origin in prop::option::of("[a-zé]{0,40}"), cut: prop::sample::Index,
        noise in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let request = SignRequest { id: RequestId(id), proof_bundle: proof, origin, ..request() };
        let bytes = request.encode();
        prop_assert_eq!(SignRequest::decode(&bytes), Ok(request));
        prop_assert!(SignRequest::decode(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(SignRequest::decode(&[bytes, vec![0]].concat()).is_err());
        let versioned = [&[1][..], &noise].concat();
        // Whatever decodes is the only encoding of its value.
        if let Ok(request) = SignRequest::decode(&versioned) {
            prop_assert_eq!(request.encode(), versioned.clone());
        }
        if let Ok(reply) = SignatureReply::decode(&versioned) {
            prop_assert_eq!(reply.encode(), versioned);
        }
    }
}
