//! Very many who follow one stream of events, in one thread. Owns which events each of them has; understands
//! nothing else of what they are sent.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

/// Bytes that are read of one at once.
const AT_ONCE: usize = 256 * 1024;
/// As much of a line as says what it is: `event: resync`, or `id: ` and a number.
const TOLD: usize = 32;
/// How long a head may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// One who follows.
struct Follower {
    stream: TcpStream,
    /// The beginning of the line that is being read.
    line: Vec<u8>,
    is_answered: bool,
    /// Whether the message that is being read is a state.
    is_state: bool,
    seen: Seen,
    bytes: u64,
}

/// Events that one has.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// One bit for each event from `base` on.
    one_by_one: Vec<u64>,
    base: u64,
    /// All up to this one, because they got the state after it.
    state: u64,
    states: u64,
    last: u64,
}

impl Seen {
    /// Whether it has the event, or a state that it led to.
    pub(super) fn has(&self, event: u64) -> bool {
        let is_one = |at: u64| {
            let word = usize::try_from(at / 64).ok().and_then(|word| self.one_by_one.get(word));
            word.is_some_and(|word| word >> (at % 64) & 1 == 1)
        };
        event <= self.state || event.checked_sub(self.base).is_some_and(is_one)
    }

    fn note(&mut self, event: u64) {
        if self.one_by_one.is_empty() {
            self.base = event;
        }
        let Some(at) = event.checked_sub(self.base) else { return };
        let Ok(word) = usize::try_from(at / 64) else { return };
        if self.one_by_one.len() <= word {
            self.one_by_one.resize(word + 1, 0);
        }
        self.one_by_one[word] |= 1 << (at % 64);
    }

    /// How often the state came instead of events.
    pub(super) fn states(&self) -> u64 {
        self.states
    }
}

/// All of them.
pub(super) struct Followers {
    all: Vec<Follower>,
    poll: OwnedFd,
    buffer: Vec<u8>,
}

impl Followers {
    /// Connects as many; `after` is what each has already, none of whoever comes for the first time.
    pub(super) fn connect(
        address: SocketAddr,
        token: &str,
        before: &[Seen],
        count: usize,
    ) -> Result<Self> {
        let mut all = Vec::with_capacity(count);
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for number in 0..count {
            let mut stream = TcpStream::connect(address).with_context(|| {
                format!("connection {number}: see `ulimit -n` here and of the server")
            })?;
            let seen = before.get(number).cloned().unwrap_or_default();
            let has = if seen.last > 0 {
                format!("Last-Event-ID: {}\r\n", seen.last)
            } else {
                String::new()
            };
            let request = format!(
                "GET /v1/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{has}\r\n"
            );
            stream.write_all(request.as_bytes())?;
            stream.set_nonblocking(true)?;
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&poll, &stream, data, epoll::EventFlags::IN)?;
            let line = Vec::with_capacity(TOLD);
            all.push(Follower {
                stream,
                line,
                is_answered: false,
                is_state: false,
                seen,
                bytes: 0,
            });
        }
        let mut followers = Self { all, poll, buffer: vec![0; AT_ONCE] };
        let began = Instant::now();
        while followers.all.iter().any(|one| !one.is_answered) {
            ensure!(
                began.elapsed() < ANSWER_LIMIT,
                "some are not answered within {ANSWER_LIMIT:?}"
            );
            followers.turn(Duration::from_millis(100))?;
        }
        Ok(followers)
    }

    /// Reads whatever came, and waits for something no longer than this.
    pub(super) fn turn(&mut self, pause: Duration) -> Result<()> {
        let mut events = Vec::with_capacity(1024);
        let pause = Timespec::try_from(pause)?;
        match epoll::wait(&self.poll, spare_capacity(&mut events), Some(&pause)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let number = usize::try_from(event.data.u64())?;
            self.all[number]
                .read(&mut self.buffer)
                .with_context(|| format!("follower {number}"))?;
        }
        Ok(())
    }

    /// What each has.
    pub(super) fn seen(&self) -> impl Iterator<Item = &Seen> {
        self.all.iter().map(|one| &one.seen)
    }

    /// Bytes that all of them were sent.
    pub(super) fn bytes(&self) -> u64 {
        self.all.iter().map(|one| one.bytes).sum()
    }
}

impl Follower {
    fn read(&mut self, buffer: &mut [u8]) -> Result<()> {
        match self.stream.read(buffer) {
            Ok(0) => bail!("the stream has ended"),
            Ok(count) => {
                self.bytes += count as u64;
                self.take(&buffer[..count])
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Lines of a message never share one with the sizes of chunks: a message ends with an empty line.
    fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.keep(&bytes[..end]);
            self.line_ended()?;
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = TOLD - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn line_ended(&mut self) -> Result<()> {
        if !self.is_answered {
            let is_head = self.line.starts_with(b"HTTP/1.1 ");
            if is_head && !self.line.starts_with(b"HTTP/1.1 200") {
                bail!("it was answered {}", String::from_utf8_lossy(&self.line));
            }
            self.is_answered = self.line == b"\r";
        } else if let Some(name) = self.line.strip_prefix(b"event: ") {
            self.is_state = name == b"resync";
        } else if let Some(id) = self.line.strip_prefix(b"id: ") {
            let id: u64 = std::str::from_utf8(id)?.parse().context("an id is a number")?;
            self.seen.last = self.seen.last.max(id);
            if self.is_state {
                self.seen.state = self.seen.state.max(id);
                self.seen.states += 1;
            } else {
                self.seen.note(id);
            }
        }
        self.line.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn what_came_is_known_wherever_it_was_cut() {
        let said = b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n5\r\nretry: 2\n\n\r\n20\r\nevent: journal\nid: 7\ndata: {}\n\n\r\n\
            event: resync\nid: 9\ndata: {\"id: 3\"}\n\n\r\nevent: journal\nid: 11\ndata: {}\n\n\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for cut in 0..said.len() {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            // Few may wait to be accepted.
            let _other_end = listener.accept().unwrap();
            let mut one = Follower {
                stream,
                line: Vec::new(),
                is_answered: false,
                is_state: false,
                seen: Seen::default(),
                bytes: 0,
            };
            one.take(&said[..cut]).unwrap();
            one.take(&said[cut..]).unwrap();
            assert!(one.is_answered, "cut at {cut}");
            let has = [7, 8, 9, 10, 11].map(|event| one.seen.has(event));
            assert_eq!(has, [true, true, true, false, true], "cut at {cut}");
            assert_eq!((one.seen.states(), one.seen.last), (1, 11));
        }
    }
}
