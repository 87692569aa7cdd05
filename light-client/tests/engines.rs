//! The engines without votes: what they accept, and what a light client makes of their proofs.

#![allow(clippy::unwrap_used, reason = "a broken script must stop the test")]

use std::sync::Arc;

use light_client::{
    block_tree::{BlockTree, Inserted},
    client::{Anchor, AnchorError, Bundle, Trusted},
    consensus::{Buried, Engine, HeaderError, ProofOfWork, engine},
    crypto::{Hash, KeyPair},
    data_format::{
        Amount, ChainSpec, Checkpoint, EngineSpec, Header, Height, InstantSpec, ModuleName, ProofOfWorkSpec,
        SealedHeader, Slot, SpecError, Time,
    },
    test_support::chain::{test_address, test_key, test_spec},
};

const RULES: ProofOfWorkSpec = ProofOfWorkSpec {
    slot_ms: 1_000,
    block_ms: 10_000,
    genesis_difficulty: 64,
    half_life_ms: 60_000,
    final_depth: 3,
    block_reward: Amount(5),
};

fn spec(rules: EngineSpec) -> ChainSpec {
    ChainSpec { engine: rules, modules: vec![ModuleName::Coin], ..test_spec(4, Vec::new()) }
}

fn genesis(spec: &ChainSpec) -> SealedHeader {
    light_client::consensus::genesis(&spec.id(), Hash::ZERO, Hash::ZERO)
}

fn child(parent: &Header, slot: u64) -> Header {
    Header { height: parent.height.next(), slot: Slot(slot), parent: parent.id(), ..parent.clone() }
}

/// A chain of proof of work whose blocks are made in these slots.
struct Mine {
    engine: ProofOfWork,
    shared: Arc<dyn Engine>,
    blocks: Vec<SealedHeader>,
}

impl Mine {
    fn new() -> Self {
        let spec = spec(EngineSpec::ProofOfWork(RULES));
        spec.check().unwrap();
        let shared = engine(&spec);
        let engine = ProofOfWork::new(spec.id(), *shared.clock(), &RULES);
        Self { blocks: vec![genesis(&spec)], engine, shared }
    }

    fn seal(&self, parent: &Header, header: Header) -> SealedHeader {
        let (id, difficulty) = (header.id(), self.engine.difficulty_after(parent));
        let seal =
            (0..).find_map(|nonce| self.engine.seal(&id, difficulty, &test_address(1), nonce)).unwrap();
        SealedHeader { header, seal }
    }

    fn grow(&mut self, count: u64, apart: u64) {
        for _ in 0..count {
            let parent = self.blocks.last().unwrap().header.clone();
            let sealed = self.seal(&parent, child(&parent, parent.slot.0 + apart));
            self.blocks.push(sealed);
        }
    }

    fn trusted(&self, height: usize) -> Trusted {
        Trusted::voteless(&self.blocks[height].header)
    }

    fn buried(&self, from: usize, height: usize, depth: usize) -> Anchor {
        Anchor::Buried(Box::new(Buried {
            path: self.blocks[from + 1..height].to_vec(),
            header: self.blocks[height].clone(),
            above: self.blocks[height + 1..=height + depth].to_vec(),
        }))
    }

    fn now(&self) -> Time {
        self.shared.time_of(self.blocks.last().unwrap().header.slot)
    }
}

#[test]
fn work_is_asked_for_by_height_and_time() {
    let mut mine = Mine::new();
    mine.grow(12, 1);
    // Twelve blocks in twelve seconds are 108 seconds, or nearly two half lives, ahead.
    let difficulty = mine.engine.difficulty_after(&mine.blocks[12].header);
    assert!((220..230).contains(&difficulty), "{difficulty}");
    mine.grow(12, 60);
    assert!(mine.engine.difficulty_after(&mine.blocks[24].header) < 4);
}

