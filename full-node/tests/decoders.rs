//! What strangers and damaged files can hand the node: thousands of changed copies of honest bytes, each refused or read
//! whole, within the memory that its length allows. What the light client reads too is tried in `tests/fuzz`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what does not work must stop the test, which says what it tried"
)]

use std::{fs, path::PathBuf, sync::LazyLock};

use full_node::{
    config::{Settings, create_key, read_key, read_spec, write_spec},
    network::{
        Block, Tip,
        address_book::AddressBook,
        messages::{AnchoredHeaders, Answer, Bytes, ChainHello, Headers, Hello, Refusal, Request, Response},
        protocol::{
            MAX_HELLO_BYTES, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, MAX_VOTE_BYTES, PROTOCOL_VERSION,
        },
    },
    snapshot::{Base, BaseError, MAX_BASE_BYTES},
};
use fuzz::{Decoder, KIB, Reach, run_all, scene, targets::read};
use light_client::{
    block_tree::HeaderProof,
    crypto::Hash,
    data_format::{
        Height, MAX_BLOCK_BYTES, SealedHeader, SlotTable, Vote,
        codec::{decode, encode},
    },
    test_support::chain::test_table,
};

fn run(decoder: Decoder, inputs: &[Vec<u8>]) {
    for input in inputs {
        assert_eq!(decoder.check(input).0, Reach::Held, "{}: {input:02x?}", decoder.name);
    }
    let tally = run_all(&decoder, inputs);
    println!("{}: {tally:?}", decoder.name);
}

/// A message as it travels: read within its bound, written as the same bytes.
macro_rules! message {
    ($name:literal, $kind:ty, $limit:expr) => {
        Decoder::new(
            $name,
            |bytes| if read::<$kind>(bytes, $limit).is_some() { Reach::Held } else { Reach::Refused },
            10,
            32 * KIB,
        )
    };
}

/// A greeting of another version, of which only the version is read: the rest is not ours to know, and is dropped.
const fn is_foreign(hello: &Hello) -> bool {
    hello.version != PROTOCOL_VERSION
}

fn hello(bytes: &[u8]) -> Reach {
    match decode::<Hello>(bytes, MAX_HELLO_BYTES) {
        Err(_) => Reach::Refused,
        Ok(hello) if is_foreign(&hello) => {
            assert!(hello.chains.is_empty(), "chains of another version: {hello:?}");
            Reach::Read
        }
        Ok(_) => read::<Hello>(bytes, MAX_HELLO_BYTES).map_or(Reach::Refused, |_| Reach::Held),
    }
}

fn answer(bytes: &[u8]) -> Reach {
    match decode::<Answer>(bytes, MAX_HELLO_BYTES) {
        Err(_) => Reach::Refused,
        Ok(Answer::Welcome(hello)) if is_foreign(&hello) => Reach::Read,
        Ok(_) => read::<Answer>(bytes, MAX_HELLO_BYTES).map_or(Reach::Refused, |_| Reach::Held),
    }
}

fn block() -> Block {
    let scene = scene::scene();
    Block { header: scene.headers[1].clone(), certificate: None, transactions: vec![scene.signed.clone(); 3] }
}

#[test]
fn messages_between_nodes() {
    let id = Hash([7; 32]);
    let headers = Headers(scene::scene().headers[1..4].to_vec());
    let chain = ChainHello { chain: id, genesis: id, tip: Tip::default() };
    let hello = Hello { version: PROTOCOL_VERSION, chains: vec![chain; 3] };
    run(Decoder::new("hello", self::hello, 10, 32 * KIB), &[encode(&hello)]);
    let later = [&(PROTOCOL_VERSION + 1).to_le_bytes()[..], &[9; 300]].concat();
    assert_eq!(self::hello(&later), Reach::Read, "the greeting of another version has a version");
    let answers = [
        Answer::Welcome(hello),
        Answer::Refused(Refusal::Version { ours: 9 }),
        Answer::Refused(Refusal::Chain { ours: vec![id; 4] }),
        Answer::Refused(Refusal::Genesis { chain: id, ours: id }),
        Answer::Refused(Refusal::Full),
    ];
    run(Decoder::new("answer", answer, 10, 32 * KIB), &answers.map(|answer| encode(&answer)));
    let requests = [
        Request::Tip,
        Request::Headers { locator: vec![id; 5], limit: 9 },
        Request::AnchoredHeaders { after: Height(3), anchor: id, limit: 9 },
        Request::Blocks { ids: vec![id; 5] },
        Request::Finality { trusted: id, open: true },
        Request::SnapshotBase { block: id },
        Request::SnapshotLeaves { block: id, first: 3, count: 7 },
    ];
    run(message!("request", Request, MAX_REQUEST_BYTES), &requests.map(|request| encode(&request)));
    let proof = HeaderProof(vec![id; 3]);
    let responses = [
        Response::Tip(Tip::default()),
        Response::Headers(Some(headers.clone())),
        Response::Blocks(vec![block(); 2]),
        Response::Finality(Some(Bytes(vec![1; 99]))),
        Response::AnchoredHeaders(Some(AnchoredHeaders { headers, proof })),
        Response::SnapshotLeaves(Some((3, Bytes(vec![1; 99])))),
    ];
    run(message!("response", Response, MAX_RESPONSE_BYTES), &responses.map(|response| encode(&response)));
}

