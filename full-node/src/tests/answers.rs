//! Questions, headers, parameters and receipts: what the node proves, a light client accepts, and it is what the node
//! itself goes by.

use light_client::{
    client::{
        BlockName, Bundle, ChainParameters, Fate, HeaderBundle, ProvenAnswers, Receipt, Settled, StateBundle,
        Trusted, Verifier,
    },
    consensus::spos::Tables,
    crypto::Hash,
    data_format::{Address, Amount, Call, Height, LeaseCall, Status, SupernodeCall, Time, TransactionId},
    state::{
        Answer, HistoryKind, Lease, MAX_PAGE, Question, QuestionError, RequestKind, Standing, SupplyRecord,
    },
    test_support::chain::test_address,
};

use super::{
    harness::{GENESIS, Harness, in_slot},
    scene::{SLOTS, Scene},
};
use crate::node::{AnswerError, NodeError, ReceiptError, SupernodeState, TransactionState};

fn wait<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(answer)
}

/// Somebody who knows the spec and genesis.
struct Client {
    verifier: Verifier,
    genesis: Trusted,
}

impl Client {
    fn new(harness: &Harness) -> Self {
        let tables = Tables::at_genesis(harness.node.spec()).unwrap();
        let genesis = Trusted::genesis(harness.node.genesis(), tables);
        Self { verifier: Verifier::new(harness.node.spec()), genesis }
    }

    fn now(harness: &Harness) -> Time {
        in_slot(harness.slot)
    }

    /// The final block to which the answers belong, and they.
    fn answers(&self, harness: &Harness, questions: &[Question]) -> (Trusted, ProvenAnswers) {
        self.answers_from(harness, &self.genesis, questions)
    }

    /// As [`Client::answers`], from another block on.
    fn answers_from(
        &self,
        harness: &Harness,
        trusted: &Trusted,
        questions: &[Question],
    ) -> (Trusted, ProvenAnswers) {
        let bytes = wait(harness.node.state_bundle(questions.to_vec(), Some(trusted.id))).unwrap();
        let bundle = StateBundle::from_bytes(&bytes).unwrap();
        let proven = self.verifier.answers(trusted, questions, &bundle, Self::now(harness)).unwrap();
        assert_eq!(proven.0.id, harness.node.status().final_block.id);
        proven
    }

    fn leases(&self, harness: &Harness, lessor: Address) -> Vec<Lease> {
        let question = Question::Leases { lessor, after: None, limit: MAX_PAGE };
        let (_, proven) = self.answers(harness, &[question]);
        let Answer::Leases(page) = proven.answers[0].value() else { panic!("leases") };
        assert_eq!(page.next, None);
        page.items.clone()
    }
}

fn lease(to: Address, units: u64) -> Call {
    Call::Lease(LeaseCall::Lease { to, amount: Amount(units) })
}

fn submit(harness: &Harness, from: usize, calls: Vec<Call>) -> TransactionId {
    let nonce = harness.record(&harness.address(from)).nonce;
    harness.node.submit_now(&harness.signed(from, nonce, calls)).unwrap()
}

fn status(harness: &Harness, id: TransactionId) -> Status {
    match wait(harness.node.transaction(id)).unwrap() {
        TransactionState::Included { outcome, .. } => outcome.status,
        other => panic!("in no block: {other:?}"),
    }
}

/// The same chain up to a height: nothing in it depends on chance.
fn until(height: u64) -> Harness {
    let mut harness = Harness::new();
    play(&mut harness, height);
    harness
}

/// Account 0 leases to supernodes 1 and 2 and to somebody who is none; supernode 1 asks for a higher commission.
fn play(harness: &mut Harness, blocks: u64) {
    for block in 0..blocks {
        match block {
            1 => {
                let calls = vec![
                    lease(harness.address(1), 4_000_000_000_000),
                    lease(harness.address(2), 123_456_789),
                    lease(test_address(5), 1_000),
                ];
                submit(harness, 0, calls);
            }
            9 => {
                submit(harness, 0, vec![lease(harness.address(2), 1_000_000_000)]);
                submit(harness, 1, vec![Call::Supernode(SupernodeCall::SetCommission { commission: 2_500 })]);
            }
            _ => {}
        }
        harness.step();
    }
}