#[test]
fn a_seal_without_the_work_is_refused() {
    let mut mine = Mine::new();
    mine.grow(4, 1);
    let (parent, good, now) = (&mine.blocks[3].header, &mine.blocks[4], mine.now());
    let trusted = mine.trusted(0);
    let check = |sealed: &SealedHeader| {
        mine.shared.check_successor(&trusted, parent, sealed, &sealed.header.id(), now)
    };
    assert_eq!(check(good), Ok(()));
    let difficulty = mine.engine.difficulty_after(parent);
    let refused = Err(HeaderError::Work { difficulty });
    let payee = ProofOfWork::payee(good).unwrap();
    assert_eq!(payee, test_address(1));
    // A lesser difficulty, a byte of the seal that means nothing, another header under the same seal.
    let cheap = (0..).find_map(|nonce| mine.engine.seal(&good.header.id(), 1, &payee, nonce)).unwrap();
    assert_eq!(check(&SealedHeader { seal: cheap, ..good.clone() }), refused);
    let mut padded = good.clone();
    padded.seal.0[63] = 1;
    assert_eq!(check(&padded), refused);
    // Work done for one address pays no other.
    let mut stolen = good.clone();
    stolen.seal.0[16..42].copy_from_slice(test_address(2).as_bytes());
    let takes = |nonce| mine.engine.seal(&good.header.id(), difficulty, &test_address(2), nonce).is_some();
    assert_eq!(check(&stolen), if takes(nonce(good)) { Ok(()) } else { refused });
    stolen.seal.0[16..42].copy_from_slice(&[1; 26]);
    assert_eq!(check(&stolen), Err(HeaderError::Seal));
    let mut other = good.clone();
    let lucky = |header: &Header| mine.engine.seal(&header.id(), difficulty, &payee, nonce(good)).is_some();
    other.header.state_root = (1..)
        .map(|byte| Hash([byte; 32]))
        .find(|root| !lucky(&Header { state_root: *root, ..good.header.clone() }))
        .unwrap();
    assert_eq!(check(&other), refused);
    let voting = Header { next_slots: Hash([1; 32]), ..good.header.clone() };
    assert_eq!(check(&mine.seal(parent, voting)), Err(HeaderError::Votes));
    let early = mine.seal(parent, child(parent, parent.slot.0 + 100));
    assert!(matches!(check(&early), Err(HeaderError::SlotEarly { .. })));
}

fn nonce(sealed: &SealedHeader) -> u64 {
    u64::from_be_bytes(*sealed.seal.0.first_chunk().unwrap())
}

#[test]
fn a_light_client_follows_the_work_and_nothing_less() {
    let mut mine = Mine::new();
    mine.grow(10, 7);
    let (trusted, now) = (mine.trusted(0), mine.now());
    let advance = |anchor: &Anchor| mine.shared.advance(&trusted, anchor, now);
    let anchor = mine.buried(0, 7, 3);
    let bytes = anchor.to_bytes();
    assert_eq!(Anchor::from_bytes(&bytes).as_ref(), Ok(&anchor));
    let newer = advance(&anchor).unwrap();
    assert_eq!(newer, mine.trusted(7));
    assert_eq!(
        mine.shared.advance(&newer, &Anchor::Trusted(Box::new(mine.blocks[7].header.clone())), now),
        Ok(newer.clone())
    );

    // An answer to a question from before: it leads through what is trusted by now.
    let later = mine.shared.advance(&mine.trusted(4), &anchor, now).unwrap();
    assert_eq!(later, newer);
    assert_eq!(mine.shared.advance(&newer, &anchor, now).as_ref(), Ok(&newer));

    let error = advance(&mine.buried(0, 8, 2)).unwrap_err();
    assert_eq!(error, AnchorError::Shallow { found: 2, needed: 3 });
    assert!(error.is_lie());
    let mut gap = mine.buried(0, 7, 3);
    let Anchor::Buried(buried) = &mut gap else { panic!("built as buried") };
    buried.path.remove(3);
    assert!(matches!(advance(&gap), Err(AnchorError::Header { error: HeaderError::Parent { .. }, .. })));
    let mut cheap = mine.buried(0, 7, 3);
    let Anchor::Buried(buried) = &mut cheap else { panic!("built as buried") };
    buried.above[2].seal.0[8..16].copy_from_slice(&1_u64.to_be_bytes());
    assert!(matches!(advance(&cheap), Err(AnchorError::Header { error: HeaderError::Work { .. }, .. })));
    let behind = mine.shared.advance(&newer, &mine.buried(0, 5, 3), now).unwrap_err();
    assert!(matches!(behind, AnchorError::Behind { .. }) && !behind.is_lie());

    let mut fork = Mine::new();
    fork.grow(11, 6);
    let conflict = mine.shared.advance(&newer, &fork.buried(0, 7, 3), now).unwrap_err();
    assert!(matches!(conflict, AnchorError::Conflict { .. }) && conflict.is_lie());
    assert_eq!(advance(&Anchor::Sealed(Box::new(mine.blocks[7].clone()))), Err(AnchorError::Kind));
}

