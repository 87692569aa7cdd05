use std::io::{self, IsTerminal, Write};

/// One line of standard error that says what is waited for, if a person sees it.
pub(super) struct Progress {
    on: bool,
    shown: String,
}

impl Progress {
    /// On if standard error is a terminal.
    pub(super) fn new() -> Self {
        Self { on: io::stderr().is_terminal(), shown: String::new() }
    }

    /// Shows other words.
    pub(super) fn show(&mut self, words: String) {
        if self.on && words != self.shown {
            write(&format!("\r\x1b[K{words}"));
            self.shown = words;
        }
    }

    /// Takes the words away again.
    pub(super) fn clear(&mut self) {
        if !self.shown.is_empty() {
            write("\r\x1b[K");
            self.shown.clear();
        }
    }
}

fn write(text: &str) {
    let mut out = io::stderr().lock();
    // Nobody is left to tell if it is closed.
    let _: io::Result<()> = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
