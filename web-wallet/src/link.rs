//! The page's end of the line to the worker.
//!
//! Messages are byte strings (`Uint8Array`) both ways. The worker's first message is empty and says that it listens: a module worker drops what
//! arrives while its WASM still loads, so what is sent earlier waits here.
//!
//! Trust: the worker is ours, served from our own origin. Bounds: what waits is what the page itself sent before the worker was up.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::events::EventListener;
use js_sys::Uint8Array;
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ErrorEvent, Event, MessageEvent, Worker, WorkerOptions, WorkerType};

/// Where the worker's script is served.
const SCRIPT: &str = "/worker.js";

/// Why a message did not reach the worker or none comes from it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The browser refuses to start the worker.
    #[error("the worker did not start: {0}")]
    Start(String),
    /// The browser refuses to hand over a message.
    #[error("the worker took no message: {0}")]
    Send(String),
    /// The worker's script failed to load or stopped with an error.
    #[error("the worker stopped: {0}")]
    Stopped(String),
    /// A message from the worker is not a `Uint8Array`.
    #[error("the worker sent something that is not bytes")]
    NotBytes,
}

/// A running worker; dropping it stops listening and ends the worker.
pub struct Link {
    worker: Worker,
    waiting: Rc<RefCell<Waiting>>,
    _listeners: [EventListener; 2],
}

/// What waits until the worker listens; `None` once it does.
type Waiting = Option<Vec<Vec<u8>>>;

impl Link {
    /// Starts the worker. Each later message of the worker, or the error that took its place, goes to `receive`.
    ///
    /// # Errors
    ///
    /// [`LinkError::Start`] when the browser refuses the script.
    pub fn start(receive: impl Fn(Result<Vec<u8>, LinkError>) + 'static) -> Result<Self, LinkError> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker =
            Worker::new_with_options(SCRIPT, &options).map_err(|error| LinkError::Start(in_words(&error)))?;

        let receive = Rc::new(receive);
        let waiting = Rc::new(RefCell::new(Waiting::Some(Vec::new())));
        let on_message = {
            let (receive, waiting, worker_for_messages) = (receive.clone(), waiting.clone(), worker.clone());
            EventListener::new(&worker, "message", move |event| match bytes_of(event) {
                Some(bytes) if bytes.is_empty() => {
                    for message in waiting.take().into_iter().flatten() {
                        if let Err(error) = post(&worker_for_messages, &message) {
                            receive(Err(error));
                        }
                    }
                }
                Some(bytes) => receive(Ok(bytes)),
                None => receive(Err(LinkError::NotBytes)),
            })
        };
        let on_error = EventListener::new(&worker, "error", move |event| {
            let words = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
            receive(Err(LinkError::Stopped(words.unwrap_or_else(|| "its script did not load".into()))));
        });
        Ok(Self { worker, waiting, _listeners: [on_message, on_error] })
    }

    /// Hands `message` to the worker, at once or as soon as the worker listens.
    ///
    /// # Errors
    ///
    /// [`LinkError::Send`] when the browser refuses the message.
    pub fn send(&self, message: Vec<u8>) -> Result<(), LinkError> {
        match self.waiting.borrow_mut().as_mut() {
            Some(waiting) => {
                waiting.push(message);
                Ok(())
            }
            None => post(&self.worker, &message),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

fn post(worker: &Worker, message: &[u8]) -> Result<(), LinkError> {
    worker.post_message(&Uint8Array::from(message)).map_err(|error| LinkError::Send(in_words(&error)))
}

fn bytes_of(event: &Event) -> Option<Vec<u8>> {
    let data = event.dyn_ref::<MessageEvent>()?.data();
    data.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}

fn in_words(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| "the browser gave no reason".into(), |e| e.message().into())
}
