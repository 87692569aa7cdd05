use light_client::data_format::Time;
use web_protocol::{Command, Secret, SyncView, WalletView};

use super::{
    After, CreateStage, Desk, Effect, Line, MAX_TYPED, Message, Model, Notice, Place, RestoreStage, Route,
    SendForm, Setup, Sheet, Waiting, pay, setup,
};

/// Keys are forgotten after so long without a touch.
const LOCK_AFTER_MS: u64 = 5 * 60 * 1_000;
/// The page's clock goes by steps of a second; by more than this only when the browser or the device slept.
const JUMP_MS: u64 = 5_000;
/// A confirmation stays so long.
const NOTICE_MS: u64 = 6_000;

/// Takes a message in. What the browser has to do comes back.
pub(crate) fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Broken(why) => {
            model.line = Line::Down(why);
            vec![]
        }
        Message::Tick(now) => tick(model, now),
        Message::Visible(visible) => {
            model.visible = visible;
            vec![model.tell(Command::Visible(visible), Waiting::Visible)]
        }
        Message::Active => {
            model.active = model.now;
            vec![]
        }
        Message::Arrived(route) if route == model.route => vec![],
        Message::Arrived(route) => {
            let mut effects = arrive(model, route);
            if model.route != route {
                effects.push(Effect::Show { route: model.route, replace: true });
            }
            effects
        }
        Message::Go(route) => go(model, route, false),
        Message::Close => close(model),
        Message::Escape
            if model.sheet.is_none() && model.route.tab().is_none() && !model.route.is_setup() =>
        {
            close(model)
        }
        Message::Escape => vec![],
        Message::Copy(text) => vec![Effect::Copy(text)],
        Message::Copied(worked) => {
            model.note(if worked { Notice::Copied } else { Notice::NotCopied });
            vec![]
        }
        Message::ChooseWords(_)
        | Message::TypePassword(_)
        | Message::TypeRepeat(_)
        | Message::Continue
        | Message::ShowWord(_)
        | Message::HideWord
        | Message::Pick(..)
        | Message::Later
        | Message::ChooseVsystems(_)
        | Message::ChooseLength(_)
        | Message::TypeWord(..)
        | Message::Paste(..)
        | Message::ShowTyped(_)
        | Message::PhraseDone => setup::update(model, message),
        Message::TypeRecipient(_)
        | Message::TypeAmount(_)
        | Message::Everything
        | Message::TypeMemo(_)
        | Message::Review
        | Message::Sign
        | Message::Dismiss(_) => pay::update(model, message),
        Message::AskPassword(after) => {
            ask(model, Sheet::Password(after));
            vec![]
        }
        Message::Unlock => unlock(model),
        Message::Lock => vec![model.tell(Command::Lock { everywhere: true }, Waiting::Lock)],
        Message::AskErase => {
            ask(model, Sheet::Erase(String::new()));
            vec![]
        }
        Message::TypeErase(word) => {
            if let Some(Sheet::Erase(typed)) = &mut model.sheet {
                *typed = cut(word);
            }
            vec![]
        }
        Message::Erase if model.may_erase() => vec![model.tell(Command::Erase, Waiting::Erase)],
        Message::Erase => vec![],
        Message::GetTestCoins => match model.account().map(|account| account.address) {
            Some(to) => {
                model.clear_problem(Place::Page);
                vec![model.tell(Command::GetTestCoins { to }, Waiting::TestCoins)]
            }
            None => vec![],
        },
        Message::LoadHistory => match model.account().map(|account| account.address) {
            Some(account) if !model.is_waiting(Waiting::History) => {
                model.clear_problem(Place::Page);
                vec![model.tell(Command::LoadHistory { account }, Waiting::History)]
            }
            _ => vec![],
        },
        Message::Refresh => {
            model.clear_problem(Place::Page);
            vec![model.tell(Command::Refresh, Waiting::Refresh)]
        }
        Message::StoreAgain => {
            model.clear_problem(Place::Page);
            vec![model.tell(Command::StoreAgain, Waiting::StoreAgain)]
        }
        Message::StorageAsked => vec![model.tell(Command::StorageAsked, Waiting::StorageAsked)],
    }
}

