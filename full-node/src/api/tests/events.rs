//! The stream of events, and everything that needs a real socket.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use light_client::data_format::Network;
use serde_json::json;
use tokio::task::spawn_blocking;
use tungstenite::{Message, WebSocket, stream::MaybeTlsStream};

use super::*;
use crate::api::{ListenError, ask_status, limits::MAX_WATCHED, listen, serve};

/// Serves on a free port.
async fn on_a_socket(server: &Server) -> (SocketAddr, JoinHandle<()>) {
    let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(serve(listener, server.router.clone(), server.stopping.subscribe())))
}

type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

fn open(address: SocketAddr) -> Socket {
    let (socket, _) = tungstenite::connect(format!("ws://{address}/v1/events")).unwrap();
    if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    }
    socket
}

/// Reads messages until one has this type.
fn next(socket: &mut Socket, kind: &str) -> Value {
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            let message: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(super::numbers::faults(&message), Vec::<String>::new(), "{message}");
            if message["type"] == kind {
                return message;
            }
        }
    }
}

fn say(socket: &mut Socket, message: impl Into<Message>) {
    socket.send(message.into()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_finality_and_watched_accounts_arrive() {
    let server = Server::start().await;
    let (address, serving) = on_a_socket(&server).await;
    let key = server.funded(2);
    let watched = server.address(&key).to_string();
    let mut socket = spawn_blocking(move || {
        let mut socket = open(address);
        next(&mut socket, "block");
        say(&mut socket, json!({ "watch": [watched] }).to_string());
        assert_eq!(next(&mut socket, "watching")["addresses"], 1);
        socket
    })
    .await
    .unwrap();
    let signed = server.sign(server.transfer(&key, 0, 5), &key);
    assert_eq!(server.submit(&signed).await.status, StatusCode::ACCEPTED);
    let own = server.address(&key).to_string();
    let socket = spawn_blocking(move || {
        let pending = next(&mut socket, "account");
        assert_eq!((&pending["address"], &pending["cause"]), (&own.as_str().into(), &"pending".into()));
        let in_block = next(&mut socket, "account");
        assert_eq!((&in_block["address"], &in_block["cause"]), (&own.as_str().into(), &"block".into()));
        let block = next(&mut socket, "block");
        assert!(
            block["height"].as_u64().unwrap() > 0 && block["id"].as_str().unwrap().len() == 64,
            "{block}"
        );
        let last = next(&mut socket, "final");
        assert!(last["round"].is_u64() && last["height"].is_u64(), "{last}");
        socket
    })
    .await
    .unwrap();
    server.stopping.send(true).unwrap();
    let closed = spawn_blocking(move || {
        let mut socket = socket;
        loop {
            match socket.read() {
                Ok(Message::Close(frame)) => return frame.unwrap().code,
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    assert_eq!(u16::from(closed.await.unwrap()), 1001, "the node says that it goes away");
    serving.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_wishes_are_refused_in_words() {
    let server = Server::start().await;
    let (address, _serving) = on_a_socket(&server).await;
    let someone = Address::of(&server.funded(0).public(), Network::Test).to_string();
    spawn_blocking(move || {
        let mut socket = open(address);
        for wish in ["", "{", "[]", r#"{"watch":"x"}"#, r#"{"watch":["x"]}"#, r#"{"watch":[],"more":1}"#] {
            say(&mut socket, wish);
            assert_eq!(next(&mut socket, "problem")["code"], "malformed", "{wish}");
        }
        say(&mut socket, vec![1_u8, 2, 3]);
        assert_eq!(next(&mut socket, "problem")["code"], "malformed");
        say(&mut socket, json!({ "watch": vec![&someone; MAX_WATCHED + 1] }).to_string());
        assert_eq!(next(&mut socket, "problem")["code"], "too_large");
        say(&mut socket, json!({ "watch": vec![&someone; MAX_WATCHED] }).to_string());
        assert_eq!(next(&mut socket, "watching")["addresses"], 1, "the same address counts once");
        // A message over the bound ends the connection; the server goes on.
        say(&mut socket, "x".repeat(100_000));
        let ended = (0..1_000).find_map(|_| socket.read().err());
        assert!(ended.is_some(), "the connection is closed");
        next(&mut open(address), "block");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_socket_answers_and_survives_rubbish() {
    let server = Server::start().await;
    let (address, serving) = on_a_socket(&server).await;
    let said = spawn_blocking(move || {
        let raw = |bytes: &[u8]| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            // The server may hang up while we still write.
            let _ = stream.write_all(bytes);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            String::from_utf8_lossy(&answer).into_owned()
        };
        assert!(raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").starts_with("HTTP/1.1 400"), "TLS");
        assert!(raw(b"GET / HTTP/9.9\r\n\r\n").starts_with("HTTP/1.1 4"));
        let endless = [b"GET /v1/status HTTP/1.1\r\nx: ".to_vec(), vec![b'y'; 1 << 20]].concat();
        assert!(raw(&endless).starts_with("HTTP/1.1 431"));
        let short = b"POST /v1/faucet HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 999999\r\n\r\n{";
        assert!(raw(&[&short[..], b""].concat()).contains("too_large"));
        let whole = raw(b"GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        assert!(whole.starts_with("HTTP/1.1 200"), "{whole}");
        ask_status(&format!("http://{address}/"), false, now()).unwrap()
    })
    .await
    .unwrap();
    assert!(said.contains(&server.node.chain().to_string()) && said.contains("final"), "{said}");
    assert!(matches!(listen(address).await, Err(ListenError::InUse(_))), "the port is taken");
    server.stopping.send(true).unwrap();
    serving.await.unwrap();
    let gone = spawn_blocking(move || ask_status(&format!("http://{address}"), true, now())).await.unwrap();
    assert!(gone.unwrap_err().to_string().contains("no node answers"));
}
