//! The machine of the light client: what servers answer, and what it finds in its own store.

use std::sync::LazyLock;

use light_client::{
    client::{Bundle, Client, Event, Method, PaymentState, Response, TransportError},
    data_format::{Header, Status},
    state::HistoryChain,
};

use super::assert_same;
use crate::{
    Decoder, KIB, Reach, Seed, Target,
    scene::{Scene, client, scene, story},
};

/// The machine of the light client: what servers answer, and what it finds in its own store.
pub const CLIENT: Target = Target {
    name: "client",
    decoders: &[Decoder::new("answers", answers, 10, 128 * KIB), Decoder::new("saved", saved, 20, 256 * KIB)],
    seeds,
};

/// Requests that are answered, at most.
const MAX_ANSWERS: usize = 64;

/// Answers one after the other: a byte for the status, two for the length, the body. When nothing is asked, time goes on.
fn answers(bytes: &[u8]) -> Reach {
    let scene = scene();
    let mut client = client(scene);
    let mut now = scene.now;
    client.submit(scene.signed.clone(), now);
    let mut rest = bytes;
    for _ in 0..MAX_ANSWERS {
        let Some(request) = client.next_request() else {
            if rest.is_empty() {
                break;
            }
            now = now.plus_ms(1_000);
            client.load_history(scene.asked, now);
            client.tick(now);
            continue;
        };
        let answer = match take_answer(&mut rest) {
            Some(response) if response.body.len() > request.max_bytes => Err(TransportError::TooLong),
            Some(response) => Ok(response),
            None => Err(TransportError::Timeout),
        };
        client.respond(request.id, answer, now);
        assert_true(scene, &client);
        while let Some(event) = client.next_event() {
            assert!(!matches!(event, Event::Server(server) if server > 1));
        }
    }
    let _: light_client::client::Sync = client.sync(now);
    let saved = client.save();
    let mut restored = self::client(scene);
    restored.restore(&saved).unwrap();
    assert_true(scene, &restored);
    assert_same(&restored.save(), &saved);
    match client.account(&scene.asked).unwrap().proven() {
        Some(_) => Reach::Held,
        None => Reach::Read,
    }
}

fn take_answer(rest: &mut &[u8]) -> Option<Response> {
    let (head, body) = rest.split_first_chunk::<3>()?;
    let length = usize::from(u16::from_le_bytes([head[1], head[2]])).min(body.len());
    let (body, after) = body.split_at(length);
    *rest = after;
    let status = match head[0] {
        0 => 200,
        1 => 404,
        2 => 202,
        3 => 422,
        4 => 429,
        other => u16::from(other) * 4,
    };
    Some(Response { status, body: body.to_vec() })
}

/// Whatever servers say: what the client calls proven is so.
fn assert_true(scene: &Scene, client: &Client) {
    let trusted = client.trusted();
    assert_eq!(trusted.id, scene.headers[trusted.height.0 as usize].header.id(), "a forged final block");
    let account = client.account(&scene.asked).unwrap();
    let records = account.history().records();
    if let Some(proven) = account.proven() {
        assert_eq!(scene.accounts.get(&proven.id), Some(&proven.record), "a forged account");
        let end = proven.record.as_ref().map_or(HistoryChain::EMPTY, |record| record.history());
        let known = &scene.history[..end.count as usize];
        assert!(known.ends_with(records), "a forged history");
    } else {
        assert!(records.is_empty());
    }
    let followed = client.payment(&scene.payment).unwrap();
    match &followed.state {
        PaymentState::Final { .. } | PaymentState::InBlock { .. } => {
            assert!(proven_payment(scene, client), "a payment that is not in the block");
        }
        PaymentState::Expired | PaymentState::Replaced => panic!("{:?}: it is in block 1", followed.state),
        PaymentState::Signed | PaymentState::Submitted | PaymentState::Refused { .. } => {}
    }
}

/// Whether an honest server's proof of the payment says the same.
fn proven_payment(scene: &Scene, client: &Client) -> bool {
    let outcome = scene.outcome;
    let place = match client.payment(&scene.payment).unwrap().state {
        PaymentState::Final { height, slot, succeeded } => {
            assert_eq!(succeeded, outcome.status == Status::Success);
            (height, slot)
        }
        PaymentState::InBlock { height, slot, .. } => (height, slot),
        _ => return false,
    };
    let Header { height, slot, .. } = scene.headers[1].header;
    place == (height, slot)
}

/// What the host kept since last time. It is the device's own, so what it says is not checked anew; but no damage may
/// break anything.
fn saved(bytes: &[u8]) -> Reach {
    static HONEST: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let server = story(|_, _| ());
        server.chain.account_bundle(&scene().genesis, scene().asked, 0, 50).to_bytes()
    });
    let scene = scene();
    let mut client = client(scene);
    let fresh = client.save();
    if client.restore(bytes).is_err() {
        assert_same(&client.save(), &fresh);
        return Reach::Refused;
    }
    let again = client.save();
    let mut second = self::client(scene);
    second.restore(&again).unwrap();
    assert_same(&second.save(), &again);
    let mut now = scene.now;
    client.watch(scene.asked, now);
    for _ in 0..8 {
        now = now.plus_ms(20_000);
        client.load_history(scene.asked, now);
        client.tick(now);
        while let Some(request) = client.next_request() {
            client.respond(request.id, Ok(Response { status: 200, body: HONEST.clone() }), now);
        }
    }
    let _: light_client::client::Sync = client.sync(now);
    Reach::Held
}

/// The answers of an honest server to all that the client of [`answers`] asks, as that one takes them.
fn honest_answers() -> (Vec<u8>, Vec<u8>) {
    let (scene, mut server) = (scene(), story(|_, _| ()));
    let mut client = client(scene);
    let mut now = scene.now;
    client.submit(scene.signed.clone(), now);
    let mut bytes = Vec::new();
    for _ in 0..12 {
        let Some(request) = client.next_request() else {
            now = now.plus_ms(1_000);
            client.load_history(scene.asked, now);
            client.tick(now);
            continue;
        };
        let response = match request.method {
            Method::Get => server.answer(&request),
            Method::Post => Response { status: 202, body: b"{}".to_vec() },
        };
        let status = [200, 404, 202].iter().position(|status| *status == response.status).unwrap();
        let length = u16::try_from(response.body.len()).unwrap().to_le_bytes();
        bytes.extend([u8::try_from(status).unwrap(), length[0], length[1]]);
        bytes.extend(&response.body);
        client.respond(request.id, Ok(response), now);
    }
    (bytes, client.save())
}

fn seeds() -> Vec<Seed> {
    let (answers, saved) = honest_answers();
    let refused = {
        let problem = br#"{"code":"fee_too_low","detail":"pay \u0007more"}"#;
        [&[3, problem.len() as u8, 0], &problem[..]].concat().repeat(6)
    };
    let status = format!("{{\"chain_id\":\"{}\"}}", scene().spec.id());
    let other = status.replace("chain_id\":\"", "chain_id\":\"00");
    let statuses: Vec<u8> = [&status, &other, &status]
        .into_iter()
        .flat_map(|text| [&[0, text.len() as u8, 0], text.as_bytes()].concat())
        .collect();
    vec![
        Seed::held("answers", "honest", answers),
        Seed::read("answers", "refused", refused),
        Seed::read("answers", "statuses", statuses),
        Seed::held("saved", "after-sync", saved),
    ]
}
