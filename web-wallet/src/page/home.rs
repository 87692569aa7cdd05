//! Home: the balance, its seal, the one message, what to do, and what moved last.

use web_protocol::{Fact, MovementKind, PaymentStep, PaymentView};
use yew::prelude::*;

use super::icons::{Icon, face, icon};
use super::parts::{amount, button, here, network_pill, problem_at, seal};
use super::ui::Ui;
use crate::state::{After, Message, Movement, Place, Route, Slot, Waiting, movements};
use crate::words;

/// Movements on Home.
const LATEST: usize = 5;

/// Home.
pub(crate) fn home(ui: Ui<'_>) -> Html {
    let account = ui.model.account();
    let name = account.map_or("", |account| account.name.as_str());
    html! {
        <>
            <header class="top">
                <h1 id={here(ui)} tabindex="-1" class="who">{ face(account.map(|account| &account.address)) }{ name }</h1>
                { network_pill(ui) }
            </header>
            <section class="balance" aria-label={words::BALANCE}>
                if let Some(value) = ui.model.balance() {
                    { amount(value) }
                } else {
                    <span class="amount"><b class="unknown">{ words::UNKNOWN }</b></span>
                }
                { seal(ui) }
            </section>
            { actions(ui) }
            { slot(ui) }
            { problem_at(ui.model, Place::Page) }
            { latest(ui) }
        </>
    }
}

fn actions(ui: Ui<'_>) -> Html {
    let is_empty = ui.model.balance().is_some_and(|balance| balance.0 == 0);
    let test_coins = ui.model.view.as_ref().is_some_and(|view| view.chain.test_coins);
    // One loud button: the next thing that makes sense.
    let (send, receive, coins) = match (is_empty, test_coins) {
        (false, _) => ("btn go", "btn", "btn"),
        (true, true) => ("btn", "btn", "btn go"),
        (true, false) => ("btn", "btn go", "btn"),
    };
    let busy = if ui.model.is_waiting(Waiting::TestCoins) {
        Some(words::ASKING)
    } else {
        ui.model.coins_asked.map(|_| words::COINS_COMING_SHORT)
    };
    html! {
        <div class="actions">
            { button(ui, send, words::SEND, None, true, Message::Go(Route::Send)) }
            { button(ui, receive, words::RECEIVE, None, true, Message::Go(Route::Receive)) }
            if test_coins {
                <span class="whole">{ button(ui, coins, words::GET_TEST_COINS, busy, true, Message::GetTestCoins) }</span>
            }
        </div>
    }
}

fn slot(ui: Ui<'_>) -> Html {
    let Some(slot) = ui.model.slot() else { return html! { <div role="status" /> } };
    let (class, what, why, action) = match &slot {
        Slot::Lying { url } => (
            "stop",
            words::SLOT_LYING,
            words::slot_lying(url),
            Some((words::SEE, Message::Go(Route::Network))),
        ),
        Slot::OtherChain => (
            "mind",
            words::SLOT_OTHER_CHAIN,
            words::SLOT_OTHER_CHAIN_WHY.to_owned(),
            Some((words::SEE, Message::Go(Route::Network))),
        ),
        Slot::Forked { servers } => (
            "stop",
            words::SLOT_FORKED,
            words::slot_forked(servers),
            Some((words::SEE, Message::Go(Route::Network))),
        ),
        Slot::Agreed { operators } => (
            "mind",
            words::SLOT_AGREED,
            words::slot_agreed(operators),
            Some((words::SEE, Message::Go(Route::Network))),
        ),
        Slot::TrustExpired { since } => (
            "mind",
            words::SLOT_TRUST_EXPIRED,
            words::slot_trust_expired(&ui.day_and_clock(*since)),
            Some((words::SEE, Message::Go(Route::Network))),
        ),
        Slot::Stale { since } => (
            "mind",
            words::SLOT_STALE,
            words::slot_stale(since.map(|since| ui.day_and_clock(since)).as_deref()),
            Some((words::ASK_NOW, Message::Refresh)),
        ),
        Slot::ClockBehind { time } => {
            ("mind", words::SLOT_CLOCK, words::slot_clock(&ui.day_and_clock(*time)), None)
        }
        Slot::StorageLost => (
            "stop",
            words::SLOT_LOST,
            words::SLOT_LOST_WHY.to_owned(),
            Some((words::STORE_AGAIN, Message::StoreAgain)),
        ),
        Slot::ChainReplaced => ("mind", words::SLOT_REPLACED, words::SLOT_REPLACED_WHY.to_owned(), None),
        Slot::NotStored(reason) => ("mind", words::SLOT_NOT_STORED, words::slot_not_stored(reason), None),
        Slot::NotBackedUp => (
            "mind",
            words::SLOT_BACKUP,
            words::SLOT_BACKUP_WHY.to_owned(),
            Some((words::DO_IT_NOW, Message::AskPassword(After::Words))),
        ),
    };
    let act = |(label, message)| html! { <button type="button" class="note-act" onclick={ui.on(message)}>{ label }</button> };
    html! {
        <div class={classes!("note", class)} role="status">
            { icon(if matches!(slot, Slot::NotBackedUp) { Icon::Words } else { Icon::Alert }) }
            <div><b>{ what }</b><p>{ why }</p></div>
            { for action.map(act) }
        </div>
    }
}

