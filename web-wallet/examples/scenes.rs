//! Prints scenes for pictures and tests of the page without a worker: what a scripted worker would say, as JSON of hexadecimal Borsh bytes.
//!
//! `{ "now": ms, "scenes": { name: { "view": bytes, "answers": { tag: [bytes, …] }, "views": { tag: bytes } } } }`: a command's tag is the number of
//! its variant; its answers are chosen by the byte after the tag (the position of `ShowWord`), and a view may follow the answer.

use std::collections::BTreeMap;

use light_client::crypto::Hash;
use light_client::data_format::{Address, Amount, Height, Network, Time};
use web_protocol::{
    AccountView, Answer, ChainView, Command, Fact, HistoryRow, MovementKind, Notice, PaymentStep,
    PaymentView, Problem, ProofView, Review, Secret, ServerHealth, ServerView, SyncView, View, WalletView,
    WordQuestion, encode,
};

/// 2026-05-14 12:06:20 UTC, the time of all scenes.
const NOW: u64 = 1_778_760_380_000;
const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
const COIN: u64 = 100_000_000;
const HEIGHT: u64 = 148_201;

const WORDS: [&str; 12] = [
    "lantern", "orbit", "velvet", "harbor", "cactus", "piano", "meadow", "sunset", "ticket", "bamboo",
    "river", "crystal",
];

type Say = Result<Answer, Problem>;

struct Scene {
    view: View,
    answers: BTreeMap<u8, Vec<Say>>,
    views: BTreeMap<u8, View>,
}

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut scenes = Vec::new();
    for (name, scene) in all() {
        scenes.push(format!("    \"{name}\": {}", json(&scene)?));
    }
    println!("{{\n  \"now\": {NOW},\n  \"scenes\": {{\n{}\n  }}\n}}", scenes.join(",\n"));
    Ok(())
}