#[test]
fn gossip() {
    run(message!("block", Block, MAX_BLOCK_BYTES), &[encode(&block())]);
    let vote = fuzz::targets::CONSENSUS;
    let seeds = (vote.seeds)().into_iter().filter(|seed| seed.decoder == "vote").map(|seed| seed.bytes);
    run(message!("gossiped-vote", Vote, MAX_VOTE_BYTES), &seeds.collect::<Vec<_>>());
}

/// The beginning of a snapshot, of a block that was proven before: whoever sends it can choose everything but the headers.
#[test]
fn bases_of_snapshots() {
    fn base(bytes: &[u8]) -> Reach {
        match Base::check(bytes, &honest().1) {
            Ok(checked) => {
                assert!(encode(&checked.base) == bytes, "a second encoding");
                Reach::Held
            }
            Err(BaseError::Form(_)) => Reach::Refused,
            Err(_) => Reach::Read,
        }
    }
    /// Of the first chain's third block: without state, so the proof of the number of entries is what fails last.
    fn honest() -> &'static (Vec<u8>, Hash) {
        static BASE: LazyLock<(Vec<u8>, Hash)> = LazyLock::new(|| {
            let headers = &scene::scene().headers;
            let table = test_table(&[1000, 1001, 1002, 1003]);
            let base = Base {
                header: headers[3].clone(),
                before: headers[..3].to_vec(),
                tables: vec![(table, None)],
                peaks: Vec::new(),
                count: Vec::new(),
            };
            (encode(&base), headers[3].header.id())
        });
        &BASE
    }
    let decoder = Decoder::new("base", base, 10, 64 * KIB);
    let bytes = &honest().0;
    assert!(matches!(Base::check(bytes, &honest().1), Err(BaseError::Trie(_))), "all but the state holds");
    println!("base: {:?}", run_all(&decoder, std::slice::from_ref(bytes)));
    // As many tables as there is room for, none of which any header commits to.
    let mut vacant = vec![None; 63];
    vacant.insert(0, test_table(&[5_000]).0[0]);
    let table = SlotTable(vacant);
    let scene = scene::scene();
    let parts = (
        scene.headers[3].clone(),
        scene.headers[..3].to_vec(),
        vec![(table.clone(), Some(table)); 4_097],
        Vec::<SealedHeader>::new(),
        Vec::<u8>::new(),
    );
    let bytes = encode(&parts);
    assert!(bytes.len() <= MAX_BASE_BYTES);
    let many = Decoder::new("base", base, 40, 64 * KIB);
    let (reach, held) = many.check(&bytes);
    println!("base: {held} bytes held for {} of input", bytes.len());
    assert_eq!(reach, Reach::Read);
}

/// What the parser of TOML holds for each byte at worst. The files are the operator's own.
const TOML_BYTES: u64 = 250;

/// A folder for the files of this process.
fn folder() -> &'static tempfile::TempDir {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
    &FOLDER
}

/// Writes a file that only its owner may read.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().path().join(name);
    if !path.exists() {
        create_key(&path).unwrap();
    }
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn files() {
    fn spec(bytes: &[u8]) -> Reach {
        let Ok(spec) = read_spec(&file("spec", bytes)) else { return Reach::Refused };
        let again = folder().path().join("again");
        write_spec(&again, &spec).unwrap();
        assert_eq!(read_spec(&again).unwrap().id(), spec.id());
        Reach::Held
    }
    fn settings(bytes: &[u8]) -> Reach {
        if Settings::read(&file("settings", bytes)).is_ok() { Reach::Held } else { Reach::Refused }
    }
    fn key(bytes: &[u8]) -> Reach {
        if read_key(&file("key", bytes)).is_ok() { Reach::Held } else { Reach::Refused }
    }
    fn book(bytes: &[u8]) -> Reach {
        if AddressBook::open(Some(&file("book", bytes))).is_empty() { Reach::Refused } else { Reach::Held }
    }
    let path = folder().path().join("written");
    write_spec(&path, &scene::scene().spec).unwrap();
    run(Decoder::new("spec-file", spec, TOML_BYTES, 64 * KIB), &[fs::read(&path).unwrap()]);
    let path = folder().path().join("some-settings");
    Settings::default().write_new(&path).unwrap();
    run(Decoder::new("settings-file", settings, TOML_BYTES, 64 * KIB), &[fs::read(&path).unwrap()]);
    let path = folder().path().join("some-key");
    create_key(&path).unwrap();
    run(Decoder::new("key-file", key, TOML_BYTES, 64 * KIB), &[fs::read(&path).unwrap()]);
    let peer = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
    let addresses =
        format!("/ip4/10.0.0.1/tcp/9921/p2p/{peer}\n/dns4/node.example/udp/9921/quic-v1/p2p/{peer}\n");
    run(Decoder::new("address-book", book, 40, 16 * KIB), &[addresses.into_bytes()]);
}
