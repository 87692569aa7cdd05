//! What every component gets: the model, and where messages go.

use light_client::data_format::Time;
use wasm_bindgen::JsCast;
use web_protocol::Secret;
use web_sys::{Event, HtmlInputElement, InputEvent, MouseEvent, SubmitEvent};
use yew::Callback;

use crate::state::{Message, Model};
use crate::{clock, words};

/// The model, and where messages go.
#[derive(Clone, Copy)]
pub(crate) struct Ui<'a> {
    /// What the page knows.
    pub(crate) model: &'a Model,
    /// Takes messages.
    pub(crate) send: &'a Callback<Message>,
}

impl Ui<'_> {
    /// Sends this message at a click.
    pub(crate) fn on(&self, message: Message) -> Callback<MouseEvent> {
        self.send.reform(move |_| message.clone())
    }

    /// Sends this message when a choice is made.
    pub(crate) fn chosen(&self, message: Message) -> Callback<Event> {
        self.send.reform(move |_| message.clone())
    }

    /// Sends this message when a form is submitted, and keeps the browser from sending the form anywhere.
    pub(crate) fn submit(&self, message: Message) -> Callback<SubmitEvent> {
        self.send.reform(move |event: SubmitEvent| {
            event.prevent_default();
            message.clone()
        })
    }

    /// Sends what a field holds, at every change.
    pub(crate) fn typed(&self, message: fn(String) -> Message) -> Callback<InputEvent> {
        self.send.reform(move |event: InputEvent| message(text_of(&event)))
    }

    /// Sends a secret that a field holds, at every change.
    pub(crate) fn secret(&self, message: impl Fn(Secret) -> Message + 'static) -> Callback<InputEvent> {
        self.send.reform(move |event: InputEvent| message(Secret(text_of(&event))))
    }

    /// `Today 14:02`
    pub(crate) fn day_and_clock(&self, time: Time) -> String {
        words::day_and_clock(clock::local(time), clock::local(self.model.now))
    }

    /// `14:06:11`
    pub(crate) fn clock(&self, time: Time) -> String {
        words::clock(clock::local(time))
    }

    /// `4 s ago`
    pub(crate) fn age(&self, time: Time) -> String {
        words::age(self.model.now.ms_since(time))
    }
}

fn text_of(event: &InputEvent) -> String {
    event
        .target()
        .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
        .map_or_else(String::new, |field| field.value())
}
