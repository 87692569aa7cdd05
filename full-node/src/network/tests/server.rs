use super::*;
use crate::network::messages::{Request, Response};

/// A peer that dials nobody, greets well, and answers as a test wants.
pub(super) struct FalseServer {
    pub(super) address: Multiaddr,
    pub(super) peer: PeerId,
    pub(super) serving: JoinHandle<()>,
}

impl FalseServer {
    /// It says that it stands where `tip` puts it, given where the honest node stands, and gives these answers; none at all
    /// where there is `None`.
    pub(super) async fn start(
        of: &Node,
        tip: impl Fn(Tip) -> Tip + Send + 'static,
        answer: impl Fn(&Node, Request) -> Option<Response> + Send + 'static,
    ) -> Self {
        let node = of.clone();
        let everybody = vec![None].into();
        let limits = peers::Limits::default();
        let mut swarm =
            swarm(Keypair::generate_ed25519(), &[node.chain()], &everybody, &limits, &mut Traffic::default())
                .unwrap();
        let peer = *swarm.local_peer_id();
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address.with_p2p(peer).unwrap();
            }
        };
        let serving = tokio::spawn(async move {
            // Whoever is not answered waits: a channel that is dropped would end the stream.
            let mut unanswered = Vec::new();
            loop {
                let event = swarm.select_next_some().await;
                let tip = tip(ChainPort::tip(&node).unwrap());
                match event {
                    SwarmEvent::Behaviour(BehaviourEvent::Hello(request_response::Event::Message {
                        message: request_response::Message::Request { channel, .. },
                        ..
                    })) => {
                        let genesis = node.genesis().header.id();
                        let chains = vec![ChainHello { chain: node.chain(), genesis, tip }];
                        let welcome = Hello { version: protocol::PROTOCOL_VERSION, chains };
                        let hello = &mut swarm.behaviour_mut().hello;
                        drop(hello.send_response(channel, codec::Reply::of(&Answer::Welcome(welcome))));
                    }
                    SwarmEvent::Behaviour(BehaviourEvent::Exchange((
                        _,
                        request_response::Event::Message {
                            message: request_response::Message::Request { request, channel, .. },
                            ..
                        },
                    ))) => {
                        let codec::Incoming::Asked(request) = request else { continue };
                        let response = match request {
                            // What it says of itself stays the same.
                            Request::Tip => Some(Response::Tip(tip)),
                            request => answer(&node, request),
                        };
                        match response {
                            Some(response) => {
                                let exchange = swarm.behaviour_mut().exchange.get_mut(0).unwrap();
                                drop(exchange.send_response(channel, codec::Reply::of(&response)));
                            }
                            None => unanswered.push(channel),
                        }
                    }
                    _ => {}
                }
            }
        });
        Self { address, peer, serving }
    }
}
