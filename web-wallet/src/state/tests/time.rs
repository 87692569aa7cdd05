//! What time does to what is shown.

use super::*;

#[test]
fn what_was_proven_grows_old_by_itself() {
    let mut page = Page::open(Route::Home, with_wallet(false));
    assert!(matches!(page.model.seal(), Seal::Proven { .. }));
    page.say(Message::Tick(NOW.plus_ms(20_000)));
    assert!(matches!(page.model.seal(), Seal::Proven { .. }));
    page.say(Message::Tick(NOW.plus_ms(20_001)));
    assert_eq!(page.model.seal(), Seal::Stale { since: NOW, height: Height(9) });
    assert_eq!(page.model.slot(), Some(Slot::Stale { since: Some(NOW) }));
    // A view that says so is not believed either, when it comes late.
    page.view(with_wallet(false));
    assert!(matches!(page.model.seal(), Seal::Stale { .. }));
}

#[test]
fn the_worker_is_told_when_the_time_jumps_and_when_the_page_is_seen() {
    let mut page = Page::open(Route::Home, with_wallet(false));
    for ms in [1_000, 6_000] {
        page.say(Message::Tick(NOW.plus_ms(ms)));
        assert_eq!(*page.last(), Command::Start { visible: true }, "no jump");
    }
    page.say(Message::Tick(NOW.plus_ms(11_001)));
    assert_eq!(*page.last(), Command::Visible(true));
    page.say(Message::Visible(false));
    assert_eq!(*page.last(), Command::Visible(false));
    page.say(Message::Tick(NOW));
    assert_eq!(page.told.len(), 4, "the clock was set back");
    assert_eq!(*page.last(), Command::Visible(false), "and nobody looks");
}

#[test]
fn a_clock_that_is_set_back_keeps_no_key_longer() {
    let mut page = Page::open(Route::Home, with_wallet(true));
    let before = Time(NOW.0 - 60 * MINUTE);
    page.say(Message::Tick(before)).say(Message::Tick(before.plus_ms(5 * MINUTE)));
    assert!(page.told.iter().any(|told| told.command == Command::Lock { everywhere: false }));
}

#[test]
fn a_deleted_storage_is_said_before_a_silent_server() {
    let lost = |view: View| View { notices: vec![web_protocol::Notice::StorageLost], ..view };
    let stale = SyncView::Stale { since: Some(NOW), height: Height(9) };
    let mut page = Page::open(Route::Home, lost(View { sync: stale, ..with_wallet(false) }));
    assert_eq!(page.model.slot(), Some(Slot::StorageLost));
    page.say(Message::StoreAgain);
    assert_eq!(*page.last(), Command::StoreAgain);
    let behind = SyncView::ClockBehind { time: NOW };
    page.view(View { sync: behind, ..with_wallet(false) });
    assert_eq!(page.model.slot(), Some(Slot::ClockBehind { time: NOW }));
    assert!(matches!(page.model.seal(), Seal::Stale { .. }), "nothing is called proven now");
}
