//! What the search finds, made again of real keys, signatures and certificates, and checked by the chain's own code.

use std::fmt;

use light_client::{
    consensus::spos::{Certificate, Electorate, Evidence, Link, Tables, Triple, Vote},
    crypto::{Domain, Hash},
    data_format::{ChainId, Checkpoint, Round},
    test_support::chain::test_key,
};

use super::{
    history::{self, Branch},
    search::{Side, links},
    tables::{Keys, TableBook},
    votes::Assignment,
};

const CHAIN: ChainId = Hash([7; 32]);

/// Two conflicting final checkpoints, and who made them so.
#[derive(Clone, Debug)]
pub(crate) struct Conflict {
    /// One final checkpoint of each branch.
    pub(crate) finals: [Checkpoint; 2],
    /// Certificates of both branches that finalise them.
    pub(crate) certificates: Vec<Certificate>,
    /// Keys that signed what no honest record allows, each with the proof.
    pub(crate) culprits: Vec<(u32, Evidence)>,
    /// Members of the largest table.
    pub(crate) largest: u32,
    /// Changes of the table, of both branches together, in words.
    story: String,
}

impl Conflict {
    /// Signs what was found, and checks it.
    pub(crate) fn new(
        book: &TableBook,
        one: &Branch,
        other: &Branch,
        fork: usize,
        found: &Assignment,
    ) -> Self {
        let links = links(one, other, fork);
        let real: Vec<(Link, Tables, Tables)> = links
            .iter()
            .map(|(link, side)| {
                let (target_tables, source_tables) = book.voting(link.source_tables, link.target_tables);
                let source = triple(link.source, *side, fork, &source_tables);
                let target = triple(link.target, *side, fork, &target_tables);
                (Link { source, target }, source_tables, target_tables)
            })
            .collect();
        let mut votes: Vec<Vec<Vote>> = vec![Vec::new(); links.len()];
        let mut culprits = Vec::new();
        for (key, signed) in &found.votes {
            let mut own: Vec<Vote> = Vec::new();
            for (place, (link, ..)) in real.iter().enumerate().filter(|(place, _)| signed >> place & 1 == 1) {
                let vote = Vote::sign(*link, &CHAIN, &test_key(u64::from(*key))).unwrap();
                votes[place].push(vote);
                own.push(vote);
            }
            match crime(&own) {
                Some(evidence) => {
                    let offence = evidence.verify(&CHAIN, 1).unwrap();
                    let public = test_key(u64::from(*key)).public();
                    assert_eq!(offence.minting_key.as_bytes(), public.as_bytes());
                    culprits.push((*key, evidence));
                }
                None => assert!(found.hostile >> key & 1 == 0, "a hostile key did nothing wrong"),
            }
        }
        let certificates: Vec<Certificate> = real
            .iter()
            .zip(&votes)
            .map(|((link, source, target), votes)| {
                let certificate = Electorate::new(target, source).certify(*link, votes).unwrap();
                assert_eq!(certificate.check(&CHAIN, target, source), Ok(()));
                certificate
            })
            .collect();
        let newest = |side: Side| {
            let finals = certificates
                .iter()
                .zip(&links)
                .filter(|(certificate, (_, found))| *found == side && certificate.link.finalises());
            finals.map(|(certificate, _)| certificate.link.source.checkpoint).max_by_key(|c| c.round).unwrap()
        };
        let finals = [newest(Side::One), newest(Side::Other)];
        assert!(finals.iter().all(|checkpoint| checkpoint.round > Round(fork as u64)));
        assert_ne!(finals[0].id, finals[1].id);
        let named = one.named().into_iter().chain(other.named());
        let largest = named.map(|id| book.keys(id).count_ones()).max().unwrap();
        let story =
            format!("fork after round {fork}\none: {}\nother: {}", story(book, one), story(book, other));
        Self { finals, certificates, culprits, largest, story }
    }

    /// The keys that anybody can prove to be hostile.
    pub(crate) fn culprits(&self) -> Keys {
        self.culprits.iter().fold(0, |keys, (key, _)| keys | 1 << key)
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = self.finals.map(|checkpoint| checkpoint.round);
        write!(f, "conflicting final blocks, checkpoints of rounds {one} and {other}; ")?;
        write!(
            f,
            "{} equivocators, {} certificates\n{}",
            self.culprits.len(),
            self.certificates.len(),
            self.story
        )
    }
}

fn triple(round: usize, side: Side, fork: usize, tables: &Tables) -> Triple {
    let side = if round <= fork { Side::Both } else { side };
    let id = Hash::of(Domain::DEVELOPMENT_KEY, &[&[side as u8], &round.to_le_bytes()]);
    Triple { checkpoint: Checkpoint { round: Round(round as u64), id }, next_slots: tables.commitment() }
}

/// Proof of two votes of one key of which an honest record refuses the second.
fn crime(votes: &[Vote]) -> Option<Evidence> {
    let pairs =
        votes.iter().enumerate().flat_map(|(place, a)| votes[place + 1..].iter().map(move |b| (a, b)));
    pairs.into_iter().find_map(|(a, b)| Evidence::of_votes(a, b))
}

fn story(book: &TableBook, branch: &Branch) -> String {
    let mut words = String::new();
    let set = |keys: Keys| (0..Keys::BITS).filter(|key| keys >> key & 1 == 1).collect::<Vec<_>>();
    for (round, point) in branch.points.iter().enumerate() {
        words += &format!("\n  round {round}: {:?}", set(book.keys(point.tables.in_force)));
        if let Some(planned) = point.tables.planned {
            words += &format!(", planned {:?}", set(book.keys(planned)));
        }
        words += &format!(", justified {}", point.justified);
    }
    for link in &branch.links {
        let ends = if history::finalises(link) { " makes its source final" } else { "" };
        words += &format!("\n  link {} to {}{ends}", link.source, link.target);
    }
    words
}
