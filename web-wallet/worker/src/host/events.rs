//! A server's events over a WebSocket. What it says is not read: any message is a hint that something changed.

use std::rc::Rc;

use gloo::events::EventListener;
use web_sys::WebSocket;
use web_worker::platform::Input;

/// An open line; dropping it closes the line without a further word.
pub(super) struct Line {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

impl Drop for Line {
    fn drop(&mut self) {
        // A line that is closed already stays closed.
        drop(self.socket.close());
    }
}

/// Opens the line of `server`; `None` if the browser refuses the address. In the end there is one [`Input::EventsClosed`].
pub(super) fn open(url: &str, server: u32, hear: impl Fn(Input) + 'static) -> Option<Line> {
    let socket = WebSocket::new(url).ok()?;
    let hear = Rc::new(hear);
    let on = |kind: &'static str, input: fn(u32) -> Input| {
        let hear = Rc::clone(&hear);
        EventListener::new(&socket, kind, move |_| hear(input(server)))
    };
    let listeners = [
        on("open", |server| Input::EventsOpened { server }),
        on("message", |server| Input::Hint { server }),
        on("close", |server| Input::EventsClosed { server }),
    ];
    Some(Line { socket, _listeners: listeners })
}
