//! A slice of the lying server: every kind of message, every so many lies. The rest is played natively, in `light-client/tests/liar.rs`.

use super::{Verdict, ensure};
use crate::test_support::liar::{self, Ending, Message, Said, Sent, Stage};

/// One lie in so many is told.
const EVERY: usize = 20;

pub(super) fn plain() -> Verdict {
    tell(liar::plain)
}

pub(super) fn anchor() -> Verdict {
    tell(liar::anchor)
}

pub(super) fn account() -> Verdict {
    tell(liar::account)
}

pub(super) fn history() -> Verdict {
    tell(liar::history)
}

pub(super) fn block() -> Verdict {
    tell(liar::block)
}

pub(super) fn receipt() -> Verdict {
    tell(liar::receipt)
}

pub(super) fn state() -> Verdict {
    tell(liar::state)
}

pub(super) fn hand_over() -> Verdict {
    tell(liar::hand_over)
}

fn tell(messages: fn(&Stage) -> Vec<Message>) -> Verdict {
    let (mut told, mut believed) = (0, Vec::new());
    for message in messages(&Stage::new()) {
        for lie in message.lies().iter().step_by(EVERY) {
            told += 1;
            let said = match &lie.sent {
                Sent::Answer { body, .. } => message.verify(body),
                Sent::Nothing => None,
            };
            if let Some(Said::False(said)) = said {
                believed.push(format!("{}: {}: {said}", message.name(), lie.name));
            }
            if let Some(Ending::Wrong(wrong)) = message.play(lie) {
                believed.push(format!("{}: {}: the client {wrong}", message.name(), lie.name));
            }
        }
    }
    ensure!(believed.is_empty(), "{}", believed.join("\n"));
    ensure!(told > 5, "only {told} lies");
    Ok(())
}
