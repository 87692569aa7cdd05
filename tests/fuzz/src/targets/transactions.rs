//! What anybody may send to be put into a block.

use std::sync::LazyLock;

use light_client::{
    consensus::spos::{Block, Evidence, Link, Triple, Vote},
    crypto::{Hash, KeyPair, PublicKey, Signature, VsystemsKey},
    data_format::{
        Amount, Call, ChainId, ChainSpec, Checkpoint, CoinCall, Height, LeaseCall, MAX_BLOCK_BYTES,
        MAX_TRANSACTION_BYTES, MintingKey, ModuleName, Round, SignedTransaction, SupernodeCall, Transaction,
        codec::encode,
    },
    test_support::chain::{test_address, test_key},
    transaction::{Submission, check_in_block, check_stateless},
    wallet::{ReviewFacts, review},
};
use zeroize::Zeroizing;

use super::{assert_same, reach, read};
use crate::{
    Decoder, KIB, Reach, Seed, Target,
    scene::{ASKED, COIN, scene},
};

/// What anybody may send to be put into a block.
pub const TRANSACTIONS: Target = Target {
    name: "transactions",
    decoders: &[
        Decoder::new("signed", signed, 10, 8 * KIB),
        Decoder::new("submission", submission, 10, 8 * KIB),
        Decoder::new("bytes-to-sign", bytes_to_sign, 16, 16 * KIB),
        Decoder::new("block", block, 10, 8 * KIB),
        Decoder::new("signature", signature, 1, KIB),
    ],
    seeds,
};

/// A transaction of a chain that runs every module.
fn signed(bytes: &[u8]) -> Reach {
    let Some(signed) = read::<SignedTransaction>(bytes, MAX_TRANSACTION_BYTES) else { return Reach::Refused };
    check(&signed)
}

fn check(signed: &SignedTransaction) -> Reach {
    let (spec, chain) = rich_chain();
    let alone = check_stateless(signed, spec, chain);
    let in_block = check_in_block(signed, spec, chain);
    if let Ok(checked) = &alone {
        assert_eq!(in_block.as_ref(), Ok(checked));
        assert_eq!(checked.encoded_length(), encode(signed).len());
    }
    reach(in_block.is_ok())
}

fn submission(bytes: &[u8]) -> Reach {
    let (_, chain) = rich_chain();
    let Ok(signed) = Submission::decode(bytes, chain) else { return Reach::Refused };
    assert_same(&Submission { chain: *chain, signed: signed.clone() }.encode(), bytes);
    check(&signed)
}

/// What a cold wallet is asked to sign, and shows as rows.
fn bytes_to_sign(bytes: &[u8]) -> Reach {
    let (spec, chain) = rich_chain();
    let Ok((named, transaction)) = Transaction::from_signed_bytes(bytes) else { return Reach::Refused };
    assert_same(&transaction.signed_bytes(&named), bytes);
    let Ok(review) = review(bytes, spec, chain, &ReviewFacts::default()) else { return Reach::Read };
    assert_eq!(review.transaction, transaction);
    assert_eq!(review.id, transaction.id(chain));
    for row in &review.rows {
        assert!(!row.value.to_string().chars().any(char::is_control), "{:?}", row.value);
    }
    assert!(review.cautions.iter().all(|caution| !caution.to_string().is_empty()));
    Reach::Held
}

fn block(bytes: &[u8]) -> Reach {
    let Some(block) = read::<Block>(bytes, MAX_BLOCK_BYTES) else { return Reach::Refused };
    let (spec, chain) = rich_chain();
    let good = |signed: &SignedTransaction| check_in_block(signed, spec, chain).is_ok();
    // One is enough: each costs the time of a signature.
    reach(block.transactions.first().is_none_or(good))
}

/// A key of either scheme, a signature and the message.
fn signature(bytes: &[u8]) -> Reach {
    let mut rest = bytes;
    let Ok((key, signature)) = borsh::BorshDeserialize::deserialize(&mut rest) else { return Reach::Refused };
    let (key, signature): (PublicKey, Signature) = (key, signature);
    let holds = key.verify(rest, &signature).is_ok();
    if holds {
        assert!(keys().iter().any(|known| known.public() == key && known.sign(rest) == signature), "forged");
    }
    reach(holds)
}

fn keys() -> [KeyPair; 2] {
    [test_key(1), KeyPair::Curve25519(VsystemsKey::from_private(&Zeroizing::new([7; 32])))]
}

