//! More: proof, network, security, about.

use web_protocol::{Fact, ServerHealth, SyncView};
use yew::prelude::*;

use super::icons::{Icon, icon};
use super::live::{SecretField, Sheet};
use super::parts::{address, button, fact, head, here, long_fact, primary, problem_at, quiet, said, submit};
use super::ui::Ui;
use crate::state::{After, Message, Place, RestoreStage, Route, Sheet as Question, Waiting};
use crate::words;

/// What is not needed every day.
pub(crate) fn more(ui: Ui<'_>) -> Html {
    let line = |sign, title, hint: String, route| {
        html! {
            <li>
                <button type="button" class="row" onclick={ui.on(Message::Go(route))}>
                    <span class="row-icon">{ icon(sign) }</span>
                    <span class="row-what"><b>{ title }</b><small>{ hint }</small></span>
                    <span class="row-next">{ icon(Icon::Next) }</span>
                </button>
            </li>
        }
    };
    let (_, network) = words::network(ui.model.view.as_deref());
    let lock = if ui.model.is_unlocked() { words::IS_UNLOCKED } else { words::IS_LOCKED };
    html! {
        <>
            <header class="top"><h1 id={here(ui)} tabindex="-1">{ words::MORE }</h1></header>
            <ul class="card menu">
                { line(Icon::Lock, words::SECURITY, lock.to_owned(), Route::Security) }
                { line(Icon::Network, words::NETWORK, network, Route::Network) }
                { line(Icon::Check, words::HOW_DO_I_KNOW, words::PROOF_HINT.to_owned(), Route::Proof) }
                { line(Icon::About, words::ABOUT, words::ABOUT_HINT.to_owned(), Route::About) }
            </ul>
            { problem_at(ui.model, Place::Page) }
        </>
    }
}

/// How do I know?, with its head.
pub(crate) fn proof(ui: Ui<'_>) -> Html {
    html! { <>{ head(ui, words::HOW_DO_I_KNOW) }{ proof_body(ui) }</> }
}

/// Four plain steps from signatures to the balance, then the figures.
pub(crate) fn proof_body(ui: Ui<'_>) -> Html {
    let (Some(view), Some(account)) = (&ui.model.view, ui.model.account()) else {
        return html! { <p class="lead">{ words::NOTHING_PROVEN }</p> };
    };
    let Fact::Proven { value, height, time, .. } = account.balance else {
        return html! { <p class="lead">{ words::NOTHING_PROVEN }</p> };
    };
    let signatures = match view.sync {
        SyncView::Verified { signatures, of, .. } => Some((signatures, of)),
        _ => None,
    };
    let micros = account.proof.as_ref().map(|proof| proof.micros);
    let nodes = account.proof.as_ref().map(|proof| proof.steps);
    let steps = [
        words::proof_signed(signatures, height.0, &ui.age(time)),
        (words::PROOF_COMMITS.to_owned(), words::PROOF_COMMITS_WHY.to_owned()),
        (words::PROOF_LEADS.to_owned(), words::proof_leads(nodes, micros)),
        words::proof_complete(account.history_count, value),
    ];
    let step =
        |(what, why): (String, String)| html! { <li class="done"><b>{ what }</b><small>{ why }</small></li> };
    let server = account.proof.as_ref().and_then(|proof| view.servers.get(proof.server as usize));
    html! {
        <>
            <ol class="card steps">{ for steps.into_iter().map(step) }</ol>
            <dl class="card facts">
                { fact(words::BLOCK, html! { words::number(height.0) }) }
                { fact(words::BLOCK_TIME, html! { ui.day_and_clock(time) }) }
                if let Some(proof) = &account.proof {
                    { fact(words::PROOF_SIZE, html! { words::bytes(proof.bytes) }) }
                }
                if let Some(server) = server {
                    { fact(words::SENT_BY, html! { words::host(&server.url) }) }
                }
            </dl>
            <p class="fine">{ words::NOBODY_BELIEVED }</p>
        </>
    }
}

