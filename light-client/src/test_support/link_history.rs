//! The votes of years without their blocks: real keys, tables, links and signatures over any span of rounds, with a header
//! only where a beacon needs one.
//!
//! The tables follow the chain's rule: a change that is planned in the course of round p stands as planned in the
//! checkpoints of rounds p + 1 and p + 2, and is in force from that of round p + 3 on. Links are signed when they are
//! sent; the state is that of block 0 throughout.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    chain::{ScriptedChain, test_key, test_table},
    server::Asked,
};
use crate::{
    client::{AccountBundle, Anchor, Bundle, Client, Request, Response, Trusted},
    consensus::spos::{
        Beacon, Certificate, Clock, Destination, Electorate, Epoch, HandOver, HandOverStep, Link,
        MAX_HAND_OVER_LINKS, Planner, SignerSet, Table, Tables, Triple, Vote,
    },
    crypto::{Hash, KeyPair},
    data_format::{
        BlockId, ChainSpec, Checkpoint, EngineSpec, GenesisAccount, Header, Height, Round, Slot, SlotTable,
        SposSpec, Time,
    },
};

/// Rounds of 15 slots of 4 seconds in a day.
pub const ROUNDS_A_DAY: u64 = 24 * 60;
/// Such rounds in a year of 365.25 days: 7,889,400 slots.
pub const ROUNDS_A_YEAR: u64 = 7_889_400 / 15;
/// Rounds of an epoch that are looked at for links: whoever signs changes, if at all, from round to round.
const NOTED_ROUNDS: u64 = 16;

/// Who does not sign, by round and minting key.
pub type Absent = Box<dyn Fn(Round, &Hash) -> bool>;

/// What a chain's holders voted for over a long time, without its blocks.
pub struct LinkHistory {
    base: ScriptedChain,
    clock: Clock,
    tables: Vec<Arc<Table>>,
    planned_in: Vec<Round>,
    keys: BTreeMap<Hash, KeyPair>,
    absent: Absent,
    newest: Round,
    planner: Planner,
    /// The final blocks that were shown to somebody.
    shown: BTreeMap<BlockId, Round>,
}

/// What it took to answer a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Bytes of the answers' bodies.
    pub bytes: usize,
    /// Times that requests went out and answers came back.
    pub round_trips: usize,
}

impl LinkHistory {
    /// A chain whose slots are held by the test keys of `tables[0]`, and from about `planned_in[i]` on by those of
    /// `tables[i + 1]`; at least three rounds lie between two changes. The checkpoint of round `newest` is the newest
    /// final block. Slots are of 4 seconds, and no checkpoint is ever too old.
    pub fn new(
        tables: &[Vec<u64>],
        planned_in: Vec<Round>,
        newest: Round,
        accounts: Vec<GenesisAccount>,
        absent: Absent,
    ) -> Self {
        assert_eq!(tables.len(), planned_in.len() + 1, "every table but the first is planned once");
        assert!(planned_in.is_sorted_by(|one, other| one.0 + 3 <= other.0), "plans that overlap");
        let spec = ChainSpec {
            engine: EngineSpec::Spos(SposSpec::without_rewards(4_000, test_table(&tables[0]))),
            trusting_period_ms: u64::MAX,
            ..super::chain::test_spec(1, accounts)
        };
        let numbers: BTreeSet<u64> = tables.iter().flatten().copied().collect();
        let mut keys = BTreeMap::new();
        let mut holders = BTreeMap::new();
        for number in numbers {
            let holder = test_table(&[number]).0[0].unwrap();
            keys.insert(holder.minting_key, test_key(number));
            holders.insert(number, holder);
        }
        let mut parsed: Vec<Arc<Table>> = Vec::with_capacity(tables.len());
        for numbers in tables {
            let slots = SlotTable(numbers.iter().map(|number| Some(holders[number])).collect());
            let known: Vec<&Table> = parsed.last().map(|table| &**table).into_iter().collect();
            parsed.push(Arc::new(Table::reusing(slots, &known).unwrap()));
        }
        let mut history = Self {
            clock: Clock::new(&spec),
            base: ScriptedChain::of(spec),
            tables: parsed,
            planned_in,
            keys,
            absent,
            newest,
            planner: Planner::default(),
            shown: BTreeMap::new(),
        };
        history.plan_all();
        history
    }

    /// The chain's spec.
    pub const fn spec(&self) -> &ChainSpec {
        self.base.spec()
    }

