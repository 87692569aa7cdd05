//! The root component: runs the reducer and carries out its effects.

use gloo::events::{EventListener, EventListenerOptions};
use gloo::timers::callback::Interval;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_protocol::FromWorker;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::layout;
use super::ui::Ui;
use crate::link::{Link, LinkError};
use crate::state::{Effect, Message, Model, Route, heard, update};
use crate::{clock, words};

/// How often relative times are brought up to date.
const TICK_MS: u32 = 1_000;

/// What comes in: from the person and the browser, or from the worker.
pub(crate) enum Input {
    Message(Message),
    Heard(FromWorker),
}

/// The whole page.
pub(crate) struct App {
    model: Model,
    send: Callback<Message>,
    link: Option<Link>,
    focused: Option<Route>,
    _listeners: Vec<EventListener>,
    _clock: Interval,
}

impl Component for App {
    type Message = Input;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let send = ctx.link().callback(Input::Message);
        let (model, effects) = Model::new(route(), is_visible(), clock::now());
        let receive = ctx.link().batch_callback(|heard: Result<Vec<u8>, LinkError>| match heard {
            Ok(bytes) => said(&bytes),
            Err(error) => Some(Input::Message(broken(&error))),
        });
        let link = match Link::start(move |heard| receive.emit(heard)) {
            Ok(link) => Some(link),
            Err(error) => {
                send.emit(broken(&error));
                None
            }
        };
        let ticks = send.clone();
        let mut app = Self {
            model,
            link,
            focused: None,
            _listeners: listeners(&send),
            _clock: Interval::new(TICK_MS, move || ticks.emit(Message::Tick(clock::now()))),
            send,
        };
        app.carry_out(effects);
        app
    }

    fn update(&mut self, _: &Context<Self>, input: Input) -> bool {
        let shows = !matches!(input, Input::Message(Message::Active));
        let effects = match input {
            Input::Message(message) => update(&mut self.model, message),
            Input::Heard(said) => heard(&mut self.model, said),
        };
        self.carry_out(effects);
        shows
    }

    fn view(&self, _: &Context<Self>) -> Html {
        layout::page(Ui { model: &self.model, send: &self.send })
    }

    fn rendered(&mut self, _: &Context<Self>, _: bool) {
        if self.model.view.is_none() || self.focused == Some(self.model.route) {
            return;
        }
        let is_first = self.focused.is_none();
        self.focused = Some(self.model.route);
        gloo::utils::document().set_title(&words::title(self.model.route));
        let heading = gloo::utils::document().get_element_by_id("here");
        if let (false, Some(Ok(heading))) = (is_first, heading.map(JsCast::dyn_into::<HtmlElement>)) {
            gloo::utils::window().scroll_to_with_x_and_y(0.0, 0.0);
            // Refused only when the heading is gone from the page.
            let _focused = heading.focus();
        }
    }
}

impl App {
    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Tell(message) => {
                    let sent = match (&self.link, web_protocol::encode(&message)) {
                        (Some(link), Ok(bytes)) => link.send(bytes),
                        (_, Err(error)) => Err(LinkError::Send(error.to_string())),
                        // Why there is none was said when it did not start.
                        (None, Ok(_)) => Ok(()),
                    };
                    if let Err(error) = sent {
                        self.send.emit(broken(&error));
                    }
                }
                Effect::Show { route, replace } => show(route, replace),
                Effect::Copy(text) => copy(text, self.send.clone()),
                Effect::KeepStorage => keep_storage(self.send.clone()),
            }
        }
    }
}

fn said(bytes: &[u8]) -> Option<Input> {
    match web_protocol::heard(bytes) {
        Ok(said) => said.map(Input::Heard),
        Err(error) => Some(Input::Message(Message::Broken(error.to_string()))),
    }
}

fn broken(error: &LinkError) -> Message {
    Message::Broken(error.to_string())
}

fn route() -> Route {
    Route::from_hash(&gloo::utils::window().location().hash().unwrap_or_default())
}

fn is_visible() -> bool {
    !gloo::utils::document().hidden()
}

fn show(route: Route, replace: bool) {
    let hash = route.hash();
    let Ok(history) = gloo::utils::window().history() else { return };
    // A browser that refuses (too many changes in a moment) keeps the old address; the page itself has moved.
    let _shown = if replace {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&hash))
    } else {
        history.push_state_with_url(&JsValue::NULL, "", Some(&hash))
    };
}

fn copy(text: String, send: Callback<Message>) {
    spawn_local(async move {
        let clipboard = gloo::utils::window().navigator().clipboard();
        // Over plain http from another machine there is none.
        let worked = !clipboard.is_undefined() && JsFuture::from(clipboard.write_text(&text)).await.is_ok();
        send.emit(Message::Copied(worked));
    });
}

fn keep_storage(send: Callback<Message>) {
    spawn_local(async move {
        // What came of it, or that the browser cannot, is what the worker then finds.
        if let Ok(decided) = gloo::utils::window().navigator().storage().persist() {
            let _decision = JsFuture::from(decided).await;
        }
        send.emit(Message::StorageAsked);
    });
}

fn listeners(send: &Callback<Message>) -> Vec<EventListener> {
    let window = gloo::utils::window();
    let moved = send.clone();
    let arrived = move |_: &Event| moved.emit(Message::Arrived(route()));
    let (pressed, typed, seen) = (send.clone(), send.clone(), send.clone());
    let back = send.clone();
    let passive = EventListenerOptions::run_in_capture_phase();
    vec![
        EventListener::new(&window, "popstate", arrived),
        EventListener::new(&gloo::utils::document(), "visibilitychange", move |_| {
            // What is shown is brought up to date before it is seen.
            seen.emit(Message::Tick(clock::now()));
            seen.emit(Message::Visible(is_visible()));
        }),
        EventListener::new(&window, "online", move |_| back.emit(Message::Visible(is_visible()))),
        EventListener::new_with_options(&window, "pointerdown", passive, move |_| {
            pressed.emit(Message::Active)
        }),
        EventListener::new(&window, "keydown", move |event| {
            typed.emit(Message::Active);
            if event.dyn_ref::<KeyboardEvent>().is_some_and(|event| event.key() == "Escape") {
                typed.emit(Message::Escape);
            }
        }),
    ]
}