/// The servers.
pub(crate) fn network(ui: Ui<'_>) -> Html {
    let Some(view) = &ui.model.view else { return html! { <>{ head(ui, words::NETWORK) }</> } };
    let (what, why) = words::sync(&view.sync, |time| ui.day_and_clock(time));
    let class = match view.sync {
        SyncView::Verified { .. } => "proven",
        SyncView::Lying { .. } | SyncView::Forked { .. } => "stop",
        _ => "mind",
    };
    let server = |server: &web_protocol::ServerView| {
        let class = match server.health {
            ServerHealth::Good => "proven",
            ServerHealth::Lying => "stop",
            _ => "wait",
        };
        html! {
            <li class="card server">
                <div class="server-head">
                    <b>{ words::host(&server.url) }</b><span class={classes!("tag", class)}>{ words::health(server.health) }</span>
                </div>
                <small>{ words::server_height(server.height.map(|height| height.0)) }</small>
                if let Some(lie) = &server.lie {
                    { said("stop", words::LAST_LIE, lie, html! { <p>{ words::LIE_NOT_USED }</p> }) }
                }
            </li>
        }
    };
    let busy = ui.model.is_waiting(Waiting::Refresh).then_some(words::ASKING);
    html! {
        <>
            { head(ui, words::NETWORK) }
            <div class={classes!("note", class)} role="status">
                { icon(if class == "proven" { Icon::Check } else { Icon::Alert }) }<div><b>{ what }</b><p>{ why }</p></div>
            </div>
            <ul class="stack">{ for view.servers.iter().map(server) }</ul>
            { problem_at(ui.model, Place::Page) }
            { button(ui, "btn", words::ASK_NOW, busy, true, Message::Refresh) }
        </>
    }
}

/// Lock, words, erase.
pub(crate) fn security(ui: Ui<'_>) -> Html {
    let unlocked = ui.model.is_unlocked();
    let backed_up = ui.model.is_backed_up();
    html! {
        <>
            { head(ui, words::SECURITY) }
            { problem_at(ui.model, Place::Page) }
            <section class="card block">
                <h2>{ if unlocked { words::IS_UNLOCKED } else { words::IS_LOCKED } }</h2>
                <p>{ if unlocked { words::UNLOCKED_MEANS } else { words::LOCKED_MEANS } }</p>
                if unlocked {
                    { button(ui, "btn", words::LOCK_NOW, None, true, Message::Lock) }
                } else {
                    { button(ui, "btn", words::UNLOCK, None, true, Message::AskPassword(After::Unlock)) }
                }
            </section>
            <section class="card block">
                <h2>{ words::YOUR_WORDS }</h2>
                <p>{ if backed_up { words::WORDS_CHECKED } else { words::WORDS_NOT_CHECKED } }</p>
                { button(ui, if backed_up { "btn" } else { "btn go" }, if backed_up { words::SHOW_WORDS } else { words::WRITE_WORDS }, None, true,
                    Message::AskPassword(After::Words)) }
            </section>
            <section class="card block">
                <h2>{ words::FORGOT_TITLE }</h2>
                <p>{ words::FORGOT_SHORT }</p>
                { button(ui, "btn", words::FORGOT, None, true, Message::Go(Route::Forgot)) }
            </section>
            <section class="card block">
                <h2>{ words::ERASE_TITLE }</h2>
                <p>{ words::ERASE_SHORT }</p>
                { button(ui, "btn danger", words::ERASE, None, true, Message::AskErase) }
            </section>
        </>
    }
}

/// The password is lost: only the words help.
pub(crate) fn forgot(ui: Ui<'_>) -> Html {
    html! {
        <>
            { head(ui, words::FORGOT_TITLE) }
            <p class="lead">{ words::FORGOT_LEAD }</p>
            <ol class="rules">
                { for words::FORGOT_STEPS.iter().enumerate().map(|(at, (what, why))| html! {
                    <li><span class="count" aria-hidden="true">{ at + 1 }</span><div><b>{ *what }</b><p>{ *why }</p></div></li>
                }) }
            </ol>
            <div class="foot">
                { primary(ui, words::RESTORE_WALLET, None, true, Message::Go(Route::Restore(RestoreStage::Words))) }
                { quiet(ui, words::TRY_AGAIN, Message::Close) }
            </div>
        </>
    }
}

