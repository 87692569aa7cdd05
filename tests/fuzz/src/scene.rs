//! The chains that inputs are made from and checked against: small, with real keys, seals, votes and proofs.

use std::{collections::BTreeMap, sync::LazyLock};

use light_client::{
    client::{Bundle, Client, Trusted, Verifier},
    consensus::{Buried, Engine, ProofOfWork, engine, genesis, spos::Table, spos::Tables},
    crypto::Hash,
    data_format::{
        Address, Amount, BlockId, ChainId, ChainSpec, EngineSpec, GenesisAccount, Header, Height,
        InstantSpec, Outcome, ProofOfWorkSpec, SealedHeader, SignedTransaction, Slot, Time, TransactionId,
        UNITS_PER_COIN,
    },
    state::{AccountRecord, HistoryRecord},
    test_support::{
        chain::{ScriptedChain, test_address, test_key, test_spec, test_table},
        server::ScriptedServer,
    },
};

/// The account that is asked about.
pub const ASKED: u64 = 1;
/// An account that nobody ever paid.
pub const UNKNOWN: u64 = 99;
/// Rounds of the story.
pub const ROUNDS: u64 = 8;
const SLOTS: u64 = 4;

/// What is true of the chain, and what a light client of it starts from.
pub struct Scene {
    /// The spec.
    pub spec: ChainSpec,
    /// Its id.
    pub chain: ChainId,
    /// The checks of this chain.
    pub verifier: Verifier,
    /// Block 0, as it is trusted.
    pub genesis: Trusted,
    /// The time after the newest block.
    pub now: Time,
    /// The newest header.
    pub head: SealedHeader,
    /// The header at each height.
    pub headers: Vec<SealedHeader>,
    /// The account asked about.
    pub asked: Address,
    /// What it has after each block that can be final.
    pub accounts: BTreeMap<BlockId, Option<AccountRecord>>,
    /// All of its history, oldest first.
    pub history: Vec<HistoryRecord>,
    /// A payment from it.
    pub signed: SignedTransaction,
    /// The id of that.
    pub payment: TransactionId,
    /// What became of that.
    pub outcome: Outcome,
}

/// The scene that every input is checked against.
pub fn scene() -> &'static Scene {
    static SCENE: LazyLock<Scene> = LazyLock::new(|| {
        let mut accounts = BTreeMap::new();
        let mut payment = None;
        let asked = test_address(ASKED);
        let server = story(|server, round| {
            let chain = &server.chain;
            if round == 0 {
                payment = Some(chain.transfer(ASKED, test_address(2), COIN));
            }
            accounts.insert(chain.head().header.id(), chain.account(&asked));
        });
        let chain = &server.chain;
        let genesis = chain.genesis();
        let signed = payment.unwrap();
        let payment = signed.transaction.id(&chain.spec().id());
        let count = chain.account(&asked).unwrap().history_count;
        Scene {
            spec: chain.spec().clone(),
            chain: chain.spec().id(),
            verifier: Verifier::new(chain.spec()),
            now: chain.now(),
            head: chain.head().clone(),
            headers: (0..=chain.head().header.height.0).map(|at| chain.header(Height(at)).clone()).collect(),
            asked,
            accounts,
            history: chain.history_page(&asked, count, count).records,
            signed,
            payment,
            outcome: chain.transaction_bundle(&genesis, &payment).unwrap().outcome,
            genesis,
        }
    });
    &SCENE
}

/// A coin.
pub const COIN: Amount = Amount(UNITS_PER_COIN);

/// Lets a chain grow by some rounds with a few payments; one of its four holders is replaced on the way. `look` is called
/// after block 0 and after each round.
pub fn story(mut look: impl FnMut(&mut ScriptedServer, u64)) -> ScriptedServer {
    let account = |number| GenesisAccount { address: test_address(number), balance: Amount(1_000 * COIN.0) };
    let mut server = ScriptedServer::new(ScriptedChain::new(SLOTS, (1..=3).map(account).collect()));
    look(&mut server, 0);
    for round in 1..=ROUNDS {
        let newer = || Table::new(test_table(&[1000, 1001, 1002, 1004])).unwrap();
        match round {
            4 => {
                let in_force = server.chain.genesis().tables.unwrap().in_force;
                server.chain.set_tables(Tables { in_force, planned: Some(newer().into()) });
            }
            6 => server.chain.set_tables(Tables::settled(newer())),
            _ => {}
        }
        for (from, to) in [(1, 2), (2, 1), (3, 1)] {
            if round % from == 0 && round < ROUNDS {
                let payment = server.chain.transfer(from, test_address(to), COIN);
                server.pool.push(payment);
            }
        }
        server.advance();
        look(&mut server, round);
    }
    server
}