fn latest(ui: Ui<'_>) -> Html {
    let Some(account) = ui.model.account() else { return html! {} };
    let open: Vec<_> = ui.model.open_payments().collect();
    let moved = movements(account);
    if open.is_empty() && moved.is_empty() {
        return empty(ui, matches!(account.balance, Fact::Unknown));
    }
    html! {
        <section class="list">
            if !open.is_empty() {
                <h2>{ words::ON_ITS_WAY }</h2>
                <ul>{ for open.iter().map(|payment| payment_row(ui, payment)) }</ul>
            }
            if !moved.is_empty() {
                <h2>{ words::LATEST }</h2>
                <ul>{ for moved.iter().take(LATEST).map(|movement| movement_row(ui, movement)) }</ul>
                if moved.len() > LATEST || account.history_count > account.history.len() as u64 {
                    <button type="button" class="link" onclick={ui.on(Message::Go(Route::History))}>
                        { words::WHOLE_HISTORY }{ icon(Icon::Next) }
                    </button>
                }
            }
        </section>
    }
}

fn empty(ui: Ui<'_>, unknown: bool) -> Html {
    if unknown {
        return html! {
            <section class="list" aria-busy="true" aria-label={words::PROVING}>
                <h2>{ words::PROVING }</h2>
                <div class="ghost" /><div class="ghost" /><div class="ghost" />
            </section>
        };
    }
    let test_coins = ui.model.view.as_ref().is_some_and(|view| view.chain.test_coins);
    html! {
        <section class="empty">
            <b>{ words::EMPTY_TITLE }</b>
            <p>{ if test_coins { words::EMPTY_TEST } else { words::EMPTY } }</p>
        </section>
    }
}

/// A payment made here, in a list.
pub(crate) fn payment_row(ui: Ui<'_>, payment: &PaymentView) -> Html {
    let waits = !matches!(
        payment.step,
        PaymentStep::Final { .. }
            | PaymentStep::Expired
            | PaymentStep::Replaced
            | PaymentStep::Refused { .. }
    );
    let units = i64::try_from(payment.amount.0).unwrap_or(i64::MAX);
    html! {
        <li>
            <button type="button" class="row" onclick={ui.on(Message::Go(Route::Payment(payment.id)))}>
                <span class={classes!("row-icon", waits.then_some("wait"))}>{ icon(if waits { Icon::Clock } else { Icon::Out }) }</span>
                <span class="row-what"><b>{ words::to(&words::ends(&payment.to)) }</b>
                    <small>{ words::payment_state(&payment.step) }</small></span>
                <span class="row-amount"><b>{ words::signed(units.saturating_neg()) }</b><small>{ words::UNIT }</small></span>
            </button>
        </li>
    }
}

/// A movement, in a list.
pub(crate) fn movement_row(ui: Ui<'_>, movement: &Movement) -> Html {
    let sign = match movement.kind {
        MovementKind::Sent => Icon::Out,
        MovementKind::Received | MovementKind::Interest | MovementKind::Commission | MovementKind::Minted => {
            Icon::In
        }
        MovementKind::Fee | MovementKind::ContendFee => Icon::Out,
        MovementKind::Genesis => Icon::Start,
    };
    let who = movement.counterparty.map(|address| words::ends(&address));
    let beside = match movement.fee {
        Some(fee) => words::fee_short(fee),
        None => words::UNIT.to_owned(),
    };
    html! {
        <li>
            <button type="button" class="row" onclick={ui.on(Message::Go(Route::Movement(movement.index)))}>
                <span class="row-icon">{ icon(sign) }</span>
                <span class="row-what"><b>{ words::movement(movement.kind, who.as_deref()) }</b>
                    <small>{ ui.day_and_clock(movement.time) }{ memo(&movement.memo) }</small></span>
                <span class={classes!("row-amount", (movement.delta > 0).then_some("gain"))}>
                    <b>{ words::signed(movement.delta) }</b><small>{ beside }</small></span>
            </button>
        </li>
    }
}

fn memo(memo: &str) -> Html {
    if memo.is_empty() {
        html! {}
    } else {
        html! { <span class="memo">{ words::dot_memo(memo) }</span> }
    }
}
