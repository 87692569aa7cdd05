//! What the worker says, taken in.

use web_protocol::{Answer, Command, FromWorker, Problem, Secret, WalletView};

use super::update::{go, settle};
use super::{
    After, Desk, Effect, Model, Notice, PhraseStage, Place, RestoreStage, Route, SendForm, Sheet, Waiting,
};

/// Takes in what the worker said. What the browser has to do comes back.
pub(crate) fn heard(model: &mut Model, said: FromWorker) -> Vec<Effect> {
    let mut effects = match said {
        FromWorker::View(view) | FromWorker::Seen(view) => {
            let gone = model.was_present() && view.wallet == WalletView::None;
            model.view = Some(view);
            model.age();
            if gone {
                model.forget_forms();
            }
            let counted = model.account().map(|account| account.history_count);
            if model.coins_asked.is_some_and(|before| counted.is_some_and(|now| now > before)) {
                model.coins_asked = None;
            }
            vec![]
        }
        FromWorker::Answer { number, result } => {
            let Some(at) = model.waiting.iter().position(|(told, _)| *told == number) else {
                return vec![]; // nobody waits for it any more
            };
            let (_, waiting) = model.waiting.remove(at);
            match result {
                Ok(answer) => succeeded(model, waiting, answer),
                Err(problem) => failed(model, waiting, problem),
            }
        }
    };
    effects.extend(settle(model));
    effects
}

fn succeeded(model: &mut Model, waiting: Waiting, answer: Answer) -> Vec<Effect> {
    match (waiting, answer) {
        (Waiting::MakePhrase, Answer::PhraseMade { words }) => {
            model.desk = Some(Desk { length: words, ..Desk::default() });
            vec![]
        }
        (Waiting::Reveal, Answer::PhraseMade { words }) => {
            model.desk = Some(Desk { length: words, ..Desk::default() });
            go(model, Route::Phrase(PhraseStage::Words), false)
        }
        (Waiting::ShowWord(position), Answer::Word(word)) => {
            if let Some(desk) = &mut model.desk {
                desk.shown = Some((position, word));
                desk.seen = desk.seen.max(position.saturating_add(1));
            }
            vec![]
        }
        (Waiting::MakeQuiz, Answer::Quiz(quiz)) => {
            if let Some(desk) = &mut model.desk {
                desk.picked = vec![None; quiz.len()];
                desk.quiz = quiz;
                desk.shown = None;
            }
            vec![]
        }
        (Waiting::CheckQuiz, Answer::Done) => {
            if model.route.is_setup() {
                return vec![model.keep(true)];
            }
            vec![model.tell(Command::BackedUp, Waiting::BackedUp)]
        }
        (Waiting::BackedUp, Answer::Done) => {
            model.note(Notice::BackedUp);
            go(model, Route::Home, true)
        }
        (Waiting::ReadPhrase, Answer::PhraseRead { address, unchecked }) => {
            model.setup.read = Some((address, unchecked));
            go(model, Route::Restore(RestoreStage::Address), false)
        }
        (Waiting::Keep, Answer::Done) => {
            model.setup.kept = true;
            model.setup.password = Secret::default();
            model.setup.repeat = Secret::default();
            model.desk = None;
            vec![Effect::KeepStorage]
        }
        (Waiting::Unlock { send }, Answer::Done) => {
            model.password = Secret::default();
            if send && model.send.review.is_some() {
                model.sheet = Some(Sheet::Review);
                return vec![model.tell(Command::Send, Waiting::Send)];
            }
            model.sheet = None;
            model.note(Notice::Unlocked);
            vec![]
        }
        (Waiting::Lock, Answer::Done) => {
            model.note(Notice::Locked);
            vec![]
        }
        (Waiting::Draft, Answer::Review(review)) => {
            model.send.review = Some(review);
            model.sheet = Some(Sheet::Review);
            vec![]
        }
        (Waiting::Send, Answer::Sent { id }) => {
            model.send = SendForm::default();
            model.sheet = None;
            go(model, Route::Payment(id), true)
        }
        (Waiting::TestCoins, Answer::Done) => {
            model.coins_asked = model.account().map(|account| account.history_count);
            vec![]
        }
        (Waiting::Erase, Answer::Done) => {
            model.forget_forms();
            model.note(Notice::Erased);
            vec![]
        }
        // A confirmation of something that shows in the view anyway.
        _ => vec![],
    }
}

fn failed(model: &mut Model, waiting: Waiting, problem: Problem) -> Vec<Effect> {
    match (waiting, &problem) {
        (Waiting::Send, Problem::Locked) => {
            model.sheet = Some(Sheet::Password(After::Send));
            return vec![];
        }
        // What was reviewed is forgotten, or another tab has made a payment since: the form is still here to be looked over again.
        (Waiting::Send, Problem::NothingReviewed) => {
            model.send.review = None;
            model.sheet = None;
            model.problem = Some((Place::Send, problem));
            return vec![];
        }
        (Waiting::CheckQuiz, Problem::WrongWord { .. }) => {
            if let Some(desk) = &mut model.desk {
                desk.picked = vec![None; desk.quiz.len()];
            }
        }
        (Waiting::MakePhrase, _) => model.desk = None,
        (Waiting::Unlock { .. } | Waiting::Reveal, Problem::WrongPassword) => {
            model.password = Secret::default()
        }
        _ => {}
    }
    if let Some(place) = waiting.place() {
        model.problem = Some((place, problem));
    }
    vec![]
}
