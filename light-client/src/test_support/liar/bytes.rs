//! What can be done to an answer without knowing what it is.

use super::lies::{Lies, Sent};
use crate::client::BUNDLE_VERSION;

/// Places at which a long answer is changed.
const PLACES: usize = 64;
/// More than the longest answer that any request allows for is no use: hosts stop reading.
const OVERSIZED: usize = 64 * 1024;

/// Changes bytes anywhere, cuts off, adds; other statuses; none at all. `max_bytes` is what a body may have at most.
pub(super) fn add(lies: &mut Lies, honest: &[u8], max_bytes: usize) {
    metadata(lies, honest);
    lengths(lies, honest, max_bytes);
    let step = (honest.len() / PLACES).max(1);
    for at in (0..honest.len()).step_by(step) {
        for (name, change) in [
            ("lowest bit", (|byte: &mut u8| *byte ^= 1) as fn(&mut u8)),
            ("highest bit", |byte| *byte ^= 0x80),
            ("all bits", |byte| *byte = !*byte),
        ] {
            let mut body = honest.to_vec();
            change(&mut body[at]);
            lies.body(format!("{name} of byte {at}"), body);
        }
    }
}

fn metadata(lies: &mut Lies, honest: &[u8]) {
    lies.send("no answer", Sent::Nothing);
    for status in [0, 100, 204, 206, 301, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503, 999] {
        lies.send(format!("status {status}"), Sent::Answer { status, body: honest.to_vec() });
        lies.send(format!("status {status} and no body"), Sent::Answer { status, body: Vec::new() });
    }
    if honest.first() != Some(&BUNDLE_VERSION) {
        return;
    }
    for kind in 0..=16 {
        let mut body = honest.to_vec();
        body[1] = kind;
        lies.body(format!("kind {kind}"), body);
    }
    for version in [0, 2, 0x7B, 0xFF] {
        let mut body = honest.to_vec();
        body[0] = version;
        lies.body(format!("version {version}"), body);
    }
}

fn lengths(lies: &mut Lies, honest: &[u8], max_bytes: usize) {
    let length = honest.len();
    let step = (length / PLACES).max(1);
    let near = |end: usize| end.saturating_sub(9)..=end;
    let cuts =
        (0..length).step_by(step).chain(0..10.min(length)).chain(near(length - 1)).chain(near(length / 2));
    for cut in cuts {
        lies.body(format!("cut off at {cut}"), honest[..cut].to_vec());
    }
    for cut in (1..length).step_by((length / 12).max(1)) {
        let garbage = (0..length - cut).map(|at| (at * 37 + cut) as u8);
        let body = honest[..cut].iter().copied().chain(garbage).collect();
        lies.body(format!("garbage from {cut} on"), body);
        lies.body(format!("zeros from {cut} on"), [&honest[..cut], &vec![0; length - cut]].concat());
        lies.body(format!("begun at {cut}"), honest[cut..].to_vec());
        lies.body(format!("without byte {cut}"), [&honest[..cut], &honest[cut + 1..]].concat());
        lies.body(format!("byte {cut} twice"), [&honest[..=cut], &honest[cut..]].concat());
    }
    for tail in [&[0][..], &[1], &[0xFF], &[0; 32], b"{}", honest] {
        lies.body(format!("{} bytes more", tail.len()), [honest, tail].concat());
    }
    lies.body("one byte in front", [&[BUNDLE_VERSION][..], honest].concat());
    lies.body("all zeros", vec![0; length]);
    lies.body("all ones", vec![0xFF; length]);
    let long = max_bytes.min(length + OVERSIZED);
    lies.body("as long as allowed", [honest, &vec![0; long.saturating_sub(length)]].concat());
    let more = (max_bytes + 1).saturating_sub(length);
    lies.body("a byte longer than allowed", [honest, &vec![0; more]].concat());
}
