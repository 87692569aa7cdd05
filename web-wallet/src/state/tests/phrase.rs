//! No phrase stays in the worker when a person is done with it.

use super::*;

/// A page on which a phrase was typed and read, at its address.
fn at_address() -> Page {
    let mut page = Page::open(Route::Restore(RestoreStage::Words), without_wallet());
    for at in 0..12 {
        page.say(Message::TypeWord(at, secret("w")));
    }
    page.say(Message::Continue);
    assert!(matches!(page.last(), Command::ReadPhrase { .. }));
    page.answer(Ok(Answer::PhraseRead { address: me(), unchecked: false }));
    assert_eq!(page.model.route, Route::Restore(RestoreStage::Address));
    page
}

fn forgotten(page: &Page) -> usize {
    page.told.iter().filter(|told| told.command == Command::ForgetPhrase).count()
}

#[test]
fn a_typed_phrase_is_forgotten_however_restoring_is_left() {
    let close = |page: &mut Page| {
        page.say(Message::Close);
        assert_eq!(forgotten(page), 0, "still restoring");
        page.say(Message::Close);
    };
    let back = |page: &mut Page| {
        page.say(Message::Arrived(Route::Welcome));
    };
    let other = |page: &mut Page| {
        page.say(Message::Go(Route::Create(CreateStage::Rules)));
    };
    let beside = |page: &mut Page| {
        page.say(Message::Go(Route::Network));
    };
    let done = |page: &mut Page| {
        page.say(Message::Continue);
        page.say(Message::TypePassword(secret("boat green seven")));
        page.say(Message::TypeRepeat(secret("boat green seven"))).say(Message::Continue);
        page.answer(Ok(Answer::Done)).view(with_wallet(true));
        assert_eq!(page.model.route, Route::Home);
    };
    for leave in [close, back, other, beside, done] as [fn(&mut Page); 5] {
        let mut page = at_address();
        leave(&mut page);
        assert_eq!(forgotten(&page), 1);
        assert_eq!(page.model.setup, Setup::default(), "nor does it stay in the page");
    }
}

#[test]
fn a_phrase_that_comes_after_leaving_is_not_waited_for() {
    let mut page = at_address();
    page.say(Message::Close).say(Message::Continue);
    let read = page.told.last().unwrap().number;
    page.say(Message::Close).answer_to(read, Ok(Answer::PhraseRead { address: me(), unchecked: false }));
    assert_eq!(page.model.route, Route::Welcome, "nothing leads back");

    let mut page = Page::open(Route::Welcome, without_wallet());
    page.say(Message::Go(Route::Create(CreateStage::Rules))).say(Message::Continue);
    page.say(Message::TypePassword(secret("boat green seven")));
    page.say(Message::TypeRepeat(secret("boat green seven"))).say(Message::Continue);
    let made = page.told.last().unwrap().number;
    page.say(Message::Arrived(Route::Welcome)).answer_to(made, Ok(Answer::PhraseMade { words: 12 }));
    assert_eq!(page.model.desk, None);
    assert_eq!(forgotten(&page), 1);
}

#[test]
fn a_phrase_is_kept_while_a_person_is_at_it() {
    let mut page = at_words();
    page.say(Message::Continue).say(Message::Close).say(Message::Continue);
    assert_eq!(forgotten(&page), 0);
}