/// Goes to a route, or to where it leads when it cannot be entered.
pub(super) fn go(model: &mut Model, route: Route, replace: bool) -> Vec<Effect> {
    let before = model.route;
    let mut effects = arrive(model, route);
    if model.route != before {
        effects.push(Effect::Show { route: model.route, replace });
    }
    effects
}

/// Moves on when the place can no longer be entered: the wallet has just come to be, or is gone.
pub(super) fn settle(model: &mut Model) -> Vec<Effect> {
    let target = admissible(model, model.route);
    if target == model.route { vec![] } else { go(model, target, true) }
}

fn arrive(model: &mut Model, route: Route) -> Vec<Effect> {
    let route = admissible(model, route);
    let leaves_phrase = model.route.leaves_phrase(route);
    model.route = route;
    model.sheet = None;
    model.password = Secret::default();
    model.problem = None;
    let mut effects = Vec::new();
    if leaves_phrase {
        model.desk = None;
        // An answer that is still to come would lead back.
        for waiting in [Waiting::MakePhrase, Waiting::ReadPhrase] {
            model.drop_waiting(waiting);
        }
        effects.push(model.tell(Command::ForgetPhrase, Waiting::Forget));
    }
    if let Some(desk) = &mut model.desk {
        desk.shown = None;
    }
    if leaves_phrase || !route.is_setup() {
        model.setup = Setup::default();
    }
    if route == Route::Create(CreateStage::Words)
        && model.desk.is_none()
        && !model.is_waiting(Waiting::MakePhrase)
    {
        effects.push(model.tell(Command::MakePhrase { words: model.setup.length }, Waiting::MakePhrase));
    }
    effects
}

/// The route itself, or the nearest one that makes sense now.
fn admissible(model: &Model, route: Route) -> Route {
    let Some(has_wallet) = model.has_wallet() else { return route };
    let ready = model.strength().is_enough() && model.setup.password == model.setup.repeat;
    match route {
        Route::Create(_) | Route::Restore(_) if has_wallet && model.setup.kept => Route::Home,
        Route::Create(_) if has_wallet && !model.is_waiting(Waiting::Keep) => Route::Home,
        Route::Create(CreateStage::Words | CreateStage::Check) if !ready => Route::Create(CreateStage::Rules),
        Route::Create(CreateStage::Check) if model.desk.is_none() => Route::Create(CreateStage::Rules),
        Route::Restore(RestoreStage::Address | RestoreStage::Password) if model.setup.read.is_none() => {
            Route::Restore(RestoreStage::Words)
        }
        Route::Create(_) | Route::Restore(_) | Route::Network | Route::About => route,
        Route::Welcome if has_wallet => Route::Home,
        _ if !has_wallet => Route::Welcome,
        Route::Phrase(_) if model.desk.is_none() => Route::Security,
        _ => route,
    }
}

fn close(model: &mut Model) -> Vec<Effect> {
    match model.sheet.take() {
        Some(sheet) => {
            model.password = Secret::default();
            model.clear_problem(Place::Sheet);
            // The payment stays in the form; only what was ready to sign is forgotten.
            if matches!(sheet, Sheet::Review | Sheet::Password(After::Send))
                && model.send.review.take().is_some()
            {
                model.drop_waiting(Waiting::Send);
                model.drop_waiting(Waiting::Unlock { send: true });
                return vec![model.tell(Command::Discard, Waiting::Discard)];
            }
            vec![]
        }
        None => {
            let parent = model.route.parent();
            go(model, parent, true)
        }
    }
}

fn ask(model: &mut Model, sheet: Sheet) {
    model.sheet = Some(sheet);
    model.password = Secret::default();
    model.clear_problem(Place::Sheet);
}

