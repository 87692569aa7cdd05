//! Questions to a state, asked of the whole and of a witness.

use crate::{
    crypto::{Hash, PublicKey},
    data_format::{Address, Amount, Height, Network, Round},
    state::{
        AccountRecord, Answer, AskError, Ban, Certificates, Changes, Lease, MAX_PAGE, MAX_QUESTIONS,
        MAX_READS, MemoryStore, MintingAverage, Moment, NodeStore, Page, Pool, Position, Question,
        QuestionError, Request, RequestKind, RequestPlace, Root, SlotChange, Stake, StakeError, StateError,
        Supernode, SupplyRecord, Trie, TrieError, UnknownNode, WitnessError, ask_all, position_key,
        request_key, verify,
    },
};

const LESSOR: u8 = 1;
/// Supernodes have numbers from here on.
const FIRST: u8 = 10;
const LIMIT: usize = 1 << 20;

fn address(number: u8) -> Address {
    Address::of(&PublicKey::Ed25519([number; 32]), Network::Test)
}

fn moment() -> Moment {
    let holders = [FIRST, FIRST + 1].map(address).to_vec();
    Moment { height: Height(40), round: Round(10), average_window: 100, holders }
}

fn place(index: u32) -> RequestPlace {
    RequestPlace { kind: RequestKind::Contend, height: Height(7), index }
}

fn request(number: u8) -> Request {
    let change = SlotChange::Contend { slot: 3, key: Hash([number; 32]) };
    Request { address: address(number), change }
}

/// Somebody leases 100 units each to four supernodes, of which the first two have made blocks, and 7 units to somebody who
/// is none; the first leased them in round 8, the second in the round of the block.
fn write(trie: &mut Trie<&MemoryStore>) {
    let lessor = address(LESSOR);
    for (number, since) in [(FIRST, 8), (FIRST + 1, 10), (FIRST + 2, 9), (FIRST + 3, 9), (99, 9)] {
        let supernode = address(number);
        let mut stake = Stake { pool: Pool::default(), position: Position::default(), end: None };
        stake.pool.set_commission(1_000, Round(0));
        (stake.pool.commission, stake.pool.raised) = (1_000, Some((2_000, Round(10))));
        stake.pool.advance(Round(since));
        stake.increase(Amount(if number == 99 { 7 } else { 100 })).unwrap();
        if number < FIRST + 2 {
            // In the round it was leased in, it does not earn.
            stake.pool.reward(Amount(50)).unwrap();
            if let Some((round, end)) = stake.pool.advance(Round(9.max(since))) {
                end.write(trie, &supernode, round).unwrap();
            }
            stake.pool.reward(Amount(333)).unwrap();
        }
        stake.pool.write(trie, &supernode).unwrap();
        stake.position.write(trie, &lessor, &supernode).unwrap();
    }
    let record = Supernode {
        minting_key: Hash([4; 32]),
        ban: Some(Ban { punished: Round(3), until: Some(Round(20)) }),
        active: 5,
        ..Supernode::default()
    };
    record.write(trie, &address(FIRST)).unwrap();
    Supernode::default().write(trie, &address(FIRST + 1)).unwrap();
    Supernode::write_owner_of_key(trie, &Hash([4; 32]), &address(FIRST)).unwrap();
    Certificates(9).write(trie).unwrap();
    SupplyRecord { genesis: Amount(1_000), minted: Amount(8), burned: Amount(3) }.write(trie).unwrap();
    let average = MintingAverage { height: Height(31), effective: Amount(500), weighted: Amount(100) };
    let account = AccountRecord { balance: Amount(500), average, ..AccountRecord::default() };
    account.write(trie, &address(FIRST)).unwrap();
    account.write(trie, &lessor).unwrap();
    for index in 0..3 {
        request(20 + index as u8).write(trie, &place(index)).unwrap();
    }
}

fn state(also: impl FnOnce(&mut Trie<&MemoryStore>)) -> (MemoryStore, Root) {
    let mut store = MemoryStore::new();
    let mut trie = Trie::open(Root::EMPTY, &store);
    write(&mut trie);
    also(&mut trie);
    let changes: Changes = trie.commit(store.next_id());
    store.apply(&changes);
    (store, changes.root)
}

