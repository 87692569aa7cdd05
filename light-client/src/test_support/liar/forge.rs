//! What a liar can compute: other states, hashed anew, and votes by the keys that it has.

use super::{lists, stage::Stage};
use crate::{
    consensus::spos::{Beacon, SignerSet},
    crypto::{Hash, Signature},
    data_format::{Address, Header, Vote},
    state::{AccountRecord, MemoryStore, Root, Trie, account_key},
    test_support::chain::{ScriptedChain, test_key},
};

/// Another hash.
pub(super) fn flip(hash: &mut Hash) {
    hash.0[7] ^= 0x10;
}

/// A list of hashes that leads elsewhere.
pub(super) fn paths(honest: &[Hash]) -> Vec<(String, Vec<Hash>)> {
    let longer = |hash: Hash| [honest, &[hash]].concat();
    let mut paths = vec![
        ("a hash more".to_owned(), longer(Hash([3; 32]))),
        ("zeros more".to_owned(), longer(Hash::ZERO)),
        ("as many as fit".to_owned(), vec![Hash([3; 32]); 32]),
        ("more than fit".to_owned(), vec![Hash([3; 32]); 129]),
    ];
    paths.extend(lists::edits(honest));
    let ways: [lists::Way<Hash>; 3] = [
        ("a bit", flip),
        ("the last byte", |hash| hash.0[31] = !hash.0[31]),
        ("zeros in place", |hash| *hash = Hash::ZERO),
    ];
    paths.extend(lists::changes(honest, &ways));
    paths
}

/// A state with a change, and the hash of its root.
pub(super) struct Forged {
    root: Root,
    nodes: MemoryStore,
}

impl Forged {
    /// The state after a block of a chain with a change.
    pub(super) fn of(
        chain: &ScriptedChain,
        block: usize,
        change: impl FnOnce(&mut Trie<&MemoryStore>),
    ) -> Self {
        let mut nodes = chain.nodes.clone();
        let mut trie = Trie::open(chain.blocks[block].state, &chain.nodes);
        change(&mut trie);
        let changes = trie.commit(nodes.next_id());
        nodes.apply(&changes);
        Self { root: changes.root, nodes }
    }

    /// The hash of its root.
    pub(super) const fn root(&self) -> Hash {
        self.root.hash
    }

    /// The witness of some reads of it.
    pub(super) fn witness(&self, reads: impl FnOnce(&mut Trie<&MemoryStore>)) -> Vec<u8> {
        let mut trie = Trie::open(self.root, &self.nodes);
        reads(&mut trie);
        trie.witness()
    }
}

/// The states in which an account has something else.
pub(super) fn accounts(stage: &Stage, address: &Address) -> Vec<(String, Forged)> {
    let ways: [lists::Way<AccountRecord>; 10] = [
        ("one unit more", |record| record.balance.0 += 1),
        ("nothing", |record| record.balance.0 = 0),
        ("the greatest balance", |record| record.balance.0 = u64::MAX),
        ("the next nonce", |record| record.nonce += 1),
        ("no nonce", |record| record.nonce = 0),
        ("one record less", |record| record.history_count = record.history_count.saturating_sub(1)),
        ("one record more", |record| record.history_count += 1),
        ("another head", |record| flip(&mut record.history_head)),
        ("leased coins", |record| record.leased_out.0 += 1),
        ("a supernode", |record| record.is_supernode = !record.is_supernode),
    ];
    let (chain, at) = (&stage.server.chain, stage.anchored);
    let mut forged: Vec<(String, Forged)> = ways
        .into_iter()
        .map(|(name, way)| {
            let state = Forged::of(chain, at, |trie| {
                let mut record = AccountRecord::read(trie, address)
                    .unwrap()
                    .unwrap_or(AccountRecord { history_count: 1, ..AccountRecord::default() });
                way(&mut record);
                record.write(trie, address).unwrap();
            });
            (name.to_owned(), state)
        })
        .collect();
    let absent = Forged::of(chain, at, |trie| {
        trie.remove(&account_key(address)).unwrap();
    });
    forged.push(("no such account".to_owned(), absent));
    forged
}

/// Beacons of a forged header: as the honest signatures are, and signed by too few of those who may, in all the ways in
/// which few can look like many.
pub(super) fn beacons(stage: &Stage, source: &Header) -> Vec<(String, Beacon)> {
    let honest = Beacon { source: source.clone(), ..stage.beacon.clone() };
    let link = honest.link();
    let sign =
        |key: u64| Vote::sign(link, &stage.server.chain.spec().id(), &test_key(key)).unwrap().signature;
    let (one, two, stranger) = (sign(1_000), sign(1_001), sign(2_000));
    let old = honest.signatures[0];
    let signed = |name: &str, signers: &[usize], signatures: &[Signature]| {
        let signers = SignerSet::of(signers.iter().copied());
        (format!("signed by {name}"), Beacon { signers, signatures: signatures.to_vec(), ..honest.clone() })
    };
    vec![
        ("under the honest signatures".to_owned(), honest.clone()),
        signed("nobody", &[], &[]),
        signed("one", &[0], &[one]),
        signed("two", &[0, 1], &[one, two]),
        signed("one for all", &[0, 1, 2, 3], &[one; 4]),
        signed("two and one twice", &[0, 1, 2], &[one, two, two]),
        signed("two and a stranger", &[0, 1, 2], &[one, two, stranger]),
        signed("two and an old signature", &[0, 1, 2], &[one, two, old]),
        signed("two and zeros", &[0, 1, 2, 3], &[one, two, Signature([0; 64]), Signature([0; 64])]),
        signed("two where three are named", &[0, 1, 2], &[one, two]),
        signed("two in the wrong order", &[0, 1], &[two, one]),
    ]
}
