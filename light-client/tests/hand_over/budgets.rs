//! What a hand-over weighs, from real keys, tables and signatures: 15 slots of 4 seconds.

use light_client::{
    client::{Bundle, Verifier},
    data_format::Round,
    test_support::link_history::{LinkHistory, ROUNDS_A_DAY, ROUNDS_A_YEAR},
};

use super::one_by_one;

const DAYS: u64 = 365;

#[test]
fn a_year_of_daily_changes_is_one_page() {
    let planned = (0..DAYS).map(|day| Round(day * ROUNDS_A_DAY + 700)).collect();
    let mut history = LinkHistory::new(
        &one_by_one(15, DAYS),
        planned,
        Round(ROUNDS_A_YEAR),
        Vec::new(),
        Box::new(|_, _| false),
    );
    let trusted = history.trusted(Round(0));
    let hand_over = history.hand_over(&trusted);
    // Five changes a link, and four with the beacon at the end.
    assert_eq!(hand_over.links.len() as u64, (DAYS - 4).div_ceil(5));
    let bytes = hand_over.to_bytes().len();
    assert!(bytes <= 90_000, "{bytes} bytes");
    let handed_over = Verifier::new(history.spec()).hand_over(&trusted, &hand_over, history.now()).unwrap();
    assert_eq!(handed_over.trusted, history.trusted(Round(ROUNDS_A_YEAR)));
}

#[test]
fn one_link_weighs_about_a_kilobyte() {
    let planned = (0..14).map(|change| Round(change * 4 + 3)).collect();
    let mut history =
        LinkHistory::new(&one_by_one(15, 14), planned, Round(70), Vec::new(), Box::new(|_, _| false));
    let trusted = history.trusted(Round(0));
    for link in history.hand_over(&trusted).links {
        // Five new holders of 60 bytes, twelve signatures of 64.
        let bytes = light_client::data_format::codec::encode(&link).len();
        assert!((1_100..=1_250).contains(&bytes), "{bytes} bytes");
    }
}
