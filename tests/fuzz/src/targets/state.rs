//! The authenticated state: proofs from servers, and what stands in it.

use std::ops::Bound;

use borsh::{BorshDeserialize, BorshSerialize};
use light_client::{
    crypto::Hash,
    data_format::codec::encode,
    state::{
        AccountRecord, Asset, Ban, Certificates, HistoryChain, HistoryRecord, MAX_VALUE_BYTES, MemoryStore,
        MintingAverage, Order, Pool, Position, Request, Root, RoundEnd, StoredNode, Supernode, SupplyRecord,
        Trie, TrieError, UnknownNode, Witness, WitnessError, balance_of, verify,
    },
    test_support::chain::test_address,
};

use super::{assert_same, reach, read};
use crate::{
    Decoder, KIB, Reach, Seed, Target,
    scene::{scene, story},
};

/// The authenticated state: proofs from servers, and what stands in it.
pub const STATE: Target = Target {
    name: "state",
    decoders: &[
        Decoder::new("range", range, 4, 320 * KIB),
        // Whoever makes up the root too gets a hundred bytes a node. No stranger does: see [`Trie::from_witness`].
        Decoder::new("any-witness", any_witness, 512, 320 * KIB),
        Decoder::new("node", node, 4, KIB),
        Decoder::new("records", records, 4, KIB),
        Decoder::new("history", history, 4, 8 * KIB),
    ],
    seeds,
};

/// Bytes of a witness here, at most.
const LIMIT: usize = 256 * 1024;

/// Keys with values of every length.
fn trie() -> (MemoryStore, Root) {
    let mut store = MemoryStore::new();
    let mut trie = Trie::open(Root::EMPTY, &store);
    for number in 0..40_u8 {
        let key = [number % 3, number, number.reverse_bits()];
        trie.insert(&key, &vec![number; usize::from(number)]).unwrap();
    }
    let changes = trie.commit(store.next_id());
    store.apply(&changes);
    (store, changes.root)
}

enum Failure {
    Witness,
    Trie,
}

impl From<WitnessError> for Failure {
    fn from(_: WitnessError) -> Self {
        Self::Witness
    }
}

impl From<TrieError<UnknownNode>> for Failure {
    fn from(_: TrieError<UnknownNode>) -> Self {
        Self::Trie
    }
}

/// A key and its value.
type Pair = (Vec<u8>, Vec<u8>);

/// A page of the state that is proven to be whole.
fn range(bytes: &[u8]) -> Reach {
    static ROOT: std::sync::LazyLock<Hash> = std::sync::LazyLock::new(|| trie().1.hash);
    let found = verify(bytes, LIMIT, *ROOT, |trie| Ok::<_, Failure>(page(trie)?));
    match found {
        Ok(found) => {
            let (store, root) = trie();
            let mut trie = Trie::open(root, &store);
            assert!(page(&mut trie).is_ok_and(|real| real == found), "a forged page");
            // For these reads there is one witness.
            assert_same(&trie.witness(), bytes);
            Reach::Held
        }
        Err(Failure::Trie) => Reach::Read,
        Err(Failure::Witness) => Reach::Refused,
    }
}

fn page<S: light_client::state::NodeStore>(trie: &mut Trie<S>) -> Result<Vec<Pair>, TrieError<S::Error>> {
    let from = Bound::Included(&[1, 5][..]);
    let entries = trie.range(from, Bound::Excluded(&[2]), Order::Descending).take(4);
    entries.map(|entry| entry.map(|entry| (entry.key.to_vec(), entry.value.to_vec()))).collect()
}

