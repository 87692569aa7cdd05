//! The checks that every target must pass, native; `tests/browser` and `mobile-bindings/kotlin` run the same.

use std::{any::Any, panic};

use light_client::test_support::conformance::{names, run};

/// The names that every target has.
const NAMES: &str = include_str!("conformance.txt");

#[test]
fn the_checks_are_exactly_those_listed() {
    assert!(NAMES.lines().count() > 0);
    assert!(names().eq(NAMES.lines()), "the list is {:#?}", names().collect::<Vec<_>>());
}

#[test]
fn every_check_passes() {
    let wrong: Vec<String> = names()
        .filter_map(|name| {
            let verdict = panic::catch_unwind(|| run(name)).unwrap_or_else(|panic| Err(words(&*panic)));
            verdict.err().map(|wrong| format!("{name}: {wrong}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_check_that_is_not_there_fails() {
    assert_eq!(run("no such check"), Err("no check \"no such check\"".to_owned()));
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}
