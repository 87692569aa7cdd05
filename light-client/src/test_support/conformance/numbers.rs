//! Numbers that do not fit the 32 bits of a browser's `usize`: cast instead of checked, each of these would pass for a small one.

use super::{Verdict, ensure, same, words};
use crate::{
    block_tree::{HeaderRange, RangePeaks},
    client::{Bundle as _, Client, Fate, HistoryPage, Questions, Sync, Verifier},
    consensus::genesis,
    crypto::Hash,
    data_format::{Header, Height, ProofError, Round, Slot, Transaction},
    state::{
        AccountRecord, Asset, HistoryChain, HistoryError, HistoryKind, HistoryRecord, MemoryStore, Root,
        Trie, TrieError, UnknownNode, WitnessError, verify, verify_page,
    },
    test_support::{
        chain::{ScriptedChain, test_address},
        link_history::LinkHistory,
    },
};

/// One more than 32 bits hold.
const BEYOND: u64 = 1 << 32;

/// A number as witnesses have it: seven bits a byte, the lowest first.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[derive(Debug, PartialEq, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error(transparent)]
    Trie(#[from] TrieError<UnknownNode>),
}

pub(super) fn witness_lengths() -> Verdict {
    let mut store = MemoryStore::new();
    let mut trie = Trie::open(Root::EMPTY, &store);
    let value = [9; 100];
    for key in [b"same\x00", b"same\xff"] {
        trie.insert(key, &value).map_err(words)?;
    }
    let changes = trie.commit(store.next_id());
    store.apply(&changes);
    let mut trie = Trie::open(changes.root, &store);
    trie.get(b"same\x00").map_err(words)?;
    let honest = trie.witness();
    let read = |bytes: &[u8]| {
        verify(bytes, bytes.len(), changes.root.hash, |trie| {
            Ok::<_, ReadError>(trie.get(b"same\x00")?.map(<[u8]>::to_vec))
        })
    };
    same!(read(&honest), Ok(Some(value.to_vec())), "the honest witness");
    // Flags, 32 skipped bits, the bits; …; the value's length before the value.
    let value_at = honest.windows(100).position(|window| window == value).ok_or("no value in the witness")?;
    for (at, number) in [(1, 32), (value_at - 1, 100)] {
        same!(u64::from(honest[at]), number, "the number at byte {at}");
        let lie = [&honest[..at], &varint(BEYOND + number), &honest[at + 1..]].concat();
        ensure!(read(&lie).is_err(), "2^32 + {number} passes for {number}");
    }
    Ok(())
}

pub(super) fn heights() -> Verdict {
    // A range over 2^33 headers, of which only the peak is known, goes on.
    let (chain, peak) = (Hash([5; 32]), Hash([7; 32]));
    let block = genesis(&chain, Hash::ZERO, Hash::ZERO).header;
    let first = Header { height: Height(2 * BEYOND), slot: Slot(3 * BEYOND), headers_root: peak, ..block };
    let mut range = RangePeaks::before(&first, vec![peak]).map_err(words)?;
    let mut headers = vec![first];
    for _ in 0..20 {
        let last = &headers[headers.len() - 1];
        let headers_root = range.push(last.height.0, &last.id()).map_err(words)?;
        headers.push(Header {
            height: last.height.next(),
            slot: last.slot.next(),
            parent: last.id(),
            headers_root,
            ..last.clone()
        });
    }
    for (place, newer) in headers.iter().enumerate() {
        for old in &headers[..place] {
            let proof = HeaderRange::new(&range, newer.height.0).prove(old.height).map_err(words)?;
            same!(proof.verify(newer, old), Ok(()), "{} from {}", old.height, newer.height);
            let lower = Header { height: Height(old.height.0 - 2 * BEYOND), ..old.clone() };
            ensure!(
                proof.verify(newer, &lower).is_err(),
                "height {} passes for {}",
                old.height,
                lower.height
            );
        }
        let same_height = HeaderRange::new(&range, newer.height.0).prove(newer.height);
        ensure!(same_height.is_err(), "a block is proven from itself");
        let empty = crate::block_tree::HeaderProof::default().verify(newer, newer);
        let height = newer.height.0;
        same!(empty, Err(ProofError::Index { index: height, count: height }), "a block from itself");
    }

    // Trust goes over them in one step.
    let table: Vec<u64> = (1_000..1_004).collect();
    let newest = Round(BEYOND + 3);
    let mut history = LinkHistory::new(&[table], Vec::new(), newest, Vec::new(), Box::new(|_, _| false));
    let (trusted, now) = (history.trusted(Round(10)), history.now());
    let mut client = Client::new(history.spec().clone(), trusted, ["http://server".to_owned()]);
    client.tick(now);
    history.serve(&mut client, now, |_, _| ());
    same!(client.sync(now), Sync::Verified, "the client");
    same!(client.trusted().round, newest, "the trusted round");
    same!(client.trusted().height, Height(newest.0 * 4 - 1), "the trusted height");
    Ok(())
}