fn json(scene: &Scene) -> Result<String, std::io::Error> {
    let mut answers = Vec::new();
    for (tag, list) in &scene.answers {
        let list: Result<Vec<_>, _> = list.iter().map(|say| encode(say).map(|bytes| hex(&bytes))).collect();
        answers.push(format!("\"{tag}\": [{}]", list?.join(", ")));
    }
    let mut views = Vec::new();
    for (tag, view) in &scene.views {
        views.push(format!("\"{tag}\": {}", hex(&encode(view)?)));
    }
    Ok(format!(
        "{{ \"view\": {}, \"answers\": {{ {} }}, \"views\": {{ {} }} }}",
        hex(&encode(&scene.view)?),
        answers.join(", "),
        views.join(", ")
    ))
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

fn tag(command: &Command) -> u8 {
    encode(command).ok().and_then(|bytes| bytes.first().copied()).unwrap_or(u8::MAX)
}

fn password() -> Secret {
    Secret(String::new())
}

fn all() -> Vec<(&'static str, Scene)> {
    let mut scenes = vec![
        ("welcome", welcome()),
        ("home", scene(home())),
        (
            "backed-up",
            scene(View { wallet: WalletView::Present { unlocked: true, backed_up: true }, ..home() }),
        ),
        ("empty", scene(empty())),
        ("unknown", scene(unknown())),
        ("stale", scene(stale())),
        ("lying", scene(lying())),
        ("other-chain", scene(other_chain())),
        (
            "trust-expired",
            scene(View { sync: SyncView::TrustExpired { since: Time(NOW - 30 * DAY) }, ..stale() }),
        ),
        (
            "agreed",
            scene(View {
                sync: SyncView::Agreed {
                    height: Height(HEIGHT),
                    time: Time(NOW - 30_000),
                    operators: ["node.example".to_owned(), "other.example".to_owned()],
                },
                ..stale()
            }),
        ),
        (
            "forked",
            scene(View {
                sync: SyncView::Forked {
                    servers: ["https://node.example".to_owned(), "https://other.example".to_owned()],
                },
                ..stale()
            }),
        ),
        (
            "chain-replaced",
            scene(View {
                notices: vec![Notice::ChainReplaced { former: Hash([0xc3; 32]).to_string() }],
                ..empty()
            }),
        ),
        ("storage-lost", scene(View { notices: vec![Notice::StorageLost], ..home() })),
        (
            "clock-behind",
            scene(View { sync: SyncView::ClockBehind { time: Time(NOW + 60 * MINUTE) }, ..stale() }),
        ),
        ("wrong-password", wrong_password()),
        ("server-busy", busy()),
    ];
    for (name, step) in steps() {
        scenes.push((name, scene(paying(step))));
    }
    scenes
}

/// A scene in which everything works.
fn scene(view: View) -> Scene {
    let words = WORDS.map(|word| Ok(Answer::Word(Secret(word.into()))));
    let mut unlocked = view.clone();
    if let WalletView::Present { unlocked, .. } = &mut unlocked.wallet {
        *unlocked = true;
    }
    let mut locked = view.clone();
    if let WalletView::Present { unlocked, .. } = &mut locked.wallet {
        *unlocked = false;
    }
    let payment = paying(PaymentStep::Signed).payments.remove(0);
    let sent = View { payments: vec![payment.clone()], ..unlocked.clone() };
    let from = me();
    let answers = BTreeMap::from([
        (tag(&Command::MakePhrase { words: 12 }), vec![Ok(Answer::PhraseMade { words: 12 })]),
        (tag(&Command::ShowWord { position: 0 }), words.to_vec()),
        (tag(&Command::MakeQuiz), vec![Ok(Answer::Quiz(quiz()))]),
        (
            tag(&Command::ReadPhrase { phrase: password(), vsystems: false }),
            vec![Ok(Answer::PhraseRead { address: me(), unchecked: false })],
        ),
        (tag(&Command::RevealPhrase { password: password() }), vec![Ok(Answer::PhraseMade { words: 12 })]),
        (
            tag(&Command::Draft {
                from,
                to: String::new(),
                amount: web_protocol::AmountField::Everything,
                memo: String::new(),
            }),
            vec![Ok(Answer::Review(Box::new(review())))],
        ),
        (tag(&Command::Send), vec![Ok(Answer::Sent { id: payment.id })]),
    ]);
    let views = BTreeMap::from([
        (tag(&Command::Unlock { password: password() }), unlocked),
        (tag(&Command::Lock { everywhere: true }), locked),
        (tag(&Command::Send), sent),
    ]);
    Scene { view, answers, views }
}

fn welcome() -> Scene {
    let mut scene = scene(View { wallet: WalletView::None, accounts: vec![], ..empty() });
    scene.views.insert(tag(&Command::Keep { password: password(), backed_up: false }), empty());
    scene
}

fn wrong_password() -> Scene {
    let mut scene = scene(home());
    for command in [Command::Unlock { password: password() }, Command::RevealPhrase { password: password() }]
    {
        scene.answers.insert(tag(&command), vec![Err(Problem::WrongPassword)]);
        scene.views.remove(&tag(&command));
    }
    scene
}

fn busy() -> Scene {
    let mut scene = scene(empty());
    let limited = Problem::Server { code: "faucet_limited".into(), words: "one a minute".into() };
    scene.answers.insert(tag(&Command::GetTestCoins { to: me() }), vec![Err(limited)]);
    scene
}

fn steps() -> [(&'static str, PaymentStep); 9] {
    let (height, at) = (Height(HEIGHT + 2), Time(NOW - 3_000));
    [
        ("pay-signed", PaymentStep::Signed),
        ("pay-submitted", PaymentStep::Submitted { at: Time(NOW - 5_000), servers: 2 }),
        ("pay-in-block", PaymentStep::InBlock { height, at, final_in: 8 }),
        ("pay-final", PaymentStep::Final { height, at, succeeded: true }),
        ("pay-failed", PaymentStep::Final { height, at, succeeded: false }),
        ("pay-refused", PaymentStep::Refused { code: "pool_full".into(), words: "the pool is full".into() }),
        ("pay-expired", PaymentStep::Expired),
        ("pay-replaced", PaymentStep::Replaced),
        ("pay-unknown", PaymentStep::Unknown { since: Time(NOW - 4 * MINUTE) }),
    ]
}

fn quiz() -> Vec<WordQuestion> {
    let question = |position: u8, choices: [&str; 3]| WordQuestion {
        position,
        choices: choices.map(|word| Secret(word.into())),
    };
    vec![
        question(1, ["orbit", "pencil", "grape"]),
        question(4, ["window", "cactus", "orange"]),
        question(8, ["marble", "summer", "ticket"]),
        question(11, ["crystal", "planet", "forest"]),
    ]
}

fn review() -> Review {
    Review {
        from: me(),
        to: friend(),
        amount: Amount(40 * COIN),
        fee: Amount(COIN / 10),
        keep: Amount(12_440 * COIN + 40 * COIN / 100),
        memo: "Rent, part 2".into(),
        valid_until: Height(HEIGHT + 300),
        valid_seconds: 1_200,
        first_payment: true,
        looks_like: None,
        to_self: false,
    }
}

fn me() -> Address {
    address("ATwEV7r2zuHvNKtRBtUbqEQpptK7GDXRBPx")
}

fn friend() -> Address {
    address("AUAztxsft2v6rmjRRb72nLea6BNyRHHWpUR")
}

fn shop() -> Address {
    address("ATuYeyAT3HBkMQkbZRoyjR75Ajxd1ppWBYV")
}

#[expect(clippy::expect_used, reason = "the addresses stand above")]
fn address(text: &str) -> Address {
    text.parse().expect("an address of the test network")
}

fn chain() -> ChainView {
    ChainView {
        name: "development".into(),
        network: Network::Test,
        slot_ms: 1_000,
        slots_per_round: 4,
        fresh_ms: 20_000,
        test_coins: true,
        transfer_fee: Amount(COIN / 10),
        id: Hash([0x5a; 32]).to_string(),
    }
}

fn servers() -> Vec<ServerView> {
    ["https://node-a.example", "https://node-b.example"]
        .map(|url| ServerView {
            url: url.into(),
            health: ServerHealth::Good,
            height: Some(Height(HEIGHT)),
            lie: None,
        })
        .into()
}

fn proven(units: u64) -> Fact<Amount> {
    Fact::Proven {
        value: Amount(units),
        height: Height(HEIGHT),
        time: Time(NOW - 4_000),
        proven_at: Time(NOW - 2_000),
        stale: false,
    }
}

fn home() -> View {
    let balance = 12_480 * COIN + COIN / 2;
    View {
        chain: chain(),
        wallet: WalletView::Present { unlocked: false, backed_up: false },
        sync: SyncView::Verified { height: Height(HEIGHT), time: Time(NOW - 4_000), signatures: 11, of: 15 },
        servers: servers(),
        accounts: vec![AccountView {
            address: me(),
            name: "Savings".into(),
            balance: proven(balance),
            history: history(),
            history_count: 37,
            proof: Some(ProofView { bytes: 3_120, steps: 20, micros: 910, server: 0 }),
        }],
        payments: vec![],
        storage_persistent: Some(true),
        notices: vec![],
    }
}

fn history() -> Vec<HistoryRow> {
    let row =
        |index: u64, ago: u64, id: u8, kind, delta: i64, other: Option<Address>, memo: &str| HistoryRow {
            index,
            height: Height(HEIGHT - ago / MINUTE),
            time: Time(NOW - ago),
            transaction: Hash([id; 32]),
            kind,
            delta: delta * (COIN as i64) / 100,
            counterparty: other,
            memo: memo.into(),
        };
    use MovementKind::{Fee, Received, Sent};
    vec![
        row(36, 4 * MINUTE, 1, Received, 25_000, Some(friend()), "Salary, May"),
        row(35, 146 * MINUTE, 2, Sent, -4_000, Some(shop()), "Rent, part 1"),
        row(34, 146 * MINUTE, 2, Fee, -10, None, ""),
        row(33, DAY, 3, Received, 321, Some(shop()), ""),
        row(32, 3 * DAY, 4, Sent, -125_050, Some(friend()), "Bicycle"),
        row(31, 3 * DAY, 4, Fee, -10, None, ""),
        row(30, 20 * DAY, 5, Received, 1_000_000, Some(friend()), ""),
        row(
            29,
            21 * DAY,
            6,
            Sent,
            -999,
            Some(shop()),
            "Two coffees and a very long note about them that does not fit",
        ),
        row(28, 21 * DAY, 6, Fee, -10, None, ""),
        row(27, 45 * DAY, 7, Received, 50_000, Some(shop()), ""),
    ]
}

fn empty() -> View {
    let mut view = home();
    for account in &mut view.accounts {
        account.name = "Account 1".into();
        account.balance = proven(0);
        account.history = vec![];
        account.history_count = 0;
    }
    View { servers: servers().into_iter().take(1).collect(), ..view }
}

fn unknown() -> View {
    let mut view = View { sync: SyncView::Connecting, ..empty() };
    for account in &mut view.accounts {
        account.balance = Fact::Unknown;
        account.proof = None;
    }
    for server in &mut view.servers {
        (server.health, server.height) = (ServerHealth::Unknown, None);
    }
    view
}

fn stale() -> View {
    let since = Time(NOW - 7 * MINUTE);
    let mut view = View { sync: SyncView::Stale { since: Some(since), height: Height(HEIGHT) }, ..home() };
    for account in &mut view.accounts {
        account.balance = Fact::Proven {
            value: Amount(12_480 * COIN + COIN / 2),
            height: Height(HEIGHT),
            time: since,
            proven_at: since,
            stale: true,
        };
    }
    for server in &mut view.servers {
        server.health = ServerHealth::Unreachable;
    }
    view
}

fn lying() -> View {
    let mut view = View { sync: SyncView::Lying { server: 1 }, ..stale() };
    view.servers = servers();
    if let Some(server) = view.servers.get_mut(1) {
        server.health = ServerHealth::Lying;
        server.lie = Some("The balance it sent is not the one its own proof leads to.".into());
    }
    view
}

fn other_chain() -> View {
    let mut view = View { sync: SyncView::OtherChain { found: Hash([0xc3; 32]).to_string() }, ..stale() };
    for server in &mut view.servers {
        server.health = ServerHealth::OtherChain;
    }
    view
}

fn paying(step: PaymentStep) -> View {
    let is_known = !matches!(step, PaymentStep::Signed);
    let in_block = match step {
        PaymentStep::InBlock { height, .. } | PaymentStep::Final { height, .. } => Some(height),
        _ => None,
    };
    let payment = PaymentView {
        id: Hash([0x77; 32]),
        from: me(),
        to: friend(),
        amount: Amount(40 * COIN),
        fee: Amount(COIN / 10),
        memo: "Rent, part 2".into(),
        signed_at: Time(NOW - 6_000),
        submitted_at: is_known.then_some(Time(NOW - 5_000)),
        in_block,
        step,
    };
    View {
        wallet: WalletView::Present { unlocked: true, backed_up: true },
        payments: vec![payment],
        ..home()
    }
}