fn leases(after: Option<u8>, limit: u8) -> Question {
    Question::Leases { lessor: address(LESSOR), after: after.map(address), limit }
}

fn everything() -> Vec<Question> {
    vec![
        Question::Account(address(LESSOR)),
        Question::Account(address(2)),
        Question::Supernode(address(FIRST)),
        Question::Supernode(address(99)),
        Question::Holders,
        leases(None, MAX_PAGE),
        Question::Requests { after: None, limit: MAX_PAGE },
        Question::MintingKey(Hash([4; 32])),
        Question::MintingKey(Hash([5; 32])),
        Question::Supply,
    ]
}

#[derive(Debug, PartialEq)]
enum Failure {
    Witness(WitnessError),
    Ask(AskError<UnknownNode>),
}

impl From<WitnessError> for Failure {
    fn from(error: WitnessError) -> Self {
        Self::Witness(error)
    }
}

fn witness(store: &MemoryStore, root: Root, questions: &[Question]) -> Vec<u8> {
    let mut trie = Trie::open(root, store);
    ask_all(&mut trie, &moment(), questions).unwrap();
    trie.witness()
}

fn check(bytes: &[u8], root: Root, questions: &[Question]) -> Result<Vec<Answer>, Failure> {
    verify(bytes, LIMIT, root.hash, |trie| ask_all(trie, &moment(), questions).map_err(Failure::Ask))
}

fn asked<S: NodeStore>(trie: &mut Trie<S>, question: Question) -> Answer
where
    S::Error: std::fmt::Debug,
{
    ask_all(trie, &moment(), &[question]).unwrap().remove(0)
}

#[test]
fn a_witness_gives_the_same_answers_as_the_state() {
    let (store, root) = state(|_| {});
    let questions = everything();
    let all = ask_all(&mut Trie::open(root, &store), &moment(), &questions).unwrap();
    let bytes = witness(&store, root, &questions);
    assert_eq!(check(&bytes, root, &questions), Ok(all));
    for question in &questions {
        let bytes = witness(&store, root, &[*question]);
        let own = asked(&mut Trie::open(root, &store), *question);
        assert_eq!(check(&bytes, root, &[*question]), Ok(vec![own]));
    }
}

#[test]
fn a_witness_of_other_questions_is_refused() {
    let (store, root) = state(|_| {});
    let questions = everything();
    let bytes = witness(&store, root, &questions);
    let without = &questions[..questions.len() - 1];
    assert!(matches!(check(&bytes, root, without), Err(Failure::Witness(WitnessError::Untouched { .. }))));
    let less = witness(&store, root, without);
    let pruned = check(&less, root, &questions);
    let Err(Failure::Ask(AskError::State(StateError::Trie(error)))) = pruned else { panic!("{pruned:?}") };
    assert!(matches!(error, TrieError::Pruned { .. } | TrieError::PrunedValue { .. }));
    let trailing = [&bytes[..], &[0]].concat();
    assert!(matches!(
        check(&trailing, root, &questions),
        Err(Failure::Witness(WitnessError::Malformed { .. }))
    ));
    // A page that ends early is no page of all.
    let short = witness(&store, root, &[leases(None, 2)]);
    assert!(check(&short, root, &[leases(None, 3)]).is_err());
    let long = witness(&store, root, &[leases(None, 3)]);
    assert!(check(&long, root, &[leases(None, 2)]).is_err());
}

#[test]
fn a_flipped_byte_never_changes_an_answer() {
    let (store, root) = state(|_| {});
    let questions = everything();
    let bytes = witness(&store, root, &questions);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(check(&altered, root, &questions).is_err(), "byte {at}");
        assert!(check(&bytes[..at], root, &questions).is_err(), "cut at {at}");
    }
}

fn lease(trie: &mut Trie<&MemoryStore>, number: u8) -> Lease {
    let Answer::Leases(Page { items, .. }) = asked(trie, leases(None, MAX_PAGE)) else { panic!("leases") };
    *items.iter().find(|lease| lease.supernode == address(number)).unwrap()
}

