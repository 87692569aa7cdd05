//! Send, review, the payment's line of time, receive.

use light_client::data_format::TransactionId;
use web_protocol::{PaymentStep, PaymentView, Problem, Review};
use yew::prelude::*;

use super::parts::{address, fact, head, long_fact, primary, problem_at, qr, quiet, said, submit};
use super::ui::Ui;
use crate::state::{MAX_MEMO, Message, Place, Step, StepKind, StepState, Waiting, steps};
use crate::words;

/// A payment being written.
pub(crate) fn send(ui: Ui<'_>) -> Html {
    let form = &ui.model.send;
    let forecast = ui.model.forecast();
    let shown = match (form.everything, forecast) {
        (true, Some(forecast)) => words::plain(forecast.spendable),
        _ => form.amount.clone(),
    };
    let to = form.to.trim();
    let ready = !to.is_empty() && (form.everything || !form.amount.trim().is_empty());
    let busy = ui.model.is_waiting(Waiting::Draft).then_some(words::LOOKING_OVER);
    let memo_left = MAX_MEMO.saturating_sub(form.memo.len()) as u64;
    let memo_over = form.memo.len() > MAX_MEMO;
    let problem = ui.model.problem_at(Place::Send);
    let wrong_to = matches!(problem, Some(Problem::Address(_) | Problem::OtherNetwork));
    let wrong_amount = matches!(problem, Some(Problem::Amount(_) | Problem::Balance { .. }));
    html! {
        <>
            { head(ui, words::SEND) }
            <form class="form" onsubmit={ui.submit(Message::Review)}>
                <div class="field">
                    <label for="to">{ words::TO }</label>
                    <input class="input mono" id="to" type="text" value={form.to.clone()} autocomplete="off" autocapitalize="none"
                        spellcheck="false" placeholder={words::TO_PLACEHOLDER} aria-describedby="to-hint"
                        aria-invalid={wrong_to.then_some("true")}
                        oninput={ui.typed(Message::TypeRecipient)} />
                    <div class="hint" id="to-hint" role="status">
                        if let Some(recipient) = ui.model.recipient() {
                            { address(&recipient) }
                        } else if to.len() >= words::ADDRESS_LENGTH {
                            <span class="warn">{ words::NOT_AN_ADDRESS }</span>
                        }
                    </div>
                </div>
                <div class="field">
                    <label for="amount">{ words::AMOUNT }</label>
                    <div class="with-button">
                        <input class="input figure" id="amount" type="text" inputmode="decimal" value={shown} autocomplete="off"
                            placeholder={words::AMOUNT_PLACEHOLDER} aria-describedby="amount-hint"
                            aria-invalid={wrong_amount.then_some("true")}
                            oninput={ui.typed(Message::TypeAmount)} />
                        <span class="unit">{ words::UNIT }</span>
                        <button type="button" class="chip" aria-pressed={form.everything.to_string()}
                            onclick={ui.on(Message::Everything)}>{ words::EVERYTHING }</button>
                    </div>
                    <dl class="hint forecast" id="amount-hint" aria-live="polite">
                        if let Some(forecast) = forecast {
                            { fact(words::FEE, html! { words::with_unit(forecast.fee) }) }
                            if let Some(keep) = forecast.keep {
                                { fact(words::YOU_KEEP, html! { words::with_unit(keep) }) }
                            } else if forecast.amount.is_some() {
                                { fact(words::AT_MOST, html! { <span class="warn">{ words::with_unit(forecast.spendable) }</span> }) }
                            } else {
                                { fact(words::AT_MOST, html! { words::with_unit(forecast.spendable) }) }
                            }
                        } else {
                            <p class="warn">{ words::BALANCE_NOT_PROVEN }</p>
                        }
                    </dl>
                </div>
                <div class="field">
                    <div><label for="memo">{ words::NOTE }</label><span class="optional">{ words::NOTE_PUBLIC }</span></div>
                    <input class="input" id="memo" type="text" value={form.memo.clone()} autocomplete="off" maxlength={MAX_MEMO.to_string()}
                        aria-describedby="memo-hint" aria-invalid={memo_over.then_some("true")} oninput={ui.typed(Message::TypeMemo)} />
                    <p class="hint" id="memo-hint" role="status">
                        if memo_over || memo_left <= 40 { { words::memo_left(memo_left, memo_over) } }
                    </p>
                </div>
                { problem_at(ui.model, Place::Send) }
                <div class="foot">{ submit(words::REVIEW, busy, ready) }</div>
            </form>
        </>
    }
}

/// Check before you sign: everything in it was decoded from the bytes to sign.
pub(crate) fn review(ui: Ui<'_>, review: &Review) -> Html {
    let busy = ui.model.is_waiting(Waiting::Send).then_some(words::SIGNING);
    let locked = !ui.model.is_unlocked();
    html! {
        <>
            <h1 tabindex="-1">{ words::REVIEW_TITLE }</h1>
            <div class="big"><b>{ words::grouped(review.amount) }</b><span class="unit">{ words::UNIT }</span></div>
            <dl class="facts">
                { long_fact(words::TO, address(&review.to)) }
                if let Some(similar) = &review.looks_like {
                    { long_fact(words::PAID_BEFORE, address(similar)) }
                }
                { fact(words::FEE, html! { words::with_unit(review.fee) }) }
                { fact(words::YOU_KEEP, html! { words::with_unit(review.keep) }) }
                if !review.memo.is_empty() { { fact(words::NOTE, html! { &review.memo }) } }
                { fact(words::VALID_UNTIL, html! { words::valid_until(review.valid_until.0, review.valid_seconds) }) }
            </dl>
            if review.looks_like.is_some() {
                { said("stop", words::LOOKS_LIKE, words::LOOKS_LIKE_WHY, html! {}) }
            } else if review.to_self {
                { said("mind", words::TO_SELF, words::TO_SELF_WHY, html! {}) }
            } else if review.first_payment {
                { said("mind", words::FIRST_PAYMENT, words::FIRST_PAYMENT_WHY, html! {}) }
            }
            { problem_at(ui.model, Place::Sheet) }
            <div class="foot">
                { primary(ui, if locked { words::SIGN_LOCKED } else { words::SIGN }, busy, true, Message::Sign) }
                { quiet(ui, words::CHANGE, Message::Close) }
            </div>
        </>
    }
}