#[test]
fn the_branch_with_the_most_work_is_best_and_not_the_longest() {
    let mut mine = Mine::new();
    // Slow blocks are cheap: three of them weigh less than two quick ones on a harder chain.
    mine.grow(6, 1);
    let fork = mine.blocks[6].header.clone();
    let genesis = mine.blocks[0].clone();
    let checkpoint = Checkpoint { id: genesis.header.id(), ..Checkpoint::default() };
    let mut tree = BlockTree::new(Arc::clone(&mine.shared), genesis, checkpoint);
    for sealed in &mine.blocks[1..] {
        assert_eq!(tree.insert(sealed.header.id(), sealed.clone()), Ok(Inserted::Best));
    }
    let branch = |slots: &[u64], tree: &mut BlockTree| {
        let mut parent = fork.clone();
        for slot in slots {
            let sealed = mine.seal(&parent, child(&parent, *slot));
            tree.insert(sealed.header.id(), sealed.clone()).unwrap();
            parent = sealed.header;
        }
        parent.id()
    };
    let long = branch(&[400, 800, 1_200], &mut tree);
    assert_eq!(tree.best(), &long);
    let heavy = branch(&[7, 8], &mut tree);
    assert_eq!(tree.best(), &heavy, "two blocks of more work than the three");
}

#[test]
fn one_seal_makes_an_instant_block_final() {
    let key = test_key(7);
    let light_client::crypto::PublicKey::Ed25519(sealer) = key.public() else { panic!("an Ed25519 key") };
    let spec = spec(EngineSpec::Instant(InstantSpec { slot_ms: 1, sealer: Hash(sealer) }));
    spec.check().unwrap();
    let engine = engine(&spec);
    let start = genesis(&spec);
    let seal = |key: &KeyPair, header: Header| {
        let seal = key.sign(&Header::seal_message(&spec.id(), &header.id()));
        SealedHeader { header, seal }
    };
    let first = seal(&key, child(&start.header, 5));
    let second = seal(&key, child(&first.header, 9));
    let now = engine.time_of(Slot(9));
    let trusted = Trusted::genesis(&start, None);
    assert_eq!(engine.check_successor(&trusted, &first.header, &second, &second.header.id(), now), Ok(()));
    // The light client needs nothing in between.
    let newer = engine.advance(&trusted, &Anchor::Sealed(Box::new(second.clone())), now).unwrap();
    assert_eq!(newer, Trusted::voteless(&second.header));
    let other = seal(&test_key(8), child(&first.header, 9));
    let refused = engine.advance(&trusted, &Anchor::Sealed(Box::new(other)), now).unwrap_err();
    assert_eq!(refused, AnchorError::Header { height: Height(2), error: HeaderError::Seal });
    let twin = seal(&key, Header { state_root: Hash([1; 32]), ..second.header.clone() });
    let conflict = engine.advance(&newer, &Anchor::Sealed(Box::new(twin)), now).unwrap_err();
    assert!(matches!(conflict, AnchorError::Conflict { .. }) && conflict.is_lie());
    let late = seal(&key, child(&second.header, 10_000));
    let early = engine.advance(&newer, &Anchor::Sealed(Box::new(late)), now).unwrap_err();
    assert!(!early.is_lie(), "a clock may be behind");
}

#[test]
fn specs_of_chains_without_supernodes_are_checked() {
    let work = |alter: fn(&mut ProofOfWorkSpec)| {
        let mut rules = RULES;
        alter(&mut rules);
        spec(EngineSpec::ProofOfWork(rules)).check()
    };
    assert_eq!(work(|_| {}), Ok(()));
    assert_eq!(work(|rules| rules.slot_ms = 0), Err(SpecError::TimeStep(0)));
    assert_eq!(work(|rules| rules.block_ms = 9), Err(SpecError::BlockTime { slot_ms: 1_000, block_ms: 9 }));
    assert_eq!(work(|rules| rules.genesis_difficulty = 0), Err(SpecError::Difficulty(0)));
    assert_eq!(work(|rules| rules.half_life_ms = 1), Err(SpecError::HalfLife(1)));
    assert_eq!(work(|rules| rules.final_depth = 0), Err(SpecError::FinalDepth(0)));
    assert_eq!(work(|rules| rules.final_depth = 1_025), Err(SpecError::FinalDepth(1_025)));
    let instant = EngineSpec::Instant(InstantSpec { slot_ms: 1, sealer: Hash([2; 32]) });
    assert_eq!(spec(instant).check(), Err(SpecError::Sealer));
    let leasing = ChainSpec { modules: vec![ModuleName::Lease], ..spec(EngineSpec::ProofOfWork(RULES)) };
    assert_eq!(leasing.check(), Err(SpecError::ModuleWithoutSlots(ModuleName::Lease)));
}
