//! Making a wallet, restoring one, looking at its words.

use web_protocol::{Command, Secret};

use super::update::{cut, go};
use super::{
    CreateStage, Desk, Effect, Message, Model, PhraseStage, Place, RestoreStage, Route, Setup, Sheet, Waiting,
};

pub(super) fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::ShowWord(position) => {
            let Some(desk) = &mut model.desk else { return vec![] };
            if position >= desk.length {
                return vec![];
            }
            desk.shown = None;
            model.waiting.retain(|(_, waiting)| !matches!(waiting, Waiting::ShowWord(_)));
            return vec![model.tell(Command::ShowWord { position }, Waiting::ShowWord(position))];
        }
        Message::Continue => return proceed(model),
        Message::Later => return if is_busy(model) { vec![] } else { vec![model.keep(false)] },
        Message::PhraseDone => return go(model, Route::Security, true),
        other => edit(model, other),
    }
    vec![]
}

/// What only changes a form.
fn edit(model: &mut Model, message: Message) {
    match message {
        Message::ChooseWords(length) => {
            // Another length is another phrase.
            model.setup.length = length;
            model.desk = None;
        }
        Message::TypePassword(password) if matches!(model.sheet, Some(Sheet::Password(_))) => {
            model.password = cut_secret(password);
            model.clear_problem(Place::Sheet);
            return;
        }
        Message::TypePassword(password) => model.setup.password = cut_secret(password),
        Message::TypeRepeat(password) => model.setup.repeat = cut_secret(password),
        Message::HideWord => {
            if let Some(Desk { shown, .. }) = &mut model.desk {
                *shown = None;
            }
        }
        Message::Pick(question, choice) => {
            if let Some(picked) = model.desk.as_mut().and_then(|desk| desk.picked.get_mut(question)) {
                *picked = Some(choice);
            }
        }
        Message::ChooseVsystems(vsystems) if vsystems != model.setup.vsystems => {
            let length = if vsystems { 15 } else { 12 };
            reshape(&mut model.setup, vsystems, length);
        }
        Message::ChooseLength(length) => {
            let vsystems = model.setup.vsystems;
            reshape(&mut model.setup, vsystems, length);
        }
        Message::TypeWord(at, word) => {
            if let Some(field) = model.setup.typed.get_mut(at) {
                *field = cut_secret(word);
                model.setup.read = None;
            }
        }
        Message::Paste(at, text) => paste(&mut model.setup, at, &text),
        Message::ShowTyped(legible) => model.setup.legible = legible,
        _ => {}
    }
    model.clear_problem(Place::Setup);
}

/// Another kind or number of words; what was typed stays where it fits.
fn reshape(setup: &mut Setup, vsystems: bool, length: u8) {
    let typed = if length == 0 {
        vec![setup.phrase()]
    } else if setup.one_field {
        setup
            .typed
            .iter()
            .flat_map(|text| text.0.split_whitespace())
            .map(|word| Secret(word.into()))
            .collect()
    } else {
        std::mem::take(&mut setup.typed)
    };
    setup.vsystems = vsystems;
    setup.one_field = length == 0;
    setup.typed = typed;
    setup.typed.resize_with(usize::from(length).max(1), Secret::default);
    setup.filled += 1;
    setup.read = None;
}

/// Spreads pasted words over the fields, from the one they were pasted into; a whole phrase of a usual length takes all fields.
fn paste(setup: &mut Setup, at: usize, text: &Secret) {
    let text = cut_secret(text.clone());
    let count = text.0.split_whitespace().count();
    let usual = if setup.vsystems { [15, 18] } else { [12, 24] };
    if setup.one_field {
        setup.typed = vec![text];
    } else {
        let whole = usual.contains(&count);
        if whole && count != setup.typed.len() {
            setup.typed.resize_with(count, Secret::default);
        }
        let from = if whole { 0 } else { at };
        for (field, word) in setup.typed.iter_mut().skip(from).zip(text.0.split_whitespace()) {
            *field = Secret(word.into());
        }
    }
    setup.filled += 1;
    setup.read = None;
}

/// The button of a stage.
fn proceed(model: &mut Model) -> Vec<Effect> {
    if is_busy(model) {
        return vec![];
    }
    model.clear_problem(Place::Setup);
    let ready = model.strength().is_enough() && model.setup.password == model.setup.repeat;
    match model.route {
        Route::Create(CreateStage::Rules) => go(model, Route::Create(CreateStage::Password), false),
        Route::Create(CreateStage::Password) if ready => go(model, Route::Create(CreateStage::Words), false),
        Route::Create(CreateStage::Words) => check(model, Route::Create(CreateStage::Check)),
        Route::Phrase(PhraseStage::Words) => check(model, Route::Phrase(PhraseStage::Check)),
        Route::Create(CreateStage::Check) | Route::Phrase(PhraseStage::Check) => {
            match model.desk.as_ref().and_then(Desk::picks) {
                Some(picked) => vec![model.tell(Command::CheckQuiz { picked }, Waiting::CheckQuiz)],
                None => vec![],
            }
        }
        Route::Restore(RestoreStage::Words) if model.setup.is_full() => {
            let (phrase, vsystems) = (model.setup.phrase(), model.setup.vsystems);
            vec![model.tell(Command::ReadPhrase { phrase, vsystems }, Waiting::ReadPhrase)]
        }
        Route::Restore(RestoreStage::Address) => go(model, Route::Restore(RestoreStage::Password), false),
        // Words typed in by hand are words that were kept.
        Route::Restore(RestoreStage::Password) if ready => vec![model.keep(true)],
        _ => vec![],
    }
}

fn check(model: &mut Model, route: Route) -> Vec<Effect> {
    if model.desk.is_none() {
        return vec![];
    }
    let mut effects = go(model, route, false);
    effects.push(model.tell(Command::MakeQuiz, Waiting::MakeQuiz));
    effects
}

fn is_busy(model: &Model) -> bool {
    [Waiting::Keep, Waiting::ReadPhrase, Waiting::CheckQuiz, Waiting::MakePhrase, Waiting::BackedUp]
        .into_iter()
        .any(|waiting| model.is_waiting(waiting))
        || model.setup.kept
}

fn cut_secret(mut secret: Secret) -> Secret {
    Secret(cut(std::mem::take(&mut secret.0)))
}

impl Model {
    /// Has the phrase in the worker's memory encrypted.
    pub(super) fn keep(&mut self, backed_up: bool) -> Effect {
        let password = self.setup.password.clone();
        self.tell(Command::Keep { password, backed_up }, Waiting::Keep)
    }
}
