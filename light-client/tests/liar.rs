//! The lying server: every change of every message ends in a refusal or in the truth.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a broken script must stop the test; a report"
)]

use std::{collections::BTreeMap, sync::Mutex, thread};

use light_client::test_support::liar::{Ending, Message, Said, Sent, messages};

/// Different answers, all together, at least.
const MIN_LIES: usize = 2_000;
/// Different answers of each kind, at least.
const MIN_LIES_OF_A_KIND: usize = 150;

/// What came of the lies about one message.
#[derive(Default)]
struct Report {
    lies: usize,
    /// At the verifier.
    refused: usize,
    same: usize,
    less: usize,
    rules: BTreeMap<String, usize>,
    /// How the client came to see the server.
    servers: BTreeMap<&'static str, usize>,
    unnoticed: Vec<String>,
}

fn try_all(message: &Message) -> Report {
    let mut report = Report::default();
    for lie in message.lies() {
        report.lies += 1;
        let name = || format!("{}: {}", message.name(), lie.name);
        if let Sent::Answer { body, .. } = &lie.sent {
            match message.verify(body) {
                None => {}
                Some(Said::Refused(rule)) => {
                    report.refused += 1;
                    *report.rules.entry(rule).or_default() += 1;
                }
                Some(Said::Same) => report.same += 1,
                Some(Said::Less) => report.less += 1,
                Some(Said::False(said)) => report.unnoticed.push(format!("{}: {said}", name())),
            }
        }
        match message.play(lie) {
            None => {}
            Some(Ending::Fine { server }) => *report.servers.entry(server).or_default() += 1,
            Some(Ending::Wrong(wrong)) => report.unnoticed.push(format!("{}: the client {wrong}", name())),
        }
    }
    report
}

/// In as many threads as are of use: signatures are what it takes.
fn try_everything(messages: &[Message]) -> Vec<Report> {
    let next = Mutex::new(messages.iter().enumerate());
    let reports = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((place, message)) = { next.lock().unwrap().next() } {
                    let report = try_all(message);
                    reports.lock().unwrap().insert(place, report);
                }
            });
        }
    });
    reports.into_inner().unwrap().into_values().collect()
}

#[test]
fn every_change_of_every_message_is_refused_or_changes_nothing() {
    let messages = messages();
    let reports = try_everything(&messages);
    assert_eq!(reports.len(), messages.len());
    println!(
        "{:28} {:>5} {:>8} {:>5} {:>5}  the client's view of the server",
        "message", "lies", "refused", "same", "less"
    );
    for (message, report) in messages.iter().zip(&reports) {
        let Report { lies, refused, same, less, servers, .. } = report;
        println!("{:28} {lies:>5} {refused:>8} {same:>5} {less:>5}  {servers:?}", message.name());
    }
    let lies: usize = reports.iter().map(|report| report.lies).sum();
    let unnoticed: Vec<&String> = reports.iter().flat_map(|report| &report.unnoticed).collect();
    println!("{} kinds of messages, {lies} lies, {} unnoticed", messages.len(), unnoticed.len());
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
    assert!(lies >= MIN_LIES, "{lies} lies");
    for (message, report) in messages.iter().zip(&reports) {
        assert!(report.lies >= MIN_LIES_OF_A_KIND, "{}: {} lies", message.name(), report.lies);
    }
}