/// A witness of a trie that its sender made up: everything in it can be read and changed.
fn any_witness(bytes: &[u8]) -> Reach {
    let Ok(witness) = Witness::decode(bytes, LIMIT) else { return Reach::Refused };
    let Some(root) = witness.root_hash() else { return Reach::Read };
    let mut trie = Trie::from_witness(bytes, LIMIT, root).unwrap();
    let read: Vec<_> = trie.range(Bound::Unbounded, Bound::Unbounded, Order::Ascending).collect();
    let whole = read.iter().all(Result::is_ok);
    assert!(!whole || read.len() as u64 == trie.count());
    let ranked = trie.ranked(trie.count() / 2).take(100).filter(Result::is_ok).count() as u64;
    assert!(!whole || ranked == 100.min(trie.count() - trie.count() / 2));
    let _: Result<_, _> = trie.sub_root(&[1]);
    let _: Result<_, _> = AccountRecord::read(&mut trie, &test_address(1));
    if whole {
        assert_same(&trie.witness(), bytes);
    }
    for key in [&[1, 5][..], &[]] {
        let _: Result<_, _> = trie.insert(key, b"new");
        let _: Result<_, _> = trie.remove(key);
    }
    let _: Hash = trie.root_hash();
    reach(trie.finish().is_ok())
}

fn node(bytes: &[u8]) -> Reach {
    let Ok(node) = StoredNode::from_bytes(bytes) else { return Reach::Refused };
    assert_same(&node.to_bytes(), bytes);
    let _: (Hash, u64) = (node.hash(), node.count());
    Reach::Held
}

/// A record of each kind that stands in the state, chosen by the first byte.
fn records(bytes: &[u8]) -> Reach {
    fn record<T: BorshDeserialize + BorshSerialize>(bytes: &[u8]) -> Reach {
        if read::<T>(bytes, MAX_VALUE_BYTES).is_some() { Reach::Held } else { Reach::Refused }
    }
    let Some((kind, bytes)) = bytes.split_first() else { return Reach::Refused };
    match kind {
        0 => record::<AccountRecord>(bytes),
        1 => record::<SupplyRecord>(bytes),
        2 => record::<Supernode>(bytes),
        3 => record::<Ban>(bytes),
        4 => record::<Certificates>(bytes),
        5 => record::<Request>(bytes),
        6 => record::<Pool>(bytes),
        7 => record::<Position>(bytes),
        8 => record::<RoundEnd>(bytes),
        9 => record::<MintingAverage>(bytes),
        _ => Reach::Refused,
    }
}

/// History records from the first on.
fn history(bytes: &[u8]) -> Reach {
    let Some(records) = read::<Vec<HistoryRecord>>(bytes, LIMIT) else { return Reach::Refused };
    let chain = records.iter().try_fold(HistoryChain::EMPTY, HistoryChain::append);
    let sums = [Asset::Coin, Asset::LeasedOut, Asset::LeasedIn].map(|asset| balance_of(&records, asset));
    let end = scene().accounts[&scene().head.header.id()].unwrap().history();
    assert!(chain != Ok(end) || records == scene().history, "a forged history");
    reach(chain.is_ok() && sums.iter().all(Result::is_ok))
}

fn seeds() -> Vec<Seed> {
    let (store, root) = trie();
    let mut trie = Trie::open(root, &store);
    page(&mut trie).unwrap();
    let page = trie.witness();
    let mut trie = Trie::open(root, &store);
    for entry in trie.range(Bound::Unbounded, Bound::Unbounded, Order::Ascending) {
        entry.unwrap();
    }
    let whole = trie.witness();
    let server = story(|_, _| ());
    let account = server.chain.account_bundle(&scene().genesis, scene().asked, 0, 0).witness;
    let mut seeds = vec![
        Seed::held("range", "page", page.clone()),
        Seed::held("any-witness", "whole", whole),
        Seed::read("any-witness", "page", page),
        Seed::held("any-witness", "account", account),
        Seed::held("history", "all", encode(&scene().history)),
    ];
    let nodes = ["root", "second", "third", "fourth"];
    let mut stored = Vec::new();
    let mut place = root.id;
    while let Some(id) = place {
        let node = light_client::state::NodeStore::node(&store, id).unwrap();
        stored.push(node.to_bytes());
        place = match &*node {
            StoredNode::Inner { children, .. } => children[1].id,
            StoredNode::Leaf { .. } => None,
        };
    }
    seeds.extend(nodes.into_iter().zip(stored).map(|(name, bytes)| Seed::held("node", name, bytes)));
    let account = scene().accounts[&scene().head.header.id()].unwrap();
    seeds.push(Seed::held("records", "account", [&[0][..], &encode(&account)].concat()));
    seeds
}
