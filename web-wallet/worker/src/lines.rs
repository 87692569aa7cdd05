//! The lines on which servers hint that something changed: opened again after a pause that doubles, and never more often heard than needed.
//!
//! Bounds: a server that hints without end is heard four times a second.

use light_client::data_format::Time;

use crate::platform::Effect;

const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 60_000;
const HINT_EVERY_MS: u64 = 250;

/// The line of each server.
pub(crate) struct Lines {
    lines: Vec<Line>,
    /// Whether hints are acted on.
    listening: bool,
    heard_at: Option<Time>,
    hint_at: Option<Time>,
}

struct Line {
    url: String,
    state: State,
    failures: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed { until: Time },
}

impl Lines {
    /// Closed lines to these servers (`http://…` or `https://…`, without a trailing slash).
    pub(crate) fn new<'a>(servers: impl IntoIterator<Item = &'a str>) -> Self {
        let line =
            |url: &str| Line { url: events_url(url), state: State::Closed { until: Time(0) }, failures: 0 };
        Self {
            lines: servers.into_iter().map(line).collect(),
            listening: true,
            heard_at: None,
            hint_at: None,
        }
    }

    /// All lines are closed, and to be opened at once.
    pub(crate) fn closed_all(&mut self) {
        for line in &mut self.lines {
            (line.state, line.failures) = (State::Closed { until: Time(0) }, 0);
        }
        (self.heard_at, self.hint_at) = (None, None);
    }

    /// Acts on hints, or not: while nobody looks, nobody needs to know at once.
    pub(crate) const fn listen(&mut self, listening: bool) {
        self.listening = listening;
        if !listening {
            self.hint_at = None;
        }
    }

    /// Opens what is due.
    pub(crate) fn open(&mut self, now: Time) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (server, line) in (0..).zip(&mut self.lines) {
            if matches!(line.state, State::Closed { until } if until.is_over(LONGEST_PAUSE_MS, now)) {
                line.state = State::Open;
                effects.push(Effect::OpenEvents { server, url: line.url.clone() });
            }
        }
        effects
    }

    /// A line is open: whatever happened meanwhile was missed.
    pub(crate) fn opened(&mut self, server: u32, now: Time) {
        if let Some(line) = self.lines.get_mut(server as usize) {
            line.failures = 0;
        }
        self.hint(now);
    }

    /// A line was closed or never opened.
    pub(crate) fn closed(&mut self, server: u32, now: Time) {
        if let Some(line) = self.lines.get_mut(server as usize) {
            let pause = (FIRST_PAUSE_MS << line.failures.min(16)).min(LONGEST_PAUSE_MS);
            line.failures = line.failures.saturating_add(1);
            line.state = State::Closed { until: now.plus_ms(pause) };
        }
    }

    /// A server hinted that something changed.
    pub(crate) fn hint(&mut self, now: Time) {
        if !self.listening {
            return;
        }
        let heard_at = self.heard_at.filter(|at| *at <= now);
        let earliest = heard_at.map_or(now, |at| at.plus_ms(HINT_EVERY_MS).max(now));
        self.hint_at = self.hint_at.or(Some(earliest));
    }

    /// Whether to act on a hint now.
    pub(crate) fn take_hint(&mut self, now: Time) -> bool {
        let due = self.hint_at.take_if(|at| at.is_over(HINT_EVERY_MS, now)).is_some();
        if due {
            self.heard_at = Some(now);
        }
        due
    }

    /// When there is something to do.
    pub(crate) fn next(&self) -> Option<Time> {
        let closed = self.lines.iter().filter_map(|line| match line.state {
            State::Open => None,
            State::Closed { until } => Some(until),
        });
        closed.chain(self.hint_at).min()
    }
}

/// `https://host` → `wss://host/v1/events`.
fn events_url(server: &str) -> String {
    let host = server.strip_prefix("http").unwrap_or(server);
    format!("ws{host}/v1/events")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(effects: &[Effect]) -> Vec<&str> {
        effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::OpenEvents { url, .. } => Some(url.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_line_is_opened_again_after_a_pause_that_doubles() {
        let mut lines = Lines::new(["https://a.example", "http://127.0.0.1:9922"]);
        assert_eq!(
            opened(&lines.open(Time(5))),
            ["wss://a.example/v1/events", "ws://127.0.0.1:9922/v1/events"]
        );
        assert_eq!(lines.next(), None);
        let mut now = Time(10);
        for pause in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            lines.closed(1, now);
            assert_eq!(lines.next(), Some(now.plus_ms(pause)));
            assert!(lines.open(now.plus_ms(pause - 1)).is_empty());
            now = now.plus_ms(pause);
            assert_eq!(opened(&lines.open(now)), ["ws://127.0.0.1:9922/v1/events"]);
        }
        lines.opened(1, now);
        lines.closed(1, now);
        assert!(lines.take_hint(now));
        assert_eq!(lines.next(), Some(now.plus_ms(1_000)));
    }

    #[test]
    fn hints_are_heard_four_times_a_second_and_the_last_one_is_not_lost() {
        let mut lines = Lines::new([]);
        let heard = (0..1_000).filter(|ms| {
            lines.hint(Time(*ms));
            lines.take_hint(Time(*ms))
        });
        assert_eq!(heard.count(), 4);
        assert_eq!(lines.next(), Some(Time(1_000)), "the hint of 999");
        assert!(lines.take_hint(Time(1_000)));
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_no_line_closed_and_no_hint_unheard() {
        let mut lines = Lines::new(["https://a.example"]);
        let now = Time(10_000_000);
        let back = Time(now.0 - 3_600_000);
        lines.open(now);
        lines.closed(0, now);
        assert_eq!(opened(&lines.open(back)).len(), 1);
        lines.hint(now);
        assert!(lines.take_hint(now));
        lines.hint(now);
        assert!(!lines.take_hint(now), "too soon");
        assert!(lines.take_hint(back), "the one that waited");
        lines.hint(now);
        assert!(lines.take_hint(now));
        lines.hint(back);
        assert!(lines.take_hint(back));
    }
}
