//! Writing, looking over and signing a payment.

use light_client::data_format::{Address, Amount};
use web_protocol::{AmountField, Command};

use super::update::cut;
use super::{After, Effect, Message, Model, Place, Sheet, Waiting};

pub(super) fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::TypeRecipient(to) => model.send.to = cut(to),
        Message::TypeAmount(amount) => {
            model.send.amount = cut(amount);
            model.send.everything = false;
        }
        Message::Everything => model.send.everything = true,
        Message::TypeMemo(memo) => model.send.memo = cut(memo),
        Message::Review => return draft(model),
        Message::Sign => return sign(model),
        Message::Dismiss(id) => {
            let mut effects = vec![model.tell(Command::Dismiss { id }, Waiting::Dismiss)];
            effects.extend(super::update::update(model, Message::Close));
            return effects;
        }
        _ => return vec![],
    }
    // An answer to the form as it was is of no use any more.
    model.drop_waiting(Waiting::Draft);
    model.clear_problem(Place::Send);
    vec![]
}

fn draft(model: &mut Model) -> Vec<Effect> {
    if model.is_waiting(Waiting::Draft) {
        return vec![];
    }
    let Some(from) = model.account().map(|account| account.address) else { return vec![] };
    model.clear_problem(Place::Send);
    let amount = if model.send.everything {
        AmountField::Everything
    } else {
        AmountField::Typed(model.send.amount.clone())
    };
    let (to, memo) = (model.send.to.trim().to_owned(), model.send.memo.clone());
    vec![model.tell(Command::Draft { from, to, amount, memo }, Waiting::Draft)]
}

fn sign(model: &mut Model) -> Vec<Effect> {
    if model.send.review.is_none() || model.is_waiting(Waiting::Send) {
        return vec![];
    }
    model.clear_problem(Place::Sheet);
    if model.is_unlocked() {
        return vec![model.tell(Command::Send, Waiting::Send)];
    }
    model.sheet = Some(Sheet::Password(After::Send));
    vec![]
}

impl Model {
    /// What the form's amount comes to, and what would be left: a forecast from the proven balance and the least fee. The review has the real figures.
    pub(crate) fn forecast(&self) -> Option<Forecast> {
        let fee = self.view.as_ref()?.chain.transfer_fee;
        let balance = self.balance()?;
        let spendable = balance.checked_sub(fee).unwrap_or(Amount::ZERO);
        let amount =
            if self.send.everything { Some(spendable) } else { self.send.amount.parse::<Amount>().ok() };
        let keep = amount.and_then(|amount| spendable.checked_sub(amount)).filter(|_| balance >= fee);
        Some(Forecast { fee, spendable, amount, keep })
    }

    /// The recipient, once what is typed is an address.
    pub(crate) fn recipient(&self) -> Option<Address> {
        self.send.to.parse().ok()
    }
}

/// What a payment would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forecast {
    /// The least fee.
    pub(crate) fee: Amount,
    /// The most that can be sent.
    pub(crate) spendable: Amount,
    /// The amount, if one can be read.
    pub(crate) amount: Option<Amount>,
    /// What would be left; `None` if there is not enough.
    pub(crate) keep: Option<Amount>,
}
