//! The frame: tabs or rail, the column to work in, the column for what was touched last, and the sheet on top.

use yew::prelude::*;

use super::icons::{Icon, brand, icon};
use super::parts::{network_pill, problem, said};
use super::ui::Ui;
use super::{history, home, more, pay, setup, words_desk};
use crate::state::{Line, Message, PhraseStage, Place, Route, Tab};
use crate::words;

/// The whole page.
pub(crate) fn page(ui: Ui<'_>) -> Html {
    let notice = ui.model.notice.as_ref().map(|(notice, _)| words::notice(*notice));
    html! {
        <>
            { screen(ui) }
            { more::sheet(ui) }
            <div class={classes!("toast", notice.is_some().then_some("on"))} role="status" aria-live="polite">{ notice }</div>
        </>
    }
}

fn screen(ui: Ui<'_>) -> Html {
    if let Line::Down(reason) = &ui.model.line {
        let remedy = html! { <p>{ words::LINE_DOWN_REMEDY }</p> };
        return alone(said("stop", words::LINE_DOWN, &words::line_down(reason), remedy));
    }
    if let Some(found) = ui.model.problem_at(Place::Start) {
        return alone(problem(found));
    }
    let Some(_) = &ui.model.view else {
        return html! {
            <main class="splash" aria-busy="true">{ brand() }<p role="status">{ words::OPENING }</p></main>
        };
    };
    match ui.model.route {
        Route::Welcome => setup::welcome(ui),
        Route::Create(stage) => setup::create(ui, stage),
        Route::Restore(stage) => setup::restore(ui, stage),
        route if ui.model.has_wallet() != Some(true) => {
            html! { <main class="solo">{ detail(ui, route) }</main> }
        }
        route => shell(ui, route),
    }
}

fn alone(message: Html) -> Html {
    html! { <main class="solo"><div class="welcome-top">{ brand() }<span class="brand-name">{ words::PRODUCT }</span></div>{ message }</main> }
}

fn shell(ui: Ui<'_>, route: Route) -> Html {
    let tab = base(route);
    let on_top = route.tab().is_none();
    html! {
        <div class={classes!("shell", on_top.then_some("on-top"))}>
            { rail(ui, tab) }
            <main class="base">
                <div class="column">
                    { match tab {
                        Tab::Home => home::home(ui),
                        Tab::History => history::history(ui),
                        Tab::More => more::more(ui),
                    } }
                </div>
            </main>
            <aside class="side" aria-label={words::DETAILS}>
                <div class="column">{ if on_top { detail(ui, route) } else { touched(ui) } }</div>
            </aside>
        </div>
    }
}

/// Which tab lies under a route.
fn base(route: Route) -> Tab {
    let mut below = route;
    loop {
        match below.tab() {
            Some(tab) => return tab,
            None => below = below.parent(),
        }
    }
}

fn rail(ui: Ui<'_>, tab: Tab) -> Html {
    let entry = |of: Tab| {
        let (sign, name) = match of {
            Tab::Home => (Icon::Home, words::HOME),
            Tab::History => (Icon::History, words::HISTORY),
            Tab::More => (Icon::More, words::MORE),
        };
        html! {
            <button type="button" class={classes!("tab", (of == tab).then_some("on"))}
                aria-current={(of == tab).then_some("page")} onclick={ui.on(Message::Go(of.route()))}>
                { icon(sign) }<span>{ name }</span>
            </button>
        }
    };
    html! {
        <nav class="rail" aria-label={words::PRODUCT}>
            <div class="rail-head">{ brand() }<span>{ words::BRAND }</span></div>
            { for Tab::ALL.into_iter().map(entry) }
            <div class="rail-foot">{ network_pill(ui) }</div>
        </nav>
    }
}

fn detail(ui: Ui<'_>, route: Route) -> Html {
    match route {
        Route::Send => pay::send(ui),
        Route::Receive => pay::receive(ui),
        Route::Payment(id) => pay::payment(ui, &id),
        Route::Movement(index) => history::movement(ui, index),
        Route::Proof => more::proof(ui),
        Route::Network => more::network(ui),
        Route::Security => more::security(ui),
        Route::About => more::about(ui),
        Route::Forgot => more::forgot(ui),
        Route::Phrase(PhraseStage::Words) => words_desk::show(ui, super::parts::head(ui, words::YOUR_WORDS)),
        Route::Phrase(PhraseStage::Check) => {
            words_desk::check(ui, super::parts::head(ui, words::CHECK_TITLE))
        }
        Route::Home
        | Route::History
        | Route::More
        | Route::Welcome
        | Route::Create(_)
        | Route::Restore(_) => html! {},
    }
}

/// What the side column of a wide screen shows by itself: the payment on its way, else how the balance is known.
fn touched(ui: Ui<'_>) -> Html {
    match pay::newest(ui) {
        Some(payment) => {
            html! { <><h2 class="side-title">{ words::PAYMENT }</h2>{ pay::payment_body(ui, payment) }</> }
        }
        None => html! { <><h2 class="side-title">{ words::HOW_DO_I_KNOW }</h2>{ more::proof_body(ui) }</> },
    }
}
