use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    Answer,
    api::{agent, read},
};

/// An answer on its way to the client, with what was asked.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Path and query of the request.
    pub path: &'a str,
    /// The node's answer, to be changed.
    pub answer: &'a mut Answer,
}

type Change = Box<dyn FnMut(Exchange<'_>) + Send>;

/// A server of HTTP/1.1 in front of a node that changes answers: the node stays honest, what the client hears is
/// not.
pub struct Proxy {
    address: SocketAddr,
    change: Arc<Mutex<Change>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy in front of a node, which changes nothing yet.
    ///
    /// # Panics
    /// If there is no port for it.
    pub fn start(node: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let change: Arc<Mutex<Change>> = Arc::new(Mutex::new(Box::new(|_| {})));
        let stopping = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (change, stopping) = (Arc::clone(&change), Arc::clone(&stopping));
            move || {
                for stream in listener.incoming() {
                    if stopping.load(Ordering::Relaxed) {
                        return;
                    }
                    // A client that goes away is none of the proxy's business.
                    drop(stream.map(|stream| serve(&stream, node, &change)));
                }
            }
        });
        Self { address, change, stopping, thread: Some(thread) }
    }

    /// Its address, such as `http://127.0.0.1:4711`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes answers from now on.
    ///
    /// # Panics
    /// If an earlier change panicked.
    pub fn change(&self, change: impl FnMut(Exchange<'_>) + Send + 'static) {
        *self.change.lock().unwrap() = Box::new(change);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes the thread, which waits for a connection.
        drop(TcpStream::connect(self.address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// One request and its answer; the connection ends with it.
fn serve(stream: &TcpStream, node: SocketAddr, change: &Mutex<Change>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream);
    let line = read_line(&mut reader)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let line = read_line(&mut reader)?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (url, agent) = (format!("http://{node}{path}"), agent(Duration::from_secs(10)));
    let answer = match method {
        "GET" => agent.get(url).call(),
        "POST" => agent.post(url).content_type("application/octet-stream").send(&body),
        _ => return None,
    };
    let mut answer = answer.and_then(read).ok()?;
    (change.lock().unwrap())(Exchange { path, answer: &mut answer });
    let Answer { status, content_type, body } = answer;
    let head = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).ok()
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    Some(line.trim_end().to_owned())
}
