//! What follows from proven facts about an account, the same for phones and the command line.

use light_client::{
    client::{Client, PaymentState, TrackedPayment},
    data_format::{Address, Amount, Call, Height, Network, Transaction},
    state::{HistoryKind, HistoryRecord},
    transaction::AccountView,
};

/// The account as it will be after the payments under way, and the height it is proven at; `None` before the first
/// proof. What servers refuse does not count: the next payment takes its place.
pub fn next_account(client: &Client, sender: &Address) -> Option<(Option<AccountView>, Height)> {
    let proven = client.account(sender)?.proven()?;
    let Some(record) = &proven.record else { return Some((None, proven.height)) };
    let mut view = AccountView::from(record);
    let under_way = |payment: &&TrackedPayment| {
        let refused = matches!(payment.state, PaymentState::Refused { .. });
        // One that is final is not in the account yet if that was proven before it.
        let open = !payment.is_settled() || matches!(payment.state, PaymentState::Final { .. });
        let sender_of = Address::of(&payment.signed.transaction.sender, client.spec().network);
        sender_of == *sender && !refused && open
    };
    let mut waiting: Vec<&Transaction> =
        client.payments().map(|(_, p)| p).filter(under_way).map(|p| &p.signed.transaction).collect();
    waiting.sort_by_key(|transaction| transaction.nonce);
    for transaction in waiting {
        if transaction.nonce == view.nonce {
            view.nonce += 1;
            // What does not suffice for them does not suffice for one more either.
            view.balance = view.balance.checked_sub(spent(transaction)).unwrap_or(Amount::ZERO);
        }
    }
    Some((Some(view), proven.height))
}

fn spent(transaction: &Transaction) -> Amount {
    transaction.committed().unwrap_or(Amount(u64::MAX))
}

/// The other side of a change: the sender of what was received; the recipient of what was sent, if there is only one
/// for that amount.
pub fn counterparty(network: Network, record: &HistoryRecord, transaction: &Transaction) -> Option<Address> {
    match record.kind {
        HistoryKind::Genesis
        | HistoryKind::Fee
        | HistoryKind::Leased
        | HistoryKind::LeaseCancelled
        | HistoryKind::Interest
        | HistoryKind::Commission
        | HistoryKind::Minted
        | HistoryKind::ContendFee => None,
        HistoryKind::Received => Some(Address::of(&transaction.sender, network)),
        HistoryKind::Sent => {
            let sent = Amount(record.delta.unsigned_abs());
            let transfers = transaction.calls.iter().filter_map(Call::transfer);
            let mut recipients = transfers.filter(|(_, amount)| *amount == sent).map(|(to, _)| to);
            let first = recipients.next()?;
            recipients.all(|other| other == first).then_some(first)
        }
    }
}