#[test]
fn proven_interest_is_what_a_claim_pays_out() {
    let harness = until(34);
    let client = Client::new(&harness);
    let (lessor, final_block) = (harness.address(0), harness.node.status().final_block);
    let leases = client.leases(&harness, lessor);
    // Two supernodes, somebody who is none, and the lessor's own stake.
    let supernodes: Vec<Address> = leases.iter().map(|lease| lease.supernode).collect();
    let mut expected = vec![harness.address(0), harness.address(1), harness.address(2), test_address(5)];
    expected.sort_unstable();
    assert_eq!(supernodes, expected);
    let (mut compared, mut nothing) = (0, 0);
    for lease in leases {
        let mut claimed = until(final_block.height.0);
        assert_eq!(claimed.node.status().head.id, final_block.id, "the block that the answer is about");
        // The next block belongs to one of them, whose stake earns before anything else happens.
        let minter = claimed.address(((claimed.slot + 1) % SLOTS) as usize);
        if lease.supernode == minter {
            continue;
        }
        let before = claimed.record(&lessor);
        let id = submit(&claimed, 0, vec![Call::Lease(LeaseCall::Claim { from: lease.supernode })]);
        claimed.step();
        let history = claimed.snapshot().history(&lessor, before.history_count, u64::MAX, 10).unwrap();
        let paid = |kind| {
            let of_kind = history.iter().filter(|entry| entry.record.kind == kind);
            Amount(of_kind.map(|entry| entry.record.delta.unsigned_abs()).sum())
        };
        if lease.supernode == test_address(5) {
            assert_eq!((status(&claimed, id), lease.interest), (Status::NothingToClaim, Amount::ZERO));
            nothing += 1;
            continue;
        }
        assert_eq!(paid(HistoryKind::Interest), lease.interest, "{lease:?}");
        assert!(lease.interest > Amount::ZERO || lease.supernode == harness.address(2));
        if lease.supernode == lessor {
            assert_eq!(paid(HistoryKind::Commission), lease.pool.owed, "what waits for the supernode itself");
        }
        compared += 1;
    }
    assert_eq!(nothing, 1);
    assert!(compared >= 2);
}

#[test]
fn a_lease_to_somebody_who_is_no_supernode_is_proven_to_earn_nothing() {
    let harness = until(44);
    let client = Client::new(&harness);
    let nobody = test_address(5);
    let questions = [
        Question::Leases { lessor: harness.address(0), after: None, limit: MAX_PAGE },
        Question::Supernode(nobody),
    ];
    let (_, proven) = client.answers(&harness, &questions);
    let Answer::Leases(leases) = proven.answers[0].value() else { panic!("leases") };
    let Answer::Supernode(standing) = proven.answers[1].value() else { panic!("a standing") };
    let slots = proven.slots.unwrap();
    for lease in &leases.items {
        let earns = slots.value().position(&lease.supernode).is_some();
        assert_eq!(earns, lease.supernode != nobody);
        assert_eq!(earns, lease.interest > Amount::ZERO, "{lease:?}");
        assert_eq!(earns, lease.pool.accumulator > 0);
    }
    assert_eq!(standing.record, None, "it never held or wanted a slot");
    assert_eq!(standing.pool.unwrap().earning, Amount(1_000), "the stake is there");
    assert_eq!(standing.account.unwrap().leased_in, Amount(1_000));
}

/// What the node tells people of a supernode, from a proven standing.
fn told(standing: &Standing, proven: &ProvenAnswers) -> SupernodeState {
    let slots = proven.slots.as_ref().unwrap().value();
    let (record, account) = (standing.record.unwrap(), standing.account.unwrap());
    let pool = standing.pool.unwrap();
    SupernodeState {
        address: standing.address,
        slot: slots.position(&standing.address),
        planned: slots.planned.as_ref().and_then(|planned| planned.position(&standing.address)),
        minting_key: record.minting_key,
        commission: pool.commission,
        raised: pool.raised,
        reward_address: record.reward_address,
        effective: account.effective(),
        minting_average: standing.minting_average,
        leased_in: account.leased_in,
        pool: Amount(pool.earning.units() + pool.fresh.units()),
        unclaimed: pool.owed,
        idle_rounds: standing.idle_rounds,
        banned: standing.banned,
        banned_until: standing.banned_until,
        waiting: record.waiting,
    }
}

