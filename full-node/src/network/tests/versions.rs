//! Peers of another version: both sides part in words, and neither blames the other.

use std::io;

use libp2p::{
    SwarmBuilder,
    futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    noise, tcp, yamux,
};

use super::*;

/// Moves bytes as they are.
#[derive(Clone, Default)]
struct Raw;

#[async_trait::async_trait]
impl request_response::Codec for Raw {
    type Protocol = libp2p::StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &Self::Protocol, stream: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(stream).await
    }

    async fn read_response<T>(&mut self, _: &Self::Protocol, stream: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(stream).await
    }

    async fn write_request<T>(&mut self, _: &Self::Protocol, stream: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        stream.write_all(&bytes).await?;
        stream.close().await
    }

    async fn write_response<T>(
        &mut self,
        _: &Self::Protocol,
        stream: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        stream.write_all(&bytes).await?;
        stream.close().await
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(10_000).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// A node of version 99, of which this version knows nothing but its greeting.
fn from_the_future() -> Swarm<request_response::Behaviour<Raw>> {
    let both = [(protocol::HELLO, request_response::ProtocolSupport::Full)];
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| request_response::Behaviour::new(both, request_response::Config::default()))
        .unwrap()
        .build()
}

/// Its bytes on the wire, after four bytes of their length.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_le_bytes(), bytes].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_another_version_is_refused_in_words_and_without_points() {
    let member = Member::start(&spec("versions"), &[0, 1, 2, 3], &[]).await;
    let status = member.network.status();
    let greeting = framed(&[&99_u16.to_le_bytes()[..], &[0xFF; 900]].concat());
    let mut swarm = from_the_future();
    let peer = *swarm.local_peer_id();
    let answer = framed(&[1, 0, 2, 0]);
    assert_eq!(protocol::PROTOCOL_VERSION, 2);
    // Far more often than garbage would be forgiven.
    for _ in 0..4 {
        swarm.dial(DialOpts::from(member.address("tcp"))).unwrap();
        let answered = loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                    swarm.behaviour_mut().send_request(&peer_id, greeting.clone());
                }
                SwarmEvent::Behaviour(request_response::Event::Message {
                    message: request_response::Message::Response { response, .. },
                    ..
                }) => break response,
                SwarmEvent::OutgoingConnectionError { error, .. } => panic!("{error}"),
                SwarmEvent::Behaviour(request_response::Event::OutboundFailure { error, .. }) => {
                    panic!("{error}")
                }
                _ => {}
            }
        };
        assert_eq!(answered, answer);
        until("its points are shown", || {
            status.borrow().peers.iter().any(|shown| shown.peer == peer && shown.points == 0)
        })
        .await;
        while !matches!(swarm.select_next_some().await, SwarmEvent::ConnectionClosed { .. }) {}
    }
    assert_eq!(status.borrow().bans, 0);
    let words = "it speaks version 99 of the protocol between nodes, this node 2";
    assert!(member.refusals().iter().any(|said| said.contains(words)), "{:?}", member.refusals());
    member.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_greeted_in_another_version_refuses_in_words_and_gets_no_points() {
    for answer in [&[1, 0, 99, 0][..], &[0, 99, 0, 7, 7, 7, 7, 7]] {
        let mut swarm = from_the_future();
        let peer = *swarm.local_peer_id();
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address.with_p2p(peer).unwrap();
            }
        };
        let answering = tokio::spawn(async move {
            loop {
                if let SwarmEvent::Behaviour(request_response::Event::Message {
                    message: request_response::Message::Request { request, channel, .. },
                    ..
                }) = swarm.select_next_some().await
                {
                    assert_eq!(request[4..6], [2, 0], "a greeting begins with its version");
                    swarm.behaviour_mut().send_response(channel, framed(answer)).unwrap();
                }
            }
        });
        let member = Member::start(&spec("versions"), &[0, 1, 2, 3], &[address]).await;
        until("words", || !member.refusals().is_empty()).await;
        let words = &member.refusals()[0];
        assert!(words.starts_with("it speaks version 99 of the protocol between nodes"), "{words}");
        let status = member.network.status().borrow().clone();
        assert_eq!(status.bans, 0);
        assert!(status.peers.iter().all(|shown| shown.points == 0), "{:?}", status.peers);
        answering.abort();
        member.stop().await;
    }
}
