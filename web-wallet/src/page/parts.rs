//! The pieces that screens are made of.

use light_client::data_format::{Address, Amount};
use qrcode::{Color, QrCode};
use web_protocol::Problem;
use yew::prelude::*;

use super::icons::{Icon, icon, seal_mark};
use super::ui::Ui;
use crate::state::{Message, Model, Place, Route, Seal};
use crate::words;

/// The one loud button of a screen. While `busy` says what is being done, it does nothing.
pub(crate) fn primary(ui: Ui<'_>, label: &str, busy: Option<&str>, enabled: bool, message: Message) -> Html {
    button(ui, "btn go", label, busy, enabled, message)
}

/// A quiet button.
pub(crate) fn quiet(ui: Ui<'_>, label: &str, message: Message) -> Html {
    button(ui, "btn quiet", label, None, true, message)
}

/// Any button with words on it.
pub(crate) fn button(
    ui: Ui<'_>,
    class: &'static str,
    label: &str,
    busy: Option<&str>,
    enabled: bool,
    message: Message,
) -> Html {
    let inert = busy.is_some() || !enabled;
    html! {
        <button type="button" class={class} disabled={inert} aria-busy={busy.map(|_| "true")} onclick={ui.on(message)}>
            { spinner(busy.is_some()) }
            { busy.unwrap_or(label) }
        </button>
    }
}

/// A form's button: Enter does the same.
pub(crate) fn submit(label: &str, busy: Option<&str>, enabled: bool) -> Html {
    let inert = busy.is_some() || !enabled;
    html! {
        <button type="submit" class="btn go" disabled={inert} aria-busy={busy.map(|_| "true")}>
            { spinner(busy.is_some()) }
            { busy.unwrap_or(label) }
        </button>
    }
}

fn spinner(turns: bool) -> Html {
    if turns {
        html! { <span class="spinner" aria-hidden="true" /> }
    } else {
        html! {}
    }
}

/// The id of a tab's heading, which takes the focus when nothing lies on top of it.
pub(crate) fn here(ui: Ui<'_>) -> Option<AttrValue> {
    ui.model.route.tab().map(|_| AttrValue::Static("here"))
}

/// How many servers agree, always in sight.
pub(crate) fn network_pill(ui: Ui<'_>) -> Html {
    let (class, text) = words::network(ui.model.view.as_deref());
    html! {
        <button type="button" class={classes!("pill", class)} onclick={ui.on(Message::Go(Route::Network))}>
            <span class="pip" aria-hidden="true" />{ text }
        </button>
    }
}

/// The head of what lies on top: its name, and *close*.
pub(crate) fn head(ui: Ui<'_>, title: &str) -> Html {
    html! {
        <header class="head">
            <h1 id="here" tabindex="-1">{ title }</h1>
            { network_pill(ui) }
            <button type="button" class="icon-btn" aria-label={words::CLOSE} onclick={ui.on(Message::Close)}>
                { icon(Icon::Close) }
            </button>
        </header>
    }
}

/// The head of a step: *back*, and how far it is.
pub(crate) fn step_head(ui: Ui<'_>, title: &str, step: Option<(usize, usize)>) -> Html {
    let dots = step.map(|(at, of)| {
        let dot = |n: usize| html! { <i class={classes!("dot", (n <= at).then_some("on"))} /> };
        html! { <span class="dots" role="img" aria-label={words::step_of(at, of)}>{ for (1..=of).map(dot) }</span> }
    });
    html! {
        <>
            <header class="step-head">
                <button type="button" class="icon-btn" aria-label={words::BACK} onclick={ui.on(Message::Close)}>
                    { icon(Icon::Back) }
                </button>
                { for dots }
            </header>
            <h1 id="here" tabindex="-1" class="step-title">{ title }</h1>
        </>
    }
}

