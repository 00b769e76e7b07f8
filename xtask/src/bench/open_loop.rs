//! The open loop: requests come when they come, whether or not earlier ones were answered, and
//! waiting counts from the moment a request was due. One thread, kept-alive connections. Finds no
//! limit: a rate that cannot be held is an error.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Connections at most in use at once; at the rates measured a handful are.
const CONNECTIONS: usize = 128;
/// Requests that are due and wait for a connection; with more the rate is not held.
const MAX_WAITING: usize = 100_000;
/// At the beginning, not counted: connections come up and caches fill.
const WARM_UP: Duration = Duration::from_millis(300);
/// Longest answer, in bytes.
const MAX_ANSWER_BYTES: usize = 4096;
/// What is asked.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
/// What says how long an answer's body is.
const LENGTH_FIELD: &str = "content-length:";

/// One kept-alive connection.
struct Line {
    stream: TcpStream,
    /// When the request that is under way was due.
    due: Option<Duration>,
    answer: [u8; MAX_ANSWER_BYTES],
    filled: usize,
}

/// Asks `address` at `rate` requests per second on average, at random distances (exponential, as
/// independent visitors come), for `time`, and returns the 99th percentile of how long visitors
/// waited, in milliseconds, from when a request was due to the end of its answer.
///
/// # Errors
/// When the rate cannot be held, or a request is not answered with success.
pub(super) fn p99_milliseconds(address: SocketAddr, rate: f64, time: Duration) -> Result<f64> {
    let mut lines = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        lines.push(Line::open(address)?);
    }
    let mut idle: Vec<usize> = (0..CONNECTIONS).collect();
    let mut waiting = VecDeque::new();
    let mut arrivals = Arrivals::new(rate);
    let mut waits = Vec::new();
    let start = Instant::now();
    let end = WARM_UP + time;
    loop {
        let now = start.elapsed();
        while arrivals.next <= now && arrivals.next < end {
            waiting.push_back(arrivals.next);
            arrivals.advance();
        }
        ensure!(waiting.len() < MAX_WAITING, "{rate:.0} requests/s are not held");
        while let Some(index) = idle.last().copied().filter(|_| !waiting.is_empty()) {
            lines[index].send(waiting.pop_front().context("one is waiting")?)?;
            idle.pop();
        }
        if now >= end && idle.len() == CONNECTIONS {
            break;
        }
        ensure!(now < end * 2, "answers are missing at the end");
        let pause = arrivals.next.saturating_sub(start.elapsed()).min(Duration::from_millis(10));
        for index in readable(&lines, pause)? {
            if let Some(due) = lines[index].receive()? {
                if due >= WARM_UP {
                    waits.push((start.elapsed().saturating_sub(due)).as_secs_f64() * 1000.0);
                }
                idle.push(index);
            }
        }
    }
    percentile_99(waits)
}

/// The connections that something came on, within `pause`.
fn readable(lines: &[Line], pause: Duration) -> Result<Vec<usize>> {
    let busy: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].due.is_some()).collect();
    let mut polled: Vec<PollFd<'_>> =
        busy.iter().map(|index| PollFd::new(&lines[*index].stream, PollFlags::IN)).collect();
    let pause = Timespec::try_from(pause)?;
    match poll(&mut polled, Some(&pause)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let ready = busy.iter().zip(&polled).filter(|(_, polled)| !polled.revents().is_empty());
    Ok(ready.map(|(index, _)| *index).collect())
}

fn percentile_99(mut waits: Vec<f64>) -> Result<f64> {
    ensure!(waits.len() >= 1000, "{} requests are too few for a percentile", waits.len());
    waits.sort_by(f64::total_cmp);
    Ok(waits[(waits.len() - 1) * 99 / 100])
}

impl Line {
    fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, due: None, answer: [0; MAX_ANSWER_BYTES], filled: 0 })
    }

    fn send(&mut self, due: Duration) -> Result<()> {
        self.due = Some(due);
        self.filled = 0;
        // So few bytes always fit into an idle connection.
        Ok(self.stream.write_all(REQUEST)?)
    }

    /// When the request was due whose answer is whole now.
    fn receive(&mut self) -> Result<Option<Duration>> {
        match self.stream.read(&mut self.answer[self.filled..]) {
            Ok(0) => bail!("an answer was cut short or is longer than {MAX_ANSWER_BYTES} bytes"),
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let answer = &self.answer[..self.filled];
        match whole_length(answer)? {
            Some(length) if length <= answer.len() => Ok(self.due.take()),
            _ => Ok(None),
        }
    }
}

/// How long the answer is that begins here, once its head is whole.
fn whole_length(answer: &[u8]) -> Result<Option<usize>> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&answer[..head])?;
    ensure!(text.starts_with("HTTP/1.1 200"), "a request was answered {text:?}");
    let named = |line: &&str| {
        line.get(..LENGTH_FIELD.len()).is_some_and(|n| n.eq_ignore_ascii_case(LENGTH_FIELD))
    };
    let line = text.lines().find(named).context("an answer of unknown length")?;
    let length: usize = line[LENGTH_FIELD.len()..].trim().parse()?;
    Ok(Some(head + 4 + length))
}

/// When requests are due, from one fixed seed: every contender meets the same visitors.
struct Arrivals {
    next: Duration,
    mean: f64,
    state: u64,
}

impl Arrivals {
    fn new(rate: f64) -> Self {
        let mut arrivals =
            Self { next: Duration::ZERO, mean: 1.0 / rate, state: 0x9E37_79B9_7F4A_7C15 };
        arrivals.advance();
        arrivals
    }

    fn advance(&mut self) {
        // xorshift64 (Marsaglia 2003): plenty for spacing requests.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let share = f64::from(u32::try_from(self.state >> 32).unwrap_or(u32::MAX));
        let uniform = (share + 1.0) / (f64::from(u32::MAX) + 2.0);
        self.next += Duration::from_secs_f64(-uniform.ln() * self.mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_at_the_rate_that_was_asked_for() {
        let mut arrivals = Arrivals::new(1000.0);
        for _ in 0..100_000 {
            arrivals.advance();
        }
        let seconds = arrivals.next.as_secs_f64();
        assert!((99.0..101.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn an_answer_is_whole_when_its_last_byte_came() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-length: 3\r\n\r\nabc";
        assert_eq!(whole_length(&answer[..20]).unwrap(), None);
        assert_eq!(whole_length(answer).unwrap(), Some(answer.len()));
        assert!(whole_length(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n").is_err());
    }

    #[test]
    fn percentiles_need_enough_requests() {
        assert!(percentile_99(vec![1.0; 999]).is_err());
        let found = percentile_99((0..=1000).map(f64::from).collect()).unwrap();
        assert!((found - 990.0).abs() < 1e-9, "{found}");
    }
}
