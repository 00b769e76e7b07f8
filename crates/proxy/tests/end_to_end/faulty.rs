//! An application that answers as badly as it is told, and counts what reaches it. Asserts nothing.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How an application goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Answers 200 and its name.
    None,
    /// Answers 200 and its name after [`SLOW`].
    Slow,
    /// Answers 500 with a page and keeps the connection.
    ServerError,
    /// Answers 500 and announces a page that never ends.
    EndlessPage,
    /// Answers what is no HTTP.
    Garbage,
    /// Hangs up in the middle of the head.
    HalfHead,
    /// Hangs up without a byte.
    HangUp,
    /// Sends header fields for ever.
    EndlessHeaders,
    /// Sends interim responses for ever.
    InterimStorm,
    /// Switches protocols though nobody asked.
    UnaskedSwitch,
    /// Never answers.
    Silence,
    /// Announces ten bytes, sends three, and hangs up.
    HalfBody,
}

/// How long a slow application takes.
pub(crate) const SLOW: Duration = Duration::from_millis(150);

/// A running application.
pub(crate) struct Faulty {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
    server: JoinHandle<()>,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Request line and fields.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Faulty {
    pub(crate) async fn start(name: &'static str, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let connections: Arc<Mutex<usize>> = Arc::default();
        let (log, accepted) = (Arc::clone(&seen), Arc::clone(&connections));
        let server = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                *accepted.lock().unwrap() += 1;
                let log = Arc::clone(&log);
                tasks.spawn(async move {
                    while let Some(request) = read_request(&mut stream).await {
                        log.lock().unwrap().push(request);
                        if !answer(&mut stream, name, fault).await {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, seen, connections, server }
    }

    /// Everything that reached it.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests reached it.
    pub(crate) fn served(&self) -> u64 {
        self.seen.lock().unwrap().len() as u64
    }

    /// Connections that it accepted.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = bytes.split_off(end);
    while body.len() < length.unwrap_or(0) {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        body.extend_from_slice(&piece[..count]);
    }
    Some(Seen { head, body })
}

/// Answers one request; says whether the connection goes on.
async fn answer(stream: &mut TcpStream, name: &str, fault: Fault) -> bool {
    let sent = |text: String| text.into_bytes();
    if fault == Fault::Slow {
        sleep(SLOW).await;
    }
    let bytes = match fault {
        Fault::None | Fault::Slow => {
            sent(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len()))
        }
        Fault::ServerError => sent(format!(
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: {}\r\n\r\n{name}",
            name.len()
        )),
        Fault::EndlessPage => {
            sent("HTTP/1.1 500 Oh\r\ncontent-length: 99999999\r\n\r\npage".to_owned())
        }
        Fault::Garbage => sent("\u{1}\u{2}\u{3} what? \r\n\r\n".to_owned()),
        Fault::HalfHead => sent("HTTP/1.1 200 OK\r\ncontent-le".to_owned()),
        Fault::HalfBody => sent("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_owned()),
        Fault::UnaskedSwitch => sent(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
                .to_owned(),
        ),
        Fault::HangUp => return false,
        Fault::Silence => std::future::pending().await,
        Fault::EndlessHeaders => {
            return flood(stream, "HTTP/1.1 200 OK\r\n", "x-more: and more and more\r\n").await;
        }
        Fault::InterimStorm => {
            return flood(stream, "", "HTTP/1.1 102 Processing\r\n\r\n").await;
        }
    };
    if stream.write_all(&bytes).await.is_err() {
        return false;
    }
    if fault == Fault::EndlessPage {
        return flood(stream, "", "and more and more and more\n").await;
    }
    matches!(fault, Fault::None | Fault::Slow | Fault::ServerError)
}

/// Sends `first`, then `more` until the other side hangs up.
async fn flood(stream: &mut TcpStream, first: &str, more: &str) -> bool {
    let mut sent = stream.write_all(first.as_bytes()).await;
    let lines = more.repeat(50);
    while sent.is_ok() {
        sleep(Duration::from_millis(1)).await;
        sent = stream.write_all(lines.as_bytes()).await;
    }
    false
}
