//! Making a wallet and restoring one.

use wasm_bindgen::JsCast;
use web_protocol::{Problem, Secret};
use web_sys::{ClipboardEvent, Event};
use yew::prelude::*;

use super::icons::{Icon, brand, icon, seal_mark};
use super::live::SecretField;
use super::parts::{address, button, choices, primary, problem_at, quiet, said, step_head, submit};
use super::ui::Ui;
use super::words_desk;
use crate::state::{CreateStage, Message, Place, RestoreStage, Route, Strength, Waiting};
use crate::words;

/// Steps of making a wallet, and of restoring one.
const CREATE_STEPS: usize = 4;
const RESTORE_STEPS: usize = 3;

/// No wallet yet: new, or restore.
pub(crate) fn welcome(ui: Ui<'_>) -> Html {
    html! {
        <main class="solo welcome">
            <div class="welcome-top">{ brand() }<span class="brand-name">{ words::PRODUCT }</span></div>
            <div class="welcome-claim">
                <h1 id="here" tabindex="-1">{ words::CLAIM }</h1>
                <p class="lead">{ words::CLAIM_MORE }</p>
                <p class="seal still">{ seal_mark() }<span>{ words::CLAIM_SEAL }</span></p>
            </div>
            <div class="foot">
                { primary(ui, words::NEW_WALLET, None, true, Message::Go(Route::Create(CreateStage::Rules))) }
                { button(ui, "btn", words::RESTORE_WALLET, None, true, Message::Go(Route::Restore(RestoreStage::Words))) }
                <p class="fine">{ words::FREE_OF_ACCOUNTS }</p>
            </div>
        </main>
    }
}

/// Making a wallet.
pub(crate) fn create(ui: Ui<'_>, stage: CreateStage) -> Html {
    match stage {
        CreateStage::Rules => rules(ui),
        CreateStage::Password => password(ui, words::PASSWORD_TITLE, (2, CREATE_STEPS), words::CONTINUE),
        CreateStage::Words => {
            words_desk::show(ui, step_head(ui, words::WORDS_TITLE, Some((3, CREATE_STEPS))))
        }
        CreateStage::Check => {
            words_desk::check(ui, step_head(ui, words::CHECK_TITLE, Some((4, CREATE_STEPS))))
        }
    }
}

/// Restoring one.
pub(crate) fn restore(ui: Ui<'_>, stage: RestoreStage) -> Html {
    match stage {
        RestoreStage::Words => restore_words(ui),
        RestoreStage::Address => restore_address(ui),
        RestoreStage::Password => password(ui, words::PASSWORD_TITLE, (3, RESTORE_STEPS), words::OPEN_WALLET),
    }
}

fn rules(ui: Ui<'_>) -> Html {
    let rule = |(at, (what, why)): (usize, &(&'static str, &'static str))| {
        html! { <li><span class="count" aria-hidden="true">{ at + 1 }</span><div><b>{ *what }</b><p>{ *why }</p></div></li> }
    };
    let length = ui.model.setup.length;
    let lengths =
        [12, 24].map(|count| (words::word_count(count).into(), count == length, Message::ChooseWords(count)));
    html! {
        <main class="solo">
            { step_head(ui, words::RULES_TITLE, Some((1, CREATE_STEPS))) }
            <ol class="rules">{ for words::RULES.iter().enumerate().map(rule) }</ol>
            <div class="field">
                <span class="label">{ words::HOW_MANY_WORDS }</span>
                { choices(ui, words::HOW_MANY_WORDS, lengths) }
                <p class="hint">{ words::HOW_MANY_WHY }</p>
            </div>
            <div class="foot">{ primary(ui, words::UNDERSTOOD, None, true, Message::Continue) }</div>
        </main>
    }
}

fn password(ui: Ui<'_>, title: &str, step: (usize, usize), label: &str) -> Html {
    let setup = &ui.model.setup;
    let strength = ui.model.strength();
    let differs = !setup.repeat.0.is_empty() && setup.repeat != setup.password;
    let ready = strength.is_enough() && setup.repeat == setup.password;
    let busy = (ui.model.is_waiting(Waiting::Keep) || setup.kept).then_some(words::KEEPING);
    html! {
        <main class="solo">
            { step_head(ui, title, Some(step)) }
            <p class="lead">{ words::PASSWORD_WHY }</p>
            <form class="form" onsubmit={ui.submit(Message::Continue)}>
                <div class="field">
                    <label for="password">{ words::PASSWORD }</label>
                    <SecretField id="password" initial={setup.password.clone()} autocomplete="new-password"
                        legible={setup.legible} on_input={ui.secret(Message::TypePassword)} />
                    { meter(strength) }
                </div>
                <div class="field">
                    <label for="repeat">{ words::PASSWORD_AGAIN }</label>
                    <SecretField id="repeat" initial={setup.repeat.clone()} autocomplete="new-password" wrong={differs}
                        legible={setup.legible} on_input={ui.secret(Message::TypeRepeat)} />
                    <p class="hint" role="status">{ if differs { words::PASSWORD_DIFFERS } else { "" } }</p>
                </div>
                { show_typed(ui) }
                <div class="aside">
                    <b>{ words::PASSWORD_LOST_TITLE }</b><p>{ words::PASSWORD_LOST }</p>
                </div>
                { problem_at(ui.model, Place::Setup) }
                <div class="foot">{ submit(label, busy, ready) }</div>
            </form>
        </main>
    }
}

