//! Nodes, lines and time.

use std::{collections::BTreeMap, sync::Arc};

use libp2p::PeerId;
use light_client::{
    consensus::spos::Vote,
    crypto::Hash,
    data_format::{ChainId, ChainSpec, Time, codec},
    test_support::chain::{GENESIS_TIME, test_key},
};
use tokio::sync::broadcast::Receiver;

use super::{
    host::{Host, Message, fingerprint, peer_id, with_supernodes},
    hostile::{Liar, Manner},
    judge::Judge,
    links::Links,
    medium::Medium,
    random::Random,
};
use crate::{
    network::{Announcement, Block, ChainPort, peers::Fault},
    node::{ChainChoice, Node, NodeConfig},
    storage::{Database, Recovery},
    tests::harness::{found, retention},
};

/// The length of a slot.
pub(super) const SLOT_MS: u64 = 1_000;
/// Between two looks at the clock.
const TICK_MS: u64 = 500;
/// Test keys of slot holders start here.
pub(super) const FIRST_KEY: u64 = 1_000;

/// Everything there is, in virtual time.
pub(super) struct World {
    /// Milliseconds since genesis.
    pub(super) now: u64,
    pub(super) slots: u64,
    pub(super) spec: ChainSpec,
    pub(super) chain: ChainId,
    pub(super) members: Vec<Member>,
    pub(super) links: Links,
    pub(super) random: Random,
    pub(super) judge: Judge,
    /// Peers that an honest node banned, and whom.
    pub(super) bans: Vec<(usize, usize)>,
    /// For what, in the same order.
    pub(super) reasons: Vec<Fault>,
    names: Arc<Vec<PeerId>>,
    queue: BTreeMap<(u64, u64), Event>,
    events: u64,
    trace: blake3::Hasher,
}

/// One machine: a node with its disk, or a liar.
pub(super) struct Member {
    pub(super) medium: Medium,
    pub(super) running: Option<Running>,
    /// Numbers of the test keys it mints with.
    pub(super) keys: Vec<u64>,
    pub(super) manner: Manner,
    /// What its operator decided.
    pub(super) recoveries: Vec<Recovery>,
    /// How far its clock is ahead, in milliseconds.
    pub(super) drift: i64,
    pub(super) liar: Option<Liar>,
    /// Its starts: what an earlier one had planned is void.
    life: u64,
}

/// A process.
pub(super) struct Running {
    pub(super) node: Node,
    pub(super) database: Database,
    pub(super) host: Host,
    announcements: Receiver<Announcement>,
}

#[derive(Debug)]
enum Event {
    /// A slot begins by a node's clock.
    Slot {
        member: usize,
        life: u64,
        slot: u64,
    },
    Tick {
        member: usize,
        life: u64,
    },
    Deliver {
        from: usize,
        to: usize,
        message: Message,
    },
    /// What was held back is told.
    Tell {
        member: usize,
        life: u64,
        block: Arc<Block>,
    },
}

impl Member {
    pub(super) fn is_honest(&self) -> bool {
        self.liar.is_none() && self.manner == Manner::Honest
    }
}

impl World {
    /// A chain with so many slots, one node for each.
    pub(super) fn new(slots: u64, seed: u64) -> Self {
        let keys: Vec<Vec<u64>> = (0..slots).map(|slot| vec![FIRST_KEY + slot]).collect();
        Self::with_keys(with_supernodes(slots, &[(1, 1)]), &keys, seed)
    }

    /// The same, on disks that can fail.
    pub(super) fn on_disks(slots: u64, seed: u64) -> Self {
        let keys: Vec<Vec<u64>> = (0..slots).map(|slot| vec![FIRST_KEY + slot]).collect();
        Self::with_media(with_supernodes(slots, &[(1, 1)]), &keys, seed, Medium::disk)
    }

    /// A node for each list of keys.
    pub(super) fn with_keys(spec: ChainSpec, keys: &[Vec<u64>], seed: u64) -> Self {
        Self::with_media(spec, keys, seed, Medium::memory)
    }

