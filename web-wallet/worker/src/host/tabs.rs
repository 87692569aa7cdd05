//! The other tabs: who leads, by a lock of the browser's (Web Locks), and what tabs tell each other.
//!
//! A tab that ends, however it ends, loses the lock with its worker. Where the browser has no locks (it hides them from pages that came over plain
//! HTTP from another machine), each tab leads, alone.

use std::cell::Cell;
use std::rc::Rc;

use gloo::events::EventListener;
use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal, BroadcastChannel, DedicatedWorkerGlobalScope, MessageEvent};
use web_worker::platform::Input;

/// The lock of the one tab that leads.
const LOCK: &str = "vsystems-wallet";
/// What the bundle calls this build by, in the worker's scope.
const BUILD: &str = "build";

/// The browser's locks and the line to the other tabs, as far as it has them.
pub(super) struct Tabs {
    locks: Option<JsValue>,
    /// How often the lead was asked for: only the last request counts.
    asked: Rc<Cell<u32>>,
    /// Takes the request that waits in line out of it.
    line: Cell<Option<AbortController>>,
    channel: Option<BroadcastChannel>,
}

impl Tabs {
    /// Those of this worker.
    pub(super) fn new(scope: &DedicatedWorkerGlobalScope) -> Self {
        let locks = Reflect::get(&scope.navigator(), &"locks".into()).ok().filter(JsValue::is_object);
        // Tabs of two builds do not talk to each other.
        let build = Reflect::get(scope, &BUILD.into()).ok().and_then(|build| build.as_string());
        let channel = build.and_then(|build| BroadcastChannel::new(&format!("{LOCK} {build}")).ok());
        Self { locks, asked: Rc::default(), line: Cell::default(), channel }
    }

    /// Whether at most one tab leads.
    pub(super) const fn take_turns(&self) -> bool {
        self.locks.is_some()
    }

    /// Hears what other tabs tell, from now on.
    pub(super) fn listen(&self, hear: impl Fn(Input) + 'static) {
        if let Some(channel) = &self.channel {
            EventListener::new(channel, "message", move |event| {
                let data = event.unchecked_ref::<MessageEvent>().data();
                hear(Input::Told(Uint8Array::new(&data).to_vec()));
            })
            .forget();
        }
    }

    /// Tells the other tabs.
    pub(super) fn tell(&self, message: &[u8]) {
        if let Some(channel) = &self.channel {
            // Refused only by a closed channel, and this one is never closed.
            drop(channel.post_message(&Uint8Array::from(message)));
        }
    }

    /// Asks for the lead, in place of any request before: takes it, or waits in line for it. In the end there is one [`Input::Leads`], and perhaps one
    /// [`Input::LeadLost`].
    pub(super) fn lead(&self, now: bool, hear: impl Fn(Input) + Clone + 'static) {
        let (asked, last) = (self.asked.get() + 1, Rc::clone(&self.asked));
        last.set(asked);
        // A tab that leads does not wait as well: frozen, it would keep those behind it waiting. What is granted is not taken back by this.
        if let Some(line) = self.line.take() {
            line.abort();
        }
        let line = if now { None } else { AbortController::new().ok() };
        let signal = line.as_ref().map(AbortController::signal);
        self.line.set(line);
        let is_granted = Rc::new(Cell::new(false));
        let granted = {
            let (hear, is_granted) = (hear.clone(), Rc::clone(&is_granted));
            move || {
                is_granted.set(true);
                hear(Input::Leads);
            }
        };
        match self.locks.as_ref().and_then(|locks| request(locks, now, signal, granted.clone())) {
            Some(held) => spawn_local(async move {
                // Held until another tab takes it.
                match JsFuture::from(held).await {
                    // It was taken out of the line, or this tab took the lock from itself.
                    Err(_) if last.get() != asked => {}
                    Err(_) if is_granted.get() => hear(Input::LeadLost),
                    // The browser has locks and gives none, as it does where it keeps nothing for a site.
                    Err(_) => granted(),
                    Ok(_) => {}
                }
            }),
            None => spawn_local(async move { granted() }),
        }
    }
}

/// A promise that fails when the lock, once granted, is taken away; `None` if there is no asking for it.
fn request(
    locks: &JsValue,
    steal: bool,
    signal: Option<AbortSignal>,
    granted: impl FnOnce() + 'static,
) -> Option<Promise> {
    let options = Object::new();
    Reflect::set(&options, &"steal".into(), &steal.into()).ok()?;
    if let Some(signal) = signal {
        Reflect::set(&options, &"signal".into(), &signal).ok()?;
    }
    let granted = Closure::once_into_js(move |_lock: JsValue| -> JsValue {
        granted();
        // The lock is held for as long as this is not settled.
        Promise::new(&mut |_, _| {}).into()
    });
    let request: Function = Reflect::get(locks, &"request".into()).ok()?.dyn_into().ok()?;
    let arguments = js_sys::Array::of3(&LOCK.into(), &options, &granted);
    request.apply(locks, &arguments).ok()?.dyn_into().ok()
}