fn show_typed(ui: Ui<'_>) -> Html {
    let legible = ui.model.setup.legible;
    html! {
        <button type="button" class="link" aria-pressed={legible.to_string()} onclick={ui.on(Message::ShowTyped(!legible))}>
            { icon(Icon::Eye) }{ if legible { words::MASK_TYPED } else { words::SHOW_TYPED } }
        </button>
    }
}

fn meter(strength: Strength) -> Html {
    let (level, text) = words::strength(strength);
    html! {
        <div class="meter-box">
            <span class={classes!("meter", format!("meter-{level}"))} aria-hidden="true"><i /><i /><i /></span>
            <p class="hint" role="status">{ text }</p>
        </div>
    }
}

fn restore_words(ui: Ui<'_>) -> Html {
    let setup = &ui.model.setup;
    let kinds = [(words::KIND_WORDS, false), (words::KIND_VSYSTEMS, true)].map(|(words, vsystems)| {
        (words.into(), vsystems == setup.vsystems, Message::ChooseVsystems(vsystems))
    });
    let counts: &[u8] = if setup.vsystems { &[15, 18, 0] } else { &[12, 24] };
    let chosen = if setup.one_field { 0 } else { u8::try_from(setup.typed.len()).unwrap_or_default() };
    let counts = counts
        .iter()
        .map(|count| (words::word_count(*count).into(), *count == chosen, Message::ChooseLength(*count)));
    let wrong = match ui.model.problem_at(Place::Setup) {
        Some(Problem::Phrase { word, .. }) => word.map(usize::from),
        _ => None,
    };
    let field = |(at, word): (usize, &Secret)| {
        let id = format!("word-{at}");
        let send = ui.send.clone();
        let on_paste = Callback::from(move |event: Event| {
            if let Some(text) = pasted(&event) {
                send.emit(Message::Paste(at, text));
            }
        });
        let label = if setup.one_field { words::ALL_WORDS.to_owned() } else { words::number(at as u64 + 1) };
        html! {
            <div class="word-field" key={format!("{}-{at}", setup.filled)}>
                <label for={id.clone()}>{ label }</label>
                <SecretField {id} initial={word.clone()} legible={setup.legible} wrong={wrong == Some(at)}
                    on_input={ui.secret(move |word| Message::TypeWord(at, word))} on_paste={Some(on_paste)} />
            </div>
        }
    };
    let busy = ui.model.is_waiting(Waiting::ReadPhrase).then_some(words::READING_WORDS);
    html! {
        <main class="solo">
            { step_head(ui, words::RESTORE_TITLE, Some((1, RESTORE_STEPS))) }
            <p class="lead">{ words::RESTORE_WHY }</p>
            <form class="form" onsubmit={ui.submit(Message::Continue)} autocomplete="off">
                { choices(ui, words::KIND, kinds) }
                { choices(ui, words::HOW_MANY_WORDS, counts) }
                <div class={classes!("word-fields", setup.one_field.then_some("one"))}>
                    { for setup.typed.iter().enumerate().map(field) }
                </div>
                { show_typed(ui) }
                { problem_at(ui.model, Place::Setup) }
                <div class="foot">{ submit(words::CONTINUE, busy, setup.is_full()) }</div>
            </form>
        </main>
    }
}

/// The text of a paste that is more than one word; the field then leaves it alone.
fn pasted(event: &Event) -> Option<Secret> {
    let text = Secret(event.dyn_ref::<ClipboardEvent>()?.clipboard_data()?.get_data("text").ok()?);
    text.0.split_whitespace().nth(1)?;
    event.prevent_default();
    Some(text)
}

fn restore_address(ui: Ui<'_>) -> Html {
    let Some((found, unchecked)) = ui.model.setup.read else { return html! {} };
    let present = ui.model.account().map(|account| account.address);
    let other = present.filter(|present| *present != found);
    html! {
        <main class="solo">
            { step_head(ui, words::RESTORED_TITLE, Some((2, RESTORE_STEPS))) }
            <p class="lead">{ words::RESTORED_WHY }</p>
            <div class="card pad">{ address(&found) }</div>
            if unchecked {
                { said("mind", words::UNCHECKED_TITLE, words::UNCHECKED, html! {}) }
            }
            if let Some(present) = other {
                { said("stop", words::REPLACES_TITLE, words::REPLACES, html! { <div class="addr-line">{ address(&present) }</div> }) }
            } else if present.is_some() {
                <p class="hint">{ words::SAME_WALLET }</p>
            }
            <div class="foot">
                { primary(ui, words::THIS_IS_MINE, None, true, Message::Continue) }
                { quiet(ui, words::NOT_MINE, Message::Close) }
            </div>
        </main>
    }
}