    /// The round of the newest final checkpoint.
    pub const fn newest(&self) -> Round {
        self.newest
    }

    /// A time at which the newest final block is as new as it can be: after the vote of the round after.
    pub fn now(&self) -> Time {
        self.clock.start(self.clock.first_slot(self.newest.plus(2)))
    }

    /// Goes on to a later round with the tables as they are.
    pub fn advance_to(&mut self, newest: Round) {
        assert!(newest >= self.newest, "time goes on");
        self.newest = newest;
    }

    /// Lets a client that nobody looks at tick until a day has passed; what it asked for meanwhile.
    pub fn idle_day(&mut self, client: &mut Client) -> Served {
        let start = self.now();
        client.set_watched(false, start);
        let mut served = self.serve(client, start, |_, _| ());
        let mut now = client.next_tick();
        while now.ms_since(start) < 24 * 3_600_000 {
            let passed = now.ms_since(self.now()) / (self.clock.slot_ms() * self.clock.slots_per_round());
            self.advance_to(self.newest.plus(passed));
            client.tick(now);
            let hour = self.serve(client, now, |_, _| ());
            served.bytes += hour.bytes;
            served.round_trips += hour.round_trips;
            now = client.next_tick();
        }
        served
    }

    /// The checkpoint of a round, as one to start from.
    pub fn trusted(&mut self, round: Round) -> Trusted {
        let header = self.header(round);
        self.shown.insert(header.id(), round);
        let tables = Some(self.tables_at(round));
        Trusted { round, height: header.height, slot: header.slot, id: header.id(), tables }
    }

    /// The tables that the checkpoint of a round carries.
    pub fn tables_at(&self, round: Round) -> Tables {
        let in_force = self.planned_in.partition_point(|planned| planned.0 + 3 <= round.0);
        let planned = self.planned_in.get(in_force).filter(|planned| planned.0 < round.0);
        Tables {
            in_force: Arc::clone(&self.tables[in_force]),
            planned: planned.map(|_| Arc::clone(&self.tables[in_force + 1])),
        }
    }

    /// The header of the checkpoint of a round. Who minted it and what came before is no part of this history.
    pub fn header(&self, round: Round) -> Header {
        let genesis = &self.base.header(Height(0)).header;
        let before = self.clock.first_slot(round).0.saturating_sub(1);
        if before == 0 {
            return genesis.clone();
        }
        Header {
            height: Height(before),
            slot: Slot(before),
            next_slots: self.tables_at(round).commitment(),
            headers_root: Hash([9; 32]),
            ..genesis.clone()
        }
    }

    /// The link that makes the checkpoint of a round final, and who signed it.
    pub fn link(&self, round: Round) -> (Link, SignerSet) {
        let triple = |round| {
            let header = self.header(round);
            Triple { checkpoint: Checkpoint { round, id: header.id() }, next_slots: header.next_slots }
        };
        let link = Link { source: triple(round), target: triple(round.next()) };
        let (source, target) = (self.tables_at(round), self.tables_at(round.next()));
        let electorate = Electorate::new(&target, &source);
        let signs = |position: &usize| !(self.absent)(round, &electorate.member(*position).unwrap());
        let signers = SignerSet::of((0..electorate.len()).filter(signs));
        (link, signers)
    }

    /// The same with its signatures and tables.
    pub fn step(&self, round: Round) -> HandOverStep {
        let (link, signers) = self.link(round);
        let (source, target) = (self.tables_at(round), self.tables_at(round.next()));
        let electorate = Electorate::new(&target, &source);
        let chain = self.spec().id();
        let sign = |key: Hash| Vote::sign(link, &chain, &self.keys[&key]).unwrap().signature;
        let signatures = electorate.keys(&signers).map(sign).collect();
        HandOverStep { certificate: Certificate { link, signers, signatures }, source, target }
    }

    /// Rounds of the fewest links from a block to the newest final one, that one's last.
    pub fn plan(&self, trusted: &Trusted) -> Option<Vec<Round>> {
        let (source, target) = (self.tables_at(self.newest), self.tables_at(self.newest.next()));
        let (_, signers) = self.link(self.newest);
        let end = Destination { round: self.newest, source: &source, target: &target, signers: &signers };
        let held = trusted.tables.as_ref().unwrap();
        let mut rounds = self.planner.plan(held, self.clock.round(trusted.slot), &end)?;
        rounds.push(self.newest);
        Some(rounds)
    }

