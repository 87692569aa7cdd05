//! What the host does with outcomes of a chain's work, and with what the chain has to tell.

use libp2p::{
    PeerId,
    gossipsub::{MessageAcceptance, MessageId, PublishError},
    request_response::ResponseChannel,
};
use light_client::data_format::{Header, codec};

use super::{
    codec::Reply,
    decisions::{BlockDecision, Decision},
    host::Host,
    messages::{Response, Tip},
    port::{Announcement, Inserted},
    protocol::Topic,
    sync::Verdict,
    worker::{Done, Machine, system_time},
};

impl Host {
    pub(super) fn on_done(&mut self, chain: usize, done: Done) {
        match done {
            Done::Block { peer, message, header, inserted } => {
                self.on_block(chain, peer, &message, &header, inserted);
            }
            Done::Row(row) => self.on_row(chain, row),
            Done::Message { topic, peer, id, opinion } => {
                self.decide(chain, peer, &id, Decision::of_opinion(topic, opinion));
            }
            Done::Located(tip, locator) => {
                self.chains[chain].tip = tip;
                self.chains[chain].sync.located(tip, locator, system_time());
            }
            Done::Served { peer, channel, response } => self.serve(chain, peer, channel, response),
            Done::Waiting(transactions, votes) => {
                for transaction in &transactions {
                    self.publish(chain, Topic::Transactions, codec::encode(transaction));
                }
                for vote in votes {
                    self.publish(chain, Topic::Votes, vote);
                }
            }
            Done::Shown { peer, shown, whose: Machine::Sync } => {
                self.chains[chain].sync.shown(&peer, shown, system_time());
            }
            Done::Shown { peer, shown, whose: Machine::Snapshot } => {
                self.chains[chain].snapshot.shown(&peer, shown, system_time());
            }
            Done::Begun { peer, begun } => self.chains[chain].snapshot.begun(&peer, begun, system_time()),
            Done::Taken { peer, first, count, taken } => {
                self.chains[chain].snapshot.taken(&peer, first, count, taken, system_time());
            }
            Done::Installed(tip) => {
                let chain = &mut self.chains[chain];
                if let Some(tip) = tip {
                    chain.tip = tip;
                    chain.sync.stands_at(tip);
                }
                chain.snapshot.installed(tip.is_some(), system_time());
            }
        }
        self.do_effects(chain);
    }

    fn on_row(&mut self, place: usize, row: Vec<(Header, Inserted)>) {
        let now = system_time();
        let mut verdicts = Vec::with_capacity(row.len());
        for (header, inserted) in row {
            self.moved(place, &header, &inserted);
            verdicts.push((header.id(), inserted.verdict));
        }
        let chain = &mut self.chains[place];
        if verdicts.iter().any(|(_, verdict)| *verdict == Verdict::Taken) {
            chain.fetched = now;
        }
        chain.sync.inserted(&verdicts, now);
    }

    /// The chain was given a block.
    fn moved(&mut self, place: usize, header: &Header, inserted: &Inserted) {
        let chain = &mut self.chains[place];
        chain.tip = inserted.tip;
        chain.sync.stands_at(inserted.tip);
        if inserted.verdict != Verdict::Taken {
            let (block, height, why) = (header.id(), header.height.0, &inserted.why);
            tracing::debug!(%block, height, why, "a block is not taken");
        }
    }

    fn on_block(
        &mut self,
        place: usize,
        peer: PeerId,
        message: &MessageId,
        header: &Header,
        inserted: Inserted,
    ) {
        let now = system_time();
        self.moved(place, header, &inserted);
        let chain = &mut self.chains[place];
        let decision = BlockDecision::new(inserted.verdict, header, &*chain.claims, now);
        match inserted.stands {
            Some(tip) if decision.stands => {
                chain.sync.peer_has(peer, tip);
                chain.sync.tick(now);
            }
            // Only its sender can say what it weighs.
            None if decision.stands => self.ask_tip(place, peer),
            _ => {}
        }
        self.decide(place, peer, message, decision.message);
    }

    /// Says what becomes of a message of gossip, and charges its sender.
    pub(super) fn decide(&mut self, chain: usize, peer: PeerId, message: &MessageId, decision: Decision) {
        self.judge(chain, &peer, message, decision.acceptance);
        if let Some(fault) = decision.fault {
            self.fault(peer, fault);
        }
    }

    fn serve(
        &mut self,
        chain: usize,
        peer: PeerId,
        channel: ResponseChannel<Reply<Response>>,
        response: Vec<u8>,
    ) {
        let bytes = response.len();
        self.remotes.sent(&peer, bytes);
        let allowed = self.peers.answer(&peer, chain, bytes, system_time());
        let reply = if allowed { Reply::Ready(response) } else { Reply::of(&Response::Busy) };
        self.respond(chain, channel, reply);
    }

    pub(super) fn respond(
        &mut self,
        chain: usize,
        channel: ResponseChannel<Reply<Response>>,
        reply: Reply<Response>,
    ) {
        let exchange = self.swarm.behaviour_mut().exchange.get_mut(chain);
        if exchange.is_none_or(|exchange| exchange.send_response(channel, reply).is_err()) {
            tracing::trace!("whoever asked is gone");
        }
    }

    pub(super) fn judge(
        &mut self,
        chain: usize,
        peer: &PeerId,
        message: &MessageId,
        acceptance: MessageAcceptance,
    ) {
        let Some(gossip) = self.swarm.behaviour_mut().gossip.get_mut(chain) else { return };
        if !gossip.report_message_validation_result(message, peer, acceptance) {
            tracing::trace!(%peer, "the message is too old to be relayed");
        }
    }

    pub(super) fn on_announcement(&mut self, place: usize, what: Announcement, tip: Option<Tip>) {
        let chain = &mut self.chains[place];
        // What was taken in the meantime may have moved it further.
        if let Some(tip) = tip.filter(|tip| tip.weight > chain.tip.weight) {
            chain.tip = tip;
            chain.sync.stands_at(tip);
        }
        match what {
            Announcement::Block(block) => {
                self.publish(place, Topic::Blocks, codec::encode(&*block));
            }
            Announcement::Votes(votes) => {
                for vote in &votes {
                    self.publish(place, Topic::Votes, vote.bytes.clone());
                }
                if !self.chains[place].worker.voted(votes) {
                    tracing::debug!("own votes are not kept for later peers");
                }
            }
            Announcement::Transaction(transaction) => {
                self.publish(place, Topic::Transactions, codec::encode(&*transaction));
            }
        }
    }

    fn publish(&mut self, chain: usize, topic: Topic, message: Vec<u8>) {
        let name = topic.of(&self.chains[chain].id);
        let Some(gossip) = self.swarm.behaviour_mut().gossip.get_mut(chain) else { return };
        match gossip.publish(name, message) {
            // Told before, or nobody to tell: whoever comes later asks.
            Ok(_) | Err(PublishError::Duplicate | PublishError::NoPeersSubscribedToTopic) => {}
            Err(error) => tracing::warn!(%topic, %error, "not told to the network"),
        }
    }
}
