use super::*;

use crate::config::development_spec;
use light_client::data_format::{Time, UNITS_PER_COIN};

fn parse_spec(text: &str) -> Result<ChainSpec, ParseFault> {
    parse_chain(text).map(|file| file.spec)
}

fn text() -> String {
    print_spec(&development_spec(Time(1_790_000_000_500))).unwrap()
}

fn fault(from: &str, to: &str) -> ParseFault {
    let text = text();
    assert!(text.contains(from), "{from} is not in {text}");
    parse_spec(&text.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn a_chain_that_a_file_cannot_describe_is_not_written_as_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.toml");
    let mut spec = development_spec(Time(1_790_000_000_123));
    write_spec(&path, &spec).unwrap();
    assert_eq!(read_spec(&path).unwrap(), spec);
    spec.trusting_period_ms += 1;
    let refused = write_spec(&path, &spec).unwrap_err();
    assert!(matches!(&refused, SpecFileError::Inexact(found) if *found == path), "{refused}");
    assert_ne!(read_spec(&path).unwrap(), spec, "nothing changed");
}

#[test]
fn a_printed_spec_is_the_same_chain() {
    let mut spec = development_spec(Time(1_790_000_000_123));
    assert_eq!(parse_spec(&print_spec(&spec).unwrap()), Ok(spec.clone()));
    let EngineSpec::Spos(spos) = &mut spec.engine else { panic!("supernodes") };
    spos.slots.0[2] = None;
    let sealer = spos.slots.0[0].unwrap().minting_key;
    assert_eq!(parse_spec(&print_spec(&spec).unwrap()), Ok(spec.clone()), "vacant slots too");
    let node = libp2p::identity::Keypair::generate_ed25519().public().to_peer_id();
    spec.peers = vec![key_of_peer(&node).unwrap()];
    let printed = print_spec(&spec).unwrap();
    assert!(printed.contains(&node.to_string()), "{printed}");
    assert_eq!(parse_spec(&printed), Ok(spec.clone()), "the nodes of a closed network too");
    let strange = printed.replacen(&node.to_string(), "somebody", 1);
    assert_eq!(parse_spec(&strange), Err(ParseFault::Spec(SpecFault::Peer("somebody".to_owned()))));
    spec.peers.clear();
    spec.modules = vec![ModuleName::Coin];
    spec.engine = EngineSpec::Instant(InstantSpec { slot_ms: 1, sealer });
    assert_eq!(parse_spec(&print_spec(&spec).unwrap()), Ok(spec.clone()));
    spec.engine = EngineSpec::ProofOfWork(ProofOfWorkSpec {
        slot_ms: 1_000,
        block_ms: 60_000,
        genesis_difficulty: 1 << 20,
        half_life_ms: 3_600_000,
        final_depth: 12,
        block_reward: Amount(1),
    });
    assert_eq!(parse_spec(&print_spec(&spec).unwrap()), Ok(spec));
}

#[test]
fn where_nodes_are_is_no_part_of_the_chain() {
    let plain = print_spec(&development_spec(Time(1_790_000_000_000))).unwrap();
    let spec = parse_spec(&plain).unwrap();
    let with = |addresses: &[&str]| parse_chain(&format!("bootstrap = {addresses:?}\n{plain}"));
    let text = "/dns4/node.example/tcp/9921/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X";
    let file = with(&[text]).unwrap();
    assert_eq!((file.spec.id(), file.bootstrap), (spec.id(), vec![text.parse().unwrap()]));
    for wrong in [&["nowhere"][..], &[text; MAX_BOOTSTRAP + 1]] {
        let last = (*wrong.last().unwrap()).to_owned();
        assert_eq!(with(wrong), Err(ParseFault::Spec(SpecFault::Bootstrap(last))));
    }
}

#[test]
fn syntax_and_unknown_fields_name_their_line() {
    let line = |fault| match fault {
        ParseFault::Line { line, .. } => line,
        other => panic!("{other:?}"),
    };
    assert_eq!(line(parse_spec("name = \"x\"\nnetwork = ").unwrap_err()), 2);
    let at = text().lines().position(|line| line.starts_with("network")).unwrap() + 1;
    assert_eq!(line(fault("network = \"test\"", "network = \"moon\"")), at);
    assert_eq!(line(fault("network = \"test\"", "colour = \"red\"\nnetwork = \"test\"")), at);
}

#[test]
fn what_cannot_be_a_chain_is_named() {
    let spec = |fault| match fault {
        ParseFault::Spec(fault) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(spec(fault("slot_ms = 1000", "slot_ms = 1")), SpecFault::Rule(SpecError::SlotLength(1)));
    let rule = |from, to| match spec(fault(from, to)) {
        SpecFault::Rule(error) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(rule("block_reward = \"36\"", "block_reward = \"1000001\""), SpecError::BlockReward(_)));
    let commission = rule("genesis_commission = 1000", "genesis_commission = 10001");
    assert_eq!(commission, SpecError::Commission(10_001));
    assert_eq!(rule("average_window = 600", "average_window = 0"), SpecError::AverageWindow);
    let dear = "contend_fee = \"1000000.00000001\"";
    let price = Amount(1_000_000 * UNITS_PER_COIN + 1);
    assert_eq!(rule("contend_fee = \"1000\"", dear), SpecError::ContendFee(price));
    assert!(matches!(
        spec(fault("contend_fee = \"1000\"", "contend_fee = \"-1\"")),
        SpecFault::Amount { field, .. } if field == "contend_fee"
    ));
    assert_eq!(rule("min_filled = 1", "min_filled = 0"), SpecError::MinFilled);
    assert_eq!(rule("idle_rounds = 900", "idle_rounds = 2"), SpecError::IdleRounds(2));
    assert_eq!(rule("ban_rounds = 225", "ban_rounds = 0"), SpecError::BanRounds);
    assert_eq!(spec(fault("slot = 3", "slot = 2")), SpecFault::Slot(2));
    assert_eq!(spec(fault("slot = 3", "slot = 4")), SpecFault::Slot(4));
    assert_eq!(spec(fault("slots = 4", "slots = 4000000")), SpecFault::SlotCount(4_000_000));
    assert!(matches!(spec(fault("transfer = \"0.1\"", "transfer = \"-1\"")), SpecFault::Amount { .. }));
    let from = text().lines().find(|line| line.starts_with("genesis_time")).unwrap().to_owned();
    assert!(matches!(spec(fault(&from, "genesis_time = 2026-01-01")), SpecFault::GenesisTime(_)));
    let days = format!("trusting_period_days = {}", i64::MAX);
    assert!(matches!(spec(fault("trusting_period_days = 21", &days)), SpecFault::TrustingPeriod(_)));
}

#[test]
fn recoveries_stand_beside_the_chain_and_leave_its_id() {
    let spec = development_spec(Time(1_790_000_000_500));
    let holder = spec.engine.spos().unwrap().slots.0[1].unwrap();
    let recovery = |round: u64, height: u64, slot: usize| {
        let (block, key, address) = (Hash([7; 32]), holder.minting_key, holder.address);
        format!(
            "\n[[recovery]]\nround = {round}\nheight = {height}\nblock = \"{block}\"\n\n[[recovery.holders]]\n\
             slot = {slot}\naddress = \"{address}\"\nminting_key = \"{key}\"\n"
        )
    };
    let with = |more: &[String]| parse_chain(&(text() + &more.concat()));
    let file = with(&[recovery(9, 30, 3), recovery(12, 41, 0)]).unwrap();
    assert_eq!(file.spec.id(), spec.id());
    let slots = SlotTable(vec![None, None, None, Some(holder)]);
    let first = Recovery { round: Round(9), height: Height(30), block: Hash([7; 32]), slots };
    assert_eq!(file.recoveries.len(), 2);
    assert_eq!(file.recoveries[0], first);
    assert_eq!(parse_chain(&text()).unwrap().recoveries, []);
    let fault = |more: &[String]| match with(more).unwrap_err() {
        ParseFault::Spec(fault) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(&[recovery(9, 30, 3), recovery(9, 41, 0)]), SpecFault::RecoveryOrder(9));
    assert_eq!(fault(&[recovery(9, 30, 3), recovery(12, 30, 0)]), SpecFault::RecoveryOrder(12));
    let inner = |fault| match fault {
        SpecFault::Recovery { round: 9, fault } => *fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(inner(fault(&[recovery(9, 30, 4)])), SpecFault::Slot(4));
    let vacant =
        recovery(9, 30, 3).split("[[recovery.holders]]").next().unwrap().to_owned() + "holders = []\n";
    assert_eq!(inner(fault(&[vacant])), SpecFault::Rule(SpecError::NoHolder));
    let strange = recovery(9, 30, 3).replace(&holder.minting_key.to_string(), &Hash([2; 32]).to_string());
    assert_eq!(inner(fault(&[strange])), SpecFault::Rule(SpecError::MintingKey(3)));
    let strange = recovery(9, 30, 3).replace("round", "rounds");
    assert!(matches!(with(&[strange]), Err(ParseFault::Line { .. })));
}