fn unlock(model: &mut Model) -> Vec<Effect> {
    let Some(Sheet::Password(after)) = model.sheet else { return vec![] };
    if model.password.0.is_empty() || model.is_asking_password() {
        return vec![];
    }
    model.clear_problem(Place::Sheet);
    let password = model.password.clone();
    vec![match after {
        After::Unlock => model.tell(Command::Unlock { password }, Waiting::Unlock { send: false }),
        After::Send => model.tell(Command::Unlock { password }, Waiting::Unlock { send: true }),
        After::Words => model.tell(Command::RevealPhrase { password }, Waiting::Reveal),
    }]
}

fn tick(model: &mut Model, now: Time) -> Vec<Effect> {
    // The device slept, or its clock was set: what the worker waits for may have come, or be far off.
    let jumped = now < model.now || now.ms_since(model.now) > JUMP_MS;
    model.now = now;
    model.active = model.active.min(now);
    let mut effects = Vec::new();
    if jumped {
        effects.push(model.tell(Command::Visible(model.visible), Waiting::Visible));
    }
    model.age();
    if model.notice.as_ref().is_some_and(|(_, until)| now >= *until) {
        model.notice = None;
    }
    let idle = now.ms_since(model.active) >= LOCK_AFTER_MS;
    if !idle {
        return effects;
    }
    if let Some(desk) = &mut model.desk {
        desk.shown = None;
    }
    if model.is_unlocked() && !model.is_waiting(Waiting::Lock) {
        effects.push(model.tell(Command::Lock { everywhere: false }, Waiting::Lock));
    }
    effects
}

/// What is kept of something typed.
pub(super) fn cut(mut text: String) -> String {
    let mut end = text.len().min(MAX_TYPED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

impl Model {
    /// What was proven grows old by itself, whether the worker has time to say so or not: a page that was out of sight for an hour must not show an
    /// hour-old balance as the newest for a moment.
    pub(super) fn age(&mut self) {
        let Some(view) = &mut self.view else { return };
        if let SyncView::Verified { height, time, .. } = view.sync
            && self.now.ms_since(time) > view.chain.fresh_ms
        {
            view.sync = SyncView::Stale { since: Some(time), height };
        }
    }

    /// Confirms something for a few seconds.
    pub(super) fn note(&mut self, notice: Notice) {
        self.notice = Some((notice, self.now.plus_ms(NOTICE_MS)));
    }

    /// Forgets the problem shown at `place`.
    pub(super) fn clear_problem(&mut self, place: Place) {
        if self.problem_at(place).is_some() {
            self.problem = None;
        }
    }

    /// Stops caring for an answer.
    pub(super) fn drop_waiting(&mut self, for_what: Waiting) {
        self.waiting.retain(|(_, waiting)| *waiting != for_what);
    }

    /// Whether the word that confirms erasing is typed.
    pub(crate) fn may_erase(&self) -> bool {
        let typed = |typed: &String| typed.trim().eq_ignore_ascii_case(crate::words::ERASE_WORD);
        matches!(&self.sheet, Some(Sheet::Erase(word)) if typed(word)) && !self.is_waiting(Waiting::Erase)
    }

    /// Whether a typed password is being tried.
    pub(crate) fn is_asking_password(&self) -> bool {
        self.waiting.iter().any(|(_, waiting)| matches!(waiting, Waiting::Unlock { .. } | Waiting::Reveal))
    }

    /// Forgets every form: the wallet they belonged to is gone.
    pub(super) fn forget_forms(&mut self) {
        self.sheet = None;
        self.password = Secret::default();
        self.setup = Setup::default();
        self.desk = None::<Desk>;
        self.send = SendForm::default();
        self.problem = None;
        self.coins_asked = None;
    }

    /// Whether the wallet was there in the view before.
    pub(super) fn was_present(&self) -> bool {
        self.view.as_ref().is_some_and(|view| view.wallet != WalletView::None)
    }
}