    /// The hand-over of links of these rounds, or as many as fit.
    pub fn hand_over_of(&mut self, trusted: &Trusted, rounds: &[Round]) -> HandOver {
        let rounds = &rounds[..rounds.len().min(MAX_HAND_OVER_LINKS + 1)];
        let steps: Vec<HandOverStep> = rounds.iter().map(|round| self.step(*round)).collect();
        let end = *rounds.last().unwrap();
        let header = self.header(end);
        self.shown.insert(header.id(), end);
        HandOver::new(trusted.tables.as_ref().unwrap(), &steps, header).unwrap()
    }

    /// The shortest hand-over to the newest final block, or as much of it as fits.
    pub fn hand_over(&mut self, trusted: &Trusted) -> HandOver {
        let rounds = self.plan(trusted).expect("a chain of links");
        self.hand_over_of(trusted, &rounds)
    }

    /// The beacon of the newest final block.
    pub fn beacon(&mut self, trusted: &Trusted) -> Beacon {
        let (step, header) = (self.step(self.newest), self.header(self.newest));
        self.shown.insert(header.id(), self.newest);
        Beacon::new(trusted.tables.as_ref().unwrap(), &step, header)
    }

    /// The honest answer to a request.
    pub fn answer(&mut self, request: &Request) -> Response {
        let asked = Asked::of(request);
        let round = asked.trusted().and_then(|id| self.shown.get(&id).copied()).unwrap_or_default();
        let trusted = self.trusted(round);
        let body = match asked.path.as_slice() {
            ["status"] => format!("{{\"chain_id\":\"{}\"}}", self.spec().id()).into_bytes(),
            ["beacon"] => self.anchor(&trusted).to_bytes(),
            ["handover"] => self.hand_over(&trusted).to_bytes(),
            ["accounts", address, "bundle"] => {
                let (known, records) = (asked.number("known"), asked.number("records"));
                let genesis = self.base.genesis();
                let bundle = self.base.account_bundle(&genesis, address.parse().unwrap(), known, records);
                AccountBundle { anchor: self.anchor(&trusted), ..bundle }.to_bytes()
            }
            _ => return Response { status: 404, body: Vec::new() },
        };
        Response { status: 200, body }
    }

    /// Answers every request that the client has, until it has none; `heard` sees every answer.
    pub fn serve(
        &mut self,
        client: &mut Client,
        now: Time,
        mut heard: impl FnMut(&Request, &Response),
    ) -> Served {
        let mut served = Served::default();
        loop {
            // Whatever waits at the same time is one trip.
            let waiting: Vec<Request> = std::iter::from_fn(|| client.next_request()).collect();
            if waiting.is_empty() {
                return served;
            }
            served.round_trips += 1;
            for request in waiting {
                let answer = self.answer(&request);
                served.bytes += answer.body.len();
                heard(&request, &answer);
                client.respond(request.id, Ok(answer), now);
            }
        }
    }

    fn anchor(&mut self, trusted: &Trusted) -> Anchor {
        if trusted.round == self.newest {
            Anchor::Trusted(Box::new(self.header(self.newest)))
        } else {
            Anchor::Beacon(Box::new(self.beacon(trusted)))
        }
    }

    /// Tells the planner of every epoch.
    fn plan_all(&mut self) {
        // A change alters what a source or a target carries from its own round to three rounds later.
        let changes = self.planned_in.iter().flat_map(|planned| (0..=3).map(|later| planned.plus(later)));
        let mut begins: Vec<Round> = std::iter::once(Round(1)).chain(changes).collect();
        begins.sort_unstable();
        begins.dedup();
        begins.retain(|round| (Round(1)..=self.newest).contains(round));
        for (place, begin) in begins.iter().enumerate() {
            let next = begins.get(place + 1).copied().unwrap_or_else(|| self.newest.next());
            let last = next.0.min(begin.0 + NOTED_ROUNDS);
            let unsigned = |round| {
                let (link, signers) = self.link(round);
                Certificate { link, signers, signatures: Vec::new() }
            };
            let mut epoch = Epoch::new(unsigned(*begin));
            for round in (begin.0 + 1..last).map(Round) {
                epoch.take(unsigned(round));
            }
            let (source, target) = (self.tables_at(*begin), self.tables_at(begin.next()));
            let links = epoch.links().iter();
            let links = links.map(|kept| (kept.link.source.checkpoint.round, &kept.signers));
            self.planner.push(&source, &target, links);
        }
    }
}