/// A client that trusts block 0, watches the account asked about and knows two servers.
pub fn client(scene: &Scene) -> Client {
    let servers = ["http://a", "http://b"].map(str::to_owned);
    let mut client = Client::new(scene.spec.clone(), scene.genesis.clone(), servers);
    client.watch(scene.asked, scene.now);
    client
}

/// A chain without votes, and a proof that a block of it is final.
pub struct Voteless {
    /// Its consensus model.
    pub engine: std::sync::Arc<dyn Engine>,
    /// Block 0.
    pub genesis: Header,
    /// The proof, as it travels.
    pub anchor: Vec<u8>,
    /// The blocks after block 0.
    pub blocks: Vec<SealedHeader>,
    /// The time of the newest block.
    pub now: Time,
}

/// The spec of a chain of one sealer.
pub fn instant_spec() -> ChainSpec {
    let sealer = Hash(*test_key(1000).public().as_bytes());
    ChainSpec {
        engine: EngineSpec::Instant(InstantSpec { slot_ms: 1_000, sealer }),
        ..test_spec(SLOTS, Vec::new())
    }
}

const WORK: ProofOfWorkSpec = ProofOfWorkSpec {
    slot_ms: 1_000,
    block_ms: 10_000,
    genesis_difficulty: 16,
    half_life_ms: 60_000,
    final_depth: 3,
    block_reward: Amount(5),
};

/// The spec of a chain of work.
pub fn work_spec() -> ChainSpec {
    ChainSpec { engine: EngineSpec::ProofOfWork(WORK), ..test_spec(SLOTS, Vec::new()) }
}

/// A chain of one sealer.
pub fn instant() -> &'static Voteless {
    static CHAIN: LazyLock<Voteless> = LazyLock::new(|| {
        let spec = instant_spec();
        let chain = spec.id();
        voteless(
            &spec,
            |_, header| SealedHeader {
                seal: test_key(1000).sign(&Header::seal_message(&chain, &header.id())),
                header,
            },
            |blocks| light_client::client::Anchor::Sealed(Box::new(blocks[3].clone())),
        )
    });
    &CHAIN
}

/// A chain of work.
pub fn work() -> &'static Voteless {
    static CHAIN: LazyLock<Voteless> = LazyLock::new(|| {
        let spec = work_spec();
        let rules = ProofOfWork::new(spec.id(), *engine(&spec).clock(), &WORK);
        voteless(
            &spec,
            |parent, header| {
                let (id, difficulty) = (header.id(), rules.difficulty_after(parent));
                let seal = (0..).find_map(|nonce| rules.seal(&id, difficulty, &test_address(1), nonce));
                SealedHeader { header, seal: seal.unwrap() }
            },
            |blocks| {
                light_client::client::Anchor::Buried(Box::new(Buried {
                    path: blocks[..2].to_vec(),
                    header: blocks[2].clone(),
                    above: blocks[3..].to_vec(),
                }))
            },
        )
    });
    &CHAIN
}

fn voteless(
    spec: &ChainSpec,
    seal: impl Fn(&Header, Header) -> SealedHeader,
    anchor: impl Fn(&[SealedHeader]) -> light_client::client::Anchor,
) -> Voteless {
    let genesis = genesis(&spec.id(), Hash::ZERO, Hash::ZERO).header;
    let mut blocks: Vec<SealedHeader> = Vec::new();
    for _ in 0..6 {
        let parent = blocks.last().map_or(&genesis, |sealed| &sealed.header).clone();
        let slot = Slot(parent.slot.0 + 9);
        let header = Header { height: parent.height.next(), slot, parent: parent.id(), ..parent.clone() };
        blocks.push(seal(&parent, header));
    }
    let engine = engine(spec);
    let now = engine.time_of(blocks[5].header.slot);
    Voteless { engine, genesis, anchor: anchor(&blocks).to_bytes(), blocks, now }
}