/// The scene's chain with every module, and its id.
fn rich_chain() -> &'static (ChainSpec, ChainId) {
    static CHAIN: LazyLock<(ChainSpec, ChainId)> = LazyLock::new(|| {
        let modules = vec![ModuleName::Coin, ModuleName::Lease, ModuleName::Supernode];
        let spec = ChainSpec { modules, ..scene().spec.clone() };
        let chain = spec.id();
        (spec, chain)
    });
    &CHAIN
}

/// One transaction with each kind of call that goes together.
fn transactions() -> Vec<(&'static str, Transaction)> {
    let (spec, chain) = rich_chain();
    let sender = test_key(ASKED).public();
    let to = test_address(2);
    let key = |number, nonce| {
        let checkpoint = Checkpoint { round: Round(3), id: Hash([3; 32]) };
        MintingKey::sign(&test_key(number), chain, &scene().asked, nonce, checkpoint).unwrap()
    };
    let vote = |state| {
        let triple = |round, byte| Triple {
            checkpoint: Checkpoint { round: Round(round), id: Hash([byte; 32]) },
            next_slots: Hash([1; 32]),
        };
        Vote::sign(Link { source: triple(1, 1), target: triple(2, state) }, chain, &test_key(1000)).unwrap()
    };
    let evidence = Box::new(Evidence::of_votes(&vote(2), &vote(3)).unwrap());
    let calls: Vec<(&'static str, Vec<Call>)> = vec![
        ("transfer", vec![Call::Coin(CoinCall::Transfer { to, amount: COIN })]),
        ("sixteen", vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(1) }); 16]),
        ("lease", vec![Call::Lease(LeaseCall::Lease { to, amount: COIN })]),
        ("cancel", vec![Call::Lease(LeaseCall::Cancel { from: to, amount: COIN })]),
        ("claim", vec![Call::Lease(LeaseCall::Claim { from: to })]),
        (
            "contend",
            vec![Call::Supernode(SupernodeCall::Contend {
                slot: 1,
                commission: 500,
                key: key(1009, 7).into(),
            })],
        ),
        ("minting-key", vec![Call::Supernode(SupernodeCall::SetMintingKey { key: key(1009, 7).into() })]),
        (
            "small",
            vec![
                Call::Supernode(SupernodeCall::Release),
                Call::Supernode(SupernodeCall::SetCommission { commission: 1 }),
                Call::Supernode(SupernodeCall::SetRewardAddress { to }),
            ],
        ),
        ("report", vec![Call::Supernode(SupernodeCall::Report { evidence })]),
    ];
    calls
        .into_iter()
        .map(|(name, calls)| {
            let fee = spec.minimum_fee(&calls).unwrap();
            let memo = if name == "transfer" { "for lunch, \u{1F35C}".into() } else { Vec::new() };
            (name, Transaction { sender, nonce: 7, fee, valid_until: Height(500), calls, memo })
        })
        .collect()
}

fn seeds() -> Vec<Seed> {
    let (_, chain) = rich_chain();
    let mut seeds = Vec::new();
    let mut all = Vec::new();
    for (name, transaction) in transactions() {
        let signed = transaction.clone().sign(chain, &test_key(ASKED));
        seeds.push(Seed::held("signed", name, encode(&signed)));
        seeds.push(Seed::held("bytes-to-sign", name, transaction.signed_bytes(chain)));
        all.push(signed);
    }
    let Some(Call::Supernode(SupernodeCall::Report { evidence })) = all[8].transaction.calls.first() else {
        panic!("the last one is a report")
    };
    let unsigned = SignedTransaction::unsigned_report((**evidence).clone());
    seeds.push(Seed::held("signed", "unsigned-report", encode(&unsigned)));
    let submission = Submission { chain: *chain, signed: all[0].clone() };
    seeds.push(Seed::held("submission", "transfer", submission.encode()));
    let block = Block { header: scene().headers[1].clone(), certificate: None, transactions: all };
    seeds.push(Seed::held("block", "all-kinds", encode(&block)));
    for (name, key) in ["ed25519", "curve25519"].into_iter().zip(keys()) {
        let message = b"forty-two";
        let bytes = [encode(&key.public()), encode(&key.sign(message)), message.to_vec()].concat();
        seeds.push(Seed::held("signature", name, bytes));
    }
    seeds
}