#[test]
fn the_holders_stand_as_the_node_says_after_the_same_block() {
    for blocks in [0, 11, 30] {
        let harness = until(blocks);
        let client = Client::new(&harness);
        let (trusted, proven) = client.answers(&harness, &[Question::Holders, Question::Supply]);
        let then = until(trusted.height.0);
        let claimed = wait(then.node.supernodes()).unwrap();
        assert_eq!(claimed.height, trusted.height);
        let Answer::Holders(holders) = proven.answers[0].value() else { panic!("holders") };
        let told: Vec<_> = holders.iter().map(|standing| told(standing, &proven)).collect();
        assert_eq!(told, claimed.supernodes);
        assert_eq!(told.len(), 4);
        let head = then.snapshot().head().unwrap().unwrap();
        let root = then.snapshot().version(&head).unwrap().unwrap().root;
        let supply = SupplyRecord::read(&mut then.snapshot().state(root)).unwrap().unwrap();
        assert_eq!(proven.answers[1].value(), &Answer::Supply(supply));
    }
}

#[test]
fn what_waits_for_its_turn_is_proven_and_then_that_it_is_over() {
    let mut scene = Scene::with_rules(|spos| spos.min_filled = 1, &[0, 1, 2, 3]);
    let client = Client::new(&scene.harness);
    scene.harness.steps(5);
    // Both are asked for in one block, and planned one after the other.
    let release = || vec![Call::Supernode(SupernodeCall::Release)];
    submit(&scene.harness, 3, release());
    submit(&scene.harness, 2, release());
    let question = [Question::Requests { after: None, limit: MAX_PAGE }];
    let (mut trusted, mut waited, mut planned, mut gone) = (client.genesis.clone(), 0, 0, 0);
    for _ in 0..40 {
        scene.harness.step();
        // Half of those who vote at genesis go: trust has to move along.
        let (newer, proven) = client.answers_from(&scene.harness, &trusted, &question);
        trusted = newer;
        let Answer::Requests(page) = proven.answers[0].value() else { panic!("requests") };
        let slots = proven.slots.unwrap();
        assert!(page.items.len() <= 1 && page.next.is_none());
        if let [(place, request)] = &page.items[..] {
            assert_eq!((place.kind, request.change.kind()), (RequestKind::Release, RequestKind::Release));
            let address = request.address;
            assert!([2, 3].map(|index| scene.harness.address(index)).contains(&address));
            assert!(slots.value().position(&address).is_some(), "it still mints");
            waited += 1;
        }
        planned += usize::from(slots.value().planned.is_some());
        gone +=
            usize::from((2..4).all(|index| slots.value().position(&scene.harness.address(index)).is_none()));
    }
    assert!(waited > 2 && planned > 4 && gone > 0, "{waited} {planned} {gone}");
}

#[test]
fn receipts_are_given_for_final_blocks_alone_and_a_failed_transaction_says_so() {
    let mut harness = Harness::new();
    let client = Client::new(&harness);
    harness.steps(6);
    let paid = harness.pay(1, harness.address(2), 77);
    let cancel = Call::Lease(LeaseCall::Cancel { from: harness.address(2), amount: Amount(5) });
    let failed = submit(&harness, 0, vec![cancel]);
    let trusted = Some(client.genesis.id);
    let refused = |harness: &Harness, id| wait(harness.node.receipt(id, trusted)).unwrap_err();
    assert!(matches!(refused(&harness, paid), ReceiptError::NotInBlock(id) if id == paid));
    assert!(matches!(refused(&harness, Hash([3; 32])), ReceiptError::NotInBlock(_)));
    let stranger = wait(harness.node.receipt(paid, Some(Hash([8; 32]))));
    assert!(matches!(stranger, Err(ReceiptError::NotInBlock(_))));
    let mut early = 0;
    loop {
        harness.step();
        match wait(harness.node.receipt(paid, trusted)) {
            Err(ReceiptError::NotFinal { height: Height(7), final_height }) => {
                assert!(final_height < Height(7));
                early += 1;
            }
            given => break drop(given.unwrap()),
        }
    }
    assert!(early > 4, "{early}");
    let unknown = wait(harness.node.receipt(paid, Some(Hash([8; 32]))));
    assert!(matches!(unknown, Err(ReceiptError::Node(NodeError::UnknownTrusted(_)))));
    let middle = client.answers(&harness, &[Question::Supply]).0;
    harness.steps(12);
    for (id, sender, succeeds) in [(paid, 1, true), (failed, 0, false)] {
        // Whoever trusts a block, before or after the payment's, gets a receipt from there.
        for from in [&client.genesis, &middle, &client.answers(&harness, &[Question::Supply]).0] {
            let bytes = wait(harness.node.receipt(id, Some(from.id))).unwrap();
            assert!(bytes.len() < 3_000, "{}", bytes.len());
            let receipt = Receipt::from_bytes(&bytes).unwrap();
            assert_eq!((receipt.from, receipt.from_height), (from.id, from.height));
            let (_, proven) = client.verifier.receipt(from, &receipt, Client::now(&harness)).unwrap();
            let payment = proven.value();
            assert_eq!((payment.id, payment.sender), (id, harness.address(sender)));
            assert_eq!((payment.succeeded(), payment.outcome.status), (succeeds, status(&harness, id)));
            assert_eq!(payment.block.id, harness.block(7).header.header.id());
            assert_eq!((payment.time, &payment.transaction.memo[..]), (GENESIS.plus_ms(7_000), &b"memo"[..]));
        }
    }
}

