//! The one page so far: says whether the worker answers.

use std::rc::Rc;

use yew::prelude::*;

use crate::link::{Link, LinkError};

/// What the worker is asked to send back.
const GREETING: &[u8] = b"hello";

enum State {
    Waiting,
    Answered(Vec<u8>),
    Failed(LinkError),
}

/// Starts the worker, greets it and shows what came back.
#[component]
pub(crate) fn Page() -> Html {
    let state = use_state(|| State::Waiting);
    let link = use_mut_ref(|| None::<Rc<Link>>);
    {
        let state = state.clone();
        use_effect_with((), move |()| {
            let shown = state.setter();
            let receive = move |message| match message {
                Ok(bytes) => shown.set(State::Answered(bytes)),
                Err(error) => shown.set(State::Failed(error)),
            };
            let started = Link::start(receive).and_then(|started| {
                started.send(GREETING.to_vec())?;
                Ok(started)
            });
            match started {
                Ok(started) => *link.borrow_mut() = Some(Rc::new(started)),
                Err(error) => state.set(State::Failed(error)),
            }
            move || drop(link.take())
        });
    }
    let line = match &*state {
        State::Waiting => "Waiting for the worker…".to_owned(),
        State::Answered(bytes) if bytes == GREETING => "The worker answers.".to_owned(),
        State::Answered(bytes) => format!("The worker answers something else: {} bytes.", bytes.len()),
        State::Failed(error) => error.to_string(),
    };
    html! { <main><p role="status">{ line }</p></main> }
}
