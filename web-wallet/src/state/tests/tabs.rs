//! What other tabs do.

use super::*;

#[test]
fn a_payment_that_another_tab_has_overtaken_is_looked_over_again() {
    let mut page = reviewed(true);
    page.say(Message::Sign);
    assert_eq!(*page.last(), Command::Send);
    page.answer(Err(Problem::NothingReviewed));
    assert_eq!(page.model.sheet, None, "the form is on top");
    assert_eq!(page.model.problem_at(Place::Send), Some(&Problem::NothingReviewed));
    page.say(Message::Review);
    assert!(matches!(page.last(), Command::Draft { .. }), "what was typed is still there");
    assert_eq!(page.model.problem_at(Place::Send), None);
}