    /// The same, each on a medium of its own.
    pub(super) fn with_media(
        spec: ChainSpec,
        keys: &[Vec<u64>],
        seed: u64,
        medium: impl Fn() -> Medium,
    ) -> Self {
        let members = keys.iter().map(|keys| (keys.clone(), medium())).collect();
        let mut world = Self::stopped(spec, members, 0, seed);
        (0..keys.len()).for_each(|member| world.start(member));
        world
    }

    /// Machines with what is on their disks at a time, of which none runs yet.
    pub(super) fn stopped(spec: ChainSpec, members: Vec<(Vec<u64>, Medium)>, now: u64, seed: u64) -> Self {
        let count = members.len();
        let member = |(keys, medium)| Member {
            medium,
            running: None,
            keys,
            manner: Manner::Honest,
            recoveries: Vec::new(),
            drift: 0,
            liar: None,
            life: 0,
        };
        Self {
            now,
            slots: super::host::slots(&spec),
            chain: spec.id(),
            spec,
            members: members.into_iter().map(member).collect(),
            links: Links::new(count),
            random: Random::new(seed),
            judge: Judge::default(),
            bans: Vec::new(),
            reasons: Vec::new(),
            names: Arc::new((0..count).map(peer_id).collect()),
            queue: BTreeMap::new(),
            events: 0,
            trace: blake3::Hasher::new(),
        }
    }

    /// The same machines with what is on their disks now, none of them running, for another run.
    pub(super) fn copy(&self, seed: u64) -> Self {
        let members = self.members.iter().map(|member| (member.keys.clone(), member.medium.backup()));
        Self::stopped(self.spec.clone(), members.collect(), self.now, seed)
    }

    /// A peer that is no node joins.
    pub(super) fn add_liar(&mut self, liar: Liar) -> usize {
        let place = self.members.len();
        assert!(self.now == 0, "everybody is there from the start");
        self.members.push(Member {
            medium: Medium::memory(),
            running: None,
            keys: Vec::new(),
            manner: Manner::Honest,
            recoveries: Vec::new(),
            drift: 0,
            liar: Some(liar),
            life: 1,
        });
        self.links.join();
        self.names = Arc::new((0..=place).map(peer_id).collect());
        self.plan(TICK_MS, Event::Tick { member: place, life: 1 });
        // They have to know its name.
        for member in 0..place {
            if self.members[member].running.take().is_some() {
                self.start(member);
            }
        }
        place
    }