#[test]
fn interest_is_what_a_claim_would_pay_out() {
    let (store, root) = state(|_| {});
    let trie = &mut Trie::open(root, &store);
    // One block less the commission of a tenth, which is rounded down.
    let first = lease(trie, FIRST);
    assert_eq!((first.position.amount, first.position.fresh), (Amount(100), Amount::ZERO));
    assert_eq!((first.interest, first.pool.commission), (Amount(300), 2_000), "{first:?}");
    let mut stake = Stake::read(trie, &address(LESSOR), &address(FIRST), Round(10)).unwrap().unwrap();
    assert_eq!(stake.pay(), Ok(first.interest));
    // Leased in this round: it earns from the next on.
    let second = lease(trie, FIRST + 1);
    assert_eq!((second.position.amount, second.position.fresh), (Amount::ZERO, Amount(100)));
    assert_eq!(second.interest, Amount::ZERO);
    // Nobody mints for these.
    for number in [FIRST + 2, 99] {
        let none = lease(trie, number);
        assert_eq!((none.interest, none.pool.accumulator, none.pool.owed), (Amount::ZERO, 0, Amount::ZERO));
    }
    let Answer::Supernode(standing) = asked(trie, Question::Supernode(address(99))) else {
        panic!("a standing")
    };
    assert_eq!((standing.record, standing.account, standing.idle_rounds), (None, None, 0));
}

#[test]
fn leases_and_requests_come_page_by_page_and_the_last_page_says_so() {
    let (store, root) = state(|_| {});
    let trie = &mut Trie::open(root, &store);
    let Answer::Leases(all) = asked(trie, leases(None, MAX_PAGE)) else { panic!("leases") };
    assert_eq!((all.items.len(), all.next), (5, None));
    let mut expected: Vec<Address> = [FIRST, FIRST + 1, FIRST + 2, FIRST + 3, 99].map(address).to_vec();
    expected.sort_unstable();
    assert_eq!(all.items.iter().map(|lease| lease.supernode).collect::<Vec<_>>(), expected);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let question = Question::Leases { lessor: address(LESSOR), after, limit: 2 };
        let bytes = witness(&store, root, &[question]);
        let Answer::Leases(page) = check(&bytes, root, &[question]).unwrap().remove(0) else {
            panic!("leases")
        };
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, all.items);
    let next = |after| {
        let question = Question::Requests { after, limit: 2 };
        let Answer::Requests(page) = asked(&mut Trie::open(root, &store), question) else {
            panic!("requests")
        };
        page
    };
    let page = next(None);
    assert_eq!(page.items, [(place(0), request(20)), (place(1), request(21))]);
    assert_eq!(next(page.next), Page { items: vec![(place(2), request(22))], next: None });
    // A page as long as asked for may be the last; the next one is proven to be empty.
    assert_eq!(next(Some(place(2))), Page { items: Vec::new(), next: None });
}

#[test]
fn a_standing_is_as_of_the_block() {
    let (store, root) = state(|_| {});
    let trie = &mut Trie::open(root, &store);
    let Answer::Supernode(first) = asked(trie, Question::Supernode(address(FIRST))) else {
        panic!("a standing")
    };
    assert_eq!((first.idle_rounds, first.banned, first.banned_until), (4, true, Some(Round(20))));
    // A tenth of the window on the new balance.
    assert_eq!(first.minting_average, Amount(5 * 10 + 90));
    assert_eq!(first.pool.unwrap().commission, 2_000, "the higher commission acts");
    let mut later = moment();
    later.round = Round(20);
    let Answer::Supernode(free) =
        ask_all(trie, &later, &[Question::Supernode(address(FIRST))]).unwrap().remove(0)
    else {
        panic!("a standing")
    };
    assert_eq!((free.banned, free.banned_until), (false, None));
    let Answer::Holders(holders) = asked(trie, Question::Holders) else { panic!("holders") };
    assert_eq!(holders.iter().map(|standing| standing.address).collect::<Vec<_>>(), moment().holders);
    assert_eq!(holders[0], *first);
    let owner = |key| asked(&mut Trie::open(root, &store), Question::MintingKey(Hash([key; 32])));
    assert_eq!((owner(4), owner(5)), (Answer::MintingKey(Some(address(FIRST))), Answer::MintingKey(None)));
    let supply = SupplyRecord { genesis: Amount(1_000), minted: Amount(8), burned: Amount(3) };
    assert_eq!(asked(trie, Question::Supply), Answer::Supply(supply));
}