/// Chain and storage.
pub(crate) fn about(ui: Ui<'_>) -> Html {
    let view = ui.model.view.as_deref();
    html! {
        <>
            { head(ui, words::ABOUT) }
            <p class="lead">{ words::ABOUT_LEAD }</p>
            if let Some(view) = view {
                <dl class="card facts">
                    { fact(words::CHAIN, html! { &view.chain.name }) }
                    { fact(words::ADDRESSES, html! { words::network_name(view.chain.network) }) }
                    { fact(words::BLOCKS, html! { words::slot_length(view.chain.slot_ms) }) }
                    { fact(words::FEE_OF_TRANSFER, html! { words::with_unit(view.chain.transfer_fee) }) }
                    { long_fact(words::CHAIN_ID, html! { <span class="hex">{ &view.chain.id }</span> }) }
                </dl>
                <dl class="card facts">
                    { fact(words::STORAGE, html! { words::storage(view.storage_persistent) }) }
                    { fact(words::VERSION, html! { env!("CARGO_PKG_VERSION") }) }
                    if let Some(account) = view.accounts.first() {
                        { long_fact(words::YOUR_ADDRESS, address(&account.address)) }
                    }
                </dl>
                <p class="fine">{ words::storage_why(view.storage_persistent) }</p>
            }
        </>
    }
}

/// The question on top of everything.
pub(crate) fn sheet(ui: Ui<'_>) -> Html {
    let Some(question) = &ui.model.sheet else { return html! {} };
    let (label, body) = match question {
        Question::Review => match &ui.model.send.review {
            Some(review) => (words::REVIEW_TITLE, super::pay::review(ui, review)),
            None => return html! {},
        },
        Question::Password(after) => (words::PASSWORD, password(ui, *after)),
        Question::Erase(typed) => (words::ERASE_TITLE, erase(ui, typed)),
    };
    let key = match question {
        Question::Review => "review",
        Question::Password(_) => "password",
        Question::Erase(_) => "erase",
    };
    html! { <Sheet {key} {label} on_close={ui.send.reform(|()| Message::Close)}>{ body }</Sheet> }
}

fn password(ui: Ui<'_>, after: After) -> Html {
    let (title, why, label) = match after {
        After::Unlock => (words::UNLOCK_TITLE, words::UNLOCK_WHY, words::UNLOCK),
        After::Send => (words::UNLOCK_TITLE, words::UNLOCK_TO_SEND, words::SIGN),
        After::Words => (words::REVEAL_TITLE, words::REVEAL_WHY, words::SHOW_WORDS),
    };
    let busy = ui.model.is_asking_password().then_some(words::TRYING);
    let wrong = ui.model.problem_at(Place::Sheet).is_some();
    html! {
        <form class="form" onsubmit={ui.submit(Message::Unlock)}>
            <h1 tabindex="-1">{ title }</h1>
            <p class="lead">{ why }</p>
            { for ui.model.send.review.as_ref().filter(|_| after == After::Send).map(|review| html! {
                <p class="paying"><b>{ words::with_unit(review.amount) }</b>{ words::to(&words::ends(&review.to)) }</p>
            }) }
            <div class="field">
                <label for="unlock">{ words::PASSWORD }</label>
                <SecretField key={ui.model.problem.is_some().to_string()} id="unlock" initial={ui.model.password.clone()} focus=true {wrong}
                    autocomplete="current-password" on_input={ui.secret(Message::TypePassword)} />
            </div>
            { problem_at(ui.model, Place::Sheet) }
            <div class="foot">
                { submit(label, busy, !ui.model.password.0.is_empty()) }
                { quiet(ui, words::CANCEL, Message::Close) }
                <button type="button" class="link center" onclick={ui.on(Message::Go(Route::Forgot))}>{ words::FORGOT }</button>
            </div>
        </form>
    }
}

fn erase(ui: Ui<'_>, typed: &str) -> Html {
    let busy = ui.model.is_waiting(Waiting::Erase).then_some(words::ERASING);
    let warning = if ui.model.is_backed_up() { words::ERASE_BACKED_UP } else { words::ERASE_NOT_BACKED_UP };
    html! {
        <form class="form" onsubmit={ui.submit(Message::Erase)}>
            <h1 tabindex="-1">{ words::ERASE_TITLE }</h1>
            { said("stop", words::ERASE_LEAD, warning, html! {}) }
            <div class="field">
                <label for="erase">{ words::erase_type() }</label>
                <input class="input" id="erase" type="text" autocomplete="off" autocapitalize="none" spellcheck="false"
                    value={typed.to_owned()} oninput={ui.typed(Message::TypeErase)} />
            </div>
            { problem_at(ui.model, Place::Sheet) }
            <div class="foot">
                <button type="submit" class="btn danger" disabled={!ui.model.may_erase()}>{ busy.unwrap_or(words::ERASE) }</button>
                { quiet(ui, words::CANCEL, Message::Close) }
            </div>
        </form>
    }
}
