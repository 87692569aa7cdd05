//! Lies about a payment that is shown to anybody.

use super::{
    anchor, block, forge,
    lies::Lies,
    lists,
    message::Message,
    stage::{PAYER, Stage},
};
use crate::{
    client::{Bundle, Receipt},
    data_format::{Amount, Call, CoinCall, Height, SignedTransaction, Transaction},
    test_support::chain::{test_address, test_key},
};

pub(super) fn message(stage: &Stage) -> Message {
    let payment = &stage.payments[0];
    let spec = stage.server.chain.spec().id();
    let honest = stage.server.chain.receipt(&stage.trusted, &stage.id(payment)).unwrap();
    let mut lies = Lies::about(&honest.to_bytes());
    block::add_transaction(&mut lies, stage, &honest, &honest.included, |receipt: &mut Receipt, change| {
        change(&mut receipt.included)
    });
    let ways: [lists::Way<Transaction>; 7] = [
        ("the nonce", |transaction| transaction.nonce += 1),
        ("the fee", |transaction| transaction.fee.0 += 1),
        ("the memo", |transaction| transaction.memo.push(1)),
        ("the end", |transaction| transaction.valid_until = Height(299)),
        ("no call", |transaction| transaction.calls.clear()),
        ("the call twice", |transaction| transaction.calls.extend(transaction.calls.clone())),
        ("the amount", |transaction| {
            let to = test_address(9);
            transaction.calls = vec![Call::Coin(CoinCall::Transfer { to, amount: Amount(1) })];
        }),
    ];
    for (name, transaction) in lists::each(&payment.transaction, &ways) {
        let id = transaction.id(&spec);
        let unsigned = SignedTransaction { transaction: transaction.clone(), signature: payment.signature };
        let signed = transaction.sign(&spec, &test_key(PAYER));
        lies.with(format!("payment: {name}"), &honest, |receipt| receipt.signed = unsigned.clone());
        lies.with(format!("payment: {name}, by its id"), &honest, |receipt| {
            receipt.signed = unsigned;
            receipt.included.outcome.id = id;
        });
        lies.with(format!("payment: {name}, signed anew"), &honest, |receipt| {
            receipt.signed = signed.clone()
        });
        lies.with(format!("payment: {name}, signed anew, by its id"), &honest, |receipt| {
            receipt.signed = signed;
            receipt.included.outcome.id = id;
        });
    }
    for (name, signatures) in anchor::signatures(&[payment.signature]) {
        if let [signature] = signatures[..] {
            lies.with(format!("signature: {name}"), &honest, |receipt| receipt.signed.signature = signature);
        }
    }
    for (name, other) in ["final", "newer"].iter().zip(&stage.payments[1..]) {
        lies.with(format!("the payment in the {name} block as signed"), &honest, |receipt| {
            receipt.signed = other.clone()
        });
        let other = stage.server.chain.receipt(&stage.trusted, &stage.id(other)).unwrap();
        let newer = *name == "newer";
        // The receipt of another payment is as true; only this one was asked for, by nobody.
        if newer {
            lies.bundle("a receipt of a block that is not final", &other);
        }
    }
    lies.with("from another block", &honest, |receipt| forge::flip(&mut receipt.from));
    lies.with("from another height", &honest, |receipt| receipt.from_height = Height(1));
    let (verifier, trusted, now) = (stage.verifier.clone(), stage.trusted.clone(), stage.now);
    Message::of("receipt", &honest, lies, move |receipt| {
        Ok(vec![format!("{:?}", verifier.receipt(&trusted, receipt, now)?)])
    })
}
