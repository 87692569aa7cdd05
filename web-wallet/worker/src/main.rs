//! The worker's module: `worker.js` in the served folder starts it.
//!
//! Messages are byte strings (`Uint8Array`) both ways; the first one sent is empty and says that this side listens.
//!
//! Trust: messages come from our own page. What is not bytes is a fault of the page and is answered by an uncaught error, which the page hears.

use gloo::events::EventListener;
use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

fn main() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let replies = scope.clone();
    EventListener::new(&scope, "message", move |event| {
        let data = event.unchecked_ref::<MessageEvent>().data();
        post(&replies, &answer(&Uint8Array::new(&data).to_vec()));
    })
    .forget();
    post(&scope, &[]);
}

/// What the worker says to `message`: the same bytes.
fn answer(message: &[u8]) -> Vec<u8> {
    message.to_vec()
}

fn post(scope: &DedicatedWorkerGlobalScope, message: &[u8]) {
    if let Err(error) = scope.post_message(&Uint8Array::from(message)) {
        wasm_bindgen::throw_val(error);
    }
}
