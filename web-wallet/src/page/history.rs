//! History: every movement, by month, and one movement by itself.

use yew::prelude::*;

use super::home::movement_row;
use super::parts::{address, button, fact, head, here, long_fact, network_pill, problem_at};
use super::ui::Ui;
use crate::state::{Message, Movement, Place, Waiting, movements};
use crate::{clock, words};

/// All movements.
pub(crate) fn history(ui: Ui<'_>) -> Html {
    let account = ui.model.account();
    let moved = account.map(movements).unwrap_or_default();
    let loaded = account.map_or(0, |account| account.history.len() as u64);
    let count = account.map_or(0, |account| account.history_count);
    let busy = ui.model.is_waiting(Waiting::History).then_some(words::PROVING_OLDER);
    html! {
        <>
            <header class="top"><h1 id={here(ui)} tabindex="-1">{ words::HISTORY }</h1>{ network_pill(ui) }</header>
            if moved.is_empty() {
                <section class="empty"><b>{ words::EMPTY_TITLE }</b><p>{ words::EMPTY_HISTORY }</p></section>
            } else {
                <p class="complete">{ words::complete(loaded, count) }</p>
            }
            { for months(ui, &moved) }
            { problem_at(ui.model, Place::Page) }
            if loaded < count {
                { button(ui, "btn", words::LOAD_OLDER, busy, true, Message::LoadHistory) }
            }
        </>
    }
}

fn months(ui: Ui<'_>, moved: &[Movement]) -> Vec<Html> {
    let now = clock::local(ui.model.now);
    let month = |movement: &Movement| {
        let at = clock::local(movement.time);
        (at.year, at.month)
    };
    let section = |group: &[Movement]| {
        let name = group.first().map(|first| words::month(clock::local(first.time), now));
        html! {
            <section class="list">
                <h2>{ name }</h2>
                <ul>{ for group.iter().map(|movement| movement_row(ui, movement)) }</ul>
            </section>
        }
    };
    moved.chunk_by(|one, other| month(one) == month(other)).map(section).collect()
}

/// One movement.
pub(crate) fn movement(ui: Ui<'_>, index: u64) -> Html {
    let Some(movement) = ui.model.movement(index) else {
        return html! { <>{ head(ui, words::MOVEMENT) }<p class="lead">{ words::MOVEMENT_GONE }</p></> };
    };
    let title = words::movement(movement.kind, None);
    html! {
        <>
            { head(ui, &title) }
            <div class="big">
                <b class={classes!((movement.delta > 0).then_some("gain"))}>{ words::signed(movement.delta) }</b>
                <span class="unit">{ words::UNIT }</span>
            </div>
            <p class="center"><span class="tag proven">{ words::proven_final(movement.height.0) }</span></p>
            <dl class="card facts">
                if let Some(other) = movement.counterparty {
                    { long_fact(words::from_or_to(movement.delta), address(&other)) }
                }
                { fact(words::WHEN, html! { ui.day_and_clock(movement.time) }) }
                if let Some(fee) = movement.fee {
                    { fact(words::FEE, html! { words::with_unit(fee) }) }
                }
                if !movement.memo.is_empty() { { fact(words::NOTE, html! { &movement.memo }) } }
                { fact(words::BLOCK, html! { words::number(movement.height.0) }) }
                if !movement.transaction.is_zero() {
                    { long_fact(words::TRANSACTION, html! { <span class="hex">{ movement.transaction.to_string() }</span> }) }
                }
            </dl>
        </>
    }
}
