//! What stands behind the blocks that proofs start from: a person's word, or only that operators agree; and what is to be
//! done when final blocks exclude each other.

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    AccountState, Client, Event, Server,
    account::Source,
    requests::Compared,
    step::{self, Step},
};
use crate::{
    client::{Trusted, TrustedCheckpoint},
    data_format::{BlockId, Time, codec},
};

/// How far a proof reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Grade {
    /// From a block that a person trusts, not longer ago than the chain's trusting period.
    Final,
    /// From a block that only servers of different operators agree on: what a person trusts is older than the trusting
    /// period, and whoever held slots then may have sold their keys since.
    Agreed,
}

/// Trust beyond the trusting period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The newest block that a person trusts.
    pub(super) root: Trusted,
    /// The block that was agreed on.
    pub block: TrustedCheckpoint,
    /// Who proved it, by their hosts: two, different ones.
    pub operators: [String; 2],
}

/// Two final blocks that cannot be on one chain, both proven: more than a third of the holders signed two chains, and
/// which one is the right one no proof can tell.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fork {
    /// One block, and who proved it.
    pub one: Branch,
    /// The other.
    pub other: Branch,
    /// When it was seen.
    pub at: Time,
    /// What keys signed on both, one piece a key, as a report on the chain carries it: Borsh of
    /// [`Evidence`](crate::data_format::Evidence). Whoever signed both loses the slot. None if the two were proven by votes
    /// of different rounds only.
    #[borsh(deserialize_with = "codec::bounded_list::<256, _, _>")]
    pub evidence: Vec<Vec<u8>>,
}

/// One side of a [`Fork`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Branch {
    /// The server's address.
    #[borsh(deserialize_with = "codec::bounded_text::<2_048, _>")]
    pub server: String,
    /// The newest final block that it proved.
    pub block: TrustedCheckpoint,
}

impl Client {
    /// What stands behind what is proven from now on.
    pub const fn grade(&self) -> Grade {
        match self.agreed {
            Some(_) => Grade::Agreed,
            None => Grade::Final,
        }
    }

    /// Who agrees on what, if that is all that stands behind the newest proofs.
    pub const fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// Final blocks that exclude each other, once seen. Nothing is asked any more then, until a person says with
    /// [`Client::confirm`] which chain it is.
    pub const fn fork(&self) -> Option<&Fork> {
        self.fork.as_ref()
    }

    /// The block from which a server is asked for final blocks.
    pub(super) fn base(&self, server: usize, now: Time) -> &Trusted {
        let server = &self.servers[server];
        if server.goes_own_way() {
            // Not from before the trusting period: who held slots then could make up a branch.
            let recent = |block: &&Trusted| !self.is_old(block, now);
            let start = server.lead().filter(recent).or_else(|| Some(&self.given).filter(recent));
            return start.unwrap_or(&self.trusted);
        }
        // Beyond the trusting period each on its own: that one server leads somewhere says nothing of the others.
        let lead = server.lead().filter(|lead| self.trust_expired(now) && lead.is_after(&self.trusted));
        lead.unwrap_or(&self.trusted)
    }

    /// Takes a final block that a server proved.
    pub(super) fn take_step(&mut self, step: Step, source: Source) {
        let Source { server, from_trusted, now, .. } = source;
        let block = step.block.clone();
        let own_way = self.servers[server].goes_own_way();
        let conflict = self.excluded_by(server, &block);
        self.servers[server].stepped(step, &self.trusted);
        if let Some(other) = conflict {
            return self.forked(server, other, now);
        }
        if !self.trust_expired(now) {
            // What does not lead on from the trusted block moves nothing: it may be on another branch.
            if from_trusted {
                self.trust(block, now);
            } else if own_way && !self.servers[server].goes_own_way() {
                // It has caught up, and may know the trusted block now.
                self.ask_soon(server, now);
            }
        } else if let Some(other) = self.agreeing(server, &block) {
            return self.agree(server, other, block, now);
        }
        self.compare(now);
    }

