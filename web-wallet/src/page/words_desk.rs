//! A phrase on the table: its words one at a time, and the check that they were written down.

use yew::prelude::*;

use super::icons::{Icon, icon};
use super::parts::{button, choices, primary, problem_at, quiet};
use super::ui::Ui;
use crate::state::{Desk, Message, Place, Waiting};
use crate::words;

/// One word at a time, in its place among the others.
pub(crate) fn show(ui: Ui<'_>, head: Html) -> Html {
    let Some(desk) = &ui.model.desk else {
        return html! {
            <main class="solo">{ head }
                if ui.model.problem_at(Place::Setup).is_none() {
                    <p class="lead" role="status">{ words::MAKING_WORDS }</p>
                }
                { problem_at(ui.model, Place::Setup) }
            </main>
        };
    };
    let is_setup = ui.model.route.is_setup();
    let shown = desk.shown.as_ref();
    let next = shown.map_or(desk.seen, |(at, _)| at.saturating_add(1));
    let all_seen = desk.seen >= desk.length;
    let go = if all_seen && shown.is_none_or(|(at, _)| at + 1 == desk.length) {
        if is_setup || !ui.model.is_backed_up() {
            primary(ui, words::WROTE_THEM, None, true, Message::Continue)
        } else {
            primary(ui, words::DONE, None, true, Message::PhraseDone)
        }
    } else {
        let next = next.min(desk.length - 1);
        primary(ui, &words::show_word(u32::from(next) + 1, next == 0), None, true, Message::ShowWord(next))
    };
    let aside = if is_setup {
        let busy = (ui.model.is_waiting(Waiting::Keep) || ui.model.setup.kept).then_some(words::KEEPING);
        button(ui, "btn quiet", words::LATER, busy, true, Message::Later)
    } else if all_seen && ui.model.is_backed_up() {
        quiet(ui, words::CHECK_ANYWAY, Message::Continue)
    } else {
        html! {}
    };
    html! {
        <main class="solo">
            { head }
            <p class="lead">{ words::WORDS_WHY }</p>
            <div class={classes!("word-now", shown.is_none().then_some("empty"))} aria-live="polite">
                if let Some((at, word)) = shown {
                    <span class="nth">{ words::word_nth(u32::from(*at) + 1, desk.length) }</span>
                    <b>{ &word.0 }</b>
                    <button type="button" class="link" onclick={ui.on(Message::HideWord)}>{ words::HIDE }</button>
                } else {
                    { icon(Icon::Eye) }<span class="nth">{ words::NOBODY_LOOKING }</span>
                }
            </div>
            <ol class={classes!("word-grid", (desk.length > 15).then_some("dense"))}>
                { for (0..desk.length).map(|at| tile(ui, desk, at)) }
            </ol>
            { problem_at(ui.model, Place::Setup) }
            <div class="foot">{ go }{ aside }</div>
        </main>
    }
}

fn tile(ui: Ui<'_>, desk: &Desk, at: u8) -> Html {
    let is_shown = desk.shown.as_ref().is_some_and(|(shown, _)| *shown == at);
    let state = if is_shown {
        "now"
    } else if at < desk.seen {
        "seen"
    } else {
        ""
    };
    let reachable = at <= desk.seen;
    html! {
        <li>
            <button type="button" class={classes!("tile", state)} disabled={!reachable}
                aria-label={words::show_word(u32::from(at) + 1, false)} onclick={ui.on(Message::ShowWord(at))}>
                { at + 1 }
                if at < desk.seen && !is_shown { { icon(Icon::Check) } }
            </button>
        </li>
    }
}

/// Which of three was it?
pub(crate) fn check(ui: Ui<'_>, head: Html) -> Html {
    let Some(desk) = &ui.model.desk else { return html! {} };
    let question = |(at, question): (usize, &web_protocol::WordQuestion)| {
        let picked = desk.picked.get(at).copied().flatten();
        let name = words::word_nth(u32::from(question.position) + 1, desk.length);
        let options = question.choices.iter().enumerate();
        let options = options
            .map(|(nth, word)| (word.0.to_string().into(), picked == Some(nth), Message::Pick(at, nth)));
        html! {
            <div class="field">
                <span class="label">{ &name }</span>
                { choices(ui, &name, options) }
            </div>
        }
    };
    let is_setup = ui.model.route.is_setup();
    let kept = ui.model.is_waiting(Waiting::Keep) || ui.model.setup.kept;
    let busy = if kept {
        Some(words::KEEPING)
    } else {
        (ui.model.is_waiting(Waiting::CheckQuiz) || ui.model.is_waiting(Waiting::BackedUp))
            .then_some(words::CHECKING)
    };
    html! {
        <main class="solo">
            { head }
            <p class="lead">{ words::CHECK_WHY }</p>
            <div class="form">{ for desk.quiz.iter().enumerate().map(question) }</div>
            { problem_at(ui.model, Place::Setup) }
            <div class="foot">
                { primary(ui, words::CHECK, busy, desk.picks().is_some(), Message::Continue) }
                if is_setup && busy.is_none() { { quiet(ui, words::LATER, Message::Later) } }
            </div>
        </main>
    }
}
