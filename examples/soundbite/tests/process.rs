//! The real binary from outside: start, stop and the faults that end a process. What requests
//! get is tested through the router inside the crate.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// No wait of these tests may take longer; a service that is still there then is killed.
const LIMIT: Duration = Duration::from_secs(20);

/// A running service, killed when the test ends.
struct Service {
    child: Child,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
    /// Dropped with the service, which calls the killer off.
    _alive: Sender<()>,
}

impl Service {
    /// Starts the binary and waits for its word that it listens.
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = command(variables).spawn().unwrap();
        let alive = kill_after_limit(Pid::from_child(&child));
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let line = read_until(&mut output, "listening on ");
        let address = line.split("listening on ").nth(1).unwrap().split(',').next().unwrap();
        let address = address.parse().unwrap();
        Self { child, output, address, _alive: alive }
    }

    /// Sends a request and leaves its answer unread.
    fn send(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
        stream
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kill_after_limit(pid: Pid) -> Sender<()> {
    let (alive, ended) = channel::<()>();
    thread::spawn(move || {
        if ended.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    alive
}

fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soundbite"));
    command.env_clear().env("PORT", "0").envs(variables.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn read_until(output: &mut BufReader<ChildStdout>, words: &str) -> String {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the output ended before `{words}`");
    }
    line
}

fn read_all(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn sigterm_finishes_open_requests_and_ends_well() {
    let mut service = Service::start(&[("LATENCY_MS", "400")]);
    let open = service.send("/v1/sounds/welcome");
    // A second connection that is answered shows that the first one has been taken.
    let mut first = [0; 12];
    service.send("/health").read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");

    service.signal(Signal::TERM);
    read_until(&mut service.output, "stopping");
    let answer = read_all(open);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("Welcome to SoundBite"), "{answer}");
    let address = service.address;
    assert_eq!(service.wait().code(), Some(0));
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn sigterm_can_be_ignored_on_request() {
    let service = Service::start(&[("IGNORE_SIGTERM", "1")]);
    service.signal(Signal::TERM);
    let mut first = [0; 12];
    service.send("/health").read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    service.signal(Signal::INT);
    assert_eq!(service.wait().code(), Some(0));
}

#[test]
fn a_start_can_fail_with_a_code_and_a_reason() {
    let output = command(&[("EXIT_AT_START", "7")]).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&output.stderr).contains("EXIT_AT_START"));
}

#[test]
fn a_crash_cuts_connections_and_ends_badly() {
    let service = Service::start(&[("CRASH_AFTER_MS", "300"), ("LATENCY_MS", "60000")]);
    let mut open = service.send("/v1/sounds/welcome");
    let mut answer = Vec::new();
    let ended = open.read_to_end(&mut answer);
    assert!(ended.is_err() || answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(service.wait().code(), Some(134));
}

#[test]
fn a_taken_port_is_named() {
    let service = Service::start(&[]);
    let port = service.address.port().to_string();
    let output = command(&[("PORT", &port)]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{message}");
}

#[test]
fn unusable_settings_end_the_start_with_all_of_them_named() {
    let output = command(&[("FAIL_RATE", "often"), ("LOG_LEVEL", "loud")]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("FAIL_RATE: ") && message.contains("LOG_LEVEL: "), "{message}");
}