    /// Another server that proved a block which cannot be on one chain with this one.
    pub(super) fn excluded_by(&self, server: usize, block: &Trusted) -> Option<usize> {
        let excludes = |other: &Server| other.steps().any(|step| step.excludes(block));
        (0..self.servers.len()).find(|other| *other != server && excludes(&self.servers[*other]))
    }

    /// Another operator's server that proved the same block.
    fn agreeing(&self, server: usize, block: &Trusted) -> Option<usize> {
        let operator = self.servers[server].operator();
        let proved = |other: &Server| other.steps().any(|step| step.block.id == block.id);
        self.servers.iter().position(|other| other.operator() != operator && proved(other))
    }

    /// Two operators' servers have proven a block.
    fn agree(&mut self, one: usize, other: usize, block: Trusted, now: Time) {
        if !block.is_after(&self.trusted) {
            return;
        }
        let root = match self.agreed.take() {
            Some(agreed) => agreed.root,
            None => {
                // What was agreed on before may be another chain.
                self.forget_agreed();
                self.trusted.clone()
            }
        };
        let operators = [one, other].map(|server| self.servers[server].operator().to_owned());
        self.agreed = Some(Agreed { root, block: block.checkpoint(), operators });
        self.trust(block, now);
        if !self.trust_expired(now) {
            self.poll(now);
        }
    }

    /// Forgets accounts for which only operators vouched.
    pub(super) fn forget_agreed(&mut self) {
        let agreed = self.accounts.values_mut().filter(|account| account.is_only_agreed());
        agreed.for_each(AccountState::forget);
    }

    /// Servers may have proven blocks of different heights: whoever is further on is asked for the block at the other's
    /// height, once a block.
    fn compare(&mut self, now: Time) {
        let Some(ahead) = self.furthest(now) else { return };
        for behind in 0..self.servers.len() {
            let server = &self.servers[behind];
            let Some(block) = server.uncompared().filter(|_| behind != ahead && server.is_usable()) else {
                continue;
            };
            let (id, height) = (block.id, block.height);
            let known = self.servers[ahead].steps().any(|step| step.block.id == id);
            let further = self.servers[ahead].height().is_some_and(|furthest| furthest > height);
            self.servers[behind].compared(id);
            if further && !known {
                self.ask_header(ahead, Compared { behind, height, id }, now);
            }
        }
    }

    fn furthest(&self, now: Time) -> Option<usize> {
        let proven = (0..self.servers.len()).filter(|server| self.servers[*server].may_ask(now));
        proven.filter(|server| self.servers[*server].lead().is_some()).max_by(|one, other| {
            let height = |server: &usize| self.servers[*server].height();
            height(one).cmp(&height(other)).then(other.cmp(one))
        })
    }

    /// The block at the height of one that another server proved to be final is proven to be final too.
    pub(super) fn take_comparison(&mut self, ahead: usize, compared: Compared, found: BlockId, now: Time) {
        let Compared { behind, id, .. } = compared;
        let Some(step) = self.servers[behind].steps().find(|step| step.block.id == id) else { return };
        let block = step.block.clone();
        if found != id {
            self.forked(ahead, behind, now);
        } else if self.trust_expired(now) && self.servers[ahead].operator() != self.servers[behind].operator()
        {
            self.agree(behind, ahead, block, now);
        }
    }

    /// What is trusted stands still: no proof can tell which of the two is the chain.
    fn forked(&mut self, one: usize, other: usize, now: Time) {
        let branch = |server: &Server| {
            Some(Branch { server: server.url().to_owned(), block: server.lead()?.checkpoint() })
        };
        let (first, second) = (&self.servers[one], &self.servers[other]);
        let evidence = step::evidence(first.steps(), second.steps());
        let evidence = evidence.iter().map(codec::encode).collect();
        if let (Some(one), Some(other)) = (branch(first), branch(second)) {
            self.fork = Some(Fork { one, other, at: now, evidence });
            self.outbox.clear();
            self.pending.clear();
            self.events.push_back(Event::Fork);
        }
    }
}