#[test]
fn every_header_is_proven_and_so_are_the_blocks_of_records_and_the_parameters() {
    let mut harness = Harness::new();
    let client = Client::new(&harness);
    let paid = harness.pay(0, harness.address(1), 5);
    harness.steps(25);
    let trusted = Some(client.genesis.id);
    let now = Client::now(&harness);
    let proven = |name| {
        let bytes = wait(harness.node.header_bundle(name, trusted)).unwrap().unwrap();
        let bundle = HeaderBundle::from_bytes(&bytes).unwrap();
        client.verifier.header(&client.genesis, name, &bundle, now).unwrap().1
    };
    let final_height = harness.node.status().final_block.height;
    for height in 0..=harness.head().0 {
        let header = harness.block(height).header.header;
        for name in [BlockName::Height(Height(height)), BlockName::Id(header.id())] {
            let found = proven(name);
            assert_eq!(found.value(), &header);
            assert_eq!(matches!(found, Settled::Final(_)), Height(height) <= final_height);
        }
    }
    for name in [
        BlockName::Height(harness.head().next()),
        BlockName::Id(Hash([1; 32])),
        BlockName::Height(Height(u64::MAX)),
    ] {
        assert!(wait(harness.node.header_bundle(name, trusted)).unwrap().is_none(), "{name}");
    }
    let entries = harness.snapshot().history(&harness.address(0), 0, u64::MAX, 100).unwrap();
    let record = entries.iter().map(|entry| entry.record).find(|record| record.transaction == paid).unwrap();
    let block = client.verifier.block_of(&record, &proven(BlockName::Height(record.height))).unwrap();
    assert_eq!(block.id, harness.block(1).header.header.id());

    let bytes = wait(harness.node.parameters_bundle()).unwrap();
    let spec = ChainParameters::from_bytes(&bytes).unwrap().check(client.verifier.chain()).unwrap();
    assert_eq!(&spec, &**harness.node.spec());
}

#[test]
fn expiry_is_proven_from_the_account_alone() {
    let mut harness = Harness::new();
    let client = Client::new(&harness);
    let mut late = harness.transfer(0, 0, harness.address(1), 5).transaction;
    late.valid_until = Height(9);
    let fate = |harness: &Harness| {
        let (trusted, proven) = client.answers(harness, &[Question::Account(harness.address(0))]);
        (trusted.height, client.verifier.fate(&late, &proven.answers[0]).unwrap())
    };
    let mut seen = Vec::new();
    for _ in 0..24 {
        harness.step();
        let (height, fate) = fate(&harness);
        assert_eq!(fate, if height < Height(9) { Fate::Open } else { Fate::Expired });
        seen.push(fate);
    }
    assert!(seen.contains(&Fate::Open) && seen.contains(&Fate::Expired));
    // Nothing that comes later takes that back: the pool does not even take it.
    let signed = late.clone().sign(&harness.node.chain(), harness.funded(0));
    assert!(harness.node.submit_now(&signed).is_err());
    harness.pay(0, harness.address(1), 5);
    harness.steps(16);
    assert_eq!(fate(&harness).1, Fate::Taken);
}

#[test]
fn too_many_questions_are_refused_and_a_strange_checkpoint_too() {
    let harness = until(3);
    let many = vec![Question::Supply; 65];
    let refused = wait(harness.node.state_bundle(many, None)).unwrap_err();
    assert!(matches!(refused, AnswerError::Question(QuestionError::Count(65))));
    let refused = wait(harness.node.state_bundle(vec![Question::Supply], Some(Hash([7; 32])))).unwrap_err();
    assert!(matches!(refused, AnswerError::Node(NodeError::UnknownTrusted(_))), "{refused}");
}