pub(super) fn histories() -> Verdict {
    let record = |index| HistoryRecord {
        index,
        height: Height(BEYOND + index),
        slot: Slot(BEYOND + index),
        transaction: Hash([index as u8; 32]),
        kind: HistoryKind::Fee,
        asset: Asset::Coin,
        delta: -(BEYOND as i64),
    };
    let start = HistoryChain { count: BEYOND, head: Hash([1; 32]) };
    let records: Vec<_> = (BEYOND..BEYOND + 3).map(record).collect();
    let end = records.iter().try_fold(start, HistoryChain::append).map_err(words)?;
    same!(verify_page(&records, start.head, end), Ok(start), "the newest records");
    let low: Vec<_> = (0..3).map(record).collect();
    let refused = Err(HistoryError::Index { expected: BEYOND, found: 0 });
    same!(verify_page(&low, start.head, end), refused, "records of the same low bits");

    // The same in what clients judge payments by: of 2^32 + 1 nonces, two are told of.
    let chain = ScriptedChain::new(4, Vec::new());
    let (id, verifier) = (Hash([77; 32]), Verifier::new(chain.spec()));
    let key = crate::test_support::chain::test_key(1);
    let payment = |nonce| Transaction {
        sender: key.public(),
        nonce,
        fee: crate::test_support::chain::FEE,
        valid_until: Height(u64::MAX),
        calls: Vec::new(),
        memo: Vec::new(),
    };
    let account = AccountRecord { nonce: BEYOND + 1, ..AccountRecord::default() };
    let fate = |nonce| Fate::of(&payment(nonce), &id, Some(&account), Height(9), &records);
    same!(fate(0), Fate::Taken, "nonce 0, whose taker is out of sight");
    same!(fate(BEYOND), Fate::Replaced { by: records[2].transaction }, "the newest nonce");
    same!(fate(BEYOND + 1), Fate::Open, "the next nonce");

    let page = HistoryPage { head_before: start.head, records, transactions: Vec::new() };
    let read = HistoryPage::from_bytes(&page.to_bytes()).map_err(words)?;
    same!(verifier.page(&read, end), Ok(start), "the page");
    let short = HistoryChain { count: end.count - BEYOND, head: end.head };
    ensure!(verifier.page(&read, short).is_err(), "a history of 2^32 more records passes for {short:?}");
    Ok(())
}

pub(super) fn announced_lengths() -> Verdict {
    let bytes =
        |length: u32| [&[crate::client::BUNDLE_VERSION, Questions::KIND][..], &length.to_le_bytes()].concat();
    same!(Questions::from_bytes(&bytes(0)), Ok(Questions::default()), "no questions");
    for length in [1, 64, 65, 1 << 16, 1 << 28, 1 << 30, 1 << 31, u32::MAX] {
        ensure!(Questions::from_bytes(&bytes(length)).is_err(), "{length} questions that are not there");
    }
    // Everywhere in a bundle with lists in lists: refused, or no length stands there.
    let mut chain = ScriptedChain::new(4, Vec::new());
    (0..3).for_each(|_| chain.advance(&[]));
    let bundle = chain.account_bundle(&chain.genesis(), test_address(1), 0, 50);
    super::codec::canonical::<crate::client::AccountBundle>(&bundle.to_bytes(), |bytes, at| {
        bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff);
    })
}