    pub(super) fn honest(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|member| self.members[*member].is_honest()).collect()
    }

    fn plan(&mut self, at: u64, event: Event) {
        self.events += 1;
        self.queue.insert((at.max(self.now), self.events), event);
    }

    /// The time by a member's clock.
    fn clock(&self, member: usize) -> Time {
        GENESIS_TIME.plus_ms(self.now.saturating_add_signed(self.members[member].drift))
    }

    /// Starts a node over what its disk holds.
    pub(super) fn start(&mut self, place: usize) {
        let now = self.clock(place);
        let member = &mut self.members[place];
        assert!(member.running.is_none() && member.liar.is_none());
        member.life += 1;
        let life = member.life;
        let database = member.medium.open();
        let keys = || member.keys.iter().map(|key| test_key(*key)).collect::<Vec<_>>();
        if database.read().unwrap().chain().unwrap().is_none() {
            found(&database, &self.spec, &keys());
        }
        let config = NodeConfig {
            data: None,
            chain: ChainChoice::Spec(Box::new(self.spec.clone())),
            recoveries: member.recoveries.clone(),
            payee: None,
            minting_keys: keys(),
            retention: retention(),
            pool: crate::transaction::Limits::default(),
            now,
        };
        let node = Node::over(database.clone(), config).unwrap();
        if member.is_honest() {
            self.judge.check_kept(place, node.status().final_block.height);
            let public: Vec<Hash> = keys().iter().map(|key| Hash(*key.public().as_bytes())).collect();
            self.judge.check_remembered(place, &public, &database);
        }
        let host = Host::new(node.clone(), Arc::clone(&self.names), now);
        let announcements = node.announcements();
        member.running = Some(Running { node, database, host, announcements });
        let slot = (now.ms_since(GENESIS_TIME) / SLOT_MS) + 1;
        self.plan_slot(place, life, slot);
        // Machines do not tick together.
        let first = self.now + 1 + self.random.below(TICK_MS);
        self.plan(first, Event::Tick { member: place, life });
    }

    fn plan_slot(&mut self, member: usize, life: u64, slot: u64) {
        let at = (slot * SLOT_MS).saturating_add_signed(-self.members[member].drift);
        self.plan(at, Event::Slot { member, life, slot });
    }

    /// kill -9, or a power cut, at this moment.
    pub(super) fn crash(&mut self, place: usize, power: bool) {
        let member = &mut self.members[place];
        member.life += 1;
        member.medium.kill();
        member.running = None;
        if power {
            member.medium.the_disk().lose_unsynced(&mut self.random);
        }
        for other in 0..self.members.len() {
            if let Some(running) = &mut self.members[other].running {
                running.host.disconnect(place);
            }
        }
    }

    /// Runs until a slot begins.
    pub(super) fn run_to(&mut self, slot: u64) {
        let end = slot * SLOT_MS;
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 < end) {
            let ((at, _), event) = entry.remove_entry();
            self.now = at;
            self.happen(event);
        }
        self.now = end;
    }

    pub(super) fn run_rounds(&mut self, rounds: u64) {
        self.run_to(self.now / SLOT_MS + rounds * self.slots);
    }

    fn happen(&mut self, event: Event) {
        let (member, life) = match &event {
            Event::Slot { member, life, .. }
            | Event::Tick { member, life }
            | Event::Tell { member, life, .. } => (*member, *life),
            Event::Deliver { to, .. } => (*to, self.members[*to].life),
        };
        if self.members[member].life != life {
            return;
        }
        self.note(member, &event);
        let now = self.clock(member);
        match event {
            Event::Slot { slot, .. } => {
                self.plan_slot(member, life, slot + 1);
                if !self.misbehaves(member, slot, now) {
                    self.advance(member, now);
                }
            }
            Event::Tick { .. } => {
                self.plan(self.now + TICK_MS, Event::Tick { member, life });
                self.connect(member);
                self.tick(member, now);
            }
            Event::Deliver { from, message, .. } => self.deliver(from, member, message, now),
            Event::Tell { block, .. } => {
                if let Some(running) = &mut self.members[member].running {
                    running.host.announce(Announcement::Block(block), now);
                }
            }
        }
        self.settle(member);
    }

    fn note(&mut self, member: usize, event: &Event) {
        let what = match event {
            Event::Slot { slot, .. } => *slot,
            Event::Tick { .. } => 1 << 32,
            Event::Deliver { message, .. } => {
                self.trace.update(fingerprint(message).as_bytes());
                2 << 32
            }
            Event::Tell { .. } => 3 << 32,
        };
        for number in [self.now, member as u64, what] {
            self.trace.update(&number.to_le_bytes());
        }
    }

    /// Everything that happened so far, as a hash.
    pub(super) fn trace(&self) -> blake3::Hash {
        self.trace.finalize()
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Nodes stay connected with everybody they can reach.
    fn connect(&mut self, member: usize) {
        for other in 0..self.members.len() {
            if other == member {
                continue;
            }
            let reachable = self.links.connect(member, other) && self.is_up(other);
            let (here, there) = (self.has(member, other), self.has(other, member));
            if !reachable {
                self.part(member, other);
            } else if !here || !there {
                self.part(member, other);
                let (one, two) = (self.clock(member), self.clock(other));
                let accepted = self.host(member).is_none_or(|host| host.connect(other, false, one))
                    && self.host(other).is_none_or(|host| host.connect(member, true, two));
                if !accepted {
                    self.part(member, other);
                }
                self.settle(other);
            }
        }
    }

    fn is_up(&self, member: usize) -> bool {
        self.members[member].running.is_some() || self.members[member].liar.is_some()
    }

    /// A liar is connected with whoever is connected with it.
    fn has(&self, member: usize, other: usize) -> bool {
        self.members[member].running.as_ref().is_none_or(|running| running.host.is_connected(other))
    }

    fn host(&mut self, member: usize) -> Option<&mut Host> {
        self.members[member].running.as_mut().map(|running| &mut running.host)
    }

    fn part(&mut self, one: usize, other: usize) {
        for (here, there) in [(one, other), (other, one)] {
            if let Some(host) = self.host(here) {
                host.disconnect(there);
            }
        }
    }

    fn tick(&mut self, member: usize, now: Time) {
        if self.members[member].liar.is_some() {
            return self.lie(member);
        }
        if let Some(host) = self.host(member) {
            host.tick(now);
        }
    }

    fn advance(&mut self, place: usize, now: Time) {
        let Some(running) = &mut self.members[place].running else { return };
        let done = running.node.advance(now);
        let mut announced = Vec::new();
        while let Ok(what) = running.announcements.try_recv() {
            announced.push(what);
        }
        for what in announced {
            self.announce(place, what, now);
        }
        if done.is_err() {
            // Its disk died under it: the process ends, and what it announced before is on its way.
            self.send_out(place);
            self.crash(place, true);
        }
    }

    pub(super) fn announce(&mut self, place: usize, what: Announcement, now: Time) {
        let member = &self.members[place];
        if let Announcement::Block(block) = &what {
            self.judge.check_reports(block, &self.chain, self.slots);
        }
        if member.is_honest() {
            match &what {
                Announcement::Block(block) => {
                    self.judge.check_minted(place, block);
                }
                Announcement::Votes(votes) => {
                    for ballot in votes {
                        let vote: Vote = codec::decode(&ballot.bytes, 1_024).unwrap();
                        self.judge.check_vote(place, &vote);
                    }
                }
                Announcement::Transaction(_) => {}
            }
        }
        let life = member.life;
        if let (Some(at), Announcement::Block(block)) = (self.held_back(place, &what), &what) {
            let block = Arc::clone(block);
            return self.plan(at, Event::Tell { member: place, life, block });
        }
        if let Some(host) = self.host(place) {
            host.announce(what, now);
        }
    }

    fn deliver(&mut self, from: usize, to: usize, message: Message, now: Time) {
        if let Some(at) = self.unheard(to, &message) {
            return self.plan(at, Event::Deliver { from, to, message });
        }
        if self.members[to].liar.is_some() {
            return self.lie_to(to, from, message);
        }
        if let Some(host) = self.host(to) {
            host.receive(from, message, now);
        }
    }

    /// Sends what a node has to say, and looks at what it calls final.
    fn settle(&mut self, place: usize) {
        let honest = self.members[place].is_honest();
        let Some(running) = &mut self.members[place].running else { return };
        let banned = running.host.take_banned();
        if honest {
            let height = running.node.status().final_block.height;
            self.judge.check_final(place, height, &running.database);
        }
        for (other, fault) in banned {
            if honest {
                self.bans.push((place, other));
                self.reasons.push(fault);
            }
            self.part(place, other);
        }
        self.send_out(place);
    }

    fn send_out(&mut self, place: usize) {
        let out = self.host(place).map(|host| std::mem::take(&mut host.out)).unwrap_or_default();
        for (to, message) in out {
            self.send(place, to, message);
        }
    }

    pub(super) fn send(&mut self, from: usize, to: usize, message: Message) {
        // What it would not look at when it comes need not come.
        let receiver = self.members[to].running.as_ref();
        if receiver.is_some_and(|receiver| receiver.host.has_seen(&message)) {
            return;
        }
        // Streams do not lose the greeting.
        let way = match &message {
            Message::Hello(_) => self.links.connect(from, to).then_some(self.links.latency.0),
            _ => self.links.carry(from, to, &mut self.random),
        };
        if let Some(way) = way {
            self.plan(self.now + way, Event::Deliver { from, to, message });
        }
    }
}
