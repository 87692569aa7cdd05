//! Leading, following, and going from one to the other.

use light_client::data_format::Time;

use super::{Awaiting, State, Worker, view_message};
use crate::{
    platform::{Effect, Platform},
    session::AfterSave,
    tabs::{Due, Word},
};

impl<P: Platform> Worker<P> {
    pub(super) fn load_with_claim(&mut self) {
        self.loads += 1;
        self.effects.push(Effect::Load { claim: true });
    }

    /// Takes the lead.
    pub(super) fn begin(&mut self) {
        if self.tabs.begin() {
            self.effects.push(Effect::Lead { now: true });
        }
    }

    /// This tab leads, and knows everything that is stored.
    pub(super) fn lead(&mut self, now: Time) {
        self.tabs.lead();
        self.overtaken = false;
        let visible = self.tabs.visible();
        self.on_session(|session, _| session.set_visible(visible, now));
        self.ask_anew(now);
        let changes = std::mem::take(&mut self.changes);
        if !changes.is_empty() {
            self.save(changes, false, Awaiting::State);
        }
        self.go_on_with_commands();
    }

    /// Does what has waited.
    pub(super) fn go_on_with_commands(&mut self) {
        for message in std::mem::take(&mut self.commands) {
            self.message(message);
        }
    }

    /// Whether everything stored is being erased.
    pub(super) fn erases(&self) -> bool {
        self.awaiting.iter().any(|(_, awaiting)| matches!(awaiting, Awaiting::Saved(_, AfterSave::Erase)))
    }

    /// Another tab leads.
    pub(super) fn lead_lost(&mut self, now: Time) {
        self.tabs.follow(now);
        self.give_up();
        if let State::Starting(starting) = &mut self.state {
            starting.claimed = false;
        }
        // Taken back once for what a person has asked for: two tabs that go on doing so would both never lead.
        if self.commands.is_empty() || std::mem::replace(&mut self.overtaken, true) {
            self.effects.push(Effect::Lead { now: false });
        } else {
            self.begin();
        }
    }

    pub(super) fn set_visible(&mut self, visible: bool, now: Time) {
        self.tabs.set_visible(visible, now);
        // A tab that did not start cannot lead.
        if visible && !matches!(self.state, State::Idle) {
            self.begin();
        }
        if self.tabs.leads() {
            self.on_session(|session, _| session.set_visible(visible, now));
            if visible {
                self.ask_anew(now);
            }
        }
    }

    pub(super) fn told(&mut self, bytes: &[u8], now: Time) {
        // What does not read is of another build.
        let Ok(word) = web_protocol::decode(bytes) else { return };
        match word {
            Word::Ask => self.tabs.tell(),
            Word::Lock => self.on_session(|session, _| session.lock()),
            Word::Erased(wallet) => self.on_session(|session, _| session.erased_elsewhere(wallet)),
            // Who leads has overtaken whoever says this.
            Word::See { .. } if self.tabs.may_lead() => {}
            Word::See { visible, wallet, view } => {
                let State::Running(session) = &mut self.state else { return };
                let view = session.shares(wallet).then_some(view);
                if self.tabs.see(visible, view, now) {
                    self.begin();
                }
            }
        }
    }

    /// Gives up everything under way with the servers.
    fn give_up(&mut self) {
        let mut asked = Vec::new();
        let mut tokens = Vec::new();
        self.awaiting.retain(|(token, awaiting)| match awaiting {
            Awaiting::Client(request) => {
                asked.push(*request);
                tokens.push(*token);
                false
            }
            _ => true,
        });
        self.effects.push(Effect::HangUp(tokens));
        self.on_session(|session, platform| session.give_up(asked, platform));
    }

    /// The network, the time or the lead has come back: what is under way may hang for ever, and much may have happened.
    fn ask_anew(&mut self, now: Time) {
        if self.tabs.leads() {
            self.give_up();
            self.on_session(|session, _| session.ask_anew(now));
        }
    }

    /// What a tab does that does not lead.
    pub(super) fn look_on(&mut self, now: Time) {
        match self.tabs.tick(now) {
            Some(Due::Ask) => self.tell(&Word::Ask),
            Some(Due::Lead) => self.begin(),
            Some(Due::Claim) => self.load_with_claim(),
            None => {}
        }
        let State::Running(session) = &mut self.state else { return };
        self.answers.extend(session.answers());
        let (lock, unlocked) = (session.lock_at(), session.wallet().keyring().is_some());
        let message = match self.tabs.seen() {
            // The keys are each tab's own.
            Some(seen) => web_protocol::seen(seen, unlocked),
            None => view_message(&session.view(now)),
        };
        self.show(message);
        self.wake(self.tabs.next().into_iter().chain(lock).min());
    }
}