/// The seal beside a balance; it opens *How do I know?*.
pub(crate) fn seal(ui: Ui<'_>) -> Html {
    let (class, mark, text) = match ui.model.seal() {
        Seal::Proven { height, time } => ("seal", seal_mark(), words::proven_at(height.0, &ui.age(time))),
        Seal::Stale { since, height } => {
            ("seal wait", icon(Icon::Clock), words::stale_since(&ui.day_and_clock(since), height.0))
        }
        Seal::Unknown => ("seal wait", icon(Icon::Clock), words::UNKNOWN_YET.to_owned()),
    };
    html! {
        <button type="button" class={class} onclick={ui.on(Message::Go(Route::Proof))}>
            { mark }<span>{ text }</span><span class="sr">{ words::HOW_DO_I_KNOW }</span>
        </button>
    }
}

/// An amount with softer decimals and its unit.
pub(crate) fn amount(amount: Amount) -> Html {
    let digits = words::parts(amount);
    html! {
        <span class="amount">
            <b>{ digits.whole }<small>{ digits.fraction }</small></b>{ " " }<span class="unit">{ words::UNIT }</span>
        </span>
    }
}

/// A whole address in groups of five.
pub(crate) fn address(address: &Address) -> Html {
    let group = |group: words::Group| {
        if group.soft {
            html! { <><i>{ group.text }</i>{ " " }</> }
        } else {
            html! { <><b>{ group.text }</b>{ " " }</> }
        }
    };
    let whole = words::groups(address).into_iter().map(group);
    html! { <span class="addr" aria-label={address.to_string()} role="img">{ for whole }</span> }
}

/// A row of a table of facts.
pub(crate) fn fact(name: &str, value: Html) -> Html {
    html! { <div class="fact"><dt>{ name }</dt><dd>{ value }</dd></div> }
}

/// A fact whose value takes a line of its own.
pub(crate) fn long_fact(name: &str, value: Html) -> Html {
    html! { <div class="fact long"><dt>{ name }</dt><dd>{ value }</dd></div> }
}

/// A box that speaks: what happened, why, what to do.
pub(crate) fn said(class: &'static str, what: &str, why: &str, remedy: Html) -> Html {
    html! {
        <div class={classes!("note", class)} role="status">
            { icon(Icon::Alert) }
            <div><b>{ what }</b><p>{ why }</p>{ remedy }</div>
        </div>
    }
}

/// The problem that belongs at `place`, if there is one.
pub(crate) fn problem_at(model: &Model, place: Place) -> Html {
    html! { <div class="problem-slot" role="alert">{ for model.problem_at(place).map(problem) }</div> }
}

/// A problem in words.
pub(crate) fn problem(problem: &Problem) -> Html {
    let words::Said { what, why, remedy } = words::problem(problem);
    said("stop", &what, &why, html! { <p>{ remedy }</p> })
}

/// A row of choices of which at most one holds: for each its words, whether it holds, and what choosing it says.
pub(crate) fn choices(
    ui: Ui<'_>,
    label: &str,
    options: impl IntoIterator<Item = (AttrValue, bool, Message)>,
) -> Html {
    let option = |(words, holds, message): (AttrValue, bool, Message)| {
        html! {
            <label class="choice">
                <input type="radio" name={label.to_owned()} checked={holds} onchange={ui.chosen(message)} />
                { words }
            </label>
        }
    };
    html! {
        <div class="choices" role="radiogroup" aria-label={label.to_owned()}>
            { for options.into_iter().map(option) }
        </div>
    }
}

/// A QR code, dark on a white card with a quiet zone; nothing when the text is too long for one.
pub(crate) fn qr(text: &str, label: &str) -> Html {
    let Ok(code) = QrCode::new(text) else { return html! {} };
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", at % width, at / width));
        }
    }
    html! {
        <div class="qr">
            <svg viewBox={format!("0 0 {width} {width}")} role="img" aria-label={label.to_owned()}><path d={path} /></svg>
        </div>
    }
}
