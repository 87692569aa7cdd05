use light_client::{
    client::{AnchorError, Bundle, ProofFailure, Trusted, Verifier},
    consensus::spos::{
        Certificate, CertificateError, HandOver, HandOverError, HandOverStep, MAX_HAND_OVER_LINKS, SignerSet,
    },
    crypto::Signature,
    data_format::{Round, Time},
    test_support::link_history::LinkHistory,
};

use super::history;

struct Case {
    history: LinkHistory,
    verifier: Verifier,
    trusted: Trusted,
    now: Time,
}

impl Case {
    /// Twelve changes of seven slots, as a client sees them that trusts genesis.
    fn new() -> Self {
        let mut history = history(12);
        let (verifier, now) = (Verifier::new(history.spec()), history.now());
        let trusted = history.trusted(Round(0));
        Self { history, verifier, trusted, now }
    }

    fn honest(&mut self) -> HandOver {
        self.history.hand_over(&self.trusted)
    }

    fn check(&self, hand_over: &HandOver) -> Result<Trusted, HandOverError> {
        match self.verifier.hand_over(&self.trusted, hand_over, self.now) {
            Ok(handed_over) => Ok(handed_over.trusted),
            Err(ProofFailure::HandOver(error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
    }

    /// The steps of the shortest hand-over.
    fn steps(&self) -> Vec<HandOverStep> {
        let rounds = self.history.plan(&self.trusted).unwrap();
        rounds.into_iter().map(|round| self.history.step(round)).collect()
    }

    /// The hand-over of steps, whatever they are.
    fn of(&self, steps: &[HandOverStep]) -> HandOver {
        let round = steps.last().unwrap().certificate.link.source.checkpoint.round;
        HandOver::new(self.trusted.tables.as_ref().unwrap(), steps, self.history.header(round)).unwrap()
    }
}

#[test]
fn trust_is_handed_over_where_one_step_is_not_enough() {
    let mut case = Case::new();
    let beacon = case.history.beacon(&case.trusted);
    let alone = HandOver { links: Vec::new(), end: beacon };
    let error = case.check(&alone).unwrap_err();
    assert_eq!(error, HandOverError::End(AnchorError::NotEnoughTrust { signed: 0, needed: 5 }));
    assert!(!error.is_lie());

    let honest = case.honest();
    let trusted = case.check(&honest).unwrap();
    let newest = case.history.newest();
    assert_eq!(trusted, case.history.trusted(newest));
    // Two of seven may have changed in force and one more be planned: three changes a step, two with the last one.
    assert_eq!(honest.links.len(), 10_usize.div_ceil(3));
    let counted = case.verifier.hand_over(&case.trusted, &honest, case.now).unwrap().signatures;
    assert_eq!(counted, Some((5, 7)));
    // From there on one step is enough.
    let alone = HandOver { links: Vec::new(), end: case.history.beacon(&trusted) };
    assert_eq!(case.verifier.hand_over(&trusted, &alone, case.now).unwrap().trusted, trusted);
}

#[test]
fn every_link_stands_on_the_one_before_it() {
    let mut case = Case::new();
    let steps = case.steps();
    for skipped in 0..steps.len() - 1 {
        let mut fewer = steps.clone();
        fewer.remove(skipped);
        let error = case.check(&case.of(&fewer)).unwrap_err();
        let missing = match error {
            HandOverError::Link { link, error: AnchorError::NotEnoughTrust { .. } } => link,
            HandOverError::End(AnchorError::NotEnoughTrust { .. }) => fewer.len() - 1,
            ref other => panic!("{other}"),
        };
        assert_eq!(missing, skipped, "the step after the gap");
        assert!(!error.is_lie(), "each of the links may be true");
    }
    // A link that is only left out changes what the next one's tables are told from.
    let mut cut = case.honest();
    cut.links.remove(1);
    let error = case.check(&cut).unwrap_err();
    assert!(matches!(error, HandOverError::Link { link: 1, .. }) && error.is_lie(), "{error}");
    let mut cut = case.honest();
    cut.links.pop();
    assert!(matches!(case.check(&cut).unwrap_err(), HandOverError::End(_)));
}

#[test]
fn a_list_that_ends_early_leads_as_far_as_it_goes() {
    let case = Case::new();
    let steps = case.steps();
    for end in 1..steps.len() {
        let trusted = case.check(&case.of(&steps[..end])).unwrap();
        assert_eq!(trusted.round, steps[end - 1].certificate.link.source.checkpoint.round);
    }
}

#[test]
fn links_out_of_order_or_twice_are_refused() {
    let mut case = Case::new();
    let mut twice = case.honest();
    twice.links.insert(1, twice.links[0].clone());
    let error = case.check(&twice).unwrap_err();
    assert!(matches!(error, HandOverError::Order { link: 1, .. }) && error.is_lie(), "{error}");
    let mut swapped = case.honest();
    swapped.links.swap(1, 2);
    let error = case.check(&swapped).unwrap_err();
    assert!(error.is_lie(), "{error}");
    // Honest steps in another order.
    let mut steps = case.steps();
    steps.swap(0, 1);
    let error = case.check(&case.of(&steps)).unwrap_err();
    assert!(matches!(error, HandOverError::Link { .. } | HandOverError::Order { .. }), "{error}");
    // One from before what is trusted.
    let honest = case.honest();
    let later = case.history.trusted(honest.links[0].source_round);
    let replayed = case.verifier.hand_over(&later, &honest, case.now).unwrap_err();
    assert!(replayed.is_lie(), "{replayed}");
}

#[test]
fn a_link_that_changes_nothing_is_refused() {
    let case = Case::new();
    let mut steps = case.steps();
    let idle = case.history.step(Round(1));
    assert_eq!(idle.source.newest().hash(), case.trusted.tables.as_ref().unwrap().newest().hash());
    steps.insert(0, idle);
    let error = case.check(&case.of(&steps)).unwrap_err();
    assert!(matches!(error, HandOverError::Idle { link: 0 }) && error.is_lie(), "{error}");
}

#[test]
fn a_forged_link_is_refused_by_its_rule() {
    let mut case = Case::new();
    let refused = |case: &mut Case, alter: &dyn Fn(&mut HandOver)| {
        let mut forged = case.honest();
        alter(&mut forged);
        let error = case.check(&forged).unwrap_err();
        assert!(error.is_lie(), "{error}");
        match error {
            HandOverError::Link { link: 1, error: AnchorError::Certificate(error) } => error,
            other => panic!("{other}"),
        }
    };
    let signature = |case: &mut Case, alter: &dyn Fn(&mut HandOver)| {
        assert!(matches!(refused(case, alter), CertificateError::Signature(_)));
    };
    signature(&mut case, &|forged| forged.links[1].signatures[2] = Signature([1; 64]));
    signature(&mut case, &|forged| forged.links[1].source.0[0] ^= 1);
    signature(&mut case, &|forged| forged.links[1].target.0[0] ^= 1);
    signature(&mut case, &|forged| forged.links[1].source_round = forged.links[1].source_round.next());
    signature(&mut case, &|forged| forged.links[1].signatures.swap(0, 1));
    let error = refused(&mut case, &|forged| forged.links[1].signatures.truncate(4));
    assert!(matches!(error, CertificateError::Count { .. }), "{error}");
    // The tables of another link: they can be rebuilt, but are not what was signed.
    let mut other = case.honest();
    other.links[1].tables = other.links[0].tables.clone();
    assert!(case.check(&other).unwrap_err().is_lie());
}

#[test]
fn signers_of_one_table_of_two_are_not_enough() {
    let case = Case::new();
    let mut steps = case.steps();
    // A link of which source or target plan another table, so that two tables count.
    let place = steps.iter().position(|step| step.source.planned.is_some()).unwrap();
    let step = steps[place].clone();
    let electorate = light_client::consensus::spos::Electorate::new(&step.target, &step.source);
    let planned = step.source.newest();
    let voted = step.certificate.signers.positions().zip(step.certificate.signatures.iter().copied());
    // The newcomer stands last, so the others of the plan's quorum are too few of the table in force.
    let named = voted.filter(|(position, _)| planned.names(&electorate.member(*position).unwrap()));
    let mut named: Vec<(usize, Signature)> = named.collect();
    let (signers, signatures): (Vec<usize>, Vec<Signature>) =
        named.split_off(named.len() - planned.quorum()).into_iter().unzip();
    let certificate =
        Certificate { link: step.certificate.link, signers: SignerSet::of(signers), signatures };
    let count = |table| electorate.signed(&certificate.signers, table);
    assert_eq!((count(planned), count(&step.source.in_force)), (5, 4));
    steps[place].certificate = certificate;
    let quorum = CertificateError::Quorum { signed: 4, needed: 5 };
    let expected = HandOverError::Link { link: place, error: AnchorError::Certificate(quorum) };
    assert_eq!(case.check(&case.of(&steps)), Err(expected));
}

#[test]
fn an_end_that_does_not_follow_is_refused() {
    let mut case = Case::new();
    let honest = case.honest();
    // The beacon of an older block than the last link leads to.
    let steps = case.steps();
    let mut older = honest.clone();
    older.end = case.of(&steps[..1]).end;
    let error = case.check(&older).unwrap_err();
    assert!(matches!(error, HandOverError::End(AnchorError::Behind { .. })), "{error}");
    let mut header = honest.clone();
    header.end.source.state_root.0[0] ^= 1;
    let error = case.check(&header).unwrap_err();
    assert!(matches!(error, HandOverError::End(AnchorError::Certificate(_))) && error.is_lie(), "{error}");
    let mut apart = honest;
    apart.end.target.checkpoint.round = apart.end.target.checkpoint.round.next();
    let error = case.check(&apart).unwrap_err();
    assert!(matches!(error, HandOverError::End(AnchorError::NotFinal { .. })), "{error}");
}

#[test]
fn links_of_rounds_to_come_are_refused_without_calling_them_a_lie() {
    let mut case = Case::new();
    let honest = case.honest();
    let clock = light_client::consensus::Clock::new(case.history.spec());
    let second = honest.links[1].source_round.next();
    let early = Time(clock.start(clock.first_slot(second)).0 - clock.slot_ms() - 1);
    case.now = early;
    let error = case.check(&honest).unwrap_err();
    assert_eq!(error, HandOverError::Link { link: 1, error: AnchorError::Future(second) });
    assert!(!error.is_lie());
}

#[test]
fn a_list_is_bounded() {
    let mut case = Case::new();
    let mut long = case.honest();
    assert_eq!(HandOver::from_bytes(&long.to_bytes()), Ok(long.clone()));
    let link = long.links[0].clone();
    long.links.resize(MAX_HAND_OVER_LINKS, link.clone());
    assert!(HandOver::from_bytes(&long.to_bytes()).is_ok());
    long.links.push(link);
    assert!(HandOver::from_bytes(&long.to_bytes()).is_err());
    let step = case.history.step(Round(1));
    let header = case.history.header(Round(1));
    let steps = vec![step; MAX_HAND_OVER_LINKS + 2];
    let held = case.trusted.tables.clone().unwrap();
    assert!(HandOver::new(&held, &steps, header.clone()).is_none());
    assert!(HandOver::new(&held, &steps[1..], header.clone()).is_some());
    assert!(HandOver::new(&held, &[], header).is_none());
}

#[test]
fn every_flipped_bit_of_a_hand_over_is_refused_or_changes_nothing() {
    let mut history = history(5);
    let trusted = history.trusted(Round(0));
    let (verifier, now) = (Verifier::new(history.spec()), history.now());
    let honest = history.hand_over(&trusted);
    assert_eq!(honest.links.len(), 1);
    let handed_over = verifier.hand_over(&trusted, &honest, now).unwrap();
    let bytes = honest.to_bytes();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        let Ok(bundle) = HandOver::from_bytes(&altered) else { continue };
        if let Ok(found) = verifier.hand_over(&trusted, &bundle, now) {
            assert_eq!(found.trusted, handed_over.trusted, "byte {at}");
        }
    }
    for cut in 0..bytes.len() {
        assert!(HandOver::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}