#[test]
fn questions_are_bounded_before_anything_is_read() {
    let check = Question::check_all;
    assert_eq!(check(&[]), Err(QuestionError::Count(0)));
    let many = vec![Question::Supply; MAX_QUESTIONS + 1];
    assert_eq!(check(&many[1..]), Ok(()));
    assert_eq!(check(&many), Err(QuestionError::Count(MAX_QUESTIONS + 1)));
    for limit in [0, MAX_PAGE + 1, u8::MAX] {
        let error = Err(QuestionError::Limit { index: 1, limit });
        assert_eq!(check(&[Question::Supply, leases(None, limit)]), error);
        assert_eq!(check(&[Question::Supply, Question::Requests { after: None, limit }]), error);
    }
    assert_eq!(check(&[Question::Holders, leases(None, MAX_PAGE)]), Ok(()), "the screen of leases");
    let reads = 2 * Question::Holders.reads();
    assert!(reads > MAX_READS);
    assert_eq!(check(&[Question::Holders; 2]), Err(QuestionError::Reads(reads)));
    let (store, root) = state(|_| {});
    let mut trie = Trie::open(root, &store);
    let refused = ask_all(&mut trie, &moment(), &[Question::Holders; 2]);
    assert_eq!(refused, Err(AskError::Question(QuestionError::Reads(reads))));
    assert_eq!(trie.loaded(), 0);
}

#[test]
fn no_answer_reads_more_records_than_its_question_says() {
    let (store, root) = state(|_| {});
    for question in everything() {
        let mut trie = Trie::open(root, &store);
        asked(&mut trie, question);
        let read = trie.touched().filter(|touched| touched.read).count();
        assert!(read <= question.reads(), "{question:?} read {read} of {}", question.reads());
    }
}

#[test]
fn records_that_contradict_each_other_are_no_answer() {
    let (lessor, other) = (address(LESSOR), address(50));
    let stake = Position { amount: Amount(1), ..Position::default() };
    let ask =
        |store: &MemoryStore, root, question| ask_all(&mut Trie::open(root, store), &moment(), &[question]);
    let (store, root) = state(|trie| stake.write(trie, &lessor, &other).unwrap());
    let error = AskError::NoPool { lessor, supernode: other };
    assert_eq!(ask(&store, root, leases(None, MAX_PAGE)), Err(error));
    // Earned from more than the pool ever gave.
    let (store, root) = state(|trie| {
        Pool::default().write(trie, &other).unwrap();
        Position { accumulator: 9, ..stake }.write(trie, &lessor, &other).unwrap();
    });
    let error = AskError::Stake { lessor, supernode: other, error: StakeError::Overflow };
    assert_eq!(ask(&store, root, leases(None, MAX_PAGE)), Err(error));
    let mut key = request_key(&place(0));
    key[1] = 9;
    let (store, root) = state(|trie| {
        trie.insert(&key, &[0]).unwrap();
    });
    let refused = ask(&store, root, Question::Requests { after: None, limit: MAX_PAGE });
    assert!(matches!(refused, Err(AskError::State(StateError::Record { key: at, .. })) if at == key));
    let mut key = position_key(&lessor, &other);
    key[52] ^= 1;
    let (store, root) = state(|trie| {
        trie.insert(&key, &[0]).unwrap();
    });
    let refused = ask(&store, root, leases(None, MAX_PAGE));
    assert!(matches!(refused, Err(AskError::State(StateError::Record { key: at, .. })) if at == key));
}

#[test]
fn places_are_read_back_from_keys() {
    for kind in RequestKind::ALL {
        let place = RequestPlace { kind, height: Height(u64::MAX - 1), index: 77 };
        assert_eq!(crate::state::request_place(&request_key(&place)), Some(place));
    }
    assert_eq!(crate::state::request_place(&[7; 13]), None);
    assert_eq!(crate::state::request_place(&[6; 14]), None);
}