/// How far a payment is.
pub(crate) fn payment(ui: Ui<'_>, id: &TransactionId) -> Html {
    match ui.model.payment(id) {
        Some(payment) => html! { <>{ head(ui, words::PAYMENT) }{ payment_body(ui, payment) }</> },
        None => html! { <>{ head(ui, words::PAYMENT) }<p class="lead">{ words::PAYMENT_GONE }</p></> },
    }
}

/// A payment without its head, for the side column.
pub(crate) fn payment_body(ui: Ui<'_>, payment: &PaymentView) -> Html {
    let units = i64::try_from(payment.amount.0).unwrap_or(i64::MAX);
    let tag = match payment.step {
        PaymentStep::Final { succeeded: true, .. } => "tag proven",
        PaymentStep::Final { .. }
        | PaymentStep::Refused { .. }
        | PaymentStep::Expired
        | PaymentStep::Replaced => "tag stop",
        _ => "tag wait",
    };
    let ended =
        matches!(payment.step, PaymentStep::Final { .. } | PaymentStep::Expired | PaymentStep::Replaced);
    html! {
        <>
            <div class="big"><b>{ words::signed(units.saturating_neg()) }</b><span class="unit">{ words::UNIT }</span></div>
            <p class="center" role="status"><span class={tag}>{ words::payment_state(&payment.step) }</span></p>
            <ol class="card steps">{ for steps(payment).iter().map(|step| step_item(ui, step)) }</ol>
            <dl class="card facts">
                { long_fact(words::TO, address(&payment.to)) }
                { fact(words::FEE, html! { words::with_unit(payment.fee) }) }
                if !payment.memo.is_empty() { { fact(words::NOTE, html! { &payment.memo }) } }
            </dl>
            if ended {
                <div class="foot">{ quiet(ui, words::DISMISS, Message::Dismiss(payment.id)) }</div>
            }
        </>
    }
}

fn step_item(ui: Ui<'_>, step: &Step) -> Html {
    let class = match step.state {
        // Green is for what is proven; these two are only known here, or said by a server.
        StepState::Done if matches!(step.kind, StepKind::Signed(_) | StepKind::Taken { .. }) => "told",
        StepState::Done => "done",
        StepState::Now => "now",
        StepState::Next => "next",
        StepState::Stopped => "stopped",
    };
    let when = |time: &light_client::data_format::Time| ui.clock(*time);
    let (what, more) = match &step.kind {
        StepKind::Signed(at) => (words::STEP_SIGNED.to_owned(), words::step_signed(&when(at))),
        StepKind::Taken { at, servers } => words::step_taken(step.state, at.as_ref().map(when), *servers),
        StepKind::InBlock { height, at } => {
            let slot = ui.model.view.as_ref().map_or(0, |view| view.chain.slot_ms);
            words::step_in_block(height.map(|height| height.0), at.as_ref().map(when), slot)
        }
        StepKind::Final { at, seconds } => {
            words::step_final(step.state, at.as_ref().map(|at| ui.day_and_clock(*at)), *seconds)
        }
        StepKind::Failed(height) => words::step_failed(height.0),
        StepKind::Refused { code, words } => words::step_refused(code, words),
        StepKind::Expired => (words::STEP_EXPIRED.to_owned(), words::STEP_EXPIRED_WHY.to_owned()),
        StepKind::Replaced => (words::STEP_REPLACED.to_owned(), words::STEP_REPLACED_WHY.to_owned()),
        StepKind::Unknown(since) => words::step_unknown(&ui.day_and_clock(*since)),
    };
    let state = words::step_state(step.state);
    html! { <li class={class}><b>{ what }</b><span class="sr">{ state }</span><small>{ more }</small></li> }
}

/// The own address.
pub(crate) fn receive(ui: Ui<'_>) -> Html {
    let Some(account) = ui.model.account() else {
        return html! { <>{ head(ui, words::RECEIVE) }<p class="lead">{ words::UNKNOWN_YET }</p></> };
    };
    let text = account.address.to_string();
    html! {
        <>
            { head(ui, words::RECEIVE) }
            <p class="lead center">{ words::RECEIVE_WHY }</p>
            { qr(&text, words::QR_LABEL) }
            <div class="card pad center">{ address(&account.address) }</div>
            <div class="foot">
                { primary(ui, words::COPY_ADDRESS, None, true, Message::Copy(text)) }
                <p class="fine">{ words::COPY_COMPARE }</p>
            </div>
        </>
    }
}

/// Whether the side column has a payment to show.
pub(crate) fn newest(ui: Ui<'_>) -> Option<&PaymentView> {
    ui.model.open_payments().next()
}
